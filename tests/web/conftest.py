"""A whole front door on a free port, a scripted brain behind it, and a visitor in front of it."""

from __future__ import annotations

import html
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from doors import SECRET, FakeBrain, FrontDoor, Visitor
from loopback import loopback_client
from processes import free_port

from mobilis.models import audit, metadata
from mobilis.settings import Settings
from mobilis.store import Database, migrate
from mobilis.web import events, stages, worker
from mobilis.web.stages import Stage, make_stage


@pytest.fixture(scope="session")
def database_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A migrated database: SQLite, or the PostgreSQL of `TEST_DATABASE_URL`."""
    path = tmp_path_factory.mktemp("database") / "mobilis.db"
    url = os.environ.get("TEST_DATABASE_URL") or f"sqlite:///{path}"
    migrate(url)
    return url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """The database, emptied of what earlier tests left."""
    database = Database(database_url)
    with database.write() as connection:
        for table in reversed(metadata.sorted_tables):
            if table is not audit:  # it refuses
                connection.execute(table.delete())
    yield database
    database.dispose()


@pytest.fixture(scope="session")
def the_brain() -> Iterator[FakeBrain]:
    brain = FakeBrain()
    yield brain
    brain.stop()


@pytest.fixture
def brain(the_brain: FakeBrain) -> FakeBrain:
    """The brain, running, answering by `echo` and remembering nothing."""
    the_brain.forget()
    the_brain.start()
    return the_brain


@pytest.fixture(scope="session")
def settings(
    database_url: str, the_brain: FakeBrain, tmp_path_factory: pytest.TempPathFactory
) -> Settings:
    return Settings(
        database_url=database_url,
        data_dir=tmp_path_factory.mktemp("data"),  # other runs beside this one note their ports
        brain_port=the_brain.port,
        secret=SECRET,
        messages_per_minute=0,
        messages_per_minute_address=0,
        conversations_per_minute_address=0,
        sign_ins_per_minute_address=0,
        result_misses_per_minute_address=0,
        queue=0,
        turn_timeout=5,
        turn_attempts=3,
        turn_backoff=0.02,
    )


@pytest.fixture(autouse=True, scope="session")
def quick() -> Iterator[None]:
    """The same behaviour, in less time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker, "POLL_SECONDS", 0.05)
        patch.setattr(worker, "GRACE_SECONDS", 0.2)
        patch.setattr(events, "KEEP_ALIVE_SECONDS", 0.3)
        yield


@pytest.fixture(scope="session")
def the_door(settings: Settings) -> Iterator[FrontDoor]:
    door = FrontDoor(settings)
    yield door
    door.close()


@pytest.fixture
def door(the_door: FrontDoor, brain: FakeBrain, database: Database) -> FrontDoor:
    """The front door; one process for many tests, since starting it takes a while."""
    return the_door.start()


@pytest.fixture
def open_door(
    the_door: FrontDoor, settings: Settings, brain: FakeBrain, database: Database
) -> Iterator[Callable[..., FrontDoor]]:
    """Starts a front door with some settings changed."""
    the_door.stop()
    doors = []

    def start(**changes: Any) -> FrontDoor:
        doors.append(FrontDoor(replace(settings, **changes)))
        return doors[-1].start()

    yield start
    for door in doors:
        door.close()


@pytest.fixture
def visitor(door: FrontDoor) -> Visitor:
    return door.visitor(language="fr")


@pytest.fixture
def eventually() -> Callable[[Callable[[], Any]], Any]:
    """Waits until something is true, for twenty seconds at most."""

    def wait(condition: Callable[[], Any]) -> Any:
        end = time.monotonic() + 20
        while not (value := condition()):
            assert time.monotonic() < end, "it never came true"
            time.sleep(0.01)
        return value

    return wait


class Seat:
    """Somebody before the local page of a platform, in a browser without scripts."""

    def __init__(self, stage: Stage, http: httpx.Client) -> None:
        self.stage = stage
        self.http = http

    def look(self, place: str = "", person: str = "camille") -> str:
        """The page of a place."""
        return self._read(self.http.get(self.stage.here, params={"place": place, "person": person}))

    def act(self, place: str = "", person: str = "camille", **given: str) -> str:
        """Send a form; the page that follows."""
        form = {"place": place, "person": person, **given}
        return self._read(self.http.post(f"{self.stage.here}/act", data=form))

    @staticmethod
    def _read(answer: httpx.Response) -> str:
        assert answer.status_code == 200, answer.text
        return html.unescape(answer.text)


@pytest.fixture
def open_stage(
    settings: Settings,
    database: Database,
    brain: FakeBrain,
    the_door: FrontDoor,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Callable[[type[Stage]], Seat]]:
    """Opens the local page of a platform, on a front door of its own."""
    the_door.stop()
    monkeypatch.setattr(stages, "SETTLED", 0.3)
    opened: list[tuple[Any, threading.Thread, httpx.Client]] = []

    def start(kind: type[Stage]) -> Seat:
        stage, server = make_stage(kind, replace(settings, log_level="warning"), free_port())
        thread = threading.Thread(target=server.run)
        thread.start()
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        http = loopback_client(base_url=stage.base, follow_redirects=True, timeout=30)
        opened.append((server, thread, http))
        return Seat(stage, http)

    yield start
    for server, thread, http in opened:
        http.close()
        server.should_exit = True
        thread.join(30)
