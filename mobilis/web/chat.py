"""The chat API: conversations and messages. Each handler is one request; the work is elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy.engine import Connection
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response

from mobilis import conversations
from mobilis.content import fresh_content
from mobilis.conversations import Message, Opened
from mobilis.errors import ChatError
from mobilis.openings import Opening, find_opening
from mobilis.privacy import erase_conversation
from mobilis.ratings import rate
from mobilis.seeing.ids import take_up
from mobilis.settings import ROOT
from mobilis.turns import Turn, check_queue, next_turn, turn_state
from mobilis.web import incoming
from mobilis.web.door import Door, door_of
from mobilis.web.headers import ASKED_AGAIN
from mobilis.web.limits import client_address
from mobilis.web.refusals import RETRY_AFTER_SECONDS, request_language

CHANNEL = "web"
DESCRIPTION = Path(__file__).with_name("openapi.json")
RECEIVE: Mapping[str, Callable[[Connection, str, str, Any], bool]] = {
    "text": conversations.receive_text,
    "choice": conversations.receive_choice,
    "intent": conversations.receive_opening,
}


async def open_conversation(request: Request) -> Response:
    """POST /api/conversations: a new conversation with its greeting, or 503 and nothing kept."""
    door = door_of(request)
    door.limits.openings.check(client_address(request, door.settings.trusted_proxies))
    data = await incoming.read_object(request)
    language = incoming.language_or(data, request_language(request))
    request.state.language = language
    opened, turn = await door.write_now(_open, language, incoming.page(data), door.settings.queue)
    take_up(opened.message_id)
    door.worker.take(turn)
    greeting = await _greeting(door, opened)
    if greeting is None:
        await _erase(door, opened.conversation_id, CHANNEL)
        raise ChatError("unavailable", 503, retry_after=RETRY_AFTER_SECONDS)
    content = {
        "conversation": opened.conversation_id,
        "token": opened.token,
        "messages": greeting,
        "settings": {
            "retention_days": door.settings.transcript_days,
            "text_limit": door.settings.text_limit,
        },
    }
    return JSONResponse(content, 201)


async def messages(request: Request) -> Response:
    """The two things to do at /api/conversations/{c}/messages."""
    return await (send_message if request.method == "POST" else read_history)(request)


async def send_message(request: Request) -> Response:
    """POST /api/conversations/{c}/messages: 202 at once, or 200 with the answer after `?wait=`."""
    door = door_of(request)
    conversation = await incoming.authenticate(request)
    door.limits.address.check(client_address(request, door.settings.trusted_proxies))
    door.limits.conversation.check(conversation.id)
    seconds = incoming.wait_seconds(request)
    data = await incoming.read_object(request)
    message_id = incoming.message_id(data)
    take_up(message_id)
    kind, value = incoming.content(data, door.settings.text_limit)
    said = _find_opening(value) if kind == "intent" else value
    new, turn = await door.write_now(
        _take_in, kind, conversation.id, message_id, said, door.settings.queue
    )
    if new:
        door.hub.news(conversation.id)
        door.worker.take(turn)
    answer = None
    if seconds is not None:
        answer = await _wait_for_answer(door, conversation.id, message_id, seconds, new)
    if answer is None:
        return JSONResponse({"id": message_id}, 202)
    return JSONResponse({"messages": answer})


async def read_history(request: Request) -> Response:
    """GET /api/conversations/{c}/messages: what was said, all of it or `?after=` a message."""
    conversation = await incoming.authenticate(request)
    after = request.query_params.get("after", "")
    found = await door_of(request).read(_history, conversation.id, after)
    return JSONResponse({"messages": found})


async def rate_message(request: Request) -> Response:
    """PUT /api/conversations/{c}/messages/{id}/rating: what the visitor says of an answer."""
    door = door_of(request)
    conversation = await incoming.authenticate(request)
    door.limits.address.check(client_address(request, door.settings.trusted_proxies))
    door.limits.conversation.check(conversation.id)
    helpful = incoming.helpful(await incoming.read_object(request))
    message_id = incoming.clean_text(request.path_params["message"])[:64]
    await door.write_now(rate, conversation.id, message_id, helpful)
    return Response(status_code=204)


async def read_transcript(request: Request) -> Response:
    """GET /api/conversations/{c}/transcript.txt: what was said, as text."""
    conversation = await incoming.authenticate(request)
    door = door_of(request)
    text = await door.read(conversations.transcript, conversation, door.wording.download)
    headers = {
        "Content-Disposition": 'attachment; filename="transcript.txt"',
        "Content-Language": conversation.language,
    }
    return PlainTextResponse(text, headers=headers)


async def delete_conversation(request: Request) -> Response:
    """DELETE /api/conversations/{c}: erases it."""
    conversation = await incoming.authenticate(request)
    await _erase(door_of(request), conversation.id, conversation.channel)
    return Response(status_code=204)


async def read_description(request: Request) -> Response:
    """GET /api/openapi.json: this API, described for programs (OpenAPI 3.1)."""
    return FileResponse(DESCRIPTION, headers={"Cache-Control": ASKED_AGAIN})


def _open(
    connection: Connection, language: str, page: str | None, queue: int
) -> tuple[Opened, Turn | None]:
    """A new conversation and its first turn."""
    opened = conversations.open_conversation(connection, language, CHANNEL, page)
    check_queue(connection, queue)
    return opened, next_turn(connection, opened.conversation_id)


def _find_opening(name: str) -> Opening:
    opening = find_opening(fresh_content(ROOT), name)
    if opening is None:
        raise ChatError("intent_unknown", 404)
    return opening


def _take_in(
    connection: Connection,
    kind: str,
    conversation_id: str,
    message_id: str,
    said: str | Opening,
    queue: int,
) -> tuple[bool, Turn | None]:
    """Whether the message is new, and the next turn of its conversation then. Unless a person
    answers it, there must be room for it."""
    new = RECEIVE[kind](connection, conversation_id, message_id, said)
    turn = next_turn(connection, conversation_id) if new else None
    if turn:
        check_queue(connection, queue)
    return new, turn


async def _erase(door: Door, conversation_id: str, channel: str) -> None:
    await door.erase(erase_conversation, conversation_id, channel)
    door.hub.news(conversation_id)
    door.worker.sweep_later(conversation_id)


def _history(connection: Connection, conversation_id: str, after: str) -> list[Message]:
    position = conversations.position_of(connection, conversation_id, after) if after else 0
    return [message for _, message in conversations.history(connection, conversation_id, position)]


async def _greeting(door: Door, opened: Opened) -> list[Message] | None:
    """The first messages; None as soon as the brain fails to give them."""
    seconds = door.settings.turn_timeout
    return await _wait_for_answer(
        door, opened.conversation_id, opened.message_id, seconds, new=True, patient=False
    )


async def _wait_for_answer(
    door: Door,
    conversation_id: str,
    message_id: str,
    seconds: float,
    new: bool,
    patient: bool = True,
) -> list[Message] | None:
    """What was answered to a message, or None when it takes longer (or fails, unless `patient`).

    There is nothing to see of a `new` message before there is news of its conversation.
    """
    end = asyncio.get_running_loop().time() + seconds
    with door.hub.listen(conversation_id) as listener:
        if new:
            await listener.news(seconds)
        while True:
            failures, answer = await door.read_now(_answer_so_far, conversation_id, message_id)
            if failures and not patient:
                return None
            remaining = end - asyncio.get_running_loop().time()
            if answer is not None or remaining <= 0 or door.hub.closed:
                return answer
            await listener.news(remaining)


def _answer_so_far(
    connection: Connection, conversation_id: str, message_id: str
) -> tuple[int, list[Message] | None]:
    """How often a message failed, and what was answered to it once it is closed."""
    state = turn_state(connection, conversation_id, message_id)
    if state is None:  # erased meanwhile
        raise ChatError("unauthorized", 401)
    if state[0] == "pending":
        return state[1], None
    return state[1], conversations.answers(connection, conversation_id, message_id)
