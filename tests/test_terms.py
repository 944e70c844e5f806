"""Finding the terms of a lexicon in a text."""

from __future__ import annotations

import pytest

from mobilis.terms import Lexicon, key, tokenize
from mobilis.text import unaccented


def lexicon(*terms: str) -> Lexicon[str]:
    made: Lexicon[str] = Lexicon()
    for term in terms:
        made.add(key(term), term)
    return made


def found(made: Lexicon[str], text: str) -> list[tuple[str, str, bool]]:
    tokens = tokenize(text)
    return [
        (" ".join(token.word for token in tokens[hit.start : hit.end]), hit.meaning, hit.exact)
        for hit in made.find(tokens)
    ]


@pytest.mark.parametrize(
    "written",
    ["environment", "environnment", "environmenent", "environnemmentt", "envirronnementt"],
)
def test_a_term_is_found_shorter_or_longer_by_the_typos_that_it_forgives(written: str) -> None:
    assert found(lexicon("environnement"), f"l'{written} ici") == [
        (written, "environnement", False)
    ]


def test_a_word_with_more_typos_than_a_term_forgives_is_not_meant() -> None:
    assert found(lexicon("environnement"), "envirement") == []


def test_of_terms_that_begin_alike_the_longest_wins() -> None:
    made = lexicon("santé", "santé mentale", "santé mentale des jeunes")
    assert [hit[1] for hit in found(made, "santé mentale des aînés, santé")] == [
        "santé mentale",
        "santé",
    ]


def test_a_term_does_not_go_on_in_the_next_clause() -> None:
    assert [hit[1] for hit in found(lexicon("santé", "santé mentale"), "santé, mentale")] == [
        "santé"
    ]


def test_a_pattern_may_begin_with_an_optional_part() -> None:
    made: Lexicon[str] = Lexicon()
    made.add_pattern(([(), ("peu",)], [("importe",)], [("ou",), ("la", "ville")]), "any")
    assert [hit[0] for hit in found(made, "peu importe où; importe la ville, importe")] == [
        "peu importe ou",
        "importe la ville",
    ]


@pytest.mark.parametrize(
    ("text", "folded"), [("ABC d'E", "abc d'e"), ("Élections", "elections"), ("CŒUR", "coeur")]
)
def test_plain_letters_are_folded_like_all_others(text: str, folded: str) -> None:
    assert unaccented(text) == folded


def test_what_is_remembered_of_a_word_is_forgotten_when_a_term_is_added() -> None:
    made = lexicon("santé")
    assert found(made, "logement, importe la ville") == []
    made.add(key("logements"), "housing")
    made.add_pattern(([("importe",)], [("la", "ville")]), "any")
    assert [hit[1] for hit in found(made, "logement, importe la ville")] == ["housing", "any"]
