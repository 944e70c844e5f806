"""The lines of a process, passed on a few times a second."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence

import pytest

from mobilis import relay


@pytest.fixture(params=["asyncio", "uvloop"], autouse=True)
def new_loop(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where sanic is, its loop may be the one that everything else gets too."""
    loop = pytest.importorskip(request.param)
    monkeypatch.setattr("test_relay.NEW_LOOP", loop.new_event_loop)


NEW_LOOP: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop


def passed_on(*written: bytes, pause: float = 0.0) -> list[list[str]]:
    """What is passed on of what is written into a pipe, in the groups that it comes in."""
    said: list[list[str]] = []

    def say(lines: Sequence[str]) -> None:
        said.append(list(lines))

    async def play() -> None:
        pipe, its_end = os.pipe()
        relaying = asyncio.create_task(relay.pass_on(pipe, say))
        for part in written:
            await asyncio.sleep(pause)
            os.write(its_end, part)
        os.close(its_end)
        await asyncio.wait_for(relaying, 20)
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(pipe)

    loop = NEW_LOOP()
    try:
        loop.run_until_complete(play())
    finally:
        loop.close()
    return said


def lines(said: list[list[str]]) -> list[str]:
    return [line for group in said for line in group]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ((), []),
        ((b"one\n",), ["one"]),
        ((b"one\ntwo\n", b"three\n"), ["one", "two", "three"]),
        ((b"o", b"ne\nt", b"wo\n"), ["one", "two"]),
        ((b"one\nno end",), ["one", "no end"]),
        ((b"one\n\n  two  \r\n",), ["one", "", "  two"]),
        (("caf\u00e9\n".encode(), b"caf\xe9\n"), ["caf\u00e9", "caf\ufffd"]),
    ],
)
def test_every_line_is_passed_on_whole(written: tuple[bytes, ...], expected: list[str]) -> None:
    assert lines(passed_on(*written)) == expected
    assert lines(passed_on(*written, pause=0.02)) == expected


def test_what_is_written_meanwhile_comes_together() -> None:
    said = passed_on(*(b"%d\n" % number for number in range(40)), pause=0.002)
    assert lines(said) == [str(number) for number in range(40)]
    assert len(said) < 20


def test_of_a_line_without_end_the_end_is_passed_on() -> None:
    said = lines(passed_on(*[b"x" * 10_000] * 9, b"end\nnext\n", pause=0.06))
    assert said[-1] == "next"
    assert len(said) == 2
    assert said[0].endswith("xend")
    assert len(said[0]) < relay.LONGEST_LINE
