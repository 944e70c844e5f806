"""The Slack workspaces that have installed the app, and installations under way.

A workspace that removes the app keeps its row, so that staff can see since when; its token goes.
Called by the Slack channel, inside its transactions.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.engine import Connection

from mobilis.announcements import announce
from mobilis.models import slack_installations, slack_states
from mobilis.store import now


@dataclass(frozen=True)
class Workspace:
    """A workspace, or a whole organization, that has or had the app. `token` is sealed."""

    id: str
    name: str
    app_id: str
    bot_user_id: str
    scopes: str
    token: str | None
    gone_at: datetime | None = None
    gone_why: str | None = None


def save_workspace(connection: Connection, workspace: Workspace) -> None:
    """It has the app, from now on or again."""
    row = {
        "name": workspace.name,
        "app_id": workspace.app_id,
        "bot_user_id": workspace.bot_user_id,
        "scopes": workspace.scopes,
        "token": workspace.token,
        "installed_at": now(),
        "gone_at": None,
        "gone_why": None,
    }
    own = slack_installations.c.workspace == workspace.id
    if not connection.execute(update(slack_installations).where(own).values(**row)).rowcount:
        connection.execute(insert(slack_installations).values(workspace=workspace.id, **row))


def find_workspace(connection: Connection, workspace_id: str) -> Workspace | None:
    """The workspace, whether it still has the app or not; None when it never had."""
    own = slack_installations.c.workspace == workspace_id
    row = connection.execute(select(slack_installations).where(own)).one_or_none()
    return _workspace(row) if row else None


def list_workspaces(connection: Connection) -> list[Workspace]:
    """All that have or had the app, the oldest first."""
    query = select(slack_installations).order_by(slack_installations.c.installed_at)
    return [_workspace(row) for row in connection.execute(query)]


def mark_gone(connection: Connection, workspace_id: str, why: str) -> bool:
    """It has the app no more: nothing is sent to it from now on, and staff are told.

    Args:
        why: what Slack calls it, such as `app_uninstalled`.

    Returns:
        Whether it had the app until now.
    """
    own = slack_installations.c.workspace == workspace_id
    here = update(slack_installations).where(own, slack_installations.c.gone_at.is_(None))
    moment = now()
    gone = here.values(gone_at=moment, gone_why=why[:64], token=None)
    if not connection.execute(gone).rowcount:
        return False
    announce(connection, "gone", f"slack:{workspace_id}:{moment.isoformat()}", moment)
    return True


def issue_state(connection: Connection, seconds: int) -> str:
    """A new state of an installation, good once and for so long."""
    connection.execute(delete(slack_states).where(slack_states.c.expires_at <= now()))
    state = secrets.token_urlsafe(32)
    expires_at = now() + timedelta(seconds=seconds)
    connection.execute(insert(slack_states).values(state_hash=_hash(state), expires_at=expires_at))
    return state


def consume_state(connection: Connection, state: str) -> bool:
    """Whether the state was issued, is not too old and was not used yet; it is used now."""
    own = slack_states.c.state_hash == _hash(state)
    alive = slack_states.c.expires_at > now()
    return bool(connection.execute(delete(slack_states).where(own, alive)).rowcount)


def _hash(state: str) -> str:
    return hashlib.sha256(state.encode("utf-8", "replace")).hexdigest()


def _workspace(row: Any) -> Workspace:
    return Workspace(
        id=row.workspace,
        name=row.name,
        app_id=row.app_id,
        bot_user_id=row.bot_user_id,
        scopes=row.scopes,
        token=row.token,
        gone_at=row.gone_at,
        gone_why=row.gone_why,
    )
