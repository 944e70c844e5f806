"""What comes in: who asks, the JSON body, and each of its fields, checked before anything is done.

Everything here raises `ChatError`.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from typing import Any
from urllib.parse import urlsplit

import anyio
from starlette.requests import ClientDisconnect, Request

from mobilis import conversations
from mobilis.content import LANGUAGES
from mobilis.conversations import Conversation
from mobilis.errors import ChatError
from mobilis.web.door import door_of

MESSAGE_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
CONTENTS = ("text", "choice", "intent")
PAGE_LENGTH = 2000
LONGEST_WAIT_SECONDS = 30.0
BODY_SECONDS = 15.0
# A body that is too large is still read up to here, so that the client gets to see the answer.
READ_ON_BYTES = 4_000_000


async def authenticate(request: Request, token: str | None = None) -> Conversation:
    """The conversation in the address, opened by the bearer token (or by `token`)."""
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        token = bearer.strip()
    if not token:
        raise ChatError("unauthorized", 401)
    conversation_id = request.path_params["conversation"]
    door = door_of(request)
    conversation = await door.read_now(conversations.authenticate, conversation_id, token)
    request.state.language = conversation.language
    return conversation


async def read_object(request: Request, limit: int | None = None) -> dict[str, Any]:
    """The body as a JSON object, of `limit` bytes at most; an empty body is an empty object."""
    body = await read_body(request, limit or door_of(request).settings.body_limit)
    if not body:
        return {}
    try:
        data = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        raise ChatError("bad_json", 400) from None
    if not isinstance(data, dict):
        raise ChatError("bad_request", 400)
    return data


async def read_body(request: Request, limit: int) -> bytes:
    """The body, of `limit` bytes at most."""
    body, size = bytearray(), 0
    too_large = (announced_size(request) or 0) > READ_ON_BYTES
    try:
        with anyio.fail_after(BODY_SECONDS):
            async for chunk in request.stream():
                size += len(chunk)
                if too_large or size > READ_ON_BYTES:
                    break
                if size <= limit:
                    body += chunk
    except (TimeoutError, ClientDisconnect):
        raise ChatError("bad_request", 400) from None
    if too_large or size > limit:
        raise ChatError("body_too_large", 413)
    return bytes(body)


def announced_size(request: Request) -> int | None:
    """How many bytes the request says that it brings; none when it does not say so in a number."""
    value = request.headers.get("content-length", "")
    usable = value.isascii() and value.isdigit() and len(value) < 20
    return int(value) if usable else None


def message_id(data: dict[str, Any]) -> str:
    """The client-made id of a message."""
    value = data.get("id")
    if not isinstance(value, str) or not MESSAGE_ID.fullmatch(value):
        raise ChatError("bad_request", 400)
    return value


def content(data: dict[str, Any], limit: int) -> tuple[str, str]:
    """What a message holds, and which of the three it is: clean text, a choice or an intent."""
    given = {key: data[key] for key in CONTENTS if data.get(key) is not None}
    if len(given) != 1:
        raise ChatError("bad_request", 400)
    [(key, value)] = given.items()
    if not isinstance(value, str):
        raise ChatError("bad_request", 400)
    return key, _checked_text(value, limit) if key == "text" else clean_text(value)[:64]


def helpful(data: dict[str, Any]) -> bool | None:
    """What is said of an answer; null takes it back."""
    value = data.get("helpful", "")
    if value is not None and not isinstance(value, bool):
        raise ChatError("bad_request", 400)
    return value


def _checked_text(text: str, limit: int) -> str:
    text = clean_text(text)
    if not any(_visible(character) for character in text):
        raise ChatError("text_empty", 422)
    if len(text) > limit:
        raise ChatError("text_too_long", 422)
    return text


def clean_text(text: str) -> str:
    """`text` without control characters (new lines and tabs stay) and without half characters."""
    text = text.replace("\r\n", "\n")
    return "".join(
        character
        for character in text
        if character in "\n\t" or unicodedata.category(character) not in ("Cc", "Cs")
    )


def _visible(character: str) -> bool:
    return unicodedata.category(character)[0] not in "CZ"


def language_or(data: dict[str, Any], default: str) -> str:
    """The language a new conversation asks for."""
    language = data.get("language")
    if language is None:
        return default
    if not isinstance(language, str) or language not in LANGUAGES:
        raise ChatError("bad_request", 400)
    return language


def page(data: dict[str, Any]) -> str | None:
    """The page a conversation was opened on, less what may identify a person in its address."""
    value = data.get("page")
    if value is None:
        return None
    if not isinstance(value, str):
        raise ChatError("bad_request", 400)
    try:
        parts = urlsplit(clean_text(value))
        if parts.scheme not in ("http", "https") or not parts.hostname:
            return None
        host = parts.hostname if parts.port is None else f"{parts.hostname}:{parts.port}"
    except ValueError:
        return None
    return f"{parts.scheme}://{host}{parts.path}"[:PAGE_LENGTH]


def wait_seconds(request: Request) -> float | None:
    """How long the client is ready to wait for the answer; None when it will come back."""
    value = request.query_params.get("wait")
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        raise ChatError("bad_request", 400) from None
    if math.isnan(seconds) or seconds < 0:
        raise ChatError("bad_request", 400)
    return min(seconds, LONGEST_WAIT_SECONDS)
