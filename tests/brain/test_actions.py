"""Each action by itself, in each language, on a tracker made by hand and a database of its own."""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from rasa.shared.core.domain import Domain
from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher
from schemas import migrated
from sqlalchemy import select

from mobilis.assessment import load_assessment
from mobilis.brain import action as module
from mobilis.brain.action import FormValidation, MobilisAction, Turn
from mobilis.coaches import import_coaches
from mobilis.contact_details import Details
from mobilis.content import load_content
from mobilis.conversations import open_conversation, receive_text
from mobilis.errors import StoreError
from mobilis.leads import keep_lead
from mobilis.models import assessments, erasures, inbox, leads, unhandled
from mobilis.results import keep_unhandled
from mobilis.settings import ROOT, Settings
from mobilis.stack import Running, free_port
from mobilis.store import Database
from mobilis.turns import KINDS
from mobilis.versions import content_version

TOPICS = ("assessment", "clarification", "coaches", "conversation", "faq", "leads", "privacy")
DOMAIN = Domain.load(str(ROOT / "domain.yml"))
CONTENT = load_content(ROOT)
ASSESSMENT = load_assessment(ROOT / "assessment" / "readiness.yml")
QUESTIONS = ASSESSMENT.questions
TALK = "talk-1"
FULL = {
    "lead_consent": True,
    "lead_name": "Ana Exemple",
    "lead_organization": "Maison {des} jeunes",
    "lead_email": "ana@example.org",
    "lead_message": "Bonjour {email}",
    "lead_confirmed": True,
}


def concrete(kind: type[MobilisAction]) -> Iterator[type[MobilisAction]]:
    for below in kind.__subclasses__():
        if below.__module__.startswith("actions.") and not below.__name__.startswith("_"):
            yield below
        yield from concrete(below)


for topic in TOPICS:
    importlib.import_module(f"actions.{topic}")
ACTIONS = {kind().name(): kind for kind in set(concrete(MobilisAction))}


def answered(*options: str, **more: str) -> dict[str, Any]:
    """The slot of an assessment whose first questions were answered."""
    picked = zip((question.id for question in ASSESSMENT.questions), options)
    return {
        question: {"option": option, "unsure": False, "text": None} for question, option in picked
    }


class Heard:
    """What an action did: the messages it said and the slots it set."""

    def __init__(self, messages: list[dict[str, Any]], events: list[dict[str, Any]]) -> None:
        self.messages = messages
        self.events = events
        self.slots = {e["name"]: e["value"] for e in events if e["event"] == "slot"}

    @property
    def texts(self) -> list[str]:
        return [message["text"] for message in self.messages]

    @property
    def kinds(self) -> list[str]:
        return [message["mobilis"]["kind"] for message in self.messages]

    @property
    def payloads(self) -> list[str]:
        return [button["payload"] for message in self.messages for button in message["buttons"]]


def run(
    name: str,
    language: str = "fr",
    *,
    text: str = "…",
    intent: str = "help",
    message_id: str = "message-1",
    slots: dict[str, Any] | None = None,
    entities: dict[str, Any] | None = None,
    heard: dict[str, Any] | None = None,
    events: list[dict[str, Any]] | None = None,
    told: dict[str, Any] | None = None,
    conversation: str = TALK,
    kind: type[MobilisAction] | None = None,
    form: str | None = None,
) -> Heard:
    """Run an action. `heard` is what understanding found in a typed message; a pressed button has
    none. `told` is what a form has just been told."""
    found = [{"entity": key, "value": value} for key, value in (entities or {}).items()]
    message = {
        "text": text,
        "intent": {"name": intent},
        "entities": found,
        "message_id": message_id,
        **({"mobilis": heard} if heard is not None else {}),
    }
    past = [*(events or []), {"event": "user", "text": text, "parse_data": message}]
    past += [{"event": "slot", "name": key, "value": value} for key, value in (told or {}).items()]
    known = {**DOMAIN_SLOTS, "language": language, **(slots or {}), **(told or {})}
    loop = {"name": form} if form else {}
    tracker = Tracker(conversation, known, message, past, False, None, loop, "action_listen")
    dispatcher = CollectingDispatcher()
    made = (kind or ACTIONS[name])()
    said = asyncio.run(made.run(dispatcher, tracker, {}))
    return Heard(dispatcher.messages, said)


DOMAIN_SLOTS = {slot.name: slot.initial_value for slot in DOMAIN.slots}


