"""The report on understanding: its figures, its page, its learning curve, and its refusals."""

from __future__ import annotations

import os
import re
import shutil
from collections import Counter
from fractions import Fraction
from pathlib import Path

import pytest
from rasa.shared.importers.rasa import RasaFileImporter
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message

from mobilis.cli import main
from mobilis.nlu import learning_curve
from mobilis.nlu import report as report_module
from mobilis.nlu.encoder import EMBEDDING
from mobilis.nlu.evaluation import EvaluationRefused, Judged, Understanding
from mobilis.nlu.figures import Point
from mobilis.nlu.french import LEMMAS
from mobilis.nlu.importer import label_of
from mobilis.nlu.learning_curve import draw, learning_curves
from mobilis.nlu.measured import Language, bins, inside, measured
from mobilis.nlu.report import ReportRefused, content_hash, report, write
from mobilis.nlu.report_page import page, told
from mobilis.settings import ROOT

JUDGED = [
    Judged("combien", "faq/cost", "faq/cost", 0.97, "right"),
    Judged("c tu cher", "faq/cost", "faq/cost", 0.93, "right"),
    Judged("ça coûte | quoi", "faq/cost", "help", 0.44, "clarified"),
    Judged("quoi, le prix", "faq/cost", "help", 0.71, "wrong"),
    Judged("aide", "help", "faq/cost", 0.3, "refused"),
    Judged("une blague", "out_of_scope", "out_of_scope", 0.91, "out_of_scope_refused"),
    Judged("mon avocat", "out_of_scope", "faq/legal_advice", 0.88, "out_of_scope_answered"),
]
CURVE = [Point("1/2", 50, [0.8, 0.9, 0.85]), Point("all", 99, [0.95])]
FACTS = {"made": "today", "content": "`0123456789ab`"}


@pytest.fixture(scope="module")
def french() -> Language:
    return measured("French", JUDGED, CURVE)


@pytest.fixture(scope="module")
def faultless() -> Language:
    return measured("English", [one for one in JUDGED if one.expected == one.got], CURVE)


# --- figures


def test_the_figures_are_those_of_the_evaluation(french: Language) -> None:
    assert (french.report["n"], french.report["correct"]) == (7, 3)
    assert french.report["in_scope_wrong"] == 0.2
    assert inside(french) == 5
    assert french.totals == {"faq/cost": 4, "help": 1, "out_of_scope": 2}


def test_confused_labels_are_ordered_and_have_the_surest_example(french: Language) -> None:
    assert [pair[:3] for pair in french.confused] == [
        ("faq/cost", "help", 2),
        ("help", "faq/cost", 1),
        ("out_of_scope", "faq/legal_advice", 1),
    ]
    assert french.confused[0].example == "quoi, le prix"
    assert french.confused[0].outcomes == {"asked": 1, "wrong": 1}


def test_a_bin_has_its_mean_confidence_and_share(french: Language) -> None:
    confidences = [round(one.confidence, 3) for one in french.bins]
    assert confidences == [0.3, 0.44, 0.71, 0.88, pytest.approx((0.97 + 0.93 + 0.91) / 3, abs=1e-3)]
    assert [one.right for one in french.bins] == [0, 0, 0, 0, 1]
    assert [one.messages for one in french.bins] == [1, 1, 1, 1, 3]


def test_certainty_falls_into_the_last_bin() -> None:
    found = bins([JUDGED[0]._replace(confidence=1.0), JUDGED[0]._replace(confidence=0.9)])
    assert [one.messages for one in found] == [2]


# --- the page


