"""Two models side by side: what would change, and models that cannot be compared."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path

import joblib
import pytest

from mobilis.encoders import encoder_name
from mobilis.live import MODEL
from mobilis.nlu import comparison
from mobilis.nlu.comparison import compare, to_text, trained_for
from mobilis.nlu.evaluation import UNFIT, EvaluationRefused, Judged, Understanding
from mobilis.settings import ROOT, load_settings

HERE = encoder_name(load_settings().encoder)
FIGURES = {
    *("correct", "accuracy", "macro_f1", "out_of_scope_recall", "in_scope_refused"),
    *("in_scope_clarified", "in_scope_wrong", "expected_calibration_error"),
}
LINES = """\
faq/cost\tcombien
faq/cost\tle prix
greet\tallô
greet\tsalut
out_of_scope\tune blague
"""
BEFORE = [
    ("faq/cost", "faq/timeline", 0.7, "wrong"),
    ("faq/cost", "faq/cost", 0.9, "right"),
    ("greet", "greet", 0.5, "clarified"),
    ("greet", "greet", 0.9, "right"),
    ("out_of_scope", "greet", 0.9, "out_of_scope_answered"),
]
AFTER = [
    ("faq/cost", "faq/cost", 0.9, "right"),
    ("faq/cost", "greet", 0.45, "clarified"),
    ("greet", "greet", 0.8, "right"),
    ("greet", "greet", 0.8, "right"),
    ("out_of_scope", "faq/cost", 0.9, "out_of_scope_answered"),
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "examples.tsv"
    path.write_text(LINES, encoding="utf-8")
    return path


def archive(path: Path, **files: bytes) -> Path:
    """A model's file that holds some files of one component."""
    with tarfile.open(path, "w:gz") as made:
        for name, content in files.items():
            member = tarfile.TarInfo(f"components/train_Any0/{name}")
            member.size = len(content)
            made.addfile(member, io.BytesIO(content))
    return path


def sentence(file: Path, other: Path) -> str:
    with pytest.raises(EvaluationRefused) as error:
        compare("intents", file, ROOT, other)
    return str(error.value)


