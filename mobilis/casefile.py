"""A case as staff read it: who wrote, why it is urgent, what was said and answered, what was noted.

Reads only. For those who may not see personal data it is masked here, before any page has it: what
was typed into the form of a lead whole, what was left there wherever it is repeated, and addresses,
numbers and introductions by pattern (mobilis/masking.py; the model that finds any name is the
brain's). Called by the console's pages of a case.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.engine import Connection, Row

from mobilis import mentions, staff
from mobilis.assessment import Answer as GivenAnswer
from mobilis.assessment import Assessment, answers_from_dict, fresh_assessment
from mobilis.cases import FACETS, Heard, Weights, facts_of, heard
from mobilis.casework import stamp
from mobilis.contact_details import tidy
from mobilis.content import Content, Text, fresh_content
from mobilis.conversations import Message, history
from mobilis.facets import Vocabulary, load_facets
from mobilis.learning import TELLS_NOTHING
from mobilis.masking import (
    DETAIL,
    initials,
    introduced,
    mask_details,
    mask_email,
    mask_names,
    shown,
)
from mobilis.models import (
    assessments,
    case_facets,
    case_notes,
    case_tags,
    cases,
    coaches,
    conversations,
    leads,
    mails,
    unhandled,
)
from mobilis.priority import reasons
from mobilis.settings import ROOT
from mobilis.staff import Person
from mobilis.store import now
from mobilis.takeover import Held, held
from mobilis.versions import UNKNOWN, Versions, said_by

HISTORY = 50  # other conversations of the same person that are shown

_BOLD = re.compile(r"\*\*(.+?)\*\*")
_LINK = re.compile(r"\[([^\]\n]+)\]\(([^()\s]+)\)")
_PLACEHOLDER = re.compile(r"\\\{days\\\}")


@dataclass(frozen=True)
class Lead:
    """Something that was asked of staff, with what was left for it."""

    kind: str  # interest | coach | person
    reference: str
    at: datetime
    consent_at: datetime | None
    name: str
    organization: str
    email: str
    message: str
    coach: str


@dataclass(frozen=True)
class Answer:
    """One answer of an assessment. No points: the question or the option has left the file."""

    title: str
    option: str
    typed: str
    points: int | None
    of: int | None


@dataclass(frozen=True)
class Assessed:
    """One finished assessment; `total` is none when it ended early."""

    at: datetime
    language: str
    band: str
    total: int | None
    of: int
    answers: tuple[Answer, ...]


@dataclass(frozen=True)
class Offered:
    """A button under a message, and whether the visitor pressed it."""

    title: str
    used: bool


@dataclass(frozen=True)
class Entry:
    """One message of the transcript. `label` and what follows are of a visitor's."""

    id: str
    position: int
    role: str  # visitor | assistant | staff
    at: datetime
    language: str
    kind: str
    text: str
    author: str = ""  # of staff
    choices: tuple[Offered, ...] = ()
    pressed: bool = False
    label: str = ""
    meaning: str = ""  # the label in words
    confidence: float | None = None
    outcome: str = ""  # lost | clarified
    helpful: bool | None = None  # what the visitor says of an answer
    by: Versions = UNKNOWN  # what said it, of the assistant's messages


@dataclass(frozen=True)
class Note:
    """An internal note; `case` is another case's id when it came with a merge."""

    author: str
    at: datetime
    pieces: tuple[mentions.Piece, ...]
    case: str


@dataclass(frozen=True)
class Mail:
    """An e-mail from the case; `case` is another case's id when it came with a merge."""

    id: str
    kind: str  # reply | forward
    state: str  # queued | sending | sent | failed | noted
    at: datetime
    sent_at: datetime | None
    due_at: datetime  # the next try
    author: str
    recipient: str
    subject: str
    text: str
    language: str
    coach: str
    shared: tuple[str, ...]
    basis: str
    problem: str  # of the last try; what the server said then is `answer`
    answer: str
    case: str


@dataclass(frozen=True)
class Other:
    """Another case: of the same person, or merged with this one."""

    id: str
    reference: str
    opened_at: datetime
    status: str
    close_reason: str
    band: str
    messages: int


