"""Searching the cases: which words each one holds, and the cases that hold some.

Accents and capitals are taken away on both sides, and a word finds those that begin with it. What
is looked for never reaches a database as syntax: only its words do, each quoted. Called by
mobilis/cases.py, which keeps the words, and by mobilis/queue.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import bindparam, column, insert, select, table, text, update
from sqlalchemy.engine import Connection, Row
from sqlalchemy.sql import Select

from mobilis.models import case_texts, inbox, leads, outbox
from mobilis.store import own
from mobilis.text import plain, unaccented

INDEX = "case_search"  # everything that a database has for it is named so, or begins so
MOST_WORDS = 8  # of a search
LONGEST_WORD = 40
BEGINNING = 3  # letters from which a word also finds those that begin with it
LONGEST_TEXT = 100_000  # characters kept of a case
FEW = 2000  # matches: so many are looked up one by one

_KNOWN = select(case_texts).where(own(case_texts))
_HEARD = select(inbox.c.text).where(own(inbox)).order_by(inbox.c.position)
_TOLD = select(outbox.c.content).where(own(outbox)).order_by(outbox.c.position)
_CONTACT = (
    select(leads.c.name, leads.c.organization, leads.c.email, leads.c.message, leads.c.reference)
    .where(own(leads))
    .order_by(leads.c.created_at)
)

_WORD = re.compile(r"[^\W_]+")
_VECTOR = (
    "(setweight(to_tsvector('french', said) || to_tsvector('english', said), 'A') ||"
    " setweight(to_tsvector('french', contact) || to_tsvector('english', contact), 'B'))"
)
_QUERY = "(to_tsquery('french', :search) || to_tsquery('english', :search))"


def words(said: str) -> list[str]:
    """The words of a text, without accents and capitals."""
    return _WORD.findall(unaccented(plain(said)))


def wanted(search: str) -> list[str]:
    """The words that a search asks for; letters alone say nothing where there are words."""
    found = [word[:LONGEST_WORD] for word in dict.fromkeys(words(search))]
    return ([word for word in found if len(word) > 1] or found)[:MOST_WORDS]


def matching(connection: Connection, search: Sequence[str], contact: bool) -> Any:
    """The numbers of the cases that hold every word: a list when they are few, else a query.

    Without `contact`, what people gave of themselves is left out.
    """
    query = _on_sqlite(search, contact)
    if connection.dialect.name == "postgresql":
        query = _on_postgresql(search, contact)
    few = connection.execute(query.limit(FEW + 1)).scalars().all()
    return list(few) if len(few) <= FEW else query


def _on_sqlite(search: Sequence[str], contact: bool) -> Select[Any]:
    terms = " AND ".join(f'"{word}"{"*" if len(word) >= BEGINNING else ""}' for word in search)
    index = table(INDEX, column("rowid"))
    match = text(f"{INDEX} MATCH :search")
    looked_for = terms if contact else f"said : ({terms})"
    return select(index.c.rowid).where(match.bindparams(bindparam("search", looked_for)))


def _on_postgresql(search: Sequence[str], contact: bool) -> Select[Any]:
    where = "" if contact else "A"
    ends = {word: f"*{where}" if len(word) >= BEGINNING else where for word in search}
    terms = " & ".join(f"{word}:{end}" if end else word for word, end in ends.items())
    match = text(f"{_VECTOR} @@ {_QUERY}")
    return select(case_texts.c.number).where(match.bindparams(bindparam("search", terms)))


def keep_words(connection: Connection, conversation_id: str) -> int:
    """Keep the words of a case, or keep them again; its number."""
    here = {"own": conversation_id}
    values = {
        "said": join(_said(connection, conversation_id)),
        "contact": join(_given(connection, conversation_id)),
    }
    known: Row[Any] | None = connection.execute(_KNOWN, here).one_or_none()
    if known is None:
        row = {"conversation_id": conversation_id, **values}
        return int(connection.execute(insert(case_texts), row).inserted_primary_key[0])
    if (known.said, known.contact) != (values["said"], values["contact"]):
        connection.execute(update(case_texts).where(own(case_texts)), {**here, **values})
    return int(known.number)


def forget_erased(connection: Connection) -> None:
    """Write SQLite's index anew, which else keeps erased words in its file, although it finds
    nothing by them, until it is next merged. (A second with 200 000 cases.)"""
    if connection.dialect.name == "sqlite":
        connection.execute(text(f"INSERT INTO {INDEX} ({INDEX}) VALUES ('optimize')"))


def join(texts: Iterable[str | None]) -> str:
    """Texts as they are kept: their words alone."""
    return " ".join(word for said in texts if said for word in words(said))[:LONGEST_TEXT]


def _said(connection: Connection, conversation_id: str) -> list[str]:
    """What the visitor said, then what people of staff did. (The assistant says the same to
    thousands: who looks for its words wants none of them.)"""
    here = {"own": conversation_id}
    answers = connection.execute(_TOLD, here).scalars()
    by_staff = [str(one["text"]) for one in answers if one.get("role", "assistant") != "assistant"]
    return [*connection.execute(_HEARD, here).scalars(), *by_staff]


def _given(connection: Connection, conversation_id: str) -> list[str | None]:
    return [
        value for row in connection.execute(_CONTACT, {"own": conversation_id}) for value in row
    ]