@pytest.fixture(autouse=True)
def database(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """A database with the sample of coaches, in place of the real one."""
    path = tmp_path / "mobilis.db"
    path.write_bytes(template.read_bytes())
    database = Database(f"sqlite:///{path}")
    monkeypatch.setattr(module, "_database", lambda: database)
    monkeypatch.setattr(module, "_settings", lambda: Settings(lead_days=42, result_days=7))
    yield database
    database.dispose()


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "mobilis.db"
    migrated(f"sqlite:///{path}")
    database = Database(f"sqlite:///{path}")
    import_coaches(database, ROOT / "coaches" / "sample.csv")
    database.dispose()
    return path


def rows(database: Database, table: Any) -> list[Any]:
    with database.read() as connection:
        return list(connection.execute(select(table)))


def wording(key: str, language: str, **values: Any) -> str:
    return CONTENT.wording[key][language].format(**values)


# --- each action once in each language

ASKED = '/answer{"question": "aim", "option": "%s"}'
HELP = ["/start_assessment", "/find_coach"]
# By name: what is given, the kinds said, the key of the first words, payloads among the choices.
CASES: dict[str, tuple[dict[str, Any], list[str], str | None, list[str]]] = {
    "action_open_conversation": (
        {},
        ["text"],
        "greeting",
        [*HELP, '/faq{"faq_id": "cra_limits"}', '/faq{"faq_id": "what_is"}'],
    ),
    "action_help": ({}, ["text"], "help", [*HELP, "/request_human"]),
    "action_go_on": ({}, [], None, []),
    "action_validate_slot_mappings": ({}, [], None, []),
    "action_switch_language": ({"heard": {"label": "…"}}, ["text"], "language_switched", []),
    "action_faq": ({"entities": {"faq_id": "cost"}}, ["faq"], None, ["/request_human"]),
    "action_assessment_start": ({}, ["text"], None, []),
    "action_assessment_restart": ({}, ["text"], "assessment_restarted", []),
    "action_assessment_answer": ({"entities": {"question": "aim", "option": "a"}}, [], None, []),
    "action_ask_assessment_answer": (
        {},
        ["question"],
        None,
        [*(ASKED % option for option in "abcd"), "/explain_question"],
    ),
    "validate_assessment_form": ({"told": {"assessment_answer": "a"}}, [], None, []),
    "action_assessment_explain": ({}, ["text"], None, []),
    "action_assessment_back": (
        {"slots": {"assessment_answers": answered("a", "b")}},
        ["text"],
        "assessment_back",
        [],
    ),
    "action_assessment_pause": ({}, ["text"], "assessment_paused", ["/resume", "/find_coach"]),
    "action_assessment_result": (
        {"slots": {"assessment_answers": answered(*"aaaaa")}},
        ["result"],
        None,
        ["/find_coach", "/declare_interest"],
    ),
    "action_clarify": (
        {"heard": {"guesses": ["faq/cost", "find_coach"]}},
        ["clarify"],
        "did_you_mean",
        ['/faq{"faq_id": "cost"}', "/find_coach", "/out_of_scope"],
    ),
    "action_not_understood": ({"heard": {}}, ["text"], "lost", ["/help", "/request_human"]),
    "action_out_of_scope": ({"heard": {}}, ["text"], "declined", ["/help", *HELP]),
    "action_find_coach": (
        {},
        ["text"],
        "coaches_ask",
        ['/find_coach{"coach_region": "QC"}', "/find_coach"],
    ),
    "action_more_coaches": ({"slots": {"coach_offset": 3}}, ["coaches"], None, ["/more_results"]),
    "action_lead_start": ({}, [], None, []),
    "action_ask_lead_consent": ({}, ["form"], None, ["/affirm", "/deny"]),
    "action_ask_lead_name": ({}, ["form"], "lead_ask_name", []),
    "action_ask_lead_organization": ({}, ["form"], "lead_ask_organization", []),
    "action_ask_lead_email": ({}, ["form"], "lead_ask_email", []),
    "action_ask_lead_message": ({}, ["form"], "lead_message", ["/deny"]),
    "action_ask_lead_confirmed": (
        {"slots": FULL},
        ["form"],
        None,
        ["/affirm", '/go_back{"field": "lead_email"}', "/stop"],
    ),
    "validate_interest_form": ({"told": {"lead_name": "Ana Exemple"}}, [], None, []),
    "action_lead_back": ({}, [], None, []),
    "action_lead_stop": ({}, ["text"], "lead_stopped", ["/help", "/request_human"]),
    "action_lead_submit": ({"slots": FULL}, ["text"], None, ["/find_coach"]),
    "action_request_human": ({}, ["text"], None, ["/declare_interest"]),
    "action_delete_my_data": (
        {},
        ["clarify"],
        "erase_question",
        ['/delete_my_data{"confirmed": "yes"}', '/delete_my_data{"confirmed": "no"}'],
    ),
}


def test_the_domain_names_every_action_and_each_has_a_case() -> None:
    assert set(ACTIONS) == set(CASES)
    named = {name for name in DOMAIN.action_names_or_texts if name.startswith(("action_", "valid"))}
    assert set(ACTIONS) <= named


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("name", sorted(CASES))
def test_an_action_answers_in_the_language_of_the_conversation(name: str, language: str) -> None:
    given, kinds, key, payloads = CASES[name]
    found = run(name, language, **given)
    assert found.kinds == kinds
    assert all(kind in KINDS for kind in found.kinds)
    for message in found.messages:
        assert message["mobilis"]["language"] == language
        assert message["text"].strip()
        assert "{" not in message["text"].replace("{des}", "").replace("{email}", "")
    if key:
        assert found.texts[0] == wording(key, language)
    assert [payload for payload in payloads if payload not in found.payloads] == []
    check_choices(found)


def check_choices(found: Heard) -> None:
    """Every button has words of its own and stands for what the domain knows."""
    for message in found.messages:
        titles = [button["title"] for button in message["buttons"]]
        assert all(title.strip() for title in titles)
        assert len(set(titles)) == len(titles)
    for payload in found.payloads:
        intent, brace, rest = payload.removeprefix("/").partition("{")
        assert intent in DOMAIN.intents
        entities = json.loads(brace + rest) if brace else {}
        assert set(entities) <= set(DOMAIN.entities)
        assert entities.get("faq_id") in (None, *CONTENT.faqs)


def test_the_two_languages_say_different_things() -> None:
    for name, (given, kinds, _, _) in CASES.items():
        if kinds:
            assert run(name, "fr", **given).texts != run(name, "en", **given).texts


# --- failing


class Broken(MobilisAction):
    """Says half of what it wanted."""

    def name(self) -> str:
        return "action_broken"

    def answer(self, turn: Turn) -> None:
        turn.respond("greeting")
        raise RuntimeError("something nobody thought of")


class BrokenForm(FormValidation):
    """Takes one value, then breaks."""

    slots = ("lead_name", "lead_email")

    def name(self) -> str:
        return "validate_broken_form"

    def check(self, turn: Turn, slot: str, value: Any) -> dict[str, Any]:
        turn.respond("lead_bad_name")
        raise KeyError(slot)


@pytest.mark.parametrize("language", ["fr", "en"])
def test_an_action_that_breaks_says_so_and_nothing_else(language: str, caplog: Any) -> None:
    found = run("", language, kind=Broken)
    assert found.texts == [wording("error", language)]
    told = {"kind": "text", "language": language, "content": content_version(ROOT)}
    assert found.messages[0]["mobilis"] == told
    assert found.events == []
    [told] = [
        record for record in caplog.records if getattr(record, "event", "") == "action_failed"
    ]
    assert told.fields == {"action": "action_broken"}


@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_form_that_breaks_asks_again(language: str) -> None:
    told = {"lead_name": "Ana", "lead_email": "ana@example.org", "topic": "faq/cost"}
    found = run("", language, kind=BrokenForm, told=told)
    assert found.texts == [wording("error", language)]
    assert found.slots == {"lead_name": None, "lead_email": None}


@pytest.mark.parametrize(
    "name", ["action_lead_submit", "action_request_human", "action_assessment_result"]
)
def test_a_database_that_refuses_ends_the_turn(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = Database("sqlite://")
    monkeypatch.setattr(module, "_database", lambda: missing)
    with pytest.raises(StoreError):
        run(name, **CASES[name][0])


def test_a_database_that_refuses_is_a_503_that_tells_nothing(tmp_path: Path) -> None:
    port = free_port()
    server = Running(
        [sys.executable, "-m", "mobilis.brain.action_server", "--port", str(port)],
        {"DATABASE_URL": f"sqlite:///{tmp_path / 'empty.db'}"},
        ROOT,
        tmp_path / "log",
        f"http://127.0.0.1:{port}/health",
    )
    said = {"text": "c'est Ana Exemple", "intent": {"name": "request_human"}}
    call = {
        "next_action": "action_request_human",
        "sender_id": TALK,
        "tracker": {"sender_id": TALK, "slots": {}, "latest_message": said, "events": []},
        "domain": {},
    }
    try:
        answer = httpx.post(f"http://127.0.0.1:{port}/webhook", json=call, trust_env=False)
    finally:
        server.stop()
    assert answer.status_code == 503
    assert answer.json() == {"error": "the database refused: OperationalError"}
    assert "database_refused" in server.log.read_text(encoding="utf-8")
    assert "Exemple" not in server.log.read_text(encoding="utf-8")


def test_what_cannot_be_read_takes_no_slot_but_its_own() -> None:
    found = run("validate_interest_form", told={"lead_email": "no address", "topic": "x"})
    assert found.slots == {"lead_email": None}


# --- leads


def test_a_lead_is_kept_once_however_often_the_turn_is_played(database: Database) -> None:
    first, again = (run("action_lead_submit", slots=FULL) for _ in range(2))
    [lead] = rows(database, leads)
    assert first.texts == again.texts == [wording("lead_kept", "fr", reference=lead.reference)]
    assert (lead.kind, lead.status, lead.language) == ("interest", "new", "fr")
    assert lead.consent_at is not None
    assert [lead.name, lead.organization, lead.email, lead.message] == [
        FULL[f"lead_{field}"] for field in ("name", "organization", "email", "message")
    ]
    assert first.slots.pop("topic") == "declare_interest"
    assert set(first.slots.values()) == {None}
    assert set(first.slots) >= set(FULL) | {"lead_coach"}
    run("action_lead_submit", slots=FULL, message_id="message-2")
    assert len(rows(database, leads)) == 2


def test_a_lead_for_a_coach_names_the_coach(database: Database) -> None:
    started = run("action_lead_start", "en", entities={"coach_id": "amina-erable"})
    assert started.texts == [wording("lead_coach", "en", coach="Amina Érable-Fiction")]
    assert started.slots["lead_coach"] == "amina-erable"
    kept = run("action_lead_submit", "en", slots={**FULL, **{"lead_coach": "amina-erable"}})
    [lead] = rows(database, leads)
    said = wording("lead_kept_coach", "en", reference=lead.reference, coach="Amina Érable-Fiction")
    assert kept.texts == [said]
    assert (lead.kind, lead.coach_id, lead.coach_consent) == ("coach", "amina-erable", True)


def test_a_lead_for_the_team_is_for_no_coach(database: Database) -> None:
    run("action_lead_submit", slots=FULL)
    [lead] = rows(database, leads)
    assert (lead.coach_id, lead.coach_consent) == (None, False)


def test_a_coach_that_is_not_there_is_no_coach() -> None:
    started = run("action_lead_start", entities={"coach_id": "' OR 1=1 --"})
    assert (started.texts, started.slots["lead_coach"]) == ([], None)


@pytest.mark.parametrize("confirmed", [None, False])
def test_what_is_not_confirmed_is_not_kept(database: Database, confirmed: bool | None) -> None:
    found = run("action_lead_submit", slots={**FULL, "lead_confirmed": confirmed})
    assert found.texts == [wording("lead_declined", "fr")]
    assert rows(database, leads) == []
    assert set(found.slots.values()) == {None}


def test_nothing_to_add_is_no_message(database: Database) -> None:
    slots = {**FULL, "lead_message": "-"}
    [summary] = run("action_ask_lead_confirmed", slots=slots).texts
    assert wording("nothing_added", "fr") in summary
    run("action_lead_submit", slots=slots)
    assert rows(database, leads)[0].message is None


def test_the_consent_says_how_long() -> None:
    [text] = run("action_ask_lead_consent", "en").texts
    assert text == wording("lead_consent", "en", days=42)


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_consent_names_the_coach_who_gets_it(language: str) -> None:
    asked = run("action_ask_lead_consent", language, slots={"lead_coach": "amina-erable"})
    coach = "Amina Érable-Fiction"
    assert asked.texts == [wording("lead_consent_coach", language, days=42, coach=coach)]
    assert coach in asked.texts[0]


def test_a_coach_who_has_left_is_not_named_in_the_consent() -> None:
    [text] = run("action_ask_lead_consent", "en", slots={"lead_coach": "gone"}).texts
    assert text == wording("lead_consent", "en", days=42)


def test_a_person_is_asked_for_once(database: Database) -> None:
    [first] = run("action_request_human").texts
    [again] = run("action_request_human", message_id="message-2").texts
    [lead] = rows(database, leads)
    assert (lead.kind, lead.consent_at, lead.name) == ("person", None, None)
    assert lead.reference in first and lead.reference in again
    assert first != again


def test_who_has_left_an_address_is_not_asked_for_one(database: Database) -> None:
    given = {"kind": "interest", "conversation_id": TALK, "message_id": "m", "language": "fr"}
    keep_lead(database, details=Details(email="marie@exemple.ca"), consented=True, **given)
    found = run("action_request_human")
    beginning = CONTENT.wording["human_reachable"]["fr"].partition("{")[0]
    assert found.texts[0].startswith(beginning)
    assert found.payloads == []


@pytest.mark.parametrize(
    ("slot", "value", "slots", "said"),
    [
        ("lead_consent", True, {"lead_consent": True}, None),
        ("lead_consent", False, {"lead_consent": False, "requested_slot": None}, None),
        ("lead_name", "je m'appelle Ana  Exemple", {"lead_name": "Ana Exemple"}, None),
        ("lead_name", "1234", {"lead_name": None}, "lead_bad_name"),
        (
            "lead_organization",
            "notre organisme est La Relève",
            {"lead_organization": "La Relève"},
            None,
        ),
        ("lead_organization", "x" * 201, {"lead_organization": None}, "lead_bad_organization"),
        ("lead_email", "c'est ana@example.org", {"lead_email": "ana@example.org"}, None),
        ("lead_email", "ana@example", {"lead_email": None}, "lead_bad_email"),
        ("lead_message", "<b>Bonjour</b>", {"lead_message": "<b>Bonjour</b>"}, None),
        ("lead_message", "-", {"lead_message": "-"}, None),
        ("lead_message", "x" * 2001, {"lead_message": None}, "lead_bad_message"),
        ("lead_confirmed", True, {"lead_confirmed": True}, None),
        ("lead_confirmed", False, {"lead_confirmed": None}, "lead_what_to_correct"),
        (
            "lead_confirmed",
            "plutôt ana@example.ca",
            {"lead_email": "ana@example.ca", "lead_confirmed": None},
            None,
        ),
    ],
)
@pytest.mark.parametrize("language", ["fr", "en"])
def test_each_detail_is_checked(
    language: str, slot: str, value: Any, slots: dict[str, Any], said: str | None
) -> None:
    found = run("validate_interest_form", language, text=str(value), told={slot: value}, heard={})
    assert found.slots == slots
    assert found.texts == ([wording(said, language)] if said else [])


def test_a_signature_gives_several_details_at_once() -> None:
    text = "Ana Exemple, Maison des jeunes, ana@example.org"
    found = run(
        "validate_interest_form",
        text=text,
        told={"lead_name": text},
        heard={"names": {"persons": ["Ana Exemple"], "organizations": ["Maison des jeunes"]}},
    )
    assert found.slots == {
        "lead_name": "Ana Exemple",
        "lead_organization": "Maison des jeunes",
        "lead_email": "ana@example.org",
    }


@pytest.mark.parametrize(
    ("slot", "text", "slots", "said"),
    [
        (
            "lead_confirmed",
            "le nom c'est Anne Roy, pis enlève le message",
            {"lead_name": "Anne Roy", "lead_message": "-", "lead_confirmed": None},
            [],
        ),
        (
            "lead_confirmed",
            "my name is misspelled",
            {"lead_name": None, "lead_confirmed": None},
            [],
        ),
        ("lead_confirmed", "un deux trois", {"lead_confirmed": None}, ["lead_what_to_correct"]),
        (
            "lead_message",
            "oh non, c'est pas le bon courriel, c'est ana@example.ca",
            {"lead_email": "ana@example.ca", "lead_message": None},
            ["lead_corrected"],
        ),
        (
            "lead_message",
            "On est libres le mardi. Ah pis l'organisme c'est La Relève tout court",
            {"lead_organization": "La Relève", "lead_message": "On est libres le mardi"},
            ["lead_corrected"],
        ),
        ("lead_message", "rien", {"lead_message": "-"}, []),
        (
            "lead_name",
            "Ana Exemple, de la Maison",
            {"lead_name": "Ana Exemple", "lead_organization": "Maison"},
            [],
        ),
    ],
)
def test_a_correction_is_taken_wherever_it_is_said(
    slot: str, text: str, slots: dict[str, Any], said: list[str]
) -> None:
    found = run("validate_interest_form", text=text, slots=FULL, told={slot: text}, heard={})
    assert found.slots == slots
    beginnings = [CONTENT.wording[key]["fr"].partition("{")[0] for key in said]
    assert len(found.texts) == len(said)
    assert all(map(str.startswith, found.texts, beginnings))


def test_what_was_said_of_oneself_on_the_way_is_not_asked_again() -> None:
    text = "Rappelez-moi! Je m'appelle Ana Exemple, de La Relève, ana@example.org"
    started = run("action_lead_start", text=text)
    assert started.slots["lead_name"] == "Ana Exemple"
    assert started.slots["lead_organization"] == "La Relève"
    assert started.slots["lead_email"] == "ana@example.org"
    heard = {"names": {"persons": ["Ana Exemple"], "organizations": []}}
    agreed = run(
        "validate_interest_form",
        text="D'accord. Ana Exemple du Relais",
        told={"lead_consent": True},
        heard=heard,
    )
    assert agreed.slots == {
        "lead_consent": True,
        "lead_name": "Ana Exemple",
        "lead_organization": "Relais",
    }


@pytest.mark.parametrize(
    ("entities", "slots", "field"),
    [
        ({"field": "lead_name"}, FULL, "lead_name"),
        ({"field": "language"}, FULL, "lead_message"),  # no detail: the last one given
        ({}, {"lead_consent": True, "lead_name": "Ana"}, "lead_name"),
        ({}, {}, "lead_consent"),
    ],
)
def test_one_detail_is_taken_back(
    entities: dict[str, Any], slots: dict[str, Any], field: str
) -> None:
    found = run("action_lead_back", entities=entities, slots=slots)
    assert found.slots == {field: None, "lead_confirmed": None}


# --- erasing


@pytest.mark.parametrize("language", ["fr", "en"])
def test_erasing_that_is_not_wanted_after_all_is_said_not_to_have_been_done(
    database: Database, language: str
) -> None:
    run("action_lead_submit", language, slots=FULL)
    found = run("action_delete_my_data", language, entities={"confirmed": "no"})
    assert found.texts == [wording("nothing_erased", language)]
    assert len(rows(database, leads)) == 1


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("entities", [{}, {"confirmed": True}])
def test_erasing_is_asked_first(
    database: Database, language: str, entities: dict[str, Any]
) -> None:
    run("action_lead_submit", language, slots=FULL)
    found = run("action_delete_my_data", language, entities=entities)
    assert found.texts == [wording("erase_question", language)]
    assert found.messages[0]["mobilis"]["offer"] == '/delete_my_data{"confirmed": "yes"}'
    assert found.events == []
    assert len(rows(database, leads)) == 1
    assert rows(database, erasures) == []


@pytest.mark.parametrize("language", ["fr", "en"])
def test_erasing_once_confirmed_leaves_a_trace_that_names_nobody(
    database: Database, language: str
) -> None:
    with database.write() as connection:
        talk = open_conversation(connection, language).conversation_id
        for number in (1, 2):
            receive_text(connection, talk, f"message-{number}", "mon secret")
    run("action_lead_submit", language, slots=FULL, conversation=talk)
    run("action_lead_submit", language, slots=FULL, conversation="another talk")
    found = run(
        "action_delete_my_data",
        language,
        entities={"confirmed": "yes"},
        conversation=talk,
        message_id="message-2",
    )
    assert found.texts == [wording("erased", language)]
    assert [event["event"] for event in found.events] == ["reset_slots", "slot"]
    assert found.slots == {"language": language}
    assert [lead.conversation_id for lead in rows(database, leads)] == ["another talk"]
    assert [(row.id, row.text) for row in rows(database, inbox)] == [("message-2", "")]
    [trace] = rows(database, erasures)
    assert trace.channel == "web"


# --- the assessment


def test_a_result_is_stored_once_with_its_answers(database: Database) -> None:
    given = {"slots": {"assessment_answers": answered(*"aaaab")}}
    first, again = (run("action_assessment_result", "en", **given) for _ in range(2))
    assert first.texts == again.texts
    [kept] = rows(database, assessments)
    shown = first.messages[0]["mobilis"]["result"]
    assert (kept.band, kept.total, kept.gaps) == (shown["band"], shown["score"], shown["gaps"])
    assert kept.answers == given["slots"]["assessment_answers"]
    assert (kept.version, kept.language) == (ASSESSMENT.version, "en")
    assert wording("score", "en", total=shown["score"], of=shown["of"]) in first.texts[0]
    assert first.slots == {"assessment_answer": None, "assessment_question": None}


@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_result_names_its_page_and_lists_the_answers(database: Database, language: str) -> None:
    given = {"slots": {"assessment_answers": answered(*"aaacb")}}
    first, again = (run("action_assessment_result", language, **given) for _ in range(2))
    shown = first.messages[0]["mobilis"]["result"]
    assert again.messages[0]["mobilis"]["result"] == shown
    [kept] = rows(database, assessments)
    assert shown["url"] == f"/r/{kept.page_id}"
    assert kept.page_until - kept.created_at > timedelta(days=6)
    assert [answer["question"] for answer in shown["answers"]] == [q.id for q in QUESTIONS]
    assert [(answer["points"], answer["of"]) for answer in shown["answers"]] == [
        *[(3, 3)] * 3,
        (1, 3),
        (2, 3),
    ]
    option = QUESTIONS[4].option("b")
    assert option is not None
    assert shown["answers"][4] == {
        "question": "capacity",
        "title": QUESTIONS[4].gap[language],
        "answer": option.title[language],
        "points": 2,
        "of": 3,
    }


def test_a_result_that_ended_early_lists_what_was_answered(database: Database) -> None:
    slots = {"assessment_answers": answered("c"), "assessment_gate_confirmed": True}
    [message] = run("action_assessment_result", slots=slots).messages
    shown = message["mobilis"]["result"]
    assert (shown["score"], shown["gaps"]) == (None, [])
    assert [answer["question"] for answer in shown["answers"]] == ["aim"]
    [kept] = rows(database, assessments)
    assert shown["url"] == f"/r/{kept.page_id}"


@pytest.mark.parametrize("language", ["fr", "en"])
def test_an_answer_in_ones_own_words_is_read_back(language: str) -> None:
    option = ASSESSMENT.questions[0].option("b")
    assert option is not None
    for heard, key in (
        ({"read": True}, "assessment_noted"),
        ({"unsure": True}, "assessment_unsure"),
    ):
        found = run(
            "validate_assessment_form",
            language,
            text="dans mes mots",
            told={"assessment_answer": "b"},
            heard=heard,
        )
        assert found.texts == [wording(key, language, noted=option.noted[language])]
        kept = found.slots["assessment_answers"]["aim"]
        assert kept == {"option": "b", "unsure": "unsure" in heard, "text": "dans mes mots"}
        assert found.slots["assessment_answer"] is None
        assert "requested_slot" not in found.slots


def test_the_last_answer_ends_the_form() -> None:
    slots = {"assessment_answers": answered(*"aaaa")}
    found = run("validate_assessment_form", slots=slots, told={"assessment_answer": "a"})
    assert found.slots["requested_slot"] is None
    assert len(found.slots["assessment_answers"]) == 5


@pytest.mark.parametrize("told", ["z", "confirm", "", "15"])
def test_an_answer_that_is_none_changes_nothing(told: str) -> None:
    found = run("validate_assessment_form", told={"assessment_answer": told})
    assert found.slots == {"assessment_answer": None}
    assert found.texts == []


@pytest.mark.parametrize("language", ["fr", "en"])
def test_an_answer_that_ends_it_early_is_confirmed_first(language: str) -> None:
    question, option = next(
        (q, o) for q in ASSESSMENT.questions for o in q.options if o.flag in q.gate
    )
    before = answered(*"aaaaa"[: question.number - 1])
    slots = {"assessment_answers": before}
    noted = run(
        "validate_assessment_form", language, slots=slots, told={"assessment_answer": option.id}
    )
    assert "requested_slot" not in noted.slots
    slots = {"assessment_answers": noted.slots["assessment_answers"]}
    asked = run("action_ask_assessment_answer", language, slots=slots)
    assert asked.texts == [question.gate[option.flag][language]]
    assert asked.payloads == ["/go_back", '/answer{"option": "confirm"}']
    assert asked.slots == {"assessment_question": "gate"}
    done = run(
        "validate_assessment_form", language, slots=slots, told={"assessment_answer": "confirm"}
    )
    assert done.slots["assessment_gate_confirmed"] is True
    assert done.slots["requested_slot"] is None


@pytest.mark.parametrize("language", ["fr", "en"])
def test_two_close_answers_are_offered(language: str) -> None:
    found = run("action_ask_assessment_answer", language, heard={"answer_options": ["a", "c"]})
    assert found.kinds == ["clarify"]
    assert found.payloads == [ASKED % "a", ASKED % "c"]
    assert found.messages[0]["mobilis"]["candidates"] == found.payloads


GONE = {"assessment_question": "gone", "assessment_answers": answered("a")}


@pytest.mark.parametrize("heard", [None, {}, {"read": True}])
@pytest.mark.parametrize("entities", [{}, {"question": "gone"}])
def test_an_answer_to_a_question_that_has_left_the_content_is_none(
    heard: dict[str, Any] | None, entities: dict[str, str]
) -> None:
    found = run(
        "validate_assessment_form",
        slots=GONE,
        told={"assessment_answer": "b"},
        entities=entities,
        heard=heard,
    )
    assert (found.texts, found.slots) == ([], {"assessment_answer": None})
    assert (
        run("action_assessment_answer", entities={**entities, "option": "b"}, slots=GONE).events
        == []
    )
    asked = run("action_ask_assessment_answer", slots=GONE, heard=heard)
    changed = wording("assessment_changed", "fr")
    assert asked.texts == [changed, ASSESSMENT.questions[1].text["fr"]]
    assert asked.slots == {"assessment_question": ASSESSMENT.questions[1].id}


@pytest.mark.parametrize("language", ["fr", "en"])
def test_an_option_that_has_left_the_content_is_told(language: str) -> None:
    entities = {"question": "impact", "option": "z"}
    slots = {"assessment_question": "impact", "assessment_answers": answered("a")}
    found = run("action_assessment_answer", language, entities=entities, slots=slots)
    assert (found.texts, found.events) == ([wording("assessment_changed", language)], [])


@pytest.mark.parametrize("heard", [None, {"label": "faq/gone"}])
def test_a_question_of_the_faq_that_has_left_the_content_is_told(heard: Any) -> None:
    picked = {} if heard else {"faq_id": "gone"}
    found = run("action_faq", "en", heard=heard, entities=picked)
    assert (found.texts, found.events) == ([wording("answer_gone", "en")], [])
    beside = run("action_faq", "en", heard={"label": "faq/gone", "also": ["faq/cost"]})
    assert [message["mobilis"]["faq"]["id"] for message in beside.messages] == ["cost"]


def test_what_has_left_the_content_is_not_offered() -> None:
    guesses = ["faq/gone", "faq/cost"]
    found = run("action_clarify", "en", heard={"guesses": guesses, "labels": []})
    assert found.payloads == ['/faq{"faq_id": "cost"}', "/out_of_scope"]


def test_an_answer_is_for_the_question_that_was_asked_last() -> None:
    slots = {"assessment_question": "impact"}  # since then, another one was put before it
    found = run("validate_assessment_form", slots=slots, told={"assessment_answer": "b"}, heard={})
    assert list(found.slots["assessment_answers"]) == ["impact"]


def test_starting_again_goes_on_or_begins_afresh() -> None:
    going_on = run("action_assessment_start", slots={"assessment_answers": answered("a")})
    assert going_on.texts == [wording("assessment_resumed", "fr")]
    afresh = run("action_assessment_start", slots={"assessment_answers": answered(*"aaaaa")})
    assert afresh.slots["assessment_answers"] is None
    assert afresh.texts == []


def test_going_back_takes_one_answer_back() -> None:
    found = run("action_assessment_back", slots={"assessment_answers": answered("a", "b")})
    assert found.slots["assessment_answers"] == answered("a")
    first = run("action_assessment_back", "en")
    assert (first.texts, first.slots) == ([wording("assessment_first_question", "en")], {})


# --- not understood


@pytest.mark.parametrize("language", ["fr", "en"])
def test_what_is_not_understood_is_kept_without_its_text(database: Database, language: str) -> None:
    heard = {"labels": [{"label": "greet", "confidence": 0.1}]}
    given = {"text": "je suis Ana Exemple", "intent": "nlu_fallback", "heard": heard}
    for _ in range(2):
        found = run("action_not_understood", language, **given)
        assert found.texts == [wording("lost", language)]
    [kept] = rows(database, unhandled)
    assert (kept.text, kept.outcome, kept.language) == ("", "lost", language)
    assert kept.guesses == heard["labels"]


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_second_time_in_a_row_a_person_is_offered(language: str) -> None:
    before = {"event": "user", "parse_data": {"intent": {"name": "nlu_fallback"}}}
    given = {"intent": "nlu_fallback", "heard": {}}
    found = run("action_not_understood", language, events=[before], **given)
    assert found.texts == [wording("lost_again", language)]
    assert found.messages[0]["mobilis"]["offer"] == "/request_human"
    between = {"event": "user", "parse_data": {"intent": {"name": "faq"}}}
    found = run("action_not_understood", language, events=[before, between], **given)
    assert found.texts == [wording("lost", language)]


@pytest.mark.parametrize("language", ["fr", "en"])
def test_another_language_is_answered_in_both_and_not_kept(
    database: Database, language: str
) -> None:
    found = run("action_not_understood", language, heard={"foreign": True})
    assert found.texts == [wording("foreign", language)]
    assert rows(database, unhandled) == []


@pytest.mark.parametrize("language", ["fr", "en"])
def test_what_cannot_be_read_is_asked_for_in_words(language: str) -> None:
    found = run("action_not_understood", language, heard={"readable": False})
    assert found.texts == [wording("unreadable", language)]


def test_between_two_answers_the_form_asks_which(database: Database) -> None:
    heard = {"answer_options": ["a", "b"]}
    assert run("action_clarify", heard=heard).messages == []
    assert [row.outcome for row in rows(database, unhandled)] == ["clarified"]


PICKED = '/faq{"faq_id": "cost"}'
OFFERED = {"kind": "clarify", "candidates": [PICKED, '/answer{"question": "aim", "option": "a"}']}
ASKED_AGAIN = {"kind": "question"}


def said_before(intent: str = "ambiguous", *answers: dict[str, Any]) -> list[dict[str, Any]]:
    """The visitor's last message and what it was answered."""
    asked = {"event": "user", "message_id": "message-0", "parse_data": {"intent": {"name": intent}}}
    return [asked, *({"event": "bot", "metadata": {"mobilis": answer}} for answer in answers)]


@pytest.mark.parametrize(
    ("events", "given", "meant"),
    [
        # picked by its button, by its number, and with a form that asked again in between
        (
            said_before("ambiguous", OFFERED),
            {"text": PICKED, "intent": "faq", "entities": {"faq_id": "cost"}},
            ("faq/cost", None),
        ),
        (
            said_before("ambiguous", OFFERED),
            {"heard": {"picked": PICKED}, "intent": "faq", "entities": {"faq_id": "cost"}},
            ("faq/cost", None),
        ),
        (
            said_before("ambiguous", OFFERED, ASKED_AGAIN),
            {
                "text": OFFERED["candidates"][1],
                "intent": "answer",
                "entities": {"question": "aim", "option": "a"},
            },
            ("answer/aim/a", None),
        ),
        # none of these
        (
            said_before("ambiguous", OFFERED),
            {"text": "/out_of_scope", "intent": "out_of_scope"},
            ("none", None),
        ),
        # said another way
        (
            said_before("ambiguous", OFFERED),
            {"heard": {"label": "faq/timeline"}, "intent": "faq"},
            (None, "faq/timeline"),
        ),
        (
            said_before("nlu_fallback", {"kind": "text"}),
            {"heard": {"label": "find_coach"}, "intent": "find_coach"},
            (None, "find_coach"),
        ),
        (
            said_before("nlu_fallback", ASKED_AGAIN),
            {
                "heard": {"label": "answer"},
                "intent": "answer",
                "entities": {"option": "b"},
                "slots": {"assessment_question": "aim"},
            },
            (None, "answer/aim/b"),
        ),
        (
            said_before("nlu_fallback", ASKED_AGAIN),
            {
                "text": OFFERED["candidates"][1],
                "intent": "answer",
                "entities": {"question": "aim", "option": "a"},
            },
            (None, "answer/aim/a"),
        ),
        # nothing told
        (
            said_before("nlu_fallback", ASKED_AGAIN),
            {"intent": "answer", "entities": {"option": "confirm"}},
            (None, None),
        ),
        (
            said_before("nlu_fallback", {"kind": "text"}),
            {"text": "/request_human", "intent": "request_human"},
            (None, None),
        ),
        (
            said_before("nlu_fallback"),
            {"heard": {"label": "nlu_fallback"}, "intent": "nlu_fallback"},
            (None, None),
        ),
        (
            said_before("nlu_fallback"),
            {"heard": {"label": "inform"}, "intent": "inform"},
            (None, None),
        ),
        (
            said_before("faq", {"kind": "faq"}),
            {"heard": {"label": "find_coach"}, "intent": "find_coach"},
            (None, None),
        ),
        ([], {"heard": {"label": "find_coach"}, "intent": "find_coach"}, (None, None)),
    ],
)
def test_what_a_message_turned_out_to_mean_is_kept(
    database: Database,
    events: list[dict[str, Any]],
    given: dict[str, Any],
    meant: tuple[str | None, str | None],
) -> None:
    keep_unhandled(
        database,
        conversation_id=TALK,
        message_id="message-0",
        language="fr",
        outcome="clarified",
        guesses=[],
    )
    run("action_validate_slot_mappings", events=events, **given)
    assert [(r.chosen, r.followed_by) for r in rows(database, unhandled)] == [meant]


@pytest.mark.parametrize(
    ("form", "question", "kept"),
    [
        ("assessment_form", "aim", "aim"),
        ("assessment_form", "gate", None),
        (None, "aim", None),
        ("interest_form", "aim", None),
    ],
)
def test_the_question_that_was_open_is_kept(
    database: Database, form: str | None, question: str, kept: str | None
) -> None:
    run(
        "action_not_understood",
        intent="nlu_fallback",
        heard={},
        slots={"assessment_question": question},
        form=form,
    )
    assert [row.question for row in rows(database, unhandled)] == [kept]


# --- language, province, questions, coaches


@pytest.mark.parametrize(("language", "other"), [("fr", "en"), ("en", "fr")])
def test_the_language_follows_what_is_typed(language: str, other: str) -> None:
    name = "action_validate_slot_mappings"
    assert run(name, language, heard={"language": other}).slots == {"language": other}
    assert run(name, language, heard={"language": None}).slots == {}
    assert run(name, language, heard={"language": language}).slots == {}
    assert run(name, language, entities={"language": other}).slots == {"language": other}
    assert run(name, language, entities={"language": "es"}).slots == {}


@pytest.mark.parametrize(("language", "other"), [("fr", "en"), ("en", "fr")])
def test_a_button_switches_the_language(language: str, other: str) -> None:
    found = run("action_switch_language", language)
    assert found.texts == [wording("language_switched", other)]
    assert found.slots == {"language": other}


def test_one_province_is_remembered_and_two_are_not() -> None:
    name = "action_validate_slot_mappings"
    assert run(name, heard={"facets": {"region": ["QC"]}}).slots == {"province": "QC"}
    assert run(name, heard={"facets": {"region": ["QC", "ON"]}}).slots == {}


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("faq_id", sorted(CONTENT.faqs))
def test_every_question_has_its_answer(faq_id: str, language: str) -> None:
    found = run("action_faq", language, entities={"faq_id": faq_id})
    assert found.kinds == ["faq"]
    faq = found.messages[0]["mobilis"]["faq"]
    assert faq["id"] == faq_id
    assert all(source["url"].startswith("https://") for source in faq["sources"])
    assert CONTENT.faqs[faq_id].answer[language] in found.texts[0]
    assert found.slots == {"topic": f"faq/{faq_id}"}
    check_choices(found)


@pytest.mark.parametrize("language", ["fr", "en"])
def test_two_questions_are_both_answered(language: str) -> None:
    heard = {"label": "faq/cost", "also": ["faq/languages", "find_coach"]}
    found = run("action_faq", language, heard=heard)
    assert found.kinds == ["faq", "faq", "text"]
    assert found.messages[0]["buttons"] == []
    assert found.texts[2] == wording("also_asked", language)
    assert found.slots == {"topic": "faq/languages"}


@pytest.mark.parametrize(
    ("text", "key"),
    [("quelle recette de tarte", "declined"), ("t'es un imbécile", "declined_calm")],
)
def test_what_is_declined_is_declined_in_kind(text: str, key: str) -> None:
    assert run("action_out_of_scope", text=text, heard={}).texts == [wording(key, "fr")]


@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_partisan_request_gets_the_rule(language: str) -> None:
    found = run("action_out_of_scope", language, text="help me campaign for the Liberals", heard={})
    assert found.texts[0] == wording("declined_partisan", language)
    assert found.messages[1]["mobilis"]["faq"]["id"] == "cra_nonpartisan"


@pytest.mark.parametrize("language", ["fr", "en"])
def test_coaches_are_shown_three_at_a_time(language: str) -> None:
    heard = {"facets": {"region": ["QC"]}}
    found = run("action_find_coach", language, heard=heard)
    assert found.kinds == ["coaches"]
    cards = found.messages[0]["mobilis"]["coaches"]
    assert 1 <= len(cards) <= 3
    assert all("QC" in card["regions"] for card in cards)
    assert all(card["facts"]["reasons"] in card["facts"]["regions"] for card in cards)
    contacts = [f'/declare_interest{{"coach_id": "{card["id"]}"}}' for card in cards]
    assert found.payloads[: len(cards)] == contacts
    assert found.slots["coach_wishes"] == {"region": ["QC"]}
    more = run(
        "action_more_coaches",
        language,
        slots={"coach_wishes": {"region": ["QC"]}, "coach_offset": found.slots["coach_offset"]},
    )
    others = more.messages[0]["mobilis"].get("coaches", [])
    assert not {card["id"] for card in others} & {card["id"] for card in cards}


@pytest.mark.parametrize("language", ["fr", "en"])
def test_after_the_last_coach_there_is_no_more(language: str) -> None:
    found = run("action_more_coaches", language, slots={"coach_offset": 500})
    assert found.texts == [wording("coaches_no_more", language)]
    assert found.slots["coach_offset"] == 500


@pytest.mark.parametrize("language", ["fr", "en"])
def test_an_empty_directory_says_so(database: Database, language: str) -> None:
    with database.write() as connection:
        connection.exec_driver_sql("DELETE FROM coaches")
    found = run("action_find_coach", language, slots={"coach_asked": True})
    assert found.texts == [wording("coaches_none", language)]


def test_a_wish_of_a_button_replaces_the_old_one() -> None:
    found = run(
        "action_find_coach",
        entities={"coach_region": "ON"},
        slots={"coach_wishes": {"region": ["QC"], "topic": ["housing"]}},
    )
    assert found.slots["coach_wishes"] == {"region": ["ON"], "topic": ["housing"]}


@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_request_for_a_person_is_told_the_same_when_its_turn_is_taken_again(language):
    first, again = (run("action_request_human", language, message_id="asked-1") for _ in range(2))
    assert again.messages == first.messages
    assert first.messages[0]["mobilis"]["lead"]["kind"] == "person"
    later = run("action_request_human", language, message_id="asked-2")
    assert later.messages != first.messages
    assert "lead" not in later.messages[0]["mobilis"]


# --- what goes on from an answer


def told_in(language: str) -> list[dict[str, Any]]:
    """That the assistant has answered in a language."""
    said = {"mobilis": {"kind": "faq", "language": language}}
    return [{"event": "bot", "text": "…", "metadata": said}]


def pressed(text: str, language: str = "fr", before: str = "fr", **heard: Any) -> Heard:
    """What is answered to `text`, understood as the question that was just answered."""
    label = "faq/lobbying_registration"
    return run(
        "action_faq",
        language,
        text=text,
        intent="faq",
        slots={"topic": label},
        heard={"label": label, **heard},
        events=told_in(before),
    )


def test_what_presses_on_an_answer_is_told_from_its_lines_with_its_notice() -> None:
    [said] = pressed("pis les bénévoles?").texts
    assert "bénévoles" in said
    assert "2 mois" not in said
    assert said.endswith(f"*{CONTENT.notices['general_information']['fr']}*")
    assert pressed("pis les bénévoles?").payloads[-1] == "/request_human"


def test_where_no_line_is_about_it_there_is_nothing_more_precise() -> None:
    [said] = pressed("et sinon?").texts
    first, *_, last = CONTENT.faqs["lobbying_registration"].answer["fr"].splitlines()
    assert said.startswith(CONTENT.wording["faq_again"]["fr"].split("{")[0] + first)
    assert CONTENT.faqs["lobbying_registration"].not_published["fr"] in said
    assert last not in said
    assert said.endswith(f"*{CONTENT.notices['general_information']['fr']}*")


def test_a_province_that_an_answer_speaks_of_is_told_by_itself() -> None:
    [said] = pressed("et en Ontario?", facets={"region": ["ON"]}).texts
    assert CONTENT.faqs["lobbying_registration"].regions["ON"]["fr"] in said
    assert "2 mois" not in said


def test_in_the_other_language_an_answer_is_given_whole() -> None:
    [said] = pressed("et sinon?", before="en").texts
    assert said.startswith("**L'obligation")


def test_a_button_brings_the_whole_answer_again() -> None:
    heard = run(
        "action_faq",
        slots={"topic": "faq/cost"},
        entities={"faq_id": "cost"},
        events=told_in("fr"),
    )
    assert heard.texts[0].startswith("Innoweave offre")


@pytest.mark.parametrize(
    ("faq_id", "key"), [("lobbying_registration", "faq_sources"), ("cost", "faq_source_page")]
)
def test_the_source_of_an_answer_is_told_when_it_is_asked_for(faq_id: str, key: str) -> None:
    label = f"faq/{faq_id}"
    heard = run("action_faq", heard={"label": label, "asks": "source"}, slots={"topic": label})
    [message] = heard.messages
    assert message["text"].startswith(CONTENT.wording[key]["fr"])
    assert bool(message["mobilis"]["faq"]["sources"]) == (key == "faq_sources")


def test_the_sources_of_another_question_are_told_by_its_title() -> None:
    heard = run("action_faq", heard={"label": "faq/cra_limits", "asks": "source"})
    [said] = heard.texts
    title = CONTENT.faqs["cra_limits"].title["fr"]
    assert said == wording("faq_sources_of", "fr", title=title)
    assert heard.slots == {"topic": "faq/cra_limits"}


def test_a_search_that_was_asked_beside_a_question_keeps_its_wishes() -> None:
    heard = {"label": "faq/cost", "also": ["find_coach"], "facets": {"region": ["NB"]}}
    assert run("action_faq", heard=heard).slots["coach_wishes"] == {"region": ["NB"]}
    assert "coach_wishes" not in run("action_faq", heard={**heard, "also": []}).slots


def test_that_the_directory_lists_two_languages_is_told() -> None:
    heard = run("action_find_coach", "en", heard={"facets": {"region": ["ON"]}})
    assert wording("coaches_two_languages", "en") not in heard.texts[0]
    asked = {"facets": {"region": ["ON"]}, "other_language": True}
    heard = run("action_find_coach", "en", heard=asked)
    assert wording("coaches_two_languages", "en") in heard.texts[0]


def test_what_is_said_after_an_address_is_the_message() -> None:
    text = "a@b.ca, mais un appel m'irait mieux"
    told = {"lead_email": text}
    heard = run("validate_interest_form", text=text, told=told, form="interest_form")
    note = "un appel m'irait mieux"
    assert heard.slots == {"lead_email": "a@b.ca", "lead_message": note}
    assert heard.texts == [wording("lead_noted", "fr", message=note)]
    there = {"lead_message": "déjà"}
    heard = run("validate_interest_form", text=text, told=told, slots=there, form="interest_form")
    assert heard.slots == {"lead_email": "a@b.ca"}


def test_coaches_are_described_and_the_wishes_stay() -> None:
    ids = ["amina-erable", "nobody"]
    heard = run("action_find_coach", "en", heard={"about": ids, "facets": {"level": ["federal"]}})
    [message] = heard.messages
    assert [card["id"] for card in message["mobilis"]["coaches"]] == ["amina-erable"]
    assert message["text"].startswith(CONTENT.wording["coaches_described"]["en"].split("{")[0])
    assert heard.slots == {"topic": "find_coach"}


def test_coaches_who_are_gone_are_searched_for_anew() -> None:
    heard = run("action_find_coach", heard={"about": ["nobody"], "facets": {"region": ["QC"]}})
    assert heard.slots["coach_wishes"] == {"region": ["QC"]}


def test_that_the_coaches_are_invented_is_told_with_where_the_real_ones_are() -> None:
    heard = run("action_find_coach", heard={"asks": "real_coaches"})
    [said] = heard.texts
    assert said.startswith(CONTENT.wording["coaches_fictional"]["fr"])
    assert "innoweave.ca" in said
    assert not heard.slots


def test_no_time_is_promised_for_an_answer_and_no_case_is_opened(database: Database) -> None:
    heard = run("action_request_human", heard={"asks": "reply_time"})
    assert heard.texts == [CONTENT.wording["reply_time"]["fr"]]
    assert not rows(database, leads)
    assert heard.slots == {"topic": "request_human"}


def test_coaches_who_were_shown_earlier_are_remembered() -> None:
    earlier = {f"Joindre {number}": "/x" for number in range(12)}
    heard = run("action_find_coach", slots={"coach_asked": True, "coaches_shown": earlier})
    shown = heard.slots["coaches_shown"]
    assert len(shown) == 12
    assert [*shown][-1] == heard.messages[0]["buttons"][2]["title"]
    assert "Joindre 11" in shown
    assert "Joindre 0" not in shown


def test_what_a_search_wished_for_is_kept_while_it_is_asked_about() -> None:
    heard = {"guesses": ["find_coach"], "labels": [], "facets": {"region": ["NS"]}}
    assert run("action_clarify", heard=heard).slots == {"coach_wishes": {"region": ["NS"]}}
    other = {"guesses": ["faq/cost"], "labels": [], "facets": {"region": ["NS"]}}
    assert run("action_clarify", heard=other).slots == {}
