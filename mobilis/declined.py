"""Why an out-of-scope message is declined: an insult, a partisan request, or neither; and whether
somebody may be in danger."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from mobilis.content import LANGUAGES, read_yaml
from mobilis.errors import ContentError
from mobilis.settings import ROOT
from mobilis.text import words

FILE = "content/declined.yml"
REASONS = ("distress", "partisan", "insult")
GROUPS = (*REASONS, "request")
LONGEST = 5  # words of a term


def why_declined(text: str) -> str | None:
    """The reason, one of `REASONS`, or None; distress counts first, a partisan request before
    an insult.

    Raises:
        ContentError: content/declined.yml is wrong; names the field.
    """
    found = _groups_in(text)
    return next((reason for reason in REASONS if reason in found), None)


def asks_for_partisan_work(text: str) -> bool:
    """Whether partisan work is asked for, as in "write a flyer telling people to vote for …"."""
    return {"partisan", "request"} <= _groups_in(text)


def _groups_in(text: str) -> set[str]:
    said = words(text)
    runs = {" ".join(said[i : i + n]) for n in range(1, LONGEST + 1) for i in range(len(said))}
    return {group for group, terms in load_terms(ROOT).items() if not terms.isdisjoint(runs)}


@lru_cache(maxsize=1)
def load_terms(root: Path) -> dict[str, frozenset[str]]:
    """The folded terms of each group.

    Raises:
        ContentError: the file is wrong; names the field.
    """
    data = read_yaml(root, FILE)
    if not isinstance(data, Mapping):
        raise ContentError(f"{FILE}: a mapping of reasons to fr and en is expected")
    found = {}
    for reason in GROUPS:
        terms: list[str] = []
        for language in LANGUAGES:
            by_language = data.get(reason)
            listed = by_language.get(language) if isinstance(by_language, Mapping) else None
            if not isinstance(listed, list) or not listed:
                raise ContentError(f"{FILE}: {reason}.{language} is missing")
            terms += [_folded(reason, language, str(term)) for term in listed]
        found[reason] = frozenset(terms)
    return found


def _folded(reason: str, language: str, term: str) -> str:
    said = words(term)
    if not 1 <= len(said) <= LONGEST:
        raise ContentError(f"{FILE}: {reason}.{language}: {term} has not 1 to {LONGEST} words")
    return " ".join(said)
