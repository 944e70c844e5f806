"""Journeys on Slack and on Teams: somebody who writes and presses buttons there, and reads what is
shown. The platforms are the tests' own; the assistant is the real one, as `mobilis up` runs it.

A line knows from the database which messages a turn was answered with, and when all is done. Each
is then held against what the platform shows: the words, the buttons, once and in order.

Every journey can be played on both, restarts and kills included. What is different there by nature:
    - A conversation begins with a mention alone (Slack) or when the app is installed (Teams), in
      the language of the person's platform; nobody switches it but by asking, as in the journeys.
    - A button can be pressed once, and while it is shown: a second time nobody finds it.
    - Slack keeps what begins with / for commands; with a space before it, it comes as a message.
    - What is erased is erased here. The platform goes on showing it, which `history_lacks` does not
      look at.
    - A kill may show a message of Teams twice, since Teams cannot say whether it arrived.
"""

from __future__ import annotations

import html
import re
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import httpx
from fake_teams import Chat, FakeTeams, personal_id
from fakes.slack import FakeSlack, Person, Post
from loopback import loopback_client
from renderings import Seen, on_slack, on_teams, problems
from sqlalchemy import select
from sqlalchemy.engine import Connection

from mobilis.conversations import answers, history
from mobilis.errors import LineFailed
from mobilis.expectations import Message
from mobilis.models import deliveries, inbox
from mobilis.places import find
from mobilis.settings import Settings
from mobilis.store import Database
from mobilis.web.slack.inbound import message_id
from mobilis.web.teams.activities import read_activity
from mobilis.wording import Sentences, load_wording

PATIENCE_SECONDS = 240.0  # for one turn, restarts and a delivery that was cut included
LOOK_SECONDS = 0.02
RETRY_SECONDS = 0.3
DEAD = "failed"

_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_LINK = re.compile(r"https?://[^\s<>]+")

Send = Callable[[], httpx.Response]


class PlatformTurn:
    """Something said: it may be brought several times, and is the same each time."""

    def __init__(self, line: PlatformLine, id: str, send: Send) -> None:
        self.id = id
        self._line = line
        self._send = send

    def bring(self) -> None:
        self._line.deliver(self._send)

    def answer(self) -> list[Message]:
        self.bring()
        return self._line.answers(self.id)


