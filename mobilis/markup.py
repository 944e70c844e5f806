"""The Markdown subset of the chat API as a tree: paragraphs and lists of lines, in bold, in italic
and with links. Read as the widget reads it (widget/src/markdown.ts). Pure; for channels that write
in another way.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

SAFE = ("https", "mailto", "tel")  # kinds of addresses that a link may lead to

_INLINE = re.compile(
    r"\*\*(?P<bold>.+?)\*\*|\*(?!\s)(?P<star>[^*\n]+?)\*|(?<!\w)_(?P<low>[^_\n]+?)_(?!\w)"
    r"|\[(?P<title>[^\[\]\n]+)\]\((?P<url>[^()\s]+)\)"
)
_ITEM = re.compile(r"\s*(?:[-*•]|(\d+)[.)])\s+(.*)")


@dataclass(frozen=True)
class Span:
    """A piece of a line, all in one way."""

    text: str
    bold: bool = False
    italic: bool = False
    url: str = ""


Line = tuple[Span, ...]


@dataclass(frozen=True)
class Block:
    """A paragraph with its lines, or a list with its items."""

    kind: str  # paragraph | bullets | numbers
    lines: tuple[Line, ...]
    start: int = 1  # of numbers


def parse(text: str) -> list[Block]:
    """The blocks of a text."""
    blocks: list[Block] = []
    is_open = False  # whether the next line may continue the last block
    for line in text.splitlines():
        item = _ITEM.fullmatch(line)
        if not line.strip():
            is_open = False
            continue
        kind = "paragraph" if not item else "numbers" if item[1] else "bullets"
        spans = spans_of(item[2] if item else line)
        if is_open and blocks[-1].kind == kind:
            blocks[-1] = replace(blocks[-1], lines=(*blocks[-1].lines, spans))
        else:
            start = int(item[1][:6]) if item and item[1] else 1
            blocks.append(Block(kind, (spans,), start))
        is_open = True
    return blocks


def spans_of(text: str, bold: bool = False, italic: bool = False) -> Line:
    """The pieces of one line."""
    spans: list[Span] = []
    end = 0
    for match in _INLINE.finditer(text):
        _append(spans, Span(text[end : match.start()], bold, italic))
        end = match.end()
        if match["bold"]:
            spans += spans_of(match["bold"], True, italic)
        elif match["url"]:
            url = match["url"] if is_safe(match["url"]) else ""
            title = match["title"] if url else match[0]
            spans += [replace(span, url=url) for span in _styled(title, bold, italic, url)]
        else:
            spans += spans_of(match["star"] or match["low"], bold, True)
    _append(spans, Span(text[end:], bold, italic))
    return tuple(spans)


def _styled(title: str, bold: bool, italic: bool, url: str) -> Line:
    """A link's title may be bold or italic; what is no link stays as it was written."""
    return spans_of(title, bold, italic) if url else (Span(title, bold, italic),)


def _append(spans: list[Span], span: Span) -> None:
    if span.text:
        spans.append(span)


def is_safe(url: str) -> bool:
    """Whether a link may lead there."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in SAFE and (parts.scheme != "https" or bool(parts.netloc))


def plain(text: str) -> str:
    """A text without its marks, for what is read out or shown in one line."""
    lines = []
    for block in parse(text):
        for number, line in enumerate(block.lines, block.start):
            mark = {"bullets": "• ", "numbers": f"{number}. "}.get(block.kind, "")
            lines.append(mark + "".join(span.text for span in line))
    return "\n".join(lines)
