"""Forms and slots in the brain: which calls of the action server a turn makes, and which not."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rasa.core.actions.action import ActionBotResponse, ActionExtractSlots, ActionListen
from rasa.core.nlg.response import TemplatedNaturalLanguageGenerator
from rasa.shared.core.domain import ActionNotFoundException, Domain
from rasa.shared.core.events import (
    ActionExecuted,
    ActiveLoop,
    BotUttered,
    Event,
    SlotSet,
    UserUttered,
)
from rasa.shared.core.trackers import DialogueStateTracker
from schemas import migrated
from sqlalchemy import select

from mobilis.brain.channel import SilentOutput
from mobilis.brain.forms import Actions, Form, SlotReading
from mobilis.brain.remote import RemoteCall
from mobilis.brain.turn import TurnAborted
from mobilis.models import unhandled
from mobilis.results import keep_unhandled
from mobilis.settings import ROOT
from mobilis.store import Database

DOMAIN = Domain.load(str(ROOT / "domain.yml"))
PICKED = '/faq{"faq_id": "cost"}'


class Server:
    """In place of the action server: notes which actions are called, and answers by `answers`."""

    kwargs: dict[str, Any] = {"enable_selective_domain": True}  # noqa: RUF012 - Rasa reads it

    def __init__(self, **answers: list[dict[str, Any]]) -> None:
        self.called: list[str] = []
        self.answers = answers

    async def request(self, json: dict[str, Any]) -> dict[str, Any]:
        name = json["next_action"]
        self.called.append(name)
        return {"events": self.answers.get(name, []), "responses": [{"text": name}]}


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    url = f"sqlite:///{tmp_path / 'mobilis.db'}"
    migrated(url)
    database = Database(url)
    yield database
    database.dispose()


def heard(
    intent: str,
    text: str = "…",
    mobilis: dict[str, Any] | None = None,
    message_id: str = "m2",
    **entities: str,
) -> UserUttered:
    found = [{"entity": name, "value": value} for name, value in entities.items()]
    named = {"name": intent}
    parsed = {"text": text, "intent": named, "entities": found, "mobilis": mobilis}
    return UserUttered(text, named, found, parsed, message_id=message_id)


def run(action: Any, *events: Event) -> list[Event]:
    """The events of an action that runs in a conversation of `events`."""
    tracker = DialogueStateTracker.from_events("talk", list(events), slots=DOMAIN.slots)
    responses = TemplatedNaturalLanguageGenerator(DOMAIN.responses)
    return asyncio.run(action.run(SilentOutput(), responses, tracker, DOMAIN))


def slots(events: list[Event]) -> dict[str, Any]:
    return {event.key: event.value for event in events if isinstance(event, SlotSet)}


# --- which action is which


def test_an_action_is_found_by_its_name(database: Database) -> None:
    actions = Actions(DOMAIN, Server(), database)
    assert isinstance(actions.named("action_faq"), RemoteCall)
    assert isinstance(actions.named("interest_form"), Form)
    assert isinstance(actions.named("action_extract_slots"), SlotReading)
    assert isinstance(actions.named("action_listen"), ActionListen)
    assert isinstance(actions.named("utter_greet"), ActionBotResponse)
    assert actions.named("action_faq") is actions.named("action_faq")
    with pytest.raises(ActionNotFoundException):
        actions.named("action_of_nobody")


# --- reading slots


def test_a_message_that_says_nothing_of_itself_calls_nobody(database: Database) -> None:
    server = Server()
    reading = SlotReading(Actions(DOMAIN, server, database))
    assert run(reading, heard("help", mobilis={"language": "fr"})) == []
    assert server.called == []


def test_language_and_province_are_noted_without_a_call(database: Database) -> None:
    server = Server()
    reading = SlotReading(Actions(DOMAIN, server, database))
    found = {"language": "en", "facets": {"region": ["ON"]}}
    assert slots(run(reading, heard("faq", mobilis=found))) == {"language": "en", "province": "ON"}
    assert slots(run(reading, heard("conversation_opened", language="en"))) == {"language": "en"}
    assert server.called == []


def test_the_slots_of_a_form_are_read_as_the_domain_maps_them(database: Database) -> None:
    reading = SlotReading(Actions(DOMAIN, Server(), database))
    asked = (ActiveLoop("interest_form"), SlotSet("requested_slot", "lead_name"))
    read = run(reading, *asked, heard("inform", "Ana Exemple", {"language": "en"}))
    assert slots(read) == {"language": "en", "lead_name": "Ana Exemple"}


@pytest.mark.parametrize("intent", ["affirm", "deny", "inform", "answer", "faq"])
@pytest.mark.parametrize("form", [None, "assessment_form", "interest_form"])
@pytest.mark.parametrize("asked", [None, "lead_consent", "lead_message", "assessment_answer"])
def test_no_slot_is_left_out_that_rasa_would_read(
    database: Database, intent: str, form: str | None, asked: str | None
) -> None:
    reading = SlotReading(Actions(DOMAIN, Server(), database))
    message = UserUttered("b", {"name": intent}, [{"entity": "option", "value": "b"}])
    place = (ActiveLoop(form), SlotSet("requested_slot", asked), message)
    tracker = DialogueStateTracker.from_events("talk", list(place), slots=DOMAIN.slots)
    rest = (SilentOutput(), TemplatedNaturalLanguageGenerator({}), tracker, DOMAIN)
    all_of_them = asyncio.run(ActionExtractSlots.run(reading, *rest))
    assert slots(asyncio.run(reading.run(*rest))) == slots(all_of_them)


@pytest.fixture
def clarified(database: Database) -> Database:
    keep_unhandled(
        database,
        conversation_id="talk",
        message_id="m1",
        language="fr",
        outcome="clarified",
        guesses=[],
    )
    return database


def chosen(database: Database) -> list[tuple[str | None, str | None]]:
    with database.read() as connection:
        query = select(unhandled.c.chosen, unhandled.c.followed_by)
        return [tuple(row) for row in connection.execute(query)]


OFFERED = BotUttered(
    "…", {}, {"mobilis": {"kind": "clarify", "candidates": [PICKED, "/find_coach"]}}
)


def test_what_a_message_turned_out_to_mean_is_kept(clarified: Database) -> None:
    server = Server()
    reading = SlotReading(Actions(DOMAIN, server, clarified))
    lost = heard("ambiguous", message_id="m1")
    run(reading, lost, OFFERED, heard("thank", "merci"))
    assert chosen(clarified) == [(None, None)]
    run(reading, lost, OFFERED, BotUttered("autre chose"), heard("faq", PICKED, faq_id="cost"))
    assert chosen(clarified) == [("faq/cost", None)]
    run(reading, lost, OFFERED, heard("help", "aidez-moi", {"label": "help"}))
    assert chosen(clarified) == [("faq/cost", "help")]
    assert server.called == []


def test_a_meaning_that_cannot_be_kept_ends_the_turn(tmp_path: Path) -> None:
    empty = Database(f"sqlite:///{tmp_path / 'empty.db'}")
    reading = SlotReading(Actions(DOMAIN, Server(), empty))
    lost = heard("ambiguous", message_id="m1")
    with pytest.raises(TurnAborted, match="the database refused"):
        run(reading, lost, OFFERED, heard("faq", PICKED, faq_id="cost"))
    empty.dispose()


# --- forms


def test_a_form_that_begins_only_asks(database: Database) -> None:
    server = Server()
    form = Form("interest_form", Actions(DOMAIN, server, database))
    events = run(form, heard("declare_interest"))
    assert server.called == ["action_ask_lead_consent"]
    assert slots(events) == {"requested_slot": "lead_consent"}
    assert [event.text for event in events if isinstance(event, BotUttered)] == server.called


def test_a_form_validates_what_it_begins_with(database: Database) -> None:
    settled = [{"event": "slot", "name": "assessment_answer", "value": None}]
    server = Server(validate_assessment_form=settled)
    form = Form("assessment_form", Actions(DOMAIN, server, database))
    events = run(form, heard("answer", option="b"))
    assert server.called == ["validate_assessment_form", "action_ask_assessment_answer"]
    assert slots(events) == {"assessment_answer": None, "requested_slot": "assessment_answer"}


def test_a_form_validates_what_it_is_told_and_asks_on(database: Database) -> None:
    told = [{"event": "slot", "name": "lead_name", "value": "Ana"}]
    server = Server(validate_interest_form=told)
    form = Form("interest_form", Actions(DOMAIN, server, database))
    known = (SlotSet("lead_consent", True), ActiveLoop("interest_form"))
    asked = (*known, SlotSet("requested_slot", "lead_name"), ActionExecuted("action_listen"))
    events = run(form, *asked, heard("inform", "Ana"), SlotSet("lead_name", "Ana"))
    assert server.called == ["validate_interest_form", "action_ask_lead_organization"]
    assert slots(events) == {"lead_name": "Ana", "requested_slot": "lead_organization"}
