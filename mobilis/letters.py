"""The e-mails that staff start from, and what a coach is sent: content/letters.yml, filled in.

Read at run time, so that a change of wording needs no restart. Nothing of a visitor is in the file:
what fills a {…} comes from the case, and is never itself filled in again. Called by the console's
pages of a case.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from mobilis.content import LANGUAGES, Text, both_languages, read_yaml
from mobilis.errors import ContentError
from mobilis.freshness import load_fresh

FILE = "content/letters.yml"
KNOWN = ("name", "organization", "reference", "staff", "coach", "result", "advice")
FACTS = ("name", "organization", "email", "message")  # what may be passed on to a coach
BETWEEN_LANGUAGES = "\n\n— — —\n\n"

_FORWARD: Mapping[str, tuple[str, ...]] = {  # the {…} that each part may hold
    "subject": ("reference",),
    "before": ("coach",),
    **{fact: (fact,) for fact in FACTS},
    "after": ("staff",),
}
_PLACEHOLDER = re.compile(r"\{(\w*)\}")
_BRACE = re.compile(r"[{}]")

Values = Mapping[str, str]


@dataclass(frozen=True)
class Letter:
    """One e-mail to start from."""

    title: Text
    subject: Text
    text: Text


@dataclass(frozen=True)
class Letters:
    """All of content/letters.yml; `blanks` stand where something is not known."""

    blanks: Mapping[str, Text]
    letters: Mapping[str, Letter]
    forward: Mapping[str, Text]

    def write(self, name: str, language: str, values: Values) -> tuple[str, str]:
        """Subject and text of a letter, with a blank for each value that is missing or empty."""
        blanks = {key: blank[language] for key, blank in self.blanks.items()}
        known = {**blanks, **{key: value for key, value in values.items() if value}}
        letter = self.letters[name]
        return _fill(letter.subject[language], known), _fill(letter.text[language], known)

    def has_blank(self, text: str) -> bool:
        """Whether something is left to be filled in."""
        starts = {
            _plain(blank[language].partition(":")[0])
            for blank in self.blanks.values()
            for language in blank
        }
        plain = _plain(text)
        return any(start in plain for start in starts)

    def pass_on(self, languages: Sequence[str], facts: Values, values: Values) -> tuple[str, str]:
        """Subject and text of what a coach is sent: the facts that there are, in each language."""
        subject = _fill(self.forward["subject"][languages[0]], values)
        parts = [self._pass_on(language, facts, values) for language in languages]
        return subject, BETWEEN_LANGUAGES.join(parts)

    def _pass_on(self, language: str, facts: Values, values: Values) -> str:
        said = {key: text[language] for key, text in self.forward.items()}
        lines = [_fill(said[fact], facts) for fact in FACTS if facts.get(fact)]
        ends = (_fill(said["before"], values), _fill(said["after"], values))
        return "\n\n".join((ends[0], "\n".join(lines), ends[1]))


def load_letters(root: Path) -> Letters:
    """Read and check the file below `root`.

    Raises:
        ContentError: a part or a language is missing, a {…} is unknown or in one language only, or
            a blank could not be told from other text. Names the field.
    """
    data = _mapping("the file", read_yaml(root, FILE))
    _check_names("", data, ("blanks", "letters", "forward"))
    blanks = _mapping("blanks", data["blanks"])
    _check_names("blanks.", blanks, KNOWN)
    forward = _mapping("forward", data["forward"])
    _check_names("forward.", forward, tuple(_FORWARD))
    letters = _mapping("letters", data["letters"])
    return Letters(
        blanks={name: _blank(f"blanks.{name}", blanks[name]) for name in KNOWN},
        letters={name: _letter(f"letters.{name}", letter) for name, letter in letters.items()},
        forward={
            name: _text(f"forward.{name}", forward[name], known) for name, known in _FORWARD.items()
        },
    )


def fresh_letters(root: Path) -> Letters:
    """The letters as the file is now, or was a second ago at most.

    Raises:
        ContentError: as `load_letters`.
    """
    return load_fresh(_letters_of, root, "content")


@lru_cache(maxsize=1)
def _letters_of(root: Path, stamp: float) -> Letters:
    return load_letters(root)


def _fill(text: str, values: Values) -> str:
    """`text` with its {…} replaced; a brace in a value stays as it is."""
    return _PLACEHOLDER.sub(lambda found: values[found[1]], text)


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())  # a no-break space is a space


def _letter(path: str, data: Any) -> Letter:
    data = _mapping(path, data)
    _check_names(f"{path}.", data, ("title", "subject", "text"))
    subject = _text(f"{path}.subject", data["subject"], KNOWN)
    for language in LANGUAGES:
        if "\n" in subject[language]:
            raise ContentError(f"{FILE}: {path}.subject.{language} must be one line")
    return Letter(
        title=_text(f"{path}.title", data["title"], ()),
        subject=subject,
        text=_text(f"{path}.text", data["text"], KNOWN),
    )


def _blank(path: str, data: Any) -> Text:
    text = _text(path, data, ())
    for language in LANGUAGES:
        if not re.fullmatch(r"\[[^\[\]:]+:[^\[\]]+\]", text[language]):
            raise ContentError(f"{FILE}: {path}.{language} must look like [to fill in: name]")
    return text


def _text(path: str, data: Any, known: Sequence[str]) -> Text:
    text = both_languages(FILE, path, data)
    used = [set(_PLACEHOLDER.findall(text[language])) for language in LANGUAGES]
    for language, names in zip(LANGUAGES, used, strict=True):
        for name in sorted(names - set(known)):
            raise ContentError(f"{FILE}: {path}.{language} has {{{name}}}, which is not known here")
        if _BRACE.search(_PLACEHOLDER.sub("", text[language])):
            raise ContentError(f"{FILE}: {path}.{language} has an unpaired brace")
    if used[0] != used[1]:
        raise ContentError(f"{FILE}: {path} does not have the same {{…}} in both languages")
    return text


def _check_names(path: str, data: Mapping[str, Any], names: Sequence[str]) -> None:
    for name in names:
        if name not in data:
            raise ContentError(f"{FILE}: {path}{name} is missing")
    for name in data:
        if name not in names:
            raise ContentError(f"{FILE}: {path}{name} is asked for by nothing")


def _mapping(path: str, data: Any) -> Mapping[str, Any]:
    if not isinstance(data, Mapping) or not data:
        raise ContentError(f"{FILE}: {path} must be a mapping of names to values")
    return data
