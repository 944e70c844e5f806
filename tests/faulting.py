"""Faults, one after the other, in the whole assistant as `mobilis up` runs it: its processes are
killed or stopped at a named point of a turn (tests/fault_hook), its database stops, is locked or
full, its clock is wrong, connections break off. Visitors go on as the widget does.

Afterwards each conversation is held against one in which nothing went wrong. Whoever runs this gets
a `Count` of each, and judges it. Processes are ended by their id.
"""

from __future__ import annotations

import html
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import httpx
from fakes.slack import SIGNING_SECRET, FakeSlack, Person, Team
from fault_visits import (
    PATIENCE_SECONDS,
    SAID,
    Count,
    Exchange,
    Visit,
    exchanges,
    wait_for,
)
from loopback import loopback_client
from mail_servers import MailServer
from processes import Postgres, Stack
from sqlalchemy import func, select, update
from talks import Talk

from mobilis import casework, staff
from mobilis.content import LANGUAGES
from mobilis.mails import Office, Written, reply
from mobilis.measures import table
from mobilis.models import announcement_targets, cases, deliveries, leads, mails
from mobilis.priority import WEIGHTS
from mobilis.settings import ROOT
from mobilis.store import Database, now

HOOK = ROOT / "tests" / "fault_hook"
NOTICES = "CSTAFF"  # the channel of Slack in which staff are told
OFFICE = Office("exemple.ca", "", 48)
OUTAGE_SECONDS, LOCK_SECONDS, HANG_SECONDS = 5.0, 10.0, 20.0
CLOCK = (3600.0, -3600.0, 0.0)  # seconds by which it is wrong, one after the other
CUTS = 5  # visits whose streams are cut
DISK_SIZE = "6m"

DOOR = (
    *("open.before", "open.after", "take_in.before", "take_in.after", "acknowledge.after"),
    *("hand_over.before", "hand_over.after", "close.before", "close.after", "closed.after"),
    *("stream.before", "stream.after", "note_told.before", "note_told.after"),
)
BRAIN = (
    *("brain_turn.before", "tracker_read.after", "action_call.before", "action_call.after"),
    *("tracker_save.before", "tracker_save.after", "brain_turn.after"),
)
ACTIONS = ("action.before", "lead.before", "lead.after", "lead_kept.after", "action.after")
SLACK = (
    *("take_delivery.after", "show.before", "show.after"),
    *("note_shown.before", "note_shown.after"),
)
MAIL = (
    *("mail_begin.before", "mail_begin.after", "mail_hand_over.after"),
    *("mail_settle.before", "mail_settle.after"),
)
NOTE = ("note.before", "note.after", "deed.after")
PUBLIC_URL = "https://chat.example.org"
PASSWORD = "une phrase de passe assez longue"


