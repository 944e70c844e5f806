"""Chooses, from messages nobody trained on, how steep confidence is and where doubt begins.

Three numbers of config.yml: `scale` of the label classifier, `sure` and `clarify` of the resolver.
They are chosen on data/calibration.*.tsv, which is neither training data nor evaluation.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from mobilis.errors import MobilisError
from mobilis.nlu.context import Heard, Knowledge, Ranking, Standing, Thresholds, decide
from mobilis.nlu.evaluation import Understanding, calibration_error, outcome, read_rows
from mobilis.nlu.resolver import knowledge_of

FILES = "data/calibration.*.tsv"
CONFIG = "config.yml"
# What an outcome costs, for each message; being answered wrongly is worst.
COSTS = {"wrong": 20.0, "refused": 5.0, "clarified": 1.0, "out_of_scope_answered": 3.0}
# Choices that ask back more than this share are left out. Visitors, who write less plainly than the
# authors of most calibration messages, are asked more often than these; 6 % is enough.
ASKED_AT_MOST = 0.015
# Nor may confidence be further off: on plain messages a flatter one would always cost less.
ERROR_AT_MOST = 0.02
_FACTORS = (0.25, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 3.0)  # on the present scale
_SURE = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
_CLARIFY = (0.1, 0.2, 0.3)


class Choice(NamedTuple):
    """Numbers and what they lead to, as shares of the messages."""

    scale: float
    sure: float
    clarify: float
    cost: float
    shares: dict[str, float]
    expected_calibration_error: float


def calibrate(root: Path, paths: Sequence[Path]) -> dict[str, Any]:
    """The report: `scale`, `sure`, `clarify`, what they lead to, and the best of the others; those
    that ask more than `ASKED_AT_MOST`, or whose confidence is further than `ERROR_AT_MOST` from
    being right as often as it says, come last.

    Raises:
        EvaluationRefused: no model, or a line of a file is wrong.
    """
    rows = [row for path in paths for row in read_rows(path, 2)]
    model = Understanding(root)
    examples = [(model.label(label), model.heard(text)) for label, text in rows]
    choices = []
    for factor in _FACTORS:
        steeper = [(label, _steeper(heard, factor)) for label, heard in examples]
        choices += _choices(steeper, knowledge_of(root), round(model.scale * factor, 2))
    choices.sort(key=lambda choice: (not _acceptable(choice), choice.cost))
    return {"n": len(rows), **choices[0]._asdict(), "others": [c._asdict() for c in choices[1:6]]}


def _acceptable(choice: Choice) -> bool:
    asked, error = choice.shares["clarified"], choice.expected_calibration_error
    return asked <= ASKED_AT_MOST and error <= ERROR_AT_MOST


def write(root: Path, report: dict[str, Any]) -> None:
    """Put the three numbers into config.yml, where they stand already.

    Raises:
        MobilisError: one of them does not stand there.
    """
    path = root / CONFIG
    text = path.read_text(encoding="utf-8")
    for name in ("scale", "sure", "clarify"):
        text, found = re.subn(rf"(?m)^(\s+{name}: ).*$", rf"\g<1>{report[name]}", text, count=1)
        if not found:
            raise MobilisError(f"{CONFIG}: no component has the setting {name}")
    path.write_text(text, encoding="utf-8")


def to_text(report: dict[str, Any]) -> str:
    """The report for a reader."""
    lines = [f"{report['n']} messages; the least costly:", _line(report), "the next:"]
    return "\n".join([*lines, *(_line(other) for other in report["others"])])


def _line(choice: dict[str, Any]) -> str:
    shares = (f"{name.replace('_', ' ')} {x:.2%}" for name, x in choice["shares"].items())
    numbers = f"scale {choice['scale']:g}, sure {choice['sure']:g}, clarify {choice['clarify']:g}"
    error = choice["expected_calibration_error"]
    return (
        f"  {numbers}: cost {choice['cost']:.4f} ({', '.join(shares)}; calibration error {error})"
    )


def _steeper(heard: Heard, factor: float) -> Heard:
    def steeper(rank: Callable[[str], Ranking] | None) -> Callable[[str], Ranking] | None:
        return lru_cache(maxsize=None)(lambda text: _powered(rank(text), factor)) if rank else None

    return replace(
        heard,
        labels=_powered(heard.labels, factor),
        rank=steeper(heard.rank),
        glance=steeper(heard.glance),
    )


def _powered(ranking: Sequence[tuple[str, float]], factor: float) -> list[tuple[str, float]]:
    powers = [(label, p**factor) for label, p in ranking]
    total = sum(p for _, p in powers)
    return [(label, p / total) for label, p in powers]


def _choices(examples: Sequence[tuple[str, Heard]], known: Knowledge, scale: float) -> list[Choice]:
    error = calibration_error(
        [(heard.labels[0][1], heard.labels[0][0] == label) for label, heard in examples]
    )
    choices = []
    for sure, clarify in product(_SURE, _CLARIFY):
        at = Thresholds(sure=sure, clarify=clarify)
        outcomes = [
            outcome(label, decide(heard, Standing(), known, at).intent) for label, heard in examples
        ]
        shares = {name: round(outcomes.count(name) / len(outcomes), 4) for name in COSTS}
        cost = round(sum(COSTS[name] * share for name, share in shares.items()), 4)
        choices.append(Choice(scale, sure, clarify, cost, shares, error))
    return choices
