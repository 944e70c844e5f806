"""What staff decide about messages that were not understood: what they mean, or that they teach
nothing.

A decision is about a text, however often and by whomever it was written, and goes with the last
message that it is about. It changes nothing by itself: `mobilis learn export` writes it down,
`mobilis learn apply` adds it to the content files, `mobilis train` learns it. Called by the
console's pages and by the command line.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import delete, func, insert, select
from sqlalchemy.engine import Connection

from mobilis import audit
from mobilis.errors import ChatError, LearningError
from mobilis.freshness import load_fresh
from mobilis.learning import Missed, Verdict, gather, unfit
from mobilis.likeness import comparable, together
from mobilis.models import missed_decisions, staff, unhandled
from mobilis.phrasings import Shelf, shelves
from mobilis.results import NONE_OF_THESE
from mobilis.review import alike, taken
from mobilis.staff import Person
from mobilis.store import now

LOOKED_AT = 5000  # the last messages; older ones are left to the command
TEXT_LENGTH = 400
MOST_KEYS = 150  # of one click
GUESSES = 3
PAGE = 20  # groups
REMEMBERED = 32  # groupings
STATES = ("todo", "decided", "all")


_groups: dict[str, list[list[int]]] = {}


@dataclass(frozen=True)
class Known:
    """What the content files hold: the labels that phrasings are learned for, by language, and
    what is a phrasing already."""

    shelves: tuple[Shelf, ...]
    labels: Mapping[str, frozenset[str]]
    said: Mapping[str, frozenset[str]]  # by language, as compared


@dataclass(frozen=True)
class Decision:
    """What was decided about a text, by whom and when; no label: it teaches nothing."""

    label: str
    text: str  # as it was reworded
    by: str
    at: datetime
    batch: str


@dataclass(frozen=True)
class Guess:
    """What a text may mean, and what speaks for it."""

    label: str
    confidence: float = 0.0
    chosen: int = 0
    followed: int = 0


@dataclass(frozen=True)
class Text:
    """A text that was not understood, and how it stands."""

    missed: Missed
    decision: Decision | None
    learned: bool  # it is a phrasing already
    masked: bool  # it cannot be learned as it stands
    guesses: tuple[Guess, ...] = ()

    @property
    def state(self) -> str:
        """What is still to be done about it."""
        return "decided" if self.decision else "learned" if self.learned else "todo"

    @property
    def is_open(self) -> bool:
        """Whether it can be decided about as it stands."""
        return self.state == "todo" and not self.masked


@dataclass(frozen=True)
class Group:
    """Texts of like wording, in one language and about one open question."""

    texts: tuple[Text, ...]
    guesses: tuple[Guess, ...]

    @property
    def count(self) -> int:
        """How often they were written."""
        return _count(self.texts)

    @property
    def open(self) -> tuple[Text, ...]:
        """Those that something is to be decided about, at once with the others."""
        return tuple(text for text in self.texts if text.is_open)


@dataclass(frozen=True)
class Listing:
    """What was not understood, in groups. `counts` are texts by state; `cut`: there is more."""

    groups: tuple[Group, ...]  # of the page
    counts: Mapping[str, int]
    total: int
    page: int
    pages: int
    cut: bool


@dataclass(frozen=True)
class Batch:
    """What one click decided: about how many texts, how many it left, and what they mean."""

    id: str
    label: str
    texts: int
    left: int = 0


def known(root: Path) -> Known:
    """What the content files hold now, or held a second ago."""
    return load_fresh(_known, root, "faq", "data", "assessment", "content")


@lru_cache(maxsize=1)
def _known(root: Path, stamp: float) -> Known:
    found = tuple(shelves(root))
    languages = {shelf.language for shelf in found}
    return Known(
        found,
        {one: frozenset(s.label for s in found if s.language == one) for one in languages},
        {
            one: frozenset(
                comparable(said.text) for s in found if s.language == one for said in s.taught
            )
            for one in languages
        },
    )


def find(
    connection: Connection,
    root: Path,
    where: Sequence[Any],
    state: str = "todo",
    label: str = "",
    page: int = 1,
) -> Listing:
    """A page of the groups of the messages that meet some conditions, the most frequent first.

    `label` keeps the texts that may mean it, or were decided to. A page beyond the last one is the
    last one.
    """
    content = known(root)
    texts = _texts(connection, gather(connection, where, LOOKED_AT), content)
    if label:
        texts = [text for text in texts if label in _meanings(text, content)]
    groups = [
        kept
        for group in _grouped(texts)
        if (kept := [text for text in group if state in ("all", text.state)])
    ]
    groups.sort(key=lambda kept: (-_count(kept), kept[0].missed.key))
    pages = max(1, -(-len(groups) // PAGE))
    page = min(page, pages)
    total = connection.execute(
        select(func.count()).select_from(unhandled).where(*where)
    ).scalar_one()
    return Listing(
        groups=tuple(_shown(kept, content) for kept in groups[(page - 1) * PAGE : page * PAGE]),
        counts={**Counter(text.state for text in texts), "all": len(texts)},
        total=len(groups),
        page=page,
        pages=pages,
        cut=total > LOOKED_AT,
    )


def _meanings(text: Text, content: Known) -> set[str]:
    return {_label(text), *(guess.label for guess in _ranked([text.missed], content))}


def _count(texts: Iterable[Text]) -> int:
    return sum(text.missed.count for text in texts)


def _shown(texts: Sequence[Text], content: Known) -> Group:
    """A group with what it, and each of its texts, may mean; what can be decided at once first."""
    own = [replace(text, guesses=_ranked([text.missed], content)) for text in texts]
    own.sort(key=lambda text: not text.is_open)
    return Group(tuple(own), _ranked([text.missed for text in texts], content))


def find_text(connection: Connection, root: Path, key: str) -> Text:
    """One text.

    Raises:
        ChatError: not_found.
    """
    found = gather(connection, [unhandled.c.key == key])
    if not found:
        raise ChatError("not_found", 404)
    content = known(root)
    return _shown(_texts(connection, found, content), content).texts[0]


def talks_of(connection: Connection, key: str, limit: int) -> list[tuple[str, datetime]]:
    """The conversations in which a text was written, and when; the last ones first."""
    rows = connection.execute(
        select(unhandled.c.conversation_id, unhandled.c.created_at)
        .where(unhandled.c.key == key)
        .order_by(unhandled.c.created_at.desc())
        .limit(limit)
    )
    return [(row.conversation_id, row.created_at) for row in rows]


def decide(
    connection: Connection,
    person: Person,
    root: Path,
    keys: Sequence[str],
    label: str | None,
    text: str = "",
) -> Batch:
    """Say what texts mean; without a label, that they teach nothing. `text` rewords a single one.

    Of several, those that cannot be learned as they stand are left as they are.

    Raises:
        LearningError: label, text, masked.
        ChatError: not_found, when all of them are gone.
    """
    text = " ".join(text.split())
    meant = unhandled.c.key.in_(list(keys)[:MOST_KEYS])
    # Two people who decide about the same texts at once take turns.
    connection.execute(select(unhandled.c.id).where(meant).order_by("id").with_for_update()).all()
    found = gather(connection, [meant])
    if not found:
        raise ChatError("not_found", 404)
    labels = known(root).labels
    if label is not None and any(label not in labels[one.language] for one in found):
        raise LearningError("label")
    if text and (len(found) > 1 or len(text) > TEXT_LENGTH or unfit(text)):
        raise LearningError("text")
    fit = [one for one in found if label is None or text or not unfit(one.text)]
    if not fit:
        raise LearningError("masked")
    reworded = text if text and text != fit[0].text and label is not None else None
    batch = Batch(secrets.token_hex(16), label or "", len(fit), len(found) - len(fit))
    shared = {"label": label, "text": reworded, "staff_id": person.id, "at": now()}
    rows = [{"key": one.key, "batch": batch.id, **shared} for one in fit]
    _forget(connection, [one.key for one in fit])
    connection.execute(insert(missed_decisions), rows)
    detail = {"label": label or "", "texts": len(fit)}
    audit.record(connection, person.id, "learning.decided", "learning", detail)
    return batch


def take_back(connection: Connection, person: Person, keys: Sequence[str]) -> int:
    """Let texts be undecided again; how many."""
    count = _forget(connection, list(keys)[:MOST_KEYS])
    if count:
        audit.record(connection, person.id, "learning.undone", "learning", {"texts": count})
    return count


def _forget(connection: Connection, keys: Sequence[str]) -> int:
    own = delete(missed_decisions).where(missed_decisions.c.key.in_(keys))
    return int(connection.execute(own).rowcount)


def batch_keys(connection: Connection, batch: str) -> list[str]:
    """The texts that one click decided about, as far as nothing else was decided since."""
    query = select(missed_decisions.c.key).where(missed_decisions.c.batch == batch)
    return list(connection.execute(query.order_by(missed_decisions.c.key)).scalars())


def read_batch(connection: Connection, batch: str) -> Batch | None:
    """What one click decided; None when nothing of it stands any more."""
    query = select(missed_decisions).where(missed_decisions.c.batch == batch)
    rows = connection.execute(query).all()
    return Batch(batch, rows[0].label or "", len(rows)) if rows else None


def for_review(
    connection: Connection, root: Path, where: Sequence[Any], decided: bool = False
) -> tuple[list[Missed], dict[str, Verdict], int]:
    """What the file for the reviewer holds: the texts, what was decided about them, and how many
    decisions cannot be learned because the assistant knows too much of the kind.

    Left out is what teaches nothing and what was learned since it was decided; with `decided`,
    whatever is not ready to be learned.
    """
    texts = _texts(connection, gather(connection, where), known(root))
    kept = [
        text for text in texts if not text.decision or (text.decision.label and not text.learned)
    ]
    verdicts = _verdicts(root, [text for text in kept if text.decision])
    held = sum(bool(verdict.why) for verdict in verdicts.values())
    found = [text.missed for text in kept]
    if decided:
        ready = {key for key, verdict in verdicts.items() if not verdict.why}
        found = [one for one in found if one.key in ready]
    return found, verdicts, held


def _verdicts(root: Path, texts: Sequence[Text]) -> dict[str, Verdict]:
    said = [_said(text) for text in texts]
    clash = taken(root, said, known(root).shelves) if said else {}
    found: dict[str, Verdict] = {}
    accepted: list[str] = []
    for number, text in enumerate(texts):
        why = clash[number][0] if number in clash else ""
        if not why and any(alike(one, said[number]) for one in accepted):
            why = "alike"
        if not why:
            accepted.append(said[number])
        found[text.missed.key] = Verdict(_label(text), said[number], why)
    return found


def _label(text: Text) -> str:
    return text.decision.label if text.decision else ""


def _said(text: Text) -> str:
    """What is to be learned: the text, or what staff made of it."""
    return (text.decision.text if text.decision else "") or text.missed.text


def _texts(connection: Connection, found: Iterable[Missed], content: Known) -> list[Text]:
    decided = _decisions(connection)
    return [
        Text(
            missed=one,
            decision=(decision := decided.get(one.key)),
            learned=comparable((decision and decision.text) or one.text)
            in content.said[one.language],
            masked=bool(unfit(one.text)),
        )
        for one in found
    ]


def _decisions(connection: Connection) -> dict[str, Decision]:
    rows = connection.execute(
        select(missed_decisions, staff.c.name).outerjoin(
            staff, staff.c.id == missed_decisions.c.staff_id
        )
    )
    return {
        row.key: Decision(row.label or "", row.text or "", row.name or "", row.at, row.batch)
        for row in rows
    }


def _grouped(texts: Sequence[Text]) -> list[list[Text]]:
    """In groups of like wording, never across languages or questions; what was written most, and
    then what is the oldest, leads its group."""
    apart: dict[tuple[str, str | None], list[Text]] = {}
    for text in sorted(texts, key=lambda text: (-text.missed.count, text.missed.key)):
        apart.setdefault((text.missed.language, text.missed.question), []).append(text)
    return [
        [those[number] for number in group] for those in apart.values() for group in _like(those)
    ]


def _like(texts: Sequence[Text]) -> list[list[int]]:
    """`together`, or what it said last of the same texts: only their keys are remembered, and a
    click decides about a page that was grouped a moment ago."""
    said = "".join(text.missed.key for text in texts)
    known_as = hashlib.sha256(said.encode()).hexdigest()
    groups = _groups.get(known_as)
    if groups is None:
        groups = together([text.missed.text for text in texts])
        while len(_groups) >= REMEMBERED:
            _groups.pop(next(iter(_groups), ""), None)
        _groups[known_as] = groups
    return groups


def _ranked(found: Sequence[Missed], content: Known) -> tuple[Guess, ...]:
    """What texts may mean, the most likely first: what visitors picked, then what their next
    message meant, then what the assistant thought."""
    chosen: Counter[str] = Counter()
    followed: Counter[str] = Counter()
    thought: Counter[str] = Counter()
    for one in found:
        chosen.update(one.chosen)
        followed.update(one.followed_by)
        for guess in one.guesses:
            thought[guess["label"]] += one.count * guess["confidence"]
    labels = {*chosen, *followed, *thought} - {NONE_OF_THESE}
    fitting = labels & content.labels[found[0].language]
    total = sum(one.count for one in found)
    guesses = [
        Guess(label, thought[label] / total, chosen[label], followed[label]) for label in fitting
    ]
    guesses.sort(key=lambda one: (-one.chosen, -one.followed, -one.confidence, one.label))
    return tuple(guesses[:GUESSES])
