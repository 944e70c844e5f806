"""The bench of one front door beside two, with small assistants in place of the real ones."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from assistants import Assistant, served
from processes import Postgres
from sqlalchemy import text

from mobilis import scale_bench as module
from mobilis.errors import SettingError, StoreError
from mobilis.measures import BenchRefused
from mobilis.scale_bench import a_database, bench_scale, to_text
from mobilis.settings import ROOT
from mobilis.store import Database

needs_proc = pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="not Linux")


class SmallCluster:
    """So many front doors that answer at once."""

    ended: list[int]

    def __init__(self, folder: Path, url: str, doors: int, brains: int) -> None:
        assert folder.is_dir() and url.startswith("postgresql://") and doors == brains
        self._served, self.size = ExitStack(), doors
        self.bases = [self._served.enter_context(served(Assistant())) for _ in range(doors)]

    def pids(self) -> dict[str, int]:
        kinds = ("actions", "brain", "door")
        return {f"{kind} {n}": os.getpid() for kind in kinds for n in range(1, self.size + 1)}

    def stop(self) -> None:
        self.ended.append(self.size)
        self._served.close()


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[SmallCluster]]:
    SmallCluster.ended = []
    monkeypatch.setattr(module, "Cluster", SmallCluster)
    monkeypatch.setattr(module, "trained_model", lambda root: root)
    monkeypatch.setattr(module, "settle", lambda used: None)
    yield SmallCluster


def databases(url: str) -> set[str]:
    database = Database(url)
    with database.read() as connection:
        found = set(connection.execute(text("SELECT datname FROM pg_database")).scalars())
    database.dispose()
    return {name for name in found if name.startswith("mobilis_bench_")}


@needs_proc
def test_both_are_measured_and_nothing_is_left(small, postgres: Postgres) -> None:
    url, said = postgres.create("scale"), []
    report = bench_scale(ROOT, said.append, url, "1,4", "8")
    for level in report["levels"]:
        for size in ("1", "2"):
            assert level[size]["turns"] == 8
            assert level[size]["turns_per_second"] > 0
            assert level[size]["errors"] == {}
    assert set(report["core_ms_per_turn"]["2"]) == {"actions", "brain", "door"}
    assert set(report["memory"]["2"]) >= {"door 2", "brain 2", "actions 2"}
    assert sorted(small.ended) == [1, 2]
    assert databases(url) == set()
    shown = to_text(report)
    assert "4 at once: turns/s" in shown and "memory of door 2, resident, MB" in shown


def test_a_database_is_dropped_whatever_happens(postgres: Postgres) -> None:
    url = postgres.create("scale_fails")
    with pytest.raises(RuntimeError), a_database(url) as own:
        assert databases(url) == {own.rpartition("/")[2]}
        raise RuntimeError
    assert databases(url) == set()


def test_sqlite_and_what_is_not_there_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="PostgreSQL"), a_database(f"sqlite:///{tmp_path}/a.db"):
        pass
    with pytest.raises(StoreError), a_database("postgresql://mobilis@127.0.0.1:1/none"):
        pass


def test_a_bad_option_is_named() -> None:
    with pytest.raises(BenchRefused, match="--concurrency"):
        bench_scale(ROOT, print, "postgresql://a/b", "x", "8")


def test_what_was_not_measured_has_no_ratio() -> None:
    level: dict[str, Any] = {"turns_per_second": 0.0, "p50": None, "p95": None, "errors": {"a": 1}}
    nothing = {"actions": 0.0, "brain": 0.0, "door": 0.0}
    report = {
        "machine": {
            **{"at": "2026-11-26T00:00:00+00:00", "cores": 2, "of": 2, "load": 0.1},
            **{"python": "3.10.13", "system": "Linux x86_64"},
        },
        "levels": [{"at_once": 8, "1": level, "2": level}],
        "core_ms_per_turn": {"1": nothing, "2": nothing},
        "memory": {"1": {}, "2": {}},
    }
    assert "| 8 at once: p50, ms" in to_text(report)
