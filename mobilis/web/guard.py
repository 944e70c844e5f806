"""Around every request: an answer even when a handler breaks, and a line in the log that names the
route, never the address: it may hold a token, an id or what somebody wrote."""

from __future__ import annotations

import logging
from time import perf_counter

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mobilis.errors import ChatError
from mobilis.seeing import ids, metrics
from mobilis.seeing.logs import milliseconds, tell
from mobilis.web.refusals import refuse

LARGEST_HEAD = 32_768  # bytes of a request before its body
PRIVATE = "/api/"
NOWHERE = "-"  # the route of an address that leads nowhere
QUIET = ("/healthz", "/readyz")  # asked every few seconds, for ever
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS")

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
        parent = ids.read_parent(Request(scope).headers.get(ids.HEADER))
        with ids.tracing(parent.trace if parent else ids.new_trace(), given=parent is not None):
            await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        started, began = False, perf_counter()

        async def guarded_send(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                _name_trace(scope, message)
                _note(scope, message["status"], perf_counter() - began)
            await send(message)

        if _head_size(scope) > LARGEST_HEAD:
            response = refuse(Request(scope), ChatError("bad_request", 431))
            await response(scope, receive, guarded_send)
            return
        try:
            await self.app(scope, receive, guarded_send)
        except Exception as error:  # noqa: BLE001 - the visitor gets an answer, the log the place
            tell(logger, "request_failed", logging.ERROR, error=error, route=route_of(scope))
            if not started:
                response = refuse(Request(scope), ChatError("unavailable", 500))
                await response(scope, receive, guarded_send)


def _head_size(scope: Scope) -> int:
    """Bytes of the address and the headers. The server bounds only what it waits for."""
    lines = sum(len(name) + len(value) for name, value in scope["headers"])
    return len(scope.get("raw_path") or b"") + len(scope["query_string"]) + lines


def _name_trace(scope: Scope, message: Message) -> None:
    """Tell clients of the API how their request is called in the logs."""
    if scope["path"].startswith(PRIVATE):
        headers = MutableHeaders(scope=message)
        headers.setdefault(ids.RETURNED, ids.write_parent(ids.current_trace()))


def _note(scope: Scope, status: int, seconds: float) -> None:
    route = route_of(scope)
    metrics.RESPONSES.labels(route, str(status)).inc()
    method = scope["method"] if scope["method"] in METHODS else NOWHERE
    level = logging.DEBUG if route in QUIET else logging.INFO
    ms = milliseconds(seconds)
    tell(logger, "request", level, method=method, route=route, status=status, ms=ms)


def route_of(scope: Scope) -> str:
    """The address of a request as the routes have it, with names for what stood in their place."""
    if "endpoint" not in scope:
        return NOWHERE
    names = {str(value): f"{{{name}}}" for name, value in scope["path_params"].items()}
    path = str(scope["path"])
    for value, name in names.items():
        path = path.replace(value, name, 1) if value else path
    return path
