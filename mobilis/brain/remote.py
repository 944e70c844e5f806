"""Calling the action server. What goes wrong there ends the turn: Rasa would pass over it in
silence and go on with half a turn."""

import asyncio
from typing import Any

import aiohttp
from rasa.core.actions.action import ActionExecutionRejection, RemoteAction
from rasa.core.channels.channel import OutputChannel
from rasa.core.nlg import NaturalLanguageGenerator
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import Event
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.endpoints import ClientResponseError, EndpointConfig

from mobilis.brain.events import read_event
from mobilis.brain.turn import TurnAborted
from mobilis.packets import GatheringConnector
from mobilis.seeing.ids import HEADER
from mobilis.seeing.spans import handed_on, span

ACTION_TIMEOUT = 15  # seconds
IDLE_SECONDS = 3  # after which a connection is not used again; the action server closes it after 5


class LoudActions(EndpointConfig):
    """The action server, over connections that stay open from one call to the next."""

    def __init__(self, url: str) -> None:
        super().__init__(url, enable_selective_domain=True)
        self._session: aiohttp.ClientSession | None = None

    async def request(self, *arguments: Any, **options: Any) -> dict[str, Any]:
        """The answer to a call, whose body is `json`.

        Raises:
            ClientResponseError: the action declines to run.
            TurnAborted: there is no answer, or it makes no sense.
        """
        try:
            with span("action call", action=_name(options["json"])):
                answer = await self._post(options["json"])
        except asyncio.TimeoutError:
            raise TurnAborted("the action server did not answer in time") from None
        except ClientResponseError:
            raise
        except (aiohttp.ClientError, OSError) as error:
            raise TurnAborted(f"the action server cannot be reached: {error}") from None
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise TurnAborted("the action server's answer is not a JSON object")
        return answer

    async def _post(self, body: Any) -> Any:
        timeout = aiohttp.ClientTimeout(total=ACTION_TIMEOUT)
        headers = {HEADER: handed_on()}
        asking = self._open_session().post(self.url, json=body, headers=headers, timeout=timeout)
        async with asking as answer:
            if answer.status == 400:  # a form declines to run: part of a normal turn
                raise ClientResponseError(400, answer.reason, await answer.text())
            if answer.status > 400:
                raise TurnAborted(f"the action server answered {answer.status}")
            return await answer.json(content_type=None)

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = GatheringConnector(keepalive_timeout=IDLE_SECONDS)
            self._session = aiohttp.ClientSession(connector=connector)
        return self._session

    async def close(self) -> None:
        """Close the connections; the next call opens its own."""
        if self._session is not None:
            await self._session.close()
            self._session = None


def _name(call: dict[str, Any]) -> str:
    return str(call.get("next_action", ""))


class RemoteCall(RemoteAction):
    """An action of the action server. Its answer is checked for what is used of it; Rasa checks
    each one against a schema, and the schema against the schema of schemas."""

    async def run(
        self,
        output_channel: OutputChannel,
        nlg: NaturalLanguageGenerator,
        tracker: DialogueStateTracker,
        domain: Domain,
    ) -> list[Event]:
        call = self._action_call_format(tracker, domain)
        try:
            answer = await self.action_endpoint.request(json=call)
        except ClientResponseError:
            raise ActionExecutionRejection(self.name()) from None
        responses, events = self._read(answer)
        return [*await self._utter_responses(responses, output_channel, nlg, tracker), *events]

    def _read(self, answer: dict[str, Any]) -> tuple[list[dict[str, Any]], list[Event]]:
        responses, events = answer.get("responses", []), answer.get("events", [])
        if not isinstance(responses, list) or not isinstance(events, list):
            raise TurnAborted(f"{self.name()}: responses and events must be lists")
        if not all(isinstance(response, dict) for response in responses):
            raise TurnAborted(f"{self.name()}: a response is not an object")
        try:
            return responses, [read_event(event) for event in events]
        except ValueError as error:
            raise TurnAborted(f"{self.name()}: {error}") from None
