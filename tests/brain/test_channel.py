"""The brain's only door: who may come in, what is no turn, and a turn that is asked for twice."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

import httpx
import pytest
from loopback import LoopbackServer, loopback_client
from processes import Stack, free_port
from rasa.utils.endpoints import ClientResponseError
from sqlalchemy import func, select
from visitors import new_id

from mobilis.brain import remote as module
from mobilis.brain.channel import MobilisInput
from mobilis.brain.remote import LoudActions
from mobilis.brain.turn import TurnAborted
from mobilis.content import load_content
from mobilis.errors import SettingError
from mobilis.live import brains
from mobilis.models import tracker_events
from mobilis.settings import ROOT
from mobilis.store import Database
from mobilis.versions import here

TURN = "/webhooks/mobilis/turn"
HEALTH = "/webhooks/mobilis/health"
WORDING = load_content(ROOT).wording


@pytest.fixture
def brain(stack: Stack) -> Iterator[httpx.Client]:
    """The brain's port, with the secret."""
    secret = (stack.settings.data_dir / "secret").read_text()
    headers = {"Authorization": f"Bearer {secret}"}
    with loopback_client(base_url=brains(stack.settings)[0], headers=headers, timeout=40) as client:
        yield client


def turn(text: str = "bonjour", **more: Any) -> dict[str, Any]:
    return {"conversation": new_id(), "message": new_id(), "text": text, **more}


def users(database: Database, conversation: str) -> int:
    """How many messages of a visitor the brain keeps of a conversation."""
    with database.read() as connection:
        query = select(func.count()).where(
            tracker_events.c.conversation_id == conversation, tracker_events.c.name == "user"
        )
        return int(connection.execute(query).scalar_one())


# --- who may come in


@pytest.mark.parametrize("given", [None, "", "Bearer", "Bearer wrong", "Basic {}", "{}"])
@pytest.mark.parametrize(("method", "path"), [("POST", TURN), ("GET", HEALTH)])
def test_without_the_secret_nothing_is_said_or_done(
    stack: Stack, kept: Database, given: str | None, method: str, path: str
) -> None:
    secret = (stack.settings.data_dir / "secret").read_text()
    headers = {} if given is None else {"Authorization": given.format(secret).encode()}
    body = turn()
    answer = httpx.request(
        method, brains(stack.settings)[0] + path, json=body, headers=headers, trust_env=False
    )
    assert answer.status_code == 401
    assert answer.json() == {"error": "the secret is missing or wrong"}
    assert users(kept, body["conversation"]) == 0


def test_a_secret_that_is_no_ascii_is_wrong(brain: httpx.Client) -> None:
    answer = brain.post(TURN, json=turn(), headers={"Authorization": b"Bearer \xe9\xff"})
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/webhooks/rest/webhook"),
        ("GET", "/conversations/talk/tracker"),
        ("POST", "/conversations/talk/messages"),
        ("POST", "/model/parse"),
        ("PUT", "/model"),
        ("GET", "/domain"),
    ],
)
def test_there_is_no_other_door(brain: httpx.Client, method: str, path: str) -> None:
    assert brain.request(method, path, json={"sender": "x", "message": "x"}).status_code == 404


def test_a_short_secret_is_refused_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    for secret in ("", "too short"):
        monkeypatch.setenv("MOBILIS_SECRET", secret)
        with pytest.raises(SettingError, match=r"^MOBILIS_SECRET: at least 16 characters"):
            MobilisInput.from_credentials({})
    monkeypatch.setenv("MOBILIS_SECRET", "x" * 16)
    assert MobilisInput.from_credentials(None).secret == "x" * 16


# --- what is no turn


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "the body is not an object"),
        (b"{", "the body is not JSON"),
        (b"\xff", "the body is not JSON"),
        (b"[]", "the body is not an object"),
        (b"null", "the body is not an object"),
        (b'"/restart"', "the body is not an object"),
        (b"{}", "conversation is missing"),
        ({"conversation": "", "message": "m", "text": "a"}, "conversation is missing"),
        ({"conversation": 5, "message": "m", "text": "a"}, "conversation is missing"),
        ({"conversation": "c", "text": "a"}, "message is missing"),
        ({"conversation": "c", "message": ["m"], "text": "a"}, "message is missing"),
        ({"conversation": "c", "message": "m"}, "text or payload is missing"),
        ({"conversation": "c", "message": "m", "text": " \n"}, "text or payload is missing"),
        ({"conversation": "c", "message": "m", "text": 5}, "text or payload is missing"),
        ({"conversation": "c", "message": "m", "payload": "x"}, "text or payload is missing"),
        ({"conversation": "c", "message": "m", "payload": {}}, "text or payload is missing"),
    ],
)
def test_what_is_no_turn_is_refused(
    brain: httpx.Client, kept: Database, body: Any, problem: str
) -> None:
    given = {"content": body} if isinstance(body, bytes) else {"json": body}
    answer = brain.post(TURN, **given)
    assert (answer.status_code, answer.json()) == (422, {"error": problem})
    assert users(kept, "c") == 0


# --- turns


@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_payload_opens_a_conversation(brain: httpx.Client, language: str) -> None:
    payload = f'/conversation_opened{{"language": "{language}"}}'
    body = {"conversation": new_id(), "message": new_id(), "payload": payload}
    [message] = brain.post(TURN, json=body).json()["messages"]
    assert message["text"] == WORDING["greeting"][language]
    assert (message["kind"], message["language"]) == ("text", language)
    assert [set(choice) for choice in message["choices"]] == [{"title", "payload"}] * 4


