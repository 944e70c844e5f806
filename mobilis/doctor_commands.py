"""The commands `mobilis doctor …`: what keeps a channel from working. Called by mobilis/cli.py."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import Any

from mobilis.settings import Settings


def add_commands(commands: Any) -> None:
    """Put `doctor` beside the other commands."""
    doctor = commands.add_parser("doctor", help="find out why a channel does not work")
    channels = doctor.add_subparsers(required=True, metavar="CHANNEL")
    slack = channels.add_parser("slack", help="settings, token, permissions, public address")
    slack.add_argument("--json", action="store_true", help="print the findings as JSON")
    slack.set_defaults(command=_slack)


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
