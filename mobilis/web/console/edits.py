"""/console/edits: what admins changed of the directory and of the notices, and undoing it.

The history itself is mobilis/edits.py's; the pages of a coach and of a notice show the last of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from sqlalchemy.engine import Connection
from starlette.responses import Response

from mobilis import coaches, edits, notices, staff
from mobilis.coach_file import LISTS
from mobilis.content import fresh_content
from mobilis.edits import Difference, Edit
from mobilis.errors import ChatError, EditError
from mobilis.facets import fresh_vocabulary
from mobilis.settings import ROOT
from mobilis.web.console.gate import Page, Visit, plain

KINDS = {coaches.COACH.name: coaches.COACH, **notices.KINDS}
HERE = {"coach": "coaches", "notice": "notices", "link": "notices"}  # in the navigation
DONE = ("removed", "undone", "forgotten")
_NOTICE = "/notices/{kind}/{key}"
PATHS = {"coach": "/coaches/{key}/edit", "notice": _NOTICE, "link": _NOTICE}
PAGE_SIZE = 20


@dataclass(frozen=True)
class Told:
    """A change as a page shows it."""

    edit: Edit
    who: str  # empty: a command, or somebody who is there no more
    title: str  # of what was changed
    changes: list[Difference]  # lists in words
    why_not: str  # why it cannot be undone; empty: it can
    address: str  # of the page of what was changed; empty: it is not there


async def show(visit: Visit) -> Response:
    """GET /console/edits: the newest changes; `kind` and `key` narrow them."""
    query = visit.request.query_params
    kind, key = plain(query.get("kind")), plain(query.get("key"))
    before, done = query.get("before", ""), query.get("done", "")
    return await _page(
        visit,
        kind if kind in KINDS else "",
        key,
        int(before) if before.isdecimal() and len(before) < 10 else 0,
        done=done if done in DONE else "",
    )


async def undo(visit: Visit) -> Response:
    """POST /console/edits/{edit}/undo."""
    number = visit.request.path_params["edit"]
    if not (number.isdecimal() and len(number) < 10):
        raise ChatError("not_found", 404)
    try:
        edit = await visit.door.write(edits.undo, KINDS, visit.person.id, int(number))
    except EditError as error:
        if error.reason == "unknown":
            raise ChatError("not_found", 404) from None
        [found] = await visit.door.read(edits.find, 1, before=int(number) + 1)
        return await _page(visit, found.kind, found.key, status=409, problem=error.reason)
    return visit.back_to(f"/edits?{urlencode({'kind': edit.kind, 'key': edit.key})}&done=undone")


def tell(connection: Connection, found: Iterable[Edit], language: str) -> list[Told]:
    """Changes as a page shows them."""
    names = {person.id: person.name for person in staff.everyone(connection)}
    return [
        Told(
            edit=edit,
            who=names.get(edit.actor, ""),
            title=_title(edit, language),
            changes=in_words(edit.differences, language),
            why_not=_why_not(connection, edit),
            address=_address(connection, edit),
        )
        for edit in found
    ]


def in_words(changes: Iterable[Difference], language: str) -> list[Difference]:
    """Changed fields with the values of facets in words."""
    return [
        (field, _in_words(field, before, language), _in_words(field, after, language))
        for field, before, after in changes
    ]


def _why_not(connection: Connection, edit: Edit) -> str:
    """Why undoing would be refused."""
    kind = KINDS[edit.kind]
    try:
        kind.check(connection, edit.key, edits.restored(edit, kind.read(connection, edit.key)))
    except EditError as error:
        return error.reason
    return ""


def _title(edit: Edit, language: str) -> str:
    if edit.kind == "coach":
        return str((edit.after or edit.before or {}).get("name", edit.key))
    if edit.kind == "link":
        link = fresh_content(ROOT).links.get(edit.key)
        return link.title[language] if link else edit.key
    return edit.key


def _address(connection: Connection, edit: Edit) -> str:
    if KINDS[edit.kind].read(connection, edit.key) is None:
        return ""
    return PATHS[edit.kind].format(kind=edit.kind, key=edit.key)


def _in_words(field: str, value: Any, language: str) -> Any:
    """A value of a facet in words; all others as they are."""
    if field in LISTS and isinstance(value, list):
        return fresh_vocabulary(ROOT).titles(LISTS[field], value, language)
    return value


async def _page(
    visit: Visit,
    kind: str,
    key: str,
    before: int = 0,
    status: int = 200,
    problem: str = "",
    done: str = "",
) -> Response:
    told = await visit.door.read(_look, kind, key, before, visit.language)
    is_coach = kind == coaches.COACH.name and bool(key)
    asked = {name: value for name, value in (("kind", kind), ("key", key)) if value}
    more = len(told) > PAGE_SIZE
    return visit.show(
        "edits.html",
        status,
        here=HERE.get(kind, ""),
        told=told[:PAGE_SIZE],
        kind=kind,
        key=key,
        kinds=tuple(KINDS),
        problem=problem,
        done=done,
        may_forget=is_coach and await visit.door.read(coaches.may_forget, key),
        is_first=not before,
        newest_first=urlencode(asked),
        older=urlencode({**asked, "before": told[PAGE_SIZE - 1].edit.id}) if more else "",
    )


def _look(connection: Connection, kind: str, key: str, before: int, language: str) -> list[Told]:
    found = edits.find(connection, PAGE_SIZE + 1, kind, key, before)
    return tell(connection, found, language)


PAGES = (
    Page("/edits", show, "admin"),
    Page("/edits/{edit}/undo", undo, "admin", "POST"),
)
