"""Signing in and out of the console with a local account."""

from __future__ import annotations

import secrets
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.engine import Connection
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from mobilis import audit, staff
from mobilis.errors import ChatError
from mobilis.staff import Person
from mobilis.web.console.gate import COOKIE, ROOT, Page, Visit, has_token, read_form
from mobilis.web.console.layout import HEADERS, show
from mobilis.web.door import Door, door_of
from mobilis.web.limits import client_address
from mobilis.web.pages import page_language

FORM_COOKIE = "mobilis-console-form"  # ties the form of signing in to the browser that asked for it
COOKIE_SECONDS = int(staff.LONGEST.total_seconds())


async def ask(request: Request) -> Response:
    """GET /console/sign-in: the form."""
    return _form(request, _next(request.query_params.get("next", "")))


async def sign_in(request: Request) -> Response:
    """POST /console/sign-in: a session, or the form again with a sentence that tells nothing."""
    door = door_of(request)
    form = await read_form(request)
    after = _next(str(form.get("next", "")))
    expected = request.cookies.get(FORM_COOKIE, "")
    if not expected or not has_token(form, expected):
        return _form(request, after, 403, "stale_form")
    try:
        door.limits.sign_ins.check(client_address(request, door.settings.trusted_proxies))
    except ChatError:
        return _form(request, after, 429, "sign_in_wait")
    email, password = str(form.get("email", "")), str(form.get("password", ""))
    token = await door.write(_open, email, password)
    if token is None:
        return _form(request, after, 403, "sign_in_refused")
    response = RedirectResponse(after, 303, headers=HEADERS)
    _set_cookie(response, door, COOKIE, token, COOKIE_SECONDS)
    response.delete_cookie(FORM_COOKIE, path=ROOT)
    return response


async def sign_out(visit: Visit) -> Response:
    """POST /console/sign-out."""
    await visit.door.write(_end, visit)
    response = visit.back_to("/sign-in")
    response.delete_cookie(COOKIE, path=ROOT)
    return response


def _open(connection: Connection, email: str, password: str) -> str | None:
    person = staff.check_password(connection, email, password)
    if person is None:
        known: Person | None = staff.find_by_email(connection, email)
        subject = f"staff:{known.id}" if known else "staff:unknown"
        audit.record(connection, audit.SYSTEM, "sign_in.refused", subject)
        return None
    audit.record(connection, person.id, "sign_in", f"staff:{person.id}")
    return staff.open_session(connection, person)


def _end(connection: Connection, visit: Visit) -> None:
    staff.end_session(connection, visit.session.id)
    audit.record(connection, visit.person.id, "sign_out", f"staff:{visit.person.id}")


def _form(request: Request, after: str, status: int = 200, problem: str = "") -> Response:
    door, language = door_of(request), page_language(request)
    token = secrets.token_urlsafe(32)
    more: dict[str, Any] = {"after": after, "problem": problem, "csrf": token}
    response = show(door, "sign_in.html", language, status, **more)
    _set_cookie(response, door, FORM_COOKIE, token, 3600)
    return response


def _next(address: str) -> str:
    """Where to go then: a page of the console, whatever the address says."""
    parts = urlsplit(address)
    ours = not parts.scheme and not parts.netloc and parts.path.startswith(f"{ROOT}/")
    if not ours or "\\" in address:
        return ROOT
    return address


def _set_cookie(response: Response, door: Door, name: str, value: str, seconds: int) -> None:
    response.set_cookie(
        name,
        value,
        max_age=seconds,
        path=ROOT,
        secure=door.settings.is_https,
        httponly=True,
        samesite="lax",
    )


PAGES = (
    Page("/sign-in", ask, "anyone"),
    Page("/sign-in", sign_in, "anyone", "POST"),
    Page("/sign-out", sign_out, "read", "POST"),
)
