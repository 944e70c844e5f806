"""The whole assistant while its model is changed, and after a restore: nothing is dropped or said
twice, and a conversation goes on where it was."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import signal
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from loopback import loopback_client
from processes import Postgres, Stack
from sqlalchemy import func, select
from visitors import WAIT, Visitor, new_id

from mobilis import models
from mobilis.assessment import load_assessment
from mobilis.backups.making import back_up
from mobilis.backups.restoring import restore
from mobilis.content import load_content
from mobilis.freshness import LOOK_SECONDS
from mobilis.live import MODEL, NotLive, Ports, ports, reload
from mobilis.settings import ROOT
from mobilis.store import Database
from mobilis.versions import Used, content_version, model_version, said_by, used

pytestmark = pytest.mark.whole

# The brain reads the content beside its code, so that a content of one's own takes a code of one's
# own.
COPIED = ("actions", "assessment", "content", "faq", "migrations", "mobilis")
LINKED = ("coaches", "data", "widget")
FILES = ("config.yml", "credentials.yml", "domain.yml", "endpoints.yml")


def copied(root: Path) -> Path:
    """The project without its model, in an empty folder."""
    for name in COPIED:
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in (*LINKED, *FILES):
        (root / name).symlink_to(ROOT / name)
    return root


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of the test's own, with a model that it may replace."""
    root = copied(tmp_path_factory.mktemp("project"))
    (root / "models").mkdir()
    for name in ("mobilis.tar.gz", "encoder"):
        shutil.copy2(ROOT / "models" / name, root / "models" / name)
    return root


