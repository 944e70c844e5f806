"""/console/notices: the assistant's notices and the programme's addresses, for admins.

What may be said, and what is said in a file's place, is mobilis/notices.py's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import Connection
from starlette.responses import Response

from mobilis import edits, notices
from mobilis.content import LANGUAGES, NOTICE_LENGTH, Content, fresh_content
from mobilis.edits import State
from mobilis.errors import ChatError, EditError
from mobilis.notices import LINK, NOTICE, URL_LENGTH, Item
from mobilis.settings import ROOT
from mobilis.text import single_spaced
from mobilis.web.console.edits import Told, tell
from mobilis.web.console.gate import Page, Visit, plain

DONE = ("saved", "reset")
SHOWN_EDITS = 3


@dataclass(frozen=True)
class Known:
    """What can be edited, with the last of its history."""

    item: Item
    history: list[Told]


async def show(visit: Visit) -> Response:
    """GET /console/notices: all of them."""
    content = fresh_content(ROOT)
    found = await visit.door.read(notices.items, content)
    return visit.show("notices.html", here="notices", items=found, content=content)


async def ask(visit: Visit) -> Response:
    """GET /console/notices/{kind}/{key}."""
    known = await _known(visit)
    done = visit.request.query_params.get("done", "")
    return _form(visit, known, known.item.state, done=done if done in DONE else "")


async def save(visit: Visit) -> Response:
    """POST /console/notices/{kind}/{key}; with `preview`, shows it and keeps nothing."""
    known = await _known(visit)
    item, given, seen = known.item, _given(visit, known.item), visit.field("seen")
    problems = notices.problems(item.kind, given, fresh_content(ROOT), item.key)
    if problems:
        return _form(visit, known, given, status=422, problems=problems, seen=seen)
    if visit.field("preview"):
        return _form(visit, known, given, seen=seen, preview=True)
    return await _keep(visit, "saved", given, known)


async def reset(visit: Visit) -> Response:
    """POST /console/notices/{kind}/{key}/reset: back to what the file says."""
    known = await _known(visit)
    return await _keep(visit, "reset", known.item.file, known)


async def _keep(visit: Visit, done: str, state: State, known: Known) -> Response:
    item = known.item
    given = item.kind, item.key, visit.field("seen")
    try:
        await visit.door.write(notices.save, visit.person.id, *given, state)
    except EditError as error:
        return _form(visit, await _known(visit), state, status=409, refused=error.reason)
    return visit.back_to(f"/notices/{item.kind}/{item.key}?done={done}")


def _given(visit: Visit, item: Item) -> dict[str, Any]:
    """The form as a state."""
    texts = {code: single_spaced(visit.field(code)) for code in LANGUAGES}
    if item.kind == LINK.name:
        return {code: text or None for code, text in texts.items()}
    return {**texts, "shown": visit.field("shown") == "yes"}


async def _known(visit: Visit) -> Known:
    kind = plain(visit.request.path_params["kind"])
    key = plain(visit.request.path_params["key"])
    known = await visit.door.read(_look, fresh_content(ROOT), kind, key, visit.language)
    if known is None:
        raise ChatError("not_found", 404)
    return known


def _look(
    connection: Connection, content: Content, kind: str, key: str, language: str
) -> Known | None:
    item = notices.find_item(connection, content, kind, key)
    if item is None:
        return None
    found = edits.find(connection, SHOWN_EDITS, kind, key)
    return Known(item, tell(connection, found, language))


def _form(
    visit: Visit,
    known: Known,
    given: State,
    status: int = 200,
    problems: Mapping[str, str] | None = None,
    seen: str = "",
    refused: str = "",
    preview: bool = False,
    done: str = "",
) -> Response:
    content, item = fresh_content(ROOT), known.item
    return visit.show(
        "notices_form.html",
        status,
        here="notices",
        item=item,
        history=known.history,
        given=given,
        problems=problems or {},
        seen=seen or item.revision,
        refused=refused,
        preview=preview,
        done=done,
        limit=NOTICE_LENGTH if item.kind == NOTICE.name else URL_LENGTH,
        link=content.links.get(item.key) if item.kind == LINK.name else None,
        said_with=notices.said_with(content, item.kind, item.key),
    )


PAGES = (
    Page("/notices", show, "admin"),
    Page("/notices/{kind}/{key}", ask, "admin"),
    Page("/notices/{kind}/{key}", save, "admin", "POST"),
    Page("/notices/{kind}/{key}/reset", reset, "admin", "POST"),
)
