"""Messages that are nearly the same are told from those that are not."""

from __future__ import annotations

import pytest

from mobilis.likeness import Message, nearly_same, pairs


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
