"""A visitor of the whole assistant, and a look at what it keeps of a conversation."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass
from typing import Any

import httpx
from sqlalchemy import select

from mobilis.models import choices, tracker_events
from mobilis.store import Database

WAIT = 30  # seconds that one request waits for an answer
PATIENCE = 120  # seconds of asking for the answer again, on a machine that is busy
Message = dict[str, Any]


@dataclass
class Visitor:
    """Someone with an open conversation, who talks as the website does."""

    http: httpx.Client
    database: Database
    language: str
    id: str
    token: str
    greeting: list[Message]

    @property
    def url(self) -> str:
        return f"/api/conversations/{self.id}"

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def post(self, body: Any, wait: int | None = WAIT) -> httpx.Response:
        """Send a message as it is: an object, or the bytes of a body; unless `wait` is None, until
        it is answered."""
        query = {} if wait is None else {"wait": wait}
        given = {"content": body} if isinstance(body, bytes) else {"json": body}
        end = time.monotonic() + PATIENCE
        while True:
            response = self.http.post(
                f"{self.url}/messages", params=query, headers=self.headers, **given
            )
            if wait is None or response.status_code != 202 or time.monotonic() > end:
                return response

    def say(self, text: str, id: str | None = None, wait: int | None = WAIT) -> httpx.Response:
        return self.post({"id": id or new_id(), "text": text}, wait)

    def hears(self, text: str) -> list[Message]:
        """The answer to a text."""
        return self._answer(self.say(text))

    def choose(self, choice: str) -> httpx.Response:
        return self.post({"id": new_id(), "choice": choice})

    def presses(self, payload: str) -> list[Message]:
        """The answer to the newest button that stands for `payload`."""
        return self._answer(self.choose(self.choice(payload)))

    def choice(self, payload: str) -> str:
        """The id of the newest button that stands for `payload`."""
        offered = {message["id"]: message.get("choices", []) for message in self.history()}
        with self.database.read() as connection:
            query = select(choices.c.id).where(choices.c.payload == payload)
            known = {row.id for row in connection.execute(query)}
        ids = [choice["id"] for shown in offered.values() for choice in shown]
        return next(choice for choice in reversed(ids) if choice in known)

    def history(self) -> list[Message]:
        response = self.http.get(f"{self.url}/messages", headers=self.headers)
        assert response.status_code == 200, response.text
        found: list[Message] = response.json()["messages"]
        return found

    def remembered(self, name: str) -> list[dict[str, Any]]:
        """The events of one kind that the brain keeps of the conversation, oldest first."""
        with self.database.read() as connection:
            query = select(tracker_events.c.data).where(
                tracker_events.c.conversation_id == self.id, tracker_events.c.name == name
            )
            rows = connection.execute(query.order_by(tracker_events.c.position))
            return [json.loads(row.data) for row in rows]

    def slots(self) -> dict[str, Any]:
        """What the brain knows, apart from what it is asking right now."""
        assert self.remembered("reset_slots") == self.remembered("restart") == []
        known = {event["name"]: event["value"] for event in self.remembered("slot")}
        known.pop("requested_slot", None)
        return known

    @staticmethod
    def _answer(response: httpx.Response) -> list[Message]:
        assert response.status_code == 200, response.text
        found: list[Message] = response.json()["messages"]
        return found


def new_id() -> str:
    return str(uuid.uuid4())
