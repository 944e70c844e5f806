"""`mobilis bench turns`: the whole chain over HTTP, ours beside the stock assistant in one run.

Both run at once, each on its own ports, and the same messages are said to one and then the other,
in rounds, so that a busy moment of the machine hits both.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mobilis import stock
from mobilis.content import LANGUAGES
from mobilis.load import Channel, ChatApi, Load, RestChannel, Script, hold, scripts
from mobilis.measures import (
    BenchRefused,
    Said,
    Target,
    compared,
    described,
    latency,
    machine,
    ratio,
    settle,
    table,
    trained_model,
    unseen,
    verdict,
    whole_number,
)
from mobilis.stack import Stack, StockServer, leaving_nothing
from mobilis.usage import Memory, core_seconds, family, memory

MOST_AT_ONCE = 64
ROUNDS = 2
WARM_UP = 16  # turns
# Labels that both assistants answer at once: those that begin a form here are left out.
ANSWERED = ("greet", "goodbye", "thank", "help", "bot_challenge", "out_of_scope")
# What a training begins with; copied, so that nothing that was made before helps.
INGREDIENTS = (
    *("actions", "assessment", "content", "data", "faq", "mobilis"),
    *("config.yml", "credentials.yml", "domain.yml", "endpoints.yml"),
)
TRAINING_SECONDS = 900.0

RATE, READY, TRAINING = 3.0, 20.0, 60.0  # the targets: times the stock's turns/s; seconds; seconds

Tell = Callable[[str], None]


@dataclass
class Side:
    """One of the two assistants while it runs, and what was measured on it, by level."""

    name: str
    assistant: Stack | StockServer
    channel: Channel
    loads: dict[int, Load] = field(default_factory=dict)
    memory: dict[str, Memory] = field(default_factory=dict)

    def take(self, conversations: Sequence[Script], at_once: int) -> None:
        """Hold the conversations, and add what came of it to that level."""
        base, used = self.assistant.base, self.core_seconds
        load = asyncio.run(hold(self.channel, base, conversations, at_once, used))
        self.loads[at_once] = self.loads.get(at_once, Load()).plus(load)

    def weigh(self) -> None:
        """Note the memory of each process, with that of processes which only it knows of."""
        known = self.assistant.pids()
        for name, pid in known.items():
            others = [other for other in known.values() if other != pid]
            self.memory[name] = _sum(memory(one) for one in family(pid, apart=others))

    def core_seconds(self) -> float:
        """For how long its processes have had a core so far."""
        return sum(core_seconds(pid) for pid in family(self.assistant.root_pid))


def _sum(weights: Iterable[Memory]) -> Memory:
    listed = list(weights)
    return Memory(sum(one.resident for one in listed), sum(one.proportional for one in listed))


def levels_of(given: str) -> list[int]:
    """How many conversations at once, one level after the other: "1,8,32".

    Raises:
        BenchRefused: one of them is not a number, or too large.
    """
    return [whole_number("--concurrency", part, 1, MOST_AT_ONCE) for part in given.split(",")]


def plan(messages: Sequence[Said], levels: Sequence[int], turns: int) -> list[dict[str, list[str]]]:
    """What is said, by language: before the clock runs, then at each round of each level. No text
    twice, so that an assistant's memory of recent ones is of no use.

    Raises:
        BenchRefused: there are not enough messages.
    """
    usable = answered_at_once(messages)
    sizes = [WARM_UP] + [turns // ROUNDS] * ROUNDS * len(levels)
    if sum(sizes) > len(usable):
        most = (len(usable) - WARM_UP) // len(levels)
        raise BenchRefused(
            f"--turns: at most {most} at {len(levels)} levels, since no message is said twice"
        )
    left = iter(usable)
    return [_by_language([next(left) for _ in range(size)]) for size in sizes]


def answered_at_once(messages: Sequence[Said]) -> list[Said]:
    """Those that begin no form."""
    return [m for m in messages if m.label.startswith(f"{stock.FAQ}/") or m.label in ANSWERED]


def _by_language(messages: Sequence[Said]) -> dict[str, list[str]]:
    return {lang: [m.text for m in messages if m.language == lang] for lang in LANGUAGES}


def bench_turns(
    root: Path,
    tell: Tell,
    concurrency: str,
    turns: str,
    prepare: Callable[[], Path] | None = None,
    train: bool = False,
) -> dict[str, Any]:
    """The report: `machine`, `levels`, `ready`, `memory`, `training`, each for `ours` and `stock`,
    and `targets`.

    Args:
        tell: says what goes on.
        prepare: gives the stock assistant (see `mobilis.stock.prepare`); None measures ours alone.
        train: also measure a training of ours from nothing.

    Raises:
        BenchRefused: an option is wrong, there is no model, a training fails, or the system does
            not tell what processes use.
        NotStarted: an assistant did not become ready.
    """
    levels = levels_of(concurrency)
    said = plan(unseen(root), levels, whole_number("--turns", turns, ROUNDS, 10_000))
    trained_model(root)
    project = prepare() if prepare else None
    seconds = {"ours": _train(root, tell)} if train else {}
    if project:
        seconds["stock"] = stock.training(project)["seconds"]
    where = machine()
    with _running(root, project, tell) as sides:
        for side in sides:
            settle(side.core_seconds)
            side.take(scripts(said[0], 2), 2)
            side.loads.clear()
        rounds = iter(said[1:])
        for level in levels:
            tell(f"{level} at once")
            for number in range(ROUNDS):
                conversations = scripts(next(rounds), level)
                for side in sides if number % 2 == 0 else reversed(sides):
                    side.take(conversations, level)
        for side in sides:
            side.weigh()
        return _report(where, levels, sides, seconds)


@contextmanager
def _running(root: Path, project: Path | None, tell: Tell) -> Iterator[list[Side]]:
    """Ours and, beside it, the stock assistant, each started while nothing else does."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mobilis-bench-")))
        tell("starting ours")
        ours = Stack(folder, root=root)
        stack.callback(ours.stop)
        sides = [Side("ours", ours, ChatApi())]
        if project:
            tell("starting the stock assistant")
            theirs = StockServer(project, folder / "stock.log")
            stack.callback(theirs.stop)
            sides.append(Side("stock", theirs, RestChannel()))
        yield sides


