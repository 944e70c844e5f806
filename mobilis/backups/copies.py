"""Copies of the database as it was at one moment, taken while others read and write, and put back.

SQLite copies itself (VACUUM INTO) inside one transaction that reads; PostgreSQL by pg_dump, from
the snapshot in which the rows are counted. Neither waits for those who write, nor they for it.
"""

from __future__ import annotations

import gzip
import os
import shutil
import sqlite3
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg2.extensions import make_dsn
from sqlalchemy import func, inspect, select, table, text
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import SQLAlchemyError

from mobilis import search
from mobilis.backups.sealed import PIECE, Tell
from mobilis.errors import BackupRefused, StoreError
from mobilis.schema import revision_of
from mobilis.store import BUSY_TIMEOUT_SECONDS, Database

SQLITE, POSTGRESQL = "sqlite", "postgresql"
PARTS = {SQLITE: "database.sqlite.gz", POSTGRESQL: "database.pgdump"}
ASIDE = "replaced_"  # how the schema of PostgreSQL is called that a restore took the place of
TELL_EVERY = 2.0  # seconds
COMPRESSION = 3  # of SQLite's copy: more takes longer and spares little
LOST = "the copy is broken; is the database?"


@dataclass(frozen=True)
class Copy:
    """A copy, the schema it has, and how many rows are in each table."""

    path: Path
    revision: str | None
    rows: Mapping[str, int]


def kind_of(url: str) -> str:
    """SQLITE or POSTGRESQL."""
    return SQLITE if make_url(url).get_backend_name() == SQLITE else POSTGRESQL


def file_of(url: str) -> Path:
    """The file of a SQLite database."""
    return Path(str(make_url(url).database))


def take(url: str, folder: Path, tell: Tell) -> Copy:
    """Copy the database into `folder`.

    Raises:
        BackupRefused: there is none, or the program that copies it fails or is missing.
        StoreError: the database is unreachable.
    """
    path = folder / PARTS[kind_of(url)]
    return (_take_sqlite if kind_of(url) == SQLITE else _take_postgresql)(url, path, tell)


def count_rows(connection: Connection) -> dict[str, int]:
    """The rows of each table, but for what only serves to search."""
    names = inspect(connection).get_table_names()
    names = [n for n in names if not n.startswith(search.INDEX)]
    counted = {n: select(func.count()).select_from(table(n)) for n in sorted(names)}
    return {name: int(connection.execute(query).scalar_one()) for name, query in counted.items()}


# --- SQLite


def _take_sqlite(url: str, path: Path, tell: Tell) -> Copy:
    source, raw = file_of(url), path.with_suffix("")
    if not source.exists():
        raise BackupRefused(f"{source}: there is no database to back up")
    size = max(source.stat().st_size, 1)
    tell(f"copying the database ({_megabytes(size)})")
    _beside(lambda: _vacuum(source, raw), raw, size, tell)
    check_sqlite(raw, source)
    database = Database(f"sqlite:///{raw}")
    try:
        with database.read() as connection:
            revision, rows = revision_of(connection), count_rows(connection)
    finally:
        database.dispose()
    with raw.open("rb") as file, gzip.open(path, "wb", COMPRESSION) as packed:
        shutil.copyfileobj(file, packed, PIECE)
    _forget(raw)
    return Copy(path, revision, rows)


def _vacuum(source: Path, target: Path) -> None:
    try:
        connection = sqlite3.connect(source, BUSY_TIMEOUT_SECONDS, isolation_level=None)
        try:
            connection.execute("VACUUM INTO ?", (str(target),))
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise BackupRefused(f"{source}: it cannot be copied to {target.parent}: {error}") from None


def check_sqlite(path: Path, told_as: Path) -> None:
    """Whether SQLite finds its own file whole.

    Raises:
        BackupRefused: it does not.
    """
    try:
        connection = sqlite3.connect(path)
        try:
            [found] = connection.execute("PRAGMA integrity_check(1)").fetchone()
        finally:
            connection.close()
    except sqlite3.Error:
        found = ""
    if found != "ok":
        raise BackupRefused(f"{told_as}: {LOST}")


