"""/console/cases/{id}/live: a conversation as it goes on, and a person in place of the assistant.

The page asks again every two seconds for what was said; without JavaScript it is read again by a
link. What is done is mobilis/takeover.py's.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy.engine import Connection
from starlette.responses import Response

from mobilis import casework, takeover
from mobilis.casefile import Entry, read_after
from mobilis.cases import Weights, project
from mobilis.conversations import find_conversation
from mobilis.errors import CaseError, ChatError
from mobilis.staff import Person
from mobilis.takeover import TEXT_LENGTH, Held
from mobilis.web.console.cases import case_id, weights_of
from mobilis.web.console.gate import Page, Visit

SHOWN = 40  # messages that the page begins with
STOP_ASKING = 286  # what htmx takes for: this part is not to be asked for again


@dataclass(frozen=True)
class Live:
    """A conversation as the page shows it; `position` is that of the newest message."""

    entries: tuple[Entry, ...]
    position: int
    language: str
    channel: str
    held: Held | None


async def show_live(visit: Visit) -> Response:
    """GET /console/cases/{id}/live."""
    return await _show(visit)


async def see_news(visit: Visit) -> Response:
    """GET /console/cases/{id}/live/news?after=: the messages since a position."""
    given = visit.request.query_params.get("after", "")
    after = int(given) if given.isdecimal() and given.isascii() and len(given) < 10 else 0
    try:
        live = await visit.door.read(_look, case_id(visit), after)
    except ChatError:
        if not _asks_for_a_part(visit):
            raise
        return visit.show("live_gone.html", STOP_ASKING)
    if live.entries or (live.held and live.held.is_due(visit.person)):
        await visit.door.write(_note, visit.person, case_id(visit), live, weights_of(visit))
    if not live.entries:
        return Response(status_code=204)
    return visit.show("live_news.html", id=case_id(visit), live=live)


async def see_state(visit: Visit) -> Response:
    """GET /console/cases/{id}/live/state: who has the conversation, and whether the visitor is
    there."""
    live = await visit.door.read(_look, case_id(visit), None)
    return visit.show("live_state.html", id=case_id(visit), live=live, is_there=_is_there(visit))


async def join(visit: Visit) -> Response:
    """POST /console/cases/{id}/join."""
    given = visit.field("holder"), visit.door.wording.takeover, weights_of(visit)
    try:
        await visit.door.write(takeover.join, visit.person, case_id(visit), *given)
    except CaseError as error:
        return await _show(visit, error.reason, status=409)
    return _done(visit)


async def say(visit: Visit) -> Response:
    """POST /console/cases/{id}/say."""
    text = visit.field("text")
    given = visit.field("message"), text, weights_of(visit)
    try:
        await visit.door.write(takeover.speak, visit.person, case_id(visit), *given)
    except CaseError as error:
        status = 409 if error.reason == "not_held" else 422
        if _asks_for_a_part(visit):
            live = await visit.door.read(_look, case_id(visit), None)
            return _form(visit, live, error.reason, text, status)
        return await _show(visit, error.reason, text, status)
    if _asks_for_a_part(visit):
        visit.door.told(case_id(visit))
        response = _form(visit, await visit.door.read(_look, case_id(visit), None))
        response.headers["HX-Trigger"] = "said"
        return response
    return _done(visit)


async def hand_back(visit: Visit) -> Response:
    """POST /console/cases/{id}/hand-back."""
    summary = visit.field("summary")
    given = summary, visit.door.wording.takeover, weights_of(visit)
    try:
        await visit.door.write(takeover.hand_back, visit.person, case_id(visit), *given)
    except CaseError as error:
        status = 409 if error.reason == "not_held" else 422
        return await _show(visit, error.reason, summary=summary, status=status)
    visit.door.told(case_id(visit))
    return visit.back_to(f"/cases/{case_id(visit)}#told")


def _done(visit: Visit) -> Response:
    visit.door.told(case_id(visit))
    return visit.back_to(f"/cases/{case_id(visit)}/live")


def _form(
    visit: Visit, live: Live, problem: str = "", text: str = "", status: int = 200
) -> Response:
    """The part of the page in which staff write."""
    more = {"problem": problem, "draft": text, "message": uuid.uuid4().hex, "limit": TEXT_LENGTH}
    return visit.show("live_form.html", status, id=case_id(visit), live=live, **more)


async def _show(
    visit: Visit, problem: str = "", text: str = "", status: int = 200, summary: str = ""
) -> Response:
    live = await visit.door.write(_open, visit.person, case_id(visit), weights_of(visit))
    return visit.show(
        "live.html",
        status,
        here="queue",
        id=case_id(visit),
        live=live,
        is_there=_is_there(visit),
        problem=problem,
        draft=text,
        summary=summary,
        message=uuid.uuid4().hex,
        limit=TEXT_LENGTH,
    )


def _open(connection: Connection, person: Person, conversation_id: str, weights: Weights) -> Live:
    live = _look(connection, conversation_id, 0)
    _note(connection, person, conversation_id, live, weights)
    return Live(live.entries[-SHOWN:], live.position, live.language, live.channel, live.held)


def _look(connection: Connection, conversation_id: str, after: int | None) -> Live:
    """The conversation now, with the messages after a position; None: with none.

    Raises:
        ChatError: not_found.
    """
    conversation = find_conversation(connection, conversation_id)
    if conversation is None:
        raise ChatError("not_found", 404)
    entries = () if after is None else read_after(connection, conversation_id, after)
    return Live(
        entries,
        conversation.position,
        conversation.language,
        conversation.channel,
        takeover.held(connection, conversation_id),
    )


def _note(
    connection: Connection, person: Person, conversation_id: str, live: Live, weights: Weights
) -> None:
    """The page is open, and what is new in it has been read."""
    takeover.note_seen(connection, person, conversation_id)
    if live.entries:
        project(connection, conversation_id, weights)  # it is younger than the projector's look
        casework.read_case(connection, person, conversation_id, live.position)


def _is_there(visit: Visit) -> bool:
    return visit.door.hub.is_heard(case_id(visit))


def _asks_for_a_part(visit: Visit) -> bool:
    return "hx-request" in visit.request.headers


PAGES = (
    Page("/cases/{id}/live", show_live, "act"),
    Page("/cases/{id}/live/news", see_news, "act", idle=True),
    Page("/cases/{id}/live/state", see_state, "act", idle=True),
    Page("/cases/{id}/join", join, "act", "POST"),
    Page("/cases/{id}/say", say, "act", "POST"),
    Page("/cases/{id}/hand-back", hand_back, "act", "POST"),
)
