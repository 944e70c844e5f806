"""The brain's own way of starting: what Rasa logs by structlog keeps its key and loses the rest."""

from __future__ import annotations

import logging

import pytest
import structlog

from mobilis.brain.__main__ import only_the_key, quiet_structlog
from mobilis.seeing.logs import describe


@pytest.mark.parametrize(
    ("event", "fields"),
    [
        ("processor.message.parse", {"library": "processor.message.parse"}),
        ("Received 'un secret'", {}),
        (None, {}),
    ],
)
def test_only_a_key_is_kept(event, fields) -> None:
    said = {"event": event, "text": "un secret"}
    (message,), options = only_the_key(None, "debug", said)
    assert message == ""
    assert options == {"extra": {"event": "library", "fields": fields}}


def test_a_line_of_rasas_is_its_key_and_place(caplog) -> None:
    kept = structlog.get_config()
    try:
        quiet_structlog()
        structlog.configure(cache_logger_on_first_use=False)
        with caplog.at_level(logging.DEBUG):
            structlog.get_logger("rasa.core.processor").debug("processor.parse", text="un secret")
    finally:
        structlog.configure(**kept)
    [line] = [describe(record, "brain") for record in caplog.records]
    assert (line["event"], line["library"]) == ("library", "processor.parse")
    assert "secret" not in f"{line}{caplog.text}"
