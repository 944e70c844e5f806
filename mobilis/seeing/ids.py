"""The id that what is done for one message bears in every process: its trace, as W3C names it.

A request may bring one in `traceparent`; a message that came without has one made of its own id, so
that the same message, however often it is sent, has the same. It is kept with the message (inbox).
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

HEADER = "traceparent"
RETURNED = "traceresponse"  # what the front door answers with
_HEADER = re.compile(r"(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_TRACE = re.compile(r"[0-9a-f]{32}")

_current: ContextVar[str] = ContextVar("trace", default="")
_given: ContextVar[bool] = ContextVar("given", default=False)


class Parent(NamedTuple):
    """What a `traceparent` says: the trace, and the span of the caller."""

    trace: str
    span: str
    sampled: bool


def read_parent(header: str | None) -> Parent | None:
    """A `traceparent` header; None where it is missing or not as the W3C wants it."""
    found = _HEADER.fullmatch(header or "")
    if found is None:
        return None
    version, trace, span, flags, more = found.groups()
    if (version == "00" and more) or not int(trace, 16) or not int(span, 16):
        return None
    return Parent(trace, span, bool(int(flags, 16) & 1))


def write_parent(trace: str, span: str = "", sampled: bool = False) -> str:
    """The header that hands a trace on."""
    return f"00-{trace}-{span or secrets.token_hex(8)}-{'01' if sampled else '00'}"


def new_trace() -> str:
    """A trace of nothing in particular."""
    return secrets.token_hex(16)


def trace_of(message_id: str) -> str:
    """The trace of a message: its id where that is a UUID or the like, else made from it."""
    plain = message_id.replace("-", "").lower()
    if _TRACE.fullmatch(plain) and int(plain, 16):
        return plain
    return hashlib.sha256(message_id.encode("utf-8", "replace")).hexdigest()[:32]


def trace_for(message_id: str) -> str:
    """The trace of a message that is taken in now: the caller's, or its own."""
    return current_trace() if _given.get() else trace_of(message_id)


def take_up(message_id: str) -> None:
    """What is done from here on in this request is done for this message."""
    _current.set(trace_for(message_id))


def current_trace() -> str:
    """The trace of what is being done; empty, where it is of no message and no request."""
    return _current.get()


def begin_trace(trace: str, given: bool = False) -> None:
    """From here on, in this task or thread, all is done for this trace; `given` by the caller."""
    _current.set(trace)
    _given.set(given)


@contextmanager
def tracing(trace: str, given: bool = False) -> Iterator[None]:
    """What is done within is done for this trace."""
    kept, kept_given = _current.set(trace), _given.set(given)
    try:
        yield
    finally:
        _current.reset(kept)
        _given.reset(kept_given)
