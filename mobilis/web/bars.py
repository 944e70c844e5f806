"""The picture of an assessment's answers: one bar each, of as many parts as there are points.

Where things stand in an SVG that is `WIDTH` wide; drawn by templates/result_bars.svg.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

WIDTH = 320
BARS_WIDTH = 284  # the points in figures stand on the right of it
BAR_HEIGHT = 14
GAP = 4  # between the parts of a bar
LINE_HEIGHT = 19
LINE_LENGTH = 44  # characters; in the widest of the usual fonts they still fit
SPACE = 18  # between an answer and the next


@dataclass(frozen=True)
class Part:
    """One point of a bar, scored or not."""

    x: float
    width: float
    scored: bool


@dataclass(frozen=True)
class Bar:
    """One answer. `lines` holds the words above it, each with the height it stands at."""

    lines: tuple[tuple[str, int], ...]
    y: int
    parts: tuple[Part, ...]
    points: str
    sentence: str  # the same in words


@dataclass(frozen=True)
class Picture:
    """All bars, and how high they are together."""

    height: int
    bars: tuple[Bar, ...]


def draw(answers: Iterable[Mapping[str, Any]], points: str, sentence: str) -> Picture:
    """The picture of some answers (as `list_answers` gives them, with the question's number).

    `points` and `sentence` are wordings with `{title}`, `{points}` and `{of}`.
    """
    bars: list[Bar] = []
    top = 0
    for answer in answers:
        words = textwrap.wrap(f"{answer['number']}. {answer['title']}", LINE_LENGTH)
        lines = tuple(
            (line, top + LINE_HEIGHT * number - 5) for number, line in enumerate(words, 1)
        )
        y = top + LINE_HEIGHT * len(words) + 2
        parts = _parts(answer["points"], answer["of"])
        bars.append(Bar(lines, y, parts, points.format(**answer), sentence.format(**answer)))
        top = y + BAR_HEIGHT + SPACE
    return Picture(top - SPACE, tuple(bars))


def _parts(points: int, of: int) -> tuple[Part, ...]:
    width = (BARS_WIDTH - GAP * (of - 1)) / of
    return tuple(
        Part(round(number * (width + GAP), 2), round(width, 2), number < points)
        for number in range(of)
    )
