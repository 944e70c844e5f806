"""`mobilis dev slack`: Slack on this computer, to see a conversation about as Slack shows it.

A front door of its own, beside the one that runs, on the same database and brain. At /dev/slack it
is Slack: it signs what is typed on a page, answers the Web API, and draws the blocks that come back
(only what mobilis/web/slack makes). Nothing leaves this computer.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import hmac
import html
import itertools
import json
import re
import secrets
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from mobilis.errors import ContentError, SettingError
from mobilis.markup import Run
from mobilis.settings import Settings, load_settings
from mobilis.slack import COMMANDS, EVENTS_PATH, SCOPES
from mobilis.web.headers import PAGE_WITH_FORM
from mobilis.web.pages import render
from mobilis.web.server import Server, make_server

HERE = "/dev/slack"
PORT = 8020
TEAM, BOT, PUBLIC, THREAD = "TDEV", "UBOT", "CDEV", "1.000001"
PLACES = {"direct": "Direct message", "channel": "Thread of a channel", "home": "Home tab"}
PEOPLE = {"Camille": "fr-FR", "Alex": "en-US"}
LONGEST_WAIT = 8.0  # seconds that a page waits for an answer
SETTLED = 0.7  # seconds of silence after which it has come

_MRKDWN = re.compile(
    r"<(?P<url>[^|>]+)\|(?P<label>[^>]*)>|\*(?P<bold>[^*\n]+)\*|_(?P<under>[^_]+)_"
)

Json = dict[str, Any]


@dataclass
class Stage:
    """Slack, as far as the front door can tell. `base` is where both are reached."""

    base: str
    shown: dict[str, list[Json]] = field(default_factory=dict)  # by channel, both sides
    homes: dict[str, Json] = field(default_factory=dict)  # by person
    forms: dict[str, Json] = field(default_factory=dict)  # that are open, by person
    notes: dict[str, str] = field(default_factory=dict)  # what only one person sees
    triggers: dict[str, str] = field(default_factory=dict)  # who did what may open a form
    changed: float = 0.0  # when anything new was shown last
    run: str = field(default_factory=lambda: secrets.token_hex(4).upper())  # each begins anew
    secret: str = field(default_factory=secrets.token_hex)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def settings(self, settings: Settings) -> Settings:
        """Of the front door that is on this stage."""
        return replace(
            settings,
            host="127.0.0.1",
            public_url=self.base,
            slack_signing_secret=self.secret,
            slack_bot_token=f"xoxb-{secrets.token_hex()}",
            slack_app_token="",
            slack_client_id="",
            slack_client_secret="",
            slack_api_url=f"{self.base}{HERE}/api/",
        )

    def routes(self) -> list[Route]:
        """The page, and what the front door asks of Slack."""
        return [
            Route(HERE, self.show),
            Route(f"{HERE}/act", self.act, methods=["POST"]),
            Route(f"{HERE}/api/{{method}}", self.answer, methods=["GET", "POST"]),
        ]

    # The page

    async def show(self, request: Request) -> Response:
        """GET /dev/slack: a place as somebody sees it."""
        place, person = _chosen(request.query_params)
        user = self._user(person)
        return render(
            "slack_stage.html",
            "en",
            headers={"Content-Security-Policy": PAGE_WITH_FORM},
            here=HERE,
            places=PLACES,
            people=PEOPLE,
            commands=COMMANDS,
            place=place,
            person=person,
            shown=self.shown.get(self._channel(place, person), ()),
            home=self.homes.get(user),
            form=self.forms.get(user),
            note=self.notes.pop(user, ""),
            lines=lines,
        )

    async def act(self, request: Request) -> Response:
        """POST /dev/slack/act: somebody does something; then the page with the answer.

        Other websites cannot: a browser says from where a form was sent.
        """
        if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
            return Response(status_code=403)
        given = {name: str(value) for name, value in (await request.form()).items()}
        place, person = _chosen(given)
        begun = time.monotonic()
        await self._do(place, person, given)
        await self._settle(begun)
        return RedirectResponse(f"{HERE}?place={place}&person={person}#end", 303)

    async def _do(self, place: str, person: str, given: Mapping[str, str]) -> None:
        if given.get("command") in COMMANDS:
            await self._command(person, given["command"])
        elif given.get("action"):
            await self._press(place, person, json.loads(given["action"]), given)
        elif given.get("sent"):
            await self._send_form(person, given)
        elif given.get("text", "").strip():
            await self._say(place, person, given["text"])
        else:
            opened = {"type": "app_home_opened", "user": self._user(person), "tab": "home"}
            await self._event(opened)

    async def _say(self, place: str, person: str, text: str) -> None:
        channel, ts = self._channel(place, person), self._ts()
        self.shown.setdefault(channel, []).append({"from": person, "text": text})
        said = {"channel": channel, "user": self._user(person), "ts": ts, "text": html.escape(text)}
        if place == "direct":
            await self._event({**said, "type": "message", "channel_type": "im"})
        else:
            mention = {"text": f"<@{BOT}> {said['text']}", "thread_ts": THREAD}
            await self._event({**said, "type": "app_mention", **mention})

    async def _event(self, event: Json) -> None:
        whom = {"team_id": TEAM, "user_id": BOT, "is_bot": True, "is_enterprise_install": False}
        event_id = f"Ev{self._ts()}"
        outside = {"type": "event_callback", "team_id": TEAM, "event_id": event_id}
        await self._deliver(json.dumps({**outside, "event": event, "authorizations": [whom]}))

    async def _command(self, person: str, command: str) -> None:
        who = {"team_id": TEAM, "user_id": self._user(person), "channel_id": PUBLIC}
        sent = {"command": command, "trigger_id": self._ts(), "text": "", **who}
        answer = await self._deliver(urlencode(sent), form=True)
        self.notes[self._user(person)] = answer.text

    async def _press(self, place: str, person: str, action: Json, given: Mapping[str, str]) -> None:
        if given.get("option"):
            action["selected_option"] = {"value": given["option"]}
        pressed: Json = {"type": "block_actions", "actions": [{**action, "action_ts": self._ts()}]}
        if given.get("ts"):
            pressed["channel"] = {"id": self._channel(place, person)}
            pressed["message"] = {"ts": given["ts"]}
        await self._interact(person, pressed)

    async def _send_form(self, person: str, given: Mapping[str, str]) -> None:
        view = self.forms[self._user(person)]
        values: Json = {}
        for block in view["blocks"]:
            if block["type"] == "input":
                values[block["block_id"]] = {block["block_id"]: _filled(block, given)}
        sent = {**view, "id": f"V{self._ts()}", "state": {"values": values}}
        answer = await self._interact(person, {"type": "view_submission", "view": sent})
        wrong = (answer.json() or {}).get("errors") if answer.content else None
        if wrong:
            self.notes[self._user(person)] = " ".join(wrong.values())
        else:
            del self.forms[self._user(person)]

    async def _interact(self, person: str, payload: Json) -> httpx.Response:
        trigger, user = self._ts(), self._user(person)
        self.triggers[trigger] = user
        who = {"user": {"id": user}, "team": {"id": TEAM}, "trigger_id": trigger}
        return await self._deliver(
            urlencode({"payload": json.dumps({**who, **payload})}), form=True
        )

    async def _deliver(self, body: str, form: bool = False) -> httpx.Response:
        """Bring something to the front door, signed as Slack does."""
        at = str(int(time.time()))
        base = f"v0:{at}:{body}".encode()
        signature = hmac.new(self.secret.encode(), base, hashlib.sha256).hexdigest()
        headers = {
            "Content-Type": "application/x-www-form-urlencoded" if form else "application/json",
            "X-Slack-Request-Timestamp": at,
            "X-Slack-Signature": f"v0={signature}",
        }
        async with httpx.AsyncClient(trust_env=False, timeout=LONGEST_WAIT) as client:
            return await client.post(self.base + EVENTS_PATH, content=body, headers=headers)

    async def _settle(self, begun: float) -> None:
        """Wait for something to be shown, and then until nothing more comes."""
        while time.monotonic() - begun < LONGEST_WAIT:
            await asyncio.sleep(0.05)
            if self.changed > begun and time.monotonic() - self.changed > SETTLED:
                return

    # What the front door asks

    async def answer(self, request: Request) -> Response:
        """The few methods of the Web API that the channel calls."""
        if request.headers.get("content-type", "").startswith("application/json"):
            given = json.loads(await request.body() or b"{}")
        else:
            given = {**request.query_params, **(await request.form())}
        method = request.path_params["method"]
        found = getattr(self, f"_{method.replace('.', '_').lower()}")(given)
        if method.startswith(("chat.", "views.")):  # something is to be seen
            self.changed = time.monotonic()
        headers = {"x-oauth-scopes": ",".join(SCOPES)}
        return JSONResponse({"ok": True, **found}, headers=headers)

    def _auth_test(self, given: Json) -> Json:
        return {"team_id": TEAM, "team": "Slack on this computer", "user_id": BOT, "bot_id": "B"}

    def _users_info(self, given: Json) -> Json:
        person = next(one for one in PEOPLE if self._user(one) == given["user"])
        return {"user": {"locale": PEOPLE[person]}}

    def _conversations_open(self, given: Json) -> Json:
        return {"channel": {"id": f"D{given['users']}"}}

    def _conversations_history(self, given: Json) -> Json:
        posted = [post for post in self.shown.get(given["channel"], ()) if "ts" in post]
        return {"messages": posted}

    _conversations_replies = _conversations_history

    def _chat_postmessage(self, given: Json) -> Json:
        ts = self._ts()
        self.shown.setdefault(given["channel"], []).append({**given, "ts": ts})
        return {"ts": ts}

    def _chat_update(self, given: Json) -> Json:
        for post in self.shown.get(given["channel"], ()):
            if post.get("ts") == given["ts"]:
                post |= given
        return {"ts": given["ts"]}

    def _chat_postephemeral(self, given: Json) -> Json:
        self.notes[given["user"]] = html.unescape(given["text"])
        return {}

    def _views_publish(self, given: Json) -> Json:
        self.homes[given["user_id"]] = _view(given)
        return {}

    def _views_open(self, given: Json) -> Json:
        self.forms[self.triggers.pop(given["trigger_id"])] = _view(given)
        return {}

    # Names

    def _user(self, person: str) -> str:
        return f"U{self.run}{person.upper()}"

    def _channel(self, place: str, person: str) -> str:
        return f"D{self._user(person)}" if place == "direct" else f"{PUBLIC}{self.run}"

    def _ts(self) -> str:
        return f"{time.time():.0f}.{next(self.numbers):06d}"


def lines(text: str) -> list[list[Run]]:
    """Slack's own markup as runs, line by line."""
    return [list(_runs(line)) for line in text.split("\n")]


