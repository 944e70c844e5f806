"""Measures understanding on examples nobody trained on, through the code of a live turn.

Files are tab separated, UTF-8, without a header (see tests/evaluation/).
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rasa.core.agent import Agent
from rasa.core.channels.channel import UserMessage
from rasa.engine.constants import PLACEHOLDER_MESSAGE, PLACEHOLDER_TRACKER
from rasa.engine.graph import SchemaNode
from rasa.shared.core.events import ActiveLoop, SlotSet
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.log_utils import configure_structlog

from mobilis.assessment import load_assessment
from mobilis.content import load_content
from mobilis.errors import FileRefused, MobilisError
from mobilis.facets import FACETS
from mobilis.given import read_given
from mobilis.live import MODEL
from mobilis.nlu.classifier import LabelClassifier
from mobilis.nlu.context import AMBIGUOUS, ANSWER, ASSESSMENT, FAQ, LOST, OTHER, Heard
from mobilis.nlu.language import KEEP
from mobilis.nlu.resolver import MOBILIS, ContextResolver, heard_in
from mobilis.text import guard

OUT_OF_SCOPE = "out_of_scope"
REFUSED = frozenset({OUT_OF_SCOPE, LOST})
UNFIT = "it is not a model, or one of other code: train it again with mobilis train"


class EvaluationRefused(MobilisError):
    """The file or the model cannot be used; the message names file and line."""


class Understanding:
    """A trained model, asked as in a live turn: the present one, or that of a file.

    Raises:
        EvaluationRefused: there is no model, or it does not work with this code.
    """

    def __init__(self, root: Path, model: Path | None = None) -> None:
        path, named = model or root / MODEL, model or MODEL
        if not path.is_file():
            how = "" if model else "; train one with: mobilis train"
            raise EvaluationRefused(f"{named}: there is no model{how}")
        configure_structlog(logging.WARNING)  # Rasa logs every message else, on standard output
        try:
            self.agent = Agent.load(str(path))
            self.heard("bonjour")
        except Exception as error:  # noqa: BLE001 - a model of other code fails in any way
            if isinstance(error.__cause__, MobilisError):  # a setting, which Rasa wrapped
                raise error.__cause__ from None
            raise EvaluationRefused(f"{named}: {UNFIT} ({type(error).__name__})") from None
        self._labels = {name: name for name in self.agent.domain.intents}
        faqs = load_content(root).faqs
        self._labels |= {name: FAQ + name for name in faqs} | {FAQ + n: FAQ + n for n in faqs}
        assessment = load_assessment(root / "assessment" / "readiness.yml")
        self.options = {
            question.id: {*(option.id for option in question.options), "unsure", "none"}
            for question in assessment.questions
        }

    def label(self, name: str) -> str:
        """The label called `name`, an intent or an FAQ with or without `faq/`.

        Raises:
            ValueError: there is no such label.
        """
        if name not in self._labels:
            raise ValueError(f"there is no label {name}")
        return self._labels[name]

    @property
    def scale(self) -> float:
        """The steepness that the label classifier runs with."""
        node = self._node(LabelClassifier)
        return float({**LabelClassifier.get_default_config(), **node.config}["scale"])

    def heard(self, text: str) -> Heard:
        """What the components before the resolver read in `text`, in a new conversation."""
        inputs = {
            PLACEHOLDER_MESSAGE: [UserMessage(guard(text))],
            PLACEHOLDER_TRACKER: self._tracker(),
        }
        target = self._node(ContextResolver).needs["messages"]
        found = self.agent.processor.graph_runner.run(inputs, targets=[target])
        return heard_in(found[target][0])

    def _tracker(self) -> DialogueStateTracker:
        return DialogueStateTracker("evaluation", self.agent.domain.slots)

    def _node(self, kind: type) -> SchemaNode:
        nodes = self.agent.processor.model_metadata.predict_schema.nodes
        return next(node for node in nodes.values() if issubclass(node.uses, kind))

    def parse(self, text: str, question: str | None = None) -> dict[str, Any]:
        """The parse of `text`, in the middle of an assessment `question` when one is given."""
        tracker = self._tracker()
        if question:
            for event in (ActiveLoop(ASSESSMENT), SlotSet("assessment_question", question)):
                tracker.update(event)
        message = UserMessage(guard(text))
        parsed: dict[str, Any] = asyncio.run(self.agent.processor.parse_message(message, tracker))
        return parsed


class Judged(NamedTuple):
    """One message: what it means, what was understood, and (intents) what the visitor gets."""

    text: str
    expected: str
    got: str
    confidence: float
    outcome: str = ""


Row = tuple[str, ...]
Judge = Callable[[Understanding, Row], Judged]


def evaluate(what: str, path: Path, root: Path) -> dict[str, Any]:
    """The report on `path`: n, correct, accuracy, errors, and for intents the shares of
    each outcome. An intent is correct when the label ranked first is the expected one, whether it
    is then answered or asked about; a message out of scope also when it is not understood.

    Raises:
        EvaluationRefused: no model, or a line of the file is wrong.
    """
    rows = examples(what, path)
    return report_on(what, judge(what, path, rows, Understanding(root)))


def examples(what: str, path: Path) -> list[Row]:
    """The lines of a file of examples.

    Raises:
        EvaluationRefused: the file cannot be read, or a line has other columns.
    """
    return read_rows(path, _KINDS[what][0])


def judge(what: str, path: Path, rows: Sequence[Row], model: Understanding) -> list[Judged]:
    """What `model` makes of each of the `rows` of `path`.

    Raises:
        EvaluationRefused: a line names what there is not.
    """
    judged = []
    for number, row in enumerate(rows, 1):
        try:
            judged.append(_KINDS[what][1](model, row))
        except ValueError as error:
            raise EvaluationRefused(f"{path}:{number}: {error}") from None
    return judged


def report_on(what: str, judged: list[Judged]) -> dict[str, Any]:
    """The figures and the errors of `evaluate`."""
    wrong = [one for one in judged if one.expected != one.got]
    report: dict[str, Any] = {
        "n": len(judged),
        "correct": len(judged) - len(wrong),
        "accuracy": round(1 - len(wrong) / len(judged), 4),
        "errors": [_as_error(one) for one in wrong],
    }
    if what == "intents":
        report.update(_outcomes(judged))
        answered = [one for one in judged if one.outcome == "wrong" and one not in wrong]
        report["errors"] += [_as_error(one) for one in answered]
    return report


def _as_error(one: Judged) -> dict[str, Any]:
    error = {**one._asdict(), "confidence": round(one.confidence, 4)}
    return {key: value for key, value in error.items() if value != ""}


def to_text(report: dict[str, Any]) -> str:
    """The report for a reader: the figures, then every error."""
    lines = [
        f"{name.replace('_', ' ')}: {value}" for name, value in report.items() if name != "errors"
    ]
    for error in report["errors"]:
        outcome = f", {error['outcome']}" if "outcome" in error else ""
        found = f"{error['expected']} ≠ {error['got']} ({error['confidence']:.2f}{outcome})"
        lines.append(f"  {found}  {error['text']}")
    return "\n".join(lines)


def read_rows(path: Path, columns: int) -> list[Row]:
    """The lines of a tab-separated file, each with so many columns.

    Raises:
        EvaluationRefused: no file, not UTF-8, empty, or a line has other columns.
    """
    try:
        text = read_given(path)
    except FileRefused as refused:
        raise EvaluationRefused(str(refused)) from None
    rows = []
    for number, line in enumerate(text.removesuffix("\n").split("\n"), 1):
        row = tuple(line.removesuffix("\r").split("\t"))
        if len(row) != columns or not all(cell.strip() for cell in row):
            raise EvaluationRefused(f"{path}:{number}: {columns} columns are expected")
        rows.append(row)
    return rows


def outcome(expected: str, decided: str) -> str:
    """What a decision does to a visitor: right, wrong, refused, clarified, out_of_scope_answered or
    out_of_scope_refused."""
    if expected == OUT_OF_SCOPE:
        return "out_of_scope_refused" if decided in REFUSED else "out_of_scope_answered"
    if decided in REFUSED:
        return "refused"
    if decided == AMBIGUOUS:
        return "clarified"
    return "right" if decided == expected else "wrong"


def _judge_intent(model: Understanding, row: Row) -> Judged:
    label, text = row
    expected = model.label(label)
    parsed = model.parse(text)
    said = parsed.get(MOBILIS) or {}
    decided = said.get("label") or LOST
    ranked = said.get("labels") or [{"label": LOST, "confidence": 0.0}]
    first = ranked[0]["label"] if decided in (AMBIGUOUS, LOST) else decided
    if expected == OUT_OF_SCOPE and decided in REFUSED:
        first = OUT_OF_SCOPE
    confidence = ranked[0]["confidence"]
    return Judged(text, expected, first, confidence, outcome(expected, decided))


def _judge_answer(model: Understanding, row: Row) -> Judged:
    question, expected, text = row
    options = model.options.get(question)
    if options is None:
        raise ValueError(f"there is no question {question}")
    if expected not in options:
        raise ValueError(f"{expected} is not an option of {question}")
    parsed = model.parse(text, question)
    said = parsed.get(MOBILIS) or {}
    if parsed["intent"]["name"] != ANSWER:
        asked = said.get("answer_options")
        got = "+".join(asked) if asked else "none"
    elif said.get("unsure"):
        got = "unsure"
    else:
        got = next(e["value"] for e in parsed["entities"] if e["entity"] == "option")
    return Judged(text, expected, got, parsed["intent"]["confidence"])


def _judge_facets(model: Understanding, row: Row) -> Judged:
    text, expected = row
    wanted = _facets(expected)
    facets = (model.parse(text).get(MOBILIS) or {}).get("facets") or {}
    return Judged(text, _canonical(wanted), _canonical(facets), 1.0)


def _facets(text: str) -> dict[str, Any]:
    try:
        facets = json.loads(text)
    except ValueError:
        facets = None
    if not isinstance(facets, dict):
        raise ValueError(f"{text} is not a JSON object of facets")
    for name, values in facets.items():
        for value in values if isinstance(values, list) else [values]:
            if value not in FACETS.get(name, ()):
                raise ValueError(f"there is no {name} {value}")
    return facets


def _canonical(facets: dict[str, Any]) -> str:
    listed = {
        key: sorted([value] if isinstance(value, str) else value) for key, value in facets.items()
    }
    return json.dumps({key: value for key, value in listed.items() if value}, sort_keys=True)


def _judge_language(model: Understanding, row: Row) -> Judged:
    expected, text = row
    if expected not in ("fr", "en", "keep"):
        raise ValueError(f"{expected} is not one of fr, en, keep")
    read = model.heard(text).language
    return Judged(text, expected, KEEP if read == OTHER else read, 1.0)


_KINDS: dict[str, tuple[int, Judge]] = {
    "intents": (2, _judge_intent),
    "answers": (3, _judge_answer),
    "facets": (2, _judge_facets),
    "language": (2, _judge_language),
}


def _outcomes(judged: list[Judged]) -> dict[str, Any]:
    inside = [one.outcome for one in judged if one.expected != OUT_OF_SCOPE]
    outside = [one.outcome for one in judged if one.expected == OUT_OF_SCOPE]
    return {
        "macro_f1": _macro_f1([(one.expected, one.got) for one in judged]),
        "out_of_scope_recall": _share(outside.count("out_of_scope_refused"), len(outside)),
        "in_scope_refused": _share(inside.count("refused"), len(inside)),
        "in_scope_clarified": _share(inside.count("clarified"), len(inside)),
        "in_scope_wrong": _share(inside.count("wrong"), len(inside)),
        "expected_calibration_error": calibration_error(
            [(one.confidence, one.got == one.expected) for one in judged]
        ),
    }


def calibration_error(judged: Sequence[tuple[float, bool]], bins: int = 10) -> float:
    """Expected calibration error: how far confidence is from the share that is right, over bins of
    equal width, weighted by their messages. `judged`: pairs (confidence, whether it was right)."""
    confidence = np.array([pair[0] for pair in judged])
    right = np.array([pair[1] for pair in judged], dtype=float)
    number = np.minimum((confidence * bins).astype(int), bins - 1)
    apart = [
        abs(confidence[number == i].sum() - right[number == i].sum())
        for i in range(bins)
        if (number == i).any()
    ]
    return round(float(sum(apart)) / len(judged), 4)


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
