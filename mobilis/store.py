"""Reaching the database: engines, transactions, migrations. Knows no table by name.

SQLite runs in WAL mode with a busy timeout; a writing transaction takes the write lock at its
start, so two writers wait for each other instead of failing half-way. It is looked for more often
than SQLite would, which sleeps up to a tenth of a second for a lock that is held for a hundredth.
"""

from __future__ import annotations

import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from sqlalchemy import bindparam, create_engine, event, or_, text
from sqlalchemy.engine import Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.pool import QueuePool

from mobilis.errors import SettingError, StoreBusy, StoreError
from mobilis.seeing.metrics import DATABASE_ERRORS
from mobilis.settings import Settings

BUSY_TIMEOUT_SECONDS = 15
SHORTEST_LOOK, LONGEST_LOOK = 0.0005, 0.02  # seconds between two looks for SQLite's write lock
KEPT = 5  # connections to PostgreSQL that stay open when they are not needed


def now() -> datetime:
    """The present, aware and in UTC: the only clock of the store."""
    return datetime.now(timezone.utc)


def is_due(due_at: Any, longest: timedelta) -> Any:
    """Whether the moment in a column has come. Nothing is put off for longer than `longest`: what
    is due later than that was written before the clock was put back, and must not wait for it."""
    moment = now()
    return or_(due_at <= moment, due_at > moment + longest)


def own(table: Any) -> Any:
    """The rows of one conversation, whose id a statement is given as `own`. What is asked often is
    a statement that was built once: to build one takes longer than to run it."""
    return table.c.conversation_id == bindparam("own")


