"""The e-mails to start from: both languages, filled in, and what a wrong file is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from mobilis.content import LANGUAGES
from mobilis.errors import ContentError
from mobilis.letters import FACTS, FILE, KNOWN, Letters, load_letters
from mobilis.mails import SUBJECT_LENGTH, TEXT_LENGTH
from mobilis.settings import ROOT

VALUES = {name: f"«{name}»" for name in KNOWN}


@pytest.fixture(scope="module")
def letters() -> Letters:
    return load_letters(ROOT)


def test_there_is_a_letter_for_each_step(letters: Letters) -> None:
    assert list(letters.letters) == [
        *("acknowledge", "call", "funding", "result"),
        *("ask_to_share", "handed_off", "closing"),
    ]


def test_every_letter_is_documented(letters: Letters) -> None:
    page = (ROOT / "docs" / "console-mail.md").read_text(encoding="utf-8")
    for name in letters.letters:
        assert f"| `{name}` | " in page


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_letter_is_filled_in(letters: Letters, language: str) -> None:
    for name in letters.letters:
        subject, text = letters.write(name, language, VALUES)
        assert "{" not in subject + text
        assert VALUES["name"] in text
        assert VALUES["staff"] in text
        assert VALUES["reference"] in subject
        assert len(subject) <= SUBJECT_LENGTH
        assert len(text) < TEXT_LENGTH
        assert letters.has_blank(text) == (name == "call")  # whose times staff must say


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_not_known_is_a_blank(letters: Letters, language: str) -> None:
    for name in letters.letters:
        subject, text = letters.write(name, language, {"staff": "Camille", "name": ""})
        assert letters.has_blank(subject)
        assert letters.blanks["name"][language] in text


def test_what_somebody_wrote_is_not_filled_in(letters: Letters) -> None:
    _, text = letters.write("acknowledge", "fr", {**VALUES, "name": "{staff} {0.__class__}"})
    assert "Bonjour {staff} {0.__class__}," in text


@pytest.mark.parametrize("text", ["[1] voir plus bas", "à compléter", "[x]", "{name}"])
def test_other_brackets_are_no_blank(letters: Letters, text: str) -> None:
    assert not letters.has_blank(text)


def test_french_has_its_spaces(letters: Letters) -> None:
    said = [blank["fr"] for blank in letters.blanks.values()]
    said += [part["fr"] for part in letters.forward.values()]
    for letter in letters.letters.values():
        said += [letter.title["fr"], letter.subject["fr"], letter.text["fr"]]
    for text in said:
        for wrong in (" :", "« ", " »", " ?", " !", " ;", "\u2019"):
            assert wrong not in text, (wrong, text)


def test_a_coach_gets_the_facts_there_are(letters: Letters) -> None:
    facts = dict(zip(FACTS, ("Marie {email}", "Maison", "m@exemple.ca", "Un\nDeux"), strict=True))
    given = {"coach": "Amina", "staff": "Camille", "reference": "M-1"}
    subject, text = letters.pass_on(["fr"], facts, given)
    assert "M-1" in subject
    assert "Nom\u00a0: Marie {email}\nOrganisme\u00a0: Maison\nCourriel\u00a0: m@" in text
    assert text.count("Bonjour") == 1
    _, both = letters.pass_on(["en", "fr"], {"name": "Marie"}, given)
    assert both.index("Hello Amina") < both.index("Bonjour Amina")
    assert "E-mail:" not in both


def change(data: Any, path: str, value: Any) -> None:
    *way, last = path.split(".")
    for key in way:
        data = data[key]
    if value is None:
        del data[last]
    else:
        data[last] = value


BOTH = {"fr": "Un", "en": "One"}


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        ("letters", None, "letters is missing"),
        ("letters", {}, "letters must be a mapping of names to values"),
        ("letters.call", "x", "letters.call must be a mapping of names to values"),
        ("letters.call.text", None, "letters.call.text is missing"),
        ("letters.call.text.en", None, "letters.call.text.en is missing"),
        ("letters.call.title.fr", " ", "letters.call.title.fr is missing"),
        ("letters.call.body", BOTH, "letters.call.body is asked for by nothing"),
        (
            "letters.call.text",
            {"fr": "{nom}", "en": "{nom}"},
            "letters.call.text.fr has {nom}, which is not known here",
        ),
        (
            "letters.call.text",
            {"fr": "{name}", "en": "Hello"},
            "letters.call.text does not have the same {…} in both languages",
        ),
        (
            "letters.call.text",
            {"fr": "{name", "en": "{name}"},
            "letters.call.text.fr has an unpaired brace",
        ),
        (
            "letters.call.title",
            {"fr": "{name}", "en": "{name}"},
            "letters.call.title.fr has {name}, which is not known here",
        ),
        (
            "letters.call.subject",
            {"fr": "Un\nDeux", "en": "One"},
            "letters.call.subject.fr must be one line",
        ),
        ("blanks.coach", None, "blanks.coach is missing"),
        ("blanks.other", BOTH, "blanks.other is asked for by nothing"),
        ("blanks.coach", BOTH, "blanks.coach.fr must look like [to fill in: name]"),
        ("forward.after", None, "forward.after is missing"),
        (
            "forward.before",
            {"fr": "{name}", "en": "{name}"},
            "forward.before.fr has {name}, which is not known here",
        ),
        ("forwards", BOTH, "forwards is asked for by nothing"),
    ],
)
def test_a_wrong_file_names_the_field(tmp_path: Path, path: str, value: Any, problem: str) -> None:
    data = yaml.safe_load((ROOT / FILE).read_text(encoding="utf-8"))
    change(data, path, value)
    refused(tmp_path, lambda file: file.write_text(yaml.safe_dump(data), "utf-8"), problem)


def test_a_file_that_is_no_mapping_is_told_so(tmp_path: Path) -> None:
    wanted = "the file must be a mapping of names to values"
    refused(tmp_path, lambda file: file.write_text("- x", "utf-8"), wanted)


def refused(folder: Path, write: Callable[[Path], Any], problem: str) -> None:
    (folder / "content").mkdir()
    write(folder / FILE)
    with pytest.raises(ContentError) as caught:
        load_letters(folder)
    assert str(caught.value) == f"{FILE}: {problem}"
