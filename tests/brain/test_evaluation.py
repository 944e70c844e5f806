"""Measuring understanding: the files, the figures, the refusals, and the numbers of config.yml."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mobilis.errors import MobilisError, SettingError
from mobilis.nlu import calibration, evaluation
from mobilis.nlu.encoder import the_encoder
from mobilis.nlu.evaluation import (
    EvaluationRefused,
    Understanding,
    calibration_error,
    evaluate,
    outcome,
    read_rows,
    to_text,
)
from mobilis.settings import ROOT

INTENTS = "cost\tcombien ça coûte\nfaq/cost\thow much does it cost\nout_of_scope\ttell me a joke\n"
SHARES = {
    *("macro_f1", "out_of_scope_recall", "in_scope_refused", "in_scope_clarified"),
    *("in_scope_wrong", "expected_calibration_error"),
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "examples.tsv"


@pytest.fixture
def model(trained: Understanding, monkeypatch: pytest.MonkeyPatch) -> Understanding:
    """The trained model, loaded once for all tests."""
    for module in (evaluation, calibration):
        monkeypatch.setattr(module, "Understanding", lambda root: trained)
    return trained


# --- files


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, ": there is no such file"),
        (b"", ": the file is empty"),
        ("greet\tallô\n".encode("latin-1"), ":1: the line is not UTF-8"),
        (b"greet\thello\ngreet\tall\xf4\n", ":2: the line is not UTF-8"),
        (b"greet\thello\x0bgreet\thi\n", ":1: 2 columns are expected"),
        (b"greet\thello\ngreet\n", ":2: 2 columns are expected"),
        (b"greet\thello\tthere\n", ":1: 2 columns are expected"),
        (b"greet\thello\n\ngreet\thi\n", ":2: 2 columns are expected"),
        (b"greet\thello\ngreet\t \n", ":2: 2 columns are expected"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(
    file: Path, content: bytes | None, problem: str
) -> None:
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(EvaluationRefused) as error:
        read_rows(file, 2)
    assert str(error.value) == f"{file}{problem}"


def test_a_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(EvaluationRefused) as error:
        read_rows(tmp_path, 2)
    assert str(error.value) == f"{tmp_path}: Is a directory"


def test_a_separator_of_lines_inside_a_message_is_part_of_it(file: Path) -> None:
    file.write_text("\ufeffgreet\tallô\u2028vous\n", encoding="utf-8")
    assert read_rows(file, 2) == [("greet", "allô\u2028vous")]


def test_lines_are_read_in_order(file: Path) -> None:
    file.write_text("aim\ta\tun règlement\r\naim\tnone\tbonjour", encoding="utf-8")
    assert read_rows(file, 3) == [("aim", "a", "un règlement"), ("aim", "none", "bonjour")]


# --- figures


@pytest.mark.parametrize(
    ("judged", "error"),
    [
        ([(1.0, True), (1.0, True)], 0.0),
        ([(1.0, False)], 1.0),
        ([(0.8, True)] * 4 + [(0.8, False)], 0.0),  # as often right as it is sure
        ([(0.95, True), (0.95, False)], 0.45),
        ([(0.25, False), (0.95, True)], 0.15),  # two bins
        ([(0.25, True)] + [(0.95, True)] * 3, 0.225),  # a bin counts by its messages
        ([(0.0, False)], 0.0),
    ],
)
def test_calibration_error_is_how_far_confidence_is_from_being_right(
    judged: list[tuple[float, bool]], error: float
) -> None:
    assert calibration_error(judged) == pytest.approx(error)


def test_with_one_bin_confidence_is_compared_on_the_whole() -> None:
    assert calibration_error([(0.2, False), (0.8, True)], bins=1) == 0.0
    assert calibration_error([(0.2, False), (0.8, True)], bins=2) == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("expected", "decided", "what"),
    [
        ("faq/cost", "faq/cost", "right"),
        ("faq/cost", "faq/timeline", "wrong"),
        ("faq/cost", "ambiguous", "clarified"),
        ("faq/cost", "out_of_scope", "refused"),
        ("faq/cost", "nlu_fallback", "refused"),
        ("out_of_scope", "out_of_scope", "out_of_scope_refused"),
        ("out_of_scope", "nlu_fallback", "out_of_scope_refused"),
        ("out_of_scope", "faq/cost", "out_of_scope_answered"),
        ("out_of_scope", "ambiguous", "out_of_scope_answered"),
    ],
)
def test_a_decision_has_one_outcome(expected: str, decided: str, what: str) -> None:
    assert outcome(expected, decided) == what


# --- the trained model


def test_without_a_model_it_says_how_to_get_one(tmp_path: Path, file: Path) -> None:
    file.write_text(INTENTS, encoding="utf-8")
    with pytest.raises(EvaluationRefused) as error:
        evaluate("intents", file, tmp_path)
    sentence = "models/mobilis.tar.gz: there is no model; train one with: mobilis train"
    assert str(error.value) == sentence


def test_a_setting_that_is_wrong_is_named_and_not_the_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOBILIS_ENCODER", str(tmp_path))
    the_encoder.cache_clear()
    try:
        with pytest.raises(SettingError, match=r"^MOBILIS_ENCODER: "):
            Understanding(ROOT)
    finally:
        the_encoder.cache_clear()


def test_a_directory_is_no_model(tmp_path: Path, file: Path) -> None:
    (tmp_path / "models" / "mobilis.tar.gz").mkdir(parents=True)
    file.write_text(INTENTS, encoding="utf-8")
    with pytest.raises(EvaluationRefused, match=r"^models/mobilis.tar.gz: there is no model; "):
        evaluate("intents", file, tmp_path)


@pytest.mark.parametrize(
    ("what", "line", "problem"),
    [
        ("intents", "cots\tcombien", "there is no label cots"),
        ("intents", "faq/greet\tallô", "there is no label faq/greet"),
        ("answers", "goal\ta\tun règlement", "there is no question goal"),
        ("answers", "aim\tz\tun règlement", "z is not an option of aim"),
        ("language", "es\thola", "es is not one of fr, en, keep"),
        ("facets", "un coach\t{region: ON}", "{region: ON} is not a JSON object of facets"),
        ("facets", 'un coach\t["ON"]', '["ON"] is not a JSON object of facets'),
        ("facets", 'un coach\t{"regoin": "ON"}', "there is no regoin ON"),
        ("facets", 'un coach\t{"region": ["ON", "XX"]}', "there is no region XX"),
        ("facets", 'un coach\t{"region": 5}', "there is no region 5"),
        ("facets", 'un coach\t{"topic": [["housing"]]}', "there is no topic ['housing']"),
    ],
)
@pytest.mark.usefixtures("model")
def test_a_line_that_is_wrong_is_named(what: str, line: str, problem: str, file: Path) -> None:
    good = {
        "intents": "greet\tallô",
        "answers": "aim\tunsure\tje ne sais pas",
        "language": "fr\tc'est combien",
        "facets": 'un coach à Sudbury\t{"region": ["ON"]}',
    }
    file.write_text(f"{good[what]}\n{line}\n", encoding="utf-8")
    with pytest.raises(EvaluationRefused) as error:
        evaluate(what, file, ROOT)
    assert str(error.value) == f"{file}:2: {problem}"


@pytest.mark.usefixtures("model")
def test_the_report_on_intents_has_its_figures_and_every_error(file: Path) -> None:
    file.write_text(INTENTS.replace("out_of_scope", "greet"), encoding="utf-8")
    report = evaluate("intents", file, ROOT)
    assert set(report) == {"n", "correct", "accuracy", "errors", *SHARES}
    assert (report["n"], report["correct"]) == (3, 2)
    [error] = report["errors"]
    assert (error["text"], error["expected"]) == ("tell me a joke", "greet")
    assert set(error) == {"text", "expected", "got", "confidence", "outcome"}
    text = to_text(report)
    assert "in scope clarified: 0.0" in text
    assert text.splitlines()[-1].startswith("  greet ≠ ")


@pytest.mark.parametrize("what", ["answers", "facets", "language"])
@pytest.mark.usefixtures("model")
def test_the_other_reports_have_no_shares(what: str, file: Path) -> None:
    line = {
        "answers": "aim\tunsure\tje ne sais pas",
        "facets": 'un coach à Sudbury\t{"region": "ON"}',
        "language": "fr\tc'est combien ça coûte",
    }[what]
    file.write_text(line, encoding="utf-8")
    assert evaluate(what, file, ROOT) == {"n": 1, "correct": 1, "accuracy": 1.0, "errors": []}


def test_a_question_is_named_with_or_without_its_folder(model: Understanding) -> None:
    assert model.label("cost") == model.label("faq/cost") == "faq/cost"
    assert model.label("greet") == "greet"


def test_a_command_prints_one_json_document_and_nothing_of_what_it_loads(file: Path) -> None:
    file.write_text(INTENTS, encoding="utf-8")
    ended = subprocess.run(
        [sys.executable, "-m", "mobilis.cli", "evaluate", "intents", str(file), "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    report = json.loads(ended.stdout)
    assert set(report) == {"n", "correct", "accuracy", "errors", *SHARES}
    assert report["n"] == 3


# --- the numbers of config.yml


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yml"
    text = (ROOT / "config.yml").read_text(encoding="utf-8")
    answers = "  - name: mobilis.nlu.classifier.AnswerClassifier\n"
    assert answers in text
    path.write_text(text.replace(answers, f"{answers}    none_share: 7\n"), encoding="utf-8")
    return path


def test_three_numbers_are_written_and_nothing_else(config: Path, tmp_path: Path) -> None:
    before = config.read_text(encoding="utf-8").splitlines()
    calibration.write(tmp_path, {"scale": 3.25, "sure": 0.71, "clarify": 0.19})
    after = config.read_text(encoding="utf-8").splitlines()
    assert len(before) == len(after)
    assert [new for old, new in zip(before, after) if old != new] == [
        "    scale: 3.25",
        "    sure: 0.71",
        "    clarify: 0.19",
    ]


@pytest.mark.parametrize("name", ["scale", "sure", "clarify"])
def test_a_number_that_does_not_stand_there_is_named(
    config: Path, tmp_path: Path, name: str
) -> None:
    text = config.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines(keepends=True) if f" {name}: " not in line]
    config.write_text("".join(lines), encoding="utf-8")
    before = config.read_text(encoding="utf-8")
    with pytest.raises(MobilisError) as error:
        calibration.write(tmp_path, {"scale": 3.25, "sure": 0.71, "clarify": 0.19})
    assert str(error.value) == f"config.yml: no component has the setting {name}"
    assert config.read_text(encoding="utf-8") == before


@pytest.mark.usefixtures("model")
def test_the_least_costly_numbers_are_chosen(file: Path) -> None:
    file.write_text(INTENTS, encoding="utf-8")
    report = calibration.calibrate(ROOT, [file, file])
    costs = [report["cost"], *(other["cost"] for other in report["others"])]
    assert report["n"] == 6
    assert costs == sorted(costs)
    assert {"scale", "sure", "clarify", "shares", "expected_calibration_error"} <= set(report)
    assert calibration.to_text(report).splitlines()[0] == "6 messages; the least costly:"


@pytest.mark.usefixtures("model")
def test_nothing_is_chosen_from_a_wrong_file(file: Path) -> None:
    file.write_text("greet\n", encoding="utf-8")
    with pytest.raises(EvaluationRefused, match=":1: 2 columns are expected"):
        calibration.calibrate(ROOT, [file])
