"""/console/cases/{id}/reply, /forward and /mails: e-mails from a case.

What is kept and sent is mobilis/mails.py's, what may be passed on to a coach mobilis/sharing.py's.
Without a server in the settings the same pages offer the text for one's own e-mail program, and
note that it was sent.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlencode

from sqlalchemy.engine import Connection
from starlette.responses import Response

from mobilis import mails
from mobilis.casefile import CaseFile, read_file
from mobilis.contact_details import is_address
from mobilis.content import LANGUAGES
from mobilis.errors import CaseError, ChatError
from mobilis.letters import BETWEEN_LANGUAGES, fresh_letters
from mobilis.settings import ROOT
from mobilis.sharing import (
    Addressee,
    Agreement,
    Draft,
    Left,
    addressees,
    draft_reply,
    pass_on,
    settle_agreement,
    what_was_left,
)
from mobilis.web.console.cases import came_from, case_id, read_case_file, weights_of
from mobilis.web.console.gate import Page, Visit

MAILTO_LENGTH = 1900  # what programs and systems pass on of an address


@dataclass(frozen=True)
class _Written:
    """What a form holds: from a letter, or as it was just sent."""

    language: str
    letter: str
    subject: str
    text: str
    key: str
    coach: str  # whom a letter speaks of; empty: whom the visitor asked for
    problem: str = ""


@dataclass(frozen=True)
class _Outside:
    """An e-mail for one's own program; `mailto` has the subject alone when the text is long."""

    mailto: str
    whole: bool


async def show_reply(visit: Visit) -> Response:
    """GET /console/cases/{id}/reply: a letter to start from, `?letter=` and `?language=`."""
    file = await read_case_file(visit)
    asked = visit.request.query_params
    letters = fresh_letters(ROOT).letters
    letter = asked.get("letter", "")
    letter = letter if letter in letters else next(iter(letters))
    language = asked.get("language", "")
    language = language if language in LANGUAGES else file.row["language"]
    coach = asked.get("coach", "")
    about = {**file.row, **({"coach_id": coach} if coach else {})}
    draft = await visit.door.read(draft_reply, about, visit.person, letter, language)
    written = _Written(language, letter, draft.subject, draft.text, _new_key(), coach)
    return _show_reply(visit, file, written)


async def send_reply(visit: Visit) -> Response:
    """POST /console/cases/{id}/reply: send it; without a server, `prepare` it or note it."""
    written = _Written(
        visit.field("language") if visit.field("language") in LANGUAGES else LANGUAGES[0],
        visit.field("letter"),
        visit.field("subject"),
        visit.field("text"),
        visit.field("key"),
        visit.field("coach"),
    )
    if visit.field("do") == "prepare":
        return _show_reply(visit, await read_case_file(visit), written)
    form = mails.Written(
        written.key,
        visit.field("seen"),
        visit.field("to"),
        written.language,
        written.subject,
        written.text,
    )
    given = (form, visit.door.postman.office, weights_of(visit))
    problem = await _do(visit, mails.reply, *given)
    if not problem:
        return _back(visit)
    written = replace(written, problem=problem)
    return _show_reply(visit, await read_case_file(visit), written, _status(problem))


async def show_forward(visit: Visit) -> Response:
    """GET /console/cases/{id}/forward: what would be passed on, to the coach of `?coach=`."""
    return await _show_forward(visit, visit.request.query_params.get("coach"))


async def send_forward(visit: Visit) -> Response:
    """POST /console/cases/{id}/forward: exactly what was shown."""
    chosen = mails.Chosen(
        key=visit.field("key"),
        seen=visit.field("seen"),
        coach_id=visit.field("coach"),
        mark=visit.field("mark"),
        in_writing=visit.field("agreed") == "1",
    )
    problem = await _do(visit, mails.forward, chosen, visit.door.postman.office)
    if not problem:
        return _back(visit)
    return await _show_forward(visit, chosen.coach_id, problem, _status(problem))


async def see_mails(visit: Visit) -> Response:
    """GET /console/cases/{id}/mails: the list alone; asked while something is on its way, so it
    reads without noting that somebody has."""
    file = await visit.door.read(read_file, visit.person, case_id(visit), weights_of(visit))
    if file is None:
        raise ChatError("not_found", 404)
    return visit.show(
        "case_mails.html",
        may=True,
        file=file,
        back=came_from(visit),
        sends=visit.door.postman.office.sends,
    )


