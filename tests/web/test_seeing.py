"""What the front door shows of itself: the id of each message, its lines, and its numbers."""

from __future__ import annotations

import asyncio
import logging
import threading
from types import SimpleNamespace

import pytest
from doors import new_id
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
from sqlalchemy import select

from mobilis.models import inbox
from mobilis.seeing.ids import read_parent, trace_of, write_parent
from mobilis.seeing.logs import describe
from mobilis.store import Database
from mobilis.web.brain import Health
from mobilis.web.gauges import Gauges, gauging
from mobilis.web.guard import route_of

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def trace_in(response) -> str:
    return read_parent(response.headers["traceresponse"]).trace


def kept(database, message: str) -> str | None:
    with database.read() as connection:
        return connection.execute(select(inbox.c.trace).where(inbox.c.id == message)).scalar()


@pytest.fixture
def lines(caplog):
    """The lines of an event so far."""
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "mobilis")  # whatever a program in an earlier test has chosen
    return lambda event: [
        line for record in caplog.records if (line := describe(record, "door"))["event"] == event
    ]


def test_a_message_goes_to_the_brain_under_the_trace_of_its_id(visitor, brain, database):
    message = new_id()
    assert trace_in(visitor.say("bonjour", id=message)) == trace_of(message)
    assert read_parent(brain.parents[-1]).trace == trace_of(message) == kept(database, message)


def test_the_same_message_again_has_the_same_trace(visitor):
    message = new_id()
    answers = [visitor.say("bonjour", id=message) for _ in range(2)]
    assert {trace_in(answer) for answer in answers} == {trace_of(message)}


def test_a_callers_trace_is_kept(visitor, brain, database):
    message = new_id()
    visitor.headers["traceparent"] = write_parent(TRACE)
    assert trace_in(visitor.say("bonjour", id=message)) == TRACE
    assert read_parent(brain.parents[-1]).trace == TRACE == kept(database, message)


@pytest.mark.parametrize("junk", ["x", "marie@exemple.ca", f"00-{'0' * 32}-{'0' * 16}-01"])
def test_what_is_no_trace_is_refused(visitor, junk):
    message = new_id()
    visitor.headers["traceparent"] = junk
    assert trace_in(visitor.say("bonjour", id=message)) == trace_of(message)


def test_each_try_bears_the_same_trace(visitor, brain):
    left = [503, 503]
    answer = brain.script

    def fails_twice(question):
        return (left.pop(), {}) if left else answer(question)

    brain.script, message = fails_twice, new_id()
    before = value("mobilis_turns_total", channel="web", language="fr", outcome="retried")
    visitor.say("bonjour", id=message)
    tries = [read_parent(parent).trace for parent in brain.parents[-3:]]
    assert tries == [trace_of(message)] * 3
    after = value("mobilis_turns_total", channel="web", language="fr", outcome="retried")
    assert after == before + 2


def test_a_message_of_an_earlier_version_has_a_trace_too(database, visitor, brain, eventually):
    message = new_id()
    with database.write() as connection:
        connection.execute(inbox.update().values(trace=None))
    visitor.say("bonjour", id=message)
    assert read_parent(brain.parents[-1]).trace == trace_of(message)


def test_a_turn_that_is_given_up_is_counted_and_told(visitor, brain, lines, eventually):
    def count() -> float:
        return value("mobilis_turns_total", channel="web", language="fr", outcome="given_up")

    before = count()
    brain.script = lambda question: (400, {})
    visitor.say("bonjour")
    eventually(lambda: count() == before + 1)
    [line] = eventually(lambda: lines("turn_given_up"))
    assert (line["error"], line["attempts"]) == ("BrainRefused", 1)
    assert line["why"] == "the brain answered 400"


def test_a_turn_whose_conversation_is_erased_meanwhile_is_dropped(
    visitor, brain, lines, eventually
):
    arrived, go_on = threading.Event(), threading.Event()

    def slow(question):
        arrived.set()
        go_on.wait(20)
        return 200, {"messages": []}

    brain.script = slow
    visitor.say("bonjour", wait=None)
    assert arrived.wait(20)
    visitor.http.delete(visitor.url, headers=visitor.headers)
    go_on.set()
    eventually(lambda: lines("turn_dropped"))


def test_a_request_is_a_line_with_its_route_and_no_address(door, visitor, lines):
    visitor.history()
    door.http.get("/marie@exemple.ca")
    door.http.request("PROPFIND", "/")
    routes = [(line["method"], line["route"]) for line in lines("request")]
    assert ("GET", "/api/conversations/{conversation}/messages") in routes
    assert ("GET", "-") in routes
    assert any(method == "-" for method, _ in routes)
    assert "marie" not in str(lines("request")).lower()
    assert visitor.id not in str(lines("request"))


