"""GET /console/queue: the cases, the most urgent first and why; the views that a person saved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from sqlalchemy.engine import Connection
from starlette.responses import Response

from mobilis import audit, saved_views
from mobilis import staff as people
from mobilis.assessment import fresh_assessment
from mobilis.casefile import label_title
from mobilis.cases import STATUSES, facts_of
from mobilis.content import LANGUAGES, fresh_content
from mobilis.dates import ZONE
from mobilis.errors import StaffError
from mobilis.facets import FACETS, Vocabulary, load_facets
from mobilis.numbers import whole
from mobilis.priority import read_weights, reasons
from mobilis.queue import (
    CHANNELS,
    PAGE,
    SORTS,
    TABS,
    Entry,
    Filters,
    Listing,
    known_tags,
    read_filters,
    read_queue,
)
from mobilis.saved_views import View
from mobilis.search import wanted
from mobilis.staff import Person
from mobilis.store import now
from mobilis.web.console.gate import Page, Visit

Option = tuple[str, str]  # a value, and what it is called


@dataclass(frozen=True)
class Found:
    """What the database knows for the page."""

    listing: Listing
    tags: Sequence[str]
    colleagues: Sequence[Person]
    views: Sequence[View]


async def queue(visit: Visit) -> Response:
    """The queue, as the address asks for it."""
    return await _page(visit, read_filters(visit.request.query_params))


async def save_view(visit: Visit) -> Response:
    """POST /console/queue/views: name what is looked at."""
    filters = _named(visit)
    try:
        await visit.door.write(
            saved_views.save_view, visit.person, visit.field("name"), filters.query()
        )
    except StaffError as error:
        return await _page(visit, filters, error.field)
    return visit.back_to(f"/queue?{filters.query()}")


async def delete_view(visit: Visit) -> Response:
    """POST /console/queue/views/{view}/delete."""
    view = visit.request.path_params["view"]
    if not await visit.door.write(saved_views.delete_view, visit.person, view):
        return visit.refuse(404, "not_found")
    return visit.back_to(f"/queue?{_named(visit).query()}")


def _named(visit: Visit) -> Filters:
    """The filters that a form about views was sent beside."""
    return read_filters(dict(parse_qsl(visit.field("query")[:2000])))


async def _page(visit: Visit, filters: Filters, problem: str = "") -> Response:
    found = await visit.door.read(_find, filters, visit.person)
    if filters.search:
        await visit.door.write(_note_search, visit.person, filters, found.listing.total)
    shown = _Shown(visit, filters, found)
    return visit.show(
        "queue.html",
        400 if problem else 200,
        here="queue",
        filters=filters,
        listing=found.listing,
        views=found.views,
        problem=problem,
        shown=shown,
        searchable=bool(wanted(filters.search)),
    )


def _find(connection: Connection, filters: Filters, person: Person) -> Found:
    return Found(
        listing=read_queue(connection, filters, person),
        tags=known_tags(connection),
        colleagues=[one for one in people.everyone(connection) if one.active],
        views=saved_views.views_of(connection, person),
    )


def _note_search(connection: Connection, person: Person, filters: Filters, found: int) -> None:
    """Someone was looked up, or something: how, but not what was typed."""
    detail = {"words": len(wanted(filters.search)), "found": found}
    audit.record(connection, person.id, "queue.searched", "queue", detail)


class _Shown:
    """What the template shows, in the words of the person's language."""

    def __init__(self, visit: Visit, filters: Filters, found: Found) -> None:
        self._words = visit.door.wording.console["queue"]
        self._language = visit.language
        self._project = visit.door.settings.project_dir
        self._vocabulary = _vocabulary(self._project)
        self._content = fresh_content(self._project)
        self._hub = visit.door.hub
        self._weights = read_weights(visit.door.settings.priority)
        self._moment = now()
        self._filters = filters
        self._found = found
        self._sees_contact = visit.person.may("act")

    def word(self, key: str, **values: Any) -> str:
        """A sentence of content/console/queue.yml."""
        return self._words[key][self._language].format(**values)

    def called(self, name: str, value: str) -> str:
        """What the value of a filter is called; itself when nothing calls it."""
        if name in ("topic", "region") and value in FACETS[name]:
            return self._vocabulary.title(name, value, self._language)
        if name == "label":
            return self._label(value)
        if name == "owner" and value not in ("me", "nobody"):
            names = {one.id: one.name for one in self._found.colleagues}
            return names.get(value, value)
        key = f"{name}_{value}"
        return self.word(key) if key in self._words else value

    def _label(self, label: str) -> str:
        """What a label means."""
        return label_title(self._content, label, self._language) or label

    def number(self, count: int) -> str:
        """A number as it is written: « 12 000 », "12,000"."""
        return whole(count, self._language)

    def found(self) -> str:
        """How many cases there are, and which of them the page shows."""
        listing = self._found.listing
        if listing.total < 2:
            return self.word("found_one" if listing.total else "found_none")
        first = (listing.page - 1) * PAGE + 1
        last = first + len(listing.entries) - 1
        numbers = {"total": listing.total, "first": first, "last": last}
        return self.word("found_many", **{name: self.number(n) for name, n in numbers.items()})

    def selects(self) -> Iterator[tuple[str, Sequence[Option]]]:
        """The filters that are chosen from a list, with what they offer."""
        offered: Mapping[str, Sequence[str]] = {
            "status": STATUSES if self._filters.tab in ("mine", "all") else (),
            "owner": ("me", "nobody", *(one.id for one in self._found.colleagues)),
            "tag": self._found.tags,
            "language": LANGUAGES,
            "channel": CHANNELS,
            "band": tuple(fresh_assessment(self._project).bands),
            "topic": FACETS["topic"],
            "region": FACETS["region"],
            "label": sorted((f"faq/{one}" for one in self._content.faqs), key=self._label),
        }
        for name, values in offered.items():
            chosen = getattr(self._filters, name)
            values = [*values, *([chosen] if chosen and chosen not in values else [])]
            if values:
                yield name, [(value, self.called(name, value)) for value in values]

    def sorts(self) -> list[Option]:
        """The orders."""
        return [(sort, self.word(f"sort_{sort}")) for sort in SORTS]

    def tabs(self) -> list[dict[str, Any]]:
        """The tabs, each with its address and how many cases it holds under these filters."""
        status = "" if self._filters.tab in ("new", "closed") else self._filters.status
        kept = {"all": status, "mine": status}
        return [
            {
                "name": tab,
                "label": self.word(f"tab_{tab}"),
                "count": self.number(self._found.listing.counts[tab]),
                "query": self._filters.query(tab=tab, status=kept.get(tab, "")),
            }
            for tab in TABS
        ]

    def chips(self) -> list[Option]:
        """Each filter that is set: the query without it, and what it says."""
        found = []
        for name, value in self._filters.narrowing.items():
            without = self._filters.query(**{name: getattr(Filters(), name)})
            label = self.word(name)
            if value is not True:
                label = self.word("chip", name=label, value=self.called(name, str(value)))
            found.append((without, label))
        return found

    def rows(self) -> Iterator[dict[str, Any]]:
        """The cases as the table shows them."""
        for entry in self._found.listing.entries:
            yield {**self._who(entry), **self._what(entry), **self._when(entry)}

    def _who(self, entry: Entry) -> dict[str, Any]:
        case = entry.case
        known = case.name or case.organization
        name = case.name or case.organization or self.word("no_contact")
        opening, no_opening = entry.opening, self.word("no_words")
        if not self._sees_contact:
            name = self.word("contact_masked") if known else name
            opening, no_opening = "", self.word("words_masked")
        return {
            "id": case.conversation_id,
            "name": name,
            "organization": case.organization if self._sees_contact and case.name else None,
            "reference": case.reference,
            "opening": opening,
            "no_opening": no_opening,
            "speaks": case.language,
            "unread": entry.unread,
            "is_there": self._hub.is_heard(case.conversation_id),
        }

    def _what(self, entry: Entry) -> dict[str, Any]:
        case = entry.case
        facts = facts_of(case._mapping)
        missed = case.not_understood
        return {
            "priority": case.priority,
            "reasons": [
                (self.word(f"reason_{name}"), points)
                for name, points in reasons(facts, self._weights, self._moment)
            ],
            "band": self.called("band", case.band) if case.band else None,
            "labels": [
                *(self.called("topic", topic) for topic in entry.topics),
                *(self.called("region", region) for region in entry.regions),
            ],
            "tags": entry.tags,
            "language": self.called("language", case.language),
            "channel": self.called("channel", case.channel),
            "status": self.called("status", case.status),
            "owner": entry.owner or self.word("no_owner"),
            "missed": self.word("missed_many" if missed > 1 else "missed_one", count=missed)
            if missed
            else None,
        }

    def _when(self, entry: Entry) -> dict[str, Any]:
        case = entry.case
        since, follow_up = case.waiting_since, case.follow_up_at or case.resurfaced_at
        return {
            "waiting": self._waited(since) if since else None,
            "last": (case.last_at.isoformat(), _local(case.last_at)),
            "follow_up": _local(follow_up)[:10] if follow_up else None,
            "overdue": follow_up is not None and follow_up <= self._moment,
        }

    def _waited(self, since: datetime) -> str:
        minutes = int((self._moment - since).total_seconds() // 60)
        if minutes < 1:
            return self.word("waits_now")
        if minutes < 60:
            return self.word("waits_minutes", count=minutes)
        if minutes < 24 * 60:
            return self.word("waits_hours", count=minutes // 60)
        days = minutes // (24 * 60)
        return self.word("waits_days" if days > 1 else "waits_day", count=days)


def _local(moment: datetime) -> str:
    """A moment where staff are, written as in both languages."""
    return moment.astimezone(ZONE).strftime("%Y-%m-%d %H:%M")


@lru_cache(maxsize=1)
def _vocabulary(root: Path) -> Vocabulary:
    return load_facets(root)


PAGES = (
    Page("/queue", queue, "read"),
    Page("/queue/views", save_view, "read", "POST"),
    Page("/queue/views/{view}/delete", delete_view, "read", "POST"),
)
