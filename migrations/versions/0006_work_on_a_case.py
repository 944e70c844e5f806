"""What working on a case needs: merging that can be undone, follow-ups that came due"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("cases", sa.Column("before_merge", sa.JSON(), nullable=True))
    op.add_column("cases", sa.Column("resurfaced_at", sa.DateTime(), nullable=True))
    op.add_column("cases", sa.Column("changed_by", sa.String(length=36), nullable=True))
    op.add_column("case_tags", sa.Column("merged_from", sa.String(length=64), nullable=True))


def downgrade() -> None:
    op.drop_column("case_tags", "merged_from")
    op.drop_column("cases", "changed_by")
    op.drop_column("cases", "resurfaced_at")
    op.drop_column("cases", "before_merge")
