"""The audit log: who of staff did what, to what, when. Added to in the transaction of the deed.

Each entry holds the hash of the one before, so that a change or a gap shows. Nothing that a
visitor said goes in. The table refuses changes by itself (a trigger); erasing a person leaves the
log alone, since a conversation's id identifies nobody once the conversation is gone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, insert, select, text
from sqlalchemy.engine import Connection, Row

from mobilis.models import audit
from mobilis.store import now

COMMAND, SYSTEM = "command", "system"  # actors that are no person of staff
FIRST = "0" * 64  # what stands for the hash before the first entry


@dataclass(frozen=True)
class Break:
    """Where the chain does not hold: the number of the entry, and why."""

    number: int
    why: str


def record(
    connection: Connection,
    actor: str,
    action: str,
    subject: str,
    detail: Mapping[str, Any] | None = None,
) -> int:
    """Add an entry; its number.

    Args:
        actor: the id of someone of staff, `COMMAND` or `SYSTEM`.
        action: what was done, such as "case.read".
        subject: what it was done to, such as "case:1f0c…".
        detail: what else is worth knowing; never what a visitor said.
    """
    _wait_for_the_others(connection)
    last = connection.execute(
        select(audit.c.number, audit.c.hash).order_by(audit.c.number.desc()).limit(1)
    ).first()
    entry = {
        "number": (last.number if last else 0) + 1,
        "at": now().isoformat(timespec="milliseconds"),
        "actor": actor,
        "action": action,
        "subject": subject,
        "detail": json.dumps(detail or {}, ensure_ascii=False, sort_keys=True),
        "previous": last.hash if last else FIRST,
    }
    connection.execute(insert(audit).values(**entry, hash=_hash(entry)))
    return int(entry["number"])


def _wait_for_the_others(connection: Connection) -> None:
    """One entry after the other. (A writing transaction of SQLite is alone already.)"""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('mobilis.audit'))"))


def verify(connection: Connection) -> Break | None:
    """The first entry at which the chain breaks; None while it holds."""
    previous = FIRST
    for number, row in enumerate(entries(connection), 1):
        if row.number != number:
            return Break(number, f"entry {number} is missing")
        if row.previous != previous:
            return Break(number, f"entry {number} does not follow the one before")
        if row.hash != _hash(row._mapping):
            return Break(number, f"entry {number} was changed")
        previous = row.hash
    return None


def entries(connection: Connection) -> Iterator[Row[Any]]:
    """Every entry, oldest first."""
    yield from connection.execute(select(audit).order_by(audit.c.number))


def count(connection: Connection) -> int:
    """How many entries there are."""
    return int(connection.execute(select(func.count()).select_from(audit)).scalar_one())


def _hash(entry: Mapping[str, Any]) -> str:
    fields = ("number", "at", "actor", "action", "subject", "detail", "previous")
    said = json.dumps([entry[field] for field in fields], ensure_ascii=False)
    return hashlib.sha256(said.encode()).hexdigest()
