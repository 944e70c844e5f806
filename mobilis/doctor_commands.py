"""`mobilis doctor …`: whether a platform has all that it needs. Called by the CLI.

Each platform's own program looks, since the command line imports nothing of the front door.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from typing import Any

from mobilis.settings import Settings

PLATFORMS = {"teams": "Microsoft Teams"}


def add_commands(commands: Any) -> None:
    """Their parsers, below `mobilis`."""
    doctor = commands.add_parser("doctor", help="whether a platform has all that it needs")
    platforms = doctor.add_subparsers(required=True, metavar="PLATFORM")
    for platform, title in PLATFORMS.items():
        one = platforms.add_parser(platform, help=f"settings, addresses and access of {title}")
        one.add_argument("--json", action="store_true", help="print the findings as JSON")
        one.set_defaults(command=_examine, platform=platform)


def _examine(options: argparse.Namespace, settings: Settings) -> int:
    program = [sys.executable, "-m", f"mobilis.web.{options.platform}.doctor"]
    return subprocess.run([*program, *(["--json"] if options.json else [])], check=False).returncode
