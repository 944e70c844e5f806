"""Erasing: everything goes, a note of it stays; and nothing personal in logs."""

from __future__ import annotations

import logging
import threading
import time
from datetime import timedelta

import pytest
from sqlalchemy import func, insert, select, update

from mobilis import models, privacy
from mobilis.seeing.logs import describe, to_json
from mobilis.store import now

CHOICES = [{"title": "Oui", "payload": "/affirm"}]
LEFT = {"conversation_id": "", "source_message_id": "m", "language": "fr", "created_at": now()}


def rows(database, table, conversation=None):
    query = select(func.count()).select_from(table)
    if conversation:
        column = table.c.id if table is models.conversations else table.c.conversation_id
        query = query.where(column == conversation)
    with database.read() as connection:
        return connection.execute(query).scalar_one()


EVERYTHING = (
    *(models.conversations, models.inbox, models.outbox, models.choices),
    *(models.tracker_events, models.assessments, models.leads, models.unhandled),
)


def leave_traces(database, conversation_id, at=None):
    """What turns write besides their answer: a row in each table."""
    at = at or now()
    common = {**LEFT, "conversation_id": conversation_id, "created_at": at}
    event = {"position": 1, "at": at, "name": "user", "data": "{}"}
    assessment = {"version": "1", "answers": {}, "band": "nearly", "gaps": []}
    with database.write() as connection:
        for table, values in (
            (models.tracker_events, {"conversation_id": conversation_id, **event}),
            (models.assessments, {**common, "id": conversation_id[:36], **assessment}),
            (
                models.leads,
                {**common, "id": conversation_id[:36], "kind": "person"}
                | {"reference": conversation_id[:16], "email": "a@example.org"},
            ),
            (
                models.unhandled,
                {**common, "id": conversation_id[:36], "text": "…"}
                | {"outcome": "lost", "guesses": [], "key": "k"},
            ),
        ):
            connection.execute(insert(table).values(**values))


@pytest.fixture
def full(visitor, brain, database):
    """A conversation with rows in every table."""
    script = brain.script
    brain.script = lambda question: (
        200,
        {"messages": [{"text": "Oui ?", "language": "fr", "choices": CHOICES}]},
    )
    visitor.hears("mon courriel est a@example.org")
    brain.script = script
    leave_traces(database, visitor.id)
    assert all(rows(database, table, visitor.id) for table in EVERYTHING)
    return visitor


def test_a_visitor_erases_the_conversation(full, door, database):
    other = door.visitor()
    leave_traces(database, other.id)
    response = full.http.delete(full.url, headers=full.headers)
    assert (response.status_code, response.content) == (204, b"")
    assert not any(rows(database, table, full.id) for table in EVERYTHING)
    assert rows(database, models.erasures) == 1
    assert full.say("encore ?").status_code == 401
    assert len(other.history()) == 1
    assert rows(database, models.leads, other.id) == 1


def test_erasing_nothing_notes_nothing(database):
    with database.write() as connection:
        assert not any(privacy.erase_conversation(connection, "unknown", "web").values())
    assert rows(database, models.erasures) == 0


def test_an_erasure_asked_in_the_conversation_keeps_it_open(full, brain, database):
    def script(question):
        with database.write() as connection:
            privacy.erase_content(connection, full.id, question["message"])
        return 200, {"messages": [{"text": "C'est effacé.", "language": "fr", "kind": "notice"}]}

    brain.script = script
    assert full.hears("effacez a@example.org")[0]["text"] == "C'est effacé."
    assert full.texts() == ["C'est effacé."]
    for table in EVERYTHING[3:]:
        assert rows(database, table, full.id) == 0
    with database.read() as connection:
        assert [row.text for row in connection.execute(select(models.inbox.c.text))] == [""]
        assert connection.execute(select(models.erasures.c.channel)).scalar_one() == "web"
    brain.script = lambda question: (200, {"messages": [{"text": "Oui"}]})
    assert full.hears("Toujours là ?")[0]["text"] == "Oui"


def test_what_a_running_turn_leaves_behind_is_erased_too(visitor, brain, database, eventually):
    release = threading.Event()

    def script(question):
        release.wait(5)
        leave_traces(database, visitor.id)
        return 200, {"messages": [{"text": "trop tard", "language": "fr"}]}

    brain.script = script
    visitor.say("un secret", wait=None)
    eventually(lambda: len(brain.asked) == 2)
    assert visitor.http.delete(visitor.url, headers=visitor.headers).status_code == 204
    release.set()
    eventually(lambda: len(brain.answered) == 2)
    eventually(lambda: not any(rows(database, table) for table in EVERYTHING))


def test_what_comes_after_a_time_out_is_erased_too(open_door, brain, database, eventually):
    visitor = open_door(turn_timeout=0.3).visitor()
    visitor.http.delete(visitor.url, headers=visitor.headers)
    leave_traces(database, visitor.id)
    eventually(lambda: not any(rows(database, table) for table in EVERYTHING))


def test_whoever_waits_for_an_answer_learns_of_the_erasure(visitor, brain):
    release = threading.Event()
    brain.script = lambda question: (release.wait(5), (200, {"messages": []}))[1]
    waiting = []
    thread = threading.Thread(target=lambda: waiting.append(visitor.say("un")))
    thread.start()
    while len(brain.asked) < 2:
        time.sleep(0.01)
    visitor.http.delete(visitor.url, headers=visitor.headers)
    thread.join(5)
    release.set()
    assert waiting[0].status_code == 401


def grow_old(database, conversation_id, days):
    with database.write() as connection:
        connection.execute(
            update(models.conversations)
            .where(models.conversations.c.id == conversation_id)
            .values(last_at=now() - timedelta(days=days))
        )


def test_the_front_door_purges_by_itself(open_door, database, eventually):
    door = open_door()
    visitor = door.visitor()
    grow_old(database, visitor.id, days=181)
    door.stop()
    door.start()
    eventually(lambda: rows(database, models.conversations) == 0)


def test_logs_hold_no_text_no_token_and_no_address(open_door, brain, caplog):
    caplog.set_level(logging.DEBUG)
    door = open_door()
    visitor, base = door.visitor(), f"127.0.0.1:{door.port}"
    brain.script = lambda question: (400, {"echo": question.get("text")})
    visitor.hears("un grand secret")
    with visitor.events(f"?token={visitor.token}"):
        pass
    lines = [describe(record, "door") for record in caplog.records]
    said = "\n".join(to_json(line) for line in lines)
    assert "/events" in said
    assert "secret" not in said
    assert visitor.token not in said
    assert "127.0.0.1:" not in said.replace(f"127.0.0.1:{brain.port}", "").replace(base, "")
