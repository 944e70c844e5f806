"""Handing an e-mail to a server: what is written, how it travels, and every answer of a server."""

from __future__ import annotations

import socket
import threading
from datetime import datetime, timezone
from email.headerregistry import Address
from pathlib import Path
from urllib.parse import quote

import pytest
from mail_servers import PASSWORD, USER, MailServer, certificate
from processes import free_port

from mobilis.errors import (
    MailDoubtful,
    MailError,
    MailRefused,
    MailUnavailable,
    SettingError,
)
from mobilis.settings import Settings
from mobilis.smtp import Parcel, Server, deliver, read_server, write_message

pytestmark = pytest.mark.door

SENDER = Address("Équipe du programme", addr_spec="equipe@exemple.ca")
TEXT = "Bonjour Zoé,\n\n.Voici une ligne qui commence par un point : « déjà ».\n" + "long " * 400


def parcel(**changes: str) -> Parcel:
    values = {
        "message_id": "<m-1@exemple.ca>",
        "language": "fr",
        "recipient": "marie@exemple.ca",
        "reply_to": "camille@exemple.ca",
        "subject": "Votre demande : bien reçue, « merci »",
        "text": TEXT,
        **changes,
    }
    return Parcel(at=datetime(2026, 11, 26, 14, 5, tzinfo=timezone.utc), **values)


def settings(url: str, **more: object) -> Settings:
    usual = {"mail_from": "Équipe du programme <equipe@exemple.ca>", "mail_timeout": 2.0}
    return Settings(smtp_url=url, **{**usual, **more})  # type: ignore[arg-type]


def server_of(url: str, **more: object) -> Server:
    found = read_server(settings(url, **more))
    assert found is not None
    return found