@pytest.fixture(scope="module")
def running(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = Stack(tmp_path_factory.mktemp("live"), root=project)
    yield stack
    stack.stop()


@pytest.fixture(scope="module")
def database(running: Stack) -> Iterator[Database]:
    kept = Database(running.settings.database)
    yield kept
    kept.dispose()


def visitor_of(stack: Stack, database: Database, language: str = "en") -> Visitor:
    http = loopback_client(base_url=stack.base, timeout=WAIT + 60)
    opened = http.post("/api/conversations", json={"language": language}).json()
    return Visitor(
        http, database, language, opened["conversation"], opened["token"], opened["messages"]
    )


def same_model_again(model: Path, target: Path, name: str) -> Path:
    """A model that differs from another one in its id alone."""
    with tarfile.open(model) as old, tarfile.open(target, "w:gz", compresslevel=1) as new:
        for member in old:
            data = old.extractfile(member) if member.isfile() else None
            if data and member.name.strip("./") == "metadata.json":
                text = json.dumps({**json.load(data), "model_id": name * 32}).encode()
                member.size, data = len(text), io.BytesIO(text)
            new.addfile(member, data)
    return target


class Crowd:
    """Visitors who each say one thing after another until they are told to stop."""

    def __init__(self, stack: Stack, database: Database, size: int = 4) -> None:
        self.said: dict[str, list[str]] = {}
        self.problems: list[str] = []
        self._stop = threading.Event()
        self._visitors = [visitor_of(stack, database) for _ in range(size)]
        self._threads = [threading.Thread(target=self._talk, args=(v,)) for v in self._visitors]

    def __enter__(self) -> Crowd:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _talk(self, visitor: Visitor) -> None:
        mine = self.said.setdefault(visitor.id, [])
        while not self._stop.is_set():
            message = new_id()
            answer = visitor.say("How much does it cost?", message)
            mine.append(message)
            told = answer.json()
            kinds = [m["kind"] for m in told.get("messages", [])]
            if answer.status_code != 200 or kinds[-1:] != ["faq"]:
                self.problems.append(f"{answer.status_code} {kinds}")

    @property
    def count(self) -> int:
        return sum(map(len, self.said.values()))


def until(condition: Callable[[], object], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.05)


def answers_of(database: Database, message: str) -> int:
    with database.read() as connection:
        query = select(func.count()).where(models.outbox.c.in_reply_to == message)
        return int(connection.execute(query).scalar_one())


def versions_of(database: Database) -> list[Used]:
    with database.read() as connection:
        return used(connection)


def test_a_new_model_goes_live_while_messages_are_answered(
    running: Stack, database: Database, project: Path, tmp_path: Path
) -> None:
    old = model_version(project / MODEL)
    new = same_model_again(project / MODEL, tmp_path / "new.tar.gz", "e")
    before = running.pids()
    with Crowd(running, database) as crowd:
        until(lambda: crowd.count >= 20)
        reload(running.settings, new)
        since = crowd.count
        until(lambda: crowd.count >= since + 20)
        old_ones = [before["brain"], before["actions"]]
        until(lambda: not any(is_alive(pid) for pid in old_ones))
        gone = crowd.count
        until(lambda: crowd.count >= gone + 8)
    assert crowd.problems == []
    messages = [message for said in crowd.said.values() for message in said]
    assert len(set(messages)) == len(messages) >= 48
    assert {answers_of(database, message) for message in messages} == {1}
    found = {one.versions.model: one for one in versions_of(database)}
    assert found.keys() == {old, "e" * 12}
    assert {one.versions.content for one in found.values()} == {content_version(ROOT)}
    assert running.pids()["door"] == before["door"]
    usual = Ports(running.settings.brain_port, running.settings.actions_port)
    assert not {*ports(running.settings)} & {*usual}
    assert model_version(project / MODEL) == "e" * 12


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_model_that_does_not_load_is_refused_and_the_old_one_goes_on(
    running: Stack, database: Database, project: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.tar.gz"
    bad.write_bytes(b"this is no model")
    before, in_place = running.pids(), model_version(project / MODEL)
    with pytest.raises(NotLive, match=r"^what was live goes on: no model could be loaded: train"):
        reload(running.settings, bad)
    assert model_version(project / MODEL) == in_place
    visitor = visitor_of(running, database)
    assert visitor.hears("How much does it cost?")[-1]["kind"] == "faq"
    until(lambda: running.pids() == before)


@contextmanager
def edited(file: Path, text: str) -> Iterator[None]:
    """A content file with other words, for a while."""
    kept = file.read_bytes()
    file.write_text(text, encoding="utf-8")
    try:
        yield
    finally:
        file.write_bytes(kept)


def warning(stack: Stack) -> Any:
    answer = httpx.get(f"{stack.base}/healthz", timeout=60, trust_env=False)
    assert answer.status_code == 200
    return answer.json().get("warning")


def test_another_wording_is_said_by_the_next_message_under_another_version(
    running: Stack, database: Database, project: Path
) -> None:
    visitor = visitor_of(running, database)
    file = project / "faq" / "cost.yml"
    text = file.read_text(encoding="utf-8")
    [answer] = visitor.hears("How much does it cost?")
    with edited(file, text.replace("en:\n", "en:\n  # other words\n", 1)):
        until(lambda: other_content(visitor, database, answer["id"]))
    with edited(file, text[: len(text) // 2]):
        until(lambda: warning(running) == "content")
        [other] = visitor.hears("Is it offered in French?")
        assert other["kind"] == "faq"
        [kept] = visitor.hears("How much does it cost?")
        assert kept["text"] == answer["text"]
    until(lambda: warning(running) is None)


def other_content(visitor: Visitor, database: Database, message: str) -> bool:
    """Whether another version of the content answers now than the one of a message."""
    [answer] = visitor.hears("How much does it cost?")
    with database.read() as connection:
        found = said_by(connection, visitor.id)
    return found[answer["id"]].content != found[message].content


@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_question_that_is_renamed_while_it_is_open_is_told_and_the_rest_goes_on(
    running: Stack, database: Database, project: Path, language: str
) -> None:
    visitor = visitor_of(running, database, language)
    asked = {"fr": "Je veux faire l'auto-évaluation", "en": "I want to do the self-assessment"}
    visitor.hears(asked[language])
    assert visitor.hears("a")[-1]["question"] == {"id": "impact", "number": 2, "of": 5}
    stale = visitor.history()[-1]["choices"][1]["id"]
    file = project / "assessment" / "readiness.yml"
    text = file.read_text(encoding="utf-8")
    renamed = re.sub(r"\bimpact\b(?=[\],]|$)", "effect", text, flags=re.MULTILINE)
    assert load_assessment_of(renamed, project)
    with edited(file, renamed):
        time.sleep(LOOK_SECONDS + 0.5)  # it is looked for once a second
        said = visitor.hears("b")
        wording = load_content(ROOT).wording["assessment_changed"][language]
        assert said[0]["text"] == wording
        assert said[-1]["question"] == {"id": "effect", "number": 2, "of": 5}
        pressed = visitor._answer(visitor.choose(stale))  # a button of before
        assert pressed[-1]["question"]["id"] == "effect"
        assert visitor.hears("b")[-1]["question"]["number"] == 3
    time.sleep(LOOK_SECONDS + 0.5)
    assert visitor.hears("stop")


def load_assessment_of(text: str, project: Path) -> bool:
    """Whether a text is a good assessment whose second question has another name."""
    folder = project / "models" / "assessment"
    folder.mkdir(exist_ok=True)
    (folder / "readiness.yml").write_text(text, encoding="utf-8")
    return load_assessment(folder / "readiness.yml").questions[1].id == "effect"


def test_a_hang_up_alone_starts_what_is_in_place_anew(running: Stack, database: Database) -> None:
    before = running.pids()
    os.kill(running.root_pid, signal.SIGHUP)
    until(lambda: running.pids()["brain"] != before["brain"], 180)
    visitor = visitor_of(running, database, "fr")
    assert visitor.hears("Combien ça coûte?")[-1]["kind"] == "faq"
    until(lambda: not is_alive(before["brain"]))
    running.kill("brain")  # one that took over is started again like any other
    assert visitor.hears("Est-ce offert en français?")


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_conversation_goes_on_after_a_restore(
    kind: str,
    request: pytest.FixtureRequest,
    project: Path,
    tmp_path: Path,
) -> None:
    url = again = ""
    if kind == "postgres":
        server: Postgres = request.getfixturevalue("postgres")
        url, again = server.create("kept_live"), server.create("kept_again")
        stack = Stack(tmp_path, url, root=project)
    else:
        stack = request.getfixturevalue("running")
    database = Database(stack.settings.database)
    visitor = visitor_of(stack, database, "fr")
    visitor.hears("Je veux faire l'auto-évaluation")
    asked = visitor.hears("a")
    assert asked[-1]["question"]["number"] == 2
    with Crowd(stack, database, 2) as crowd:
        until(lambda: crowd.count >= 6)
        made = back_up(stack.settings, tmp_path / "it.backup", None, lambda line: None)
        until(lambda: crowd.count >= 12)
    assert crowd.problems == []
    database.dispose()
    if kind == "postgres":
        stack.stop()
    empty = tmp_path / "empty"
    empty.mkdir()
    (tmp_path / "project").mkdir()
    root = copied(tmp_path / "project")
    settings = stack.settings.__class__(project_dir=root, data_dir=empty, database_url=again)
    restore(settings, made.path, None, lambda line: None)
    other = Stack(empty, again, root=root)
    kept = Database(other.settings.database)
    try:
        back = Visitor(
            loopback_client(base_url=other.base, timeout=WAIT + 60),
            *(kept, "fr", visitor.id, visitor.token, visitor.greeting),
        )
        assert back.history()[-1]["question"]["number"] == 2
        assert back.hears("b")[-1]["question"]["number"] == 3
        known = {message["id"] for message in back.history()}
        assert asked[-1]["id"] in known
    finally:
        kept.dispose()
        other.stop()
