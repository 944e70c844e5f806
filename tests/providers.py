"""A small OpenID Connect provider on loopback, with a real key, that can misbehave."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jws, jwt
from joserfc.jwk import KeySet, RSAKey
from loopback import LoopbackServer

CLIENT, CLIENT_SECRET = "the-console", "a secret of the tests"
Change = Callable[[dict[str, Any]], None]


@dataclass
class SignIn:
    """What the provider knows of a code that it gave."""

    nonce: str
    challenge: str
    redirect_uri: str


@dataclass
class Faults:
    """What it does wrong; by default, nothing."""

    claims: Change = lambda claims: None  # changes what the token says
    algorithm: str = "RS256"  # "none" and "HS256" too
    unknown_key: bool = False  # signs with a key that it does not show
    status: dict[str, int] = field(default_factory=dict)  # of the answers of a path
    body: dict[str, bytes] = field(default_factory=dict)  # in place of those answers
    delay: dict[str, float] = field(default_factory=dict)  # seconds before those answers
    metadata: dict[str, Any] = field(default_factory=dict)  # in place of what it says of itself
    refuses: str = ""  # the error that people come back with


class Provider:
    """Runs from the start; `stop` ends it. Whoever comes is `person`, and need do nothing."""

    def __init__(self) -> None:
        self.person: dict[str, Any] = {}
        self.faults = Faults()
        self.keys: list[RSAKey] = []
        self.signs_in: dict[str, SignIn] = {}
        self.asked: list[str] = []  # paths
        self.given: list[dict[str, str]] = []  # to the token endpoint
        self.rotate()
        self._server = LoopbackServer(self._handler())
        self.issuer = self._server.url
        self.behave()
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def behave(self) -> None:
        """Do everything right, for someone whose address is vouched for."""
        self.faults = Faults()
        self.asked.clear()
        self.given.clear()
        self.person = {
            "sub": "subject-1",
            "email": "Camille@exemple.ca",
            "email_verified": True,
            "name": "Camille Tremblay",
            "locale": "en-CA",
        }

    def rotate(self, keep: bool = False) -> None:
        """Sign with another key from now on."""
        key = RSAKey.generate_key(2048, {"kid": uuid.uuid4().hex, "use": "sig"})
        self.keys = [key, *(self.keys if keep else [])]

    def answer(self, path: str, query: dict[str, str], form: dict[str, str]) -> tuple[int, Any]:
        if path == "/.well-known/openid-configuration":
            return 200, self._metadata()
        if path == "/keys":
            return 200, KeySet(self.keys).as_dict(private=False)
        if path == "/token":
            return self._token(form)
        return 404, {"error": "not_found"}

    def authorize(self, query: dict[str, str]) -> str:
        """Where a browser is sent back to."""
        back = {"state": query["state"]}
        if self.faults.refuses:
            back["error"] = self.faults.refuses
        else:
            back["code"] = uuid.uuid4().hex
            self.signs_in[back["code"]] = SignIn(
                query["nonce"], query["code_challenge"], query["redirect_uri"]
            )
        return f"{query['redirect_uri']}?{urlencode(back)}"

    def _metadata(self) -> dict[str, Any]:
        usual = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "id_token_signing_alg_values_supported": ["RS256", "none", "HS256"],
        }
        return {**usual, **self.faults.metadata}

    def _token(self, form: dict[str, str]) -> tuple[int, Any]:
        self.given.append(form)
        sign_in = self.signs_in.pop(form.get("code", ""), None)
        if form.get("client_id") != CLIENT or form.get("client_secret") != CLIENT_SECRET:
            return 401, {"error": "invalid_client"}
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if sign_in is None or challenge != sign_in.challenge:
            return 400, {"error": "invalid_grant"}
        if form.get("redirect_uri") != sign_in.redirect_uri:
            return 400, {"error": "invalid_grant"}
        token = {"access_token": "access", "token_type": "Bearer", "expires_in": 60}
        return 200, {**token, "id_token": self._id_token(sign_in.nonce)}

    def _id_token(self, nonce: str) -> str:
        moment = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "exp": moment + 300,
            "iat": moment,
            "nonce": nonce,
            **self.person,
        }
        self.faults.claims(claims)
        key = RSAKey.generate_key(2048) if self.faults.unknown_key else self.keys[0]
        header = {"alg": self.faults.algorithm, "kid": self.keys[0].kid}
        if self.faults.algorithm == "none":
            return f"{_part(header)}.{_part(claims)}."
        if self.faults.algorithm == "HS256":  # with the public key as the secret
            said = f"{_part(header)}.{_part(claims)}"
            secret = self.keys[0].as_pem(private=False)
            mark = hmac.new(secret, said.encode(), hashlib.sha256).digest()
            return f"{said}.{base64.urlsafe_b64encode(mark).rstrip(b'=').decode()}"
        registry = jws.JWSRegistry(algorithms=["RS256"])
        return jwt.encode(header, claims, key, registry=registry)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._respond({})

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                self._respond(_flat(body))

            def _respond(self, form: dict[str, str]) -> None:
                parts = urlsplit(self.path)
                provider.asked.append(parts.path)
                time.sleep(provider.faults.delay.get(parts.path, 0))
                if parts.path == "/authorize":
                    self.send_response(302)
                    self.send_header("Location", provider.authorize(_flat(parts.query)))
                    self.end_headers()
                    return
                status, content = provider.answer(parts.path, _flat(parts.query), form)
                usual = json.dumps(content).encode()
                self._send(
                    provider.faults.status.get(parts.path, status),
                    provider.faults.body.get(parts.path, usual),
                )

            def _send(self, status: int, body: bytes) -> None:
                try:
                    self.send_response(status)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                except OSError:
                    self.close_connection = True  # the front door no longer waits

            def log_message(self, *args: Any) -> None:
                self.close_connection = True

        return Handler


def _flat(query: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(query).items()}


def _part(content: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()
