"""Whether a request comes from Microsoft Teams and is meant for us: its token, and what it says of
the activity that it brings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import JoseError

from mobilis.errors import TeamsRefused
from mobilis.web.teams.clouds import App
from mobilis.web.teams.keys import SigningKey, SigningKeys

ALGORITHM = "RS256"
LEEWAY = 300  # seconds by which clocks may differ
LONGEST = 16_000  # characters of a token
CHANNEL = "msteams"

_BEARER = re.compile(r"Bearer ([\w-]+\.[\w-]+\.[\w-]+)", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True)
class Sender:
    """Who signed a request: where it wants its replies, and the platforms it may speak for."""

    service_url: str
    endorsements: frozenset[str]


async def verify(app: App, keys: SigningKeys, authorization: str) -> Sender:
    """The sender of a request, from its `Authorization`.

    Raises:
        TeamsRefused: the token is missing or does not hold.
        TeamsUnavailable: the keys cannot be had.
    """
    found = _BEARER.fullmatch(authorization) if len(authorization) <= LONGEST else None
    if not found:
        raise TeamsRefused("there is no token")
    token = found.group(1)
    known = await keys.find(_key_name(token))
    if known is None:
        raise TeamsRefused("the token's key is not known")
    claims = _checked_claims(app, _opened(token, known))
    service_url = claims.get("serviceurl")
    if not isinstance(service_url, str):
        raise TeamsRefused("the token names no service")
    return Sender(service_url, known.endorsements)


def check_activity(app: App, sender: Sender, activity: Mapping[str, Any]) -> None:
    """Whether an activity is what its sender may send, to us.

    Raises:
        TeamsRefused: it is not.
    """
    if activity.get("channelId") != CHANNEL:
        raise TeamsRefused("the activity is of another platform", 403)
    if CHANNEL not in sender.endorsements:
        raise TeamsRefused("the key does not stand for this platform", 403)
    if activity.get("serviceUrl") != sender.service_url:
        raise TeamsRefused("the activity is from another service than its token", 403)
    if not app.trusts(sender.service_url):
        raise TeamsRefused("the service is none that we write to", 403)
    named = _tenants(activity)
    if len(named) != 1 or not app.admits(*named):
        raise TeamsRefused("the tenant is not allowed", 403)


def _tenants(activity: Mapping[str, Any]) -> set[str]:
    """The tenants that an activity names: one, in up to two places."""
    conversation, data = activity.get("conversation"), activity.get("channelData")
    tenant = data.get("tenant") if isinstance(data, dict) else None
    named = {
        conversation.get("tenantId") if isinstance(conversation, dict) else None,
        tenant.get("id") if isinstance(tenant, dict) else None,
    }
    return {name.lower() for name in named if isinstance(name, str) and name}


def _key_name(token: str) -> str:
    try:
        header = jws.extract_compact(token.encode()).headers()
    except (JoseError, ValueError, TypeError, AttributeError):
        raise TeamsRefused("the token is malformed") from None
    if header.get("alg") != ALGORITHM:
        raise TeamsRefused("the token is signed in another way")
    if "crit" in header or not isinstance(header.get("kid"), str):
        raise TeamsRefused("the token names no key")
    return str(header["kid"])


def _opened(token: str, known: SigningKey) -> Mapping[str, Any]:
    registry = jws.JWSRegistry(algorithms=[ALGORITHM], strict_check_header=False)
    try:
        return jwt.decode(token, known.key, registry=registry).claims
    except (JoseError, ValueError, TypeError, AttributeError):
        raise TeamsRefused("the token's signature does not hold") from None


def _checked_claims(app: App, claims: Mapping[str, Any]) -> Mapping[str, Any]:
    registry = jwt.JWTClaimsRegistry(
        leeway=LEEWAY,
        iss={"essential": True, "value": app.cloud.issuer},
        aud={"essential": True, "value": app.id},
        exp={"essential": True},
    )
    try:
        if not isinstance(claims.get("aud"), str):
            raise TeamsRefused("the token is for somebody else")
        registry.validate(dict(claims))
    except JoseError as error:
        raise TeamsRefused(f"the token's {getattr(error, 'claim', '')} will not do") from None
    except (TypeError, ValueError, AttributeError):
        raise TeamsRefused("the token's claims are malformed") from None
    return claims
