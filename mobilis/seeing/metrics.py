"""What is counted and timed, for Prometheus. Each process serves its own at a private port.

Names and labels are a promise to dashboards: docs/observing.md has a row for each. No label has
more values than the code, the content or the settings name.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import product
from time import perf_counter
from wsgiref.simple_server import WSGIServer

from prometheus_client import (
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    start_http_server,
)

from mobilis.content import LANGUAGES
from mobilis.seeing.logs import tell
from mobilis.settings import Settings

# Of a turn, which takes some 20 ms where nothing waits, and of what waits for a person to wait.
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
PROCESSES = ("door", "brain", "actions", "up")  # in the order of their ports
CHANNELS = ("web", "slack", "teams")
TURN_OUTCOMES = ("answered", "retried", "given_up", "dropped")
QUEUES = ("visitors", "staff")
DELIVERY_OUTCOMES = ("sent", "postponed", "refused", "given_up")
MAIL_OUTCOMES = ("sent", "postponed", "failed")
UNDERSTANDING = ("understood", "clarified", "lost")
WAYS = ("password", "second_factor", "provider")

TURNS = Counter(
    "mobilis_turns",
    "Turns by how a try of each ended: answered, retried, given_up or dropped",
    ("channel", "language", "outcome"),
)
TURN_SECONDS = Histogram(
    "mobilis_turn_seconds",
    "From taking a message in until its answer is stored",
    ("channel",),
    buckets=SECONDS,
)
WAITED_SECONDS = Histogram(
    "mobilis_turn_waited_seconds",
    "From taking a message in until it is first handed over",
    buckets=SECONDS,
)
ASKED_SECONDS = Histogram(
    "mobilis_brain_request_seconds",
    "What the front door waits for the brain: ok or error",
    ("outcome",),
    buckets=SECONDS,
)
BRAIN_SECONDS = Histogram(
    "mobilis_brain_turn_seconds", "What a turn takes in the brain", buckets=SECONDS
)
BRAIN_FAILURES = Counter("mobilis_brain_failures", "Turns that the brain could not take")
UNDERSTOOD = Counter(
    "mobilis_messages_understood",
    "Typed messages by outcome: understood, clarified (did you mean) or lost (not understood)",
    ("language", "outcome"),
)
ACTION_SECONDS = Histogram(
    "mobilis_action_seconds",
    "What an action takes: ok or error",
    ("action", "outcome"),
    buckets=SECONDS,
)
DELIVERIES = Counter(
    "mobilis_deliveries",
    "Tries to show a message: sent, postponed, refused or given_up; to visitors or to staff",
    ("queue", "channel", "outcome"),
)
MAILS = Counter("mobilis_mails", "Tries to send an e-mail: sent, postponed or failed", ("outcome",))
SIGN_INS = Counter("mobilis_sign_ins", "Of staff: admitted or refused", ("way", "outcome"))
RESPONSES = Counter("mobilis_http_responses", "Answers to requests", ("route", "status"))
STREAMS = Gauge("mobilis_event_streams", "Chats that are open: streams of server-sent events")
DATABASE_ERRORS = Counter("mobilis_database_errors", "Times that the database refused")
RESTARTS = Counter("mobilis_restarts", "Times that a process was started again", ("part",))
RUNNING = Gauge("mobilis_process_running", "Whether a process runs", ("part",))


def serve(process: str, settings: Settings, logger: logging.Logger) -> WSGIServer | None:
    """Serve what this process counts, where the settings say so; the server, to be closed.

    Seeing is less than working: a port that is taken is a line in the log.
    """
    if not settings.metrics_port:
        return None
    disable_created_metrics()  # type: ignore[no-untyped-call]  # when each began: four hundred numbers that nobody asks for
    ZEROS[process]()
    port = settings.metrics_port + PROCESSES.index(process)
    try:
        server, _ = start_http_server(port, settings.metrics_host)
    except OSError as error:
        why = f"MOBILIS_METRICS_PORT: {settings.metrics_host}:{port}: {error.strerror}"
        tell(logger, "metrics_off", logging.ERROR, why=why)
        return None
    return server


# An increase from nothing at all to one is none to Prometheus: what alerts count begins at zero.
def _door_zeros() -> None:
    for channel, language, outcome in product(CHANNELS, LANGUAGES, TURN_OUTCOMES):
        TURNS.labels(channel, language, outcome)
    for queue, channel, outcome in product(QUEUES, CHANNELS[1:], DELIVERY_OUTCOMES):
        DELIVERIES.labels(queue, channel, outcome)
    for outcome in MAIL_OUTCOMES:
        MAILS.labels(outcome)
    for way in WAYS:
        SIGN_INS.labels(way, "refused")


def _brain_zeros() -> None:
    for language, outcome in product(LANGUAGES, UNDERSTANDING):
        UNDERSTOOD.labels(language, outcome)


def _up_zeros() -> None:
    for part in PROCESSES[:-1]:
        RESTARTS.labels(part)


ZEROS: Mapping[str, Callable[[], None]] = {
    "door": _door_zeros,
    "brain": _brain_zeros,
    "actions": lambda: None,
    "up": _up_zeros,
}


@contextmanager
def timed(histogram: Histogram, **labels: str) -> Iterator[None]:
    """Time what is done within; `outcome` is ok, or error where something is raised."""
    began, outcome = perf_counter(), "error"
    try:
        yield
        outcome = "ok"
    finally:
        histogram.labels(**labels, outcome=outcome).observe(perf_counter() - began)
