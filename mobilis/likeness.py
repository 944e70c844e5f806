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
from math import log
from typing import NamedTuple

from mobilis.text import fold

ALIKE = 85  # percent of their three-letter sequences that two messages share
FREE = 2  # words: everyone says « bonjour », « merci beaucoup »
LIKE = 0.35  # of what two texts say, as weighed, that they share when they are put together
RAREST = 8  # sequences of a text by which others like it are looked up
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
    """Who among `ones` is nearly the same as who among `others`. Whoever shares so much with a
    message has one of its rarest sequences at least: only those are looked at."""
    ones, others = list(ones), list(others)
    asked = frozenset().union(*(grams(one.text) for one in ones))
    seen = Counter(gram for other in others for gram in grams(other.text) & asked)
    index: dict[str, list[int]] = defaultdict(list)
    for number, one in enumerate(ones):
        rarest = sorted(grams(one.text), key=lambda gram: (seen[gram], gram))
        for gram in rarest[: len(rarest) - (ALIKE * len(rarest) + 99) // 100 + 1]:
            index[gram].append(number)
    found: dict[int, list[Message]] = defaultdict(list)
    sizes = [len(grams(one.text)) for one in ones]
    for other in others:
        size = len(grams(other.text))
        shared = grams(other.text) & index.keys()
        for number in {number for gram in shared for number in index[gram]}:
            # They share no more sequences than the shorter one has.
            alike = 100 * min(size, sizes[number]) >= ALIKE * max(size, sizes[number])
            if alike and nearly_same(ones[number].text, other.text):
                found[number].append(other)
    return [(one, other) for number, one in enumerate(ones) for other in sorted(found[number])]


def together(texts: Sequence[str]) -> list[list[int]]:
    """The texts in groups of like wording, by their numbers; the first of each group leads it.

    A text joins the leader that it shares most of its three-letter sequences with, those that few
    texts have counting more; or leads a new group. Only leaders with which it shares some of its
    rarest ones are looked at, so that thousands of texts take a second. The same texts in the same
    order always make the same groups.
    """
    pieces = [_pieces(text) for text in texts]
    seen = Counter(piece for one in pieces for piece in one)
    weight = {piece: log(1 + len(texts) / count) for piece, count in seen.items()}
    whole = [sum(weight[piece] for piece in one) for one in pieces]
    groups: dict[int, list[int]] = {}
    leaders: dict[str, list[int]] = defaultdict(list)
    for number, own in enumerate(pieces):
        rare = sorted((p for p in own if seen[p] > 1), key=lambda piece: (seen[piece], piece))
        rare = rare[:RAREST]
        shared = Counter(leader for piece in rare for leader in leaders[piece])
        near = [leader for leader, count in shared.items() if count > 1 or len(rare) < RAREST]

        def likeness(leader: int, number: int = number) -> tuple[float, int]:
            common = sum(weight[piece] for piece in pieces[number] & pieces[leader])
            return common / (whole[number] + whole[leader] - common), -leader

        best = max(((*likeness(leader), leader) for leader in near), default=(0.0, 0, -1))
        if best[0] >= LIKE:
            groups[best[2]].append(number)
            continue
        groups[number] = [number]
        for piece in rare:
            leaders[piece].append(number)
    return list(groups.values())


def _pieces(text: str) -> frozenset[str]:
    """The three-letter sequences of each word of `text`, its beginning and end marked."""
    padded = (f" {word} " for word in comparable(text).split())
    return frozenset(word[i : i + 3] for word in padded for i in range(max(1, len(word) - 2)))
