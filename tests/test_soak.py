"""Slack and Teams under load, with a front door that is killed: every message is answered exactly
once, in order within its conversation. `make soak` does ten times as much and more.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from soaking import Outcome, Plan, Soak, to_markdown, write_into

from mobilis.web.sender import AT_ONCE

pytestmark = pytest.mark.door

SHORT = 1_000  # events, below which the minute of a lost delivery is made shorter
CUT_SECONDS = 5.0
KILL_EVERY = 200


@pytest.fixture(scope="module")
def outcome(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    events = request.config.getoption("--events")
    kill_every = KILL_EVERY if events >= SHORT else events // 2
    plan = Plan(events, kill_every, 60.0 if events >= SHORT else CUT_SECONDS)
    outcome = Soak(plan, tmp_path_factory.mktemp("soak")).run()
    document: Path | None = request.config.getoption("--write-soak")
    if document:
        write_into(document, to_markdown(outcome, time.strftime("%Y-%m-%d")))
    return outcome


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("channel", ["slack", "teams"])
def test_every_message_is_answered_in_order_and_none_is_lost(
    outcome: Outcome, channel: str
) -> None:
    count = outcome.counts[channel]
    assert count.messages == outcome.plan.events // 2 < count.brought
    assert (count.lost, count.unordered, count.strange, count.dead) == (0, 0, 0, 0)
    assert outcome.kills >= 1
    assert outcome.turns_doubled == 0


def test_nothing_is_shown_twice_on_slack(outcome: Outcome) -> None:
    count = outcome.counts["slack"]
    assert (count.doubled, count.left) == (0, 0)
    assert count.presses > 0


def test_teams_shows_twice_at_most_what_was_being_sent_at_a_kill(outcome: Outcome) -> None:
    """One of two cards that are the same keeps its button, which does nothing any more."""
    count = outcome.counts["teams"]
    assert count.left <= count.doubled <= outcome.kills * AT_ONCE
    assert count.presses > 0
