"""That an answer is being made, shown while it takes longer than a blink."""

from __future__ import annotations

import logging

from mobilis.errors import ChatError, DeliveryError
from mobilis.places import Place
from mobilis.web.hub import Hub, Listener, Signal
from mobilis.web.teams.outlet import TeamsOutlet

AFTER = 0.6  # seconds of work after which it is shown: most answers are there before
EVERY = 3.0  # seconds after which Teams would hide it
LONGEST = 60.0

logger = logging.getLogger(__name__)


async def show_composing(outlet: TeamsOutlet, hub: Hub, place: Place, conversation_id: str) -> None:
    """Show it from when the assistant has worked for a while until it has ended."""
    try:
        with hub.listen(conversation_id) as listener:
            await _compose(outlet, listener, place)
    except (ChatError, DeliveryError) as error:
        logger.info("that an answer is being made cannot be shown: %s", error)


async def _compose(outlet: TeamsOutlet, listener: Listener, place: Place) -> None:
    working, shown = False, 0.0
    while shown < LONGEST:
        signal = await listener.next(EVERY if shown else AFTER)
        if signal in (Signal.SILENT, Signal.CLOSED) or (signal is None and not working):
            return
        if signal is Signal.TYPING:
            working = True
        elif signal is None:
            await outlet.compose(place)
            shown += EVERY
