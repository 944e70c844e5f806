"""What a website's own button may open the chat on: a closed list, each with what it says.

Typed text is only ever text; this is the one other way for a page to say what its visitor wants.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from mobilis.content import LANGUAGES, Content

INTENTS = (
    *("start_assessment", "go_back", "find_coach", "declare_interest", "request_human", "help"),
)


@dataclass(frozen=True)
class Opening:
    """What the brain gets, and what the visitor is seen to have said, in each language.

    `language` is the one that it changes to, if it does.
    """

    payload: str
    title: Mapping[str, str]
    language: str | None = None


def find_opening(content: Content, name: str) -> Opening | None:
    """The opening of that name: an intent of the list, `faq/<id>` or `switch_language/<code>`."""
    intent, _, detail = name.partition("/")
    if name in INTENTS:
        return Opening(f"/{name}", content.choices[name])
    if intent == "faq" and detail in content.faqs:
        return Opening(_payload(intent, faq_id=detail), content.faqs[detail].title)
    if intent == "switch_language" and detail in LANGUAGES:
        # The button is written in the language that it leads to.
        other = next(code for code in LANGUAGES if code != detail)
        said = content.choices[intent][other]
        return Opening(_payload(intent, language=detail), dict.fromkeys(LANGUAGES, said), detail)
    return None


def _payload(intent: str, **entities: str) -> str:
    return f"/{intent}{json.dumps(entities)}"
