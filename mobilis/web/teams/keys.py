"""The keys that the Bot Framework signs with: published by it, remembered here."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from mobilis.errors import TeamsUnavailable
from mobilis.seeing.logs import tell
from mobilis.web import outgoing
from mobilis.web.teams.clouds import is_private

KNOWN_FOR = 24 * 3600.0  # seconds until the keys are read again in any case
AGAIN_AFTER = 60.0  # seconds at least between two readings, whoever sends what
TIMEOUT = 5.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class SigningKey:
    """A key, and the platforms for which it may sign."""

    key: RSAKey
    endorsements: frozenset[str]


class SigningKeys:
    """The keys, read when they are first needed, when they are old, and, at most once a minute,
    when a token names one that is not known."""

    def __init__(self, openid_url: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._openid_url = openid_url
        self._clock = clock
        self._keys: Mapping[str, SigningKey] = {}
        self._read_at: float | None = None
        self._tried_at: float | None = None
        self._lock = asyncio.Lock()

    async def find(self, kid: str) -> SigningKey | None:
        """The key of that name; None when nobody has published it.

        Raises:
            TeamsUnavailable: no keys can be had.
        """
        if self._is_due(kid):
            async with self._lock:
                if self._is_due(kid):  # nobody has read them while we waited
                    await self._read()
        if self._read_at is None:
            raise TeamsUnavailable("the keys of the Bot Framework cannot be read")
        return self._keys.get(kid)

    def _is_due(self, kid: str) -> bool:
        moment = self._clock()
        old = self._read_at is None or moment - self._read_at > KNOWN_FOR
        tried = self._tried_at is not None and moment - self._tried_at < AGAIN_AFTER
        return (old or kid not in self._keys) and not tried

    async def _read(self) -> None:
        """Read the keys; those that were known stay when that fails."""
        try:
            self._keys = await read_keys(self._openid_url)
            self._read_at = self._clock()
        except TeamsUnavailable as error:
            tell(logger, "note", logging.ERROR, message="Microsoft Teams", error=error)
        finally:
            self._tried_at = self._clock()


async def read_keys(openid_url: str) -> Mapping[str, SigningKey]:
    """What is published, by the names of the keys.

    Raises:
        TeamsUnavailable: it cannot be read, or holds no usable key.
    """
    async with outgoing.client(timeout=TIMEOUT) as client:
        metadata = await _ask(client, openid_url)
        address = metadata.get("jwks_uri")
        if not isinstance(address, str) or not is_private(address):
            raise TeamsUnavailable("the OpenID metadata name no safe address of keys")
        listed = (await _ask(client, address)).get("keys")
    found = [_signing_key(item) for item in listed] if isinstance(listed, list) else []
    keys = dict(pair for pair in found if pair is not None)
    if not keys:
        raise TeamsUnavailable("no usable key is published")
    return keys


async def _ask(client: httpx.AsyncClient, address: str) -> dict[str, Any]:
    try:
        answer = await client.get(address)
        content = answer.json() if answer.status_code == 200 else None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise TeamsUnavailable(f"no answer about keys: {type(error).__name__}") from None
    except ValueError:
        raise TeamsUnavailable("an answer about keys that is not JSON") from None
    if not isinstance(content, dict):
        raise TeamsUnavailable(f"an answer about keys of status {answer.status_code}")
    return content


def _signing_key(item: Any) -> tuple[str, SigningKey] | None:
    """A published key with its name; None when it is none that we can use."""
    try:
        key = RSAKey.import_key({name: item[name] for name in ("kty", "n", "e")})
        kid, endorsements = item["kid"], item.get("endorsements") or []
        if not isinstance(kid, str) or not isinstance(endorsements, list):
            return None
        return kid, SigningKey(key, frozenset(map(str, endorsements)))
    except (JoseError, KeyError, TypeError, ValueError, AttributeError):
        return None
