"""Whole assistants in processes of their own, on free ports of loopback: ours and the stock one.

Started for a bench or a test, with data that is thrown away afterwards; `stop` ends them in order.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path

import httpx

from mobilis.errors import MobilisError
from mobilis.settings import ROOT, Settings
from mobilis.supervisor import RASA_ENVIRONMENT

PATIENCE = 180.0  # seconds until a start has failed
STOP_AFTER = 60.0
LOOK_EVERY = 0.1
UNLIMITED = {
    "MOBILIS_MESSAGES_PER_MINUTE": "0",
    "MOBILIS_MESSAGES_PER_MINUTE_ADDRESS": "0",
    "MOBILIS_CONVERSATIONS_PER_MINUTE_ADDRESS": "0",
    "MOBILIS_SIGN_INS_PER_MINUTE_ADDRESS": "0",
    "MOBILIS_STREAMS_PER_ADDRESS": "0",
}


class NotStarted(MobilisError):
    """An assistant did not become ready; the message ends with what it said last."""


# Below what the system gives to connections, and not where another program like this one begins: a
# port is still free when the process that it is meant for has started.
_ports = islice(cycle(range(20_000, 32_000)), os.getpid() % 120 * 100, None)


def free_port() -> int:
    """A port of loopback that nothing listens on."""
    while True:
        with socket.socket() as probe, suppress(OSError):
            port = next(_ports)
            probe.bind(("127.0.0.1", port))
            return port


def free_ports(count: int) -> int:
    """The first of so many ports of loopback, one after the other, that nothing listens on."""
    found = [free_port()]
    while len(found) < count:
        found.append(free_port())
        if found[-1] != found[-2] + 1:
            found = found[-1:]
    return found[0]


@contextmanager
def leaving_nothing(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Ends a process that leads its session, and whatever it started, when the block is left and it
    still runs."""
    try:
        yield
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


class Running:
    """One process, whose address `health` answers 200 once all is ready.

    Raises:
        NotStarted: it ended, or was not ready in time.
    """

    def __init__(
        self, command: list[str], environment: Mapping[str, str], cwd: Path, log: Path, health: str
    ) -> None:
        self.log = log
        self._health = health
        began = time.monotonic()
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                command,
                cwd=cwd,
                env={**os.environ, **environment},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for us, who then end it
            )
        try:
            self.wait_until_ready(PATIENCE)
        except BaseException:
            self.stop()
            raise
        self.seconds_to_ready = time.monotonic() - began

    @property
    def root_pid(self) -> int:
        """The first process; the others descend from it."""
        return self._process.pid

    def wait_until_ready(self, seconds: float = 120) -> None:
        """Return when it is ready.

        Raises:
            NotStarted: it ended, or was not ready in time.
        """
        deadline = time.monotonic() + seconds
        with httpx.Client(timeout=5, trust_env=False) as client:
            while time.monotonic() < deadline and self._process.poll() is None:
                if _answers(client, self._health):
                    return
                time.sleep(LOOK_EVERY)
        said = self.log.read_text(encoding="utf-8", errors="replace")[-3000:]
        raise NotStarted(f"the assistant is not ready; it said last:\n{said}")

    def stop(self) -> None:
        """End it in good order; by force when it does not."""
        self._process.terminate()
        try:
            self._process.wait(STOP_AFTER)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Stack(Running):
    """The whole assistant as `mobilis up` runs it, without limits, its data in `folder`; what
    `environment` sets comes last."""

    def __init__(
        self,
        folder: Path,
        database_url: str = "",
        root: Path = ROOT,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.settings = replace(
            Settings(),
            project_dir=root,
            data_dir=folder,
            database_url=database_url,
            port=free_port(),
            brain_port=free_port(),
            actions_port=free_port(),
        )
        self.base = f"http://127.0.0.1:{self.settings.port}"
        variables = {
            **UNLIMITED,
            "MOBILIS_TURN_TIMEOUT": "60",  # the machine may have other work
            "MOBILIS_PROJECT_DIR": str(root),
            "MOBILIS_DATA_DIR": str(folder),
            "MOBILIS_HOST": "127.0.0.1",
            "DATABASE_URL": database_url,
            "MOBILIS_PORT": str(self.settings.port),
            "MOBILIS_BRAIN_PORT": str(self.settings.brain_port),
            "MOBILIS_ACTIONS_PORT": str(self.settings.actions_port),
            **(environment or {}),
        }
        command = [sys.executable, "-m", "mobilis.cli", "up", "--no-train"]
        super().__init__(command, variables, root, folder / "log", f"{self.base}/healthz")

    def pids(self) -> dict[str, int]:
        """The processes by name: `up`, which keeps the others running, and those."""
        parts: dict[str, int] = json.loads((self.settings.data_dir / "pids.json").read_text())
        return {"up": self.root_pid, **parts}

    def pid(self, name: str) -> int:
        return self.pids()[name]


class StockServer(Running):
    """The stock assistant of the project `folder`, with its REST channel."""

    def __init__(self, folder: Path, log: Path) -> None:
        port = free_port()
        self.base = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "rasa", "run", "--model", "models"]
        command += ["--interface", "127.0.0.1", "--port", str(port), "--log-file", os.devnull]
        command += ["--credentials", "credentials.yml", "--endpoints", "endpoints.yml"]
        super().__init__(command, RASA_ENVIRONMENT, folder, log, self.base)

    def pids(self) -> dict[str, int]:
        """Its one process, by name."""
        return {"server": self.root_pid}


def _answers(client: httpx.Client, address: str) -> bool:
    try:
        return client.get(address).status_code == 200
    except httpx.HTTPError:
        return False
