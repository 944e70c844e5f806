"""Traces by OpenTelemetry, where a setting says whither: one for each turn, through all processes.

Without the setting nothing of it is loaded, and nothing leaves. Spans say how long and how it went,
never what was said. They are sent in the background; a collector that is away costs spans alone.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mobilis.errors import SettingError
from mobilis.seeing.ids import Parent, begin_trace, current_trace, read_parent, write_parent
from mobilis.settings import Settings

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

TIMEOUT_SECONDS = 5.0  # of one attempt to hand spans over; a process ends no later for it
ATTRIBUTE = "mobilis."
SETTING = "MOBILIS_TRACES_URL"

_provider: TracerProvider | None = None
_parent: ContextVar[Parent | None] = ContextVar("parent", default=None)


def check_url(settings: Settings) -> None:
    """Raise `SettingError` when the address of the collector makes no sense."""
    parts = urlsplit(settings.traces_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SettingError(f"{SETTING}: an address such as http://127.0.0.1:4318/v1/traces")


def configure(process: str, settings: Settings) -> None:
    """Send the spans of this process, where the setting says so.

    Raises:
        SettingError: the address makes no sense, or OpenTelemetry is not installed.
    """
    global _provider
    if not settings.traces_url:
        return
    check_url(settings)
    try:
        _provider = _make_provider(process, settings.traces_url)
    except ImportError:
        why = 'needs OpenTelemetry: install "mobilis[traces]"'
        raise SettingError(f"{SETTING}: {why}") from None


def _make_provider(process: str, url: str) -> TracerProvider:
    from opentelemetry.exporter.otlp.json.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.id_generator import IdGenerator

    class OwnIds(IdGenerator):
        """The trace of a turn is the one that its message bears."""

        def generate_trace_id(self) -> int:
            return int(current_trace() or secrets.token_hex(16), 16)

        def generate_span_id(self) -> int:
            return secrets.randbits(63) + 1

    resource = Resource.create({SERVICE_NAME: f"mobilis-{process}"})
    provider = TracerProvider(resource=resource, id_generator=OwnIds())
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(url, timeout=TIMEOUT_SECONDS)))
    return provider


def stop() -> None:
    """Hand over what is left, and send no more."""
    global _provider
    provider, _provider = _provider, None
    if provider is not None:
        provider.shutdown()


@contextmanager
def span(name: str, **attributes: str | int) -> Iterator[None]:
    """Time what is done within as a span; the first one of a process is below its caller's.

    An error is noted by its type alone: its words may be somebody's.
    """
    if _provider is None:
        yield
        return
    from opentelemetry.trace import Status, StatusCode

    tracer = _provider.get_tracer("mobilis")
    given = {f"{ATTRIBUTE}{key}": value for key, value in attributes.items()}
    options: dict[str, Any] = {"record_exception": False, "set_status_on_exception": False}
    with tracer.start_as_current_span(name, _context(), attributes=given, **options) as current:
        try:
            yield
        except BaseException as error:
            current.set_attribute("error.type", type(error).__name__)
            current.set_status(Status(StatusCode.ERROR))
            raise


def note_error(error: BaseException) -> None:
    """Note in the present span that what it times has failed, though nothing is raised."""
    if _provider is None:
        return
    from opentelemetry.trace import Status, StatusCode, get_current_span

    current = get_current_span()
    current.set_attribute("error.type", type(error).__name__)
    current.set_status(Status(StatusCode.ERROR))


def _context() -> Any:
    from opentelemetry.trace import (
        NonRecordingSpan,
        SpanContext,
        TraceFlags,
        get_current_span,
        set_span_in_context,
    )

    parent = _parent.get()
    if parent is None or get_current_span().get_span_context().is_valid:
        return None  # the present one
    flags = TraceFlags(TraceFlags.SAMPLED if parent.sampled else TraceFlags.DEFAULT)
    caller = SpanContext(int(parent.trace, 16), int(parent.span, 16), True, flags)
    return set_span_in_context(NonRecordingSpan(caller))


def handed_on() -> str:
    """The `traceparent` for whoever is called now; empty, where there is no trace."""
    if _provider is not None:
        from opentelemetry.trace import get_current_span

        own = get_current_span().get_span_context()
        if own.is_valid:
            span_id = f"{own.span_id:016x}"
            return write_parent(f"{own.trace_id:032x}", span_id, own.trace_flags.sampled)
    return write_parent(current_trace()) if current_trace() else ""


def take_over(header: str | None) -> None:
    """Go on, in this task, with the trace that a caller has handed on."""
    parent = read_parent(header)
    begin_trace(parent.trace if parent else "")
    _parent.set(parent)
