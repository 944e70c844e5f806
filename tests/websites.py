"""Websites of other people for tests: pages given as data, on a free port of loopback.

One server goes by three names: two that the front door lists in MOBILIS_CORS_ORIGINS, and one that
it does not. `localhost` is as good as https to a browser; `site.example` is plain http.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from loopback import LoopbackServer

LISTED = "localhost"
LISTED_PLAIN = "site.example"  # the browser of the tests is told where it is
STRANGER = "127.0.0.1"


@dataclass(frozen=True)
class Document:
    """A page of a website, and the headers that it comes with."""

    html: str
    headers: Mapping[str, str] = field(default_factory=dict)


class Websites:
    """Serves what was put there, until it is stopped."""

    def __init__(self) -> None:
        self._documents: dict[str, Document] = {}
        self._server = LoopbackServer(_handler(self._documents))
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()

    @property
    def allowed_origins(self) -> str:
        """The value of MOBILIS_CORS_ORIGINS; "null" is that of a file of one's own computer."""
        return f"{self._origin(LISTED)},{self._origin(LISTED_PLAIN)},null"

    def put(self, name: str, document: Document) -> None:
        """Serve a page, or another one in its place."""
        self._documents[name] = document

    def url(self, name: str, host: str = LISTED) -> str:
        """The address of a page, on the site that goes by `host`."""
        if name not in self._documents:
            raise KeyError(f"no such page: {name} (there are {', '.join(self._documents)})")
        return f"{self._origin(host)}/{name}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _origin(self, host: str) -> str:
        return f"http://{host}:{self._server.server_address[1]}"


def _handler(documents: Mapping[str, Document]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            document = documents.get(self.path.partition("?")[0].strip("/"))
            if self.path == "/favicon.ico":  # browsers ask for it by themselves
                self._send(204, "", {})
            elif document:
                self._send(200, document.html, document.headers)
            else:
                self._send(404, "no such page", {})

        def _send(self, status: int, html: str, headers: Mapping[str, str]) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(html.encode())

        def log_message(self, *arguments: object) -> None:
            pass

    return Handler
