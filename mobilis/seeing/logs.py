"""Log lines: one event each, as JSON for programs or as text for a terminal, in every process.

An event is one of EVENTS with some of FIELDS, so that no line can hold what somebody said. Only
our own code's sentences are shown; of another library's line, only where it comes from.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from pathlib import Path
from traceback import walk_tb
from types import FrameType, TracebackType
from typing import Any, TextIO

from mobilis.errors import MobilisError, SettingError
from mobilis.seeing.ids import current_trace
from mobilis.settings import Settings

JSON, TEXT = "json", "text"
LEVELS: Mapping[str, int] = {
    "TRACE": 5,
    "DEBUG": logging.DEBUG,
    "INFO": logging.INFO,
    "WARNING": logging.WARNING,
    "ERROR": logging.ERROR,
    "CRITICAL": logging.CRITICAL,
}
OURS = ("mobilis", "actions")
SHOWN = (*OURS, "uvicorn.error")  # whose sentences hold nothing of a request
FRAMES = 5
LONGEST = 300  # characters of a field

# Every event, and what it means. docs/observing.md has a row for each.
EVENTS: Mapping[str, str] = {
    "started": "a process is up",
    "note": "a sentence of ours, in `message`",
    "library": "a line of another library, of which only the place is shown",
    "output": "what a process wrote beside its log, in `message`",
    "request": "a request was answered",
    "request_failed": "a request met with an error that nobody foresaw",
    "loop_failed": "what runs beside the requests met with such an error, and begins again",
    "refused": "a request was turned away",
    "turn_received": "a message was taken in",
    "turn_handed_over": "a message was given to the brain",
    "turn_answered": "its answer is stored",
    "turn_retried": "it failed, and is put off for another try",
    "turn_given_up": "it failed for good, and the visitor was told",
    "turn_dropped": "its conversation was erased meanwhile",
    "understood": "what became of a typed message: understood, clarified or lost",
    "brain_answered": "the brain has taken a turn",
    "brain_failed": "the brain could not take a turn; nothing of it was saved",
    "action_ran": "an action has run",
    "action_failed": "an action failed, and the visitor was told",
    "delivery_sent": "a message is shown on Slack or Teams",
    "delivery_postponed": "it could not be shown now, and is put off",
    "delivery_refused": "the platform will never show it",
    "dead_letter": "it is given up, and staff see it among the dead letters",
    "mail_sent": "an e-mail was handed to the server",
    "mail_postponed": "the server did not take it now, and it is put off",
    "mail_failed": "it was not sent, or may have been, and a person must look",
    "sign_in": "somebody of staff has signed in",
    "sign_in_refused": "a sign-in was refused",
    "database_refused": "the database was unreachable or refused",
    "erased": "old conversations were erased",
    "metrics_off": "metrics cannot be served",
    "ready": "the whole chain answers",
    "waiting": "a part is not ready yet",
    "restarting": "a process has ended and is started again",
    "killed": "a process did not stop when told, and was killed",
}
# What an event may say. docs/observing.md has a row for each.
FIELDS: Mapping[str, str] = {
    "action": "name of an action",
    "attempts": "how often it has failed",
    "channel": "web, slack or teams",
    "code": "what a process ended with, or the code of a refusal",
    "count": "how many",
    "language": "fr or en",
    "library": "what the library calls the line",
    "method": "of a request",
    "ms": "how long it took, in milliseconds",
    "number": "of a delivery",
    "outcome": "understood, clarified or lost",
    "part": "name of a process or part",
    "queue": "visitors or staff: whom deliveries are for",
    "route": "of a request, without what stood in its place",
    "seconds": "how long it will be, or was",
    "status": "of an HTTP answer",
    "waited_ms": "how long a message waited for the brain",
    "way": "password, second_factor or provider",
    "why": "what went wrong, in words of ours or a platform's code",
}

Told = Mapping[str, Any]


def tell(
    logger: logging.Logger,
    event: str,
    level: int = logging.INFO,
    *,
    message: str = "",
    error: BaseException | None = None,
    **fields: Any,
) -> None:
    """Log an event.

    Args:
        message: a sentence for people, of our own words alone.
        error: what was raised; its type and place are shown, and its words when they are ours.
    """
    if event not in EVENTS or not fields.keys() <= FIELDS.keys():
        raise ValueError(f"{event}: no such event, or no such field among {sorted(fields)}")
    if logger.isEnabledFor(level):
        extra = {"event": event, "fields": fields, "sentence": message, "raised": error}
        sentence = _plain_sentence(message or event, error)
        # Where it was said, which an event does not tell, takes longest to find out.
        logger.handle(logger.makeRecord(logger.name, level, "", 0, sentence, (), None, "", extra))


def _plain_sentence(sentence: str, error: BaseException | None) -> str:
    """For whoever writes lines in another way, and would write all that an error says."""
    if error is None:
        return sentence
    return f"{sentence}: {error if isinstance(error, MobilisError) else type(error).__name__}"


def milliseconds(seconds: float) -> float:
    """A duration as lines say it."""
    return round(seconds * 1000, 1)


def tell_refusal(logger: logging.Logger, message: str, error: BaseException) -> None:
    """Log that the database refused, and what could not be done for it."""
    tell(logger, "database_refused", logging.ERROR, message=message, error=error)


def log_format(settings: Settings, stream: TextIO | None = None) -> str:
    """How lines are written: as the setting says, else for whoever reads `stream`.

    Raises:
        SettingError: the setting is neither.
    """
    if settings.log_format in (JSON, TEXT):
        return settings.log_format
    if settings.log_format:
        raise SettingError(f"MOBILIS_LOG_FORMAT: {JSON} or {TEXT} is expected")
    return TEXT if (stream or sys.stdout).isatty() else JSON


def log_level(settings: Settings) -> int:
    """The level of the setting.

    Raises:
        SettingError: there is no such level.
    """
    try:
        return LEVELS[settings.log_level.upper()]
    except KeyError:
        raise SettingError(f"MOBILIS_LOG_LEVEL: one of {', '.join(LEVELS)} is expected") from None


def configure(process: str, settings: Settings, stream: TextIO | None = None) -> None:
    """Have everything that this process logs written as lines; other libraries, from WARNING on.

    Raises:
        SettingError: the level or the format makes no sense.
    """
    level, stream = log_level(settings), stream or sys.stdout
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Lines(process, log_format(settings, stream) == JSON))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    logging.lastResort = handler  # of loggers that a library has cut off
    root.setLevel(max(level, logging.WARNING))
    for name in SHOWN:
        logging.getLogger(name).setLevel(level)
    logging.captureWarnings(True)
    logging.getLogger("py.warnings").setLevel(logging.ERROR)  # nobody here can act on them
    logging.raiseExceptions = False  # it would write the line that it cannot write
    sys.excepthook = _on_crash
    threading.excepthook = lambda crash: _note_crash(crash.exc_value)
    tell(logging.getLogger(__name__), "started")


def _on_crash(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    if not isinstance(error, KeyboardInterrupt):
        _note_crash(error)


def _note_crash(error: BaseException | None) -> None:
    """Python would write what the error says, and with it perhaps what somebody said."""
    logger = logging.getLogger(__name__)
    tell(logger, "note", logging.CRITICAL, message="ended by an error", error=error)


class Lines(logging.Formatter):
    """Writes a record as one line of `process`."""

    def __init__(self, process: str, as_json: bool) -> None:
        super().__init__()
        self.process = process
        self.as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        told = describe(record, self.process)
        return to_json(told) if self.as_json else to_text(told)


def describe(record: logging.LogRecord, process: str) -> dict[str, Any]:
    """What a line says, in order."""
    shown = is_within(record.name, SHOWN)
    told: dict[str, Any] = {
        "at": timestamp(record.created),
        "level": record.levelname.lower(),
        "process": process,
        "event": getattr(record, "event", "note" if shown else "library"),
    }
    if trace := current_trace():
        told["trace"] = trace
    if shown and (message := getattr(record, "sentence", None) or _note(record)):
        told["message"] = message[:LONGEST]
    if not hasattr(record, "event") or not shown:
        told["where"] = f"{record.name}:{record.funcName}:{record.lineno}"
    fields: Told = getattr(record, "fields", {})
    told |= {name: _plain(value) for name, value in fields.items() if value is not None}
    error = getattr(record, "raised", None) or (record.exc_info[1] if record.exc_info else None)
    return told | (describe_error(error) if error else {})


def _note(record: logging.LogRecord) -> str:
    return "" if hasattr(record, "event") else record.getMessage()


def describe_error(error: BaseException) -> dict[str, Any]:
    """An error's type, its words when they are ours, and where it was raised; never a value."""
    told: dict[str, Any] = {"error": type(error).__name__}
    if isinstance(error, MobilisError):
        told["why"] = str(error)[:LONGEST]
    frames = [_place(frame, line) for frame, line in walk_tb(error.__traceback__)]
    return told | ({"frames": frames[-FRAMES:]} if frames else {})


