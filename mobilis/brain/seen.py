"""What is seen of the brain's work: turns, what was understood, and the actions that were run."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any

from mobilis.brain.turn import TurnAborted
from mobilis.notes import NOT_SURE
from mobilis.seeing.logs import milliseconds, tell
from mobilis.seeing.metrics import BRAIN_FAILURES, BRAIN_SECONDS, UNDERSTOOD

logger = logging.getLogger(__name__)

LOST, CLARIFIED = NOT_SURE
OUTCOMES = {LOST: "lost", CLARIFIED: "clarified"}


@contextmanager
def seen_turn() -> Iterator[None]:
    """Time a turn; log and count it where it fails."""
    began = perf_counter()
    try:
        yield
    except BaseException as error:
        BRAIN_FAILURES.inc()
        why = str(error) if isinstance(error, TurnAborted) else None
        tell(logger, "brain_failed", logging.ERROR, error=error, why=why)
        raise
    seconds = perf_counter() - began
    BRAIN_SECONDS.observe(seconds)
    tell(logger, "brain_answered", ms=milliseconds(seconds))


def note_understanding(latest: Any, language: str) -> None:
    """Count how a typed message was understood; a button always is."""
    if not (latest.text or "/").startswith("/"):
        name = str((latest.intent or {}).get("name"))
        outcome = OUTCOMES.get(name, "understood")
        UNDERSTOOD.labels(language, outcome).inc()
        tell(logger, "understood", language=language, outcome=outcome)
