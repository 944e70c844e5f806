"""The Markdown subset of the chat API, read once for whoever shows it otherwise: paragraphs, lists,
bold, italic, links. The same rules as the widget's (widget/src/markdown.ts).

Pure; called by the channels, which write it as their platform wants it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

SAFE = ("https", "mailto", "tel")

_WORD = r"[^\W_]"
_INLINE = re.compile(
    r"\*\*(?P<bold>.+?)\*\*"
    r"|\*(?!\s)(?P<star>[^*\n]+?)\*"
    rf"|(?<!{_WORD})_(?P<under>[^_\n]+?)_(?!{_WORD})"
    r"|\[(?P<title>[^\[\]\n]+)\]\((?P<url>[^()\s]+)\)"
)
_ITEM = re.compile(r"\s*(?:[-*•]|(?P<number>\d{1,9})[.)])\s+(?P<text>.*)")


@dataclass(frozen=True)
class Run:
    """A piece of text that looks the same throughout; `url` makes it a link."""

    text: str
    bold: bool = False
    italic: bool = False
    url: str = ""


Line = tuple[Run, ...]


@dataclass(frozen=True)
class Block:
    """A paragraph's lines, or a list's items. A numbered list has the number of its first item."""

    kind: str  # paragraph | bullets | numbers
    lines: tuple[Line, ...]
    start: int = 1


def parse(text: str) -> list[Block]:
    """The paragraphs and lists of a text."""
    blocks: list[Block] = []
    open_kind = ""  # of the block that the next line may continue
    for line in text.splitlines():
        if not line.strip():
            open_kind = ""
            continue
        kind, start, runs = _read(line)
        if kind == open_kind:
            blocks[-1] = replace(blocks[-1], lines=(*blocks[-1].lines, runs))
        else:
            blocks.append(Block(kind, (runs,), start))
        open_kind = kind
    return blocks


def plain(text: str) -> str:
    """The text without its marks; a link keeps its words alone."""
    return "\n\n".join(
        "\n".join("".join(run.text for run in line) for line in block.lines)
        for block in parse(text)
    )


def is_safe(url: str) -> bool:
    """Whether an address may be offered as a link."""
    try:
        return urlsplit(url).scheme.lower() in SAFE
    except ValueError:
        return False


def _read(line: str) -> tuple[str, int, Line]:
    item = _ITEM.fullmatch(line)
    if item is None:
        return "paragraph", 1, tuple(_runs(line.strip(), Run("")))
    number = item["number"]
    runs = tuple(_runs(item["text"], Run("")))
    return ("numbers", int(number), runs) if number else ("bullets", 1, runs)


def _runs(text: str, like: Run) -> Iterator[Run]:
    """The runs of a text, each as `like` looks and as its own marks say."""
    at = 0
    for match in _INLINE.finditer(text):
        if match.start() > at:
            yield replace(like, text=text[at : match.start()])
        at = match.end()
        yield from _marked(match, like)
    if at < len(text):
        yield replace(like, text=text[at:])


def _marked(match: re.Match[str], like: Run) -> Iterator[Run]:
    if match["bold"]:
        yield from _runs(match["bold"], replace(like, bold=True))
    elif match["url"] and is_safe(match["url"]):
        yield replace(like, text=match["title"], url=match["url"])
    elif match["url"]:
        yield replace(like, text=match.group())
    else:
        yield from _runs(match["star"] or match["under"], replace(like, italic=True))
