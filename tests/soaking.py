"""A soak: many people on Slack and on Teams at once, platforms that misbehave as they do, and a
front door that is killed again and again. Whoever runs one gets counts, and judges them.

The front door is a real process on SQLite; the platforms and the brain are the tests' own, on
loopback. Every process is ended by its id.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import httpx
from doors import SECRET, Answer, FakeBrain, Question, echo
from fake_teams import Chat, FakeTeams, buttons, card, personal_id
from fakes.slack import SIGNING_SECRET, FakeSlack, Person, Post, Team
from loopback import loopback_client
from platform_lines import press_on_slack
from processes import free_port
from sqlalchemy import func, select

from mobilis.models import deliveries, inbox, places
from mobilis.settings import ROOT
from mobilis.stack import UNLIMITED, Running
from mobilis.store import Database, migrate

AGAIN, SWAPPED, LIMITED = 0.10, 0.05, 0.05  # shares of events
AT_ONCE = 8  # conversations in which somebody writes
PER_TALK = 25  # messages of a conversation, at most
ASKING = 5  # one answer in so many has a button, which is pressed twice in the end
IN_PUBLIC = 4  # one conversation in so many is in a channel or a group
RETRY_SECONDS = 0.1
PATIENCE_SECONDS = 60.0  # for one event
SHOW_EVERY = 5.0
GREETING = "Bonjour !"
# The front door, which waits less for a delivery whose process is gone.
DOOR = """
from mobilis import deliveries
deliveries.SENDING_SECONDS = {seconds}
from mobilis.settings import load_settings
from mobilis.web.server import serve
serve(load_settings())
"""

Send = Callable[[], httpx.Response]
Stream = list[tuple[str, Send]]  # what comes, named
BUTTON, PAYLOAD = "Encore ", "/again"


@dataclass(frozen=True)
class Plan:
    """How much is done. `cut_seconds`: until a delivery under way is taken to be lost."""

    events: int  # over both platforms, without those that come again
    kill_every: int
    cut_seconds: float = 60.0
    seed: int = 20


@dataclass
class Talk:
    """One conversation: what comes, in the order in which the platform brings it."""

    channel: str
    greeting: list[str]
    shown: Callable[[], list[str]]
    offered: Callable[[], Stream]  # a press of each button that is shown, by its number
    brought: Stream = field(default_factory=list)  # texts, some of them again
    pressed: Stream = field(default_factory=list)

    def expected(self) -> list[str]:
        """What must be shown, each once."""
        said = dict.fromkeys(f"echo {text}" for text, _ in self.brought)
        asked = dict.fromkeys(f"payload {PAYLOAD}{number}" for number, _ in self.pressed)
        return [*self.greeting, *said, *asked]


@dataclass
class Count:
    """What became of a platform's messages."""

    messages: int = 0
    brought: int = 0  # again ones included
    answers: int = 0  # that must be shown, greetings included
    lost: int = 0
    doubled: int = 0
    unordered: int = 0
    strange: int = 0  # shown, but never said
    presses: int = 0
    left: int = 0  # buttons that are still shown
    dead: int = 0  # given up


@dataclass
class Outcome:
    """Counts by channel, and what it took."""

    plan: Plan
    counts: dict[str, Count]
    kills: int
    seconds: float
    load: tuple[float, float]  # of a minute, before and after
    turns_doubled: int  # messages that the brain ran twice


