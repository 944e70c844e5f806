"""A collector of OpenTelemetry on loopback, that keeps what it is given and can misbehave."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler
from typing import Any

from loopback import LoopbackServer


class Collector:
    """Takes spans as OTLP/HTTP in JSON. Runs from the start; `stop` ends it."""

    def __init__(self) -> None:
        self.bodies: list[str] = []
        self.status = 200
        self._server = LoopbackServer(self._handler())
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/v1/traces"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def spans(self, trace: str) -> list[dict[str, Any]]:
        """The spans of a trace, each with the `service` it came from."""
        return [
            {**span, "service": _service(group)}
            for body in list(self.bodies)
            for group in json.loads(body)["resourceSpans"]
            for scope in group["scopeSpans"]
            for span in scope["spans"]
            if span["traceId"].lower() == trace
        ]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        collector = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if collector.status == 200:
                    collector.bodies.append(body.decode())
                self.send_response(collector.status)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *args: Any) -> None:
                pass

        return Handler


def attributes(span: dict[str, Any]) -> dict[str, Any]:
    """What a span says, by name."""
    return {one["key"]: next(iter(one["value"].values())) for one in span.get("attributes", [])}


def _service(group: dict[str, Any]) -> str:
    return str(attributes(group["resource"])["service.name"])
