"""Bars that lie under their words; and the picture of an assessment's answers, whose bars have as
many parts as there are points.

Where things stand in an SVG; the answers, in one that is `WIDTH` wide, are drawn by
templates/result_bars.svg, the bars of figures by mobilis/web/charts.py.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
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
class Place:
    """Where a bar is. `lines` holds the words above it, each with the height it stands at."""

    lines: tuple[tuple[str, int], ...]
    y: int


@dataclass(frozen=True)
class Bar(Place):
    """One answer."""

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
    answers = list(answers)
    places = lay_out([f"{answer['number']}. {answer['title']}" for answer in answers], LINE_LENGTH)
    bars = tuple(
        Bar(
            place.lines,
            place.y,
            _parts(answer["points"], answer["of"]),
            points.format(**answer),
            sentence.format(**answer),
        )
        for place, answer in zip(places, answers, strict=True)
    )
    return Picture(bottom(places), bars)


def lay_out(titles: Iterable[str], length: int) -> list[Place]:
    """A place for a bar under each title, whose lines have so many characters at most."""
    places: list[Place] = []
    for title in titles:
        top = bottom(places) + SPACE if places else 0
        words = textwrap.wrap(title, length)
        lines = tuple(
            (line, top + LINE_HEIGHT * number - 5) for number, line in enumerate(words, 1)
        )
        places.append(Place(lines, top + LINE_HEIGHT * len(words) + 2))
    return places


def bottom(places: Sequence[Place]) -> int:
    """Where the last bar ends."""
    return places[-1].y + BAR_HEIGHT if places else 0


def _parts(points: int, of: int) -> tuple[Part, ...]:
    width = (BARS_WIDTH - GAP * (of - 1)) / of
    return tuple(
        Part(round(number * (width + GAP), 2), round(width, 2), number < points)
        for number in range(of)
    )
