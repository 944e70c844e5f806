"""Visitors of the website for a while: nothing grows that should not. `make soak-web` does it for
half an hour and writes what it saw into docs/load.md.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from processes import Stack
from soaking import write_into
from web_soaking import PROCESSES, WebSoak, slope, soak, to_markdown, to_svg

SHORT = 5.0  # minutes; below, there is too little to see in latencies and slopes
AT_ONCE, THINK = 4, 2.0
MEMORY_STEP, MEMORY_AN_HOUR = 40.0, 60.0  # MB
FILES_STEP, THREADS_STEP = 12.0, 6.0  # connections that stay open, threads that are kept for later
LOG_MB = 64.0
SLOWER = 2.0  # times the p95, from the first half to the second: the machine has other work


@pytest.mark.timeout(0)
def test_nothing_grows_but_the_database(stack: Stack, request: pytest.FixtureRequest) -> None:
    minutes: float = request.config.getoption("--soak-minutes")
    found = soak(stack, minutes, AT_ONCE, THINK, look_every=min(5.0, minutes * 2))
    document: Path | None = request.config.getoption("--write-web-soak")
    if document:
        date = time.strftime("%Y-%m-%d")
        write_into(document, to_markdown(found, minutes, THINK, date), "soak-web")
        document.with_name("soak-web.svg").write_text(to_svg(found), encoding="utf-8")
    assert not found.crowding.errors
    assert found.turns > minutes * 20
    for process in PROCESSES:
        assert found.step("memory", process) < MEMORY_STEP, process
        assert found.step("files", process) < FILES_STEP, process
        assert found.step("threads", process) < THREADS_STEP, process
    assert max(sample.log for sample in found.samples) < LOG_MB
    if minutes >= SHORT:
        _check_slopes(found)


def _check_slopes(found: WebSoak) -> None:
    for process in PROCESSES:
        assert found.growth("memory", process) < MEMORY_AN_HOUR, process
    waits = found.p95()
    half = len(waits) // 2
    assert sum(waits[half:]) < SLOWER * sum(waits[:half])


def test_a_line_is_fitted() -> None:
    assert slope([0, 1, 2, 3], [5, 7, 9, 11]) == pytest.approx(2)
    assert slope([1, 1], [3, 4]) == 0
