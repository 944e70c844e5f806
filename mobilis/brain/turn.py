"""Ending a turn loudly. Rasa swallows an `Exception` in an action or in its tracker store and goes
on as if nothing had happened; a turn that cannot be trusted must not be saved."""

from __future__ import annotations


class TurnAborted(BaseException):
    """This turn failed and nothing of it was saved; it may be tried again.

    Not an `Exception`, because Rasa catches those and continues with half a turn.
    """
