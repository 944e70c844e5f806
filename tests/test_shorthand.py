"""Short forms: what content/shorthand.yml writes out, and what its faults are called."""

from __future__ import annotations

from pathlib import Path

import pytest

from mobilis.errors import ContentError
from mobilis.settings import ROOT
from mobilis.shorthand import FILE, Shorthand, load_shorthand

pytestmark = pytest.mark.pure
GOOD = "fr: {svp: s'il vous plaît}\nen: {pls: please}\n"


@pytest.fixture
def other_root(tmp_path: Path) -> Path:
    (tmp_path / FILE).parent.mkdir()
    load_shorthand.cache_clear()
    return tmp_path


@pytest.mark.parametrize(
    ("language", "text", "written_out"),
    [
        ("fr", "c koi le prix svp", "c'est quoi le prix s'il vous plaît"),
        ("fr", "faut-tu payer?", "faut-il payer?"),
        ("fr", "c'est-tu gratuit", "c'est gratuit"),
        ("fr", "le comité d'accueil", "le comité d'accueil"),
        ("en", "can u help, pls", "can you help, please"),
        ("en", "are u sure? dont know", "are you sure? don't know"),
        ("en", "the gov't pays", "the government pays"),
    ],
)
def test_short_forms_are_written_out(language: str, text: str, written_out: str) -> None:
    assert load_shorthand(ROOT)[language].write_out(text) == written_out


def test_the_longest_form_is_taken_and_only_as_whole_words() -> None:
    forms = Shorthand({"c": "c'est", "c tu": "est-ce"})
    assert forms.write_out("c tu loin? c long, ccc, d'c, c-la") == (
        "est-ce loin? c'est long, ccc, d'c, c-la"
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", f"{FILE}: a mapping of fr and en to short forms is expected"),
        ("- fr", f"{FILE}: a mapping of fr and en to short forms is expected"),
        (GOOD.replace("fr:", "es:"), f"{FILE}: fr is missing"),
        (GOOD.replace("{pls: please}", "[pls]"), f"{FILE}: en is missing"),
        (GOOD.replace("{pls: please}", "{}"), f"{FILE}: en is missing"),
        (GOOD.replace("pls:", "PLS:"), f"{FILE}: en: 'PLS' must be text in lower case"),
        (GOOD.replace("pls:", "no:"), f"{FILE}: en: False must be text in lower case"),
        (GOOD.replace("please", "yes"), f"{FILE}: en.pls must be text"),
        (GOOD.replace("please", "' '"), f"{FILE}: en.pls must be text"),
    ],
)
def test_a_fault_of_the_file_is_named(other_root: Path, text: str, problem: str) -> None:
    (other_root / FILE).write_text(text, encoding="utf-8")
    with pytest.raises(ContentError) as error:
        load_shorthand(other_root)
    assert str(error.value) == problem


def test_both_languages_are_read(other_root: Path) -> None:
    (other_root / FILE).write_text(GOOD, encoding="utf-8")
    assert load_shorthand(other_root)["en"].forms == {"pls": "please"}
    load_shorthand.cache_clear()
