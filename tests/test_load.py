"""The load of a bench, against a small assistant that fails as it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from assistants import Assistant, served
from processes import free_port

from mobilis.load import Channel, ChatApi, Load, RestChannel, Script, hold, scripts


@pytest.fixture
def assistant() -> Assistant:
    return Assistant()


@pytest.fixture
def base(assistant: Assistant) -> Iterator[str]:
    with served(assistant) as address:
        yield address


CHANNELS = pytest.mark.parametrize("channel", [ChatApi(), RestChannel()], ids=["chat", "rest"])


@CHANNELS
def test_every_turn_is_said_once_in_order_and_timed(
    channel: Channel, assistant: Assistant, base: str
) -> None:
    talks = [Script("fr", ["un", "deux", "trois"]), Script("en", ["one", "two"])]
    load = asyncio.run(hold(channel, base, talks, 2))
    assert len(load.latencies) == 5
    assert min(load.latencies) >= 0.02
    assert not load.errors
    assert load.rate == pytest.approx(5 / load.seconds)
    by_talk: dict[str, list[str]] = {}
    for conversation, text in assistant.heard:
        by_talk.setdefault(conversation, []).append(text)
    assert sorted(by_talk.values()) == [["one", "two"], ["un", "deux", "trois"]]


def test_a_conversation_is_opened_in_its_language(assistant: Assistant, base: str) -> None:
    asyncio.run(hold(ChatApi(), base, [Script("en", ["hi"])], 1))
    assert assistant.heard == [("talk-1-en", "hi")]


@pytest.mark.parametrize("at_once", [1, 3])
def test_so_many_talk_at_once_and_no_more(at_once: int) -> None:
    assistant = Assistant(together=at_once)
    talks = [Script("fr", [f"{talk} {turn}" for turn in range(3)]) for talk in range(6)]
    with served(assistant) as base:
        load = asyncio.run(hold(RestChannel(), base, talks, at_once))
    assert len(load.latencies) == 18
    assert assistant.most_talking == at_once


@CHANNELS
@pytest.mark.parametrize(
    ("text", "reason"), [("500", "status 500"), ("nothing", "no answer"), ("slow", "timeout")]
)
def test_a_turn_that_fails_is_counted_and_not_timed(
    channel: Channel, base: str, text: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mobilis.load.GRACE_SECONDS", 0.0)
    talks = [Script("fr", ["un", text, "deux"])]
    load = asyncio.run(hold(channel, base, talks, 1, wait=1.0))
    assert load.errors == {reason: 1}
    assert len(load.latencies) == 2


@CHANNELS
def test_an_assistant_that_is_gone_is_counted(channel: Channel) -> None:
    base = f"http://127.0.0.1:{free_port()}"
    load = asyncio.run(hold(channel, base, [Script("fr", ["un", "deux"])], 1))
    assert sum(load.errors.values()) == 2
    assert all("ClientConnectorError" in reason for reason in load.errors)
    assert load.latencies == []


def test_the_turns_of_a_conversation_that_does_not_open_are_lost(
    assistant: Assistant, base: str
) -> None:
    assistant.opens = False
    load = asyncio.run(hold(ChatApi(), base, [Script("fr", ["un", "deux"])], 1))
    assert load.errors == {"not opened: status 503": 2}
    assert load.rate == 0


def test_openings_cost_no_time(assistant: Assistant, base: str) -> None:
    opened_when_asked: list[int] = []

    def used() -> float:
        opened_when_asked.append(assistant.opened)
        return len(opened_when_asked) * 2.0

    load = asyncio.run(hold(ChatApi(), base, [Script("fr", ["un"])] * 3, 1, used))
    assert opened_when_asked == [3, 3]
    assert load.core_seconds == 2.0


def test_what_is_not_said_in_time_counts_as_failed(assistant: Assistant, base: str) -> None:
    talks = [Script("fr", ["un"] * 10)]
    load = asyncio.run(hold(RestChannel(), base, talks, 1, most=0.05))
    assert 1 <= len(load.latencies) < 10
    assert load.errors == {"not said in time": 10 - len(load.latencies)}
    assert len(assistant.heard) == len(load.latencies)


# --- conversations


def test_conversations_are_short_and_the_languages_take_turns() -> None:
    made = scripts({"fr": ["a"] * 12, "en": ["b"] * 9}, 2)
    assert [(one.language, len(one.texts)) for one in made] == [
        ("fr", 8),
        ("en", 8),
        ("fr", 4),
        ("en", 1),
    ]


def test_there_are_conversations_enough_to_be_held_at_once() -> None:
    made = scripts({"fr": ["a"] * 64, "en": ["b"] * 64}, 32)
    assert len(made) == 32
    assert sum(len(one.texts) for one in made) == 128
    assert len(scripts({"fr": ["a"], "en": []}, 32)) == 1


def test_two_loads_are_one() -> None:
    one, other = Load(1.0, 0.5, [0.5]), Load(2.0, 1.5, [0.25])
    one.errors["timeout"] += 1
    other.errors["timeout"] += 2
    both = one.plus(other)
    assert (both.seconds, both.core_seconds) == (3.0, 2.0)
    assert (both.latencies, both.errors) == ([0.5, 0.25], {"timeout": 3})
    assert Load().rate == 0
