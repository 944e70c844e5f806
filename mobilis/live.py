"""What is live beside the settings: on which ports brain and action server are, and what
`mobilis up` is asked to put in their place.

Both are small files of the data directory: the supervisor writes the ports, of which the front door
reads the brain's at every turn, and answers a request that a command has left there.
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
from typing import Any, NamedTuple

import httpx

from mobilis.errors import MobilisError, SettingError
from mobilis.settings import Settings

MODEL = Path("models") / "mobilis.tar.gz"  # of the project: the model in place
ENCODER = Path("models") / "encoder"  # the name of the encoder that it was trained with
PORTS, REQUEST, PIDS = "ports.json", "reload.json", "pids.json"
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


class Ports(NamedTuple):
    """Where the brain that takes turns and its action server listen."""

    brain: int
    actions: int


def ports(settings: Settings) -> Ports:
    """Those of now: of the settings, until a new brain has taken over."""
    try:
        noted = Ports(**json.loads((settings.data_dir / PORTS).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        noted = Ports(0, 0)
    usable = all(isinstance(port, int) and 0 < port < 65536 for port in noted)
    return noted if usable else Ports(settings.brain_port, settings.actions_port)


def brains(settings: Settings) -> Sequence[str]:
    """Where turns go now: to the brains of the settings, else to that of this machine, which is on
    another port once a new one has taken over."""
    return settings.brain_url or (f"http://127.0.0.1:{ports(settings).brain}",)


def set_ports(settings: Settings, moved: Ports | None) -> None:
    """Send turns to other ports; None: to those of the settings."""
    if moved is None:
        (settings.data_dir / PORTS).unlink(missing_ok=True)
    else:
        write_whole(settings.data_dir / PORTS, json.dumps(moved._asdict()))


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
    address = f"http://127.0.0.1:{port or ports(settings).brain}{HEALTH}"
    try:
        with httpx.Client(timeout=5, trust_env=False) as client:
            answer = client.get(address, headers={"Authorization": f"Bearer {secret}"})
            told = answer.json()
    except (httpx.HTTPError, ValueError):
        return None
    return {**told, "http": answer.status_code} if isinstance(told, dict) else None
