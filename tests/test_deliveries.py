"""Places and deliveries, on SQLite and PostgreSQL: one conversation for a place, in order, once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import filled
import pytest
from sqlalchemy import func, select, update

from mobilis import privacy
from mobilis.conversations import lock_conversation, open_conversation, receive_text
from mobilis.deliveries import (
    LONGEST_WAIT,
    MOST_ATTEMPTS,
    give_up,
    note_sent,
    press,
    put_off,
    take_due,
)
from mobilis.errors import ChatError
from mobilis.models import deliveries as table
from mobilis.models import outbox, places
from mobilis.places import Place, meet, place_of
from mobilis.store import Database, now
from mobilis.turns import Reply, say

pytestmark = pytest.mark.door

HERE = Place("slack", "T1/D1/U1", "T1", {"channel": "D1", "user": "U1"})
CHOOSE = Reply("Que faire?", "fr", "text", (("Un", "/one"), ("Deux", "/two")))


@pytest.fixture(params=filled.KINDS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    with filled.database_of(request.param, request, tmp_path) as database:
        yield database


def opened(database: Database, place: Place = HERE) -> str:
    with database.write() as connection:
        return meet(connection, place, "fr").conversation_id


def tell(database: Database, conversation_id: str, *replies: Reply) -> None:
    with database.write() as connection:
        conversation = lock_conversation(connection, conversation_id)
        assert conversation is not None
        say(connection, conversation, None, list(replies))


def take(database: Database, limit: int = 10, busy: tuple[str, ...] = ()):
    with database.write() as connection:
        return take_due(connection, ["slack"], limit, busy)


def make_due(database: Database) -> None:
    with database.write() as connection:
        connection.execute(update(table).values(due_at=now() - timedelta(seconds=1)))


def sent(database: Database, number: int, remote: str = "ts-1") -> None:
    with database.write() as connection:
        note_sent(connection, number, remote)


def test_a_place_has_one_conversation_and_another_place_another(database):
    with database.write() as connection:
        first = meet(connection, HERE, "en")
        again = meet(connection, HERE, "fr")
        other = meet(connection, Place("slack", "T1/C1/9.1/U1", "T1", {}), "fr")
        elsewhere = meet(connection, Place("teams", HERE.key, "T1", {}), "fr")
    assert (first.is_new, first.language) == (True, "en")
    assert (again.is_new, again.language) == (False, "en")
    ids = {first.conversation_id, again.conversation_id, other.conversation_id}
    assert len(ids | {elsewhere.conversation_id}) == 3


def test_the_newest_reference_is_kept(database):
    one = opened(database)
    moved = Place("slack", HERE.key, "T1", {"channel": "D2"})
    assert opened(database, moved) == one
    with database.read() as connection:
        assert place_of(connection, one) == moved
        assert place_of(connection, "unknown") is None


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_a_key_that_cannot_be_kept_is_refused(database, key):
    with database.write() as connection, pytest.raises(ValueError, match="1 to 255"):
        meet(connection, Place("slack", key, "T1", {}), "fr")


def test_first_messages_at_once_open_one_conversation(database):
    found = []
    threads = [threading.Thread(target=lambda: found.append(opened(database))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6
    assert len(set(found)) == 1


def test_messages_are_delivered_one_after_the_other(database):
    one, two = opened(database), opened(database, Place("slack", "other", "T1", {}))
    tell(database, one, Reply("a", "fr"), Reply("b", "fr"))
    tell(database, two, Reply("c", "fr"))
    first = take(database)
    assert [item.message["text"] for item in first] == ["a", "c"]
    assert first[0].place == HERE
    assert take(database) == []  # they are under way
    sent(database, first[0].number)
    assert take(database, busy=(one,)) == []
    [second] = take(database)
    assert (second.message["text"], second.kind, second.was_cut) == ("b", "send", False)


def test_what_is_said_on_the_website_is_not_delivered(database):
    with database.write() as connection:
        one = open_conversation(connection, "fr").conversation_id
    tell(database, one, Reply("a", "fr"))
    with database.read() as connection:
        assert connection.execute(select(func.count()).select_from(table)).scalar_one() == 0


def test_a_channel_without_an_outlet_waits(database):
    one = opened(database, Place("teams", "x", "T", {}))
    tell(database, one, Reply("a", "fr"))
    assert take(database) == []


def test_what_a_process_left_under_way_is_due_again_and_says_so(database):
    one = opened(database)
    tell(database, one, Reply("a", "fr"))
    take(database)
    make_due(database)
    [again] = take(database)
    assert again.was_cut


def test_a_button_that_was_pressed_is_shown_and_closes_those_beside_it(database):
    one = opened(database)
    tell(database, one, CHOOSE)
    [shown] = take(database)
    sent(database, shown.number, "ts-7")
    choice = shown.message["choices"][0]["id"]
    with database.write() as connection:
        assert press(connection, one, "event-01", choice)
        assert not press(connection, one, "event-01", choice)  # told twice
        with pytest.raises(ChatError, match="choice_used"):
            press(connection, one, "event-02", shown.message["choices"][1]["id"])
        with pytest.raises(ChatError, match="choice_unknown"):
            press(connection, one, "event-03", "unknown")
    [again] = take(database)
    assert (again.kind, again.remote_id) == ("update", "ts-7")
    assert [item.get("used") for item in again.message["choices"]] == [True, None]


def test_a_message_that_was_never_shown_has_nothing_to_update(database):
    one = opened(database)
    tell(database, one, CHOOSE)
    [shown] = take(database)
    with database.write() as connection:
        give_up(connection, shown.number, "channel_not_found")
        press(connection, one, "event-01", shown.message["choices"][0]["id"])
    [again] = take(database)
    assert (again.kind, again.remote_id) == ("update", "")


def test_a_delivery_is_tried_again_until_it_is_given_up(database):
    one = opened(database)
    tell(database, one, Reply("a", "fr"), Reply("b", "fr"))
    for attempt in range(1, MOST_ATTEMPTS + 1):
        [delivery] = take(database)
        assert delivery.attempts == attempt - 1
        with database.write() as connection:
            again = put_off(connection, delivery, "429", now() - timedelta(seconds=1))
        assert again is (attempt < MOST_ATTEMPTS)
    with database.read() as connection:
        query = select(table.c.state, table.c.error).order_by(table.c.number)
        state = connection.execute(query).first()
    assert tuple(state) == ("failed", "429")
    [following] = take(database)
    assert following.message["text"] == "b"


def test_one_that_is_put_off_holds_back_those_after_it(database):
    one = opened(database)
    tell(database, one, Reply("a", "fr"), Reply("b", "fr"))
    [delivery] = take(database)
    with database.write() as connection:
        put_off(connection, delivery, "429", now() + timedelta(hours=1))
    assert take(database) == []


def test_two_that_look_at_once_do_not_take_the_same(database):
    for number in range(8):
        one = opened(database, Place("slack", f"place-{number}", "T1", {}))
        tell(database, one, Reply("a", "fr"))
    taken = []
    threads = [threading.Thread(target=lambda: taken.extend(take(database))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(item.number for item in taken) == sorted({item.number for item in taken})
    assert len(taken) == 8


def test_an_erased_conversation_leaves_neither_place_nor_deliveries(database):
    one = opened(database)
    with database.write() as connection:
        receive_text(connection, one, "event-01", "bonjour")
    tell(database, one, Reply("a", "fr"))
    with database.erase() as connection:
        privacy.erase_conversation(connection, one, "slack")
    with database.read() as connection:
        for left in (table, places, outbox):
            assert connection.execute(select(func.count()).select_from(left)).scalar_one() == 0
    assert opened(database) != one


def test_a_clock_that_was_put_back_holds_up_nothing(database):
    one = opened(database)
    tell(database, one, Reply("a", "fr"))
    with database.write() as connection:
        connection.execute(update(table).values(due_at=now() + LONGEST_WAIT / 2))
    assert take(database) == []
    with database.write() as connection:
        connection.execute(update(table).values(due_at=now() + 2 * LONGEST_WAIT))
    assert len(take(database)) == 1
