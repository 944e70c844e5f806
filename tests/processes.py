"""Real processes for tests: a PostgreSQL server, and the assistant as `mobilis up` runs it."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mobilis.stack import Stack as RunningStack
from mobilis.stack import free_port
from mobilis.store import Database

__all__ = ["Postgres", "Stack", "free_port"]


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
        self.start()

    def start(self) -> None:
        """Start the server, at first or again."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c fsync=off"
        options += f" -c unix_socket_directories={self._folder}"
        log = str(self._folder / "log")
        self._run("pg_ctl", "-D", str(self._data), "-w", "-l", log, "-o", options, "start")

    def crash(self) -> None:
        """End the server at once, as a kill would; what was committed is there after `start`."""
        self._run("pg_ctl", "-D", str(self._data), "-m", "immediate", "stop")

    def create(self, name: str) -> str:
        """A new database; its URL."""
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "mobilis", name)
        return self.address(name)

    def address(self, name: str) -> str:
        """The URL of a database, which need not be there yet (see schemas.migrated)."""
        return f"postgresql://mobilis@127.0.0.1:{self.port}/{name}"

    def stop(self) -> None:
        self.crash()
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


class Stack(RunningStack):
    """The whole assistant as `mobilis up` runs it, whose processes can be ended one by one."""

    def kill(self, name: str) -> None:
        """End a process at once, in the middle of whatever it does; it is started again."""
        self._end(name, signal.SIGKILL)

    def restart(self, name: str) -> None:
        """End a process and wait until the whole chain is ready again."""
        self._end(name, signal.SIGTERM)
        self.wait_until_ready()

    @contextmanager
    def paused(self, name: str) -> Iterator[None]:
        """Let a process stand still for a while: whoever asks it something waits.

        It stands while nobody writes, since it would keep SQLite's lock for as long.
        """
        pid = self.pid(name)
        with Database(self.settings.database).write():
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def _end(self, name: str, number: signal.Signals) -> None:
        pid = self.pid(name)
        os.kill(pid, number)
        deadline = time.monotonic() + 60
        while self.pid(name) == pid and time.monotonic() < deadline:
            time.sleep(0.05)
