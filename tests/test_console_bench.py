"""The bench of the console: run small, its report, and when a target is missed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mobilis import cli, console_bench
from mobilis.console_bench import ASKED, BASELINE, Taken, bench_console, to_text
from mobilis.measures import BenchRefused
from mobilis.settings import ROOT


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    return bench_console(ROOT, lambda line: None, 120, 1, keep=False)


def test_every_kind_of_page_is_measured_beside_the_plain_queries(report: dict[str, Any]) -> None:
    measured = {group: set(asked) for group, asked in report["measured"].items()}
    assert measured == {group: set(asked) for group, asked in ASKED.items()}
    assert set(report["baseline"]) == set(BASELINE)
    text = to_text(report)
    assert "120 conversations on SQLite" in text
    assert "search: a reference" in text


def test_a_slow_page_misses_the_target_by_name(report: dict[str, Any]) -> None:
    slow = {group: dict(asked) for group, asked in report["measured"].items()}
    slow["list"]["page 10"] = {"p95": 9999.0}
    targets = {target.wanted.partition(":")[0]: target for target in console_bench._targets(slow)}
    assert not targets["list"].holds
    assert "page 10" in targets["list"].got


def test_figures_have_a_target_of_their_own(report: dict[str, Any]) -> None:
    slow = {group: dict(asked) for group, asked in report["measured"].items()}
    slow["figures of a month"]["all"] = {"p95": 999.0}
    slow["figures of a year"]["all"] = {"p95": 3001.0}
    targets = {target.wanted.partition(":")[0]: target for target in console_bench._targets(slow)}
    assert targets["figures of a month"].holds
    assert not targets["figures of a year"].holds


def test_time_is_told_in_milliseconds() -> None:
    taken = Taken()
    taken.add(0.1, 0.05)
    taken.add(0.1, 0.15)
    assert (taken.report()["p95"], taken.report()["core"]) == (100.0, 100.0)


def test_a_kept_database_serves_again_and_one_of_another_size_does_not(tmp_path: Path) -> None:
    def is_filled(wanted: int) -> bool:
        told: list[str] = []
        console_bench._filled(ROOT, tmp_path, wanted, told.append).dispose()
        return bool(told)

    assert is_filled(100)
    assert not is_filled(100)
    (tmp_path / "console-100.db").rename(tmp_path / "console-101.db")
    assert is_filled(101)


def test_a_page_that_is_refused_ends_the_bench() -> None:
    class Refusing:
        def get(self, address: str) -> Any:
            return type("Answer", (), {"status_code": 503, "text": ""})

        def post(self, address: str, data: Any) -> Any:
            return self.get(address)

    with pytest.raises(BenchRefused, match=r"queue\?tab=all was answered 503"):
        console_bench._ask(Refusing(), "queue?tab=all")  # type: ignore[arg-type]
    with pytest.raises(BenchRefused, match="signing in was answered 503"):
        console_bench._sign_in(Refusing(), "a@example.org", "x")  # type: ignore[arg-type]


def test_a_number_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bench", "console", "--rounds", "many"]) == 1
    assert "--rounds" in capsys.readouterr().err