async def send_again(visit: Visit) -> Response:
    """POST /console/cases/{id}/mails/{mail}: try one that failed once more."""
    mail_id = str(visit.request.path_params["mail"])
    problem = await _do(visit, mails.send_again, mail_id, visit.door.postman.office)
    return visit.refuse(422, f"mail_{problem}") if problem else _back(visit)


async def _do(visit: Visit, deed: Callable[..., None], *given: Any) -> str:
    """Do something about e-mails of the case; why not, or nothing."""
    try:
        await visit.door.write(deed, visit.person, case_id(visit), *given)
    except CaseError as error:
        return error.reason
    visit.door.postman.wake()
    return ""


def _show_reply(visit: Visit, file: CaseFile, written: _Written, status: int = 200) -> Response:
    address = file.row["email"] or ""
    office = visit.door.postman.office
    return visit.show(
        "case_reply.html",
        status,
        here="queue",
        file=file,
        written=written,
        letters=fresh_letters(ROOT).letters,
        address=address if is_address(address) else "",
        reply_to=office.reply_to or visit.person.email,
        sends=office.sends,
        outside=_outside(address, written.subject, written.text),
        back=came_from(visit),
        subject_length=mails.SUBJECT_LENGTH,
    )


async def _show_forward(
    visit: Visit, coach_id: str | None, problem: str = "", status: int = 200
) -> Response:
    file = await read_case_file(visit)
    offer = await visit.door.read(_look, file, visit, coach_id)
    office = visit.door.postman.office
    return visit.show(
        "case_forward.html",
        status,
        here="queue",
        file=file,
        offer=offer,
        between=BETWEEN_LANGUAGES,
        problem=problem,
        key=_new_key(),
        reply_to=office.reply_to or visit.person.email,
        sends=office.sends,
        back=came_from(visit),
    )


@dataclass(frozen=True)
class _Offer:
    """What may be passed on to whom. No draft: nothing to this coach, because of `why`."""

    left: Left | None
    coaches: list[Addressee]
    coach: Addressee | None
    agreed: bool  # in the chat
    draft: Draft | None
    outside: _Outside | None
    why: str


def _look(connection: Connection, file: CaseFile, visit: Visit, coach_id: str | None) -> _Offer:
    left, known = what_was_left(connection, file.id), addressees(connection)
    wanted = coach_id if coach_id is not None else (left.coach_id if left else "")
    coach = next((one for one in known if one.id == wanted), None)
    agreement: Agreement | None = None
    why = ""
    try:
        # Whether they agreed in writing is asked on the page; the rest must hold already.
        agreement = settle_agreement(connection, file.id, wanted, in_writing=True)
    except CaseError as error:
        why = error.reason
    draft = pass_on(agreement, file.row, visit.person) if agreement else None
    outside = _outside(coach.email, draft.subject, draft.text) if coach and draft else None
    agreed = left is not None and left.is_for(wanted)
    return _Offer(left, known, coach, agreed, draft, outside, why)


def _outside(address: str, subject: str, text: str) -> _Outside:
    """A `mailto:` link (RFC 6068)."""
    start = f"mailto:{quote(address, safe='@')}?subject={quote(subject, safe='')}"
    lines = text.replace("\r\n", "\n").replace("\n", "\r\n")
    whole = f"{start}&body={quote(lines, safe='')}"
    fits = len(whole) <= MAILTO_LENGTH
    return _Outside(whole if fits else start, fits)


def _status(problem: str) -> int:
    return 409 if problem in ("stale", "shown", "to") else 422


def _new_key() -> str:
    return secrets.token_urlsafe(24)


def _back(visit: Visit) -> Response:
    """To the e-mails of the case."""
    back = came_from(visit)
    query = urlencode({"done": "mails", **({"from": back} if back else {})})
    return visit.back_to(f"/cases/{case_id(visit)}?{query}#mails")


PAGES = (
    Page("/cases/{id}/reply", show_reply, "act"),
    Page("/cases/{id}/reply", send_reply, "act", "POST"),
    Page("/cases/{id}/forward", show_forward, "act"),
    Page("/cases/{id}/forward", send_forward, "act", "POST"),
    Page("/cases/{id}/mails", see_mails, "act", idle=True),
    Page("/cases/{id}/mails/{mail}", send_again, "act", "POST"),
)
