"""The Markdown subset, read as the widget reads it."""

from __future__ import annotations

import pytest

from mobilis.markup import Block, Run, is_safe, parse, plain

pytestmark = pytest.mark.pure


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
