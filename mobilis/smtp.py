"""Handing one e-mail to an SMTP server: where it is, what is written, and what its answers mean.

Knows no table. What may be tried again, what never will be taken, and what may have been taken
although no answer came, are three errors of mobilis/errors.py. Called by mobilis/web/postman.py, in
a thread: the standard library's client waits.
"""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, getaddresses
from urllib.parse import SplitResult, unquote, urlsplit

from mobilis.contact_details import is_address
from mobilis.errors import MailDoubtful, MailRefused, MailUnavailable, SettingError
from mobilis.settings import Settings

PORTS = {"smtp": 587, "smtps": 465}
LOOPBACK = ("localhost", "127.0.0.1", "::1")
ANSWER_LENGTH = 300  # of what the server said that is kept

# Seven bits: every server takes it, and no line is too long.
_POLICY = SMTP.clone(cte_type="7bit")
_LINE_OF_DOT = re.compile(rb"^\.", re.MULTILINE)

Begin = Callable[[], bool]


@dataclass(frozen=True)
class Server:
    """The server that takes our e-mails, and whom they are from.

    `security` is "tls" (from the first byte), "starttls" (before anything is said) or "none".
    """

    host: str
    port: int
    security: str
    user: str
    password: str = field(repr=False)
    sender: Address
    reply_to: str
    timeout: float


@dataclass(frozen=True)
class Parcel:
    """An e-mail to be written; `message_id` stays the same however often it is tried."""

    message_id: str
    at: datetime
    language: str
    recipient: str
    reply_to: str
    subject: str
    text: str


def read_server(settings: Settings) -> Server | None:
    """The server of the settings, if there is one.

    Raises:
        SettingError: an address makes no sense, or a password would travel in the open.
    """
    reply_to = settings.mail_reply_to
    if reply_to and not is_address(reply_to):
        raise SettingError("MOBILIS_MAIL_REPLY_TO: an e-mail address is expected")
    if not settings.smtp_url:
        return None
    sender = _read_sender(settings.mail_from)
    try:
        parts = urlsplit(settings.smtp_url)
        port = parts.port
    except ValueError:
        raise SettingError("MOBILIS_SMTP_URL: not an address") from None
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if parts.scheme not in PORTS or not parts.hostname or parts.path not in ("", "/"):
        raise SettingError("MOBILIS_SMTP_URL: smtp://… or smtps://… with a host is expected")
    if not settings.mail_timeout:
        raise SettingError("MOBILIS_MAIL_TIMEOUT: more than 0 is expected")
    if not (user + password).isascii():
        raise SettingError("MOBILIS_SMTP_URL: a name or password in plain ASCII is expected")
    return Server(
        host=parts.hostname,
        port=port or PORTS[parts.scheme],
        security=_read_security(parts, user),
        user=user,
        password=password,
        sender=sender,
        reply_to=reply_to,
        timeout=settings.mail_timeout,
    )


def _read_sender(text: str) -> Address:
    found = getaddresses([text]) if text.isprintable() else []
    if len(found) != 1 or not is_address(found[0][1]):
        needed = "an e-mail address is expected, as MOBILIS_SMTP_URL is set"
        raise SettingError(f"MOBILIS_MAIL_FROM: {needed}")
    return Address(found[0][0], addr_spec=found[0][1])


def _read_security(parts: SplitResult, user: str) -> str:
    if not parts.query and not parts.fragment:
        return "tls" if parts.scheme == "smtps" else "starttls"
    if parts.query != "tls=no" or parts.scheme != "smtp" or parts.fragment:
        raise SettingError("MOBILIS_SMTP_URL: ?tls=no with smtp:// is the only option")
    if user and parts.hostname not in LOOPBACK:
        raise SettingError("MOBILIS_SMTP_URL: ?tls=no would send the password in the open")
    return "none"


