"""The commands `mobilis doctor …`: what keeps a channel from working. Called by mobilis/cli.py."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from dataclasses import asdict
from typing import Any

from mobilis.settings import Settings


def add_commands(commands: Any) -> None:
    """Put `doctor` beside the other commands."""
    doctor = commands.add_parser("doctor", help="find out why a channel does not work")
    channels = doctor.add_subparsers(required=True, metavar="CHANNEL")
    slack = channels.add_parser("slack", help="settings, token, permissions, public address")
    slack.set_defaults(command=_slack)
    teams = channels.add_parser("teams", help="settings, addresses and access of Microsoft Teams")
    teams.set_defaults(command=_teams)
    for channel in (slack, teams):
        channel.add_argument("--json", action="store_true", help="print the findings as JSON")


def _slack(options: argparse.Namespace, settings: Settings) -> int:
    from mobilis.doctor import examine_slack

    findings = examine_slack(settings)
    if options.json:
        shown = [asdict(finding) for finding in findings]
        print(json.dumps({"findings": shown}, ensure_ascii=False))
    else:
        for finding in findings:
            print(f"{'ok     ' if finding.ok else 'problem'} {finding.sentence}")
    return 0 if all(finding.ok for finding in findings) else 1


def _teams(options: argparse.Namespace, settings: Settings) -> int:
    # A program of its own, since the command line imports nothing of the front door.
    program = [sys.executable, "-m", "mobilis.web.teams.doctor"]
    return subprocess.run([*program, *(["--json"] if options.json else [])], check=False).returncode