@pytest.fixture(scope="module")
def folder(french: Language, faultless: Language, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    write(folder, FACTS, [french, faultless])
    return folder


@pytest.fixture(scope="module")
def text(folder: Path) -> str:
    return (folder / "README.md").read_text(encoding="utf-8")


def test_every_picture_is_shown_and_says_what_it_shows(folder: Path, text: str) -> None:
    shown = re.findall(r"!\[([^\]]+)\]\(([^)]+)\)", text)
    assert {name for _, name in shown} == {path.name for path in folder.glob("*.svg")}
    assert {name for _, name in shown} == {
        *("outcomes.svg", "confusion_french.svg", "reliability.svg", "learning_curve.svg")
    }
    assert all(len(words) > 60 for words, _ in shown)


def test_every_picture_has_a_table_with_its_numbers(text: str) -> None:
    assert "| made | today |" in text
    assert "| messages | 7 | 3 |" in text
    assert "| out-of-scope recall | 50.0 % | 100.0 % |" in text
    assert "| … answered wrongly without asking | 20.0 % | 0.0 % |" in text
    assert "| in scope: asked | 1 of 5 (20.0 %) | 0 of 2 (0.0 %) |" in text
    assert "| `faq/cost` | `help` | 2 | asked 1, wrong 1 | quoi, le prix |" in text
    assert "| `help` | `faq/cost` | 1 | refused | aide |" in text
    assert "| French | 93.7 % | 100.0 % | 3 |" in text
    assert "| 1/2 | 50 | 85.0 % (80.0 to 90.0) | 85.0 % (80.0 to 90.0) |" in text
    assert "accuracy gains 10.0 points in French and 10.0 points in English." in text


def test_a_language_without_errors_has_a_sentence_for_a_matrix(text: str) -> None:
    assert "All of 3 messages are taken for what they mean." in text


def test_a_language_without_messages_out_of_scope_has_none_in_the_page() -> None:
    english = measured("English", JUDGED[:2], CURVE)
    assert "| out of scope: answered or asked | – |" in page(FACTS, [english])
    assert "out of scope" not in report_module.pictures([english])["outcomes"]


def test_every_line_of_a_table_has_its_columns(text: str) -> None:
    for table in re.findall(r"(?:^\|.*\n?)+", text, re.MULTILINE):
        counts = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(counts) == 1, table


def test_commands_that_make_it_again_are_there(text: str) -> None:
    assert "\nmobilis report\n" in text
    assert "mobilis evaluate intents tests/evaluation/intents.fr.tsv" in text


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("a | b", r"a \| b"),
        ("<b>*gras*</b> `x`", r"\<b\>\*gras\*\</b\> \`x\`"),
        ("[ici](https://x.ca) 5$ et 6$", r"\[ici\](https://x.ca) 5\$ et 6\$"),
        ("c'est combien?", "c'est combien?"),
    ],
)
def test_signs_of_a_message_mean_nothing_in_the_page(written: str, shown: str) -> None:
    assert told(written) == shown


def test_a_share_is_the_same_wherever_it_stands() -> None:
    judged = [JUDGED[0]] * 476 + [JUDGED[2]] * 16  # 3.252 %, of which four digits are 0.0325
    french = measured("French", judged, CURVE)
    shown = re.findall(r"[\d.]+(?= %)", page(FACTS, [french]))
    assert "3.3" in shown
    assert "3.2" not in shown
    assert "asked 3.3 %" in report_module.pictures([french])["outcomes"]


# --- the learning curve


def example(text: str, label: str, language: str = "fr") -> Message:
    return Message.build(text, intent=label, intent_metadata={"language": language})


PHRASINGS = [
    *(example(f"combien {word}", "cost") for word in "ça donc le la un une des du".split()),
    *(example(f"how much {word}", "cost", "en") for word in "is it the a for of".split()),
    *(example(f"un coach {word}", "find_coach") for word in "svp bon pas".split()),
    example("aide", "help"),
]


@pytest.mark.parametrize("part", [Fraction(1, 8), Fraction(1, 2), Fraction(3, 4), Fraction(1)])
def test_a_part_is_one_of_each_label_and_language(part: Fraction) -> None:
    counts = Counter(
        (label_of(m), m.get("metadata")["intent"]["language"]) for m in draw(PHRASINGS, part, 1)
    )
    whole = {
        ("cost", "fr"): 8,
        ("cost", "en"): 6,
        ("find_coach", "fr"): 3,
        ("help", "fr"): 1,
    }
    assert set(counts) == set(whole)
    assert all(part * whole[key] <= count < part * whole[key] + 1 for key, count in counts.items())


