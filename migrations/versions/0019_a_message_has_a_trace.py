"""What log lines and traces call a message"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.add_column("inbox", sa.Column("trace", sa.String(length=32), nullable=True))


def downgrade() -> None:
    op.drop_column("inbox", "trace")