class PlatformLine(ABC):
    """A conversation on a platform, of somebody who was never there before."""

    channel: str

    def __init__(self, base_url: str, settings: Settings) -> None:
        self.http = loopback_client(base_url=base_url, timeout=20)
        self.doubled = 0  # messages that the platform shows twice
        self.words: Sentences = getattr(load_wording(settings.project_dir), self.channel)
        self._database = Database.from_settings(settings)
        self._shown: dict[str, None] = {}  # ids of messages; those erased since stay shown
        self._messages: dict[str, Message] = {}  # as they are now

    def close(self) -> None:
        self.http.close()
        self._database.dispose()

    def open(self, language: str) -> list[Message]:
        self.arrive(language)
        return self._look(self._by_assistant)

    def say(self, text: str) -> PlatformTurn:
        return self.typed(text)

    def choose(self, message: Message, choice: Mapping[str, Any]) -> PlatformTurn:
        if choice["id"] not in self.seen(message["id"]).buttons.values():
            raise LineFailed(f"expected the button {choice['title']!r}, which is not shown")
        return self.pressed(message, choice["id"])

    def history(self) -> list[Message]:
        with self._database.read() as connection:
            return [message for _, message in history(connection, self._talk(connection))]

    def deliver(self, send: Send) -> None:
        """As platforms do: again, until it was taken."""
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            try:
                response = send()
            except httpx.TransportError:
                time.sleep(RETRY_SECONDS)
                continue
            if response.status_code < 500:
                return self.acknowledged(response)
            time.sleep(RETRY_SECONDS)
        raise LineFailed(f"the front door took nothing for {PATIENCE_SECONDS:g} s")

    def answers(self, id: str) -> list[Message]:
        """What was answered, once it is all shown as it should be."""
        return self._look(lambda connection, talk: answers(connection, talk, id))

    def _look(self, read: Callable[[Connection, str], list[Message]]) -> list[Message]:
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            with self._database.read() as connection:
                talk = self._talk(connection)
                if talk and not _is_busy(connection, talk):
                    found = read(connection, talk)
                    self._note(connection, talk)
                    self._check()
                    return found
            time.sleep(LOOK_SECONDS)
        raise LineFailed(f"no answer within {PATIENCE_SECONDS:g} s")

    def _by_assistant(self, connection: Connection, talk: str) -> list[Message]:
        return [m for _, m in history(connection, talk) if m.get("role") != "visitor"]

    def _note(self, connection: Connection, talk: str) -> None:
        dead = (deliveries.c.conversation_id == talk, deliveries.c.state == DEAD)
        for row in connection.execute(select(deliveries.c.error).where(*dead)):
            raise LineFailed(f"a message was given up: {row.error}")
        self._messages = {m["id"]: m for m in self._by_assistant(connection, talk)}
        self._shown |= dict.fromkeys(self._messages)

    def _check(self) -> None:
        """What is shown is what was said: all of it, once, in order."""
        shown = self.shown()
        once = list(dict.fromkeys(shown))
        if once != list(self._shown):
            raise LineFailed(f"expected {len(self._shown)} messages in order, shown {len(once)}")
        self.doubled = len(shown) - len(once)
        for id, message in self._messages.items():
            wrong = problems(message, self.seen(id), self.words)
            if wrong:
                raise LineFailed(f"on {self.channel}: {'; '.join(wrong)}")

    def _talk(self, connection: Connection) -> str:
        row = find(connection, self.channel, self.key)
        return str(row.conversation_id) if row else ""

    def acknowledged(self, response: httpx.Response) -> None:
        """What the front door answered at once."""
        if response.status_code not in (200, 202):
            raise LineFailed(f"the front door answered {response.status_code}")

    @property
    @abstractmethod
    def key(self) -> str:
        """Of the place."""

    @abstractmethod
    def arrive(self, language: str) -> None:
        """Be there for the first time."""

    @abstractmethod
    def typed(self, text: str) -> PlatformTurn:
        """Write something."""

    @abstractmethod
    def pressed(self, message: Message, choice: str) -> PlatformTurn:
        """Press a button."""

    @abstractmethod
    def shown(self) -> list[str]:
        """The ids of the messages that are shown, in their order."""

    @abstractmethod
    def seen(self, id: str) -> Seen:
        """How a message looks."""


class SlackLine(PlatformLine):
    """A direct message."""

    channel = "slack"

    def __init__(self, slack: FakeSlack, base_url: str, settings: Settings) -> None:
        super().__init__(base_url, settings)
        self._slack = slack
        self._person = Person(slack, self.http, user=f"U{uuid.uuid4().hex[:10].upper()}")

    @property
    def key(self) -> str:
        return f"{self._person.team}/{self._person.user}"

    def arrive(self, language: str) -> None:
        """A mention alone: nothing is asked, so that only the greeting is said."""
        locales = {"fr": "fr-FR", "en": "en-US"}
        self._slack.teams[self._person.team].locales[self._person.user] = locales[language]
        self.typed("").bring()

    def typed(self, text: str) -> PlatformTurn:
        event = self._person.said(as_slack_writes(text) or "<@UBOT>")
        body = self._person.event(event)
        id = message_id(event["channel"], event["ts"])
        return PlatformTurn(self, id, lambda: self._person.send(body))

    def pressed(self, message: Message, choice: str) -> PlatformTurn:
        post = self._post(message["id"])
        titles = {value: title for title, value in on_slack(post).buttons.items()}
        body = press_on_slack(self._slack, post, titles[choice])
        id = message_id(post.channel, post.ts, body["actions"][0]["action_ts"])
        return PlatformTurn(self, id, lambda: self._person.interacts(body))

    def shown(self) -> list[str]:
        return [post.message_id for post in self._posts()]

    def seen(self, id: str) -> Seen:
        return on_slack(self._post(id))

    def answers(self, id: str) -> list[Message]:
        found = super().answers(id)
        alone = [one["text"] for one in self._slack.alone if one["user"] == self._person.user]
        if alone:
            raise LineFailed(f"expected nothing to be said aside, got {alone}")
        return found

    def _posts(self) -> list[Post]:
        return [post for post in self._slack.posts if post.channel == self._person.direct]

    def _post(self, id: str) -> Post:
        return next(post for post in self._posts() if post.message_id == id)


