"""The queue: what a search looks into, and the indexes that keep it fast"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

FILTERED = (
    *("conversation_id", "number", "status", "owner_id", "messages", "language", "channel", "band"),
    *("person_at", "not_understood", "follow_up_at", "waiting_since", "merged_into"),
)
REPLACED = {  # by the two of the queue
    "ix_cases_status_priority_last_at": ["status", "priority", "last_at"],
    "ix_cases_status_last_at": ["status", "last_at"],
    "ix_cases_last_at": ["last_at"],
    "ix_cases_band": ["band"],
}
# Each index that gets the conversation too, so that the table itself need not be read.
WIDENED = {"case_facets": ["facet", "value"], "case_tags": ["tag"]}

# The full-text index of SQLite holds no text of its own: it follows case_texts.
SQLITE = (
    """
    CREATE VIRTUAL TABLE case_search USING fts5(
        said, contact, content='case_texts', content_rowid='number',
        tokenize='unicode61 remove_diacritics 2', prefix='2 3'
    )
    """,
    """
    CREATE TRIGGER case_search_added AFTER INSERT ON case_texts BEGIN
        INSERT INTO case_search (rowid, said, contact) VALUES (new.number, new.said, new.contact);
    END
    """,
    """
    CREATE TRIGGER case_search_erased AFTER DELETE ON case_texts BEGIN
        INSERT INTO case_search (case_search, rowid, said, contact)
        VALUES ('delete', old.number, old.said, old.contact);
    END
    """,
    """
    CREATE TRIGGER case_search_changed AFTER UPDATE ON case_texts BEGIN
        INSERT INTO case_search (case_search, rowid, said, contact)
        VALUES ('delete', old.number, old.said, old.contact);
        INSERT INTO case_search (rowid, said, contact) VALUES (new.number, new.said, new.contact);
    END
    """,
)
# Accents are gone before a text is kept (mobilis/search.py), so that the extension unaccent, which
# not every server has, is not needed. Stemmed as French and as English: people write both.
POSTGRESQL = """
CREATE INDEX case_search ON case_texts USING gin ((
    setweight(to_tsvector('french', said) || to_tsvector('english', said), 'A')
    || setweight(to_tsvector('french', contact) || to_tsvector('english', contact), 'B')
))
"""


def upgrade() -> None:
    op.create_table(
        "case_texts",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("conversation_id", sa.String(length=64), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("contact", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversations.id"],
            name=op.f("fk_case_texts_conversation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_case_texts")),
        sa.UniqueConstraint("conversation_id", name=op.f("uq_case_texts_conversation_id")),
    )
    for statement in SQLITE if op.get_bind().dialect.name == "sqlite" else (POSTGRESQL,):
        op.execute(statement)
    op.add_column("cases", sa.Column("number", sa.Integer(), nullable=True))
    op.create_index("ix_cases_number", "cases", ["number"])
    for name in REPLACED:
        op.drop_index(name, "cases")
    op.create_index("ix_cases_queue", "cases", ["priority", "last_at", *FILTERED])
    op.create_index("ix_cases_queue_by_date", "cases", ["last_at", "priority", *FILTERED])
    for table, columns in WIDENED.items():
        name = f"ix_{table}_{'_'.join(columns)}"
        op.drop_index(name, table)
        op.create_index(f"{name}_conversation_id", table, [*columns, "conversation_id"])
    op.create_index(
        "ix_case_reads_staff_id_conversation_id_position",
        "case_reads",
        ["staff_id", "conversation_id", "position"],
    )


def downgrade() -> None:
    op.drop_index("ix_case_reads_staff_id_conversation_id_position", "case_reads")
    for table, columns in WIDENED.items():
        name = f"ix_{table}_{'_'.join(columns)}"
        op.drop_index(f"{name}_conversation_id", table)
        op.create_index(name, table, columns)
    op.drop_index("ix_cases_queue_by_date", "cases")
    op.drop_index("ix_cases_queue", "cases")
    for name, columns in REPLACED.items():
        op.create_index(name, "cases", columns)
    op.drop_index("ix_cases_number", "cases")
    with op.batch_alter_table("cases") as batch_op:
        batch_op.drop_column("number")
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TABLE case_search")
    op.drop_table("case_texts")
