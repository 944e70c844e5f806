"""A message of the chat API as Slack shows it: blocks, and the text that notifications and screen
readers get.

Pure. Slack's limits are https://docs.slack.dev/reference/block-kit/blocks; nothing that is made
here is beyond them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mobilis.conversations import Message
from mobilis.markup import Block, Run, is_safe, parse
from mobilis.wording import Sentences

SECTION = 3000  # characters of a section
FIELD = 2000  # characters of a fact beside a section
BUTTON = 75  # characters of a button, or of an option of a menu
MOST_BLOCKS = 50
MOST_BUTTONS = 10  # more than these become a menu (Slack would take 25)
MOST_OPTIONS = 100  # of one menu
FALLBACK = 3900  # characters of the text beside the blocks
URL = 2000  # characters of a link, as it is written
LABEL = 150  # characters of what a link says
PIECE = 500  # characters that are never cut: as entities, a section's worth at most

CHOICE = "choice"  # what the action ids of buttons and menus begin with
FULL, EMPTY = "▰", "▱"
FACTS = ("languages", "regions", "topics", "levels", "reasons")  # of a coach, and their words

Shown = dict[str, Any]
Words = Mapping[str, str]


@dataclass(frozen=True)
class Look:
    """What rendering needs beside the message: the words of content/slack.yml, and where the front
    door's own pages are, if anywhere."""

    sentences: Sentences
    site: str = ""

    def words(self, message: Message) -> Words:
        language = message["language"]
        return {key: sentence[language] for key, sentence in self.sentences.items()}


def render(message: Message, look: Look) -> Shown:
    """`text` and `blocks` of a message."""
    words = look.words(message)
    above = [*_staff(message, words), *_progress(message, words)]
    body = [*_body(message, words)]
    below = [
        *_result(message, words, look.site),
        *_sources(message, words),
        *_choices(message, words),
    ]
    room = MOST_BLOCKS - len(above) - len(below)
    if len(body) > room:
        body = [*body[: room - 1], _context(words["cut"])]
    return {"text": fallback(message, words), "blocks": [*above, *body, *below]}


def notice(text: str) -> Shown:
    """A sentence of our own, with nothing to press."""
    lines = list(mrkdwn(parse(text)))
    return {"text": _cut("\n".join(lines)), "blocks": _sections(parse(text))}


def fallback(message: Message, words: Words) -> str:
    """Everything that the message says, as one text."""
    lines = [_said_by(message, words), _progress_words(message, words)]
    lines += mrkdwn(parse(message["text"]))
    lines.append(_sources_words(message, words))
    made = _made(message)
    if made:
        lines.append(words["chosen"].format(choice=escape(made["title"])))
    else:
        lines += [f"• {escape(choice['title'])}" for choice in message.get("choices", ())]
    return _cut("\n".join(line for line in lines if line is not None)) or "…"


def escape(text: str) -> str:
    """What Slack would read as its own stands for itself."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def mrkdwn(blocks: Iterable[Block]) -> Iterator[str]:
    """Lines of Slack's own markup, an empty one between two blocks; none is beyond a section."""
    for number, block in enumerate(blocks):
        if number:
            yield ""
        for place, line in enumerate(block.lines):
            mark = {"bullets": "• ", "numbers": f"{block.start + place}. "}.get(block.kind, "")
            yield from _fill(mark, line)


def _fill(mark: str, line: Sequence[Run]) -> Iterator[str]:
    """A line with its mark, as several where it is too long."""
    written = mark
    for run in line:
        for piece in _pieces(run):
            if len(written) + len(piece) > SECTION:
                yield written
                written = ""
            written += piece
    yield written


def _pieces(run: Run) -> Iterator[str]:
    if run.url:
        yield _link(run.text, run.url)
        return
    for start in range(0, len(run.text), PIECE):
        yield _styled(run.text[start : start + PIECE], run)


def _link(title: str, url: str) -> str:
    """A link; its words alone where it is not safe, or is too long."""
    said = escape(shorten(title, LABEL)).replace("|", "¦")
    address = escape(url).replace("|", "%7C")
    return f"<{address}|{said}>" if is_safe(url) and len(address) <= URL else said


def _styled(text: str, run: Run) -> str:
    """Slack wants its marks to touch what they mark."""
    inside = text.strip()
    if not inside:
        return text
    mark = ("*" if run.bold else "") + ("_" if run.italic else "")
    before, after = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]
    return f"{before}{mark}{escape(inside)}{mark[::-1]}{after}"


def _sections(blocks: Iterable[Block]) -> list[Shown]:
    """As few sections as hold the blocks."""
    texts: list[str] = []
    for line in mrkdwn(blocks):
        if texts and len(texts[-1]) + 1 + len(line) <= SECTION:
            texts[-1] += f"\n{line}"
        elif line:
            texts.append(line)
    return [_section(text.strip("\n")) for text in texts if text.strip()]


def _section(text: str) -> Shown:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def _context(text: str) -> Shown:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": _cut(text, URL)}]}


def _body(message: Message, words: Words) -> Iterator[Shown]:
    """The text; the cards of coaches stand in the place of their list."""
    blocks, cards = parse(message["text"]), list(_coaches(message, words))
    place = next((n for n, b in enumerate(blocks) if b.kind == "bullets"), len(blocks))
    if not cards:
        yield from _sections(blocks)
        return
    yield from _sections(blocks[:place])
    yield from cards
    yield from _sections(blocks[place + 1 :])


def _said_by(message: Message, words: Words) -> str | None:
    if message["role"] != "staff":
        return None
    return words["staff_says"].format(name=escape(message["staff"]["name"]))


