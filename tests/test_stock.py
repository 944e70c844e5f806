"""The stock assistant's files, and how its training is started, kept and given up.

A module that is called rasa and lies in the project stands in for Rasa: training takes minutes.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from mobilis import stock
from mobilis.content import load_content
from mobilis.errors import ContentError
from mobilis.settings import ROOT
from mobilis.stock import StockFailed, files, kept, phrasings, prepare, spread, training, write

TRAINS = """
import pathlib
pathlib.Path("models").mkdir()
pathlib.Path("models/stock.tar.gz").touch()
pathlib.Path(".rasa").mkdir()
print("trained")
"""
FAILS = "import sys; sys.exit('no')"
MAKES_NOTHING = "print('done, or so I say')"
HANGS = "import os, pathlib, time; pathlib.Path('pid').write_text(str(os.getpid())); time.sleep(60)"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the content."""
    for name in ("faq", "content", "assessment", "data"):
        shutil.copytree(ROOT / name, tmp_path / name)
    return tmp_path


@pytest.fixture
def rasa(project: Path) -> Callable[[str], Path]:
    """Puts a module in Rasa's place; the folder that the assistant will be kept in."""

    def put(code: str) -> Path:
        folder = kept(project, files(project))
        folder.mkdir(parents=True)
        (folder / "rasa.py").write_text(code, encoding="utf-8")
        return folder

    return put


def silent(line: str) -> None:
    return


# --- files


def test_every_label_is_taught_in_both_languages_and_answered(tmp_path: Path) -> None:
    write(tmp_path, files(ROOT))
    read = {
        str(path.relative_to(tmp_path)): yaml.safe_load(path.read_text(encoding="utf-8"))
        for path in tmp_path.rglob("*.yml")
    }
    taught = {block["intent"]: block["examples"] for block in read["data/nlu.yml"]["nlu"]}
    faqs = {f"faq/{name}" for name in load_content(ROOT).faqs}
    intents = {label for label in taught if "/" not in label} | {"faq"}
    assert {label for label in taught if "/" in label} == faqs
    assert {"greet", "out_of_scope", "find_coach", "answer"} < intents
    for label, examples in taught.items():
        lines = examples.splitlines()
        assert all(line.startswith("- ") and line[2:].strip() for line in lines), label
        assert 20 <= len(lines) <= 24, label  # a phrasing may be the same in both languages
    domain = read["domain.yml"]
    assert set(domain["intents"]) == intents | {"nlu_fallback"}
    answered = {f"utter_{label}" for label in {*taught, "nlu_fallback"}}
    assert set(domain["responses"]) == answered
    assert all(text["text"].strip() for said in domain["responses"].values() for text in said)
    rules = {rule["steps"][0]["intent"] for rule in read["data/rules.yml"]["rules"]}
    assert rules == set(domain["intents"])
    assert read["credentials.yml"] == {"rest": None}


def test_a_question_is_answered_with_the_answers_of_its_file() -> None:
    answer = load_content(ROOT).faqs["cost"].answer
    responses = files(ROOT)["domain.yml"]["responses"]
    assert [text["text"] for text in responses["utter_faq/cost"]] == [answer["fr"], answer["en"]]


def test_the_pipeline_and_the_policies_are_those_of_an_empty_project() -> None:
    rasa = pytest.importorskip("rasa")
    default = Path(rasa.__file__).parent / "engine/recipes/config_files/default_config.yml"
    wanted = yaml.safe_load(default.read_text(encoding="utf-8"))
    config = files(ROOT)["config.yml"]
    assert config["pipeline"] == wanted["pipeline"]
    assert config["policies"] == wanted["policies"]


def test_it_learns_all_that_ours_learns_when_that_is_asked_for() -> None:
    everything = phrasings(ROOT)
    blocks = files(ROOT, most=0)["data/nlu.yml"]["nlu"]
    assert {block["intent"] for block in blocks} == set(everything)
    for block in blocks:
        texts = {text for heard in everything[block["intent"]].values() for text in heard}
        assert {line[2:] for line in block["examples"].splitlines()} == texts


def test_phrasings_are_taken_from_all_over() -> None:
    assert spread(list("abcdefghij"), 4) == ["a", "c", "f", "h"]
    assert spread(["a", "b"], 4) == spread(["a", "b"], 0) == ["a", "b"]


def test_examples_that_are_not_text_are_named(project: Path) -> None:
    broken = "nlu:\n- intent: greet\n  examples: [allô]\n"
    (project / "data" / "more.yml").write_text(broken, encoding="utf-8")
    with pytest.raises(ContentError) as error:
        files(project)
    assert str(error.value) == "data/more.yml: examples of greet must be text"


# --- training


def test_it_is_trained_once_for_a_content(rasa: Callable[[str], Path], project: Path) -> None:
    folder = rasa(TRAINS)
    said: list[str] = []
    assert prepare(project, said.append) == folder
    assert said[0].startswith("training the stock assistant, once")
    assert 0 <= training(folder)["seconds"] < 60
    assert not (folder / ".rasa").exists()
    said.clear()
    assert prepare(project, said.append) == folder
    assert said == []


def test_other_content_is_another_assistant(rasa: Callable[[str], Path], project: Path) -> None:
    folder = rasa(TRAINS)
    prepare(project, silent)
    path = project / "faq" / "cost.yml"
    changed = path.read_text(encoding="utf-8").replace("Combien ça coûte?", "Ça coûte combien?")
    path.write_text(changed, encoding="utf-8")
    other = rasa(TRAINS)
    assert prepare(project, silent) == other != folder
    assert not folder.exists()


def test_a_fresh_one_forgets_the_old(rasa: Callable[[str], Path], project: Path) -> None:
    folder = rasa(TRAINS)
    prepare(project, silent)
    with pytest.raises(StockFailed):  # with the folder went what stood in for Rasa
        prepare(project, lambda line: (folder / "rasa.py").write_text(FAILS), fresh=True)
    assert not (folder / stock.TRAINED).exists()


@pytest.mark.parametrize("code", [FAILS, MAKES_NOTHING])
def test_a_training_that_fails_says_where_to_look(
    rasa: Callable[[str], Path], project: Path, code: str
) -> None:
    folder = rasa(code)
    with pytest.raises(StockFailed) as error:
        prepare(project, silent)
    sentence = "the stock assistant could not be trained; what Rasa said is in"
    assert str(error.value) == f"{sentence} {folder / 'log'}"
    assert not (folder / stock.TRAINED).exists()


def test_a_training_that_is_interrupted_ends(
    rasa: Callable[[str], Path], project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stock, "TELL_EVERY", 0.05)
    pid = rasa(HANGS) / "pid"
    said: list[str] = []

    def tell(line: str) -> None:
        said.append(line)
        if pid.exists() and pid.read_text():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(project, tell)
    assert said[-1].endswith("s so far")
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)