@dataclass(frozen=True)
class CaseFile:
    """Everything of a case, in one language; `row` holds its columns, contact data masked."""

    id: str
    row: Mapping[str, Any]
    masked: bool
    page: str
    owner: Person | None
    changed_by: str
    seen: str  # what a form carries to say which state it saw
    reasons: tuple[tuple[str, int], ...]
    leads: tuple[Lead, ...]
    assessed: tuple[Assessed, ...]
    facets: Mapping[str, tuple[str, ...]]
    transcript: tuple[Entry, ...]
    tags: tuple[str, ...]
    notes: tuple[Note, ...]
    mails: tuple[Mail, ...]  # none for those who may not see personal data
    others: tuple[Other, ...]
    duplicates: tuple[Other, ...]
    merged_into: Other | None
    held: Held | None  # who of staff answers in place of the assistant

    @property
    def position(self) -> int:
        """Of the newest message shown."""
        return max((entry.position for entry in self.transcript), default=0)


def read_file(
    connection: Connection, person: Person, conversation_id: str, weights: Weights
) -> CaseFile | None:
    """The file of a case for one of staff, in their language; None when there is none.

    A conversation in which the visitor has said nothing, or everything was erased, has none; one
    of which only a lead is kept has a file without a transcript.
    """
    case = connection.execute(
        select(cases, conversations.c.page)
        .join(conversations, conversations.c.id == cases.c.conversation_id)
        .where(
            cases.c.conversation_id == conversation_id,
            or_(cases.c.messages > 0, cases.c.reference.is_not(None)),
        )
    ).one_or_none()
    if case is None:
        return None
    reader = _Reader(connection, conversation_id, person.language)
    transcript, kept = reader.transcript(), reader.leads()
    mask = (
        None if person.may("act") else _Mask(transcript, kept, shown(connection, conversation_id))
    )
    people = staff.everyone(connection)
    found = {one.id: one for one in people}
    changed_by = found.get(case.changed_by or "")
    return CaseFile(
        id=conversation_id,
        row=mask.row(case._mapping) if mask else case._mapping,
        masked=mask is not None,
        page=case.page or "",
        owner=found.get(case.owner_id or ""),
        changed_by=changed_by.name if changed_by else "",
        seen=stamp(case.changed_at),
        reasons=tuple(reasons(facts_of(case._mapping), weights, now())),
        leads=tuple(map(mask.lead, kept) if mask else kept),
        assessed=tuple(reader.assessed(mask.text if mask else _as_it_is)),
        facets=reader.facets(),
        transcript=tuple(map(mask.entry, transcript) if mask else transcript),
        tags=reader.tags(),
        notes=tuple(reader.notes(people, mask.text if mask else _as_it_is)),
        mails=() if mask else tuple(reader.mails(people)),
        others=tuple(reader.others(case.person)),
        duplicates=tuple(reader.merged_here()),
        merged_into=reader.other(case.merged_into),
        held=held(connection, conversation_id),
    )


def read_after(connection: Connection, conversation_id: str, after: int) -> tuple[Entry, ...]:
    """What was said after a position, oldest first, for those who may see personal data."""
    said = history(connection, conversation_id, after)
    return tuple(_entry(position, message, ()) for position, message in said)


def _as_it_is(text: str) -> str:
    return text