def _train(root: Path, tell: Tell) -> float:
    """Seconds that `mobilis train` takes in a copy of the project that was never trained."""
    tell("training ours from nothing")
    with tempfile.TemporaryDirectory(prefix="mobilis-bench-") as name:
        copy = Path(name)
        for ingredient in INGREDIENTS:
            if (root / ingredient).is_dir():
                shutil.copytree(root / ingredient, copy / ingredient)
            else:
                shutil.copy(root / ingredient, copy / ingredient)
        environment = {**os.environ, "MOBILIS_PROJECT_DIR": name, "PYTHONPATH": name}
        command = [sys.executable, "-m", "mobilis.cli", "train", "--quiet"]
        began = time.monotonic()
        process = subprocess.Popen(
            command, cwd=copy, env=environment, stdout=subprocess.DEVNULL, start_new_session=True
        )
        try:
            with leaving_nothing(process):
                process.wait(TRAINING_SECONDS)
        except subprocess.TimeoutExpired:
            raise BenchRefused(f"training did not end within {TRAINING_SECONDS:.0f} s") from None
        if process.returncode:
            raise BenchRefused("training failed; what it said is above")
        return round(time.monotonic() - began, 1)


def _report(
    where: Mapping[str, Any],
    levels: Sequence[int],
    sides: Sequence[Side],
    training: Mapping[str, float],
) -> dict[str, Any]:
    report: dict[str, Any] = {
        "machine": where,
        "levels": [
            {"at_once": level, **{side.name: _figures(side, level) for side in sides}}
            for level in levels
        ],
        "ready": {side.name: round(side.assistant.seconds_to_ready, 1) for side in sides},
        "memory": {side.name: _weights(side) for side in sides},
        "training": dict(training),
    }
    return {**report, "targets": [target._asdict() for target in targets(report)]}


