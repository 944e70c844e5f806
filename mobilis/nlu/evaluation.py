"""Measures understanding on examples nobody trained on, through the code of a live turn.

Files are tab separated, UTF-8, without a header (see tests/evaluation/).
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rasa.core.agent import Agent
from rasa.core.channels.channel import UserMessage
from rasa.shared.core.events import ActiveLoop, SlotSet
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.log_utils import configure_structlog

from mobilis.errors import MobilisError
from mobilis.nlu.context import AMBIGUOUS, ANSWER, ASSESSMENT, LOST
from mobilis.nlu.resolver import MOBILIS
from mobilis.text import guard
from mobilis.training import MODEL

OUT_OF_SCOPE = "out_of_scope"
REFUSED = frozenset({OUT_OF_SCOPE, LOST})


class EvaluationRefused(MobilisError):
    """The file or the model cannot be used; the message names file and line."""


class Understanding:
    """The trained model, asked as in a live turn."""

    def __init__(self, root: Path) -> None:
        path = root / MODEL
        if not path.exists():
            raise EvaluationRefused(f"{MODEL}: there is no model; train one with: mobilis train")
        configure_structlog(logging.WARNING)  # Rasa logs every message else, on standard output
        self.agent = Agent.load(str(path))

    def parse(self, text: str, question: str | None = None) -> dict[str, Any]:
        """The parse of `text`, in the middle of an assessment `question` when one is given."""
        tracker = DialogueStateTracker("evaluation", self.agent.domain.slots)
        if question:
            for event in (ActiveLoop(ASSESSMENT), SlotSet("assessment_question", question)):
                tracker.update(event)
        message = UserMessage(guard(text))
        parsed: dict[str, Any] = asyncio.run(self.agent.processor.parse_message(message, tracker))
        return parsed


Row = tuple[str, ...]
Judge = Callable[[Understanding, Row], tuple[str, str, str, float]]


def evaluate(what: str, path: Path, root: Path) -> dict[str, Any]:
    """The report on `path`: n, correct, accuracy, errors, and for intents the shares of
    each outcome.

    Raises:
        EvaluationRefused: no model, or a line of the file is wrong.
    """
    columns, judge = _KINDS[what]
    rows = _rows(path, columns)
    model = Understanding(root)
    judged = [judge(model, row) for row in rows]
    errors = [
        {"text": text, "expected": expected, "got": got, "confidence": round(confidence, 4)}
        for text, expected, got, confidence in judged
        if expected != got
    ]
    report: dict[str, Any] = {
        "n": len(judged),
        "correct": len(judged) - len(errors),
        "accuracy": round(1 - len(errors) / len(judged), 4),
        "errors": errors,
    }
    if what == "intents":
        report.update(_outcomes(judged))
    return report


def to_text(report: dict[str, Any]) -> str:
    """The report for a reader: the figures, then every error."""
    lines = [
        f"{name.replace('_', ' ')}: {value}" for name, value in report.items() if name != "errors"
    ]
    lines += [
        f"  {error['expected']} ≠ {error['got']} ({error['confidence']:.2f})  {error['text']}"
        for error in report["errors"]
    ]
    return "\n".join(lines)


def _rows(path: Path, columns: int) -> list[Row]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise EvaluationRefused(f"{path}: there is no such file") from None
    except UnicodeDecodeError:
        raise EvaluationRefused(f"{path}: the file is not UTF-8") from None
    rows = []
    for number, line in enumerate(lines, 1):
        row = tuple(line.split("\t"))
        if len(row) != columns or not all(cell.strip() for cell in row):
            raise EvaluationRefused(f"{path}:{number}: {columns} columns are expected")
        rows.append(row)
    if not rows:
        raise EvaluationRefused(f"{path}: the file is empty")
    return rows


def _judge_intent(model: Understanding, row: Row) -> tuple[str, str, str, float]:
    expected, text = row
    parsed = model.parse(text)
    got = (parsed.get(MOBILIS) or {}).get("label") or LOST
    if expected == OUT_OF_SCOPE and got in REFUSED:
        got = OUT_OF_SCOPE
    return text, expected, got, parsed["intent"]["confidence"]


def _judge_answer(model: Understanding, row: Row) -> tuple[str, str, str, float]:
    question, expected, text = row
    parsed = model.parse(text, question)
    said = parsed.get(MOBILIS) or {}
    if parsed["intent"]["name"] != ANSWER:
        asked = said.get("answer_options")
        got = "+".join(asked) if asked else "none"
    elif said.get("unsure"):
        got = "unsure"
    else:
        got = next(e["value"] for e in parsed["entities"] if e["entity"] == "option")
    return text, expected, got, parsed["intent"]["confidence"]


def _judge_facets(model: Understanding, row: Row) -> tuple[str, str, str, float]:
    text, expected = row
    facets = (model.parse(text).get(MOBILIS) or {}).get("facets") or {}
    return text, _canonical(json.loads(expected)), _canonical(facets), 1.0


def _canonical(facets: dict[str, Any]) -> str:
    listed = {
        key: sorted([value] if isinstance(value, str) else value) for key, value in facets.items()
    }
    return json.dumps({key: value for key, value in listed.items() if value}, sort_keys=True)


def _judge_language(model: Understanding, row: Row) -> tuple[str, str, str, float]:
    expected, text = row
    return text, expected, (model.parse(text).get(MOBILIS) or {}).get("language") or "keep", 1.0


_KINDS: dict[str, tuple[int, Judge]] = {
    "intents": (2, _judge_intent),
    "answers": (3, _judge_answer),
    "facets": (2, _judge_facets),
    "language": (2, _judge_language),
}


def _outcomes(judged: list[tuple[str, str, str, float]]) -> dict[str, float]:
    inside = [(expected, got) for _, expected, got, _ in judged if expected != OUT_OF_SCOPE]
    outside = [got for _, expected, got, _ in judged if expected == OUT_OF_SCOPE]
    everything = [(expected, got) for _, expected, got, _ in judged]
    wrong = [(e, g) for e, g in inside if g != e and g not in REFUSED and g != AMBIGUOUS]
    return {
        "macro_f1": _macro_f1(everything),
        "out_of_scope_recall": _share(sum(got in REFUSED for got in outside), len(outside)),
        "in_scope_refused": _share(sum(got in REFUSED for _, got in inside), len(inside)),
        "in_scope_clarified": _share(sum(got == AMBIGUOUS for _, got in inside), len(inside)),
        "in_scope_wrong": _share(len(wrong), len(inside)),
    }


def _share(count: int, total: int) -> float:
    return round(count / total, 4) if total else 0.0


def _macro_f1(pairs: list[tuple[str, str]]) -> float:
    right: dict[str, int] = defaultdict(int)
    expected: dict[str, int] = defaultdict(int)
    given: dict[str, int] = defaultdict(int)
    for wanted, got in pairs:
        expected[wanted] += 1
        given[got] += 1
        right[wanted] += wanted == got
    scores = [2 * right[label] / (expected[label] + given[label]) for label in expected]
    return round(sum(scores) / len(scores), 4) if scores else 0.0
