"""Signing in and out of the console: a local account, its second factor, and how a session begins.

A session begins anew each time, so a cookie from before is worth nothing. Whatever goes wrong with
an address or a password is told in the same words.
"""

from __future__ import annotations

import logging
import re
import secrets
from typing import Any
from urllib.parse import quote

from sqlalchemy.engine import Connection
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from mobilis import audit, second_factor, staff
from mobilis.errors import ChatError
from mobilis.seeing.logs import tell
from mobilis.seeing.metrics import SIGN_INS
from mobilis.staff import Person
from mobilis.web.console.gate import COOKIE, ROOT, Page, Visit, has_token, plain, read_form
from mobilis.web.console.layout import HEADERS, show
from mobilis.web.door import Door, door_of
from mobilis.web.limits import client_address
from mobilis.web.pages import page_language

logger = logging.getLogger(__name__)

FORM_COOKIE = "mobilis-console-form"  # ties the form of signing in to the browser that asked for it
CODE_COOKIE = "mobilis-console-code"  # the password was right, the code is waited for
COOKIE_SECONDS = int(staff.LONGEST.total_seconds())
FORM_SECONDS = 3600
CODE_SECONDS = int(staff.SIGN_IN_LASTS.total_seconds())
CODE = f"{ROOT}/sign-in/code"
# An address of the console: no host, no dots that lead out of it, nothing that browsers drop.
_WITHIN = re.compile(
    rf"{ROOT}(/[A-Za-z0-9_~-][A-Za-z0-9_.~-]*)*(\?[A-Za-z0-9_.~%&=+,:;@!*()/?-]*)?"
)


async def ask(request: Request) -> Response:
    """GET /console/sign-in: the form."""
    return show_form(request, within_console(request.query_params.get("next", "")))


async def sign_in(request: Request) -> Response:
    """POST /console/sign-in: a session, or the form again with a sentence that tells nothing."""
    door = door_of(request)
    form = await read_form(request)
    after = within_console(plain(form.get("next")))
    if not _is_ours(request, form):
        return show_form(request, after, 403, "stale_form")
    try:
        check_rate(request)
    except ChatError:
        return show_form(request, after, 429, "sign_in_wait")
    email, password = plain(form.get("email")), plain(form.get("password"))
    known = await door.read(staff.known_hash, email)
    right = await door.hash(staff.is_password, known, password)
    person = await door.write(_settle, email, known if right else None)
    if person is None:
        note_refusal("password")
        return show_form(request, after, 403, "sign_in_refused")
    return await admit(request, person, after, "password")


async def ask_code(request: Request) -> Response:
    """GET /console/sign-in/code: the form for the code of the second factor."""
    if await _waiting(request) is None:
        return RedirectResponse(f"{ROOT}/sign-in", 303, headers=HEADERS)
    return _code_form(request, within_console(request.query_params.get("next", "")))


async def give_code(request: Request) -> Response:
    """POST /console/sign-in/code: a session, or the form again."""
    door, form = door_of(request), await read_form(request)
    after = within_console(plain(form.get("next")))
    person = await _waiting(request)
    if person is None:
        return RedirectResponse(f"{ROOT}/sign-in", 303, headers=HEADERS)
    if not _is_ours(request, form):
        return _code_form(request, after, 403, "stale_form")
    try:
        check_rate(request)
    except ChatError:
        return _code_form(request, after, 429, "sign_in_wait")
    given = request.cookies[CODE_COOKIE], plain(form.get("code"))
    if not await door.write(_check_code, person, *given):
        note_refusal("second_factor")
        return _code_form(request, after, 403, "code_refused")
    return await _enter(request, person, after, "second_factor")


async def sign_out(visit: Visit) -> Response:
    """POST /console/sign-out."""
    await visit.door.write(_end, visit)
    response = visit.back_to("/sign-in")
    response.delete_cookie(COOKIE, path=ROOT)
    return response


async def admit(request: Request, person: Person, after: str, way: str) -> Response:
    """Whose password or provider was right: on to the code, or in."""
    if not person.has_second_factor:
        return await _enter(request, person, after, way)
    door = door_of(request)
    token = await door.write(staff.begin_sign_in, person)
    response = RedirectResponse(f"{CODE}?next={quote(after, safe='')}", 303, headers=HEADERS)
    set_cookie(response, door, CODE_COOKIE, token, CODE_SECONDS)
    return response


