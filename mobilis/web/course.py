"""What is seen of a try of a turn: its log lines, and what is counted and timed of it."""

from __future__ import annotations

import logging

from mobilis.seeing.logs import milliseconds, tell
from mobilis.seeing.metrics import TURN_SECONDS, TURNS, WAITED_SECONDS
from mobilis.seeing.spans import note_error
from mobilis.store import now
from mobilis.turns import Turn

logger = logging.getLogger(__name__)


class Course:
    """One try of one turn. The worker says how it goes."""

    def __init__(self, turn: Turn) -> None:
        self._turn = turn

    def hand_over(self) -> None:
        """The brain is asked now."""
        waited = self._seconds()
        if not self._turn.attempts:
            WAITED_SECONDS.observe(waited)
        tell(
            logger, "turn_handed_over", waited_ms=milliseconds(waited), attempts=self._turn.attempts
        )

    def end(self, kept: bool) -> None:
        """Its answer is stored, where its conversation is still there."""
        if not kept:
            self._count("dropped")
            tell(logger, "turn_dropped")
            return
        seconds = self._seconds()
        TURN_SECONDS.labels(self._turn.channel).observe(seconds)
        self._count("answered")
        tell(logger, "turn_answered", channel=self._turn.channel, ms=milliseconds(seconds))

    def fail(self, kept: bool, error: Exception, attempts: int) -> None:
        """It failed, as it may do `attempts` times."""
        failures = self._turn.attempts + 1
        note_error(error)
        if not kept:
            self.end(kept)
        elif failures < attempts:
            self._count("retried")
            tell(logger, "turn_retried", logging.WARNING, error=error, attempts=failures)
        else:
            self._count("given_up")
            tell(logger, "turn_given_up", logging.ERROR, error=error, attempts=failures)

    def _count(self, outcome: str) -> None:
        TURNS.labels(self._turn.channel, self._turn.language, outcome).inc()

    def _seconds(self) -> float:
        """Since it was taken in; not less than none, should the clock have been set back."""
        return max(0.0, (now() - self._turn.received_at).total_seconds())
