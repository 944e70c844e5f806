"""Our side of the Bot Framework's connector: activities are sent to the service that they came
from, with a token of our own.

`Connector` is all that the channel knows of it, so that an SDK could stand in for `HttpConnector`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol
from urllib.parse import quote

import httpx

from mobilis.errors import DeliveryPostponed, DeliveryRefused
from mobilis.web import outgoing
from mobilis.web.teams.clouds import App

TIMEOUT = 15.0  # seconds, of each request
MARGIN = 300.0  # seconds before its end from which a token is no longer used
LONGEST_WAIT = 3600.0  # however long the platform says
REPAIR_SECONDS = 60.0  # before a refused password is tried again: somebody may be changing it
# Worth another try; the first four are named by the platform's documentation.
FOR_NOW = (412, 429, 502, 504, 408, 500, 503)


class Connector(Protocol):
    """Everything raises `DeliveryPostponed` or `DeliveryRefused`."""

    async def send(self, service_url: str, conversation: str, activity: Mapping[str, Any]) -> str:
        """Show an activity; its id."""

    async def update(
        self, service_url: str, conversation: str, activity_id: str, activity: Mapping[str, Any]
    ) -> None:
        """Show an activity in place of one that was sent."""

    async def open_chat(self, service_url: str, bot: str, person: str, tenant: str) -> str:
        """The id of the personal chat with a person, whether it is new or not."""

    async def member(self, service_url: str, conversation: str, person: str) -> Mapping[str, Any]:
        """What the organization says of somebody in a conversation."""

    async def close(self) -> None:
        """Nothing more will be asked."""


class Token:
    """Our token, asked for when it is first needed or old, by one at a time."""

    def __init__(
        self, app: App, client: httpx.AsyncClient, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._app = app
        self._client = client
        self._clock = clock
        self._token, self._until = "", 0.0
        self._lock = asyncio.Lock()

    async def get(self, refused: str = "") -> str:
        """A token other than the one that was `refused`.

        Raises:
            DeliveryPostponed: none can be had now.
        """
        async with self._lock:
            if not self._token or self._token == refused or self._clock() >= self._until:
                self._token = ""
                self._token, seconds = await self._ask()
                self._until = self._clock() + seconds - MARGIN
            return self._token

    async def _ask(self) -> tuple[str, float]:
        form = {
            "grant_type": "client_credentials",
            "client_id": self._app.id,
            "client_secret": self._app.password,
            "scope": self._app.cloud.scope,
        }
        try:
            answer = await self._client.post(self._app.token_url, data=form)
            content = answer.json()
        except httpx.HTTPError as error:
            raise DeliveryPostponed(f"no token: {type(error).__name__}") from None
        except ValueError:
            raise DeliveryPostponed("no token: an answer that is not JSON") from None
        if answer.status_code in (400, 401, 403):
            raise DeliveryPostponed("no token: the app's id or password is refused", REPAIR_SECONDS)
        token = content.get("access_token") if isinstance(content, dict) else None
        if answer.status_code != 200 or not isinstance(token, str) or not token:
            raise DeliveryPostponed(f"no token: an answer of status {answer.status_code}")
        seconds = content.get("expires_in")
        return token, float(seconds) if isinstance(seconds, int | float) else MARGIN


class HttpConnector:
    """The connector over HTTP. It follows no redirects, and asks nobody but who is trusted."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._client = outgoing.client(timeout=TIMEOUT, follow_redirects=False)
        self.token = Token(app, self._client)

    async def send(self, service_url: str, conversation: str, activity: Mapping[str, Any]) -> str:
        path = f"v3/conversations/{quote(conversation, safe='')}/activities"
        return _id(await self._ask("POST", service_url, path, activity))

    async def update(
        self, service_url: str, conversation: str, activity_id: str, activity: Mapping[str, Any]
    ) -> None:
        here = f"v3/conversations/{quote(conversation, safe='')}/activities"
        await self._ask("PUT", service_url, f"{here}/{quote(activity_id, safe='')}", activity)

    async def open_chat(self, service_url: str, bot: str, person: str, tenant: str) -> str:
        asked = {
            "bot": {"id": bot},
            "members": [{"id": person}],
            "isGroup": False,
            "tenantId": tenant,
            "channelData": {"tenant": {"id": tenant}},
        }
        found = _id(await self._ask("POST", service_url, "v3/conversations", asked))
        if not found:
            raise DeliveryRefused("the personal chat has no id")
        return found

    async def member(self, service_url: str, conversation: str, person: str) -> Mapping[str, Any]:
        path = f"v3/conversations/{quote(conversation, safe='')}/members/{quote(person, safe='')}"
        return _object(await self._ask("GET", service_url, path, None))

    async def close(self) -> None:
        await self._client.aclose()

    async def _ask(
        self, method: str, service_url: str, path: str, content: Mapping[str, Any] | None
    ) -> httpx.Response:
        if not self._app.trusts(service_url):
            raise DeliveryRefused("the service is none that we write to")
        token = await self.token.get()
        address = f"{service_url.rstrip('/')}/{path}"
        answer = await self._request(method, address, token, content)
        if answer.status_code == 401:  # once: it may have been withdrawn
            token = await self.token.get(refused=token)
            answer = await self._request(method, address, token, content)
        if answer.status_code in FOR_NOW:
            raise DeliveryPostponed(f"Teams answered {answer.status_code}", _retry_after(answer))
        if answer.status_code not in (200, 201, 202):
            raise DeliveryRefused(f"Teams answered {answer.status_code}")
        return answer

    async def _request(
        self, method: str, address: str, token: str, content: Mapping[str, Any] | None
    ) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"}
        try:
            return await self._client.request(method, address, json=content, headers=headers)
        except httpx.HTTPError as error:
            raise DeliveryPostponed(f"no answer of Teams: {type(error).__name__}") from None
        except httpx.InvalidURL:
            raise DeliveryRefused("the address of the conversation makes no sense") from None


def _object(answer: httpx.Response) -> Mapping[str, Any]:
    try:
        content = answer.json()
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _id(answer: httpx.Response) -> str:
    found = _object(answer).get("id")
    return found if isinstance(found, str) else ""


def _retry_after(answer: httpx.Response) -> float:
    value = answer.headers.get("retry-after", "")
    return min(float(value), LONGEST_WAIT) if value.isascii() and value.isdigit() else 0.0
