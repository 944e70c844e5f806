"""The commands `mobilis doctor …`: what keeps a deployment, or a channel, from working.

Called by mobilis/cli.py.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from mobilis.errors import MobilisError
from mobilis.settings import Settings

if TYPE_CHECKING:
    from mobilis.doctor.findings import Finding

PATIENCE = 120.0  # seconds, of what asks the platforms
# A program of its own, since the command line imports nothing of the front door.
DOOR = (sys.executable, "-m", "mobilis.web.doctor")


def add_commands(commands: Any) -> None:
    """Put `doctor` beside the other commands."""
    told = "whether a deployment has all that it needs, and how to mend it"
    doctor = commands.add_parser("doctor", help=told)
    doctor.set_defaults(command=_everything)
    channels = doctor.add_subparsers(required=False, metavar="CHANNEL")
    slack = channels.add_parser("slack", help="settings, token, permissions, public address")
    slack.set_defaults(command=_slack)
    teams = channels.add_parser("teams", help="settings, addresses and access of Microsoft Teams")
    teams.set_defaults(command=_teams)
    for one in (doctor, slack, teams):
        one.add_argument("--json", action="store_true", help="print the findings as JSON")


def _everything(options: argparse.Namespace, settings: Settings) -> int:
    from mobilis.doctor import examine

    def found() -> Iterator[Finding]:
        yield from examine(settings)
        yield from _of_the_door()

    return _show(found(), options.json)


def _slack(options: argparse.Namespace, settings: Settings) -> int:
    from mobilis.doctor.slack import examine_slack

    return _show(examine_slack(settings), options.json)


def _teams(options: argparse.Namespace, settings: Settings) -> int:
    program = [*DOOR, "teams", *(["--json"] if options.json else [])]
    return subprocess.run(program, check=False).returncode


def _show(findings: Iterable[Finding], as_json: bool) -> int:
    """Print the findings, each as it is found, or all as JSON; 1 when one is a fault."""
    shown = []
    for finding in findings:
        shown.append(finding)
        if not as_json:
            print(finding.as_line(), flush=True)
    if as_json:
        print(json.dumps({"findings": [one.as_json() for one in shown]}, ensure_ascii=False))
    return 0 if all(one.ok for one in shown) else 1


def _of_the_door() -> Iterator[Finding]:
    """What the front door's own code finds."""
    from mobilis.doctor.findings import Finding

    ended = subprocess.run(
        [*DOOR, "--json"], check=False, capture_output=True, text=True, timeout=PATIENCE
    )
    try:
        findings = json.loads(ended.stdout)["findings"]
    except ValueError:
        raise MobilisError(
            f"the front door cannot be looked at: {ended.stderr.strip()[-300:]}"
        ) from None
    for one in findings:
        yield Finding(one["about"], one["state"], one["sentence"])
