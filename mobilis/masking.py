"""Personal details in what was said, replaced by what they were: `[courriel]`, `[nom]`, …

Patterns, and the names that are known. Names that nobody gave in a form are found by spaCy, where
it is: the brain masks each message once (mobilis/brain/masker.py) and leaves the text in
`inbox.masked`, and in `unhandled` when it was not understood. The console's pages show what comes
from here to whoever may not see more.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.engine import Connection, Row

from mobilis.likeness import key_of
from mobilis.models import (
    NOT_MASKED,
    conversations,
    inbox,
    leads,
    outbox,
    tracker_events,
    unhandled,
)
from mobilis.text import beginning_and_end, unaccented

NAME = "[nom]"
DETAIL = "[…]"  # in the place of all that was said
LEAD_NAME = "lead_name"  # the slot of the declaration's form
SHORTEST_PART = 3  # letters of a part of a name that is masked by itself: « de » is a word

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


def mask(said: str, names: Iterable[str] = ()) -> str:
    """`said` without addresses, numbers, and names: those that are given, whole or in part, and
    those by which people introduce themselves."""
    masked = mask_details(said)
    for name in introduced(masked):
        masked = masked.replace(name, NAME)
    return mask_names(masked, _with_parts(names))


def mask_details(said: str) -> str:
    """`said` without e-mail addresses, links, telephone numbers, postal codes and long numbers."""
    masked = _EMAIL.sub("[courriel]", said)
    masked = _LINK.sub(partial(_replaced, "[lien]"), masked)
    masked = _PHONE.sub(partial(_replaced, "[téléphone]"), masked)
    masked = _POSTAL_CODE.sub("[code postal]", masked)
    return _NUMBER.sub("[nombre]", masked)


def introduced(said: str) -> list[str]:
    """Names by which people introduce themselves: « je m'appelle … »."""
    return [found.group(1).strip() for found in _INTRODUCTION.finditer(said)]


def _replaced(by: str, found: re.Match[str]) -> str:
    """`by` for what was found, with the bracket of which the other one stands outside of it."""
    unpaired = found[0].count("(") - found[0].count(")")
    return "(" * unpaired + by + ")" * -unpaired


def mask_names(said: str, names: Iterable[str]) -> str:
    """`said` without the given names where each stands as words: in any case, with or without
    accents."""
    sought = sorted({_level(name).strip() for name in names} - {""}, key=len, reverse=True)
    if not sought:
        return said
    alternatives = "|".join(r"\s+".join(map(re.escape, name.split())) for name in sought)
    kept, end = [], 0
    for found in re.finditer(rf"(?<![\w\[])(?:{alternatives})(?!\w)", _level(said)):
        kept += [said[end : found.start()], NAME]
        end = found.end()
    return "".join([*kept, said[end:]])


def _with_parts(names: Iterable[str]) -> set[str]:
    whole = set(names)
    parts = {part for name in whole for part in re.split(r"[\s-]+", name)}
    return whole | {part for part in parts if len(part) >= SHORTEST_PART}


def initials(name: str) -> str:
    """« Marie-Ève Roy » → « M. R. »."""
    return " ".join(f"{word[0].upper()}." for word in name.split())


def mask_email(address: str) -> str:
    """« camille@exemple.ca » → « c…@e….ca »."""
    local, _, domain = address.partition("@")
    name, _, end = domain.rpartition(".")
    return f"{local[:1]}…@{name[:1]}….{end}"


def _level(said: str) -> str:
    """`said` folded letter by letter, so that places stay where they are."""
    return "".join(unaccented(letter)[:1] or letter for letter in said)


def names_of(connection: Connection, conversation_id: str) -> list[str]:
    """The names given in a conversation's declarations, finished or not."""
    kept = select(leads.c.name).where(
        leads.c.conversation_id == conversation_id, leads.c.name.is_not(None)
    )
    given = select(tracker_events.c.data).where(
        tracker_events.c.conversation_id == conversation_id,
        tracker_events.c.name == "slot",
        tracker_events.c.data.like(f'%"{LEAD_NAME}"%'),
    )
    slots = [json.loads(row.data) for row in connection.execute(given)]
    names = [row.name for row in connection.execute(kept)]
    names += [slot["value"] for slot in slots if slot.get("name") == LEAD_NAME and slot["value"]]
    return sorted(set(names))


def shown(connection: Connection, conversation_id: str) -> Mapping[str, str]:
    """What was said in a conversation, for whoever may not see personal data: by message id.

    `DETAIL` in the place of what was typed and the brain has not masked yet.
    """
    names = names_of(connection, conversation_id)
    said = select(inbox).where(inbox.c.conversation_id == conversation_id)
    answered = select(outbox).where(outbox.c.conversation_id == conversation_id)
    texts = {row.id: _masked_text(row, names) for row in connection.execute(said)}
    for row in connection.execute(answered):
        texts[row.id] = mask(row.content["text"], names)
    return texts


def _masked_text(row: Row[Any], names: Iterable[str]) -> str:
    if row.kind == "text" and row.masked is None:
        return DETAIL
    return mask(row.masked if row.kind == "text" else row.text, names)


def waiting(connection: Connection, limit: int) -> list[Row[Any]]:
    """Typed messages that are not masked yet, the newest first: conversation_id, id, text."""
    columns = (inbox.c.conversation_id, inbox.c.id, inbox.c.text)
    query = select(*columns).where(NOT_MASKED).order_by(inbox.c.at.desc()).limit(limit)
    return list(connection.execute(query))


def keep_masked(connection: Connection, message: Row[Any], masked: str) -> None:
    """Keep the masked text of a message, unless it was erased meanwhile."""
    held = select(conversations.c.id).where(conversations.c.id == message.conversation_id)
    connection.execute(held.with_for_update())
    own = (
        inbox.c.conversation_id == message.conversation_id,
        inbox.c.id == message.id,
        inbox.c.text == message.text,
    )
    if connection.execute(update(inbox).where(*own).values(masked=masked)).rowcount:
        tell_missed(connection, message.conversation_id, message.id, masked)


def tell_missed(connection: Connection, conversation_id: str, message_id: str, masked: str) -> None:
    """Give the masked text of a message to what `unhandled` keeps of it, if it is there. Its
    conversation must be locked: it may be kept this very moment, with the text of its `inbox`."""
    own = (
        unhandled.c.conversation_id == conversation_id,
        unhandled.c.source_message_id == message_id,
    )
    row = connection.execute(select(unhandled).where(*own)).one_or_none()
    if row:
        text = beginning_and_end(masked)
        values = {"text": text, "key": key_of(row.language, row.question, text)}
        connection.execute(update(unhandled).where(*own).values(values))
