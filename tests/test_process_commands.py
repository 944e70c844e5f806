"""`mobilis door`, `brain`, `actions` and `health`: each process by a plain command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from loopback import LoopbackServer
from processes import free_port

from mobilis import supervisor
from mobilis.cli import main
from mobilis.settings import ROOT

SECRET = "a secret of 26 characters."


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    for name in list(os.environ):
        if name.startswith("MOBILIS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("MOBILIS_SECRET", SECRET)
    monkeypatch.setenv("MOBILIS_DATA_DIR", str(tmp_path))
    return monkeypatch


class Become(Exception):
    """What would have been started."""


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("door", ["mobilis.web"]),
        ("brain", ["--interface 10.0.0.1", "--port 6005", "models/mobilis.tar.gz"]),
        ("actions", ["mobilis.brain.action_server", "--interface 10.0.0.2", "--port 6055"]),
    ],
)
def test_a_process_takes_the_place_of_its_command(environment, name: str, words) -> None:
    def instead(program: str, command: list[str], variables: dict[str, str]) -> None:
        raise Become(program, command, variables)

    environment.setattr(supervisor.os, "execve", instead)
    environment.chdir(ROOT)
    environment.setenv("MOBILIS_BRAIN_HOST", "10.0.0.1")
    environment.setenv("MOBILIS_ACTIONS_HOST", "10.0.0.2")
    environment.setenv("MOBILIS_BRAIN_PORT", "6005")
    environment.setenv("MOBILIS_ACTIONS_PORT", "6055")
    with pytest.raises(Become) as became:
        main([name])
    program, command, variables = became.value.args
    assert program == command[0]
    assert all(word in " ".join(command) for word in words)
    assert variables["SANIC_HOST"] == "10.0.0.2"
    assert variables["RASA_TELEMETRY_ENABLED"] == "false"
    assert variables["MOBILIS_SECRET"] == SECRET


class Asked(LoopbackServer):
    """A process that says how it is, and remembers what it was asked."""

    def __init__(self, status: int) -> None:
        asked = self.asked = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append((self.path, self.headers.get("Authorization")))
                self.send_response(status)
                self.end_headers()

            def log_message(self, *arguments: object) -> None:
                return

        super().__init__(Handler, 0)


@pytest.fixture(params=[200, 503])
def asked(request: pytest.FixtureRequest) -> Iterator[Asked]:
    server = Asked(request.param)
    server.status = request.param
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("name", "variable", "path", "credentials"),
    [
        ("door", "MOBILIS_PORT", "/readyz", None),
        ("brain", "MOBILIS_BRAIN_PORT", "/webhooks/mobilis/health", f"Bearer {SECRET}"),
        ("actions", "MOBILIS_ACTIONS_PORT", "/health", None),
    ],
)
def test_health_says_whether_a_process_is_ready(
    environment, asked: Asked, capsys, name: str, variable: str, path: str, credentials
) -> None:
    environment.setenv(variable, str(asked.server_address[1]))
    code = main(["health", name])
    said = capsys.readouterr()
    assert asked.asked == [(path, credentials)]
    if asked.status == 200:
        assert (code, said.out) == (0, f"{name}: ready\n")
    else:
        assert (code, said.err) == (1, f"mobilis: {name}: not ready (status 503)\n")


@pytest.mark.parametrize(
    ("process", "path"), [("brain", "/webhooks/mobilis/health"), ("actions", "/health")]
)
def test_what_has_taken_over_is_asked_at_its_own_port(
    environment, asked: Asked, capsys, tmp_path: Path, process: str, path: str
) -> None:
    environment.setenv(f"MOBILIS_{process.upper()}_PORT", str(free_port()))
    moved = {"brain": free_port(), "actions": free_port(), process: asked.server_address[1]}
    (tmp_path / "ports.json").write_text(json.dumps(moved))
    main(["health", process])
    assert [path for path, _ in asked.asked] == [path]


def test_a_process_that_is_not_there_is_not_well(environment, capsys) -> None:
    environment.setenv("MOBILIS_PORT", str(free_port()))
    assert main(["health", "door"]) == 1
    assert capsys.readouterr().err == "mobilis: door: no answer (ConnectError)\n"


def test_a_front_door_that_may_not_start_says_why_in_a_sentence(environment, tmp_path) -> None:
    environment.setenv("DATABASE_URL", "mysql://nowhere")
    given = {"cwd": ROOT, "capture_output": True, "text": True}
    ended = subprocess.run([sys.executable, "-m", "mobilis.web"], **given)
    assert ended.returncode == 1
    assert ended.stderr.strip().splitlines()[-1].startswith("mobilis: DATABASE_URL: ")
    assert "Traceback" not in ended.stderr
