"""The Markdown subset of the chat API as a tree."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobilis.markup import Block, Span, is_safe, parse, plain, spans_of

pytestmark = pytest.mark.pure


def bold(text):
    return Span(text, bold=True)


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("un mot", [Span("un mot")]),
        ("un **mot** fort", [Span("un "), Span("mot", bold=True), Span(" fort")]),
        ("*penché*", [Span("penché", italic=True)]),
        ("_penché_", [Span("penché", italic=True)]),
        ("snake_case_name", [Span("snake_case_name")]),
        ("2 * 3 * 4", [Span("2 * 3 * 4")]),
        ("**a *b* c**", [bold("a "), Span("b", bold=True, italic=True), bold(" c")]),
        ("[page](https://a.ca/b)", [Span("page", url="https://a.ca/b")]),
        ("[**page**](https://a.ca)", [Span("page", bold=True, url="https://a.ca")]),
        ("**[page](https://a.ca)**", [Span("page", bold=True, url="https://a.ca")]),
        ("[a](javascript:alert)", [Span("[a](javascript:alert)")]),
        ("[a](http://a.ca)", [Span("[a](http://a.ca)")]),
        ("", []),
    ],
)
def test_a_line_is_pieces(text, spans):
    assert list(spans_of(text)) == spans


def line(text):
    return (Span(text),)


def test_paragraphs_and_lists_are_blocks():
    text = "un\ndeux\n\n- a\n- b\n3. c\n4) d\n\nfin"
    assert parse(text) == [
        Block("paragraph", (line("un"), line("deux"))),
        Block("bullets", (line("a"), line("b"))),
        Block("numbers", (line("c"), line("d")), 3),
        Block("paragraph", (line("fin"),)),
    ]


def test_an_empty_line_ends_a_list():
    assert len(parse("- a\n\n- b")) == 2


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://a.ca", True),
        ("mailto:a@b.ca", True),
        ("tel:+15145550123", True),
        ("http://a.ca", False),
        ("https:", False),
        ("data:text/html,x", False),
        ("https://[", False),
        ("/r/x", False),
    ],
)
def test_only_some_links_are_safe(url, safe):
    assert is_safe(url) is safe


def test_a_plain_text_has_no_marks():
    assert plain("**a** *b*\n\n- [c](https://c.ca)\n2. d") == "a b\n• c\n2. d"


@given(st.text(alphabet="*_[]()-1. \nab", max_size=60))
def test_no_word_is_lost_whatever_was_written(text):
    letters = [character for character in text if character in "ab"]
    assert [character for character in plain(text) if character in "ab"] == letters
