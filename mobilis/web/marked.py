"""Texts of the content as HTML on pages: of the chat's Markdown, bold, italics and links."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

from mobilis.content import is_https

_BOLD = re.compile(r"\*\*(.+?)\*\*")
_ITALICS = re.compile(r"\*(?!\s)([^*\n]+?)\*")
_LINK = re.compile(r"\[([^\[\]\n]+)\]\(([^()\s]+)\)")


def marked(text: str) -> Markup:
    """One line with what is marked in it; all else, and links to elsewhere than https, as it is."""
    parts, end = [], 0
    for match in _LINK.finditer(text):
        title, url = match.groups()
        if is_https(url):
            parts += [_emphasized(text[end : match.start()]), _link(title, url)]
            end = match.end()
    return Markup("").join([*parts, _emphasized(text[end:])])


def _link(title: str, url: str) -> Markup:
    return Markup('<a href="{}" rel="noopener noreferrer">{}</a>').format(url, _emphasized(title))


def _emphasized(text: str) -> Markup:
    bold = _BOLD.sub(r"<strong>\1</strong>", str(escape(text)))
    return Markup(_ITALICS.sub(r"<em>\1</em>", bold))
