"""How often a visitor may ask: sliding windows of a minute, in memory, of bounded size.

A restart forgets them, which costs a minute at most.
"""

from __future__ import annotations

import ipaddress
import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable

from starlette.requests import Request

from mobilis.errors import ChatError

WINDOW_SECONDS = 60.0
MOST_KEYS = 20_000


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
        while len(self._passes) > self._keys:
            self._passes.popitem(last=False)

    def look(self, key: str) -> None:
        """Refuse as `check` would, but count nothing.

        Raises:
            ChatError: too_many_requests, with the seconds to wait.
        """
        moment = self._clock()
        passes = self._passes.get(key, deque())
        while passes and passes[0] <= moment - WINDOW_SECONDS:
            passes.popleft()
        if passes and len(passes) >= self.most:
            wait = math.ceil(passes[0] + WINDOW_SECONDS - moment)
            raise ChatError("too_many_requests", 429, retry_after=max(1, wait))


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
    try:
        parsed = ipaddress.ip_address(address.strip("[]").partition("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))
