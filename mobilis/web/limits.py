"""How often a visitor may ask: sliding windows of a minute, in memory, of bounded size; and how
much at once.

A restart forgets them, which costs a minute at most.
"""

from __future__ import annotations

import ipaddress
import math
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from starlette.requests import Request

from mobilis.errors import ChatError

WINDOW_SECONDS = 60.0
MOST_KEYS = 20_000
STREAM_RETRY_SECONDS = 10
UNKNOWN = "unknown"  # all that is no address counts as one
# One who pays for a network of IPv6 often has a whole /48: 65,536 subscribers' worth of /64.
WIDE, WIDE_TIMES = 48, 8
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class Limit:
    """At most `most` passes a minute for each key; 0 means no limit.

    When there are too many keys, the one that was quiet the longest is forgotten.
    """

    def __init__(
        self,
        most: int,
        keys: int = MOST_KEYS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.most = most
        self._keys = keys
        self._clock = clock
        self._passes: OrderedDict[str, deque[float]] = OrderedDict()

    def check(self, key: str) -> None:
        """Count one pass.

        Raises:
            ChatError: too_many_requests, with the seconds to wait; the pass is not counted.
        """
        if not self.most:
            return
        passes = self._passes.setdefault(key, deque())
        self._passes.move_to_end(key)
        self.look(key)
        passes.append(self._clock())
        self._forget()

    def look(self, key: str) -> None:
        """Refuse as `check` would, but count nothing.

        Raises:
            ChatError: too_many_requests, with the seconds to wait.
        """
        self._look(key, self.most)

    def _look(self, key: str, most: int) -> None:
        moment = self._clock()
        passes = self._passes.get(key, deque())
        while passes and passes[0] <= moment - WINDOW_SECONDS:
            passes.popleft()
        if passes and len(passes) >= most:
            wait = math.ceil(passes[0] + WINDOW_SECONDS - moment)
            raise ChatError("too_many_requests", 429, retry_after=max(1, wait))

    def _forget(self) -> None:
        """Drop what was quiet for a minute, and what was quiet the longest when there is too much;
        the key that was checked last stays."""
        ended = self._clock() - WINDOW_SECONDS
        while len(self._passes) > 1:
            passes = next(iter(self._passes.values()))
            if len(self._passes) <= self._keys and passes and passes[-1] > ended:
                return
            self._passes.popitem(last=False)


class AddressLimit(Limit):
    """The same for addresses. Eight times as much passes for the whole /48 of an IPv6 address, so
    that whoever owns one is not as many as they like."""

    def check(self, key: str) -> None:
        wide = _wide(key)
        if wide and self.most:
            self._look(wide, self.most * WIDE_TIMES)
        super().check(key)
        if wide and self.most:
            self._passes.setdefault(wide, deque()).append(self._clock())
            self._passes.move_to_end(wide)

    def look(self, key: str) -> None:
        wide = _wide(key)
        if wide:
            self._look(wide, self.most * WIDE_TIMES)
        super().look(key)


class Room:
    """How much each key may have under way at once; 0 means any number."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._taken: Counter[str] = Counter()

    def check(self, key: str) -> None:
        """Refuse when `key` has as much as it may.

        Raises:
            ChatError: too_many_requests.
        """
        if self.most and self._taken[key] >= self.most:
            raise ChatError("too_many_requests", 429, retry_after=STREAM_RETRY_SECONDS)

    @contextmanager
    def hold(self, key: str) -> Iterator[None]:
        """One more of `key`, for as long as the block runs. Raises as `check` does."""
        self.check(key)
        self._taken[key] += 1
        try:
            yield
        finally:
            self._taken[key] -= 1
            if not self._taken[key]:
                del self._taken[key]


def client_address(request: Request, trusted_proxies: int) -> str:
    """Whom to count a request for: an IPv4 address or an IPv6 network of one subscriber.

    Each of our `trusted_proxies` adds one address at the end of `X-Forwarded-For`; what stands
    before was written by the client and is worth nothing.
    """
    address = request.client.host if request.client else ""
    if trusted_proxies:
        forwarded = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
        parts = [part.strip() for part in forwarded if part.strip()]
        if parts:
            address = parts[-min(trusted_proxies, len(parts))]
    return _subscriber(address)


def _subscriber(address: str) -> str:
    parsed = _parse(address)
    if parsed is None:
        return UNKNOWN
    if isinstance(parsed, ipaddress.IPv6Address):
        inside = parsed.ipv4_mapped or parsed.sixtofour
        if parsed in _NAT64:
            inside = ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)
        if inside is None:
            return str(ipaddress.ip_network((parsed, 64), strict=False))
        parsed = inside
    return str(parsed)


def _parse(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """An address, also as proxies write it: `1.2.3.4:5678`, `[2001:db8::1]:443`, `fe80::1%eth0`."""
    address = address[:64].strip().strip('"')
    if address.startswith("["):
        address = address[1:].partition("]")[0]
    elif address.count(":") == 1:
        address = address.partition(":")[0]
    try:
        return ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None


def _wide(key: str) -> str:
    """The /48 around a subscriber of IPv6; nothing for others."""
    if not key.endswith("/64"):
        return ""
    return str(ipaddress.ip_network(key).supernet(new_prefix=WIDE))
