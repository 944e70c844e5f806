"""The app as Teams installs it: a zip of deploy/teams with the id and the address of a deployment.
Called by the CLI."""

from __future__ import annotations

import argparse
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mobilis.errors import FileRefused, SettingError
from mobilis.settings import ROOT, Settings

FOLDER = "deploy/teams"
MANIFEST = "manifest.json"
FILES = (MANIFEST, "fr.json", "color.png", "outline.png")
NO_ID = "00000000-0000-0000-0000-000000000000"  # in the manifest, until it is packaged
NO_ADDRESS = "https://chat.example.org"


def add_commands(commands: Any) -> None:
    """Their parsers, below `mobilis`."""
    teams = commands.add_parser("teams", help="the app for Microsoft Teams")
    actions = teams.add_subparsers(required=True, metavar="ACTION")
    package = actions.add_parser("package", help="write the app, to be installed in Teams")
    package.add_argument("file", type=Path, metavar="FILE.zip")
    package.set_defaults(command=_package)


def _package(options: argparse.Namespace, settings: Settings) -> int:
    write_package(ROOT, settings, options.file)
    return 0


def write_package(root: Path, settings: Settings, path: Path) -> None:
    """Write the zip.

    Raises:
        SettingError: the id of the app, or the address of the front door, is not set.
        FileRefused: the file cannot be written.
    """
    for name in ("teams_app_id", "public_url"):
        if not getattr(settings, name):
            raise SettingError(f"MOBILIS_{name.upper()}: needed, to be written into the app")
    folder = root / FOLDER
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    text = json.dumps(filled(manifest, settings), ensure_ascii=False, indent=2)
    try:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
            package.writestr(MANIFEST, text)
            for name in FILES[1:]:
                package.write(folder / name, name)
    except OSError as error:
        raise FileRefused(f"{path}: {error.strerror or type(error).__name__}") from None


def filled(manifest: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """A manifest with the id and the address of a deployment in place of those of the example."""
    address = settings.public_url.rstrip("/")
    text = json.dumps(manifest, ensure_ascii=False)
    text = text.replace(NO_ID, settings.teams_app_id).replace(NO_ADDRESS, address)
    made: dict[str, Any] = json.loads(text)
    return {**made, "validDomains": [urlsplit(address).hostname or ""]}
