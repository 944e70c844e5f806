"""Conversations with something in every table and every column, for tests of what is kept."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from schemas import migrated
from sqlalchemy import JSON, Boolean, Integer, Table, insert, select
from sqlalchemy.engine import Connection

from mobilis import models, staff
from mobilis.models import UTCDateTime, metadata
from mobilis.store import Database, now

FOLLOWS = (models.case_mentions,)  # a conversation's, and say so through another table
KINDS = ("sqlite", "postgres")


@contextmanager
def database_of(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database of a kind."""
    if kind == "postgres":
        url = request.getfixturevalue("postgres").address("talks")
    else:
        url = f"sqlite:///{tmp_path / 'talks.db'}"
    migrated(url)
    database = Database(url)
    yield database
    database.dispose()


def colleague(connection: Connection) -> str:
    """Someone of staff; the id."""
    known = staff.find_by_email(connection, "camille@exemple.ca")
    person = known or staff.add_person(
        connection, email="camille@exemple.ca", name="Camille", role="admin"
    )
    return person.id


def tables() -> list[Table]:
    """The tables that hold something of a conversation, parents first."""
    of_talks = [t for t in metadata.sorted_tables if "conversation_id" in t.c]
    return [models.conversations, *of_talks, *FOLLOWS]


def fill(connection: Connection, marker: str, at: datetime | None = None, **more: Any) -> str:
    """A conversation with `marker` in every text of every table; its id.

    `more` gives columns of a table: `leads={"email": "a@exemple.ca"}`.
    """
    talk = secrets.token_hex(16)
    known = {"conversation_id": talk, "language": "fr", "author_id": colleague(connection)}
    known["channel"] = "web"
    known |= {"staff_id": known["author_id"], "owner_id": known["author_id"], "status": "new"}
    for table in tables():
        own = {**known, **_particular(table, marker, talk), **more.get(table.name, {})}
        values = {c.name: own.get(c.name, _value(c, marker, at or now())) for c in table.c}
        if table is models.outbox:
            known["message_id"] = values["id"]
        if table is models.case_notes:
            known["note_id"] = values["id"]
        connection.execute(insert(table).values(**values))
    return talk


def _particular(table: Table, marker: str, talk: str) -> dict[str, Any]:
    """What the code reads of a table's columns, and so must have its form."""
    unique = marker + secrets.token_hex(2)
    return {
        "conversations": {"id": talk, "transcript_erased_at": None},
        "places": {"key": unique},
        "outbox": {"content": {"kind": "text", "text": marker}},
        "tracker_events": {"name": "user", "data": f'{{"event": "user", "text": "{marker}"}}'},
        "assessments": {
            "answers": {"impact": {"option": marker, "unsure": False, "text": marker}},
            "gaps": [marker],
        },
        "leads": {"reference": unique[:16], "kind": "interest"},
        "cases": {"merged_into": None},
        "case_texts": {"number": secrets.randbelow(2**31)},
        "announcements": {"number": secrets.randbelow(2**31), "cause": unique},
        "deliveries": {"number": secrets.randbelow(2**31)},
    }.get(table.name, {})


def _value(column: Any, marker: str, at: datetime) -> Any:
    kind = column.type
    if isinstance(kind, UTCDateTime):
        return at
    if isinstance(kind, Boolean):
        return False
    if isinstance(kind, Integer):
        return 1
    if isinstance(kind, JSON):
        return {"telltale": marker}
    unique = f"{marker}-{secrets.token_hex(10)}" if column.primary_key or column.unique else marker
    return unique[: kind.length] if kind.length else unique


def holding(connection: Connection, marker: str) -> set[str]:
    """The columns of any table that hold a marker."""
    found = set()
    for table in metadata.sorted_tables:
        for row in connection.execute(select(table)):
            found |= {f"{table.name}.{k}" for k, v in row._mapping.items() if marker in str(v)}
    return found


def texts() -> set[str]:
    """The columns that `fill` puts a marker into."""
    aside = {"language", "status", "channel"}  # the last one stays in `erasures`
    return {
        f"{table.name}.{column.name}"
        for table in tables()
        for column in table.c
        if not isinstance(column.type, UTCDateTime | Boolean | Integer)
        and not _of_staff_or_talk(column)
        and column.name not in aside | {"conversation_id"}
    } - {"conversations.id", "cases.merged_into", "tracker_events.name", "leads.kind"}


def _of_staff_or_talk(column: Any) -> bool:
    return any(key.column.table.name in ("staff", "conversations") for key in column.foreign_keys)