def _place(frame: FrameType, line: int) -> str:
    code = frame.f_code
    return f"{Path(code.co_filename).name}:{line}:{code.co_name}"


def _plain(value: Any) -> Any:
    return value if isinstance(value, (bool, int, float)) else str(value)[:LONGEST]


def timestamp(seconds: float) -> str:
    """A moment as lines say it: UTC, in milliseconds."""
    moment = datetime.fromtimestamp(seconds, timezone.utc).replace(tzinfo=None)
    return f"{moment.isoformat(timespec='milliseconds')}Z"


def to_json(told: Told) -> str:
    return json.dumps(told, ensure_ascii=False)


def to_text(told: Told) -> str:
    """For people: when, how bad, what, and the rest as name=value."""
    head = f"{str(told['at'])[11:23]} {told['level']:<8} {told['event']}"
    left = {k: v for k, v in told.items() if k not in ("at", "level", "process", "event")}
    return " ".join([head, *_words(left)])


def _words(left: dict[str, Any]) -> Iterator[str]:
    if message := left.pop("message", ""):
        yield str(message).replace("\n", " ")
    for name, value in left.items():
        yield f"{name}={','.join(value) if isinstance(value, list) else value}"


def is_within(name: str, packages: tuple[str, ...]) -> bool:
    """Whether a logger is of one of these packages."""
    return any(name == package or name.startswith(f"{package}.") for package in packages)
