"""`mobilis up`: the three processes, kept running. Actions and brain first, then the front door.

A process that ends is started again, after a pause that doubles while it keeps ending. On SIGINT
or SIGTERM they are stopped in the reverse order, so that no message is taken that nobody answers.
On SIGHUP a new brain and action server take the place of those that run, once they are ready.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import secrets
import shutil
import signal
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import NoReturn

import httpx

from mobilis.errors import MobilisError
from mobilis.live import (
    LIVE,
    MODEL,
    PIDS,
    REFUSED,
    REQUEST,
    UP,
    Ports,
    Request,
    ask_brain,
    ports,
    read_request,
    set_ports,
    write_request,
    write_whole,
)
from mobilis.relay import pass_on
from mobilis.seeing import metrics
from mobilis.seeing.logs import EVENTS, FIELDS, JSON, log_format, timestamp, to_json
from mobilis.settings import Settings

logger = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0  # seconds
STOP_AFTER = 15.0  # seconds until a process that does not stop is killed
READY_TIMEOUT = 180.0
# The C library's allocator gives freed memory back to the system, and takes it for two threads at
# a time: measured in docs/understanding.md, "Memory". The environment may say otherwise.
ALLOCATOR = {"MALLOC_ARENA_MAX": "2", "MALLOC_TRIM_THRESHOLD_": "131072"}
# A message is understood on one core. numpy's second thread would wait for more by spinning, which
# costs as much as the message and takes the core that the front door runs on.
ONE_CORE = {"OPENBLAS_NUM_THREADS": "1"}
STEADY_AFTER = 60.0  # seconds of running after which the pause starts small again
# Of every process that runs Rasa: no telemetry, no GPU, no warnings that nobody can act on.
RASA_ENVIRONMENT: Mapping[str, str] = {
    "PYTHONWARNINGS": "ignore",
    "RASA_TELEMETRY_ENABLED": "false",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "CUDA_VISIBLE_DEVICES": "-1",
    "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
}


# What other processes take the place of while the front door goes on.
MOVED = ("actions", "brain")
NO_MODEL = ("no model", "the model")  # how it is told that a brain has none that works
IDLE_LOOKS = 3  # at an old brain without a turn, until it is ended


class NotReady(MobilisError):
    """The processes did not become ready in time; the message names the part that is not."""


@dataclass
class Part:
    """One process: how it is started, and its present life."""

    name: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    process: asyncio.subprocess.Process | None = None
    retired: bool = False  # another one has taken its place


def parts(
    settings: Settings,
    environ: Mapping[str, str] | None = None,
    model: Path = MODEL,
) -> list[Part]:
    """The processes in the order in which they start; the brain with the model of a file."""
    python = sys.executable
    shared = {
        **ALLOCATOR,
        **ONE_CORE,
        **(os.environ if environ is None else environ),
        **secret_environment(settings),
        "MOBILIS_DATA_DIR": str(settings.data_dir),
        "MOBILIS_PORT": str(settings.port),
        "MOBILIS_BRAIN_PORT": str(settings.brain_port),
        "MOBILIS_ACTIONS_PORT": str(settings.actions_port),
        "MOBILIS_LOG_FORMAT": log_format(settings),  # theirs is a pipe, ours perhaps a terminal
        **RASA_ENVIRONMENT,
        "PYTHONUNBUFFERED": "1",
        "SANIC_HOST": settings.actions_host,
    }
    actions = ["--interface", settings.actions_host, "--port", str(settings.actions_port)]
    brain = ["--interface", settings.brain_host, "--port", str(settings.brain_port)]
    brain += ["--model", str(model)]
    return [
        Part("actions", [python, "-m", "mobilis.brain.action_server", *actions], shared),
        Part("brain", [python, "-m", "mobilis.brain", *brain], shared),
        Part("door", [python, "-m", "mobilis.web"], shared),
    ]


def become(settings: Settings, name: str) -> NoReturn:
    """Go on as one of the processes, in place of this one."""
    part = next(part for part in parts(settings) if part.name == name)
    os.chdir(settings.project_dir)
    os.execve(part.command[0], part.command, part.environment)


def stored_secret(settings: Settings) -> str:
    """The secret between front door and brain that is kept in the data directory."""
    return secret_file(settings).read_text(encoding="utf-8").strip()


def secret_environment(settings: Settings) -> dict[str, str]:
    """What a process needs, beside its own environment, to know the secret between front door and
    brain: nothing when that is among the settings, else the file that it is kept in."""
    return {} if settings.secret else {"MOBILIS_SECRET_FILE": str(secret_file(settings))}


def secret_file(settings: Settings) -> Path:
    """The file in the data directory with the secret between front door and brain, made once."""
    path = (settings.data_dir / "secret").resolve()
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(32))
    return path


class Supervisor:
    """Runs the parts until it is told to stop."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.parts = parts(settings)
        self._stopping = asyncio.Event()
        self._as_json = log_format(settings) == JSON
        self._pids = settings.data_dir / PIDS
        self._lives: set[asyncio.Task[None]] = set()
        self._reloading: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Start everything, say when it is ready, keep it running.

        Raises:
            NotReady: the chain was not ready in time.
        """
        metrics.serve(UP, self.settings, logger)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stopping.set)
        loop.add_signal_handler(signal.SIGHUP, self._reload)
        began = time.monotonic()
        set_ports(self.settings, None)
        (self.settings.data_dir / REQUEST).unlink(missing_ok=True)
        for part in self.parts:
            self._begin(part)
        try:
            await self._wait_until_ready()
            if not self._stopping.is_set():
                seconds = round(time.monotonic() - began, 1)
                self._tell("ready", f"ready in {seconds:.0f} s", seconds=seconds)
                self._announce()
            await self._stopping.wait()
        finally:
            self._stopping.set()
            if self._reloading:
                await self._reloading
            await self._stop()
            await asyncio.gather(*self._lives)
            self._pids.unlink(missing_ok=True)

    def _begin(self, part: Part) -> None:
        life = asyncio.create_task(self._keep_running(part))
        self._lives.add(life)
        life.add_done_callback(self._lives.discard)

    async def _keep_running(self, part: Part) -> None:
        pause = FIRST_PAUSE
        while not self._stopping.is_set() and not part.retired:
            began = time.monotonic()
            pipe, its_end = os.pipe()
            try:
                part.process = await asyncio.create_subprocess_exec(
                    *part.command,
                    env=part.environment,
                    cwd=self.settings.project_dir,
                    stdout=its_end,
                    stderr=its_end,
                    start_new_session=True,
                )
            finally:
                os.close(its_end)
            self._note_pids()
            metrics.RUNNING.labels(part.name).set(1)
            if self._stopping.is_set() or part.retired:  # told while this one was being started
                await self._end(part)
            await pass_on(pipe, partial(self._say, part.name))
            code = await part.process.wait()
            if part.retired:  # another one has its name
                return
            metrics.RUNNING.labels(part.name).set(0)
            if self._stopping.is_set():
                return
            if time.monotonic() - began > STEADY_AFTER:
                pause = FIRST_PAUSE
            sentence = f"{part.name} ended with code {code}; starting it again in {pause:g} s"
            self._tell("restarting", sentence, part=part.name, code=code, seconds=pause)
            metrics.RESTARTS.labels(part.name).inc()
            await _unless(self._stopping, pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    def _note_pids(self) -> None:
        pids = {part.name: part.process.pid for part in self.parts if part.process}
        write_whole(self._pids, json.dumps({UP: os.getpid(), **pids}))

    async def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_TIMEOUT
        missing = "door"
        async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
            while not self._stopping.is_set():
                found = await _missing_part(client, self.settings)
                if found is None:
                    return
                if found != missing:
                    self._tell("waiting", f"waiting for {found}", part=found)
                if found.startswith(NO_MODEL):
                    raise NotReady(found)
                missing = found
                if time.monotonic() > deadline:
                    raise NotReady(f"{missing} was not ready after {READY_TIMEOUT:.0f} s")
                await _unless(self._stopping, 0.25)

    def _reload(self) -> None:
        """Begin to put new processes in the place of the old, unless that is under way."""
        request = read_request(self.settings)
        if not request.is_open:  # the signal came from somebody else, who knows no request
            request = Request()
        if self._reloading and not self._reloading.done():
            return self._answer(request, "another reload is under way")
        self._reloading = asyncio.create_task(self._take_over(request))

    def _answer(self, request: Request, refused: str = "") -> None:
        state = REFUSED if refused else LIVE
        sentence = f"what was live goes on: {refused}" if refused else "the new brain is live"
        self._tell("note", sentence)
        if request.id:
            write_request(self.settings, replace(request, state=state, why=refused))

    async def _take_over(self, request: Request) -> None:
        """Start an action server and a brain beside those that run; once they are ready, send the
        turns there, let the old ones end theirs, and end them."""
        moved = replace(self.settings, actions_port=_free_port(), brain_port=_free_port())
        model = Path(request.model) if request.model else MODEL
        new = [part for part in parts(moved, model=model) if part.name in MOVED]
        for part in new:
            self._begin(part)
        refused = await self._why_not(new, moved)
        if not refused and request.model:
            refused = self._put_in_place(model)
        if refused:
            await self._retire(new)
            return self._answer(request, refused)
        for part in parts(moved):  # how they are started again: with what is in place now
            for one in new:
                one.command = part.command if one.name == part.name else one.command
        old = [part for part in self.parts if part.name in MOVED]
        self.parts = [*new, *(part for part in self.parts if part.name not in MOVED)]
        left = ports(self.settings).brain
        set_ports(self.settings, Ports(moved.brain_port, moved.actions_port))
        self._note_pids()
        self._answer(request)
        await self._drain(left)
        await self._retire(old)

    async def _why_not(self, new: list[Part], moved: Settings) -> str:
        """Why new processes cannot take over; empty once they can."""
        deadline = time.monotonic() + READY_TIMEOUT
        secret = self.settings.secret or stored_secret(self.settings)
        while not self._stopping.is_set():
            told = await asyncio.to_thread(ask_brain, moved, secret, moved.brain_port)
            if told and told["http"] == 200:
                return ""
            if told and told.get("part") == "model":
                return str(told.get("why"))
            ended = [p.name for p in new if p.process and p.process.returncode is not None]
            if ended:
                return f"the new {ended[0]} ended as soon as it was started"
            if time.monotonic() > deadline:
                return f"the new brain was not ready after {READY_TIMEOUT:.0f} s"
            await _unless(self._stopping, 0.25)
        return "everything stops"

    def _put_in_place(self, model: Path) -> str:
        """Give a new model the name of the present one; why that cannot be, if so."""
        try:
            place = self.settings.project_dir / MODEL
            half = place.with_name(f".{place.name}.half")
            shutil.copy2(model, half)
            half.replace(place)
        except OSError as error:
            return f"{error.filename}: {error.strerror}"
        return ""

    async def _drain(self, port: int) -> None:
        """Wait until the brain on a port has ended its turns: it gets no new ones."""
        secret = self.settings.secret or stored_secret(self.settings)
        deadline = time.monotonic() + self.settings.turn_timeout
        idle = 0
        while idle < IDLE_LOOKS and time.monotonic() < deadline and not self._stopping.is_set():
            told = await asyncio.to_thread(ask_brain, self.settings, secret, port)
            idle = idle + 1 if not told or not told.get("turns") else 0
            await _unless(self._stopping, 0.5)

    async def _retire(self, old: list[Part]) -> None:
        for part in old:
            part.retired = True
        for part in reversed(old):
            await self._end(part)

    def _announce(self) -> None:
        address = f"http://{self.settings.host}:{self.settings.port}/"
        self._tell("note", f"talk to the assistant at {address} (Ctrl-C stops everything)")
        self._tell("note", f"staff work at {address}console")

    async def _stop(self) -> None:
        for part in reversed(self.parts):
            await self._end(part)

    async def _end(self, part: Part) -> None:
        """Stop a process, if it runs; kill it when it does not stop."""
        process = part.process
        if process is None or process.returncode is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), STOP_AFTER)
        except asyncio.TimeoutError:
            self._tell("killed", f"{part.name} did not stop; killing it", part=part.name)
            process.kill()
            await process.wait()

    def _tell(self, event: str, sentence: str, **fields: str | float | None) -> None:
        """Say what happens here: a sentence on a terminal, an event in a log."""
        assert event in EVENTS and fields.keys() <= FIELDS.keys()
        if self._as_json:
            _write(to_json({**_head(UP, event), "message": sentence, **fields}))
        else:
            self._say(UP, [sentence])

    def _say(self, name: str, lines: Sequence[str]) -> None:
        """Pass on lines of a process; what is no line of a log becomes one."""
        if self._as_json:
            _write(*(_as_log(name, line) for line in lines if line))
        else:
            _write(*(f"{name:<8}| {line}" for line in lines))


def _as_log(name: str, line: str) -> str:
    if line.startswith("{") and line.endswith("}"):
        return line
    return to_json({**_head(name, "output"), "message": line})


async def _missing_part(client: httpx.AsyncClient, settings: Settings) -> str | None:
    """The part that is not ready, or None."""
    try:
        answer = await client.get(f"http://127.0.0.1:{settings.port}/healthz")
    except httpx.HTTPError:
        return "door"
    if answer.status_code == 200:
        return None
    told = answer.json()
    return str(told.get("why") or told.get("part", "brain"))


async def _unless(event: asyncio.Event, seconds: float) -> None:
    """Wait `seconds`, or less when `event` is set."""
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except asyncio.TimeoutError:
        return


def _free_port() -> int:
    """A port of loopback that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def say(sentence: str, settings: Settings) -> None:
    """Say a sentence before there are processes: as it is, or as a line of a log."""
    as_json = log_format(settings) == JSON
    _write(to_json({**_head(UP, "note"), "message": sentence}) if as_json else sentence)


def _head(process: str, event: str) -> dict[str, str]:
    return {"at": timestamp(time.time()), "level": "info", "process": process, "event": event}


def _write(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def newest(root: Path, patterns: tuple[str, ...]) -> float:
    """When the newest of the files below `root` that match was changed."""
    return max(path.stat().st_mtime for pattern in patterns for path in root.glob(pattern))
