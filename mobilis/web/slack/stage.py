"""`mobilis dev slack`: Slack on this computer, to see a conversation about as Slack shows it.

At /dev/slack it is Slack: it signs what is typed on a page, answers the Web API, and draws the
blocks that come back (only what mobilis/web/slack makes).
"""

from __future__ import annotations

import hashlib
import hmac
import html
import itertools
import json
import re
import secrets
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mobilis.markup import Run
from mobilis.settings import Settings
from mobilis.slack import COMMANDS, EVENTS_PATH, SCOPES
from mobilis.web import stages
from mobilis.web.stages import PEOPLE

HERE = "/dev/slack"
TEAM, BOT, PUBLIC, STAFF, THREAD = "TDEV", "UBOT", "CDEV", "CTEAM", "1.000001"

_MRKDWN = re.compile(
    r"<(?P<url>[^|>]+)\|(?P<label>[^>]*)>|\*(?P<bold>[^*\n]+)\*|_(?P<under>[^_]+)_"
)
LOCALES = {"fr": "fr-FR", "en": "en-US"}

Json = dict[str, Any]


@dataclass
class Stage(stages.Stage):
    """Slack, as far as the front door can tell."""

    homes: dict[str, Json] = field(default_factory=dict)  # by person
    forms: dict[str, Json] = field(default_factory=dict)  # that are open, by person
    filled: dict[str, Json] = field(default_factory=dict)  # what is in them, and wrong with it
    triggers: dict[str, str] = field(default_factory=dict)  # who did what may open a form
    secret: str = field(default_factory=secrets.token_hex)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    title = "Slack"
    here = HERE
    template = "slack_stage.html"
    places = ("direct", "home", "channel", "team")

    def settings(self, settings: Settings) -> Settings:
        return replace(
            settings,
            slack_signing_secret=self.secret,
            slack_bot_token=f"xoxb-{secrets.token_hex()}",
            slack_app_token="",
            slack_client_id="",
            slack_client_secret="",
            slack_api_url=f"{self.base}{HERE}/api/",
            notices_slack=f"{TEAM}/{STAFF}",
        )

    def services(self) -> list[Route]:
        return [Route(f"{HERE}/api/{{method}}", self.answer, methods=["GET", "POST"])]

    def conversation(self, place: str, person: str) -> str:
        if place == "team":
            return STAFF
        return f"D{self.id_of(person)}" if place == "direct" else f"{PUBLIC}{self.run}"

    def id_of(self, person: str) -> str:
        return f"U{self.run}{person.upper()}"

    def seen(self, place: str, person: str) -> Json:
        user = self.id_of(person)
        return {
            "commands": COMMANDS,
            "home": self.homes.get(user),
            "form": self.forms.get(user),
            "filled": self.filled.get(user, {}),
            "lines": lines,
        }

    async def do(self, place: str, person: str, given: Mapping[str, str]) -> None:
        text = given.get("text", "").strip()
        command = given.get("command") or text
        if command in COMMANDS:
            await self._command(person, command)
        elif given.get("action"):
            await self._press(place, person, json.loads(given["action"]), given)
        elif given.get("closed"):
            self._close(self.id_of(person))
        elif given.get("sent"):
            await self._send_form(person, given)
        elif text:
            await self._say(place, person, text)
        else:
            opened = {"type": "app_home_opened", "user": self.id_of(person), "tab": "home"}
            await self._event(opened)

    async def _say(self, place: str, person: str, text: str) -> None:
        self.say(place, person, text)
        channel, ts = self.conversation(place, person), self._ts()
        said = {
            "channel": channel,
            "user": self.id_of(person),
            "ts": ts,
            "text": html.escape(text, quote=False),
        }
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
        who = {"team_id": TEAM, "user_id": self.id_of(person), "channel_id": PUBLIC}
        sent = {"command": command, "trigger_id": self._ts(), "text": "", **who}
        answer = await self._deliver(urlencode(sent), form=True)
        if answer.text:
            self.tell(self.id_of(person), html.unescape(answer.text))

    async def _press(self, place: str, person: str, action: Json, given: Mapping[str, str]) -> None:
        if given.get("option"):
            action["selected_option"] = {"value": given["option"]}
        pressed: Json = {"type": "block_actions", "actions": [{**action, "action_ts": self._ts()}]}
        if given.get("ts"):
            pressed["channel"] = {"id": self.conversation(place, person)}
            pressed["message"] = {"ts": given["ts"]}
        await self._interact(person, pressed)

    async def _send_form(self, person: str, given: Mapping[str, str]) -> None:
        user = self.id_of(person)
        view = self.forms[user]
        values: Json = {}
        for block in view["blocks"]:
            if block["type"] == "input":
                values[block["block_id"]] = {block["block_id"]: _filled(block, given)}
        sent = {**view, "id": f"V{self._ts()}", "state": {"values": values}}
        answer = await self._interact(person, {"type": "view_submission", "view": sent})
        said = answer.json() if answer.content else {}
        if said.get("response_action") == "errors":
            self.filled[user] = {"values": dict(given), "wrong": said["errors"]}
        elif said.get("response_action") == "update":
            self.forms[user] = said["view"]
        else:
            self._close(user)
        self.mark()

    def _close(self, user: str) -> None:
        self.forms.pop(user, None)
        self.filled.pop(user, None)
        self.mark()

    async def _interact(self, person: str, payload: Json) -> httpx.Response:
        trigger, user = self._ts(), self.id_of(person)
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
        async with httpx.AsyncClient(trust_env=False, timeout=stages.LONGEST_WAIT) as client:
            return await client.post(self.base + EVENTS_PATH, content=body, headers=headers)

    # What the front door asks

    async def answer(self, request: Request) -> Response:
        """The few methods of the Web API that the channel calls."""
        if request.headers.get("content-type", "").startswith("application/json"):
            given = json.loads(await request.body() or b"{}")
        else:
            given = {**request.query_params, **(await request.form())}
        method = request.path_params["method"].replace(".", "_").lower()
        found = getattr(self, f"_{method}")(given)
        headers = {"x-oauth-scopes": ",".join(SCOPES)}
        return JSONResponse({"ok": True, **found}, headers=headers)

    def _auth_test(self, given: Json) -> Json:
        return {"team_id": TEAM, "team": "Slack on this computer", "user_id": BOT, "bot_id": "B"}

    def _users_info(self, given: Json) -> Json:
        person = next(p for key, p in PEOPLE.items() if self.id_of(key) == given["user"])
        profile = {"email": person.email, "real_name": person.name}
        return {"user": {"locale": LOCALES[person.language], "team_id": TEAM, "profile": profile}}

    def _conversations_open(self, given: Json) -> Json:
        return {"channel": {"id": f"D{given['users']}"}}

    def _conversations_history(self, given: Json) -> Json:
        posted = [post for post in self.shown.get(given["channel"], ()) if "ts" in post]
        return {"messages": [{**post, "at": None} for post in posted]}

    _conversations_replies = _conversations_history

    def _chat_postmessage(self, given: Json) -> Json:
        ts = self._ts()
        self.put(given["channel"], {**given, "ts": ts})
        return {"ts": ts}

    def _chat_update(self, given: Json) -> Json:
        for post in self.shown.get(given["channel"], ()):
            if post.get("ts") == given["ts"]:
                post |= {**given, "edited": True}
        self.mark()
        return {"ts": given["ts"]}

    def _chat_postephemeral(self, given: Json) -> Json:
        self.tell(given["user"], html.unescape(given["text"]))
        return {}

    def _views_publish(self, given: Json) -> Json:
        self.homes[given["user_id"]] = _view(given)
        self.mark()
        return {}

    def _views_open(self, given: Json) -> Json:
        self.forms[self.triggers.pop(given["trigger_id"])] = _view(given)
        self.mark()
        return {}

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


if __name__ == "__main__":
    sys.exit(stages.serve(Stage, sys.argv[1:]))
