"""What nobody should send, through the whole assistant: answered or refused in the visitor's
language, with nothing lost and nothing executed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from processes import Stack
from sqlalchemy import func, inspect, select
from visitors import Visitor, new_id

from mobilis.contact_details import LIMITS
from mobilis.content import load_content
from mobilis.models import erasures, inbox, leads, metadata, outbox, unhandled
from mobilis.settings import ROOT
from mobilis.store import Database
from mobilis.wording import load_wording

WORDING = load_content(ROOT).wording
ERRORS = load_wording(ROOT).errors
QUESTIONS = {
    "fr": "Combien coûte l'accompagnement?",
    "en": "How much does the coaching cost?",
}
OTHER_QUESTIONS = {
    "fr": "Est-ce que l'accompagnement est offert en français?",
    "en": "Is the coaching available in French?",
}
FOREIGN = [
    "¿Cuánto cuesta el acompañamiento para una organización pequeña como la nuestra?",
    "Wie viel kostet die Begleitung für einen kleinen Verein wie unseren?",
    "我们的组织很小，辅导要多少钱？",
    "كم تكلفة المرافقة لمنظمة صغيرة مثل منظمتنا؟",
]
COMMANDS = [
    "/restart",
    "/session_start",
    '/inform{"score":15}',
    '/answer{"question": "impact", "option": "a"}',
    '/delete_my_data{"confirmed":"yes"}',
    '/conversation_opened{"language": "en"}',
    '/declare_interest{"coach_id": "amina-erable"}',
    "  /restart",
    "\u200b/restart",
    "\u2060/restart",
    "\uff0frestart",
    "/restart\n/restart",
    "/faq/cost",
    '/affirm@1.0{"confirmed":"yes"}',
]


def refused(response: Any, status: int, code: str, language: str) -> None:
    assert response.status_code == status, response.text
    expected = ERRORS[code][language].format(limit=2000, seconds=5)
    assert response.json() == {"error": {"code": code, "message": expected}}
    assert response.headers["content-language"] == language


def one_says(messages: list[dict[str, Any]], key: str, language: str) -> bool:
    return [m["text"] for m in messages].count(WORDING[key][language]) == 1


def only_in(messages: list[dict[str, Any]], language: str) -> bool:
    return bool(messages) and {message["language"] for message in messages} == {language}


def faqs(messages: list[dict[str, Any]]) -> list[str]:
    return [message["faq"]["id"] for message in messages if message["kind"] == "faq"]


def count(database: Database, table: Any, *where: Any) -> int:
    with database.read() as connection:
        query = select(func.count()).select_from(table).where(*where)
        return int(connection.execute(query).scalar_one())


def begin_assessment(visitor: Visitor) -> dict[str, Any]:
    """Answer the first question; the second one, as it is asked."""
    visitor.presses("/start_assessment")
    [question] = visitor.presses('/answer{"question": "aim", "option": "a"}')
    assert question["question"]["id"] == "impact"
    return question


# --- nothing, too much, nothing to read


@pytest.mark.parametrize("text", ["", "   ", "\n\t", "\x00\x07\x1b", "\u200b\u2060"])
def test_an_empty_message_is_refused_and_reaches_nobody(visitor: Visitor, text: str) -> None:
    before, heard = visitor.history(), visitor.remembered("user")
    refused(visitor.say(text), 422, "text_empty", visitor.language)
    assert (visitor.history(), visitor.remembered("user")) == (before, heard)


def test_a_megabyte_is_refused_and_the_conversation_goes_on(visitor: Visitor) -> None:
    before = visitor.history()
    refused(visitor.say("é" * 1_000_000), 413, "body_too_large", visitor.language)
    refused(visitor.say("a " * 1001), 422, "text_too_long", visitor.language)
    assert visitor.history() == before
    assert faqs(visitor.hears(QUESTIONS[visitor.language])) == ["cost"]


@pytest.mark.parametrize(
    "text", ["a" * 2000, "é " * 1000, "?" * 2000, "🙂" * 2000, "\n" * 1999 + "x"]
)
def test_the_longest_message_is_answered_in_time(visitor: Visitor, text: str) -> None:
    visitor.hears(QUESTIONS[visitor.language])  # what the first message loads is loaded
    began = time.monotonic()
    assert only_in(visitor.hears(text), visitor.language)
    assert time.monotonic() - began < 15


def test_a_long_message_that_asks_something_is_answered(visitor: Visitor) -> None:
    text = {
        "fr": "Bonjour, nous existons depuis longtemps. ",
        "en": "Hello, we have a long story. ",
    }
    said = text[visitor.language] * 45 + QUESTIONS[visitor.language]
    assert only_in(visitor.hears(said), visitor.language)


def test_control_characters_are_taken_out_of_a_question(visitor: Visitor) -> None:
    question = QUESTIONS[visitor.language]
    said = f"\x00{question[:4]}\x07{question[4:10]}\x1b{question[10:]}\x7f\x85\x9f"
    assert faqs(visitor.hears(said)) == ["cost"]
    assert question in [message["text"] for message in visitor.history()]


def test_turned_and_invisible_characters_do_not_hide_a_question(visitor: Visitor) -> None:
    question = QUESTIONS[visitor.language]
    said = f"\u202e{question[:6]}\u200b{question[6:]}\u202c\ufeff"
    assert faqs(visitor.hears(said)) == ["cost"]


@pytest.mark.parametrize("text", ["🙂", "🪑🪑", "❤️‍🔥 🇨🇦 🎉", "...", "?!?", "¯\\_(ツ)_/¯"])
def test_pictures_and_signs_alone_cannot_be_read(visitor: Visitor, text: str) -> None:
    found = visitor.hears(text)
    assert only_in(found, visitor.language)
    if text != "¯\\_(ツ)_/¯":  # holds a letter
        assert one_says(found, "unreadable", visitor.language)


def test_a_picture_is_no_answer_to_a_question(visitor: Visitor) -> None:
    question, known = begin_assessment(visitor), None
    known = visitor.slots()
    told, asked = visitor.hears("🤷")
    assert told["text"] == WORDING["unreadable"][visitor.language]
    assert asked["text"] == question["text"]
    assert visitor.slots() == known


@pytest.mark.parametrize("text", FOREIGN)
def test_another_language_is_answered_in_both(visitor: Visitor, text: str) -> None:
    [found] = visitor.hears(text)
    assert found["text"] == WORDING["foreign"][visitor.language]
    assert all(word in found["text"] for word in ("English", "français"))
    assert found["language"] == visitor.language
    assert count(visitor.database, unhandled, unhandled.c.conversation_id == visitor.id) == 0
    assert faqs(visitor.hears(QUESTIONS[visitor.language])) == ["cost"]


def test_another_language_in_the_assessment_changes_no_answer(visitor: Visitor) -> None:
    question = begin_assessment(visitor)
    known = visitor.slots()
    told, asked = visitor.hears(FOREIGN[0])
    assert told["text"] == WORDING["foreign"][visitor.language]
    assert asked["text"] == question["text"]
    assert visitor.slots() == known


# --- what looks like a command


@pytest.mark.parametrize("text", COMMANDS)
def test_a_typed_command_is_only_text(visitor: Visitor, text: str) -> None:
    begin_assessment(visitor)
    known, before = visitor.slots(), visitor.history()
    erased = count(visitor.database, erasures)
    assert only_in(visitor.hears(text), visitor.language)
    assert visitor.slots() == known
    assert visitor.remembered("session_started") == visitor.remembered("session_started")[:1]
    assert visitor.history()[: len(before)] == before
    assert visitor.history()[len(before)]["text"] == text
    assert count(visitor.database, erasures) == erased
    assert count(visitor.database, leads, leads.c.conversation_id == visitor.id) == 0


@pytest.mark.parametrize("text", COMMANDS)
def test_a_typed_command_is_only_text_where_nothing_is_asked(visitor: Visitor, text: str) -> None:
    before, erased = visitor.history(), count(visitor.database, erasures)
    found = visitor.hears(text)
    assert only_in(found, visitor.language)
    assert found[0]["text"] != visitor.greeting[0]["text"]
    assert visitor.history()[: len(before)] == before
    assert count(visitor.database, erasures) == erased
    assert visitor.remembered("restart") == visitor.remembered("reset_slots") == []


def test_a_command_in_a_form_is_text_too(visitor: Visitor) -> None:
    visitor.hears(
        {"fr": "je veux laisser mes coordonnées", "en": "I want to leave my details"}[
            visitor.language
        ]
    )
    visitor.presses("/affirm")
    known, texts = visitor.slots(), ["/restart", '/deny{"field": "lead_consent"}']
    for text in texts:
        found = visitor.hears(text)
        assert only_in(found, visitor.language)
        assert found[-1]["kind"] == "form"
    after = visitor.slots()
    for slot in ("lead_name", "lead_organization"):  # or taken for what was asked, as it stands
        assert after.pop(slot, None) in (None, *texts)
        known.pop(slot, None)
    assert after == known


# --- choices and tokens


def test_an_unknown_choice_is_refused_and_nothing_is_said(visitor: Visitor) -> None:
    before = visitor.history()
    for choice in ("f" * 32, "/restart", "' OR '1'='1", ""):
        refused(visitor.choose(choice), 404, "choice_unknown", visitor.language)
    assert visitor.history() == before


def test_a_used_choice_changes_no_answer(visitor: Visitor) -> None:
    visitor.presses("/start_assessment")
    first = visitor.choice('/answer{"question": "aim", "option": "a"}')
    other = visitor.choice('/answer{"question": "aim", "option": "b"}')
    assert visitor.choose(first).status_code == 200
    known, before = visitor.slots(), visitor.history()
    for choice in (first, other):
        refused(visitor.choose(choice), 409, "choice_used", visitor.language)
    assert (visitor.slots(), visitor.history()) == (known, before)


def test_a_choice_of_another_conversation_is_unknown(
    visitor: Visitor, visitor_in: Callable[..., Visitor]
) -> None:
    other = visitor_in("en")
    refused(
        visitor.choose(other.choice("/start_assessment")), 404, "choice_unknown", visitor.language
    )


def test_the_token_of_another_conversation_opens_nothing(
    visitor: Visitor, visitor_in: Callable[..., Visitor]
) -> None:
    stranger = visitor_in(visitor.language)
    headers = {**stranger.headers, "Accept-Language": visitor.language}
    before = visitor.history()
    for method, path, body in (
        ("POST", "/messages?wait=5", {"id": new_id(), "text": "bonjour"}),
        ("GET", "/messages", None),
        ("GET", "/transcript.txt", None),
        ("GET", "/events", None),
        ("DELETE", "", None),
    ):
        answer = visitor.http.request(method, visitor.url + path, json=body, headers=headers)
        refused(answer, 401, "unauthorized", visitor.language)
    assert visitor.history() == before
    assert faqs(visitor.hears(QUESTIONS[visitor.language])) == ["cost"]


# --- what is no message


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "bad_json"),
        (b'{"id": "12345678", "text": "a"', "bad_json"),
        (b"\xff\xfe{}", "bad_json"),
        (b"[" * 5000, "bad_json"),
        (b"[]", "bad_request"),
        (b'"/restart"', "bad_request"),
        (b'{"text": "a"}', "bad_request"),
        (b'{"id": "x\' OR 1=1 --", "text": "a"}', "bad_request"),
        (b'{"id": "12345678", "text": {"$gt": ""}}', "bad_request"),
        (b'{"id": "12345678", "payload": "/restart"}', "bad_request"),
    ],
)
def test_what_is_no_message_is_refused(visitor: Visitor, body: bytes, code: str) -> None:
    before = visitor.history()
    refused(visitor.post(body), 400, code, visitor.language)
    assert visitor.history() == before


def test_a_payload_beside_a_text_counts_for_nothing(visitor: Visitor) -> None:
    question = QUESTIONS[visitor.language]
    response = visitor.post({"id": new_id(), "text": question, "payload": "/restart"})
    assert faqs(response.json()["messages"]) == ["cost"]


# --- SQL and HTML

SQL = "Robert'); DROP TABLE leads; -- \" OR 1=1"
HTML = '<script>alert(1)</script> <img src=x onerror="alert(2)"> &amp; <b>gras</b>'
NOTES = {
    "fr": "Nous aimerions rencontrer la mairesse avec toute l'équipe, merci beaucoup : ",
    "en": "We would like to meet the mayor with the whole team, thank you so much: ",
}
BRACES = "{lead_email} {0.__class__} {{7*7}} ${7*7} %s %(name)s \\n"


@pytest.mark.parametrize("hostile", [SQL, HTML, BRACES])
def test_a_declaration_is_kept_as_it_was_written(visitor: Visitor, hostile: str) -> None:
    everything = set(inspect(visitor.database.engine).get_table_names())
    assert everything >= set(metadata.tables)
    counts = {name: count(visitor.database, table) for name, table in metadata.tables.items()}
    given = [
        f"Ana {hostile}",
        f"Org {hostile}",
        "o'brien+x@example.org",
        NOTES[visitor.language] + hostile,
    ]
    form(visitor)
    for field, text in zip(("organization", "email"), given):
        [asked] = visitor.hears(text)
        assert asked["text"] == WORDING[f"lead_ask_{field}"][visitor.language]
    [asked] = visitor.hears(given[2])
    assert asked["text"] == WORDING["lead_message"][visitor.language]
    [summary] = visitor.hears(given[3])
    assert summary["kind"] == "form"
    expected = WORDING["lead_summary"][visitor.language].format(
        name=given[0], organization=given[1], email=given[2], note=given[3]
    )
    assert summary["text"] == expected
    assert expected in [message["text"] for message in visitor.history()]
    visitor.presses("/affirm")
    with visitor.database.read() as connection:
        query = select(leads).where(leads.c.conversation_id == visitor.id)
        lead = connection.execute(query).one()
    assert [lead.name, lead.organization, lead.email, lead.message] == given
    assert set(inspect(visitor.database.engine).get_table_names()) == everything
    for name, table in metadata.tables.items():
        assert count(visitor.database, table) >= counts[name]


def form(visitor: Visitor) -> None:
    """Go up to the question for the name."""
    wish = {"fr": "je veux laisser mes coordonnées", "en": "I want to leave my details"}
    visitor.hears(wish[visitor.language])
    [asked] = visitor.presses("/affirm")
    assert asked["text"] == WORDING["lead_ask_name"][visitor.language]


@pytest.mark.parametrize(
    "address",
    [
        "' OR 1=1 --",
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>@example.org',
        "ana@<b>example</b>.org",
        "javascript:alert(1)",
        f"{'a' * 250}@example.org",
    ],
)
def test_what_is_no_address_is_refused(visitor: Visitor, address: str) -> None:
    form(visitor)
    visitor.hears("Ana Exemple")
    visitor.hears("Maison des jeunes")
    found = visitor.hears(address)
    assert only_in(found, visitor.language)
    assert [message["text"] for message in found] == [
        WORDING[key][visitor.language] for key in ("lead_bad_email", "lead_ask_email")
    ]
    assert visitor.slots().get("lead_email") is None


@pytest.mark.parametrize(
    ("field", "text"),
    [("name", "; -- 1=1"), ("name", "<>" * 40), ("name", "x" * (LIMITS["name"] + 1))],
)
def test_what_is_no_name_is_refused(visitor: Visitor, field: str, text: str) -> None:
    form(visitor)
    found = visitor.hears(text)
    assert [message["text"] for message in found] == [
        WORDING[key][visitor.language] for key in (f"lead_bad_{field}", f"lead_ask_{field}")
    ]


@pytest.mark.parametrize("hostile", [SQL, HTML, BRACES])
def test_sql_and_html_in_a_message_are_words(visitor: Visitor, hostile: str) -> None:
    found = visitor.hears(hostile)
    assert only_in(found, "fr") or only_in(found, "en")  # their words are English ones
    said = [message for message in visitor.history() if message["role"] == "visitor"]
    assert said[-1]["text"] == hostile
    assert visitor.hears(f"{QUESTIONS[visitor.language]} {hostile}")
    assert set(metadata.tables) <= set(inspect(visitor.database.engine).get_table_names())


@pytest.mark.parametrize("hostile", [SQL, HTML, BRACES])
def test_sql_and_html_in_an_address_find_nothing(visitor: Visitor, hostile: str) -> None:
    everything = visitor.history()
    path = f"/api/conversations/{hostile.replace('/', '')}/messages"
    assert visitor.http.get(path, headers=visitor.headers).status_code in (401, 404)
    found = visitor.http.get(
        f"{visitor.url}/messages", params={"after": hostile}, headers=visitor.headers
    )
    assert found.json()["messages"] == everything
    response = visitor.http.post("/api/conversations", json={"language": hostile})
    assert (response.status_code, response.json()["error"]["code"]) == (400, "bad_request")


def test_what_is_given_back_is_data_and_no_page(visitor: Visitor) -> None:
    visitor.hears(HTML)
    for name, kind in (("messages", "application/json"), ("transcript.txt", "text/plain")):
        response = visitor.http.get(f"{visitor.url}/{name}", headers=visitor.headers)
        assert response.headers["content-type"].startswith(kind)
        assert response.headers["x-content-type-options"] == "nosniff"
    assert HTML in response.text


# --- two at once, twice the same


def test_two_messages_at_once_are_both_answered_once_and_in_order(visitor: Visitor) -> None:
    asked = [QUESTIONS[visitor.language], OTHER_QUESTIONS[visitor.language]]
    ids = [new_id(), new_id()]
    with ThreadPoolExecutor(2) as pool:
        responses = list(pool.map(visitor.say, asked, ids))
    answers = dict(zip(ids, (response.json()["messages"] for response in responses)))
    assert [faqs(answers[id]) for id in ids] == [["cost"], ["languages"]]
    with visitor.database.read() as connection:
        mine = inbox.c.conversation_id == visitor.id
        query = select(inbox.c.id).where(mine, inbox.c.id.in_(ids)).order_by(inbox.c.position)
        came = list(connection.execute(query).scalars())
        mine = outbox.c.conversation_id == visitor.id
        query = select(outbox.c.in_reply_to).where(mine, outbox.c.in_reply_to.in_(ids))
        went = list(connection.execute(query.order_by(outbox.c.position)).scalars())
    assert went == came
    assert [e["message_id"] for e in visitor.remembered("user") if e["message_id"] in ids] == came


def test_six_messages_without_waiting_are_answered_in_order(visitor: Visitor) -> None:
    pair = [QUESTIONS[visitor.language], OTHER_QUESTIONS[visitor.language]]
    for text in pair * 3:
        assert visitor.say(text, wait=None).status_code == 202
    end = time.monotonic() + 60
    while len(faqs(visitor.history())) < 6:
        assert time.monotonic() < end, visitor.history()
        time.sleep(0.2)
    assert faqs(visitor.history()) == ["cost", "languages"] * 3


def test_two_answers_to_one_question_at_once_are_one(visitor: Visitor) -> None:
    visitor.presses("/start_assessment")
    pressed = [
        visitor.choice(f'/answer{{"question": "aim", "option": "{option}"}}') for option in "ab"
    ]
    with ThreadPoolExecutor(2) as pool:
        responses = list(pool.map(visitor.choose, pressed))
    assert sorted(response.status_code for response in responses) == [200, 409]
    [winner] = [o for o, r in zip("ab", responses) if r.status_code == 200]
    assert visitor.slots()["assessment_answers"]["aim"]["option"] == winner


def test_the_same_message_twice_is_answered_once(visitor: Visitor) -> None:
    id, question = new_id(), QUESTIONS[visitor.language]
    with ThreadPoolExecutor(4) as pool:
        responses = list(pool.map(lambda _: visitor.say(question, id), range(4)))
    responses.append(visitor.say("/restart", id))
    assert {response.status_code for response in responses} == {200}
    assert len({json.dumps(response.json(), sort_keys=True) for response in responses}) == 1
    assert faqs(visitor.history()) == ["cost"]
    heard = [event["message_id"] for event in visitor.remembered("user")]
    assert heard.count(id) == 1


@pytest.fixture(scope="module", autouse=True)
def logged_before(stack: Stack) -> int:
    """How long the log was when these tests began."""
    return stack.log.stat().st_size


def test_after_all_this_everything_still_runs(
    stack: Stack, visitor: Visitor, logged_before: int
) -> None:
    health = visitor.http.get("/healthz")
    assert health.status_code == 200, health.text
    log = stack.log.read_bytes()[logged_before:].decode("utf-8", "replace")
    assert "Traceback" not in log
    assert "starting it again" not in log
