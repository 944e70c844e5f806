"""What the two benches have in common: percentiles, tables, targets, the machine, one core.

`mobilis bench nlu` and `mobilis bench turns` call this; it knows nothing of Rasa nor of HTTP.
"""

from __future__ import annotations

import os
import platform
import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, NamedTuple

from mobilis.content import LANGUAGES
from mobilis.errors import MobilisError
from mobilis.live import MODEL

SEED = 2026  # the same messages in the same order, every time
THREADS = (
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"),
    *("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"),
)

Row = Sequence[str]


class BenchRefused(MobilisError):
    """A bench cannot be run; the message names the option, file or side that is why."""


class Said(NamedTuple):
    """A message of the evaluation sets, and what it means."""

    language: str
    label: str
    text: str


class Target(NamedTuple):
    """What is wanted and whether it was reached; `got` is shown as it stands."""

    wanted: str
    got: str
    holds: bool


def trained_model(root: Path) -> Path:
    """Our model below `root`.

    Raises:
        BenchRefused: there is none.
    """
    if not (root / MODEL).is_file():
        raise BenchRefused(f"{MODEL}: there is no model; train one with: mobilis train")
    return root / MODEL


def unseen(root: Path) -> list[Said]:
    """The messages of tests/evaluation/intents.*.tsv, each text once, well mixed.

    Raises:
        BenchRefused: a file is missing.
    """
    found: dict[str, Said] = {}
    for language in LANGUAGES:
        path = root / "tests" / "evaluation" / f"intents.{language}.tsv"
        if not path.is_file():
            raise BenchRefused(f"{path.relative_to(root)}: there is no such file")
        for line in path.read_text(encoding="utf-8").splitlines():
            label, _, text = line.partition("\t")
            found.setdefault(text.strip().casefold(), Said(language, label, text))
    mixed = list(found.values())
    random.Random(SEED).shuffle(mixed)
    return mixed


def whole_number(option: str, given: str, least: int, most: int) -> int:
    """What was given for an option, as a number.

    Raises:
        BenchRefused: it is none, or out of bounds; names the option.
    """
    if not given.strip().isdecimal() or not least <= int(given) <= most:
        raise BenchRefused(
            f"{option}: a number from {least} to {most} is expected, not {given.strip()!r}"
        )
    return int(given)


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` (0 to 1) of `values` do not exceed, between neighbours in proportion.

    Raises:
        ValueError: there are no values.
    """
    if not values:
        raise ValueError("there are no values")
    ordered = sorted(values)
    place = (len(ordered) - 1) * share
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def latency(seconds: Sequence[float]) -> dict[str, float | None]:
    """p50, p95, p99 and mean in milliseconds; None where nothing was measured."""
    if not seconds:
        return {"p50": None, "p95": None, "p99": None, "mean": None}
    shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
    found = {name: round(percentile(seconds, share) * 1000, 2) for name, share in shares.items()}
    return {**found, "mean": round(sum(seconds) / len(seconds) * 1000, 2)}


def ratio(ours: float | None, stock: float | None) -> float | None:
    """Ours by theirs, or None when one of them is not known."""
    return None if ours is None or not stock else ours / stock


def compared(name: str, ours: float | None, stock: float | None) -> Row:
    """A row of a table: the measure, both sides, and ours by theirs."""
    by = ratio(ours, stock)
    return (name, shown(ours), shown(stock), "–" if by is None else f"{by:.2f}×")


def shown(value: float | None) -> str:
    """A number with the digits that matter, or a dash for what was not measured."""
    if value is None:
        return "–"
    return f"{value:.1f}" if value < 100 else f"{value:,.0f}".replace(",", " ")


def table(header: Row, rows: Iterable[Row]) -> str:
    """A table as Markdown shows it, its columns in line."""
    lines = [list(header), *(list(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |"
        for line in lines
    )


def verdict(report: Mapping[str, Any]) -> str:
    """The `targets` of a report, a line each: reached or missed, what is wanted, what was got."""
    return "\n".join(
        f"{'reached' if target['holds'] else 'missed '}  {target['wanted']}: {target['got']}"
        for target in report["targets"]
    )


def settle(
    used: Callable[[], float], idle: float = 0.02, look_every: float = 0.5, most: float = 60.0
) -> None:
    """Wait until hardly any time on the cores is `used` any more: a model may still be loading
    behind an assistant that says it is ready."""
    for _ in range(int(most / look_every)):
        before = used()
        time.sleep(look_every)
        if used() - before <= idle:
            return


def machine() -> dict[str, Any]:
    """Where and when it was measured: figures of two machines, or of a busy one, do not compare."""
    return {
        "at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "cores": len(cores()),
        "of": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
    }


def described(where: Mapping[str, Any]) -> str:
    """`machine` in one line."""
    return (
        f"{where['at']}, {where['cores']} of {where['of']} cores, load {where['load']} when it"
        f" began, Python {where['python']}, {where['system']}"
    )


def cores() -> list[int]:
    """The cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def keep_to_one_core() -> None:
    """Pin this process to one core, where the system can, and mathematics to one thread. Libraries
    look when they are first imported: to be called before."""
    os.environ.update(dict.fromkeys(THREADS, "1"))
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores()[-1:])
