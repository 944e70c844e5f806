"""Masks what visitors typed, beside the turns: here spaCy is loaded, which the front door has not.

A thread of its own looks every few seconds, the newest message first, so that what was kept before
there was masking gets its turn too. What comes out is in `inbox.masked`, and in `unhandled` for
what was not understood.
"""

import logging
import threading
from collections.abc import Callable
from time import monotonic

from mobilis import masking
from mobilis.errors import StoreError
from mobilis.nlu.french import French
from mobilis.seeing.logs import tell, tell_refusal
from mobilis.store import Database, is_alone

PAUSE_SECONDS = 2.0
AT_ONCE = 20  # messages between two looks at what is new
REST_SECONDS = 0.05  # after each, since turns need the processor more…
LONGEST_REST_SECONDS = 1.0  # …and while there are turns, up to this

logger = logging.getLogger(__name__)


class Masker:
    """Masks until it is stopped."""

    def __init__(
        self, database: Database, french: French, busy: Callable[[], bool] = lambda: False
    ) -> None:
        self.database = database
        self.french = french
        self.busy = busy  # whether turns are under way
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="masker", daemon=True)

    def start(self) -> None:
        """Begin, in the background."""
        self._thread.start()

    def stop(self) -> None:
        """End after the message that is being masked."""
        self._stopped.set()

    def _run(self) -> None:
        pause = 0.0
        while not self._stopped.wait(pause):
            pause = PAUSE_SECONDS
            try:
                if self.mask_some() == AT_ONCE:
                    pause = 0.0
            except StoreError as error:
                tell_refusal(logger, "messages cannot be masked", error)
            except RuntimeError as error:  # spaCy's model is not there
                why = f"nothing can be masked: {error}"
                tell(logger, "note", logging.ERROR, message=why)
                return

    def mask_some(self) -> int:
        """Mask some of what waits; how many."""
        with self.database.read() as alone:
            if not is_alone(alone, "masking"):  # another brain is at it
                return 0
            return self._mask()

    def _mask(self) -> int:
        with self.database.read() as connection:
            messages = masking.waiting(connection, AT_ONCE)
        for message in messages:
            masked = self.french.mask(message.text)
            with self.database.write() as connection:
                masking.keep_masked(connection, message, masked)
            self._rest()
        return len(messages)

    def _rest(self) -> None:
        end = monotonic() + LONGEST_REST_SECONDS
        while not self._stopped.wait(REST_SECONDS) and self.busy() and monotonic() < end:
            pass
