"""Microsoft Teams and the Bot Framework as a server on loopback: its keys, its sign-in, its
connector; it signs activities of people and sends them to a front door. It can misbehave."""

from __future__ import annotations

import base64
import copy
import hashlib
import hmac
import itertools
import json
import random
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, unquote

import httpx
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from joserfc.jwk import RSAKey
from loopback import LoopbackServer

APP = "6f1d1c0e-8f4b-4d6a-9d5e-0a4c3b2f1e11"
PASSWORD = "a secret of the tests"
TENANT = "72f988bf-0000-4000-8000-2d7cd011db47"
ISSUER = "https://api.botframework.com"
BOT = f"28:{APP}"
Json = dict[str, Any]


@dataclass
class Faults:
    """What it does wrong; by default, nothing."""

    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)  # of the connector
    share: float = 0.0  # of the connector's requests that get 429
    chat: int = 0  # status when a personal chat is opened
    tokens: list[tuple[int, bytes]] = field(default_factory=list)  # answers of the sign-in
    openid: bytes = b""  # in place of the metadata
    keys: bytes = b""  # in place of the keys
    latency: float = 0.0
    withdraws: int = 0  # tokens that are no longer good when they are first used


class FakeTeams:
    """Runs from the start; `stop` ends it."""

    def __init__(self) -> None:
        self._server = LoopbackServer(self._handler())
        self.base = self._server.url
        self.service = f"{self.base}/service/"
        self.keys = [self._new_key()]
        self.other_key = self._new_key()  # never published
        self._lock = threading.Lock()
        self.forget()
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def forget(self) -> None:
        """Do everything right, and remember nothing."""
        self.faults = Faults()
        self.shown: dict[str, list[Json]] = {}  # activities, by conversation
        self.typing: list[str] = []  # conversations, each time
        self.asked: list[tuple[str, str]] = []  # methods and paths
        self.forms: list[dict[str, str]] = []  # given to the sign-in
        self.opened: list[Json] = []  # given to open personal chats
        self.endorsements: dict[str, list[str]] = {}
        self.members: dict[str, Json] = {}  # what the directory says of people, by id
        self._good: set[str] = set()
        self._numbers = itertools.count(1)
        self._last = 0.0  # no two things happen at once
        self._chance = random.Random(7)

    def settings(self, **more: Any) -> dict[str, Any]:
        """Of a front door whose Teams this is."""
        usual = {
            "teams_app_id": APP,
            "teams_app_password": PASSWORD,
            "teams_tenant": TENANT,
            "teams_openid_url": f"{self.base}/openid",
            "teams_login_url": f"{self.base}/login",
            "teams_service_url": self.service,
            "public_url": "https://chat.example.org",
        }
        return {**usual, **more}

    # What people do

    def activity(self, kind: str, chat: Chat, **more: Any) -> Json:
        """Something that happens in a chat, as Teams tells it."""
        moment = self._last = max(time.time(), self._last + 0.001)
        told = {
            "type": kind,
            "id": f"{int(moment * 1000)}-{next(self._numbers)}",
            "timestamp": _written(moment),
            "channelId": "msteams",
            "serviceUrl": self.service,
            "from": {"id": chat.person, "name": "Camille Tremblay", "aadObjectId": "aad"},
            "recipient": {"id": BOT, "name": "mobilis"},
            "conversation": {
                "id": chat.id,
                "conversationType": chat.kind,
                "tenantId": TENANT,
                **({} if chat.kind == "personal" else {"isGroup": True}),
            },
            "channelData": {"tenant": {"id": TENANT}, **chat.channel_data},
            "locale": chat.locale,
            "entities": [{"type": "clientInfo", "locale": chat.locale, "platform": "Web"}],
        }
        return {**told, **more}

    def message(self, chat: Chat, text: str, mention: bool | None = None, **more: Any) -> Json:
        """A message of somebody, who mentions the app wherever that is needed."""
        told = self.activity("message", chat, text=text, textFormat="plain")
        if chat.kind != "personal" if mention is None else mention:
            told["text"] = f"<at>mobilis</at>&nbsp;{text}"
            mentioned = {"id": BOT, "name": "mobilis"}
            told["entities"].append(
                {"type": "mention", "text": "<at>mobilis</at>", "mentioned": mentioned}
            )
        return {**told, **more}

    def press(self, chat: Chat, choice: str, **more: Any) -> Json:
        """A press of a button."""
        action = {"type": "Action.Execute", "verb": "choose", "data": {"choice": choice}}
        value = {"action": action, "trigger": "manual"}
        return self.activity("invoke", chat, name="adaptiveCard/action", value=value, **more)

    # Tokens of ours

    def token(
        self,
        algorithm: str = "RS256",
        key: RSAKey | None = None,
        header: Json | None = None,
        without: tuple[str, ...] = (),
        **claims: Any,
    ) -> str:
        """A token that stands for the Bot Framework, unless it is told to be another's."""
        moment = int(time.time())
        usual = {
            "iss": ISSUER,
            "aud": APP,
            "exp": moment + 3600,
            "nbf": moment - 5,
            "iat": moment,
            "serviceurl": self.service,
        }
        said = {name: v for name, v in {**usual, **claims}.items() if name not in without}
        head = {"alg": algorithm, "typ": "JWT", "kid": self.keys[0].kid, **(header or {})}
        if algorithm == "none":
            return f"{_part(head)}.{_part(said)}."
        if algorithm == "HS256":  # with the public key as the secret
            signed = f"{_part(head)}.{_part(said)}"
            secret = self.keys[0].as_pem(private=False)
            mark = hmac.new(secret, signed.encode(), hashlib.sha256).digest()
            return f"{signed}.{base64.urlsafe_b64encode(mark).rstrip(b'=').decode()}"
        # By hand, since libraries sign no header that makes no sense.
        signed = f"{_part(head)}.{_part(said)}"
        digest = {"RS256": hashes.SHA256(), "RS384": hashes.SHA384()}[algorithm]
        private = (key or self.keys[0]).private_key
        mark = private.sign(signed.encode(), padding.PKCS1v15(), digest)
        return f"{signed}.{base64.urlsafe_b64encode(mark).rstrip(b'=').decode()}"

    def rotate(self) -> None:
        """Sign with another key from now on, and publish no other."""
        self.keys = [self._new_key()]

    @staticmethod
    def _new_key() -> RSAKey:
        return RSAKey.generate_key(2048, {"kid": uuid.uuid4().hex, "use": "sig"})

    # What the app asks for

    def texts(self, chat: Chat | str) -> list[str]:
        """The beginning of each card that is shown in a chat, in its order."""
        id = chat if isinstance(chat, str) else chat.id
        return [activity["summary"] for activity in self.shown.get(id, [])]

    def answer(self, method: str, path: str, body: bytes, bearer: str) -> tuple[int, Any, Json]:
        """Status, content and headers."""
        if path == "/openid":
            metadata = {"issuer": ISSUER, "jwks_uri": f"{self.base}/keys"}
            return 200, self.faults.openid or metadata, {}
        if path == "/keys":
            return (
                200,
                self.faults.keys or {"keys": [self._published(key) for key in self.keys]},
                {},
            )
        if path == f"/login/{TENANT}/oauth2/v2.0/token":
            return self._sign_in({k: v[0] for k, v in parse_qs(body.decode()).items()})
        if path.startswith("/service/"):
            return self._connector(method, path, json.loads(body or b"null"), bearer)
        return 404, {}, {}

    def _published(self, key: RSAKey) -> Json:
        endorsements = self.endorsements.get(key.kid, ["msteams", "webchat"])
        return {**key.as_dict(private=False), "endorsements": endorsements}

    def _sign_in(self, form: dict[str, str]) -> tuple[int, Any, Json]:
        self.forms.append(form)
        if self.faults.tokens:
            return (*self.faults.tokens.pop(0), {})
        if form.get("client_id") != APP or form.get("client_secret") != PASSWORD:
            return 401, {"error": "invalid_client"}, {}
        if form.get("scope") != "https://api.botframework.com/.default":
            return 400, {"error": "invalid_scope"}, {}
        token = uuid.uuid4().hex
        if self.faults.withdraws:
            self.faults.withdraws -= 1
        else:
            self._good.add(token)
        return 200, {"token_type": "Bearer", "expires_in": 3600, "access_token": token}, {}

    def _connector(self, method: str, path: str, body: Json, bearer: str) -> tuple[int, Any, Json]:
        if bearer not in self._good:
            return 401, {"error": {"code": "Unauthorized"}}, {}
        parts = [unquote(part) for part in path.split("/")[2:]]  # v3, conversations, …
        if parts == ["v3", "conversations"]:
            self.opened.append(body)
            status = self.faults.chat or 201
            return status, {"id": personal_id(body["members"][0]["id"])}, {}
        if method == "GET" and parts[3:4] == ["members"]:
            member = self.members.get(parts[4])
            found = {"id": parts[4], "tenantId": TENANT, **(member or {})}
            return (200, found, {}) if member is not None else (404, {"error": {}}, {})
        if body["type"] != "typing":
            if self.faults.answers:
                status, headers = self.faults.answers.pop(0)
                if status >= 300:
                    return status, {"error": {}}, headers
            if self._chance.random() < self.faults.share:
                return 429, {"error": {"code": "TooManyRequests"}}, {"Retry-After": "0"}
        return self._show(method, parts, body)

    def _show(self, method: str, parts: list[str], body: Json) -> tuple[int, Any, Json]:
        conversation = parts[2]
        if body["type"] == "typing":
            self.typing.append(conversation)
            return 200, {"id": "typing"}, {}
        with self._lock:
            here = self.shown.setdefault(conversation, [])
            if method == "POST" and parts[3:] == ["activities"]:
                id = f"m{next(self._numbers)}"
                here.append({**body, "id": id})
                return 201, {"id": id}, {}
            for at, activity in enumerate(here):
                if method == "PUT" and parts[3:] == ["activities", activity["id"]]:
                    here[at] = {**body, "id": activity["id"]}
                    return 200, {"id": activity["id"]}, {}
        return 404, {"error": {"code": "ActivityNotFoundInConversation"}}, {}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        teams = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._respond(b"")

            def do_POST(self) -> None:
                self._respond(self.rfile.read(int(self.headers["Content-Length"])))

            do_PUT = do_POST

            def _respond(self, body: bytes) -> None:
                if len(body) < int(self.headers.get("Content-Length", 0)):
                    self.close_connection = True  # whoever asked is gone
                    return
                teams.asked.append((self.command, self.path))
                time.sleep(teams.faults.latency)
                bearer = self.headers.get("Authorization", "").removeprefix("Bearer ")
                status, content, headers = teams.answer(self.command, self.path, body, bearer)
                raw = content if isinstance(content, bytes) else json.dumps(content).encode()
                try:
                    self.send_response(status)
                    self.send_header("Content-Length", str(len(raw)))
                    for name, value in headers.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(raw)
                except OSError:
                    self.close_connection = True  # the front door no longer waits

            def log_message(self, *args: Any) -> None:
                """Keep quiet."""

        return Handler


