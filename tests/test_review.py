"""What a reviewer accepted goes where it belongs, and nothing else does; or the file is refused."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from mobilis import review as module
from mobilis.cli import main
from mobilis.errors import FileRefused, ImportRefused
from mobilis.phrasings import set_aside
from mobilis.review import plan, read_review, write
from mobilis.settings import ROOT

pytestmark = pytest.mark.door

GOOD = """\
# Comments are the reviewer's.
messages:

- text: sortir combien de piasses pour embarquer
  language: fr
  label: faq/cost
  accept: true
  date: 2026-11-23
  count: 3
  outcome: {clarified: 2, lost: 1}
  chosen: {faq/cost: 2}
  followed_by: {}
  guesses: {faq/cost: 0.41}

- text: "what's a zebra: a horse?"
  language: en
  label: out_of_scope
  accept: oui
  question: aim

- text: on veut une loi sur les zèbres
  language: fr
  label: answer/aim/a
  accept: TRUE

- {text: zebra coach wanted near the zoo, language: en, label: find_coach, accept: yes}

- text: je suis [nom] et je me demande
  language: fr
  label:
  accept: false
"""
ADDED = {
    "faq/cost.yml": "    - sortir combien de piasses pour embarquer",
    "data/nlu.yml": "    - what's a zebra: a horse?",
    "assessment/readiness.yml": "        - on veut une loi sur les zèbres",
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the content and of the messages that are set aside."""
    folder = tmp_path / "project"
    for name in ("faq", "content", "assessment", "data", "tests/evaluation"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copy(ROOT / "domain.yml", folder)
    monkeypatch.setenv("MOBILIS_PROJECT_DIR", str(folder))
    return folder


@pytest.fixture
def reviewed(tmp_path: Path) -> Path:
    path = tmp_path / "review.yml"
    path.write_text(GOOD, encoding="utf-8")
    return path


def entry(text: str = "combien de zèbres", **fields: str) -> str:
    """One accepted entry; a field that is empty is left out."""
    given = {"text": text, "language": "fr", "label": "faq/cost", "accept": "true", **fields}
    lines = [f"{name}: {value}" for name, value in given.items() if value]
    return "- " + "\n  ".join(lines) + "\n"


Refuse = Callable[..., list[str]]


@pytest.fixture
def refuse(project: Path, tmp_path: Path) -> Refuse:
    """The problems of a file of some entries, each without the file's name."""

    def refuse(*entries: str) -> list[str]:
        path = tmp_path / "review.yml"
        path.write_text("messages:\n" + "".join(entries), encoding="utf-8")
        before = contents(project)
        with pytest.raises(ImportRefused) as refused:
            plan(project, path)
        assert contents(project) == before
        assert all(problem.startswith(f"{path}:") for problem in refused.value.problems)
        return [problem.removeprefix(f"{path}:") for problem in refused.value.problems]

    return refuse


def contents(project: Path) -> dict[str, bytes]:
    return {str(p.relative_to(project)): p.read_bytes() for p in project.rglob("*") if p.is_file()}


def apply(project: Path, path: Path) -> None:
    write(project, plan(project, path).changes)


# --- what is accepted


def test_what_was_accepted_is_added_and_nothing_else_changes(project: Path, reviewed: Path) -> None:
    before = contents(project)
    apply(project, reviewed)
    after = contents(project)
    assert {name for name in after if after[name] != before.get(name)} == set(ADDED)
    for name, line in ADDED.items():
        new = after[name].decode().splitlines()
        old = before[name].decode().splitlines()
        assert line in new
        if name == "data/nlu.yml":
            new.remove("    - zebra coach wanted near the zoo")
        new.remove(line)
        assert new == old


def test_the_content_is_still_well_formed(
    project: Path, reviewed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    apply(project, reviewed)
    assert main(["content", "check"]) == 0, capsys.readouterr().out


def test_each_goes_to_the_place_of_its_label_and_language(project: Path, reviewed: Path) -> None:
    planned = plan(project, reviewed)
    assert [(s.label, s.language, s.field, text) for s, text in planned.additions] == [
        ("faq/cost", "fr", "fr.phrasings", "sortir combien de piasses pour embarquer"),
        ("out_of_scope", "en", "out_of_scope (en)", "what's a zebra: a horse?"),
        (
            "answer/aim/a",
            "fr",
            "questions.aim.options.a.phrasings.fr",
            "on veut une loi sur les zèbres",
        ),
        ("find_coach", "en", "find_coach (en)", "zebra coach wanted near the zoo"),
    ]


def test_applied_twice_it_adds_nothing_twice(project: Path, reviewed: Path) -> None:
    apply(project, reviewed)
    once = contents(project)
    planned = plan(project, reviewed)
    assert (planned.additions, planned.changes, planned.known) == ([], [], 4)
    apply(project, reviewed)
    assert contents(project) == once


def test_a_question_is_named_with_or_without_its_folder(project: Path, reviewed: Path) -> None:
    reviewed.write_text("messages:\n" + entry(label="cost"), encoding="utf-8")
    [(shelf, _)] = plan(project, reviewed).additions
    assert shelf.label == "faq/cost"


def test_what_is_not_accepted_may_be_as_it_is(project: Path, reviewed: Path) -> None:
    strange = entry("'[nom]'", accept="false") + entry("/restart", accept="non", label="gone")
    reviewed.write_text("messages:\n" + strange, encoding="utf-8")
    assert plan(project, reviewed).additions == []


def test_a_text_on_several_lines_becomes_one(project: Path, reviewed: Path) -> None:
    text = "|\n    combien de zèbres\n    cela coûte-t-il?"
    reviewed.write_text("messages:\n" + entry(text), encoding="utf-8")
    [(_, added)] = plan(project, reviewed).additions
    assert added == "combien de zèbres cela coûte-t-il?"


def test_values_are_texts_whatever_yaml_would_make_of_them(reviewed: Path) -> None:
    reviewed.write_text("messages:\n" + entry("yes") + entry("2026-99-99"), encoding="utf-8")
    assert [one.text for one in read_review(reviewed)] == ["yes", "2026-99-99"]


# --- what is refused


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "demandez à [nom] combien",
            "text still holds [nom], which stands for a personal detail: write what anyone could"
            " say in its place",
        ),
        (
            "'combien ]'",
            "text holds a square bracket, which means something else in training files",
        ),
        ("/restart zebra", "text begins with /, as only commands do"),
        ("'\u2060/restart zebra'", "text holds a character that cannot be seen"),
        ("'🙂 !'", "text has no words"),
    ],
)
def test_a_text_that_cannot_be_learned_is_refused(refuse: Refuse, text: str, problem: str) -> None:
    assert refuse(entry("un zèbre"), entry(text)) == [f"6: {problem}"]


