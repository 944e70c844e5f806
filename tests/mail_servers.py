"""A mail server of the tests' own, which can be made to do all that a mail server does wrong.

with MailServer() as server:
    server.fault = "recipient_4"
    …
    assert server.taken[0]["Subject"] == "Bonjour"
"""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from types import TracebackType
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from processes import free_port

from mobilis.store import now

USER, PASSWORD = "mobilis", "sel: 100 %@/?"
# What is answered where, instead of taking the e-mail.
ANSWERS = {
    "sender_4": "451 4.3.0 not now",
    "sender_5": "550 5.7.1 you may not send",
    "recipient_4": "450 4.2.1 mailbox busy, try later",
    "recipient_5": "550 5.1.1 no such mailbox <marie@exemple.ca>",
    "content_4": "452 4.3.1 no room left",
    "content_5": "554 5.6.0 not this text",
}
FAULTS = (*ANSWERS, "hangs", "hangs_up", "drops_before_data", "drops_after_data")


class _Handler:
    """What aiosmtpd asks at each step."""

    def __init__(self, server: MailServer) -> None:
        self.server = server

    async def handle_EHLO(self, server: SMTP, session: Session, _: Envelope, name: str) -> str:
        session.host_name = name
        if self.server.fault == "hangs_up":
            server.transport.abort()
        return "250 HELP"

    async def handle_MAIL(
        self, server: SMTP, _: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.server.tries += 1
        if self.server.fault == "hangs":
            await asyncio.sleep(self.server.hangs_for)
        envelope.mail_from = address
        return self._answer("sender", "250 OK")

    async def handle_RCPT(
        self, server: SMTP, _: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.server.fault == "drops_before_data":
            server.transport.abort()
        envelope.rcpt_tos.append(address)
        return self._answer("recipient", "250 OK")

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        answer = self._answer("content", "250 taken")
        if answer.startswith("250"):
            parsed = message_from_bytes(bytes(envelope.content or b""), policy=policy.default)
            assert isinstance(parsed, EmailMessage)
            self.server.taken.append(parsed)
            self.server.envelopes.append((envelope.mail_from or "", *envelope.rcpt_tos))
            self.server.private.append(session.ssl is not None or self.server.kind == "tls")
        if self.server.on_data:
            self.server.on_data()
        if self.server.fault == "drops_after_data":
            server.transport.abort()
        return answer

    def _answer(self, where: str, usual: str) -> str:
        fault = self.server.fault
        return ANSWERS[fault] if fault.startswith(f"{where}_") else usual


class MailServer:
    """An SMTP server on loopback. `kind` is "none", "starttls" or "tls"."""

    def __init__(self, kind: str = "none", folder: Path | None = None, login: bool = False) -> None:
        self.kind = kind
        self.fault = ""
        self.hangs_for = 3.0
        self.tries = 0
        self.on_data: Any = None
        self.taken: list[EmailMessage] = []
        self.envelopes: list[tuple[str, ...]] = []
        self.private: list[bool] = []
        self.port = free_port()
        more: dict[str, Any] = {"hostname": "127.0.0.1", "port": self.port, "ready_timeout": 10}
        if kind != "none":
            assert folder is not None
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(*certificate(folder))
            more["ssl_context" if kind == "tls" else "tls_context"] = context
        if kind == "starttls":
            more["require_starttls"] = True
        if login:
            more |= {"authenticator": _authenticate, "auth_required": True}
            more |= {"auth_require_tls": kind == "starttls"}
        self._controller = Controller(_Handler(self), **more)

    @property
    def url(self) -> str:
        """The setting that leads here."""
        end = "?tls=no" if self.kind == "none" else ""
        return f"smtp{'s' if self.kind == 'tls' else ''}://127.0.0.1:{self.port}{end}"

    def __enter__(self) -> MailServer:
        self._controller.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._controller.stop()


def _authenticate(
    server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
) -> AuthResult:
    given = isinstance(data, LoginPassword) and (data.login, data.password)
    return AuthResult(success=given == (USER.encode(), PASSWORD.encode()), handled=False)


def certificate(folder: Path) -> tuple[str, str]:
    """A certificate of 127.0.0.1 that nobody trusts, and its key; made once in a folder."""
    chain, private = folder / "certificate.pem", folder / "key.pem"
    if not chain.exists():
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests")])
        address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now() - timedelta(days=1))
            .not_valid_after(now() + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([address]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        chain.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        private.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
    return str(chain), str(private)
