"""Which buttons of a channel are followed in a direct message, and where that is."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from mobilis.models import places
from mobilis.places import meet
from mobilis.web.slack.inbound import direct, thread
from mobilis.web.slack.privately import INTENTS, is_private_choice, meet_directly


def test_the_direct_message_keeps_its_channel_once_it_is_known(database):
    with database.write() as connection:
        first = meet(connection, direct("T1", "U1", "D1"), "fr")
        again = meet_directly(connection, thread("T1", "C1", "1.1", "U1"), "fr")
        assert again.conversation_id == first.conversation_id
        [reference] = connection.execute(select(places.c.reference)).scalars()
        assert reference == {"user": "U1", "channel": "D1"}


@pytest.mark.parametrize("intent", INTENTS)
def test_a_button_that_asks_for_something_personal_is_private(intent):
    assert is_private_choice(f"/{intent}")
    assert is_private_choice(f'/{intent}{{"coach_id": "ann"}}')
    assert not is_private_choice(f"/{intent}_else")


def test_an_erasure_stays_where_it_is_asked_for():
    assert not is_private_choice("/delete_my_data")
