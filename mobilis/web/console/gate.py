"""Who may see which page of the console: every page passes here, and says which right it needs.

A page is a `Page` of a module's `PAGES`; there is no other way to make one, so what nobody allowed
is refused. A form must bring back the session's token (CSRF). Answers are never cached.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

import anyio
from starlette.datastructures import FormData
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from mobilis import staff
from mobilis.errors import ChatError, StoreError
from mobilis.staff import Person, Session
from mobilis.store import now
from mobilis.web.console.layout import HEADERS, show
from mobilis.web.door import Door, door_of
from mobilis.web.incoming import BODY_SECONDS, announced_size

ROOT = "/console"
COOKIE = "mobilis-console"
PASSWORD = f"{ROOT}/me/password"
FORM_LIMIT = 64_000  # bytes
UPLOAD_LIMIT = 1_000_000  # bytes of a form with a file

Right = Literal["anyone", "read", "act", "export", "admin"]


@dataclass(frozen=True)
class Visit:
    """A request by someone who may make it."""

    request: Request
    door: Door
    session: Session
    form: FormData

    @property
    def person(self) -> Person:
        """Who is signed in."""
        return self.session.person

    @property
    def language(self) -> str:
        """The language that the person reads."""
        return self.person.language

    def field(self, name: str) -> str:
        """A field of the form as text without spaces around it; empty when it is not there."""
        return plain(self.form.get(name)).strip()

    def show(self, template: str, status: int = 200, **values: Any) -> Response:
        """A page of templates/console, or a part of one, in the person's language."""
        more: dict[str, Any] = {"person": self.person, "csrf": self.session.csrf}
        return show(self.door, template, self.language, status, **more, **values)

    def refuse(self, status: int, key: str = "refused") -> Response:
        """A page that says why not."""
        return self.show("refused.html", status, reason=key)

    def back_to(self, path: str) -> Response:
        """After a form that did something: the page to look at then."""
        return RedirectResponse(f"{ROOT}{path}", 303, headers=HEADERS)


Handler = Callable[[Visit], Awaitable[Response]]
OpenHandler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True)
class Page:
    """One page: where it is below /console, what makes it, and the right it needs.

    GET asks, POST does. A page that `anyone` may see (signing in) gets the request itself. What a
    page asks for by itself, again and again, is `idle`: it does not keep a session from ending.
    """

    path: str
    handler: Handler | OpenHandler
    needs: Right
    method: Literal["GET", "POST"] = "GET"
    idle: bool = False
    before_password: bool = False  # open to those who must first choose a password of their own
    upload: bool = False  # its form may bring one file

    def route(self) -> Route:
        """The page behind the gate."""
        guarded = self.handler if self.needs == "anyone" else self._guard
        methods = [self.method]
        return Route(f"{ROOT}{self.path}", guarded, methods=methods, name=self.path)

    async def _guard(self, request: Request) -> Response:
        door = door_of(request)
        session = await find_session(request, touch=not self.idle)
        if session is None:
            return _to_sign_in(request)
        visit = Visit(request, door, session, await read_form(request, self.upload))
        if session.person.must_choose_password and not self.before_password:
            return _send_to(request, PASSWORD)
        if not session.person.may(self.needs):
            return visit.refuse(403)
        if request.method == "POST" and not has_token(visit.form, session.csrf):
            return visit.refuse(403, "stale_form")
        try:
            response = await self.handler(visit)  # type: ignore[arg-type]
        except StoreError:
            response = visit.refuse(503, "unavailable")
        except ChatError as error:
            response = visit.refuse(error.status, "not_found" if error.status == 404 else "refused")
        response.headers.update(HEADERS)
        return response


async def find_session(request: Request, touch: bool = True) -> Session | None:
    """The session of the request's cookie, which is noted to be in use."""
    token = request.cookies.get(COOKIE, "")
    if not token:
        return None
    door = door_of(request)
    session = await door.read(staff.find_session, token)
    if session is not None and touch and now() - session.last_at > staff.TOUCH_EVERY:
        await door.write(staff.touch_session, session)
    return session


async def read_form(request: Request, upload: bool = False) -> FormData:
    """The fields of a form, with one file where that is expected; none of another request.

    Raises:
        ChatError: body_too_large; bad_request, when it does not come.
    """
    if request.method != "POST":
        return FormData()
    size = announced_size(request)
    limit = UPLOAD_LIMIT if upload else FORM_LIMIT
    if size is None or size > limit:
        raise ChatError("body_too_large", 413)
    try:
        with anyio.fail_after(BODY_SECONDS):
            return await request.form(max_files=int(upload), max_fields=200, max_part_size=limit)
    except (TimeoutError, ClientDisconnect):
        raise ChatError("bad_request", 400) from None


def plain(value: object) -> str:
    """What was given as text that PostgreSQL takes too; empty when it is not text."""
    return value.replace("\0", "") if isinstance(value, str) else ""


def has_token(form: FormData, expected: str) -> bool:
    """Whether a form comes from a page of ours."""
    given = form.get("csrf")
    return isinstance(given, str) and hmac.compare_digest(given.encode(), expected.encode())


def _to_sign_in(request: Request) -> Response:
    """Sign in first, then come back to what was asked for (a form is not sent again)."""
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    back = f"?next={quote(here)}" if request.method == "GET" else ""
    return _send_to(request, f"{ROOT}/sign-in{back}")


def _send_to(request: Request, address: str) -> Response:
    """Another page in place of the one that was asked for."""
    if request.headers.get("hx-request"):  # a part of a page: the whole page must go
        return Response(status_code=401, headers={**HEADERS, "HX-Redirect": address})
    return RedirectResponse(address, 303, headers=HEADERS)
