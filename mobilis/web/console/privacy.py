"""/console/privacy: what grows old, and a person everywhere: found, exported, erased. For admins.

Whoever is looked for travels in forms alone, never in an address, which logs and histories keep.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Connection
from starlette.responses import Response

from mobilis import audit, persons
from mobilis.dates import day_of, local, local_day
from mobilis.persons import Found
from mobilis.privacy import Counts
from mobilis.retention import APPLIED, Periods, Preview, preview
from mobilis.store import now
from mobilis.web.console.gate import Page, Visit

CONFIRMED = "yes"


@dataclass(frozen=True)
class Erasing:
    """What the retention would erase now, and when it last ran."""

    preview: Preview
    last: datetime | None


async def show(visit: Visit) -> Response:
    """GET /console/privacy: what is kept how long, and the form that looks for a person."""
    erased = visit.request.query_params.get("erased", "")
    return await _page(visit, erased=erased if erased.isdecimal() and len(erased) < 4 else None)


async def find(visit: Visit) -> Response:
    """POST /console/privacy/find: the conversations of a person."""
    wanted = visit.field("wanted")
    found = await visit.door.write(_find, visit.person.id, wanted)
    return await _page(visit, wanted=wanted, found=[_told(one, visit.language) for one in found])


async def read(visit: Visit) -> Response:
    """POST /console/privacy/kept: everything that is kept of the chosen conversations."""
    ids = _chosen(visit)
    if not ids:
        return await _page(visit, problem="nothing_chosen", status=422)
    kept = await visit.door.write(persons.read, visit.person.id, ids)
    tables = {
        name: [json.dumps(row, ensure_ascii=False, indent=2) for row in rows]
        for name, rows in kept["tables"].items()
    }
    return visit.show("privacy_kept.html", here="privacy", ids=ids, tables=tables)


async def export(visit: Visit) -> Response:
    """POST /console/privacy/export: the same as one JSON file."""
    ids = _chosen(visit)
    if not ids:
        return await _page(visit, problem="nothing_chosen", status=422)
    text = await visit.door.write(persons.export, visit.person.id, ids)
    name = f"mobilis-person-{day_of(now()).isoformat()}.json"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text, media_type="application/json", headers=headers)


async def erase(visit: Visit) -> Response:
    """POST /console/privacy/erase: asks whether it is meant, then erases for good."""
    ids = _chosen(visit)
    if not ids:
        return await _page(visit, problem="nothing_chosen", status=422)
    if visit.field("confirmed") != CONFIRMED:
        rows = await visit.door.read(_rows, ids)
        asked = visit.field("asked") == CONFIRMED
        more = {"ids": ids, "rows": rows, "problem": "not_confirmed" if asked else ""}
        return visit.show("privacy_erase.html", 422 if asked else 200, here="privacy", **more)
    await visit.door.erase(persons.erase, visit.person.id, ids)
    for id in ids:
        visit.door.hub.news(id)
        visit.door.worker.sweep_later(id)
    return visit.back_to(f"/privacy?erased={len(ids)}")


def _find(connection: Connection, actor: str, wanted: str) -> list[Found]:
    found = persons.find(connection, wanted)
    persons.note_found(connection, actor, found)
    return found


def _rows(connection: Connection, ids: Sequence[str]) -> Counts:
    tables = persons.everything(connection, ids)["tables"]
    return {name: len(rows) for name, rows in tables.items()}


def _chosen(visit: Visit) -> list[str]:
    """The conversations that were ticked."""
    given = [value for value in visit.form.getlist("conversation") if isinstance(value, str)]
    return list(dict.fromkeys(given))[: persons.MOST]


def _told(found: Found, language: str) -> dict[str, Any]:
    """What the page shows of a conversation that was found."""
    return {
        **vars(found),
        "sure": found.sure,
        "opened": local(found.opened_at, language),
        "last": local(found.last_at, language),
    }


async def _page(visit: Visit, status: int = 200, **given: Any) -> Response:
    door, language = visit.door, visit.language
    erasing = await door.read(_erasing, door.retention.periods)
    next_at, oldest = door.retention.next_at, erasing.preview.oldest
    values = {"found": None, "wanted": "", "problem": "", "erased": None, **given}
    return visit.show(
        "privacy.html",
        status,
        here="privacy",
        periods=door.retention.periods,
        due=erasing.preview,
        rows={name: count for name, count in erasing.preview.rows.items() if count},
        oldest=local_day(oldest, language) if oldest else None,
        next_run=local(next_at, language) if next_at else None,
        last_run=local(erasing.last, language) if erasing.last else None,
        **values,
    )


def _erasing(connection: Connection, periods: Periods) -> Erasing:
    return Erasing(preview(connection, periods, now()), audit.last_time(connection, APPLIED))


PAGES = (
    Page("/privacy", show, "admin"),
    Page("/privacy/find", find, "admin", "POST"),
    Page("/privacy/kept", read, "admin", "POST"),
    Page("/privacy/export", export, "admin", "POST"),
    Page("/privacy/erase", erase, "admin", "POST"),
)
