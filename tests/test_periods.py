"""Periods of figures: what an address says of them, and their steps."""

from __future__ import annotations

from datetime import date, timedelta
from urllib.parse import parse_qsl

import pytest

from mobilis.periods import LONGEST, Filters, Step, read_filters, steps_of

TODAY = date(2026, 11, 26)


def test_the_usual_period_is_the_last_thirty_days() -> None:
    filters, wrong = read_filters({}, TODAY)
    assert (filters.since, filters.until, wrong) == (date(2026, 10, 28), TODAY, "")
    assert (filters.length, filters.query()) == (30, "")


@pytest.mark.parametrize(
    ("period", "since"),
    [("7", date(2026, 11, 20)), ("90", date(2026, 8, 29)), ("year", date(2026, 1, 1))],
)
def test_a_period_ends_today_whenever_its_address_is_opened(period: str, since: date) -> None:
    filters, wrong = read_filters({"period": period}, TODAY)
    assert (filters.since, filters.until, wrong) == (since, TODAY, "")
    assert filters.query() == f"period={period}"


@pytest.mark.parametrize(
    "said",
    [
        {"since": "2026-01-05", "until": "2026-02-01", "language": "fr"},
        {"period": "90", "channel": "slack", "topic": "housing", "region": "QC"},
        {"period": "7"},
    ],
)
def test_an_address_brings_back_the_same_filters(said: dict[str, str]) -> None:
    filters, _ = read_filters(said, TODAY)
    assert read_filters(dict(parse_qsl(filters.query())), TODAY) == (filters, "")


def test_what_an_address_says_of_nothing_known_is_ignored() -> None:
    said = {"period": "<b>", "language": "de", "channel": "fax", "topic": "'", "region": "ZZ"}
    said |= {"since": "yesterday", "until": "2026-02-30", "nonsense": "1"}
    assert read_filters(said, TODAY) == read_filters({}, TODAY)


@pytest.mark.parametrize(
    ("since", "until", "wrong"),
    [
        ("2026-11-20", "2026-11-19", "reversed"),
        ("2026-11-27", "", "future"),
        ("2020-01-01", "2026-01-01", "too_long"),
        ("2026-11-20", "2026-11-20", ""),
    ],
)
def test_days_that_cannot_be_are_told_and_give_the_usual_period(
    since: str, until: str, wrong: str
) -> None:
    filters, said = read_filters({"since": since, "until": until, "language": "en"}, TODAY)
    assert said == wrong
    assert filters.language == "en"
    assert filters.period == ("30" if wrong else "")


def test_days_after_today_are_not_counted() -> None:
    filters, _ = read_filters({"since": "2026-11-01", "until": "2026-12-31"}, TODAY)
    assert filters.until == TODAY
    filters, _ = read_filters({"until": "2026-11-10"}, TODAY)
    assert (filters.since, filters.length) == (date(2026, 10, 12), 30)


# --- steps


def test_a_long_period_is_shown_by_weeks_and_a_very_long_one_by_months() -> None:
    by_day = steps_of(Filters(date(2026, 11, 1), date(2026, 11, 30)), 92)
    assert len(by_day) == 30
    by_week = steps_of(Filters(date(2026, 11, 4), date(2026, 11, 25)), 14)
    assert by_week == (
        Step(date(2026, 11, 4), date(2026, 11, 8)),
        Step(date(2026, 11, 9), date(2026, 11, 15)),
        Step(date(2026, 11, 16), date(2026, 11, 22)),
        Step(date(2026, 11, 23), date(2026, 11, 25)),
    )
    by_month = steps_of(Filters(date(2024, 1, 15), date(2025, 3, 1)), 92)
    assert by_month[:2] == (
        Step(date(2024, 1, 15), date(2024, 1, 31)),
        Step(date(2024, 2, 1), date(2024, 2, 29)),
    )
    assert by_month[-1] == Step(date(2025, 3, 1), date(2025, 3, 1))


@pytest.mark.parametrize("length", [1, 14, 15, 92, 93, 400, 401, LONGEST])
@pytest.mark.parametrize("at_most", [14, 92, LONGEST])
def test_steps_hold_each_day_once(length: int, at_most: int) -> None:
    since = date(2024, 2, 27)
    steps = steps_of(Filters(since, since + timedelta(days=length - 1)), at_most)
    found = [step.first + timedelta(days=n) for step in steps for n in range(_length(step))]
    assert found == [since + timedelta(days=n) for n in range(length)]


def _length(step: Step) -> int:
    return (step.last - step.first).days + 1