def write_message(parcel: Parcel, sender: Address) -> EmailMessage:
    """An e-mail as it is sent. A header of two lines is an error: `ValueError`."""
    message = EmailMessage(policy=_POLICY)
    message["From"] = sender
    message["To"] = Address(addr_spec=parcel.recipient)
    message["Reply-To"] = Address(addr_spec=parcel.reply_to)
    message["Subject"] = parcel.subject
    message["Date"] = format_datetime(parcel.at)
    message["Message-ID"] = parcel.message_id
    message.set_content(parcel.text)  # takes away every Content-… that stood there before
    message["Content-Language"] = "fr-CA" if parcel.language == "fr" else "en-CA"
    return message


def deliver(server: Server, message: EmailMessage, recipient: str, begin: Begin) -> bool:
    """Hand over an e-mail; False when `begin` forbids it.

    `begin` is called when the server waits for the e-mail and has nothing of it yet: up to there
    another try is always harmless.

    Raises:
        MailUnavailable: connection, tls, login, later.
        MailRefused: sender, recipient, content.
        MailDoubtful: the connection broke after all was sent.
    """
    text = _LINE_OF_DOT.sub(b"..", message.as_bytes())  # RFC 5321, 4.5.2
    with _open(server) as client:
        with _lost_is("connection"):
            _accepted("sender", *client.mail(server.sender.addr_spec))
            _accepted("recipient", *client.rcpt(recipient))
        if not begin():
            return False
        with _lost_is("connection"):
            _accepted("content", *client.docmd("DATA"), wanted=354)
            client.send(text.removesuffix(b"\r\n") + b"\r\n.\r\n")
        try:
            code, answer = client.getreply()
        except (smtplib.SMTPServerDisconnected, OSError):
            raise MailDoubtful from None
        _accepted("content", code, answer)
    return True


def greet(server: Server) -> None:
    """Connect and sign in, and send nothing.

    Raises:
        MailUnavailable: connection, tls, login.
    """
    with _open(server):
        return


@contextmanager
def _open(server: Server) -> Iterator[smtplib.SMTP]:
    """A connection that may be used: private, if it is to be, and signed in."""
    client = _connect(server)
    try:
        if server.security == "starttls":
            with _lost_is("tls"):
                client.starttls(context=ssl.create_default_context())
        if server.user:
            with _lost_is("login"):
                client.login(server.user, server.password)
        else:
            with _lost_is("connection"):
                client.ehlo_or_helo_if_needed()
        yield client
    finally:
        with suppress(smtplib.SMTPException, OSError):
            client.quit()
        client.close()


def _connect(server: Server) -> smtplib.SMTP:
    try:
        if server.security == "tls":
            context = ssl.create_default_context()
            return smtplib.SMTP_SSL(
                server.host, server.port, timeout=server.timeout, context=context
            )
        return smtplib.SMTP(server.host, server.port, timeout=server.timeout)
    except (smtplib.SMTPException, OSError) as error:
        raise _later("tls" if isinstance(error, ssl.SSLError) else "connection", error) from None


@contextmanager
def _lost_is(problem: str) -> Iterator[None]:
    """What goes wrong before the e-mail is given away is worth another try."""
    try:
        yield
    except (smtplib.SMTPException, OSError) as error:
        raise _later(problem, error) from None


def _later(problem: str, error: Exception) -> MailUnavailable:
    if isinstance(error, smtplib.SMTPResponseException):
        return MailUnavailable(problem, _said(error.smtp_code, error.smtp_error))
    return MailUnavailable(problem)


def _accepted(problem: str, code: int, answer: bytes, wanted: int = 250) -> None:
    """Pass an answer that agrees; 5xx is for ever, everything else for now."""
    if code == wanted or (wanted == 250 and code == 251):
        return
    if 500 <= code < 600:
        raise MailRefused(problem, _said(code, answer))
    raise MailUnavailable("later", _said(code, answer))


def _said(code: int, answer: bytes | str) -> str:
    """What a server said, on one line."""
    text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
    plain = "".join(char if char.isprintable() else " " for char in f"{code} {text}")
    return " ".join(plain.split())[:ANSWER_LENGTH]
