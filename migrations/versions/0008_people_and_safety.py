"""One-time passwords, a second factor, people known to a provider; a harder audit log"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

REFUSE = "the audit log is only ever added to"
# INSERT OR REPLACE deletes without a trigger of DELETE being asked.
SQLITE_NO_REPLACE = f"""
CREATE TRIGGER audit_no_replace BEFORE INSERT ON audit
WHEN NEW.number <> (SELECT COALESCE(MAX(number), 0) + 1 FROM audit)
  OR EXISTS (SELECT 1 FROM audit WHERE hash = NEW.hash)
BEGIN SELECT RAISE(ABORT, '{REFUSE}'); END
"""
POSTGRESQL_NO_TRUNCATE = """
CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit
FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit()
"""


def upgrade() -> None:
    # None of this makes the table again: on SQLite, sessions and owners would go with the old one.
    op.add_column("staff", sa.Column("totp_pending", sa.Text(), nullable=True))
    op.add_column("staff", sa.Column("one_time_until", sa.DateTime(), nullable=True))
    op.add_column("staff", sa.Column("provider", sa.String(length=255), nullable=True))
    op.add_column("staff", sa.Column("provider_subject", sa.String(length=255), nullable=True))
    op.create_index(
        op.f("ix_staff_provider_provider_subject"),
        "staff",
        ["provider", "provider_subject"],
        unique=True,
    )
    op.create_table(
        "staff_sign_ins",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("staff_id", sa.String(length=36), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_staff_sign_ins_staff_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_sign_ins")),
    )
    with op.batch_alter_table("staff_sign_ins", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_staff_sign_ins_staff_id"), ["staff_id"], unique=False)
    op.create_table(
        "staff_recovery_codes",
        sa.Column("staff_id", sa.String(length=36), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["staff_id"],
            ["staff.id"],
            name=op.f("fk_staff_recovery_codes_staff_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("staff_id", "hash", name=op.f("pk_staff_recovery_codes")),
    )
    on_sqlite = op.get_bind().dialect.name == "sqlite"
    op.execute(SQLITE_NO_REPLACE if on_sqlite else POSTGRESQL_NO_TRUNCATE)


def downgrade() -> None:
    on_sqlite = op.get_bind().dialect.name == "sqlite"
    op.execute(
        "DROP TRIGGER audit_no_replace" if on_sqlite else "DROP TRIGGER audit_no_truncate ON audit"
    )
    op.drop_table("staff_recovery_codes")
    with op.batch_alter_table("staff_sign_ins", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_staff_sign_ins_staff_id"))
    op.drop_table("staff_sign_ins")
    op.drop_index(op.f("ix_staff_provider_provider_subject"), "staff")
    for name in ("provider_subject", "provider", "one_time_until", "totp_pending"):
        op.drop_column("staff", name)
