"""Text made comparable: what is dropped, what is kept, and that nothing breaks it."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mobilis.text import (
    GUARD,
    MAX_CHARACTERS,
    MAX_WORDS,
    clauses,
    clean,
    clean_lines,
    fold,
    guard,
    plain,
    unaccented,
    without_courtesies,
    words,
)

pytestmark = pytest.mark.pure

# Letters, marks, spaces and signs that people and phones send, beside any character at all.
TYPED = st.text("aàéêœEN' \u2019\u00b4`-–\u2011/?!.;,\n\t\u00a0\u200b\u2060\ufe0f\u0301et🎉٣中ß")
ANY = st.one_of(st.text(), TYPED)


@pytest.mark.parametrize(
    ("typed", "cleaned"),
    [
        ("  Bonjour,\n\tça va?  ", "Bonjour, ça va?"),
        ("l\u2019idée", "l'idée"),
        ("l\u00b4idée", "l'idée"),
        ("l`idée", "l'idée"),
        ("l\uff07idée", "l'idée"),
        ("auto\u2011évaluation – oui − non", "auto-évaluation - oui - non"),
        ("sans\u00a0frais\u202f?", "sans frais ?"),
        ("ouiiiii merciii", "oui merci"),
        ("Alloooo, freeeee helppp", "Alloo, free help"),
        ("appelle-nous, Anne", "appelle-nous, Anne"),
        ("www.exemple.ca", "www.exemple.ca"),
        ("quoi??? non!!!! bon... euh…", "quoi? non! bon. euh."),
        ("on veut un coach 🙂🙏🏽 svp 🇨🇦", "on veut un coach svp"),
        ("❤️‍🔥 2️⃣ ✅oui", "2 oui"),
        ("10 % + 5 $ = 3 €, §2", "10 % + 5 $ = 3 €, §2"),
        ("\xad/restart \u2066non\u2069 \x00\u3164fin", "/restart non fin"),
        ("100000 $", "100000 $"),
        ("e\u0301lections", "élections"),
        ("e\u200b\u0301lections", "élections"),
        ("\u2060/restart\ufeff", "/restart"),
        ("\uff4eonprofit", "nonprofit"),
        ("", ""),
        (" \u200b\n", ""),
    ],
)
def test_clean_makes_one_line_of_one_kind(typed: str, cleaned: str) -> None:
    assert clean(typed) == cleaned


def test_of_a_long_text_the_beginning_and_the_end_are_kept() -> None:
    cleaned = clean(" ".join(f"m{number}" for number in range(70))).split()
    assert len(cleaned) == MAX_WORDS
    assert cleaned[:30] == [f"m{number}" for number in range(30)]
    assert cleaned[30:] == [f"m{number}" for number in range(40, 70)]


def test_a_text_of_one_endless_word_is_cut_in_its_middle() -> None:
    cleaned = clean("début" + "xy" * 5000 + "fin")
    assert cleaned.startswith("début")
    assert cleaned.endswith("fin")
    assert len(cleaned) <= MAX_CHARACTERS


@given(ANY)
@example("ab" * 190 + " " + "c" * 60)
@example(" ".join("a" * 6 for _ in range(30)) + " " + "xy" * 200 + " b" * 29)
def test_clean_is_bounded_and_changes_nothing_the_second_time(text: str) -> None:
    once = clean(text)
    assert len(once) <= MAX_CHARACTERS
    assert len(once.split()) <= MAX_WORDS
    assert clean(once) == once


@settings(max_examples=30)
@given(st.lists(st.text(min_size=1, max_size=40), min_size=20, max_size=150))
def test_long_texts_are_bounded_too(parts: list[str]) -> None:
    once = clean(" ".join(parts))
    assert len(once) <= MAX_CHARACTERS
    assert len(once.split()) <= MAX_WORDS
    assert clean(once) == once


def test_plain_keeps_the_lines_and_the_length() -> None:
    assert plain("a\u2019b\n" + "mot " * 500) == "a'b\n" + "mot " * 500


@pytest.mark.parametrize(
    ("typed", "rest"),
    [
        ("Bonjour, c'est quand la date limite", "c'est quand la date limite"),
        ("Allô bonjour! c'est combien? Merci beaucoup!!", "c'est combien?"),
        ("Bonjour madame, un coach svp", "un coach"),
        ("Hi there, how much is it? thanks a lot", "how much is it?"),
        ("good morning where do i apply please", "where do i apply"),
        ("Bonjour", None),
        ("bonjour la gang", None),
        ("salut Marie", None),  # a name, and no more
        ("merci beaucoup", None),
        ("Bonjour, merci", None),
        ("c'est combien?", None),
        ("on dit hello comment", None),
        ("hiya everyone else", None),
        ("thanks giving day", None),
        ("Bonjour, ici Luc, du centre jeunesse. C'est combien? Merci!", "C'est combien?"),
        ("Hi, Sam from Prairie Harvest here, who reads this chat?", "who reads this chat?"),
        ("I'm Métis, can I get a coach?", "can I get a coach?"),
        ("c'est Manon du comité logement - on veut un coach", "on veut un coach"),
        ("Bon matin, je me présente : Ginette, de la coop de Caraquet.", "Bon matin,"),
        ("Hello! My name is Jean-Guy St-Onge", "Hello!"),
        ("I'm Sam", None),
        ("Je suis comptable, c'est combien?", None),  # what one is may matter
        ("I'm running for council, will you help me", None),
        ("C'est Innoweave qui paie?", None),
        ("Déclaration d'intérêt, c'est obligatoire?", None),
        ("Bonjour, Coaching de groupe, c'est quoi", "Coaching de groupe, c'est quoi"),
        ("Hello, T3010 from 2024, what is it", "T3010 from 2024, what is it"),
        ("I'm Al" + " de la" * 60, None),
        ("", None),
    ],
)
def test_what_is_said_between_courtesies_is_found(typed: str, rest: str | None) -> None:
    assert without_courtesies(typed) == rest


@pytest.mark.parametrize(
    ("typed", "folded"),
    [
        ("Élections FÉDÉRALES", "elections federales"),
        ("Cœur à cœur, Œuvre", "coeur a coeur, oeuvre"),
        ("ADPPÉ", "adppe"),
        ("STRASSE Straße", "strasse strasse"),
        ("T3010", "t3010"),
    ],
)
def test_fold_takes_away_case_and_accents(typed: str, folded: str) -> None:
    assert fold(typed) == folded


def test_unaccented_keeps_everything_but_accents() -> None:
    assert unaccented("  Là,\nà côté…") == "  la,\na cote…"


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("J'ai l'idée", ["j", "ai", "l", "idee"]),
        ("qu\u2019est-ce que c'est?", ["qu", "est", "ce", "que", "c", "est"]),
        ("snake_case, T3010!", ["snake", "case", "t3010"]),
        ("¡¿…?!", []),
        ("", []),
    ],
)
def test_words_are_folded_and_elisions_split(typed: str, expected: list[str]) -> None:
    assert words(typed) == expected


@given(ANY)
def test_words_hold_no_space_and_no_sign(text: str) -> None:
    found = words(text)
    assert all(word and not set(word) & set(" '-_.,;!?\n") for word in found)
    assert not any(unicodedata.combining(character) for word in found for character in word)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (
            "Combien ça coûte? Où est le formulaire?",
            ["Combien ça coûte?", "Où est le formulaire?"],
        ),
        ("how much is it and who pays", ["how much is it", "who pays"]),
        ("c'est gratuit, et aussi c'est long?", ["c'est gratuit", "c'est long?"]),
        ("combien ça coûte pis comment on s'inscrit", ["combien ça coûte", "comment on s'inscrit"]),
        ("première ligne\n\nseconde ligne", ["première ligne", "seconde ligne"]),
        ("on est à Laval, c'est combien", ["on est à Laval", "c'est combien"]),
        ("Ottawa et Gatineau", []),  # halves of one word ask nothing
        ("merci", []),
        ("", []),
    ],
)
def test_clauses_are_the_parts_that_may_each_ask(typed: str, expected: list[str]) -> None:
    assert clauses(typed) == expected


@given(ANY)
def test_clauses_are_of_two_words_at_least(text: str) -> None:
    assert all(len(words(clause)) >= 2 for clause in clauses(text))


@given(ANY)
def test_clean_lines_cleans_each_line(text: str) -> None:
    lines = clean_lines(text).split("\n")
    assert all(len(line) <= MAX_CHARACTERS and clean(line) == line for line in lines)


@pytest.mark.parametrize("text", ["/restart", ' /inform{"score": 3}', "\n/stop", "\u00a0//"])
def test_a_typed_payload_is_guarded(text: str) -> None:
    assert guard(text) == GUARD + text


@pytest.mark.parametrize("text", ["restart", "oui/non", "", " "])
def test_other_text_is_left_as_typed(text: str) -> None:
    assert guard(text) == text


@given(st.one_of(ANY, ANY.map("/{}".format), ANY.map(" /{}".format)))
def test_guarded_text_never_begins_like_a_payload(text: str) -> None:
    assert not guard(text).strip().startswith("/")
    assert clean(guard(text)) == clean(text)
