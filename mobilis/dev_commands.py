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
    slack = platforms.add_parser("slack", help="talk as on Slack, on a local page")
    slack.add_argument("--port", default="8020", metavar="N", help="of the page (8020)")
    slack.set_defaults(command=_show_slack)


def _show_slack(options: argparse.Namespace, settings: Settings) -> int:
    """The front door's own program shows it, since the command line imports nothing of it."""
    program = [sys.executable, "-m", "mobilis.web.slack.stage", "--port", options.port]
    os.execv(program[0], program)  # in our place, so that it ends as we would
