"""Reading the words of a coach search in context: what is wished, refused, or does not matter.

Pure. mobilis/facets.py knows the words; this module only sees them as hits with a meaning.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from mobilis.terms import Hit, Token

REACH = 7  # words from a "not" to what it refuses
NEAR_REACH = 2
AFTER_REACH = 3  # words from a wish to « … n'est pas nécessaire »
SMALL_REACH = 4  # small words between two joined wishes

VALUE, ANY, IGNORED, GOVERNMENT = "value", "any", "ignored", "government"
HARD, SOFT, NEAR, AFTER, HARMLESS, CONTRAST = (
    "hard",
    "soft",
    "near",
    "after",
    "harmless",
    "contrast",
)
_REFUSALS = frozenset((HARD, SOFT, NEAR))


class Meaning(NamedTuple):
    """What a term stands for: one of the kinds above, or two (« pas besoin »: soft, after)."""

    kinds: frozenset[str]
    facet: str = ""  # of a value; of an `any`, where "" means every facet
    values: tuple[str, ...] = ()
    place: bool = False  # a city or a region of a province, not the province
    elsewhere: tuple[str, ...] = ()  # other provinces that have a place of this name


@dataclass(frozen=True)
class Context:
    """Folded words that change what stands beside them; see content/facets.yml."""

    others: frozenset[str]
    coaches: frozenset[str]
    searching: frozenset[str]
    or_: frozenset[str]
    and_: frozenset[str]
    small: frozenset[str]


@dataclass(frozen=True)
class Wishes:
    """What a message says of each facet.

    `values` are wished for, sorted; within a facet they are alternatives, but for the two
    languages, which mean a bilingual coach. `cleared` facets do not matter (any more). `refused`
    values are not wanted: a wish for them, made earlier, no longer holds.
    """

    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    cleared: frozenset[str] = frozenset()
    refused: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


MeaningHit = Hit[Meaning]


def read(
    tokens: Sequence[Token],
    hits: Sequence[MeaningHit],
    context: Context,
    facets: Sequence[str],
) -> Wishes:
    """What the `hits` among `tokens` say, taken together."""
    reader = _Reader(tokens, hits, context)
    taken, refused, cleared = reader.taken(), reader.refused(), reader.cleared()
    values = {facet: found for facet in facets if (found := taken.get(facet))}
    if "" in cleared:
        cleared = cleared - {""} or (set() if values else set(facets))
    return Wishes(
        values={facet: tuple(sorted(found)) for facet, found in values.items()},
        cleared=frozenset(cleared - set(values)),
        refused={
            facet: tuple(sorted(found - values.get(facet, set())))
            for facet, found in refused.items()
            if found - values.get(facet, set())
        },
    )


class _Reader:
    """One reading of one message."""

    def __init__(
        self, tokens: Sequence[Token], hits: Sequence[MeaningHit], context: Context
    ) -> None:
        self._tokens = tokens
        self._hits = hits
        self._context = context
        self._refusals = self._refused_hits()

    def taken(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for number, hit in enumerate(self._hits):
            if self._counts(number):
                found.setdefault(hit.meaning.facet, set()).update(hit.meaning.values)
            elif GOVERNMENT in hit.meaning.kinds and self._beside_province(number):
                found.setdefault("level", set()).add("provincial")
        if "language" in found:
            found["language"] = self._languages()
        return found

    def refused(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for number, kind in self._refusals.items():
            meaning = self._hits[number].meaning
            if kind != SOFT and not meaning.place:
                found.setdefault(meaning.facet, set()).update(meaning.values)
        return found

    def cleared(self) -> set[str]:
        """Facets that do not matter; "" stands for all of them."""
        found = {
            self._hits[number].meaning.facet
            for number, kind in self._refusals.items()
            if kind == SOFT
        }
        found |= {hit.meaning.facet for hit in self._hits if ANY in hit.meaning.kinds}
        return found | ({"language"} if self._either_language() else set())

    def _counts(self, number: int) -> bool:
        return (
            VALUE in self._hits[number].meaning.kinds
            and number not in self._refusals
            and not self._is_namesake(number)
            and not self._speaks_of_others(number)
        )

    # Refusals

    def _refused_hits(self) -> dict[int, str]:
        """The hits that are refused, by number, and how: hard or soft."""
        refused: dict[int, str] = {}
        negator: MeaningHit | None = None
        for number, hit in enumerate(self._hits):
            kinds = hit.meaning.kinds
            if negator and self._broken(negator.end, hit.start):
                negator = None
            if kinds & _REFUSALS:
                negator = None if self._is_searching(hit) else hit
            elif kinds & {HARMLESS, CONTRAST}:
                negator = None
            elif VALUE in kinds:
                if negator and self._reaches(negator, hit):
                    refused[number] = SOFT if SOFT in negator.meaning.kinds else HARD
                elif number - 1 in refused and self._joined(number - 1):
                    refused[number] = refused[number - 1]
                negator = None
        for number, hit in enumerate(self._hits):
            if AFTER in hit.meaning.kinds:
                refused.update(self._refused_before(number))
        return refused

    def _refused_before(self, number: int) -> dict[int, str]:
        refused = {}
        after = self._hits[number]
        for before in range(number - 1, -1, -1):
            hit = self._hits[before]
            if VALUE not in hit.meaning.kinds:
                break
            near = after.start - hit.end <= AFTER_REACH and not self._broken(hit.end, after.start)
            if not (self._joined(before) if refused else near):
                break
            refused[before] = SOFT
        return refused

    def _is_searching(self, negator: MeaningHit) -> bool:
        """Whether the "not" belongs to a search: « vous n'avez pas … »."""
        if SOFT in negator.meaning.kinds:
            return False
        before = self._tokens[max(0, negator.start - 1) : negator.start]
        return any(token.word in self._context.searching for token in before)

    def _reaches(self, negator: MeaningHit, hit: MeaningHit) -> bool:
        reach = NEAR_REACH if NEAR in negator.meaning.kinds else REACH
        between = self._tokens[negator.end : hit.start]
        return len(between) <= reach and not any(
            token.word in self._context.searching for token in between
        )

    # What stands between and beside

    def _broken(self, end: int, start: int) -> bool:
        return any(token.breaks for token in self._tokens[end : start + 1])

    def _between(self, number: int) -> list[str] | None:
        """The words from a hit to the next one, when all are small words or joining ones."""
        hit, following = self._hits[number], self._hits[number + 1]
        words = [token.word for token in self._tokens[hit.end : following.start]]
        context = self._context
        if len(words) > SMALL_REACH or not context.small | context.or_ | context.and_ >= set(words):
            return None
        return words

    def _joined(self, number: int) -> bool:
        """Whether a hit and the next one are of one facet and joined: « à Laval ou à Lévis »."""
        hit, following = self._hits[number], self._hits[number + 1]
        return (
            hit.meaning.facet == following.meaning.facet
            and VALUE in following.meaning.kinds
            and not self._broken(hit.end, following.start)
            and self._between(number) is not None
        )

    def _is_namesake(self, number: int) -> bool:
        """Whether the province named right after says that it is the other « Windsor »."""
        if number + 1 >= len(self._hits):
            return False
        elsewhere = set(self._hits[number].meaning.elsewhere)
        return (
            bool(elsewhere & set(self._hits[number + 1].meaning.values))
            and self._between(number) is not None
        )

    def _beside_province(self, number: int) -> bool:
        """Whether a word for a government stands beside a whole province that is wished for."""
        for province, first in ((number - 1, number - 1), (number + 1, number)):
            if 0 <= province < len(self._hits):
                meaning = self._hits[province].meaning
                words = self._between(first)
                small = self._context.small if province > number else frozenset[str]()
                if (
                    (meaning.facet, len(meaning.values), meaning.place) == ("region", 1, False)
                    and self._counts(province)
                    and words is not None
                    and small.issuperset(words)
                ):
                    return True
        return False

    # Languages

    def _speaks_of_others(self, number: int) -> bool:
        """Whether a language is that of schools, members … and not of the coach."""
        hit = self._hits[number]
        if hit.meaning.facet != "language":
            return False
        first = self._tokens[hit.start]
        after = [token.word for token in self._tokens[hit.end : hit.end + 3]]
        if hit.end < len(self._tokens) and self._tokens[hit.end].breaks:
            after = []
        if after and after[0] in self._context.others:
            return not set(after[1:]) & self._context.coaches
        prepositional = first.word in self._context.small
        if hit.start == 0 or first.breaks or prepositional:
            return False
        return self._tokens[hit.start - 1].word in self._context.others

    def _language_choices(self) -> list[set[str]]:
        """The languages wished for; alternatives (« anglais ou bilingue ») as what they share."""
        choices: list[set[str]] = []
        previous = -1
        for number, hit in enumerate(self._hits):
            if hit.meaning.facet != "language" or not self._counts(number):
                continue
            between = self._between(previous) if previous == number - 1 >= 0 else None
            if between and choices and self._context.or_ & set(between):
                choices[-1] &= set(hit.meaning.values)
            else:
                choices.append(set(hit.meaning.values))
            previous = number
        return choices

    def _languages(self) -> set[str]:
        return set().union(*self._language_choices())

    def _either_language(self) -> bool:
        """Whether it was said that one language or the other will do."""
        return any(not choice for choice in self._language_choices())
