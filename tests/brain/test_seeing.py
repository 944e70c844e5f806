"""What operators see of real turns through the real processes: one id in the lines and spans of all
of them, numbers that agree with what happened, and nothing of what anybody said."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from collectors import Collector, attributes
from loopback import loopback_client
from processes import Stack
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import select, update

from mobilis.models import inbox, tracker_events
from mobilis.seeing.ids import trace_of, write_parent
from mobilis.seeing.logs import EVENTS, FIELDS
from mobilis.stack import free_ports
from mobilis.store import Database

WAIT = 30
PROMTOOL = shutil.which("promtool")  # of Debian's package prometheus
PROCESSES = ("door", "brain", "actions", "up")
# What must be in no line: said, written to forms, secret, or in an address.
TEXT, NAME, MAIL, GROUP = "grenouillemauve", "Zéphirine", "zephirine.q@exemple.ca", "Archipel"
SECRET, PASSWORD, STRANGER = "chut-" * 6, "motdepasse-rate", "inconnue@exemple.ca"
PATH, JUNK, PAGE = "chemin-curieux", "en-tete-curieux", "page-curieuse"
TOKEN, LETTERS = "xoxb-jeton-curieux", "sceau-curieux"
PLANTED = (TOKEN, LETTERS, TEXT, NAME, MAIL, GROUP, SECRET, PASSWORD, STRANGER, PATH, JUNK, PAGE)
HEAD = {"at", "level", "process", "event", "trace", "message", "where", "error", "frames"}


class Seen:
    """A whole assistant that logs all there is, measures and sends spans."""

    def __init__(self, stack: Stack, collector: Collector, port: int) -> None:
        self.stack, self.collector, self.port = stack, collector, port
        self.http = loopback_client(base_url=stack.base, timeout=WAIT + 60)

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log().splitlines()]

    def log(self) -> str:
        """Every whole line so far."""
        return self.stack.log.read_text(encoding="utf-8").rpartition("\n")[0]

    def of(self, trace: str) -> list[tuple[str, str]]:
        """The process and the event of each line of a trace."""
        lines = [line for line in self.lines() if line.get("trace") == trace]
        return [(line["process"], line["event"]) for line in lines]

    def value(self, name: str, process: str = "door", **labels: str) -> float:
        """A number that a process shows; 0, where it has none yet."""
        found = [
            sample.value
            for family in self.families(process)
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        ]
        return sum(found)

    def families(self, process: str) -> list[Any]:
        address = f"http://127.0.0.1:{self.port + PROCESSES.index(process)}/metrics"
        return list(text_string_to_metric_families(self.http.get(address).text))


class Talk:
    """A conversation over HTTP."""

    def __init__(self, seen: Seen) -> None:
        self.seen = seen
        opened = seen.http.post(
            "/api/conversations", json={"language": "fr", "page": f"https://a.ca/{PAGE}"}
        )
        assert opened.status_code == 201, opened.text
        self.id, self.token = opened.json()["conversation"], opened.json()["token"]

    def say(self, text: str, id: str = "", **headers: str) -> httpx.Response:
        given = {"Authorization": f"Bearer {self.token}", **headers}
        body = {"id": id or str(uuid.uuid4()), "text": text}
        address = f"/api/conversations/{self.id}/messages"
        end = time.monotonic() + 120
        while True:
            answer = self.seen.http.post(address, json=body, params={"wait": WAIT}, headers=given)
            if answer.status_code != 202 or time.monotonic() > end:
                return answer


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    collector, port = Collector(), free_ports(len(PROCESSES))
    environment = {
        "MOBILIS_LOG_LEVEL": "DEBUG",
        "MOBILIS_METRICS_PORT": str(port),
        "MOBILIS_TRACES_URL": collector.url,
        "MOBILIS_SECRET": SECRET,
        "MOBILIS_SMTP_URL": f"smtp://nous:{LETTERS}@127.0.0.1:9?tls=no",
        "MOBILIS_MAIL_FROM": "equipe@exemple.ca",
        "MOBILIS_SLACK_BOT_TOKEN": TOKEN,
        "MOBILIS_SLACK_SIGNING_SECRET": LETTERS,
        "MOBILIS_SLACK_API_URL": "http://127.0.0.1:9/api/",  # nobody answers there
        "OTEL_BSP_SCHEDULE_DELAY": "200",  # milliseconds
        "LOG_LEVEL": "DEBUG",  # Rasa's own
        "LOG_LEVEL_LIBRARIES": "DEBUG",
    }
    stack = Stack(tmp_path_factory.mktemp("seen"), environment=environment)
    yield Seen(stack, collector, port)
    stack.stop()
    collector.stop()


@pytest.fixture
def eventually() -> Callable[[Callable[[], Any]], Any]:
    def wait(condition: Callable[[], Any]) -> Any:
        end = time.monotonic() + 60
        while not (value := condition()):
            assert time.monotonic() < end, "it never came true"
            time.sleep(0.05)
        return value

    return wait


def test_one_id_is_in_the_lines_of_all_three_and_comes_back_to_the_browser(seen, eventually):
    message = str(uuid.uuid4())
    answer = Talk(seen).say("Qui peut soumettre une demande ?", message)
    trace = trace_of(message)
    assert answer.headers["traceresponse"].split("-")[1] == trace == message.replace("-", "")
    wanted = [
        ("door", "turn_received"),
        ("door", "turn_handed_over"),
        ("actions", "action_ran"),
        ("brain", "brain_answered"),
        ("door", "turn_answered"),
        ("door", "request"),
    ]
    eventually(lambda: set(wanted) <= set(seen.of(trace)))
    order = [found for found in seen.of(trace) if found in wanted]
    assert order.index(wanted[0]) < order.index(wanted[1]) < order.index(wanted[4])


def test_the_id_of_a_caller_is_kept_through_all(seen, eventually):
    trace = uuid.uuid4().hex
    answer = Talk(seen).say("Combien ça coûte ?", traceparent=write_parent(trace))
    assert answer.headers["traceresponse"].split("-")[1] == trace
    eventually(lambda: {process for process, _ in seen.of(trace)} == {"door", "brain", "actions"})


def test_a_turn_that_is_tried_again_keeps_its_id(seen, eventually):
    talk, message = Talk(seen), str(uuid.uuid4())
    failures = seen.value("mobilis_turns_total", outcome="retried")
    restarts = seen.value("mobilis_restarts_total", "up", part="brain")
    seen.stack.kill("brain")
    assert talk.say("Combien ça coûte ?", message).status_code == 200
    trace = trace_of(message)
    last = {("door", "turn_answered"), ("door", "request")}
    eventually(lambda: last <= set(seen.of(trace)))
    events = [event for _, event in seen.of(trace)]
    assert "turn_retried" in events
    assert events.count("turn_answered") == 1
    assert seen.value("mobilis_turns_total", outcome="retried") > failures
    assert seen.value("mobilis_restarts_total", "up", part="brain") == restarts + 1
    eventually(lambda: seen.value("mobilis_ready", part="brain") == 1)


def test_no_line_holds_what_was_said_or_what_is_secret(seen, eventually):
    talk = Talk(seen)
    for text in (
        f"Bonjour, {TEXT} zzqx",
        f'/inform{{"name": "{TEXT}"}}',
        "j'aimerais laisser mes coordonnées pour que quelqu'un nous rappelle",
        "oui",
        f"moi c'est {NAME} Tremblay",
        f"{GROUP} du Fleuve",
        f"mon courriel c'est {MAIL}",
        f"on aimerait jaser de {TEXT}",
        "oui c'est beau",
        f"{TEXT} " * 100,
    ):
        assert talk.say(text, traceparent=JUNK).status_code == 200
    misbehave(seen, talk)
    breaks(seen, eventually)
    seen.stack.kill("actions")
    assert talk.say(f"c'est quoi {TEXT} ?").status_code == 200
    seen.stack.restart("door")
    log = seen.log()
    lines = seen.lines()  # each is JSON
    planted = (*PLANTED, talk.token, "one-time password")
    found = {word: line for word in planted for line in log.splitlines() if word in line}
    assert found == {}
    assert {line["event"] for line in lines} <= set(EVENTS)
    assert all(line.keys() <= HEAD | set(FIELDS) for line in lines)
    assert {line["process"] for line in lines} == set(PROCESSES)
    assert [line for line in lines if line["event"] == "output"] == []
    assert {line["level"] for line in lines} >= {"debug", "info", "error"}
    assert TEXT not in str(seen.collector.bodies)
    assert MAIL not in str(seen.collector.bodies)


def misbehave(seen: Seen, talk: Talk) -> None:
    """Ask for what there is not, and give what is wrong."""
    http, address = seen.http, f"/api/conversations/{talk.id}"
    http.get(f"/{PATH}/{MAIL}")
    http.get(f"{address}/events?token={PATH}")
    http.get(f"{address}/messages", headers={"Authorization": f"Bearer {SECRET}"})
    http.post(f"{address}/messages", content=f'{{"{TEXT}"', headers={"X-Request-ID": JUNK})
    http.get(f"/r/{PATH}")
    form = http.get("/console/sign-in")
    token = re.search(r'name="csrf" value="([^"]+)"', form.text)[1]
    given = {"csrf": token, "email": STRANGER, "password": PASSWORD, "next": f"/console/{PATH}"}
    origin = {"Origin": seen.stack.base, "Sec-Fetch-Site": "same-origin"}
    assert http.post("/console/sign-in", data=given, headers=origin).status_code == 403


def breaks(seen: Seen, eventually: Callable[[Callable[[], Any]], Any]) -> None:
    """A conversation whose memory cannot be read: the brain fails each time, and is asked again."""
    talk, message = Talk(seen), str(uuid.uuid4())
    database = Database(seen.stack.settings.database)
    with database.write() as connection:
        broken = json.dumps({"event": TEXT, "text": TEXT, "timestamp": 1})
        own = tracker_events.c.conversation_id == talk.id
        connection.execute(update(tracker_events).where(own).values(data=broken))
    given = {"Authorization": f"Bearer {talk.token}"}
    body = {"id": message, "text": f"encore {TEXT}"}
    seen.http.post(f"/api/conversations/{talk.id}/messages", json=body, headers=given)
    trace = trace_of(message)
    eventually(lambda: {("brain", "brain_failed"), ("door", "turn_retried")} <= {*seen.of(trace)})
    with database.read() as connection:
        kept = connection.execute(select(inbox.c.trace).where(inbox.c.id == message)).scalar()
    assert kept == trace
    database.dispose()


def test_the_numbers_are_those_of_what_happened(seen, eventually):
    def numbers() -> dict[str, float]:
        return {
            "answered": seen.value("mobilis_turns_total", channel="web", outcome="answered"),
            "timed": seen.value("mobilis_turn_seconds_count", channel="web"),
            "asked": seen.value("mobilis_brain_request_seconds_count", outcome="ok"),
            "brain": seen.value("mobilis_brain_turn_seconds_count", "brain"),
            "understood": seen.value(
                "mobilis_messages_understood_total", "brain", outcome="understood"
            ),
            "lost": seen.value("mobilis_messages_understood_total", "brain", outcome="lost"),
            "actions": seen.value("mobilis_action_seconds_count", "actions", outcome="ok"),
            "responses": seen.value(
                "mobilis_http_responses_total",
                route="/api/conversations/{conversation}/messages",
                status="200",
            ),
        }

    talk, before = Talk(seen), numbers()

    def grown_by() -> dict[str, float]:
        return {name: value - before[name] for name, value in numbers().items()}

    assert talk.say("Qui peut soumettre une demande ?").status_code == 200
    assert talk.say("zzqx wvut brrr").status_code == 200
    twice = ("answered", "timed", "asked", "brain", "responses")
    eventually(lambda: min(map(grown_by().get, twice)) >= 2)  # counted once all is sent
    grown = grown_by()
    assert {grown.pop(name) for name in twice} == {2}
    assert grown["understood"] + grown["lost"] == 2
    assert grown["understood"] >= 1
    assert grown["actions"] >= 2
    assert seen.value("mobilis_ready") == 3
    assert seen.value("mobilis_release_info") == 1
    assert seen.value("mobilis_process_running", "up") == 3
    assert seen.value("mobilis_event_streams") == 0
    address = f"/api/conversations/{talk.id}/events?token={talk.token}"
    with seen.http.stream("GET", address) as stream:
        lines = stream.iter_lines()
        next(lines)
        eventually(lambda: seen.value("mobilis_event_streams") == 1)
    eventually(lambda: seen.value("mobilis_event_streams") == 0)


def test_no_label_is_an_id_and_each_family_is_told_what_it_is(seen):
    for process in PROCESSES:
        for family in seen.families(process):
            assert family.documentation
            for sample in family.samples:
                words = " ".join(map(str, sample.labels.values()))
                if not family.name.endswith("_info") and family.name != "mobilis_release":
                    assert not re.search(r"[0-9a-f]{12}|@", words), sample


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed")
def test_prometheus_own_tool_finds_nothing_wrong(seen):
    for offset in range(len(PROCESSES)):
        text = seen.http.get(f"http://127.0.0.1:{seen.port + offset}/metrics").text
        command = [PROMTOOL, "check", "metrics"]
        ended = subprocess.run(command, input=text, capture_output=True, text=True)
        assert (ended.returncode, ended.stdout + ended.stderr) == (0, "")


def test_metrics_are_not_at_the_public_address(seen):
    assert seen.http.get("/metrics").status_code == 404


def test_the_spans_of_a_turn_are_one_tree_through_all_three(seen, eventually):
    message = str(uuid.uuid4())
    assert Talk(seen).say(f"Qui peut soumettre {TEXT} ?", message).status_code == 200
    trace = trace_of(message)

    def by_name() -> dict[tuple[str, str], dict[str, Any]]:
        spans = seen.collector.spans(trace)
        return {(span["service"], span["name"]): span for span in spans}

    wanted = {
        ("mobilis-door", "turn"),
        ("mobilis-brain", "brain"),
        ("mobilis-brain", "action call"),
        ("mobilis-actions", "action"),
    }
    found = eventually(lambda: wanted <= (spans := by_name()).keys() and spans)
    turn, brain = found["mobilis-door", "turn"], found["mobilis-brain", "brain"]
    call, action = found["mobilis-brain", "action call"], found["mobilis-actions", "action"]
    assert not turn.get("parentSpanId")
    assert brain["parentSpanId"] == turn["spanId"]
    spans = {span["spanId"]: span for span in seen.collector.spans(trace)}
    assert call["parentSpanId"] == brain["spanId"]
    assert spans[action["parentSpanId"]]["name"] == "action call"
    assert attributes(turn).keys() == {f"mobilis.{n}" for n in ("channel", "language", "attempts")}
    assert attributes(action)["mobilis.action"] == attributes(call)["mobilis.action"]
    assert TEXT not in str(seen.collector.bodies)


def test_turns_go_on_when_the_collector_is_away(seen):
    seen.collector.stop()
    assert Talk(seen).say("Bonjour").status_code == 200
