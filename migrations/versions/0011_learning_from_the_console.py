"""What visitors say of answers, what became of each answer, what staff decided to learn"""

import sqlalchemy as sa
from alembic import op

from mobilis.likeness import key_of

revision = "0011"
down_revision = "0010"

AT_ONCE = 1000


def upgrade() -> None:
    op.create_table(
        "ratings",
        sa.Column("conversation_id", sa.String(length=64), nullable=False),
        sa.Column("message_id", sa.String(length=64), nullable=False),
        sa.Column("helpful", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        _of_conversation("ratings"),
        sa.ForeignKeyConstraint(
            ["message_id"], ["outbox.id"], name=op.f("fk_ratings_message_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("conversation_id", "message_id", name=op.f("pk_ratings")),
    )
    op.create_index(op.f("ix_ratings_message_id"), "ratings", ["message_id"])
    op.create_table(
        "answer_uses",
        sa.Column("conversation_id", sa.String(length=64), nullable=False),
        sa.Column("message_id", sa.String(length=64), nullable=False),
        sa.Column("faq", sa.String(length=64), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("followed_by", sa.String(length=16), nullable=True),
        _of_conversation("answer_uses"),
        sa.PrimaryKeyConstraint("conversation_id", "message_id", name=op.f("pk_answer_uses")),
    )
    op.create_index(
        op.f("ix_answer_uses_at_faq_language_followed_by"),
        "answer_uses",
        ["at", "faq", "language", "followed_by"],
    )
    op.create_table(
        "missed_decisions",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("label", sa.String(length=64), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("staff_id", sa.String(length=36), nullable=True),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("batch", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["staff_id"],
            ["staff.id"],
            name=op.f("fk_missed_decisions_staff_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_missed_decisions")),
    )
    op.create_index(op.f("ix_missed_decisions_batch"), "missed_decisions", ["batch"])
    _give_keys()


def _of_conversation(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["conversation_id"],
        ["conversations.id"],
        name=op.f(f"fk_{table}_conversation_id"),
        ondelete="CASCADE",
    )


def _give_keys() -> None:
    """The key of each text that is there already."""
    op.add_column("unhandled", sa.Column("key", sa.String(length=64), nullable=True))
    names = ("id", "language", "question", "text", "key")
    unhandled = sa.table("unhandled", *(sa.column(name) for name in names))
    bind, last = op.get_bind(), ""
    query = sa.select(unhandled).order_by(unhandled.c.id).limit(AT_ONCE)
    while rows := bind.execute(query.where(unhandled.c.id > last)).all():
        for row in rows:
            key = key_of(row.language, row.question, row.text)
            bind.execute(sa.update(unhandled).where(unhandled.c.id == row.id).values(key=key))
        last = rows[-1].id
    with op.batch_alter_table("unhandled", schema=None) as batch_op:
        batch_op.alter_column("key", existing_type=sa.String(length=64), nullable=False)
        batch_op.create_index(batch_op.f("ix_unhandled_key"), ["key"])
        batch_op.create_index(batch_op.f("ix_unhandled_created_at_id"), ["created_at", "id"])


def downgrade() -> None:
    with op.batch_alter_table("unhandled", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_unhandled_created_at_id"))
        batch_op.drop_index(batch_op.f("ix_unhandled_key"))
        batch_op.drop_column("key")
    op.drop_index(op.f("ix_missed_decisions_batch"), "missed_decisions")
    op.drop_table("missed_decisions")
    op.drop_index(op.f("ix_answer_uses_at_faq_language_followed_by"), "answer_uses")
    op.drop_table("answer_uses")
    op.drop_index(op.f("ix_ratings_message_id"), "ratings")
    op.drop_table("ratings")
