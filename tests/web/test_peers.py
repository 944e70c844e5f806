"""Two front doors on one PostgreSQL: one does each piece of work, both hear of it, and what one
leaves undone the other takes up."""

from __future__ import annotations

import os
import re
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import httpx
import pytest
from doors import FakeBrain, FrontDoor, Visitor
from loopback import loopback_client
from processes import Postgres, free_port
from schemas import migrated
from sqlalchemy import text

from mobilis import accounts, conversations, staff
from mobilis.bulletins import Board
from mobilis.errors import SettingError
from mobilis.leads import keep_lead
from mobilis.places import Place
from mobilis.priority import read_weights
from mobilis.retention import Periods
from mobilis.settings import ROOT, Settings
from mobilis.store import Database, is_alone, migrate
from mobilis.web import peers
from mobilis.web.projector import catch_up
from mobilis.web.retention import Retention
from mobilis.web.server import the_only_one

Eventually = Callable[[Callable[[], Any]], Any]


@pytest.fixture
def shared(settings: Settings, postgres: Postgres, brain: FakeBrain) -> Settings:
    """Settings of front doors that share a database."""
    url = f"postgresql://mobilis@127.0.0.1:{postgres.port}/peers_{secrets.token_hex(4)}"
    migrated(url)
    return replace(settings, database_url=url, turn_attempts=100)


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Front doors show more often that they are there."""
    monkeypatch.setattr(peers, "BEAT_SECONDS", 0.5)
    monkeypatch.setattr(peers, "LEASE_SECONDS", 4)


@pytest.fixture
def both(shared: Settings) -> Iterator[tuple[FrontDoor, FrontDoor]]:
    doors = FrontDoor(shared).start(), FrontDoor(shared).start()
    yield doors
    for door in doors:
        door.close()


def at(door: FrontDoor, visitor: Visitor) -> Visitor:
    """The same visitor, at another front door."""
    return replace(visitor, http=door.http)


def said(visitor: Visitor) -> list[str]:
    return [item["text"] for item in visitor.history() if item["role"] == "assistant"]


def test_what_is_said_at_one_door_is_heard_at_the_other(both, monkeypatch, eventually):
    first, second = both
    visitor = first.visitor(language="fr")
    with at(second, visitor).events() as events:
        wanted = threading.Thread(target=visitor.say, args=("bonjour",))
        wanted.start()
        heard = [next(event for event in events if event[0] == "message")[2] for _ in range(2)]
        wanted.join()
    assert [message["text"] for message in heard] == ["bonjour", "echo bonjour"]


def test_that_the_assistant_is_typing_is_seen_at_the_other_door(both, brain):
    first, second = both
    visitor = first.visitor(language="fr")
    release = threading.Event()
    echo = brain.script
    brain.script = lambda question: (release.wait(10), echo(question))[1]
    with at(second, visitor).events() as events:
        visitor.say("bonjour", wait=None)
        typing = next(event for event in events if event[0] == "typing")
        release.set()
        silent = next(event for event in events if event[0] == "typing")
    assert (typing[2], silent[2]) == ({"on": True}, {"on": False})


@pytest.mark.usefixtures("soon")
def test_that_a_visitor_is_there_is_known_at_the_other_door(both, eventually):
    visitor = both[0].visitor(language="fr")
    here, there = (door.app.state.door.hub for door in both)
    with visitor.events() as events:
        next(events)  # the stream is open
        eventually(lambda: there.is_heard(visitor.id))
    eventually(lambda: not here.is_heard(visitor.id))
    eventually(lambda: not there.is_heard(visitor.id))


@pytest.mark.usefixtures("soon")
def test_who_of_staff_has_a_case_open_is_known_at_the_other_door(both, eventually):
    here, there = (door.app.state.door.presence for door in both)
    name = "Zoé « Z » O'Brien"
    # An open page says so again and again: the other door may not listen yet at the first time.
    assert here.meet("case", "one", name) == []

    def met():
        return here.meet("case", "one", name), there.meet("case", "two", "Ana")

    eventually(lambda: met() == (["Ana"], [name]))


def test_what_another_version_or_nobody_we_know_tells_is_passed_over(
    soon, both, shared, eventually
):
    here, there = (door.app.state.door.presence for door in both)
    database = Database(shared.database_url)
    with database.write() as connection:
        for said in ("", "x", "other met [", 'other met ["a"]', "other sung a", "other met {}"):
            connection.execute(text("SELECT pg_notify('mobilis_news', :said)"), {"said": said})
    database.dispose()
    here.meet("case", "one", "Zoé")
    eventually(lambda: there.meet("case", "two", "Ana") == ["Zoé"])


def test_an_erased_conversation_ends_at_the_other_door_too(both):
    first, second = both
    visitor = first.visitor(language="fr")
    with at(second, visitor).events() as events:
        assert first.http.delete(visitor.url, headers=visitor.headers).status_code == 204
        error = next(event for event in events if event[0] == "error")
    assert error[2]["code"] == "unauthorized"


def test_each_message_is_given_to_a_brain_once_and_in_order(both, brain):
    first, second = both
    echo = brain.script
    brain.script = lambda question: (time.sleep(0.01), echo(question))[1]
    visitors = [(first, second)[number % 2].visitor(language="fr") for number in range(6)]

    def talk(visitor: Visitor) -> None:
        for number in range(12):
            at(both[number % 2], visitor).say(f"m{number}", wait=None)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(talk, visitors))
    for visitor in visitors:
        end = time.monotonic() + 60
        while len(visitor.history()) < 25:
            assert time.monotonic() < end
            time.sleep(0.05)
        assert said(visitor)[1:] == [f"echo m{number}" for number in range(12)]
    assert len(brain.asked) == len(brain.answered) == 6 * 13


def test_a_door_that_is_full_is_helped_by_the_other(shared, brain):
    first, second = (FrontDoor(replace(shared, workers=1)).start() for _ in range(2))
    try:
        visitors = [first.visitor(language="fr") for _ in range(2)]
        together = threading.Barrier(2, timeout=20)
        echo = brain.script
        brain.script = lambda question: (together.wait(), echo(question))[1]
        with ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(lambda visitor: visitor.hears("un"), visitors))
        assert [answer[0]["text"] for answer in answers] == ["echo un"] * 2
    finally:
        first.close()
        second.close()


class DoorProcess:
    """A front door as a process of its own, by its official command."""

    def __init__(self, settings: Settings, brains: str) -> None:
        port = free_port()
        self.base = f"http://127.0.0.1:{port}"
        environment = {
            **{name: value for name, value in os.environ.items() if name[:8] != "MOBILIS_"},
            "DATABASE_URL": settings.database_url,
            "MOBILIS_PORT": str(port),
            "MOBILIS_BRAIN_URL": brains,
            "MOBILIS_SECRET": settings.secret,
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mobilis.cli", "door"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.http = loopback_client(base_url=self.base, timeout=20)

    def wait(self) -> None:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            assert self.process.poll() is None
            try:
                if self.http.get("/readyz").status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        raise AssertionError("the front door did not start")

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self.http.close()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_what_a_door_leaves_in_mid_turn_is_taken_up_by_the_other(shared, brain, eventually, number):
    """Killed: at once. Standing still: once the database has heard nothing for a while."""
    brains = f"http://127.0.0.1:{brain.port}"
    first = DoorProcess(shared, brains)
    second = FrontDoor(shared).start()
    try:
        first.wait()
        opened = first.http.post("/api/conversations", json={"language": "fr"}).json()
        headers = {"Authorization": f"Bearer {opened['token']}"}
        visitor = Visitor(second.http, opened["conversation"], opened["token"], [], headers)
        release = threading.Event()
        echo = brain.script
        brain.script = lambda question: (release.wait(60), echo(question))[1]
        for name in ("un", "deux"):
            message = {"id": f"message-{name}", "text": name}
            assert first.http.post(
                f"{visitor.url}/messages", json=message, headers=headers
            ).status_code in (200, 202)
        eventually(lambda: len(brain.asked) == 2)
        time.sleep(1)  # the other one looks meanwhile, and leaves it alone
        assert len(brain.asked) == 2
        os.kill(first.process.pid, number)
        asked = time.monotonic() + peers.LEASE_SECONDS + 20
        while len(brain.asked) < 3:
            assert time.monotonic() < asked
            time.sleep(0.05)
        release.set()
        eventually(lambda: len(visitor.history()) == 5)
        assert said(visitor) == ["Bonjour !", "echo un", "echo deux"]
        assert brain.texts()[1:] == ["un", "deux"]
        if number == signal.SIGSTOP:  # it wakes up, and says nothing twice
            os.kill(first.process.pid, signal.SIGCONT)
            eventually(lambda: first.http.get("/readyz").status_code == 200)
            visitor = replace(visitor, http=first.http)
            assert visitor.hears("trois")[0]["text"] == "echo trois"
            assert said(visitor) == ["Bonjour !", "echo un", "echo deux", "echo trois"]
    finally:
        first.end()
        second.close()


def test_a_line_that_was_cut_is_opened_again_and_nothing_is_missed(both, shared, brain, eventually):
    first, second = both
    visitor = first.visitor(language="fr")
    with at(second, visitor).events() as events:
        cut(shared)
        visitor.say("bonjour", wait=None)
        heard = [next(event for event in events if event[0] == "message")[2] for _ in range(2)]
        assert [message["text"] for message in heard] == ["bonjour", "echo bonjour"]
        eventually(lambda: lines(shared) == 2)
        visitor.say("encore", wait=None)
        heard = [next(event for event in events if event[0] == "message")[2] for _ in range(2)]
        assert heard[1]["text"] == "echo encore"


def cut(shared: Settings) -> None:
    """End every line of a front door, as a database that is restarted does."""
    database = Database(shared.database_url)
    with database.write() as connection:
        query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE " + OF_LINES
        connection.execute(text(query))
    database.dispose()


def lines(shared: Settings) -> int:
    """How many front doors are listening."""
    database = Database(shared.database_url)
    with database.read() as connection:
        query = f"SELECT count(*) FROM pg_stat_activity WHERE {OF_LINES}"
        found = connection.execute(text(query)).scalar_one()
    database.dispose()
    return int(found)


# A line says so, or asks whether it is there, or locks a conversation: nothing else does.
OF_LINES = (
    "datname = current_database() AND pid <> pg_backend_pid() AND (query LIKE 'LISTEN %'"
    " OR query = 'SELECT 1' OR query LIKE '%pg_advisory_unlock%' OR query LIKE '%pg_notify%')"
)


def test_the_work_of_a_dead_process_can_be_seen_to_be_nobodys(shared):
    """Two at once: the second is told so, and may once the first has ended."""
    database = Database(shared.database_url)
    with database.read() as first:
        assert is_alone(first, "something")
        with database.read() as second:
            assert is_alone(second, "something else")
            assert not is_alone(second, "something")
    with database.read() as second:
        assert is_alone(second, "something")
    database.dispose()


def test_a_second_door_on_a_sqlite_file_is_refused(tmp_path):
    url = f"sqlite:///{tmp_path / 'mobilis.db'}"
    with the_only_one(url):
        with pytest.raises(SettingError, match="PostgreSQL is needed"):
            with the_only_one(url):
                pass
    with the_only_one(url):  # the first has ended
        pass


@pytest.mark.parametrize("url", ["sqlite://", "postgresql://mobilis@127.0.0.1/none"])
def test_elsewhere_there_is_room_for_several(url):
    with the_only_one(url), the_only_one(url):
        pass


def test_work_that_another_door_is_at_is_left_to_it(both, shared):
    """Cases, notices to staff, retention: each is one front door's at a time."""
    for door in both:
        door.stop()
    database = Database(shared.database_url)
    with database.write() as connection:
        opened = [conversations.open_conversation(connection, "fr") for _ in range(3)]
    retention = Retention(database, Periods(1, 1))
    board = Board([Place("slack", "T/C", "T", {"channel": "C"})], style=None, wait_hours=1.0)
    with database.read() as other:
        for work in ("cases", "announcements", "retention"):
            end = time.monotonic() + 60  # what a door was at is over when the database has noticed
            while not is_alone(other, work) and time.monotonic() < end:
                time.sleep(0.05)
            assert is_alone(other, work)
        assert catch_up(database, {}) == 0
        with database.write() as connection:
            assert board.take_due(connection, ["slack"], 1, []) == []
        assert retention._erase() == {}
    assert catch_up(database, read_weights("")) == len(opened)
    assert retention._erase() != {}
    database.dispose()


