"""What is shown on Teams: with a token of ours, again after what passes, never to anybody else."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import httpx
import pytest
from doors import say
from fake_teams import PASSWORD
from sqlalchemy import select, update

from mobilis.errors import DeliveryPostponed, DeliveryRefused
from mobilis.models import deliveries, places
from mobilis.store import now
from mobilis.web.teams import connector
from mobilis.web.teams.clouds import read_app
from mobilis.web.teams.connector import HttpConnector, Token
from mobilis.web.teams.outlet import TeamsOutlet


@pytest.fixture
def app(teams, settings):
    return read_app(replace(settings, **teams.settings()))


def tokens(teams):
    return [path for method, path in teams.asked if path.startswith("/login/")]


def states(database):
    query = select(deliveries.c.state, deliveries.c.error).order_by(deliveries.c.number)
    with database.read() as connection:
        return [tuple(row) for row in connection.execute(query)]


def run(coroutine):
    return asyncio.run(coroutine)


async def send(app, text="x", service=None, times=1):
    ours = HttpConnector(app)
    try:
        for _ in range(times):
            activity = {"type": "message", "summary": text}
            found = await ours.send(service or app.service_url, "a:1/b", activity)
        return found
    finally:
        await ours.close()


def test_our_token_is_asked_for_once_with_the_apps_password(app, teams):
    assert run(send(app, times=3))
    assert len(tokens(teams)) == 1
    assert teams.forms == [
        {
            "grant_type": "client_credentials",
            "client_id": app.id,
            "client_secret": PASSWORD,
            "scope": "https://api.botframework.com/.default",
        }
    ]


def test_the_id_of_a_conversation_is_one_part_of_the_address(app, teams):
    run(send(app))
    assert teams.shown["a:1/b"]
    assert ("POST", "/service/v3/conversations/a%3A1%2Fb/activities") in teams.asked


def test_many_at_once_ask_for_one_token(app, teams):
    async def many():
        ours = HttpConnector(app)
        sending = (ours.send(app.service_url, f"a:{n}", {"type": "typing"}) for n in range(20))
        await asyncio.gather(*sending)
        await ours.close()

    run(many())
    assert len(tokens(teams)) == 1


def test_a_token_is_renewed_some_minutes_before_its_end(app, teams):
    clock = [0.0]

    async def ask():
        async with httpx.AsyncClient() as client:
            token = Token(app, client, lambda: clock[0])
            first = await token.get()
            clock[0] = 3600 - connector.MARGIN - 1
            assert await token.get() == first
            clock[0] += 1
            assert await token.get() != first

    run(ask())


def test_a_token_that_does_not_say_how_long_it_lasts_is_used_once(app, teams):
    teams.faults.tokens = [(200, b'{"access_token": "a"}'), (200, b'{"access_token": "b"}')]

    async def ask():
        async with httpx.AsyncClient() as client:
            token = Token(app, client)
            return await token.get(), await token.get()

    assert run(ask()) == ("a", "b")


def test_a_withdrawn_token_is_renewed_once_and_the_message_sent(app, teams):
    teams.faults.withdraws = 1
    assert run(send(app))
    assert len(tokens(teams)) == 2


def test_a_token_that_is_never_good_is_refused(app, teams):
    teams.faults.withdraws = 9
    with pytest.raises(DeliveryRefused, match="401"):
        run(send(app))
    assert len(tokens(teams)) == 2


@pytest.mark.parametrize(
    ("status", "body", "seconds"),
    [
        (401, b'{"error": "invalid_client"}', connector.REPAIR_SECONDS),
        (400, b'{"error": "unauthorized_client"}', connector.REPAIR_SECONDS),
        (503, b"{}", 0),
        (200, b"<html>", 0),
        (200, b"[]", 0),
        (200, b'{"access_token": 7}', 0),
    ],
)
def test_without_a_token_a_message_waits(app, teams, status, body, seconds):
    teams.faults.tokens = [(status, body)]
    with pytest.raises(DeliveryPostponed, match="no token") as caught:
        run(send(app))
    assert caught.value.retry_after == seconds
    assert PASSWORD not in str(caught.value)


def test_a_sign_in_that_cannot_be_reached_makes_a_message_wait(app):
    gone = replace(app, cloud=replace(app.cloud, login="http://127.0.0.1:9"))
    with pytest.raises(DeliveryPostponed, match="no token: ConnectError"):
        run(send(gone))


@pytest.mark.parametrize("status", [412, 429, 502, 504, 500, 503, 408])
def test_what_passes_is_tried_again(app, teams, status):
    teams.faults.answers = [(status, {})]
    with pytest.raises(DeliveryPostponed, match=str(status)):
        run(send(app))
    assert run(send(app))


@pytest.mark.parametrize("status", [400, 403, 404, 405, 413])
def test_what_does_not_pass_is_refused(app, teams, status):
    teams.faults.answers = [(status, {})]
    with pytest.raises(DeliveryRefused, match=str(status)):
        run(send(app))


@pytest.mark.parametrize(
    ("said", "seconds"), [("7", 7.0), ("999999", connector.LONGEST_WAIT), ("soon", 0.0), ("-1", 0)]
)
def test_teams_says_how_long_to_wait(app, teams, said, seconds):
    teams.faults.answers = [(429, {"Retry-After": said})]
    with pytest.raises(DeliveryPostponed) as caught:
        run(send(app))
    assert caught.value.retry_after == seconds


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_no_redirect_is_followed_and_no_token_goes_there(app, teams, status):
    teams.faults.answers = [(status, {"Location": f"{teams.base}/service/elsewhere"})]
    with pytest.raises(DeliveryRefused):
        run(send(app))
    assert not any("elsewhere" in path for _, path in teams.asked)


@pytest.mark.parametrize(
    "service", ["https://smba.trafficmanager.net.evil.example/", "http://127.0.0.1:9/", ""]
)
def test_a_reference_that_is_not_trusted_any_more_gets_no_token(app, teams, service):
    async def ask():
        ours = HttpConnector(app)
        try:
            await ours.send(service, "a:1", {"type": "message"})
        finally:
            await ours.close()

    with pytest.raises(DeliveryRefused, match="none that we write to"):
        run(ask())
    assert teams.asked == []


def test_a_service_that_cannot_be_reached_is_tried_again(app, teams):
    gone = replace(app, service_url="http://127.0.0.1:9/")
    with pytest.raises(DeliveryPostponed, match="no answer of Teams: ConnectError"):
        run(send(gone))


def test_a_service_that_is_too_slow_is_tried_again(app, teams, monkeypatch):
    monkeypatch.setattr(connector, "TIMEOUT", 0.3)
    teams.faults.latency = 0.4
    with pytest.raises(DeliveryPostponed, match="Timeout"):
        run(send(app))


def test_an_address_that_makes_no_sense_is_refused(app, monkeypatch):
    async def refuse(*given, **more):
        raise httpx.InvalidURL("x")

    async def ask():
        ours = HttpConnector(app)
        await ours.token.get()
        monkeypatch.setattr(ours._client, "request", refuse)
        await ours.send(app.service_url, "a:1", {"type": "message"})

    with pytest.raises(DeliveryRefused, match="makes no sense"):
        run(ask())


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"id": 7}'])
def test_an_answer_without_an_id_is_shown_all_the_same(body):
    assert connector._id(httpx.Response(201, content=body)) == ""


def test_a_personal_chat_without_an_id_is_none(app, monkeypatch):
    monkeypatch.setattr(connector, "_id", lambda answer: "")

    async def ask():
        ours = HttpConnector(app)
        try:
            await ours.open_chat(app.service_url, "28:b", "29:p", "t")
        finally:
            await ours.close()

    with pytest.raises(DeliveryRefused, match="has no id"):
        run(ask())


def test_a_limit_that_is_reached_keeps_the_order(chat, teams, eventually):
    teams.faults.answers = [(429, {"Retry-After": "0"}), (502, {}), (412, {}), (504, {})]
    chat.say("a")
    chat.say("b")
    eventually(lambda: chat.texts == ["Bonjour !", "echo a", "echo b"])


@pytest.mark.parametrize("status", [403, 404])
def test_a_permanent_failure_is_a_dead_letter_and_the_rest_goes_on(
    chat, teams, database, eventually, status
):
    chat.say("a")
    eventually(lambda: len(chat.texts) == 2)
    teams.faults.answers = [(status, {})]
    chat.say("b")
    eventually(lambda: ("failed", f"Teams answered {status}") in states(database))
    chat.say("c")
    eventually(lambda: chat.texts == ["Bonjour !", "echo a", "echo c"])


def test_a_message_that_is_too_large_is_a_dead_letter(chat, brain, database, eventually):
    brain.script = lambda question: (200, {"messages": [say("mot " * 20_000)]})
    chat.say("tout")
    eventually(lambda: len(failed(database)) == 2)  # the greeting too
    assert all("larger than Teams takes" in why for why in failed(database))


def failed(database):
    return [error for state, error in states(database) if state == "failed"]


def test_what_a_killed_process_may_have_sent_is_sent_again(chat, teams, database, eventually):
    """Teams cannot say what it has shown: at least once, in this one window."""
    chat.say("a")
    eventually(lambda: states(database) == [("sent", None)] * 2)
    with database.write() as connection:  # as if the process had ended before it noted so
        last = select(deliveries.c.number).order_by(deliveries.c.number.desc()).limit(1)
        own = deliveries.c.number == connection.execute(last).scalar_one()
        connection.execute(update(deliveries).where(own).values(state="sending", due_at=now()))
    eventually(lambda: chat.texts == ["Bonjour !", "echo a", "echo a"])


def test_a_message_is_never_looked_for(app):
    outlet = TeamsOutlet(app, HttpConnector(app))
    assert run(outlet.find(None, {})) is None


def test_without_a_front_door_nothing_is_sent(app):
    outlet = TeamsOutlet(app, HttpConnector(app))
    with pytest.raises(DeliveryRefused, match="not open"):
        _ = outlet.door


def test_the_reference_that_was_given_last_is_written_to(chat, teams, database, eventually):
    chat.say("a")
    eventually(lambda: len(chat.texts) == 2)
    with database.read() as connection:
        reference = connection.execute(select(places.c.reference)).scalar_one()
    assert reference["service_url"] == teams.service
    assert "Camille" not in str(reference)
    moved = f"{teams.service}moved/"
    chat.say("b", serviceUrl=moved)
    eventually(lambda: any(path.startswith("/service/moved/") for _, path in teams.asked))
