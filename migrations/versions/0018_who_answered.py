"""What answered each message (model, content, code), and what an erasure was of"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

COLUMNS = {"outbox": ("by_model", "by_content", "by_code"), "erasures": ("subject",)}


def upgrade() -> None:
    for table, names in COLUMNS.items():
        for name in names:
            op.add_column(table, sa.Column(name, sa.String(length=64), nullable=True))


def downgrade() -> None:
    # Not as a batch: to make `outbox` again would take what hangs on it along.
    for table, names in COLUMNS.items():
        for name in names:
            op.drop_column(table, name)
