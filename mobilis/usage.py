"""What processes use, as Linux tells it in /proc: memory, and the time on the cores.

The bench of turns calls this with the first process of each side; those that it started count too.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from mobilis.measures import BenchRefused

PROC = Path("/proc")


class Memory(NamedTuple):
    """In MB. `resident` counts what processes share once for each of them, `proportional` in equal
    parts."""

    resident: float
    proportional: float


def memory(pid: int, proc: Path = PROC) -> Memory:
    """What a process has in memory, its children apart.

    Raises:
        BenchRefused: the system does not tell, or the process has ended.
    """
    text = _read(proc / str(pid) / "smaps_rollup")
    sizes = {line.split()[0]: line.split()[1] for line in text.splitlines()[1:]}
    return Memory(int(sizes["Rss:"]) / 1024, int(sizes["Pss:"]) / 1024)


def core_seconds(pid: int, proc: Path = PROC) -> float:
    """How long a process, its children apart, has had a core.

    Raises:
        BenchRefused: the system does not tell, or the process has ended.
    """
    fields = _stat(proc / str(pid))
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def family(pid: int, apart: Collection[int] = (), proc: Path = PROC) -> list[int]:
    """A process and all that descend from it, the parent first, but for those `apart` and what
    descends from them."""
    parents: dict[int, list[int]] = {}
    for folder in proc.glob("[0-9]*"):
        try:
            parents.setdefault(int(_stat(folder)[1]), []).append(int(folder.name))
        except BenchRefused:
            continue  # ended meanwhile
    found = [pid]
    for one in found:
        found += sorted(child for child in parents.get(one, []) if child not in apart)
    return found


def _stat(folder: Path) -> list[str]:
    """The fields of `stat` that follow the name, which may hold blanks."""
    return _read(folder / "stat").rpartition(")")[2].split()


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        raise BenchRefused(f"{path} cannot be read: memory is measured on Linux alone") from None
