"""What a person sees on Slack and on Teams, held against the message that was to be shown."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fake_teams import buttons, card, elements
from fakes.slack import Post

from mobilis.expectations import Message
from mobilis.markup import parse
from mobilis.wording import Sentences

LONGEST_FALLBACK = 3500  # of what Slack gives to screen readers; what is longer may be cut
_SLACK_LINK = re.compile(r"<[^<>|]*\|([^<>]*)>")
_TEAMS_LINK = re.compile(r"\]\([^()]*\)")


@dataclass(frozen=True)
class Seen:
    """All that is written, each way in which it is (in blocks, and for screen readers); and the
    buttons: ids of choices by what is written on them."""

    texts: tuple[str, ...]
    buttons: Mapping[str, str]


def on_slack(post: Post) -> Seen:
    """A post as it is now."""
    offered = {
        title: str((action.get("selected_option") or action)["value"])
        for title, action in post.buttons().items()
    }
    whole = [post.says(), post.text] if len(post.text) < LONGEST_FALLBACK else [post.says()]
    return Seen(tuple(html.unescape(_SLACK_LINK.sub(r"\1", text)) for text in whole), offered)


def on_teams(activity: Mapping[str, Any]) -> Seen:
    """An activity as it is now."""
    lines = []
    for element in elements(card(dict(activity))):
        lines += [element["text"]] if element["type"] == "TextBlock" else []
        lines += [fact["value"] for fact in element.get("facts", [])]
    return Seen((_TEAMS_LINK.sub("]", "\n".join(lines)),), buttons(card(dict(activity))))


def problems(message: Message, seen: Seen, sentences: Sentences) -> list[str]:
    """What of a message is not shown, and what is shown of it that should not be."""
    found = []
    for text in seen.texts:
        written = squash(text)
        missing = [line for line in _lines(message, sentences) if squash(line) not in written]
        found += [f"{line!r} is not shown in {text!r}" for line in missing]
    return found + _wrong_buttons(message, seen)


def squash(text: str) -> str:
    """Words and numbers alone, without marks, spaces and signs."""
    return " ".join(re.findall(r"[^\W_]+", text))


def _lines(message: Message, sentences: Sentences) -> Iterator[str]:
    """What must be written somewhere."""
    cards = message.get("coaches") or ()
    for block in parse(message["text"]):
        if not (cards and block.kind == "bullets"):  # the cards say more
            yield from ("".join(run.text for run in line) for line in block.lines)
    yield from (coach["name"] for coach in cards)
    yield from (source["title"] for source in (message.get("faq") or {}).get("sources") or ())
    question = message.get("question")
    if question:
        progress = sentences["progress"][message["language"]]
        yield progress.format(number=question["number"], of=question["of"])
    made = _made(message)
    if made:
        yield made["title"]


def _made(message: Message) -> Mapping[str, Any] | None:
    return next((choice for choice in message.get("choices") or () if choice.get("used")), None)


def _wrong_buttons(message: Message, seen: Seen) -> list[str]:
    offered = {} if _made(message) else {c["id"]: c["title"] for c in message.get("choices") or ()}
    if list(offered) != list(seen.buttons.values()):
        return [f"the buttons {list(seen.buttons)} are shown in place of {list(offered.values())}"]
    return [
        f"the button {offered[choice]!r} says {title!r}"
        for title, choice in seen.buttons.items()
        if not offered[choice].startswith(title.removesuffix("…"))
    ]
