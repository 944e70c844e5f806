"""What a visitor says of an answer: kept, changed, taken back, refused where it makes no sense."""

from __future__ import annotations

import json

import httpx
import pytest
from doors import Visitor, say
from sqlalchemy import select

from mobilis.models import ratings

FAQ = {"id": "cost", "sources": []}


@pytest.fixture
def answer(visitor, brain) -> str:
    """The id of an answer of the FAQ."""
    brain.script = lambda question: (200, {"messages": [say("Gratuit.", kind="faq", faq=FAQ)]})
    return visitor.hears("combien?")[0]["id"]


def rate(visitor: Visitor, message: str, body: object, **headers: str) -> httpx.Response:
    return visitor.http.put(
        f"{visitor.url}/messages/{message}/rating",
        content=json.dumps(body),
        headers={**visitor.headers, **headers},
    )


def kept(database) -> list[tuple[str, bool]]:
    with database.read() as connection:
        rows = connection.execute(select(ratings))
        return [(row.message_id, row.helpful) for row in rows]


def test_a_rating_is_kept_changed_and_taken_back(visitor, answer, database):
    assert rate(visitor, answer, {"helpful": True}).status_code == 204
    assert kept(database) == [(answer, True)]
    assert rate(visitor, answer, {"helpful": True}).status_code == 204  # sent again
    assert rate(visitor, answer, {"helpful": False}).content == b""
    assert kept(database) == [(answer, False)]
    assert rate(visitor, answer, {"helpful": None}).status_code == 204
    assert rate(visitor, answer, {"helpful": None}).status_code == 204
    assert kept(database) == []


def test_the_history_tells_what_was_said_of_an_answer(visitor, answer):
    assert all("helpful" not in message for message in visitor.history())
    rate(visitor, answer, {"helpful": False})
    told = {message["id"]: message.get("helpful") for message in visitor.history()}
    assert told.pop(answer) is False
    assert set(told.values()) == {None}


def test_another_token_rates_nothing(visitor, answer, door, database):
    other = door.visitor(language="en")
    refused = rate(visitor, answer, {"helpful": True}, Authorization=f"Bearer {other.token}")
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "unauthorized")
    elsewhere = rate(other, answer, {"helpful": True})
    assert (elsewhere.status_code, elsewhere.json()["error"]["code"]) == (404, "message_unknown")
    assert "évaluer" in elsewhere.json()["error"]["message"]
    assert kept(database) == []


@pytest.mark.parametrize("message", ["unknown-message", "%00", "x" * 500])
def test_an_unknown_message_cannot_be_rated(visitor, answer, message, database):
    assert rate(visitor, message, {"helpful": True}).status_code == 404
    assert kept(database) == []


def test_only_answers_of_the_faq_can_be_rated(visitor, database):
    visitor.hears("bonjour")
    for message in visitor.history():
        assert rate(visitor, message["id"], {"helpful": True}).status_code == 404
    assert kept(database) == []


@pytest.mark.parametrize("body", [{}, [], {"helpful": 1}, {"helpful": "yes"}, {"useful": True}])
def test_a_body_that_says_nothing_is_refused(visitor, answer, body, database):
    refused = rate(visitor, answer, body)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "bad_request")
    assert kept(database) == []


def test_a_rating_goes_with_its_conversation_and_comes_after_it_no_more(visitor, answer, database):
    rate(visitor, answer, {"helpful": True})
    visitor.http.delete(visitor.url, headers=visitor.headers)
    assert kept(database) == []
    assert rate(visitor, answer, {"helpful": True}).status_code == 401


def test_other_methods_are_refused(visitor, answer):
    path = f"{visitor.url}/messages/{answer}/rating"
    for method in ("GET", "POST", "DELETE"):
        assert visitor.http.request(method, path, headers=visitor.headers).status_code == 405


def test_ratings_count_against_the_limit_of_the_conversation(open_door):
    visitor = open_door(messages_per_minute=2).visitor(language="fr")
    for _ in range(2):
        assert rate(visitor, "unknown-message", {"helpful": True}).status_code == 404
    refused = rate(visitor, "unknown-message", {"helpful": True})
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0


def test_another_website_may_send_a_rating(open_door):
    door = open_door(cors_origins=("https://site.example",))
    asked = door.http.options(
        "/api/conversations/x/messages/y/rating",
        headers={
            "Origin": "https://site.example",
            "Access-Control-Request-Method": "PUT",
            "Access-Control-Request-Headers": "authorization,content-type",
        },
    )
    assert asked.status_code == 200
    assert "PUT" in asked.headers["access-control-allow-methods"]
