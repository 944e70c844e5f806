"""Errors as visitors see them: `{"error": {"code", "message"}}` in their language."""

from __future__ import annotations

import logging

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from mobilis.errors import ChatError, StoreError
from mobilis.seeing.logs import tell, tell_refusal
from mobilis.web.door import Door, door_of
from mobilis.wording import preferred_language

RETRY_AFTER_SECONDS = 5
HTTP_CODES = {404: "not_found", 405: "method_not_allowed"}

logger = logging.getLogger(__name__)


def describe(door: Door, error: ChatError | StoreError, language: str) -> dict[str, str]:
    """The code and the sentence for an error."""
    if isinstance(error, StoreError):
        error = ChatError("unavailable", 503)
    message = door.wording.error(
        error.code,
        language,
        limit=door.settings.text_limit,
        seconds=error.retry_after or RETRY_AFTER_SECONDS,
    )
    return {"code": error.code, "message": message}


def request_language(request: Request) -> str:
    """The language of the conversation, once it is known, else the one the browser asks for."""
    known = getattr(request.state, "language", None)
    return known or preferred_language(request.headers.get("accept-language", ""))


def refuse(request: Request, error: ChatError) -> Response:
    """The response for an error."""
    language = request_language(request)
    headers = {"Content-Language": language}
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    content = {"error": describe(door_of(request), error, language)}
    return JSONResponse(content, error.status, headers)


async def on_chat_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ChatError)
    tell(logger, "refused", code=error.code, status=error.status)
    return refuse(request, error)


async def on_store_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, StoreError)
    tell_refusal(logger, "a request could not be answered", error)
    return refuse(request, ChatError("unavailable", 503, retry_after=RETRY_AFTER_SECONDS))


async def on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = HTTP_CODES.get(error.status_code, "bad_request")
    response = refuse(request, ChatError(code, error.status_code))
    response.headers.update(error.headers or {})
    return response