class Soak:
    """`run` does it all; `folder` gets the database and the log of the front door."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self.plan = plan
        self.kills = 0
        self._chance = random.Random(plan.seed)
        self._folder = folder
        self._database_url = f"sqlite:///{folder / 'mobilis.db'}"
        self._port = free_port()
        self._door: Running | None = None
        self._lock = threading.Lock()
        self._taken = 0
        self._dead: dict[str, int] = {}
        self._environment: dict[str, str] = {}
        self._total = 0

    def run(self) -> Outcome:
        """Everything, from the first event to the last answer."""
        began, load = time.monotonic(), os.getloadavg()[0]
        migrate(self._database_url)
        with self._platforms() as (slack, teams, brain, http):
            talks = self._talks(slack, teams, http)
            with self._running():
                self._bring([talk.brought for talk in talks])
                self._wait()
                for talk in talks:  # slips included
                    talk.pressed = [press for one in talk.offered() for press in (one, one)]
                self._bring([talk.pressed for talk in talks])
                self._wait()
            counts = {name: self._count(name, talks) for name in ("slack", "teams")}
            turns = Counter((q["conversation"], q["message"]) for q in brain.answered)
        return Outcome(
            plan=self.plan,
            counts=counts,
            kills=self.kills,
            seconds=time.monotonic() - began,
            load=(load, os.getloadavg()[0]),
            turns_doubled=sum(times - 1 for times in turns.values()),
        )

    # What runs

    @contextmanager
    def _platforms(self) -> Iterator[tuple[FakeSlack, FakeTeams, FakeBrain, httpx.Client]]:
        slack, teams, brain = FakeSlack().start(), FakeTeams(), FakeBrain()
        brain.script = answer
        slack.busy = teams.faults.share = LIMITED
        self._environment = self._settings(slack, teams, brain)
        base = f"http://127.0.0.1:{self._port}"
        limits = httpx.Limits(max_keepalive_connections=0)  # none to a door that is gone
        try:
            with loopback_client(base_url=base, timeout=20, limits=limits) as http:
                yield slack, teams, brain, http
        finally:
            brain.stop()
            teams.stop()
            slack.stop()

    def _settings(self, slack: FakeSlack, teams: FakeTeams, brain: FakeBrain) -> dict[str, str]:
        own = {
            "DATABASE_URL": self._database_url,
            "MOBILIS_DATA_DIR": str(self._folder),
            "MOBILIS_HOST": "127.0.0.1",
            "MOBILIS_PORT": str(self._port),
            "MOBILIS_BRAIN_PORT": str(brain.port),
            "MOBILIS_SECRET": SECRET,
            "MOBILIS_SLACK_SIGNING_SECRET": SIGNING_SECRET,
            "MOBILIS_SLACK_BOT_TOKEN": Team.token,
            "MOBILIS_SLACK_API_URL": slack.base,
        }
        theirs = {f"MOBILIS_{name.upper()}": value for name, value in teams.settings().items()}
        return {**UNLIMITED, **own, **theirs}

    @contextmanager
    def _running(self) -> Iterator[None]:
        self._start()
        try:
            yield
        finally:
            with self._lock:
                if self._door:
                    self._door.stop()

    def _start(self) -> None:
        command = [sys.executable, "-c", DOOR.format(seconds=self.plan.cut_seconds)]
        log = self._folder / f"door-{self.kills}.log"
        health = f"http://127.0.0.1:{self._port}/healthz"
        self._door = Running(command, self._environment, ROOT, log, health)

    def _kill(self) -> None:
        """End the front door in the middle of whatever it does, and start it again."""
        assert self._door
        os.kill(self._door.root_pid, signal.SIGKILL)
        self._door.stop()
        self.kills += 1
        self._start()

    # What people do

    def _talks(self, slack: FakeSlack, teams: FakeTeams, http: httpx.Client) -> list[Talk]:
        each = self.plan.events // 2
        sizes = [PER_TALK] * (each // PER_TALK) + ([each % PER_TALK] if each % PER_TALK else [])
        talks = []
        for number, size in enumerate(sizes):
            public = number % IN_PUBLIC == IN_PUBLIC - 1
            talks.append(self._on_slack(slack, http, number, size, public))
            talks.append(self._on_teams(teams, http, number, size, public))
        return talks

    def _on_slack(
        self, slack: FakeSlack, http: httpx.Client, number: int, size: int, public: bool
    ) -> Talk:
        who = Person(slack, http, user=f"U{number:04}")
        slack.teams[who.team].locales[who.user] = "fr-FR"
        thread = slack.ts() if public else None
        where = "C1" if public else who.direct

        def posts() -> list[Post]:
            return [p for p in list(slack.posts) if (p.channel, p.thread) == (where, thread)]

        def press(post: Post, title: str) -> Send:
            body = press_on_slack(slack, post, title)
            return lambda: who.interacts(body)

        talk = Talk(
            "slack",
            [] if public else [GREETING],
            shown=lambda: [post.text.split("\n")[0] for post in posts()],
            offered=lambda: [
                (title.removeprefix(BUTTON), press(post, title))
                for post in posts()
                for title in post.buttons()
            ],
        )

        def event(text: str) -> Send:
            said = who.said(text)
            if public:
                said |= {"type": "app_mention", "channel": where, "channel_type": "channel"}
                said |= {"text": f"<@UBOT> {text}", "thread_ts": thread}
            body = who.event(said)
            return lambda: who.send(body)

        return self._filled(talk, size, event)

    def _on_teams(
        self, teams: FakeTeams, http: httpx.Client, number: int, size: int, public: bool
    ) -> Talk:
        person = f"29:{number:04}"
        kind = "groupChat" if public else "personal"
        place = f"19:{number:04}@thread.v2" if public else personal_id(person)
        chat = Chat(teams, http.post, place, person, kind)

        def press(choice: str) -> Send:
            activity = teams.press(chat, choice)
            return lambda: chat.send(activity)

        talk = Talk(
            "teams",
            [] if public else [GREETING],
            shown=lambda: list(chat.texts),
            offered=lambda: [
                (title.removeprefix(BUTTON), press(choice))
                for activity in chat.shown
                for title, choice in buttons(card(activity)).items()
            ],
        )

        def event(text: str) -> Send:
            activity = teams.message(chat, text)
            return lambda: chat.send(activity)

        return self._filled(talk, size, event)

    def _filled(self, talk: Talk, size: int, event: Callable[[str], Send]) -> Talk:
        texts = [f"message {number}" for number in range(size)]
        said = [(text, event(text)) for text in texts]
        for at in range(len(said) - 1):
            if self._chance.random() < SWAPPED:
                said[at], said[at + 1] = said[at + 1], said[at]
        for one in said:
            talk.brought.append(one)
            if self._chance.random() < AGAIN:
                talk.brought.append(self._chance.choice(talk.brought))
        return talk

    def _bring(self, streams: list[Stream]) -> None:
        shuffled = self._chance.sample(streams, len(streams))
        self._total += sum(len(stream) for stream in streams)
        ended = threading.Event()
        watching = threading.Thread(target=self._show_progress, args=(ended,), daemon=True)
        watching.start()
        try:
            with ThreadPoolExecutor(AT_ONCE) as people:
                list(people.map(self._talk, shuffled))
        finally:
            ended.set()
            watching.join()

    def _talk(self, stream: Stream) -> None:
        for _, send in stream:
            self._insist(send)
            with self._lock:
                self._taken += 1
                if self._taken % self.plan.kill_every == 0 and self._taken < self._total:
                    self._kill()

    def _insist(self, send: Send) -> None:
        """As platforms do: again, until it is acknowledged."""
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            try:
                status = send().status_code
            except httpx.TransportError:
                status = 0
            if status in (200, 202):
                return
            assert status in (0, 503), status
            time.sleep(RETRY_SECONDS)
        raise AssertionError(f"an event was not taken for {PATIENCE_SECONDS:g} s")

    def _show_progress(self, ended: threading.Event) -> None:
        while not ended.wait(SHOW_EVERY):
            sys.stderr.write(f"{self._taken} of {self._total} events, {self.kills} kills\n")

    # What came of it

    def _wait(self) -> None:
        """Until everything is answered and shown, or given up."""
        database = Database(self._database_url)
        end = time.monotonic() + 2 * self.plan.cut_seconds + 120
        try:
            while rest := _rest(database):
                assert time.monotonic() < end, f"{rest} are still under way"
                time.sleep(0.2)
            self._dead = _dead(database)
        finally:
            database.dispose()

    def _count(self, channel: str, talks: list[Talk]) -> Count:
        count = Count(dead=self._dead.get(channel, 0))
        for talk in talks:
            if talk.channel == channel:
                _add(count, talk)
        return count


def answer(question: Question) -> Answer:
    """What the brain says: an echo, with a button beneath some."""
    status, content = echo(question)
    said, _, number = question.get("text", "").partition(" ")
    if said == "message" and int(number) % ASKING == 0:
        button = {"title": f"{BUTTON}{number}", "payload": f"{PAYLOAD}{number}"}
        content["messages"][0]["choices"] = [button]
    return status, content


def _add(count: Count, talk: Talk) -> None:
    expected, shown = talk.expected(), talk.shown()
    times = Counter(shown)
    count.messages += len({text for text, _ in talk.brought})
    count.presses += len({number for number, _ in talk.pressed})
    count.left += len(talk.offered())
    count.brought += len(talk.brought)
    count.answers += len(expected)
    count.lost += sum(1 for text in expected if not times[text])
    count.doubled += sum(times[text] - 1 for text in expected if times[text] > 1)
    count.strange += sum(times[text] for text in times if text not in set(expected))
    places = [expected.index(text) for text in dict.fromkeys(shown) if text in set(expected)]
    count.unordered += sum(1 for one, after in pairwise(places) if after < one)


def _rest(database: Database) -> int:
    """Messages to answer, and answers to show."""
    waiting = select(func.count()).where(inbox.c.state == "pending")
    going = select(func.count()).where(deliveries.c.state.in_(("pending", "sending")))
    with database.read() as connection:
        return sum(int(connection.scalar(query) or 0) for query in (waiting, going))


def _dead(database: Database) -> dict[str, int]:
    query = (
        select(places.c.channel, func.count())
        .join(deliveries, deliveries.c.conversation_id == places.c.conversation_id)
        .where(deliveries.c.state == "failed")
        .group_by(places.c.channel)
    )
    with database.read() as connection:
        return {row[0]: int(row[1]) for row in connection.execute(query)}


def to_markdown(outcome: Outcome, date: str) -> str:
    """The outcome, for docs/reliability.md."""
    plan, columns = outcome.plan, list(outcome.counts)
    rows = [
        ("messages", "messages"),
        ("brought, again ones included", "brought"),
        ("buttons pressed, each twice", "presses"),
        ("answers to be shown, greetings included", "answers"),
        ("lost", "lost"),
        ("shown twice", "doubled"),
        ("out of order", "unordered"),
        ("shown, but never said", "strange"),
        ("buttons that stayed after they were pressed", "left"),
        ("given up (dead letters)", "dead"),
    ]
    lines = [
        f"{date}, {os.cpu_count()} cores, load {outcome.load[0]:.1f} before and"
        f" {outcome.load[1]:.1f} after: {plan.events} messages in {outcome.seconds:.0f} s,"
        f" the front door killed {outcome.kills} times, once every {plan.kill_every} events;"
        f" {AGAIN:.0%} of the events came again, {SWAPPED:.0%} out of order, {LIMITED:.0%} of what"
        f" was sent was refused with 429. Turns that the brain ran twice: {outcome.turns_doubled}.",
        "",
        f"| | {' | '.join(name.capitalize() for name in columns)} |",
        f"|---|{'---|' * len(columns)}",
    ]
    for title, name in rows:
        figures = (str(getattr(outcome.counts[column], name)) for column in columns)
        lines.append(f"| {title} | {' | '.join(figures)} |")
    return "\n".join(lines)


def write_into(document: Path, text: str, mark: str = "soak") -> None:
    """Put the text between the two marks of a document."""
    before, _, rest = document.read_text(encoding="utf-8").partition(f"<!-- {mark} -->\n")
    _, _, after = rest.partition(f"<!-- /{mark} -->")
    whole = f"{before}<!-- {mark} -->\n{text}\n<!-- /{mark} -->{after}"
    document.write_text(whole, encoding="utf-8")
