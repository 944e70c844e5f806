"""The Markdown subset of the chat API as a tree."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobilis.markup import Block, Run, is_safe, parse, plain

pytestmark = pytest.mark.pure


def bold(text):
    return Run(text, bold=True)


def line(text):
    return (Run(text),)


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ("un mot", [Run("un mot")]),
        ("un **mot** fort", [Run("un "), bold("mot"), Run(" fort")]),
        ("*penché*", [Run("penché", italic=True)]),
        ("_penché_", [Run("penché", italic=True)]),
        ("snake_case_name", [Run("snake_case_name")]),
        ("2 * 3 * 4", [Run("2 * 3 * 4")]),
        ("**a *b* c**", [bold("a "), Run("b", bold=True, italic=True), bold(" c")]),
        ("[page](https://a.ca/b)", [Run("page", url="https://a.ca/b")]),
        ("**[page](https://a.ca)**", [Run("page", bold=True, url="https://a.ca")]),
        ("[a](javascript:alert)", [Run("[a](javascript:alert)")]),
        ("[a](http://a.ca)", [Run("[a](http://a.ca)")]),
    ],
)
def test_a_line_is_pieces(text, runs):
    assert parse(text) == [Block("paragraph", (tuple(runs),))]


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
        ("data:text/html,x", False),
        ("https://[", False),
        ("/r/x", False),
    ],
)
def test_only_some_links_are_safe(url, safe):
    assert is_safe(url) is safe


def test_a_plain_text_has_no_marks():
    assert plain("**a** *b*\n\n- [c](https://c.ca)\n- d") == "a b\n\nc\nd"


@given(st.text(alphabet="*_[]()-1. \nab", max_size=60))
def test_no_word_is_lost_whatever_was_written(text):
    letters = [character for character in text if character in "ab"]
    assert [character for character in plain(text) if character in "ab"] == letters
