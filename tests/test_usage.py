"""Memory and time of processes, read from a made /proc and from the real one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mobilis.measures import BenchRefused
from mobilis.usage import Memory, core_seconds, family, memory

needs_proc = pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="not Linux")
ROLLUP = "00400000-7fff0000 ---p 00000000 00:00 0 [rollup]\nRss: 2048 kB\nPss: 1024 kB\n"


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """1 started 2 and 3; 3 started 4. The name of 3 holds blanks and a bracket."""
    for pid, parent, name in ((1, 0, "up"), (2, 1, "brain"), (3, 1, "a ) b"), (4, 3, "child")):
        folder = tmp_path / str(pid)
        folder.mkdir()
        rest = " ".join(["S", str(parent), *["0"] * 9, "250", "50", *["0"] * 10])
        (folder / "stat").write_text(f"{pid} ({name}) {rest}\n", encoding="utf-8")
        (folder / "smaps_rollup").write_text(ROLLUP, encoding="utf-8")
    (tmp_path / "5").mkdir()  # has just ended
    (tmp_path / "meminfo").touch()
    return tmp_path


def test_memory_is_told_with_and_without_what_is_shared(proc: Path) -> None:
    assert memory(3, proc) == Memory(resident=2.0, proportional=1.0)


def test_time_on_the_cores_is_that_of_program_and_system(proc: Path) -> None:
    assert core_seconds(3, proc) == 300 / os.sysconf("SC_CLK_TCK")


def test_a_family_is_a_process_and_all_that_descend_from_it(proc: Path) -> None:
    assert family(1, proc=proc) == [1, 2, 3, 4]
    assert family(4, proc=proc) == [4]


def test_a_family_leaves_out_those_apart_and_theirs(proc: Path) -> None:
    assert family(1, apart=[3], proc=proc) == [1, 2]


@pytest.mark.parametrize("read", [memory, core_seconds])
def test_a_process_that_is_not_there_is_refused(read: object, proc: Path) -> None:
    assert callable(read)
    with pytest.raises(BenchRefused, match="memory is measured on Linux alone"):
        read(5, proc)


@needs_proc
def test_a_real_process_and_its_child_are_found() -> None:
    code = "print('here', flush=True); input()"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    child = subprocess.Popen([sys.executable, "-c", code], **pipes)
    try:
        assert child.stdout is not None
        child.stdout.readline()  # before that, it may not be a program of its own yet
        assert child.pid in family(os.getpid())
        assert 1 < memory(child.pid).resident < 500
        assert core_seconds(os.getpid()) > 0
    finally:
        child.kill()
        child.communicate()
