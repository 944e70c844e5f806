"""Where slack-sdk keeps installations: in our database, tokens sealed."""

from __future__ import annotations

import logging
from typing import Any

from slack_bolt.authorization import AuthorizeResult
from slack_bolt.authorization.async_authorize import AsyncAuthorize
from slack_bolt.context.async_context import AsyncBoltContext
from slack_sdk.oauth.installation_store import Bot, Installation
from slack_sdk.oauth.installation_store.async_installation_store import AsyncInstallationStore
from slack_sdk.oauth.state_store.async_state_store import AsyncOAuthStateStore

from mobilis.web.door import Door
from mobilis.web.slack.api import Slack, token_of
from mobilis.workspaces import (
    Workspace,
    consume_state,
    find_workspace,
    issue_state,
    mark_gone,
    save_workspace,
)

STATE_SECONDS = 600

logger = logging.getLogger(__name__)


def workspace_id(enterprise_id: str | None, team_id: str | None, whole: bool | None) -> str:
    """The workspace, or the organization when all of it has the app."""
    return (enterprise_id if whole else team_id) or team_id or enterprise_id or ""


class Installations(AsyncInstallationStore):
    """Bots alone: the app asks nobody for a token of their own."""

    def __init__(self, door: Door, slack: Slack) -> None:
        self._door = door
        self._slack = slack

    @property
    def logger(self) -> logging.Logger:
        return logger

    async def async_save(self, installation: Installation) -> None:
        whole = installation.is_enterprise_install
        name = installation.enterprise_name if whole else installation.team_name
        workspace = Workspace(
            id=workspace_id(installation.enterprise_id, installation.team_id, whole),
            name=name or "",
            app_id=installation.app_id or "",
            bot_user_id=installation.bot_user_id or "",
            scopes=",".join(installation.bot_scopes or ()),
            token=self._slack.seal.close(installation.bot_token or ""),
        )
        await self._door.write(save_workspace, workspace)

    async def async_find_bot(
        self,
        *,
        enterprise_id: str | None,
        team_id: str | None,
        is_enterprise_install: bool | None = False,
    ) -> Bot | None:
        own = workspace_id(enterprise_id, team_id, is_enterprise_install)
        workspace = await self._door.read(find_workspace, own)
        token = token_of(workspace, self._slack.app, self._slack.seal)
        if workspace is None or token is None:
            return None
        return Bot(
            app_id=workspace.app_id,
            enterprise_id=enterprise_id,
            team_id=team_id,
            bot_token=token,
            bot_id="",
            bot_user_id=workspace.bot_user_id,
            bot_scopes=workspace.scopes,
            is_enterprise_install=is_enterprise_install,
            installed_at=0.0,
        )

    async def async_delete_bot(self, *, enterprise_id: str | None, team_id: str | None) -> None:
        for own in filter(None, (team_id, enterprise_id)):
            await self._door.write(mark_gone, own, "app_uninstalled")

    async def async_delete_installation(
        self, *, enterprise_id: str | None, team_id: str | None, user_id: str | None = None
    ) -> None:
        """Nobody has one of their own."""


class States(AsyncOAuthStateStore):
    """Installations under way."""

    def __init__(self, door: Door) -> None:
        self._door = door

    @property
    def logger(self) -> logging.Logger:
        return logger

    async def async_issue(self, *args: Any, **kwargs: Any) -> str:
        return await self._door.write(issue_state, STATE_SECONDS)

    async def async_consume(self, state: str) -> bool:
        return await self._door.write(consume_state, state)


class Authorize(AsyncAuthorize):
    """Whether a request's workspace still has the app. Asks the database alone, never Slack, so
    that a request is acknowledged at once."""

    def __init__(self, door: Door, slack: Slack) -> None:
        self._door = door
        self._slack = slack

    async def __call__(
        self,
        *,
        context: AsyncBoltContext,
        enterprise_id: str | None,
        team_id: str | None,
        user_id: str | None,
        **_: Any,
    ) -> AuthorizeResult | None:
        own = workspace_id(enterprise_id, team_id, context.is_enterprise_install)
        workspace = await self._door.read(find_workspace, own)
        token = token_of(workspace, self._slack.app, self._slack.seal)
        if token is None:
            return None
        return AuthorizeResult(
            enterprise_id=enterprise_id,
            team_id=team_id,
            user_id=user_id,
            bot_user_id=workspace.bot_user_id if workspace else None,
            bot_token=token,
        )