def test_a_message_that_two_brains_are_at_leaves_one_lead(shared):
    database = Database(shared.database_url)
    with database.write() as connection:
        opened = conversations.open_conversation(connection, "fr")

    def keep(number: int) -> str:
        return keep_lead(
            database,
            kind="person",
            conversation_id=opened.conversation_id,
            message_id=opened.message_id,
            language="fr",
        )

    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(keep, range(6)))) == 1
    database.dispose()


def test_several_that_migrate_at_once_do_it_one_after_the_other(postgres):
    url = postgres.create(f"empty_{secrets.token_hex(4)}")
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda number: migrate(url), range(3)))
    database = Database(url)
    with database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM conversations")).scalar_one() == 0
    database.dispose()


def test_an_account_that_is_locked_at_one_door_is_locked_at_the_other(both, shared):
    """And a session that begins at one is one at the other, until it ends."""
    database = Database(shared.database_url)
    with database.write() as connection:
        person = staff.add_person(
            connection, email="a@exemple.ca", name="Ana", role="triager", language="fr"
        )
        accounts.choose_password(connection, person, staff.hash_password("un mot de passe long"))
    browser = loopback_client(timeout=20)

    def sign_in(door: FrontDoor, password: str) -> int:
        page = browser.get(f"{door.base}/console/sign-in").text
        form = {"csrf": re.search(r'name="csrf" value="([^"]+)"', page)[1]}
        form |= {"email": "a@exemple.ca", "password": password}
        return browser.post(f"{door.base}/console/sign-in", data=form).status_code

    assert sign_in(both[0], "un mot de passe long") == 303
    assert browser.get(f"{both[1].base}/console/queue").status_code == 200
    tries = [sign_in(both[number % 2], "faux") for number in range(staff.MOST_FAILURES)]
    assert set(tries) == {403}
    assert [sign_in(door, "un mot de passe long") for door in both] == [403, 403]
    browser.close()
    database.dispose()
