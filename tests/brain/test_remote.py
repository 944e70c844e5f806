"""What the brain takes from the action server's answer, and what it does not put up with."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from loopback import LoopbackServer
from rasa.core.actions.action import ActionExecutionRejection
from rasa.core.nlg.response import TemplatedNaturalLanguageGenerator
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, BotUttered, SlotSet
from rasa.shared.core.trackers import DialogueStateTracker

from mobilis.brain.channel import SilentOutput
from mobilis.brain.remote import LoudActions, RemoteCall
from mobilis.brain.turn import TurnAborted

DOMAIN = Domain.empty()


class Server(LoopbackServer):
    """Answers every call with `said`; keeps the calls and the connections they came over."""

    status = 200

    def __init__(self) -> None:
        super().__init__(Handler)
        self.said: Any = {}
        self.calls: list[dict[str, Any]] = []
        self.connections: set[Any] = set()

    @property
    def webhook(self) -> str:
        return f"{self.url}/webhook"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.calls.append(json.loads(body))
        self.server.connections.add(self.client_address)
        said = json.dumps(self.server.said).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *arguments: Any) -> None:
        return


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def call(server: Server, times: int = 1) -> Any:
    """What an action of the server leads to, the last of so many times."""

    async def calls() -> Any:
        actions = LoudActions(server.webhook)
        responses = TemplatedNaturalLanguageGenerator({})
        tracker = DialogueStateTracker("talk", [])
        try:
            for _ in range(times):
                action = RemoteCall("action_help", actions)
                events = await action.run(SilentOutput(), responses, tracker, DOMAIN)
            return events
        finally:
            await actions.close()

    return asyncio.run(calls())


def test_responses_become_replies_and_events_events(server: Server) -> None:
    server.said = {
        "responses": [{"text": "Bonjour!", "buttons": [], "mobilis": {"kind": "text"}}],
        "events": [
            {"event": "slot", "name": "topic", "value": "faq/cost"},
            {"event": "action", "name": "action_listen"},
        ],
    }
    reply, *events = call(server)
    assert isinstance(reply, BotUttered)
    assert (reply.text, reply.metadata) == ("Bonjour!", {"mobilis": {"kind": "text"}})
    assert events == [SlotSet("topic", "faq/cost"), ActionExecuted("action_listen")]


def test_a_call_carries_the_conversation_and_not_the_domain(server: Server) -> None:
    assert call(server) == []
    [sent] = server.calls
    assert sent["next_action"] == "action_help"
    assert sent["tracker"]["sender_id"] == "talk"
    assert "domain" not in sent


def test_calls_share_a_connection(server: Server) -> None:
    call(server, times=5)
    assert len(server.calls) == 5
    assert len(server.connections) == 1


def test_an_action_that_declines_is_rejected(server: Server) -> None:
    server.status = 400
    with pytest.raises(ActionExecutionRejection, match="action_help"):
        call(server)


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"events": {}}, "responses and events must be lists"),
        ({"events": [], "responses": "Bonjour!"}, "responses and events must be lists"),
        ({"events": [], "responses": ["Bonjour!"]}, "a response is not an object"),
        ({"events": ["slot"]}, "not an event"),
        ({"events": [{"event": "unheard of"}]}, "not an event"),
        ({"events": [{"event": "slot"}]}, "an event of kind slot lacks a field"),
    ],
)
def test_an_answer_that_cannot_be_used_ends_the_turn(
    server: Server, said: dict[str, Any], problem: str
) -> None:
    server.said = said
    with pytest.raises(TurnAborted, match=f"^action_help: {problem}$"):
        call(server)