def test_being_looked_at_is_no_news(door, lines):
    door.http.get("/healthz")
    assert {line["level"] for line in lines("request")} == {"debug"}


@pytest.mark.parametrize(
    ("scope", "route"),
    [
        ({"path": "/x/1"}, "-"),
        ({"path": "/x/1", "endpoint": 1, "path_params": {"n": 1}}, "/x/{n}"),
        ({"path": "/r/", "endpoint": 1, "path_params": {"page": ""}}, "/r/"),
    ],
)
def test_a_route_has_names_for_what_stood_in_their_place(scope, route):
    assert route_of(scope) == route


def test_a_refusal_is_told_with_its_code(door, lines):
    door.http.get("/api/conversations/unknown/messages")
    [line] = lines("refused")
    assert (line["code"], line["status"]) == ("unauthorized", 401)


def test_a_website_may_send_a_trace_and_read_it(open_door):
    door = open_door(cors_origins=("https://site.example",))
    asked = {"Origin": "https://site.example", "Access-Control-Request-Method": "POST"}
    asked["Access-Control-Request-Headers"] = "traceparent"
    allowed = door.http.options("/api/conversations", headers=asked)
    assert "traceparent" in allowed.headers["access-control-allow-headers"]
    given = door.http.get("/", headers={"Origin": "https://site.example"})
    assert "traceresponse" in given.headers["access-control-expose-headers"]


def test_open_chats_are_counted(visitor, eventually):
    before = value("mobilis_event_streams")
    with visitor.events() as events:
        next(events)
        eventually(lambda: value("mobilis_event_streams") == before + 1)
    eventually(lambda: value("mobilis_event_streams") == before)


def test_a_sign_in_that_is_refused_is_counted(door, lines):
    labels = {"way": "password", "outcome": "refused"}
    before = value("mobilis_sign_ins_total", **labels)
    door.http.get("/console/sign-in")
    token = door.http.cookies["mobilis-console-form"]
    given = {"csrf": token, "email": "marie@exemple.ca", "password": "x" * 12}
    assert door.http.post("/console/sign-in", data=given).status_code == 403
    assert value("mobilis_sign_ins_total", **labels) == before + 1
    assert lines("sign_in_refused")[0]["way"] == "password"


# --- what is looked up when Prometheus asks


class Brain:
    """Says how it is, or takes its time."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds

    async def health(self) -> Health:
        await asyncio.sleep(self.seconds)
        return Health("ok", "error")


def looked_up(settings, database, brain) -> str:
    door = SimpleNamespace(settings=settings, database=database, brain=brain)
    registry = CollectorRegistry()

    async def ask() -> str:
        with gauging(door, registry):
            return (await asyncio.to_thread(generate_latest, registry)).decode()

    return asyncio.run(ask())


def test_queues_and_readiness_are_looked_up(settings, database, visitor, brain, eventually):
    release = threading.Event()
    brain.script = lambda question: (release.wait(4), (503, {}))[1]
    visitor.say("bonjour", wait=None)
    text = looked_up(settings, database, Brain())
    release.set()
    assert 'mobilis_queue_waiting{queue="messages"} 1.0' in text
    assert 'mobilis_queue_waiting{queue="mails"} 0.0' in text
    assert 'mobilis_queue_oldest_seconds{queue="messages"}' in text
    assert 'mobilis_dead_letters{queue="deliveries"} 0.0' in text
    assert 'mobilis_ready{part="database"} 1.0' in text
    assert 'mobilis_ready{part="brain"} 1.0' in text
    assert 'mobilis_ready{part="actions"} 0.0' in text
    assert 'mobilis_release_info{content="' in text


def test_a_database_that_is_away_leaves_out_its_queues_and_no_more(settings, lines):
    away = Database("postgresql://nobody@127.0.0.1:9/none")
    before = value("mobilis_database_errors_total")
    text = looked_up(settings, away, Brain())
    assert "mobilis_queue_waiting" not in text
    assert 'mobilis_ready{part="database"} 0.0' in text
    assert 'mobilis_ready{part="brain"} 1.0' in text
    assert lines("database_refused")
    assert value("mobilis_database_errors_total") > before


def test_a_brain_that_takes_its_time_is_not_waited_for(settings, database, monkeypatch):
    monkeypatch.setattr("mobilis.web.gauges.HEALTH_SECONDS", 0.05)
    text = looked_up(settings, database, Brain(seconds=5))
    assert 'mobilis_ready{part="brain"} 0.0' in text
    assert 'mobilis_queue_waiting{queue="messages"} 0.0' in text


def test_nothing_is_looked_up_to_be_registered(settings, database):
    door = SimpleNamespace(settings=settings, database=database, brain=Brain())
    loop = asyncio.new_event_loop()
    assert [*Gauges(door, loop).describe()] == []
    loop.close()
