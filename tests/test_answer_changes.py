"""Which answer of the assessment somebody wants to change."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobilis.answer_changes import change_in

pytestmark = pytest.mark.pure


@pytest.mark.parametrize(
    ("text", "number", "option"),
    [
        ("non la question d'avant. la 3e, c'est C", 3, "c"),
        ("recommence la question 3 svp", 3, None),
        ("la 3e c'est B", 3, "b"),
        ("en fait la 2e c'est plutôt non, le CA comprend pas le lien", 2, None),
        ("actually the second question, that one's more of a B, we don't see it", 2, "b"),
        ("hmm wait, the second one, it's actually more of a yes", 2, None),
        ("je veux changer ma réponse à la 2e question", 2, None),
        ("B. pis la 1re aussi je veux la changer", 1, None),
        ("Q2 devrait être A", 2, "a"),
        ("ask me the fifth question again", 5, None),
        ("no no, I meant the question before, who we work with - it's C", 0, "c"),
        ("non, la question précédente je veux la refaire", 0, None),
        ("go back, it's B, the ask is specific", 0, "b"),
        ("no, it's B I meant. go back", 0, "b"),
    ],
)
def test_an_answer_is_named_by_its_number(text: str, number: int, option: str | None) -> None:
    assert change_in(text) == (number, option)


@pytest.mark.parametrize(
    "text",
    [
        "la deuxième",
        "go back",
        "de retour lundi, on dit B",
        "the first",
        "la 2e option",
        "j'ai une question",
        "one question: how much",
        "bonne question",
        "on est deux, et la troisième arrive en mai",
        "",
    ],
)
def test_an_answer_or_a_question_of_ones_own_changes_nothing(text: str) -> None:
    assert change_in(text) is None


@given(st.text())
def test_whatever_is_typed_names_a_question_or_none(text: str) -> None:
    change = change_in(text)
    assert change is None or (0 <= change.number <= 5 and change.option in (None, *"abcd"))
