"""`mobilis bench scale`: one front door with one brain, beside two of each, on one PostgreSQL.

Both are measured in turns, in the same run, so that what else the machine does meets both. What a
turn costs each kind of process is what docs/scaling.md reckons with.
"""

from __future__ import annotations

import asyncio
import secrets
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.engine import make_url

from mobilis.bench import ROUNDS, WARM_UP, levels_of, plan
from mobilis.cluster import KINDS, Cluster
from mobilis.errors import SettingError
from mobilis.load import ChatApi, Load, Script, hold, scripts
from mobilis.measures import (
    described,
    latency,
    machine,
    settle,
    table,
    trained_model,
    unseen,
    whole_number,
)
from mobilis.store import Database, migrate, refusing
from mobilis.usage import core_seconds, memory

SIZES = (1, 2)  # front doors, and as many brains

Tell = Callable[[str], None]


@dataclass
class Side:
    """A cluster, and what was measured on it, by level."""

    size: int
    cluster: Cluster
    loads: dict[int, Load] = field(default_factory=dict)
    cores: dict[str, float] = field(default_factory=dict)  # seconds of each kind, of all levels

    def take(self, conversations: Sequence[Script], at_once: int) -> None:
        """Hold the conversations, shared out among the front doors."""
        before = self.by_kind()
        loads = asyncio.run(self._hold(conversations, at_once))
        together = loads[0]
        for load in loads[1:]:
            longer = max(together.seconds, load.seconds)
            together = together.plus(load)
            together.seconds = longer
        self.loads[at_once] = self.loads.get(at_once, Load()).plus(together)
        for kind, seconds in self.by_kind().items():
            self.cores[kind] = self.cores.get(kind, 0.0) + seconds - before[kind]

    async def _hold(self, conversations: Sequence[Script], at_once: int) -> list[Load]:
        bases = self.cluster.bases[:at_once]
        parts = [conversations[number :: len(bases)] for number in range(len(bases))]
        each = -(-at_once // len(bases))
        return await asyncio.gather(
            *(hold(ChatApi(), base, part, each) for base, part in zip(bases, parts) if part)
        )

    def by_kind(self) -> dict[str, float]:
        """For how long the processes of each kind have had a core so far."""
        found = dict.fromkeys(KINDS, 0.0)
        for name, pid in self.cluster.pids().items():
            found[name.partition(" ")[0]] += core_seconds(pid)
        return found


def bench_scale(
    root: Path, tell: Tell, database_url: str, concurrency: str, turns: str
) -> dict[str, Any]:
    """The report: `machine`, `levels`, `core_ms_per_turn` and `memory`, each by size.

    Args:
        database_url: of a PostgreSQL server whose user may make databases; two are made there, and
            dropped afterwards.

    Raises:
        BenchRefused: an option is wrong, or there is no model.
        SettingError: it is no PostgreSQL.
        StoreError: the server is unreachable or refuses.
        NotStarted: a process did not become ready.
    """
    levels = levels_of(concurrency)
    said = plan(unseen(root), levels, whole_number("--turns", turns, ROUNDS, 10_000))
    trained_model(root)
    where = machine()
    with _running(database_url, tell) as sides:
        for side in sides:
            settle(lambda side=side: sum(side.by_kind().values()))  # type: ignore[misc]
            side.take(scripts(said[0], WARM_UP), 2)
            side.loads.clear()
            side.cores.clear()
        rounds = iter(said[1:])
        for level in levels:
            tell(f"{level} at once")
            for number in range(ROUNDS):
                conversations = scripts(next(rounds), level)
                for side in sides if number % 2 == 0 else reversed(sides):
                    side.take(conversations, level)
        return {
            "machine": where,
            "levels": [
                {"at_once": level, **{str(side.size): _figures(side, level) for side in sides}}
                for level in levels
            ],
            "core_ms_per_turn": {str(side.size): _cores(side) for side in sides},
            "memory": {str(side.size): _memory(side) for side in sides},
        }


@contextmanager
def _running(database_url: str, tell: Tell) -> Iterator[list[Side]]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mobilis-bench-")))
        sides = []
        for size in SIZES:
            tell(f"starting {size} front door(s) and {size} brain(s)")
            url = stack.enter_context(a_database(database_url))
            own = folder / str(size)
            own.mkdir()
            cluster = Cluster(own, url, doors=size, brains=size)
            stack.callback(cluster.stop)
            sides.append(Side(size, cluster))
        yield sides


@contextmanager
def a_database(url: str) -> Iterator[str]:
    """A new database on a PostgreSQL server, with its schema; dropped in the end. Its address.

    Raises:
        SettingError: it is no PostgreSQL.
        StoreError: the server is unreachable or refuses.
    """
    server = Database(url)
    if not server.is_shared:
        raise SettingError("--database: a PostgreSQL server is needed, postgresql://…")
    name = f"mobilis_bench_{secrets.token_hex(4)}"
    line = server.open_line()
    with refusing():
        line.execute(text(f"CREATE DATABASE {name}"))
    try:
        own = make_url(url).set(database=name).render_as_string(hide_password=False)
        migrate(own)
        yield own
    finally:
        with refusing():
            line.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
            line.close()
        server.dispose()


def _figures(side: Side, level: int) -> dict[str, Any]:
    load = side.loads[level]
    return {
        "turns": len(load.latencies),
        "turns_per_second": round(load.rate, 2),
        **latency(load.latencies),
        "errors": dict(load.errors),
    }


def _cores(side: Side) -> dict[str, float]:
    turns = sum(len(load.latencies) for load in side.loads.values())
    return {kind: round(side.cores[kind] * 1000 / max(turns, 1), 1) for kind in KINDS}


def _memory(side: Side) -> dict[str, dict[str, float]]:
    weights = {name: memory(pid) for name, pid in side.cluster.pids().items()}
    return {
        name: {key: round(value, 1) for key, value in one._asdict().items()}
        for name, one in weights.items()
    }


def to_text(report: Mapping[str, Any]) -> str:
    """The report for a reader."""
    sizes = [str(size) for size in SIZES]
    rows: list[Sequence[str]] = []
    for level in report["levels"]:
        for title, key in (("turns/s", "turns_per_second"), ("p50, ms", "p50"), ("p95, ms", "p95")):
            values = [level[size][key] for size in sizes]
            rows.append((f"{level['at_once']} at once: {title}", *_compared(values)))
        lost = [sum(level[size]["errors"].values()) for size in sizes]
        rows.append((f"{level['at_once']} at once: turns not answered", *map(str, lost), ""))
    for kind in KINDS:
        values = [report["core_ms_per_turn"][size][kind] for size in sizes]
        rows.append((f"core time a turn, {kind}, ms", *_compared(values)))
    for size in sizes:
        for name, one in report["memory"][size].items():
            shown = f"{one['resident']:.0f}"
            row = (shown, "–", "") if size == sizes[0] else ("–", shown, "")
            rows.append((f"memory of {name}, resident, MB", *row))
    heading = ("", "1 + 1", "2 + 2", "2 + 2 ÷ 1 + 1")
    return "\n\n".join([described(report["machine"]), table(heading, rows)])


def _compared(values: Sequence[float | None]) -> tuple[str, str, str]:
    one, two = values
    ratio = f"{two / one:.2f}" if one and two is not None else ""
    shown = ["–" if value is None else f"{value:.1f}" for value in values]
    return shown[0], shown[1], ratio
