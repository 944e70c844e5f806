"""Talking in a terminal, to a small front door that answers as the real one does."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from loopback import LoopbackServer
from processes import free_port

from mobilis.cli import main
from mobilis.terminal import Unreachable, converse

CHOICES = [{"id": "choice-1", "title": "Oui"}, {"id": "choice-2", "title": "Non"}]
GREETING = {"text": "Bonjour!", "choices": CHOICES}
REFUSAL = {"error": {"code": "text_empty", "message": "Le message est vide."}}


class FakeDoor:
    """Opens one conversation, repeats what is said to it, and remembers the requests."""

    def __init__(self) -> None:
        self.opening: tuple[int, Any] = (
            201,
            {"conversation": "talk", "token": "secret", "messages": [GREETING]},
        )
        self.bodies: list[dict[str, Any]] = []
        self.tokens: list[str | None] = []
        self.server = LoopbackServer(self._handler())
        self.base = self.server.url
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def answer(self, body: dict[str, Any]) -> tuple[int, Any]:
        if "choice" in body:
            return 200, {"messages": [{"text": f"choisi {body['choice']}"}]}
        if not body["text"]:
            return 422, REFUSAL
        if body["text"] == "lent":
            return 202, {"id": body["id"]}
        if body["text"] == "panne":
            return 502, "<html>Bad Gateway</html>"
        if body["text"] == "source":
            sources = [{"title": "ARC", "url": "https://example.org/arc"}]
            return 200, {"messages": [{"text": "Voici.", "faq": {"sources": sources}}]}
        return 200, {"messages": [{"text": f"dit {body['text']}"}]}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        door = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                door.bodies.append(body)
                door.tokens.append(self.headers["Authorization"])
                opens = self.path == "/api/conversations"
                status, content = door.opening if opens else door.answer(body)
                sent = content if isinstance(content, str) else json.dumps(content)
                self.send_response(status)
                self.end_headers()
                self.wfile.write(sent.encode())

            def log_message(self, *arguments: Any) -> None:
                return

        return Handler


@pytest.fixture
def door() -> Iterator[FakeDoor]:
    door = FakeDoor()
    yield door
    door.server.shutdown()
    door.server.server_close()


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Types lines, then ends the input."""

    def type_lines(*lines: str) -> None:
        monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))

    type_lines()
    return type_lines


def test_the_greeting_comes_first_with_numbered_choices(door: FakeDoor, typed: Any, capsys) -> None:
    converse(door.base, "fr")
    assert capsys.readouterr().out == "\nBonjour!\n  [1] Oui\n  [2] Non\n> "
    assert door.bodies == [{"language": "fr"}]


def test_what_is_typed_is_sent_with_the_token_and_an_id_of_its_own(
    door: FakeDoor, typed: Any, capsys
) -> None:
    typed("  c'est combien? ", "/restart")
    converse(door.base, "en")
    said = door.bodies[1:]
    assert [body["text"] for body in said] == ["c'est combien?", "/restart"]
    assert len({body["id"] for body in said}) == 2
    assert door.tokens == [None, "Bearer secret", "Bearer secret"]
    assert "dit c'est combien?" in capsys.readouterr().out


@pytest.mark.parametrize(("line", "choice"), [("1", "choice-1"), (" 2 ", "choice-2")])
def test_a_number_picks_a_choice(
    door: FakeDoor, typed: Any, capsys, line: str, choice: str
) -> None:
    typed(line)
    converse(door.base, "fr")
    assert door.bodies[1]["choice"] == choice
    assert "text" not in door.bodies[1]
    assert f"choisi {choice}" in capsys.readouterr().out


@pytest.mark.parametrize("line", ["0", "3", "12", "-1", "1.", "\u00b2", "\u2460", "\u2167"])
def test_another_number_is_text(door: FakeDoor, typed: Any, line: str) -> None:
    typed(line)
    converse(door.base, "fr")
    assert door.bodies[1]["text"] == line


def test_choices_stay_until_others_are_offered(door: FakeDoor, typed: Any) -> None:
    typed("bonjour", "2")
    converse(door.base, "fr")
    assert door.bodies[2]["choice"] == "choice-2"


def test_sources_are_shown(door: FakeDoor, typed: Any, capsys) -> None:
    typed("source")
    converse(door.base, "fr")
    assert "Voici.\n  ↗ ARC: https://example.org/arc\n" in capsys.readouterr().out


def test_a_refusal_is_shown_and_the_conversation_goes_on(
    door: FakeDoor, typed: Any, capsys
) -> None:
    typed("", "lent", "panne", "bonjour")
    converse(door.base, "fr")
    shown = capsys.readouterr().out
    assert shown.endswith("> Le message est vide.\n…\nstatus 502\n\ndit bonjour\n> ")


def test_nothing_at_the_address_is_said_in_one_sentence(typed: Any, capsys, monkeypatch) -> None:
    port = free_port()
    with pytest.raises(Unreachable, match=rf"^nothing answers at http://127\.0\.0\.1:{port}; "):
        converse(f"http://127.0.0.1:{port}", "fr")
    monkeypatch.setenv("MOBILIS_PORT", str(port))
    assert main(["chat"]) == 1
    assert capsys.readouterr().err.startswith(
        f"mobilis: nothing answers at http://127.0.0.1:{port}"
    )


@pytest.mark.parametrize(
    ("opening", "sentence"),
    [
        ((503, {"error": {"code": "unavailable", "message": "Réessayez."}}), "Réessayez."),
        ((502, "<html>Bad Gateway</html>"), "status 502"),
        ((500, []), "status 500"),
    ],
)
def test_a_conversation_that_is_not_opened_says_why(
    door: FakeDoor, typed: Any, opening: tuple[int, Any], sentence: str
) -> None:
    door.opening = opening
    with pytest.raises(Unreachable) as raised:
        converse(door.base, "fr")
    assert str(raised.value) == sentence


def test_a_front_door_that_goes_away_is_said_in_one_sentence(
    door: FakeDoor, typed: Any, monkeypatch
) -> None:
    def lines() -> Iterator[str]:
        door.server.shutdown()
        door.server.server_close()
        yield "bonjour\n"

    monkeypatch.setattr("sys.stdin", lines())
    with pytest.raises(Unreachable, match=r"^nothing answers at"):
        converse(door.base, "fr")
