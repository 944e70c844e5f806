"""The security headers of every answer: of pages, of the API, of errors, of files.

The only place that knows them. A handler chooses among the content policies here; what it sets
itself stays as it is. Measured against this by tests/web/test_headers.py.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_CLOSED = "base-uri 'none'; frame-ancestors 'none'"
_OWN = "script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'"
# Of what is no page: nothing in it runs or loads, wherever somebody opens it.
NOTHING = f"default-src 'none'; form-action 'none'; {_CLOSED}"
PAGE = (
    f"default-src 'none'; {_OWN}; form-action 'none'; {_CLOSED}; require-trusted-types-for 'script'"
)
PAGE_WITH_FORM = PAGE.replace("form-action 'none'", "form-action 'self'")
CONSOLE = f"default-src 'none'; {_OWN}; form-action 'self'; {_CLOSED}"  # htmx writes HTML
# What no page of ours uses, so that nothing that gets into one can.
UNUSED = (
    *("accelerometer", "autoplay", "camera", "display-capture", "encrypted-media", "fullscreen"),
    *("geolocation", "gyroscope", "magnetometer", "microphone", "midi", "payment", "usb"),
)
ALWAYS: Mapping[str, str] = {
    "Content-Security-Policy": NOTHING,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": ", ".join(f"{feature}=()" for feature in UNUSED),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
NOT_KEPT = "no-store"
ASKED_AGAIN = "no-cache"
OF_STATIC = "/static/"
HSTS = "max-age=31536000"


class Headers:
    """ASGI middleware around all others.

    What says nothing of caching may hold what somebody wrote: it is not kept.
    """

    def __init__(self, app: ASGIApp, https: bool) -> None:
        self.app = app
        self._always = {**ALWAYS, **({"Strict-Transport-Security": HSTS} if https else {})}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._add(scope["path"], message)
            await send(message)

        await self.app(scope, receive, send_with_headers)

    def _add(self, path: str, message: Message) -> None:
        headers = MutableHeaders(scope=message)
        for name, value in self._always.items():
            headers.setdefault(name, value)
        found = path.startswith(OF_STATIC) and message["status"] < 400
        headers.setdefault("Cache-Control", ASKED_AGAIN if found else NOT_KEPT)
