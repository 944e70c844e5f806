"""`mobilis bench console`: queue and figures of many conversations, as a browser asks for them.

A real front door in a process of its own, someone signed in, pages over HTTP on loopback. Beside
it, in the same run and on the same database, the queries that one would write without cases, their
indexes and the search: the facts of every conversation put together at each request, and LIKE.
These are asked for without HTTP, pages or counts, which favours them.
"""

from __future__ import annotations

import html
import re
import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import func, insert, literal, select, text, update

from mobilis import staff
from mobilis.demo import fill
from mobilis.measures import (
    BenchRefused,
    Target,
    described,
    latency,
    machine,
    shown,
    table,
    verdict,
)
from mobilis.models import case_reads, cases, conversations
from mobilis.priority import WEIGHTS
from mobilis.stack import Running, free_port
from mobilis.store import Database, migrate, now
from mobilis.usage import core_seconds

FOLDER = ".rasa/bench"
TARGET = 150.0  # milliseconds, p95
TARGETS = {"figures of a month": 1000.0, "figures of a year": 3000.0}  # of these groups
READ = 2000  # cases that whoever asks has read
SEED = 1
BASELINE_ROUNDS = 3
_TOKEN = re.compile(r'name="csrf" value="([^"]+)"')

# What is asked for, by group and name: the queries of the address.
ASKED: Mapping[str, Mapping[str, str]] = {
    "list": {
        "new": "",
        "mine": "tab=mine",
        "all": "tab=all",
        "closed": "tab=closed",
        "by date": "tab=all&sort=date",
        "by waiting": "tab=all&sort=waiting",
        "page 10": "tab=all&page=10",
        "page 1000": "tab=all&page=1000",
        "new, page 1000": "page=1000",
    },
    "filter": {
        "dates": "tab=all&since={since}&until={until}",
        "status": "tab=all&status=waiting",
        "owner: me": "tab=all&owner=me",
        "owner: nobody": "tab=all&owner=nobody",
        "tag": "tab=all&tag=presse",
        "language": "tab=all&language=en",
        "channel": "tab=all&channel=slack",
        "band": "tab=all&band=ready",
        "topic": "tab=all&topic=housing",
        "region": "tab=all&region=QC",
        "asked for a person": "tab=all&person=1",
        "not understood": "tab=all&missed=1",
        "follow-up due": "tab=all&due=1",
        "several": "tab=all&language=fr&region=QC&since={since}&sort=date",
    },
    "search": {
        "a name": "tab=all&search=B%C3%A9atrice+Sorel",
        "a reference": "tab=all&search={reference}",
        "an e-mail": "tab=all&search={email}",
        "a word": "tab=all&search=b%C3%A9n%C3%A9voles",
        "the beginning of a word": "tab=all&search=subv",
        "a frequent word": "tab=all&search=coach",
        "the most frequent": "tab=all&search=de",
        "two words": "tab=all&search=combien+temps",
        "a word nobody said": "tab=all&search=zirconium",
        "a word, filtered": "tab=all&search=logement&language=fr&person=1&sort=date",
    },
    "figures of a month": {
        "all": "",
        "a language": "language=en",
        "a channel": "channel=slack",
        "a region": "region=QC",
    },
    "figures of a year": {
        "all": "since={year_ago}",
        "a language": "since={year_ago}&language=en",
        "a region": "since={year_ago}&region=QC",
    },
}
# Where a group is asked for, when it is not the queue.
PLACES = dict.fromkeys(TARGETS, "figures")
_FACTS = """
SELECT c.id, c.last_at, {points} AS points
FROM conversations c
WHERE EXISTS (SELECT 1 FROM inbox i WHERE i.conversation_id = c.id AND i.kind <> 'opened') {where}
ORDER BY points DESC, c.last_at DESC LIMIT 50
"""
_POINTS = f"""
(CASE WHEN EXISTS (SELECT 1 FROM leads l WHERE l.conversation_id = c.id AND l.kind = 'person')
 THEN {WEIGHTS["person"]} ELSE 0 END)
+ (CASE (SELECT l.kind FROM leads l WHERE l.conversation_id = c.id AND l.kind <> 'person'
   ORDER BY l.created_at DESC LIMIT 1)
   WHEN 'coach' THEN {WEIGHTS["coach"]} WHEN 'interest' THEN {WEIGHTS["interest"]} ELSE 0 END)
+ (CASE (SELECT a.band FROM assessments a WHERE a.conversation_id = c.id
   ORDER BY a.created_at DESC LIMIT 1)
   WHEN 'ready' THEN {WEIGHTS["ready"]} WHEN 'nearly' THEN {WEIGHTS["nearly"]} ELSE 0 END)
"""
# The same as one of `ASKED` of each group, from the tables that the conversations leave behind.
BASELINE: Mapping[str, tuple[str, str]] = {
    "list": ("all", ""),
    "filter": (
        "not understood",
        "AND EXISTS (SELECT 1 FROM unhandled u WHERE u.conversation_id = c.id"
        " AND u.outcome = 'lost')",
    ),
    "search": (
        "a word nobody said",
        "AND EXISTS (SELECT 1 FROM inbox i WHERE i.conversation_id = c.id"
        " AND i.text LIKE '%zirconium%')",
    ),
}

