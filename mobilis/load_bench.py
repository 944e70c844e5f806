"""`mobilis bench load`: more and more visitors at once until it is too much, on SQLite, on
PostgreSQL when there is one, and beside the stock assistant in the same run.

All run at once, each on its own ports, and at each level one after the other is visited, so that a
busy moment of the machine hits all.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any

from mobilis.crowd import Crowding, Visit, crowd, visits
from mobilis.expectations import Words, load_words
from mobilis.measures import (
    described,
    latency,
    machine,
    settle,
    shown,
    table,
    trained_model,
    whole_number,
)
from mobilis.stack import Stack, StockServer
from mobilis.usage import core_seconds, family

MOST_AT_ONCE = 512
MOST_SECONDS = 120
WARM_UP = (2, 5.0)  # visitors, seconds

Tell = Callable[[str], None]


@dataclass
class Side:
    """One assistant while it runs, and what came of each crowd."""

    name: str
    assistant: Stack | StockServer
    words: Words | None
    crowdings: list[Crowding] = field(default_factory=list)

    def visit(self, plan: Sequence[Visit], at_once: int, seconds: float, think: float) -> Crowding:
        crowding = Crowding(at_once)
        asyncio.run(crowd(self.assistant.base, cycle(plan), crowding, seconds, think, self.words))
        return crowding

    def core_seconds(self) -> float:
        """For how long its processes have had a core so far."""
        return sum(core_seconds(pid) for pid in family(self.assistant.root_pid))


def bench_load(
    root: Path,
    tell: Tell,
    levels: str,
    seconds: str,
    think: str,
    postgres: str = "",
    prepare: Callable[[], Path] | None = None,
) -> dict[str, Any]:
    """The report: `machine`, `think`, `seconds`, and of each side its `levels` and its `knee`.

    Args:
        levels: visitors at once, one level after the other: "1,2,4".
        seconds: that each level lasts.
        think: seconds that a visitor takes before each message, on average.
        postgres: address of an empty PostgreSQL database, or none.
        prepare: gives the stock assistant (see `mobilis.stock.prepare`); None measures ours alone.

    Raises:
        BenchRefused: an option is wrong, or there is no model.
        NotStarted: an assistant did not become ready.
    """
    at_once = [whole_number("--levels", part, 1, MOST_AT_ONCE) for part in levels.split(",")]
    lasts = whole_number("--seconds", seconds, 1, MOST_SECONDS)
    pause = whole_number("--think", think, 0, 60)
    trained_model(root)
    project, plan = (prepare() if prepare else None), visits(root)
    where = machine()
    with _running(root, postgres, project, tell) as sides:
        for side in sides:
            settle(side.core_seconds)
            side.visit(plan, *WARM_UP, 0)
        for number, level in enumerate(at_once):
            for side in sides if number % 2 == 0 else reversed(sides):
                tell(f"{level} at once: {side.name}")
                side.crowdings.append(side.visit(plan, level, lasts, pause))
    levels_of = {side.name: [_figures(one) for one in side.crowdings] for side in sides}
    return {
        **{"machine": where, "seconds": lasts, "think": pause, "sides": levels_of},
        "knees": {name: knee(figures) for name, figures in levels_of.items()},
    }


@contextmanager
def _running(root: Path, postgres: str, project: Path | None, tell: Tell) -> Iterator[list[Side]]:
    """Ours on each database and the stock assistant, each started while nothing else does."""
    words = load_words(root)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mobilis-load-")))
        sides = []
        for name, url in (("SQLite", ""), ("PostgreSQL", postgres)):
            if name == "SQLite" or url:
                tell(f"starting ours on {name}")
                (folder / name).mkdir()
                ours = Stack(folder / name, url, root=root)
                stack.callback(ours.stop)
                sides.append(Side(name, ours, words))
        if project:
            tell("starting the stock assistant")
            theirs = StockServer(project, folder / "stock.log")
            stack.callback(theirs.stop)
            sides.append(Side("stock", theirs, None))
        yield sides


def _figures(one: Crowding) -> dict[str, Any]:
    return {
        "at_once": one.at_once,
        "turns": len(one.latencies),
        "turns_per_second": round(one.rate, 2),
        **latency(one.latencies),
        "refused": one.refused,
        "errors": dict(one.errors),
    }


def knee(levels: Sequence[Mapping[str, Any]]) -> int | None:
    """The level that gives most for its price: where turns a second by mean latency is highest
    (Kleinrock's power), among those without a failed turn. Beyond it visitors wait longer, and
    hardly any more of them are answered."""
    good = [level for level in levels if level["mean"] and not level["errors"]]
    if not good:
        return None
    best = max(good, key=lambda level: level["turns_per_second"] / level["mean"])
    return int(best["at_once"])


def to_text(report: Mapping[str, Any]) -> str:
    """The report for a reader: where, a table of each side, and the knees."""
    parts = [described(report["machine"]), described_crowd(report)]
    for name, levels in report["sides"].items():
        parts.append(f"{name}, knee at {report['knees'][name]} visitors at once:")
        parts.append(_table(levels))
    return "\n\n".join(parts)


def described_crowd(report: Mapping[str, Any]) -> str:
    """How it was visited, in a sentence."""
    think, seconds = report["think"], report["seconds"]
    return (
        f"Each level lasts {seconds} s; a visitor takes {think} s on average before each message"
        " (exponentially distributed). Latencies are in milliseconds, waits after a refusal"
        " included."
    )


def _table(levels: Sequence[Mapping[str, Any]]) -> str:
    header = ("at once", "turns", "turns/s", "p50", "p95", "p99", "refused for now", "failed")
    rows = [
        (
            str(level["at_once"]),
            str(level["turns"]),
            *(shown(level[name]) for name in ("turns_per_second", "p50", "p95", "p99")),
            str(level["refused"]),
            ", ".join(f"{times} {why}" for why, times in level["errors"].items()) or "0",
        )
        for level in levels
    ]
    return table(header, rows)


def write(report: Mapping[str, Any], folder: Path) -> None:
    """Write what was measured into load.md of a folder, between its marks, and load.svg."""
    from mobilis.load_figure import draw

    (folder / "load.svg").write_text(draw(report["sides"], report["knees"]), encoding="utf-8")
    document = folder / "load.md"
    before, _, rest = document.read_text(encoding="utf-8").partition("<!-- load -->\n")
    _, _, after = rest.partition("<!-- /load -->")
    text = f"{before}<!-- load -->\n{to_text(report)}\n<!-- /load -->{after}"
    document.write_text(text, encoding="utf-8")
