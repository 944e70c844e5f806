"""Days and times of staff: everything is kept in UTC and shown, or asked for, in Toronto's time.

Words are in content/console/dates.yml. Called by the console's pages and by mobilis/casework.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

from mobilis.content import Text, both_languages, read_yaml
from mobilis.settings import ROOT

FILE = "content/console/dates.yml"
ZONE = ZoneInfo("America/Toronto")


def local(moment: datetime, language: str) -> str:
    """A moment in Toronto: « 26 nov. 2026, 14 h 05 », "Nov. 26, 2026, 2:05 p.m."."""
    here = moment.astimezone(ZONE)
    return _words()["moment"][language].format(
        day=in_words(here.date(), language), time=_time(here, language)
    )


def local_day(moment: datetime, language: str) -> str:
    """The day of a moment in Toronto: « 26 nov. 2026 », "Nov. 26, 2026"."""
    return in_words(day_of(moment), language)


def in_words(day: date, language: str) -> str:
    """A day: « 1er nov. 2026 », "Nov. 1, 2026"."""
    words = _words()
    month = words[f"month_{day.month}"][language]
    key = "day_first" if day.day == 1 else "day"
    return words[key][language].format(day=day.day, month=month, year=day.year)


def in_short(day: date, language: str) -> str:
    """A day of a year that is known: « 1er nov. », "Nov. 1"."""
    words = _words()
    month = words[f"month_{day.month}"][language]
    key = "short_first" if day.day == 1 else "short"
    return words[key][language].format(day=day.day, month=month)


def span(first: date, last: date, language: str) -> str:
    """Days that follow each other: « du 29 oct. au 4 nov. 2026 », "Oct. 29 to Nov. 4, 2026"."""
    if first == last:
        return in_words(first, language)
    begin = in_short if first.year == last.year else in_words
    days = {"first": begin(first, language), "last": in_words(last, language)}
    return _words()["span"][language].format(**days)


def read_day(given: str) -> date | None:
    """A day as an address or a form gives it: "2026-11-26"; none when it is not one of ours."""
    try:
        day = date.fromisoformat(given)
    except ValueError:
        return None
    return day if 2000 <= day.year <= 2999 else None


def day_of(moment: datetime) -> date:
    """The day that it is in Toronto."""
    return moment.astimezone(ZONE).date()


def start_of(day: date) -> datetime:
    """When a day begins in Toronto, in UTC."""
    return datetime.combine(day, time(), ZONE).astimezone(timezone.utc)


def _time(here: datetime, language: str) -> str:
    """The time of day; minutes are left out on the hour."""
    key = "pm" if here.hour >= 12 else "am"
    key += "" if here.minute else "_whole"
    hour = here.hour if language == "fr" else here.hour % 12 or 12
    return _words()[key][language].format(hour=hour, minute=f"{here.minute:02}")


@lru_cache(maxsize=1)
def _words() -> Mapping[str, Text]:
    data = read_yaml(ROOT, FILE)
    return {key: both_languages(FILE, key, value) for key, value in data.items()}
