"""What was said in a journey, and the same as Markdown that can be read aloud.

Deterministic: no ids, no times, references masked. Its few words are in content/transcripts.yml.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from mobilis.content import Text, both_languages, read_yaml
from mobilis.errors import ContentError
from mobilis.expectations import REFERENCE, Message, load_words
from mobilis.settings import ROOT

FILE = "content/transcripts.yml"
PROCESSES = ("brain", "actions", "door")
KEYS = (
    *("visitor", "assistant", "says", "presses", "choices", "sources", "question", "result"),
    *("result_early", "gaps", "coaches", *PROCESSES, "restarted", "killed"),
)
MASKED = "M-…"

_LIST = re.compile(r"(?:[-*]|\d+\.) ")


@dataclass(frozen=True)
class Typed:
    """The visitor typed a message."""

    text: str


@dataclass(frozen=True)
class Pressed:
    """The visitor pressed a button."""

    title: str


@dataclass(frozen=True)
class Answered:
    """The assistant said a message."""

    message: Message


@dataclass(frozen=True)
class Disturbed:
    """A process was restarted, or killed in the middle of a turn."""

    process: str
    killed: bool


Entry = Typed | Pressed | Answered | Disturbed


@dataclass(frozen=True)
class Transcript:
    """A whole journey. Each entry comes with the language that was spoken by then."""

    title: str
    language: str
    entries: tuple[tuple[str, Entry], ...]


def to_markdown(transcript: Transcript) -> str:
    """`transcript` as Markdown: who said what, buttons, sources, results and cards."""
    blocks = [f"# {transcript.title}"]
    for language, entry in transcript.entries:
        blocks.append(_block(entry, language))
    return "\n\n".join(blocks) + "\n"


@lru_cache(maxsize=4)
def _sentences(root: Path = ROOT) -> Mapping[str, Text]:
    data = read_yaml(root, FILE)
    if not isinstance(data, Mapping):
        raise ContentError(f"{FILE}: a mapping of names to fr and en is expected")
    return {key: both_languages(FILE, key, data.get(key)) for key in KEYS}


def _word(key: str, language: str, **values: object) -> str:
    return _sentences()[key][language].format(**values)


def _block(entry: Entry, language: str) -> str:
    if isinstance(entry, Answered):
        return _quoted(_answer(entry.message, language))
    if isinstance(entry, Disturbed):
        key = "killed" if entry.killed else "restarted"
        return _word(key, language, process=_word(entry.process, language))
    if isinstance(entry, Pressed):
        key, text = "presses", entry.title
    else:
        key, text = "says", _as_typed(entry.text)
    return _word(key, language, who=_word("visitor", language), text=_masked(text))


def _as_typed(text: str) -> str:
    """A visitor's text as Markdown that shows it as it was typed."""
    lines = [re.sub(r"([\\`*_<>#\[\]])", r"\\\1", line) for line in text.splitlines()]
    return "  \n".join(lines)


def _answer(message: Message, language: str) -> list[str]:
    """The paragraphs of one message of the assistant."""
    text = _masked(message["text"]).strip()
    who = _word("assistant", language)
    if _LIST.match(text):
        text = f"\n\n{text}"
    paragraphs = [_word("says", language, who=who, text=text)]
    question = message.get("question")
    if question:
        number = _word("question", language, number=question["number"], of=question["of"])
        paragraphs.insert(0, f"*{number}*")
    paragraphs += _result(message, language)
    paragraphs += _cards(message, language)
    paragraphs += _sources(message, language)
    titles = [choice["title"] for choice in message.get("choices") or []]
    if titles:
        paragraphs.append(_listed(_word("choices", language), (f"[{title}]" for title in titles)))
    return paragraphs


def _result(message: Message, language: str) -> list[str]:
    result = message.get("result")
    if not result:
        return []
    assessment = load_words().assessment
    key = "result_early" if result["score"] is None else "result"
    band = assessment.bands[result["band"]].title[language]
    sentences = [_word(key, language, band=band, total=result["score"], of=result["of"])]
    if result["gaps"]:
        gaps = [assessment.question(gap).gap[language] for gap in result["gaps"]]
        sentences.append(_word("gaps", language, gaps="; ".join(gaps)))
    return [" ".join(sentences)]


def _cards(message: Message, language: str) -> list[str]:
    cards = message.get("coaches")
    if not cards:
        return []
    facets = load_words().facets
    lines = []
    for card in cards:
        parts = [
            ", ".join(facets[facet][value][language] for value in card.get(key) or [])
            for facet, key in (
                ("language", "languages"),
                ("region", "regions"),
                ("topic", "topics"),
                ("level", "levels"),
            )
        ]
        lines.append(f"**{card['name']}** ({'; '.join(part for part in parts if part)})")
    return [_listed(_word("coaches", language), lines)]


def _sources(message: Message, language: str) -> list[str]:
    sources = (message.get("faq") or {}).get("sources")
    if not sources:
        return []
    links = (f"[{source['title']}]({source['url']})" for source in sources)
    return [_listed(_word("sources", language), links)]


def _listed(heading: str, items: Iterable[str]) -> str:
    return "\n".join([heading, "", *(f"- {item}" for item in items)])


def _quoted(paragraphs: list[str]) -> str:
    lines = "\n\n".join(paragraphs).split("\n")
    return "\n".join(f"> {line}".rstrip() for line in lines)


def _masked(text: str) -> str:
    return REFERENCE.sub(MASKED, text)
