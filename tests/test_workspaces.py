"""Slack's workspaces, on SQLite and PostgreSQL: installed, gone, installed again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import filled
import pytest
from sqlalchemy import func, select, update

from mobilis.models import slack_states
from mobilis.store import Database, now
from mobilis.workspaces import (
    Workspace,
    consume_state,
    find_workspace,
    issue_state,
    list_workspaces,
    mark_gone,
    save_workspace,
)

pytestmark = pytest.mark.door

ONE = Workspace("T1", "Team", "A1", "UBOT", "chat:write", "sealed")


@pytest.fixture(params=filled.KINDS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    with filled.database_of(request.param, request, tmp_path) as database:
        yield database


def test_a_workspace_is_found_as_it_was_saved(database):
    with database.write() as connection:
        save_workspace(connection, ONE)
        assert find_workspace(connection, "T1") == ONE
        assert find_workspace(connection, "T2") is None
        assert list_workspaces(connection) == [ONE]


def test_a_workspace_that_is_gone_keeps_its_record_without_its_token(database):
    with database.write() as connection:
        save_workspace(connection, ONE)
        assert mark_gone(connection, "T1", "app_uninstalled")
        assert not mark_gone(connection, "T1", "token_revoked")  # it is gone already
        assert not mark_gone(connection, "T2", "app_uninstalled")
        found = find_workspace(connection, "T1")
    assert found
    assert (found.token, found.gone_why) == (None, "app_uninstalled")
    assert found.gone_at is not None


def test_a_workspace_may_install_the_app_again(database):
    with database.write() as connection:
        save_workspace(connection, ONE)
        mark_gone(connection, "T1", "app_uninstalled")
        save_workspace(connection, replace(ONE, token="new"))
        assert find_workspace(connection, "T1") == replace(ONE, token="new")


def test_a_state_is_good_once(database):
    with database.write() as connection:
        state = issue_state(connection, 600)
        assert consume_state(connection, state)
        assert not consume_state(connection, state)
        assert not consume_state(connection, "made up")


def test_a_state_that_is_too_old_is_good_for_nothing_and_goes(database):
    with database.write() as connection:
        state = issue_state(connection, 600)
        past = now() - timedelta(seconds=1)
        connection.execute(update(slack_states).values(expires_at=past))
        assert not consume_state(connection, state)
        issue_state(connection, 600)
        assert connection.execute(select(func.count()).select_from(slack_states)).scalar() == 1
