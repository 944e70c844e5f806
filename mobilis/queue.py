"""The queue of cases: what is asked of it, as an address can say, and what it answers.

The cases of a page are found in the two covering indexes of mobilis/models.py, which hold all that
is filtered and sorted by; only the cases that are shown are then read whole. Called by the pages of
the console; knows no HTTP.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import and_, false, func, not_, or_, select
from sqlalchemy.engine import Connection, Row
from sqlalchemy.sql import Select

from mobilis.cases import STATUSES
from mobilis.content import LANGUAGES
from mobilis.dates import read_day, start_of
from mobilis.facets import FACETS
from mobilis.models import case_facets, case_reads, case_tags, cases, inbox, staff
from mobilis.search import matching, wanted
from mobilis.staff import Person
from mobilis.store import now

TABS = ("new", "mine", "all", "closed")
SORTS = ("priority", "date", "waiting")
CHANNELS = ("web", "slack", "teams")
OWNERS = ("me", "nobody")  # or the id of someone
PAGE = 50
LAST_PAGE = 1_000_000
LONGEST = {"search": 200, "tag": 40, "owner": 36, "band": 32, "label": 64}
OPENING = 160  # characters of the first words that are shown

Condition = Any


@dataclass(frozen=True)
class Filters:
    """What is asked of the queue; as it stands, what is new, the most urgent first."""

    tab: str = "new"
    sort: str = "priority"
    page: int = 1
    search: str = ""
    since: date | None = None  # of the last message, this day included
    until: date | None = None
    status: str = ""
    owner: str = ""
    tag: str = ""
    language: str = ""
    channel: str = ""
    band: str = ""
    topic: str = ""
    region: str = ""
    label: str = ""  # of something that the visitor said
    person: bool = False  # was asked for
    missed: bool = False  # something was not understood
    due: bool = False  # the day of the follow-up has come

    def query(self, **changes: Any) -> str:
        """This as the query of an address, with something changed; the first page unless it is the
        page that changes."""
        changed = replace(self, **{"page": 1, **changes})
        given = {
            field.name: _written(getattr(changed, field.name))
            for field in fields(self)
            if getattr(changed, field.name) != field.default
        }
        return urlencode(given)

    @property
    def narrowing(self) -> Mapping[str, Any]:
        """What leaves cases out, beside the tab: by name, those that are set."""
        found = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in found.items() if value and name not in _PLACE}


_PLACE = ("tab", "sort", "page")  # where one looks, and not what for
_KNOWN: Mapping[str, Sequence[str]] = {
    "tab": TABS,
    "sort": SORTS,
    "status": STATUSES,
    "language": LANGUAGES,
    "channel": CHANNELS,
    "topic": FACETS["topic"],
    "region": FACETS["region"],
}


def read_filters(query: Mapping[str, str]) -> Filters:
    """The filters that an address holds. What it says of nothing known is ignored."""
    found: dict[str, Any] = {}
    for field in fields(Filters):
        given = query.get(field.name, "").replace("\0", "")
        given = given.encode("utf-8", "ignore").decode().strip()
        value = _read(field.name, given) if given else None
        if value is not None:
            found[field.name] = value
    return Filters(**found)


def _read(name: str, given: str) -> Any:
    if name in _KNOWN:
        return given if given in _KNOWN[name] else None
    if name in LONGEST:
        return given[: LONGEST[name]]
    if name == "page":
        usable = given.isdecimal() and given.isascii()
        return min(max(int(given[:10]), 1), LAST_PAGE) if usable else None
    if name in ("since", "until"):
        return read_day(given)
    return given == "1" or None


def _written(value: Any) -> str:
    return "1" if value is True else str(value)


@dataclass(frozen=True)
class Entry:
    """A case as the queue shows it."""

    case: Row[Any]
    unread: bool
    owner: str | None
    opening: str  # the first words of the visitor
    tags: tuple[str, ...]
    topics: tuple[str, ...]
    regions: tuple[str, ...]


@dataclass(frozen=True)
class Listing:
    """A page of the queue. `counts` are those of each tab under the same filters."""

    entries: tuple[Entry, ...]
    counts: Mapping[str, int]
    total: int
    page: int
    pages: int


def read_queue(connection: Connection, filters: Filters, person: Person) -> Listing:
    """The page of the queue that `filters` ask for, as `person` sees it.

    A page beyond the last one is the last one. Who may not see personal data finds nobody by it.
    """
    where = conditions(connection, filters, person)
    counts = _count(connection, where, person)
    total = counts[filters.tab]
    pages = max(1, -(-total // PAGE))
    page = min(filters.page, pages)
    tab = [*where, in_tab(filters.tab, person)]
    ids = _page_of(connection, tab, filters, person, (page - 1) * PAGE) if total else []
    return Listing(_entries(connection, ids, person), counts, total, page, pages)


def conditions(connection: Connection, filters: Filters, person: Person) -> list[Condition]:
    """What a case must be to be found, in whatever tab."""
    c = cases.c
    where = [c.messages > 0, c.merged_into.is_(None)]
    for name in ("status", "language", "channel", "band"):
        if getattr(filters, name):
            where.append(c[name] == getattr(filters, name))
    where += _owned(filters.owner, person)
    if filters.since:
        where.append(c.last_at >= start_of(filters.since))
    if filters.until:
        where.append(c.last_at < start_of(filters.until + timedelta(days=1)))
    if filters.person:
        where.append(c.person_at.is_not(None))
    if filters.missed:
        where.append(c.not_understood > 0)
    if filters.due:
        came_due = or_(c.resurfaced_at.is_not(None), c.follow_up_at <= now())
        where += [came_due, c.status != "closed"]
    return [*where, *_labelled(filters), *_searched(connection, filters.search, person)]


def _owned(owner: str, person: Person) -> list[Condition]:
    if owner == "nobody":
        # Not IS NULL, for which SQLite would take the index of the few that have one.
        return [func.coalesce(cases.c.owner_id, "") == ""]
    if owner:
        return [cases.c.owner_id == (person.id if owner == "me" else owner)]
    return []


def _labelled(filters: Filters) -> list[Condition]:
    """Of a topic, a region, a label, a tag."""
    found = []
    for facet in ("topic", "region", "label"):
        if getattr(filters, facet):
            query = select(case_facets.c.conversation_id).where(
                case_facets.c.facet == facet, case_facets.c.value == getattr(filters, facet)
            )
            found.append(cases.c.conversation_id.in_(query))
    if filters.tag:
        query = select(case_tags.c.conversation_id).where(case_tags.c.tag == filters.tag)
        found.append(cases.c.conversation_id.in_(query))
    return found


def _searched(connection: Connection, search: str, person: Person) -> list[Condition]:
    if not search:
        return []
    words = wanted(search)
    if not words:
        return [false()]
    return [cases.c.number.in_(matching(connection, words, person.may("act")))]


def in_tab(tab: str, person: Person) -> Condition:
    """What a case must be to stand in a tab."""
    c = cases.c
    return {
        "new": c.status == "new",
        "mine": and_(c.owner_id == person.id, c.status != "closed"),
        "all": c.messages > 0,
        "closed": c.status == "closed",
    }[tab]


def _count(connection: Connection, where: Sequence[Condition], person: Person) -> Mapping[str, int]:
    counted = [func.count().filter(in_tab(tab, person)).label(f"in_{tab}") for tab in TABS]
    row = connection.execute(select(*counted).select_from(cases).where(*where)).one()
    return {tab: int(row._mapping[f"in_{tab}"]) for tab in TABS}


def _page_of(
    connection: Connection,
    where: Sequence[Condition],
    filters: Filters,
    person: Person,
    offset: int,
) -> list[str]:
    """The ids of a page. Of what is new, those that the person has read come last."""
    query = select(cases.c.conversation_id).order_by(*_order(filters.sort))
    if filters.tab != "new":
        return _ids(connection, query.where(*where), PAGE, offset)
    read = cases.c.conversation_id.in_(_read_by(person))
    ids = _ids(connection, query.where(*where, not_(read)), PAGE, offset)
    if len(ids) < PAGE:
        unread = select(func.count()).select_from(cases).where(*where, not_(read))
        start = max(0, offset - connection.execute(unread).scalar_one())
        ids += _ids(connection, query.where(*where, read), PAGE - len(ids), start)
    return ids


def _ids(connection: Connection, query: Select[Any], count: int, offset: int) -> list[str]:
    return list(connection.execute(query.limit(count).offset(offset)).scalars())


def _order(sort: str) -> list[Any]:
    return [column if rises else column.desc() for column, rises in order(sort)]


def order(sort: str) -> list[tuple[Any, bool]]:
    """What cases are sorted by, and whether it rises."""
    c = cases.c
    urgent = [(c.priority, False), (c.last_at, False), (c.conversation_id, False)]
    if sort == "date":
        return [(c.last_at, False), (c.priority, False), (c.conversation_id, False)]
    if sort == "waiting":
        return [(c.waiting_since.is_(None), True), (c.waiting_since, True), *urgent]
    return urgent


def _read_by(person: Person) -> Select[Any]:
    """The conversations that the person has read to their end."""
    read = case_reads.c
    other = cases.alias("read_cases")
    same = read.conversation_id == other.c.conversation_id
    return (
        select(read.conversation_id)
        .join(other, same)
        .where(read.staff_id == person.id, read.position >= other.c.position)
    )


def _entries(connection: Connection, ids: Sequence[str], person: Person) -> tuple[Entry, ...]:
    mine = and_(
        case_reads.c.conversation_id == cases.c.conversation_id, case_reads.c.staff_id == person.id
    )
    rows = connection.execute(
        select(cases, staff.c.name.label("owner"), case_reads.c.position.label("read"))
        .outerjoin(staff, staff.c.id == cases.c.owner_id)
        .outerjoin(case_reads, mine)
        .where(cases.c.conversation_id.in_(ids))
    )
    found = {row.conversation_id: row for row in rows}
    openings, tags = _openings(connection, ids), _tags(connection, ids)
    facets = _facets(connection, ids)
    return tuple(
        Entry(
            case=(row := found[one]),
            unread=row.read is None or row.read < row.position,
            owner=row.owner,
            opening=openings.get(one, ""),
            tags=tuple(tags.get(one, ())),
            topics=tuple(facets.get((one, "topic"), ())),
            regions=tuple(facets.get((one, "region"), ())),
        )
        for one in ids
        if one in found
    )


def _openings(connection: Connection, ids: Sequence[str]) -> dict[str, str]:
    """The first words of each visitor."""
    own = inbox.c.conversation_id.in_(ids)
    said = and_(own, inbox.c.kind != "opened", inbox.c.text != "")
    first = (
        select(inbox.c.conversation_id, func.min(inbox.c.position).label("position"))
        .where(said)
        .group_by(inbox.c.conversation_id)
        .subquery()
    )
    same = and_(
        inbox.c.conversation_id == first.c.conversation_id, inbox.c.position == first.c.position
    )
    query = select(inbox.c.conversation_id, inbox.c.text).join(first, same)
    return {
        row.conversation_id: " ".join(row.text[: OPENING * 2].split())[:OPENING]
        for row in connection.execute(query)
    }


def _tags(connection: Connection, ids: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    query = select(case_tags).where(case_tags.c.conversation_id.in_(ids))
    for row in connection.execute(query.order_by(case_tags.c.tag)):
        found.setdefault(row.conversation_id, []).append(row.tag)
    return found


def _facets(connection: Connection, ids: Sequence[str]) -> dict[tuple[str, str], list[str]]:
    found: dict[tuple[str, str], list[str]] = {}
    query = select(case_facets).where(
        case_facets.c.conversation_id.in_(ids), case_facets.c.facet.in_(("topic", "region"))
    )
    for row in connection.execute(query.order_by(case_facets.c.value)):
        found.setdefault((row.conversation_id, row.facet), []).append(row.value)
    return found


def known_tags(connection: Connection) -> list[str]:
    """Every tag that a case has, by name."""
    query = select(case_tags.c.tag).distinct().order_by(case_tags.c.tag)
    return list(connection.execute(query).scalars())
