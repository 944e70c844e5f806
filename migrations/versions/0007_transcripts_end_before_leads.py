"""Transcripts are masked, and erased before their leads; exports find their rows in order"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

NOT_MASKED = sa.text("masked IS NULL AND kind = 'text'")


def upgrade() -> None:
    op.add_column("inbox", sa.Column("masked", sa.Text(), nullable=True))
    op.create_index(
        "ix_inbox_not_masked",
        "inbox",
        ["at"],
        sqlite_where=NOT_MASKED,
        postgresql_where=NOT_MASKED,
    )
    op.add_column("conversations", sa.Column("transcript_erased_at", sa.DateTime(), nullable=True))
    op.create_index("ix_conversations_last_at", "conversations", ["last_at"])
    # In which order exports read.
    op.create_index("ix_leads_created_at_id", "leads", ["created_at", "id"])
    op.create_index("ix_cases_opened_at_conversation_id", "cases", ["opened_at", "conversation_id"])


def downgrade() -> None:
    op.drop_index("ix_cases_opened_at_conversation_id", "cases")
    op.drop_index("ix_leads_created_at_id", "leads")
    op.drop_index("ix_conversations_last_at", "conversations")
    with op.batch_alter_table("conversations", schema=None) as batch_op:
        batch_op.drop_column("transcript_erased_at")
    op.drop_index("ix_inbox_not_masked", "inbox")
    with op.batch_alter_table("inbox", schema=None) as batch_op:
        batch_op.drop_column("masked")
