"""Putting a backup back: all of it is checked before anything is touched, and what was erased since
it was made is erased again.

A place that holds something is left alone, unless it is to be replaced; then it is kept aside.
Sign-ins of staff end with a restore: who was signed in then may have left since.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import delete, inspect, text
from sqlalchemy.engine import Connection

from mobilis import audit, privacy
from mobilis.backups import copies, making
from mobilis.backups.copies import PARTS, POSTGRESQL, SQLITE
from mobilis.backups.sealed import Key, Opened, Tell, open_file, told, workshop
from mobilis.errors import BackupRefused, StoreError
from mobilis.live import ENCODER, MODEL
from mobilis.models import staff_sessions, staff_sign_ins
from mobilis.schema import change, newest, revision_of, revisions
from mobilis.settings import Settings
from mobilis.store import Database, now
from mobilis.versions import content_version, model_version

RESTORED = "database.restored"  # in the audit log


@dataclass(frozen=True)
class Restored:
    """What became of a restore.

    `hints` are sentences about what is not as it was when the backup was made.
    """

    manifest: Mapping[str, Any]
    erased_again: int
    kept_aside: tuple[str, ...]
    hints: tuple[str, ...]


def verify(path: Path, key: Key | None, beside: Path) -> Mapping[str, Any]:
    """The manifest of a backup that was checked whole, its database included.

    Raises:
        BackupRefused: it is not whole, or cannot be opened.
    """
    with workshop(beside) as work:
        opened = open_file(path, key, work)
        _check_database(path, opened, work)
        return opened.manifest


def restore(
    settings: Settings,
    path: Path,
    key: Key | None,
    tell: Tell,
    *,
    erasures: Sequence[Path] = (),
    replace: bool = False,
    with_model: bool = True,
) -> Restored:
    """Put a backup where the settings say that the database is.

    Args:
        erasures: newer backups, or lists of what was erased, from which that is taken.
        replace: also where there is something; that is kept aside.
        with_model: put its model back too.

    Raises:
        BackupRefused, StoreError: it cannot be restored; everything is as it was before.
    """
    is_file = copies.kind_of(settings.database) == SQLITE
    beside = copies.file_of(settings.database).parent if is_file else settings.data_dir
    with workshop(beside) as work, told(work), ExitStack() as staged:
        tell(f"checking {path}")
        opened = open_file(path, key, work)
        if "database" not in opened.manifest:
            raise BackupRefused(f"{path}: it is a list of what was erased: give it as --erasures")
        raw = _check_database(path, opened, work)
        _check_place(settings, opened, replace, with_model)
        noted = _erased_since(settings, [path, *erasures], key, replace)
        files = _stage_files(settings, opened, with_model, staged)
        place = _Place(settings, opened.manifest, noted, tell)
        aside, erased = place.fill(raw, opened)
        for half, target in files:
            aside += _set_aside(target)
            half.replace(target)
    return Restored(opened.manifest, erased, tuple(aside), _hints(settings, opened, path))


# --- before anything is touched


def _check_database(path: Path, opened: Opened, work: Path) -> Path | None:
    """Whether the database of a backup is whole and known here; SQLite's as a file."""
    about = opened.manifest.get("database")
    if about is None:
        return None
    if about["revision"] not in revisions():
        why = f"its schema is {about['revision']}, newer than {newest()}, the newest known here"
        raise BackupRefused(f"{path}: {why}; restore it with the version that made it, or newer")
    part = opened.parts[PARTS[about["kind"]]]
    if about["kind"] == POSTGRESQL:
        copies.check_dump(part)
        return None
    raw = work / "database.sqlite"
    copies.unpack_sqlite(part, raw)
    copies.check_sqlite(raw, path)
    return raw


