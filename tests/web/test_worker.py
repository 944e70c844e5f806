"""Turns: in order, once, again when it helps, and never lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from loopback import loopback_client
from processes import free_port
from sqlalchemy import select

from mobilis import turns
from mobilis.models import inbox
from mobilis.store import Database, migrate
from mobilis.web import worker
from mobilis.web.brain import Brain
from mobilis.web.worker import Worker


def failing(times, then, status=503):
    """A brain that fails so many times and then goes on with another script."""
    left = [times]

    def script(question):
        if left[0] > 0:
            left[0] -= 1
            return status, {}
        return then(question)

    return script


def test_the_brain_is_asked_with_everything_it_needs(visitor, brain):
    visitor.say("bonjour", id="message-1")
    assert brain.answered[-1] == {
        "conversation": visitor.id,
        "message": "message-1",
        "text": "bonjour",
        "channel": "web",
    }
    assert json.loads(brain.answered[0]["payload"].removeprefix("/conversation_opened")) == {
        "language": "fr"
    }


def test_messages_of_one_conversation_keep_their_order(visitor, brain, eventually):
    echo = brain.script
    brain.script = lambda question: (time.sleep(0.02), echo(question))[1]
    texts = [f"message {number}" for number in range(8)]
    for text in texts:
        assert visitor.say(text, wait=None).status_code == 202
    eventually(lambda: len(visitor.history()) == 17)
    assert brain.texts()[1:] == texts
    answers = [item["text"] for item in visitor.history() if item["role"] == "assistant"]
    assert answers[1:] == [f"echo {text}" for text in texts]


def test_messages_sent_at_once_are_answered_one_after_the_other(visitor, brain):
    running, most = [0], [0]
    echo = brain.script

    def script(question):
        running[0] += 1
        most[0] = max(most[0], running[0])
        time.sleep(0.05)
        running[0] -= 1
        return echo(question)

    brain.script = script
    with ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(lambda number: visitor.hears(f"m{number}"), range(5)))
    assert [answer[0]["text"] for answer in answers] == [f"echo m{number}" for number in range(5)]
    assert most == [1]
    said = [item["text"] for item in visitor.history() if item["role"] == "visitor"]
    assert brain.texts()[1:] == said


def test_conversations_do_not_wait_for_each_other(open_door, brain):
    door = open_door(workers=4)
    visitors = [door.visitor() for _ in range(4)]
    together = threading.Barrier(4, timeout=5)
    echo = brain.script
    brain.script = lambda question: (together.wait(), echo(question))[1]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda visitor: visitor.hears("un"), visitors))
    assert [answer[0]["text"] for answer in answers] == ["echo un"] * 4


def test_no_more_turns_at_once_than_workers(open_door, brain):
    door = open_door(workers=1)
    slow, quick = door.visitor(), door.visitor()
    release = threading.Event()
    echo = brain.script
    brain.script = lambda question: (release.wait(5), echo(question))[1]
    slow.say("un", wait=None)
    assert quick.say("deux", wait=0.2).status_code == 202
    release.set()
    assert quick.hears("trois")[0]["text"] == "echo trois"


@pytest.fixture
def looks(monkeypatch):
    """A worker that looks for messages only when it is told to; how often it did, in a list."""
    found = []
    due = Worker._due

    def counted(self, limit, busy):
        found.append(limit)
        return due(self, limit, busy)

    monkeypatch.setattr(Worker, "_due", counted)
    monkeypatch.setattr(worker, "POLL_SECONDS", 60)
    return found


def test_a_message_is_taken_at_once_and_not_looked_for(looks, open_door):
    visitor = open_door().visitor()
    before = len(looks)
    for number in range(5):
        assert visitor.hears(f"m{number}")[0]["text"] == f"echo m{number}"
    assert len(looks) == before


def test_what_comes_while_others_wait_does_not_overtake_them(open_door, brain, eventually):
    door = open_door(workers=1)
    first, second, third = (door.visitor() for _ in range(3))
    echo = brain.script
    brain.script = lambda question: (time.sleep(0.05), echo(question))[1]
    for visitor, text in ((first, "one"), (second, "two"), (third, "three"), (first, "four")):
        assert visitor.say(text, wait=None).status_code == 202
    eventually(lambda: len(first.history()) == 5)
    said = [text for text in brain.texts() if not text.startswith("/")]
    assert said == ["one", "two", "three", "four"]


def test_the_next_turn_is_looked_for_among_what_waits_and_not_in_all_that_was_said(tmp_path):
    url = f"sqlite:///{tmp_path}/next.db"
    migrate(url)
    database = Database(url)
    with database.read() as connection:
        query = str(turns._OPEN.compile(connection))
        here = dict.fromkeys(turns._OPEN.compile(connection).params, "x")
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", tuple(here.values()))
        told = " ".join(row.detail for row in plan)
    database.dispose()
    assert "ix_inbox_state_due_at (state=?)" in told


def test_what_waits_behind_a_turn_follows_at_once(looks, open_door, brain, eventually):
    """Behind one of the same conversation, and behind others when no worker was free."""
    door = open_door(workers=1)
    visitors = [door.visitor() for _ in range(3)]
    echo = brain.script
    brain.script = lambda question: (time.sleep(0.02), echo(question))[1]
    for number in range(3):
        for visitor in visitors:
            assert visitor.say(f"m{number}", wait=None).status_code == 202
    for visitor in visitors:
        eventually(lambda visitor=visitor: len(visitor.history()) == 7)


@pytest.mark.parametrize("status", [500, 502, 503, 429])
def test_a_brain_in_trouble_is_asked_again(visitor, brain, status):
    brain.script = failing(2, brain.script, status)
    assert visitor.hears("bonjour")[0]["text"] == "echo bonjour"
    assert len(brain.asked) == 4


def test_a_brain_that_is_gone_for_a_moment_is_asked_again(open_door, brain, eventually):
    visitor = open_door(turn_attempts=50).visitor()
    brain.stop()
    visitor.say("bonjour", wait=None)
    time.sleep(0.2)
    brain.start()
    eventually(lambda: visitor.texts()[-1] == "echo bonjour")


def test_a_brain_that_is_too_slow_is_asked_again_and_answers_once(open_door, brain):
    visitor = open_door(turn_timeout=0.3, turn_attempts=10).visitor()
    echo = brain.script
    brain.script = lambda question: (time.sleep(0.7), echo(question))[1]
    assert visitor.hears("bonjour")[0]["text"] == "echo bonjour"
    assert len(brain.asked) > 2
    assert brain.texts()[1:] == ["bonjour"]
    assert len(visitor.history()) == 3


@pytest.mark.parametrize(("language", "words"), [("fr", "Désolé"), ("en", "Sorry")])
def test_after_the_last_try_the_visitor_is_told(door, brain, database, language, words):
    visitor = door.visitor(language=language)
    brain.script = lambda question: (503, {})
    [notice] = visitor.hears("bonjour")
    assert notice["kind"] == "notice"
    assert notice["language"] == language
    assert notice["text"].startswith(words)
    assert len(brain.asked) == 1 + 3
    with database.read() as connection:
        row = connection.execute(select(inbox).where(inbox.c.kind == "text")).one()
    assert (row.state, row.attempts, row.error) == ("failed", 3, "the brain answered 503")


def test_after_a_failure_the_next_message_is_answered(visitor, brain):
    echo = brain.script
    brain.script = failing(3, echo)
    assert visitor.hears("un")[0]["kind"] == "notice"
    assert visitor.hears("deux")[0]["text"] == "echo deux"


@pytest.mark.parametrize("status", [400, 401, 404, 422, 302])
def test_a_refusal_is_final(visitor, brain, status):
    brain.script = lambda question: (status, {})
    assert visitor.hears("bonjour")[0]["kind"] == "notice"
    assert len(brain.asked) == 2


@pytest.mark.parametrize(
    "content",
    [
        [],
        {},
        {"messages": {}},
        {"messages": ["text"]},
        {"messages": [{"language": "fr"}]},
        {"messages": [{"text": "a", "kind": "unknown"}]},
        {"messages": [{"text": "a", "choices": [{"title": "b"}]}]},
    ],
)
def test_an_answer_that_makes_no_sense_is_final(visitor, brain, content):
    brain.script = lambda question: (200, content)
    assert visitor.hears("bonjour")[0]["kind"] == "notice"


def test_a_bug_stops_neither_the_visitor_nor_the_worker(visitor, brain, monkeypatch):
    answer = Brain.answer

    async def broken(self, turn):
        if turn.text == "bug":
            raise RuntimeError("secret")
        return await answer(self, turn)

    monkeypatch.setattr(Brain, "answer", broken)
    assert visitor.hears("bug")[0]["kind"] == "notice"
    assert visitor.hears("un")[0]["text"] == "echo un"


def test_stopped_in_the_middle_of_a_turn_it_is_answered_once_after_a_restart(
    door, visitor, brain, eventually
):
    release = threading.Event()
    echo = brain.script
    brain.script = lambda question: (release.wait(5), echo(question))[1]
    visitor.say("un", wait=None)
    visitor.say("deux", wait=None)
    eventually(lambda: len(brain.asked) == 2)
    door.stop()
    release.set()
    door.start()
    eventually(lambda: len(visitor.history()) == 5)
    assert visitor.texts() == ["Bonjour !", "un", "deux", "echo un", "echo deux"]
    assert brain.texts()[1:] == ["un", "deux"]


class Process:
    """The front door as a process of its own, to be killed."""

    def __init__(self, settings, port):
        self.url = f"http://127.0.0.1:{port}"
        self.environment = {
            **{name: value for name, value in os.environ.items() if name[:8] != "MOBILIS_"},
            "PYTHONDONTWRITEBYTECODE": "",  # two starts, of which one may be quick
            "DATABASE_URL": settings.database_url,
            "MOBILIS_PORT": str(port),
            "MOBILIS_BRAIN_PORT": str(settings.brain_port),
            "MOBILIS_SECRET": settings.secret,
        }
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mobilis.web"],
            env=self.environment,
            cwd=os.path.dirname(os.path.dirname(os.path.dirname(__file__))),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(400):
            try:
                return httpx.get(f"{self.url}/healthz", trust_env=False)
            except httpx.TransportError:
                assert self.process.poll() is None
                time.sleep(0.05)
        raise AssertionError("the front door did not start")

    def kill(self, number=signal.SIGKILL):
        self.process.send_signal(number)
        return self.process.wait(15)


def test_killed_in_the_middle_of_a_turn_it_is_answered_once_after_a_restart(
    the_door, settings, brain, eventually
):
    the_door.stop()  # it would answer from the same database
    process = Process(settings, free_port())
    try:
        with loopback_client(base_url=process.url, timeout=20) as http:
            opened = http.post("/api/conversations", json={"language": "fr"}).json()
            url = f"/api/conversations/{opened['conversation']}/messages"
            headers = {"Authorization": f"Bearer {opened['token']}"}
            release = threading.Event()
            echo = brain.script
            brain.script = lambda question: (release.wait(20), echo(question))[1]
            message = {"id": "sent-once", "text": "un"}
            assert http.post(url, json=message, headers=headers).status_code == 202
            eventually(lambda: len(brain.asked) == 2)
            process.kill()
            release.set()
            process.start()
            answer = http.post(f"{url}?wait=10", json=message, headers=headers).json()
            assert [item["text"] for item in answer["messages"]] == ["echo un"]
            history = http.get(url, headers=headers).json()["messages"]
            assert [item["text"] for item in history] == ["Bonjour !", "un", "echo un"]
            assert brain.texts()[1:] == ["un"]
    finally:
        assert process.kill(signal.SIGTERM) in (0, -signal.SIGTERM)