@dataclass
class Chat:
    """Where somebody talks with the app."""

    teams: FakeTeams
    post: Callable[..., httpx.Response]
    id: str
    person: str
    kind: str = "personal"
    locale: str = "fr-CA"
    channel_data: Json = field(default_factory=dict)

    def send(self, activity: Json, authorization: str | None = None) -> httpx.Response:
        """Bring an activity to the front door."""
        if authorization is None:
            authorization = f"Bearer {self.teams.token(serviceurl=activity['serviceUrl'])}"
        headers = {"Authorization": authorization} if authorization else {}
        return self.post("/teams/messages", json=activity, headers=headers)

    def say(self, text: str, **more: Any) -> httpx.Response:
        return self.send(self.teams.message(self, text, **more))

    def press(self, choice: str, **more: Any) -> httpx.Response:
        return self.send(self.teams.press(self, choice, **more))

    @property
    def shown(self) -> list[Json]:
        """A copy of the activities that are shown here."""
        return copy.deepcopy(self.teams.shown.get(self.id, []))

    @property
    def texts(self) -> list[str]:
        return self.teams.texts(self)


def personal_id(person: str) -> str:
    """The personal chat of a person."""
    return f"a:1{hashlib.sha256(person.encode()).hexdigest()}"


def card(activity: Json) -> Json:
    """The card of an activity."""
    [attachment] = activity["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    return attachment["content"]


def elements(node: Any) -> list[Json]:
    """Everything in a card that has a type, in its order; what is a fallback is not."""
    found = []
    if isinstance(node, dict):
        found += [node] if "type" in node else []
        for name, value in node.items():
            found += elements(value) if name != "fallback" else []
    elif isinstance(node, list):
        for value in node:
            found += elements(value)
    return found


def buttons(node: Any) -> dict[str, str]:
    """The choices that a card offers: ids by their words."""
    executes = [e for e in elements(node) if e["type"] == "Action.Execute"]
    return {element["title"]: element["data"]["choice"] for element in executes}


def words(node: Any) -> str:
    """All that is written in a card."""
    return "\n".join(e["text"] for e in elements(node) if e["type"] == "TextBlock")


def _written(moment: float) -> str:
    return (
        time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment)) + f".{int(moment % 1 * 1000):03}Z"
    )


def _part(content: Json) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()
