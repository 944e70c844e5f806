"""The short transactions of a turn: on the event loop where that is soonest, else in a thread."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, insert, select, text
from sqlalchemy.engine import Connection

from mobilis import swift
from mobilis.errors import StoreBusy, StoreError
from mobilis.models import erasures, metadata
from mobilis.seeing.metrics import DATABASE_ERRORS
from mobilis.store import Database, now

Way = Callable[..., Coroutine[Any, Any, Any]]


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    url = f"sqlite:///{tmp_path / 'swift.db'}"
    if request.param == "postgres":
        server = request.getfixturevalue("postgres")
        url = str(server.create(f"swift_{abs(hash(request.node.nodeid)):x}"))
    database = Database(url)
    metadata.create_all(database.engine)
    yield database
    database.dispose()


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'swift.db'}")
    metadata.create_all(database.engine)
    yield database
    database.dispose()


@contextmanager
def somebody_writes(database: Database) -> Iterator[Callable[[], None]]:
    """For as long as the block runs, or until what is given is called; in another process, as far
    as can be seen."""
    other = Database(database.url)
    done, begun = threading.Event(), threading.Event()

    def write() -> None:
        with other.write():
            begun.set()
            done.wait(20)

    with ThreadPoolExecutor(1) as pool:
        pool.submit(write)
        assert begun.wait(20)
        try:
            yield done.set
        finally:
            done.set()
    other.dispose()


def add(connection: Connection, name: str, channel: str = "web") -> int:
    connection.execute(insert(erasures).values(id=name, channel=channel, at=now()))
    return threading.get_ident()


def count(connection: Connection, least: int = 0) -> tuple[int, int]:
    found = connection.execute(select(func.count()).select_from(erasures)).scalar_one()
    return max(found, least), threading.get_ident()


def test_a_file_is_read_and_written_at_once_and_a_server_in_a_thread(database: Database) -> None:
    async def play() -> tuple[int, tuple[int, int], int]:
        wrote = await swift.write(database, add, "one", channel="slack")
        return wrote, await swift.read(database, count, least=1), threading.get_ident()

    wrote, (found, read), loop = asyncio.run(play())
    assert found == 1
    assert {wrote == loop, read == loop} == {not database.is_shared}


def test_who_writes_meanwhile_is_waited_for_and_the_loop_goes_on(sqlite: Database) -> None:
    async def play() -> list[str]:
        said = []
        with somebody_writes(sqlite) as end:
            writing = asyncio.create_task(swift.write(sqlite, add, "one"))
            await asyncio.sleep(0.1)
            said.append("written" if writing.done() else "waiting")
            found, _ = await swift.read(sqlite, count)
            said.append(f"{found} so far")
            end()
            in_thread = await writing != threading.get_ident()
            said.append("in a thread" if in_thread else "on the loop")
        return said

    assert asyncio.run(play()) == ["waiting", "0 so far", "in a thread"]
    with sqlite.read() as connection:
        assert count(connection)[0] == 1


def test_many_that_write_at_once_all_do(sqlite: Database) -> None:
    other = Database(sqlite.url)

    async def play() -> None:
        names = [f"m{number}" for number in range(60)]
        databases = (sqlite, other)
        await asyncio.gather(
            *(swift.write(databases[n % 2], add, name) for n, name in enumerate(names))
        )

    with ThreadPoolExecutor(2) as pool:  # and two threads which do not know of the loop
        threads = [
            pool.submit(write_some, one, name) for one, name in ((sqlite, "a"), (other, "b"))
        ]
        asyncio.run(play())
        assert [thread.result() for thread in threads] == [None, None]
    with sqlite.read() as connection:
        assert count(connection)[0] == 60 + 2 * 40
    other.dispose()


def write_some(database: Database, name: str) -> None:
    for number in range(40):
        with database.write() as connection:
            add(connection, f"{name}{number}")


def test_who_waits_for_nobody_is_told_so_and_it_is_no_error(sqlite: Database) -> None:
    before = DATABASE_ERRORS._value.get()
    with somebody_writes(sqlite):
        began = time.monotonic()
        with pytest.raises(StoreBusy, match="somebody else writes"), sqlite.write(waits=False):
            raise AssertionError("it must not begin")
        assert time.monotonic() - began < 5  # not what SQLite is waited for else
    assert DATABASE_ERRORS._value.get() == before
    with sqlite.write(waits=False) as connection:
        add(connection, "one")


def test_so_is_who_has_waited_too_long_for_a_thread_of_the_same_process(
    sqlite: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mobilis.store.BUSY_TIMEOUT_SECONDS", 0.05)
    before = DATABASE_ERRORS._value.get()
    with sqlite.write():
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(write_some, sqlite, "late")
            with pytest.raises(StoreBusy):
                waiting.result(20)
    assert DATABASE_ERRORS._value.get() == before + 1
    write_some(sqlite, "then")


@pytest.mark.parametrize("way", [swift.read, swift.write])
def test_what_fails_leaves_nothing_behind(database: Database, way: Way) -> None:
    def fail(connection: Connection) -> None:
        connection.execute(text("SELECT nothing"))

    with pytest.raises(StoreError, match="the database refused"):
        asyncio.run(way(database, fail))
    asyncio.run(swift.write(database, add, "one"))


def test_a_file_that_is_no_database_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "broken.db").write_bytes(b"no database at all" * 100)
    database = Database(f"sqlite:///{tmp_path / 'broken.db'}")
    began = time.monotonic()
    with pytest.raises(StoreError):
        asyncio.run(swift.write(database, add, "one"))
    assert time.monotonic() - began < 5
    database.dispose()