@pytest.mark.parametrize(
    ("label", "problem"),
    [
        ("", "label is missing: it says what an accepted text means"),
        ("faq/cots", "label names faq/cots, which is no label that phrasings are learned for"),
        ("answer/aim", "label names answer/aim, which is no label that phrasings are learned for"),
        ("ambiguous", "label names ambiguous, which is no label that phrasings are learned for"),
    ],
)
def test_a_label_that_is_none_is_refused(refuse: Refuse, label: str, problem: str) -> None:
    assert refuse(entry(label=label or "''")) == [f"4: {problem}"]


@pytest.mark.parametrize("text", ["Combien ça coûte ?", "combien ca coute", "COMBIEN ÇA COÛTE"])
def test_a_phrasing_that_is_there_already_is_refused(refuse: Refuse, text: str) -> None:
    for label in ("faq/cost", "faq/timeline"):
        [problem] = refuse(entry(text, label=label))
        assert problem.startswith("2: text is, or nearly is, faq/cost.yml:")
        assert problem.endswith(" already: Combien ça coûte?")


def test_a_phrasing_that_is_nearly_there_is_refused(refuse: Refuse) -> None:
    [problem] = refuse(entry("est-ce qu'on doit payer le coach nous-même", label="faq/timeline"))
    assert problem.endswith(" already: est-ce qu'on doit payer le coach nous-mêmes")


def test_an_elision_makes_no_other_phrasing(refuse: Refuse) -> None:
    # `content check` takes both for one, and would refuse the file.
    [problem] = refuse(entry("J en ai aucune idée", label="answer/unsure"))
    assert problem.endswith(" already: j'en ai aucune idée")


def test_a_message_to_measure_by_is_refused(refuse: Refuse) -> None:
    long = [m for m in set_aside(ROOT) if len(m.text.split()) > 8 and ":" not in m.text]
    for folder in ("tests/evaluation/", "data/calibration."):
        message = next(m for m in long if m.place.startswith(folder))
        [problem] = refuse(entry(f'"{message.text} !"'))
        assert problem == (
            f"2: text is, or nearly is, {message.place}, which understanding is measured by and"
            " which must not be learned"
        )


def test_two_entries_that_say_the_same_are_refused(refuse: Refuse) -> None:
    twice = refuse(entry("un zèbre"), entry("Un zebre!", label="faq/timeline"))
    assert twice == ["6: text is, or nearly is, that of line 2"]