def test_a_draw_is_the_same_each_time_and_another_for_another_seed() -> None:
    drawn = [[m.get(TEXT) for m in draw(PHRASINGS, Fraction(1, 2), seed)] for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_larger_part_holds_the_smaller_one() -> None:
    small, large = ({m.get(TEXT) for m in draw(PHRASINGS, Fraction(n, 8), 3)} for n in (1, 5))
    assert small < large


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Training data of one intent and one language."""
    lines = "\n".join(f"    - combien {number}" for number in range(32))
    block = f"- intent: greet\n  metadata:\n    language: fr\n  examples: |\n{lines}\n"
    path = tmp_path / "few.yml"
    path.write_text(f'version: "3.1"\nnlu:\n{block}', encoding="utf-8")
    importer = RasaFileImporter(None, str(ROOT / "domain.yml"), [str(path)])
    monkeypatch.setattr(
        learning_curve.TrainingDataImporter, "load_from_config", lambda *paths: importer
    )


@pytest.mark.usefixtures("few")
def test_phrasings_come_as_the_classifier_is_given_them(trained: Understanding) -> None:
    found = learning_curve._phrasings(trained, ROOT)
    assert [m.get(TEXT) for m in found] == [f"combien {number}" for number in range(32)]
    assert {label_of(m) for m in found} == {"greet"}
    assert all(m.get(LEMMAS) for m in found)
    assert len({m.get(EMBEDDING).shape for m in found}) == 1


@pytest.mark.usefixtures("few")
def test_the_curve_ends_with_the_model_itself(trained: Understanding, tmp_path: Path) -> None:
    file = tmp_path / "asked.tsv"
    file.write_text("cost\tcombien ça coûte\ngreet\tcombien 3\n", encoding="utf-8")
    said: list[str] = []
    curves = learning_curves(trained, ROOT, {"fr": file}, said.append)
    assert [point.part for point in curves["fr"]] == ["1/8", "1/4", "1/2", "3/4", "all"]
    assert [point.phrasings for point in curves["fr"]] == [4, 8, 16, 24, 32]
    assert [len(point.accuracies) for point in curves["fr"]] == [3, 3, 2, 1, 1]
    assert {point.mean for point in curves["fr"][:-1]} == {0.5}  # only greetings are taught
    assert curves["fr"][-1].mean in (0.5, 1.0)
    assert len(said) == 5


# --- what it is made of, and where it goes


def test_the_content_is_told_from_other_content(tmp_path: Path) -> None:
    for name in ("faq", "data"):
        shutil.copytree(ROOT / name, tmp_path / name)
    before = content_hash(tmp_path)
    os.utime(tmp_path / "faq" / "cost.yml", (1e9, 1e9))
    assert content_hash(tmp_path) == before
    (tmp_path / "faq" / "cost.yml").write_text("changed", encoding="utf-8")
    assert content_hash(tmp_path) != before
    assert len(before) == 12


@pytest.fixture
def small(
    monkeypatch: pytest.MonkeyPatch, trained: Understanding, tmp_path: Path
) -> pytest.MonkeyPatch:
    """A few messages to evaluate, the trained model, and a curve that takes no time."""
    for language in ("fr", "en"):
        text = "cost\tcombien ça coûte\nout_of_scope\ttell me a joke\n"
        (tmp_path / f"intents.{language}.tsv").write_text(text, encoding="utf-8")
    monkeypatch.setattr(report_module, "FILES", str(tmp_path / "intents.{}.tsv"))
    monkeypatch.setattr(report_module, "Understanding", lambda root: trained)
    curves = {"fr": CURVE, "en": CURVE}
    monkeypatch.setattr(report_module, "learning_curves", lambda *given: curves)
    return monkeypatch


@pytest.mark.usefixtures("small")
def test_the_command_writes_the_page_and_says_how_far_it_is(tmp_path: Path, capsys) -> None:
    folder = tmp_path / "new" / "folder"
    assert main(["report", "--output", str(folder)]) == 0
    printed = capsys.readouterr()
    assert printed.out.splitlines()[:2] == [
        "asking what the French messages mean",
        "asking what the English messages mean",
    ]
    assert printed.out.splitlines()[-1] == f"wrote {folder / 'README.md'}"
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert f"| content | `{content_hash(ROOT)}`" in text
    assert re.search(r"\| model \| `[0-9a-f]{12}`, trained \d{4}-\d\d-\d\d \d\d:\d\d UTC", text)


@pytest.mark.usefixtures("small")
def test_a_model_older_than_the_content_is_said_to_be(
    trained: Understanding, monkeypatch: pytest.MonkeyPatch
) -> None:
    for due in (True, False):
        monkeypatch.setattr(report_module, "is_due", lambda root, due=due: due)
        stale = "older than what it is made from" in report_module.facts(ROOT, trained)["model"]
        assert stale == due


@pytest.mark.usefixtures("small")
def test_a_folder_that_cannot_be_written_is_named_before_anything_is_measured(
    tmp_path: Path, capsys
) -> None:
    (tmp_path / "file").touch()
    folder = tmp_path / "file" / "folder"
    with pytest.raises(ReportRefused):
        report(ROOT, folder, lambda progress: pytest.fail(progress))
    assert main(["report", "--output", str(folder)]) == 1
    printed = capsys.readouterr()
    assert printed.err == f"mobilis: {folder}: Not a directory\n"
    assert printed.out == ""


def test_without_a_model_it_says_how_to_get_one(
    small: pytest.MonkeyPatch, tmp_path: Path, capsys
) -> None:
    small.setattr(report_module, "Understanding", Understanding)
    small.setenv("MOBILIS_PROJECT_DIR", str(tmp_path))
    assert main(["report"]) == 1
    sentence = "models/mobilis.tar.gz: there is no model; train one with: mobilis train"
    assert capsys.readouterr() == ("", f"mobilis: {sentence}\n")


def test_an_evaluation_file_that_is_wrong_is_named(
    small: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "intents.en.tsv").write_text("cost\n", encoding="utf-8")
    with pytest.raises(EvaluationRefused) as error:
        report(ROOT, tmp_path / "out", lambda progress: pytest.fail(progress))
    assert str(error.value) == f"{tmp_path / 'intents.en.tsv'}:1: 2 columns are expected"
