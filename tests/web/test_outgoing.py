"""Clients for the servers of others."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import httpx
import pytest
from loopback import LoopbackServer
from mail_servers import certificate

from mobilis.web import outgoing


@pytest.fixture
def unknown_authority(tmp_path: Path) -> Iterator[str]:
    """The address of a server whose certificate nobody vouches for."""
    server = LoopbackServer(BaseHTTPRequestHandler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate(tmp_path))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.url.replace("http://", "https://")
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_server_that_nobody_vouches_for_is_not_asked(unknown_authority: str) -> None:
    async def ask() -> None:
        async with outgoing.client(timeout=10) as client:
            await client.get(unknown_authority)

    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        asyncio.run(ask())


def test_the_authorities_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[ssl.SSLContext] = []

    def create_ssl_context() -> ssl.SSLContext:
        read.append(ssl.create_default_context())
        return read[-1]

    monkeypatch.setattr(httpx, "create_ssl_context", create_ssl_context)
    outgoing._authorities.cache_clear()
    for _ in range(3):
        outgoing.client(timeout=1)
    assert len(read) == 1
    outgoing._authorities.cache_clear()
