"""Whether all that Microsoft Teams needs is there, each finding a sentence.

For mobilis/web/doctor.py, which is `mobilis doctor teams`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx

from mobilis.doctor.findings import FAULT, OK, Finding
from mobilis.errors import DeliveryPostponed, SettingError, TeamsUnavailable
from mobilis.settings import Settings
from mobilis.web import outgoing
from mobilis.web.teams.channel import PATH
from mobilis.web.teams.clouds import App, read_app
from mobilis.web.teams.connector import HttpConnector
from mobilis.web.teams.keys import read_keys

TIMEOUT = 10.0


async def examine(settings: Settings) -> list[Finding]:
    """All findings; nothing further is looked at while the settings make no sense."""
    try:
        app = read_app(settings)
    except SettingError as error:
        return [Finding("settings", FAULT, f"{error}.")]
    if app is None:
        sentence = "Microsoft Teams is off: MOBILIS_TEAMS_APP_ID is not set."
        return [Finding("settings", FAULT, sentence)]
    return [finding async for finding in _findings(app)]


async def _findings(app: App) -> AsyncIterator[Finding]:
    tenants = f"{len(app.tenants)} tenants" if app.tenants else "any tenant"
    yield Finding("settings", OK, f"The settings are whole; {tenants} may write.")
    yield await _keys(app)
    yield await _token(app)
    yield await _public_url(app)


async def _keys(app: App) -> Finding:
    try:
        keys = await read_keys(app.cloud.openid)
    except TeamsUnavailable as error:
        return Finding("keys", FAULT, f"{app.cloud.openid}: {error}.")
    return Finding("keys", OK, f"{len(keys)} signing keys are published at {app.cloud.openid}.")


async def _token(app: App) -> Finding:
    connector = HttpConnector(app)
    try:
        await connector.token.get()
    except DeliveryPostponed as error:
        return Finding("token", FAULT, f"{app.token_url}: {error}.")
    finally:
        await connector.close()
    return Finding("token", OK, f"A token was given by {app.token_url}.")


async def _public_url(app: App) -> Finding:
    """Whether a request without a token is refused by us, at the address that the world knows."""
    if not app.public_url:
        return Finding("public_url", FAULT, "MOBILIS_PUBLIC_URL: needed, for Teams to reach us.")
    address = app.public_url + PATH
    if not address.startswith("https://"):
        return Finding("public_url", FAULT, "MOBILIS_PUBLIC_URL: Teams asks for https://.")
    try:
        async with outgoing.client(timeout=TIMEOUT) as client:
            answer = await client.post(address, json={})
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return Finding("public_url", FAULT, f"{address}: no answer ({type(error).__name__}).")
    if answer.status_code == 401 and "not_from_teams" in answer.text:
        return Finding("public_url", OK, f"{address} is ours; it is the messaging endpoint.")
    sentence = f"{address}: not the front door with Teams on (status {answer.status_code})."
    return Finding("public_url", FAULT, sentence)