def test_the_same_message_again_gets_the_same_answer(brain: httpx.Client, kept: Database) -> None:
    body = turn("Combien coûte l'accompagnement?")
    first = brain.post(TURN, json=body)
    assert first.status_code == 200
    [message] = first.json()["messages"]
    assert message["faq"]["id"] == "cost"
    other = {**body, "text": "/restart", "payload": "/restart"}
    for again in (body, other):
        assert brain.post(TURN, json=again).json() == first.json()
    assert users(kept, body["conversation"]) == 1


def test_an_earlier_message_again_gets_its_own_answer(brain: httpx.Client, kept: Database) -> None:
    body = turn("Combien coûte l'accompagnement?")
    first = brain.post(TURN, json=body).json()
    later = {**body, "message": new_id(), "text": "Est-ce offert en français?"}
    assert brain.post(TURN, json=later).json() != first
    assert brain.post(TURN, json=body).json() == first
    assert users(kept, body["conversation"]) == 2


def test_the_same_message_at_once_is_one_turn(brain: httpx.Client, kept: Database) -> None:
    body = turn("Combien coûte l'accompagnement?")
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: brain.post(TURN, json=body), range(6)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({json.dumps(answer.json(), sort_keys=True) for answer in answers}) == 1
    assert users(kept, body["conversation"]) == 1


def test_one_message_id_in_two_conversations_is_two_turns(
    brain: httpx.Client, kept: Database
) -> None:
    one = turn("merci")
    other = {**one, "conversation": new_id()}
    for body in (one, other):
        assert brain.post(TURN, json=body).status_code == 200
        assert users(kept, body["conversation"]) == 1


@pytest.mark.parametrize("text", ["/restart", " /restart", '/delete_my_data{"confirmed":"yes"}'])
def test_a_text_is_never_taken_for_a_payload(
    brain: httpx.Client, kept: Database, text: str
) -> None:
    body = turn(text)
    assert brain.post(TURN, json=body).status_code == 200
    with kept.read() as connection:
        mine = tracker_events.c.conversation_id == body["conversation"]
        found = connection.execute(select(tracker_events.c.name, tracker_events.c.data).where(mine))
        kinds = {row.name: json.loads(row.data) for row in found}
    assert kinds.keys() & {"restart", "reset_slots"} == set()
    assert kinds["user"]["text"].endswith(text)


def test_health_is_good(brain: httpx.Client) -> None:
    answer = brain.get(HEALTH)
    told = answer.json()
    assert (answer.status_code, told["status"], told["content"]) == (200, "ok", None)
    assert told["versions"] == vars(here(ROOT))


# --- an action server that fails


@contextmanager
def action_server(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[LoudActions]:
    """A client of an action server that answers by `answer`."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            answer(self)

        def log_message(self, *arguments: Any) -> None:
            return

    server = LoopbackServer(Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield LoudActions(f"{server.url}/webhook")
    finally:
        server.shutdown()
        server.server_close()


def send(handler: BaseHTTPRequestHandler, status: int, body: bytes, kind: str) -> None:
    handler.send_response(status)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def ask(actions: LoudActions) -> Any:
    async def call() -> Any:
        try:
            return await actions.request(json={"next_action": "action_help"})
        finally:
            await actions.close()

    return asyncio.run(call())


def test_an_answer_of_the_action_server_comes_through() -> None:
    said = {"events": [], "responses": []}
    body = json.dumps(said).encode()
    with action_server(lambda handler: send(handler, 200, body, "application/json")) as actions:
        assert ask(actions) == said


@pytest.mark.parametrize("status", [401, 404, 413, 500, 503])
def test_an_error_of_the_action_server_ends_the_turn(status: int) -> None:
    with action_server(lambda handler: send(handler, status, b"{}", "application/json")) as actions:
        with pytest.raises(TurnAborted, match=f"^the action server answered {status}$"):
            ask(actions)


def test_a_form_that_declines_is_no_failure() -> None:
    body = b'{"action_name": "interest_form", "error": "declined"}'
    with action_server(lambda handler: send(handler, 400, body, "application/json")) as actions:
        with pytest.raises(ClientResponseError) as raised:
            ask(actions)
    assert raised.value.status == 400
    assert json.loads(raised.value.text)["action_name"] == "interest_form"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<html>", "text/html"),
        (b"{", "application/json"),
        (b"\xff", "application/json"),
        (b"[]", "application/json"),
        (b"null", "application/json"),
        (b"", "application/json"),
    ],
)
def test_an_answer_that_makes_no_sense_ends_the_turn(body: bytes, kind: str) -> None:
    with action_server(lambda handler: send(handler, 200, body, kind)) as actions:
        with pytest.raises(TurnAborted, match=r"answer is not a JSON object$"):
            ask(actions)


def test_an_action_server_that_hangs_ends_the_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ACTION_TIMEOUT", 0.3)
    over = threading.Event()
    with action_server(lambda handler: over.wait(60)) as actions:
        with pytest.raises(TurnAborted, match=r"^the action server did not answer in time$"):
            ask(actions)
        over.set()


def test_a_connection_cut_half_way_ends_the_turn() -> None:
    def cut(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b'{"events": [')
        handler.close_connection = True

    with action_server(cut) as actions:
        with pytest.raises(TurnAborted, match=r"^the action server cannot be reached"):
            ask(actions)


def test_a_port_where_nobody_listens_ends_the_turn() -> None:
    actions = LoudActions(f"http://127.0.0.1:{free_port()}/webhook")
    with pytest.raises(TurnAborted, match=r"^the action server cannot be reached"):
        ask(actions)


def test_a_turn_that_ends_is_no_ordinary_exception() -> None:
    assert not issubclass(TurnAborted, Exception)  # Rasa would pass over it in silence
