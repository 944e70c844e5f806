"""The vocabulary of a coach search: what values are called, and what a visitor wishes for.

Loads and checks content/facets.yml. Finding its terms in a text is mobilis/terms.py's work,
reading them in context that of mobilis/wishes.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any

from mobilis import wishes
from mobilis.content import LANGUAGES, PROVINCES, Text, both_languages, read_yaml
from mobilis.errors import ContentError
from mobilis.freshness import load_fresh
from mobilis.terms import Lexicon, key, tokenize
from mobilis.wishes import FACETS as FACETS
from mobilis.wishes import Context, Meaning
from mobilis.wishes import Facets as Facets

FILE = "content/facets.yml"
NEGATIONS = (wishes.HARD, wishes.SOFT, wishes.NEAR, wishes.AFTER, wishes.HARMLESS, wishes.CONTRAST)
_FIELDS = frozenset(("title", "in", "terms", "places", "codes", "beside"))
_SECTIONS = (
    *FACETS,
    *("groups", "namesakes", "everything", "ignored", "others", "coaches", "governments"),
    *("indifference", "negation", "joining", "other_languages", "never_typos"),
)


class Vocabulary:
    """The words of content/facets.yml: what the values are called, and finding them in a text.

    Make one with `load_facets`.
    """

    def __init__(
        self,
        titles: Mapping[str, Mapping[str, Text]],
        places: Mapping[str, Text],
        everything: Mapping[str, Text],
        lexicon: Lexicon[Meaning],
        context: Context,
    ) -> None:
        self._titles = titles
        self._places = places
        self._everything = everything
        self._lexicon = lexicon
        self._context = context

    def title(self, facet: str, value: str, language: str) -> str:
        """What a value is called: « Québec », "food security"."""
        return self._titles[facet][value][language]

    def titles(self, facet: str, values: Sequence[str], language: str) -> list[str]:
        """What `values` are called; one name for them all when none of the facet is missing."""
        if set(values) >= set(FACETS[facet]):
            return [self._everything[facet][language]]
        return [self.title(facet, value, language) for value in values]

    def place(self, region: str, language: str) -> str:
        """Where a region is, as it stands in a sentence: « au Québec », "in Quebec"."""
        return self._places[region][language]

    def extract(self, text: str) -> Facets:
        """What `text`, in either language, wishes of a coach."""
        tokens = tokenize(text)
        return wishes.read(tokens, self._lexicon.find(tokens), self._context)


def load_facets(root: Path) -> Vocabulary:
    """Read and check content/facets.yml below `root`.

    Raises:
        ContentError: the file is missing or wrong; names the file and the field.
    """
    return _Loader(_section(read_yaml(root, FILE), "the file", _SECTIONS)).vocabulary()


def place_names(root: Path) -> list[str]:
    """Every town and region that content/facets.yml knows, as it stands there.

    Raises:
        ContentError: the file is missing or wrong; names the file and the field.
    """
    load_facets(root)
    regions = read_yaml(root, FILE)["region"].values()
    return [place for region in regions for place in region.get("places", [])]


def fresh_vocabulary(root: Path) -> Vocabulary:
    """The words as their file is now, or was a second ago at most.

    Raises:
        ContentError: as `load_facets`.
    """
    return load_fresh(_vocabulary_of, root, "content")


@lru_cache(maxsize=1)
def _vocabulary_of(root: Path, stamp: float) -> Vocabulary:
    return load_facets(root)


class _Loader:
    """Turns the data of the file into a vocabulary, checking it on the way."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self._data = data
        self._lexicon: Lexicon[Meaning] = Lexicon(_words(data["never_typos"], "never_typos"))
        self._defined: dict[tuple[str, ...], str] = {}  # where a term stands in the file

    def vocabulary(self) -> Vocabulary:
        namesakes = self._namesakes()
        titles = {facet: self._facet(facet, namesakes) for facet in FACETS}
        for place in namesakes:
            if place not in self._defined:
                raise ContentError(f"{FILE}: namesakes.{' '.join(place)} is not a place above")
        self._groups()
        self._add_all("ignored", self._data["ignored"], _kind(wishes.IGNORED))
        self._add_all("governments", self._data["governments"], _kind(wishes.GOVERNMENT))
        self._indifference()
        self._negation()
        places = {
            region: both_languages(FILE, f"region.{region}.in", self._data["region"][region]["in"])
            for region in PROVINCES
        }
        everything = _section(self._data["everything"], "everything", FACETS)
        return Vocabulary(
            titles,
            places,
            {
                facet: both_languages(FILE, f"everything.{facet}", text)
                for facet, text in everything.items()
            },
            self._lexicon,
            self._context(),
        )

    # The values

    def _namesakes(self) -> dict[tuple[str, ...], tuple[str, ...]]:
        data = self._data["namesakes"]
        if not isinstance(data, Mapping):
            raise ContentError(f"{FILE}: namesakes must be a mapping of places to provinces")
        return {
            key(str(place)): _values("region", regions, f"namesakes.{place}")
            for place, regions in data.items()
        }

    def _facet(
        self, facet: str, namesakes: Mapping[tuple[str, ...], tuple[str, ...]]
    ) -> dict[str, Text]:
        titles = {}
        for value, entry in _section(self._data[facet], facet, FACETS[facet]).items():
            path = f"{facet}.{value}"
            if not isinstance(entry, Mapping) or not set(entry) <= _FIELDS:
                raise ContentError(f"{FILE}: {path} may only have {', '.join(sorted(_FIELDS))}")
            titles[value] = both_languages(FILE, f"{path}.title", entry.get("title"))
            if facet == "region" and "in" not in entry:
                raise ContentError(f"{FILE}: {path}.in is missing")
            meaning = Meaning(frozenset((wishes.VALUE,)), facet, (value,))
            self._add_all(f"{path}.terms", entry.get("terms"), meaning)
            for place in _list(entry.get("places", []), f"{path}.places"):
                elsewhere = namesakes.get(key(place), ())
                self._add(
                    f"{path}.places", place, meaning._replace(place=True, elsewhere=elsewhere)
                )
            for name in ("codes", "beside"):
                for code in _list(entry.get(name, []), f"{path}.{name}"):
                    self._lexicon.add_code(code, meaning, beside=name == "beside")
        return titles

    def _groups(self) -> None:
        groups = self._data["groups"]
        if not isinstance(groups, list):
            raise ContentError(f"{FILE}: groups must be a list")
        for number, group in enumerate(groups, 1):
            path = f"groups[{number}]"
            group = _section(group, path, ("facet", "values", "terms"))
            facet = group["facet"]
            if facet not in FACETS:
                raise ContentError(f"{FILE}: {path}.facet must be one of {', '.join(FACETS)}")
            values = _values(facet, group["values"], f"{path}.values")
            meaning = Meaning(frozenset((wishes.VALUE,)), facet, values)
            self._add_all(f"{path}.terms", group["terms"], meaning)

    # The words around them

    def _indifference(self) -> None:
        names = ("names", "before", "between", "after", "whole", "everything")
        data = _section(self._data["indifference"], "indifference", names)
        facets = _section(data["names"], "indifference.names", FACETS)
        whole = _section(data["whole"], "indifference.whole", FACETS)
        for facet, language in product(FACETS, LANGUAGES):
            before, between, after, named = (
                [key(term) for term in _one(terms, language, f"indifference.{name}")]
                for name, terms in (
                    *((name, data[name]) for name in ("before", "between", "after")),
                    (f"names.{facet}", facets[facet]),
                )
            )
            meaning = _kind(wishes.ANY)._replace(facet=facet)
            self._lexicon.add_pattern((before, [(), *between], named), meaning)
            self._lexicon.add_pattern((named, [(), *between], after), meaning)
        for facet in FACETS:
            meaning = _kind(wishes.ANY)._replace(facet=facet)
            self._add_all(f"indifference.whole.{facet}", whole[facet], meaning)
        self._add_all("indifference.everything", data["everything"], _kind(wishes.ANY))

    def _negation(self) -> None:
        data = _section(self._data["negation"], "negation", (*NEGATIONS, "searching"))
        kinds: dict[str, frozenset[str]] = {}
        for kind in NEGATIONS:
            for term in _words(data[kind], f"negation.{kind}"):
                kinds[term] = kinds.get(term, frozenset()) | {kind}
        for term, both in kinds.items():
            self._add("negation", term, Meaning(both), flexible=False)

    def _context(self) -> Context:
        joining = _section(self._data["joining"], "joining", ("or", "and", "small", "also"))
        return Context(
            others=_folded(self._data["others"], "others"),
            coaches=_folded(self._data["coaches"], "coaches"),
            searching=_folded(self._data["negation"]["searching"], "negation.searching"),
            or_=_folded(joining["or"], "joining.or"),
            and_=_folded(joining["and"], "joining.and"),
            small=_folded(joining["small"], "joining.small"),
            also=_folded(joining["also"], "joining.also"),
            tongues=_folded(self._data["other_languages"], "other_languages"),
        )

    def _add_all(self, path: str, data: Any, meaning: Meaning) -> None:
        flexible = wishes.VALUE in meaning.kinds
        for term in _words(data, path):
            self._add(path, term, meaning, flexible)

    def _add(self, path: str, term: str, meaning: Meaning, flexible: bool = True) -> None:
        words = key(term)
        if not words:
            raise ContentError(f"{FILE}: {path} has an empty term")
        if self._lexicon.add(words, meaning, flexible) != meaning:
            raise ContentError(f"{FILE}: {path}: {term} stands in {self._defined[words]} already")
        self._defined.setdefault(words, path)


