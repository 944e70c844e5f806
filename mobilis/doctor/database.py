"""Whether the database takes what it is given, and whether what it holds moves on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TypeVar

from sqlalchemy import func, select, text
from sqlalchemy.engine import Connection

from mobilis.backlog import read_dead, read_waiting
from mobilis.doctor.findings import FAULT, OK, WARNING, Finding
from mobilis.errors import SettingError, StoreError
from mobilis.models import conversations
from mobilis.retention import Periods, preview
from mobilis.schema import newest, revision_of
from mobilis.settings import Settings
from mobilis.store import Database, now

LARGE_LOG = 200_000_000  # bytes of SQLite's write-ahead log that nobody has emptied
CLOCKS_DIFFER = 5.0  # seconds
LATE = timedelta(days=2)  # of erasing, which happens daily
T = TypeVar("T")
STUCK = 300.0  # seconds
OLD_BACKUP = timedelta(days=2)


class Undo(Exception):
    """Ends a transaction that was only tried."""


def check_database(settings: Settings) -> Iterator[Finding]:
    """Reached, of this version's schema, and written to."""
    if not_made(settings):
        why = "The database is not there yet: mobilis up makes it (or mobilis migrate)."
        yield Finding("database", WARNING, why)
        return
    try:
        database = Database.from_settings(settings)
    except SettingError as error:
        yield Finding("database", FAULT, f"{error}.")
        return
    try:
        yield from _schema(database)
        _try_to_write(database)
        yield Finding("database", OK, "It can be written to.")
        if database.engine.dialect.name == "sqlite":
            yield from _sqlite(database)
    except StoreError as error:
        mend = "is it running, and are DATABASE_URL, its password and its disk right?"
        yield Finding("database", FAULT, f"{error}: {mend}")
    finally:
        database.dispose()


def _schema(database: Database) -> Iterator[Finding]:
    kind = "PostgreSQL" if database.engine.dialect.name == "postgresql" else "SQLite"
    with database.read() as connection:
        present, wanted = revision_of(connection), newest()
    if present == wanted:
        yield Finding("database", OK, f"{kind} answers, with the schema of this version.")
    elif present is None:
        yield Finding("database", FAULT, f"{kind} answers, and is empty: mobilis migrate.")
    else:
        why = f"{kind} has the schema {present}, and this version wants {wanted}"
        yield Finding("database", FAULT, f"{why}: mobilis migrate, or the version that made it.")


def _try_to_write(database: Database) -> None:
    try:
        with database.write() as connection:
            connection.execute(text("CREATE TABLE mobilis_doctor (number INTEGER)"))
            connection.execute(text("INSERT INTO mobilis_doctor VALUES (1)"))
            raise Undo
    except Undo:
        return


def _sqlite(database: Database) -> Iterator[Finding]:
    with database.read() as connection:
        mode = connection.execute(text("PRAGMA journal_mode")).scalar()
    if mode != "wal":
        why = f"SQLite's journal is {mode}, not wal: is the file on a network's disk?"
        yield Finding("database", FAULT, why)
        return
    log = Path(f"{database.engine.url.database}-wal")
    size = log.stat().st_size if log.exists() else 0
    if size > LARGE_LOG:
        why = f"SQLite's write-ahead log holds {size / 1e6:.0f} MB: something reads for very long"
        yield Finding("database", WARNING, f"{why}; start everything again.")


def check_clock(settings: Settings) -> Iterator[Finding]:
    """Our clock beside the database's, and beside what was noted before."""
    found = _ask(settings, _moments)
    if found is None:
        return
    newest, apart = found
    if abs(apart) > CLOCKS_DIFFER:
        why = f"This computer's clock and the database's are {abs(apart):.0f} s apart"
        yield Finding("clock", FAULT, f"{why}: set both by NTP.")
    elif newest is not None and newest > now() + timedelta(seconds=CLOCKS_DIFFER):
        why = f"The newest conversation is of {newest:%Y-%m-%d %H:%M} (UTC), which is yet to come"
        yield Finding("clock", WARNING, f"{why}: was the clock set back?")
    else:
        moment = now()
        yield Finding("clock", OK, f"It is {moment:%Y-%m-%d %H:%M} UTC; pages show Toronto's time.")


