"""When two messages are nearly the same, so that to learn one is to know the other.

Pure functions on strings. Asked before a phrasing is added (mobilis/learning.py), and by the test
that keeps training, calibration and evaluation apart.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from typing import NamedTuple

from mobilis.text import fold

ALIKE = 85  # percent of their three-letter sequences that two messages share
FREE = 2  # words: everyone says « bonjour », « merci beaucoup »
LONG = 5  # words from which messages may be nearly the same, and not only the same


class Message(NamedTuple):
    """What someone says, and where it is written."""

    text: str
    place: str


@cache
def compared(text: str) -> str:
    """What is compared of `text`: letters, digits and single spaces."""
    return comparable(text)


def comparable(text: str) -> str:
    """The same, without remembering it: for what visitors wrote, in a process that stays."""
    return " ".join(re.sub(r"[^\w ]|_", "", fold(text)).split())


def key_of(language: str, question: str | None, text: str) -> str:
    """The same for texts that differ only in case, accents and punctuation, when the same question
    of the assessment was open; none of their words can be read in it."""
    said = "\n".join((language, question or "", comparable(text)))
    return hashlib.sha256(said.encode()).hexdigest()


@cache
def grams(text: str) -> frozenset[str]:
    """The three-letter sequences of what is compared of `text`."""
    key = compared(text)
    return frozenset(key[i : i + 3] for i in range(len(key) - 2)) or frozenset([key])


def nearly_same(one: str, other: str) -> bool:
    """Whether two messages are the same, or nearly; very short ones are anyone's."""
    words = min(len(compared(text).split()) for text in (one, other))
    if compared(one) == compared(other):
        return words > FREE
    common = len(grams(one) & grams(other))
    union = len(grams(one)) + len(grams(other)) - common
    return words >= LONG and 100 * common >= ALIKE * union


def pairs(ones: Iterable[Message], others: Iterable[Message]) -> list[tuple[Message, Message]]:
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
        (one, other)
        for one in ones
        for other in sorted(set().union(*(index[gram] for gram in rarest(one.text))))
        if nearly_same(one.text, other.text)
    ]
