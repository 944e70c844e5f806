"""`mobilis dev …`: a platform on this computer, to see a conversation as it shows it. Called by the
CLI.

The front door's own program shows it, since the command line imports nothing of the front door.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

from mobilis.settings import Settings
from mobilis.supervisor import secret_environment

PLATFORMS = {"slack": ("Slack", "8020"), "teams": ("Microsoft Teams", "8010")}  # name, usual port


def add_commands(commands: Any) -> None:
    """Their parsers, below `mobilis`."""
    dev = commands.add_parser("dev", help="a platform on this computer, beside what is running")
    platforms = dev.add_subparsers(required=True, metavar="PLATFORM")
    for platform, (name, port) in PLATFORMS.items():
        one = platforms.add_parser(platform, help=f"talk as on {name}, on a local page")
        one.add_argument("--port", default=port, metavar="N", help=f"of the page ({port})")
        one.set_defaults(command=_show, platform=platform)


def _show(options: argparse.Namespace, settings: Settings) -> int:
    program = [sys.executable, "-m", f"mobilis.web.{options.platform}.stage"]
    program += ["--port", options.port]
    # In our place, so that it ends as we would; with the secret of the brain that runs.
    os.execve(program[0], program, {**os.environ, **secret_environment(settings)})