Tell = Callable[[str], None]


@dataclass
class Taken:
    """What the requests of a kind took."""

    seconds: list[float] = field(default_factory=list)
    on_a_core: float = 0.0  # of the front door; what a busy machine makes wait is no part of it

    def add(self, seconds: float, on_a_core: float) -> None:
        """One request more."""
        self.seconds.append(seconds)
        self.on_a_core += on_a_core

    def report(self) -> dict[str, Any]:
        """In milliseconds."""
        core = round(self.on_a_core / len(self.seconds) * 1000, 1)
        return {**latency(self.seconds), "core": core}


def bench_console(
    root: Path, tell: Tell, conversations_wanted: int, rounds: int, keep: bool
) -> dict[str, Any]:
    """Fill a database, ask for every kind of page so often, and report.

    Raises:
        BenchRefused: a page was not answered.
        NotStarted: the front door did not start.
    """
    with _folder(root, keep) as folder:
        began = time.monotonic()
        database = _filled(root, folder, conversations_wanted, tell)
        where = {**machine(), "filling_seconds": round(time.monotonic() - began, 1)}
        password = secrets.token_urlsafe(16)
        known = _prepare(database, password)
        tell("asking without cases, indexes and search")
        before = _baseline(database)
        with _door(root, folder, database.url) as (address, pid):
            with httpx.Client(base_url=address, timeout=60, trust_env=False) as client:
                _sign_in(client, known["email_of_staff"], password)
                used = partial(core_seconds, pid)
                measured = _ask_all(client, known, rounds, tell, used)
        database.dispose()
    report = {
        "conversations": conversations_wanted,
        "rounds": rounds,
        "machine": where,
        "measured": measured,
        "baseline": before,
    }
    return {**report, "targets": [target._asdict() for target in _targets(measured)]}


@contextmanager
def _folder(root: Path, keep: bool) -> Iterator[Path]:
    if keep:
        folder = root / FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="mobilis-bench-") as name:
        yield Path(name)


def _filled(root: Path, folder: Path, wanted: int, tell: Tell) -> Database:
    """A database of so many conversations; one that was kept serves again."""
    path = folder / f"console-{wanted}.db"
    database = Database(f"sqlite:///{path}")
    if path.exists() and not _holds(database, wanted):
        database.dispose()
        for left in folder.glob(f"{path.name}*"):
            left.unlink()
        database = Database(f"sqlite:///{path}")
    if not path.exists():
        migrate(database.url)
        given = {"conversations_wanted": wanted, "seed": SEED, "weights": WEIGHTS, "tell": tell}
        fill(database, root, **given)  # type: ignore[arg-type]
    return database


def _holds(database: Database, wanted: int) -> bool:
    """Whether a kept database is of the newest schema and whole."""
    migrate(database.url)
    with database.read() as connection:
        count = connection.execute(select(func.count()).select_from(conversations)).scalar_one()
    return bool(count == wanted)


def _prepare(database: Database, password: str) -> dict[str, str]:
    """Someone who has cases and has read some; what they look for."""
    with database.write() as connection:
        email = f"bench-{secrets.token_hex(4)}@example.org"
        given = {"email": email, "name": "Bench", "role": "triager", "password": password}
        person = staff.add_person(connection, **given)
        open_cases = cases.c.status.in_(("in_progress", "waiting"))
        connection.execute(update(cases).where(open_cases).values(owner_id=person.id))
        read = select(
            cases.c.conversation_id, literal(person.id), cases.c.position, cases.c.last_at
        ).where(cases.c.status == "new")
        columns = ["conversation_id", "staff_id", "position", "at"]
        newest = read.order_by(cases.c.last_at.desc()).limit(READ)
        connection.execute(insert(case_reads).from_select(columns, newest))
        known = connection.execute(
            select(cases.c.reference, cases.c.email).where(cases.c.email.is_not(None)).limit(1)
        ).one()
    today = now().date()
    return {
        "email_of_staff": email,
        "reference": known.reference,
        "email": known.email,
        "since": today.replace(day=1).isoformat(),
        "until": today.isoformat(),
        "year_ago": (today - timedelta(days=364)).isoformat(),
    }


