"""Messages that are nearly the same are told from those that are not."""

from __future__ import annotations

import pytest

from mobilis.likeness import Message, key_of, nearly_same, pairs, together


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("C'est combien, ça?", "c est combien ca", False),
        ("C\u2019EST combien, ça?", "c'est combien ca", True),
        ("Bonjour!", "bonjour", False),
        ("merci beaucoup", "Merci beaucoup.", False),
        ("merci ben gros", "merci ben gros!!", True),
        ("merci ben gros", "mercis ben gros", False),
        (
            "est-ce que ça coûte cher de se faire accompagner",
            "est-ce que ça coûte cher se faire accompagner",
            True,
        ),
        (
            "est-ce que ça coûte cher de se faire accompagner",
            "combien coûte l'accompagnement pour un petit organisme",
            False,
        ),
        ("费用是多少 呢 啊", "费用是多少 呢 啊", True),
        ("🎉 🎉 🎉", "👍 👍 👍", False),
    ],
)
def test_nearly_the_same_is_told_from_different(one: str, other: str, same: bool) -> None:
    ones, others = Message(one, "one.yml"), Message(other, "other.tsv:1")
    assert pairs([ones], [others]) == ([(ones, others)] if same else [])
    assert nearly_same(one, other) is same


def test_among_many_only_those_that_are_alike_are_found() -> None:
    said = "est-ce que ça coûte cher de se faire accompagner"
    others = [
        Message(f"une phrase de plus, la numéro {n} de la liste", f"b:{n}") for n in range(50)
    ]
    near = Message("est-ce que ça coûte cher, de se faire accompagner?", "b:50")
    one = Message(said, "a:1")
    assert pairs([one, Message("rien à voir avec tout cela", "a:2")], [*others, near]) == [
        (one, near)
    ]


def grouped(*texts: str) -> list[list[str]]:
    return [[texts[number] for number in group] for group in together(texts)]


def test_like_wording_stands_together_and_other_wording_apart() -> None:
    cost = (
        "combien ça coûte au juste",
        "Combien ca coute au juste?",
        "ça coûte combien au juste là",
    )
    other = ("on vise le logement des aînés", "qui peut nous accompagner")
    assert grouped(*cost, *other) == [list(cost), *([one] for one in other)]


def test_a_typo_keeps_a_text_in_its_group() -> None:
    assert (
        len(
            grouped(
                "comment faire une demande de financement",
                "comnent faire une demande de finacement",
            )
        )
        == 1
    )


def test_texts_without_letters_and_no_texts_are_grouped_too() -> None:
    assert grouped() == []
    assert grouped("???", "!!!", "费用是多少") == [["???"], ["!!!"], ["费用是多少"]]


def test_the_same_texts_make_the_same_groups() -> None:
    texts = [f"phrase {n % 7} au sujet de {n % 3} choses" for n in range(60)]
    assert together(texts) == together(list(texts))
    assert sorted(number for group in together(texts) for number in group) == list(range(60))


def test_a_key_is_of_the_words_the_language_and_the_question() -> None:
    key = key_of("fr", None, "C'est combien?")
    assert key == key_of("fr", None, "c'est COMBIEN")
    assert (
        len({key, key_of("en", None, "c'est combien"), key_of("fr", "aim", "c'est combien")}) == 3
    )
    assert "combien" not in key
