"""Which answer of the assessment somebody wants to change: « la 2e, c'est plutôt non ».

Pure. Called by understanding, beside an open question and once the result was given.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from mobilis.text import fold

_ORDINALS = {
    1: "1re|1ere|1er|1st|premiere|premier|first",
    2: "2e|2eme|2nd|deuxieme|seconde|second",
    3: "3e|3eme|3rd|troisieme|third",
    4: "4e|4eme|4th|quatrieme|fourth",
    5: "5e|5eme|5th|cinquieme|fifth",
}
_CARDINALS = {
    1: "1|un|one",
    2: "2|deux|two",
    3: "3|trois|three",
    4: "4|quatre|four",
    5: "5|cinq|five",
}
_ORDINAL = "|".join(_ORDINALS.values())
# « question 2 », "the second question": nothing else can be meant.
_BY_NAME = re.compile(
    rf"\b(?:question|q)\s*(?:numero|no|number|#)?\s*({'|'.join(_CARDINALS.values())}|{_ORDINAL})\b"
    rf"|\b({_ORDINAL})\s+question\b"
)
# « la 2e », "the second one": an answer too, unless something is said to change.
_BY_PLACE = re.compile(rf"\b(?:la|the)\s+({_ORDINAL})\b(?!\s+(?:option|choix|choice|reponse))")
_BEFORE = re.compile(
    r"\b(?:question (?:d avant|precedente|before)|(?:previous|last|derniere) question)\b"
)
_CHANGES = re.compile(
    r"\b(?:en fait|plutot|chang\w*|corrig\w*|modifi\w*|refai\w*|recommenc\w*|revenir|reviens"
    r"|retourn\w*|attends|non|en y repensant|c est [a-d]|actually|wait|no|redo|fix|go back|instead"
    r"|more of)\b"
)
_BACK = re.compile(r"(?:^|[.,;:!?]\s*)(?:(?:ok|no|non|wait|attends)\b[\s,]*)*(?:go back|retour)\b")
_LETTER = re.compile(r"(?<![\w'])([A-D])(?![\w'])")


class Change(NamedTuple):
    """The number of a question, from 1, or 0 for the one before; and the letter of the new answer
    when it was said."""

    number: int
    option: str | None


def change_in(text: str) -> Change | None:
    """The answer that `text` wants changed, or None."""
    folded = fold(text).replace("'", " ")
    found = _BY_NAME.search(folded)
    if not found and _CHANGES.search(folded):
        found = _BY_PLACE.search(folded) or _BEFORE.search(folded)
    if not found:
        letter = _LETTER.search(text) if _BACK.search(folded) else None
        return Change(0, letter[1].lower()) if letter else None  # "go back, it's B"
    said = next(filter(None, found.groups()), None)
    number = (
        0
        if said is None
        else next(n for n in _ORDINALS if said in f"{_ORDINALS[n]}|{_CARDINALS[n]}".split("|"))
    )
    letter = _LETTER.search(text, len(text) - len(folded) + found.end())
    return Change(number, letter[1].lower() if letter else None)