@contextmanager
def _door(root: Path, folder: Path, url: str) -> Iterator[tuple[str, int]]:
    """A front door on that database, whose brain is not there: nobody talks to it. Its address
    and its process."""
    address = f"http://127.0.0.1:{(port := free_port())}"
    environment = {
        "DATABASE_URL": url,
        "MOBILIS_PROJECT_DIR": str(root),
        "MOBILIS_DATA_DIR": str(folder),
        "MOBILIS_HOST": "127.0.0.1",
        "MOBILIS_PORT": str(port),
        "MOBILIS_BRAIN_PORT": str(free_port()),
        "MOBILIS_TRANSCRIPT_DAYS": "0",
        "MOBILIS_LEAD_DAYS": "0",
        "MOBILIS_LOG_LEVEL": "WARNING",
    }
    command = [sys.executable, "-m", "mobilis.web"]
    health = f"{address}/console/sign-in"
    running = Running(command, environment, root, folder / "console.log", health)
    try:
        yield address, running.root_pid
    finally:
        running.stop()


def _sign_in(client: httpx.Client, email: str, password: str) -> None:
    found = _TOKEN.search(client.get("/console/sign-in").text)
    token = html.unescape(found.group(1)) if found else ""
    fields = {"csrf": token, "email": email, "password": password}
    answer = client.post("/console/sign-in", data=fields)
    if answer.status_code != 303:
        raise BenchRefused(f"signing in was answered {answer.status_code}")


def _ask_all(
    client: httpx.Client,
    known: Mapping[str, str],
    rounds: int,
    tell: Tell,
    used: Callable[[], float],
) -> dict[str, dict[str, Any]]:
    """Every kind in each round, so that a busy moment of the machine hits all of them."""
    taken = {group: {name: Taken() for name in asked} for group, asked in ASKED.items()}
    for number in range(rounds + 1):
        tell(f"round {number} of {rounds}")
        for group, asked in ASKED.items():
            for name, query in asked.items():
                before = used()
                place = PLACES.get(group, "queue")
                seconds = _ask(client, f"{place}?{query.format(**known)}")
                if number:  # the first one warms up
                    taken[group][name].add(seconds, used() - before)
    return {
        group: {name: one.report() for name, one in asked.items()} for group, asked in taken.items()
    }


def _ask(client: httpx.Client, address: str) -> float:
    began = time.perf_counter()
    answer = client.get(f"/console/{address}")
    took = time.perf_counter() - began
    if answer.status_code != 200:
        raise BenchRefused(f"/console/{address} was answered {answer.status_code}")
    return took


def _baseline(database: Database) -> dict[str, dict[str, Any]]:
    found = {}
    for group, (name, where) in BASELINE.items():
        query = text(_FACTS.format(points=_POINTS, where=where))
        seconds = []
        for _ in range(BASELINE_ROUNDS):
            began = time.perf_counter()
            with database.read() as connection:
                connection.execute(query).all()
            seconds.append(time.perf_counter() - began)
        found[group] = {"same_as": name, **latency(seconds)}
    return found


def _targets(measured: Mapping[str, Mapping[str, Any]]) -> list[Target]:
    found = []
    for group, asked in measured.items():
        worst = max(asked, key=lambda name: asked[name]["p95"])
        p95 = asked[worst]["p95"]
        most = TARGETS.get(group, TARGET)
        wanted = f"{group}: p95 of each at most {most:.0f} ms"
        found.append(Target(wanted, f"{shown(p95)} ms ({worst})", p95 <= most))
    return found


def to_text(report: Mapping[str, Any]) -> str:
    """The report for people."""
    filled = report["machine"]["filling_seconds"]
    return "\n\n".join(
        (
            f"{report['conversations']} conversations on SQLite, {report['rounds']} requests of"
            f" each kind, one at a time; database made or found in {filled} s"
            f"\n{described(report['machine'])}",
            table(
                ("page, ms over HTTP", "p50", "p95", "p99", "on a core, mean"),
                _rows(report["measured"]),
            ),
            "The same without cases, indexes and search, without HTTP:",
            table(("query, ms", "p50", "console p50", "faster"), _against(report)),
            verdict(report),
        )
    )


def _rows(measured: Mapping[str, Mapping[str, Any]]) -> Iterator[Sequence[str]]:
    for group, asked in measured.items():
        for name, took in asked.items():
            yield (
                f"{group}: {name}",
                *(shown(took[share]) for share in ("p50", "p95", "p99", "core")),
            )


def _against(report: Mapping[str, Any]) -> Iterator[Sequence[str]]:
    for group, before in report["baseline"].items():
        name = before["same_as"]
        ours = report["measured"][group][name]["p50"]
        faster = f"{before['p50'] / ours:.0f}×"
        yield f"{group}: {name}", shown(before["p50"]), shown(ours), faster