class World:
    """The whole assistant and its faults, a Slack and a mail server beside it."""

    def __init__(
        self, folder: Path, database_url: str, slack: FakeSlack, mail_server: MailServer
    ) -> None:
        self.slack, self.mail_server = slack, mail_server
        self.faults = folder / "faults"
        self.faults.mkdir(parents=True)
        self.stack = Stack(folder, database_url, environment=self._environment())
        self.database = Database(self.stack.settings.database)
        self._people = iter(range(1, 10_000))
        self._expected: dict[str, list[Exchange]] = {}
        with self.database.write() as connection:  # the setting is not of today: see step_clock
            long_ago = now() - timedelta(days=1)
            connection.execute(update(announcement_targets).values(since=long_ago))
        for language in LANGUAGES:
            self._visit_in_peace(language)

    def stop(self) -> None:
        self.database.dispose()
        self.stack.stop()

    def _environment(self) -> dict[str, str]:
        return {
            "PYTHONPATH": os.pathsep.join((str(HOOK), str(ROOT))),
            "FAULTS": str(self.faults),
            "MOBILIS_TURN_TIMEOUT": "10",
            "MOBILIS_PUBLIC_URL": PUBLIC_URL,
            "MOBILIS_SLACK_SIGNING_SECRET": SIGNING_SECRET,
            "MOBILIS_SLACK_BOT_TOKEN": Team.token,
            "MOBILIS_SLACK_API_URL": self.slack.base,
            "MOBILIS_NOTICES_SLACK": f"T1/{NOTICES}",
            "MOBILIS_SMTP_URL": self.mail_server.url,
            "MOBILIS_MAIL_FROM": "Équipe <equipe@exemple.ca>",
            "MOBILIS_MAIL_BACKOFF": "1",
        }

    def _visit_in_peace(self, language: str) -> None:
        """Keep what is answered where nothing goes wrong."""
        visit = Visit(self.stack.base, language)
        for number in range(len(SAID[language])):
            visit.say(number)
        self._expected[language] = exchanges(visit.history())
        count = self._judge(visit)
        assert count.is_harmless and not count.told, (count, self._expected)

    # --- at a point of a turn

    @contextmanager
    def _armed(self, point: str, what: str = "kill") -> Iterator[Path]:
        """Have the process that next comes to `point` killed, or stopped. One must have come there
        by the end of the block; the file that is given tells."""
        asked, struck = self.faults / point, self.faults / f"{point}-struck"
        struck.unlink(missing_ok=True)
        half = self.faults / "half"
        half.write_text(what)
        half.rename(asked)
        yield struck
        wait_for(struck.exists)

    def disarm(self) -> None:
        """Forget what was to happen, and has not."""
        for asked in self.faults.glob("*.*"):
            asked.unlink()

    def kill_at(
        self,
        point: str,
        language: str,
        then: Callable[[], Any] = lambda: None,
        what: str = "kill",
    ) -> Count:
        """A visit in whose second turn, or as it is opened, a process is killed at a point, and
        `then` something more happens; a visitor of the other language writes meanwhile."""
        self.stack.wait_until_ready()
        if point.startswith("open."):
            with self._armed(point):
                visit = Visit(self.stack.base, language)
            visit.say(0)
            return self._end([visit], 1)
        visits = self._begin(language)
        with ThreadPoolExecutor(2) as people, self._armed(point, what) as struck:
            talks = [people.submit(visits[0].say, 1)]
            talks.append(people.submit(_say_after, struck.exists, visits[1]))
            wait_for(struck.exists)
            then()
            for talk in talks:
                talk.result()
        return self._end(visits, 2)

    def stop_at(self, point: str, language: str, name: str, meanwhile: Callable[[], Any]) -> Count:
        """The same with a process that stands still in the midst of it, while something happens."""
        pid = self.stack.pid(name)
        return self.kill_at(point, language, lambda: self._resume(pid, meanwhile), "stop")

    def _resume(self, pid: int, meanwhile: Callable[[], Any]) -> None:
        try:
            meanwhile()
        finally:
            os.kill(pid, signal.SIGCONT)

    # --- around turns

    def during(self, language: str, fault: Callable[[], Any]) -> Count:
        """Two visits whose second turns begin when a fault does."""
        self.stack.wait_until_ready()
        visits = self._begin(language)
        with ThreadPoolExecutor(3) as people:
            doing = [people.submit(fault), *(people.submit(visit.say, 1) for visit in visits)]
            for one in doing:
                one.result()
        return self._end(visits, 2)

    def lock_sqlite(self) -> None:
        """Nobody else may write for a while."""
        path = self.stack.settings.database.removeprefix("sqlite:///")
        with sqlite3.connect(path, timeout=60, isolation_level=None) as connection:
            connection.execute("BEGIN EXCLUSIVE")
            time.sleep(LOCK_SECONDS)
            connection.execute("ROLLBACK")

    def step_clock(self, seconds: float) -> None:
        """The clock of the store is wrong from now on."""
        (self.faults / "clock").write_text(str(seconds))

    def cut_streams(self, language: str, chance: Random) -> Count:
        """A visit whose event stream breaks off again and again."""
        visit = Visit(self.stack.base, language, lambda: chance.uniform(0, 0.4))
        visit.say(0)
        return self._end([visit], 1)

    # --- Slack and e-mails

    def kill_on_slack(self, point: str, language: str) -> Count:
        """Somebody asks on Slack, and the front door is killed while the answer is shown."""
        self.stack.wait_until_ready()
        user = f"U{next(self._people):04}"
        self.slack.teams["T1"].locales[user] = "fr-FR" if language == "fr" else "en-US"
        known = self._references()
        with loopback_client(base_url=self.stack.base, timeout=15) as http:
            person = Person(self.slack, http, user=user)
            body = person.event(person.said(SAID[language][1]))
            with self._armed(point):
                _bring(person, body)
            _bring(person, body)  # the platform insists
        wait_for(lambda: self._references() - known)
        [reference] = self._references() - known

        def times_shown() -> int:
            posts = [post for post in list(self.slack.posts) if post.channel == person.direct]
            return sum(reference in post.text for post in posts)

        with suppress(AssertionError):
            wait_for(times_shown)
        wait_for(self._all_is_shown)
        times = times_shown()
        return Count(1, 1, lost=int(times < 1), doubled=max(0, times - 1))

    def _references(self) -> set[str]:
        with self.database.read() as connection:
            return set(connection.execute(select(leads.c.reference)).scalars())

    def _all_is_shown(self) -> bool:
        open_ones = deliveries.c.state.in_(("pending", "sending"))
        with self.database.read() as connection:
            return not connection.execute(
                select(func.count()).select_from(deliveries).where(open_ones)
            ).scalar_one()

    def kill_mail(self, point: str, language: str) -> Count:
        """Staff write to somebody, and the front door is killed while the e-mail is sent. It
        arrives once; where nobody can know whether it did, it is not sent again: staff are told."""
        self.stack.wait_until_ready()
        talk = Talk(self.database, language)
        address, subject = f"{uuid.uuid4().hex[:8]}@exemple.ca", f"Sujet {talk.id}"
        talk.lead("interest", name="Marie Roy", email=address)
        talk.project()
        with self._armed(point):
            self._write(talk, address, subject)
        wait_for(lambda: self._mail(talk)[0] in ("sent", "failed"))
        arrived = sum(mail["Subject"] == subject for mail in list(self.mail_server.taken))
        doubtful = self._mail(talk) == ("failed", "doubtful")
        return Count(1, told=int(doubtful), kept=1, kept_wrong=int(arrived != 1 and not doubtful))

    def kill_note(self, point: str, language: str) -> Count:
        """A colleague sends a note, and the front door is killed; they send the form again, as it
        is, until it is taken."""
        self.stack.wait_until_ready()
        talk = Talk(self.database, language)
        talk.lead("person")
        talk.project()
        page = f"/console/cases/{talk.id}"
        with self._colleague(language) as http:
            form = {
                name: html.unescape(value)
                for name, value in re.findall(
                    r'name="(csrf|seen|key)" value="([^"]*)"', http.get(page).text
                )
            }
            with self._armed(point):
                wait_for(lambda: _is_taken(http, f"{page}/notes", {**form, "text": "Rappeler."}))
            found = http.get(page).text.count('<p class="said">Rappeler.')
        return Count(1, kept=1, kept_wrong=int(found != 1))

    @contextmanager
    def _colleague(self, language: str) -> Iterator[httpx.Client]:
        """Somebody of staff who has signed in."""
        email = f"{uuid.uuid4().hex[:8]}@exemple.ca"
        with self.database.write() as connection:
            known = {"name": "Ariane Un", "role": "triager", "password": PASSWORD}
            staff.add_person(connection, email=email, language=language, **known)
        origin = {"Origin": PUBLIC_URL, "Sec-Fetch-Site": "same-origin"}
        with loopback_client(base_url=self.stack.base, headers=origin) as http:
            shown = http.get("/console/sign-in").text
            csrf = re.findall(r'name="csrf" value="([^"]+)"', shown)[0]
            _without_tls(http)
            given = {"csrf": csrf, "email": email, "password": PASSWORD}
            assert http.post("/console/sign-in", data=given).status_code == 303
            _without_tls(http)
            yield http

    def _mail(self, talk: Talk) -> tuple[str, str]:
        query = select(mails.c.state, mails.c.problem).where(mails.c.conversation_id == talk.id)
        with self.database.read() as connection:
            row = connection.execute(query).one()
        return row.state, row.problem or ""

    def _write(self, talk: Talk, address: str, subject: str) -> None:
        email = f"{uuid.uuid4().hex[:8]}@exemple.ca"
        with self.database.write() as connection:
            person = staff.add_person(connection, email=email, name="Ariane Un", role="triager")
            query = select(cases.c.changed_at).where(cases.c.conversation_id == talk.id)
            seen = casework.stamp(connection.execute(query).scalar_one())
            form = Written(uuid.uuid4().hex, seen, address, talk.language, subject, "Voici.")
            reply(connection, person, talk.id, form, OFFICE, WEIGHTS)

    # --- what came of it

    def _begin(self, language: str) -> list[Visit]:
        """A visit in a language and one in the other, after their first turns."""
        both = sorted(LANGUAGES, key=lambda one: one != language)
        visits = [Visit(self.stack.base, one) for one in both]
        for visit in visits:
            visit.say(0)
        return visits

    def _end(self, visits: list[Visit], said: int) -> Count:
        """Say what is left to say and judge."""
        total = Count(times=1)
        for visit in visits:
            for number in range(said, len(SAID[visit.language])):
                visit.say(number)
            total = total.plus(self._judge(visit))
        return total

    def _judge(self, visit: Visit) -> Count:
        count = visit.judge(self._expected[visit.language])
        with suppress(AssertionError):
            wait_for(lambda: self._times_told(visit), 30)
        with self.database.read() as connection:
            query = select(func.count()).where(leads.c.conversation_id == visit.id)
            kept = connection.execute(query).scalar_one()
        count.kept += 2
        count.kept_wrong += (kept != 1) + (self._times_told(visit) != 1)
        return count

    def _times_told(self, visit: Visit) -> int:
        """How often staff were told of it."""
        posts = [post for post in list(self.slack.posts) if post.channel == NOTICES]
        return sum(visit.id in str(post.blocks) for post in posts)


