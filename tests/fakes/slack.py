"""A Slack on loopback: its Web API for the front door, and what it sends there, signed.

It checks what Slack checks (limits of blocks, tokens, channels) and, when told to, is slow, busy,
broken, or loses an answer after having done what was asked.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import itertools
import json
import random
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx
from aiohttp import WSMsgType, web

SIGNING_SECRET = "8f14e45fceea167a5a36dedd4bea2543"
CLIENT_ID, CLIENT_SECRET = "111.222", "the client secret of the tests"
APP_TOKEN = "xapp-1-tests"
SCOPES = (
    "app_mentions:read,channels:history,chat:write,commands,groups:history,im:history,im:write,"
    "mpim:history,users:read,users:read.email"
)
LIMITS = {"blocks": 50, "section": 3000, "elements": 25, "button": 75, "value": 2000}


@dataclass
class Team:
    """A workspace that may have the app."""

    id: str = "T1"
    token: str = "xoxb-T1-8f14e45fceea"
    bot: str = "UBOT"
    locales: dict[str, str] = field(default_factory=dict)  # of its people
    emails: dict[str, str] = field(default_factory=dict)
    traits: dict[str, dict[str, Any]] = field(default_factory=dict)  # what else is said of them
    revoked: str = ""  # what Slack says of the token, once it is worth nothing
    scopes: str = SCOPES


@dataclass
class Post:
    """A message of the app."""

    team: str
    channel: str
    ts: str
    text: str
    blocks: list[dict[str, Any]]
    thread: str | None = None
    metadata: dict[str, Any] | None = None
    edits: int = 0
    first: list[dict[str, Any]] = field(default_factory=list)  # its blocks before any edit

    def __post_init__(self) -> None:
        self.first = self.blocks

    @property
    def message_id(self) -> str:
        return self.metadata["event_payload"]["id"]

    def buttons(self, first: bool = False) -> dict[str, dict[str, Any]]:
        """What can be pressed, or could at `first`, by title: the action as Slack will send it."""
        found = {}
        for block in self.first if first else self.blocks:
            for element in block.get("elements", ()) if block["type"] == "actions" else ():
                for option in element.get("options", ()):
                    chosen = {**element, "selected_option": option}
                    found[option["text"]["text"]] = chosen
                if element["type"] == "button":
                    found[element["text"]["text"]] = element
        return found

    def says(self) -> str:
        """All that its blocks say."""
        texts = [block["text"]["text"] for block in self.blocks if "text" in block]
        for block in self.blocks:
            texts += [e["text"] for e in block.get("elements", ()) if block["type"] == "context"]
        return "\n".join(texts)


class FakeSlack:
    """`base` is where its API is; `start` and `stop` bracket its life."""

    def __init__(self) -> None:
        self.base = ""
        self._loop = asyncio.new_event_loop()
        self._thread: threading.Thread | None = None
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self.forget()

    def forget(self) -> None:
        self.teams = {"T1": Team(locales={"U1": "fr-FR", "U2": "en-US"})}
        self.posts: list[Post] = []
        self.alone: list[dict[str, Any]] = []  # ephemeral messages
        self.opened: list[dict[str, Any]] = []  # modals
        self.homes: dict[str, dict[str, Any]] = {}  # by person
        self.codes: dict[str, Team] = {}  # installations that may be finished
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.next: dict[str, deque[Any]] = defaultdict(deque)  # answers to the next calls, scripted
        self.busy = 0.0  # the share of posts that are refused with 429
        self.slow: dict[str, float] = {}  # seconds, by method
        self.lose: dict[str, int] = defaultdict(int)  # answers that are lost, by method
        self.chance = random.Random(4)
        self.sockets: list[web.WebSocketResponse] = []
        self.acknowledged: dict[str, dict[str, Any]] = {}  # envelopes of Socket Mode

    # Its life

    def start(self) -> FakeSlack:
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(started,), daemon=True)
        self._thread.start()
        assert started.wait(10)
        return self

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        assert self._thread
        self._thread.join(10)

    def _run(self, started: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        app = web.Application()
        app.router.add_route("*", "/api/{method}", self._answer)
        app.router.add_get("/socket", self._socket)
        runner = web.AppRunner(app, access_log=None)
        self._loop.run_until_complete(runner.setup())
        site = web.TCPSite(runner, "127.0.0.1", 0, shutdown_timeout=0.1)
        self._loop.run_until_complete(site.start())
        assert site._server
        port = site._server.sockets[0].getsockname()[1]
        self.base = f"http://127.0.0.1:{port}/api/"
        started.set()
        self._loop.run_forever()
        self._loop.run_until_complete(runner.cleanup())

    # The Web API

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        given = await _arguments(request)
        await asyncio.sleep(self.slow.get(method, 0))
        with self._lock:
            self.calls.append((method, given))
            scripted = self._scripted(method)
            answer = scripted if scripted is not None else self._do(request, method, given)
            lost = self.lose[method] > 0
            self.lose[method] -= lost
        if lost:
            assert request.transport
            request.transport.close()
        return answer

    def _scripted(self, method: str) -> web.Response | None:
        if method == "chat.postMessage" and self.chance.random() < self.busy:
            return web.json_response(
                {"ok": False, "error": "ratelimited"}, status=429, headers={"Retry-After": "0"}
            )
        if not self.next[method]:
            return None
        answer = self.next[method].popleft()
        return answer() if isinstance(answer, Callable) else answer  # type: ignore[arg-type]

    def _do(self, request: web.Request, method: str, given: dict[str, Any]) -> web.Response:
        name = method.replace(".", "_").lower()
        if name in ("oauth_v2_access", "apps_connections_open"):
            return _json(getattr(self, f"_{name}")(request, given))
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        team = next((team for team in self.teams.values() if team.token == token), None)
        if team is None or team.revoked:
            return _json(_error((team and team.revoked) or "invalid_auth"))
        answer = getattr(self, f"_{name}")(team, given)
        return _json(answer, headers={"x-oauth-scopes": team.scopes})

    def _auth_test(self, team: Team, given: dict[str, Any]) -> dict[str, Any]:
        return {
            **{"team": f"Team {team.id}", "team_id": team.id, "user_id": team.bot, "user": "bot"},
            **{"bot_id": f"B{team.id}", "app_id": "A1", "url": "https://example.slack.com/"},
        }

    def _users_info(self, team: Team, given: dict[str, Any]) -> dict[str, Any]:
        locale = team.locales.get(given["user"])
        if locale is None:
            return _error("user_not_found")
        user = given["user"]
        email = {"email": team.emails[user]} if user in team.emails else {}
        known = {"id": user, "team_id": team.id, "locale": locale, "profile": email}
        return {"user": {**known, **team.traits.get(user, {})}}

    def _conversations_open(self, team: Team, given: dict[str, Any]) -> dict[str, Any]:
        return {"channel": {"id": f"D{given['users']}"}}

    def _conversations_history(self, team: Team, given: dict[str, Any]) -> dict[str, Any]:
        found = [post for post in self.posts if self._is_in(post, team, given)]
        return {"messages": [_shown(post) for post in reversed(found)]}

    def _conversations_replies(self, team: Team, given: dict[str, Any]) -> dict[str, Any]:
        here = [post for post in self.posts if self._is_in(post, team, given)]
        return {"messages": [_shown(post) for post in here if post.thread == given["ts"]]}

    def _is_in(self, post: Post, team: Team, given: dict[str, Any]) -> bool:
        here = (post.team, post.channel) == (team.id, given["channel"])
        return here and float(post.ts) > float(given.get("oldest") or 0)

    def _chat_postmessage(self, team: Team, given: dict[str, Any]) -> dict[str, Any]:
        wrong = _wrong_with(given)
        if wrong:
            return _error(wrong)
        post = Post(
            team=team.id,
            channel=given["channel"],
            ts=self.ts(),
            text=given["text"],
            blocks=given["blocks"],
            thread=given.get("thread_ts"),
            metadata=given.get("metadata"),
        )
        self.posts.append(post)
        return {"channel": post.channel, "ts": post.ts}

    def _chat_update(self, team: Team, given: dict[str, Any]) -> dict[str, Any]:
        wrong = _wrong_with(given)
        post = next((post for post in self.posts if post.ts == given["ts"]), None)
        if wrong or post is None:
            return _error(wrong or "message_not_found")
        post.text, post.blocks, post.edits = given["text"], given["blocks"], post.edits + 1
        return {"channel": post.channel, "ts": post.ts}

    def _chat_postephemeral(self, team: Team, given: dict[str, Any]) -> dict[str, Any]:
        self.alone.append(given)
        return {"message_ts": self.ts()}

    def _views_open(self, team: Team, given: dict[str, Any]) -> dict[str, Any]:
        self.opened.append(given)
        return {"view": {"id": f"V{next(self._numbers)}"}}

    def _views_publish(self, team: Team, given: dict[str, Any]) -> dict[str, Any]:
        self.homes[given["user_id"]] = given["view"]
        return {"view": {"id": "VHOME"}}

    def _oauth_v2_access(self, request: web.Request, given: dict[str, Any]) -> dict[str, Any]:
        team = self.codes.pop(given.get("code", ""), None)
        if _client_of(request, given) != (CLIENT_ID, CLIENT_SECRET):
            return _error("invalid_client_id")
        if team is None:
            return _error("invalid_code")
        self.teams[team.id] = team
        return {
            **{"access_token": team.token, "token_type": "bot", "scope": team.scopes},
            **{"bot_user_id": team.bot, "app_id": "A1", "authed_user": {"id": "UADMIN"}},
            **{"team": {"id": team.id, "name": f"Team {team.id}"}, "enterprise": None},
            "is_enterprise_install": False,
        }

    def _apps_connections_open(self, request: web.Request, given: dict[str, Any]) -> dict[str, Any]:
        if request.headers.get("Authorization") != f"Bearer {APP_TOKEN}":
            return _error("invalid_auth")
        return {"url": self.base.replace("http:", "ws:").replace("/api/", "/socket")}

    # Socket Mode

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"type": "hello", "num_connections": 1})
        self.sockets.append(socket)
        async for message in socket:
            if message.type == WSMsgType.TEXT:
                answer = json.loads(message.data)
                self.acknowledged[answer["envelope_id"]] = answer.get("payload") or {}
        return socket

    def send_over_socket(self, kind: str, payload: dict[str, Any]) -> str:
        """Send something over the open connection; the id of its envelope."""
        envelope = f"envelope-{next(self._numbers)}"
        content = {"envelope_id": envelope, "type": kind, "payload": payload}
        sending = self.sockets[-1].send_json({**content, "accepts_response_payload": True})
        asyncio.run_coroutine_threadsafe(sending, self._loop).result(5)
        return envelope

    # What is seen of it

    def ts(self) -> str:
        return f"{time.time():.0f}.{next(self._numbers):06d}"

    def called(self, method: str) -> list[dict[str, Any]]:
        return [given for name, given in self.calls if name == method]

    def said(self, channel: str, thread: str | None = None) -> list[str]:
        """What the app posted somewhere."""
        return [p.text for p in self.posts if (p.channel, p.thread) == (channel, thread)]


@dataclass
class Person:
    """Somebody on Slack, and Slack as it tells a front door of what they do."""

    slack: FakeSlack
    http: httpx.Client  # of the front door
    user: str = "U1"
    team: str = "T1"
    secret: str = SIGNING_SECRET

    @property
    def direct(self) -> str:
        return f"D{self.user}"

    def says(self, text: str, **event: Any) -> httpx.Response:
        """A direct message."""
        return self.send(self.event(self.said(text, **event)))

    def said(self, text: str, **event: Any) -> dict[str, Any]:
        own = {"type": "message", "channel": self.direct, "channel_type": "im", "text": text}
        return {**own, "user": self.user, "ts": self.slack.ts(), **event}

    def mentions(self, text: str, channel: str = "C1", **event: Any) -> httpx.Response:
        """A mention in a channel."""
        own = {"type": "app_mention", "channel": channel, "text": f"<@UBOT> {text}"}
        return self.send(self.event({**own, "user": self.user, "ts": self.slack.ts(), **event}))

    def event(self, event: dict[str, Any], event_id: str = "") -> dict[str, Any]:
        bot = self.slack.teams[self.team].bot if self.team in self.slack.teams else "UBOT"
        known = {"enterprise_id": None, "team_id": self.team, "user_id": bot, "is_bot": True}
        return {
            **{"type": "event_callback", "token": "old", "team_id": self.team, "api_app_id": "A1"},
            **{"event": event, "event_id": event_id or f"Ev{event.get('ts')}", "event_time": 1},
            "authorizations": [{**known, "is_enterprise_install": False}],
        }

    def presses(self, title: str, post: Post, **more: Any) -> httpx.Response:
        action = {**post.buttons(first=True)[title], "action_ts": self.slack.ts()}
        if "selected_option" in action:
            action.pop("options")
        return self.interacts(
            {
                "type": "block_actions",
                "actions": [{"block_id": "b", **action}],
                "channel": {"id": post.channel},
                "container": {"type": "message", "message_ts": post.ts},
                "message": {"ts": post.ts, "text": post.text, "thread_ts": post.thread},
                **more,
            }
        )

    def presses_home(self, action: str) -> httpx.Response:
        pressed = {"action_id": action, "type": "button", "action_ts": self.slack.ts()}
        return self.interacts(
            {
                "type": "block_actions",
                "actions": [{"block_id": "b", **pressed}],
                "container": {"type": "view", "view_id": "VHOME"},
                "view": {"id": "VHOME", "type": "home"},
            }
        )

    def sends_form(self, view: dict[str, Any], view_id: str = "V1", **values: Any) -> Any:
        """Fill a form in and send it; `consent=True` ticks the box."""
        agreed = [{"value": "agreed"}] if values.pop("consent", False) else []
        state = {name: {name: {"type": "text", "value": v}} for name, v in values.items()}
        state["consent"] = {"consent": {"type": "checkboxes", "selected_options": agreed}}
        filled = {**view, "id": view_id, "state": {"values": state}}
        return self.interacts({"type": "view_submission", "view": filled})

    def interacts(self, payload: dict[str, Any]) -> httpx.Response:
        return self.send_form({"payload": json.dumps(self.interaction(payload))})

    def interaction(self, payload: dict[str, Any]) -> dict[str, Any]:
        who = {"user": {"id": self.user, "team_id": self.team}, "team": {"id": self.team}}
        trigger = f"{self.slack.ts()}.trigger"
        own = {**who, "api_app_id": "A1", "trigger_id": trigger, "is_enterprise_install": False}
        return {**own, "enterprise": None, **payload}

    def commands(self, command: str, trigger: str = "") -> httpx.Response:
        return self.send_form(
            {
                **{"command": command, "text": "", "team_id": self.team, "user_id": self.user},
                **{"channel_id": "C1", "is_enterprise_install": "false", "api_app_id": "A1"},
                "trigger_id": trigger or f"{self.slack.ts()}.trigger",
            }
        )

    def send_form(self, values: dict[str, str], **headers: str) -> httpx.Response:
        body = urlencode(values)
        return self.deliver(body, "application/x-www-form-urlencoded", **headers)

    def send(self, content: dict[str, Any], **headers: str) -> httpx.Response:
        return self.deliver(json.dumps(content), "application/json", **headers)

    def deliver(self, body: str, kind: str, **headers: str) -> httpx.Response:
        at = str(int(time.time()))
        signed = {
            "Content-Type": kind,
            "X-Slack-Request-Timestamp": at,
            "X-Slack-Signature": sign(self.secret, at, body),
        }
        return self.http.post("/slack/events", content=body, headers={**signed, **headers})


def sign(secret: str, at: str, body: str) -> str:
    base = f"v0:{at}:{body}".encode()
    return "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()


def refused(error: str, status: int = 200, **headers: str) -> Callable[[], web.Response]:
    """An answer for `next`."""
    shown = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda: _json(_error(error), status=status, headers=shown)


def broken(status: int, text: str = "oops") -> Callable[[], web.Response]:
    return lambda: web.Response(status=status, text=text, content_type="text/html")


def _error(code: str) -> dict[str, Any]:
    return {"ok": False, "error": code}


def _json(answer: dict[str, Any], **more: Any) -> web.Response:
    return web.json_response({"ok": True, **answer}, **more)


def _shown(post: Post) -> dict[str, Any]:
    return {"ts": post.ts, "text": post.text, "metadata": post.metadata, "bot_id": "B"}


async def _arguments(request: web.Request) -> dict[str, Any]:
    if request.content_type == "application/json":
        return {**request.query, **json.loads(await request.text() or "{}")}
    form = {name: str(value) for name, value in (await request.post()).items()}
    given: dict[str, Any] = {**request.query, **form}
    for name in ("blocks", "metadata", "view"):
        if isinstance(given.get(name), str):
            given[name] = json.loads(given[name])
    return given


def _client_of(request: web.Request, given: dict[str, Any]) -> tuple[str, str]:
    from aiohttp import BasicAuth

    header = request.headers.get("Authorization", "")
    if header.startswith("Basic "):
        basic = BasicAuth.decode(header)
        return basic.login, basic.password
    return given.get("client_id", ""), given.get("client_secret", "")


def _wrong_with(given: dict[str, Any]) -> str:
    """What Slack would refuse a message for."""
    blocks = given.get("blocks") or []
    if not given.get("text") or len(given["text"]) > 4000:
        return "msg_too_long" if given.get("text") else "no_text"
    return "invalid_blocks" if wrong_blocks(blocks) else ""


def wrong_blocks(blocks: list[dict[str, Any]]) -> list[str]:
    """Which limits blocks break."""
    wrong = ["blocks"] if not 0 < len(blocks) <= LIMITS["blocks"] else []
    seen: set[str] = set()
    for block in blocks:
        text = block.get("text", {}).get("text")
        if block["type"] == "section" and not 0 < len(text) <= LIMITS["section"]:
            wrong.append("section")
        fields = [field["text"] for field in block.get("fields", ())]
        wrong += ["fields" for text in fields if not 0 < len(text) <= 2000 or len(fields) > 10]
        if block["type"] == "context":
            wrong += ["context" for e in block["elements"] if not 0 < len(e["text"]) <= 2000]
        if block["type"] == "actions":
            wrong += _wrong_elements(block["elements"], seen)
    return wrong


def _wrong_elements(elements: list[dict[str, Any]], seen: set[str]) -> list[str]:
    wrong = ["elements"] if not 0 < len(elements) <= LIMITS["elements"] else []
    for element in elements:
        if element["action_id"] in seen or len(element["action_id"]) > 255:
            wrong.append("action_id")
        seen.add(element["action_id"])
        options = element.get("options", [])
        titles = [element.get("text") or element["placeholder"], *(o["text"] for o in options)]
        wrong += ["title" for t in titles if not 0 < len(t["text"]) <= LIMITS["button"]]
        wrong += ["value" for o in options if len(o["value"]) > 150]
        wrong += ["options"] if len(options) > 100 else []
        wrong += ["value"] if len(element.get("value", "")) > LIMITS["value"] else []
    return wrong
