"""HTTP on this machine: the server behind every fake service of the tests, and their client."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx


def loopback_client(**options: Any) -> httpx.Client:
    """A client with the `options` of httpx, whatever proxy the environment names, and without the
    authorities that plain HTTP does not need: to read them takes as long as many a test."""
    return httpx.Client(trust_env=False, verify=False, **options)


class LoopbackServer(ThreadingHTTPServer):
    """On a free port of 127.0.0.1, for many callers at once.

    http.server lets five connections wait and resets the next: a caller's burst looks like a fault.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, handler: type[BaseHTTPRequestHandler], port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"
