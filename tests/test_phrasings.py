"""Where phrasings stand, and that adding one changes nothing but its own line."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from difflib import ndiff
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mobilis.assessment import load_assessment
from mobilis.content import LANGUAGES, load_content
from mobilis.errors import ContentError
from mobilis.phrasings import Change, added, as_scalar, set_aside, shelves
from mobilis.settings import ROOT

pytestmark = pytest.mark.door

ALL = shelves(ROOT)
SHELVES = {(shelf.label, shelf.language): shelf for shelf in ALL}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of what is learned from."""
    for name in ("faq", "content", "assessment", "data"):
        shutil.copytree(ROOT / name, tmp_path / name)
    return tmp_path


def new_lines(changes: Sequence[Change]) -> list[str]:
    """The lines that were added; none may be gone."""
    lines = []
    for change in changes:
        difference = list(ndiff(change.before.splitlines(), change.after.splitlines()))
        assert not [line for line in difference if line.startswith("- ")]
        lines += [line[2:] for line in difference if line.startswith("+ ")]
    return lines


def one_more(root: Path, label: str, language: str, *texts: str) -> Change:
    """The one change of adding texts below `root`."""
    shelf = next(s for s in shelves(root) if (s.label, s.language) == (label, language))
    [change] = added(root, [(shelf, text) for text in texts])
    return change


# --- where they stand


def test_every_label_has_its_place_in_both_languages() -> None:
    labels = {label for label, _ in SHELVES}
    assert set(SHELVES) == {(label, language) for label in labels for language in LANGUAGES}
    faqs = {f"faq/{name}" for name in load_content(ROOT).faqs}
    questions = load_assessment(ROOT / "assessment" / "readiness.yml").questions
    options = {f"answer/{q.id}/{option.id}" for q in questions for option in q.options}
    intents = {"greet", "find_coach", "out_of_scope"}
    assert faqs | options | intents | {"answer/unsure"} <= labels


def test_phrasings_are_those_that_the_content_holds() -> None:
    faq = load_content(ROOT).faqs["cost"]
    shelf = SHELVES["faq/cost", "fr"]
    assert (shelf.file, shelf.field) == ("faq/cost.yml", "fr.phrasings")
    assert tuple(said.text for said in shelf.phrasings) == faq.phrasings["fr"]
    first = shelf.phrasings[0]
    file, line = first.place.split(":")
    assert first.text in (ROOT / file).read_text(encoding="utf-8").splitlines()[int(line) - 1]


def test_the_phrasings_of_an_intent_are_the_lines_of_its_block() -> None:
    shelf = SHELVES["greet", "fr"]
    assert [said.text for said in shelf.phrasings[:2]] == ["bonjour", "Bonsoir"]
    lines = (ROOT / "data" / "nlu.yml").read_text(encoding="utf-8").splitlines()
    for said in shelf.phrasings:
        assert lines[int(said.place.split(":")[1]) - 1] == f"    - {said.text}"


def test_the_title_of_an_option_is_learned_from_too() -> None:
    shelf = SHELVES["answer/aim/a", "en"]
    assert shelf.taught[0].text.startswith("Change a policy")
    assert shelf.taught[1:] == shelf.phrasings


def test_what_is_set_aside_is_found_with_its_line() -> None:
    aside = list(set_aside(ROOT))
    files = {message.place.split(":")[0] for message in aside}
    assert {"tests/evaluation/facets.tsv", "data/calibration.fr.tsv"} <= files
    assert not any("\t" in message.text or "{" in message.text for message in aside)
    assert list(set_aside(ROOT / "faq")) == []


# --- adding


def test_adding_to_every_place_adds_only_its_lines(project: Path) -> None:
    texts = [f"une phrase toute neuve, numéro {number}" for number in range(len(ALL))]
    changes = added(project, list(zip(ALL, texts)))
    assert sorted(line.strip() for line in new_lines(changes)) == sorted(f"- {t}" for t in texts)
    for change in changes:
        (project / change.file).write_text(change.after, encoding="utf-8")
    for shelf, before, text in zip(shelves(project), ALL, texts):
        assert shelf.phrasings[-1].text == text
        assert [s.text for s in shelf.phrasings[:-1]] == [s.text for s in before.phrasings]


def test_several_go_below_one_another_at_the_end(project: Path) -> None:
    change = one_more(project, "greet", "fr", "kwei kwei", "bonne fin de session")
    lines = change.after.splitlines()
    at = lines.index("    - kwei kwei")
    assert lines[at + 1] == "    - bonne fin de session"
    assert lines[at - 1] == f"    - {SHELVES['greet', 'fr'].phrasings[-1].text}"
    assert lines[at + 2] == "- intent: greet"


