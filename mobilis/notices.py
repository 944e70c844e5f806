"""What admins may change of what the assistant says: its notices, and addresses of the programme.

The files, content/notices.yml and content/programme.yml, are the default. What an admin wrote in
the console stands in the table `overrides` and is said in its place from the next message on: the
actions and the front door's pages take their content from `current_content`. Called by the console
too, whose changes are in the history (mobilis/edits.py).
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.engine import Connection

from mobilis import edits
from mobilis.content import LANGUAGES, Content, Faq, fresh_content, is_linkable, notice_problem
from mobilis.edits import Kind, State
from mobilis.errors import EditError, StoreError
from mobilis.freshness import LOOK_SECONDS
from mobilis.models import overrides
from mobilis.seeing.logs import tell_refusal
from mobilis.settings import ROOT
from mobilis.store import Database

NOTICE_FIELDS = ("fr", "en", "shown")
URL_LENGTH = 300
# Who asks about the law is always told that the answer is no legal advice.
ALWAYS = frozenset(("general_information",))

Overrides = Mapping[tuple[str, str], State]  # (kind, key) → what is said in the file's place

logger = logging.getLogger(__name__)


# What the assistant says


def current_content(root: Path, database: Database) -> Content:
    """The content of the files with what admins wrote, as it was a second ago at most.

    While the database does not answer, what was known of it last is said.

    Raises:
        ContentError: as `load_content`.
    """
    return with_overrides(fresh_content(root), _watch(database).known())


def with_overrides(content: Content, known: Overrides) -> Content:
    """The content with what admins wrote; notices that they turned off are left out."""
    if not known:
        return content
    notices = {key: dict(text) for key, text in content.notices.items()}
    links = dict(content.links)
    for (kind, key), state in known.items():
        if kind == NOTICE.name and key in notices:
            notices[key] = {language: state[language] for language in LANGUAGES}
            if not state["shown"]:
                del notices[key]
        elif kind == LINK.name and key in links:
            links[key] = replace(links[key], url={code: state[code] for code in LANGUAGES})
    return replace(content, notices=notices, links=links)


def read_overrides(connection: Connection) -> Overrides:
    """Everything that is said in the place of the files."""
    return {(row.kind, row.key): row.data for row in connection.execute(select(overrides))}


class _Watch:
    """What admins wrote into one database, looked at again after a second."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: Overrides = {}
        self._until = 0.0
        self._looking = threading.Lock()

    def known(self) -> Overrides:
        with self._looking:
            if time.monotonic() >= self._until:
                self._look()
                self._until = time.monotonic() + LOOK_SECONDS
            return self._known

    def _look(self) -> None:
        try:
            with self._database.read() as connection:
                self._known = read_overrides(connection)
        except StoreError as error:
            tell_refusal(logger, "what admins wrote cannot be read", error)


@lru_cache(maxsize=4)
def _watch(database: Database) -> _Watch:
    return _Watch(database)


# Editing


@dataclass(frozen=True)
class Item:
    """A notice or an address as the console shows it. States are {"fr", "en"}, and for a notice
    "shown"."""

    kind: str
    key: str
    state: State
    file: State  # what the file says
    edited: bool
    file_changed: bool  # the file said something else when the console's text was written
    may_be_empty: bool  # it may be turned off; its address may be unknown
    revision: int


def items(connection: Connection, content: Content) -> list[Item]:
    """Everything that can be edited, in the files' order."""
    keys = [(NOTICE.name, key) for key in content.notices]
    keys += [(LINK.name, key) for key in content.links]
    found = [find_item(connection, content, kind, key) for kind, key in keys]
    return [item for item in found if item]


def find_item(connection: Connection, content: Content, kind: str, key: str) -> Item | None:
    """One of them, if there is such a thing in the files."""
    file = _of_file(content, kind, key)
    if kind not in KINDS or file is None:
        return None
    own = (overrides.c.kind == kind, overrides.c.key == key)
    row = connection.execute(select(overrides).where(*own)).one_or_none()
    return Item(
        kind=kind,
        key=key,
        state=row.data if row else file,
        file=file,
        edited=row is not None,
        file_changed=row is not None and row.default != file,
        may_be_empty=content.links[key].may_be_unknown if kind == LINK.name else key not in ALWAYS,
        revision=edits.revision(connection, kind, key),
    )


def problems(kind: str, given: State, content: Content, key: str) -> dict[str, str]:
    """What will not do of what was given: {field: why}; empty when all is well."""
    if kind == LINK.name:
        needed = not content.links[key].may_be_unknown
        found = {code: _link_problem(given[code], needed) for code in LANGUAGES}
    else:
        found = {code: notice_problem(given[code]) for code in LANGUAGES}
        if not given["shown"] and key in ALWAYS:
            found["shown"] = "always"
    return {field: problem for field, problem in found.items() if problem}


def save(
    connection: Connection, actor: str, kind: str, key: str, seen: str, state: State
) -> int | None:
    """Say something else from the next message on; the number of the change, if it changes a thing.

    Raises:
        EditError: stale.
    """
    edits.check_seen(connection, kind, key, seen)
    number = edits.change(connection, KINDS[kind], actor, key, state)
    if number is None:  # the same again, but the file may have changed: it was seen
        KINDS[kind].write(connection, key, state)
    return number


def said_with(content: Content, kind: str, key: str) -> list[Faq]:
    """The questions whose answer says a notice or gives an address."""
    return [
        faq
        for faq in content.faqs.values()
        if key in (faq.notices if kind == NOTICE.name else faq.links)
    ]


def _link_problem(url: str | None, needed: bool) -> str | None:
    if not url:
        return "address_needed" if needed else None
    if len(url) > URL_LENGTH:
        return "address_long"
    return None if is_linkable(url) else "address"


def _of_file(content: Content, kind: str, key: str) -> State | None:
    if kind == NOTICE.name:
        text = content.notices.get(key)
        return {**text, "shown": True} if text else None
    link = content.links.get(key)
    return {code: link.url.get(code) for code in LANGUAGES} if link else None


def _kind(name: str) -> Kind:
    def read(connection: Connection, key: str) -> State | None:
        own = (overrides.c.kind == name, overrides.c.key == key)
        data = connection.execute(select(overrides.c.data).where(*own)).scalar()
        return dict(data) if data else _of_file(fresh_content(ROOT), name, key)

    def write(connection: Connection, key: str, state: State | None) -> None:
        default = _of_file(fresh_content(ROOT), name, key)
        own = (overrides.c.kind == name, overrides.c.key == key)
        connection.execute(delete(overrides).where(*own))
        if state != default:
            values: dict[str, Any] = {"data": dict(state or {}), "default": default}
            connection.execute(insert(overrides).values(kind=name, key=key, **values))

    def check(connection: Connection, key: str, state: State | None) -> None:
        content = fresh_content(ROOT)
        if state is None or _of_file(content, name, key) is None:
            raise EditError("gone")
        if problems(name, state, content, key):
            raise EditError("rules")

    return Kind(name, read, write, check)


NOTICE, LINK = _kind("notice"), _kind("link")
KINDS = {kind.name: kind for kind in (NOTICE, LINK)}