def _say_after(condition: Callable[[], bool], visit: Visit) -> None:
    wait_for(condition)
    visit.say(1)


def _bring(person: Person, body: Any) -> None:
    """As Slack does: again, until it is acknowledged."""

    def is_taken() -> bool:
        with suppress(httpx.TransportError):
            return person.send(body).status_code == 200
        return False

    wait_for(is_taken, PATIENCE_SECONDS)


def hang() -> None:
    """Nothing happens for longer than anybody waits."""
    time.sleep(HANG_SECONDS)


def crash(server: Postgres) -> None:
    """The database is gone for a while."""
    server.crash()
    time.sleep(OUTAGE_SECONDS)
    server.start()


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of its own, in memory; only root may make one."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_SIZE}", "tmpfs", str(folder)]
    subprocess.run(command, check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path) -> None:
    """There is no room left for a while."""
    ballast = folder / "ballast"
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    time.sleep(OUTAGE_SECONDS)
    ballast.unlink()


# --- all of them

Fault = tuple[str, Callable[[World, str], Count]]  # its kind, and what does it in a language


def everywhere() -> list[Fault]:
    """What can happen on any database."""
    killed = [("front door killed", DOOR), ("brain killed", BRAIN), ("actions killed", ACTIONS)]
    return [
        *((kind, partial(_kill, point)) for kind, points in killed for point in points),
        *(("front door killed, Slack", partial(_kill_on_slack, point)) for point in SLACK),
        *(("front door killed, e-mail", partial(_kill_mail, point)) for point in MAIL),
        *(("front door killed, note", partial(_kill_note, point)) for point in NOTE),
        ("brain hangs", partial(_hang, "tracker_read.after", "brain")),
        ("action server hangs", partial(_hang, "action.before", "actions")),
        *(("clock wrong by an hour", partial(_step, seconds)) for seconds in CLOCK),
        *(("event stream cut", _cut_streams) for _ in range(CUTS)),
    ]


