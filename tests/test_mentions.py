"""Whom a note mentions, by which names."""

from __future__ import annotations

import pytest

from mobilis.mentions import find, handles, split
from mobilis.staff import Person


def person(name: str, email: str) -> Person:
    return Person(email, email, name, "triager", "fr")


ELOISE = person("Éloïse Bélanger", "ebelanger@exemple.ca")
BAO = person("Bao Nguyen", "bao.nguyen@exemple.ca")
BAO_TOO = person("Bao Tremblay", "b.tremblay@exemple.ca")
PEOPLE = [ELOISE, BAO, BAO_TOO]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("@Éloïse Bélanger peux-tu?", [ELOISE]),
        ("merci @eloise!", [ELOISE]),
        ("(@ebelanger)", [ELOISE]),
        ("@bao nguyen et @b.tremblay", [BAO, BAO_TOO]),
        ("@bao", []),  # there are two
        ("@bao.nguyen, @bao.nguyen", [BAO]),
        ("@eloises", []),
        ("@", []),
        ("écrire à info@eloise.ca", []),
        ("@@eloise", [ELOISE]),
        ("personne", []),
        ("", []),
    ],
)
def test_a_mention_is_a_name_after_an_at_sign(text, found):
    assert find(text, PEOPLE) == found
    assert "".join(piece for piece, _ in split(text, PEOPLE)) == text


def test_the_longest_name_counts():
    pieces = split("@Bao Nguyen-Roy? @bao nguyen.", PEOPLE)
    assert [piece for piece, who in pieces if who] == ["@bao nguyen"]


def test_everybody_can_be_mentioned_in_the_shortest_way_that_is_theirs_alone():
    assert handles(PEOPLE) == ["@Éloïse", "@Bao Nguyen", "@b.tremblay"]


def test_two_of_the_same_name_and_no_other_handle_than_their_address():
    twins = [person("Bao Roy", "bao1@exemple.ca"), person("Bao Roy", "bao2@exemple.ca")]
    assert handles(twins) == ["@bao1", "@bao2"]
    assert find("@bao2 et @Bao Roy", twins) == [twins[1]]
