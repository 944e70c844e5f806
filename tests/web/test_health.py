"""Whether the chain is ready, and which part is not."""

from __future__ import annotations

import pytest
from sqlalchemy import text


def test_all_is_well(door):
    response = door.http.get("/healthz")
    assert response.status_code == 200
    assert response.json() == {
        "status": "ok",
        "parts": {"database": "ok", "brain": "ok", "actions": "ok"},
    }


def test_a_dead_brain_is_named(door, brain):
    brain.stop()
    response = door.http.get("/healthz")
    assert response.status_code == 503
    assert response.json()["status"] == "error"
    assert response.json()["part"] == "brain"


@pytest.mark.parametrize(
    ("answer", "part"),
    [
        ((503, {"status": "error", "part": "actions"}), "actions"),
        ((503, {"status": "error", "part": "model"}), "brain"),
        ((503, {"status": "error", "part": "database"}), "brain"),
        ((503, "not an object"), "brain"),
        ((404, {}), "brain"),
    ],
)
def test_the_failing_part_is_named(door, brain, answer, part):
    brain.health = answer
    response = door.http.get("/healthz")
    assert response.status_code == 503
    assert response.json()["part"] == part
    assert response.json()["parts"][part] == "error"


def test_why_there_is_no_model_is_told(door, brain):
    why = "the model does not work with this code (KeyError): train again with: mobilis train"
    brain.health = (503, {"status": "error", "part": "model", "why": why})
    assert door.http.get("/healthz").json()["why"] == why


def test_a_wrong_content_file_is_a_warning_that_names_no_file(door, brain):
    brain.health = (200, {"status": "ok", "content": "faq/cost.yml: en.answer is missing"})
    response = door.http.get("/healthz")
    assert (response.status_code, response.json()["warning"]) == (200, "content")
    assert "faq" not in response.text


@pytest.fixture
def without_tables(visitor, database):
    """The tables disappear under a running front door."""
    with database.write() as connection:
        connection.execute(text("ALTER TABLE conversations RENAME TO conversations_away"))
    yield
    with database.write() as connection:
        connection.execute(text("ALTER TABLE conversations_away RENAME TO conversations"))


def test_a_broken_database_is_named(door, without_tables):
    response = door.http.get("/healthz")
    assert response.status_code == 503
    assert response.json()["part"] == "database"


def test_a_broken_database_is_an_error_for_the_visitor(visitor, without_tables):
    response = visitor.say("bonjour")
    assert response.status_code == 503
    assert response.json()["error"]["code"] == "unavailable"
    assert "retry-after" in response.headers


def test_after_a_database_failure_the_conversation_goes_on(visitor, database, eventually):
    with database.write() as connection:
        connection.execute(text("ALTER TABLE outbox RENAME TO outbox_away"))
    visitor.say("bonjour", wait=None)
    with database.write() as connection:
        connection.execute(text("ALTER TABLE outbox_away RENAME TO outbox"))
    eventually(lambda: visitor.texts() == ["Bonjour !", "bonjour", "echo bonjour"])
