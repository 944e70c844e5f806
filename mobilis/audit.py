"""The audit log: who of staff did what, to what, when. Added to in the transaction of the deed.

Each entry holds the hash of the one before, so that a change or a gap shows. Nothing that a
visitor said goes in. The table refuses changes by itself (a trigger); erasing a person leaves the
log alone, since a conversation's id identifies nobody once the conversation is gone. It is kept
without a limit of time.

A chain alone cannot show that its end was cut off, nor that all of it was made anew; an entry that
somebody noted elsewhere (a `Witness`) can.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from sqlalchemy import insert, select, text
from sqlalchemy.engine import Connection, Row

from mobilis.models import audit
from mobilis.store import now

COMMAND, SYSTEM = "command", "system"  # actors that are no person of staff
FIRST = "0" * 64  # what stands for the hash before the first entry


@dataclass(frozen=True)
class Witness:
    """An entry as somebody noted it: its number and its hash."""

    number: int
    hash: str

    def __str__(self) -> str:
        return f"{self.number}:{self.hash}"


@dataclass(frozen=True)
class Search:
    """Which entries to show; what is empty is not asked for."""

    actor: str = ""
    action: str = ""
    subject: str = ""  # how it begins
    since: datetime | None = None
    until: datetime | None = None  # and no later: before this moment
    before: int = 0  # only entries with smaller numbers


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
    newest = last(connection)
    number = newest.number + 1 if newest else 1
    entry = {
        "number": number,
        "at": _stamp(now()),
        "actor": actor,
        "action": action,
        "subject": subject,
        "detail": json.dumps(detail or {}, ensure_ascii=False, sort_keys=True),
        "previous": newest.hash if newest else FIRST,
    }
    connection.execute(insert(audit).values(**entry, hash=_hash(entry)))
    return number


def _wait_for_the_others(connection: Connection) -> None:
    """One entry after the other. (A writing transaction of SQLite is alone already.)"""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('mobilis.audit'))"))


def verify(connection: Connection, witness: Witness | None = None) -> Break | None:
    """The first entry at which the chain breaks, or is not what a witness says; None: it holds."""
    previous, number = FIRST, 0
    for number, row in enumerate(entries(connection), 1):
        if row.number != number:
            return Break(number, f"entry {number} is missing")
        if row.previous != previous:
            return Break(number, f"entry {number} does not follow the one before")
        if row.hash != _hash(row._mapping):
            return Break(number, f"entry {number} was changed")
        if witness and witness.number == number and witness.hash != row.hash:
            return Break(number, f"entry {number} is not the one that was noted")
        previous = row.hash
    if witness and witness.number > number:
        return Break(number + 1, f"entry {number + 1} is missing: the end was cut off")
    return None


def last(connection: Connection) -> Witness | None:
    """The newest entry, to be noted elsewhere; None when there is none."""
    query = select(audit.c.number, audit.c.hash).order_by(audit.c.number.desc()).limit(1)
    row = connection.execute(query).first()
    return Witness(row.number, row.hash) if row else None


def entries(connection: Connection) -> Iterator[Row[Any]]:
    """Every entry, oldest first, a few at a time: there may be millions."""
    query = select(audit).order_by(audit.c.number)
    few = {"stream_results": True, "max_row_buffer": 500}
    yield from connection.execute(query.execution_options(**few))


def find(connection: Connection, search: Search, most: int) -> list[Row[Any]]:
    """The newest entries that a search asks for."""
    query = select(audit).order_by(audit.c.number.desc()).limit(most)
    conditions = (
        (search.actor, audit.c.actor == search.actor),
        (search.action, audit.c.action == search.action),
        (search.subject, audit.c.subject.startswith(search.subject, autoescape=True)),
        (search.since, audit.c.at >= _stamp(search.since)),
        (search.until, audit.c.at < _stamp(search.until)),
        (search.before, audit.c.number < search.before),
    )
    for asked, condition in conditions:
        if asked:
            query = query.where(condition)
    return list(connection.execute(query))


def actions(connection: Connection) -> list[str]:
    """Every kind of deed that is in the log."""
    query = select(audit.c.action).distinct().order_by(audit.c.action)
    return list(connection.execute(query).scalars())


def last_time(connection: Connection, action: str) -> datetime | None:
    """When something was done last; None when it never was."""
    query = select(audit.c.at).where(audit.c.action == action).order_by(audit.c.number.desc())
    at = connection.execute(query.limit(1)).scalar()
    return datetime.fromisoformat(at) if at else None


def _stamp(moment: datetime | None) -> str:
    """A moment as it is kept and hashed: in UTC, so that it sorts as text."""
    return moment.astimezone(timezone.utc).isoformat(timespec="milliseconds") if moment else ""


def _hash(entry: Mapping[str, Any]) -> str:
    fields = ("number", "at", "actor", "action", "subject", "detail", "previous")
    said = json.dumps([entry[field] for field in fields], ensure_ascii=False)
    return hashlib.sha256(said.encode()).hexdigest()
