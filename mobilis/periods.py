"""Which conversations and days figures are of, as an address can say; and the steps in which a
period is shown.

Days are Toronto's. Called by mobilis/figures.py and the page of figures; knows no database.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from mobilis.content import LANGUAGES
from mobilis.dates import read_day
from mobilis.facets import FACETS
from mobilis.queue import CHANNELS

PERIODS = ("7", "30", "90", "year")  # the last days, or the year so far
PERIOD = "30"
LONGEST = 1100  # days of a period
WEEKS_AT_MOST = 400  # days of a period that is shown by week
KNOWN: Mapping[str, Sequence[str]] = {
    "language": LANGUAGES,
    "channel": CHANNELS,
    "topic": FACETS["topic"],
    "region": FACETS["region"],
}


@dataclass(frozen=True)
class Filters:
    """Which conversations, and which days of Toronto; both ends are included."""

    since: date
    until: date
    period: str = ""  # of PERIODS; none: days of one's own
    language: str = ""
    channel: str = ""
    topic: str = ""
    region: str = ""

    @property
    def length(self) -> int:
        """How many days."""
        return (self.until - self.since).days + 1

    def query(self, **changes: str) -> str:
        """This as the query of an address, with something changed."""
        changed = replace(self, **changes)  # type: ignore[arg-type]
        said: dict[str, Any] = {"since": changed.since, "until": changed.until}
        if changed.period:
            said = {} if changed.period == PERIOD else {"period": changed.period}
        kept = {name: getattr(changed, name) for name in KNOWN if getattr(changed, name)}
        return urlencode({**said, **kept})


def read_filters(query: Mapping[str, str], today: date) -> tuple[Filters, str]:
    """The filters that an address holds, and what is wrong with its days: "reversed", "future",
    "too_long" or nothing.

    What it says of nothing known is ignored. Wrong days give the usual period.
    """
    given = {name: query.get(name, "") for name in KNOWN}
    known = {name: value for name, value in given.items() if value in KNOWN[name]}
    period = query.get("period", "")
    usual = _of_period(period if period in PERIODS else PERIOD, today, known)
    since, until = (read_day(query.get(name, "").strip()) for name in ("since", "until"))
    if not since and not until:
        return usual, ""
    last = min(until or today, today)
    own = Filters(since or last - timedelta(days=int(PERIOD) - 1), last, **known)
    wrong = _wrong(own, since, until, today)
    return (usual, wrong) if wrong else (own, "")


def _of_period(period: str, today: date, known: Mapping[str, str]) -> Filters:
    if period == "year":
        return Filters(today.replace(month=1, day=1), today, period, **known)
    return Filters(today - timedelta(days=int(period) - 1), today, period, **known)


def _wrong(own: Filters, since: date | None, until: date | None, today: date) -> str:
    if since and until and since > until:
        return "reversed"
    if own.since > today:
        return "future"
    return "too_long" if own.length > LONGEST else ""


@dataclass(frozen=True)
class Step:
    """Days that are counted together; the first and last ones of a period may be fewer."""

    first: date
    last: date


Steps = tuple[Step, ...]


def steps_of(filters: Filters, days_at_most: int) -> Steps:
    """The period day by day, or by week when it has more days, or by month when it is very long."""
    is_short = filters.length <= days_at_most
    size = "day" if is_short else "week" if filters.length <= WEEKS_AT_MOST else "month"
    found: list[Step] = []
    first = filters.since
    while first <= filters.until:
        last = min(_last_of(first, size), filters.until)
        found.append(Step(first, last))
        first = last + timedelta(days=1)
    return tuple(found)


def _last_of(day: date, size: str) -> date:
    if size == "month":
        return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    return day + timedelta(days=6 - day.weekday()) if size == "week" else day