def _check_place(settings: Settings, opened: Opened, replace: bool, with_model: bool) -> None:
    kind, url = opened.manifest["database"]["kind"], settings.database
    if kind != copies.kind_of(url):
        raise BackupRefused(
            f"the backup is of {kind}, and DATABASE_URL names {copies.kind_of(url)}"
        )
    if _is_running(settings):
        raise BackupRefused("mobilis is running here: stop it first")
    if kind == POSTGRESQL:
        _check_server(url)
    if replace:
        return
    if _is_filled(url):
        raise BackupRefused(
            "the database is not empty: --replace puts the backup in its place and keeps it aside"
        )
    model, part = settings.project_dir / MODEL, opened.parts.get(making.MODEL_PART)
    if with_model and part and model.exists() and model_version(model) != model_version(part):
        why = "another model is there: --replace keeps it aside, --without-model leaves it in place"
        raise BackupRefused(f"{model}: {why}")


def _is_running(settings: Settings) -> bool:
    """Whether `mobilis up` keeps processes running with this data directory."""
    try:
        pids = json.loads((settings.data_dir / "pids.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    for pid in pids.values():
        with suppress(OSError):
            os.kill(pid, 0)
            return True
    return False


def _check_server(url: str) -> None:
    others = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND backend_type = 'client backend'"
    )
    database = Database(url)
    try:
        with database.read() as connection:
            count = int(connection.execute(others).scalar_one())
    finally:
        database.dispose()
    if count:
        raise BackupRefused(f"{count} others use the database: stop them first")


def _is_filled(url: str) -> bool:
    if copies.kind_of(url) == SQLITE and not copies.file_of(url).exists():
        return False
    database = Database(url)
    try:
        with database.read() as connection:
            return bool(inspect(connection).get_table_names())
    except StoreError:
        return True  # no database of ours; but something is there
    finally:
        database.dispose()


def _erased_since(
    settings: Settings, paths: Sequence[Path], key: Key | None, replace: bool
) -> list[dict[str, Any]]:
    """All that is known to be erased: by the backup, by others, and by what is replaced."""
    noted: list[dict[str, Any]] = []
    for path in paths[1:]:
        with workshop(settings.data_dir) as work:
            part = open_file(path, key, work).parts.get(making.ERASURES_PART)
            if part is None:
                raise BackupRefused(f"{path}: it says nothing of what was erased")
            noted += json.loads(part.read_text(encoding="utf-8"))
    if replace and _is_filled(settings.database):
        with suppress(StoreError):  # what is replaced may be broken: that is why it is
            noted += making.erased_in(settings.database)
    return noted


# --- the place


class _Place:
    """Where the database goes."""

    def __init__(
        self,
        settings: Settings,
        manifest: Mapping[str, Any],
        noted: Sequence[Mapping[str, Any]],
        tell: Tell,
    ) -> None:
        self._settings, self._manifest, self._noted, self._say = settings, manifest, noted, tell
        self._url = settings.database

    def fill(self, raw: Path | None, opened: Opened) -> tuple[list[str], int]:
        """Put the database in place; what was kept aside, and how many erasures were made again."""
        if raw is not None:
            return self._fill_sqlite(raw)
        return self._fill_postgresql(opened.parts[PARTS[POSTGRESQL]])

    def _fill_sqlite(self, raw: Path) -> tuple[list[str], int]:
        """The file is made ready beside, and takes its name last."""
        erased = self._bring_up_to_date(f"sqlite:///{raw}")
        target = copies.file_of(self._url)
        aside = _set_aside(target)
        with told(target.parent):
            target.parent.mkdir(parents=True, exist_ok=True)
            raw.chmod(0o600)
            raw.rename(target)
        return aside, erased

    def _fill_postgresql(self, dump: Path) -> tuple[list[str], int]:
        """What is there is renamed, and gets its name back when the rest does not succeed."""
        aside = f"{copies.ASIDE}{now():%Y%m%dt%H%M%S}" if _is_filled(self._url) else ""
        if aside:
            self._run(f'ALTER SCHEMA public RENAME TO "{aside}"', "CREATE SCHEMA public")
        try:
            self._say("filling the database")
            copies.load_dump(dump, self._url)
            erased = self._bring_up_to_date(self._url)
        except BaseException:
            self._run("DROP SCHEMA public CASCADE")
            self._run(
                f'ALTER SCHEMA "{aside}" RENAME TO public' if aside else "CREATE SCHEMA public"
            )
            raise
        return [f"the schema {aside} of the database"] if aside else [], erased

    def _bring_up_to_date(self, url: str) -> int:
        """The newest schema; nothing that was erased since; no sign-in of then."""
        change(url, tell=self._say)
        database = Database(url)
        try:
            with database.erase() as connection:
                _check_rows(connection, self._manifest)
                erased = privacy.erase_again(connection, self._noted)
                for table in (staff_sessions, staff_sign_ins):
                    connection.execute(delete(table))
                said = {"made_at": self._manifest["made_at"], "erased_again": erased}
                audit.record(connection, audit.COMMAND, RESTORED, "database", said)
            return erased
        finally:
            database.dispose()

    def _run(self, *statements: str) -> None:
        database = Database(self._url)
        try:
            with database.write() as connection:
                for statement in statements:
                    connection.execute(text(statement))
        finally:
            database.dispose()


def _check_rows(connection: Connection, manifest: Mapping[str, Any]) -> None:
    """Whether each table has the rows that were counted, where the schema did not change."""
    about = manifest["database"]
    if about["revision"] == revision_of(connection):
        found = copies.count_rows(connection)
        wrong = [name for name, rows in about["rows"].items() if found.get(name) != rows]
        if wrong:
            raise BackupRefused(f"not as many rows as were counted in: {', '.join(wrong)}")


def _set_aside(target: Path) -> list[str]:
    """Rename a file that is there, and what SQLite has beside it; its new name."""
    if not target.exists():
        return []
    aside = target.with_name(f"{target.name}.replaced-{now():%Y%m%dT%H%M%SZ}")
    with told(target.parent):
        for ending in ("", "-wal", "-shm"):
            part = target.with_name(target.name + ending)
            if part.exists():
                part.rename(aside.with_name(aside.name + ending))
    return [str(aside)]


def _stage_files(
    settings: Settings, opened: Opened, with_model: bool, staged: ExitStack
) -> list[tuple[Path, Path]]:
    """The model, and the secret where there is none, each beside its place; what is not put there
    in the end goes with `staged`."""
    root, wanted = settings.project_dir, {}
    model, part = root / MODEL, opened.parts.get(making.MODEL_PART)
    if with_model and part and model_version(model) != model_version(part):
        wanted[making.MODEL_PART] = model
        wanted[making.ENCODER_PART] = root / ENCODER
    secret = settings.data_dir / "secret"
    if not settings.secret and not secret.exists():
        wanted[making.SECRET_PART] = secret
    files = []
    for name in wanted.keys() & opened.parts.keys():
        target = wanted[name]
        half = target.with_name(f".{target.name}.half")
        staged.callback(half.unlink, missing_ok=True)
        with told(target.parent):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(opened.parts[name], half)
            half.chmod(0o600)
        files.append((half, target))
    return files


def _hints(settings: Settings, opened: Opened, path: Path) -> tuple[str, ...]:
    found = []
    content = opened.manifest["versions"]["content"]
    if content != content_version(settings.project_dir):
        found.append(f"the content files here are others than then (version {content})")
    if making.SECRET_PART not in opened.parts and not settings.secret:
        found.append("the backup holds no secret: Slack must be installed again, if it was")
    newer = [one.name for one in path.parent.glob("*-*.backup") if _moment(one) > _moment(path)]
    if newer:
        found.append(f"newer files are beside it, for --erasures: {', '.join(sorted(newer))}")
    return tuple(found)


def _moment(path: Path) -> str:
    return path.stem.partition("-")[2]
