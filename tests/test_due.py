"""What waits for its moment, when the clock is put back: on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import filled
import pytest
from sqlalchemy import select, update
from sqlalchemy.sql import Select

from mobilis.conversations import open_conversation
from mobilis.models import inbox
from mobilis.store import Database, is_due, now
from mobilis.turns import LONGEST_WAIT_SECONDS, due_turns

pytestmark = pytest.mark.door

MINUTE = timedelta(minutes=1)


@pytest.fixture(params=filled.KINDS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    with filled.database_of(request.param, request, tmp_path) as database:
        yield database


@pytest.fixture
def message(database: Database) -> str:
    """A message that waits for the brain."""
    with database.write() as connection:
        return open_conversation(connection, "fr").message_id


def put_off(database: Database, message: str, wait: timedelta) -> None:
    with database.write() as connection:
        own = update(inbox).where(inbox.c.id == message)
        connection.execute(own.values(due_at=now() + wait))


def found(database: Database, query: Select) -> list[str]:
    with database.read() as connection:
        return [row.id for row in connection.execute(query)]


@pytest.mark.parametrize(
    ("wait", "due"),
    [(-MINUTE, True), (MINUTE / 2, False), (3 * MINUTE, True), (timedelta(days=400), True)],
    ids=["past", "soon", "later than anything", "a year"],
)
def test_what_is_due_later_than_anything_is_put_off_is_due_now(
    database: Database, message: str, wait: timedelta, due: bool
) -> None:
    put_off(database, message, wait)
    query = select(inbox.c.id).where(inbox.c.id == message, is_due(inbox.c.due_at, 2 * MINUTE))
    assert (found(database, query) == [message]) is due


def test_a_message_does_not_wait_for_a_clock_that_was_put_back(
    database: Database, message: str
) -> None:
    put_off(database, message, timedelta(seconds=LONGEST_WAIT_SECONDS / 2))
    with database.read() as connection:
        assert message not in [turn.message_id for turn in due_turns(connection, 1000)]
    put_off(database, message, timedelta(hours=1))
    with database.read() as connection:
        assert message in [turn.message_id for turn in due_turns(connection, 1000)]
