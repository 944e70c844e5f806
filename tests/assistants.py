"""A small assistant that speaks our chat API and Rasa's REST channel, and fails when told to."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

from loopback import LoopbackServer

PATIENCE = 20.0  # seconds that somebody waits for others, or for the end


class Assistant:
    """Speaks both channels; what is said decides how it fails: "500", "slow", "nothing".

    Args:
        together: nobody is answered before so many have talked at once; the wait has an end.
    """

    def __init__(self, together: int = 1) -> None:
        self.together = together
        self.gathered, self.over = threading.Event(), threading.Event()
        self.heard: list[tuple[str, str]] = []  # conversation, text
        self.talking = self.most_talking = self.opened = 0
        self.opens = True
        self.lock = threading.Lock()

    def answer(self, path: str, body: dict[str, Any], token: str) -> tuple[int, Any]:
        if path == "/api/conversations":
            self.opened += 1
            name = f"talk-{self.opened}-{body['language']}"
            content = {"conversation": name, "token": f"token-{name}", "messages": []}
            return (201, content) if self.opens else (503, {})
        rest = path == "/webhooks/rest/webhook"
        conversation = body["sender"] if rest else path.split("/")[3]
        if not rest and token != f"Bearer token-{conversation}":
            return 401, {}
        text = body["message" if rest else "text"]
        with self.lock:
            self.heard.append((conversation, text))
            self.talking += 1
            self.most_talking = max(self.most_talking, self.talking)
            if self.talking >= self.together:
                self.gathered.set()
        self.gathered.wait(PATIENCE)
        time.sleep(0.02)
        if "slow" in text:
            self.over.wait(PATIENCE)
        with self.lock:
            self.talking -= 1
        said = [] if "nothing" in text else [{"text": "oui"}]
        return 500 if "500" in text else 200, said if rest else {"messages": said}


@contextmanager
def served(assistant: Assistant) -> Iterator[str]:
    """The address at which `assistant` answers, for as long as the block runs."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            path = self.path.partition("?")[0]
            status, content = assistant.answer(path, body, self.headers.get("authorization", ""))
            data = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            try:
                self.wfile.write(data)
            except OSError:
                self.close_connection = True  # whoever asked has given up

        def log_message(self, *arguments: Any) -> None:
            return

    server = LoopbackServer(Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        assistant.over.set()
        server.shutdown()
        server.server_close()
