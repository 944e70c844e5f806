"""Lines: over what a journey's conversation is held. The chat API's is here; those of Slack and
Teams belong to the tests (tests/platform_lines.py), beside the platforms that these run.

Called by mobilis/journeys.py.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

import httpx

from mobilis.errors import LineFailed
from mobilis.expectations import Message

WAIT_SECONDS = 30
RETRY_SECONDS = 0.3
LATER = frozenset((429, 502, 503))  # statuses that ask to come back


class Turn(Protocol):
    """Something that a visitor says. `id` is how the history calls it."""

    id: str

    def bring(self) -> None:
        """See to it that it is taken in; the answer may still be on its way."""

    def answer(self) -> list[Message]:
        """What is answered. What was brought already is not said twice."""


class Line(Protocol):
    """One conversation. Whatever does not go as it should raises `LineFailed`."""

    def open(self, language: str) -> list[Message]:
        """Begin; the greeting."""

    def say(self, text: str) -> Turn:
        """What typing a text would be."""

    def choose(self, message: Message, choice: Mapping[str, Any]) -> Turn:
        """What pressing a button of a message would be."""

    def history(self) -> list[Message]:
        """All that both have said."""


class ApiLine:
    """A conversation over the chat API."""

    def __init__(self, client: httpx.Client, patience: float) -> None:
        self._client = client
        self._patience = patience
        self._path = ""
        self._headers: dict[str, str] = {}

    def open(self, language: str) -> list[Message]:
        opened = self.until_done("POST", "/api/conversations", 201, json={"language": language})
        self._path = f"/api/conversations/{opened['conversation']}"
        self._headers = {"Authorization": f"Bearer {opened['token']}"}
        return list(opened["messages"])

    def say(self, text: str) -> Turn:
        return _ApiTurn(self, {"text": text})

    def choose(self, message: Message, choice: Mapping[str, Any]) -> Turn:
        return _ApiTurn(self, {"choice": choice["id"]})

    def history(self) -> list[Message]:
        return list(self.until_done("GET", f"{self._path}/messages", 200)["messages"])

    def post(self, message: Mapping[str, str], status: int, **query: int) -> dict[str, Any]:
        """Send a message until the answer has `status`."""
        return self.until_done(
            "POST", f"{self._path}/messages", status, params=query, json=dict(message)
        )

    def until_done(self, method: str, path: str, status: int, **request: Any) -> dict[str, Any]:
        """The JSON of the answer with `status`; asks again while the stack comes back.

        Asking again is safe: a message with a known id is the same message.
        """
        end = time.monotonic() + self._patience
        while True:
            got, pause = "no connection", RETRY_SECONDS
            try:
                response = self._client.request(method, path, headers=self._headers, **request)
            except httpx.TransportError as error:
                got = f"{type(error).__name__}"
            else:
                if response.status_code == status:
                    return dict(response.json())
                got = f"status {response.status_code}: {response.text[:300]}"
                if response.status_code == 202:
                    got = "no answer yet"
                elif response.status_code in LATER:
                    pause = float(response.headers.get("retry-after", RETRY_SECONDS))
                else:
                    raise LineFailed(f"expected status {status}, got {got}")
            if time.monotonic() + pause >= end:
                raise LineFailed(f"expected status {status} within {self._patience:g} s, got {got}")
            time.sleep(pause)


class _ApiTurn:
    def __init__(self, line: ApiLine, said: Mapping[str, str]) -> None:
        self.id = str(uuid.uuid4())
        self._line = line
        self._message = {"id": self.id, **said}

    def bring(self) -> None:
        self._line.post(self._message, 202)

    def answer(self) -> list[Message]:
        return list(self._line.post(self._message, 200, wait=WAIT_SECONDS)["messages"])


@contextmanager
def over_the_api(base_url: str, patience: float) -> Iterator[ApiLine]:
    """A line to the chat API at `base_url`; `patience` is in seconds, for one turn."""
    timeout = httpx.Timeout(WAIT_SECONDS + 10, connect=5)
    with httpx.Client(base_url=base_url, timeout=timeout, trust_env=False) as client:
        yield ApiLine(client, patience)
