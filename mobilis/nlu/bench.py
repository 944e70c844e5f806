"""`mobilis bench nlu`: what understanding one message costs, ours beside the stock pipeline.

In one process on one core, through the code of a live turn. Messages that nobody trained on, none
twice, in rounds that take turns, so that neither a cache nor a busy moment favours a side.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rasa.core.agent import Agent
from rasa.core.channels.channel import UserMessage
from rasa.core.processor import MessageProcessor
from rasa.engine.graph import ExecutionContext, GraphNodeHook
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.log_utils import configure_structlog

from mobilis import stock
from mobilis.brain.processor import TurnProcessor
from mobilis.brain.tracker_store import DatabaseTrackerStore
from mobilis.measures import (
    Target,
    compared,
    described,
    latency,
    machine,
    percentile,
    settle,
    shown,
    table,
    trained_model,
    unseen,
    verdict,
)
from mobilis.settings import load_settings
from mobilis.text import guard

WARM_UP = 20  # messages
ROUND = 25  # messages of one side in a row
PAIRS = 8  # of a long and a short message
LONG, SHORT = 2000, 30  # characters

P50, LONG_RATIO = 6.0, 3.0  # the targets: milliseconds; times a short message

Tell = Callable[[str], None]


class Stopwatch(GraphNodeHook):
    """Rasa's own hook around the components of a graph: how long each took, message by message."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = defaultdict(list)

    def on_before_node(
        self,
        node_name: str,
        execution_context: ExecutionContext,
        config: dict[str, Any],
        received_inputs: dict[str, Any],
    ) -> dict[str, float]:
        return {"began": time.perf_counter()}

    def on_after_node(
        self,
        node_name: str,
        execution_context: ExecutionContext,
        config: dict[str, Any],
        output: Any,
        input_hook_data: dict[str, float],
    ) -> None:
        self.seconds[node_name].append(time.perf_counter() - input_hook_data["began"])


Wrap = Callable[[MessageProcessor], MessageProcessor]


class Pipeline:
    """A trained model, timed; `wrap` puts another processor in the place of Rasa's."""

    def __init__(self, name: str, model: Path, wrap: Wrap = lambda loaded: loaded) -> None:
        self.name = name
        loaded = Agent.load(str(model)).processor
        self.processor = wrap(loaded)
        self.watch = Stopwatch()
        self.seconds: list[float] = []
        self.core_seconds: list[float] = []
        nodes = loaded.graph_runner._instantiated_nodes  # hooks have no other way in
        self._classes = {name: node._component_class.__name__ for name, node in nodes.items()}
        for node in nodes.values():
            node._hooks.append(self.watch)

    async def read(self, text: str) -> float:
        """Seconds that understanding `text` takes in a new conversation."""
        tracker = DialogueStateTracker("bench", self.processor.domain.slots)
        began = time.perf_counter()
        await self.processor.parse_message(UserMessage(guard(text)), tracker)
        return time.perf_counter() - began

    async def take(self, texts: Sequence[str]) -> None:
        """Read `texts` and note what each took, by the clock and of the core."""
        for text in texts:
            before = time.process_time()
            self.seconds.append(await self.read(text))
            self.core_seconds.append(time.process_time() - before)

    def forget(self) -> None:
        """Begin to note anew."""
        self.seconds.clear()
        self.core_seconds.clear()
        self.watch.seconds.clear()

    def components(self) -> dict[str, dict[str, float | None]]:
        """What each component took, by its class, the dearest first; and Rasa around them."""
        by_class: dict[str, list[float]] = {}
        for node, seconds in self.watch.seconds.items():
            name = self._classes[node]
            found = by_class.get(name)  # one class may stand twice in a pipeline
            by_class[name] = [a + b for a, b in zip(found, seconds)] if found else seconds
        inside = [sum(each) for each in zip(*by_class.values())]
        by_class["Rasa around them"] = [a - b for a, b in zip(self.seconds, inside)]
        dearest = sorted(by_class, key=lambda name: -sum(by_class[name]))
        return {name: latency(by_class[name]) for name in dearest}


def as_in_a_turn(loaded: MessageProcessor) -> MessageProcessor:
    """The processor with which the brain takes its turns; no conversation is kept here."""
    store = DatabaseTrackerStore(loaded.domain, url="sqlite://")
    return TurnProcessor(loaded, store, load_settings().actions)


class Plan(NamedTuple):
    """What is read: `long[i]` is compared with `short[i]`."""

    warm_up: list[str]
    messages: list[str]
    long: list[str]
    short: list[str]


def plan(texts: Sequence[str], count: int) -> Plan:
    """`count` of `texts`, or as many as there are, and pairs of a long and a short message made of
    others."""
    left = list(texts)
    short = [text for text in left if len(text) <= SHORT][:PAIRS]
    left = [text for text in left if text not in short]
    long: list[str] = []
    while left and len(long) < len(short):
        parts: list[str] = []
        while left and sum(len(part) + 1 for part in parts) < LONG:
            parts.append(left.pop())
        long.append(" ".join(parts)[:LONG])
    left = [text for text in left if not any(text in other for other in long)]
    return Plan(left[:WARM_UP], left[WARM_UP:][:count], long, short)


