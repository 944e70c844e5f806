"""/console/audit: who of staff did what, to what, when; and whether the log is whole."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from sqlalchemy.engine import Connection, Row
from starlette.responses import Response

from mobilis import audit, staff
from mobilis.audit import Break, Search, Witness
from mobilis.dates import start_of
from mobilis.web.console.gate import Page, Visit, plain
from mobilis.web.console.layout import stamp

PAGE_SIZE = 50
FILTERS = ("actor", "action", "subject", "since", "until")


async def read_log(visit: Visit) -> Response:
    """GET /console/audit: the newest entries first."""
    return await _show(visit)


async def verify(visit: Visit) -> Response:
    """POST /console/audit/verify: whether the chain holds, shown above the log."""
    broken, newest = await visit.door.read(_verify)
    detail = {"holds": broken is None}
    await visit.door.write(audit.record, visit.person.id, "audit.verified", "audit", detail)
    return await _show(visit, verified=True, broken=broken, newest=newest)


def _verify(connection: Connection) -> tuple[Break | None, Witness | None]:
    return audit.verify(connection), audit.last(connection)


async def _show(visit: Visit, **more: Any) -> Response:
    given = {name: plain(visit.request.query_params.get(name)).strip() for name in FILTERS}
    before = visit.request.query_params.get("before", "")
    since, until = _day(given["since"]), _day(given["until"])
    search = Search(
        actor=given["actor"],
        action=given["action"],
        subject=given["subject"],
        since=_begins(since),
        until=_begins(until + timedelta(days=1) if until else None),
        before=int(before) if before.isdecimal() and len(before) < 10 else 0,
    )
    rows, actions, names = await visit.door.read(_look, search)
    asked = {name: value for name, value in given.items() if value}
    more_there = len(rows) > PAGE_SIZE
    values = {
        "entries": [_shown(row, names) for row in rows[:PAGE_SIZE]],
        "given": given,
        "wrong_day": any(given[name] and not _day(given[name]) for name in ("since", "until")),
        "actions": actions,
        "names": names,
        "is_first": not search.before,
        "newest_first": urlencode(asked),
        "older": urlencode({**asked, "before": rows[PAGE_SIZE - 1].number}) if more_there else "",
        "verified": False,
    }
    return visit.show("audit.html", here="audit", **{**values, **more})


def _look(
    connection: Connection, search: Search
) -> tuple[list[Row[Any]], list[str], dict[str, str]]:
    names = {person.id: person.name for person in staff.everyone(connection)}
    return audit.find(connection, search, PAGE_SIZE + 1), audit.actions(connection), names


def _shown(row: Row[Any], names: dict[str, str]) -> dict[str, Any]:
    """An entry as the page shows it; a person of staff by name, who or whom it is about."""
    kind, _, subject = row.subject.partition(":")
    return {
        "number": row.number,
        "at": _when(row.at),
        "actor": row.actor,
        "who": names.get(row.actor, ""),
        "action": row.action,
        "subject": row.subject,
        "whom": names.get(subject, "") if kind == "staff" else "",
        "detail": "" if row.detail == "{}" else row.detail,
    }


def _when(at: str) -> str:
    try:
        return stamp(datetime.fromisoformat(at))
    except ValueError:  # somebody has changed it
        return at


def _day(text: str) -> date | None:
    """A day as a form gives it; None when it is none, or of no use."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 2000 <= day.year < 2200 else None


def _begins(day: date | None) -> datetime | None:
    return start_of(day) if day else None


PAGES = (
    Page("/audit", read_log, "admin"),
    Page("/audit/verify", verify, "admin", "POST"),
)
