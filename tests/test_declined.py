"""Why a message is declined: the words of content/declined.yml, and what its faults are called."""

from __future__ import annotations

from pathlib import Path

import pytest

from mobilis import declined
from mobilis.declined import FILE, load_terms, why_declined
from mobilis.errors import ContentError

pytestmark = pytest.mark.pure

GOOD = (
    "distress: {fr: [me tuer], en: [kill myself]}\n"
    "insult: {fr: [nul], en: [dumb]}\npartisan: {fr: [voter pour], en: [vote for]}\n"
    "request: {fr: [aide], en: [help]}\n"
)


@pytest.fixture
def other_root(tmp_path: Path) -> Path:
    """A root of its own."""
    (tmp_path / "content").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("t'es vraiment stupide", "insult"),
        ("you are USELESS!!!", "insult"),
        ("Pour qui voter aux prochaines élections?", "partisan"),
        ("can you help us get elected", "partisan"),
        ("aidez notre candidate", "partisan"),
        ("j'ai pu envie de vivre, câlisse", "distress"),  # counts before anything else
        ("I want to die", "distress"),
        ("une coach en prévention du suicide", None),
        ("aider les aînés qui veulent mourir chez eux", None),
        ("shut up and tell me who to vote for", "partisan"),  # the rule counts before the mood
        ("quel temps fait-il à Laval?", None),
        ("what's a good recipe for bread", None),
        ("🎉", None),
        ("", None),
    ],
)
def test_the_reason_is_read_from_the_words(text: str, reason: str | None) -> None:
    assert why_declined(text) == reason


@pytest.mark.parametrize("text", ["CÂLISSE", "calisse", "câlisse.", "«\u00a0câlisse\u00a0»"])
def test_case_accents_and_signs_do_not_matter(text: str) -> None:
    assert why_declined(text) == "insult"


@pytest.mark.parametrize("text", ["conseil municipal", "une annulation", "the cottage"])
def test_a_term_inside_a_word_is_not_that_term(text: str) -> None:
    assert why_declined(text) is None


def test_the_terms_come_from_the_file(other_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (other_root / FILE).write_text(GOOD, encoding="utf-8")
    monkeypatch.setattr(declined, "ROOT", other_root)
    assert why_declined("that is dumb") == "insult"
    assert why_declined("who should I vote for") == "partisan"
    assert why_declined("stupide") is None


def test_terms_are_folded(other_root: Path) -> None:
    shouted = GOOD.replace("[nul]", '["Câlisse!", ferme-la]')
    (other_root / FILE).write_text(shouted, encoding="utf-8")
    assert load_terms(other_root)["insult"] == {"calisse", "ferme la", "dumb"}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", f"{FILE}: a mapping of reasons to fr and en is expected"),
        ("- insult", f"{FILE}: a mapping of reasons to fr and en is expected"),
        (GOOD.replace("insult", "insulte"), f"{FILE}: insult.fr is missing"),
        (GOOD.replace("{fr: [nul], en: [dumb]}", "[nul, dumb]"), f"{FILE}: insult.fr is missing"),
        (GOOD.replace("[dumb]", "[]"), f"{FILE}: insult.en is missing"),
        (GOOD.replace("[vote for]", "vote for"), f"{FILE}: partisan.en is missing"),
        (GOOD.replace("[dumb]", '["!!"]'), f"{FILE}: insult.en: !! has not 1 to 5 words"),
        (
            GOOD.replace("[dumb]", "[a b c d e f]"),
            f"{FILE}: insult.en: a b c d e f has not 1 to 5 words",
        ),
        ("insult: a: b", f"{FILE}: not valid YAML at line 1"),
    ],
)
def test_a_fault_of_the_file_is_named(other_root: Path, text: str, problem: str) -> None:
    (other_root / FILE).write_text(text, encoding="utf-8")
    with pytest.raises(ContentError) as error:
        load_terms(other_root)
    assert str(error.value) == problem


def test_a_missing_file_is_named(other_root: Path) -> None:
    with pytest.raises(ContentError, match=rf"^{FILE}: the file is missing$"):
        load_terms(other_root)
