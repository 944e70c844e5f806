"""Real processes for tests: a PostgreSQL server, and the assistant as `mobilis up` runs it."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path

import httpx
import pytest

from mobilis.settings import ROOT, Settings

# Below what the system gives to connections, and not where another run beside this one begins: a
# port is still free when the process that it is meant for has started.
_ports = islice(cycle(range(20_000, 32_000)), os.getpid() % 120 * 100, None)


def free_port() -> int:
    while True:
        with socket.socket() as probe, suppress(OSError):
            port = next(_ports)
            probe.bind(("127.0.0.1", port))
            return port


class Postgres:
    """A PostgreSQL server on loopback, without durability.

    Its folder is none of pytest's: each run of pytest takes those away from every other user, and
    so from a server that another run has started as one.
    """

    def __init__(self) -> None:
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
        command = shutil.which("postgres")
        if not found and not command:
            pytest.fail("PostgreSQL was not found: install the package postgresql (or make test)")
        self._bin = found[-1] if found else Path(str(command)).parent
        self._folder = Path(tempfile.mkdtemp(prefix="mobilis-postgres-"))
        self._data = self._folder / "data"
        self._user = "postgres" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
        if os.getuid() == 0:
            shutil.chown(self._folder, self._user)
        self._run("initdb", "-D", str(self._data), "-U", "mobilis", "-A", "trust", "-E", "UTF8")
        self.port = free_port()
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c fsync=off"
        options += f" -c unix_socket_directories={self._folder}"
        log = str(self._folder / "log")
        self._run("pg_ctl", "-D", str(self._data), "-w", "-l", log, "-o", options, "start")

    def create(self, name: str) -> str:
        """A new database; its URL."""
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "mobilis", name)
        return f"postgresql://mobilis@127.0.0.1:{self.port}/{name}"

    def stop(self) -> None:
        self._run("pg_ctl", "-D", str(self._data), "-m", "immediate", "stop")
        shutil.rmtree(self._folder)

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._bin / program), *arguments]
        user = self._user if os.getuid() == 0 else None
        ended = subprocess.run(
            command,
            user=user,
            cwd="/",
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert ended.returncode == 0, ended.stderr


class Stack:
    """The whole assistant as `mobilis up` runs it, on free ports, with data of its own."""

    def __init__(self, folder: Path, database_url: str = "") -> None:
        self.settings = replace(
            Settings(),
            data_dir=folder,
            database_url=database_url,
            port=free_port(),
            brain_port=free_port(),
            actions_port=free_port(),
        )
        self.base = f"http://127.0.0.1:{self.settings.port}"
        self.log = folder / "log"
        environment = {
            **os.environ,
            "MOBILIS_DATA_DIR": str(folder),
            "DATABASE_URL": database_url,
            "MOBILIS_PORT": str(self.settings.port),
            "MOBILIS_BRAIN_PORT": str(self.settings.brain_port),
            "MOBILIS_ACTIONS_PORT": str(self.settings.actions_port),
            "MOBILIS_TURN_TIMEOUT": "60",  # the machine may have other work
            "MOBILIS_MESSAGES_PER_MINUTE": "1000",
            "MOBILIS_MESSAGES_PER_MINUTE_ADDRESS": "100000",
            "MOBILIS_CONVERSATIONS_PER_MINUTE_ADDRESS": "10000",
        }
        with self.log.open("wb") as log:
            command = [sys.executable, "-m", "mobilis.cli", "up", "--no-train"]
            self._up = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT
            )
        self.wait_until_ready(180)

    def wait_until_ready(self, seconds: float = 120) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self._up.poll() is not None:
                break
            try:
                if httpx.get(f"{self.base}/healthz", timeout=5).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.25)
        pytest.fail(f"the assistant is not ready:\n{self.log.read_text()[-3000:]}")

    def pid(self, name: str) -> int:
        return int(json.loads((self.settings.data_dir / "pids.json").read_text())[name])

    def kill(self, name: str) -> None:
        """End a process at once, in the middle of whatever it does; it is started again."""
        self._end(name, signal.SIGKILL)

    def restart(self, name: str) -> None:
        """End a process and wait until the whole chain is ready again."""
        self._end(name, signal.SIGTERM)
        self.wait_until_ready()

    def _end(self, name: str, number: signal.Signals) -> None:
        pid = self.pid(name)
        os.kill(pid, number)
        deadline = time.monotonic() + 60
        while self.pid(name) == pid and time.monotonic() < deadline:
            time.sleep(0.05)

    def stop(self) -> None:
        self._up.send_signal(signal.SIGTERM)
        self._up.wait(60)
