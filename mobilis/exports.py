"""Leads and conversations as files: CSV for a spreadsheet, JSON for a program.

A row holds a conversation's case, and for leads one of its leads. Rows are read some at a time, so
that a file of any length costs the same memory and keeps no transaction open. Called by the
console, which streams them.
"""

from __future__ import annotations

import csv
import io
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func, select, tuple_
from sqlalchemy.engine import Connection, Row

from mobilis.assessment import Assessment, answers_from_dict
from mobilis.cases import FACETS, STATUSES
from mobilis.content import LANGUAGES
from mobilis.dates import ZONE, start_of
from mobilis.leads import KINDS
from mobilis.models import assessments, case_facets, case_notes, case_tags, cases, leads, staff

WHAT = ("leads", "conversations")
FORMATS = ("csv", "json")
CHUNK = 500  # rows of one transaction
BOM = "\ufeff"
# A cell that begins so, after any white space, would be a formula to a spreadsheet; the last four
# are the same signs in full width.
FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
CONTROL = ("\t", "\r", "\n")
LISTED = "; "  # between the values of one cell

_TIMES = (
    *("opened_at", "last_at", "person_at", "lead_at", "assessed_at", "consent_at"),
    *("waiting_since", "answered_at", "follow_up_at"),
)

_OF_A_LEAD = ("reference", "kind", "name", "organization", "email", "message", "coach", "lead_at")
_ALSO_OF_A_LEAD = ("conversation_id", "consent_at", "language")

Record = dict[str, Any]
Place = tuple[Any, ...]  # after which row to go on


@dataclass(frozen=True)
class Filters:
    """Which rows: the days (of Toronto) of the lead or of the conversation's opening, and more."""

    what: str
    since: date | None = None
    until: date | None = None
    status: str = ""
    language: str = ""
    kind: str = ""

    def wrong(self) -> str:
        """The name of the first filter that cannot be; empty when all can."""
        allowed = {"what": WHAT, "status": ("", *STATUSES), "language": ("", *LANGUAGES)}
        allowed["kind"] = ("", *KINDS)
        for name, values in allowed.items():
            if getattr(self, name) not in values:
                return name
        return "until" if self.since and self.until and self.until < self.since else ""

    def to_dict(self) -> dict[str, str]:
        """Those that are set, for the audit log."""
        return {name: str(value) for name, value in vars(self).items() if value}


@dataclass(frozen=True)
class Export:
    """A file to be: its rows, and what turns them into text."""

    filters: Filters
    assessment: Assessment
    public_url: str

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns, in their order."""
        answers = (f"answer_{question.id}" for question in self.assessment.questions)
        return (
            *("conversation", "url", "reference", "kind", "channel", "language"),
            *("status", "close_reason", "owner", "tags", "priority"),
            *("name", "organization", "email", "message", "coach"),
            *("band", "score", *answers),
            *(f"facet_{facet}" for facet in FACETS),
            *("labels", "messages", "not_understood", "clarified", "notes"),
            *(column for name in _TIMES for column in (name, f"{name}_local")),
        )

    def records(self, connection: Connection, after: Place | None) -> tuple[list[Record], Place]:
        """The next rows after a place, and the place after them; no rows at the end."""
        rows = connection.execute(self._query(after).limit(CHUNK)).all()
        if not rows:
            return [], ()
        found = _Beside(connection, [row.conversation_id for row in rows])
        place = (rows[-1].sorted_at, rows[-1].sorted_id)
        return [self._record(row, found) for row in rows], place

    def count(self, connection: Connection) -> int:
        """How many rows there are at the moment."""
        every = self._query(None).order_by(None).subquery()
        return int(connection.execute(select(func.count()).select_from(every)).scalar_one())

    def _query(self, after: Place | None) -> Any:
        of_leads = self.filters.what == "leads"
        at, id = _of_rows(self.filters)
        own = [column for column in cases.c if column.name not in _OF_A_LEAD]
        names = (staff.c.name.label("owner"), at.label("sorted_at"), id.label("sorted_id"))
        if of_leads:
            # A case is made a second after its lead; the lead is told of in any event.
            source = leads.outerjoin(cases, cases.c.conversation_id == leads.c.conversation_id)
            told = (leads.c.created_at.label("lead_at"), leads.c.coach_id.label("coach"))
            given = [leads.c[name] for name in _OF_A_LEAD if name in leads.c]
            own = [column for column in own if column.name not in _ALSO_OF_A_LEAD]
            given += [leads.c[name] for name in _ALSO_OF_A_LEAD]
        else:
            source, given = cases, [cases.c[n] for n in _OF_A_LEAD if n in cases.c]
            told = (cases.c.lead_kind.label("kind"), cases.c.coach_id.label("coach"))
        source = source.outerjoin(staff, staff.c.id == cases.c.owner_id)
        query = select(*own, *given, *told, *names).select_from(source).where(*self._where(at))
        if after is not None:
            query = query.where(tuple_(at, id) > tuple_(*after))
        return query.order_by(at, id)

    def _where(self, at: Any) -> Iterable[Any]:
        filters, of_leads = self.filters, self.filters.what == "leads"
        if not of_leads:
            yield cases.c.messages > 0  # the chat was only looked at
        if filters.since:
            yield at >= start_of(filters.since)
        if filters.until:
            yield at < start_of(filters.until + timedelta(days=1))
        if filters.status:
            yield cases.c.status == filters.status
        if filters.language:
            yield (leads if of_leads else cases).c.language == filters.language
        if filters.kind and of_leads:
            yield leads.c.kind == filters.kind
        elif filters.kind == "person":
            yield cases.c.person_at.is_not(None)
        elif filters.kind:
            yield cases.c.lead_kind == filters.kind

    def _record(self, row: Row[Any], beside: _Beside) -> Record:
        talk, told = row.conversation_id, row._mapping
        record: Record = {name: told.get(name) for name in self.columns}
        record |= {"conversation": talk, "url": self.case_url(talk)}
        record |= self._assessed(beside.assessed.get(talk), row.language)
        record |= {f"facet_{facet}": beside.facets[talk, facet] for facet in FACETS}
        record |= {"labels": beside.facets[talk, "label"], "tags": beside.tags[talk]}
        record["notes"] = beside.notes.get(talk, 0)
        for name in _TIMES:
            record[name], record[f"{name}_local"] = _times(told[name])
        return record

    def case_url(self, conversation_id: str) -> str:
        """The address of a case in the console."""
        return f"{self.public_url.rstrip('/')}/console/cases/{conversation_id}"

    def _assessed(self, row: Row[Any] | None, language: str) -> Record:
        """The last finished assessment: the option of each answer, in the row's language."""
        if row is None:
            return {}
        given = answers_from_dict(row.answers)
        record: Record = {"band": row.band, "score": row.total}
        for question in self.assessment.questions:
            answer = given.get(question.id)
            option = question.option(answer.option) if answer else None
            record[f"answer_{question.id}"] = option.title[language] if option else None
        return record


