"""A lexicon: finds known terms in a text, longest first, whatever the accents, hyphens or typos.

Pure, and knows nothing of coaches: mobilis/facets.py fills one and reads what it finds.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Generic, NamedTuple, TypeVar

from rapidfuzz import process
from rapidfuzz.distance import OSA

from mobilis.text import plain, unaccented

MAX_CHARACTERS = 4000  # of a text that are read
RECENT_WORDS = 4096  # about which is remembered what they may be, misspelt
LONGEST_TYPO_TERM = 4  # words: longer terms must be written as they are

_WORD = re.compile(r"[^\W_]+")
_BREAK = re.compile(r'[,;!?()\n\r…"]')
_FULL_STOP = re.compile(r"\.\s")
_SHORT = {"st": "saint", "ste": "sainte"}
_ABBREVIATION = 3  # letters: "St. John's" is one name, "Laval. John" is not
_BEFORE_CODE = frozenset(",(/")
_WORDS_BEFORE_CODE = frozenset(("in", "en"))

M = TypeVar("M")


class Token(NamedTuple):
    """A word as written, the same folded, and what stands between it and the word before."""

    raw: str
    word: str
    gap: str
    breaks: bool  # a new clause begins here


@dataclass(frozen=True)
class Hit(Generic[M]):
    """The tokens from `start` up to, not with, `end` mean `meaning`."""

    start: int
    end: int
    meaning: M
    exact: bool = True


def tokenize(text: str) -> list[Token]:
    """The words of the first `MAX_CHARACTERS` characters of `text`."""
    text = plain(text[:MAX_CHARACTERS])
    tokens: list[Token] = []
    end = 0
    for match in _WORD.finditer(text):
        word = unaccented(match.group())
        gap = text[end : match.start()]
        before = tokens[-1].raw if tokens else ""
        breaks = gap != " " and _breaks(gap, before)  # most gaps are a space
        tokens.append(Token(match.group(), _SHORT.get(word, word), gap, breaks))
        end = match.end()
    return tokens


def _breaks(gap: str, before: str) -> bool:
    if _BREAK.search(gap):
        return True
    return len(before) > _ABBREVIATION and bool(_FULL_STOP.search(gap))


def key(term: str) -> tuple[str, ...]:
    """The folded words of a term: "St-Jérôme" → ("saint", "jerome")."""
    return tuple(token.word for token in tokenize(term))


def allowed_typos(letters: int) -> int:
    """How many typos a term of so many letters forgives."""
    return 0 if letters < 6 else 1 if letters < 9 else 2


class _Part:
    """Terms of which one must stand at a place in a pattern."""

    def __init__(self, terms: Iterable[tuple[str, ...]]) -> None:
        self._terms = frozenset(terms)
        self._lengths = sorted({len(term) for term in self._terms})
        self.first_words = frozenset(term[0] for term in self._terms if term)
        self.optional = () in self._terms

    def ends(self, words: Sequence[str], start: int) -> Iterable[int]:
        """Where the terms end that begin at `start`."""
        for length in self._lengths:
            if tuple(words[start : start + length]) in self._terms:
                yield start + length


class Lexicon(Generic[M]):
    """Terms and what they mean.

    `never_typos` are words that are what they are: « tenant » is no misspelt "tenants".

    Terms are found by their first word, misspelt ones among those of the same first letter and
    about the same length: a message costs what it says, not what the lexicon holds.
    """

    def __init__(self, never_typos: Iterable[str] = ()) -> None:
        self._never = frozenset(word for term in never_typos for word in key(term))
        self._terms: dict[tuple[str, ...], M] = {}
        self._variants: dict[tuple[str, ...], M] = {}
        self._codes: dict[str, M] = {}
        self._beside: dict[str, M] = {}
        self._reach: dict[str, int] = {}  # words of the longest term that begins with a word
        self._flexible: dict[str, M] = {}  # terms that may be misspelt
        # Of these, the ones that may be meant by so many words, with this first letter and length.
        self._near: dict[tuple[int, str, int], list[str]] = defaultdict(list)
        # The first words of terms of several words, by first letter and length as above.
        self._heads: dict[tuple[str, int], set[str]] = defaultdict(set)
        self._may_begin = lru_cache(RECENT_WORDS)(self._begins)
        self._near_word = lru_cache(RECENT_WORDS)(self._nearest)
        self._patterns: dict[str, list[tuple[list[_Part], M]]] = defaultdict(list)  # by first word

    def add(self, words: tuple[str, ...], meaning: M, flexible: bool = True) -> M:
        """Add a term by its `key`; a `flexible` one is also found in the plural, in one word and
        misspelt.

        Returns what the term means: another thing than `meaning` if it was taken already.
        """
        known = self._terms.setdefault(words, meaning)
        self._reach_to(words)
        self._forget_words()
        if flexible and known == meaning:
            for variant in _variants(words):
                self._variants.setdefault(variant, meaning)
                self._reach_to(variant)
            self._add_near(words, meaning)
        return known

    def _reach_to(self, words: tuple[str, ...]) -> None:
        self._reach[words[0]] = max(self._reach.get(words[0], 0), len(words))

    def _add_near(self, words: tuple[str, ...], meaning: M) -> None:
        for form in (words, ("".join(words),)):
            term = " ".join(form)
            typos = allowed_typos(sum(map(len, form)))
            if len(form) > LONGEST_TYPO_TERM or not typos or term in self._flexible:
                continue
            self._flexible[term] = meaning
            for length in _about(term, typos):
                self._near[len(form), term[0], length].append(term)
            if len(form) > 1:
                for length in _about(form[0], _typos_in(form[0])):
                    self._heads[term[0], length].add(form[0])

    def add_code(self, code: str, meaning: M, beside: bool = False) -> None:
        """Add an abbreviation, found only as written, capitals included.

        With `beside`, only right after another hit, a comma or "in": « Sudbury, ON », never « ON ».
        """
        (self._beside if beside else self._codes)[code] = meaning

    def add_pattern(self, parts: Sequence[Iterable[tuple[str, ...]]], meaning: M) -> None:
        """Add a sequence of `parts`, each one of several terms; an empty term makes it optional."""
        pattern = [_Part(part) for part in parts]
        for word in _openings(pattern):
            self._patterns[word].append((pattern, meaning))
        self._forget_words()

    def _forget_words(self) -> None:
        self._may_begin.cache_clear()
        self._near_word.cache_clear()

    def find(self, tokens: Sequence[Token]) -> list[Hit[M]]:
        """The terms in `tokens`, in order, none overlapping: the longest win, exact before near."""
        shouted = _shouted(tokens)
        words = [token.word for token in tokens]
        found: list[Hit[M]] = []
        for start, word in enumerate(words):  # nothing begins with most of them
            if word in self._reach:
                found += self._exact(tokens, words, start)
            if word in self._patterns:
                found += self._patterned(tokens, words, start)
            if self._near_word(word) is not None or self._may_begin(word):
                found += self._misspelt(tokens, words, start)
        if not shouted:
            found += self._coded(tokens, self._codes)
        hits = _longest_first(found, len(tokens))
        ends = {hit.end for hit in hits}
        codes = self._codes | self._beside if shouted else self._beside
        for code in self._coded(tokens, codes):
            if code.start in ends or (not shouted and _invites_code(tokens, code.start)):
                hits.append(code)
        return _longest_first(hits, len(tokens))

    def _exact(self, tokens: Sequence[Token], words: Sequence[str], start: int) -> Iterable[Hit[M]]:
        for end in _ends(tokens, start, self._reach[words[start]]):
            term = tuple(words[start:end])
            meaning = self._terms.get(term) or self._variants.get(term)
            if meaning is not None:
                yield Hit(start, end, meaning)

    def _coded(self, tokens: Sequence[Token], codes: dict[str, M]) -> list[Hit[M]]:
        return [
            Hit(position, position + 1, codes[token.raw])
            for position, token in enumerate(tokens)
            if token.raw in codes
        ]

    def _patterned(
        self, tokens: Sequence[Token], words: Sequence[str], start: int
    ) -> Iterable[Hit[M]]:
        for parts, meaning in self._patterns[words[start]]:
            ends = {start}
            for part in parts:
                ends = {after for end in ends for after in part.ends(words, end)}
            for end in ends:
                if not any(token.breaks for token in tokens[start + 1 : end]):
                    yield Hit(start, end, meaning)

    def _misspelt(
        self, tokens: Sequence[Token], words: Sequence[str], start: int
    ) -> Iterable[Hit[M]]:
        longest = LONGEST_TYPO_TERM if self._may_begin(words[start]) else 1
        for end in _ends(tokens, start, longest):
            said = words[start:end]
            meaning = self._near_word(said[0]) if len(said) == 1 else self._nearest(*said)
            if meaning is not None:
                yield Hit(start, end, meaning, exact=False)

    def _begins(self, word: str) -> bool:
        """Whether a term of several words may begin with `word`, maybe misspelt."""
        heads = self._heads.get((word[0], len(word)), ())
        return any(_close(word, head) for head in heads)

    def _nearest(self, *words: str) -> M | None:
        text = " ".join(words)
        choices = self._near.get((len(words), text[0], len(text)))
        if not choices:
            return None
        letters = len(text) - len(words) + 1
        if not allowed_typos(letters + 1):
            return None
        if len(words) == 1 and words[0] in self._never:
            return None
        near = process.extract(
            text, choices, scorer=OSA.distance, score_cutoff=allowed_typos(letters + 2)
        )
        for term, distance, _ in near:
            if 0 < distance <= allowed_typos(len(term) - len(words) + 1) and all(
                _close(word, other) for word, other in zip(words, term.split(), strict=False)
            ):
                return self._flexible[term]
        return None


def _close(word: str, other: str) -> bool:
    """Whether a word may be a misspelling of the `other`, being part of a longer term."""
    if word == other:
        return True
    limit = _typos_in(other)
    return not word.isdigit() and OSA.distance(word, other, score_cutoff=limit) <= limit


def _typos_in(word: str) -> int:
    """How many typos are forgiven in a word that is a part of a longer term."""
    return 0 if len(word) < 4 else 1 if len(word) < 9 else 2


def _about(term: str, typos: int) -> range:
    """The lengths that `term` may have with so many typos."""
    return range(len(term) - typos, len(term) + typos + 1)


def _variants(words: tuple[str, ...]) -> list[tuple[str, ...]]:
    """The plurals of a term, and the term in one word."""
    *first, last = words
    forms = [(*first, last + "s"), tuple(w + "s" if len(w) > 3 else w for w in words)]
    if len(words) > 1 and sum(map(len, words)) > 5:
        forms.append(("".join(words),))
    return forms


def _openings(pattern: Sequence[_Part]) -> set[str]:
    """The words that a pattern may begin with."""
    words: set[str] = set()
    for part in pattern:
        words |= part.first_words
        if not part.optional:
            break
    return words


def _ends(tokens: Sequence[Token], start: int, longest: int) -> Iterable[int]:
    """Where terms of at most `longest` words may end that begin at `start`: in the same clause."""
    for end in range(start + 1, min(start + longest, len(tokens)) + 1):
        if end > start + 1 and tokens[end - 1].breaks:
            break
        yield end


def _longest_first(hits: list[Hit[M]], size: int) -> list[Hit[M]]:
    taken = [False] * size
    kept = []
    for hit in sorted(hits, key=lambda h: (h.start - h.end, not h.exact, h.start)):
        if not any(taken[hit.start : hit.end]):
            taken[hit.start : hit.end] = [True] * (hit.end - hit.start)
            kept.append(hit)
    return sorted(kept, key=lambda h: h.start)


def _invites_code(tokens: Sequence[Token], position: int) -> bool:
    """Whether what stands before makes an abbreviation likely: a comma or "in"."""
    if position and tokens[position - 1].word in _WORDS_BEFORE_CODE:
        return True
    return bool(_BEFORE_CODE & set(tokens[position].gap))


def _shouted(tokens: Sequence[Token]) -> bool:
    """Whether the message is all in capitals, so that « ON » says nothing."""
    long = [token.raw for token in tokens if len(token.raw) > 3]
    return bool(long) and all(word.isupper() for word in long)
