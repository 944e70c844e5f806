"""The postman: hands the e-mails of the outbox to the server of the settings, one after the other.

It is woken by the pages that put one there and looks for itself every few seconds, so that nothing
that a crash left is forgotten. Runs inside the front door's event loop, its sending in a thread.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from anyio import to_thread

from mobilis import mails
from mobilis.errors import MailError, MailRefused, MailUnavailable, StoreError
from mobilis.priority import read_weights
from mobilis.seeing import metrics
from mobilis.seeing.logs import tell, tell_refusal
from mobilis.settings import Settings
from mobilis.smtp import Parcel, deliver, read_server, write_message
from mobilis.store import Database

POLL_SECONDS = 2.0

logger = logging.getLogger(__name__)


class Postman:
    """Sends e-mails, where a server is set; `office` tells pages how.

    Raises:
        SettingError: the settings of e-mail make no sense.
    """

    def __init__(self, settings: Settings, database: Database) -> None:
        self._database = database
        self._server = read_server(settings)
        self._weights = read_weights(settings.priority)
        self._backoff = settings.mail_backoff
        self._wake = asyncio.Event()
        self.office = mails.Office(
            domain=self._server.sender.domain if self._server else "",
            reply_to=settings.mail_reply_to,
            hours=settings.mail_hours,
        )

    def wake(self) -> None:
        """There may be something to send."""
        self._wake.set()

    async def keep(self) -> None:
        """Send what is due, for ever; at once nothing, where there is no server."""
        while self._server is not None:
            self._wake.clear()
            sent = False
            try:
                sent = await to_thread.run_sync(self.send_next)
            except StoreError as error:
                tell_refusal(logger, "e-mails cannot be read or stored", error)
            if not sent:
                with suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), POLL_SECONDS)

    def send_next(self) -> bool:
        """Try the next e-mail that is due; whether there was one.

        Raises:
            StoreError: the database is unreachable or refuses. What was being sent is then in
                doubt, or is tried again: see mobilis/mails.py.
        """
        with self._database.read() as connection:
            if not mails.is_work(connection):
                return False
        with self._database.write() as connection:
            mails.settle_doubtful(connection, self._weights)
            found = mails.take(connection)
        if found is not None:
            self._send(*found)
        return True

    def _send(self, taken: mails.Taken, parcel: Parcel) -> None:
        assert self._server is not None
        try:
            message = write_message(parcel, self._server.sender)
            given = deliver(self._server, message, parcel.recipient, lambda: self._begin(taken))
        except MailError as error:
            again = self._not_sent(taken, error)
            self._note("postponed" if again else "failed", error)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - one bad e-mail must not stop the others
            self._not_sent(taken, MailRefused("content"))
            self._note("failed", error)
        else:
            if given:
                with self._database.write() as connection:
                    mails.settle_sent(connection, taken, self._weights)
                self._note("sent")

    def _note(self, outcome: str, error: Exception | None = None) -> None:
        metrics.MAILS.labels(outcome).inc()
        tell(logger, f"mail_{outcome}", logging.WARNING if error else logging.INFO, error=error)

    def _begin(self, taken: mails.Taken) -> bool:
        with self._database.write() as connection:
            return mails.begin(connection, taken)

    def _not_sent(self, taken: mails.Taken, error: MailError) -> bool:
        """Whether it will be tried again."""
        why = (error.problem, error.answer)
        with self._database.write() as connection:
            if isinstance(error, MailUnavailable):
                return mails.settle_later(connection, taken, *why, self._backoff, self._weights)
            mails.settle_failed(connection, taken, *why, self._weights)
            return False