# --- the report


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two models that are not there, with what they make of each line."""
    texts = [line.split("\t")[1] for line in LINES.splitlines()]
    answers = iter([BEFORE, AFTER])
    monkeypatch.setattr(comparison, "_check_encoder", lambda model: None)
    monkeypatch.setattr(comparison, "Understanding", lambda root, model=None: None)
    monkeypatch.setattr(
        comparison,
        "judge",
        lambda *given: [Judged(text, *one) for text, one in zip(texts, next(answers))],
    )


@pytest.mark.usefixtures("judged")
def test_what_changes_is_told_label_by_label_and_message_by_message(file: Path) -> None:
    report = compare("intents", file, ROOT, Path("other.tar.gz"))
    assert set(report["before"]) == set(report["after"]) == FIGURES
    assert (report["n"], report["before"]["correct"], report["after"]["correct"]) == (5, 3, 3)
    assert report["labels"] == {
        "faq/cost": {"n": 2, "right_before": 1, "right_after": 1},
        "greet": {"n": 2, "right_before": 2, "right_after": 2},
        "out_of_scope": {"n": 1, "right_before": 0, "right_after": 0},
    }
    assert report["fixed"] == [
        {
            "text": "combien",
            "expected": "faq/cost",
            "before": {"label": "faq/timeline", "confidence": 0.7, "outcome": "wrong"},
            "after": {"label": "faq/cost", "confidence": 0.9, "outcome": "right"},
        }
    ]
    assert [change["text"] for change in report["broken"]] == ["le prix"]
    assert [change["text"] for change in report["otherwise"]] == ["allô", "une blague"]


@pytest.mark.usefixtures("judged")
def test_a_reader_sees_figures_labels_and_messages(file: Path) -> None:
    lines = to_text(compare("intents", file, ROOT, Path("other.tar.gz"))).splitlines()
    assert lines[:3] == ["n: 5", "correct: 3 → 3 (+0)", "accuracy: 0.6 → 0.6 (+0)"]
    assert "in scope wrong: 0.25 → 0.0 (-0.25)" in lines
    assert "  greet           2 →   2 of   2" in lines
    at = lines.index("fixed: 1")
    assert lines[at + 1] == (
        "  faq/cost: faq/timeline (0.70, wrong) → faq/cost (0.90, right)  combien"
    )
    assert lines[at + 2] == "broken: 1"
    assert lines[at + 4] == "otherwise: 2"


def test_a_model_beside_itself_changes_nothing(file: Path) -> None:
    for what, text in (
        ("intents", LINES),
        ("language", "fr\tc'est combien ça coûte\n"),
        ("facets", 'un coach à Sudbury\t{"region": ["ON"]}\n'),
        ("answers", "aim\tunsure\tje ne sais pas\n"),
    ):
        file.write_text(text, encoding="utf-8")
        report = compare(what, file, ROOT, ROOT / MODEL)
        assert report["before"] == report["after"]
        assert report["fixed"] == report["broken"] == report["otherwise"] == []
        assert sum(row["n"] for row in report["labels"].values()) == report["n"]


def test_on_standard_output_there_is_one_json_document(file: Path) -> None:
    command = [sys.executable, "-m", "mobilis.cli", "evaluate", "intents", str(file), "--json"]
    ended = subprocess.run(
        [*command, "--compare", str(ROOT / MODEL)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    keys = {"n", "before", "after", "labels", "fixed", "broken", "otherwise"}
    assert set(json.loads(ended.stdout)) == keys


# --- models that cannot be compared


def test_a_model_names_the_encoder_it_was_trained_for(tmp_path: Path) -> None:
    assert trained_for(ROOT / MODEL) == HERE
    assert trained_for(archive(tmp_path / "other.tar.gz", encoder=b"another")) == "another"


def test_a_model_for_another_encoder_is_refused_in_one_sentence(file: Path, tmp_path: Path) -> None:
    other = archive(tmp_path / "other.tar.gz", encoder=b"another")
    assert sentence(file, other) == (
        f"{other}: it was trained for the encoder another, and the present one is {HERE}"
    )


@pytest.mark.parametrize("content", [b"", b"not a model", None])
def test_what_is_no_model_is_refused_in_one_sentence(
    file: Path, tmp_path: Path, content: bytes | None
) -> None:
    other = tmp_path / "other.tar.gz"
    if content is None:
        archive(other, readme=b"of a model that names no encoder")
    else:
        other.write_bytes(content)
    assert sentence(file, other) == f"{other}: {UNFIT}"


@pytest.mark.parametrize("name", [".", "missing.tar.gz"])
def test_a_model_that_is_not_there_is_named(file: Path, tmp_path: Path, name: str) -> None:
    assert sentence(file, tmp_path / name) == f"{tmp_path / name}: there is no model"


def test_a_model_that_lacks_its_parts_is_refused_in_one_sentence(
    file: Path, tmp_path: Path
) -> None:
    other = archive(tmp_path / "other.tar.gz", encoder=HERE.encode())
    assert sentence(file, other).startswith(f"{other}: {UNFIT} (")


def test_a_model_that_learned_with_other_code_is_refused_in_one_sentence(tmp_path: Path) -> None:
    with tarfile.open(ROOT / MODEL) as model:
        model.extractall(tmp_path / "model")
    [learned] = (tmp_path / "model").glob("**/train_*LabelClassifier*/learned.joblib")
    joblib.dump({"of": "another time"}, learned)
    other = tmp_path / "other.tar.gz"
    with tarfile.open(other, "w:gz", compresslevel=1) as made:
        made.add(tmp_path / "model", "")
    with pytest.raises(EvaluationRefused) as error:
        Understanding(ROOT, other)
    assert str(error.value).startswith(f"{other}: {UNFIT} (")
