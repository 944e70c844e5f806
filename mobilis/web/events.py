"""GET /api/conversations/{c}/events: what happens in a conversation, as server-sent events."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

from sqlalchemy.engine import Connection
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from mobilis import conversations
from mobilis.conversations import Conversation, Message
from mobilis.errors import ChatError, StoreError
from mobilis.seeing.metrics import STREAMS
from mobilis.web.door import Door, door_of
from mobilis.web.hub import Signal
from mobilis.web.incoming import authenticate
from mobilis.web.limits import client_address
from mobilis.web.refusals import describe

KEEP_ALIVE_SECONDS = 15.0
RETRY = "retry: 3000\n\n"
KEEP_ALIVE = ": keep-alive\n\n"


async def stream_events(request: Request) -> Response:
    """Messages as they come, and whether the assistant is typing.

    Begins after `Last-Event-ID` (or `?after=`), else with what happens from now on. The token may
    also stand in `?token=`, since a browser's EventSource cannot send headers.
    """
    conversation = await authenticate(request, request.query_params.get("token"))
    door = door_of(request)
    address = client_address(request, door.settings.trusted_proxies)
    door.limits.streams.check(address)
    door.hub.check_room(conversation.id)
    door.hub.check_streams()
    after = request.headers.get("last-event-id") or request.query_params.get("after")
    position = conversation.position
    if after:
        position = await door.read_now(conversations.position_of, conversation.id, after)
    headers = {"X-Accel-Buffering": "no"}
    events = _events(door, conversation, address, position)
    return StreamingResponse(events, media_type="text/event-stream", headers=headers)


async def _events(
    door: Door, conversation: Conversation, address: str, position: int
) -> AsyncIterator[str]:
    """What the stream says; an error, since others came first meanwhile or all is gone, is last."""
    yield RETRY
    try:
        with (
            door.limits.streams.hold(address),
            door.hub.stream(),
            door.hub.listen(conversation.id) as listener,
            STREAMS.track_inprogress(),
        ):
            signal: Signal | None = Signal.NEWS
            while signal is not Signal.CLOSED:
                if signal in (Signal.TYPING, Signal.SILENT):
                    yield _event("typing", {"on": signal is Signal.TYPING})
                else:
                    for at, message in await door.read_now(_news, conversation.id, position):
                        position = at
                        yield _event("message", message, message["id"])
                signal = await listener.next(KEEP_ALIVE_SECONDS)
                if signal is None:
                    yield KEEP_ALIVE
    except (ChatError, StoreError) as error:
        yield _event("error", describe(door, error, conversation.language))


def _news(connection: Connection, conversation_id: str, position: int) -> list[tuple[int, Message]]:
    if conversations.find_conversation(connection, conversation_id) is None:
        raise ChatError("unauthorized", 401)
    return conversations.history(connection, conversation_id, position)


def _event(name: str, data: dict[str, Any], event_id: str | None = None) -> str:
    head = f"id: {event_id}\n" if event_id else ""
    return f"{head}event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"
