"""A result has a page of its own"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    with op.batch_alter_table("assessments", schema=None) as batch_op:
        batch_op.add_column(sa.Column("page_id", sa.String(length=32), nullable=True))
        batch_op.add_column(sa.Column("page_until", sa.DateTime(), nullable=True))
        batch_op.create_unique_constraint(batch_op.f("uq_assessments_page_id"), ["page_id"])


def downgrade() -> None:
    with op.batch_alter_table("assessments", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("uq_assessments_page_id"), type_="unique")
        batch_op.drop_column("page_until")
        batch_op.drop_column("page_id")
