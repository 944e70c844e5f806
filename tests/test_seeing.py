"""Log lines, ids, metrics and spans by themselves: what is shown, and what never is."""

from __future__ import annotations

import ast
import io
import json
import logging
import re
import socket
import subprocess
import sys
import time
from dataclasses import replace

import pytest
from collectors import Collector, attributes
from processes import free_port
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from mobilis.errors import SettingError, StoreError
from mobilis.seeing import ids, logs, metrics, spans
from mobilis.seeing.ids import Parent
from mobilis.settings import ROOT, Settings

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
HEADER = f"00-{TRACE}-{SPAN}-01"
SAID = "un grand secret de Marie"


# --- ids


def test_a_traceparent_is_read_and_written() -> None:
    assert ids.read_parent(HEADER) == Parent(TRACE, SPAN, True)
    assert ids.read_parent(HEADER[:-1] + "0") == Parent(TRACE, SPAN, False)
    assert ids.write_parent(TRACE, SPAN, sampled=True) == HEADER
    assert ids.read_parent(ids.write_parent(TRACE)).trace == TRACE
    assert ids.read_parent(f"01-{TRACE}-{SPAN}-01-later") == Parent(TRACE, SPAN, True)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        SAID,
        TRACE,
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-01-more",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        HEADER.upper(),
        f"{HEADER}\n",
        f"00-{TRACE}g-{SPAN}-01",
    ],
)
def test_what_is_no_traceparent_is_refused(header) -> None:
    assert ids.read_parent(header) is None


def test_a_message_has_the_trace_of_its_id() -> None:
    assert ids.trace_of("4BF92F35-77B3-4DA6-A3CE-929D0E0E4736") == TRACE
    odd = ids.trace_of("marie@exemple.ca")
    assert ids.read_parent(ids.write_parent(odd)).trace == odd
    assert odd == ids.trace_of("marie@exemple.ca") != ids.trace_of("marie@exemple.com")
    assert ids.trace_of("0" * 32) != "0" * 32


def test_the_callers_trace_comes_before_the_messages() -> None:
    with ids.tracing(TRACE, given=True):
        assert ids.trace_for("message-1") == TRACE
    with ids.tracing(TRACE):
        assert ids.trace_for("message-1") == ids.trace_of("message-1")
        ids.take_up("message-1")
        assert ids.current_trace() == ids.trace_of("message-1")
    assert ids.current_trace() == ""


# --- log lines


@pytest.fixture
def lines():
    """Has this process log as JSON; gives what was logged since."""
    stream = io.StringIO()
    root = logging.getLogger()
    kept = root.handlers[:], root.level, logging.lastResort, logging.raiseExceptions
    levels = {name: logging.getLogger(name).level for name in (*logs.SHOWN, "py.warnings")}
    hook = sys.excepthook

    def configure(**changes):
        logs.configure("door", replace(Settings(), **changes), stream)
        return lambda: [json.loads(line) for line in stream.getvalue().splitlines()][1:]

    configure.stream = stream
    yield configure
    root.handlers[:], logging.lastResort, logging.raiseExceptions = kept[0], kept[2], kept[3]
    root.setLevel(kept[1])
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    logging.captureWarnings(False)
    sys.excepthook = hook


def failing(error: Exception) -> Exception:
    try:
        raise error
    except type(error) as raised:
        return raised


def test_an_event_is_a_line_of_json_with_the_trace(lines) -> None:
    told = lines()
    with ids.tracing(TRACE):
        logs.tell(logging.getLogger("mobilis.x"), "turn_answered", channel="web", ms=3.5)
    [line] = told()
    assert line.pop("at").endswith("Z")
    assert line == {
        "level": "info",
        "process": "door",
        "event": "turn_answered",
        "trace": TRACE,
        "channel": "web",
        "ms": 3.5,
    }


def test_a_terminal_gets_text(lines) -> None:
    lines(log_format="text")
    logs.tell(logging.getLogger("mobilis.x"), "note", message="two\nlines", code=3)
    assert lines.stream.getvalue().splitlines()[-1][12:].startswith(" info     note two lines")
    assert lines.stream.getvalue().endswith("code=3\n")


@pytest.mark.parametrize("event, fields", [("chat", {}), ("note", {"text": SAID})])
def test_what_is_no_event_or_no_field_is_refused(event, fields) -> None:
    with pytest.raises(ValueError, match="no such"):
        logs.tell(logging.getLogger("mobilis"), event, **fields)


def test_an_error_is_its_type_and_place_and_its_words_only_when_they_are_ours(lines) -> None:
    told = lines()
    for error in (failing(ValueError(SAID)), failing(StoreError("the database refused"))):
        logs.tell_refusal(logging.getLogger("mobilis.x"), "it cannot be done", error)
    theirs, ours = told()
    assert (theirs["error"], ours["error"]) == ("ValueError", "StoreError")
    assert ours["why"] == "the database refused"
    assert theirs["frames"][0].startswith("test_seeing.py:")
    assert SAID not in json.dumps(theirs)


