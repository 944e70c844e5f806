"""The audit log: one chain, in which every tampering shows, and a table that refuses changes."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import pytest
from schemas import migrated
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.engine import Connection

from mobilis import audit
from mobilis.audit import Break, Search, Witness, record, verify
from mobilis.errors import StoreError
from mobilis.models import audit as table
from mobilis.store import Database

pytestmark = pytest.mark.door

COUNT = 6


@pytest.fixture(params=["sqlite", "postgres"])
def database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Database]:
    """A migrated database of its own: the log of another test could not be emptied."""
    if request.param == "postgres":
        url = str(request.getfixturevalue("postgres").address("audit"))
    else:
        url = f"sqlite:///{tmp_path_factory.mktemp('audit') / 'audit.db'}"
    migrated(url)
    database = Database(url)
    yield database
    database.dispose()


@pytest.fixture
def filled(database: Database) -> Database:
    for number in range(1, COUNT + 1):
        with database.write() as connection:
            record(connection, "someone", "case.read", f"case:{number}", {"à": "é", "n": number})
    return database


def unlocked(connection: Connection) -> None:
    """What someone does who can change the database itself."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("ALTER TABLE audit DISABLE TRIGGER ALL"))
    else:
        for name in ("update", "delete", "replace"):
            connection.execute(text(f"DROP TRIGGER audit_no_{name}"))


def found(database: Database, witness: Witness | None = None) -> Break | None:
    with database.read() as connection:
        return verify(connection, witness)


def test_an_untouched_log_holds(filled: Database) -> None:
    assert found(filled) is None
    with filled.read() as connection:
        rows = list(audit.entries(connection))
        assert audit.last(connection).number == COUNT
    assert [row.number for row in rows] == list(range(1, COUNT + 1))
    assert rows[0].previous == audit.FIRST
    assert json.loads(rows[0].detail) == {"à": "é", "n": 1}


def test_an_empty_log_holds(database: Database) -> None:
    assert found(database) is None
    with database.read() as connection:
        assert audit.last(connection) is None


@pytest.mark.parametrize(
    "change",
    [
        {"at": "2020-01-01T00:00:00.000+00:00"},
        {"actor": "another"},
        {"action": "case.exported"},
        {"subject": "case:9"},
        {"detail": "{}"},
        {"hash": "f" * 64},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_changed_entry_shows(filled: Database, change: dict[str, str]) -> None:
    with filled.write() as connection:
        unlocked(connection)
        connection.execute(update(table).where(table.c.number == 3).values(**change))
    assert found(filled) == Break(3, "entry 3 was changed")


def test_another_previous_hash_shows(filled: Database) -> None:
    with filled.write() as connection:
        unlocked(connection)
        connection.execute(update(table).where(table.c.number == 3).values(previous="f" * 64))
    assert found(filled) == Break(3, "entry 3 does not follow the one before")


@pytest.mark.parametrize("number", [1, 3])
def test_an_entry_that_was_taken_out_shows(filled: Database, number: int) -> None:
    with filled.write() as connection:
        unlocked(connection)
        connection.execute(delete(table).where(table.c.number == number))
    assert found(filled) == Break(number, f"entry {number} is missing")


def test_an_entry_taken_out_and_the_rest_renumbered_shows(filled: Database) -> None:
    with filled.write() as connection:
        unlocked(connection)
        connection.execute(delete(table).where(table.c.number == 3))
        for number in range(4, COUNT + 1):
            moved = update(table).where(table.c.number == number).values(number=number - 1)
            connection.execute(moved)
    assert found(filled) == Break(3, "entry 3 does not follow the one before")


def test_an_entry_that_was_slipped_in_shows(filled: Database) -> None:
    with filled.write() as connection:
        unlocked(connection)
        for number in range(COUNT, 2, -1):
            moved = update(table).where(table.c.number == number).values(number=number + 1)
            connection.execute(moved)
        before = connection.execute(select(table).where(table.c.number == 2)).one()
        entry = {**before._mapping, "number": 3, "subject": "case:x", "previous": before.hash}
        connection.execute(insert(table).values(**{**entry, "hash": audit._hash(entry)}))
    assert found(filled) == Break(4, "entry 4 does not follow the one before")


def test_two_entries_in_each_others_place_show(filled: Database) -> None:
    with filled.write() as connection:
        unlocked(connection)
        for old, new in ((3, 100), (4, 3), (100, 4)):
            connection.execute(update(table).where(table.c.number == old).values(number=new))
    assert found(filled) == Break(3, "entry 3 does not follow the one before")


def test_an_end_that_was_cut_off_shows_by_an_entry_noted_elsewhere(filled: Database) -> None:
    with filled.read() as connection:
        noted = audit.last(connection)
    assert found(filled, noted) is None
    with filled.write() as connection:
        unlocked(connection)
        connection.execute(delete(table).where(table.c.number > 4))
    assert found(filled) is None  # the chain alone cannot know
    assert found(filled, noted) == Break(5, "entry 5 is missing: the end was cut off")


def test_a_log_made_anew_shows_by_an_entry_noted_elsewhere(filled: Database) -> None:
    with filled.read() as connection:
        noted = audit.last(connection)
    with filled.write() as connection:
        unlocked(connection)
        connection.execute(delete(table).where(table.c.number > 2))
        for _ in range(COUNT - 2):
            record(connection, "someone", "case.read", "case:harmless")
    assert found(filled) is None
    assert found(filled, noted) == Break(COUNT, f"entry {COUNT} is not the one that was noted")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET actor = 'x'",
        "UPDATE audit SET actor = 'x' WHERE number = 2",
        "DELETE FROM audit",
        "DELETE FROM audit WHERE number = 6",
    ],
)
def test_the_table_refuses_to_be_changed(filled: Database, statement: str) -> None:
    with pytest.raises(StoreError), filled.write() as connection:
        connection.execute(text(statement))
    assert found(filled) is None


