"""What `mobilis doctor` finds out with the front door's own code: the sign-in provider, Microsoft
Teams, and where staff are told.

A program of its own (`python -m mobilis.web.doctor`), since the command line imports nothing of the
front door.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from slack_sdk import WebClient
from slack_sdk.errors import SlackClientError

from mobilis import slack
from mobilis.dead_letters import Unsent, read_unsent
from mobilis.doctor.findings import FAULT, OK, WARNING, Finding
from mobilis.errors import ContentError, ProviderError, SettingError, StoreError
from mobilis.places import Place
from mobilis.settings import Settings, load_settings
from mobilis.store import Database
from mobilis.web.announcing import make_board
from mobilis.web.provider import make_provider
from mobilis.web.teams import doctor as teams
from mobilis.wording import load_wording
from mobilis.workspaces import list_workspaces

TEAMS = "teams"
SLACK_SECONDS = 10


async def examine(settings: Settings) -> AsyncIterator[Finding]:
    """The provider, Teams where it is on, and the notices to staff."""
    async for finding in check_provider(settings):
        yield finding
    for finding in await teams.examine(settings):
        if settings.teams_app_id or finding.about != "settings":
            yield replace(finding, about=f"teams {finding.about}")
    for finding in check_notices(settings):
        yield finding


async def check_provider(settings: Settings) -> AsyncIterator[Finding]:
    """Whether people of staff could sign in with the provider."""
    try:
        provider = make_provider(settings)
    except SettingError as error:
        yield Finding("sign-in", FAULT, f"{error}.")
        return
    if provider is None:
        yield Finding("sign-in", OK, "Staff sign in with a password: there is no provider.")
        return
    try:
        await provider.look()
    except ProviderError as error:
        why = f"The provider {provider.issuer}: {error}"
        yield Finding("sign-in", FAULT, f"{why}; is MOBILIS_OIDC_ISSUER right?")
    else:
        yield Finding("sign-in", OK, f"The provider {provider.issuer} shows its keys.")


def check_notices(settings: Settings) -> list[Finding]:
    """Whether staff would be told of new cases, and whether they lately were."""
    try:
        places = make_board(settings, load_wording(settings.project_dir)).places
    except (SettingError, ContentError) as error:
        return [Finding("notices", FAULT, f"{error}.")]
    if not places:
        return [Finding("notices", OK, "Staff are told of nothing on Slack or Teams.")]
    found = [_place(place, settings) for place in places.values()]
    return [*found, *_failed_lately(settings)]


def _place(place: Place, settings: Settings) -> Finding:
    """Whether the app is where it is to speak; only a notice would tell of the channel itself."""
    if place.channel == TEAMS:
        return Finding("notices", OK, "Staff are told on Microsoft Teams.")
    app = slack.read_app(settings)
    assert app is not None  # or the board would have been refused
    has_it = _installed(place.workspace, settings) if app.many else _bot_is_of(app, place.workspace)
    if has_it:
        return Finding("notices", OK, f"Staff are told in the workspace {place.workspace}.")
    why = f"MOBILIS_NOTICES_SLACK: the app is not in the workspace {place.workspace}"
    return Finding("notices", FAULT, f"{why}, or its token does not work (mobilis doctor slack).")


def _bot_is_of(app: slack.SlackApp, workspace: str) -> bool:
    client = WebClient(token=app.bot_token, base_url=app.api_url, timeout=SLACK_SECONDS)
    try:
        answer = client.auth_test()
    except (SlackClientError, OSError):
        return False
    return workspace in (answer.get("team_id"), answer.get("enterprise_id"))


def _installed(workspace: str, settings: Settings) -> bool:
    database = Database.from_settings(settings)
    try:
        with database.read() as connection:
            known = list_workspaces(connection)
    except StoreError:
        return False
    finally:
        database.dispose()
    return any(one.id == workspace and one.gone_at is None for one in known)


def _failed_lately(settings: Settings) -> list[Finding]:
    """The notices that could not be shown, by the last of them."""
    database = Database.from_settings(settings)
    try:
        with database.read() as connection:
            unsent: Sequence[Unsent] = read_unsent(connection)
    except StoreError:
        return []
    finally:
        database.dispose()
    if not unsent:
        return []
    last = unsent[0]
    told = f"{len(unsent)} notices failed lately, the last on {last.channel}: {last.error}"
    return [Finding("notices", WARNING, f"{told}; see /console/deliveries.")]


async def _collect(settings: Settings, what: str) -> list[Finding]:
    if what == TEAMS:
        return await teams.examine(settings)
    return [finding async for finding in examine(settings)]


def main(arguments: Sequence[str]) -> int:
    """Write the findings of `teams`, or all, as lines or as JSON; 1 when one is a fault."""
    found = asyncio.run(_collect(load_settings(), TEAMS if TEAMS in arguments else ""))
    if "--json" in arguments:
        told = json.dumps({"findings": [one.as_json() for one in found]}, ensure_ascii=False)
    else:
        told = "\n".join(one.as_line() for one in found)
    sys.stdout.write(f"{told}\n")
    return 0 if all(one.ok for one in found) else 1


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except SettingError as error:
        sys.exit(f"mobilis: {error}")
