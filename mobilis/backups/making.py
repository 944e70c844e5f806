"""Making a backup while everything runs: what is in it, what it is called, which ones are kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import inspect

from mobilis.backups import copies
from mobilis.backups.sealed import Key, Tell, told, workshop, write
from mobilis.errors import BackupRefused, SettingError
from mobilis.live import ENCODER, MODEL
from mobilis.models import erasures
from mobilis.privacy import list_erasures
from mobilis.settings import Settings
from mobilis.store import Database, now
from mobilis.versions import here

FOLDER = "backups"  # of the data directory, unless another place is given
NAME = "{kind}-{at:%Y%m%dT%H%M%S%fZ}.backup"
MODEL_PART, ENCODER_PART, SECRET_PART = "model.tar.gz", "encoder", "secret"
ERASURES_PART = "erasures.json"


@dataclass(frozen=True)
class Made:
    """A new backup, and the old ones that went for it."""

    path: Path
    manifest: Mapping[str, Any]
    removed: tuple[Path, ...]


def back_up(
    settings: Settings,
    output: Path | None,
    key: Key | None,
    tell: Tell,
    *,
    keep: int | None = None,
    with_model: bool = True,
    erasures_alone: bool = False,
) -> Made:
    """Make a backup.

    Args:
        output: a new file, or a folder, in which it is named after the moment.
        key: seals it. Without one, the secret of the data directory is left out.
        keep: so many of the backups in the folder stay, the newest.
        erasures_alone: only the list of what was erased, to be restored with an older backup.

    Raises:
        BackupRefused, StoreError: it cannot be made; nothing is left of it.
    """
    output = output or settings.data_dir / FOLDER
    if output.is_file():
        raise BackupRefused(f"{output}: there is such a file already")
    named = output.suffix == ".backup" and not output.is_dir()
    if keep is not None and (named or keep < 1):
        raise SettingError("--keep: 1 or more, in a folder")
    name = NAME.format(kind="erasures" if erasures_alone else "mobilis", at=now())
    target = output if named else output / name
    with told(target.parent):
        target.parent.mkdir(parents=True, exist_ok=True)
    with workshop(settings.data_dir) as work, told(work):
        at = now().isoformat()
        parts, manifest = _database(settings, work, tell, erasures_alone)
        if not erasures_alone:
            parts |= _files(settings, key, with_model)
        tell(f"writing {target}")
        versions = asdict(here(settings.project_dir))
        manifest = {"made_at": at, **manifest, "versions": versions}
        whole = write(target, parts, manifest, key, work)
    removed = _remove_old(target, keep) if keep else ()
    return Made(target, whole, removed)


def _database(
    settings: Settings, work: Path, tell: Tell, erasures_alone: bool
) -> tuple[dict[str, Path], dict[str, Any]]:
    """The database's parts, and what the manifest says of it."""
    parts, manifest, url = {}, {}, settings.database
    if not erasures_alone:
        copy = copies.take(url, work, tell)
        kind = copies.kind_of(url)
        parts[copies.PARTS[kind]] = copy.path
        manifest["database"] = {"kind": kind, "revision": copy.revision, "rows": copy.rows}
    elif copies.kind_of(url) == copies.SQLITE and not copies.file_of(url).exists():
        raise BackupRefused(f"{copies.file_of(url)}: there is no database to back up")
    path = work / ERASURES_PART
    path.write_text(json.dumps(erased_in(url)), encoding="utf-8")
    return {**parts, ERASURES_PART: path}, manifest


def erased_in(url: str) -> list[dict[str, Any]]:
    """What a database knows of erasures; nothing, when its schema is from before there were any."""
    database = Database(url)
    try:
        with database.read() as connection:
            about = inspect(connection)
            known = about.has_table(erasures.name)
            names = {c["name"] for c in about.get_columns(erasures.name)} if known else set()
            return list_erasures(connection) if "subject" in names else []
    finally:
        database.dispose()


def _files(settings: Settings, key: Key | None, with_model: bool) -> dict[str, Path]:
    root, secret = settings.project_dir, settings.data_dir / "secret"
    found = {}
    if with_model and (root / MODEL).exists():
        found[MODEL_PART] = root / MODEL
        if (root / ENCODER).exists():
            found[ENCODER_PART] = root / ENCODER
    if key and secret.exists():
        found[SECRET_PART] = secret
    return found


def _remove_old(newest: Path, keep: int) -> tuple[Path, ...]:
    """Remove all but the `keep` newest backups of the folder, of the kind of the newest."""
    kind = newest.name.partition("-")[0]
    old = sorted(newest.parent.glob(f"{kind}-*.backup"))[:-keep]
    for path in old:
        with told(path):
            path.unlink()
    return tuple(old)
