"""Days and times as staff read them, in Toronto."""

from __future__ import annotations

from datetime import date, datetime, timezone

import pytest

from mobilis.dates import day_of, in_words, local, local_day, read_day, span, start_of

N = "\u00a0"


def utc(*at: int) -> datetime:
    return datetime(*at, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("moment", "french", "english"),
    [
        (utc(2026, 11, 26, 19, 5), f"26 nov. 2026, 14{N}h{N}05", f"Nov. 26, 2026, 2:05{N}p.m."),
        (utc(2026, 7, 1, 4, 0), f"1er juill. 2026, 0{N}h", f"July 1, 2026, 12{N}a.m."),
        (utc(2026, 7, 1, 16, 0), f"1er juill. 2026, 12{N}h", f"July 1, 2026, 12{N}p.m."),
        (utc(2026, 1, 1, 2, 30), f"31 déc. 2025, 21{N}h{N}30", f"Dec. 31, 2025, 9:30{N}p.m."),
    ],
)
def test_a_moment_is_told_as_people_write_it(moment, french, english):
    assert local(moment, "fr") == french
    assert local(moment, "en") == english


def test_a_day_is_told_without_its_time():
    assert local_day(utc(2026, 3, 1, 12), "fr") == "1er mars 2026"
    assert in_words(date(2026, 5, 2), "en") == "May 2, 2026"


@pytest.mark.parametrize("day", [date(2026, 3, 8), date(2026, 11, 1), date(2026, 6, 1)])
def test_a_day_begins_at_midnight_in_toronto_also_when_clocks_change(day):
    assert day_of(start_of(day)) == day
    assert local(start_of(day), "en").endswith(f"12{N}a.m.")


def test_days_that_follow_each_other_are_told_once_with_the_year() -> None:
    first, last = date(2026, 10, 29), date(2026, 11, 1)
    assert span(first, last, "fr") == "du 29 oct. au 1er nov. 2026"
    assert span(first, last, "en") == "Oct. 29 to Nov. 1, 2026"
    assert span(date(2025, 12, 31), date(2026, 1, 1), "en") == "Dec. 31, 2025 to Jan. 1, 2026"
    assert span(first, first, "fr") == "29 oct. 2026"


def test_a_day_is_read_as_it_is_written_and_nothing_else_is_one() -> None:
    assert read_day("2026-11-26") == date(2026, 11, 26)
    for given in ("", "26/11/2026", "2026-02-30", "1999-12-31", "3000-01-01", "<b>"):
        assert read_day(given) is None
