"""The figures of a bench and how they are shown; the messages they are measured on."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mobilis.measures import (
    BenchRefused,
    Said,
    Target,
    compared,
    described,
    latency,
    machine,
    percentile,
    ratio,
    settle,
    shown,
    table,
    trained_model,
    unseen,
    verdict,
    whole_number,
)
from mobilis.settings import ROOT


@pytest.mark.parametrize(
    ("share", "value"), [(0.0, 1.0), (0.5, 2.5), (0.95, 3.85), (1.0, 4.0), (1 / 3, 2.0)]
)
def test_a_percentile_lies_between_its_neighbours(share: float, value: float) -> None:
    assert percentile([4.0, 1.0, 3.0, 2.0], share) == pytest.approx(value)


def test_every_percentile_of_one_value_is_that_value() -> None:
    assert {percentile([7.0], share) for share in (0, 0.5, 0.99, 1)} == {7.0}


def test_nothing_has_no_percentile() -> None:
    with pytest.raises(ValueError, match="there are no values"):
        percentile([], 0.5)


def test_latency_is_in_milliseconds() -> None:
    seconds = [number / 1000 for number in range(1, 102)]
    assert latency(seconds) == {"p50": 51.0, "p95": 96.0, "p99": 100.0, "mean": 51.0}


def test_the_latency_of_nothing_is_not_known() -> None:
    assert set(latency([]).values()) == {None}


@pytest.mark.parametrize(
    ("ours", "stock", "by"),
    [(6.0, 2.0, 3.0), (6.0, 0.0, None), (None, 2.0, None), (1.0, None, None)],
)
def test_a_ratio_needs_both_sides(
    ours: float | None, stock: float | None, by: float | None
) -> None:
    assert ratio(ours, stock) == by


def test_a_row_compares_both_sides() -> None:
    assert compared("p50, ms", 12.345, 1234.5) == ("p50, ms", "12.3", "1 234", "0.01×")
    assert compared("p50, ms", 12.345, None) == ("p50, ms", "12.3", "–", "–")


@pytest.mark.parametrize(("value", "text"), [(0.04, "0.0"), (99.94, "99.9"), (1496.2, "1 496")])
def test_numbers_are_shown_with_the_digits_that_matter(value: float, text: str) -> None:
    assert shown(value) == text


def test_a_table_has_its_columns_in_line() -> None:
    assert table(("what", "ours"), [("turns/s", "40.1"), ("p50", "1 234")]).splitlines() == [
        "| what    | ours  |",
        "| ------- | ----- |",
        "| turns/s | 40.1  |",
        "| p50     | 1 234 |",
    ]


def test_a_verdict_says_what_was_reached_and_what_was_missed() -> None:
    targets = [Target("ready in 20 s", "12.0 s", True), Target("p50 6 ms", "9.1 ms", False)]
    assert verdict({"targets": [target._asdict() for target in targets]}).splitlines() == [
        "reached  ready in 20 s: 12.0 s",
        "missed   p50 6 ms: 9.1 ms",
    ]


def test_where_it_was_measured_is_said() -> None:
    where = machine()
    assert where["cores"] <= where["of"]
    assert described(where).startswith(f"{where['at']}, {where['cores']} of {where['of']} cores, ")


def test_one_core_is_kept_to_and_mathematics_to_one_thread() -> None:
    code = "import os; from mobilis.measures import cores, keep_to_one_core; keep_to_one_core();"
    code += "print(len(cores()), os.environ['OMP_NUM_THREADS'])"
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    pinned = "1" if hasattr(os, "sched_setaffinity") else str(os.cpu_count())
    assert ended.stdout.split() == [pinned, "1"]


def test_it_waits_for_what_still_loads() -> None:
    used = iter([0.0, 0.5, 0.5, 0.8, 0.8, 0.801, 9.0])
    settle(lambda: next(used), look_every=0.01)
    assert next(used) == 9.0


def test_it_does_not_wait_for_ever() -> None:
    began = time.monotonic()
    settle(time.monotonic, idle=0.0, look_every=0.05, most=0.2)
    assert 0.2 <= time.monotonic() - began < 5


# --- options and files


@pytest.mark.parametrize("given", ["x", "", "-1", "1.5", "0", "11", "²"])
def test_what_is_no_number_within_bounds_is_refused_by_its_option(given: str) -> None:
    with pytest.raises(BenchRefused) as error:
        whole_number("--turns", given, 1, 10)
    assert str(error.value) == f"--turns: a number from 1 to 10 is expected, not {given!r}"


def test_blanks_around_a_number_do_not_matter() -> None:
    assert whole_number("--concurrency", " 8 ", 1, 10) == 8


def test_every_message_is_unseen_and_there_once() -> None:
    messages = unseen(ROOT)
    assert len(messages) > 1000
    assert len({message.text.strip().casefold() for message in messages}) == len(messages)
    assert {message.language for message in messages[:20]} == {"fr", "en"}
    assert unseen(ROOT) == messages


def test_messages_keep_their_label_and_language(tmp_path: Path) -> None:
    folder = tmp_path / "tests" / "evaluation"
    folder.mkdir(parents=True)
    (folder / "intents.fr.tsv").write_text("greet\tAllô\nfaq/cost\tallô\n", encoding="utf-8")
    (folder / "intents.en.tsv").write_text("greet\thi\n", encoding="utf-8")
    assert sorted(unseen(tmp_path)) == [Said("en", "greet", "hi"), Said("fr", "greet", "Allô")]


def test_messages_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(BenchRefused, match=r"^tests/evaluation/intents\.fr\.tsv: there is no such"):
        unseen(tmp_path)


def test_a_model_that_is_not_there_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(BenchRefused) as error:
        trained_model(tmp_path)
    sentence = "models/mobilis.tar.gz: there is no model; train one with: mobilis train"
    assert str(error.value) == sentence
