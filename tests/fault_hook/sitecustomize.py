"""Faults inside the real processes, at named points of a turn. Python imports this by itself at the
start of every process that has this folder on its PYTHONPATH: the product knows nothing of it.

FAULTS names a folder. A file there called `<point>.before` or `<point>.after` is for the process
that next comes to this point: it takes the file away (so it happens once) and does what it says,
`kill` or `stop`. A file `clock` holds seconds by which the clock of the store is wrong. Used by
tests/faulting.py.
"""

from __future__ import annotations

import functools
import importlib.machinery
import inspect
import os
import signal
import sys
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

FOLDER = Path(os.environ.get("FAULTS", "/nonexistent"))
SIGNALS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}
# Where a turn can be cut, by module: what is called there, and the name of the point.
POINTS = {
    "mobilis.conversations": {"open_conversation": "open", "receive_text": "take_in"},
    "mobilis.web.door": {"Door.write": "acknowledge", "Door.write_now": "acknowledge"},
    "mobilis.web.brain": {"Brain.answer": "hand_over"},
    "mobilis.turns": {"complete_turn": "close"},
    "mobilis.web.worker": {"Worker._complete": "closed"},
    "mobilis.web.events": {"_event": "stream"},
    "mobilis.web.sender": {"Sender._take": "take_delivery", "Sender._show": "show"},
    "mobilis.deliveries": {"note_sent": "note_shown"},
    "mobilis.bulletins": {"Board.note_sent": "note_told"},
    "mobilis.mails": {"begin": "mail_begin", "settle_sent": "mail_settle"},
    "mobilis.casework": {"add_note": "note"},
    "mobilis.web.console.cases": {"_do": "deed"},
    "mobilis.web.postman": {"deliver": "mail_hand_over"},
    "mobilis.brain.channel": {"_take_turn": "brain_turn"},
    "mobilis.brain.tracker_store": {
        "DatabaseTrackerStore._begin": "tracker_read",
        "DatabaseTrackerStore._append": "tracker_save",
    },
    "mobilis.brain.remote": {"LoudActions.request": "action_call"},
    "mobilis.brain.action": {"MobilisAction.run": "action"},
    "mobilis.leads": {"write_lead": "lead", "keep_lead": "lead_kept"},
}
# Calls that come by without anything to do, which count for nothing.
IDLE: dict[str, Callable[[Sequence[Any], Any], bool]] = {
    "stream": lambda given, _: given[0] != "message",
    "take_delivery": lambda _, result: result == [],
}
# What would only make the tests wait.
SHORTER = {
    "mobilis.supervisor": {"LONGEST_PAUSE": 0.5},  # between two starts of what is killed often
    "mobilis.deliveries": {"SENDING_SECONDS": 5.0},
    "mobilis.mails": {"LEASE": timedelta(seconds=5)},
}


def strike(point: str, when: str) -> None:
    """Do what is asked for here, if anything is."""
    asked = FOLDER / f"{point}.{when}"
    try:
        what = asked.read_text()
        asked.rename(asked.with_suffix(f".{when}-struck"))
    except OSError:  # nothing is, or another process was faster
        return
    os.kill(os.getpid(), SIGNALS[what])


def around(function: Callable[..., Any], point: str) -> Callable[..., Any]:
    """The function, with the point before and after it."""
    idle = IDLE.get(point, lambda given, result: False)

    @functools.wraps(function)
    async def later(*given: Any, **named: Any) -> Any:
        strike(point, "before")
        result = await function(*given, **named)
        strike(point, "after")
        return result

    @functools.wraps(function)
    def at_once(*given: Any, **named: Any) -> Any:
        if not idle(given, None):
            strike(point, "before")
        result = function(*given, **named)
        if not idle(given, result):
            strike(point, "after")
        return result

    return later if inspect.iscoroutinefunction(function) else at_once


def prepare(module: ModuleType) -> None:
    """Set the points of a module that has just been loaded, before others take from it."""
    for path, point in POINTS.get(module.__name__, {}).items():
        *owner, name = path.split(".")
        holder: Any = getattr(module, owner[0]) if owner else module
        setattr(holder, name, around(getattr(holder, name), point))
    for name, value in SHORTER.get(module.__name__, {}).items():
        setattr(module, name, value)
    if module.__name__ == "mobilis.store":
        module.now = wrong_clock(module.now)  # type: ignore[attr-defined]


def wrong_clock(now: Callable[[], Any]) -> Callable[[], Any]:
    """The store's clock, wrong by what is asked for."""

    def told() -> Any:
        try:
            return now() + timedelta(seconds=float((FOLDER / "clock").read_text()))
        except OSError:
            return now()

    return told


class Finder:
    """Finds the modules above where Python would, and prepares them once they are loaded."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None, target: Any = None) -> Any:
        if name not in POINTS and name not in SHORTER and name != "mobilis.store":
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        if spec is not None and spec.loader is not None:
            load = spec.loader.exec_module

            def exec_module(module: ModuleType) -> None:
                load(module)
                prepare(module)

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


if "FAULTS" in os.environ:
    sys.meta_path.insert(0, Finder)  # type: ignore[arg-type]
