"""Whatever is signed as Slack signs, and whatever is not: it is taken or refused, none breaks."""

from __future__ import annotations

import json

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
    *("type", "event", "team_id", "user", "channel", "ts", "text", "actions", "view", "team"),
    *("action_id", "value", "message", "container", "trigger_id", "command", "user_id", "id"),
    *("authorizations", "payload", "challenge", "state", "values", "channel_type", "thread_ts"),
)
KINDS = st.sampled_from(
    [
        *("event_callback", "message", "app_mention", "app_home_opened", "tokens_revoked", "T1"),
        *("block_actions", "view_submission", "shortcut", "url_verification", "/preparation", "im"),
    ]
)
SHAPED = st.recursive(
    KINDS | JSON,
    lambda inner: (
        st.dictionaries(st.sampled_from(NAMES), inner, max_size=6) | st.lists(inner, max_size=2)
    ),
    max_leaves=15,
)
EVERY = st.dictionaries(st.sampled_from(NAMES), SHAPED, max_size=8)
TAKEN = {200, 202, 400, 401, 404, 413}


@pytest.mark.timeout(0)
def test_whatever_slack_signs_is_taken_or_refused(someone, slack_door, pytestconfig):
    seen = set()

    @settings(
        max_examples=6 * pytestconfig.getoption("examples"),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(EVERY, st.sampled_from(["event", "json", "form", "payload"]))
    def ask(content, kind):
        if kind == "event":
            shaped = someone.event({"type": "message", "ts": "1.1", **content})
            answer = someone.send({**shaped, "team_id": "T1"})
        elif kind == "json":
            answer = someone.send(content)
        elif kind == "form":
            answer = someone.send_form({name: str(value) for name, value in content.items()})
        else:
            filled = someone.interaction({"type": "block_actions", **content})
            answer = someone.send_form({"payload": json.dumps(filled)})
        seen.add(answer.status_code)
        # 503: Slack brings it again, a few times, and that is all.
        assert answer.status_code in TAKEN | {503}

    ask()
    assert 200 in seen
    assert slack_door.http.get("/healthz").status_code == 200


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.binary(max_size=200), st.text(max_size=20), st.text(max_size=80))
def test_whatever_is_not_signed_is_refused(slack_door, body, at, signature):
    headers = {
        "X-Slack-Request-Timestamp": at.encode("utf-8", "replace").hex()[:20],
        "X-Slack-Signature": "v0=" + signature.encode("utf-8", "replace").hex(),
    }
    answer = slack_door.http.post("/slack/events", content=body, headers=headers)
    assert answer.status_code == 401


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b"null", b"payload=%7B", b"payload", b""])
@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded", ""])
def test_what_is_signed_and_is_nothing_is_taken_or_refused(someone, body, kind):
    answer = someone.deliver(body, kind)
    assert answer.status_code in TAKEN | {503}


@pytest.mark.parametrize(
    "payload",
    [
        {"type": "block_actions"},
        {"type": "block_actions", "actions": []},
        {"type": "block_actions", "actions": 1},
        {"type": "view_submission", "view": None},
    ],
)
def test_a_signed_payload_that_lacks_what_it_is_about_is_refused(someone, payload):
    answer = someone.send_form({"payload": json.dumps({**someone.interaction({}), **payload})})
    assert answer.status_code in TAKEN
