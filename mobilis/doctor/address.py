"""What the outside sees, and must not see: secret, public address, proxies, metrics, traces."""

from __future__ import annotations

import importlib.util
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx

from mobilis.doctor.findings import FAULT, OK, WARNING, Finding
from mobilis.errors import SettingError
from mobilis.seeing.logs import log_format, log_level
from mobilis.seeing.spans import check_url
from mobilis.settings import Settings

SECONDS = 10.0
SHORTEST_SECRET = 16
LOOPBACK = ("127.0.0.1", "localhost", "::1")
OWNER_ALONE = 0o077  # what nobody else may do with the file


def check_secret(settings: Settings) -> Iterator[Finding]:
    path = settings.data_dir / "secret"
    if settings.secret and len(settings.secret) < SHORTEST_SECRET:
        why = f"MOBILIS_SECRET: {len(settings.secret)} characters; {SHORTEST_SECRET} or more"
        yield Finding("secret", FAULT, f"{why} from a generator are needed.")
    elif settings.secret:
        yield Finding("secret", OK, "MOBILIS_SECRET is set.")
    elif not path.exists():
        yield Finding("secret", OK, f"mobilis up will make a secret and keep it in {path}.")
    elif path.stat().st_mode & OWNER_ALONE:
        yield Finding("secret", FAULT, f"{path}: others may read it: chmod 600.")
    else:
        yield Finding("secret", OK, f"The secret is in {path}, for its owner alone.")


def check_address(settings: Settings) -> Iterator[Finding]:
    """The public address, and what stands before the front door."""
    url = settings.public_url
    if not url and settings.is_local:
        yield Finding("address", OK, "Only this computer reaches the front door.")
        return
    if not url:
        why = "MOBILIS_PUBLIC_URL is not set: results, notices and sign-in by a provider need it."
        yield Finding("address", WARNING, why)
    elif not settings.is_https and urlsplit(url).hostname not in LOOPBACK:
        why = "MOBILIS_PUBLIC_URL: what people write and staff's cookies go in the open: use https."
        yield Finding("address", FAULT, why)
    else:
        yield _reached(url.rstrip("/"))
    if settings.is_https and not settings.trusted_proxies:
        why = "MOBILIS_TRUSTED_PROXIES is 0: behind a proxy, its address is everybody's; limits"
        yield Finding("proxies", WARNING, f"{why} then hold all visitors as one. Set 1.")
    yield from _websites(settings)


def _reached(url: str) -> Finding:
    """Whether we answer there."""
    try:
        with httpx.Client(timeout=SECONDS) as client:
            answer = client.get(f"{url}/healthz")
        is_ours = "parts" in answer.json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, TypeError) as error:
        why = f"{url} does not answer as the front door does ({type(error).__name__})"
        return Finding("address", WARNING, f"{why}: look at it from outside too.")
    if is_ours:
        cookies = "; the console's cookies go by https alone" if url.startswith("https:") else ""
        return Finding("address", OK, f"{url} is ours{cookies}.")
    return Finding("address", FAULT, f"{url} is somebody else: MOBILIS_PUBLIC_URL, or the proxy.")


def _websites(settings: Settings) -> Iterator[Finding]:
    if not settings.cors_origins:
        why = "MOBILIS_CORS_ORIGINS is not set: no website but our own may show the chat."
        yield Finding("websites", WARNING, why)
        return
    loose = [
        origin
        for origin in settings.cors_origins
        if not origin.startswith("https://") and urlsplit(origin).hostname not in LOOPBACK
    ]
    if loose:
        why = f"MOBILIS_CORS_ORIGINS: {', '.join(loose)}: name websites by https://…"
        yield Finding("websites", WARNING, f"{why}, one by one.")
    else:
        yield Finding("websites", OK, f"{len(settings.cors_origins)} websites may show the chat.")


def check_metrics(settings: Settings) -> Iterator[Finding]:
    """Whether it can be seen how it is, by those who should."""
    try:
        log_level(settings), log_format(settings)
    except SettingError as error:
        yield Finding("seeing", FAULT, f"{error}.")
    if not settings.metrics_port:
        why = "MOBILIS_METRICS_PORT is not set: nothing is measured (docs/observing.md)."
        yield Finding("seeing", WARNING if not settings.is_local else OK, why)
    elif settings.metrics_host in LOOPBACK:
        yield Finding("seeing", OK, "Metrics are served to this computer alone.")
    else:
        why = f"MOBILIS_METRICS_HOST: metrics are served at {settings.metrics_host}"
        yield Finding("seeing", WARNING, f"{why}: let only Prometheus reach them.")


def check_traces(settings: Settings) -> Iterator[Finding]:
    if not settings.traces_url:
        return
    try:
        check_url(settings)
    except SettingError as error:
        yield Finding("traces", FAULT, f"{error}.")
        return
    if importlib.util.find_spec("opentelemetry.exporter.otlp.json.http") is None:
        why = 'MOBILIS_TRACES_URL needs OpenTelemetry: install "mobilis[traces]".'
        yield Finding("traces", FAULT, why)
        return
    parts = urlsplit(settings.traces_url)
    where = str(parts.hostname), parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection(where, SECONDS).close()
    except OSError as error:
        why = f"MOBILIS_TRACES_URL: {where[0]}:{where[1]} does not answer"
        yield Finding("traces", WARNING, f"{why} ({type(error).__name__}); turns go on without.")
    else:
        yield Finding("traces", OK, f"The collector at {where[0]}:{where[1]} answers.")
