"""The front door's connections: whoever takes for ever, says too much or says it badly."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable

import pytest

from mobilis.web import incoming, server
from mobilis.web.console import gate

PATIENCE = 20.0


@pytest.fixture
def quick_tempered(monkeypatch):
    monkeypatch.setattr(server, "HEAD_SECONDS", 0.3)
    monkeypatch.setattr(incoming, "BODY_SECONDS", 0.3)
    monkeypatch.setattr(gate, "BODY_SECONDS", 0.3)


@pytest.fixture
def connect(door) -> Callable[[], socket.socket]:
    made = []

    def go() -> socket.socket:
        made.append(socket.create_connection(("127.0.0.1", door.port), timeout=PATIENCE))
        return made[-1]

    yield go
    for one in made:
        one.close()


def rest(connection: socket.socket) -> bytes:
    """All that comes until the front door hangs up."""
    found = b""
    try:
        while part := connection.recv(65_536):
            found += part
    except ConnectionResetError:
        pass
    return found


def head(path: str, length: int, kind: str = "application/json") -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: x", f"Content-Length: {length}"]
    return "\r\n".join([*lines, f"Content-Type: {kind}", "", ""]).encode()


def test_who_says_nothing_is_hung_up_on(quick_tempered, connect):
    assert rest(connect()) == b""


def test_who_says_a_byte_now_and_then_is_hung_up_on(quick_tempered, connect):
    connection = connect()
    end = time.monotonic() + PATIENCE
    connection.settimeout(0.05)
    connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n")
    while time.monotonic() < end:
        try:
            connection.sendall(b"X")
            if connection.recv(1) == b"":
                return
        except TimeoutError:
            continue
        except (BrokenPipeError, ConnectionResetError):
            return
    pytest.fail("the front door goes on listening")


def test_so_is_who_does_it_after_a_request_that_was_answered(quick_tempered, connect):
    connection = connect()
    connection.sendall(b"GET /static/mark.svg HTTP/1.1\r\nHost: x\r\n\r\nGET /half HTTP/1.1\r\n")
    assert rest(connection).startswith(b"HTTP/1.1 200 ")


def test_a_connection_is_kept_for_the_next_request(quick_tempered, connect):
    """Proxies keep them for a minute or two, and send a request at any moment."""
    connection = connect()
    for _ in range(2):
        connection.sendall(b"HEAD /static/mark.svg HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200 ")
        time.sleep(1)
    connection.sendall(b"GET /half HTTP/1.1\r\n")
    assert rest(connection) == b""


def test_but_not_for_ever(monkeypatch, open_door):
    monkeypatch.setattr(server, "IDLE_SECONDS", 1)
    door = open_door()
    with socket.create_connection(("127.0.0.1", door.port), timeout=PATIENCE) as connection:
        connection.sendall(b"GET /static/mark.svg HTTP/1.1\r\nHost: x\r\n\r\n")
        assert rest(connection).startswith(b"HTTP/1.1 200 ")


def test_a_request_under_way_may_take_longer(quick_tempered, connect, door, brain):
    answer, say = brain.script, door.visitor(language="fr")

    def slow(question):
        time.sleep(1)
        return answer(question)

    brain.script = slow
    assert say.hears("un") == say.history()[-1:]


def test_a_stream_is_not_hung_up_on(quick_tempered, visitor):
    with visitor.events() as events:
        end = time.monotonic() + 1
        while time.monotonic() < end:
            assert next(events)[0] == "comment"


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/api/conversations", "application/json"),
        ("/console/sign-in", "application/x-www-form-urlencoded"),
    ],
)
def test_a_body_that_does_not_come_is_not_waited_for(quick_tempered, connect, path, kind):
    connection = connect()
    connection.sendall(head(path, 100, kind) + b"{")
    answer = rest(connection)
    assert answer.startswith(b"HTTP/1.1 400 "), answer[:200]


@pytest.mark.parametrize("path", ["/api/conversations", "/console/sign-in"])
def test_who_leaves_in_the_middle_of_a_body_breaks_nothing(connect, door, caplog, path):
    connection = connect()
    connection.sendall(head(path, 100, "application/x-www-form-urlencoded") + b"{")
    connection.close()
    assert door.http.get("/healthz").status_code == 200
    assert "unexpected" not in caplog.text


def test_a_head_that_is_too_large_is_refused(connect):
    connection = connect()
    connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: " + b"x" * 40_000 + b"\r\n\r\n")
    connection.shutdown(socket.SHUT_WR)
    assert rest(connection).startswith(b"HTTP/1.1 431 ")


def test_so_is_one_that_never_ends(connect):
    connection = connect()
    connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 300_000)
    assert rest(connection)[:13] in (b"HTTP/1.1 400 ", b"")


def test_so_is_one_of_many_lines(connect):
    connection = connect()
    lines = b"".join(b"X-%d: x\r\n" % number for number in range(9_000))
    connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n" + lines + b"\r\n")
    connection.shutdown(socket.SHUT_WR)
    assert rest(connection).startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 431 "))


def test_so_is_an_address_that_is_too_long(door):
    assert door.http.get("/?" + "x" * 33_000).status_code == 431


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTQ/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"POST /api/conversations HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /api/conversations HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n"
        b"Content-Length: 2\r\n\r\n{}",
        b"POST /api/conversations HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX : y\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: a\nb\r\n\r\n",
    ],
)
def test_what_is_no_request_is_refused(connect, door, sent):
    connection = connect()
    connection.sendall(sent)
    connection.shutdown(socket.SHUT_WR)
    answer = rest(connection)
    assert answer == b"" or answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 501 ")), answer[:200]
    assert door.http.get("/healthz").status_code == 200


def test_a_request_cannot_hide_in_the_body_of_another(connect):
    """Both a length and chunks: the chunks count, and what follows is a request of its own."""
    connection = connect()
    connection.sendall(
        b"POST /api/nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /console HTTP/1.1\r\nHost: x\r\n\r\n"
    )
    connection.shutdown(socket.SHUT_WR)
    assert not rest(connection).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "body",
    [
        "[" * 8_000,
        '{"a":' * 2_500,
        "[" * 8_000 + "]" * 8_000,
        "9" * 16_000,
        '{"text": ' + "9" * 16_000 + "}",
        '{"text": NaN}',
        '{"text": 1e999999}',
        '"' + "\\ud800" * 2_000 + '"',
    ],
    ids=lambda body: body[:8],
)
def test_json_that_is_deep_or_large_is_refused(door, visitor, body):
    answer = door.http.post(f"{visitor.url}/messages", content=body, headers=visitor.headers)
    assert answer.status_code == 400
    assert json.loads(answer.text)["error"]["code"] in ("bad_json", "bad_request")
