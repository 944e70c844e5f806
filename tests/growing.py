"""Journeys held over two front doors and two brains while one of each is killed, and what is found
in the database afterwards."""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, fields
from itertools import pairwise
from pathlib import Path

import httpx
from sqlalchemy import select

from mobilis.cluster import Cluster, Spread
from mobilis.errors import MobilisError
from mobilis.journeys import hold, load_journey
from mobilis.lines import WAIT_SECONDS, ApiLine
from mobilis.models import conversations, inbox, outbox, tracker_events
from mobilis.store import Database

AT_ONCE = 4  # journeys
PATIENCE_SECONDS = 240.0  # for one turn
KILLED = ("door", "brain")  # in turn, by whoever disturbs


@dataclass
class Found:
    """What became of the messages. All but the first three must be 0."""

    messages: int = 0  # of visitors, openings included
    answers: int = 0
    retaken: int = 0  # turns that failed and were taken again
    unanswered: int = 0
    given_up: int = 0  # the visitor was told to try again
    answered_twice: int = 0
    run_twice: int = 0  # by brains, and kept twice
    out_of_order: int = 0


@dataclass
class Outcome:
    """What happened."""

    journeys: int
    failures: list[str] = field(default_factory=list)
    kills: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    load: tuple[float, float] = (0.0, 0.0)
    found: Found = field(default_factory=Found)


def play_all(cluster: Cluster, files: Sequence[Path], database: Database, kills: int) -> Outcome:
    """Hold every journey, AT_ONCE at a time, while a front door and a brain are killed in turn:
    `kills` times at least, and as long as there are journeys."""
    outcome = Outcome(len(files))
    before, began, over = os.getloadavg()[0], time.monotonic(), threading.Event()

    def one(path: Path) -> None:
        try:
            _hold(cluster, path, outcome)
        except MobilisError as error:
            outcome.failures.append(str(error))

    def disturb() -> None:
        while not over.is_set() or sum(outcome.kills.values()) < kills:
            for kind in KILLED:
                outcome.kills[kind] += 1
                cluster.kill_next(kind)
            over.wait(1)

    disturbing = threading.Thread(target=disturb)
    disturbing.start()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(one, files))
    over.set()
    disturbing.join()
    _wait_for_rest(database)
    outcome.seconds = time.monotonic() - began
    outcome.load = before, os.getloadavg()[0]
    outcome.found = look(database)
    return outcome


class _Counting:
    """The processes as a journey kills them."""

    def __init__(self, cluster: Cluster, kills: Counter[str]) -> None:
        self._cluster, self._kills = cluster, kills

    def kill(self, name: str) -> None:
        self._kills[name] += 1
        self._cluster.kill(name)

    def restart(self, name: str) -> None:
        self._cluster.restart(name)


def _hold(cluster: Cluster, path: Path, outcome: Outcome) -> None:
    timeout = httpx.Timeout(WAIT_SECONDS + 10, connect=5)
    transport = Spread(cluster.bases)
    with httpx.Client(transport=transport, base_url="http://spread", timeout=timeout) as client:
        line = ApiLine(client, PATIENCE_SECONDS)
        hold(load_journey(path), line, _Counting(cluster, outcome.kills))


def _wait_for_rest(database: Database) -> None:
    """Until nothing waits: openings, say, that were asked for again elsewhere."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        with database.read() as connection:
            waiting = connection.execute(select(inbox.c.id).where(inbox.c.state == "pending"))
            if waiting.first() is None:
                return
        time.sleep(0.2)


def look(database: Database) -> Found:
    """What the database holds, conversation by conversation."""
    found = Found()
    with database.read() as connection:
        ids = list(connection.execute(select(conversations.c.id)).scalars())
        for conversation_id in ids:
            mine = inbox.c.conversation_id == conversation_id
            asked = connection.execute(select(inbox).where(mine).order_by(inbox.c.position)).all()
            theirs = outbox.c.conversation_id == conversation_id
            query = select(outbox).where(theirs).order_by(outbox.c.position)
            said = [row for row in connection.execute(query) if row.in_reply_to]
            heard = connection.execute(
                select(tracker_events.c.message_id).where(
                    tracker_events.c.conversation_id == conversation_id,
                    tracker_events.c.name == "user",
                    tracker_events.c.snapshot.is_(False),
                )
            ).scalars()
            _count(found, asked, said, Counter(heard))
    return found


def _count(found: Found, asked: Sequence[object], said: Sequence[object], heard: Counter) -> None:
    replies = [row.in_reply_to for row in said]
    order = [row.id for row in asked]
    found.messages += len(asked)
    found.answers += len(said)
    found.retaken += sum(row.attempts for row in asked)
    found.unanswered += sum(row.state == "pending" or row.id not in replies for row in asked)
    found.given_up += sum(row.state == "failed" for row in asked)
    # The replies to a message stand together: taken twice, they would stand apart.
    runs = [id for number, id in enumerate(replies) if not number or replies[number - 1] != id]
    found.answered_twice += sum(times - 1 for times in Counter(runs).values())
    found.run_twice += sum(times - 1 for times in heard.values())
    places = [order.index(id) for id in runs if id in order]
    found.out_of_order += sum(after < before for before, after in pairwise(places))


MUST_BE_NONE = tuple(one.name for one in fields(Found))[3:]


def to_markdown(outcome: Outcome, date: str) -> str:
    """The outcome, for docs/reliability.md."""
    killed = ", ".join(f"{kind} {outcome.kills[kind]}" for kind in sorted(outcome.kills))
    found = outcome.found
    rows = [
        ("journeys, as written", outcome.journeys - len(outcome.failures)),
        ("journeys that went otherwise", len(outcome.failures)),
        ("messages of visitors, openings included", found.messages),
        ("answers", found.answers),
        ("tries of a turn that failed, and were made again", found.retaken),
        ("messages without an answer", found.unanswered),
        ("messages whose visitor was told to try again", found.given_up),
        ("messages answered twice", found.answered_twice),
        ("messages kept twice by the brains", found.run_twice),
        ("answers out of order", found.out_of_order),
    ]
    lines = [
        f"{date}, {os.cpu_count()} cores, load {outcome.load[0]:.1f} before and"
        f" {outcome.load[1]:.1f} after: {outcome.journeys} journeys, {AT_ONCE} at once, in"
        f" {outcome.seconds:.0f} s, each request to the other front door than the one before."
        f" Killed with the signal KILL and started again: {killed}.",
        "",
        "| | |",
        "|---|---|",
        *(f"| {title} | {count} |" for title, count in rows),
    ]
    return "\n".join(lines)
