"""The evaluation sets are large enough, and nothing trained or calibrated on is nearly in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from mobilis.likeness import Message, pairs
from mobilis.phrasings import set_aside, shelves
from mobilis.settings import ROOT

pytestmark = pytest.mark.pure

EVALUATION = ROOT / "tests" / "evaluation"


def rows(path: Path) -> list[list[str]]:
    return [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]


def messages(folder: str) -> list[Message]:
    """What is set aside in a folder."""
    return [message for message in set_aside(ROOT) if message.place.startswith(folder)]


def phrasings() -> list[Message]:
    """All that is trained on."""
    return [message for shelf in shelves(ROOT) for message in shelf.taught]


def told(found: list[tuple[Message, Message]]) -> str:
    lines = [f"{one.place}: {one.text}  ≈  {other.place}: {other.text}" for one, other in found]
    return f"{len(found)} pairs\n" + "\n".join(lines)


def test_no_phrasing_is_nearly_an_evaluation_message() -> None:
    found = pairs(messages("tests/evaluation/"), phrasings())
    assert not found, told(found)


def test_no_phrasing_is_nearly_a_calibration_message() -> None:
    found = pairs(messages("data/calibration."), phrasings())
    assert not found, told(found)


def test_no_calibration_message_is_nearly_an_evaluation_message() -> None:
    found = pairs(messages("data/calibration."), messages("tests/evaluation/"))
    assert not found, told(found)


@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("intents.fr.tsv", 400),
        ("intents.en.tsv", 400),
        ("answers.tsv", 150),
        ("facets.tsv", 80),
        ("language.tsv", 120),
    ],
)
def test_each_set_is_large_enough(name: str, least: int) -> None:
    assert len(rows(EVALUATION / name)) >= least


def test_enough_messages_are_out_of_scope() -> None:
    labels = [row[0] for path in EVALUATION.glob("intents.*.tsv") for row in rows(path)]
    assert labels.count("out_of_scope") >= 200
