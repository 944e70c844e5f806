"""Asking the servers of others over HTTPS: clients that share the list of authorities to trust.

To read that list takes longer than many an answer, and the event loop does nothing else meanwhile.
"""

from __future__ import annotations

import ssl
from functools import lru_cache
from typing import Any

import httpx


def client(**options: Any) -> httpx.AsyncClient:
    """A client with the `options` of httpx."""
    return httpx.AsyncClient(verify=_authorities(), **options)


@lru_cache(maxsize=1)
def _authorities() -> ssl.SSLContext:
    return httpx.create_ssl_context()
