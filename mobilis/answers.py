"""Puts an answer together: the text, what the province adds, what is not published, the sources."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from mobilis.content import Content, Faq
from mobilis.text import words

STEM = 6  # letters that tell a word, whatever its ending; shorter words tell little
_ABBREVIATION = re.compile(r"\b[A-Z]{3,}(?=s?\b)")
RARE = 0.15  # share of the answers in which a telling word stands at most
MOST_LINES = 2


@dataclass(frozen=True)
class ComposedAnswer:
    """One answer, ready to be said. `sources` are {"title", "url"}; `follow_ups` are labels."""

    text: str
    sources: list[dict[str, str]]
    follow_ups: list[str]


def compose(
    content: Content, faq: Faq, language: str, regions: Sequence[str | None] = ()
) -> ComposedAnswer:
    """The answer to `faq` in `language`, with what the known provinces add."""
    paragraphs = [faq.answer[language]]
    paragraphs += [faq.regions[code][language] for code in regions if code and code in faq.regions]
    if faq.confidence != "published":
        paragraphs.append(faq.not_published[language])
    paragraphs += unknown_links(content, faq.links, language)
    paragraphs += [f"*{notice}*" for notice in content.said(faq.notices, language)]
    follow_ups = list(faq.follow_ups)
    if faq.confidence != "published" and "request_human" not in follow_ups:
        follow_ups.append("request_human")
    return ComposedAnswer("\n\n".join(paragraphs), _sources(content, faq, language), follow_ups)


def lines_about(
    content: Content, faq_id: str, answer: ComposedAnswer, said: str, language: str
) -> list[str]:
    """The lines of an answer that have to do with the words of `said` and not with the question as
    a whole, two at most; none where no line, or more than two, does."""
    faq = content.faqs[faq_id]
    whole = _stems(f"{faq.title[language]} {faq.question[language]}") | _common(content, language)
    asked = _stems(said) - whole
    lines = [line for line in answer.text.splitlines() if not _is_notice(line)]
    found = [line for line in lines if asked & _stems(line)]
    return found if len(found) <= MOST_LINES else []


def _is_notice(line: str) -> bool:
    """Whether a line is in italics as a whole."""
    return line.startswith("*") and not line.startswith("**")


def _common(content: Content, language: str) -> set[str]:
    """What stands in so many answers that it tells no line from another."""
    counted = Counter(
        stem for faq in content.faqs.values() for stem in _stems(faq.answer[language])
    )
    return {stem for stem, count in counted.items() if count > RARE * len(content.faqs)}


def _stems(text: str) -> set[str]:
    """The beginnings of the long words of `text`, and its abbreviations whole."""
    long = {word[:STEM] for word in words(text) if len(word) >= STEM}
    return long | {found.lower() for found in _ABBREVIATION.findall(text)}


def unknown_links(content: Content, keys: Sequence[str], language: str) -> list[str]:
    """Where to look for each of the programme's pages whose address is not known."""
    links = [content.links[key] for key in keys]
    return [link.where[language] for link in links if not link.url.get(language)]


def known_link(content: Content, key: str, language: str) -> str | None:
    """A page of the programme as a Markdown link, or None while its address is not known."""
    link = content.links[key]
    url = link.url.get(language)
    return f"[{link.title[language]}]({url})" if url else None


def _sources(content: Content, faq: Faq, language: str) -> list[dict[str, str]]:
    found = []
    for source in faq.sources:
        url = source.url.get(language) or next(iter(source.url.values()))
        found.append({"title": source.title[language], "url": url})
    for key in faq.links:
        link = content.links[key]
        url_or_none = link.url.get(language)
        if url_or_none:
            found.append({"title": link.title[language], "url": url_or_none})
    return found
