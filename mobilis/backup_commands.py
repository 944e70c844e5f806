"""`mobilis backup …` and `mobilis restore`: called by mobilis/cli.py's parser."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mobilis.settings import Settings

if TYPE_CHECKING:  # else every command would load what seals
    from mobilis.backups.sealed import Key


def add_commands(commands: Any) -> None:
    """Put `backup` and `restore` beside the other commands."""
    backup = commands.add_parser("backup", help="make one file to restore everything from")
    backup.add_argument("--output", type=Path, metavar="FILE|FOLDER", help="a new file.backup")
    backup.add_argument("--keep", type=int, metavar="N", help="remove all but the newest N there")
    backup.add_argument("--without-model", action="store_true", help="leave the model out")
    backup.add_argument(
        "--erasures-only", action="store_true", help="only the list of what was erased"
    )
    backup.set_defaults(command=_make)
    actions = backup.add_subparsers(metavar="ACTION")
    verify = actions.add_parser("verify", help="check a backup whole")
    verify.add_argument("file", type=Path, metavar="FILE")
    verify.set_defaults(command=_verify)
    key = actions.add_parser("key", help="make a key that seals and opens backups")
    key.add_argument("file", type=Path, metavar="FILE", help="a new file")
    key.set_defaults(command=_key)
    restore = commands.add_parser("restore", help="put a backup back into an empty place")
    restore.add_argument("file", type=Path, metavar="FILE")
    restore.add_argument(
        "--erasures",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="a newer backup or list, to erase again what was erased since",
    )
    restore.add_argument("--replace", action="store_true", help="keep aside what is there")
    restore.add_argument("--without-model", action="store_true", help="leave the model alone")
    restore.set_defaults(command=_restore)
    for one in (backup, verify, restore):
        one.add_argument("--key-file", type=Path, metavar="FILE", help="the key of the backup")
        one.add_argument("--json", action="store_true", help="print what was done as JSON")
    key.add_argument("--json", action="store_true", help="print it as JSON")


def _key_of(options: argparse.Namespace) -> Key | None:
    from mobilis.backups.sealed import read_key

    return read_key(options.key_file) if options.key_file else None


def _make(options: argparse.Namespace, settings: Settings) -> int:
    from mobilis.backups.making import back_up

    made = back_up(
        settings,
        options.output,
        _key_of(options),
        _tell,
        keep=options.keep,
        with_model=not options.without_model,
        erasures_alone=options.erasures_only,
    )
    removed = [str(path) for path in made.removed]
    if options.json:
        told = {"file": str(made.path), "removed": removed, "manifest": made.manifest}
        print(json.dumps(told, ensure_ascii=False))
        return 0
    for path in removed:
        print(f"removed {path}")
    sealed = "encrypted" if made.manifest["encrypted"] else "not encrypted: it is as good as the"
    tail = "" if made.manifest["encrypted"] else " database itself to whoever reads it"
    print(f"wrote {made.path} ({made.path.stat().st_size / 1e6:.1f} MB, {sealed}{tail})")
    return 0


def _verify(options: argparse.Namespace, settings: Settings) -> int:
    from mobilis.backups.restoring import verify

    manifest = verify(options.file, _key_of(options), settings.data_dir)
    if options.json:
        print(json.dumps(manifest, ensure_ascii=False))
        return 0
    print(f"{options.file} is whole; made at {manifest['made_at']}")
    if "database" in manifest:
        about = manifest["database"]
        print(f"{about['kind']}, schema {about['revision']}, {sum(about['rows'].values())} rows")
    for name, version in manifest["versions"].items():
        print(f"{name} {version}")
    return 0


def _key(options: argparse.Namespace, settings: Settings) -> int:
    from mobilis.backups.sealed import make_key

    public = make_key(options.file)
    if options.json:
        print(json.dumps({"file": str(options.file), "public": public}))
        return 0
    print(f"wrote {options.file}: keep a copy elsewhere, nothing opens a backup without it")
    print(f"its public half, which is enough to make backups: {public}")
    return 0


def _restore(options: argparse.Namespace, settings: Settings) -> int:
    from mobilis.backups.restoring import restore

    done = restore(
        settings,
        options.file,
        _key_of(options),
        _tell,
        erasures=options.erasures,
        replace=options.replace,
        with_model=not options.without_model,
    )
    if options.json:
        told = {**vars(done), "manifest": dict(done.manifest)}
        print(json.dumps(told, ensure_ascii=False))
        return 0
    for line in (*(f"kept aside: {one}" for one in done.kept_aside), *done.hints):
        print(line)
    print(f"erased again: {done.erased_again} erasures that the backup did not know")
    print(f"restored as of {done.manifest['made_at']}; start it with: mobilis up")
    return 0


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
