"""What stands between the settings and a Slack app that works; each finding is a sentence.

`mobilis doctor slack` shows it, and `mobilis doctor` where Slack is on. Asks Slack, and
the front door at its public address.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
from slack_sdk import WebClient
from slack_sdk.errors import SlackClientError

from mobilis.doctor.findings import FAULT, OK, Finding
from mobilis.errors import SettingError, StoreError
from mobilis.sealing import Seal
from mobilis.settings import Settings
from mobilis.slack import EVENTS_PATH, PURPOSE, SCOPES, SlackApp, read_app
from mobilis.store import Database
from mobilis.workspaces import Workspace, list_workspaces

TIMEOUT_SECONDS = 10.0


def check_slack(settings: Settings) -> Iterator[Finding]:
    """The same, where Slack is on, each about Slack."""
    try:
        is_on = read_app(settings) is not None
    except SettingError:
        is_on = True
    for finding in examine_slack(settings) if is_on else ():
        yield replace(finding, about=f"slack {finding.about}")


def examine_slack(settings: Settings) -> list[Finding]:
    """Everything that can be found out about Slack from here."""
    try:
        app = read_app(settings)
    except SettingError as error:
        return [Finding("settings", FAULT, str(error))]
    if app is None:
        why = "Slack is off: no setting of MOBILIS_SLACK_… is there (see docs/slack.md)."
        return [Finding("settings", FAULT, why)]
    way = "Socket Mode" if app.by_socket else "HTTP"
    whose = "for any workspace that installs it" if app.many else "for one workspace"
    found = [Finding("settings", OK, f"Slack is on by {way}, {whose}.")]
    found += _workspaces(app, settings) if app.many else _token(app, app.bot_token, "The bot")
    found += _socket(app) if app.by_socket else _address(settings)
    return found


def _token(app: SlackApp, token: str, whose: str) -> Iterator[Finding]:
    """Whether a token works, and for what."""
    try:
        answer = _client(app, token).auth_test()
    except (SlackClientError, OSError) as error:
        yield Finding("token", FAULT, f"{whose}: Slack refuses the token: {_code(error)}.")
        return
    yield Finding("token", OK, f"{whose}: the token works in the workspace {answer['team']}.")
    headers = {name.lower(): value for name, value in answer.headers.items()}
    given = _listed(headers.get("x-oauth-scopes", ""))
    missing = sorted(set(SCOPES) - given)
    if missing:
        needs = ", ".join(f"{scope} ({SCOPES[scope]})" for scope in missing)
        yield Finding("scopes", FAULT, f"{whose}: these permissions are missing: {needs}.")
    else:
        yield Finding("scopes", OK, f"{whose}: every permission is there.")


def _workspaces(app: SlackApp, settings: Settings) -> Iterator[Finding]:
    """The same of every workspace that has installed the app."""
    database = Database.from_settings(settings)
    try:
        with database.read() as connection:
            known = list_workspaces(connection)
    except StoreError as error:
        yield Finding("workspaces", FAULT, f"The workspaces cannot be read: {error}.")
        return
    finally:
        database.dispose()
    if not known:
        where = f"{settings.public_url.rstrip('/')}/slack/install"
        yield Finding("workspaces", FAULT, f"No workspace has installed the app yet: open {where}.")
    seal = Seal(settings.secret, PURPOSE)
    for workspace in known:
        yield from _workspace(app, workspace, seal)


def _workspace(app: SlackApp, workspace: Workspace, seal: Seal) -> Iterator[Finding]:
    named = f"{workspace.name} ({workspace.id})"
    if workspace.gone_at is not None:
        since = f"{workspace.gone_at:%Y-%m-%d}: {workspace.gone_why}"
        yield Finding("workspaces", FAULT, f"{named} has removed the app on {since}.")
        return
    token = seal.open(workspace.token or "")
    if token is None:
        why = "its token was encrypted with another MOBILIS_SECRET: install the app there again"
        yield Finding("workspaces", FAULT, f"{named}: {why}.")
        return
    yield from _token(app, token, named)


def _socket(app: SlackApp) -> Iterator[Finding]:
    """Whether a connection could be opened."""
    try:
        _client(app, None).apps_connections_open(app_token=app.app_token)
    except (SlackClientError, OSError) as error:
        why = f"Slack opens no connection for MOBILIS_SLACK_APP_TOKEN: {_code(error)}."
        yield Finding("socket", FAULT, why)
        return
    yield Finding("socket", OK, "Slack opens a connection of Socket Mode.")


def _address(settings: Settings) -> Iterator[Finding]:
    """Whether Slack could send to the public address, which must refuse what is not signed."""
    if not settings.public_url.startswith("https://"):
        why = "MOBILIS_PUBLIC_URL: Slack sends to an https address only, or use Socket Mode."
        yield Finding("address", FAULT, why)
        if not settings.public_url:
            return
    address = settings.public_url.rstrip("/") + EVENTS_PATH
    try:
        with httpx.Client(timeout=TIMEOUT_SECONDS, trust_env=False) as client:
            status = client.post(address, json={"type": "url_verification"}).status_code
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        yield Finding("address", FAULT, f"{address} does not answer: {type(error).__name__}.")
        return
    if status == 401:
        yield Finding("address", OK, f"{address} answers, and refuses what Slack did not sign.")
    else:
        why = f"{address} answers {status} where 401 is expected: is Slack on there?"
        yield Finding("address", FAULT, why)


def _client(app: SlackApp, token: str | None) -> WebClient:
    return WebClient(token=token, base_url=app.api_url, timeout=int(TIMEOUT_SECONDS))


def _code(error: Exception) -> str:
    """What Slack called it, or what went wrong on the way."""
    response: Any = getattr(error, "response", None)
    code = response.get("error") if response is not None else None
    return str(code or type(error).__name__)


def _listed(scopes: str) -> set[str]:
    return {scope.strip() for scope in scopes.split(",") if scope.strip()}
