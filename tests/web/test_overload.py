"""More than can be answered: politely refused, told to the visitor, over when the load is."""

from __future__ import annotations

import resource
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from doors import new_id
from sqlalchemy import func, select

from mobilis.models import conversations, inbox
from mobilis.turns import BUSY_SECONDS
from mobilis.web.server import allow_connections

SENTENCES = {"fr": "Beaucoup de personnes écrivent", "en": "Many people are writing"}


@pytest.fixture
def held(brain):
    """A brain that answers nothing until it is let go."""
    free = threading.Event()
    echo = brain.script
    brain.script = lambda question: (free.wait(20), echo(question))[1]
    yield free
    free.set()


def waiting(database, state="pending"):
    with database.read() as connection:
        query = select(func.count()).select_from(inbox).where(inbox.c.state == state)
        return connection.execute(query).scalar_one()


def refused(response, language):
    assert response.status_code == 503
    seconds = int(response.headers["retry-after"])
    assert BUSY_SECONDS[0] <= seconds <= BUSY_SECONDS[1]
    error = response.json()["error"]
    assert error["code"] == "busy"
    assert error["message"].startswith(SENTENCES[language])
    assert f" {seconds} s" in error["message"]
    return seconds


@pytest.mark.parametrize("language", ["fr", "en"])
def test_above_the_queue_messages_are_refused_and_taken_later_under_the_same_id(
    open_door, brain, database, language
):
    door = open_door(queue=3, workers=2, turn_timeout=20)
    visitors = [door.visitor(language=language) for _ in range(5)]
    free = threading.Event()
    echo = brain.script
    brain.script = lambda question: (free.wait(20), echo(question))[1]
    for visitor in visitors[:3]:
        assert visitor.say("un", wait=None).status_code == 202
    late, message = visitors[3], new_id()
    refused(late.say("deux", wait=None, id=message), language)
    assert waiting(database) == 3
    assert late.texts() == [late.greeting[0]["text"]]
    free.set()
    end = time.monotonic() + 20
    while (answer := late.say("deux", id=message)).status_code == 503:
        assert time.monotonic() < end
    assert answer.json()["messages"][0]["text"] == "echo deux"
    assert brain.texts().count("deux") == 1


def test_a_message_that_was_taken_in_is_not_refused_when_it_is_sent_again(open_door, held):
    held.set()
    door = open_door(queue=1, turn_timeout=20)
    visitor = door.visitor()
    held.clear()
    message = new_id()
    assert visitor.say("un", wait=None, id=message).status_code == 202
    assert visitor.say("un", wait=None, id=message).status_code == 202
    refused(visitor.say("deux", wait=None), "fr")


@pytest.mark.parametrize("language", ["fr", "en"])
def test_nobody_new_is_greeted_meanwhile_and_nothing_is_left_of_them(
    open_door, held, database, language
):
    held.set()
    door = open_door(queue=1, turn_timeout=20)
    visitor = door.visitor()
    held.clear()
    assert visitor.say("un", wait=None).status_code == 202
    refused(door.http.post("/api/conversations", json={"language": language}), language)
    with database.read() as connection:
        kept = connection.execute(select(func.count()).select_from(conversations)).scalar_one()
    assert kept == 1


def test_whom_a_person_answers_is_never_refused(open_door, held, database):
    held.set()
    door = open_door(queue=1, turn_timeout=20)
    one, other = door.visitor(), door.visitor()
    with database.write() as connection:
        own = conversations.c.id == other.id
        connection.execute(conversations.update().where(own).values(held_since=func.now()))
    held.clear()
    assert one.say("un", wait=None).status_code == 202
    assert other.say("deux", wait=None).status_code == 202
    refused(one.say("trois", wait=None), "fr")


def test_no_limit_takes_everything(open_door, held, database):
    held.set()
    door = open_door(queue=0, turn_timeout=20)
    visitor = door.visitor()
    held.clear()
    for number in range(10):
        assert visitor.say(f"m{number}", wait=None).status_code == 202
    assert waiting(database) == 10


def test_as_many_connections_as_the_system_allows():
    before, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(before, 512), most))
    try:
        allow_connections()
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (most, most)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (before, most))


def test_it_recovers_by_itself_and_everybody_is_answered_once(open_door, brain, database):
    """Forty people against a brain for four: whoever is refused comes back, as the widget does."""
    door = open_door(queue=4, workers=2, turn_timeout=20)
    echo = brain.script
    visitors = [door.visitor() for _ in range(40)]
    brain.script = lambda question: (time.sleep(0.02), echo(question))[1]
    refusals = []

    def insist(visitor):
        message, end = new_id(), time.monotonic() + 60
        while (answer := visitor.say("allo", id=message, wait=20)).status_code != 200:
            assert time.monotonic() < end
            if answer.status_code == 503:
                refusals.append(answer)
                time.sleep(0.05)
        return answer.json()["messages"][0]["text"]

    with ThreadPoolExecutor(40) as crowd:
        assert list(crowd.map(insist, visitors)) == ["echo allo"] * 40
    assert refusals
    assert brain.texts().count("allo") == 40
    assert waiting(database) == 0
    assert visitors[0].hears("ça va?")[0]["text"] == "echo ça va?"  # at once, and not refused


def test_above_the_most_streams_a_browser_is_told_to_ask_instead(open_door):
    door = open_door(streams=1)
    one, other = door.visitor(), door.visitor()
    with one.events() as listening:
        next(listening)
        refused(other.http.get(f"{other.url}/events", headers=other.headers), "fr")
        assert other.hears("un")[0]["text"] == "echo un"
        assert len(other.history()) == 3


def test_a_stream_that_ended_makes_room(open_door, eventually):
    door = open_door(streams=1)
    visitor = door.visitor()

    def listens():
        url = f"{visitor.url}/events"
        with visitor.http.stream("GET", url, headers=visitor.headers) as response:
            return response.status_code == 200

    for _ in range(3):  # that the one before has ended is noticed at its next sign of life
        eventually(listens)
