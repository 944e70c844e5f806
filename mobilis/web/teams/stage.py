"""`mobilis dev teams`: Microsoft Teams on this computer, to see a conversation as Teams shows it.

A front door of its own, beside the one that runs, on the same database and brain. At /dev/teams it
is Teams: it signs what is typed on a page, and draws the cards that come back (only what
mobilis/web/teams/cards.py makes). Nothing leaves this computer.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from mobilis.errors import ContentError, SettingError
from mobilis.markup import Block, Run, parse
from mobilis.settings import Settings, load_settings
from mobilis.web.headers import PAGE_WITH_FORM
from mobilis.web.pages import render
from mobilis.web.server import make_server
from mobilis.web.teams.activities import BOTS, EXECUTE, VERB
from mobilis.web.teams.channel import PATH
from mobilis.web.teams.clouds import CLOUDS
from mobilis.web.teams.tokens import ALGORITHM, CHANNEL

HERE = "/dev/teams"
PORT = 8010
APP = "00000000-0000-4000-8000-000000000001"
TENANT = "00000000-0000-4000-8000-000000000002"
PLACES = {"personal": "Personal chat", "channel": "Channel", "groupChat": "Group chat"}
PEOPLE = {"Camille": "fr-CA", "Alex": "en-CA"}
LONGEST_WAIT = 8.0  # seconds that a page waits for an answer
SETTLED = 0.7  # seconds of silence after which it has come
ESCAPED = "\\*_[]#+->.)!"
PRIVATE_USE = 0xE000  # stands for escaped characters while Markdown is read


Json = dict[str, Any]


@dataclass
class Stage:
    """Teams, as far as the front door can tell. `base` is where both are reached."""

    base: str
    shown: dict[str, list[Json]] = field(default_factory=dict)  # by conversation, both sides
    note: str = ""  # what a press was answered in words
    changed: float = 0.0  # when anything new was shown last
    run: str = field(default_factory=lambda: secrets.token_hex(4))  # each one begins anew
    token: str = field(default_factory=secrets.token_hex)
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "stage"}))

    def settings(self, settings: Settings) -> Settings:
        """Of the front door that is on this stage."""
        return replace(
            settings,
            host="127.0.0.1",
            public_url=self.base,
            teams_app_id=APP,
            teams_app_password=secrets.token_hex(),
            teams_tenant=TENANT,
            teams_allowed_tenants=(),
            teams_cloud="public",
            teams_openid_url=f"{self.base}{HERE}/openid",
            teams_login_url=f"{self.base}{HERE}/login",
            teams_service_url=self.service,
        )

    @property
    def service(self) -> str:
        return f"{self.base}{HERE}/service/"

    def routes(self) -> list[Route]:
        """The page, and what the front door asks of Teams."""
        conversations = f"{HERE}/service/v3/conversations"
        return [
            Route(HERE, self.show),
            Route(f"{HERE}/act", self.act, methods=["POST"]),
            Route(f"{HERE}/openid", self.describe),
            Route(f"{HERE}/keys", self.publish),
            Route(f"{HERE}/login/{TENANT}/oauth2/v2.0/token", self.sign_in, methods=["POST"]),
            Route(conversations, self.open_chat, methods=["POST"]),
            Route(f"{conversations}/{{id}}/activities", self.take, methods=["POST"]),
            Route(f"{conversations}/{{id}}/activities/{{at}}", self.change, methods=["PUT"]),
        ]

    # The page

    async def show(self, request: Request) -> Response:
        """GET /dev/teams: a place as somebody sees it."""
        place, person = _chosen(request.query_params)
        note, self.note = self.note, ""
        return render(
            "teams_stage.html",
            "en",
            headers={"Content-Security-Policy": PAGE_WITH_FORM},
            here=HERE,
            places=PLACES,
            people=PEOPLE,
            place=place,
            person=person,
            shown=self._here(place, person),
            note=note,
            blocks=blocks,
        )

    async def act(self, request: Request) -> Response:
        """POST /dev/teams/act: somebody writes, or presses a button; then the page with the answer.

        Other websites cannot: a browser says from where a form was sent.
        """
        if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
            return Response(status_code=403)
        form = {name: str(value) for name, value in (await request.form()).items()}
        place, person = _chosen(form)
        if form.get("choice"):
            self.note = await self._press(place, person, form["choice"])
        elif form.get("text", "").strip():
            self._here(place, person).append({"from": person, "text": form["text"]})
            await self._send(self._message(place, person, form["text"]))
        else:
            member = {"membersAdded": [{"id": BOTS + APP}]}
            await self._send(self._activity("conversationUpdate", place, person, **member))
        if not self.note:
            await self._settle()
        return RedirectResponse(f"{HERE}?place={place}&person={person}#end", 303)

    async def _press(self, place: str, person: str, choice: str) -> str:
        action = {"type": "Action.Execute", "verb": VERB, "data": {"choice": choice}}
        pressed = {"name": EXECUTE, "value": {"action": action, "trigger": "manual"}}
        answer = await self._send(self._activity("invoke", place, person, **pressed))
        value = answer.json().get("value")
        return value if isinstance(value, str) else ""

    def _message(self, place: str, person: str, text: str) -> Json:
        if place == "personal":
            return self._activity("message", place, person, text=text)
        mention = {"type": "mention", "text": "<at>mobilis</at>", "mentioned": {"id": BOTS + APP}}
        said = {"text": f"<at>mobilis</at> {text}", "entities": [mention]}
        return self._activity("message", place, person, **said)

    def _activity(self, kind: str, place: str, person: str, **more: Any) -> Json:
        return {
            "type": kind,
            "id": secrets.token_hex(8),
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "channelId": CHANNEL,
            "serviceUrl": self.service,
            "from": {"id": self._id(person), "name": person},
            "recipient": {"id": BOTS + APP},
            "conversation": {
                "id": self._conversation(place, person),
                "conversationType": place,
                "tenantId": TENANT,
            },
            "locale": PEOPLE[person],
            **more,
        }

    def _id(self, person: str) -> str:
        return f"29:{self.run}-{person}"

    def _conversation(self, place: str, person: str) -> str:
        return f"a:{self._id(person)}" if place == "personal" else f"19:{self.run}@{place}"

    def _here(self, place: str, person: str) -> list[Json]:
        return self.shown.setdefault(self._conversation(place, person), [])

    async def _send(self, activity: Json) -> httpx.Response:
        """Bring an activity to the front door, as Teams would."""
        claims = {
            "iss": CLOUDS["public"].issuer,
            "aud": APP,
            "exp": int(time.time()) + 600,
            "serviceurl": self.service,
        }
        token = jwt.encode({"alg": ALGORITHM, "kid": "stage"}, claims, self.key)
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(trust_env=False, timeout=LONGEST_WAIT) as client:
            return await client.post(self.base + PATH, json=activity, headers=headers)

    async def _settle(self) -> None:
        """Wait for something to be shown, and then until nothing more comes."""
        begun = time.monotonic()
        while time.monotonic() - begun < LONGEST_WAIT:
            await asyncio.sleep(0.05)
            if self.changed > begun and time.monotonic() - self.changed > SETTLED:
                return

    # What the front door asks

    async def describe(self, request: Request) -> Response:
        return JSONResponse({"jwks_uri": f"{self.base}{HERE}/keys"})

    async def publish(self, request: Request) -> Response:
        key = {**self.key.as_dict(private=False), "endorsements": [CHANNEL]}
        return JSONResponse({"keys": [key]})

    async def sign_in(self, request: Request) -> Response:
        return JSONResponse({"access_token": self.token, "expires_in": 3600})

    async def open_chat(self, request: Request) -> Response:
        asked = await request.json()
        return JSONResponse({"id": f"a:{asked['members'][0]['id']}"}, 201)

    async def take(self, request: Request) -> Response:
        activity = await request.json()
        if activity["type"] == "typing":
            return JSONResponse({"id": "typing"})
        here = self.shown.setdefault(request.path_params["id"], [])
        here.append(activity)
        self.changed = time.monotonic()
        return JSONResponse({"id": str(len(here) - 1)}, 201)

    async def change(self, request: Request) -> Response:
        here = self.shown[request.path_params["id"]]
        here[int(request.path_params["at"])] = await request.json()
        return JSONResponse({"id": request.path_params["at"]})


def blocks(text: str) -> list[Block]:
    """The Markdown of a card, with the characters that were escaped as themselves."""
    for at, character in enumerate(ESCAPED):
        text = text.replace(f"\\{character}", chr(PRIVATE_USE + at))
    return [
        replace(block, lines=tuple(tuple(map(_unescaped, line)) for line in block.lines))
        for block in parse(text)
    ]


def _unescaped(run: Run) -> Run:
    text = run.text
    for at, character in enumerate(ESCAPED):
        text = text.replace(chr(PRIVATE_USE + at), character)
    return replace(run, text=text)


def _chosen(given: Any) -> tuple[str, str]:
    """The place and the person that a page is about."""
    place, person = given.get("place"), given.get("person")
    return (
        place if place in PLACES else next(iter(PLACES)),
        person if person in PEOPLE else next(iter(PEOPLE)),
    )


def main(arguments: Sequence[str]) -> int:
    """Serve until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="mobilis dev teams")
    parser.add_argument("--port", type=int, default=PORT)
    port = parser.parse_args(arguments).port
    stage = Stage(f"http://127.0.0.1:{port}")
    settings = replace(stage.settings(load_settings()), port=port)
    server = make_server(settings, stage.routes())
    sys.stdout.write(f"Microsoft Teams, as it would show it: {stage.base}{HERE}\n")
    sys.stdout.flush()
    server.run()
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (ContentError, SettingError) as error:
        sys.exit(f"mobilis: {error}")
