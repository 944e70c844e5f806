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


def runs(text: str) -> list[Run]:
    [block] = parse(text)
    [line] = block.lines
    return list(line)


def test_paragraphs_keep_their_lines():
    assert parse("un\ndeux\n\ntrois") == [
        Block("paragraph", ((Run("un"),), (Run("deux"),))),
        Block("paragraph", ((Run("trois"),),)),
    ]


@pytest.mark.parametrize("mark", ["-", "*", "•"])
def test_a_list_follows_a_paragraph_without_an_empty_line(mark):
    assert parse(f"voici :\n{mark} un\n{mark} deux") == [
        Block("paragraph", ((Run("voici :"),),)),
        Block("bullets", ((Run("un"),), (Run("deux"),))),
    ]


def test_a_numbered_list_begins_with_its_first_number():
    assert parse("3. trois\n4) quatre") == [
        Block("numbers", ((Run("trois"),), (Run("quatre"),)), 3)
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a **b** c", [Run("a "), Run("b", bold=True), Run(" c")]),
        ("*b*", [Run("b", italic=True)]),
        ("_b_", [Run("b", italic=True)]),
        ("a_b_c", [Run("a_b_c")]),
        ("2 * 3 * 4", [Run("2 * 3 * 4")]),
        ("**a *b***", [Run("a *b", bold=True), Run("*")]),
        ("**a _b_**", [Run("a ", bold=True), Run("b", bold=True, italic=True)]),
        ("[t](https://a.ca)", [Run("t", url="https://a.ca")]),
        ("**[t](https://a.ca)**", [Run("t", bold=True, url="https://a.ca")]),
        ("[t](http://a.ca)", [Run("[t](http://a.ca)")]),
        ("[t](javascript:x)", [Run("[t](javascript:x)")]),
        ("<b>&amp;", [Run("<b>&amp;")]),
    ],
)
def test_runs_look_as_their_marks_say(text, expected):
    assert runs(text) == expected


def test_nothing_is_nothing():
    assert parse("") == []
    assert parse(" \n\t\n") == []


def test_plain_text_is_what_is_left_without_marks():
    assert plain("**a** [b](https://b.ca)\nc\n\n- d") == "a b\nc\n\nd"


def test_only_addresses_that_lead_somewhere_safe_are_links():
    assert is_safe("https://a.ca")
    assert is_safe("MAILTO:a@b.ca")
    assert not is_safe("data:text/html,x")
    assert not is_safe("https://[")
