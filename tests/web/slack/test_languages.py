"""What is remembered of somebody's language: for a day, of so many people."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from mobilis.errors import DeliveryPostponed
from mobilis.web.slack import languages
from mobilis.web.slack.inbound import direct
from mobilis.web.slack.languages import FORGOTTEN_AFTER, KNOWN_FOR, Languages


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Asked:
    """A Slack that answers locales, and counts how often it is asked."""

    def __init__(self) -> None:
        self.count = 0
        self.locale: str | None = "en-US"

    async def call(self, workspace, call):
        self.count += 1
        if self.locale is None:
            raise DeliveryPostponed("busy")
        return {"user": {"locale": self.locale}}


async def read(use_case, *args):
    return None  # nothing was said yet


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def asked() -> Asked:
    return Asked()


@pytest.fixture
def known(asked, clock) -> Languages:
    return Languages(SimpleNamespace(read=read), asked, clock)


def of(known: Languages, user: str = "U1") -> str:
    return asyncio.run(known.of(direct("T1", user, "")))


def test_a_language_is_asked_for_again_after_a_day(known, asked, clock):
    assert [of(known), of(known)] == ["en", "en"]
    assert asked.count == 1
    clock.now += KNOWN_FOR + 1
    asked.locale = "fr-CA"
    assert of(known) == "fr"


def test_a_failure_is_forgotten_after_a_minute(known, asked, clock):
    asked.locale = None
    assert [of(known), of(known)] == ["fr", "fr"]
    assert asked.count == 1
    clock.now += FORGOTTEN_AFTER + 1
    asked.locale = "en-GB"
    assert of(known) == "en"


def test_the_people_who_are_remembered_are_so_many_at_most(known, asked, monkeypatch):
    monkeypatch.setattr(languages, "MOST", 2)
    for user in ("U1", "U2", "U3", "U1"):
        of(known, user)
    assert asked.count == 4


@pytest.mark.parametrize(
    ("locale", "language"), [("fr-FR", "fr"), ("fr-CA", "fr"), ("en-GB", "en"), ("de-DE", "fr")]
)
def test_a_language_that_we_do_not_speak_is_french(known, asked, locale, language):
    asked.locale = locale
    assert of(known) == language
