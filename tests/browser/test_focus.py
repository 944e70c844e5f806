"""One tab stop for the messages, a focus that the visitor alone moves, what is read aloud."""

from __future__ import annotations

import pytest
from browsers import Visits
from chats import Chat, focused, is_on
from playwright.sync_api import Page, expect
from states import ASKED, GREETED, SHADOW, offline, online

STOPS = f"""() => [...{SHADOW}.querySelectorAll('.log, .log *')]
  .filter(one => one.tabIndex >= 0 && one.checkVisibility()).length"""


def test_the_messages_are_one_tab_stop_with_arrows_inside(visit: Visits) -> None:
    page = visit("french")
    chat = Chat(page).open()
    assert page.evaluate(STOPS) == 1
    chat.say(ASKED["fr"])
    expect(chat.last).to_contain_text(chat.words["sources"])
    assert page.evaluate(STOPS) == 1
    page.keyboard.press("Shift+Tab")
    assert is_on(page, chat.words["assistant"])  # the newest message
    page.keyboard.press("Shift+Tab")
    assert focused(page) == chat.words["close"]
    page.keyboard.press("Tab")
    passed = [focused(page)]
    for _ in range(50):
        page.keyboard.press("ArrowUp")
        passed.append(focused(page))
    assert is_on(page, chat.words["assistant"])  # the greeting, where it ends
    page.keyboard.press("End")
    last = chat.last.get_by_role("button").last
    expect(last).to_be_focused()
    page.keyboard.press("Home")
    expect(chat.messages.first).to_be_focused()
    assert page.evaluate(STOPS) == 1
    page.keyboard.press("Tab")
    assert focused(page) == chat.words["label"]


@pytest.mark.parametrize("where", ["close", "downloadHelp"])
def test_a_message_never_moves_the_focus(visit: Visits, where: str) -> None:
    page = visit("french")
    chat = Chat(page).open()
    chat.tool(where).focus()
    count = chat.messages.count()
    page.evaluate("text => document.querySelector('mobilis-chat').send(text)", GREETED["fr"])
    expect(chat.messages).to_have_count(count + 2)
    expect(chat.tool(where)).to_be_focused()
    page.get_by_role("link", name="Contact").focus()
    page.evaluate("text => document.querySelector('mobilis-chat').send(text)", GREETED["fr"])
    expect(chat.messages).to_have_count(count + 4)
    expect(page.get_by_role("link", name="Contact")).to_be_focused()


def test_a_message_that_is_read_keeps_the_focus_when_it_arrives(visit: Visits) -> None:
    page = visit("french")
    visit.expect("ERR_INTERNET_DISCONNECTED")
    chat = Chat(page).open()
    offline(chat)
    chat.mine.last.focus()
    online(chat)
    expect(chat.messages).to_have_count(3)
    expect(chat.mine.last).to_be_focused()


def test_a_used_choice_keeps_the_focus_and_says_that_it_was_chosen(visit: Visits) -> None:
    page = visit("english")
    chat = Chat(page, "en").open().assess_to(2)
    option = chat.button(chat.option(2, "b"))
    option.focus()
    page.keyboard.press("Enter")
    chat.asks(3)
    assert focused(page) == f"{chat.option(2, 'b')} {chat.words['chosen']}"
    expect(page.locator(":focus").last).to_have_attribute("aria-disabled", "true")
    page.keyboard.press("Enter")  # once only
    page.keyboard.press("ArrowDown")
    assert is_on(page, chat.words["you"])
    chat.asks(3)


# --- what screen readers are told

OVERHEARD = """customElements.whenDefined('mobilis-chat').then(() => {
  window.overheard = [];
  const live = document.querySelector('mobilis-chat').shadowRoot.querySelector('[aria-live]');
  new MutationObserver(records => {
    for (const record of records) for (const node of record.addedNodes)
      window.overheard.push([node.closest('[lang]').lang, node.textContent]);
  }).observe(live, { childList: true, subtree: true });
})"""


def heard(page: Page) -> list[list[str]]:
    told: list[list[str]] = page.evaluate("window.overheard")
    return told


def test_each_new_message_is_announced_once_in_its_language(visit: Visits) -> None:
    page = visit("french")
    page.evaluate(OVERHEARD)
    chat = Chat(page).open()
    expect(chat.live).to_contain_text(chat.words["choices"].format(count=4))
    [[language, greeting]] = heard(page)
    assert language == "fr"
    assert greeting.startswith(f"{chat.words['assistant']}\nBonjour!")
    chat.assess_to(2)
    told = heard(page)
    assert [language for language, _ in told] == ["fr"] * 4
    assert len({text for _, text in told}) == 4  # greeting, introduction, two questions
    assert not any(chat.option(1, "a") in text.partition("\n")[0] for _, text in told)
    chat.say("can we do this in English please?")
    english = Chat(page, "en")
    english.asks(2)
    assert {language for language, _ in heard(page)[4:]} == {"en"}


def test_history_is_not_announced_again_after_a_reload(visit: Visits) -> None:
    page = visit("english")
    chat = Chat(page, "en").open()
    chat.say(ASKED["en"])
    expect(chat.last).to_contain_text(chat.words["sources"])
    page.context.add_init_script(OVERHEARD)
    page.reload()
    expect(chat.last).to_contain_text(chat.words["sources"])
    chat.tells("resumed")
    assert heard(page) == []
    chat.say(GREETED["en"])
    expect(chat.messages).to_have_count(5)
    [[language, text]] = heard(page)
    assert (language, text.partition("\n")[0]) == ("en", chat.words["assistant"])
