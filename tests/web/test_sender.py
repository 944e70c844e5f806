"""The sender shows what was said on a platform: in order, again after a failure, never twice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import filled
import pytest
from prometheus_client import REGISTRY
from sqlalchemy import select, update

from mobilis.conversations import lock_conversation, receive_text
from mobilis.deliveries import LONGEST_WAIT, press, take_due
from mobilis.errors import DeliveryPostponed, DeliveryRefused, StoreError
from mobilis.models import choices, deliveries
from mobilis.places import Place, meet
from mobilis.seeing.ids import trace_of
from mobilis.seeing.logs import describe
from mobilis.store import Database, now
from mobilis.turns import Reply, say
from mobilis.web import sender
from mobilis.web.sender import Sender

HERE = Place("slack", "here", "T1", {"channel": "D1"})


@dataclass
class FakeOutlet:
    """Keeps what it was given; `fails` are the errors of the next attempts."""

    shown: list[str] = field(default_factory=list)
    updated: list[tuple[str, str]] = field(default_factory=list)
    there: dict[str, str] = field(default_factory=dict)  # what `find` finds, by text
    fails: list[Exception] = field(default_factory=list)

    async def send(self, place: Place, message: dict[str, Any]) -> str:
        await asyncio.sleep(0)
        if self.fails:
            raise self.fails.pop(0)
        self.shown.append(message["text"])
        return f"ts-{len(self.shown)}"

    async def update(self, place: Place, message: dict[str, Any], remote_id: str) -> None:
        self.updated.append((remote_id, message["text"]))

    async def find(self, place: Place, message: dict[str, Any]) -> str | None:
        return self.there.get(message["text"])


@pytest.fixture
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """One of its own: the front doors of other tests have senders too."""
    with filled.database_of("sqlite", request, tmp_path) as database:
        yield database


@pytest.fixture
def outlet() -> FakeOutlet:
    return FakeOutlet()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "POLL_SECONDS", 0.02)
    monkeypatch.setattr(sender, "BACKOFF_SECONDS", 0.01)


def tell(database, *replies, place=HERE):
    with database.write() as connection:
        one = meet(connection, place, "fr").conversation_id
        say(connection, lock_conversation(connection, one), None, list(replies))
    return one


def states(database):
    query = select(deliveries.c.state, deliveries.c.error).order_by(deliveries.c.number)
    with database.read() as connection:
        return [tuple(row) for row in connection.execute(query)]


def run(database, outlet, until: Callable[[], bool]) -> None:
    """Let the sender work until something is true."""

    async def work() -> None:
        under_test = Sender(database, {"slack": outlet})
        under_test.start()
        for _ in range(1000):
            if until():
                break
            await asyncio.sleep(0.01)
        await under_test.stop()
        assert until()

    asyncio.run(work())


def done(database):
    return lambda: all(state in ("sent", "failed") for state, _ in states(database))


def test_what_is_said_is_shown_in_order(database, outlet):
    tell(database, *(Reply(f"{number}", "fr") for number in range(5)))
    run(database, outlet, done(database))
    assert outlet.shown == ["0", "1", "2", "3", "4"]


def test_what_fails_for_now_is_tried_again_before_what_follows(database, outlet):
    outlet.fails = [DeliveryPostponed("429", 0.01), DeliveryPostponed("502")]
    tell(database, Reply("a", "fr"), Reply("b", "fr"))
    run(database, outlet, done(database))
    assert outlet.shown == ["a", "b"]


@pytest.mark.parametrize("asked", [3600, 10**6])
def test_the_platform_says_how_long_to_wait_within_reason(database, outlet, asked):
    outlet.fails = [DeliveryPostponed("429", asked)]
    tell(database, Reply("a", "fr"))
    run(database, outlet, lambda: states(database) == [("pending", "429")])
    with database.read() as connection:
        due_at = connection.execute(select(deliveries.c.due_at)).scalar_one()
    assert now() + timedelta(minutes=59) < due_at <= now() + LONGEST_WAIT


@pytest.mark.parametrize(
    ("error", "why"),
    [(DeliveryRefused("channel_not_found"), "channel_not_found"), (KeyError("text"), "KeyError")],
)
def test_what_will_never_be_shown_is_given_up_and_the_rest_goes_on(database, outlet, error, why):
    outlet.fails = [error]
    tell(database, Reply("a", "fr"), Reply("b", "fr"))
    run(database, outlet, done(database))
    assert outlet.shown == ["b"]
    assert states(database) == [("failed", why), ("sent", None)]


def test_a_pressed_button_changes_the_message_that_was_shown(database, outlet):
    one = tell(database, Reply("Oui?", "fr", "question", (("Oui", "/affirm"),)))
    run(database, outlet, done(database))
    with database.write() as connection:
        choice = connection.execute(select(choices.c.id)).scalar_one()
        press(connection, one, "event-01", choice)
    run(database, outlet, lambda: bool(outlet.updated))
    assert outlet.updated == [("ts-1", "Oui?")]


@pytest.mark.parametrize("arrived", [True, False])
def test_what_a_killed_process_may_have_sent_is_looked_for_first(database, outlet, arrived):
    tell(database, Reply("a", "fr"))
    with database.write() as connection:
        take_due(connection, ["slack"], 1)  # and here the process ended
        connection.execute(update(deliveries).values(due_at=now() - timedelta(seconds=1)))
    outlet.there = {"a": "ts-9"} if arrived else {}
    run(database, outlet, done(database))
    assert outlet.shown == ([] if arrived else ["a"])


def test_a_database_that_refuses_is_no_end(database, outlet, monkeypatch, caplog):
    tell(database, Reply("a", "fr"))
    fails = [True]
    take = Sender._take

    def refuse(self, *given):
        if fails:
            fails.pop()
            raise StoreError("the database refused: x")
        return take(self, *given)

    monkeypatch.setattr(Sender, "_take", refuse)
    run(database, outlet, done(database))
    assert "deliveries cannot be read" in caplog.text


def test_what_could_not_be_noted_is_due_again_and_looked_for(database, outlet, monkeypatch, caplog):
    tell(database, Reply("a", "fr"))
    note = Sender._note_sent
    fails = [True]

    def refuse(self, *given):
        if fails:
            fails.pop()
            raise StoreError("the database refused: x")
        note(self, *given)

    monkeypatch.setattr(Sender, "_note_sent", refuse)
    run(database, outlet, lambda: "cannot be noted" in caplog.text)
    assert states(database) == [("sending", None)]
    outlet.there = {"a": "ts-1"}
    with database.write() as connection:
        connection.execute(update(deliveries).values(due_at=now() - timedelta(seconds=1)))
    run(database, outlet, done(database))
    assert outlet.shown == ["a"]


def test_without_channels_nothing_runs(database):
    async def work() -> None:
        idle = Sender(database, {})
        idle.start()
        await idle.stop()

    asyncio.run(work())


@pytest.mark.parametrize(
    ("errors", "events", "outcomes"),
    [
        ([], ["delivery_sent"], ["sent"]),
        (
            [DeliveryPostponed("Slack does not answer")],
            ["delivery_postponed", "delivery_sent"],
            ["postponed", "sent"],
        ),
        (
            [DeliveryRefused("Slack refuses: is_archived")],
            ["delivery_refused", "dead_letter"],
            ["refused"],
        ),
        ([ValueError("bonjour")], ["delivery_refused", "dead_letter"], ["refused"]),
        (
            [DeliveryPostponed("no"), DeliveryPostponed("no")],
            ["delivery_postponed", "dead_letter"],
            ["postponed", "given_up"],
        ),
    ],
)
def test_what_comes_of_a_delivery_is_told_and_counted(
    database, outlet, monkeypatch, caplog, errors, events, outcomes
):
    caplog.set_level("INFO")
    monkeypatch.setattr("mobilis.deliveries.MOST_ATTEMPTS", 2)
    labels = [{"queue": "visitors", "channel": "slack", "outcome": one} for one in outcomes]
    before = [counted(**each) for each in labels]
    tell(database, Reply("bonjour", "fr"))
    outlet.fails = list(errors)
    run(database, outlet, done(database))
    lines = [describe(record, "door") for record in caplog.records]
    told = [line for line in lines if line["event"].startswith(("delivery_", "dead_"))]
    assert [line["event"] for line in told] == events
    assert {(line["queue"], line["channel"]) for line in told} == {("visitors", "slack")}
    assert [counted(**each) for each in labels] == [number + 1 for number in before]
    assert "bonjour" not in str(told)


def counted(**labels: str) -> float:
    return REGISTRY.get_sample_value("mobilis_deliveries_total", labels) or 0.0


def test_a_delivery_bears_the_trace_of_the_message_that_it_answers(database):
    with database.write() as connection:
        meeting = meet(connection, HERE, "fr")
        receive_text(connection, meeting.conversation_id, "message-1", "bonjour")
        conversation = lock_conversation(connection, meeting.conversation_id)
        say(connection, conversation, "message-1", [Reply("a", "fr")])
        [first] = take_due(connection, ["slack"], 1)
        assert first.trace == trace_of("message-1")
        connection.execute(update(deliveries).values(state="sent"))
        conversation = lock_conversation(connection, meeting.conversation_id)
        say(connection, conversation, None, [Reply("b", "fr")])
        [second] = take_due(connection, ["slack"], 1)
        assert second.trace == ""