def _of_rows(filters: Filters) -> tuple[Any, Any]:
    """The columns by which rows are ordered: when, and an id."""
    if filters.what == "leads":
        return leads.c.created_at, leads.c.id
    return cases.c.opened_at, cases.c.conversation_id


class _Beside:
    """What other tables hold of some conversations."""

    def __init__(self, connection: Connection, talks: Sequence[str]) -> None:
        self.facets: dict[tuple[str, str], list[str]] = defaultdict(list)
        self.tags: dict[str, list[str]] = defaultdict(list)
        self.assessed: dict[str, Row[Any]] = {}
        for row in connection.execute(_of(case_facets, talks).order_by(case_facets.c.value)):
            self.facets[row.conversation_id, row.facet].append(row.value)
        for row in connection.execute(_of(case_tags, talks).order_by(case_tags.c.tag)):
            self.tags[row.conversation_id].append(row.tag)
        for row in connection.execute(_of(assessments, talks).order_by(assessments.c.created_at)):
            self.assessed[row.conversation_id] = row
        counted = select(case_notes.c.conversation_id, func.count().label("number"))
        counted = counted.where(case_notes.c.conversation_id.in_(talks))
        rows = connection.execute(counted.group_by(case_notes.c.conversation_id))
        self.notes = {row.conversation_id: row.number for row in rows}


def _of(table: Any, talks: Sequence[str]) -> Any:
    return select(table).where(table.c.conversation_id.in_(talks))


def _times(moment: datetime | None) -> tuple[str | None, str | None]:
    """A moment in UTC, as ISO 8601 has it, and in Toronto."""
    if moment is None:
        return None, None
    here = moment.astimezone(ZONE)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ"), here.strftime("%Y-%m-%d %H:%M:%S")


def csv_head(columns: Sequence[str]) -> str:
    """The beginning of a CSV file: the mark by which spreadsheets know UTF-8, and the header."""
    return BOM + csv_rows([dict(zip(columns, columns, strict=True))], columns)


def csv_rows(records: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """Rows as RFC 4180 has them."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    for record in records:
        writer.writerow([safe_cell(record[column]) for column in columns])
    return text.getvalue()


def safe_cell(value: Any) -> str:
    """A value as a cell that no spreadsheet takes for a formula.

    A text that begins, after any white space, with = + - @ (in full width too), or with a tab or
    the end of a line, gets an apostrophe before it.
    """
    if value is None:
        return ""
    if isinstance(value, list):
        value = LISTED.join(map(str, value))
    if isinstance(value, int):
        return str(value)
    text = str(value)
    is_formula = text.startswith(CONTROL) or text.lstrip().startswith(FORMULA)
    return f"'{text}" if is_formula else text


def json_rows(records: Iterable[Mapping[str, Any]], first: bool) -> str:
    """Rows of a JSON list, one a line; what stands before and after them is the caller's."""
    lines = [json.dumps(record, ensure_ascii=False) for record in records]
    return ("" if first else ",\n") + ",\n".join(lines)