def send(url: str, begins: bool = True, **changes: str) -> bool:
    one = parcel(**changes)
    server = server_of(url)
    return deliver(server, write_message(one, server.sender), one.recipient, lambda: begins)


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose certificate this process trusts."""
    monkeypatch.setenv("SSL_CERT_FILE", certificate(tmp_path)[0])
    return tmp_path


def test_an_e_mail_arrives_as_it_was_written() -> None:
    with MailServer() as server:
        assert send(server.url)
    [mail] = server.taken
    assert mail.get_content().replace("\r\n", "\n").rstrip("\n") == TEXT.rstrip("\n")
    assert {name: str(mail[name]) for name in mail} == {
        "From": "Équipe du programme <equipe@exemple.ca>",
        "To": "marie@exemple.ca",
        "Reply-To": "camille@exemple.ca",
        "Subject": "Votre demande : bien reçue, « merci »",
        "Date": "Thu, 26 Nov 2026 14:05:00 +0000",
        "Message-ID": "<m-1@exemple.ca>",
        "Content-Language": "fr-CA",
        "Content-Type": 'text/plain; charset="utf-8"',
        "Content-Transfer-Encoding": mail["Content-Transfer-Encoding"],
        "MIME-Version": "1.0",
    }
    assert server.envelopes == [("equipe@exemple.ca", "marie@exemple.ca")]


def test_an_e_mail_is_seven_bits_with_short_lines() -> None:
    data = write_message(parcel(), SENDER).as_bytes()
    assert data.isascii()
    assert max(map(len, data.split(b"\r\n"))) <= 998


@pytest.mark.parametrize("field", ["subject", "recipient", "reply_to", "message_id"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_no_header_brings_another(field: str, end: str) -> None:
    hostile = f"marie@exemple.ca{end}Bcc: tous@exemple.ca"
    try:
        data = write_message(parcel(**{field: hostile}), SENDER).as_bytes()
    except ValueError:
        return
    assert b"\r\nBcc:" not in data


@pytest.mark.parametrize(
    ("kind", "login"), [("starttls", True), ("tls", True), ("starttls", False)]
)
def test_an_e_mail_travels_in_private(trusted: Path, kind: str, login: bool) -> None:
    with MailServer(kind, trusted, login) as server:
        scheme, _, rest = server.url.partition("://")
        who = f"{USER}:{quote(PASSWORD, safe='')}@" if login else ""
        assert send(f"{scheme}://{who}{rest}")
    assert server.private == [True]


@pytest.mark.parametrize("kind", ["starttls", "tls"])
def test_a_server_that_nobody_vouches_for_gets_nothing(tmp_path: Path, kind: str) -> None:
    with MailServer(kind, tmp_path) as server, pytest.raises(MailUnavailable) as caught:
        send(server.url)
    assert caught.value.problem == "tls"
    assert server.taken == []


def test_a_server_of_another_name_gets_nothing(trusted: Path) -> None:
    with MailServer("starttls", trusted) as server, pytest.raises(MailUnavailable) as caught:
        send(server.url.replace("127.0.0.1", "localhost"))
    assert caught.value.problem == "tls"


def test_a_server_without_tls_gets_nothing() -> None:
    with MailServer() as server, pytest.raises(MailUnavailable) as caught:
        send(server.url.removesuffix("?tls=no"))
    assert caught.value.problem == "tls"
    assert (server.tries, server.taken) == (0, [])


@pytest.mark.parametrize("password", ["wrong", ""])
def test_a_wrong_password_is_told_apart(trusted: Path, password: str) -> None:
    with MailServer("starttls", trusted, login=True) as server:
        url = server.url.replace("://", f"://{USER}:{password}@")
        with pytest.raises(MailUnavailable) as caught:
            send(url)
    assert caught.value.problem == "login"
    assert caught.value.answer.startswith("535")


def test_a_server_that_takes_no_password_is_told_apart() -> None:
    with MailServer() as server, pytest.raises(MailUnavailable) as caught:
        send(server.url.replace("://", f"://{USER}:x@"))
    assert caught.value.problem == "login"


@pytest.mark.parametrize(
    ("fault", "kind", "problem", "answer"),
    [
        ("sender_4", MailUnavailable, "later", "451 4.3.0 not now"),
        ("sender_5", MailRefused, "sender", "550 5.7.1 you may not send"),
        ("recipient_4", MailUnavailable, "later", "450 4.2.1 mailbox busy, try later"),
        ("recipient_5", MailRefused, "recipient", "550 5.1.1 no such mailbox <marie@exemple.ca>"),
        ("content_4", MailUnavailable, "later", "452 4.3.1 no room left"),
        ("content_5", MailRefused, "content", "554 5.6.0 not this text"),
        ("hangs_up", MailUnavailable, "connection", ""),
        ("drops_before_data", MailUnavailable, "connection", ""),
        ("drops_after_data", MailDoubtful, "doubtful", ""),
    ],
)
def test_what_a_server_does_wrong_says_what_to_do(
    fault: str, kind: type[MailError], problem: str, answer: str
) -> None:
    with MailServer() as server:
        server.fault = fault
        with pytest.raises(kind) as caught:
            send(server.url)
    assert (caught.value.problem, caught.value.answer) == (problem, answer)


def test_a_server_that_hangs_is_left() -> None:
    with MailServer() as server:
        server.fault = "hangs"
        with pytest.raises(MailUnavailable) as caught:
            send(server.url)
    assert caught.value.problem == "connection"


def test_a_server_that_hangs_after_the_text_leaves_it_in_doubt() -> None:
    with MailServer() as server:
        server.on_data = lambda: threading.Event().wait(3)
        with pytest.raises(MailDoubtful):
            send(server.url)


def test_a_server_that_is_not_there_is_tried_later() -> None:
    with pytest.raises(MailUnavailable) as caught:
        send(f"smtp://127.0.0.1:{free_port()}?tls=no")
    assert caught.value.problem == "connection"


@pytest.mark.parametrize(
    "greeting", [b"554 go away\r\n", b"421 busy\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n", b""]
)
def test_something_else_on_the_port_is_tried_later(greeting: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.sendall(greeting)

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(MailUnavailable) as caught:
            send(f"smtp://127.0.0.1:{listening.getsockname()[1]}?tls=no")
        thread.join()
    assert caught.value.problem == "connection"


def test_what_may_not_begin_is_not_given_away() -> None:
    with MailServer() as server:
        assert send(server.url, begins=False) is False
    assert (server.tries, server.taken) == (1, [])


def test_what_a_server_says_is_one_short_line() -> None:
    error = MailRefused("recipient", "x")
    assert str(error) == "the e-mail was not sent: recipient"  # for logs: no address
    with MailServer() as server, pytest.MonkeyPatch.context() as patch:
        patch.setitem(__import__("mail_servers").ANSWERS, "recipient_5", f"550 {'é' * 900}")
        server.fault = "recipient_5"
        with pytest.raises(MailRefused) as caught:
            send(server.url)
    assert len(caught.value.answer) <= 300


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("smtp://mail.exemple.ca", ("mail.exemple.ca", 587, "starttls", "", "")),
        ("smtps://mail.exemple.ca", ("mail.exemple.ca", 465, "tls", "", "")),
        ("smtp://u:p%40%3A%2F@h.ca:25", ("h.ca", 25, "starttls", "u", "p@:/")),
        (
            "smtp://equipe%40exemple.ca:zx@h.ca/",
            ("h.ca", 587, "starttls", "equipe@exemple.ca", "zx"),
        ),
        ("smtp://relay:25?tls=no", ("relay", 25, "none", "", "")),
        ("smtp://u:zx@localhost:25?tls=no", ("localhost", 25, "none", "u", "zx")),
    ],
)
def test_an_address_says_where_and_how(url: str, found: tuple[object, ...]) -> None:
    server = server_of(url)
    assert (server.host, server.port, server.security, server.user, server.password) == found
    assert not server.password or server.password not in repr(server)


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://mail.exemple.ca", "smtp://… or smtps://… with a host is expected"),
        ("mail.exemple.ca:587", "smtp://… or smtps://… with a host is expected"),
        ("smtp://", "smtp://… or smtps://… with a host is expected"),
        ("smtp://h/path", "smtp://… or smtps://… with a host is expected"),
        ("smtp://h:port", "not an address"),
        ("smtp://h:99999", "not an address"),
        ("smtp://h?tls=yes", "?tls=no with smtp:// is the only option"),
        ("smtps://h?tls=no", "?tls=no with smtp:// is the only option"),
        ("smtp://h?tls=no&ca=x", "?tls=no with smtp:// is the only option"),
        ("smtp://u:mot%20de%20pass%C3%A9@h", "a name or password in plain ASCII is expected"),
        ("smtp://u:p@h?tls=no", "?tls=no would send the password in the open"),
    ],
)
def test_an_address_that_makes_no_sense_is_refused(url: str, problem: str) -> None:
    with pytest.raises(SettingError) as caught:
        read_server(settings(url))
    assert str(caught.value) == f"MOBILIS_SMTP_URL: {problem}"


@pytest.mark.parametrize(
    "sender", ["", "Équipe", "a@b", "x@exemple.ca, y@exemple.ca", "a\n<a@b.ca>"]
)
def test_whom_it_is_from_is_needed(sender: str) -> None:
    with pytest.raises(SettingError, match="MOBILIS_MAIL_FROM: an e-mail address"):
        read_server(settings("smtp://h", mail_from=sender))


def test_whom_to_answer_is_an_address() -> None:
    assert server_of("smtp://h", mail_reply_to="a@exemple.ca").reply_to == "a@exemple.ca"
    with pytest.raises(SettingError, match="MOBILIS_MAIL_REPLY_TO: an e-mail address"):
        read_server(Settings(mail_reply_to="Équipe"))


def test_no_server_is_waited_for_in_no_time() -> None:
    with pytest.raises(SettingError, match="MOBILIS_MAIL_TIMEOUT: more than 0"):
        read_server(settings("smtp://h", mail_timeout=0.0))


def test_without_a_server_there_is_none() -> None:
    assert read_server(Settings()) is None