class TeamsLine(PlatformLine):
    """A personal chat."""

    channel = "teams"

    def __init__(self, teams: FakeTeams, base_url: str, settings: Settings) -> None:
        super().__init__(base_url, settings)
        self._teams = teams
        person = f"29:{uuid.uuid4().hex}"
        self._chat = Chat(teams, self.http.post, personal_id(person), person)
        self._remotes: dict[str, str] = {}  # how Teams calls messages; erased ones stay shown

    @property
    def key(self) -> str:
        return read_activity(self._teams.activity("message", self._chat, text="")).place.key

    def arrive(self, language: str) -> None:
        """The app is installed."""
        self._chat.locale = f"{language}-CA"
        self._turn(self._teams.activity("installationUpdate", self._chat, action="add")).bring()

    def typed(self, text: str) -> PlatformTurn:
        return self._turn(self._teams.message(self._chat, html.escape(text, quote=False)))

    def pressed(self, message: Message, choice: str) -> PlatformTurn:
        return self._turn(self._teams.press(self._chat, choice))

    def _turn(self, activity: dict[str, Any]) -> PlatformTurn:
        id = read_activity(activity).message_id
        return PlatformTurn(self, id, lambda: self._chat.send(activity))

    def acknowledged(self, response: httpx.Response) -> None:
        super().acknowledged(response)
        if response.status_code == 200 and not response.json()["type"].endswith("card.adaptive"):
            raise LineFailed(f"expected the button's card, got {response.json()['value']!r}")

    def shown(self) -> list[str]:
        """Where Teams could not say whether a message arrived, the other one is the same."""
        names = self._names()
        by_summary = {a["summary"]: names[a["id"]] for a in self._chat.shown if a["id"] in names}
        return [names.get(a["id"]) or by_summary.get(a["summary"], "?") for a in self._chat.shown]

    def seen(self, id: str) -> Seen:
        names = self._names()
        return on_teams(next(a for a in self._chat.shown if names.get(a["id"]) == id))

    def _names(self) -> dict[str, str]:
        """The ids of messages by how Teams calls them."""
        self._remember()
        return {remote: id for id, remote in self._remotes.items()}

    def _remember(self) -> None:
        query = select(deliveries.c.message_id, deliveries.c.remote_id).where(
            deliveries.c.kind == "send", deliveries.c.state == "sent"
        )
        with self._database.read() as connection:
            here = query.where(deliveries.c.conversation_id == self._talk(connection))
            for row in connection.execute(here):
                self._remotes[row.message_id] = row.remote_id


def press_on_slack(slack: FakeSlack, post: Post, title: str) -> dict[str, Any]:
    """A press of a button, or a choice from a menu: the same one however often it is brought."""
    action = {**post.buttons()[title], "action_ts": slack.ts()}
    if "selected_option" in action:
        action.pop("options")
    return {
        "type": "block_actions",
        "actions": [{"block_id": "b", **action}],
        "channel": {"id": post.channel},
        "container": {"type": "message", "message_ts": post.ts},
        "message": {"ts": post.ts, "text": post.text, "blocks": post.blocks},
    }


def as_slack_writes(text: str) -> str:
    """What somebody typed, with what Slack makes of it: entities, links, addresses."""
    escaped = html.escape(text, quote=False)
    linked = _LINK.sub(lambda match: f"<{match[0]}>", escaped)
    written = _ADDRESS.sub(lambda match: f"<mailto:{match[0]}|{match[0]}>", linked)
    return f" {written}" if written.startswith("/") else written


def _is_busy(connection: Connection, talk: str) -> bool:
    """Whether something is still to be answered or shown."""
    waiting = select(inbox.c.id).where(inbox.c.conversation_id == talk, inbox.c.state == "pending")
    going = select(deliveries.c.number).where(
        deliveries.c.conversation_id == talk, deliveries.c.state.in_(("pending", "sending"))
    )
    return any(connection.execute(query).first() for query in (waiting, going))
