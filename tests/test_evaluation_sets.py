"""The evaluation sets are large enough, and nothing trained or calibrated on is nearly in them."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from mobilis.assessment import load_assessment
from mobilis.content import LANGUAGES, load_content
from mobilis.settings import ROOT
from mobilis.text import fold

pytestmark = pytest.mark.pure

EVALUATION = ROOT / "tests" / "evaluation"
ALIKE = 85  # percent of their three-letter sequences that two messages share
FREE = 2  # words: everyone says « bonjour », « merci beaucoup »
LONG = 5  # words from which messages may be nearly the same, and not only the same


class Message(NamedTuple):
    """What someone says, and where it is written."""

    text: str
    place: str


def rows(path: Path) -> list[list[str]]:
    return [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]


def messages(*paths: Path) -> Iterator[Message]:
    """The messages of tab-separated files."""
    for path in paths:
        column = 0 if path.name == "facets.tsv" else -1
        for number, row in enumerate(rows(path), 1):
            yield Message(row[column], f"{path.relative_to(ROOT)}:{number}")


def phrasings() -> Iterator[Message]:
    """All that is trained on."""
    for faq in load_content(ROOT).faqs.values():
        for language in LANGUAGES:
            yield from (Message(text, f"faq/{faq.id}.yml") for text in faq.phrasings[language])
    for block in yaml.safe_load((ROOT / "data" / "nlu.yml").read_text(encoding="utf-8"))["nlu"]:
        lines = block["examples"].splitlines()
        yield from (Message(line.removeprefix("- "), "data/nlu.yml") for line in lines)
    assessment = load_assessment(ROOT / "assessment" / "readiness.yml")
    for language in LANGUAGES:
        texts = list(assessment.unsure[language])
        for question in assessment.questions:
            for option in question.options:
                texts += [option.title[language], *option.phrasings[language]]
        yield from (Message(text, "assessment/readiness.yml") for text in texts)


@cache
def compared(text: str) -> str:
    """What is compared of `text`: letters, digits and single spaces."""
    return " ".join(re.sub(r"[^\w ]|_", "", fold(text)).split())


@cache
def grams(text: str) -> frozenset[str]:
    key = compared(text)
    return frozenset(key[i : i + 3] for i in range(len(key) - 2)) or frozenset([key])


def nearly_same(one: str, other: str) -> bool:
    words = min(len(compared(text).split()) for text in (one, other))
    if compared(one) == compared(other):
        return words > FREE
    common = len(grams(one) & grams(other))
    union = len(grams(one)) + len(grams(other)) - common
    return words >= LONG and 100 * common >= ALIKE * union


def pairs(ones: Iterable[Message], others: Iterable[Message]) -> list[str]:
    """Who among `ones` is nearly the same as who among `others`. Two sets that share so much share
    one of their rarest sequences at least: only those are looked up."""
    ones, others = list(ones), list(others)
    seen = Counter(gram for message in (*ones, *others) for gram in grams(message.text))

    def rarest(text: str) -> Sequence[str]:
        found = sorted(grams(text), key=lambda gram: (seen[gram], gram))
        return found[: len(found) - (ALIKE * len(found) + 99) // 100 + 1]

    index: dict[str, set[Message]] = defaultdict(set)
    for other in others:
        for gram in rarest(other.text):
            index[gram].add(other)
    return [
        f"{one.place}: {one.text}  ≈  {other.place}: {other.text}"
        for one in ones
        for other in sorted(set().union(*(index[gram] for gram in rarest(one.text))))
        if nearly_same(one.text, other.text)
    ]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("C'est combien, ça?", "c est combien ca", False),
        ("C\u2019EST combien, ça?", "c'est combien ca", True),
        ("Bonjour!", "bonjour", False),
        ("merci beaucoup", "Merci beaucoup.", False),
        ("merci ben gros", "merci ben gros!!", True),
        ("merci ben gros", "mercis ben gros", False),
        (
            "est-ce que ça coûte cher de se faire accompagner",
            "est-ce que ça coûte cher se faire accompagner",
            True,
        ),
        (
            "est-ce que ça coûte cher de se faire accompagner",
            "combien coûte l'accompagnement pour un petit organisme",
            False,
        ),
        ("费用是多少 呢 啊", "费用是多少 呢 啊", True),
        ("🎉 🎉 🎉", "👍 👍 👍", False),
    ],
)
def test_nearly_the_same_is_told_from_different(one: str, other: str, same: bool) -> None:
    found = pairs([Message(one, "one.yml")], [Message(other, "other.tsv:1")])
    assert found == ([f"one.yml: {one}  ≈  other.tsv:1: {other}"] if same else [])


def test_no_phrasing_is_nearly_an_evaluation_message() -> None:
    found = pairs(phrasings(), messages(*sorted(EVALUATION.glob("*.tsv"))))
    assert not found, f"{len(found)} pairs\n" + "\n".join(found)


def test_no_phrasing_is_nearly_a_calibration_message() -> None:
    found = pairs(phrasings(), messages(*sorted(ROOT.glob("data/calibration.*.tsv"))))
    assert not found, f"{len(found)} pairs\n" + "\n".join(found)


def test_no_calibration_message_is_nearly_an_evaluation_message() -> None:
    calibration = messages(*sorted(ROOT.glob("data/calibration.*.tsv")))
    found = pairs(calibration, messages(*sorted(EVALUATION.glob("*.tsv"))))
    assert not found, f"{len(found)} pairs\n" + "\n".join(found)


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