@pytest.mark.parametrize("text", ["prix: combien", "oui", "- quoi", "dit « combien » #1", "yes"])
def test_a_text_that_yaml_would_read_otherwise_is_quoted(project: Path, text: str) -> None:
    change = one_more(project, "faq/cost", "fr", text)
    data = yaml.safe_load(change.after)
    assert data["fr"]["phrasings"][-1] == text
    assert data["en"] == yaml.safe_load(change.before)["en"]


@given(st.text().filter(str.isprintable))
def test_any_text_on_one_line_is_read_back_from_a_list(text: str) -> None:
    assert "\n" not in as_scalar(text)
    assert yaml.safe_load(f"    - {as_scalar(text)}\n") == [text]


def test_comments_and_what_is_last_in_a_file_stay(project: Path) -> None:
    path = project / "faq" / "cost.yml"
    text = path.read_text(encoding="utf-8").rstrip("\n")
    text = text.replace("en:\n", "    # the end of the French ones\n\n# English\nen:\n")
    path.write_text(text, encoding="utf-8")
    change = one_more(project, "faq/cost", "fr", "combien de sous")
    assert change.after == text.replace("    # the", "    - combien de sous\n    # the")
    last = one_more(project, "faq/cost", "en", "how many bucks all in")
    assert last.after == f"{text}\n    - how many bucks all in\n"


def test_a_phrasing_on_several_lines_is_passed_over(project: Path) -> None:
    path = project / "faq" / "cost.yml"
    text = path.read_text(encoding="utf-8")
    text = text.replace("en:\n", "    - >\n      une phrase\n\n      sur trois lignes\nen:\n")
    path.write_text(text, encoding="utf-8")
    change = one_more(project, "faq/cost", "fr", "combien de sous")
    assert change.after == text.replace(
        "      sur trois lignes\n", "      sur trois lignes\n    - combien de sous\n"
    )


@pytest.mark.parametrize("label", ["faq/cost", "greet"])
def test_the_line_endings_of_a_file_stay(project: Path, label: str) -> None:
    path = project / SHELVES[label, "en"].file
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    change = one_more(project, label, "en", "something new")
    assert "something new\r\n" in change.after
    assert change.after.count("\n") == change.after.count("\r\n")


# --- what is wrong


@pytest.mark.parametrize(
    ("file", "old", "new", "problem"),
    [
        ("faq/cost.yml", "topic:", "topik:", "faq/cost.yml: topik is not a field of a question"),
        (
            "assessment/readiness.yml",
            "unsure:",
            "unsur:",
            "assessment/readiness.yml: unsur is not a known field",
        ),
        ("data/nlu.yml", "nlu:\n", "\tnlu:\n", "data/nlu.yml: not valid YAML at line 4"),
        ("data/nlu.yml", "nlu:\n", "nul:\n", "data/nlu.yml: nlu must be a list"),
        (
            "data/nlu.yml",
            "examples: |",
            "exampels: |",
            "data/nlu.yml: nlu[1].examples must be lines of phrasings",
        ),
    ],
)
def test_a_file_that_is_wrong_is_named(
    project: Path, file: str, old: str, new: str, problem: str
) -> None:
    path = project / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ContentError) as error:
        shelves(project)
    assert str(error.value) == problem


def test_a_block_of_something_else_than_an_intent_is_passed_over(project: Path) -> None:
    path = project / "data" / "nlu.yml"
    text = path.read_text(encoding="utf-8").replace(
        "nlu:\n", "nlu:\n- synonym: coach\n  examples: |\n    - coaches\n", 1
    )
    path.write_text(text, encoding="utf-8")
    assert {(s.label, s.language) for s in shelves(project)} == set(SHELVES)


@pytest.mark.parametrize(
    ("file", "label", "old", "new", "problem"),
    [
        (
            "faq/cost.yml",
            "faq/cost",
            None,
            None,
            "faq/cost.yml: fr.phrasings must have one phrasing a line",
        ),
        (
            "data/nlu.yml",
            "greet",
            "examples: |",
            "examples: >",
            "data/nlu.yml: greet (fr) must have one phrasing a line",
        ),
    ],
)
def test_a_place_without_lines_cannot_be_added_to(
    project: Path, file: str, label: str, old: str | None, new: str | None, problem: str
) -> None:
    path = project / file
    text = path.read_text(encoding="utf-8")
    if old is None:
        data = yaml.safe_load(text)
        text = yaml.safe_dump(data, allow_unicode=True, default_flow_style=True)
    else:
        text = text.replace(old, str(new), 1)
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ContentError) as error:
        one_more(project, label, "fr", "combien de sous")
    assert str(error.value) == problem