class _Reader:
    """Reads the parts of one case."""

    def __init__(self, connection: Connection, conversation_id: str, language: str) -> None:
        self.connection = connection
        self.id = conversation_id
        self.language = language
        self.content = fresh_content(ROOT)

    def leads(self) -> list[Lead]:
        """What was asked of staff, oldest first."""
        rows = self.connection.execute(
            select(leads, coaches.c.name.label("coach"))
            .outerjoin(coaches, coaches.c.id == leads.c.coach_id)
            .where(leads.c.conversation_id == self.id)
            .order_by(leads.c.created_at)
        )
        return [
            Lead(
                kind=row.kind,
                reference=row.reference,
                at=row.created_at,
                consent_at=row.consent_at,
                name=row.name or "",
                organization=row.organization or "",
                email=row.email or "",
                message=row.message or "",
                coach=row.coach or row.coach_id or "",
            )
            for row in rows
        ]

    def assessed(self, mask: Callable[[str], str]) -> list[Assessed]:
        """The finished assessments, newest first."""
        assessment = fresh_assessment(ROOT)
        rows = self.connection.execute(
            select(assessments)
            .where(assessments.c.conversation_id == self.id)
            .order_by(assessments.c.created_at.desc())
        )
        return [
            Assessed(
                at=row.created_at,
                language=row.language,
                band=band_title(assessment, row.band, self.language),
                total=row.total,
                of=assessment.of,
                answers=_answers(assessment, row.answers, self.language, mask),
            )
            for row in rows
        ]

    def facets(self) -> dict[str, tuple[str, ...]]:
        """What was wished of a coach, and what was spoken of, in words."""
        rows = self.connection.execute(
            select(case_facets)
            .where(case_facets.c.conversation_id == self.id)
            .order_by(case_facets.c.value)
        )
        found: dict[str, tuple[str, ...]] = {}
        for row in rows:
            if row.facet == "label" and not _tells_something(self.content, row.value):
                continue
            title = facet_title(self.content, row.facet, row.value, self.language)
            found[row.facet] = (*found.get(row.facet, ()), title)
        return found

    def transcript(self) -> list[Entry]:
        """What was said, oldest first, with what each message was taken for."""
        taken = {one.message_id: one for one in heard(self.connection, self.id)}
        query = select(unhandled.c.source_message_id, unhandled.c.outcome)
        rows = self.connection.execute(query.where(unhandled.c.conversation_id == self.id))
        missed = {row.source_message_id: row.outcome for row in rows}
        said = history(self.connection, self.id)
        pressed = {message["choice"] for _, message in said if "choice" in message}
        by = said_by(self.connection, self.id)
        entries = [
            replace(_entry(position, message, pressed), by=by.get(message["id"], UNKNOWN))
            for position, message in said
        ]
        return [
            self._understood(entry, taken[entry.id], missed.get(entry.id, ""))
            if entry.id in taken and entry.role == "visitor"
            else entry
            for entry in entries
        ]

    def _understood(self, entry: Entry, taken: Heard, outcome: str) -> Entry:
        return replace(
            entry,
            label=taken.label,
            meaning=label_title(self.content, taken.label, self.language),
            confidence=taken.confidence,
            outcome=outcome,
        )

    def tags(self) -> tuple[str, ...]:
        """The tags, in the order of the alphabet."""
        query = select(case_tags.c.tag).where(case_tags.c.conversation_id == self.id)
        return tuple(row.tag for row in self.connection.execute(query.order_by(case_tags.c.tag)))

    def notes(self, people: Sequence[Person], mask: Callable[[str], str]) -> list[Note]:
        """The notes on this case and on those merged into it, oldest first."""
        called = {person.id: person.name for person in people}
        able = [person for person in people if person.may("act")]
        rows = self.connection.execute(
            select(case_notes)
            .where(case_notes.c.conversation_id.in_([self.id, *self._merged_ids()]))
            .order_by(case_notes.c.at)
        )
        return [
            Note(
                author=called.get(row.author_id or "", ""),
                at=row.at,
                pieces=tuple(mentions.split(mask(row.text), able)),
                case=row.conversation_id if row.conversation_id != self.id else "",
            )
            for row in rows
        ]

    def mails(self, people: Sequence[Person]) -> list[Mail]:
        """The e-mails from this case and from those merged into it, oldest first."""
        called = {person.id: person.name for person in people}
        mine = mails.c.conversation_id.in_([self.id, *self._merged_ids()])
        query = select(mails).where(mine).order_by(mails.c.created_at, mails.c.id)
        return [
            Mail(
                id=row.id,
                kind=row.kind,
                state=row.state,
                at=row.created_at,
                sent_at=row.sent_at,
                due_at=row.due_at,
                author=called.get(row.author_id or "", ""),
                recipient=row.recipient,
                subject=row.subject,
                text=row.text,
                language=row.language,
                coach=row.coach_name or "",
                shared=tuple(row.shared or ()),
                basis=row.basis or "",
                problem=row.problem or "",
                answer=row.answer or "",
                case=row.conversation_id if row.conversation_id != self.id else "",
            )
            for row in self.connection.execute(query)
        ]

    def _merged_ids(self) -> list[str]:
        """The cases merged into this one, and those merged into them before."""
        found: list[str] = []
        last = [self.id]
        while last:
            query = select(cases.c.conversation_id).where(cases.c.merged_into.in_(last))
            rows = self.connection.execute(query)
            last = [row.conversation_id for row in rows if row.conversation_id not in found]
            found += last
        return found

    def others(self, person_key: str | None) -> list[Other]:
        """The person's other conversations, newest first."""
        if not person_key:
            return []
        same = (cases.c.person == person_key, cases.c.conversation_id != self.id)
        query = select(cases).where(*same).order_by(cases.c.last_at.desc()).limit(HISTORY)
        return [self._other(row) for row in self.connection.execute(query)]

    def merged_here(self) -> list[Other]:
        """The cases merged into this one."""
        query = select(cases).where(cases.c.merged_into == self.id).order_by(cases.c.opened_at)
        return [self._other(row) for row in self.connection.execute(query)]

    def other(self, conversation_id: str | None) -> Other | None:
        """Another case by its id; None when it is gone."""
        query = select(cases).where(cases.c.conversation_id == conversation_id)
        row = self.connection.execute(query).one_or_none() if conversation_id else None
        return self._other(row) if row else None

    def _other(self, row: Row[Any]) -> Other:
        assessment = fresh_assessment(ROOT)
        return Other(
            id=row.conversation_id,
            reference=row.reference or "",
            opened_at=row.opened_at,
            status=row.status,
            close_reason=row.close_reason or "",
            band=band_title(assessment, row.band, self.language) if row.band else "",
            messages=row.messages,
        )


