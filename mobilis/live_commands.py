"""`mobilis reload` and `mobilis versions`: what is live, and putting something new in its place."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mobilis.errors import StoreError
from mobilis.settings import Settings

if TYPE_CHECKING:  # else every command would load the database's packages
    from mobilis.versions import Used

NEXT = "mobilis.next.tar.gz"  # a model that is not in place yet


def add_commands(commands: Any) -> None:
    """Put `reload` and `versions` beside the other commands."""
    reload = commands.add_parser("reload", help="have a new brain take over from the running one")
    reload.add_argument("--model", type=Path, metavar="FILE", help="with the model of a file")
    reload.set_defaults(command=_reload)
    versions = commands.add_parser("versions", help="which model, content and code are live")
    versions.add_argument("--json", action="store_true", help="print them as JSON")
    versions.set_defaults(command=_versions)


def _reload(options: argparse.Namespace, settings: Settings) -> int:
    from mobilis.live import reload

    reload(settings, options.model, _tell)
    print("the new brain is live")
    return 0


def train_live(settings: Settings, quiet: bool) -> int:
    """Train a model beside the present one, and have it take over where it works."""
    from mobilis.encoders import encoder_name
    from mobilis.errors import SettingError
    from mobilis.live import ENCODER, MODEL, reload, running_supervisor
    from mobilis.training import train

    if running_supervisor(settings) is None:  # before minutes go into it
        raise SettingError(f"MOBILIS_DATA_DIR: nothing runs with {settings.data_dir}: mobilis up")
    root = settings.project_dir
    path = train(root, quiet=quiet, output=(root / MODEL).with_name(NEXT))
    reload(settings, path, _tell)
    path.unlink()
    (root / ENCODER).write_text(encoder_name(settings.encoder), encoding="utf-8")
    print(f"trained {root / MODEL}, which is live")
    return 0


def _versions(options: argparse.Namespace, settings: Settings) -> int:
    from mobilis.live import ask_brain
    from mobilis.supervisor import stored_secret
    from mobilis.versions import content_problem, here

    told = ask_brain(settings, settings.secret or stored_secret(settings))
    found = asdict(here(settings.project_dir))
    report = {
        "live": (told or {}).get("versions"),
        "here": found,
        "content_problem": content_problem(settings.project_dir),
        "answered": [asdict(one) for one in _used(settings)],
    }
    if options.json:
        print(json.dumps(report, ensure_ascii=False))
    else:
        print("\n".join(_in_words(report)))
    return 0


def _used(settings: Settings) -> list[Used]:
    from mobilis.store import Database
    from mobilis.versions import used

    database = Database.from_settings(settings)
    try:
        with database.read() as connection:
            return used(connection)
    except StoreError:  # not migrated yet: nothing has answered
        return []
    finally:
        database.dispose()


def _in_words(report: dict[str, Any]) -> list[str]:
    live = report["live"]
    lines = [f"live:  {_three(live) if live else 'nothing answers here'}"]
    lines.append(f"files: {_three(report['here'])}")
    if report["content_problem"]:
        lines.append(
            f"a content file is wrong, and what it said is said on: {report['content_problem']}"
        )
    for used in report["answered"]:
        since, until = used["first"][:16], used["last"][:16]
        lines.append(
            f"{used['messages']:>8} messages from {since} to {until}: {_three(used['versions'])}"
        )
    return lines


def _three(versions: dict[str, str | None]) -> str:
    return ", ".join(f"{name} {version or 'unknown'}" for name, version in versions.items())


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
