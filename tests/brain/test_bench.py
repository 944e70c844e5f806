"""The bench of understanding: what is read, how it is timed, and one short run on our model."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from typing import Any

import pytest
from rasa.core.channels.channel import UserMessage
from rasa.shared.core.trackers import DialogueStateTracker

from mobilis.brain.processor import TurnProcessor
from mobilis.measures import unseen
from mobilis.nlu import bench as module
from mobilis.nlu.bench import LONG, PAIRS, SHORT, WARM_UP, Pipeline, plan, targets, to_text
from mobilis.nlu.evaluation import Understanding
from mobilis.settings import ROOT

LATENCY = {"p50": 5.0, "p95": 9.0, "p99": 12.0, "mean": 5.0}
SIDE = {
    "latency": LATENCY,
    "core_time": {**LATENCY, "p50": 4.0},
    "components": {"SentenceEncoder": {**LATENCY, "mean": 2.0}},
    "long": {"characters": LONG, "long": 14.0, "short": 5.0, "ratio": 2.8},
}
MACHINE = {
    **{"at": "2026-11-26T00:00:00+00:00", "cores": 1, "of": 2, "load": 0.1},
    **{"python": "3.10.13", "system": "Linux x86_64"},
}


def test_no_message_is_read_twice_and_the_long_ones_are_made_of_others() -> None:
    texts = [message.text for message in unseen(ROOT)]
    said = plan(texts, 400)
    assert (len(said.messages), len(said.warm_up)) == (400, WARM_UP)
    read = [*said.messages, *said.warm_up, *said.short]
    assert len(read) == len(set(read))
    assert len(said.long) == len(said.short) == PAIRS
    assert {len(text) for text in said.long} == {LONG}
    assert all(len(text) <= SHORT for text in said.short)
    assert not [text for text in read if len(text) > SHORT and text in "".join(said.long)]


def test_as_many_messages_are_read_as_there_are() -> None:
    said = plan([f"message number {number:04}" for number in range(2000)], 10_000)
    assert 0 < len(said.messages) < 2000
    assert len({*said.messages, *said.warm_up}) == len(said.messages) + WARM_UP


class Processor:
    """In the place of a model's: waits, in two components of one class and one of another."""

    class _Node:
        def __init__(self, component: type) -> None:
            self._component_class = component
            self._hooks: list[Any] = []

    class Tokenizer:
        """A component."""

    class Classifier:
        """Another."""

    def __init__(self) -> None:
        self.domain = type("Domain", (), {"slots": []})
        self._instantiated_nodes = {
            "tokenizer": self._Node(self.Tokenizer),
            "first": self._Node(self.Classifier),
            "second": self._Node(self.Classifier),
        }
        self.graph_runner = self
        self.heard: list[str] = []

    async def parse_message(self, message: Any, tracker: Any) -> None:
        self.heard.append(message.text)
        for name, node in self._instantiated_nodes.items():
            for hook in node._hooks:
                data = hook.on_before_node(name, None, {}, {})
                time.sleep(0.002 if name == "tokenizer" else 0.03)
                hook.on_after_node(name, None, {}, None, data)
        time.sleep(0.001)


@pytest.fixture
def pipeline(monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    agent = type("Agent", (), {"processor": Processor()})
    monkeypatch.setattr(module.Agent, "load", lambda path: agent)
    return Pipeline("ours", ROOT / "model")


def read(pipeline: Pipeline, *texts: str) -> None:
    asyncio.run(pipeline.take(texts))


def test_components_of_one_class_are_one_and_the_dearest_comes_first(pipeline: Pipeline) -> None:
    read(pipeline, "allô", "/restart")
    assert pipeline.processor.heard == ["allô", "\u2060/restart"]
    found = pipeline.components()
    assert [name for name in found if name != "Rasa around them"] == ["Classifier", "Tokenizer"]
    assert found["Classifier"]["p50"] >= 20
    assert found["Tokenizer"]["p50"] >= 2
    assert sum(one["mean"] for one in found.values()) == pytest.approx(
        sum(pipeline.seconds) * 1000 / 2, rel=0.01
    )


def test_what_was_read_to_warm_up_is_forgotten(pipeline: Pipeline) -> None:
    read(pipeline, "un", "deux")
    pipeline.forget()
    read(pipeline, "trois")
    assert len(pipeline.seconds) == len(pipeline.core_seconds) == 1
    assert all(len(seconds) == 1 for seconds in pipeline.watch.seconds.values())


def test_ours_is_timed_as_the_brain_runs_it(trained: Understanding) -> None:
    processor = module.as_in_a_turn(trained.agent.processor)
    assert isinstance(processor, TurnProcessor)
    tracker = DialogueStateTracker("bench", processor.domain.slots)
    parsed = asyncio.run(processor.parse_message(UserMessage("combien ça coûte?"), tracker))
    assert parsed == trained.parse("combien ça coûte?")


@pytest.mark.parametrize(
    ("p50", "long", "holds"),
    [(6.0, 3.0, [True, True]), (6.1, 3.0, [False, True]), (6.0, 3.1, [True, False])],
)
def test_targets_are_held_against_the_report(p50: float, long: float, holds: list[bool]) -> None:
    report = {"ours": {"latency": {**LATENCY, "p50": p50}, "long": {"ratio": long}}}
    assert [target.holds for target in targets(report)] == holds


def test_the_report_has_both_sides_and_their_components() -> None:
    stock = {**SIDE, "components": {"DIETClassifier": {**LATENCY, "mean": 4.0}}}
    report: dict[str, Any] = {"machine": MACHINE, "messages": 400, "ours": SIDE, "stock": stock}
    report["targets"] = [target._asdict() for target in targets(report)]
    text = to_text(report)
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]
    assert ["400 messages", "mobilis", "stock", "mobilis ÷ stock"] in rows
    assert ["p50, ms", "5.0", "5.0", "1.00×"] in rows
    assert ["a message of 2000 characters, ms", "14.0", "14.0", "1.00×"] in rows
    assert ["SentenceEncoder", "5.0", "9.0", "40%"] in rows
    assert ["DIETClassifier", "5.0", "9.0", "80%"] in rows


def test_a_short_run_on_one_core_prints_one_json_document() -> None:
    command = [sys.executable, "-m", "mobilis.cli", "bench", "nlu"]
    ended = subprocess.run(
        [*command, "--ours-only", "--messages", "20", "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    report = json.loads(ended.stdout)
    assert report["messages"] == 20
    assert "stock" not in report
    assert report["ours"]["latency"]["p50"] > 0
    assert {"SentenceEncoder", "LabelClassifier"} < set(report["ours"]["components"])
    assert len(report["targets"]) == 2
    if hasattr(os, "sched_setaffinity"):
        assert report["machine"]["cores"] == 1
