"""Around every request: an answer even when a handler breaks.

Also keeps addresses, tokens and the ids of results out of the access log.
"""

from __future__ import annotations

import logging
import re
import traceback

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mobilis.errors import ChatError
from mobilis.results import page_path
from mobilis.web.refusals import refuse

LARGEST_HEAD = 32_768  # bytes of a request before its body
SECRET = re.compile(rf"(?<=^{page_path('')})[^/]+")

logger = logging.getLogger(__name__)


class Guard:
    """ASGI middleware; the innermost of ours, so that others see its answers too. A request whose
    head is too large goes no further."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if _head_size(scope) > LARGEST_HEAD:
            response = refuse(Request(scope), ChatError("bad_request", 431))
            await response(scope, receive, send)
            return
        started = False

        async def guarded_send(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
            await send(message)

        try:
            await self.app(scope, receive, guarded_send)
        except Exception as error:  # noqa: BLE001 - the visitor gets an answer, the log the place
            _log(error)
            if not started:
                response = refuse(Request(scope), ChatError("unavailable", 500))
                await response(scope, receive, guarded_send)


def _head_size(scope: Scope) -> int:
    """Bytes of the address and the headers. The server bounds only what it waits for."""
    lines = sum(len(name) + len(value) for name, value in scope["headers"])
    return len(scope.get("raw_path") or b"") + len(scope["query_string"]) + lines


def _log(error: Exception) -> None:
    """Where it happened, but not the exception's words: they may hold what a visitor wrote."""
    frames = traceback.extract_tb(error.__traceback__)[-5:]
    places = " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(frames))
    logger.error("unexpected %s in %s", type(error).__name__, places)


class QuietAccess(logging.Filter):
    """Takes the client's address, the query, which may hold a token, and the id of a result, which
    is all one needs to read it, out of access lines."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple) and len(record.args) == 5:
            _, method, path, version, status = record.args
            shown = SECRET.sub("-", str(path).partition("?")[0])
            record.args = ("-", method, shown, version, status)
        return True


def quiet_access_log() -> None:
    """Filter uvicorn's access log, once."""
    access = logging.getLogger("uvicorn.access")
    if not any(isinstance(existing, QuietAccess) for existing in access.filters):
        access.addFilter(QuietAccess())
