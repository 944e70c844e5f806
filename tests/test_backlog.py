"""What waits, for how long, and what was given up, on both kinds of database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import filled
import pytest
from sqlalchemy import update

from mobilis.backlog import read_dead, read_waiting
from mobilis.conversations import lock_conversation, receive_text
from mobilis.models import deliveries, inbox, outbox
from mobilis.places import Place, meet
from mobilis.store import Database, now
from mobilis.turns import Reply, say

pytestmark = pytest.mark.door

HERE = Place("slack", "here", "T1", {"channel": "D1"})
QUEUES = ["messages", "deliveries", "announcements", "mails"]


@pytest.fixture(params=filled.KINDS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    with filled.database_of(request.param, request, tmp_path) as database:
        yield database


def test_where_nothing_waits_nothing_is_old(database: Database) -> None:
    with database.read() as connection:
        found = read_waiting(connection)
        assert [(one.queue, one.count, one.oldest) for one in found] == [
            (q, 0, 0.0) for q in QUEUES
        ]
        assert read_dead(connection) == {"deliveries": 0, "announcements": 0, "mails": 0}


def test_what_waits_is_counted_from_when_it_came(database: Database) -> None:
    with database.write() as connection:
        own = meet(connection, HERE, "fr").conversation_id
        receive_text(connection, own, "message-1", "bonjour")
        say(connection, lock_conversation(connection, own), None, [Reply("a", "fr")])
        connection.execute(update(inbox).values(at=now() - timedelta(minutes=2)))
        connection.execute(update(outbox).values(at=now() - timedelta(minutes=9)))
        waiting = {one.queue: one for one in read_waiting(connection)}
    assert waiting["messages"].count >= 1
    assert 119 < waiting["messages"].oldest < 180
    assert waiting["deliveries"].count == 1
    assert 539 < waiting["deliveries"].oldest < 600


def test_what_is_yet_to_come_is_not_younger_than_nothing(database: Database) -> None:
    with database.write() as connection:
        meet(connection, HERE, "fr")
        connection.execute(update(inbox).values(at=now() + timedelta(hours=1)))
        assert {one.oldest for one in read_waiting(connection)} == {0.0}


def test_what_was_given_up_counts_until_it_is_set_aside(database: Database) -> None:
    with database.write() as connection:
        own = meet(connection, HERE, "fr").conversation_id
        say(connection, lock_conversation(connection, own), None, [Reply("a", "fr")])
        connection.execute(update(deliveries).values(state="failed"))
        assert read_dead(connection)["deliveries"] == 1
        connection.execute(update(deliveries).values(state="set_aside"))
        assert read_dead(connection)["deliveries"] == 0