def _moments(connection: Connection) -> tuple[datetime | None, float]:
    newest = connection.execute(select(func.max(conversations.c.last_at))).scalar()
    return newest, _apart(connection)


def _apart(connection: Connection) -> float:
    """The seconds by which we are ahead of the database's own clock; 0, where it has none."""
    if connection.dialect.name == "sqlite":
        return 0.0
    theirs: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    return (datetime.now(timezone.utc) - theirs).total_seconds()


def check_backlog(settings: Settings) -> Iterator[Finding]:
    """What waits for long, and what was given up."""
    found = _ask(settings, lambda connection: (read_waiting(connection), read_dead(connection)))
    if found is None:
        return
    waiting, dead = found
    stuck = [f"{one.count} {one.queue}" for one in waiting if one.oldest > STUCK]
    if stuck:
        why = f"Waiting for more than {STUCK / 60:.0f} minutes: {', '.join(stuck)}"
        yield Finding("queues", WARNING, f"{why}; is everything running? See the log.")
    given_up = [f"{count} {queue}" for queue, count in dead.items() if count]
    if given_up:
        where = "/console/deliveries says why, and the cases of e-mails"
        yield Finding("queues", WARNING, f"Given up: {', '.join(given_up)}; {where}.")
    if not stuck and not given_up:
        yield Finding("queues", OK, "Nothing waits for long, and nothing was given up.")


def check_retention(settings: Settings) -> Iterator[Finding]:
    """Whether what is old is erased, and when anything is."""
    unlimited = [
        f"MOBILIS_{name.upper()}"
        for name in ("transcript_days", "lead_days")
        if not getattr(settings, name)
    ]
    if unlimited:
        why = f"{' and '.join(unlimited)}: 0 keeps for ever, which a privacy policy must say."
        yield Finding("retention", WARNING, why)
    periods = Periods.from_settings(settings)
    late = _ask(settings, lambda connection: preview(connection, periods, now() - LATE))
    if late is None:
        return
    if late.conversations or late.transcripts:
        why = "Conversations are kept for longer than the settings say"
        yield Finding("retention", WARNING, f"{why}: the front door erases them; is it running?")
    elif not unlimited:
        told = f"Transcripts go after {periods.transcript_days} days, leads after"
        yield Finding("retention", OK, f"{told} {periods.lead_days}.")


def check_backups(settings: Settings) -> Iterator[Finding]:
    """Where there is a folder of backups, whether the newest is young."""
    folder = settings.data_dir / "backups"
    if not folder.is_dir():
        return
    made = [path.stat().st_mtime for path in folder.iterdir() if path.is_file()]
    if not made:
        yield Finding("backups", WARNING, f"{folder} is empty: make a backup.")
        return
    newest = datetime.fromtimestamp(max(made), timezone.utc)
    if now() - newest > OLD_BACKUP:
        why = f"The newest backup in {folder} is of {newest:%Y-%m-%d}: does the job still run?"
        yield Finding("backups", WARNING, why)
    else:
        yield Finding("backups", OK, f"The newest backup is of {newest:%Y-%m-%d %H:%M} UTC.")


def _ask(settings: Settings, question: Callable[[Connection], T]) -> T | None:
    """What the database answers; None where it does not, of which `check_database` tells."""
    if not_made(settings):
        return None
    try:
        database = Database.from_settings(settings)
    except SettingError:
        return None
    try:
        with database.read() as connection:
            return question(connection)
    except StoreError:
        return None
    finally:
        database.dispose()


def not_made(settings: Settings) -> bool:
    """Whether the database is a file that is not there; to look into it would make it."""
    path = settings.database.removeprefix("sqlite:///")
    return path != settings.database and not Path(path).exists()
