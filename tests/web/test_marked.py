"""Texts of the content as HTML: bold, italics and links of the Markdown, and nothing else."""

from __future__ import annotations

import pytest

from mobilis.web.marked import marked


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Bonjour", "Bonjour"),
        ("**Bon** jour", "<strong>Bon</strong> jour"),
        ("*Bon* jour", "<em>Bon</em> jour"),
        ("2 * 3 * 4", "2 * 3 * 4"),
        (
            "Voir [la **page**](https://example.org/?a=1&b=2), puis [*non*](https://example.org).",
            'Voir <a href="https://example.org/?a=1&amp;b=2" rel="noopener noreferrer">la '
            '<strong>page</strong></a>, puis <a href="https://example.org" '
            'rel="noopener noreferrer"><em>non</em></a>.',
        ),
        ("[x](http://example.org)", "[x](http://example.org)"),
        ("[x](javascript:alert)", "[x](javascript:alert)"),
        ("<b>&", "&lt;b&gt;&amp;"),
        (
            '[<i>](https://a.ca/"x)',
            '<a href="https://a.ca/&#34;x" rel="noopener noreferrer">&lt;i&gt;</a>',
        ),
    ],
)
def test_what_is_marked(text: str, wanted: str) -> None:
    assert str(marked(text)) == wanted
