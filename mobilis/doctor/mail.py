"""Whether e-mails from the console could go; none is sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mobilis.doctor.findings import FAULT, OK, Finding
from mobilis.errors import MailError, SettingError
from mobilis.settings import Settings
from mobilis.smtp import greet, read_server

SECONDS = 10.0
WHYS = {
    "connection": "does not answer, or hangs up: is the address right, and let out by the network?",
    "tls": "cannot be spoken to in private: is its certificate valid, and the port right?",
    "login": "refuses the name or the password of MOBILIS_SMTP_URL.",
}


def check_mail(settings: Settings) -> Iterator[Finding]:
    try:
        server = read_server(settings)
    except SettingError as error:
        yield Finding("mail", FAULT, f"{error}.")
        return
    if server is None:
        yield Finding(
            "mail", OK, "E-mails go by staff's own programs: MOBILIS_SMTP_URL is not set."
        )
        return
    where = f"{server.host}:{server.port}"
    try:
        greet(replace(server, timeout=min(server.timeout, SECONDS)))
    except MailError as error:
        why = WHYS.get(error.problem, "does not take e-mails now.")
        yield Finding("mail", FAULT, f"The mail server {where} {why}")
    else:
        yield Finding("mail", OK, f"The mail server {where} lets us in.")
