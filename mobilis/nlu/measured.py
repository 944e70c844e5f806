"""What is told of one language: the figures that pictures and tables of the report share.

Pure, from judged messages; called by `mobilis.nlu.report`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from mobilis.nlu.evaluation import Judged, report_on
from mobilis.nlu.figures import Bin, Point

# What an outcome is called in the report; the order is that of the bars.
IN_SCOPE = {"right": "right", "clarified": "asked", "refused": "refused", "wrong": "wrong"}
OUTSIDE = {"out_of_scope_refused": "right", "out_of_scope_answered": "wrong"}
WORDS = {
    "clarified": "asked",
    "out_of_scope_refused": "declined, as it should be",
    "out_of_scope_answered": "answered or asked",
}
BINS = 10


class Confused(NamedTuple):
    """A label taken for another: how often, what then happened how often, and the message of which
    the assistant was surest."""

    expected: str
    understood: str
    times: int
    outcomes: Mapping[str, int]
    example: str


class Language(NamedTuple):
    """Everything that the report tells of a language."""

    name: str
    report: Mapping[str, Any]  # see `mobilis.nlu.evaluation.report_on`
    outcomes: Mapping[str, int]
    confused: Sequence[Confused]  # the most frequent first
    totals: Mapping[str, int]  # label → messages that mean it
    bins: Sequence[Bin]
    curve: Sequence[Point]


def measured(name: str, judged: list[Judged], curve: Sequence[Point]) -> Language:
    """The figures of the language called `name`."""
    return Language(
        name=name,
        report=report_on("intents", judged),
        outcomes=Counter(one.outcome for one in judged),
        confused=_confused(judged),
        totals=Counter(one.expected for one in judged),
        bins=bins(judged),
        curve=curve,
    )


def _confused(judged: Sequence[Judged]) -> list[Confused]:
    pairs: dict[tuple[str, str], list[Judged]] = defaultdict(list)
    for one in judged:
        if one.expected != one.got:
            pairs[one.expected, one.got].append(one)
    found = [
        Confused(
            expected,
            understood,
            len(ones),
            Counter(WORDS.get(one.outcome, one.outcome) for one in ones),
            max(ones, key=lambda one: one.confidence).text,
        )
        for (expected, understood), ones in pairs.items()
    ]
    return sorted(found, key=lambda pair: (-pair.times, pair.expected, pair.understood))


def bins(judged: Sequence[Judged]) -> list[Bin]:
    """Messages by confidence, in bins of equal width; empty ones are left out."""
    found: dict[int, list[Judged]] = defaultdict(list)
    for one in judged:
        found[min(int(one.confidence * BINS), BINS - 1)].append(one)
    return [
        Bin(
            sum(one.confidence for one in ones) / len(ones),
            sum(one.got == one.expected for one in ones) / len(ones),
            len(ones),
        )
        for _, ones in sorted(found.items())
    ]


def inside(language: Language) -> int:
    """How many messages are in scope."""
    return sum(language.outcomes.get(outcome, 0) for outcome in IN_SCOPE)
