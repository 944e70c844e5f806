"""Who may send what Slack sends: whoever knows the signing secret, in the last five minutes."""

from __future__ import annotations

import json
import time

import pytest
from fakes.slack import SIGNING_SECRET, sign
from sqlalchemy import select

from mobilis.models import conversations

URL = "/slack/events"


def send(door, body: bytes, at: str | None, signature: str | bytes | None, kind="application/json"):
    headers: dict[str, str | bytes] = {"Content-Type": kind}
    if at is not None:
        headers["X-Slack-Request-Timestamp"] = at
    if signature is not None:
        headers["X-Slack-Signature"] = signature
    return door.http.post(URL, content=body, headers=headers)


def now(shift: float = 0) -> str:
    return str(int(time.time() + shift))


@pytest.fixture
def body(someone) -> str:
    return json.dumps(someone.event(someone.said("bonjour")))


def kept(database) -> int:
    with database.read() as connection:
        return len(connection.execute(select(conversations)).all())


def test_what_slack_signs_is_taken_in(slack_door, database, body):
    at = now()
    signed = sign(SIGNING_SECRET, at, body)
    assert send(slack_door, body.encode(), at, signed).status_code == 200
    assert kept(database) == 1


def test_url_verification_is_answered_with_its_challenge(someone):
    answer = someone.send({"type": "url_verification", "token": "x", "challenge": "abc"})
    assert (answer.status_code, answer.json()) == (200, {"challenge": "abc"})


@pytest.mark.parametrize(
    "signature",
    [
        None,
        "",
        "v0=",
        "v0=" + "0" * 64,
        "v1=" + "0" * 64,
        "é".encode("latin-1"),
        "🙂".encode(),
    ],
    ids=str,
)
def test_a_signature_that_is_missing_or_made_up_is_refused(slack_door, database, body, signature):
    assert send(slack_door, body.encode(), now(), signature).status_code == 401
    assert kept(database) == 0


def test_a_signature_with_another_secret_is_refused(slack_door, database, body):
    at = now()
    assert send(slack_door, body.encode(), at, sign("another", at, body)).status_code == 401
    assert kept(database) == 0


def test_a_signature_of_another_body_is_refused(slack_door, database, body):
    at = now()
    signed = sign(SIGNING_SECRET, at, body)
    changed = body.replace("bonjour", "bonsoir").encode()
    assert send(slack_door, changed, at, signed).status_code == 401
    assert send(slack_door, body.encode() + b" ", at, signed).status_code == 401
    assert kept(database) == 0


@pytest.mark.parametrize("version", ["V0=", "v0:", "sha256=", ""])
def test_a_signature_of_another_version_is_refused(slack_door, body, version):
    at = now()
    signed = sign(SIGNING_SECRET, at, body).replace("v0=", version)
    assert send(slack_door, body.encode(), at, signed).status_code == 401


@pytest.mark.parametrize("shift", [-301, -86_400, 302, 86_400])
def test_a_request_outside_of_five_minutes_is_refused_although_it_is_signed(
    slack_door, database, body, shift
):
    at = now(shift)
    assert send(slack_door, body.encode(), at, sign(SIGNING_SECRET, at, body)).status_code == 401
    assert kept(database) == 0


@pytest.mark.parametrize("shift", [-290, 290])
def test_a_request_within_five_minutes_is_taken_in(slack_door, body, shift):
    at = now(shift)
    assert send(slack_door, body.encode(), at, sign(SIGNING_SECRET, at, body)).status_code == 200


@pytest.mark.parametrize("at", [None, "", "now", "1e9", "nan", "-1", "9" * 30, "0x10"])
def test_a_time_that_is_none_is_refused_although_it_is_signed(slack_door, body, at):
    signed = sign(SIGNING_SECRET, at or "", body)
    assert send(slack_door, body.encode(), at, signed).status_code == 401


def test_the_time_of_another_request_is_refused(slack_door, body):
    at, other = now(-10), now()
    assert send(slack_door, body.encode(), other, sign(SIGNING_SECRET, at, body)).status_code == 401


def test_a_body_that_is_no_text_is_refused(slack_door):
    at = now()
    assert send(slack_door, b"\xff\xfe", at, "v0=" + "0" * 64).status_code == 401


@pytest.mark.parametrize("body", ["{", "[1]", '{"type": 3', "payload=%7B", "null"])
def test_a_signed_body_that_is_not_what_slack_sends_breaks_nothing(slack_door, body):
    at = now()
    answer = send(slack_door, body.encode(), at, sign(SIGNING_SECRET, at, body))
    assert answer.status_code in (200, 400, 404)


def test_a_body_that_is_too_large_is_refused_unread(slack_door):
    answer = send(slack_door, b"x" * 1_000_001, now(), "v0=" + "0" * 64)
    assert answer.status_code == 413


def test_nothing_is_read_by_another_method(slack_door):
    assert slack_door.http.get(URL).status_code == 405


def test_a_request_that_pretends_to_check_ssl_takes_nothing_in(slack_door, database):
    answer = send(slack_door, b"ssl_check=1", now(), None, "application/x-www-form-urlencoded")
    assert answer.status_code == 401
    assert kept(database) == 0


def test_the_signature_is_compared_in_constant_time(slack_door, body, monkeypatch):
    compared = []
    real = __import__("hmac").compare_digest

    def compare(one, other):
        compared.append(other)
        return real(one, other)

    monkeypatch.setattr("slack_sdk.signature.hmac.compare_digest", compare)
    assert send(slack_door, body.encode(), now(), "v0=guess").status_code == 401
    assert compared == ["v0=guess"]
