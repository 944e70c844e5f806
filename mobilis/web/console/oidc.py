"""Signing in to the console with the organization's provider (OpenID Connect)."""

from __future__ import annotations

import hmac
import logging

from sqlalchemy.engine import Connection
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from mobilis import audit, identities
from mobilis.errors import ChatError, ProviderRefused, ProviderUnavailable, StaffError
from mobilis.identities import Identity
from mobilis.staff import Person
from mobilis.web.console.gate import ROOT, Page
from mobilis.web.console.layout import HEADERS
from mobilis.web.console.sign_in import (
    admit,
    check_rate,
    note_refusal,
    set_cookie,
    show_form,
    within_console,
)
from mobilis.web.door import Door, door_of
from mobilis.web.provider import PENDING_SECONDS, Provider

COOKIE = "mobilis-console-oidc"

logger = logging.getLogger(__name__)


async def go(request: Request) -> Response:
    """GET /console/oidc: to the provider. (A form would not be let out by the content policy.)"""
    door, after = door_of(request), within_console(request.query_params.get("next", ""))
    if door.provider is None:
        return RedirectResponse(f"{ROOT}/sign-in", 303, headers=HEADERS)
    try:
        check_rate(request)
        address, pending = await door.provider.begin(after)
    except ChatError:
        return show_form(request, after, 429, "sign_in_wait")
    except (ProviderUnavailable, ProviderRefused) as error:
        return _unavailable(request, after, error)
    response = RedirectResponse(address, 303, headers=HEADERS)
    set_cookie(response, door, COOKIE, door.provider.seal(pending), PENDING_SECONDS)
    return response


async def come_back(request: Request) -> Response:
    """GET /console/oidc/back: from the provider, with a code or with its refusal."""
    door = door_of(request)
    if door.provider is None:
        return RedirectResponse(f"{ROOT}/sign-in", 303, headers=HEADERS)
    response = await _come_back(request, door, door.provider)
    response.delete_cookie(COOKIE, path=ROOT)
    return response


async def _come_back(request: Request, door: Door, provider: Provider) -> Response:
    pending = provider.unseal(request.cookies.get(COOKIE, ""))
    given = request.query_params
    state = given.get("state", "")
    if pending is None or not hmac.compare_digest(state.encode(), pending.state.encode()):
        return show_form(request, ROOT, 403, "stale_form")
    try:
        if not given.get("code"):
            raise ProviderRefused(given.get("error", "no_code"))
        claims = await provider.finish(pending, given["code"])
        person = await door.write(_admit, identities.identity_of(claims), door)
    except ProviderUnavailable as error:
        return _unavailable(request, pending.after, error)
    except ProviderRefused as error:
        return await _refused(request, door, pending.after, error.why)
    except StaffError:
        return await _refused(request, door, pending.after, "nobody_we_know")
    return await admit(request, person, pending.after, "provider")


def _admit(connection: Connection, identity: Identity, door: Door) -> Person:
    settings = door.settings
    return identities.admit(connection, identity, settings.oidc_domains, settings.oidc_role)


def _unavailable(request: Request, after: str, error: Exception) -> Response:
    logger.warning("sign-in by the provider: %s", error)
    return show_form(request, after, 503, "provider_unavailable")


async def _refused(request: Request, door: Door, after: str, why: str) -> Response:
    note_refusal("provider", why)
    detail = {"way": "provider", "why": why}
    await door.write(audit.record, audit.SYSTEM, "sign_in.refused", "staff:unknown", detail)
    return show_form(request, after, 403, "provider_refused")


PAGES = (
    Page("/oidc", go, "anyone"),
    Page("/oidc/back", come_back, "anyone"),
)
