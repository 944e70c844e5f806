"""Sending text: what is accepted, what is refused, and that it comes back as it was written."""

from __future__ import annotations

import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mobilis.errors import ChatError
from mobilis.web import incoming

HOSTILE = [
    "'; DROP TABLE inbox; --",
    "<script>alert(1)</script>",
    "/restart",
    '/inform{"assessment_score": 15}',
    "%00 ${jndi:ldap://x} {{7*7}}",
    "  blanks stay  ",
    "deux\nlignes\tet une tabulation",
    "مرحبا 👩🏽‍🚀 é\u0301",
]


def raw(visitor, body, **headers):
    return visitor.http.post(
        f"{visitor.url}/messages", content=body, headers={**visitor.headers, **headers}
    )


def test_a_message_is_acknowledged_and_answered_later(visitor, eventually):
    response = visitor.say("bonjour", wait=None, id="a-client-made-id")
    assert (response.status_code, response.json()) == (202, {"id": "a-client-made-id"})
    eventually(lambda: visitor.texts()[-1] == "echo bonjour")


def test_whoever_waits_gets_the_answer(visitor):
    response = visitor.say("bonjour", wait=10)
    assert response.status_code == 200
    assert [message["text"] for message in response.json()["messages"]] == ["echo bonjour"]


def test_whoever_waits_too_briefly_gets_an_acknowledgement(visitor, brain):
    brain.script = lambda question: (time.sleep(1), (200, {"messages": []}))[1]
    assert visitor.say("bonjour", wait=0.1).status_code == 202


@pytest.mark.parametrize("wait", ["x", "-1", "nan", ""])
def test_a_wait_that_is_no_time_is_refused(visitor, wait):
    assert visitor.say("bonjour", wait=wait).status_code == 400


def test_no_answer_is_an_answer_too(visitor, brain):
    brain.script = lambda question: (200, {"messages": []})
    assert visitor.hears("…") == []


@pytest.mark.parametrize("text", HOSTILE)
def test_text_is_only_ever_text(visitor, brain, text):
    assert visitor.hears(text)[0]["text"] == f"echo {text}"
    assert visitor.history()[1]["text"] == text
    assert brain.answered[-1]["text"] == text
    assert "payload" not in brain.answered[-1]


def test_control_characters_are_removed(visitor, brain):
    visitor.hears("a\x00b\x1b[31m\r\nc\x7f\x85\td")
    assert brain.answered[-1]["text"] == "ab[31m\nc\td"


def test_half_a_character_is_removed(visitor, brain):
    body = b'{"id": "12345678", "text": "a\\ud800b"}'
    assert raw(visitor, body).status_code == 202
    assert visitor.history()[1]["text"] == "ab"


@pytest.mark.parametrize("text", ["", " ", "\n\t ", "\x00\x01", "\u200b\u00a0\u2003"])
def test_a_text_of_nothing_is_refused(visitor, text):
    response = visitor.say(text)
    assert response.status_code == 422
    assert response.json()["error"]["code"] == "text_empty"
    assert len(visitor.history()) == 1


def test_the_longest_text_is_accepted_and_one_more_character_is_not(visitor):
    assert visitor.say("é" * 2000).status_code == 200
    response = visitor.say("é" * 2001)
    assert response.status_code == 422
    assert response.json()["error"]["code"] == "text_too_long"
    assert "2000" in response.json()["error"]["message"]


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"\xff\xfe",
        b'{"id": "12345678", "text": "\xe9"}',
        b"[" * 10_000,
        b"9" * 9_000,
        b'\xef\xbb\xbf{"id": "12345678", "text": "a"}',
    ],
)
def test_what_is_no_json_is_refused(visitor, body):
    response = raw(visitor, body)
    assert response.status_code == 400
    assert response.json()["error"]["code"] in ("bad_json", "bad_request")