def bench_nlu(root: Path, tell: Tell, count: int, project: Path | None = None) -> dict[str, Any]:
    """The report: `machine`, `messages`, `ours` and `stock`, each with `latency`, `core_time`,
    `components` and `long`, and `targets`. The caller keeps this process to one core before this
    module is imported.

    Args:
        tell: says what goes on.
        project: the stock assistant, trained (see `mobilis.stock.prepare`), or None for ours alone.

    Raises:
        BenchRefused: there are no messages, or there is no model.
    """
    model = trained_model(root)
    said = plan([message.text for message in unseen(root)], count)
    where = machine()
    configure_structlog(logging.WARNING)  # Rasa logs every message else, on standard output
    tell("loading what understands")
    pipelines = [Pipeline("ours", model, as_in_a_turn)]
    if project:
        pipelines.append(Pipeline("stock", project / stock.MODEL))
    settle(time.process_time)
    tell(f"reading {len(said.messages)} messages")
    return asyncio.run(_measured(where, pipelines, said))


async def _measured(
    where: Mapping[str, Any], pipelines: Sequence[Pipeline], said: Plan
) -> dict[str, Any]:
    for pipeline in pipelines:
        await pipeline.take(said.warm_up)
        pipeline.forget()
    for start in range(0, len(said.messages), ROUND):
        for pipeline in pipelines:
            await pipeline.take(said.messages[start : start + ROUND])
    report: dict[str, Any] = {"machine": where, "messages": len(said.messages)}
    for pipeline in pipelines:
        report[pipeline.name] = {
            "latency": latency(pipeline.seconds),
            "core_time": latency(pipeline.core_seconds),
            "components": pipeline.components(),
        }
    lengths: dict[str, tuple[list[float], list[float]]] = {p.name: ([], []) for p in pipelines}
    for pair in zip(said.long, said.short):
        for pipeline in pipelines:
            for seconds, text in zip(lengths[pipeline.name], pair):
                seconds.append(await pipeline.read(text))
    for name, (long, short) in lengths.items():
        report[name]["long"] = _long(long, short)
    return {**report, "targets": [target._asdict() for target in targets(report)]}


def _long(long: Sequence[float], short: Sequence[float]) -> dict[str, float]:
    """Milliseconds of a long and a short message, in the middle of those read, and their ratio."""
    middle = percentile(long, 0.5), percentile(short, 0.5)
    return {
        "characters": LONG,
        "long": round(middle[0] * 1000, 2),
        "short": round(middle[1] * 1000, 2),
        "ratio": round(middle[0] / middle[1], 2),
    }


def targets(report: Mapping[str, Any]) -> list[Target]:
    """What is wanted of understanding, held against a report."""
    p50, long = report["ours"]["latency"]["p50"], report["ours"]["long"]["ratio"]
    return [
        Target(f"p50 at most {P50:g} ms on one core", f"{p50:.1f} ms", p50 <= P50),
        Target(
            f"{LONG} characters at most {LONG_RATIO:g} times a short message",
            f"{long:.1f} times",
            long <= LONG_RATIO,
        ),
    ]


def to_text(report: Mapping[str, Any]) -> str:
    """The report for a reader: where, a table of both, one of each side's components, targets."""
    sides = {name: report[name] for name in ("ours", "stock") if name in report}
    rows = [
        _row(f"{name}, ms", {n: side["latency"][name] for n, side in sides.items()})
        for name in ("p50", "p95", "p99", "mean")
    ]
    core = {name: side["core_time"]["p50"] for name, side in sides.items()}
    rows.append(_row("p50 of the time on the core, ms", core))
    for key, text in (
        ("long", f"a message of {LONG} characters, ms"),
        ("short", f"one of at most {SHORT}, ms"),
        ("ratio", "the long one ÷ the short one"),
    ):
        rows.append(_row(text, {n: side["long"][key] for n, side in sides.items()}))
    heading = (f"{report['messages']} messages", "mobilis", "stock", "mobilis ÷ stock")
    parts = [described(report["machine"]), table(heading, rows)]
    for name, side in sides.items():
        parts.append(_components("mobilis" if name == "ours" else name, side))
    return "\n\n".join([*parts, verdict(report)])


def _components(name: str, side: Mapping[str, Any]) -> str:
    total = side["latency"]["mean"]
    rows = [
        (component, shown(took["p50"]), shown(took["p95"]), f"{took['mean'] / total:.0%}")
        for component, took in side["components"].items()
    ]
    return table((f"{name}: component", "p50, ms", "p95, ms", "share of the mean"), rows)


def _row(name: str, sides: Mapping[str, float | None]) -> Sequence[str]:
    return compared(name, sides.get("ours"), sides.get("stock"))
