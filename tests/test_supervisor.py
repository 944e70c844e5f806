"""The supervisor with small processes in place of the real ones: started again, then stopped."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import stat
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from processes import free_port
from prometheus_client import REGISTRY

from mobilis import relay
from mobilis import supervisor as module
from mobilis.live import LIVE, REFUSED, Request, ports, read_request, write_request
from mobilis.settings import Settings
from mobilis.supervisor import NotReady, Part, Supervisor, newest, parts, secret_file, stored_secret

SLEEP = "import time\nprint('here', flush=True)\ntime.sleep(60)"
# A front door that says how the chain is.
DOOR = """
import http.server, json, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response({status})
        self.end_headers()
        self.wfile.write(json.dumps({content}).encode())
    def log_message(self, *arguments):
        pass
http.server.HTTPServer(("127.0.0.1", {port}), Handler).serve_forever()
"""
# Says when it is told to stop, and stops or does not.
TELLS = """
import signal, sys, time
def told(number, frame):
    print("told", flush=True)
    if {obeys}:
        sys.exit(0)
signal.signal(signal.SIGTERM, told)
print("here", flush=True)
while True:
    time.sleep(0.05)
"""


def part(name: str, code: str) -> Part:
    return Part(name, [sys.executable, "-c", code], dict(os.environ))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    own = {"data_dir": tmp_path / "var", "project_dir": tmp_path, "port": free_port()}
    return replace(Settings(), log_format="text", **own)


@pytest.fixture
def make(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Supervisor]:
    monkeypatch.setattr(module, "FIRST_PAUSE", 0.02)
    monkeypatch.setattr(module, "LONGEST_PAUSE", 0.08)

    def make_one(*others: Part, status: int = 200, content: object = None) -> Supervisor:
        made = Supervisor(settings)
        door = DOOR.format(status=status, content=content or {}, port=settings.port)
        made.parts = [*others, part("door", door)]
        return made

    return make_one


async def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "it never came true"
        await asyncio.sleep(0.01)


def said(capsys: pytest.CaptureFixture[str], so_far: list[str]) -> list[str]:
    so_far += capsys.readouterr().out.splitlines()
    return so_far


def during(made: Supervisor, watch: Callable[[], Awaitable[None]]) -> None:
    """Run the supervisor; tell it to stop, as a terminal does, once `watch` has seen enough."""

    async def both() -> None:
        running = asyncio.create_task(made.run())
        await until(lambda: made._pids.exists())
        try:
            await watch()
        finally:
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.wait_for(running, 30)

    asyncio.run(both())


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_it_says_when_everything_is_ready_and_ends_clean(make, capsys, settings) -> None:
    made, lines, pids = make(part("brain", SLEEP)), [], {}

    async def watch() -> None:
        await until(lambda: any("talk to the assistant" in line for line in said(capsys, lines)))
        pids.update(json.loads(made._pids.read_text()))

    during(made, watch)
    address = f"http://127.0.0.1:{settings.port}/"
    assert any(line.startswith("up      | ready in ") for line in lines)
    assert any(address in line for line in lines)
    assert f"up      | staff work at {address}console" in lines
    assert "brain   | here" in lines
    assert pids.pop("up") == os.getpid()
    assert set(pids) == {"brain", "door"}
    assert not made._pids.exists()
    assert [name for name, pid in pids.items() if alive(pid)] == []


def test_a_part_that_ends_is_started_again_after_longer_and_longer_pauses(make, capsys) -> None:
    made, lines = make(part("brain", "raise SystemExit(3)")), []
    wanted = [
        f"up      | brain ended with code 3; starting it again in {pause} s"
        for pause in ("0.02", "0.04", "0.08", "0.08")
    ]

    async def watch() -> None:
        await until(lambda: len(restarts(said(capsys, lines))) >= len(wanted))

    during(made, watch)
    assert restarts(lines)[: len(wanted)] == wanted


def restarts(lines: list[str]) -> list[str]:
    return [line for line in lines if "starting it again" in line]


def test_the_pause_is_short_again_after_a_steady_life(make, capsys, monkeypatch) -> None:
    monkeypatch.setattr(module, "STEADY_AFTER", 0.0)
    made, lines = make(part("brain", "")), []

    async def watch() -> None:
        await until(lambda: len(restarts(said(capsys, lines))) >= 3)

    during(made, watch)
    assert {line.rpartition(" in ")[2] for line in restarts(lines)} == {"0.02 s"}


def test_a_part_that_is_killed_comes_back_under_another_pid(make, capsys) -> None:
    made, lines = make(part("brain", SLEEP)), []

    async def watch() -> None:
        await until(lambda: "brain   | here" in said(capsys, lines))
        pid = made.parts[0].process.pid
        os.kill(pid, signal.SIGKILL)
        await until(lambda: said(capsys, lines).count("brain   | here") == 2)
        assert json.loads(made._pids.read_text())["brain"] == made.parts[0].process.pid != pid

    during(made, watch)
    assert any("brain ended with code -9" in line for line in lines)


def test_parts_are_stopped_in_the_reverse_order(make, capsys, monkeypatch) -> None:
    monkeypatch.setattr(relay, "GATHER_SECONDS", 0.0)  # lines in the order in which they are said
    made, lines = make(part("actions", TELLS.format(obeys=True))), []
    made.parts.insert(1, part("brain", TELLS.format(obeys=True)))

    async def watch() -> None:
        await until(lambda: sum(line.endswith("| here") for line in said(capsys, lines)) == 2)

    during(made, watch)
    told = [line.split()[0] for line in said(capsys, lines) if line.endswith("| told")]
    assert told == ["brain", "actions"]


def test_a_part_that_does_not_stop_is_killed(make, capsys, monkeypatch) -> None:
    monkeypatch.setattr(module, "STOP_AFTER", 0.3)
    made, lines = make(part("brain", TELLS.format(obeys=False))), []

    async def watch() -> None:
        await until(lambda: "brain   | here" in said(capsys, lines))

    during(made, watch)
    said(capsys, lines)
    assert "brain   | told" in lines
    assert "up      | brain did not stop; killing it" in lines
    assert made.parts[0].process.returncode == -signal.SIGKILL


def test_a_part_that_starts_while_everything_stops_is_stopped_too(
    make, capsys, monkeypatch
) -> None:
    made, started = make(part("brain", SLEEP)), []
    start = asyncio.create_subprocess_exec

    async def start_late(*command: str, **options: object) -> asyncio.subprocess.Process:
        if SLEEP in command:
            await asyncio.sleep(0.2)  # the door is there by now
            made._stopping.set()
            await asyncio.sleep(0.2)
        started.append(await start(*command, **options))
        return started[-1]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", start_late)
    asyncio.run(asyncio.wait_for(made.run(), 20))
    assert len(started) == 2
    assert all(process.returncode is not None for process in started)


def test_a_line_of_any_length_does_not_end_the_watch(make, capsys) -> None:
    code = "print('x' * 300_000, flush=True)\nprint('after', flush=True)\n" + SLEEP
    made, lines = make(part("brain", code)), []

    async def watch() -> None:
        await until(lambda: "brain   | here" in said(capsys, lines))
        os.kill(made.parts[0].process.pid, signal.SIGKILL)
        await until(lambda: restarts(said(capsys, lines)))

    during(made, watch)
    assert "brain   | after" in lines


def test_what_a_part_says_need_not_be_text(make, capsys) -> None:
    code = f"import sys\nsys.stdout.buffer.write(b'caf\\xe9\\n')\n{SLEEP}"
    made, lines = make(part("brain", code)), []

    async def watch() -> None:
        await until(lambda: "brain   | here" in said(capsys, lines))

    during(made, watch)
    assert "brain   | caf\ufffd" in lines


def test_what_is_not_ready_is_named(make, capsys, monkeypatch) -> None:
    monkeypatch.setattr(module, "READY_TIMEOUT", 1.0)
    made = make(status=503, content={"status": "error", "part": "actions"})
    with pytest.raises(NotReady, match=r"^actions was not ready after 1 s$"):
        asyncio.run(asyncio.wait_for(made.run(), 30))
    assert "up      | waiting for actions" in capsys.readouterr().out
    assert made.parts[0].process.returncode is not None


def test_a_front_door_that_does_not_listen_is_named(make, monkeypatch) -> None:
    monkeypatch.setattr(module, "READY_TIMEOUT", 0.5)
    made = make()
    made.parts = [part("door", SLEEP)]
    with pytest.raises(NotReady, match=r"^door was not ready"):
        asyncio.run(asyncio.wait_for(made.run(), 30))


def test_the_parts_share_one_secret_and_the_settings(settings: Settings) -> None:
    made = parts(settings, {"PATH": "/bin", "MOBILIS_PORT": "1"})
    assert [one.name for one in made] == ["actions", "brain", "door"]
    for one in made:
        assert one.environment["MOBILIS_SECRET_FILE"] == str(secret_file(settings))
        assert "MOBILIS_SECRET" not in one.environment
        assert one.environment["MOBILIS_PORT"] == str(settings.port)
        assert one.environment["PATH"] == "/bin"
    for command in (one.command for one in made if one.name in ("actions", "brain")):
        assert command[command.index("--interface") + 1] == "127.0.0.1"


def test_freed_memory_goes_back_to_the_system_unless_the_environment_says_otherwise(
    settings: Settings,
) -> None:
    for environ, threshold in (({}, "131072"), ({"MALLOC_TRIM_THRESHOLD_": "1"}, "1")):
        made = parts(settings, environ)
        assert {one.environment["MALLOC_TRIM_THRESHOLD_"] for one in made} == {threshold}
        assert {one.environment["MALLOC_ARENA_MAX"] for one in made} == {"2"}


def test_numpy_has_one_thread_unless_the_environment_says_otherwise(settings: Settings) -> None:
    for environ, threads in (({}, "1"), ({"OPENBLAS_NUM_THREADS": "4"}, "4")):
        made = parts(settings, environ)
        assert {one.environment["OPENBLAS_NUM_THREADS"] for one in made} == {threads}


def test_a_secret_of_the_settings_is_not_stored(settings: Settings) -> None:
    own = {"MOBILIS_SECRET": "sixteen characters"}
    for one in parts(replace(settings, secret=own["MOBILIS_SECRET"]), own):
        assert one.environment["MOBILIS_SECRET"] == "sixteen characters"
        assert "MOBILIS_SECRET_FILE" not in one.environment
    assert not (settings.data_dir / "secret").exists()


def test_the_secret_is_made_once_and_for_its_owner_alone(settings: Settings) -> None:
    path = secret_file(settings)
    first = path.read_text()
    assert path == settings.data_dir / "secret"
    assert len(first) >= 32
    assert secret_file(settings).read_text() == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.unlink()
    assert secret_file(settings).read_text() != first


def test_the_newest_file_counts(tmp_path: Path) -> None:
    for moment, name in enumerate(("a.yml", "b.yml", "c.txt"), 1000):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (moment, moment))
    assert newest(tmp_path, ("*.yml",)) == 1001


# --- something new takes over

# A brain that says how it is.
BRAIN = DOOR.replace("HTTPServer", "ThreadingHTTPServer")


@pytest.fixture
def reloaded(make, settings, monkeypatch) -> Callable[..., Supervisor]:
    """A supervisor whose new processes are the given ones; the secret is there already."""
    stored_secret(settings)

    def prepare(*new: Part | str, port: int = 0) -> Supervisor:
        made = make(part("actions", SLEEP), part("brain", SLEEP))
        monkeypatch.setattr(module, "_free_port", lambda: port or free_port())
        chosen = [one if isinstance(one, Part) else part("brain", one) for one in new]
        monkeypatch.setattr(module, "parts", lambda *a, **k: [replace(one) for one in chosen])
        return made

    return prepare


def brain_like(status: int, content: object, port: int) -> str:
    return BRAIN.format(status=status, content=content, port=port)


def take_over(made: Supervisor, settings: Settings, *, model: str | None = None) -> Request:
    """What becomes of a request, and of the processes, which are looked at in the end."""
    found = []

    async def watch() -> None:
        await until(lambda: all(one.process for one in made.parts))
        write_request(settings, Request("mine", model))
        os.kill(os.getpid(), signal.SIGHUP)
        await until(lambda: not read_request(settings).is_open)
        await until(lambda: made._reloading and made._reloading.done())
        found.append(read_request(settings))

    during(made, watch)
    return found[0]


def test_a_new_brain_takes_over_and_the_old_one_ends(reloaded, settings, tmp_path) -> None:
    port = free_port()
    healthy = brain_like(200, {"status": "ok", "turns": 0}, port)
    made = reloaded(part("actions", SLEEP), healthy, port=port)
    old = made.parts[:2]
    (settings.project_dir / "models").mkdir()
    new = tmp_path / "new.tar.gz"
    new.write_text("the new one")
    asked = take_over(made, settings, model=str(new))
    assert (asked.state, asked.why) == (LIVE, "")
    assert ports(settings).brain == port
    assert [one.name for one in made.parts] == ["actions", "brain", "door"]
    assert all(one.retired and one.process.returncode is not None for one in old)
    assert (settings.project_dir / "models" / "mobilis.tar.gz").read_text() == "the new one"


def test_the_old_brain_ends_its_turns_first(reloaded, settings, monkeypatch) -> None:
    port, turns = free_port(), [2, 1, 0, 1, 0, 0, 0]
    looks: list[int] = []

    def ask(moved: Settings, secret: str, asked: int) -> dict[str, object]:
        if asked == port:
            return {"http": 200}
        looks.append(asked)
        return {"http": 200, "turns": turns.pop(0)}

    monkeypatch.setattr(module, "ask_brain", ask)
    made = reloaded(SLEEP, port=port)
    assert take_over(made, settings).state == LIVE
    assert looks == [settings.brain_port] * 7


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ((503, {"part": "model", "why": "it understood nothing"}), "it understood nothing"),
        ("raise SystemExit(3)", "the new brain ended as soon as it was started"),
        (SLEEP, "the new brain was not ready after 1 s"),
    ],
)
def test_a_new_brain_that_is_no_good_ends_and_the_old_one_goes_on(
    reloaded, settings, monkeypatch, code, why
) -> None:
    port = free_port()
    made = reloaded(brain_like(*code, port) if isinstance(code, tuple) else code, port=port)
    old = list(made.parts)
    if code == SLEEP:
        monkeypatch.setattr(module, "READY_TIMEOUT", 1.0)
    asked = take_over(made, settings)
    assert (asked.state, asked.why) == (REFUSED, why)
    assert made.parts == old
    assert ports(settings) == (settings.brain_port, settings.actions_port)


def test_a_model_that_cannot_be_put_in_place_is_refused(reloaded, settings, tmp_path) -> None:
    port = free_port()
    made = reloaded(brain_like(200, {}, port), port=port)
    asked = take_over(made, settings, model=str(tmp_path / "nothing.tar.gz"))
    assert asked.state == REFUSED
    assert asked.why.endswith("nothing.tar.gz: No such file or directory")


def test_a_hang_up_in_the_middle_is_told_and_stopping_ends_it(reloaded, settings, capsys) -> None:
    made, lines = reloaded(SLEEP), []

    async def watch() -> None:
        await until(lambda: all(one.process for one in made.parts))
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGHUP)
            await asyncio.sleep(0.05)
        await until(
            lambda: (
                "up      | what was live goes on: another reload is under way"
                in said(capsys, lines)
            )
        )

    during(made, watch)
    assert "up      | what was live goes on: everything stops" in said(capsys, lines)


def test_a_model_that_does_not_work_ends_the_start_at_once(make) -> None:
    why = "the model does not work with this code (KeyError): train again with: mobilis train"
    made = make(status=503, content={"status": "error", "part": "brain", "why": why})
    with pytest.raises(NotReady) as raised:
        asyncio.run(asyncio.wait_for(made.run(), 30))
    assert str(raised.value) == why


# --- as a log


def as_lines(make, capsys, *others: Part, until_event: str) -> list[dict[str, object]]:
    """What is written as JSON until an event."""
    lines: list[str] = []
    made = make(*others)
    made._as_json = True

    async def watch() -> None:
        await until(lambda: any(f'"{until_event}"' in line for line in said(capsys, lines)))

    during(made, watch)
    return [json.loads(line) for line in said(capsys, lines)]


def test_in_a_log_every_line_is_json(make, capsys) -> None:
    own = {"event": "turn_answered", "process": "brain"}
    code = f"print({json.dumps(own)!r}); print('words'); print(flush=True)\n{SLEEP}"
    lines = as_lines(make, capsys, part("brain", code), until_event="ready")
    assert own in lines
    [output] = [line for line in lines if line.get("message") == "words"]
    assert (output["process"], output["event"]) == ("brain", "output")
    [ready] = [line for line in lines if line["event"] == "ready"]
    assert (ready["process"], ready["level"]) == ("up", "info")
    assert ready["message"] == f"ready in {ready['seconds']:.0f} s"


def test_a_restart_is_an_event_and_is_counted(make, capsys) -> None:
    labels = {"part": "brain"}
    before = REGISTRY.get_sample_value("mobilis_restarts_total", labels) or 0.0
    ends = part("brain", "raise SystemExit(3)")
    lines = as_lines(make, capsys, ends, until_event="restarting")
    line = next(line for line in lines if line["event"] == "restarting")
    assert (line["part"], line["code"], line["seconds"]) == ("brain", 3, 0.02)
    assert REGISTRY.get_sample_value("mobilis_restarts_total", labels) > before
    assert REGISTRY.get_sample_value("mobilis_process_running", labels) == 0


def test_the_processes_write_as_the_whole_does(settings: Settings) -> None:
    made = parts(settings, {})
    assert {one.environment["MOBILIS_LOG_FORMAT"] for one in made} == {"text"}
    made = parts(replace(settings, log_format=""), {})
    assert {one.environment["MOBILIS_LOG_FORMAT"] for one in made} == {"json"}
