"""The stream of events: nothing missed, nothing twice, in order."""

from __future__ import annotations

import threading
import time

import pytest

from mobilis.web import hub


def messages(events, count):
    """The next so many messages of a stream."""
    found = []
    while len(found) < count:
        event, event_id, data = next(events)
        if event == "message":
            assert event_id == data["id"]
            found.append(data)
    return found


def test_a_turn_as_a_stream(visitor, brain):
    echo = brain.script
    brain.script = lambda question: (time.sleep(0.2), echo(question))[1]  # seen while it works
    with visitor.events() as events:
        visitor.say("bonjour", wait=None)
        told = ((event, data) for event, _, data in events if event != "comment")
        seen = [next(told) for _ in range(4)]
    assert [event for event, _ in seen] == ["message", "typing", "message", "typing"]
    assert [seen[0][1]["text"], seen[2][1]["text"]] == ["bonjour", "echo bonjour"]
    assert [seen[1][1], seen[3][1]] == [{"on": True}, {"on": False}]


def test_without_a_starting_point_the_stream_begins_now(visitor):
    visitor.hears("avant")
    with visitor.events() as events:
        visitor.say("après", wait=None)
        assert messages(events, 1)[0]["text"] == "après"


def test_a_stream_resumes_after_the_last_event(visitor):
    last = visitor.greeting[-1]["id"]
    visitor.hears("un")
    with visitor.events(**{"Last-Event-ID": last}) as events:
        assert [item["text"] for item in messages(events, 2)] == ["un", "echo un"]


def test_a_starting_point_can_stand_in_the_address(visitor):
    visitor.hears("un")
    with visitor.events(f"?after={visitor.history()[1]['id']}") as events:
        assert messages(events, 1)[0]["text"] == "echo un"


def test_after_an_unknown_event_everything_is_sent(visitor):
    with visitor.events(**{"Last-Event-ID": "forgotten"}) as events:
        assert messages(events, 1) == visitor.greeting


def test_the_history_and_the_stream_are_the_same(visitor):
    for text in ("un", "deux", "trois"):
        visitor.hears(text)
    with visitor.events(**{"Last-Event-ID": "beginning"}) as events:
        assert messages(events, 7) == visitor.history()


def test_two_listeners_hear_the_same(visitor):
    with visitor.events() as first, visitor.events() as second:
        visitor.say("un", wait=None)
        assert messages(first, 2) == messages(second, 2)


def test_a_stream_hears_only_its_own_conversation(door, visitor):
    other = door.visitor()
    with visitor.events() as events:
        other.hears("secret")
        visitor.say("un", wait=None)
        assert [item["text"] for item in messages(events, 2)] == ["un", "echo un"]


def test_the_token_can_stand_in_the_address_of_the_stream(visitor):
    visitor.headers = {}
    with visitor.events(f"?token={visitor.token}&after=x") as events:
        assert messages(events, 1) == visitor.greeting


def test_a_quiet_stream_is_kept_alive(visitor):
    with visitor.events() as events:
        assert next(events)[0] == "comment"


def test_who_joins_while_an_answer_is_made_sees_typing(visitor, brain):
    release = threading.Event()
    brain.script = lambda question: (release.wait(5), (200, {"messages": []}))[1]
    visitor.say("un", wait=None)
    while len(brain.asked) < 2:
        time.sleep(0.01)
    with visitor.events() as events:
        told = (event for event in events if event[0] != "comment")
        assert next(told) == ("typing", None, {"on": True})
        release.set()
        assert next(told) == ("typing", None, {"on": False})


def test_an_erased_conversation_ends_its_stream(visitor):
    with visitor.events() as events:
        visitor.http.delete(visitor.url, headers=visitor.headers)
        told = (event for event in events if event[0] != "comment")
        event, _, data = next(told)
        assert (event, data["code"]) == ("error", "unauthorized")
        assert list(told) == []


def test_too_many_listeners_are_refused(visitor, monkeypatch):
    monkeypatch.setattr(hub, "MOST_LISTENERS", 1)
    with visitor.events() as events:
        next(events)
        response = visitor.http.get(f"{visitor.url}/events", headers=visitor.headers)
        assert response.status_code == 429


def test_an_open_stream_does_not_keep_the_front_door_from_stopping(door, visitor):
    with visitor.events() as events:
        next(events)
        start = time.monotonic()
        door.stop()
        assert time.monotonic() - start < 10
        assert all(event == "comment" for event, _, _ in events)


@pytest.mark.parametrize("size", [1, 100])
def test_a_slow_listener_costs_little(size):
    listener = hub.Listener()
    for _ in range(size * 1000):
        listener.put(hub.Signal.NEWS)
    assert len(listener._signals) <= hub.MOST_SIGNALS
