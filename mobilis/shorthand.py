"""What people shorten, written out: « c koi » becomes « c'est quoi », "pls" becomes "please".

Reads content/shorthand.yml; `mobilis.nlu.spelling` applies it to what the sentence encoder reads.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from mobilis.content import LANGUAGES, read_yaml
from mobilis.errors import ContentError

FILE = "content/shorthand.yml"


class Shorthand:
    """The short forms of one language and what each stands for."""

    def __init__(self, forms: Mapping[str, str]) -> None:
        self.forms = forms
        longest_first = sorted(forms, key=lambda form: (-len(form), form))
        alternatives = "|".join(re.escape(form) for form in longest_first)
        self._pattern = re.compile(rf"(?<![\w'-])(?:{alternatives})(?![\w'-])")

    def write_out(self, text: str) -> str:
        """`text`, in lower case and with straight apostrophes, without its short forms."""
        return self._pattern.sub(lambda found: self.forms[found[0]], text)


@lru_cache(maxsize=1)
def load_shorthand(root: Path) -> dict[str, Shorthand]:
    """The short forms of each language.

    Raises:
        ContentError: the file is wrong; names the field.
    """
    data = read_yaml(root, FILE)
    if not isinstance(data, Mapping):
        raise ContentError(f"{FILE}: a mapping of fr and en to short forms is expected")
    return {language: Shorthand(_forms(data, language)) for language in LANGUAGES}


def _forms(data: Mapping[str, object], language: str) -> dict[str, str]:
    forms = data.get(language)
    if not isinstance(forms, Mapping) or not forms:
        raise ContentError(f"{FILE}: {language} is missing")
    for form, meaning in forms.items():
        if not isinstance(form, str) or form != form.lower().strip() or not form:
            raise ContentError(f"{FILE}: {language}: {form!r} must be text in lower case")
        if not isinstance(meaning, str) or not meaning.strip():
            raise ContentError(f"{FILE}: {language}.{form} must be text")
    return dict(forms)