def _entry(position: int, message: Message, pressed: Container[str]) -> Entry:
    """A message as it was said; `pressed` are the buttons that the visitor pressed."""
    from_us = message["role"] != "visitor"
    offered = message.get("choices") or []
    return Entry(
        id=message["id"],
        position=position,
        role=message["role"],
        at=_moment(message["at"]),
        language=message["language"],
        kind=message["kind"],
        text=_without_markdown(message["text"]) if from_us else message["text"],
        author=message["staff"]["name"] if message["role"] == "staff" else "",
        choices=tuple(Offered(one["title"], one["id"] in pressed) for one in offered),
        pressed="choice" in message,
        helpful=message.get("helpful"),
    )


class _Mask:
    """Masks one case: knows what was typed into its forms, and what the brain has masked."""

    def __init__(
        self, transcript: Sequence[Entry], kept: Sequence[Lead], masked: Mapping[str, str]
    ) -> None:
        self._masked = masked
        self._typed = _typed_into_forms(transcript)
        self._shown = _form_sentences(fresh_content(ROOT))
        names: set[str] = set()
        for lead in kept:
            names |= {lead.name, lead.organization, lead.email, lead.message}
            names |= {word for word in lead.name.split() if len(word) > 1}
        for entry in transcript:
            if entry.role == "visitor":
                names |= set(introduced(entry.text))
            if entry.id in self._typed:
                names |= set(_details(entry.text))
        self._names = sorted(name for name in names if len(name) > 1)

    def text(self, text: str) -> str:
        """A text by pattern, without what was left in a form."""
        return mask_details(mask_names(text, self._names))

    def entry(self, entry: Entry) -> Entry:
        """A message; what answers a form, and what reads it back, is masked whole."""
        if entry.id in self._typed:
            return replace(entry, text=DETAIL)
        if entry.role == "visitor" and not entry.pressed:
            return replace(entry, text=self.text(self._masked.get(entry.id, DETAIL)))
        if entry.kind == "form" and not any(one.fullmatch(entry.text) for one in self._shown):
            return replace(entry, text=DETAIL)
        return replace(entry, text=mask_names(entry.text, self._names))

    def lead(self, lead: Lead) -> Lead:
        """What was left: initials; the message whole, as where it was typed."""
        return replace(
            lead,
            name=initials(lead.name),
            email=mask_email(lead.email) if lead.email else "",
            message=DETAIL if lead.message else "",
        )

    def row(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The columns of the case."""
        name, email = row["name"], row["email"]
        masked = {
            "name": initials(name) if name else None,
            "email": mask_email(email) if email else None,
        }
        return {**row, **masked}


def _typed_into_forms(transcript: Iterable[Entry]) -> set[str]:
    """The messages that were typed when the assistant had just asked for a detail."""
    typed, asked, answered = set(), False, True
    for entry in transcript:
        if entry.role == "visitor":
            if asked and not entry.pressed:
                typed.add(entry.id)
            answered = True
        elif entry.role == "assistant":
            asked = entry.kind == "form" or (asked and not answered)
            answered = False
    return typed


def _details(text: str) -> Iterable[str]:
    """What a form may have read in a message, beside all of it."""
    parts = re.split(r"[,;\n]| - ", text) if "@" in text else []  # a signature
    for part in (text, *parts):
        yield part.strip()
        for field in ("name", "organization", "email"):
            yield tidy(field, part) or ""


def _form_sentences(content: Content) -> list[re.Pattern[str]]:
    """What a form may say without repeating anything of the visitor."""
    sentences = {
        _without_markdown(text[language])
        for text in content.wording.values()
        for language in text
        if set(re.findall(r"\{(\w+)\}", text[language])) <= {"days"}
    }
    return [re.compile(_PLACEHOLDER.sub(r"\\d+", re.escape(said))) for said in sorted(sentences)]


def band_title(assessment: Assessment, band: str, language: str) -> str:
    """What a band is called, or its id once it has left the file."""
    known = assessment.bands.get(band)
    return known.title[language] if known else band


def label_title(content: Content, label: str, language: str) -> str:
    """What a label means, or nothing when no button says it."""
    faq = content.faqs.get(label.removeprefix("faq/"))
    title: Text = faq.title if faq else content.choices.get(label, {})
    return title.get(language, "")


def _tells_something(content: Content, label: str) -> bool:
    """Whether a label is a subject, rather than a word of courtesy or a step of the dialogue."""
    return label not in TELLS_NOTHING and bool(label_title(content, label, "fr"))


def facet_title(content: Content, facet: str, value: str, language: str) -> str:
    """What a value of a facet is called, or the value itself once it has left the file."""
    if facet not in FACETS:
        return label_title(content, value, language) or value
    try:
        return _vocabulary(ROOT).title(facet, value, language)
    except KeyError:
        return value


@lru_cache(maxsize=1)
def _vocabulary(root: Path) -> Vocabulary:
    return load_facets(root)


def _answers(
    assessment: Assessment,
    kept: Mapping[str, Any],
    language: str,
    mask: Callable[[str], str],
) -> tuple[Answer, ...]:
    """Every answer that was kept, in the order of the questions; those that are gone last."""
    given = answers_from_dict(kept)
    order = [question.id for question in assessment.questions]
    ids = sorted(given, key=lambda one: order.index(one) if one in order else len(order))
    return tuple(
        _answer(assessment, question_id, given[question_id], language, mask) for question_id in ids
    )


def _answer(
    assessment: Assessment,
    question_id: str,
    given: GivenAnswer,
    language: str,
    mask: Callable[[str], str],
) -> Answer:
    question = assessment.find(question_id)
    option = question.option(given.option) if question else None
    return Answer(
        title=question.gap[language] if question else question_id,
        option=option.title[language] if option else given.option,
        typed=mask(given.text or ""),
        points=option.points if option else None,
        of=question.most if question and option else None,
    )


def _without_markdown(text: str) -> str:
    """Markdown of the assistant as plain text: bold without its stars, a link with its address."""
    return _LINK.sub(r"\1 (\2)", _BOLD.sub(r"\1", text))


def _moment(at: str) -> datetime:
    return datetime.strptime(at, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
