"""Pictures of how well messages are understood: figures in, the text of an SVG file out.

Pure, and the same for the same figures: no clock, no fonts of this machine (text stays text), no
state of matplotlib's. Called by `mobilis.nlu.report`, which gives each picture a table twin.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import sqrt
from typing import Any, NamedTuple

from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MultipleLocator

WIDTH = 600.0  # points: 800 pixels on a screen
ROWS, COLUMNS = 24, 16  # of a matrix; what is more is summed up
OTHERS = "any other label"
FEW = 10  # messages: too few to tell much

# Okabe and Ito's colours, which colour-blind people tell apart; ink is dark on all of them.
INK, FAINT, PAPER = "#1a1a1a", "#5f5f5f", "#ffffff"
LINES = ("#0072b2", "#c04f00", "#00795a", "#8a3f73")
MARKS = ("o", "s", "^", "D")
SHARES = {
    "right": "#3fb58f",
    "asked": "#7cc4ee",
    "refused": "#b8b8b8",
    "wrong": "#e8743b",
}

FONT = "DejaVu Sans"  # the one that matplotlib brings, by which it measures
_FONTS = f"'{FONT}', Verdana, Helvetica, Arial, sans-serif"

_STYLE = {
    "svg.hashsalt": "mobilis",  # names inside the file are made of it, not of chance
    "svg.fonttype": "none",
    "font.family": [FONT],
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": FAINT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
}
_BLUES = LinearSegmentedColormap.from_list("confused", ["#e3eefa", "#5a9fd6"])


class Confusion(NamedTuple):
    """How often one label was meant and another one understood."""

    expected: str
    understood: str
    times: int


class Bin(NamedTuple):
    """Messages of about the same confidence: their mean confidence, and the share that is right."""

    confidence: float
    right: float
    messages: int


class Point(NamedTuple):
    """So many phrasings, and the accuracy of each model that was taught so many."""

    part: str
    phrasings: int
    accuracies: Sequence[float]

    @property
    def mean(self) -> float:
        return sum(self.accuracies) / len(self.accuracies)


class Bar(NamedTuple):
    """Messages of one kind, and how many met which fate: (a key of `SHARES`, its words, count)."""

    name: str
    parts: Sequence[tuple[str, str, int]]


def confusion(title: str, pairs: Sequence[Confusion], totals: Mapping[str, int]) -> str:
    """A matrix of the labels most often confused: down the side what was meant, with how many of
    its messages (`totals`) were taken for another label; along the top what was understood. What
    does not fit is summed up as `OTHERS`."""
    rows = most_frequent([(pair.expected, pair.times) for pair in pairs], ROWS)
    columns = most_frequent([(pair.understood, pair.times) for pair in pairs], COLUMNS)
    cells = _cells(pairs, rows, columns)
    long, tall = (5.6 * max(map(len, names)) for names in (rows, columns))
    side, top = long + 62, 0.9 * tall + 46
    size = min((WIDTH - side - 0.47 * 5.6 * len(columns[-1]) - 14) / len(columns), 26.0)
    with _picture(title, top + size * len(rows) + 14) as (figure, done):
        axes = _axes(figure, (side, top), (size * len(columns), size * len(rows)))
        axes.set(xlim=(0, len(columns)), ylim=(len(rows), 0), xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
        axes.set_facecolor("#f4f4f4")
        axes.hlines(range(len(rows)), 0, len(columns), color=PAPER, linewidth=1.2)
        axes.vlines(range(len(columns)), 0, len(rows), color=PAPER, linewidth=1.2)
        most = max(4, *cells.values())  # a single message is no dark spot
        for (expected, understood), times in cells.items():
            at = columns.index(understood), rows.index(expected)
            _cell(axes, at, times, times / most)
        _row_names(axes, rows, cells, totals)
        for column, understood in enumerate(columns):
            place = (column + 0.4, -0.3)
            axes.text(*place, understood, rotation=62, rotation_mode="anchor", fontsize=9)
        axes.annotate("understood as →", (0, 1), (-6, 30), **_POINTS)
    return done()


_POINTS: dict[str, Any] = {
    "xycoords": "axes fraction", "textcoords": "offset points", "ha": "right", "fontweight": "bold",
}  # fmt: skip


def _row_names(
    axes: Axes,
    rows: Sequence[str],
    cells: Mapping[tuple[str, str], int],
    totals: Mapping[str, int],
) -> None:
    axes.annotate("meant ↓", (0, 1), (-52, 6), **_POINTS)
    axes.annotate("wrong", (0, 1), (-6, 6), **_POINTS)
    for row, expected in enumerate(rows):
        wrong = sum(count for (meant, _), count in cells.items() if meant == expected)
        said = f"{wrong} of {totals[expected]}" if expected in totals else str(wrong)
        look: dict[str, Any] = {**_POINTS, "va": "center", "fontsize": 9, "fontweight": "normal"}
        at = (0, 1 - (row + 0.5) / len(rows))
        axes.annotate(expected, at, (-52, 0), **look)
        axes.annotate(said, at, (-6, 0), **look, color=FAINT)


def most_frequent(counted: Iterable[tuple[str, int]], limit: int) -> list[str]:
    """The labels with the highest counts, at most `limit`; `OTHERS` ends the list when there are
    more of them."""
    counts: Counter[str] = Counter()
    for label, times in counted:
        counts[label] += times
    ordered = sorted(counts, key=lambda label: (-counts[label], label))
    return ordered if len(ordered) <= limit else [*ordered[: limit - 1], OTHERS]


def _cells(
    pairs: Sequence[Confusion], rows: Sequence[str], columns: Sequence[str]
) -> dict[tuple[str, str], int]:
    cells: Counter[tuple[str, str]] = Counter()
    for expected, understood, count in pairs:
        row = expected if expected in rows else OTHERS
        cells[row, understood if understood in columns else OTHERS] += count
    return dict(cells)


def _cell(axes: Axes, at: tuple[int, int], times: int, depth: float) -> None:
    axes.add_patch(Rectangle(at, 1, 1, facecolor=_BLUES(depth), edgecolor=PAPER, linewidth=1.2))
    place = (at[0] + 0.5, at[1] + 0.53)
    look = {"ha": "center", "va": "center", "fontsize": 9, "fontweight": "bold"}
    axes.text(*place, str(times), **look)


def reliability(title: str, languages: Mapping[str, tuple[float, Sequence[Bin]]]) -> str:
    """A panel for each language, of its expected calibration error and its bins: confidence against
    the share that is right, with 95 % intervals, and below how many messages are in each bin."""
    gap, left = 52.0, 58.0
    width = (WIDTH - left - 24 - gap * (len(languages) - 1)) / len(languages)
    with _picture(title, 400) as (figure, done):
        for number, (language, (error, bins)) in enumerate(languages.items()):
            at = left + number * (width + gap)
            colour, mark = LINES[number], MARKS[number]
            above = _axes(figure, (at, 62), (width, 210))
            above.set_title(f"{language}: calibration error {100 * error:.1f} %", fontsize=10.5)
            _curve(above, bins, colour, mark)
            below = _axes(figure, (at, 300), (width, 52))
            _counts(below, bins, colour)
            if number == 0:
                above.set_ylabel("share that is right")
                below.set_ylabel("messages")
    return done()


def _curve(axes: Axes, bins: Sequence[Bin], colour: str, mark: str) -> None:
    axes.plot([0, 1], [0, 1], color=FAINT, linestyle=(0, (4, 3)), linewidth=1)
    said = "dashed: as often right as sure\nupright: 95 % interval\nhollow: under 10 messages"
    axes.text(0.98, 0.03, said, fontsize=8.5, color=FAINT, ha="right", va="bottom")
    axes.plot([b.confidence for b in bins], [b.right for b in bins], color=colour, alpha=0.5)
    for b in bins:
        axes.plot([b.confidence] * 2, _interval(b), color=colour, linewidth=1, alpha=0.6)
        inner = colour if b.messages >= FEW else PAPER
        look = {"markerfacecolor": inner, "markersize": 6, "clip_on": False, "zorder": 3}
        axes.plot([b.confidence], [b.right], color=colour, marker=mark, **look)
    axes.set(xlim=(0, 1), ylim=(0, 1.02), xticks=_TENTHS[::2], yticks=_TENTHS[::2])
    axes.set_xticklabels([])
    axes.yaxis.set_major_formatter(_percent)
    axes.grid(True)


def _counts(axes: Axes, bins: Sequence[Bin], colour: str) -> None:
    most = max(b.messages for b in bins)
    for b in bins:
        at = min(int(b.confidence * 10), 9) / 10 + 0.05
        axes.bar([at], [b.messages], width=0.085, color=colour, alpha=0.75)
        look: dict[str, Any] = {"textcoords": "offset points", "ha": "center", "fontsize": 8.5}
        axes.annotate(str(b.messages), (at, b.messages), (0, 2), **look)
    axes.set(xlim=(0, 1), ylim=(0, most * 1.3), xticks=_TENTHS[::2], yticks=[])
    axes.xaxis.set_major_formatter(_percent)
    axes.set_xlabel("confidence")


_TENTHS = tuple(number / 10 for number in range(11))


def _interval(one: Bin, z: float = 1.96) -> tuple[float, float]:
    """Between which shares the true one lies, 19 times out of 20 (Wilson's interval)."""
    n, share = one.messages, one.right
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    reach = z * sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return max(middle - reach, 0.0), min(middle + reach, 1.0)


def learning_curve(title: str, languages: Mapping[str, Sequence[Point]]) -> str:
    """A line for each language: accuracy against the phrasings taught, mean and range."""
    with _picture(title, 372) as (figure, done):
        axes = _axes(figure, (56, 46), (WIDTH - 56 - 78, 264))
        axes.set_xscale("log", base=2)
        points = next(iter(languages.values()))
        best = max(languages.values(), key=lambda line: line[-1].mean)
        for number, (language, line) in enumerate(languages.items()):
            aside = 6 if line is best else -6  # where lines end close together, names do not
            _learned(axes, language, line, LINES[number], MARKS[number], aside)
        for values in zip(*languages.values()):
            _mean_labels(axes, values)
        axes.set_xticks([point.phrasings for point in points])
        axes.set_xticks([], minor=True)
        axes.set_xticklabels([f"{point.part}\n{point.phrasings}" for point in points])
        axes.set_xlabel("phrasings taught, both languages together")
        axes.set_ylabel("label ranked first is the right one")
        low, high = _range([value for line in languages.values() for p in line for value in p[2]])
        axes.set_ylim(low, high)
        axes.yaxis.set_major_locator(MultipleLocator(0.05))
        axes.yaxis.set_major_formatter(_percent)
        axes.grid(True, axis="y")
    return done()


def _learned(
    axes: Axes, name: str, line: Sequence[Point], colour: str, mark: str, aside: int
) -> None:
    x, means = [p.phrasings for p in line], [p.mean for p in line]
    lows, highs = [min(p.accuracies) for p in line], [max(p.accuracies) for p in line]
    axes.fill_between(x, lows, highs, color=colour, alpha=0.18, linewidth=0)
    axes.plot(x, means, color=colour, marker=mark, markersize=6, linewidth=1.8)
    axes.annotate(
        name, (x[-1], means[-1]), (12, aside), textcoords="offset points", va="center",
        color=colour, fontweight="bold", annotation_clip=False,
    )  # fmt: skip


def _mean_labels(axes: Axes, points: Sequence[Point]) -> None:
    """The values of one place: the highest above its mark, the others below."""
    best = max(points, key=lambda point: point.mean)
    for point in points:
        axes.annotate(
            f"{100 * point.mean:.1f}", (point.phrasings, point.mean),
            (0, 9 if point is best else -17), textcoords="offset points", ha="center", fontsize=9,
        )  # fmt: skip


def _range(values: Sequence[float]) -> tuple[float, float]:
    """Room around the values, in steps of five points."""
    low, high = min(values) - 0.02, max(values) + 0.02
    return int(low * 20) / 20, min(-int(-high * 20 // 1) / 20, 1.0)


def outcomes(title: str, bars: Sequence[Bar]) -> str:
    """A stacked bar for each kind of message, and below it the numbers, which are its key."""
    step, top = 74.0, 48.0
    with _picture(title, top + step * len(bars)) as (figure, done):
        for number, bar in enumerate(bars):
            axes = _axes(figure, (16, top + step * number), (WIDTH - 32, step - 8))
            axes.set(xlim=(0, 1), ylim=(step - 8, 0))
            axes.set_axis_off()
            total = sum(count for _, _, count in bar.parts)
            axes.text(0, 6, f"{bar.name}: {total} messages", fontweight="bold", va="center")
            _stack(axes, bar, total)
    return done()


def _stack(axes: Axes, bar: Bar, total: int) -> None:
    done = 0
    for number, (share, words, count) in enumerate(bar.parts):
        colour, at = SHARES[share], number / len(bar.parts)
        place, long = (done / total, 15), count / total
        axes.add_patch(Rectangle(place, long, 22, facecolor=colour, edgecolor=PAPER, linewidth=0.4))
        axes.add_patch(Rectangle((at, 44), 0.016, 9, facecolor=colour))
        said = f"{words} {100 * count / total:.1f} % ({count})"
        axes.text(at + 0.023, 48.5, said, va="center", fontsize=9.5)
        done += count


def _percent(share: float, place: int) -> str:
    return f"{100 * share:.0f} %"


def _axes(figure: Figure, at: tuple[float, float], size: tuple[float, float]) -> Axes:
    """Axes at a place from the upper left corner, in points."""
    height = figure.get_figheight() * 72
    (x, y), (width, tall) = at, size
    place = [x / WIDTH, 1 - (y + tall) / height, width / WIDTH, tall / height]
    return figure.add_axes(place)


@contextmanager
def _picture(title: str, height: float) -> Iterator[tuple[Figure, Callable[[], str]]]:
    """A figure of a height in points with its title, and what gives its SVG text when drawn."""
    saved = io.StringIO()

    def done() -> str:
        return saved.getvalue().replace(f"'{FONT}'", _FONTS)

    with style.context(["default", _STYLE]):
        figure = Figure(figsize=(WIDTH / 72, height / 72), facecolor=PAPER)
        place = (16 / WIDTH, 1 - 20 / height)
        figure.text(*place, title, fontsize=12, fontweight="bold", va="center")
        yield figure, done
        figure.savefig(
            saved, format="svg", metadata={"Title": title, "Date": None, "Creator": None}
        )