def _staff(message: Message, words: Words) -> Iterator[Shown]:
    said_by = _said_by(message, words)
    if said_by:
        yield _context(f"*{said_by}*")


def _progress_words(message: Message, words: Words) -> str | None:
    question = message.get("question")
    if not question:
        return None
    return words["progress"].format(number=question["number"], of=question["of"])


def _progress(message: Message, words: Words) -> Iterator[Shown]:
    progress = _progress_words(message, words)
    if progress:
        question = message["question"]
        yield _context(f"{bar(question['number'], question['of'])} {progress}")


def bar(score: int, of: int) -> str:
    """A bar of text, of 20 signs at most."""
    signs = min(of, 20)
    full = round(signs * score / of) if of else 0
    return FULL * full + EMPTY * (signs - full)


def _result(message: Message, words: Words, site: str) -> Iterator[Shown]:
    result = message.get("result")
    if not result:
        return
    lines = []
    if result["score"] is not None:
        score = {"score": result["score"], "of": result["of"]}
        lines.append(words["score"].format(bar=bar(**score), **score))
    for answer in result.get("answers", ()):
        picture = bar(answer["points"], answer["of"])
        lines.append(f"{picture} *{escape(answer['title'])}*\n{escape(answer['answer'])}")
    if result.get("url") and site:
        lines.append(f"<{escape(site + result['url'])}|{escape(words['result_page'])}>")
    yield from (_section(text) for text in _packed(lines))


def _packed(lines: Iterable[str]) -> Iterator[str]:
    """Lines in as few texts as hold them."""
    text = ""
    for line in lines:
        line = _cut(line, SECTION)
        if text and len(text) + 1 + len(line) > SECTION:
            yield text
            text = line
        else:
            text = f"{text}\n{line}" if text else line
    if text:
        yield text


def _coaches(message: Message, words: Words) -> Iterator[Shown]:
    for number, coach in enumerate(message.get("coaches") or ()):
        if number:
            yield {"type": "divider"}
        named = f"*{_link(coach['name'], coach.get('url') or '')}*"
        lines = [named, escape(coach.get("bio") or "")]
        card = _section(_cut("\n".join(line for line in lines if line), SECTION))
        facts = coach.get("facts") or {}
        told = [f"*{words[name]}*\n{escape(facts[name])}" for name in FACTS if facts.get(name)]
        if told:
            card["fields"] = [{"type": "mrkdwn", "text": _cut(fact, FIELD)} for fact in told]
        yield card


def _sources_words(message: Message, words: Words) -> str | None:
    sources = (message.get("faq") or {}).get("sources") or ()
    named = [_link(source["title"], source.get("url") or "") for source in sources]
    if not named:
        return None
    key = "source" if len(named) == 1 else "sources"
    return words[key].format(sources=" · ".join(named))


def _sources(message: Message, words: Words) -> Iterator[Shown]:
    sources = _sources_words(message, words)
    if sources:
        yield _context(sources)


def _made(message: Message) -> Mapping[str, Any] | None:
    """The choice that was made of those a message offers."""
    return next((choice for choice in message.get("choices", ()) if choice.get("used")), None)


def _choices(message: Message, words: Words) -> Iterator[Shown]:
    made, choices = _made(message), message.get("choices", ())
    if made:
        yield _context(words["chosen"].format(choice=escape(made["title"])))
    elif choices:
        if any(len(choice["title"]) > BUTTON for choice in choices):
            yield from _written_out(choices)
        yield {"type": "actions", "elements": list(_elements(choices, words))}


def _written_out(choices: Iterable[Mapping[str, str]]) -> Iterator[Shown]:
    """Where a title is too long for its button, all stand above in full."""
    titles = [f"• {escape(choice['title'])}" for choice in choices]
    yield from (_section(text) for text in _packed(titles))


def _elements(choices: Sequence[Mapping[str, str]], words: Words) -> Iterator[Shown]:
    if len(choices) <= MOST_BUTTONS:
        yield from (_button(choice) for choice in choices)
        return
    for start in range(0, len(choices), MOST_OPTIONS):
        yield {
            "type": "static_select",
            "action_id": f"{CHOICE}-menu-{start}",
            "placeholder": plain_text(words["choose"]),
            "options": [_option(choice) for choice in choices[start : start + MOST_OPTIONS]],
        }


def _button(choice: Mapping[str, str]) -> Shown:
    return {
        "type": "button",
        "action_id": f"{CHOICE}-{choice['id']}",
        "text": plain_text(choice["title"]),
        "value": choice["id"],
    }


def _option(choice: Mapping[str, str]) -> Shown:
    return {"text": plain_text(choice["title"]), "value": choice["id"]}


def plain_text(text: str, most: int = BUTTON) -> Shown:
    """A text in which Slack reads nothing of its own."""
    return {"type": "plain_text", "text": shorten(text, most), "emoji": False}


def shorten(text: str, most: int) -> str:
    """`text`, cut between two words where it is too long."""
    if len(text) <= most:
        return text
    kept = text[: most - 1]
    return (kept[: kept.rfind(" ")] if " " in kept[most // 2 :] else kept).rstrip() + "…"


def _cut(text: str, most: int = FALLBACK) -> str:
    """The same of Slack's own markup: never within a link or an entity."""
    if len(text) <= most:
        return text
    kept = text[: most - 2]
    for opening, closing in ("<>", "&;"):
        if kept.rfind(opening) > kept.rfind(closing):
            kept = kept[: kept.rfind(opening)]
    return kept.rstrip() + "…"
