"""A soak of the website's chat: a crowd of visitors for as long as wanted, while every process of
the assistant and its database is measured every few seconds. Whoever runs one gets `Growth`, and
judges it.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from random import Random
from statistics import mean

from fault_visits import Visit
from processes import Stack

from mobilis.crowd import Crowding, crowd, visits
from mobilis.expectations import load_words
from mobilis.measures import percentile, table
from mobilis.settings import ROOT

PROCESSES = ("door", "brain", "actions", "up")
WARM_UP = 0.2  # of the time: what is loaded late, and the memory that is reused from then on
WINDOWS = 10  # for latencies
LISTENERS = 8  # visitors who only listen, and whose streams break off again and again


@dataclass(frozen=True)
class Sample:
    """One look: memory in MB, open files and threads by process; the database and its write-ahead
    log in MB; turns answered so far."""

    at: float
    memory: Mapping[str, float]
    files: Mapping[str, int]
    threads: Mapping[str, int]
    database: float
    log: float
    turns: int


@dataclass
class WebSoak:
    """What a soak saw."""

    crowding: Crowding
    samples: list[Sample] = field(default_factory=list)
    load: tuple[float, float] = (0.0, 0.0)

    @property
    def warm(self) -> list[Sample]:
        """The samples after the warm-up."""
        return self.samples[int(len(self.samples) * WARM_UP) :]

    @property
    def turns(self) -> int:
        return len(self.crowding.latencies)

    def growth(self, what: str, process: str) -> float:
        """By how much a measure of a process grew in an hour: the slope of a line through it."""
        x = [sample.at / 3600 for sample in self.warm]
        return slope(x, [getattr(sample, what)[process] for sample in self.warm])

    def step(self, what: str, process: str) -> float:
        """By how much it was more in the last third than in the first, on average."""
        values = [getattr(sample, what)[process] for sample in self.warm]
        third = max(1, len(values) // 3)
        return mean(values[-third:]) - mean(values[:third])

    @property
    def bytes_a_turn(self) -> float:
        """What a turn adds to the database."""
        turns = [float(sample.turns) for sample in self.warm]
        return slope(turns, [sample.database * 1e6 for sample in self.warm])

    def p95(self) -> list[float]:
        """Of the latencies of each window of the time, in milliseconds."""
        found = []
        for number in range(WINDOWS):
            start, end = (self.turns * n // WINDOWS for n in (number, number + 1))
            found.append(percentile(self.crowding.latencies[start:end], 0.95) * 1000)
        return found


def slope(x: Sequence[float], y: Sequence[float]) -> float:
    """Of the line that fits best."""
    across, up = mean(x), mean(y)
    spread = sum((one - across) ** 2 for one in x)
    return sum((a - across) * (b - up) for a, b in zip(x, y)) / spread if spread else 0.0


def soak(stack: Stack, minutes: float, at_once: int, think: float, look_every: float) -> WebSoak:
    """Visitors for so many minutes, with some who only listen."""
    found = WebSoak(Crowding(at_once), load=(os.getloadavg()[0], 0.0))
    ended = threading.Event()
    watching = threading.Thread(target=_watch, args=(stack, found, look_every, ended))
    chance = Random(at_once)
    listening = [
        Visit(stack.base, language, lambda: chance.uniform(1, 20))
        for language in ("fr", "en") * (LISTENERS // 2)
    ]
    watching.start()
    try:
        plan, words = visits(ROOT), load_words(ROOT)
        asyncio.run(crowd(stack.base, cycle(plan), found.crowding, minutes * 60, think, words))
    finally:
        ended.set()
        watching.join()
        for visit in listening:
            visit.stream.stop()
            visit.http.close()
    found.load = (found.load[0], os.getloadavg()[0])
    return found


def _watch(stack: Stack, found: WebSoak, look_every: float, ended: threading.Event) -> None:
    began = time.monotonic()
    path = stack.settings.data_dir / "mobilis.db"
    while not ended.wait(look_every):
        pids = stack.pids()
        status = {name: _status(pids[name]) for name in PROCESSES}
        log = path.with_name("mobilis.db-wal")
        found.samples.append(
            Sample(
                at=time.monotonic() - began,
                memory={name: int(one["VmRSS"].split()[0]) / 1024 for name, one in status.items()},
                files={name: len(os.listdir(f"/proc/{pids[name]}/fd")) for name in PROCESSES},
                threads={name: int(one["Threads"]) for name, one in status.items()},
                database=path.stat().st_size / 1e6,
                log=log.stat().st_size / 1e6 if log.exists() else 0.0,
                turns=found.turns,
            )
        )


def _status(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def to_markdown(found: WebSoak, minutes: float, think: float, date: str) -> str:
    """What was seen, for docs/load.md."""
    first, last = found.warm[0], found.warm[-1]
    rows = [
        (
            name,
            f"{first.memory[name]:.0f} → {last.memory[name]:.0f}",
            f"{found.growth('memory', name):+.1f}",
            f"{first.files[name]} → {last.files[name]}",
            f"{first.threads[name]} → {last.threads[name]}",
        )
        for name in PROCESSES
    ]
    waits = ", ".join(f"{value:.0f}" for value in found.p95())
    errors = ", ".join(f"{n} {why}" for why, n in found.crowding.errors.items()) or "none"
    log = max(sample.log for sample in found.samples)
    header = ("process", "memory, MB", "MB an hour (fitted)", "open files", "threads")
    return "\n\n".join(
        [
            f"{date}, {os.cpu_count()} cores, load {found.load[0]:.1f} before and"
            f" {found.load[1]:.1f} after: {found.crowding.at_once} visitors for {minutes:g}"
            f" minutes, {think:g} s to think, {LISTENERS} more whose streams broke off every 1 to"
            f" 20 s. {found.turns} turns, failed: {errors}. After the first fifth of the time:",
            table(header, rows),
            f"The database grew by {found.bytes_a_turn / 1000:.1f} kB a turn; its write-ahead log"
            f" was {log:.1f} MB at most. p95 of the latency in each tenth of the turns, in"
            f" milliseconds: {waits}.",
        ]
    )


def to_svg(found: WebSoak) -> str:
    """Memory, files and latency over time."""
    from mobilis.load_figure import Curve, draw_over_time

    minutes = [sample.at / 60 for sample in found.samples]

    def curves(what: str) -> list[Curve]:
        return [
            Curve(name, minutes, [getattr(sample, what)[name] for sample in found.samples])
            for name in PROCESSES
        ]

    each = minutes[-1] / WINDOWS
    middles = [each * (number + 0.5) for number in range(WINDOWS)]
    sizes = [
        Curve("database", minutes, [sample.database for sample in found.samples]),
        Curve("write-ahead log", minutes, [sample.log for sample in found.samples]),
    ]
    return draw_over_time(
        {
            "memory, MB": curves("memory"),
            "open files": curves("files"),
            "MB on disk": sizes,
            "latency, ms": [Curve("p95", middles, found.p95())],
        },
        "minutes",
    )