def test_another_librarys_line_shows_only_where_it_is_from(lines) -> None:
    told = lines(log_level="DEBUG")
    logger = logging.getLogger("rasa.core.processor")
    logger.info("Received user message '%s'", SAID)  # not even that
    logger.warning(f"Received user message '{SAID}'")
    logger.error("no", exc_info=failing(ValueError(SAID)))
    logging.getLogger("uvicorn.error").info("Started server process [%d]", 7)
    first, second, third = told()
    assert first["event"] == second["event"] == "library"
    assert first["where"].startswith("rasa.core.processor:test_another")
    assert "message" not in first
    assert second["error"] == "ValueError"
    assert third["message"] == "Started server process [7]"
    assert SAID not in lines.stream.getvalue()


def test_loggers_that_a_library_cut_off_write_the_same_lines(lines) -> None:
    told = lines()
    logger = logging.getLogger("sanic.error")
    logger.propagate = False
    try:
        logger.error("while handling %s", SAID)
    finally:
        logger.propagate = True
    assert told()[0]["event"] == "library"
    assert SAID not in lines.stream.getvalue()


def test_a_sentence_of_ours_is_a_note(lines) -> None:
    told = lines()
    logging.getLogger("mobilis.web.x").warning("Teams: %s", "no answer")
    [line] = told()
    assert (line["event"], line["message"]) == ("note", "Teams: no answer")


def test_a_process_that_crashes_says_where_and_not_what() -> None:
    code = (
        "import threading; from mobilis.seeing import logs; from mobilis.settings import Settings\n"
        "logs.configure('door', Settings(log_format='json'))\n"
        f"def fall(): raise ValueError({SAID!r})\n"
        "thread = threading.Thread(target=fall); thread.start(); thread.join(); fall()"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 1
    lines = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [line.get("error") for line in lines] == [None, "ValueError", "ValueError"]
    assert SAID not in ended.stdout + ended.stderr


def test_ctrl_c_is_no_crash(lines) -> None:
    told = lines()
    sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert told() == []


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"log_level": "LOUD"}, "MOBILIS_LOG_LEVEL: one of TRACE"),
        ({"log_format": "xml"}, "MOBILIS_LOG_FORMAT: json or text"),
    ],
)
def test_settings_of_lines_that_make_no_sense_are_refused(changes, sentence) -> None:
    with pytest.raises(SettingError, match=sentence):
        logs.configure("door", replace(Settings(), **changes), io.StringIO())


