"""Which cases are to be made again: what was missed, of late or ever, and what was erased."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import filled
import pytest
from sqlalchemy import update
from talks import Talk

from mobilis.cases import behind
from mobilis.models import cases, conversations
from mobilis.priority import WEIGHTS
from mobilis.store import Database, now
from mobilis.web import projector
from mobilis.web.projector import AT_ONCE, catch_up, pause_after

pytestmark = pytest.mark.door


@pytest.fixture(params=filled.KINDS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    with filled.database_of(request.param, request, tmp_path) as database:
        yield database


def age(database: Database, talk: Talk) -> None:
    """Let the last thing have been said yesterday."""
    own = conversations.c.id == talk.id
    with database.write() as connection:
        yesterday = now() - timedelta(days=1)
        connection.execute(update(conversations).where(own).values(last_at=yesterday))


def found(database: Database, limit: int = 10, late: bool = False) -> list[str]:
    since = now() - timedelta(hours=1) if late else None
    with database.read() as connection:
        return behind(connection, limit, since)


def test_a_case_is_behind_until_it_is_projected(database: Database) -> None:
    old, new = Talk(database), Talk(database)
    for talk in (old, new):
        talk.say("bonjour")
    age(database, old)
    assert found(database) == [old.id, new.id]
    assert found(database, limit=1) == [old.id]
    assert found(database, late=True) == [new.id]
    assert catch_up(database, WEIGHTS, now() - timedelta(hours=1)) == 1
    assert catch_up(database, WEIGHTS) == 1
    assert found(database) == []
    new.say("encore")
    assert found(database, late=True) == [new.id]


def test_whoever_waits_to_write_can_do_so_between_two_cases(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    Talk(database).say("bonjour")
    Talk(database).say("bonjour")
    left = []

    def breathe(seconds: float) -> None:
        with database.write(waits=False):  # of a turn
            left.append(len(found(database)))

    monkeypatch.setattr(projector.time, "sleep", breathe)
    assert catch_up(database, WEIGHTS) == 2
    assert left == [1, 0]


@pytest.mark.parametrize(
    ("done", "took", "pause"),
    [
        (0, 0.001, 1.0),
        (3, 0.05, 1.0),
        (30, 0.2, 1.8),  # a tenth of the time is enough
        (AT_ONCE - 1, 3.0, 5.0),  # but staff do not wait for ever
        (AT_ONCE, 0.2, 0.2),  # what is left must be caught up with, in half of the time
        (AT_ONCE, 60.0, 5.0),
    ],
)
def test_the_longer_a_look_took_the_later_is_the_next(done: int, took: float, pause: float) -> None:
    assert pause_after(done, took) == pytest.approx(pause)


def test_what_an_erasure_left_behind_is_found_however_old_it_is(database: Database) -> None:
    talk = Talk(database)
    talk.say("bonjour")
    talk.project()
    age(database, talk)
    with database.write() as connection:
        connection.execute(update(cases).values(position=-1))
    assert found(database, late=True) == [talk.id]
    assert found(database) == [talk.id]
