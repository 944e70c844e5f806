"""A person of staff takes over from the assistant, and hands back"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

HELD = sa.text("held_since IS NOT NULL")
COLUMNS = {
    "held_by": sa.String(length=36),
    "held_since": sa.DateTime(),
    "held_seen_at": sa.DateTime(),
}


def upgrade() -> None:
    for name, kind in COLUMNS.items():
        op.add_column("conversations", sa.Column(name, kind, nullable=True))
    op.create_index(
        "ix_conversations_held",
        "conversations",
        ["held_since"],
        sqlite_where=HELD,
        postgresql_where=HELD,
    )
    op.add_column("cases", sa.Column("last_answer_at", sa.DateTime(), nullable=True))
    op.execute("UPDATE cases SET last_answer_at = answered_at")


def downgrade() -> None:
    op.drop_column("cases", "last_answer_at")
    op.drop_index("ix_conversations_held", "conversations")
    for name in COLUMNS:
        op.drop_column("conversations", name)
