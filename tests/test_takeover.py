"""A person takes a conversation over and hands it back, on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import filled
import pytest
from sqlalchemy import select
from talks import Talk

from mobilis import casework, staff, takeover
from mobilis.conversations import (
    find_conversation,
    history,
    new_id,
    receive_choice,
    receive_opening,
    receive_text,
    transcript,
)
from mobilis.errors import CaseError, ChatError
from mobilis.models import audit, cases, conversations, inbox, leads
from mobilis.openings import Opening
from mobilis.priority import WEIGHTS
from mobilis.settings import ROOT
from mobilis.staff import Person
from mobilis.store import Database, now
from mobilis.takeover import held, held_conversations, relieve
from mobilis.turns import Reply, Turn, complete_turn, due_turns, fail_turn
from mobilis.wording import load_wording

pytestmark = pytest.mark.door

WORDS = load_wording(ROOT).takeover
QUESTION = Reply("Question 1?", "fr", "question", (("A. Oui", "/answer_a"), ("B. Non", "/b")))
AFTER = timedelta(minutes=10)


@pytest.fixture(params=filled.KINDS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    with filled.database_of(request.param, request, tmp_path) as database:
        yield database


def someone(database: Database, name: str) -> Person:
    with database.write() as connection:
        email = f"{name.lower().replace(' ', '.')}@exemple.ca"
        return staff.add_person(connection, email=email, name=name, role="triager")


@pytest.fixture
def ann(database: Database) -> Person:
    return someone(database, "Ann Roy")


@pytest.fixture
def talk(database: Database) -> Talk:
    talk = Talk(database, "fr")
    talk.say("on commence", "start_assessment", [QUESTION])
    talk.project()
    return talk


def join(database: Database, person: Person, talk: Talk, holder: str = "") -> None:
    with database.write() as connection:
        takeover.join(connection, person, talk.id, holder, WORDS, WEIGHTS)


def speak(
    database: Database, person: Person, talk: Talk, text: str, message_id: str | None = None
) -> bool:
    with database.write() as connection:
        given = message_id or new_id(), text, WEIGHTS
        return takeover.speak(connection, person, talk.id, *given)


def hand_back(database: Database, person: Person, talk: Talk, summary: str = "") -> None:
    with database.write() as connection:
        takeover.hand_back(connection, person, talk.id, summary, WORDS, WEIGHTS)


def type_in(database: Database, talk: Talk, text: str, message_id: str = "typed-0001") -> None:
    with database.write() as connection:
        receive_text(connection, talk.id, message_id, text)


def said(database: Database, talk: Talk) -> list[dict]:
    with database.read() as connection:
        return [message for _, message in history(connection, talk.id)]


def case_of(database: Database, talk: Talk):
    query = select(cases).where(cases.c.conversation_id == talk.id)
    with database.read() as connection:
        return connection.execute(query).one()


def waits(database: Database) -> list[str]:
    with database.read() as connection:
        return [turn.message_id for turn in due_turns(connection, 10)]


def set_back(database: Database, talk: Talk, by: timedelta, **moments: datetime) -> None:
    """Let the person have come, and been seen, longer ago; and the visitor have written."""
    with database.write() as connection:
        own = conversations.c.id == talk.id
        row = connection.execute(select(conversations).where(own)).one()
        past = {name: getattr(row, name) - by for name in ("held_since", "held_seen_at")}
        connection.execute(conversations.update().where(own).values(**{**past, **moments}))
        for message in connection.execute(select(inbox).where(inbox.c.at >= row.held_since)):
            mine = inbox.c.id == message.id
            connection.execute(inbox.update().where(mine).values(at=message.at - by))


def relieved(database: Database, talk: Talk) -> bool:
    with database.write() as connection:
        return relieve(connection, talk.id, AFTER, WORDS, WEIGHTS)


def test_the_visitor_is_told_who_has_come_and_the_assistant_is_silent(database, ann, talk):
    join(database, ann, talk)
    notice = said(database, talk)[-1]
    assert notice["text"] == WORDS["joined"]["fr"].format(name="Ann Roy")
    assert (notice["role"], notice["kind"]) == ("assistant", "notice")
    assert notice["staff"] == {"name": "Ann Roy", "state": "joined"}
    type_in(database, talk, "êtes-vous là?")
    assert waits(database) == []
    assert said(database, talk)[-1]["text"] == "êtes-vous là?"
    with database.read() as connection:
        assert held(connection, talk.id).name == "Ann Roy"
        assert held_conversations(connection) == [talk.id]


def test_both_sides_speak_in_order_and_a_form_that_is_sent_twice_speaks_once(database, ann, talk):
    join(database, ann, talk)
    type_in(database, talk, "bonjour")
    first = new_id()
    assert speak(database, ann, talk, "  Bonjour!\r\nJe suis là.\0 ", first)
    assert not speak(database, ann, talk, "Bonjour!", first)
    type_in(database, talk, "merci", "typed-0002")
    last = said(database, talk)[-3:]
    assert [message["text"] for message in last] == ["bonjour", "Bonjour!\nJe suis là.", "merci"]
    assert [message["role"] for message in last] == ["visitor", "staff", "visitor"]
    assert last[1]["staff"] == {"name": "Ann Roy"}


def test_a_form_that_is_sent_twice_after_handing_back_is_no_error(database, ann, talk):
    join(database, ann, talk)
    first = new_id()
    speak(database, ann, talk, "Bonjour!", first)
    hand_back(database, ann, talk)
    assert not speak(database, ann, talk, "Bonjour!", first)


def test_what_still_waited_for_the_assistant_is_the_persons(database, ann, talk):
    with database.write() as connection:
        choice = said(database, talk)[-1]["choices"][0]["id"]
        receive_choice(connection, talk.id, "pressed-1", choice)
    assert waits(database) == ["pressed-1"]
    join(database, ann, talk)
    turn = Turn(talk.id, "pressed-1", "web", "A. Oui", "/answer_a", 0)
    with database.write() as connection:
        assert complete_turn(connection, turn, [Reply("trop tard", "fr")])
        assert fail_turn(connection, turn, "x", 1, 1.0, WORDS["left"])
    assert waits(database) == []
    assert "trop tard" not in [message["text"] for message in said(database, talk)]
    assert not any(one.get("used") for one in said(database, talk)[-3]["choices"])
    with database.write() as connection:  # and it can be pressed once the assistant is back
        assert receive_choice(connection, talk.id, "pressed-2", choice)


def test_a_button_that_is_pressed_meanwhile_is_told_and_can_be_pressed_later(database, ann, talk):
    choice = said(database, talk)[-1]["choices"][0]["id"]
    join(database, ann, talk)
    with database.write() as connection:
        assert receive_choice(connection, talk.id, "pressed-1", choice)
    assert said(database, talk)[-1]["text"] == "A. Oui"
    hand_back(database, ann, talk)
    with database.write() as connection:
        assert receive_choice(connection, talk.id, "pressed-2", choice)
    assert waits(database) == ["pressed-2"]
    with database.write() as connection, pytest.raises(ChatError, match="choice_used"):
        receive_choice(connection, talk.id, "pressed-3", choice)


def test_the_language_can_be_changed_meanwhile(database, ann, talk):
    join(database, ann, talk)
    to_english = Opening("/switch_language", {"fr": "Français", "en": "English"}, "en")
    with database.write() as connection:
        receive_opening(connection, talk.id, "opening-1", to_english)
    hand_back(database, ann, talk)
    assert said(database, talk)[-1]["text"] == WORDS["left"]["en"].format(name="Ann Roy")


@pytest.mark.parametrize("summary", ["", " On se parle **mardi** {et} voilà. "])
def test_it_is_handed_back_with_a_summary_or_without(database, ann, talk, summary):
    join(database, ann, talk)
    hand_back(database, ann, talk, summary)
    notice = said(database, talk)[-1]
    key = "left_with_summary" if summary else "left"
    assert notice["text"] == WORDS[key]["fr"].format(name="Ann Roy", summary=summary.strip())
    assert notice["staff"] == {"name": "Ann Roy", "state": "left"}
    type_in(database, talk, "et maintenant?")
    assert waits(database) == ["typed-0001"]
    with database.read() as connection:
        assert held(connection, talk.id) is None


def test_what_the_assistant_had_asked_can_be_taken_up_again(database, ann, talk):
    join(database, ann, talk)
    hand_back(database, ann, talk)
    assert [one["title"] for one in said(database, talk)[-1]["choices"]] == [
        "Reprendre où j'en étais"
    ]
    join(database, ann, talk)
    talk.press("Reprendre où j'en étais", "resume", [])
    hand_back(database, ann, talk)
    assert len(said(database, talk)[-1]["choices"]) == 1


def test_nothing_is_offered_where_nothing_had_been_asked(database, ann):
    talk = Talk(database, "en")
    talk.say("is it free?", "faq", [Reply("Yes.", "en", "faq")], faq="cost")
    talk.project()
    join(database, ann, talk)
    hand_back(database, ann, talk)
    assert "choices" not in said(database, talk)[-1]


def test_a_colleague_takes_over_only_from_whom_they_saw(database, ann, talk):
    bo = someone(database, "Bo Li")
    join(database, ann, talk)
    join(database, ann, talk)  # again: nothing happens
    with pytest.raises(CaseError, match="held"):
        join(database, bo, talk)
    join(database, bo, talk, holder=ann.id)
    assert said(database, talk)[-1]["text"] == WORDS["relieved"]["fr"].format(name="Bo Li")
    assert len(said(database, talk)) == 4
    with pytest.raises(CaseError, match="not_held"):
        speak(database, ann, talk, "encore moi")
    with pytest.raises(CaseError, match="not_held"):
        hand_back(database, ann, talk)
    hand_back(database, bo, talk)
    with pytest.raises(CaseError, match="held"):
        join(database, ann, talk, holder=bo.id)


@pytest.mark.parametrize(
    ("text", "message_id", "reason"),
    [
        (" \n\0", "", "text_empty"),
        ("x" * 2001, "", "text_long"),
        ("bonjour", "x", "message_id"),
        ("bonjour", "é" * 32, "message_id"),
    ],
)
def test_what_cannot_be_said_is_refused(database, ann, talk, text, message_id, reason):
    join(database, ann, talk)
    with pytest.raises(CaseError, match=reason):
        speak(database, ann, talk, text, message_id or new_id())
    assert len(said(database, talk)) == 3


def test_a_summary_that_is_too_long_is_refused(database, ann, talk):
    join(database, ann, talk)
    with pytest.raises(CaseError, match="text_long"):
        hand_back(database, ann, talk, "x" * 2001)
    with database.read() as connection:
        assert held(connection, talk.id) is not None


def test_an_unknown_conversation_is_not_found(database, ann):
    talk = Talk(database)
    talk.id = "unknown"
    for deed in (join, hand_back):
        with pytest.raises(ChatError, match="not_found"):
            deed(database, ann, talk)
    with pytest.raises(ChatError, match="not_found"):
        speak(database, ann, talk, "bonjour")
    assert not relieved(database, talk)


def test_the_case_is_taken_up_and_answered(database, ann, talk):
    talk.lead("person")
    talk.project()
    assert case_of(database, talk).waiting_since is not None
    join(database, ann, talk)
    case = case_of(database, talk)
    assert (case.status, case.owner_id, case.answered_at) == ("in_progress", ann.id, None)
    assert case.waiting_since is not None  # nothing has been answered yet
    speak(database, ann, talk, "Bonjour!")
    case = case_of(database, talk)
    assert case.waiting_since is None
    first = case.answered_at
    assert first is not None
    speak(database, ann, talk, "Encore.")
    case = case_of(database, talk)
    assert case.answered_at == first < case.last_answer_at
    talk.lead("person")
    talk.project()
    assert case_of(database, talk).waiting_since is not None  # it was asked for again


def test_the_case_of_a_colleague_stays_theirs(database, ann, talk):
    bo = someone(database, "Bo Li")
    with database.write() as connection:
        casework.set_owner(connection, bo, talk.id, "", bo.id)
    join(database, ann, talk)
    case = case_of(database, talk)
    assert (case.status, case.owner_id, case.changed_by) == ("in_progress", bo.id, ann.id)


def test_it_is_audited_without_a_word_that_was_said(database, ann, talk):
    join(database, ann, talk)
    speak(database, ann, talk, "secret")
    hand_back(database, ann, talk, "secret")
    query = select(audit).where(audit.c.subject == f"case:{talk.id}").order_by(audit.c.number)
    with database.read() as connection:
        entries = connection.execute(query).all()
    assert [entry.action for entry in entries] == ["case.join", "case.say", "case.hand_back"]
    assert "secret" not in "".join(entry.detail for entry in entries)


def test_who_is_there_and_has_answered_is_not_relieved(database, ann, talk):
    join(database, ann, talk)
    type_in(database, talk, "bonjour")
    speak(database, ann, talk, "Bonjour!")
    set_back(database, talk, 3 * AFTER, held_seen_at=now())
    assert not relieved(database, talk)
    type_in(database, talk, "encore", "typed-0002")
    assert not relieved(database, talk)


def test_who_has_closed_their_page_is_relieved(database, ann, talk):
    join(database, ann, talk)
    speak(database, ann, talk, "Bonjour!")
    set_back(database, talk, AFTER + timedelta(seconds=1))
    assert relieved(database, talk)
    assert not relieved(database, talk)
    assert said(database, talk)[-1]["text"] == WORDS["forsaken"]["fr"]
    assert case_of(database, talk).waiting_since is None


@pytest.mark.parametrize("there", [True, False])
def test_a_visitor_who_waits_in_vain_is_told_and_waits_for_staff(database, ann, talk, there):
    join(database, ann, talk)
    speak(database, ann, talk, "Un instant.")
    type_in(database, talk, "allô?")
    set_back(
        database, talk, AFTER + timedelta(seconds=1), **({"held_seen_at": now()} if there else {})
    )
    assert relieved(database, talk)
    notice = said(database, talk)[-1]
    assert notice["text"] == WORDS["forsaken_waiting"]["fr"]
    assert [one["title"] for one in notice["choices"]] == [
        "Reprendre où j'en étais",
        "Laisser mes coordonnées",
    ]
    case = case_of(database, talk)
    assert case.waiting_since is not None
    assert case.person_at is not None
    with database.read() as connection:
        lead = connection.execute(select(leads)).one()
        last = audit_of(connection, talk)
    assert (lead.kind, lead.source_message_id) == ("person", "typed-0001")
    assert (last.action, last.actor) == ("case.relieved", "system")


def audit_of(connection, talk):
    query = select(audit).where(audit.c.subject == f"case:{talk.id}")
    return connection.execute(query.order_by(audit.c.number.desc()).limit(1)).one()


def test_who_is_no_longer_of_staff_is_relieved_at_once(database, ann, talk):
    join(database, ann, talk)
    with database.write() as connection:
        connection.execute(conversations.update().values(held_by="gone"))
        assert held(connection, talk.id).name == ""
    assert relieved(database, talk)


def test_an_open_page_is_noted_now_and_then(database, ann, talk):
    join(database, ann, talk)
    bo = someone(database, "Bo Li")
    with database.read() as connection:
        assert not held(connection, talk.id).is_due(ann)
    set_back(database, talk, timedelta(minutes=1))
    with database.write() as connection:
        present = held(connection, talk.id)
        assert present.is_due(ann)
        assert not present.is_due(bo)
        takeover.note_seen(connection, bo, talk.id)
        assert held(connection, talk.id) == present
        takeover.note_seen(connection, ann, talk.id)
        assert not held(connection, talk.id).is_due(ann)


def test_the_transcript_says_what_the_team_said(database, ann, talk):
    join(database, ann, talk)
    speak(database, ann, talk, "Bonjour!")
    words = load_wording(ROOT).download
    with database.read() as connection:
        text = transcript(connection, find_conversation(connection, talk.id), words)
    assert "Équipe du programme\u00a0: Bonjour!" in text