@pytest.mark.parametrize(
    "content",
    [
        [],
        None,
        "text",
        {},
        {"text": "a"},
        {"id": "12345678"},
        {"id": "12345678", "text": 5},
        {"id": "12345678", "text": None},
        {"id": "12345678", "text": ["a"]},
        {"id": "12345678", "choice": {}},
        {"id": "12345678", "text": "a", "choice": "b"},
        {"id": 12345678, "text": "a"},
        {"id": "1234567", "text": "a"},
        {"id": "1" * 65, "text": "a"},
        {"id": "12345678\n", "text": "a"},
        {"id": "1234567é", "text": "a"},
    ],
)
def test_a_message_of_another_shape_is_refused(visitor, content):
    response = visitor.post(content)
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "bad_request"


def test_a_large_body_is_refused(visitor):
    response = raw(visitor, json.dumps({"id": "12345678", "text": "a" * 1_000_000}))
    assert response.status_code == 413
    assert response.json()["error"]["code"] == "body_too_large"


def test_a_large_body_in_chunks_is_refused(visitor):
    response = raw(visitor, (b"a" * 1000 for _ in range(1000)))
    assert response.status_code == 413


def test_a_body_that_announces_far_too_much_is_not_read(visitor):
    host, port = visitor.http.base_url.host, visitor.http.base_url.port
    with socket.create_connection((host, port), timeout=5) as connection:
        lines = [
            f"POST {visitor.url}/messages HTTP/1.1",
            "Host: localhost",
            f"Authorization: Bearer {visitor.token}",
            f"Content-Length: {10**12}",
        ]
        connection.sendall("\r\n".join([*lines, "", "a"]).encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 413 ")


def test_the_same_id_again_is_the_same_message(visitor, brain):
    first = visitor.say("un", id="the-same-id").json()
    again = visitor.say("tout autre chose", id="the-same-id")
    assert (again.status_code, again.json()) == (200, first)
    assert visitor.say("un", id="the-same-id", wait=None).status_code == 202
    assert brain.texts()[1:] == ["un"]
    assert visitor.texts() == ["Bonjour !", "un", "echo un"]


def test_the_same_id_in_two_conversations_is_two_messages(door):
    for visitor in (door.visitor(), door.visitor()):
        assert visitor.say("un", id="the-same-id").status_code == 200
        assert len(visitor.history()) == 3


def test_the_same_message_ten_times_at_once_is_answered_once(visitor, brain):
    with ThreadPoolExecutor(10) as pool:
        statuses = list(
            pool.map(lambda _: visitor.say("un", id="the-same-id").status_code, range(10))
        )
    assert statuses == [200] * 10
    assert visitor.texts() == ["Bonjour !", "un", "echo un"]


@given(st.text(max_size=300))
def test_cleaning_leaves_only_what_can_be_stored(text):
    clean = incoming.clean_text(text)
    clean.encode("utf-8")
    assert "\x00" not in clean
    assert incoming.clean_text(clean) == clean


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=80),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(["id", "text", "choice", "intent", "x"]), json_values))
def test_any_object_is_a_message_or_is_refused(data):
    try:
        incoming.message_id(data)
        kind, value = incoming.content(data, 2000)
    except ChatError as error:
        assert 400 <= error.status < 500
    else:
        assert kind in incoming.CONTENTS
        assert isinstance(value, str)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.binary(max_size=200) | json_values.map(lambda value: json.dumps(value).encode()))
def test_no_body_breaks_the_front_door(visitor, body):
    response = raw(visitor, body)
    assert 400 <= response.status_code < 500
    assert set(response.json()["error"]) == {"code", "message"}


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.text(min_size=1, max_size=200))
def test_any_text_comes_back_as_it_was_stored(visitor, text):
    message_id = f"fuzz-{time.monotonic_ns()}"
    if visitor.say(text, wait=None, id=message_id).status_code == 202:
        [message] = [item for item in visitor.history() if item["id"] == message_id]
        assert message["text"] == incoming.clean_text(text)
