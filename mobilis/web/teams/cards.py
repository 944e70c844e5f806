"""Messages of the chat API as Adaptive Cards 1.5. Pure: a message and words in, JSON out.

A choice travels as its opaque id and nothing else. Once one was made, the card only shows it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

from mobilis.conversations import Message
from mobilis.markup import Block, Line, Run, is_safe, parse, plain
from mobilis.web.teams.activities import VERB
from mobilis.wording import Sentences

Element = dict[str, Any]
Words = Mapping[str, str]  # in one language

CARD = "application/vnd.microsoft.card.adaptive"
VERSION = "1.5"
LARGEST = 80 * 1024  # bytes of an activity, as UTF-16
LONGEST_TEXT = 4000  # characters of one block of text
LONGEST_SPOKEN = 500
LONGEST_TITLE = 120  # of a button
ROW_LENGTH, ROW_SIZE = 44, 3  # characters and buttons that fit side by side on a telephone
FACTS = ("languages", "regions", "topics", "levels", "reasons")

_SPACES = re.compile(r"[ \t\r\n]+")  # a no-break space stays: French has one before a colon
_SPECIAL = re.compile(r"([\\*_\[\]])")
# What makes a line more than a line, where it begins one.
_BEGINNING = re.compile(r"^(\s*)(?:([-+#>])|(\d+)([.)]))")


class TooLarge(ValueError):
    """A message is larger than Teams takes."""


def activity_of(message: Message, sentences: Sentences, public_url: str = "") -> Element:
    """The activity that shows a message.

    Raises:
        TooLarge: it would be refused.
    """
    card = card_of(message, sentences, public_url)
    activity = {
        "type": "message",
        "locale": message["language"],
        "summary": card["fallbackText"],
        "attachments": [{"contentType": CARD, "content": card}],
    }
    if size_of(activity) > LARGEST:
        raise TooLarge(f"{size_of(activity)} bytes")
    return activity


def size_of(activity: Element) -> int:
    """What an activity weighs, as Teams counts."""
    return len(json.dumps(activity, ensure_ascii=False).encode("utf-16-le", "replace"))


def card_of(message: Message, sentences: Sentences, public_url: str = "") -> Element:
    """The card of a message, as the message is now."""
    words = {key: sentence[message["language"]] for key, sentence in sentences.items()}
    spoken = _shortened(plain(message["text"]), LONGEST_SPOKEN)
    return {
        "type": "AdaptiveCard",
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "version": VERSION,
        "lang": message["language"],
        "speak": spoken,
        "fallbackText": spoken,
        "msteams": {"width": "Full"},
        "body": [*_body(message, words, public_url), *_offered(message, words)],
    }


def _body(message: Message, words: Words, public_url: str) -> list[Element]:
    kind = message["kind"]
    if message["role"] == "staff":
        name = message.get("staff", {}).get("name", "")
        return [_heading(words["staff"].format(name=name)), *_texts(message["text"])]
    if kind == "question" and "question" in message:
        return [_progress(message["question"], words), *_texts(message["text"])]
    if kind == "coaches" and "coaches" in message:
        return _coaches(message, words)
    if kind == "result" and "result" in message:
        return [*_texts(message["text"]), *_result(message["result"], words, public_url)]
    if kind == "notice":
        return [_container(_texts(message["text"]), "accent")]
    return [*_texts(message["text"]), *_sources(message.get("faq", {}), words)]


# Text


def _texts(text: str) -> list[Element]:
    return [_text(part) for block in parse(text) for part in _written(block)]


def _text(text: str, **more: Any) -> Element:
    return {"type": "TextBlock", "text": text, "wrap": True, **more}


def _heading(text: str, **more: Any) -> Element:
    return _text(escape(text), weight="Bolder", style="heading", **more)


def _container(items: list[Element], style: str, **more: Any) -> Element:
    return {"type": "Container", "style": style, "items": items, **more}


def _written(block: Block) -> Iterable[str]:
    """A block in the Markdown of Teams, in as many parts as its length asks for."""
    lines = [_line(line) for line in block.lines]
    if block.kind == "paragraph":
        return _parts([_unmarked(line) for line in lines], "\n\n")
    marks = (f"{n}. " if block.kind == "numbers" else "- " for n in range(block.start, 10**9))
    return _parts([f"{mark}{line}" for mark, line in zip(marks, lines)], "\r")


def _parts(lines: list[str], between: str) -> list[str]:
    parts = [""]
    for line in chain.from_iterable(map(_cut, lines)):
        longer = f"{parts[-1]}{between}{line}" if parts[-1] else line
        if len(longer) <= LONGEST_TEXT:
            parts[-1] = longer
        else:
            parts.append(line)
    return parts


def _cut(line: str) -> list[str]:
    """A line in pieces that are not too long, cut where there is a space if there is one."""
    pieces = []
    while len(line) > LONGEST_TEXT:
        at = line.rfind(" ", 1, LONGEST_TEXT)
        at = at if at > 0 else LONGEST_TEXT
        pieces.append(line[:at])
        line = line[at:].lstrip()
    return [*pieces, line]


def _line(line: Line) -> str:
    written = ""
    for run in line:
        if run.url and written.endswith("!"):  # else it would be a picture
            written = f"{written[:-1]}\\!"
        written += _run(run)
    return written


def _run(run: Run) -> str:
    """One piece: marks stand close to the words, else they would be shown."""
    inner = run.text.strip()
    if not inner:
        return run.text
    before, after = run.text.split(inner, 1) if inner != run.text else ("", "")
    written = escape(inner)
    if run.italic:
        written = f"_{written}_"
    if run.bold:
        written = f"**{written}**"
    if run.url:
        written = f"[{written}]({run.url})"
    return f"{before}{written}{after}"


def escape(text: str) -> str:
    """Text that means nothing but itself."""
    return _SPECIAL.sub(r"\\\1", text)


def _unmarked(line: str) -> str:
    """A line that begins no list, heading or quotation."""
    return _BEGINNING.sub(
        lambda m: f"{m[1]}\\{m[2]}" if m[2] else f"{m[1]}{m[3]}\\{m[4]}", line, count=1
    )


def _shortened(text: str, length: int) -> str:
    text = _SPACES.sub(" ", text).strip()
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"


# What is of a kind


def _progress(question: Mapping[str, Any], words: Words) -> Element:
    number, of = question["number"], question["of"]
    said = words["progress"].format(number=number, of=of)
    return _columns(
        _text(said, isSubtle=True, size="Small"),
        _text(_bar(number, of), isSubtle=True, size="Small", horizontalAlignment="Right"),
    )


def _columns(left: Element, right: Element, **more: Any) -> Element:
    columns = [
        {"type": "Column", "width": width, "items": [item]}
        for width, item in (("stretch", left), ("auto", right))
    ]
    return {"type": "ColumnSet", "columns": columns, **more}


def _bar(points: int, of: int) -> str:
    return "●" * points + "○" * (of - points)


def _sources(faq: Mapping[str, Any], words: Words) -> list[Element]:
    lines = [
        f"- {_run(Run(source['title'], url=source['url'] if is_safe(source['url']) else ''))}"
        for source in faq.get("sources", [])
    ]
    if not lines:
        return []
    head = _text(words["sources"], weight="Bolder", size="Small", separator=True)
    return [head, _text("\r".join(lines), size="Small", spacing="Small")]


def _result(result: Mapping[str, Any], words: Words, public_url: str) -> list[Element]:
    found: list[Element] = []
    if result.get("answers"):
        found.append(_total(result, words))
        found += [element for answer in result["answers"] for element in _answer(answer, words)]
    if public_url and result.get("url"):
        found.append(_actions([_link(words["result_page"], public_url + result["url"])]))
    return found


def _total(result: Mapping[str, Any], words: Words) -> Element:
    """The head of the answers, with all points where there are any."""
    if result.get("score") is None:
        return _heading(words["answers"], separator=True)
    points = words["points"].format(points=result["score"], of=result["of"])
    figures = _text(points, weight="Bolder", horizontalAlignment="Right")
    return _columns(_heading(words["answers"]), figures, separator=True)


def _answer(answer: Mapping[str, Any], words: Words) -> list[Element]:
    """One answer as a bar, with what was said below."""
    about = f"{answer['title'][:1].upper()}{answer['title'][1:]}"
    title = _text(escape(about), weight="Bolder")
    said = _text(escape(answer["answer"]), isSubtle=True, spacing="None")
    if answer.get("points") is None:
        return [title, said]
    points, of = answer["points"], answer["of"]
    figures = words["points"].format(points=points, of=of)
    return [_columns(title, _text(f"{_bar(points, of)} {figures}"), spacing="Small"), said]


def _facts(pairs: Iterable[tuple[str, str]]) -> Element:
    facts = [{"title": title, "value": escape(value)} for title, value in pairs]
    return {"type": "FactSet", "facts": facts}


def _coaches(message: Message, words: Words) -> list[Element]:
    """In place of the list of coaches, which says less, one box each, with the button that
    contacts them: those come first among the choices, in the order of the coaches."""
    texts = [
        _text(part)
        for block in parse(message["text"])
        if block.kind == "paragraph"
        for part in _written(block)
    ]
    chosen = _chosen(message)
    offered = [] if chosen else message.get("choices", [])
    boxes = []
    for at, coach in enumerate(message["coaches"]):
        contact = [_button(offered[at])] if at < len(offered) else []
        boxes.append(_coach(coach, words, contact))
    return [*texts[:1], *boxes, *texts[1:]]


def _coach(coach: Mapping[str, Any], words: Words, buttons: list[Element]) -> Element:
    facts = coach.get("facts", {})
    told = [(words[name], facts[name]) for name in FACTS if facts.get(name)]
    if coach.get("url") and is_safe(coach["url"]):
        title = words["coach_page"].format(name=coach["name"])
        buttons = [*buttons, _link(title, coach["url"])]
    items = [_heading(coach["name"])]
    items += _texts(coach.get("bio") or "")
    items += [_facts(told)] if told else []
    items += [_actions(buttons)] if buttons else []
    return _container(items, "emphasis", separator=True)


# Choices


def _offered(message: Message, words: Words) -> list[Element]:
    """The buttons, or, once one was pressed, what it said."""
    chosen = _chosen(message)
    if chosen:
        said = words["chosen"].format(title=chosen["title"])
        return [_container([_text(f"✓ {escape(said)}", weight="Bolder")], "good", separator=True)]
    choices = message.get("choices", [])
    if message["kind"] == "coaches":  # those that contact a coach stand with the coach
        choices = choices[len(message.get("coaches", [])) :]
    return [_actions([_button(choice) for choice in row]) for row in _rows(choices)]


def _chosen(message: Message) -> Mapping[str, Any] | None:
    return next((choice for choice in message.get("choices", []) if choice.get("used")), None)


def _rows(choices: Iterable[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """Choices in rows that are not cut off where there is little room."""
    rows: list[list[Mapping[str, Any]]] = []
    length = 0
    for choice in choices:
        length += len(choice["title"])
        if rows and length <= ROW_LENGTH and len(rows[-1]) < ROW_SIZE:
            rows[-1].append(choice)
        else:
            rows.append([choice])
            length = len(choice["title"])
    return rows


def _actions(actions: list[Element]) -> Element:
    return {"type": "ActionSet", "actions": actions}


def _button(choice: Mapping[str, Any]) -> Element:
    title, data = _shortened(choice["title"], LONGEST_TITLE), {"choice": choice["id"]}
    submit = {"type": "Action.Submit", "title": title, "data": data}
    execute = {"type": "Action.Execute", "title": title, "verb": VERB, "data": data}
    return {**execute, "fallback": submit}


def _link(title: str, url: str) -> Element:
    return {"type": "Action.OpenUrl", "title": _shortened(title, LONGEST_TITLE), "url": url}
