"""A front door that is asked for too much of something: thousands of open windows, clients that do
not read, a huge backlog when it starts, a message that can never be answered. A process of its own
on SQLite, with a scripted brain.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from doors import SECRET, FakeBrain, Question, Visitor, echo
from fault_visits import ERRORS, wait_for
from faulting import small_disk
from loopback import loopback_client
from processes import free_port
from sqlalchemy import func, insert, select

from mobilis.conversations import open_conversation
from mobilis.models import conversations, inbox
from mobilis.settings import ROOT
from mobilis.stack import UNLIMITED, Running
from mobilis.store import Database, migrate, now

pytestmark = pytest.mark.pure  # once is enough: it takes a while

WINDOWS = 1_000  # of visitors, all open
BACKLOG, WHOLE_BACKLOG = 1_000, 10_000  # the whole one with make faults
TALKS = 500  # that the backlog is of
HOLD = 20  # streams of one conversation, at most


@pytest.fixture
def brain() -> Iterator[FakeBrain]:
    brain = FakeBrain()
    yield brain
    brain.stop()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    url = f"sqlite:///{tmp_path / 'mobilis.db'}"
    migrate(url)
    database = Database(url)
    yield database
    database.dispose()


class Served:
    """A front door as a process."""

    def __init__(self, folder: Path, database: Database, brain: FakeBrain, **more: str) -> None:
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        environment = {
            **UNLIMITED,
            "DATABASE_URL": database.url,
            "MOBILIS_DATA_DIR": str(folder),
            "MOBILIS_HOST": "127.0.0.1",
            "MOBILIS_PORT": str(self.port),
            "MOBILIS_BRAIN_PORT": str(brain.port),
            "MOBILIS_SECRET": SECRET,
            "MOBILIS_TURN_BACKOFF": "0.05",
            "MOBILIS_QUEUE": "0",
            **more,
        }
        command = [sys.executable, "-m", "mobilis.web"]
        self.process = Running(command, environment, ROOT, folder / "log", f"{self.base}/healthz")
        self.http = loopback_client(base_url=self.base, timeout=30)

    def visitor(self) -> Visitor:
        opened = self.http.post("/api/conversations", json={"language": "fr"}).json()
        headers = {"Authorization": f"Bearer {opened['token']}"}
        name, token, greeting = opened["conversation"], opened["token"], opened["messages"]
        return Visitor(self.http, name, token, greeting, headers)

    @property
    def files(self) -> int:
        return len(os.listdir(f"/proc/{self.process.root_pid}/fd"))

    @property
    def memory(self) -> float:
        """In MB."""
        status = Path(f"/proc/{self.process.root_pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024

    def listen(self, visitor: Visitor) -> socket.socket:
        """An event stream, of which only the beginning is read."""
        stream = socket.create_connection(("127.0.0.1", self.port), 30)
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        head = f"GET {visitor.url}/events HTTP/1.1\r\nHost: x\r\n"
        stream.sendall(f"{head}Authorization: Bearer {visitor.token}\r\n\r\n".encode())
        assert stream.recv(12) == b"HTTP/1.1 200"
        return stream


@pytest.fixture
def serve(tmp_path: Path, database: Database, brain: FakeBrain) -> Iterator[Callable[..., Served]]:
    doors: list[Served] = []

    def start(**more: str) -> Served:
        doors.append(Served(tmp_path, database, brain, **more))
        return doors[-1]

    yield start
    for door in doors:
        door.http.close()
        door.process.stop()


def pending(database: Database) -> int:
    query = select(func.count()).select_from(inbox).where(inbox.c.state == "pending")
    with database.read() as connection:
        return int(connection.execute(query).scalar_one())


def test_a_thousand_open_windows_cost_little_and_leave_nothing(
    serve: Callable[..., Served],
) -> None:
    door = serve()
    visitors = [door.visitor() for _ in range(WINDOWS // HOLD)]
    speaking = door.visitor()
    speaking.hears("un")
    before, files = door.memory, door.files
    streams = [door.listen(visitor) for visitor in visitors for _ in range(HOLD)]
    assert door.files >= files + WINDOWS - 20
    assert (door.memory - before) / WINDOWS < 0.1  # MB for each
    assert speaking.hears("deux")[0]["text"] == "echo deux"
    for stream in streams:
        stream.close()
    wait_for(lambda: door.files <= files + 20)
    assert speaking.hears("trois")[0]["text"] == "echo trois"


def test_who_does_not_read_holds_up_nobody_and_fills_no_memory(
    serve: Callable[..., Served], brain: FakeBrain
) -> None:
    door = serve()

    def verbose(question: Question) -> tuple[int, object]:
        status, content = echo(question)
        content["messages"][0]["text"] += "x" * 20_000
        return status, content

    brain.script = verbose
    deaf, other = door.visitor(), door.visitor()
    streams = [door.listen(deaf) for _ in range(HOLD - 1)]
    deaf.hears("un")
    before = door.memory
    for number in range(20):
        deaf.hears(f"m{number}")
    assert other.hears("deux")[0]["text"].startswith("echo deux")
    assert door.memory - before < 40  # 20 × 20 × 20 kB are 8
    for stream in streams:
        stream.close()


def test_a_body_that_never_comes_holds_up_nobody(serve: Callable[..., Served]) -> None:
    door = serve()
    visitor = door.visitor()
    slow = []
    for _ in range(50):
        one = socket.create_connection(("127.0.0.1", door.port), 30)
        head = f"POST {visitor.url}/messages HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n"
        one.sendall(f"{head}Authorization: Bearer {visitor.token}\r\n\r\n{{".encode())
        slow.append(one)
    assert visitor.hears("un")[0]["text"] == "echo un"
    assert slow[0].recv(12) == b"HTTP/1.1 400"  # after a while
    for one in slow:
        one.close()


def test_a_huge_backlog_is_worked_off_in_order_and_newcomers_are_told(
    serve: Callable[..., Served],
    database: Database,
    brain: FakeBrain,
    request: pytest.FixtureRequest,
) -> None:
    """What Slack and Teams brought while no front door ran: nothing of it is refused."""
    backlog = WHOLE_BACKLOG if request.config.getoption("--every-fault") else BACKLOG
    _fill(database, backlog)
    door = serve(MOBILIS_QUEUE="100")
    refused = door.http.post("/api/conversations", json={"language": "fr"})
    assert refused.status_code == 503
    assert refused.json()["error"]["code"] == "busy"
    began = time.monotonic()
    wait_for(lambda: not pending(database), 280)
    sys.stderr.write(f"{backlog} messages in {time.monotonic() - began:.0f} s\n")
    assert len(brain.answered) == backlog
    for number in range(0, TALKS, 50):
        said = [q["text"] for q in brain.answered if q["conversation"] == f"talk-{number:04}"]
        assert said == [f"m{turn}" for turn in range(backlog // TALKS)]
    assert door.memory < 200
    assert door.visitor().hears("un")[0]["text"] == "echo un"


def _fill(database: Database, backlog: int) -> None:
    with database.write() as connection:
        open_conversation(connection, "fr")
        one = connection.execute(select(conversations)).mappings().one()
        talks = [{**one, "id": f"talk-{number:04}"} for number in range(TALKS)]
        connection.execute(inbox.delete())
        connection.execute(conversations.delete())
        connection.execute(insert(conversations), talks)
        moment = now()
        rows = [
            {
                **{"conversation_id": talk["id"], "id": f"message-{turn:04}", "position": turn},
                **{"at": moment, "due_at": moment, "kind": "text", "text": f"m{turn}"},
                **{"language": "fr", "state": "pending", "attempts": 0},
            }
            for turn in range(backlog // TALKS)
            for talk in talks
        ]
        connection.execute(insert(inbox), rows)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can make a small disk")
def test_a_full_disk_is_told_and_what_was_refused_is_taken_when_there_is_room(
    tmp_path: Path, brain: FakeBrain
) -> None:
    with small_disk(tmp_path / "disk") as disk:
        database = Database(f"sqlite:///{disk / 'mobilis.db'}")
        migrate(database.url)
        door = Served(tmp_path, database, brain)
        try:
            visitor = door.visitor()
            visitor.hears("un")
            ballast = disk / "ballast"
            with suppress(OSError), ballast.open("wb", buffering=0) as file:
                while True:
                    file.write(bytes(4096))
            refused = [visitor.say("deux", None, id=f"message-{n}") for n in range(5)]
            assert {answer.status_code for answer in refused} == {503}
            error = refused[0].json()["error"]
            assert error == {"code": "unavailable", "message": ERRORS["unavailable"]["fr"]}
            ballast.unlink()
            answers = [visitor.say("deux", 20, id=f"message-{n}") for n in range(5)]
            assert [answer.json()["messages"][0]["text"] for answer in answers] == ["echo deux"] * 5
            assert brain.texts().count("deux") == 5
        finally:
            door.http.close()
            door.process.stop()
            database.dispose()


@pytest.mark.parametrize("poison", ["fails", "hangs", "hangs up"])
def test_a_message_that_can_never_be_answered_holds_up_its_conversation_for_a_while_only(
    serve: Callable[..., Served], brain: FakeBrain, poison: str
) -> None:
    door = serve(MOBILIS_TURN_TIMEOUT="1", MOBILIS_TURN_ATTEMPTS="3")
    poisoned, others = door.visitor(), [door.visitor() for _ in range(3)]
    stuck = threading.Event()

    def script(question: Question) -> tuple[int, object]:
        if question.get("text") != "poison":
            return echo(question)
        if poison == "hangs":
            stuck.wait(30)
        return (503 if poison == "fails" else 0), {}

    brain.script = script
    assert poisoned.say("poison", wait=None).status_code == 202
    assert poisoned.say("après", wait=None).status_code == 202
    for other in others:
        assert other.hears("un")[0]["text"] == "echo un"
    wait_for(lambda: any("echo après" in text for text in poisoned.texts()))
    kinds = [message["kind"] for message in poisoned.history() if message["role"] != "visitor"]
    assert kinds == ["text", "notice", "text"]
    stuck.set()
