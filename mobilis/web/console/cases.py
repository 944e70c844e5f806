"""/console/cases/{id}: one case, what staff do with it, its printed form; /console/mentions.

What is done and what is read are mobilis/casework.py's and mobilis/casefile.py's.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode

from sqlalchemy.engine import Connection
from starlette.responses import Response

from mobilis import casework, mentions
from mobilis.casefile import CaseFile, read_file
from mobilis.cases import CLOSE_REASONS, STATUSES, Weights, project
from mobilis.dates import day_of
from mobilis.errors import CaseError, ChatError
from mobilis.neighbours import Neighbours, neighbours
from mobilis.priority import read_weights
from mobilis.queue import read_filters
from mobilis.staff import Person
from mobilis.store import now
from mobilis.web.console.gate import Page, Visit

SECTIONS = ("status", "owner", "follow-up", "tags", "notes", "mails", "merge")
FROM_LENGTH = 2000


@dataclass(frozen=True)
class _Said:
    """What a page says about a form that was just sent."""

    section: str = ""  # one of SECTIONS
    problem: str = ""
    draft: str = ""  # what was typed and not kept


@dataclass(frozen=True)
class _Around:
    """What a case's forms offer: tags in use, colleagues, how they can be mentioned; and the cases
    beside it in the queue."""

    tags: list[str]
    colleagues: list[Person]
    handles: list[str]
    beside: Neighbours


async def show_case(visit: Visit) -> Response:
    """GET /console/cases/{id}."""
    done = visit.request.query_params.get("done", "")
    return await _show(visit, _Said(done if done in SECTIONS else ""))


async def print_case(visit: Visit) -> Response:
    """GET /console/cases/{id}/print: all of it, without navigation or forms."""
    file = await read_case_file(visit)
    return visit.show("case_print.html", file=file, moment=now(), back=came_from(visit))


async def see_others(visit: Visit) -> Response:
    """GET /console/cases/{id}/presence: who else has the case open now; asked every 20 seconds."""
    return visit.show("case_presence.html", others=_meet(visit))


async def set_status(visit: Visit) -> Response:
    """POST /console/cases/{id}/status."""
    given = visit.field("seen"), visit.field("status"), visit.field("reason")
    return await _do(visit, "status", casework.set_status, *given, weights_of(visit))


async def set_owner(visit: Visit) -> Response:
    """POST /console/cases/{id}/owner."""
    given = visit.field("seen"), visit.field("owner")
    return await _do(visit, "owner", casework.set_owner, *given)


async def set_follow_up(visit: Visit) -> Response:
    """POST /console/cases/{id}/follow-up; without a day: none."""
    said = _Said("follow-up")
    text = "" if visit.field("clear") else visit.field("day")
    try:
        day = date.fromisoformat(text) if text else None
    except ValueError:
        return await _show(visit, replace(said, problem="day"), 422)
    return await _do(visit, said.section, casework.set_follow_up, visit.field("seen"), day)


async def change_tags(visit: Visit) -> Response:
    """POST /console/cases/{id}/tags: add `add` or take off `remove`."""
    if visit.field("remove"):
        return await _do(visit, "tags", casework.remove_tag, visit.field("remove"))
    tag = visit.field("add")
    return await _do(visit, "tags", casework.add_tag, tag, draft=tag)


async def add_note(visit: Visit) -> Response:
    """POST /console/cases/{id}/notes."""
    text = visit.field("text")
    return await _do(visit, "notes", casework.add_note, text, visit.field("key"), draft=text)


async def merge(visit: Visit) -> Response:
    """POST /console/cases/{id}/merge: close it as a duplicate of another."""
    into = visit.field("into")
    given = visit.field("seen"), into, weights_of(visit)
    return await _do(visit, "merge", casework.merge, *given, draft=into)


async def unmerge(visit: Visit) -> Response:
    """POST /console/cases/{id}/unmerge."""
    return await _do(visit, "merge", casework.unmerge, visit.field("seen"), weights_of(visit))


async def show_mentions(visit: Visit) -> Response:
    """GET /console/mentions: the notes that mention who is signed in."""
    found = await visit.door.read(mentions.of_person, visit.person.id)
    return visit.show("mentions.html", here="mentions", found=found)


async def _do(
    visit: Visit, section: str, deed: Callable[..., Any], *given: Any, draft: str = ""
) -> Response:
    """Do something to the case, then show it; a refusal says why, above what was typed."""
    try:
        await visit.door.write(deed, visit.person, case_id(visit), *given)
    except CaseError as error:
        said = _Said(section, error.reason, draft)
        return await _show(visit, said, 409 if error.reason == "stale" else 422)
    query = {"done": section, **({"from": came_from(visit)} if came_from(visit) else {})}
    return visit.back_to(f"/cases/{case_id(visit)}?{urlencode(query)}#{section}")


async def _show(visit: Visit, said: _Said, status: int = 200) -> Response:
    file = await read_case_file(visit)
    around = await visit.door.read(_look_around, visit.person, case_id(visit), came_from(visit))
    return visit.show(
        "case.html",
        status,
        here="queue",
        file=file,
        said=said,
        note_key=str(uuid.uuid4()),
        around=around,
        back=came_from(visit),
        others=_meet(visit),
        is_there=visit.door.hub.is_heard(case_id(visit)),
        sends=visit.door.postman.office.sends,
        statuses=STATUSES,
        close_reasons=CLOSE_REASONS,
        tomorrow=(day_of(now()) + timedelta(days=1)).isoformat(),
    )


async def read_case_file(visit: Visit) -> CaseFile:
    """The file of the case, which notes that it was read.

    Raises:
        ChatError: not_found.
    """
    file = await visit.door.write(_open, visit.person, case_id(visit), weights_of(visit))
    if file is None:
        raise ChatError("not_found", 404)
    return file


def _open(
    connection: Connection, person: Person, case_id: str, weights: Weights
) -> CaseFile | None:
    file = read_file(connection, person, case_id, weights)
    if file is None and project(connection, case_id, weights):  # younger than the projector's look
        file = read_file(connection, person, case_id, weights)
    if file is not None and person.may("act"):
        casework.read_case(connection, person, case_id, file.position)
    return file


def _look_around(connection: Connection, person: Person, case_id: str, came_from: str) -> _Around:
    colleagues = casework.colleagues(connection)
    filters = read_filters(dict(parse_qsl(came_from)))
    return _Around(
        casework.tags_in_use(connection),
        colleagues,
        mentions.handles(colleagues),
        neighbours(connection, filters, person, case_id),
    )


def _meet(visit: Visit) -> list[str]:
    return visit.door.presence.meet(case_id(visit), visit.person.id, visit.person.name)


def case_id(visit: Visit) -> str:
    return str(visit.request.path_params["id"])


def came_from(visit: Visit) -> str:
    """The query of the queue that somebody came from, as it was given."""
    given = visit.field("from") or visit.request.query_params.get("from", "")
    return given if len(given) <= FROM_LENGTH and given.isprintable() else ""


def weights_of(visit: Visit) -> Weights:
    return read_weights(visit.door.settings.priority)


PAGES = (
    Page("/cases/{id}", show_case, "read"),
    Page("/cases/{id}/print", print_case, "read"),
    Page("/cases/{id}/presence", see_others, "read", idle=True),
    Page("/cases/{id}/status", set_status, "act", "POST"),
    Page("/cases/{id}/owner", set_owner, "act", "POST"),
    Page("/cases/{id}/follow-up", set_follow_up, "act", "POST"),
    Page("/cases/{id}/tags", change_tags, "act", "POST"),
    Page("/cases/{id}/notes", add_note, "act", "POST"),
    Page("/cases/{id}/merge", merge, "act", "POST"),
    Page("/cases/{id}/unmerge", unmerge, "act", "POST"),
    Page("/mentions", show_mentions, "act"),
)