def test_the_table_refuses_to_be_replaced_or_emptied(filled: Database) -> None:
    on_sqlite = filled.engine.dialect.name == "sqlite"
    columns = "number, at, actor, action, subject, detail, previous, hash"
    replace = f"INSERT OR REPLACE INTO audit ({columns}) "
    statements = (
        (
            replace + "VALUES (3, '', 'x', '', '', '', '', 'y')",
            replace + "SELECT 7, at, actor, action, subject, detail, previous, hash FROM audit",
            replace + "VALUES (9, '', 'x', '', '', '', '', 'y')",  # leaves a gap
        )
        if on_sqlite
        else ("TRUNCATE audit", "TRUNCATE audit CASCADE")
    )
    for statement in statements:
        with pytest.raises(StoreError), filled.write() as connection:
            connection.execute(text(statement))
    with filled.read() as connection:
        assert audit.last(connection).number == COUNT


def test_a_deed_that_fails_leaves_no_entry(filled: Database) -> None:
    with pytest.raises(RuntimeError), filled.write() as connection:
        record(connection, "someone", "case.closed", "case:1")
        raise RuntimeError
    with filled.read() as connection:
        assert audit.last(connection).number == COUNT


def test_many_writers_at_once_leave_one_chain(database: Database) -> None:
    barrier = threading.Barrier(6)

    def write(writer: int) -> None:
        barrier.wait()
        for number in range(5):
            with database.write() as connection:
                record(connection, f"writer-{writer}", "case.read", f"case:{number}")

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found(database) is None
    with database.read() as connection:
        assert audit.last(connection).number == 30


# --- finding entries


def test_entries_are_found_newest_first_by_what_is_asked(filled: Database) -> None:
    with filled.write() as connection:
        record(connection, audit.COMMAND, "staff.invited", "staff:1")
        record(connection, audit.COMMAND, "staff.invited", "case:%")

        def numbers(most: int = 50, **asked: object) -> list[int]:
            return [row.number for row in audit.find(connection, Search(**asked), most)]

        assert numbers(3) == [8, 7, 6]
        assert numbers(actor="command") == [8, 7]
        assert numbers(action="case.read", before=3) == [2, 1]
        assert numbers(subject="case:%") == [8]  # what is a wildcard in SQL is a letter here
        assert numbers(subject="staff:") == [7]
        assert numbers(actor="nobody") == []
        assert audit.actions(connection) == ["case.read", "staff.invited"]
        moment = datetime.now(timezone.utc)
        assert numbers(since=moment - timedelta(hours=1), until=moment) == list(range(8, 0, -1))
        assert numbers(since=moment + timedelta(hours=1)) == []
        assert numbers(until=moment - timedelta(hours=1)) == []
        toronto = timezone(timedelta(hours=-5))
        assert len(numbers(since=(moment - timedelta(hours=1)).astimezone(toronto))) == 8
