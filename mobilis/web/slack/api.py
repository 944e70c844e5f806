"""Calls to Slack's Web API: each with its workspace's token, each failure as one of ours."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from mobilis.errors import DeliveryError, DeliveryPostponed, DeliveryRefused
from mobilis.sealing import Seal
from mobilis.slack import PURPOSE, SlackApp
from mobilis.web.door import Door
from mobilis.workspaces import Workspace, find_workspace, mark_gone, save_workspace

TIMEOUT_SECONDS = 10.0
UNSURE_SECONDS = 10.0  # to wait before Slack is asked what became of a request without an answer
# The token is worth nothing any more: nothing will be sent before the app is installed again.
GONE = ("token_revoked", "account_inactive", "invalid_auth", "not_authed", "token_expired")
# Slack is not well, or wants us to wait.
LATER = (
    *("ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable"),
    *("request_timeout", "message_limit_exceeded"),
)

Call = Callable[[AsyncWebClient], Awaitable[AsyncSlackResponse]]


class Slack:
    """Slack, for one app. `session` is open for as long as the front door runs."""

    def __init__(self, app: SlackApp, door: Door, session: aiohttp.ClientSession) -> None:
        self.app = app
        self.seal = Seal(door.settings.secret, PURPOSE)
        self._door = door
        self._session = session

    def client(self, token: str | None = None) -> AsyncWebClient:
        """A client without retries of its own: whether a message is sent again is ours to say."""
        return AsyncWebClient(
            token=token,
            base_url=self.app.api_url,
            session=self._session,
            logger=quiet_logger(),
            retry_handlers=[],
        )

    async def call(self, workspace: str, call: Call) -> Mapping[str, Any]:
        """What a method answers.

        Raises:
            DeliveryPostponed: it is worth trying again.
            DeliveryRefused: it never will be.
        """
        client = self.client(await self.token(workspace))
        try:
            response = await call(client)
        except SlackApiError as error:
            raise await self._failure(workspace, error.response) from None
        except (aiohttp.ClientError, asyncio.TimeoutError, OSError) as error:
            raise _unanswered(error) from None
        data: Any = response.data
        return data if isinstance(data, dict) else {}

    async def token(self, workspace: str) -> str:
        """The token for a workspace.

        Raises:
            DeliveryRefused: it has removed the app, or never had it.
        """
        known = await self._door.read(find_workspace, workspace)
        token = token_of(known, self.app, self.seal)
        if token is None:
            why = known.gone_why if known and known.gone_why else "not_installed"
            raise DeliveryRefused(f"the workspace {workspace} has no working app: {why}")
        return token

    async def recognize(self) -> Workspace | None:
        """Where the one token of the settings belongs, noted: it works, now or again.

        Raises:
            DeliveryError: Slack does not say; `DeliveryRefused` when the token is worth nothing.
        """
        try:
            response = await self.client(self.app.bot_token).auth_test()
        except SlackApiError as error:
            raise _failure(error.response) from None
        except (aiohttp.ClientError, asyncio.TimeoutError, OSError) as error:
            raise _unanswered(error) from None
        workspace = Workspace(
            id=str(response.get("team_id")),
            name=str(response.get("team")),
            app_id=str(response.get("app_id") or ""),
            bot_user_id=str(response.get("user_id")),
            scopes=response.headers.get("x-oauth-scopes", ""),
            token=None,
        )
        await self._door.write(save_workspace, workspace)
        return workspace

    async def _failure(self, workspace: str, response: Any) -> DeliveryError:
        code = _code(response)
        if code in GONE:
            await self._door.write(mark_gone, workspace, code)
        return _failure(response)


def quiet_logger() -> logging.Logger:
    """For the libraries of Slack, which would write whole messages to a log for debugging."""
    logger = logging.getLogger("mobilis.web.slack.library")
    logger.setLevel(logging.INFO)
    return logger


def token_of(workspace: Workspace | None, app: SlackApp, seal: Seal) -> str | None:
    """The token that opens a workspace, if any does."""
    if workspace is not None and workspace.gone_at is not None:
        return None
    if app.bot_token:
        return app.bot_token
    return seal.open(workspace.token) if workspace and workspace.token else None


def _unanswered(error: Exception) -> DeliveryPostponed:
    """Slack may still be at it, unless it was never reached: only later can one see whether it did
    what was asked."""
    reached = not isinstance(error, aiohttp.ClientConnectorError)
    why = f"Slack does not answer: {type(error).__name__}"
    return DeliveryPostponed(why, UNSURE_SECONDS if reached else 0.0)


def _failure(response: Any) -> DeliveryError:
    """Whether what failed is worth trying again. The words hold nothing that was said."""
    status, code = _status(response), _code(response)
    why = f"Slack refuses: {code or status}"
    if status == 429 or status >= 500 or code in LATER or (not code and status != 200):
        return DeliveryPostponed(why, _retry_after(response))
    return DeliveryRefused(why)


def _status(response: Any) -> int:
    return int(getattr(response, "status_code", 0) or getattr(response, "status", 0) or 0)


def _code(response: Any) -> str:
    data = getattr(response, "data", None)
    error = data.get("error") if isinstance(data, dict) else None
    return re.sub(r"[^a-z0-9_]", "", str(error or "").lower())[:64]


def _retry_after(response: Any) -> float:
    value = str((getattr(response, "headers", None) or {}).get("Retry-After", ""))
    return float(value) if value.isascii() and value.isdigit() else 0.0