def _figures(side: Side, level: int) -> dict[str, Any]:
    load = side.loads[level]
    answered = len(load.latencies)
    return {
        "turns": answered,
        "turns_per_second": round(load.rate, 2),
        **latency(load.latencies),
        "errors": dict(load.errors),
        "core_ms_per_turn": round(load.core_seconds * 1000 / answered, 1) if answered else None,
    }


def _weights(side: Side) -> dict[str, dict[str, float]]:
    parts = {**side.memory, "all": _sum(side.memory.values())}
    return {
        name: {key: round(value, 1) for key, value in one._asdict().items()}
        for name, one in parts.items()
    }


def targets(report: Mapping[str, Any]) -> list[Target]:
    """What is wanted of the whole chain, held against a report."""
    found = []
    ready = report["ready"]["ours"]
    found.append(Target(f"ready in at most {READY:.0f} s", f"{ready:.1f} s", ready <= READY))
    if "ours" in report["training"]:
        seconds = report["training"]["ours"]
        wanted = f"trained from nothing in at most {TRAINING:.0f} s"
        found.append(Target(wanted, f"{seconds:.1f} s", seconds <= TRAINING))
    if "stock" not in report["ready"]:
        return found
    found += [_faster(level) for level in report["levels"]]
    ours, theirs = (report["memory"][name]["all"]["proportional"] for name in ("ours", "stock"))
    wanted = "all our processes in less memory than the stock server"
    return [*found, Target(wanted, f"{ours:.0f} MB, {theirs:.0f} MB", ours < theirs)]


def _faster(level: Mapping[str, Any]) -> Target:
    ours, theirs = level["ours"], level["stock"]
    wanted = f"{RATE:g} times the stock's turns/s with a lower p95, {level['at_once']} at once"
    by = ratio(ours["turns_per_second"], theirs["turns_per_second"])
    if by is None or ours["p95"] is None:
        return Target(wanted, "not measured, nothing was answered", False)
    got = f"{by:.2f} times, p95 {ours['p95']:.0f} ms to {theirs['p95']:.0f} ms"
    lost = sum(ours["errors"].values())
    if lost:
        got += f", {lost} turns not answered"
    return Target(wanted, got, by >= RATE and ours["p95"] < theirs["p95"] and not lost)


def to_text(report: Mapping[str, Any]) -> str:
    """The report for a reader: where, one table, and which targets were reached."""
    rows = [row for level in report["levels"] for row in _level_rows(level)]
    rows.append(_row("time to ready, s", report["ready"]))
    if report["training"]:
        rows.append(_row("training from nothing, s", report["training"]))
    weights = report["memory"]
    for kind in ("resident", "proportional"):
        alls = {side: parts["all"][kind] for side, parts in weights.items()}
        rows.append(_row(f"memory of all, {kind}, MB", alls))
    for side, parts in weights.items():
        for name, one in parts.items():
            if name != "all":
                text = f"memory of {name}, resident, MB"
                rows.append(_row(text, {side: one["resident"]}))
    heading = ("", "mobilis", "stock", "mobilis ÷ stock")
    return "\n\n".join([described(report["machine"]), table(heading, rows), verdict(report)])


def _level_rows(level: Mapping[str, Any]) -> Iterator[Sequence[str]]:
    sides = {name: level[name] for name in ("ours", "stock") if name in level}
    measures = {
        "turns/s": "turns_per_second",
        **{f"{name}, ms": name for name in ("p50", "p95", "p99")},
        "core time a turn, ms": "core_ms_per_turn",
    }
    for text, key in measures.items():
        yield _row(f"{level['at_once']} at once: {text}", {n: s[key] for n, s in sides.items()})
    lost = {name: sum(side["errors"].values()) for name, side in sides.items()}
    yield (f"{level['at_once']} at once: turns not answered", *_lost(lost), "")


def _lost(lost: Mapping[str, int]) -> tuple[str, str]:
    return str(lost.get("ours", "–")), str(lost.get("stock", "–"))


def _row(name: str, sides: Mapping[str, float | None]) -> Sequence[str]:
    return compared(name, sides.get("ours"), sides.get("stock"))
