"""Reading the words of a coach search in context: what is wished, refused, or does not matter.

Pure. mobilis/facets.py knows the words; this module only sees them as hits with a meaning.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from mobilis.content import PROVINCES
from mobilis.terms import Hit, Token

# Every facet with its labels, sorted.
FACETS: Mapping[str, tuple[str, ...]] = {
    "region": PROVINCES,
    "language": ("en", "fr"),
    "level": ("federal", "municipal", "provincial"),
    "topic": (
        *("arts_culture", "community_development", "disability", "education", "employment"),
        *("environment", "food_security", "health", "housing", "immigration", "indigenous"),
        *("mental_health", "poverty", "seniors", "violence_prevention", "youth"),
    ),
}

REACH = 7  # words from a "not" to what it refuses
NEAR_REACH = 2
AFTER_REACH = 5  # words from a wish to « … n'est pas nécessaire »
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
    also: frozenset[str] = frozenset()
    tongues: frozenset[str] = frozenset()  # languages that are no wish: the directory lists two


@dataclass(frozen=True)
class Facets:
    """What a message says of the coach one wishes for.

    `values` are wished for, by facet, sorted; within a facet they are alternatives, but for the two
    languages, which mean a bilingual coach. `cleared` facets do not matter (any more). `refused`
    values are not wanted: a wish for them, made earlier, no longer holds. `adds`: the values come
    beside those wished for earlier (« le logement aussi »). `local`: a place within a province was
    named, and the search goes by province. `other_language`: one was named that the directory does
    not list.
    """

    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    cleared: frozenset[str] = frozenset()
    refused: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    adds: bool = False
    local: bool = False
    other_language: bool = False

    def __bool__(self) -> bool:
        return bool(self.values or self.cleared or self.refused)

    def to_json(self) -> dict[str, list[str]]:
        """The wishes as {"region": ["QC"], …}, without the facets that were not mentioned."""
        return {facet: list(values) for facet, values in self.values.items()}

    def after(self, earlier: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
        """The wishes that hold once this message follows the `earlier` ones.

        A facet named anew is replaced, or added to; one that does not matter any more is dropped,
        and so is a value that is now refused.
        """
        held = {
            facet: [value for value in values if value not in self.refused.get(facet, ())]
            for facet, values in earlier.items()
            if facet not in self.cleared
        }
        for facet, values in self.to_json().items():
            before = held.get(facet, []) if self.adds else []
            held[facet] = sorted({*before, *values})
        return {facet: held[facet] for facet in FACETS if held.get(facet)}


MeaningHit = Hit[Meaning]


def read(tokens: Sequence[Token], hits: Sequence[MeaningHit], context: Context) -> Facets:
    """What the `hits` among `tokens` say, taken together."""
    reader = _Reader(tokens, hits, context)
    taken, refused, cleared = reader.taken(), reader.refused(), reader.cleared()
    values = {facet: found for facet in FACETS if (found := taken.get(facet))}
    if "" in cleared:
        cleared = cleared - {""} or (set() if values else set(FACETS))
    return Facets(
        values={facet: tuple(sorted(found)) for facet, found in values.items()},
        cleared=frozenset(cleared - set(values)),
        refused={
            facet: tuple(sorted(found - values.get(facet, set())))
            for facet, found in refused.items()
            if found - values.get(facet, set())
        },
        adds=any(token.word in context.also for token in tokens),
        other_language=any(token.word in context.tongues for token in tokens),
        local=reader.is_local(),
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

    def is_local(self) -> bool:
        """Whether a place within a province is wished for."""
        return any(hit.meaning.place and self._counts(n) for n, hit in enumerate(self._hits))

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
        spent: set[int] = set()  # where a negator begins that has refused something
        for number, hit in enumerate(self._hits):
            kinds = hit.meaning.kinds
            if negator and self._broken(negator.end, hit.start):
                negator = None
            if kinds & _REFUSALS:
                negator = None if self._is_searching(hit) else hit
            elif kinds & {HARMLESS, CONTRAST}:
                negator = None
            elif VALUE in kinds and not self._speaks_of_others(number):
                if negator and self._reaches(negator, hit):
                    refused[number] = SOFT if SOFT in negator.meaning.kinds else HARD
                    spent.add(negator.start)
                elif number - 1 in refused and self._joined(number - 1):
                    refused[number] = refused[number - 1]
                negator = None
        for number, hit in enumerate(self._hits):
            if AFTER in hit.meaning.kinds and hit.start not in spent:
                refused.update(self._refused_before(number))
        return refused

    def _refused_before(self, number: int) -> dict[int, str]:
        refused: dict[int, str] = {}
        after = self._hits[number]
        for before in range(number - 1, -1, -1):
            hit = self._hits[before]
            if CONTRAST in hit.meaning.kinds:
                continue
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
        near = NEAR in negator.meaning.kinds
        if near and negator.start == 0 and hit.meaning.facet == "region":
            return False  # an answer: "no Montreal" for "no, Montreal"
        reach = NEAR_REACH if near else REACH
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
        elsewhere = self._hits[number].meaning.elsewhere
        if not elsewhere or number + 1 == len(self._hits) or self._between(number) is None:
            return False
        following = self._hits[number + 1].meaning
        return not following.place and not set(elsewhere).isdisjoint(following.values)

    def _beside_province(self, number: int) -> bool:
        """Whether a word for a government belongs to a province that is wished for: « ministère
        de la Santé du Québec », "the Alberta government"."""
        if number and self._between(number - 1) == [] and self._is_province(number - 1):
            return True
        for following in range(number + 1, len(self._hits)):
            words = self._between(following - 1)
            if words is None or not self._context.small.issuperset(words):
                return False
            if self._hits[following].meaning.facet != "topic":
                return self._is_province(following)
        return False

    def _is_province(self, number: int) -> bool:
        meaning = self._hits[number].meaning
        whole = meaning.facet == "region" and len(meaning.values) == 1 and not meaning.place
        return whole and self._counts(number)

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
