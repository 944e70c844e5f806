"""News between front doors: that something was written in a conversation, told by PostgreSQL.

What is told in a transaction is heard once it is committed, by every front door that listens
(mobilis/web/peers.py). On SQLite there is one front door, which tells itself.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.engine import Connection

CHANNEL = "mobilis_news"
WRITTEN, TYPING, SILENT = "written", "typing", "silent"  # in a conversation
HEARD = "heard"  # which conversations somebody listens to at a front door
MET = "met"  # who of staff has a case open there

# Who tells it is told too: whose connections have that name have been told otherwise.
_TELL = text(f"SELECT pg_notify('{CHANNEL}', current_setting('application_name') || :said)")


@dataclass(frozen=True)
class News:
    """What happened, and in which conversation, or what else is to be said of it; `teller` is the
    name of the teller's connections."""

    teller: str
    what: str
    said: str


def tell(connection: Connection, said: str, what: str = WRITTEN) -> None:
    """Let every front door know, once the transaction is committed. At most 7 000 bytes."""
    if connection.dialect.name == "postgresql":
        connection.execute(_TELL, {"said": f" {what} {said}"})


def read(payload: str) -> News | None:
    """What was told; None when it is nothing of ours."""
    parts = payload.split(" ", 2)
    return News(*parts) if len(parts) == 3 else None