def test_every_event_and_field_that_the_code_tells_is_known_and_told_by_some() -> None:
    """Read from the source, since not every line is written in tests."""
    events: set[str] = set()
    for path in [*(ROOT / "mobilis").rglob("*.py"), *(ROOT / "actions").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                events |= _told(node)
    spoken = {f"delivery_{outcome}" for outcome in ("sent", "postponed", "refused")}
    spoken |= {f"mail_{outcome}" for outcome in metrics.MAIL_OUTCOMES}
    spoken |= {"library", "output", "database_refused"}
    assert events | spoken == set(logs.EVENTS)


def _told(call: ast.Call) -> set[str]:
    name = getattr(call.func, "attr", None) or getattr(call.func, "id", "")
    place = {"tell": 1, "_tell": 0}.get(name)
    if place is None or len(call.args) <= place:
        return set()  # a function of another module, of that name
    if not isinstance(call.args[place], ast.Constant):
        return set()
    fields = {word.arg for word in call.keywords if word.arg}
    assert fields - {"message", "error"} <= set(logs.FIELDS)
    return {call.args[place].value}


# --- metrics


def test_metrics_are_served_at_a_port_of_their_own() -> None:
    port = free_port() - 1
    server = metrics.serve("brain", replace(Settings(), metrics_port=port), logging.getLogger())
    try:
        found = {family.name: family for family in scrape(port + 1)}
    finally:
        server.shutdown()
        server.server_close()
    understood = found["mobilis_messages_understood"].samples
    assert {tuple(sample.labels.values()) for sample in understood} >= {
        ("fr", "lost"),
        ("en", "understood"),
    }
    assert not any(name.endswith("_created") for name in found)


def scrape(port: int):
    import httpx

    text = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
    return list(text_string_to_metric_families(text))


def test_without_a_setting_nothing_is_served() -> None:
    assert metrics.serve("door", Settings(), logging.getLogger()) is None


def test_a_port_that_is_taken_is_a_line_in_the_log_and_no_end(caplog) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        settings = replace(Settings(), metrics_port=other.getsockname()[1])
        assert metrics.serve("door", settings, logging.getLogger("mobilis.x")) is None
    assert caplog.records[0].event == "metrics_off"
    assert caplog.records[0].fields["why"].startswith("MOBILIS_METRICS_PORT: 127.0.0.1:")


def test_what_is_timed_says_whether_it_went_well() -> None:
    def count(outcome: str) -> float:
        labels = {"action": "action_x", "outcome": outcome}
        value = REGISTRY.get_sample_value("mobilis_action_seconds_count", labels)
        return value or 0.0

    before = count("ok"), count("error")
    with metrics.timed(metrics.ACTION_SECONDS, action="action_x"):
        pass
    with pytest.raises(ValueError), metrics.timed(metrics.ACTION_SECONDS, action="action_x"):
        raise ValueError
    assert (count("ok"), count("error")) == (before[0] + 1, before[1] + 1)


# --- spans


@pytest.fixture
def collector():
    running = Collector()
    yield running
    spans.stop()
    running.stop()


def test_spans_of_two_processes_are_one_trace_without_words(collector) -> None:
    spans.configure("door", replace(Settings(), traces_url=collector.url))
    with ids.tracing(TRACE), spans.span("turn", channel="web", attempts=0):
        handed = spans.handed_on()
        assert ids.read_parent(handed).trace == TRACE
    with ids.tracing(""):
        spans.take_over(handed)
        with pytest.raises(ValueError), spans.span("brain"):
            raise ValueError(SAID)
    spans.take_over(None)
    spans.stop()
    turn, brain = collector.spans(TRACE)
    assert turn["service"] == "mobilis-door"
    assert turn.get("parentSpanId", "") == ""
    assert brain["parentSpanId"] == turn["spanId"]
    assert attributes(turn) == {"mobilis.channel": "web", "mobilis.attempts": "0"}
    assert attributes(brain) == {"error.type": "ValueError"}
    assert brain["status"]["code"] == 2
    assert SAID not in str(collector.bodies)


def test_a_failure_that_raises_nothing_is_noted_in_its_span(collector) -> None:
    spans.note_error(ValueError(SAID))  # off: nothing happens
    spans.configure("door", replace(Settings(), traces_url=collector.url))
    with ids.tracing(TRACE), spans.span("turn"):
        spans.note_error(ValueError(SAID))
    spans.stop()
    [turn] = collector.spans(TRACE)
    assert attributes(turn)["error.type"] == "ValueError"
    assert SAID not in str(collector.bodies)


@pytest.mark.parametrize("fault", ["away", "refuses"])
def test_a_collector_that_does_not_take_spans_holds_nobody_up(
    collector, fault, monkeypatch
) -> None:
    monkeypatch.setattr(spans, "TIMEOUT_SECONDS", 0.5)
    url = collector.url
    if fault == "away":
        url = f"http://127.0.0.1:{free_port()}/v1/traces"
    collector.status = 503
    spans.configure("door", replace(Settings(), traces_url=url))
    began = time.perf_counter()
    for _ in range(200):
        with ids.tracing(TRACE), spans.span("turn"):
            pass
    took = time.perf_counter() - began
    assert took < 20  # of exporting, nothing: each would wait for half a second
    spans.stop()
    assert collector.spans(TRACE) == []


def test_without_a_setting_nothing_of_it_is_loaded() -> None:
    code = (
        "import sys; from mobilis.seeing import ids, spans; from mobilis.settings import Settings\n"
        "spans.configure('door', Settings())\n"
        f"with ids.tracing('{TRACE}'), spans.span('turn'): print(spans.handed_on())\n"
        "spans.stop(); sys.exit('opentelemetry' in sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ids.read_parent(ended.stdout.strip()) == Parent(TRACE, ended.stdout[36:52], False)


@pytest.mark.parametrize("url", ["ftp://a", "collector:4318", "http://"])
def test_an_address_of_traces_that_makes_no_sense_is_refused(url) -> None:
    with pytest.raises(SettingError, match="MOBILIS_TRACES_URL"):
        spans.configure("door", replace(Settings(), traces_url=url))


def test_without_opentelemetry_the_setting_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(SettingError, match=r'install "mobilis\[traces\]"'):
        spans.configure("door", replace(Settings(), traces_url="http://127.0.0.1:4318/v1/traces"))


# --- what is documented


def rows(heading: str) -> set[str]:
    """The first column of the table below a heading of docs/observing.md."""
    page = (ROOT / "docs" / "observing.md").read_text(encoding="utf-8")
    part = re.split(r"(?m)^#+ ", page.partition(f"# {heading}\n")[2])[0]
    return set(re.findall(r"(?m)^\| `(\w+)` \|", part))


def test_every_event_field_and_metric_is_documented_and_none_that_there_is_not() -> None:
    assert rows("Events") == set(logs.EVENTS)
    head = {"at", "level", "process", "event", "trace", "message", "where", "error", "frames"}
    assert rows("Fields") == head | set(logs.FIELDS)
    endings = {"counter": "_total", "info": "_info"}
    counted = {family.name + endings.get(family.type, "") for family in REGISTRY.collect()}
    looked_up = {"mobilis_ready", "mobilis_queue_waiting", "mobilis_queue_oldest_seconds"}
    looked_up |= {"mobilis_dead_letters", "mobilis_release_info"}
    own = {name for name in counted if name.startswith("mobilis_")}
    assert rows("Metrics") == own | looked_up
