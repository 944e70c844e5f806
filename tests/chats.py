"""The widget on a page as its visitor meets it: found by roles and names, in one language.

What it says itself comes from widget/locales, what the assistant asks from the content files.
"""

from __future__ import annotations

import json
import re
from typing import Any

from playwright.sync_api import Locator, Page, expect

from mobilis.assessment import load_assessment
from mobilis.content import read_yaml
from mobilis.settings import ROOT

WORDS: dict[str, dict[str, str]] = {
    language: json.loads((ROOT / f"widget/locales/{language}.json").read_text(encoding="utf-8"))
    for language in ("fr", "en")
}
WORDING: dict[str, dict[str, str]] = read_yaml(ROOT, "content/wording.yml")
CHOICES: dict[str, dict[str, str]] = read_yaml(ROOT, "content/choices.yml")
ERRORS: dict[str, dict[str, str]] = read_yaml(ROOT, "content/errors.yml")
ASSESSMENT = load_assessment(ROOT / "assessment" / "readiness.yml")
MOST_STOPS = 60  # of a keyboard, on the way to anything
VISITOR = re.compile("^(Vous|You)$")
# What the element of the page, or within the widget, that has the focus is called.
FOCUSED = """() => {
  let active = document.activeElement;
  while (active?.shadowRoot?.activeElement) active = active.shadowRoot.activeElement;
  const said = active.labels?.[0]?.textContent || active.innerText;
  return active.getAttribute("aria-label") ?? said ?? "";
}"""


class Chat:
    """The widget of one page; `language` is the one that it speaks."""

    def __init__(self, page: Page, language: str = "fr") -> None:
        self.page = page
        self.language = language
        self.words = words = WORDS[language]
        self.launcher = page.get_by_role("button", name=re.compile(f"^{words['launch']}"))
        self.panel = page.get_by_role("dialog", name=f"{words['title']} {words['subtitle']}")
        self.log = self.panel.get_by_role("group", name=words["log"])
        self.messages = self.log.get_by_role("article")
        self.field = self.panel.get_by_role("textbox", name=words["label"])
        self.status = self.panel.get_by_role("status")
        self.live = self.panel.locator("[aria-live]")

    @property
    def last(self) -> Locator:
        """The newest message."""
        return self.messages.last

    @property
    def newest(self) -> Locator:
        """The message that is the newest now, also when others follow."""
        return self.messages.nth(self.messages.count() - 1)

    @property
    def mine(self) -> Locator:
        """What the visitor said."""
        return self.messages.filter(has=self.page.get_by_text(VISITOR))

    def open(self) -> Chat:
        """Open it by its launcher, and be greeted."""
        self.launcher.click()
        expect(self.last).to_be_visible()
        return self

    def say(self, text: str) -> None:
        """Type something and send it."""
        self.field.fill(text)
        self.field.press("Enter")

    def button(self, name: str) -> Locator:
        """The newest button of the messages that is called so and can be pressed."""
        return self.log.get_by_role("button", name=name, exact=True, disabled=False).last

    def tool(self, key: str) -> Locator:
        """A button around the messages, by its key in widget/locales."""
        return self.panel.get_by_role("button", name=self.words[key], exact=True)

    def title(self, key: str) -> str:
        """What a button of the assistant says, by its key in content/choices.yml."""
        return CHOICES[key][self.language]

    def press(self, key: str) -> None:
        """Press a button of the assistant, by its key in content/choices.yml."""
        self.button(self.title(key)).click()

    def answer(self, number: int, letter: str) -> None:
        """Answer a question of the self-assessment with the button of an option."""
        self.button(self.option(number, letter)).click()

    def option(self, number: int, letter: str) -> str:
        """The words of an option of the self-assessment."""
        found = ASSESSMENT.questions[number - 1].option(letter)
        assert found is not None
        return f"{letter.upper()}. {found.title[self.language]}"

    def forget(self) -> None:
        """Have the conversation erased, and confirm it."""
        self.tool("forgetHelp").click()
        self.tool("forgetYes").click()
        self.tells("erased")

    def chosen(self, number: int, letter: str) -> str:
        """The words of an option that was chosen."""
        return f"{self.option(number, letter)} {self.words['chosen']}"

    def asks(self, number: int) -> None:
        """Wait until the newest message asks a question of the self-assessment."""
        question = ASSESSMENT.questions[number - 1]
        said = self.words["question"].format(number=number, of=len(ASSESSMENT.questions))
        expect(self.last).to_contain_text(said)
        expect(self.last).to_contain_text(question.text[self.language])

    def assess_to(self, number: int) -> Chat:
        """Begin the self-assessment and answer A until it asks a question."""
        self.press("start_assessment")
        for earlier in range(1, number):
            self.asks(earlier)
            self.answer(earlier, "a")
        self.asks(number)
        return self

    def concludes(self, band: str) -> None:
        """Wait until the newest message is a result of the self-assessment."""
        expect(self.last).to_contain_text(ASSESSMENT.bands[band].title[self.language])

    def says(self, key: str) -> None:
        """Wait until the newest message begins as a sentence of content/wording.yml does."""
        beginning = WORDING[key][self.language].partition("{")[0].partition("\n")[0]
        expect(self.last).to_contain_text(beginning.replace("*", ""))

    def tells(self, key: str) -> None:
        """Wait until a sentence of widget/locales stands in the status line."""
        expect(self.status).to_contain_text(re.sub(r"\{.*", "", self.words[key]))

    def history(self) -> list[str]:
        """All that was said, oldest first."""
        return self.messages.all_inner_texts()

    def kept(self, name: str) -> Any:
        """What the browser keeps for the widget under a name, such as its session."""
        script = """name => [localStorage, sessionStorage].flatMap(area => Object.entries(area))
          .filter(([key]) => key.endsWith(`:${name}`)).map(([, value]) => JSON.parse(value))[0]"""
        return self.page.evaluate(script, name)


def focused(page: Page) -> str:
    """What the element with the focus is called."""
    return " ".join(page.evaluate(FOCUSED).split())


def is_on(page: Page, name: str) -> bool:
    """Whether what has the focus is called so, or begins so."""
    return focused(page).startswith(" ".join(name.split()))


def go(page: Page, key: str, name: str) -> None:
    """Press a key until what has the focus is called so, or begins so."""
    passed: list[str] = []
    while not is_on(page, name):
        assert len(passed) < MOST_STOPS, f"{key} never came to {name!r}, but to {passed}"
        page.keyboard.press(key)
        passed.append(focused(page))
