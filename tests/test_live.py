"""Putting a new brain in the place of a running one: what is asked, and what is refused. (The whole
assistant does it in tests/test_live_whole.py.)"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from processes import free_port

from mobilis import live, live_commands
from mobilis.cli import main
from mobilis.errors import SettingError
from mobilis.live import LIVE, REFUSED, NotLive, Request, read_request, reload, write_request
from mobilis.settings import Settings

SUPERVISOR = """
import json, signal, sys, time
signal.signal(signal.SIGHUP, lambda *_: None)
print("here", flush=True)
time.sleep(60)
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return replace(Settings(), data_dir=tmp_path / "var", project_dir=tmp_path)


@pytest.fixture
def supervisor(settings: Settings) -> Iterator[int]:
    """A process that stands in for `mobilis up`, and does nothing."""
    process = subprocess.Popen([sys.executable, "-c", SUPERVISOR], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    settings.data_dir.mkdir()
    (settings.data_dir / live.PIDS).write_text(json.dumps({"up": process.pid, "brain": 1}))
    yield process.pid
    process.kill()
    process.wait()
    process.stdout.close()


def answer(settings: Settings, state: str, why: str = "", id: str = "") -> threading.Thread:
    """Answer the next request that is written, as the supervisor does."""

    def wait() -> None:
        end = time.monotonic() + 30
        while not read_request(settings).is_open and time.monotonic() < end:
            time.sleep(0.01)
        asked = read_request(settings)
        write_request(settings, replace(asked, id=id or asked.id, state=state, why=why))

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def test_turns_go_to_the_ports_of_the_settings_unless_others_are_noted(settings: Settings) -> None:
    usual = (settings.brain_port, settings.actions_port)
    assert live.ports(settings) == usual
    live.set_ports(settings, live.Ports(4321, 4322))
    assert live.ports(settings) == (4321, 4322)
    for broken in ("", "not JSON", "[]", '{"brain": 1}', '{"brain": "a", "actions": 2}'):
        (settings.data_dir / live.PORTS).write_text(broken)
        assert live.ports(settings) == usual
    live.set_ports(settings, None)
    live.set_ports(settings, None)
    assert not (settings.data_dir / live.PORTS).exists()


def test_a_reload_returns_when_the_new_one_is_live(settings: Settings, supervisor: int) -> None:
    thread = answer(settings, LIVE)
    told: list[str] = []
    reload(settings, Path("models/x.tar.gz"), told.append)
    thread.join()
    assert told == ["waiting for the new brain"]
    assert read_request(settings).model == str(Path("models/x.tar.gz").resolve())


def test_why_it_is_refused_is_told(settings: Settings, supervisor: int) -> None:
    thread = answer(settings, REFUSED, "no model could be loaded")
    with pytest.raises(NotLive, match=r"^what was live goes on: no model could be loaded$"):
        reload(settings)
    thread.join()
    thread = answer(settings, LIVE, id="somebody else's")
    with pytest.raises(NotLive, match="something else was asked for"):
        reload(settings)
    thread.join()


def test_one_reload_at_a_time(settings: Settings, supervisor: int) -> None:
    write_request(settings, Request("other"))
    with pytest.raises(NotLive, match=r"^another reload is under way$"):
        reload(settings)


def test_a_supervisor_that_does_not_answer_is_given_up(
    settings: Settings, supervisor: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "PATIENCE", 0.3)
    with pytest.raises(NotLive, match="did not answer for 0 s"):
        reload(settings)


def test_nothing_is_reloaded_where_nothing_runs(settings: Settings) -> None:
    with pytest.raises(SettingError, match=r"^MOBILIS_DATA_DIR: nothing runs with .*var: mob"):
        reload(settings)
    settings.data_dir.mkdir()
    for text in ("", "{}", '{"up": 999999999}', '{"up": "x"}'):
        (settings.data_dir / live.PIDS).write_text(text)
        assert live.running_supervisor(settings) is None


def test_a_request_that_makes_no_sense_is_none(settings: Settings) -> None:
    settings.data_dir.mkdir()
    for text in ("", "[]", "3", '{"what": 1}'):
        (settings.data_dir / live.REQUEST).write_text(text)
        assert read_request(settings) == Request()


def test_a_brain_that_is_not_there_says_nothing(settings: Settings) -> None:
    assert live.ask_brain(settings, "secret", free_port()) is None


@pytest.fixture
def here(
    settings: Settings, supervisor: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Path:
    monkeypatch.setenv("MOBILIS_DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("MOBILIS_PROJECT_DIR", str(tmp_path))
    (tmp_path / "models").mkdir()
    return tmp_path


def test_the_commands(
    here: Path,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    thread = answer(settings, LIVE)
    assert main(["reload"]) == 0
    thread.join()
    assert capsys.readouterr().out == "the new brain is live\n"
    trained: list[Path] = []

    def train(root: Path, quiet: bool, output: Path) -> Path:
        output.write_text("a model")
        trained.append(output)
        return output

    monkeypatch.setattr("mobilis.training.train", train)
    thread = answer(settings, LIVE)
    assert main(["train", "--live"]) == 0
    thread.join()
    assert trained == [here / "models" / live_commands.NEXT]
    assert not trained[0].exists()
    assert (here / "models" / "encoder").exists()
    thread = answer(settings, REFUSED, "it understood nothing")
    assert main(["train", "--live"]) == 1
    thread.join()
    assert "what was live goes on: it understood nothing" in capsys.readouterr().err


def test_nothing_is_trained_for_what_does_not_run(
    here: Path, settings: Settings, supervisor: int, capsys: pytest.CaptureFixture[str]
) -> None:
    (settings.data_dir / live.PIDS).unlink()
    assert main(["train", "--live"]) == 1
    assert "nothing runs with" in capsys.readouterr().err
    os.kill(supervisor, signal.SIGTERM)
