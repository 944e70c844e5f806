"""Assistants as processes, with small ones in their place: ready, not ready, and ended."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from processes import free_port

from mobilis import stack as module
from mobilis.stack import NotStarted, Running, Stack, StockServer, free_ports

# Is ready at the second look, and says when it is told to stop.
SERVER = """
import http.server, signal, sys
looks = 0
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        global looks
        looks += 1
        self.send_response(200 if looks > 1 else 503)
        self.end_headers()
    def log_message(self, *arguments):
        pass
def told(number, frame):
    print("told", flush=True)
    if {obeys}:
        sys.exit(0)
signal.signal(signal.SIGTERM, told)
print("here", flush=True)
http.server.HTTPServer(("127.0.0.1", {port}), Handler).serve_forever()
"""


def start(folder: Path, code: str, port: int) -> Running:
    command = [sys.executable, "-c", code]
    return Running(command, {}, folder, folder / "log", f"http://127.0.0.1:{port}/")


def test_it_is_ready_when_it_answers_and_ends_when_told(tmp_path: Path) -> None:
    port = free_port()
    running = start(tmp_path, SERVER.format(port=port, obeys=True), port)
    assert 0 < running.seconds_to_ready < 30
    os.kill(running.root_pid, 0)
    running.stop()
    assert (tmp_path / "log").read_text().split() == ["here", "told"]
    with pytest.raises(ProcessLookupError):
        os.kill(running.root_pid, 0)


def test_one_that_does_not_end_is_ended_by_force(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STOP_AFTER", 0.5)
    port = free_port()
    running = start(tmp_path, SERVER.format(port=port, obeys=False), port)
    running.stop()
    assert "told" in (tmp_path / "log").read_text()
    with pytest.raises(ProcessLookupError):
        os.kill(running.root_pid, 0)


def test_one_that_ends_says_what_it_said_last(tmp_path: Path) -> None:
    with pytest.raises(NotStarted, match=r"(?s)it said last:\n.*no such model"):
        start(tmp_path, "raise SystemExit('no such model')", free_port())


def test_one_that_is_never_ready_is_given_up_and_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE", 1.0)
    code = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
    with pytest.raises(NotStarted):
        start(tmp_path, code, free_port())
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "log").read_text()), signal.SIGTERM)


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stands in for Python: notes what it was started with, and is ready at once."""
    path = tmp_path / "program"
    code = SERVER.format(port="PORT", obeys=True).replace("looks > 1", "looks > 0")
    code = code.replace('("127.0.0.1", PORT)', '("127.0.0.1", port)')
    noting = "import json, os\n"
    noting += f"with open({str(tmp_path / 'started')!r}, 'w') as file:\n"
    noting += "    json.dump([sys.argv[1:], dict(os.environ), os.getcwd()], file)\n"
    port = "port = int(os.environ['MOBILIS_PORT'] if 'up' in sys.argv else sys.argv[9])\n"
    path.write_text(f"#!{sys.executable}\nimport sys\n{noting}{port}{code}", encoding="utf-8")
    path.chmod(0o755)
    monkeypatch.setattr(module.sys, "executable", str(path))
    return tmp_path / "started"


def test_ours_is_started_without_limits_on_loopback_with_data_of_its_own(
    program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOBILIS_HOST", "0.0.0.0")
    monkeypatch.setenv("DATABASE_URL", "postgresql://elsewhere/real")
    more = {"MOBILIS_CORS_ORIGINS": "https://site.example", "MOBILIS_TURN_TIMEOUT": "7"}
    ours = Stack(tmp_path, root=tmp_path, environment=more)
    (tmp_path / "pids.json").write_text(json.dumps({"brain": 1, "door": 2}))
    pids = ours.pids()
    ours.stop()
    command, environment, folder = json.loads(program.read_text())
    assert command == ["-m", "mobilis.cli", "up", "--no-train"]
    assert folder == str(tmp_path)
    assert environment["MOBILIS_DATA_DIR"] == str(tmp_path)
    assert environment["MOBILIS_HOST"] == "127.0.0.1"
    assert environment["DATABASE_URL"] == ""
    assert {environment[name] for name in module.UNLIMITED} == {"0"}
    assert more.items() <= environment.items()
    assert ours.base == f"http://127.0.0.1:{environment['MOBILIS_PORT']}"
    assert pids == {"up": ours.root_pid, "brain": 1, "door": 2}
    assert ours.settings.database.endswith("mobilis.db")


def test_the_stock_server_is_started_on_loopback_in_its_project(
    program: Path, tmp_path: Path
) -> None:
    theirs = StockServer(tmp_path, tmp_path / "log")
    theirs.stop()
    command, environment, folder = json.loads(program.read_text())
    assert command[:5] == ["-m", "rasa", "run", "--model", "models"]
    assert command[5:7] == ["--interface", "127.0.0.1"]
    assert theirs.base == f"http://127.0.0.1:{command[8]}"
    assert folder == str(tmp_path)
    assert environment["RASA_TELEMETRY_ENABLED"] == "false"
    assert theirs.pids() == {"server": theirs.root_pid}


def test_ports_in_a_row_are_free() -> None:
    first = free_ports(4)
    with ExitStack() as held:
        for port in range(first, first + 4):
            probe = held.enter_context(socket.socket())
            probe.bind(("127.0.0.1", port))
