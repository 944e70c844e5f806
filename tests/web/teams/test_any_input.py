"""Whatever comes with a token of Teams, and with any other: it is taken or refused, none breaks."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

TEXT = st.text(max_size=30)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
NAMES = (
    *("type", "text", "value", "entities", "locale", "membersAdded", "membersRemoved", "action"),
    *("id", "from", "recipient", "conversation", "channelData", "timestamp", "name", "replyToId"),
)
KINDS = st.sampled_from(
    ["message", "invoke", "conversationUpdate", "installationUpdate", "messageReaction", "typing"]
)
CHANGES = st.dictionaries(st.sampled_from(NAMES), JSON | KINDS, max_size=5)


@pytest.mark.timeout(0)
def test_whatever_comes_with_a_token_is_taken_or_refused(teams, teams_door, chat, pytestconfig):
    @settings(
        max_examples=6 * pytestconfig.getoption("examples"),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(KINDS, CHANGES)
    def ask(kind, changes):
        told = teams.activity(kind, chat, text="bonjour")
        answer = chat.send({**told, **changes})
        assert answer.status_code in (200, 202, 400, 401, 403, 429, 501), answer.text

    ask()
    assert teams_door.http.get("/healthz").status_code == 200


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.text(max_size=60).map(lambda text: "".join(filter(str.isprintable, text))))
def test_whatever_comes_without_one_is_refused(teams_door, text):
    headers = [(b"Authorization", b"Bearer" + f" {text}".rstrip().encode("utf-8", "replace"))]
    answer = teams_door.http.post("/teams/messages", json={}, headers=headers)
    assert answer.status_code in (400, 401)
