"""Where the brains are, and which of them to ask first: those that answer, the least busy of them.

Any brain may take any turn: what one remembers of a conversation is in the database. A host name
that stands for several addresses, as a service's does, is several brains.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import urlsplit

RESOLVE_SECONDS = 5.0  # how old what is known of a host's addresses may be
REST_SECONDS = 5.0  # for which one that failed is asked last


class Brains:
    """The brains at some addresses, such as `http://brain:5005`: those that `where` tells now."""

    def __init__(self, where: Callable[[], Sequence[str]]) -> None:
        self._where = where
        self._urls: list[str] = []
        self._found: list[str] = []
        self._found_until = 0.0
        self._asked: Counter[str] = Counter()  # turns under way
        self._rests: dict[str, float] = {}  # until when

    async def in_order(self) -> list[str]:
        """All of them, the one to ask first first."""
        moment = time.monotonic()
        urls = [url.rstrip("/") for url in self._where()]
        if moment >= self._found_until or urls != self._urls:
            self._urls = urls
            self._found = [found for url in self._urls for found in await _resolve(url)]
            self._found_until = moment + RESOLVE_SECONDS

        def rank(address: str) -> tuple[bool, int]:
            return self._rests.get(address, 0.0) > moment, self._asked[address]

        first = sorted(self._found, key=rank)
        return list(dict.fromkeys(first))

    @contextmanager
    def asking(self, address: str) -> Iterator[None]:
        """One is being asked something."""
        self._asked[address] += 1
        try:
            yield
        finally:
            self._asked[address] -= 1

    def rest(self, address: str) -> None:
        """It failed: the others are asked first, for a while."""
        self._rests[address] = time.monotonic() + REST_SECONDS


async def _resolve(url: str) -> list[str]:
    """The addresses that the host of `url` stands for; `url` itself where that is not known."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme != "http" or _is_address(host):
        return [url]
    try:
        return sorted({_at(*found) for found in await _look_up(host, parts.port or 80)})
    except OSError:
        return [url]


async def _look_up(host: str, port: int) -> list[tuple[str, int]]:
    """The addresses of a host, and the port at each."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [(str(address[0]), int(address[1])) for *_, address in found]


def _at(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
