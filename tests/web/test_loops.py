"""What runs beside the requests goes on whatever befalls it, and ends with the front door."""

import asyncio

import pytest

from mobilis.web import loops, relief, worker
from mobilis.web.loops import keep_up


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(loops, "AGAIN_SECONDS", 0.01)


def test_a_loop_that_meets_an_error_begins_again_and_the_log_says_so(caplog):
    begun = []

    async def loop():
        begun.append(1)
        if len(begun) < 3:
            raise TypeError("what nobody thought of")

    asyncio.run(keep_up(loop))
    assert len(begun) == 3
    told = [record.event for record in caplog.records if record.name == loops.__name__]
    assert told == ["loop_failed"] * 2


def test_a_loop_that_is_cancelled_ends():
    async def cancelled():
        task = asyncio.create_task(keep_up(lambda: asyncio.sleep(60)))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())


def test_a_front_door_whose_loops_fail_answers_and_stops(open_door, monkeypatch, caplog):
    def fail(*given):
        raise TypeError("what nobody thought of")

    monkeypatch.setattr(relief, "_relieve", fail)
    due, failed = worker.Worker._due, []

    def fail_once(self, *given):
        if not failed:
            failed.append(1)
            raise TypeError("what nobody thought of")
        return due(self, *given)

    monkeypatch.setattr(worker.Worker, "_due", fail_once)
    door = open_door(takeover_minutes=10)
    assert door.visitor(language="fr").hears("allo")[0]["text"] == "echo allo"
    door.stop()
    assert failed
    events = [getattr(record, "event", "") for record in caplog.records]
    assert events.count("loop_failed") >= 2