def unpack_sqlite(part: Path, target: Path) -> None:
    """The database of a backup's part, as a file of SQLite's."""
    with gzip.open(part, "rb") as packed, target.open("wb") as file:
        shutil.copyfileobj(packed, file, PIECE)


def _forget(path: Path) -> None:
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        path.with_name(name).unlink(missing_ok=True)


# --- PostgreSQL


def _take_postgresql(url: str, path: Path, tell: Tell) -> Copy:
    program = find_program("pg_dump")
    database = Database(url)
    engine = database.engine.execution_options(isolation_level="REPEATABLE READ")
    try:
        with engine.connect() as connection, connection.begin():
            size = connection.execute(text("SELECT pg_database_size(current_database())")).scalar()
            snapshot = connection.execute(text("SELECT pg_export_snapshot()")).scalar()
            tell(f"copying the database ({_megabytes(int(size or 0))} on the server)")
            options = ["--format=custom", "--no-owner", "--no-privileges", f"--file={path}"]
            options += [f"--snapshot={snapshot}", f"--exclude-schema={ASIDE}*"]
            command = [program, *options, "--dbname", _address(url)]
            _beside(lambda: run(command, url), path, 0, tell)
            return Copy(path, revision_of(connection), count_rows(connection))
    except SQLAlchemyError as error:
        raise StoreError(f"the database refused: {type(error).__name__}") from error
    finally:
        database.dispose()


def check_dump(part: Path) -> None:
    """Whether pg_restore can read a dump.

    Raises:
        BackupRefused: it cannot, or is missing.
    """
    run([find_program("pg_restore"), "--list", str(part)])


def load_dump(part: Path, url: str) -> None:
    """Put a dump into an empty database, all of it or nothing.

    Raises:
        BackupRefused: pg_restore fails or is missing.
    """
    options = ["--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error"]
    run([find_program("pg_restore"), *options, "--dbname", _address(url), str(part)], url)


def find_program(name: str) -> str:
    """Where a program of PostgreSQL's is; of several, the newest.

    Raises:
        BackupRefused: it is nowhere.
    """
    found = sorted(
        Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda p: int(p.parts[-3])
    )
    program = str(found[-1]) if found else shutil.which(name)
    if program is None:
        why = "install PostgreSQL's own programs here (on Debian: postgresql-client)"
        raise BackupRefused(f"{name} was not found: {why}, of the server's version or newer")
    return program


def run(command: Sequence[str], url: str = "") -> None:
    """Run a program of PostgreSQL's; the password stands in no list of processes.

    Raises:
        BackupRefused: it failed; with what it said last.
    """
    password = make_url(url).password if url else None
    environment = {
        **os.environ,
        "LC_ALL": "C",
        **({"PGPASSWORD": str(password)} if password else {}),
    }
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if ended.returncode:
        said = [line for line in ended.stderr.splitlines() if "error" in line.lower()]
        why = said[0].partition("error: ")[2] or said[0] if said else f"code {ended.returncode}"
        raise BackupRefused(f"{Path(command[0]).name} failed: {why}")


def _address(url: str) -> str:
    parsed: URL = make_url(url)
    options: dict[str, Any] = {k: v for k, v in parsed.query.items() if isinstance(v, str)}
    given = {"host": parsed.host, "port": parsed.port, "user": parsed.username}
    options |= {name: value for name, value in given.items() if value}
    return str(make_dsn(dbname=parsed.database, **options))


# --- both


def _beside(work: Callable[[], None], path: Path, size: int, tell: Tell) -> None:
    """Do something in a thread, and tell now and then how far the file it writes has come."""
    problems: list[BaseException] = []

    def do() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - raised again below
            problems.append(error)

    thread = threading.Thread(target=do, daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(TELL_EVERY)
        if thread.is_alive() and path.exists():
            done = path.stat().st_size
            of = f" of {_megabytes(size)}" if size else ""
            tell(f"copied {_megabytes(done)}{of}")
    if problems:
        raise problems[0]


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
