"""Personal details in a text, found by pattern and by the names that are known."""

from __future__ import annotations

import pytest

from mobilis.masking import initials, introduced, mask_details, mask_email, mask_names


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("écrivez à marie.roy@exemple.ca svp", "écrivez à [courriel] svp"),
        ("514 555-0199 ou (514) 555-0199", "[téléphone] ou [téléphone]"),
        ("au H2X 1Y4", "au [code postal]"),
        ("voir https://exemple.org/x", "voir [lien]"),
        ("dossier 1234567", "dossier [nombre]"),
        ("nous sommes 12 depuis 2019", "nous sommes 12 depuis 2019"),
    ],
)
def test_details_are_replaced_by_what_they_were(text, masked):
    assert mask_details(text) == masked


def test_known_names_go_as_words_whatever_their_capitals():
    assert mask_names("MARIE ROY, Marie et le royaume", ["Marie", "Roy", "Marie Roy", ""]) == (
        "[nom], [nom] et le royaume"
    )
    assert mask_names("a.b", ["a.b"]) == "[nom]"


def test_an_introduction_names_somebody():
    assert introduced("Bonjour, je m'appelle Marie Roy et") == ["Marie Roy"]
    assert introduced("bonjour") == []


def test_a_name_and_an_address_are_shortened():
    assert initials("Marie-Ève du Roy") == "M. D. R."
    assert mask_email("camille@exemple.ca") == "c…@e….ca"
    assert mask_email("@") == "…@…."
