"""What staff are told on Slack or Teams, and where"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0015"


def upgrade() -> None:
    op.create_table(
        "announcement_targets",
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("target", sa.String(length=512), nullable=False),
        sa.Column("since", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("channel", "target", name=op.f("pk_announcement_targets")),
    )
    op.create_table(
        "announcements",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("conversation_id", sa.String(length=64), nullable=True),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("cause", sa.String(length=128), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("target", sa.String(length=512), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("due_at", sa.DateTime(), nullable=False),
        sa.Column("remote_id", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("shown_owner", sa.String(length=36), nullable=False),
        sa.Column("shown_status", sa.String(length=16), nullable=False),
        sa.Column("claimed_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversations.id"],
            name=op.f("fk_announcements_conversation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_announcements")),
        sa.UniqueConstraint("id", name=op.f("uq_announcements_id")),
        sa.UniqueConstraint(
            "channel",
            "target",
            "kind",
            "cause",
            name=op.f("uq_announcements_channel_target_kind_cause"),
        ),
    )
    op.create_index(op.f("ix_announcements_conversation_id"), "announcements", ["conversation_id"])
    op.create_index(
        op.f("ix_announcements_channel_target_state_created_at"),
        "announcements",
        ["channel", "target", "state", "created_at"],
    )


def downgrade() -> None:
    op.drop_table("announcements")
    op.drop_table("announcement_targets")
