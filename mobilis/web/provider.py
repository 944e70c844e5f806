"""The OpenID Connect provider that staff may sign in with: authorization code, PKCE, ID token.

Authlib makes the requests' parts and checks the token's claims; its own clients would want a server
session, which a signed cookie replaces. Used by mobilis/web/console/oidc.py.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx
from authlib.common.security import generate_token
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OctKey
from joserfc.jws import JWSRegistry

from mobilis.errors import ProviderRefused, ProviderUnavailable, SettingError
from mobilis.settings import Settings
from mobilis.staff import RIGHTS
from mobilis.web import outgoing

CALLBACK = "/console/oidc/back"
TIMEOUT = 5.0  # seconds, of each request
KNOWN_FOR = 3600.0  # seconds until the provider's addresses and keys are read again
PENDING_SECONDS = 600
LEEWAY = 60  # seconds by which clocks may differ
# Signed with a private key: "none" and secrets that we share with the provider are not.
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384"]
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
SCOPE = "openid email profile"


@dataclass(frozen=True)
class Pending:
    """What the browser keeps in a signed cookie while somebody is at the provider."""

    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    after: str


class Provider:
    """One provider, whose addresses and keys are read when they are first needed."""

    def __init__(self, settings: Settings) -> None:
        self.name = settings.oidc_name
        self.issuer = settings.oidc_issuer
        self._client = settings.oidc_client_id
        self._secret = settings.oidc_client_secret
        self._callback = settings.public_url.rstrip("/") + CALLBACK
        self._key = OctKey.import_key(
            hashlib.sha256(b"mobilis sign-in " + settings.secret.encode()).digest()
        )
        self._known: dict[str, tuple[float, dict[str, Any]]] = {}

    async def begin(self, after: str) -> tuple[str, Pending]:
        """Where to send the browser, and what it is to keep.

        Raises:
            ProviderUnavailable: the provider does not say where.
        """
        metadata = await self._metadata()
        pending = Pending(generate_token(32), generate_token(32), generate_token(64), after)
        address = prepare_grant_uri(
            metadata["authorization_endpoint"],
            self._client,
            "code",
            redirect_uri=self._callback,
            scope=SCOPE,
            state=pending.state,
            nonce=pending.nonce,
            code_challenge=create_s256_code_challenge(pending.verifier),
            code_challenge_method="S256",
        )
        return address, pending

    async def finish(self, pending: Pending, code: str) -> Mapping[str, Any]:
        """The checked claims about whoever came back with a code.

        Raises:
            ProviderUnavailable: the provider does not answer.
            ProviderRefused: it refuses, or its token does not hold.
        """
        metadata = await self._metadata()
        answer = await self._ask(
            "POST",
            metadata["token_endpoint"],
            data={
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": self._callback,
                "client_id": self._client,
                "client_secret": self._secret,
                "code_verifier": pending.verifier,
            },
        )
        if not isinstance(answer.get("id_token"), str):
            raise ProviderRefused("no_id_token")
        return await self._claims(answer, pending.nonce)

    def seal(self, pending: Pending) -> str:
        """What the cookie holds."""
        claims = {**asdict(pending), "exp": int(time.time()) + PENDING_SECONDS}
        return jwt.encode({"alg": "HS256"}, claims, self._key)

    def unseal(self, cookie: str) -> Pending | None:
        """What a cookie of ours holds, if it is one and not too old."""
        try:
            claims = jwt.decode(cookie, self._key, algorithms=["HS256"]).claims
            jwt.JWTClaimsRegistry(exp={"essential": True}).validate(claims)
            return Pending(*(claims[name] for name in ("state", "nonce", "verifier", "after")))
        except (JoseError, ValueError, KeyError):
            return None

    async def _claims(self, answer: Mapping[str, Any], nonce: str) -> Mapping[str, Any]:
        token = await self._verified(answer["id_token"])
        claims = CodeIDToken(
            token.claims,
            token.header,
            {
                "iss": {"essential": True, "value": self.issuer},
                "aud": {"essential": True, "value": self._client},
            },
            {
                "nonce": nonce,
                "client_id": self._client,
                "access_token": answer.get("access_token"),
            },
        )
        try:
            claims.validate(leeway=LEEWAY)
        except JoseError as error:
            raise ProviderRefused(f"{error.error}_{getattr(error, 'claim', '') or ''}") from None
        except (TypeError, ValueError, AttributeError):
            raise ProviderRefused("malformed_claims") from None
        if not isinstance(claims["sub"], str) or not 0 < len(claims["sub"]) <= 255:
            raise ProviderRefused("malformed_sub")
        return dict(claims)

    async def _verified(self, token: str) -> jwt.Token:
        """The token, signed by the provider. A key that is not known may be a new one."""
        uri = (await self._metadata())["jwks_uri"]
        for fresh in (False, True):
            keys = await self._remembered("keys", uri, fresh)
            registry = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
            try:
                key_set = KeySet.import_key_set(keys)  # type: ignore[arg-type]
                return jwt.decode(token, key_set, registry=registry)
            except JoseError as error:
                refused = error.error
            except (ValueError, TypeError, KeyError, AttributeError):
                refused = "malformed_token"
        raise ProviderRefused(refused)

    async def look(self) -> None:
        """Read where the provider is, and its keys.

        Raises:
            ProviderUnavailable: it does not answer, or not as one does.
            ProviderRefused: it refuses.
        """
        await self._remembered("keys", (await self._metadata())["jwks_uri"])

    async def _metadata(self) -> dict[str, Any]:
        address = self.issuer.rstrip("/") + "/.well-known/openid-configuration"
        metadata = await self._remembered("metadata", address)
        usable = all(_is_usable(metadata.get(name)) for name in ENDPOINTS)
        if metadata.get("issuer") != self.issuer or not usable:
            self._known.clear()
            raise ProviderUnavailable("its configuration names another issuer or no safe addresses")
        return metadata

    async def _remembered(self, name: str, address: str, fresh: bool = False) -> dict[str, Any]:
        at, known = self._known.get(name, (0.0, {}))
        if not known or fresh or time.monotonic() - at > KNOWN_FOR:
            known = await self._ask("GET", address)
            self._known[name] = (time.monotonic(), known)
        return known

    async def _ask(self, method: str, address: str, **more: Any) -> dict[str, Any]:
        try:
            async with outgoing.client(timeout=TIMEOUT) as client:
                answer = await client.request(method, address, **more)
            content = answer.json()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ProviderUnavailable(f"no answer: {type(error).__name__}") from None
        except (json.JSONDecodeError, UnicodeDecodeError):
            raise ProviderUnavailable("an answer that is not JSON") from None
        if not isinstance(content, dict) or answer.status_code >= 500:
            raise ProviderUnavailable(f"an answer of status {answer.status_code}")
        if answer.status_code != 200:
            raise ProviderRefused(str(content.get("error", "")))
        return content


def make_provider(settings: Settings) -> Provider | None:
    """The provider of the settings, if there is one.

    Raises:
        SettingError: something that it needs is missing, or makes no sense.
    """
    if not settings.oidc_issuer:
        return None
    for name in ("public_url", "oidc_client_id", "oidc_client_secret"):
        if not getattr(settings, name):
            raise SettingError(f"MOBILIS_{name.upper()}: needed, as MOBILIS_OIDC_ISSUER is set")
    if settings.oidc_role not in RIGHTS:
        raise SettingError(f"MOBILIS_OIDC_ROLE: one of {', '.join(RIGHTS)} is expected")
    if not _is_private(settings.oidc_issuer):
        raise SettingError("MOBILIS_OIDC_ISSUER: an https:// address is expected")
    return Provider(settings)


def _is_usable(address: Any) -> bool:
    return isinstance(address, str) and _is_private(address)


def _is_private(address: str) -> bool:
    """Whether nobody between us and that address can listen or answer in its place."""
    try:
        parts = urlsplit(address)
    except ValueError:  # no address at all
        return False
    return parts.scheme == "https" or (
        parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost")
    )
