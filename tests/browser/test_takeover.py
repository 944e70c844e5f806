"""A person takes a conversation over: staff in the console, the visitor in the widget, live."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from browsers import Visits, axe
from chats import WORDS, Chat
from playwright.sync_api import Page, expect
from processes import Stack

from mobilis.content import read_yaml
from mobilis.settings import ROOT

SignIn = Callable[..., Page]
TAKEOVER = read_yaml(ROOT, "content/takeover.yml")
LIVE = read_yaml(ROOT, "content/console/live.yml")


class Console:
    """The live page of one conversation, as somebody of staff has it."""

    def __init__(self, page: Page, stack: Stack, chat: Chat, language: str) -> None:
        self.page = page
        self.language = language
        self.case = f"{stack.base}/console/cases/{chat.kept('session')['conversation']}"
        self.said = page.get_by_role("log")
        self.field = page.locator("#text")

    def word(self, key: str) -> str:
        return LIVE[key][self.language]

    def open(self) -> Console:
        self.page.goto(self.case)
        self.page.get_by_role("link", name=self.word("open")).click()
        return self

    def join(self) -> Console:
        self.open()
        self.page.get_by_role("button", name=self.word("join")).press("Enter")
        expect(self.field).to_be_focused()
        return self

    def say(self, text: str) -> None:
        self.field.press_sequentially(text)
        self.field.press("Enter")
        expect(self.said.locator(".staff").last).to_contain_text(text)
        expect(self.field).to_have_value("")
        expect(self.field).to_be_focused()

    def hand_back(self, summary: str = "") -> None:
        self.page.locator(".end summary").press("Enter")
        self.page.locator("#summary").fill(summary)
        self.page.get_by_role("button", name=self.word("hand_back"), exact=True).press("Enter")
        self.page.wait_for_url("**#told")


def heads(chat: Chat) -> str:
    """What stands under the title of the chat."""
    return chat.panel.locator(".subtitle").inner_text()


@pytest.mark.parametrize(
    ("language", "page", "width", "scheme"),
    [("fr", "french", 1280, "light"), ("en", "english", 390, "dark")],
)
def test_staff_join_talk_and_hand_back(
    visit: Visits, sign_in: SignIn, stack: Stack, language: str, page: str, width: int, scheme: str
) -> None:
    chat = Chat(visit(page), language).open().assess_to(2)
    chat.panel = chat.page.get_by_role("dialog")  # its name will say who answers
    colleague = sign_in(language, name="Ann Roy", width=width, color_scheme=scheme)
    console = Console(colleague, stack, chat, language).open()
    expect(colleague.locator("#state")).to_contain_text(console.word("there"))
    assert axe(colleague) == []
    console.join()
    log = chat.panel.get_by_role("group", name=WORDS[language]["log"])
    last = log.get_by_role("article").last
    expect(last).to_contain_text("Ann Roy")
    assert heads(chat) == WORDS[language]["withPerson"].format(name="Ann Roy")

    console.say("Bonjour, je vous écoute.")
    expect(last).to_contain_text("Bonjour, je vous écoute.")
    expect(last.locator(".who")).to_have_text(WORDS[language]["staff"].format(name="Ann Roy"))
    chat.panel.get_by_role("textbox").fill("On veut du logement, *vite*")
    chat.panel.get_by_role("textbox").press("Enter")
    expect(console.said.locator(".visitor").last).to_contain_text("On veut du logement, *vite*")
    assert axe(colleague) == []
    assert axe(chat.page) == []
    assert colleague.evaluate("document.documentElement.scrollWidth") <= width

    console.hand_back("On se parle mardi.")
    expect(last).to_contain_text("On se parle mardi.")
    assert heads(chat) == WORDS[language]["subtitle"]
    log.get_by_role("button", name=chat.title("resume"), exact=True).click()
    expect(last).to_contain_text(WORDS[language]["question"].format(number=2, of=5))


def test_neither_side_loses_anything_when_it_drops(
    visit: Visits, sign_in: SignIn, stack: Stack
) -> None:
    chat = Chat(visit("french")).open()
    chat.say("c'est tu gratuit?")
    expect(chat.messages).to_have_count(3)
    colleague = sign_in("fr")
    console = Console(colleague, stack, chat, "fr").join()
    visit.expect("ERR_INTERNET_DISCONNECTED|ERR_|503|Response Status Error Code|sendError")
    chat.page.context.set_offline(True)
    chat.page.get_by_role("dialog").get_by_role("textbox").fill("dit hors ligne")
    chat.page.get_by_role("dialog").get_by_role("textbox").press("Enter")
    console.say("Écrit pendant ce temps.")
    chat.page.context.set_offline(False)
    chat.panel = chat.page.get_by_role("dialog")
    texts = chat.panel.get_by_role("article")
    expect(texts.filter(has_text="Écrit pendant ce temps.")).to_have_count(1)
    expect(console.said.locator("li", has_text="dit hors ligne")).to_have_count(1)

    colleague.reload()
    expect(console.said).to_contain_text("dit hors ligne")
    colleague.close()
    chat.page.reload()
    expect(texts.filter(has_text="Écrit pendant ce temps.")).to_have_count(1)
    assert heads(chat) == WORDS["fr"]["withPerson"].format(name="Camille Essai")


def test_the_visitor_may_forget_the_conversation_at_any_time(
    visit: Visits, sign_in: SignIn, stack: Stack
) -> None:
    chat = Chat(visit("french")).open()
    chat.say("bonjour")
    expect(chat.messages).to_have_count(3)
    console = Console(sign_in("fr"), stack, chat, "fr").join()
    visit.expect("404|Response Status Error Code")
    chat.panel = chat.page.get_by_role("dialog")
    chat.panel.get_by_role("button", name=WORDS["fr"]["forgetHelp"], exact=True).click()
    chat.panel.get_by_role("button", name=WORDS["fr"]["forgetYes"], exact=True).click()
    expect(console.said).to_contain_text(console.word("gone"))
    assert heads(chat) == WORDS["fr"]["subtitle"]


def test_without_a_script_it_is_the_same_with_a_link_to_see_what_is_new(
    visit: Visits, sign_in: SignIn, stack: Stack
) -> None:
    chat = Chat(visit("french")).open()
    chat.say("bonjour")
    expect(chat.messages).to_have_count(3)
    page = sign_in("fr", javascript=False)
    console = Console(page, stack, chat, "fr").open()
    page.get_by_role("button", name=console.word("join")).click()
    console.field.fill("Bonjour!")
    page.get_by_role("button", name=console.word("send")).click()
    expect(console.said.locator(".staff")).to_contain_text("Bonjour!")
    page.get_by_role("link", name=console.word("refresh")).click()
    page.locator(".end summary").click()
    page.get_by_role("button", name=console.word("hand_back"), exact=True).click()
    left = re.compile(re.escape(TAKEOVER["left"]["fr"].format(name="Camille Essai")))
    expect(page.locator("#told")).to_contain_text(left)
