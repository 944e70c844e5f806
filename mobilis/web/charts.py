"""The pictures of figures: columns over time, and bars of things that are compared.

What lies across is in percent of the picture's width and what lies upward in pixels, so that a
picture is as wide as its place and its words keep their size. Drawn by
templates/console/figure_charts.html; knows no words and no database.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mobilis.web.bars import BAR_HEIGHT, bottom, lay_out

PLOT = 150  # height of what columns are drawn on
TOP = 12  # above it, for half a line of words
BELOW = 26  # for the words under the axis
FILLED = 0.74  # the part of its place that a column takes
WIDEST = 7.0  # percent
LABELS = 6  # under the axis, at most
LEVELS = 4  # lines above the axis, at most
# Characters of a line of the words above a bar, where there is much room and where there is not.
WIDE, NARROW = 60, 34

Written = Callable[[float], str]


@dataclass(frozen=True)
class Block:
    """What one series adds to a column."""

    series: int
    y: float
    height: float


@dataclass(frozen=True)
class Column:
    """One step of time; `title` says it in words."""

    x: float
    width: float
    blocks: tuple[Block, ...]
    title: str


@dataclass(frozen=True)
class Label:
    """Words beside a picture. Of the `minor` ones there is no room where it is narrow."""

    at: float
    text: str
    minor: bool = False


@dataclass(frozen=True)
class Columns:
    """A picture of columns; `base` is where they stand."""

    columns: tuple[Column, ...]
    levels: tuple[Label, ...]
    labels: tuple[Label, ...]
    height: int = TOP + PLOT + BELOW
    base: int = TOP + PLOT


@dataclass(frozen=True)
class Bar:
    """One thing: its words, and how long its bar is in percent."""

    lines: tuple[tuple[str, int], ...]
    y: int
    width: float
    value: str


@dataclass(frozen=True)
class Bars:
    """A picture of bars."""

    bars: tuple[Bar, ...]
    height: int
    thickness: int = BAR_HEIGHT


def draw_columns(
    series: Sequence[Sequence[float]],
    titles: Sequence[str],
    labels: Sequence[str],
    written: Written,
) -> Columns:
    """Columns of the series' values on top of each other, one for each of `titles`.

    `labels` are the short names of the steps, `written` how a value is written on the axis.
    """
    steps = list(zip(*series, strict=True))
    scale = levels(max(map(sum, steps), default=0))
    place = 100 / max(1, len(steps))
    width = min(place * FILLED, WIDEST)
    return Columns(
        tuple(
            Column(
                round(place * number + (place - width) / 2, 3),
                round(width, 3),
                _blocks(values, scale[-1]),
                titles[number],
            )
            for number, values in enumerate(steps)
        ),
        tuple(Label(_height(value, scale[-1]), written(value)) for value in scale),
        _labels(labels, place),
    )


def levels(most: float) -> list[int]:
    """The values at which lines are drawn: from 0 to at least `most` in round steps."""
    step = next(
        step
        for power in range(20)
        for step in (10**power, 2 * 10**power, 5 * 10**power)
        if step * LEVELS >= most
    )
    top = max(1, int(-(-most // step)))
    return [step * number for number in range(top + 1)]


def _height(value: float, top: float) -> float:
    return round(TOP + PLOT - PLOT * value / top, 2)


def _blocks(values: Sequence[float], top: float) -> tuple[Block, ...]:
    blocks, below = [], 0.0
    for number, value in enumerate(values):
        if value:
            y = _height(below + value, top)
            blocks.append(Block(number, y, round(_height(below, top) - y, 2)))
            below += value
    return tuple(blocks)


def _labels(labels: Sequence[str], place: float) -> tuple[Label, ...]:
    every = -(-len(labels) // LABELS) if len(labels) > LABELS + 1 else 1
    shown = range(0, len(labels), every)
    return tuple(
        Label(round(place * (number + 0.5), 3), labels[number], minor=bool(order % 2))
        for order, number in enumerate(shown)
    )


def draw_bars(
    values: Sequence[float], titles: Sequence[str], written: Sequence[str], line_length: int
) -> Bars:
    """A bar for each value, under its title; the longest takes all the room."""
    places = lay_out(titles, line_length)
    most = max(values, default=0) or 1
    return Bars(
        tuple(
            Bar(place.lines, place.y, round(100 * value / most, 3), text)
            for place, value, text in zip(places, values, written, strict=True)
        ),
        bottom(places),
    )
