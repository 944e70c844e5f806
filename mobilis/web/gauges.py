"""What is looked up each time that Prometheus asks the front door: queues, readiness, versions.

Runs in a thread of the metrics' server. What cannot be read is left out; others tell why.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Mapping
from concurrent.futures import TimeoutError as TookTooLong
from contextlib import contextmanager
from pathlib import Path

from prometheus_client import REGISTRY
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily
from prometheus_client.registry import Collector, CollectorRegistry

from mobilis.backlog import read_dead, read_waiting
from mobilis.errors import StoreError
from mobilis.seeing.logs import tell_refusal
from mobilis.versions import here
from mobilis.web.brain import OK, UNKNOWN
from mobilis.web.door import Door

HEALTH_SECONDS = 4.0

logger = logging.getLogger(__name__)


class Gauges(Collector):
    """Of one front door, whose event loop is `loop`."""

    def __init__(self, door: Door, loop: asyncio.AbstractEventLoop) -> None:
        self._door = door
        self._loop = loop

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Nothing is looked up to be registered."""
        return iter(())

    def collect(self) -> Iterator[GaugeMetricFamily | InfoMetricFamily]:
        yield InfoMetricFamily(
            "mobilis_release",
            "Versions of the code, of the model and of the content",
            value=_release(self._door.settings.project_dir),
        )
        ready = GaugeMetricFamily("mobilis_ready", "Whether a part answers", labels=("part",))
        try:
            yield from self._queues()
        except StoreError as error:
            tell_refusal(logger, "the queues cannot be counted", error)
            ready.add_metric(("database",), 0)
        else:
            ready.add_metric(("database",), 1)
        for part, state in self._health().items():
            ready.add_metric((part,), float(state == OK))
        yield ready

    def _queues(self) -> Iterator[GaugeMetricFamily]:
        with self._door.database.read() as connection:
            found, dead = read_waiting(connection), read_dead(connection)
        label = ("queue",)
        waiting = GaugeMetricFamily("mobilis_queue_waiting", "What waits in a queue", labels=label)
        oldest = GaugeMetricFamily(
            "mobilis_queue_oldest_seconds", "How long its first has waited", labels=label
        )
        for one in found:
            waiting.add_metric((one.queue,), one.count)
            oldest.add_metric((one.queue,), one.oldest)
        given_up = GaugeMetricFamily(
            "mobilis_dead_letters", "What was given up, and nobody has set aside", labels=label
        )
        for queue, count in dead.items():
            given_up.add_metric((queue,), count)
        yield from (waiting, oldest, given_up)

    def _health(self) -> Mapping[str, str]:
        asked = asyncio.run_coroutine_threadsafe(self._door.brain.health(), self._loop)
        try:
            health = asked.result(HEALTH_SECONDS)
            return {"brain": health.brain, "actions": health.actions}
        except TookTooLong:  # the event loop is busy, or has ended
            asked.cancel()
            return {"brain": UNKNOWN, "actions": UNKNOWN}


def _release(root: Path) -> dict[str, str]:
    """What runs, by name; "none" where there is none."""
    found = here(root)
    told = {"version": found.code, "model": found.model, "content": found.content}
    return {name: value or "none" for name, value in told.items()}


@contextmanager
def gauging(door: Door, registry: CollectorRegistry = REGISTRY) -> Iterator[None]:
    """Have them looked up for as long as the block runs; called within the event loop."""
    gauges = Gauges(door, asyncio.get_running_loop())
    registry.register(gauges)
    try:
        yield
    finally:
        registry.unregister(gauges)
