"""`mobilis door`, `brain` and `actions`: one process of the assistant, for whoever starts them one
by one, and `mobilis health`, which tells how one is."""

from __future__ import annotations

import argparse
from typing import Any

import httpx

from mobilis.errors import MobilisError
from mobilis.live import HEALTH, ports
from mobilis.settings import Settings

HEALTH_SECONDS = 5.0
PROCESSES = {
    "door": "run a front door alone",
    "brain": "run a brain alone",
    "actions": "run an action server alone",
}


class NotWell(MobilisError):
    """A process is not ready, or does not answer."""


def add_commands(commands: Any) -> None:
    """Add them to those of the command line."""
    for name, what in PROCESSES.items():
        commands.add_parser(name, help=what).set_defaults(command=_run, process=name)
    health = commands.add_parser("health", help="whether a process of this machine is ready")
    health.add_argument("process", choices=(*PROCESSES,))
    health.set_defaults(command=_health)


def _run(options: argparse.Namespace, settings: Settings) -> int:
    from mobilis.supervisor import become

    become(settings, options.process)


def _health(options: argparse.Namespace, settings: Settings) -> int:
    address, headers = _where(options.process, settings)
    try:
        with httpx.Client(timeout=HEALTH_SECONDS, trust_env=False) as client:
            answer = client.get(address, headers=headers)
    except httpx.HTTPError as error:
        raise NotWell(f"{options.process}: no answer ({type(error).__name__})") from None
    if answer.status_code != 200:
        raise NotWell(f"{options.process}: not ready (status {answer.status_code})")
    print(f"{options.process}: ready")
    return 0


def _where(process: str, settings: Settings) -> tuple[str, dict[str, str]]:
    if process == "door":
        return f"http://127.0.0.1:{settings.port}/readyz", {}
    if process == "actions":
        return f"http://127.0.0.1:{ports(settings).actions}/health", {}
    from mobilis.supervisor import stored_secret

    secret = settings.secret or stored_secret(settings)
    address = f"http://127.0.0.1:{ports(settings).brain}{HEALTH}"
    return address, {"Authorization": f"Bearer {secret}"}
