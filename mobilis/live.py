"""What is live beside the settings: on which port the brain is, and what `mobilis up` is asked to
put in its place.

Both are small files of the data directory: the supervisor writes the port, which the front door
reads at every turn, and answers a request that a command has left there.
"""

from __future__ import annotations

import json
import os
import signal
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from mobilis.errors import MobilisError, SettingError
from mobilis.settings import Settings

MODEL = Path("models") / "mobilis.tar.gz"  # of the project: the model in place
ENCODER = Path("models") / "encoder"  # the name of the encoder that it was trained with
PORT, REQUEST, PIDS = "brain.port", "reload.json", "pids.json"
UP = "up"  # how the supervisor calls itself among the processes
ASKED, LIVE, REFUSED = "asked", "live", "refused"
HEALTH = "/webhooks/mobilis/health"
PATIENCE = 300.0  # seconds until a reload that nobody answers has failed
LOOK_EVERY = 0.2


class NotLive(MobilisError):
    """Something new did not go live; the message says why, and what is live is as before."""


@dataclass(frozen=True)
class Request:
    """What is asked of the supervisor, and what became of it."""

    id: str = ""
    model: str | None = None  # the file of a new model; none: what is in place
    state: str = ASKED
    why: str = ""

    @property
    def is_open(self) -> bool:
        """Whether somebody waits for what becomes of it."""
        return bool(self.id) and self.state == ASKED


def brain_port(settings: Settings) -> int:
    """The port of the brain that takes turns now."""
    try:
        return int((settings.data_dir / PORT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return settings.brain_port


def brains(settings: Settings) -> Sequence[str]:
    """Where turns go now: to the brains of the settings, else to that of this machine, which is on
    another port once a new one has taken over."""
    return settings.brain_url or (f"http://127.0.0.1:{brain_port(settings)}",)


def set_brain_port(settings: Settings, port: int | None) -> None:
    """Send turns to another port; None: to that of the settings."""
    if port is None:
        (settings.data_dir / PORT).unlink(missing_ok=True)
    else:
        write_whole(settings.data_dir / PORT, str(port))


def write_whole(path: Path, text: str) -> None:
    """Write a small file so that whoever reads it never finds half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f"{path.name}.new")
    half.write_text(text, encoding="utf-8")
    half.replace(path)


def read_request(settings: Settings) -> Request:
    """What was asked last; a request without an id when nothing was."""
    try:
        return Request(**json.loads((settings.data_dir / REQUEST).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return Request()


def write_request(settings: Settings, request: Request) -> None:
    """Keep what was asked, or what became of it."""
    write_whole(settings.data_dir / REQUEST, json.dumps(vars(request)))


def running_supervisor(settings: Settings) -> int | None:
    """The process id of `mobilis up` with this data directory; None when it does not run."""
    try:
        pid = int(json.loads((settings.data_dir / PIDS).read_text(encoding="utf-8"))[UP])
        os.kill(pid, 0)
    except (OSError, ValueError, KeyError):
        return None
    return pid


def reload(
    settings: Settings, model: Path | None = None, tell: Callable[[str], None] = lambda line: None
) -> None:
    """Have `mobilis up` put a new brain and action server in the place of those that run, with the
    model of a file when one is given; return once they are live.

    Raises:
        SettingError: nothing runs here.
        NotLive: the new ones do not work, and the old ones go on.
    """
    pid = running_supervisor(settings)
    if pid is None:
        raise SettingError(f"MOBILIS_DATA_DIR: nothing runs with {settings.data_dir}: mobilis up")
    if read_request(settings).is_open:
        raise NotLive("another reload is under way")
    mine = Request(uuid.uuid4().hex, str(model.resolve()) if model else None)
    write_request(settings, mine)
    os.kill(pid, signal.SIGHUP)
    tell("waiting for the new brain")
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = read_request(settings)
        if found.id == mine.id and found.state == LIVE:
            return
        if found.id != mine.id or found.state == REFUSED:
            raise NotLive(f"what was live goes on: {found.why or 'something else was asked for'}")
        time.sleep(LOOK_EVERY)
    raise NotLive(f"mobilis up did not answer for {PATIENCE:.0f} s")


def ask_brain(settings: Settings, secret: str, port: int | None = None) -> dict[str, Any] | None:
    """What a brain says of its health, and with which status; None when it does not answer."""
    address = f"http://127.0.0.1:{port or brain_port(settings)}{HEALTH}"
    try:
        with httpx.Client(timeout=5, trust_env=False) as client:
            answer = client.get(address, headers={"Authorization": f"Bearer {secret}"})
            told = answer.json()
    except (httpx.HTTPError, ValueError):
        return None
    return {**told, "http": answer.status_code} if isinstance(told, dict) else None
