"""`mobilis dev …`: a platform on this computer, to see what it would show. Called by the CLI."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

from mobilis.settings import Settings


def add_commands(commands: Any) -> None:
    """Their parsers, below `mobilis`."""
    dev = commands.add_parser("dev", help="a platform on this computer, beside what is running")
    platforms = dev.add_subparsers(required=True, metavar="PLATFORM")
    teams = platforms.add_parser("teams", help="talk as on Microsoft Teams, on a local page")
    teams.add_argument("--port", default="8010", metavar="N", help="of the page (8010)")
    teams.set_defaults(command=_show_teams)


def _show_teams(options: argparse.Namespace, settings: Settings) -> int:
    """The front door's own program shows it, since the command line imports nothing of it."""
    program = [sys.executable, "-m", "mobilis.web.teams.stage", "--port", options.port]
    os.execv(program[0], program)  # in our place, so that it ends as we would
