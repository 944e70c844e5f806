"""`mobilis dev teams`: Microsoft Teams on this computer, to see a conversation as Teams shows it.

At /dev/teams it is Teams: it signs what is typed on a page, and draws the cards that come back
(only what mobilis/web/teams/cards.py makes).
"""

from __future__ import annotations

import json
import secrets
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mobilis.markup import Block, Run, parse
from mobilis.settings import ROOT, Settings
from mobilis.web import stages
from mobilis.web.stages import PEOPLE
from mobilis.web.teams.activities import BOTS, EXECUTE
from mobilis.web.teams.channel import PATH
from mobilis.web.teams.clouds import CLOUDS
from mobilis.web.teams.tokens import ALGORITHM, CHANNEL

HERE = "/dev/teams"
MANIFEST = ROOT / "deploy" / "teams"
APP = "00000000-0000-4000-8000-000000000001"
TENANT = "00000000-0000-4000-8000-000000000002"
KINDS = {"staff": "channel"}  # of places, where they are called otherwise
TYPING = 4.0  # seconds for which "is typing" is shown
ESCAPED = "\\*_[]#+->.)!"
PRIVATE_USE = 0xE000  # stands for escaped characters while Markdown is read
LOCALES = {"fr": "fr-CA", "en": "en-CA"}

Json = dict[str, Any]


@dataclass
class Stage(stages.Stage):
    """Teams, as far as the front door can tell."""

    typing: dict[str, float] = field(default_factory=dict)  # since when, by conversation
    token: str = field(default_factory=secrets.token_hex)
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "stage"}))

    title = "Microsoft Teams"
    here = HERE
    template = "teams_stage.html"
    places = ("personal", "channel", "groupChat", "staff")

    def settings(self, settings: Settings) -> Settings:
        staff = self.conversation("staff", "")
        return replace(
            settings,
            teams_app_id=APP,
            teams_app_password=secrets.token_hex(),
            teams_tenant=TENANT,
            teams_allowed_tenants=(),
            teams_cloud="public",
            teams_openid_url=f"{self.base}{HERE}/openid",
            teams_login_url=f"{self.base}{HERE}/login",
            teams_service_url=self.service,
            notices_teams=(TENANT, staff, self.service),
        )

    @property
    def service(self) -> str:
        return f"{self.base}{HERE}/service/"

    def services(self) -> list[Route]:
        conversations = f"{HERE}/service/v3/conversations"
        return [
            Route(f"{HERE}/openid", self.describe),
            Route(f"{HERE}/keys", self.publish),
            Route(f"{HERE}/login/{TENANT}/oauth2/v2.0/token", self.sign_in, methods=["POST"]),
            Route(conversations, self.open_chat, methods=["POST"]),
            Route(f"{conversations}/{{id}}/members/{{person}}", self.member),
            Route(f"{conversations}/{{id}}/activities", self.take, methods=["POST"]),
            Route(f"{conversations}/{{id}}/activities/{{at}}", self.change, methods=["PUT"]),
        ]

    def conversation(self, place: str, person: str) -> str:
        return f"a:{self.id_of(person)}" if place == "personal" else f"19:{self.run}@{place}"

    def id_of(self, person: str) -> str:
        return f"29:{self.run}-{person}"

    def seen(self, place: str, person: str) -> Json:
        since = self.typing.get(self.conversation(place, person), -TYPING)
        commands = _commands(place, PEOPLE[person].language)
        typing = time.monotonic() - since < TYPING
        return {"blocks": blocks, "typing": typing, "commands": commands}

    async def do(self, place: str, person: str, given: Mapping[str, str]) -> None:
        if given.get("action"):
            note = await self._press(place, person, json.loads(given["action"]))
            if note:
                self.tell(self.id_of(person), note)
        elif given.get("text", "").strip():
            self.say(place, person, given["text"])
            await self._send(self._message(place, person, given["text"]))
        else:
            member = {"membersAdded": [{"id": BOTS + APP}]}
            await self._send(self._activity("conversationUpdate", place, person, **member))

    async def _press(self, place: str, person: str, action: Json) -> str:
        pressed = {"type": "Action.Execute", "verb": action["verb"], "data": action["data"]}
        invoked = {"name": EXECUTE, "value": {"action": pressed, "trigger": "manual"}}
        answer = await self._send(self._activity("invoke", place, person, **invoked))
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
            "from": {"id": self.id_of(person), "name": PEOPLE[person].name},
            "recipient": {"id": BOTS + APP},
            "conversation": {
                "id": self.conversation(place, person),
                "conversationType": KINDS.get(place, place),
                "tenantId": TENANT,
            },
            "locale": LOCALES[PEOPLE[person].language],
            **more,
        }

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
        async with httpx.AsyncClient(trust_env=False, timeout=stages.LONGEST_WAIT) as client:
            return await client.post(self.base + PATH, json=activity, headers=headers)

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
        activity, id = await request.json(), request.path_params["id"]
        if activity["type"] == "typing":
            self.typing[id] = time.monotonic()
            self.changes += 1
            return JSONResponse({"id": "typing"})
        self.typing.pop(id, None)
        self.put(id, activity)
        return JSONResponse({"id": str(len(self.shown[id]) - 1)}, 201)

    async def change(self, request: Request) -> Response:
        shown = self.shown[request.path_params["id"]]
        shown[int(request.path_params["at"])] |= await request.json()
        self.mark()
        return JSONResponse({"id": request.path_params["at"]})

    async def member(self, request: Request) -> Response:
        wanted = request.path_params["person"]
        person = next(one for key, one in PEOPLE.items() if self.id_of(key) == wanted)
        found = {"id": wanted, "name": person.name, "email": person.email}
        return JSONResponse({**found, "tenantId": TENANT, "userRole": "user"})


def _commands(place: str, language: str) -> list[str]:
    """What Teams proposes to write there, from the manifest of the app."""
    manifest = json.loads((MANIFEST / "manifest.json").read_text("utf-8"))
    words = {} if language == "en" else json.loads((MANIFEST / "fr.json").read_text("utf-8"))
    number = 0 if place == "personal" else 1
    path = f"bots[0].commandLists[{number}].commands[{{}}].title"
    commands = manifest["bots"][0]["commandLists"][number]["commands"]
    return [words.get(path.format(n), one["title"]) for n, one in enumerate(commands)]


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


if __name__ == "__main__":
    sys.exit(stages.serve(Stage, sys.argv[1:]))
