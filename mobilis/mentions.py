"""Who is mentioned in an internal note: « @Camille Roy », "@camille" or "@camille.roy".

Someone goes by the whole name, by what stands before the @ of the address, and by the first name
where nobody else has it; capitals and accents do not matter. Called by mobilis/casework.py and
mobilis/casefile.py.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.engine import Connection

from mobilis.models import case_mentions, case_notes, cases, staff
from mobilis.staff import Person
from mobilis.store import now
from mobilis.text import unaccented

Piece = tuple[str, Person | None]  # of a note, and whom it mentions

_AT = re.compile(r"(?<![\w.])@")


@dataclass(frozen=True)
class Mention:
    """A note that mentions somebody."""

    conversation_id: str
    author: str
    at: datetime
    seen: bool
    case: Mapping[str, Any]  # the row of the case


def split(text: str, people: Sequence[Person]) -> list[Piece]:
    """`text` in pieces; those that mention somebody with who it is."""
    called = _names(people)
    pieces: list[Piece] = []
    start = 0
    for at in _AT.finditer(text):
        found = _at_beginning(text[at.end() :], called)
        if found is None:
            continue
        end = at.end() + found[0]
        pieces += [(text[start : at.start()], None), (text[at.start() : end], found[1])]
        start = end
    pieces.append((text[start:], None))
    return [piece for piece in pieces if piece[0]]


def find(text: str, people: Sequence[Person]) -> list[Person]:
    """Whom `text` mentions, once each."""
    found = {person.id: person for _, person in split(text, people) if person}
    return list(found.values())


def handles(people: Sequence[Person]) -> list[str]:
    """How each person can be mentioned, in the shortest way."""
    called, found = _names(people), []
    for person in people:
        own = [way for way in _spellings(person) if called.get(unaccented(way)) == person]
        found += [f"@{min(own, key=len)}"] if own else []
    return found


def _spellings(person: Person) -> tuple[str, str, str]:
    return person.name, person.email.partition("@")[0], person.name.split()[0]


def _names(people: Sequence[Person]) -> dict[str, Person]:
    """Each folded name that is one person's alone."""
    spelled = [{unaccented(way) for way in _spellings(person)} for person in people]
    shared = Counter(way for ways in spelled for way in ways)
    return {way: p for p, ways in zip(people, spelled) for way in ways if shared[way] == 1}


def _at_beginning(text: str, called: Mapping[str, Person]) -> tuple[int, Person] | None:
    """The longest name with which `text` begins, as its length in `text`, and whose it is."""
    for name in sorted(called, key=len, reverse=True):
        # Folding may change how long a text is (« œ »), so the end is looked for.
        for length in range(len(name) - 2, len(name) + 3):
            if length > 0 and unaccented(text[:length]) == name and not _goes_on(text[length:]):
                return length, called[name]
    return None


def _goes_on(rest: str) -> bool:
    """Whether a word goes on, so that a name was only its beginning."""
    return bool(re.match(r"[\w-]", rest))


def of_person(connection: Connection, staff_id: str, limit: int = 100) -> list[Mention]:
    """The notes that mention somebody: those not seen first, then the newest."""
    rows = connection.execute(
        select(
            case_notes.c.conversation_id.label("noted_on"),
            case_notes.c.at.label("noted_at"),
            case_mentions.c.seen_at,
            staff.c.name.label("author"),
            *cases.c,
        )
        .join(case_notes, case_notes.c.id == case_mentions.c.note_id)
        .join(cases, cases.c.conversation_id == case_notes.c.conversation_id)
        .outerjoin(staff, staff.c.id == case_notes.c.author_id)
        .where(case_mentions.c.staff_id == staff_id)
        .order_by(case_mentions.c.seen_at.is_not(None), case_notes.c.at.desc())
        .limit(limit)
    )
    return [
        Mention(row.noted_on, row.author or "", row.noted_at, row.seen_at is not None, row._mapping)
        for row in rows
    ]


def count_unseen(connection: Connection, staff_id: str) -> int:
    """How many notes mention somebody who has not seen them."""
    unseen = (case_mentions.c.staff_id == staff_id, case_mentions.c.seen_at.is_(None))
    query = select(func.count()).select_from(case_mentions).where(*unseen)
    return int(connection.execute(query).scalar_one())


def mark_seen(connection: Connection, staff_id: str, conversation_id: str) -> None:
    """Somebody has opened the case whose notes mention them."""
    notes = select(case_notes.c.id).where(case_notes.c.conversation_id == conversation_id)
    mine = (
        case_mentions.c.staff_id == staff_id,
        case_mentions.c.seen_at.is_(None),
        case_mentions.c.note_id.in_(notes),
    )
    connection.execute(update(case_mentions).where(*mine).values(seen_at=now()))
