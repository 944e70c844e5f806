"""What the local pages of `mobilis dev …` have in common: a platform on this computer, in which
people of a small cast talk with the assistant.

A front door of its own, beside the one that runs, on the same database and brain; the page plays
the platform: it brings what is typed there to the front door, signed as the platform signs, and
draws what comes back. Nothing leaves this computer.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from mobilis.dates import ZONE
from mobilis.errors import ContentError, SettingError
from mobilis.seeing.logs import configure
from mobilis.settings import Settings, load_settings
from mobilis.store import now
from mobilis.web.headers import CONSOLE
from mobilis.web.pages import render
from mobilis.web.server import Server, make_server

LONGEST_WAIT = 8.0  # seconds that a page without scripts waits for an answer
SETTLED = 0.7  # seconds of silence after which it has come

Json = dict[str, Any]


@dataclass(frozen=True)
class Person:
    """Somebody who talks: what the platform knows of them."""

    name: str
    language: str  # of the platform, for them
    email: str  # an account of the console with it may claim cases


PEOPLE = {
    "camille": Person("Camille Roy", "fr", "camille@example.org"),
    "alex": Person("Alex Martin", "en", "alex@example.org"),
}


@dataclass
class Stage(ABC):
    """The platform, as far as the front door can tell. `base` is where both are reached."""

    base: str
    shown: dict[str, list[Json]] = field(default_factory=dict)  # by conversation, both sides
    notes: dict[str, str] = field(default_factory=dict)  # what one person alone sees, by their id
    changes: int = 0  # to what is shown
    changed: float = 0.0  # when the front door made the last
    run: str = field(default_factory=lambda: secrets.token_hex(4).upper())  # each begins anew
    begun: datetime = field(default_factory=now)

    title: ClassVar[str]
    here: ClassVar[str]  # path of the page
    template: ClassVar[str]
    places: ClassVar[Sequence[str]]

    @abstractmethod
    def settings(self, settings: Settings) -> Settings:
        """Of the front door that is on this stage."""

    @abstractmethod
    def services(self) -> list[Route]:
        """What the front door asks of the platform."""

    @abstractmethod
    def conversation(self, place: str, person: str) -> str:
        """How the platform calls a place where somebody is."""

    @abstractmethod
    def id_of(self, person: str) -> str:
        """How the platform calls somebody."""

    @abstractmethod
    async def do(self, place: str, person: str, given: Mapping[str, str]) -> None:
        """What the form of a page asks for: a message, a press, …"""

    def seen(self, place: str, person: str) -> Json:
        """What else the page shows there, for its template."""
        return {}

    def routes(self) -> list[Route]:
        """The page, and what the front door asks of the platform."""
        return [
            Route(self.here, self.show),
            Route(f"{self.here}/act", self.act, methods=["POST"]),
            *self.services(),
        ]

    async def show(self, request: Request) -> Response:
        """GET: a place as somebody sees it. `?seen=`: only if there is more than that."""
        place, person = self._chosen(request.query_params)
        if request.query_params.get("seen") == str(self.changes):
            return Response(status_code=204)
        return render(
            self.template,
            PEOPLE[person].language,
            headers={"Content-Security-Policy": CONSOLE},
            stage=self,
            people=PEOPLE,
            place=place,
            person=person,
            shown=self.shown.get(self.conversation(place, person), ()),
            note=self.notes.get(self.id_of(person), ""),
            time_of=lambda moment: f"{moment.astimezone(ZONE):%H:%M}",
            **self.seen(place, person),
        )

    async def act(self, request: Request) -> Response:
        """POST: somebody does something; then the page, where scripts are off with the answer.

        Other websites cannot: a browser says from where a form was sent.
        """
        if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
            return Response(status_code=403)
        given = {name: str(value) for name, value in (await request.form()).items()}
        place, person = self._chosen(given)
        self.notes.pop(self.id_of(person), None)
        begun = time.monotonic()
        await self.do(place, person, given)
        if "hx-request" not in request.headers:
            await self._settle(begun)
        return RedirectResponse(f"{self.here}?place={place}&person={person}", 303)

    def say(self, place: str, person: str, text: str) -> None:
        """Show what somebody typed."""
        said = {"from": person, "text": text, "at": now()}
        self.shown.setdefault(self.conversation(place, person), []).append(said)
        self.changes += 1

    def put(self, conversation: str, one: Json) -> None:
        """Show what the front door sent."""
        self.shown.setdefault(conversation, []).append({**one, "at": now()})
        self.mark()

    def tell(self, whom: str, text: str) -> None:
        """Say something that one person alone sees."""
        self.notes[whom] = text
        self.mark()

    def mark(self) -> None:
        """Something is shown otherwise than before, by the front door."""
        self.changes += 1
        self.changed = time.monotonic()

    async def _settle(self, begun: float) -> None:
        """Wait for something to be shown, and then until nothing more comes."""
        while time.monotonic() - begun < LONGEST_WAIT:
            await asyncio.sleep(0.05)
            if self.changed > begun and time.monotonic() - self.changed > SETTLED:
                return

    def _chosen(self, given: Any) -> tuple[str, str]:
        """The place and the person that a page is about."""
        place, person = given.get("place"), given.get("person")
        return (
            place if place in self.places else self.places[0],
            person if person in PEOPLE else next(iter(PEOPLE)),
        )


def make_stage(kind: type[Stage], settings: Settings, port: int) -> tuple[Stage, Server]:
    """A stage and the front door on it, not yet running."""
    stage = kind(f"http://127.0.0.1:{port}")
    its = replace(stage.settings(settings), host="127.0.0.1", port=port, public_url=stage.base)
    return stage, make_server(its, stage.routes())


def serve(kind: type[Stage], arguments: Sequence[str]) -> int:
    """Serve until Ctrl-C; the code to exit with."""
    parser = argparse.ArgumentParser(prog=f"mobilis dev {kind.here.rpartition('/')[2]}")
    parser.add_argument("--port", type=int, required=True)
    try:
        settings = load_settings()
        configure("door", settings)
        stage, server = make_stage(kind, settings, parser.parse_args(arguments).port)
    except (ContentError, SettingError) as error:
        sys.stderr.write(f"mobilis: {error}\n")
        return 1
    sys.stdout.write(f"{stage.title}, about as it would show it: {stage.base}{stage.here}\n")
    sys.stdout.flush()
    server.run()
    return 0
