"""Front doors in the test's own process, and a scripted brain behind them, for tests that put the
real ones out of their way: other settings, a brain that fails, a front door that is gone."""

from __future__ import annotations

import asyncio
import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler
from typing import Any

import httpx
import uvicorn.server
from loopback import LoopbackServer, loopback_client
from processes import free_port

from mobilis.settings import Settings
from mobilis.web.server import make_server

SECRET = "the secret of the tests"
Question = dict[str, str]
Answer = tuple[int, Any]  # HTTP status, JSON


def say(text: str, **more: Any) -> dict[str, Any]:
    return {"text": text, "language": "fr", "kind": "text", **more}


def echo(question: Question) -> Answer:
    """Greets, follows choices by their payload, repeats text."""
    if question.get("payload", "").startswith("/conversation_opened"):
        language = json.loads(question["payload"].removeprefix("/conversation_opened"))["language"]
        return 200, {
            "messages": [
                say("Bonjour !" if language == "fr" else "Hello!") | {"language": language}
            ]
        }
    if "payload" in question:
        return 200, {"messages": [say(f"payload {question['payload']}")]}
    return 200, {"messages": [say(f"echo {question['text']}")]}


class FakeBrain:
    """A real HTTP server that answers turns by `script` and remembers its answers."""

    def __init__(self) -> None:
        self._server: LoopbackServer | None = None
        self.port = 0
        self.forget()
        self.start()

    def forget(self) -> None:
        self.script: Callable[[Question], Answer] = echo
        self.health: Answer = (200, {"status": "ok"})
        self.asked: list[Question] = []  # every request
        self.parents: list[str] = []  # the traceparent of every request
        self.answered: list[Question] = []  # every turn really run, once each
        self._memory: dict[tuple[str, str], Any] = {}
        self._locks: dict[tuple[str, str], threading.Lock] = {}
        self._lock = threading.Lock()

    def start(self) -> None:
        if self._server:
            return
        self._server = LoopbackServer(self._handler(), self.port)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def texts(self) -> list[str]:
        return [question.get("text", question.get("payload", "")) for question in self.answered]

    def answer(self, question: Question) -> Answer:
        key = question["conversation"], question["message"]
        memory, answered = self._memory, self.answered  # forgotten when the test has ended
        with self._lock:
            self.asked.append(question)
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            if key not in memory:
                status, content = self.script(question)
                if status != 200:
                    return status, content
                memory[key] = content
                answered.append(question)
            return 200, memory[key]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        brain = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers["Authorization"] != f"Bearer {SECRET}":
                    self._send(401, {})
                else:
                    brain.parents.append(self.headers["traceparent"])
                    self._send(*brain.answer(json.loads(body)))

            def do_GET(self) -> None:
                self._send(*brain.health)

            def _send(self, status: int, content: Any) -> None:
                body = json.dumps(content).encode()
                try:
                    self.send_response(status)
                    self.send_header("Content-Length", str(len(body)))
                    self.send_header("Connection", "close")
                    self.end_headers()
                    self.wfile.write(body)
                except OSError:
                    pass  # the front door no longer waits

            def log_message(self, *args: Any) -> None:
                pass

        return Handler


@dataclass
class Visitor:
    """Someone with an open conversation."""

    http: httpx.Client
    id: str
    token: str
    greeting: list[dict[str, Any]]
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"/api/conversations/{self.id}"

    def post(self, content: dict[str, Any], wait: float | None = 10) -> httpx.Response:
        query = {} if wait is None else {"wait": wait}
        return self.http.post(
            f"{self.url}/messages", json=content, params=query, headers=self.headers
        )

    def say(self, text: str, wait: float | None = 10, id: str | None = None) -> httpx.Response:
        return self.post({"id": id or new_id(), "text": text}, wait)

    def hears(self, text: str) -> list[dict[str, Any]]:
        """The answer to a text."""
        response = self.say(text)
        assert response.status_code == 200, response.text
        return response.json()["messages"]

    def choose(self, choice: str, wait: float | None = 10, id: str | None = None) -> httpx.Response:
        return self.post({"id": id or new_id(), "choice": choice}, wait)

    def history(self, after: str = "") -> list[dict[str, Any]]:
        query = {"after": after} if after else {}
        response = self.http.get(f"{self.url}/messages", params=query, headers=self.headers)
        assert response.status_code == 200, response.text
        return response.json()["messages"]

    def texts(self) -> list[str]:
        return [message["text"] for message in self.history()]

    @contextmanager
    def events(self, query: str = "", **headers: str) -> Iterator[Iterator[tuple[str, Any, Any]]]:
        """The stream as (event, id, data); comments as ("comment", None, text)."""
        with self.http.stream(
            "GET", f"{self.url}/events{query}", headers={**self.headers, **headers}
        ) as response:
            assert response.status_code == 200
            assert response.headers["content-type"].startswith("text/event-stream")
            yield parse_events(response)


def parse_events(response: httpx.Response) -> Iterator[tuple[str, Any, Any]]:
    fields: dict[str, str] = {}
    for line in response.iter_lines():
        if line.startswith(":"):
            yield "comment", None, line[1:].strip()
        elif line:
            name, _, value = line.partition(": ")
            fields[name] = value
        else:
            if "event" in fields:
                yield fields["event"], fields.get("id"), json.loads(fields["data"])
            fields = {}


def new_id() -> str:
    return str(uuid.uuid4())


class _Impatient:
    """asyncio as uvicorn's server has it in tests: it looks ten times a second whether it should
    end, and whether all have left; a thousand tests would wait for that."""

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)

    @staticmethod
    async def sleep(seconds: float) -> None:
        await asyncio.sleep(min(seconds, 0.01))


vars(uvicorn.server)["asyncio"] = _Impatient()


class FrontDoor:
    """The front door in a thread of its own, on a free port."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.port = free_port()
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self.base = f"http://127.0.0.1:{self.port}"
        self.http = loopback_client(base_url=self.base, timeout=20)

    def start(self) -> FrontDoor:
        if self._server:
            return self
        settings = replace(self.settings, port=self.port, log_level="warning")
        self._server = make_server(settings)
        self.app = self._server.config.app
        self._thread = threading.Thread(target=self._server.run)
        self._thread.start()
        while not self._server.started:
            assert self._thread.is_alive(), "the front door did not start"
            time.sleep(0.005)
        return self

    def stop(self) -> None:
        if self._server and self._thread:
            self._server.should_exit = True
            self._thread.join(30)
            assert not self._thread.is_alive(), "the front door did not stop"
        self._server = None

    def close(self) -> None:
        self.stop()
        self.http.close()

    def visitor(self, **content: Any) -> Visitor:
        response = self.http.post("/api/conversations", json=content)
        assert response.status_code == 201, response.text
        data = response.json()
        headers = {"Authorization": f"Bearer {data['token']}"}
        return Visitor(self.http, data["conversation"], data["token"], data["messages"], headers)