def on_sqlite() -> list[Fault]:
    return [("database locked", lambda world, one: world.during(one, world.lock_sqlite))]


def on_postgres(server: Postgres) -> list[Fault]:
    def outage(world: World, language: str) -> Count:
        return world.during(language, lambda: crash(server))

    def in_mid_turn(point: str, name: str, world: World, language: str) -> Count:
        return world.stop_at(point, language, name, lambda: crash(server))

    points = (
        *(("take_in.after", "door"), ("close.after", "door"), ("tracker_save.before", "brain")),
        ("lead.after", "actions"),
    )
    at_points = [partial(in_mid_turn, point, name) for point, name in points]
    return [("database stopped", fault) for fault in (outage, *at_points)]


def on_small_disk(folder: Path) -> list[Fault]:
    return [("disk full", lambda world, one: world.during(one, lambda: fill(folder)))]


def _kill(point: str, world: World, language: str) -> Count:
    return world.kill_at(point, language)


def _kill_on_slack(point: str, world: World, language: str) -> Count:
    return world.kill_on_slack(point, language)


def _kill_mail(point: str, world: World, language: str) -> Count:
    return world.kill_mail(point, language)


def _kill_note(point: str, world: World, language: str) -> Count:
    return world.kill_note(point, language)


def _without_tls(http: httpx.Client) -> None:
    """Cookies are for https alone, which a proxy would speak."""
    for cookie in http.cookies.jar:
        cookie.secure = False


