"""Passing on to a coach what a visitor left: only what they agreed to, and only to whom.

A declaration is for the team alone, unless it was made for a coach and the visitor was told that
this coach gets it (`leads.coach_consent`). For any other coach they must be asked; that they agreed
in writing is the word of the person of staff, under their name in the audit log. What was said and
answered in the chat is never passed on: nobody is asked whether it may be. Called by
mobilis/mails.py and by the console's pages.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.engine import Connection, Row

from mobilis.assessment import fresh_assessment
from mobilis.contact_details import is_address
from mobilis.content import LANGUAGES
from mobilis.errors import CaseError
from mobilis.letters import BETWEEN_LANGUAGES, FACTS, fresh_letters
from mobilis.models import assessments, coaches, leads
from mobilis.settings import ROOT
from mobilis.staff import Person

IN_CHAT, IN_WRITING = "chat", "written"  # how a visitor agreed


@dataclass(frozen=True)
class Addressee:
    """A coach as staff see one."""

    id: str
    name: str
    languages: tuple[str, ...]
    email: str
    accepting: bool


@dataclass(frozen=True)
class Left:
    """What a visitor left last, with consent: `facts` by name, in the order of FACTS."""

    facts: Mapping[str, str]
    at: datetime
    coach_id: str  # whom it was for; empty: the team
    shares: bool  # whether they agreed that this coach gets it

    def is_for(self, coach_id: str) -> bool:
        """Whether the visitor agreed in the chat that this coach gets it."""
        return self.shares and bool(coach_id) and coach_id == self.coach_id


@dataclass(frozen=True)
class Agreement:
    """That a coach may get some facts, and how it was agreed to."""

    coach: Addressee
    facts: Mapping[str, str]
    basis: str  # chat | written


@dataclass(frozen=True)
class Draft:
    """An e-mail as it is shown before it is sent."""

    to: str
    languages: tuple[str, ...]
    subject: str
    text: str

    @property
    def language(self) -> str:
        """The language that it begins in."""
        return self.languages[0]

    @property
    def parts(self) -> list[tuple[str, str]]:
        """Each language with its part of the text, where they can be told apart."""
        parts = self.text.split(BETWEEN_LANGUAGES)
        if len(parts) != len(self.languages):  # a visitor wrote the same line
            return [(self.language, self.text)]
        return list(zip(self.languages, parts, strict=True))

    @property
    def mark(self) -> str:
        """The same for the same e-mail, so that what is sent is what was shown."""
        return hashlib.sha256(f"{self.to}\n{self.subject}\n{self.text}".encode()).hexdigest()


def what_was_left(connection: Connection, conversation_id: str) -> Left | None:
    """What the visitor last left and agreed to; None: nothing."""
    query = select(leads).where(
        leads.c.conversation_id == conversation_id, leads.c.consent_at.is_not(None)
    )
    last = connection.execute(query.order_by(leads.c.created_at.desc())).first()
    if last is None:
        return None
    facts = {fact: value for fact in FACTS if (value := getattr(last, fact))}
    return Left(facts, last.consent_at, last.coach_id or "", bool(last.coach_consent))


def addressees(connection: Connection) -> list[Addressee]:
    """The coaches, by name."""
    rows = connection.execute(select(coaches).order_by(coaches.c.name, coaches.c.id))
    return [_addressee(row) for row in rows]


def settle_agreement(
    connection: Connection, conversation_id: str, coach_id: str, in_writing: bool
) -> Agreement:
    """That a coach may get what was left; `in_writing`: staff say that the visitor wrote so.

    Raises:
        CaseError: no_consent, coach, coach_address, not_agreed.
    """
    left = what_was_left(connection, conversation_id)
    if left is None:
        raise CaseError("no_consent")
    query = select(coaches).where(coaches.c.id == coach_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise CaseError("coach")
    coach = _addressee(row)
    if not is_address(coach.email):
        raise CaseError("coach_address")
    if not in_writing and not left.is_for(coach_id):
        raise CaseError("not_agreed")
    return Agreement(coach, left.facts, IN_CHAT if left.is_for(coach_id) else IN_WRITING)


def pass_on(agreement: Agreement, case: Mapping[str, Any], person: Person) -> Draft:
    """The e-mail to a coach, in the languages that they speak, the visitor's first."""
    coach = agreement.coach
    spoken = [language for language in LANGUAGES if language in coach.languages] or [
        case["language"]
    ]
    languages = sorted(spoken, key=lambda language: language != case["language"])
    values = {"coach": coach.name, "staff": person.name, "reference": case["reference"] or ""}
    letters = fresh_letters(ROOT)
    subject, text = letters.pass_on(languages, agreement.facts, values)
    return Draft(coach.email, tuple(languages), subject, text)


def draft_reply(
    connection: Connection, case: Mapping[str, Any], person: Person, letter: str, language: str
) -> Draft:
    """A letter, filled in for a case."""
    query = select(coaches.c.name).where(coaches.c.id == case["coach_id"])
    values = {
        "name": case["name"] or "",
        "organization": case["organization"] or "",
        "reference": case["reference"] or "",
        "staff": person.name,
        "coach": connection.execute(query).scalar_one_or_none() or "",
        **_result(connection, case["conversation_id"], language),
    }
    subject, text = fresh_letters(ROOT).write(letter, language, values)
    return Draft(case["email"] or "", (language,), subject, text)


def _result(connection: Connection, conversation_id: str, language: str) -> dict[str, str]:
    """The last result and what it advises, as far as the file still says so."""
    query = select(assessments).where(assessments.c.conversation_id == conversation_id)
    last = connection.execute(query.order_by(assessments.c.created_at.desc())).first()
    band = fresh_assessment(ROOT).bands.get(last.band) if last else None
    if last is None or band is None:
        return {}
    variants = {"": band.text, **band.variants}
    advice = variants.get(last.variant or "", band.text).get(language, "")
    return {"result": band.title[language], "advice": advice.replace("**", "")}


def _addressee(row: Row[Any]) -> Addressee:
    return Addressee(row.id, row.name, tuple(row.languages), row.email or "", row.accepting)