def _kind(kind: str) -> Meaning:
    return Meaning(frozenset((kind,)))


def _section(data: Any, path: str, names: Sequence[str] | Mapping[str, Any]) -> dict[str, Any]:
    """`data` as a mapping with exactly these `names`."""
    if not isinstance(data, Mapping):
        raise ContentError(f"{FILE}: {path} must be a mapping")
    for name in data:
        if isinstance(name, bool):
            raise ContentError(f'{FILE}: {path}: put quotes around "ON", "no" and "yes"')
        if name not in names:
            raise ContentError(f"{FILE}: {path}: {name} is not known here")
    for name in names:
        if name not in data:
            raise ContentError(f"{FILE}: {path}: {name} is missing")
    return dict(data)


def _list(data: Any, path: str) -> list[str]:
    if not isinstance(data, list):
        raise ContentError(f"{FILE}: {path} must be a list of words")
    for number, term in enumerate(data, 1):
        if not isinstance(term, str):
            raise ContentError(f"{FILE}: {path}[{number}] is not a text: put quotes around it")
    return data


def _one(data: Any, language: str, path: str) -> list[str]:
    if not isinstance(data, Mapping) or set(data) != set(LANGUAGES):
        raise ContentError(f"{FILE}: {path} must have fr and en, and nothing else")
    return _list(data[language], f"{path}.{language}")


def _words(data: Any, path: str) -> list[str]:
    """The terms of both languages."""
    return [term for language in LANGUAGES for term in _one(data, language, path)]


def _folded(data: Any, path: str) -> frozenset[str]:
    return frozenset(word for term in _words(data, path) for word in key(term))


def _values(facet: str, data: Any, path: str) -> tuple[str, ...]:
    values = _list(data, path)
    for value in values:
        if value not in FACETS[facet]:
            raise ContentError(f"{FILE}: {path}: {value} is not a {facet}")
    return tuple(values)
