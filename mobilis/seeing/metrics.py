"""What is counted and timed, for Prometheus. Each process serves its own at a private port.

Names and labels are a promise to dashboards: docs/observing.md has a row for each. No label has
more values than the code, the content or the settings name.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from wsgiref.simple_server import WSGIServer

from prometheus_client import Counter, Gauge, Histogram, Info, start_http_server

from mobilis.seeing.logs import tell
from mobilis.settings import Settings

# Of a turn, which takes some 20 ms where nothing waits, and of what waits for a person to wait.
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
OFFSETS = ("door", "brain", "actions", "up")  # of the processes' ports, from the setting's

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
ABOUT = Info("mobilis", "Versions of what runs")


def serve(process: str, settings: Settings, logger: logging.Logger) -> WSGIServer | None:
    """Serve what this process counts, where the settings say so; the server, to be closed.

    Seeing is less than working: a port that is taken is a line in the log.
    """
    if not settings.metrics_port:
        return None
    port = settings.metrics_port + OFFSETS.index(process)
    try:
        server, _ = start_http_server(port, settings.metrics_host)
    except OSError as error:
        why = f"MOBILIS_METRICS_PORT: {settings.metrics_host}:{port}: {error.strerror}"
        tell(logger, "metrics_off", logging.ERROR, why=why)
        return None
    return server


@contextmanager
def timed(histogram: Histogram, **labels: str) -> Iterator[None]:
    """Time what is done within; `outcome` is ok, or error where something is raised."""
    began, outcome = perf_counter(), "error"
    try:
        yield
        outcome = "ok"
    finally:
        histogram.labels(**labels, outcome=outcome).observe(perf_counter() - began)
