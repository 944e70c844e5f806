"""What answered is kept with each answer; turns go to the brain that is live."""

from __future__ import annotations

import pytest
from doors import FakeBrain, say
from sqlalchemy import select

from mobilis.live import Ports, set_ports
from mobilis.models import outbox
from mobilis.versions import Versions, said_by, used

BY = {"model": "m" * 12, "content": "c" * 12, "code": "0.1.0+abc"}


@pytest.fixture
def signed(brain):
    """The brain says what it is."""
    brain.script = lambda question: (200, {"messages": [{**say("Bonjour."), "by": BY}]})


def test_an_answer_is_kept_with_what_said_it(visitor, signed, database):
    [answer] = visitor.hears("allo")
    with database.read() as connection:
        assert said_by(connection, visitor.id) == {answer["id"]: Versions(**BY)}
        [one] = [one for one in used(connection) if one.versions == Versions(**BY)]
    assert one.messages >= 1
    assert one.first <= one.last
    assert "by" not in answer


@pytest.mark.parametrize("by", [None, [], "x", {"model": None}, {"model": ["x" * 100]}])
def test_a_brain_that_does_not_say_is_no_error(visitor, brain, database, by):
    brain.script = lambda question: (200, {"messages": [{**say("Bonjour."), "by": by}]})
    [answer] = visitor.hears("allo")
    with database.read() as connection:
        row = connection.execute(select(outbox).where(outbox.c.id == answer["id"])).one()
    assert row.by_code is None
    assert len(row.by_model or "") <= 64


def test_turns_go_to_the_brain_that_took_over(door, visitor, brain, settings):
    other = FakeBrain()
    other.script = lambda question: (200, {"messages": [say("from the new one")]})
    try:
        assert visitor.hears("allo")[0]["text"] == "echo allo"
        set_ports(settings, Ports(other.port, settings.actions_port))
        assert visitor.hears("allo")[0]["text"] == "from the new one"
        assert brain.texts()[-1] == "allo"
        set_ports(settings, None)
        assert visitor.hears("encore")[0]["text"] == "echo encore"
    finally:
        set_ports(settings, None)
        other.stop()