def test_one_that_is_wrong_keeps_all_others_out_and_every_fault_is_named(refuse: Refuse) -> None:
    wrong = [entry("un zèbre [nom]"), entry("deux zèbres"), entry("trois zèbres", label="gone")]
    assert [problem.split(":")[0] for problem in refuse(*wrong)] == ["2", "12"]


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"language": "es"}, "3: language must be one of fr, en"),
        ({"language": ""}, "2: language is missing"),
        ({"accept": "maybe"}, "5: accept must be true or false, not 'maybe'"),
        ({"accept": "''"}, "5: accept must be true or false, not ''"),
        ({"accept": "1"}, "5: accept must be true or false, not '1'"),
        ({"accept": ""}, "2: accept is missing"),
        ({"text": "''"}, "2: text is empty"),
        ({"text": "[nom]"}, "2: text must be a text"),
        ({"label": "[faq/cost]"}, "4: label must be a text"),
        ({"label": ""}, "2: label is missing"),
        ({"acept": "true"}, "6: acept is not a field of an entry"),
    ],
)
def test_a_field_that_is_wrong_is_named_with_its_line(
    refuse: Refuse, fields: dict[str, str], problem: str
) -> None:
    assert refuse(entry(**fields)) == [problem]


def test_a_field_that_stands_there_twice_is_refused(refuse: Refuse) -> None:
    assert refuse(entry() + "  label: faq/timeline\n") == ["6: label stands there twice"]


@pytest.mark.parametrize("wrong", ["- combien\n", "- [a, b]\n", "-\n"])
def test_an_entry_that_is_none_is_refused(refuse: Refuse, wrong: str) -> None:
    problem = "an entry must have the fields text, language, label and accept"
    assert refuse(entry(), wrong) == [f"6: {problem}"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, ": there is no such file"),
        (b"", ": the file is empty"),
        (b"messages:\n- text: \xe9\n", ":2: the line is not UTF-8"),
        (b"messages:\n- text: [\n", ":3: not valid YAML: "),
        (b"messages:\n- text: a\n\tb: c\n", ":3: not valid YAML: "),
        (b"messages:\n- text: a\x00b\n", ": a character is not allowed in YAML"),
        (b"# nothing\n", ": messages must be a list, as written by mobilis learn export"),
        (b"- a list\n", ": messages must be a list, as written by mobilis learn export"),
        (b"messages: none\n", ": messages must be a list, as written by mobilis learn export"),
        (b"text: a\n", ": messages must be a list, as written by mobilis learn export"),
    ],
)
def test_a_file_that_is_no_review_is_refused_in_one_sentence(
    tmp_path: Path, content: bytes | None, problem: str
) -> None:
    path = tmp_path / "review.yml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(FileRefused) as error:
        read_review(path)
    assert str(error.value).startswith(f"{path}{problem}")
    assert "\n" not in str(error.value)


# --- writing


def test_when_one_file_cannot_be_written_none_is(
    project: Path, reviewed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = plan(project, reviewed).changes
    before = contents(project)

    def refuse(source: Path, target: Path) -> None:
        if Path(source).name == changes[-1].file.split("/")[-1]:
            raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(module.shutil, "copymode", refuse)
    with pytest.raises(FileRefused) as error:
        write(project, changes)
    assert str(error.value) == f"{changes[-1].file}: Permission denied"
    assert contents(project) == before


def test_a_file_keeps_its_permissions(project: Path, reviewed: Path) -> None:
    path = project / "faq" / "cost.yml"
    path.chmod(0o640)
    apply(project, reviewed)
    assert path.stat().st_mode & 0o777 == 0o640


# --- the command


def test_the_command_shows_what_would_change_and_changes_nothing(
    project: Path, reviewed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = contents(project)
    assert main(["learn", "apply", str(reviewed), "--dry-run"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line[0] in "+-" and line[1] not in "+-"] == [
        "+        - on veut une loi sur les zèbres",
        "+    - zebra coach wanted near the zoo",
        "+    - what's a zebra: a horse?",
        "+    - sortir combien de piasses pour embarquer",
    ]
    assert lines[-1] == "4 phrasings would be added, 0 stand there already"
    assert contents(project) == before


def test_the_command_adds_and_says_where(
    project: Path, reviewed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["learn", "apply", str(reviewed)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "faq/cost.yml: fr.phrasings: sortir combien de piasses pour embarquer"
    assert lines[-1].startswith("4 phrasings were added, 0 stand there already")
    assert main(["learn", "apply", str(reviewed)]) == 0
    [line] = capsys.readouterr().out.splitlines()
    assert line.startswith("0 phrasings were added, 4 stand there already")


def test_the_command_names_every_fault_and_adds_nothing(
    project: Path, reviewed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reviewed.write_text(GOOD.replace("faq/cost\n", "faq/cots\n"), encoding="utf-8")
    before = contents(project)
    assert main(["learn", "apply", str(reviewed)]) == 1
    printed = capsys.readouterr()
    problem = "label names faq/cots, which is no label that phrasings are learned for"
    assert printed.err == f"{reviewed}:6: {problem}\nmobilis: nothing was added\n"
    assert (printed.out, contents(project)) == ("", before)


@pytest.mark.parametrize("name", [".", "missing.yml"])
def test_the_command_names_a_file_that_cannot_be_read(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["learn", "apply", str(tmp_path / name)]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"mobilis: {tmp_path / name}: ")
    assert not os.listdir(tmp_path)
