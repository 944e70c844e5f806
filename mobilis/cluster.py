"""Several front doors and brains on one PostgreSQL, as processes on free ports of loopback.

Started for a bench or a test by the commands that a deployment uses. Each brain has an action
server of its own. Whoever is killed is started again.
"""

from __future__ import annotations

import itertools
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

from mobilis.settings import ROOT
from mobilis.stack import LOOK_EVERY, PATIENCE, STOP_AFTER, UNLIMITED, NotStarted, free_port

KINDS = ("actions", "brain", "door")


@dataclass
class Member:
    """One process: `name` is its kind and a number; `well` answers 200 once it is ready."""

    name: str
    environment: dict[str, str]
    well: str
    log: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def kind(self) -> str:
        return self.name.partition(" ")[0]

    def start(self) -> None:
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "mobilis.cli", self.kind],
                cwd=ROOT,
                env={**os.environ, **self.environment},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def end(self, number: signal.Signals) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)
            try:
                self.process.wait(STOP_AFTER)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Cluster:
    """`doors` front doors and as many brains as `brains`, on a database that has its schema.

    Raises:
        NotStarted: one of them was not ready in time.
    """

    def __init__(
        self,
        folder: Path,
        database_url: str,
        doors: int,
        brains: int,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.secret = secrets.token_urlsafe(24)
        shared = {
            **UNLIMITED,
            "MOBILIS_TURN_TIMEOUT": "60",  # the machine may have other work
            "MOBILIS_TURN_ATTEMPTS": "100",
            "MOBILIS_DATA_DIR": str(folder),
            "DATABASE_URL": database_url,
            "MOBILIS_SECRET": self.secret,
            **(environment or {}),
        }
        self.members: list[Member] = []
        self._turns: dict[str, itertools.cycle[Member]] = {}
        self._changing = threading.Lock()
        found = []
        for number in range(1, brains + 1):
            actions, brain = free_port(), free_port()
            ports = {"MOBILIS_ACTIONS_PORT": str(actions), "MOBILIS_BRAIN_PORT": str(brain)}
            found.append(f"http://127.0.0.1:{brain}")
            health = f"{found[-1]}/webhooks/mobilis/health"
            self._add(folder, f"actions {number}", {**shared, **ports}, f"{_at(actions)}/health")
            self._add(folder, f"brain {number}", {**shared, **ports}, health)
        self.bases = []
        for number in range(1, doors + 1):
            port = free_port()
            own = {"MOBILIS_PORT": str(port), "MOBILIS_BRAIN_URL": ",".join(found)}
            self.bases.append(_at(port))
            self._add(folder, f"door {number}", {**shared, **own}, f"{_at(port)}/healthz")
        try:
            for member in self.members:
                member.start()
            self.wait_until_ready()
        except BaseException:
            self.stop()
            raise

    def _add(self, folder: Path, name: str, environment: dict[str, str], well: str) -> None:
        log = folder / f"{name.replace(' ', '-')}.log"
        self.members.append(Member(name, environment, well, log))

    def wait_until_ready(self, members: Iterable[Member] = ()) -> None:
        """Return when all of them are ready, or those.

        Raises:
            NotStarted: one was not in time.
        """
        waited, deadline = list(members or self.members), time.monotonic() + PATIENCE
        headers = {"Authorization": f"Bearer {self.secret}"}
        with httpx.Client(timeout=5, trust_env=False, headers=headers) as client:
            for member in waited:
                while not _answers(client, member.well):
                    if time.monotonic() > deadline:
                        said = member.log.read_text(encoding="utf-8", errors="replace")[-3000:]
                        raise NotStarted(f"{member.name} is not ready; it said last:\n{said}")
                    time.sleep(LOOK_EVERY)

    def kill(self, name: str) -> None:
        """End one of a kind at once, each in its turn, and start it again."""
        self._end(name, signal.SIGKILL)

    def restart(self, name: str) -> None:
        """End one of a kind in good order, and wait until it is back."""
        self.wait_until_ready([self._end(name, signal.SIGTERM)])

    def _end(self, kind: str, number: signal.Signals) -> Member:
        with self._changing:
            own = [member for member in self.members if member.kind == kind]
            member = next(self._turns.setdefault(kind, itertools.cycle(own)))
            member.end(number)
            member.start()
            return member

    def kill_next(self, kind: str) -> None:
        """Kill one of a kind, and wait until it is back."""
        self.wait_until_ready([self._end(kind, signal.SIGKILL)])

    def pids(self) -> dict[str, int]:
        """The processes by name."""
        return {member.name: member.process.pid for member in self.members if member.process}

    def stop(self) -> None:
        """End all of them, front doors first."""
        for member in reversed(self.members):
            member.end(signal.SIGTERM)


class Spread(httpx.BaseTransport):
    """Sends one request after the other to another front door, as a balancer may. One that fails
    is for the caller to send again."""

    def __init__(self, bases: Iterable[str]) -> None:
        self._bases = itertools.cycle([httpx.URL(base) for base in bases])
        self._inner = httpx.HTTPTransport(trust_env=False)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        base = next(self._bases)
        request.url = request.url.copy_with(host=base.host, port=base.port)
        return self._inner.handle_request(request)

    def close(self) -> None:
        self._inner.close()


def _at(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def _answers(client: httpx.Client, address: str) -> bool:
    try:
        return client.get(address).status_code == 200
    except httpx.HTTPError:
        return False
