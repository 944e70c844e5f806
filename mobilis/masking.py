"""Personal details in a text, each replaced by what it was. Patterns only; no model.

Called before a message that was not understood is kept (mobilis/nlu/french.py, which also finds
names), and for staff who may not see personal data (mobilis/casefile.py, which knows the names
that a visitor left).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import partial

NAME = "[nom]"
DETAIL = "[…]"  # a whole answer

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_PHONE = re.compile(r"\(?(?:\+?1[\s.-]?)?\(?\d{3}\)?[\s.-]?\d{3}[\s.-]?\d{4}\b")
_POSTAL_CODE = re.compile(r"\b[A-Za-z]\d[A-Za-z][\s-]?\d[A-Za-z]\d\b")
_LINK = re.compile(r"(?:https?://|www\.)\S+")
_NUMBER = re.compile(r"\d{5,}")
_INTRODUCTION = re.compile(
    r"(?i:\b(?:je m['’]appelle|mon nom (?:est|c['’]est)|moi c['’]est|ici"
    r"|my name is|i am|i['’]m|this is)\s+)"
    r"((?:[A-ZÀ-Ý][\w'-]+\s?){1,4})"
)


def mask_details(text: str) -> str:
    """`text` without e-mail addresses, links, telephone numbers, postal codes, long numbers."""
    masked = _EMAIL.sub("[courriel]", text)
    masked = _LINK.sub(partial(_replaced, "[lien]"), masked)
    masked = _PHONE.sub(partial(_replaced, "[téléphone]"), masked)
    masked = _POSTAL_CODE.sub("[code postal]", masked)
    return _NUMBER.sub("[nombre]", masked)


def introduced(text: str) -> list[str]:
    """The name with which `text` introduces somebody: « je m'appelle … »."""
    found = _INTRODUCTION.search(text)
    return [found.group(1).strip()] if found else []


def mask_names(text: str, names: Iterable[str]) -> str:
    """`text` without the given names, in capitals or not, where each stands as words."""
    for name in sorted(filter(None, names), key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", NAME, text, flags=re.IGNORECASE)
    return text


def initials(name: str) -> str:
    """« Marie-Ève Roy » → « M. R. »."""
    return " ".join(f"{word[0].upper()}." for word in name.split())


def mask_email(address: str) -> str:
    """« camille@exemple.ca » → « c…@e….ca »."""
    local, _, domain = address.partition("@")
    name, _, end = domain.rpartition(".")
    return f"{local[:1]}…@{name[:1]}….{end}"


def _replaced(by: str, found: re.Match[str]) -> str:
    """`by` for what was found, with the bracket of which the other one stands outside of it."""
    unpaired = found[0].count("(") - found[0].count(")")
    return "(" * unpaired + by + ")" * -unpaired