def _runs(line: str) -> Iterator[Run]:
    at = 0
    for match in _MRKDWN.finditer(line):
        yield Run(html.unescape(line[at : match.start()]))
        at = match.end()
        if match["url"]:
            yield Run(html.unescape(match["label"]), url=html.unescape(match["url"]))
        elif match["bold"]:
            yield from (replace(run, bold=True) for run in _runs(match["bold"]))
        else:
            yield from (replace(run, italic=True) for run in _runs(match["under"]))
    yield Run(html.unescape(line[at:]))


def _filled(block: Json, given: Mapping[str, str]) -> Json:
    value = given.get(block["block_id"], "")
    if block["element"]["type"] == "checkboxes":
        return {"selected_options": [{"value": value}] if value else []}
    return {"value": value}


def _view(given: Json) -> Json:
    view = given["view"]
    found: Json = json.loads(view) if isinstance(view, str) else view
    return found


def _chosen(given: Any) -> tuple[str, str]:
    """The place and the person that a page is about."""
    place, person = given.get("place"), given.get("person")
    return (
        place if place in PLACES else next(iter(PLACES)),
        person if person in PEOPLE else next(iter(PEOPLE)),
    )


def make_stage(settings: Settings, port: int) -> tuple[Stage, Server]:
    """A stage and the front door on it, not yet running."""
    stage = Stage(f"http://127.0.0.1:{port}")
    server = make_server(replace(stage.settings(settings), port=port))
    app = server.config.app
    assert isinstance(app, Starlette)
    app.router.routes[:0] = stage.routes()
    return stage, server


def main(arguments: Sequence[str]) -> int:
    """Serve until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="mobilis dev slack")
    parser.add_argument("--port", type=int, default=PORT)
    stage, server = make_stage(load_settings(), parser.parse_args(arguments).port)
    sys.stdout.write(f"Slack, about as it would show it: {stage.base}{HERE}\n")
    sys.stdout.flush()
    server.run()
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (ContentError, SettingError) as error:
        sys.exit(f"mobilis: {error}")
