"""The channel: what Teams asks of the front door, and what answers it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mobilis.errors import ChatError, DeliveryError, StoreError, TeamsRefused, TeamsUnavailable
from mobilis.settings import Settings
from mobilis.web import incoming
from mobilis.web.door import Door, door_of
from mobilis.web.refusals import RETRY_AFTER_SECONDS, request_language
from mobilis.web.sender import Outlet
from mobilis.web.teams import arrivals, tokens
from mobilis.web.teams.activities import CHANNEL, Activity, read_activity
from mobilis.web.teams.announced import ASKED, setting_of, take_claim
from mobilis.web.teams.arrivals import Arrival
from mobilis.web.teams.cards import CARD, card_of
from mobilis.web.teams.clouds import App, read_app
from mobilis.web.teams.composing import show_composing
from mobilis.web.teams.connector import Connector, HttpConnector
from mobilis.web.teams.keys import SigningKeys
from mobilis.web.teams.outlet import TeamsOutlet
from mobilis.wording import DEFAULT_LANGUAGE

PATH = "/teams/messages"
BODY_LIMIT = 262_144  # bytes of an activity, which may bring a formatted copy of a long message
MESSAGE = "application/vnd.microsoft.activity.message"

logger = logging.getLogger(__name__)


class Teams:
    """The channel for one app."""

    name = CHANNEL

    def __init__(self, app: App, connector: Connector | None = None) -> None:
        self._app = app
        self._keys = SigningKeys(app.cloud.openid)
        self._connector = connector or HttpConnector(app)
        self._beside: set[asyncio.Task[None]] = set()
        self._outlet = TeamsOutlet(app, self._connector)
        self.outlet: Outlet = self._outlet

    def routes(self) -> Sequence[Route]:
        return [Route(PATH, self.receive, methods=["POST"])]

    @asynccontextmanager
    async def running(self, door: Door) -> AsyncIterator[None]:
        self._outlet.open(door)
        try:
            yield
        finally:
            for task in self._beside:
                task.cancel()
            await asyncio.gather(*self._beside, return_exceptions=True)
            await self._connector.close()

    async def receive(self, request: Request) -> Response:
        """POST /teams/messages: checked, noted and acknowledged; the work comes afterwards."""
        try:
            sender = await tokens.verify(
                self._app, self._keys, request.headers.get("authorization", "")
            )
            data = await incoming.read_object(request, BODY_LIMIT)
            tokens.check_activity(self._app, sender, data)
        except TeamsUnavailable:
            raise ChatError("unavailable", 503, retry_after=RETRY_AFTER_SECONDS) from None
        except TeamsRefused as error:
            logger.warning("a request to %s was refused: %s", PATH, error)
            return _refuse(request, error)
        activity = read_activity(data)
        door = door_of(request)
        if activity.kind != "ignored":
            door.limits.conversation.check(activity.place.key)
        return await self._work[activity.kind](self, door, activity)

    async def _take_text(self, door: Door, activity: Activity) -> Response:
        if activity.text.casefold() in ASKED and activity.place.reference["public"]:
            return self._say_place(door, activity)
        words = (door.settings.text_limit, door.wording.errors, door.wording.teams)
        self._begin(door, activity, await door.write(arrivals.take_text, activity, *words))
        return Response(status_code=202)

    async def _take_choice(self, door: Door, activity: Activity) -> Response:
        """A button of a client that knows no other kind: its card is changed by a delivery."""
        try:
            arrival, _ = await door.write(arrivals.take_choice, activity)
        except ChatError:
            await door.write(arrivals.tell_choice_is_gone, activity, door.wording.errors)
            door.sender.wake()
        else:
            self._begin(door, activity, arrival)
        return Response(status_code=202)

    async def _answer_choice(self, door: Door, activity: Activity) -> Response:
        """A button whose card is replaced by the answer to this very request."""
        try:
            arrival, message = await door.write(arrivals.take_choice, activity)
        except ChatError:
            language = activity.language or DEFAULT_LANGUAGE
            return _invoke_response(MESSAGE, door.wording.teams["not_yours"][language])
        self._begin(door, activity, arrival)
        card = card_of(message, door.wording.teams, self._app.public_url)
        return _invoke_response(CARD, card)

    async def _answer_claim(self, door: Door, activity: Activity) -> Response:
        """Somebody of staff takes a case; they alone are told what came of it."""
        return _invoke_response(MESSAGE, await take_claim(door, self._connector, activity))

    async def _take_claim(self, door: Door, activity: Activity) -> Response:
        """The same on a client that waits for no answer: the card is changed by a delivery."""
        self._later(take_claim(door, self._connector, activity))
        return Response(status_code=202)

    def _say_place(self, door: Door, activity: Activity) -> Response:
        """Tell whoever sets mobilis up how the place is called that staff are to be told in."""
        place, language = activity.place, activity.language or DEFAULT_LANGUAGE
        text = door.wording.announcements["place"][language].format(setting=setting_of(place))
        told = {"type": "message", "textFormat": "plain", "text": text}
        service_url, conversation = place.reference["service_url"], place.reference["conversation"]
        self._later(self._connector.send(service_url, conversation, told))
        return Response(status_code=202)

    async def _refuse_invoke(self, door: Door, activity: Activity) -> Response:
        return Response(status_code=501)

    async def _welcome(self, door: Door, activity: Activity) -> Response:
        arrival = await door.write(arrivals.welcome, activity, door.wording.teams)
        if arrival is not None:
            self._begin(door, activity, arrival)
        return Response(status_code=202)

    async def _remove(self, door: Door, activity: Activity) -> Response:
        found = await door.write(arrivals.remove, activity)
        logger.warning("the app was removed on Teams; %d conversations rest", found)
        return Response(status_code=202)

    async def _ignore(self, door: Door, activity: Activity) -> Response:
        return Response(status_code=202)

    def _begin(self, door: Door, activity: Activity, arrival: Arrival) -> None:
        """The work of an activity that was noted."""
        door.told(arrival.conversation_id)
        if arrival.is_new:
            composing = show_composing(
                self._outlet, door.hub, activity.place, arrival.conversation_id
            )
            self._later(composing)
            door.worker.wake()

    def _later(self, work: Coroutine[Any, Any, object]) -> None:
        """Do something once Teams has its answer."""
        task = asyncio.create_task(_logged(work))
        self._beside.add(task)
        task.add_done_callback(self._beside.discard)

    _work: Mapping[str, Callable[[Teams, Door, Activity], Awaitable[Response]]] = {
        "text": _take_text,
        "choice": _take_choice,
        "invoke": _answer_choice,
        "claim": _take_claim,
        "claim_invoke": _answer_claim,
        "unknown_invoke": _refuse_invoke,
        "installed": _welcome,
        "removed": _remove,
        "ignored": _ignore,
    }


def make_teams(settings: Settings) -> Teams | None:
    """The channel, when the settings switch it on.

    Raises:
        SettingError: something that it needs is missing, or makes no sense.
    """
    app = read_app(settings)
    return Teams(app) if app else None


async def _logged(work: Coroutine[Any, Any, object]) -> None:
    """Nobody waits for what comes after the answer: what went wrong is for the log."""
    try:
        await work
    except (DeliveryError, StoreError) as error:
        logger.warning("Teams: %s", error)


def _refuse(request: Request, error: TeamsRefused) -> Response:
    door, language = door_of(request), request_language(request)
    key = "not_from_teams" if error.status == 401 else "not_for_us"
    content = {"error": {"code": key, "message": door.wording.teams[key][language]}}
    headers = {"Content-Language": language}
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(content, error.status, headers)


def _invoke_response(kind: str, value: Any) -> Response:
    return JSONResponse({"statusCode": 200, "type": kind, "value": value})
