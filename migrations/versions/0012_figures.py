"""What happened in a conversation, counted by day: what figures add up"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

INDEXED = ["what", "day", "value", "language", "channel", "times", "conversation_id"]

BEHIND = sa.text("position < 0")


def upgrade() -> None:
    op.create_table(
        "case_days",
        sa.Column("conversation_id", sa.String(length=64), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("what", sa.String(length=16), nullable=False),
        sa.Column("value", sa.String(length=64), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversations.id"],
            name=op.f("fk_case_days_conversation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "conversation_id", "day", "what", "value", name=op.f("pk_case_days")
        ),
    )
    op.create_index("ix_case_days_figures", "case_days", INDEXED, unique=False)
    op.create_index(
        "ix_cases_behind", "cases", ["position"], sqlite_where=BEHIND, postgresql_where=BEHIND
    )
    # Cases are behind what there is now: the projector makes them again, with their days.
    op.execute("UPDATE cases SET position = -1")


def downgrade() -> None:
    op.drop_index("ix_cases_behind", "cases")
    op.drop_index("ix_case_days_figures", "case_days")
    op.drop_table("case_days")
