"""Opening a conversation, its token, its history and its transcript."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import func, select

from mobilis.models import conversations


@pytest.mark.parametrize(("language", "greeting"), [("fr", "Bonjour !"), ("en", "Hello!")])
def test_a_new_conversation_greets_in_the_language_asked_for(door, language, greeting):
    response = door.http.post("/api/conversations", json={"language": language})
    assert response.status_code == 201
    data = response.json()
    assert set(data) == {"conversation", "token", "messages", "settings"}
    assert data["settings"] == {"retention_days": 180, "text_limit": 2000}
    [message] = data["messages"]
    assert message["text"] == greeting
    assert message["language"] == language
    assert message["role"] == "assistant"
    assert message["kind"] == "text"
    assert "choices" not in message
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", message["at"])


def test_a_body_is_not_needed_and_the_browser_says_the_language(door):
    response = door.http.post("/api/conversations", headers={"Accept-Language": "en-CA, fr;q=0.4"})
    assert response.json()["messages"][0]["text"] == "Hello!"


@pytest.mark.parametrize("content", [{"language": "de"}, {"language": 1}, {"page": 3}, [1], "fr"])
def test_a_wrong_opening_is_refused(door, content):
    response = door.http.post("/api/conversations", json=content)
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "bad_request"


def test_a_page_is_kept_without_what_may_identify_a_person(door, database):
    door.visitor(page="https://user:pass@example.org:8443/a/b?email=me@example.org#x")
    with database.read() as connection:
        assert connection.execute(select(conversations.c.page)).scalar_one() == (
            "https://example.org:8443/a/b"
        )


@pytest.mark.parametrize("page", ["not a page", "javascript:alert(1)", "https://[", ""])
def test_an_address_that_is_no_page_is_not_kept(door, database, page):
    door.visitor(page=page)
    with database.read() as connection:
        assert connection.execute(select(conversations.c.page)).scalar_one() is None


def test_only_the_hash_of_a_token_is_stored(visitor, database):
    with database.read() as connection:
        stored = connection.execute(select(conversations)).one()
    assert visitor.token not in map(str, stored)


def test_without_a_brain_nothing_is_opened(door, brain, database):
    brain.stop()
    response = door.http.post("/api/conversations", json={"language": "fr"})
    assert response.status_code == 503
    assert response.json()["error"]["code"] == "unavailable"
    assert "pas disponible" in response.json()["error"]["message"]
    assert int(response.headers["retry-after"]) > 0
    with database.read() as connection:
        assert connection.execute(select(func.count()).select_from(conversations)).scalar() == 0


def test_a_brain_that_is_too_slow_to_greet_is_unavailable(open_door, brain, eventually):
    brain.script = lambda question: (503, {})
    response = open_door(turn_timeout=0.3).http.post("/api/conversations", json={"language": "en"})
    assert response.status_code == 503
    assert response.json()["error"]["message"].startswith("The assistant is not available")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/messages"),
        ("POST", "/messages"),
        ("GET", "/events"),
        ("GET", "/transcript.txt"),
        ("DELETE", ""),
    ],
)
class TestWrongPerson:
    def test_without_a_token(self, door, visitor, method, path):
        response = door.http.request(method, visitor.url + path)
        assert response.status_code == 401
        assert response.headers["www-authenticate"] == "Bearer"

    def test_with_the_token_of_another_conversation(self, door, visitor, method, path):
        other = door.visitor()
        response = door.http.request(method, visitor.url + path, headers=other.headers)
        assert response.status_code == 401
        assert response.json()["error"]["code"] == "unauthorized"

    def test_for_a_conversation_that_does_not_exist(self, door, visitor, method, path):
        url = f"/api/conversations/{'0' * 32}{path}"
        assert door.http.request(method, url, headers=visitor.headers).status_code == 401


@pytest.mark.parametrize("authorization", ["Bearer", "Basic abc", "bearer é", "x"])
def test_an_odd_authorization_is_refused(door, visitor, authorization):
    headers = {"Authorization": authorization.encode("latin-1")}
    assert door.http.get(f"{visitor.url}/messages", headers=headers).status_code == 401


def test_a_token_in_the_address_only_opens_the_stream(door, visitor):
    response = door.http.get(f"{visitor.url}/messages?token={visitor.token}")
    assert response.status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "not_found"),
        ("GET", "/static/nothing.js", 404, "not_found"),
        ("GET", "/api/conversations", 405, "method_not_allowed"),
        ("PUT", "/api/conversations/x/messages", 405, "method_not_allowed"),
        ("POST", "/api/conversations/x/events", 405, "method_not_allowed"),
    ],
)
def test_wrong_addresses_and_methods_are_explained(door, method, path, status, code):
    response = door.http.request(method, path, headers={"Accept-Language": "en"})
    assert response.status_code == status
    assert response.json()["error"]["code"] == code
    assert response.json()["error"]["message"].endswith(".")


def test_history_holds_both_sides_in_order(visitor):
    visitor.hears("un")
    visitor.hears("deux")
    assert visitor.texts() == ["Bonjour !", "un", "echo un", "deux", "echo deux"]
    assert [message["role"] for message in visitor.history()][:2] == ["assistant", "visitor"]


def test_history_continues_after_a_message_of_either_side(visitor):
    visitor.hears("un")
    _, mine, answer = visitor.history()
    assert [message["id"] for message in visitor.history(after=mine["id"])] == [answer["id"]]
    assert visitor.history(after=answer["id"]) == []
    assert len(visitor.history(after="unknown-message")) == 3


def test_the_language_of_the_last_answer_becomes_the_conversations(visitor, brain):
    brain.script = lambda question: (
        200,
        {"messages": [{"text": "Sure", "language": "en", "kind": "notice"}]},
    )
    visitor.hears("English please")
    assert "is empty" in visitor.say(" ").json()["error"]["message"]
    assert [message["language"] for message in visitor.history()] == ["fr", "fr", "en"]


def test_the_transcript_is_what_was_said(visitor):
    visitor.hears("C'est <b>combien</b> ?")
    response = visitor.http.get(f"{visitor.url}/transcript.txt", headers=visitor.headers)
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert "attachment" in response.headers["content-disposition"]
    assert "Vous\u00a0: C'est <b>combien</b> ?" in response.text
    assert "Assistant\u00a0: Bonjour !" in response.text
    assert " UTC] " in response.text