class Database:
    """One engine with its kinds of transaction.

    Raises `StoreError` from each when the database is unreachable or refuses.
    """

    def __init__(self, url: str, connections: int = 15) -> None:
        self.url = url
        self.name = f"mobilis-{secrets.token_hex(4)}"  # what PostgreSQL calls its connections
        self.engine = _engine(url, self.name, max(1, connections))
        self._writing = threading.Lock()

    @property
    def is_shared(self) -> bool:
        """Whether several machines may use it at once: PostgreSQL."""
        return bool(self.engine.dialect.name == "postgresql")

    @classmethod
    def from_settings(cls, settings: Settings) -> Database:
        return cls(settings.database, settings.database_connections)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads."""
        with self._transaction(writes=False) as connection:
            yield connection

    @contextmanager
    def write(self, waits: bool = True) -> Iterator[Connection]:
        """A transaction that writes; committed at the end, rolled back on any error.

        Raises:
            StoreBusy: somebody else writes, and this one `waits` for nobody, or has waited too
                long. (SQLite only: of others, a transaction finds out while it runs.)
        """
        until = time.monotonic() + BUSY_TIMEOUT_SECONDS if waits else 0.0
        with self._alone(until), self._transaction(writes=True, until=until) as connection:
            yield connection

    @contextmanager
    def _alone(self, until: float) -> Iterator[None]:
        """On SQLite, one thread after the other: only one of this process looks for the lock."""
        if self.is_shared:
            yield
            return
        if not self._writing.acquire(timeout=max(until - time.monotonic(), 0.0)):
            if until:
                DATABASE_ERRORS.inc()
            raise StoreBusy("the database refused: somebody else writes")
        try:
            yield
        finally:
            self._writing.release()

    @contextmanager
    def erase(self) -> Iterator[Connection]:
        """The same, for erasing: what is deleted also leaves SQLite's write-ahead log, which else
        keeps it until others have written over it."""
        with self.write() as connection:
            yield connection
        if self.engine.dialect.name == "sqlite":
            with self._transaction(writes=None) as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    @contextmanager
    def _transaction(self, writes: bool | None, until: float = 0.0) -> Iterator[Connection]:
        options = {"writes": writes, "until": until}
        with refusing(), self.engine.connect().execution_options(**options) as connection:
            with connection.begin():
                yield connection

    def open_line(self) -> Connection:
        """A connection outside of the pool and of transactions: what it locks and listens to, it
        does until it is closed.

        Raises:
            StoreError: the database is unreachable or refuses.
        """
        with refusing():
            line = self.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            line.detach()
            return line

    def dispose(self) -> None:
        self.engine.dispose()


@contextmanager
def refusing() -> Iterator[None]:
    """Whatever the database refuses is a `StoreError`."""
    try:
        yield
    except DBAPIError as error:
        DATABASE_ERRORS.inc()
        raise StoreError(f"the database refused: {type(error.orig).__name__}") from error
    except SQLAlchemyError as error:
        DATABASE_ERRORS.inc()
        raise StoreError(f"the database refused: {type(error).__name__}") from error


def is_alone(connection: Connection, work: str) -> bool:
    """Whether nobody else is at some work; nobody else is then, until the transaction ends.

    (SQLite has one front door and one brain, which do each work one after the other.)
    """
    if connection.dialect.name != "postgresql":
        return True
    return bool(connection.execute(_TRY, {"work": f"mobilis.{work}"}).scalar())


_TRY = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:work, 0))")


def _engine(url: str, name: str, connections: int) -> Engine:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # ValueError: the port is not a number
        raise SettingError("DATABASE_URL: not a database address") from None
    # What people said stays out of errors.
    options: dict[str, Any] = {"future": True, "hide_parameters": True}
    if parsed.get_backend_name() == "sqlite":
        connect: dict[str, Any] = {"timeout": BUSY_TIMEOUT_SECONDS}
        if parsed.database not in (None, "", ":memory:"):
            _make_folder(Path(parsed.database).parent)
            # Connections stay open: to open one and prepare it costs as much as a transaction.
            options |= {"poolclass": QueuePool, "max_overflow": -1}
            connect["check_same_thread"] = False
        engine = create_engine(parsed, connect_args=connect, **options)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    if parsed.get_backend_name() == "postgresql":
        return create_engine(
            parsed.set(drivername="postgresql+psycopg2"),
            connect_args={"application_name": name},
            pool_size=min(KEPT, connections),
            max_overflow=connections - min(KEPT, connections),
            pool_pre_ping=True,
            **options,
        )
    raise SettingError("DATABASE_URL: only sqlite:// and postgresql:// are supported")


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror
        raise SettingError(f"MOBILIS_DATA_DIR: {folder} cannot be made: {reason}") from None


def _prepare_sqlite(connection: Any, record: Any) -> None:
    connection.isolation_level = None  # transactions are opened by _begin_sqlite alone
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        "secure_delete=ON",
        "wal_autocheckpoint=4000",  # pages: a checkpoint makes all others wait for the disk
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    writes = options.get("writes", True)
    if writes:
        _begin_to_write(connection, options.get("until", time.monotonic() + BUSY_TIMEOUT_SECONDS))
    elif writes is not None:  # a checkpoint cannot be made inside a transaction
        _begin_to_read(connection)


def _begin_to_read(connection: Connection) -> None:
    driver: Any = connection.connection
    try:
        driver.execute("BEGIN")
    except sqlite3.Error:
        connection.exec_driver_sql("BEGIN")  # its error is told as any other


def _begin_to_write(connection: Connection, until: float) -> None:
    """Take the write lock, once whoever has it lets go; 0: now or never."""
    driver: Any = connection.connection
    began = time.monotonic()
    driver.execute("PRAGMA busy_timeout = 0")
    try:
        while True:
            try:
                driver.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.Error as error:
                if "locked" not in str(error):
                    break
            if not until:
                raise StoreBusy("the database refused: somebody else writes")
            if time.monotonic() >= until:
                break
            waited = time.monotonic() - began
            time.sleep(min(max(waited / 4, SHORTEST_LOOK), LONGEST_LOOK))
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # its error is told as any other
    finally:
        driver.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_SECONDS * 1000:.0f}")


def migrate(url: str) -> None:
    """Bring the database at `url` to the newest schema; does nothing when it is there already.

    Raises:
        StoreError: the database is unreachable or refuses, or a newer version made it.
    """
    # Here, because the processes that serve need none of it: 8 MB and a fifth of a second each.
    from mobilis.schema import change

    change(url)
