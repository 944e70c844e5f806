"""A crowd with the conversations of the journeys, against a small assistant, and what the bench of
load makes of it."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from assistants import Assistant, served
from loopback import LoopbackServer
from processes import free_port

from mobilis import crowd as module
from mobilis import load, load_bench
from mobilis.cli import main
from mobilis.crowd import Crowding, Line, Visit, crowd, visits
from mobilis.expectations import load_words
from mobilis.load_bench import bench_load, knee, to_text, write
from mobilis.measures import BenchRefused
from mobilis.settings import ROOT

WORDS = load_words(ROOT)


class Door:
    """A chat API that refuses the first requests, offers a button, and notes what is said."""

    def __init__(self, refusals: int = 0, status: int = 200, kind: str = "text") -> None:
        self.refusals, self.status, self.kind = refusals, status, kind
        self.said: list[dict[str, str]] = []
        self.opened = 0

    def answer(self, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        if self.refusals:
            self.refusals -= 1
            return 503, {}
        title = WORDS.content.choices["start_assessment"]["fr"]
        message = {"kind": self.kind, "language": "fr", "text": "…"}
        message["choices"] = [{"id": "choice-1", "title": title}]
        if path == "/api/conversations":
            self.opened += 1
            content = {"conversation": "one", "token": "t", "messages": [message]}
            return (201, content) if self.status != 500 else (500, {})
        self.said.append({key: body[key] for key in ("text", "choice") if key in body})
        return self.status, {"messages": [message] if self.status == 200 else []}


@contextmanager
def serving(door: Door) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            status, content = door.answer(self.path.partition("?")[0], body)
            data = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(data)))
            if status == 503:
                self.send_header("retry-after", "0")
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *arguments: Any) -> None:
            return

    server = LoopbackServer(Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def hold(base: str, *lines: Line, at_once: int = 1, seconds: float = 60, ours: bool = True):
    crowding = Crowding(at_once)
    plan = [Visit("fr", lines)] * at_once
    asyncio.run(crowd(base, plan, crowding, seconds, 0, WORDS if ours else None))
    return crowding


def test_the_journeys_are_what_is_said_in_both_languages_mixed() -> None:
    found = visits(ROOT)
    assert {visit.language for visit in found} == {"fr", "en"}
    assert sum(len(visit.lines) for visit in found) > 200
    assert all(line.text for visit in found for line in visit.lines)
    assert any(line.label for visit in found for line in visit.lines)
    assert visits(ROOT) == found


def test_buttons_are_pressed_where_they_are_and_their_words_typed_where_not() -> None:
    door = Door()
    start = Line("l'auto-évaluation", {"intent": "start_assessment"})
    with serving(door) as base:
        crowding = hold(base, Line("bonjour"), start, Line("b", {"option": "b"}))
    assert door.said == [{"text": "bonjour"}, {"choice": "choice-1"}, {"text": "b"}]
    assert len(crowding.latencies) == len(door.said)
    assert not crowding.errors
    assert crowding.rate > 0


def test_a_refusal_is_waited_out_and_counted() -> None:
    door = Door(refusals=3)
    with serving(door) as base:
        crowding = hold(base, Line("bonjour"))
    assert crowding.refused == 3
    assert crowding.latencies
    assert not crowding.errors


def test_a_refusal_that_does_not_end_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.0)
    with serving(Door(refusals=10_000)) as base:
        crowding = hold(base, Line("bonjour"))
    assert set(crowding.errors) == {"not opened: status 503"}


@pytest.mark.parametrize(
    ("door", "reason"),
    [
        (Door(status=404), "status 404"),
        (Door(status=500), "not opened: status 500"),
        (Door(kind="notice"), "given up"),
    ],
)
def test_what_fails_is_counted(door: Door, reason: str) -> None:
    with serving(door) as base:
        crowding = hold(base, Line("bonjour"))
    assert set(crowding.errors) == {reason}
    assert crowding.latencies == []
    assert crowding.rate == 0


def test_nobody_at_home_is_counted() -> None:
    crowding = hold(f"http://127.0.0.1:{free_port()}", Line("bonjour"))
    assert set(crowding.errors) == {"not opened: ClientConnectorError"}


def test_an_answer_that_takes_too_long_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAIT_SECONDS", 0.2)
    monkeypatch.setattr(load, "GRACE_SECONDS", 0.0)
    door = Door()
    answer = door.answer
    door.answer = lambda path, body: (time.sleep(0.4), answer(path, body))[1]  # type: ignore
    with serving(door) as base:
        crowding = hold(base, Line("bonjour"))
    assert set(crowding.errors) == {"not opened: timeout"}


def test_the_stock_assistant_is_typed_to() -> None:
    assistant = Assistant(together=2)
    with served(assistant) as base:
        crowding = hold(base, Line("un"), Line("b", {"option": "b"}), ours=False, at_once=2)
    assert crowding.latencies
    assert {text for _, text in assistant.heard} == {"un", "b"}
    assert assistant.most_talking == 2


# --- the bench

LEVEL = {"turns": 10, "p50": 10.0, "p95": 20.0, "p99": 30.0, "refused": 0, "errors": {}}


def level(at_once: int, rate: float, mean: float | None, **more: Any) -> dict[str, Any]:
    return {**LEVEL, "at_once": at_once, "turns_per_second": rate, "mean": mean, **more}


def report() -> dict[str, Any]:
    levels = [level(1, 1, 20), level(8, 8, 25), level(64, 20, 900, refused=3)]
    levels.append(level(128, 19, 2000, errors={"timeout": 2}))
    where = {"at": "now", "cores": 2, "of": 2, "load": 0.1, "python": "3.10", "system": "Linux"}
    sides = {"SQLite": levels, "stock": [level(1, 0, None, p50=None, p95=None, p99=None)]}
    knees = {name: knee(figures) for name, figures in sides.items()}
    return {"machine": where, "seconds": 20, "think": 1, "sides": sides, "knees": knees}


def test_the_knee_is_where_more_visitors_begin_to_wait() -> None:
    assert report()["knees"] == {"SQLite": 8, "stock": None}
    assert knee([level(1, 1, 10, errors={"timeout": 1})]) is None


def test_a_report_is_read_by_people() -> None:
    said = to_text(report())
    assert "SQLite, knee at 8 visitors at once:" in said
    assert "2 timeout" in said
    assert "a visitor takes 1 s on average" in said


def test_a_report_is_written_with_its_picture(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    page = tmp_path / "load.md"
    page.write_text("before\n<!-- load -->\nold\n<!-- /load -->\nafter\n")
    write(report(), tmp_path)
    assert page.read_text().startswith("before\n<!-- load -->\nnow, 2 of 2 cores")
    assert page.read_text().endswith("<!-- /load -->\nafter\n")
    first = (tmp_path / "load.svg").read_text()
    assert "answered turns a second" in first
    write(report(), tmp_path)
    assert (tmp_path / "load.svg").read_text() == first


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("0", "1", "1"), "--levels"),
        (("1,x", "1", "1"), "--levels"),
        (("1", "1000", "1"), "--seconds"),
        (("1", "1", "-1"), "--think"),
    ],
)
def test_an_option_that_is_wrong_is_named(options: tuple[str, str, str], named: str) -> None:
    with pytest.raises(BenchRefused, match=named):
        bench_load(ROOT, lambda line: None, *options)


class Small:
    """In place of a whole assistant: a door in this process."""

    seconds_to_ready = 0.0

    def __init__(self, folder: Path, *given: Any, **more: Any) -> None:
        self._serving = serving(Door())
        self.base = self._serving.__enter__()
        self.root_pid = 0
        self.stopped = False

    def stop(self) -> None:
        self._serving.__exit__(None, None, None)
        self.stopped = True


def test_all_are_visited_at_every_level_and_ended(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    started: list[Small] = []

    def start(*given: Any, **more: Any) -> Small:
        started.append(Small(*given, **more))
        return started[-1]

    monkeypatch.setattr(load_bench, "Stack", start)
    monkeypatch.setattr(load_bench, "StockServer", start)
    monkeypatch.setattr(load_bench, "trained_model", lambda root: root)
    monkeypatch.setattr(load_bench, "WARM_UP", (1, 0.05))
    monkeypatch.setattr(load_bench, "settle", lambda used: None)
    told: list[str] = []
    found = bench_load(ROOT, told.append, "1,2", "1", "1", "postgresql://x", lambda: tmp_path)
    assert [len(levels) for levels in found["sides"].values()] == [2, 2, 2]
    assert list(found["sides"]) == ["SQLite", "PostgreSQL", "stock"]
    assert len(started) == 3 and all(one.stopped for one in started)
    assert "2 at once: stock" in told
    assert main(["bench", "load", "--ours-only", "--levels", "1", "--seconds", "1", "--json"]) == 0
    assert list(json.loads(capsys.readouterr().out)["sides"]) == ["SQLite"]


@pytest.mark.timeout(0)
def test_the_whole_bench(request: pytest.FixtureRequest) -> None:
    folder: Path | None = request.config.getoption("--write-load")
    if not folder:
        pytest.skip("takes ten minutes or more: make load")
    url = request.getfixturevalue("postgres").create("load")
    assert main(["bench", "load", "--postgres", url, "--write", str(folder)]) == 0
