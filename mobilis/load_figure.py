"""The pictures of load: figures in, the text of an SVG file out, the same for the same figures.

matplotlib, which Rasa brings, draws; it is not there where the front door alone is installed.
Called by `mobilis bench load` and by the soak of the website's chat (tests/web_soaking.py).
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure

COLOURS = ("#0072b2", "#c04f00", "#00795a", "#8a3f73", "#5f5f5f")  # Okabe and Ito's, darkened
MARKS = ("o", "s", "^", "D", "v")
STYLE = {
    "svg.hashsalt": "mobilis",  # names inside the file are made of it, not of chance
    "svg.fonttype": "none",
    "font.family": ["DejaVu Sans"],
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#dddddd",
}


class Curve:
    """A line of a picture: its name, and its points."""

    def __init__(self, name: str, x: Sequence[float], y: Sequence[float]) -> None:
        self.name, self.x, self.y = name, x, y


def draw(sides: Mapping[str, Sequence[Mapping[str, Any]]], knees: Mapping[str, int | None]) -> str:
    """Turns a second, and the latencies, against visitors at once; the knees are ringed."""
    with style.context(["default", STYLE]):
        figure = Figure(figsize=(9, 7), layout="constrained")
        rate, wait = figure.subplots(2, 1, sharex=True)
        for number, (name, levels) in enumerate(sides.items()):
            colour, mark = COLOURS[number], MARKS[number]
            at_once = [level["at_once"] for level in levels]
            rates = [level["turns_per_second"] for level in levels]
            rate.plot(at_once, rates, color=colour, marker=mark, label=name)
            for level in levels:
                if level["at_once"] == knees[name]:
                    ring = {"s": 180, "facecolors": "none", "edgecolors": colour}
                    rate.scatter([level["at_once"]], [level["turns_per_second"]], **ring)
            for share, dashes in (("p50", "-"), ("p95", "--"), ("p99", ":")):
                known = [(n, lv[share]) for n, lv in zip(at_once, levels) if lv[share] is not None]
                x, y = [n for n, _ in known], [value for _, value in known]
                wait.plot(x, y, dashes, color=colour, label=f"{name} {share}")
        _label(rate, "", "answered turns a second")
        _label(wait, "visitors at once", "latency, ms")
        wait.set_xscale("log", base=2)
        wait.set_yscale("log")
        wait.xaxis.set_major_formatter("{x:.0f}")
        return _svg(figure)


def draw_over_time(panels: Mapping[str, Sequence[Curve]], x_label: str) -> str:
    """One picture above the other, each with its curves, on one axis of time."""
    with style.context(["default", STYLE]):
        figure = Figure(figsize=(9, 2.2 * len(panels)), layout="constrained")
        axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
        for place, (title, curves) in zip(axes, panels.items()):
            for number, curve in enumerate(curves):
                place.plot(curve.x, curve.y, color=COLOURS[number], label=curve.name)
            _label(place, "", title)
            place.set_ylim(bottom=0)
        axes[-1].set_xlabel(x_label)
        return _svg(figure)


def _label(axes: Axes, x: str, y: str) -> None:
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.legend(fontsize=8, frameon=False)


def _svg(figure: Figure) -> str:
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None})
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"
