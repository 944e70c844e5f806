"""What a person may see of the widget, each state brought about as a visitor would.

The tests of accessibility go through all of them; the pictures are taken of most.
"""

from __future__ import annotations

from collections.abc import Iterator

from chats import ASSESSMENT, Chat
from playwright.sync_api import expect
from processes import Stack

SHADOW = "document.querySelector('mobilis-chat').shadowRoot"  # the widget, to a script of the page
ASKED = {
    "fr": "un organisme de bienfaisance peut-il faire du plaidoyer?",
    "en": "can a charity do advocacy?",
}
SEARCHED = {"fr": "coach en logement au Québec", "en": "a housing coach in Quebec"}
DECLARED = {"fr": "je veux laisser mes coordonnées", "en": "I want to leave my details"}
GREETED = {"fr": "bonjour!", "en": "hello!"}
LAST = len(ASSESSMENT.questions)


def walk(chat: Chat, stack: Stack) -> Iterator[str]:
    """One conversation through every state; the name of each once it is there."""
    yield "closed"
    chat.open()
    yield "greeting"
    too_long(chat)
    yield "too_long"
    chat.field.fill("")
    with stack.paused("brain"):
        chat.say(ASKED[chat.language])
        expect(chat.panel.get_by_text(chat.words["typing"])).to_be_visible()
        yield "typing"
    expect(chat.last).to_contain_text(chat.words["sources"])
    yield "answer"
    chat.panel.get_by_role("button", name=chat.words["helpfulHelp"]).last.click()
    yield "rated"
    offline(chat)
    yield "offline"
    online(chat)
    chat.assess_to(2)
    yield "question"
    conclude(chat, 2)
    yield "result"
    chat.say(SEARCHED[chat.language])
    expect(chat.last.locator("section").first).to_be_visible()
    yield "coaches"
    chat.say(DECLARED[chat.language])
    chat.says("lead_consent")
    chat.press("i_agree")
    chat.says("lead_ask_name")
    yield "declaration"
    chat.tool("forgetHelp").click()
    yield "forget"


def too_long(chat: Chat) -> None:
    """Write more than can be sent, as words that a line may break between."""
    chat.field.fill("politique " * 250)


def offline(chat: Chat) -> None:
    """Lose the connection, and say something all the same."""
    chat.page.context.set_offline(True)
    chat.tells("offline")
    chat.say(GREETED[chat.language])
    expect(chat.last).to_contain_text(chat.words["unsent"])


def online(chat: Chat) -> None:
    """Have the connection back, and the answer to what was said without one."""
    chat.page.context.set_offline(False)
    expect(chat.mine.last).not_to_contain_text(chat.words["unsent"])
    expect(chat.last).to_contain_text(chat.words["assistant"])


def conclude(chat: Chat, question: int, letter: str = "b") -> None:
    """Answer the open question of the self-assessment and those after it, until the result."""
    for number in range(question, LAST + 1):
        chat.asks(number)
        chat.answer(number, letter)
    expect(chat.last).to_contain_text(chat.words["nextSteps"])
