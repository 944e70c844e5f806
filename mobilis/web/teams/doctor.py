"""`mobilis doctor teams`: whether all that Teams needs is there, each finding a sentence.

A program of its own (`python -m mobilis.web.teams.doctor`), since the command line imports nothing
of the front door.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass

import httpx

from mobilis.errors import DeliveryPostponed, SettingError, TeamsUnavailable
from mobilis.settings import Settings, load_settings
from mobilis.web.teams.channel import PATH
from mobilis.web.teams.clouds import App, read_app
from mobilis.web.teams.connector import HttpConnector
from mobilis.web.teams.keys import read_keys

TIMEOUT = 10.0


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at, and what was found."""

    what: str
    ok: bool
    sentence: str


async def examine(settings: Settings) -> list[Finding]:
    """All findings; nothing further is looked at while the settings make no sense."""
    try:
        app = read_app(settings)
    except SettingError as error:
        return [Finding("settings", False, f"{error}.")]
    if app is None:
        sentence = "Microsoft Teams is off: MOBILIS_TEAMS_APP_ID is not set."
        return [Finding("settings", False, sentence)]
    return [finding async for finding in _findings(app)]


async def _findings(app: App) -> AsyncIterator[Finding]:
    tenants = f"{len(app.tenants)} tenants" if app.tenants else "any tenant"
    yield Finding("settings", True, f"The settings are whole; {tenants} may write.")
    yield await _keys(app)
    yield await _token(app)
    yield await _public_url(app)


async def _keys(app: App) -> Finding:
    try:
        keys = await read_keys(app.cloud.openid)
    except TeamsUnavailable as error:
        return Finding("keys", False, f"{app.cloud.openid}: {error}.")
    return Finding("keys", True, f"{len(keys)} signing keys are published at {app.cloud.openid}.")


async def _token(app: App) -> Finding:
    connector = HttpConnector(app)
    try:
        await connector.token.get()
    except DeliveryPostponed as error:
        return Finding("token", False, f"{app.token_url}: {error}.")
    finally:
        await connector.close()
    return Finding("token", True, f"A token was given by {app.token_url}.")


async def _public_url(app: App) -> Finding:
    """Whether a request without a token is refused by us, at the address that the world knows."""
    if not app.public_url:
        return Finding("public_url", False, "MOBILIS_PUBLIC_URL: needed, for Teams to reach us.")
    address = app.public_url + PATH
    if not address.startswith("https://"):
        return Finding("public_url", False, "MOBILIS_PUBLIC_URL: Teams asks for https://.")
    try:
        async with httpx.AsyncClient(timeout=TIMEOUT) as client:
            answer = await client.post(address, json={})
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return Finding("public_url", False, f"{address}: no answer ({type(error).__name__}).")
    if answer.status_code == 401 and "not_from_teams" in answer.text:
        return Finding("public_url", True, f"{address} is ours; it is the messaging endpoint.")
    sentence = f"{address}: not the front door with Teams on (status {answer.status_code})."
    return Finding("public_url", False, sentence)


def main(arguments: Sequence[str]) -> int:
    """Write the findings, as lines or as JSON; 1 when something is missing."""
    findings = asyncio.run(examine(load_settings()))
    if "--json" in arguments:
        told = json.dumps([asdict(finding) for finding in findings], ensure_ascii=False)
    else:
        told = "\n".join(f"{'ok ' if one.ok else 'NO '} {one.sentence}" for one in findings)
    sys.stdout.write(f"{told}\n")
    return 0 if all(finding.ok for finding in findings) else 1


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except SettingError as error:
        sys.exit(f"mobilis: {error}")
