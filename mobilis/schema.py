"""Which schema a database has, and how it gets another one: the migrations, one way or the other.

All steps of a change are one transaction. Two that change one database wait for each other.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import event, inspect, text
from sqlalchemy.engine import Connection

from mobilis.errors import StoreError
from mobilis.settings import ROOT
from mobilis.store import Database

HEAD, BASE = "head", "base"
ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtext('mobilis.schema'))")


def newest() -> str:
    """The revision that this version of mobilis makes."""
    return str(_script().get_current_head())


def revisions() -> list[str]:
    """Every revision that this version knows, oldest first."""
    return [script.revision for script in _script().walk_revisions()][::-1]


def revision_of(connection: Connection) -> str | None:
    """The revision of a database; None when it has no schema yet."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return MigrationContext.configure(connection).get_current_revision()


def change(
    url: str, to: str = HEAD, dry_run: bool = False, tell: Callable[[str], None] = lambda line: None
) -> None:
    """Bring the database at `url` to a revision, newer or older than the one it has.

    Args:
        to: a revision, `HEAD` for the newest or `BASE` for an empty database. What an older schema
            has no place for is lost.
        dry_run: only tell each step.
        tell: is given a line for each step, and one when there is none.

    Raises:
        StoreError: the database is unreachable or refuses, or a revision is not known here.
    """
    database = Database(url)
    sqlite = database.engine.dialect.name == "sqlite"
    if sqlite:
        event.listen(database.engine, "connect", _let_tables_be_made_again)
    try:
        with database.write() as connection:
            if not sqlite:
                connection.execute(ONE_AT_A_TIME)
            _change(connection, to, dry_run, tell)
            if sqlite and connection.exec_driver_sql("PRAGMA foreign_key_check").first():
                raise StoreError("the schema could not be changed: rows would belong to nothing")
    finally:
        database.dispose()


def _let_tables_be_made_again(connection: Any, record: Any) -> None:
    """SQLite changes a table by making it again; else what hangs on its rows would go with it."""
    connection.execute("PRAGMA foreign_keys=OFF")


def _change(connection: Connection, to: str, dry_run: bool, tell: Callable[[str], None]) -> None:
    known = [BASE, *revisions()]
    wanted = newest() if to == HEAD else to
    here = revision_of(connection) or BASE
    if here not in known:
        raise StoreError(f"the database's schema is not one of this version: {here} is newer")
    if wanted not in known:
        raise StoreError(f"{to} is no revision of the schema; the newest is {newest()}")
    forward = known.index(wanted) > known.index(here)
    first, last = sorted((known.index(here), known.index(wanted)))
    script = _script()
    steps = [script.get_revision(name) for name in known[first + 1 : last + 1]]
    for step in steps if forward else reversed(steps):
        tell(f"{'to' if forward else 'back from'} {step.revision}: {step.doc}")
    if not steps:
        tell(f"the database has schema {wanted} already")
    if steps and not dry_run:
        config = _config(connection)
        try:
            (command.upgrade if forward else command.downgrade)(config, wanted)
        except CommandError as error:
            raise StoreError(f"the schema could not be changed: {error}") from error


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    config.attributes["connection"] = connection
    return config


@lru_cache(maxsize=1)
def _script() -> Any:
    """The migrations, read once: to read them takes longer than most of what they do."""
    return ScriptDirectory.from_config(_config())
