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
