"""What a message that was not understood turned out to mean"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    with op.batch_alter_table("unhandled", schema=None) as batch_op:
        batch_op.add_column(sa.Column("question", sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column("followed_by", sa.String(length=64), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("unhandled", schema=None) as batch_op:
        batch_op.drop_column("followed_by")
        batch_op.drop_column("question")
