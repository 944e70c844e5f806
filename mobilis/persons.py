"""A person, everywhere: what is kept of someone, as one file, and erased in one go.

Found by an e-mail address, a reference, a conversation's id or a name. What belongs to a person
are conversations, each with everything that came from it; what is only said about them elsewhere
is told apart, since erasing it takes somebody else's conversation too. Called by the console and
by the command line; both note in the audit log that they looked, and never for whom.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Literal

from sqlalchemy import Table, func, select
from sqlalchemy.engine import Connection, Row

from mobilis import audit
from mobilis.models import (
    case_mentions,
    case_notes,
    cases,
    conversations,
    inbox,
    leads,
    mails,
)
from mobilis.privacy import ERASED, Counts, add, erase_conversation, of_conversations
from mobilis.store import now
from mobilis.text import unaccented

# Entries of the audit log.
FOUND, READ = "person.found", "person.read"
EXPORTED, ERASED_PERSON = "person.exported", "person.erased"
SECRET = ("token_hash",)  # what opens a conversation is no information about anybody
SHORTEST = 3  # characters of what is looked for
MOST = 200  # conversations found at once

Why = Literal["conversation", "reference", "email", "merged", "name", "said"]


@dataclass(frozen=True)
class Found:
    """A conversation, why it was found, and what there is of it."""

    id: str
    why: Why
    opened_at: datetime
    last_at: datetime
    channel: str
    language: str
    names: tuple[str, ...]
    references: tuple[str, ...]
    rows: Counts

    @property
    def sure(self) -> bool:
        """Whether it is theirs. Others have the same name, and anybody may be mentioned."""
        return self.why not in ("name", "said")


def find(connection: Connection, wanted: str) -> list[Found]:
    """The conversations of a person, the surest first, then those in which they are mentioned.

    Whoever left an e-mail address has all conversations in which the same address was left.
    """
    wanted = " ".join(wanted.split())
    if len(wanted) < SHORTEST:
        return []
    reasons: dict[str, Why] = {}
    for id in _own(connection, conversations.c.id, conversations.c.id == wanted.lower()):
        reasons.setdefault(id, "conversation")
    reference = func.upper(leads.c.reference) == wanted.upper()
    for id in _own(connection, leads.c.conversation_id, reference):
        reasons.setdefault(id, "reference")
    addresses = [wanted] if "@" in wanted else []
    for id in _with_addresses(connection, [*addresses, *_addresses(connection, reasons)]):
        reasons.setdefault(id, "email")
    for id in _merged(connection, list(reasons)):
        reasons.setdefault(id, "merged")
    for id in _named(connection, wanted):
        reasons.setdefault(id, "name")
    for id in _mentioned(connection, wanted):
        reasons.setdefault(id, "said")
    return _described(connection, dict(list(reasons.items())[:MOST]))


def note_found(connection: Connection, actor: str, found: Sequence[Found]) -> None:
    """Tell the audit log that somebody was looked for; not who."""
    audit.record(connection, actor, FOUND, "person", {"conversations": len(found)})


def everything(connection: Connection, ids: Sequence[str]) -> dict[str, Any]:
    """All that is kept of some conversations: {table: rows}, as JSON has it."""
    tables = {
        table.name: [_plain(row) for row in connection.execute(_rows_of(table, ids))]
        for table in (*ERASED, case_mentions)
    }
    return {
        "made_at": now().isoformat(timespec="seconds"),
        "conversations": list(ids),
        "tables": {name: rows for name, rows in tables.items() if rows},
    }


def read(connection: Connection, actor: str, ids: Sequence[str]) -> dict[str, Any]:
    """The same for somebody who looks; the audit log tells of it."""
    _note(connection, actor, READ, ids)
    return everything(connection, ids)


def export(connection: Connection, actor: str, ids: Sequence[str]) -> str:
    """The same as one JSON file; the audit log tells of it."""
    _note(connection, actor, EXPORTED, ids)
    return json.dumps(everything(connection, ids), ensure_ascii=False, indent=2) + "\n"


def _note(connection: Connection, actor: str, action: str, ids: Sequence[str]) -> None:
    for id in ids:
        audit.record(connection, actor, action, f"conversation:{id}"[:128])


def erase(connection: Connection, actor: str, ids: Sequence[str]) -> Counts:
    """Erase conversations and all that came from them, for good; the rows of each table.

    Must run in an erasing transaction. What remains is a row of `erasures` for each, and the audit
    log, in which the id of a conversation that is gone identifies nobody.
    """
    counts: Counts = {}
    for id in ids:
        query = select(conversations.c.channel).where(conversations.c.id == id)
        channel = connection.execute(query).scalar_one_or_none()
        erased = erase_conversation(connection, id, channel or "unknown")
        if any(erased.values()):
            rows = {name: count for name, count in erased.items() if count}
            audit.record(connection, actor, ERASED_PERSON, f"conversation:{id}", {"rows": rows})
        add(counts, erased)
    return counts


def _own(connection: Connection, column: Any, where: Any) -> list[str]:
    return list(connection.execute(select(column).where(where).limit(MOST)).scalars())


def _addresses(connection: Connection, ids: Iterable[str]) -> list[str]:
    given = select(leads.c.email).where(
        leads.c.conversation_id.in_(list(ids)), leads.c.email.is_not(None)
    )
    return list(connection.execute(given).scalars())


def _with_addresses(connection: Connection, addresses: Iterable[str]) -> list[str]:
    folded = {address.lower() for address in addresses}
    return _own(connection, leads.c.conversation_id, func.lower(leads.c.email).in_(folded))


def _merged(connection: Connection, ids: Sequence[str]) -> list[str]:
    """The duplicates that staff merged into these."""
    return _own(connection, cases.c.conversation_id, cases.c.merged_into.in_(ids))


def _named(connection: Connection, wanted: str) -> list[str]:
    """Of whoever gave that name, or one that holds it; databases differ in how they fold letters,
    so it is done here."""
    folded = unaccented(wanted)
    given = select(leads.c.conversation_id, leads.c.name).where(leads.c.name.is_not(None))
    return [
        row.conversation_id
        for row in connection.execute(given)
        if folded in unaccented(" ".join(row.name.split()))
    ]


def _mentioned(connection: Connection, wanted: str) -> list[str]:
    """In which that was typed, by the visitor or in a note or an e-mail of staff."""
    found = []
    for table in (inbox, case_notes, mails):
        said = func.lower(table.c.text).contains(wanted.lower(), autoescape=True)
        found += _own(connection, table.c.conversation_id, said)
    return found


def _described(connection: Connection, reasons: Mapping[str, Why]) -> list[Found]:
    talks = {row.id: row for row in connection.execute(_rows_of(conversations, list(reasons)))}
    left: dict[str, list[Row[Any]]] = {}
    for row in connection.execute(_rows_of(leads, list(reasons))):
        left.setdefault(row.conversation_id, []).append(row)
    return [
        Found(
            id=id,
            why=why,
            opened_at=talks[id].created_at,
            last_at=talks[id].last_at,
            channel=talks[id].channel,
            language=talks[id].language,
            names=tuple(sorted({row.name for row in left.get(id, ()) if row.name})),
            references=tuple(sorted(row.reference for row in left.get(id, ()))),
            rows=_rows(connection, id),
        )
        for id, why in reasons.items()
        if id in talks
    ]


def _rows(connection: Connection, id: str) -> Counts:
    """How many rows of each table there are of a conversation."""
    counts = {}
    for table in ERASED:
        own = select(func.count()).where(of_conversations(table) == id)
        counts[table.name] = int(connection.execute(own).scalar_one())
    return {name: count for name, count in counts.items() if count}


def _rows_of(table: Table, ids: Sequence[str]) -> Any:
    if table is case_mentions:
        notes = select(case_notes.c.id).where(case_notes.c.conversation_id.in_(ids))
        return select(table).where(table.c.note_id.in_(notes))
    return select(table).where(of_conversations(table).in_(ids))


def _plain(row: Row[Any]) -> dict[str, Any]:
    """A row as JSON has it."""
    plain: dict[str, Any] = {}
    for name, value in row._mapping.items():
        if name in SECRET:
            continue
        if isinstance(value, datetime):
            value = value.astimezone(timezone.utc).isoformat()
        plain[name] = value
    if isinstance(plain.get("data"), str):  # an event of Rasa's, which is JSON already
        plain["data"] = _decoded(plain["data"])
    return plain


def _decoded(data: str) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return data
