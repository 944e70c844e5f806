"""What the front door refuses: it is said in its own sentence, and can be said otherwise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from browsers import Visits
from chats import ERRORS, Chat
from doors import Answer, FakeBrain, FrontDoor, Question, echo, say
from playwright.sync_api import expect

Paste = Callable[..., str]
OpenDoor = Callable[..., FrontDoor]


def test_a_text_that_is_too_long_is_not_sent_and_says_so(
    visit: Visits, paste: Paste, open_door: OpenDoor
) -> None:
    chat = Chat(visit(paste("short", open_door(text_limit=20).base))).open()
    chat.say("é" * 21)
    expect(chat.panel.get_by_role("alert")).to_have_text(chat.words["tooLong"].format(limit=20))
    expect(chat.mine).to_have_count(0)
    chat.field.press("Backspace")
    expect(chat.panel.get_by_role("alert")).to_have_count(0)
    chat.field.press("Enter")
    expect(chat.last).to_contain_text("echo " + "é" * 20)


def test_a_text_that_is_refused_comes_back_into_the_field_with_the_reason(
    visit: Visits, paste: Paste, open_door: OpenDoor
) -> None:
    door = open_door()
    chat = Chat(visit(paste("shorter", door.base))).open()
    visit.expect("422|ERR_")
    door.stop()
    door.settings = replace(door.settings, text_limit=20)
    door.start()
    chat.say("une question un peu longue")
    reason = ERRORS["text_too_long"]["fr"].format(limit=20)
    expect(chat.mine).to_contain_text(reason)
    expect(chat.status).to_have_text(reason)
    expect(chat.field).to_have_value("une question un peu longue")
    chat.say("une question")
    expect(chat.last).to_contain_text("echo une question")
    chat.page.reload()
    expect(chat.mine).to_have_count(1)


def test_a_page_that_asks_for_something_unknown_is_told_so_in_a_sentence(visit: Visits) -> None:
    chat = Chat(visit("french"))
    visit.expect("404")
    chat.page.evaluate("document.querySelector('mobilis-chat').open('make_coffee')")
    expect(chat.status).to_have_text(ERRORS["intent_unknown"]["fr"])
    chat.say("bonjour")
    expect(chat.messages).to_have_count(3)


def test_a_choice_whose_answer_is_given_up_can_be_made_again(
    visit: Visits, paste: Paste, open_door: OpenDoor, brain: FakeBrain
) -> None:
    brain.script = asking
    chat = Chat(visit(paste("failing", open_door().base))).open()
    button = chat.button("A. Oui")
    brain.script = lambda question: (500, {})
    button.click()
    expect(chat.last).to_contain_text(ERRORS["not_answered"]["fr"])
    brain.script = echo
    chat.button("A. Oui").click()
    expect(chat.last).to_contain_text("payload /answer")


def asking(question: Question) -> Answer:
    """Greets with a question."""
    choice = {"title": "A. Oui", "payload": '/answer{"option": "a"}'}
    about = {"id": "aim", "number": 1, "of": 5}
    asked = say("Prêts?", kind="question", question=about, choices=[choice])
    return 200, {"messages": [asked]}