def note_refusal(way: str, why: str = "") -> None:
    """Log and count that somebody was not let in; `why` is a code."""
    SIGN_INS.labels(way, "refused").inc()
    tell(logger, "sign_in_refused", logging.WARNING, way=way, code=why or None)


def check_rate(request: Request) -> None:
    """Count an attempt to sign in.

    Raises:
        ChatError: there were too many from this address.
    """
    door = door_of(request)
    door.limits.sign_ins.check(client_address(request, door.settings.trusted_proxies))


def show_form(request: Request, after: str, status: int = 200, problem: str = "") -> Response:
    """The form of signing in, with a sentence of content/console/base.yml about what went wrong."""
    provider = door_of(request).provider
    name = provider.name if provider else ""
    return _show(request, "sign_in.html", status, after=after, problem=problem, provider=name)


def within_console(address: str) -> str:
    """Where to go then: a page of the console, whatever the address says."""
    return address if _WITHIN.fullmatch(address) else ROOT


def set_cookie(response: Response, door: Door, name: str, value: str, seconds: int) -> None:
    """A cookie for the console alone, that no script reads and no other site's form sends."""
    response.set_cookie(
        name,
        value,
        max_age=seconds,
        path=ROOT,
        secure=door.settings.is_https,
        httponly=True,
        samesite="lax",
    )


def give_session(response: Response, door: Door, token: str) -> None:
    """The cookie of a session that has begun."""
    set_cookie(response, door, COOKIE, token, COOKIE_SECONDS)


async def _enter(request: Request, person: Person, after: str, way: str) -> Response:
    door = door_of(request)
    token = await door.write(_open, person, request.cookies.get(COOKIE, ""), way)
    SIGN_INS.labels(way, "admitted").inc()
    tell(logger, "sign_in", way=way)
    response = RedirectResponse(after, 303, headers=HEADERS)
    give_session(response, door, token)
    for name in (FORM_COOKIE, CODE_COOKIE):
        response.delete_cookie(name, path=ROOT)
    return response


def _open(connection: Connection, person: Person, before: str, way: str) -> str:
    """A new session; the one that this browser had ends."""
    staff.end_session(connection, staff.hash_token(before))
    staff.note_sign_in(connection, person.id)
    audit.record(connection, person.id, "sign_in", f"staff:{person.id}", {"way": way})
    return staff.open_session(connection, person)


def _settle(connection: Connection, email: str, proven: str | None) -> Person | None:
    person = staff.settle_password(connection, email, proven)
    if person is None:
        known = staff.find_by_email(connection, email)
        subject = f"staff:{known.id}" if known else "staff:unknown"
        detail = {"way": "password"}
        audit.record(connection, audit.SYSTEM, "sign_in.refused", subject, detail)
    return person


def _check_code(connection: Connection, person: Person, token: str, code: str) -> bool:
    if not second_factor.check(connection, person, code):
        detail = {"way": "second_factor"}
        audit.record(connection, audit.SYSTEM, "sign_in.refused", f"staff:{person.id}", detail)
        return False
    staff.end_sign_in(connection, token)
    return True


def _end(connection: Connection, visit: Visit) -> None:
    staff.end_session(connection, visit.session.id)
    audit.record(connection, visit.person.id, "sign_out", f"staff:{visit.person.id}")


async def _waiting(request: Request) -> Person | None:
    """Whose code is waited for in this browser."""
    token = request.cookies.get(CODE_COOKIE, "")
    return await door_of(request).read(staff.find_sign_in, token) if token else None


def _is_ours(request: Request, form: FormData) -> bool:
    """Whether a form comes from the page that this browser was given."""
    expected = request.cookies.get(FORM_COOKIE, "")
    return bool(expected) and has_token(form, expected)


def _code_form(request: Request, after: str, status: int = 200, problem: str = "") -> Response:
    return _show(request, "sign_in_code.html", status, after=after, problem=problem)


def _show(request: Request, template: str, status: int, **values: Any) -> Response:
    door, token = door_of(request), secrets.token_urlsafe(32)
    response = show(door, template, page_language(request), status, csrf=token, **values)
    set_cookie(response, door, FORM_COOKIE, token, FORM_SECONDS)
    return response


PAGES = (
    Page("/sign-in", ask, "anyone"),
    Page("/sign-in", sign_in, "anyone", "POST"),
    Page("/sign-in/code", ask_code, "anyone"),
    Page("/sign-in/code", give_code, "anyone", "POST"),
    Page("/sign-out", sign_out, "read", "POST", before_password=True),
)