def _is_taken(http: httpx.Client, address: str, form: Mapping[str, str]) -> bool:
    try:
        return http.post(address, data=form).status_code == 303
    except httpx.TransportError:  # killed, or not yet there again
        return False


def _hang(point: str, name: str, world: World, language: str) -> Count:
    return world.stop_at(point, language, name, hang)


def _step(seconds: float, world: World, language: str) -> Count:
    """The clock is put forward or back while a message waits for a front door that was killed."""
    return world.kill_at("acknowledge.after", language, lambda: world.step_clock(seconds))


def _cut_streams(world: World, language: str) -> Count:
    return world.cut_streams(language, Random(language))


def play(world: World, faults: Sequence[Fault], where: str) -> dict[str, Count]:
    """Every fault in every language, one after the other; the counts by kind."""
    counts: dict[str, Count] = {}
    for number, (kind, fault) in enumerate(faults, 1):
        for language in LANGUAGES:
            began = time.monotonic()
            try:
                count = fault(world, language)
            except AssertionError as error:  # it never came to an end
                sys.stderr.write(f"{error}\n")
                count = Count(times=1, lost=1)
                world.disarm()
            counts[kind] = counts.get(kind, Count()).plus(count)
            took = time.monotonic() - began
            line = f"{where}: {number} of {len(faults)}, {kind}, {language}, {took:.0f} s"
            sys.stderr.write(f"{line}{'' if count.is_harmless else f': {count}'}\n")
    return counts


COLUMNS = {
    "times": "times",
    "messages": "messages",
    "refused": "requests refused for now",
    "told": "given up, with a sentence",
    "lost": "lost",
    "doubled": "twice",
    "wrong": "answered otherwise",
    "kept": "leads, notices, e-mails, notes",
    "kept_wrong": "of these lost or twice",
}


def to_markdown(counts: Mapping[str, Count], when: str) -> str:
    """The counts by kind and in all, for docs/reliability.md."""
    total = Count()
    for count in counts.values():
        total = total.plus(count)
    rows = [
        (kind, *(str(getattr(count, name)) for name in COLUMNS))
        for kind, count in {**counts, "in all": total}.items()
    ]
    return f"{when}\n\n{table(('', *COLUMNS.values()), rows)}"
