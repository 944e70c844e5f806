"""What Rasa remembers of a conversation: kept, read again, summed up, answered from, or refused."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from rasa.core.tracker_store import FailSafeTrackerStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import (
    ActionExecuted,
    ActiveLoop,
    AllSlotsReset,
    BotUttered,
    Event,
    SessionStarted,
    SlotSet,
    UserUttered,
)
from rasa.shared.core.trackers import DialogueStateTracker
from schemas import migrated
from sqlalchemy import delete, insert, select, update

from mobilis.brain.tracker_store import DatabaseTrackerStore, replies_in
from mobilis.brain.turn import TurnAborted
from mobilis.models import conversations, inbox, metadata, tracker_events
from mobilis.privacy import erase_content, erase_conversation
from mobilis.settings import ROOT
from mobilis.store import Database, now

DOMAIN = Domain.load(str(ROOT / "domain.yml"))
TALK = "talk-1"

Make = Callable[..., DatabaseTrackerStore]


@pytest.fixture(params=["sqlite", "postgres"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    """Opens stores on one database, as often as the test likes."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'brain.db'}"
    else:
        server = request.getfixturevalue("postgres")
        url = server.address("brain")
    migrated(url)
    opened: list[DatabaseTrackerStore] = []

    def open_one(**options: Any) -> DatabaseTrackerStore:
        opened.append(DatabaseTrackerStore(DOMAIN, url=url, **options))
        return opened[-1]

    yield open_one
    for store in opened:
        store.database.dispose()


@pytest.fixture
def store(make: Make) -> DatabaseTrackerStore:
    return make()


def heard(text: str, message_id: str) -> UserUttered:
    parsed = {"intent": {"name": "help", "confidence": 0.9}, "mobilis": {"label": "help"}}
    return UserUttered(text, parsed["intent"], parse_data=parsed, message_id=message_id)


def said(text: str, **kept: Any) -> BotUttered:
    return BotUttered(
        text, {"buttons": [{"title": "Oui", "payload": "/affirm"}]}, {"mobilis": kept}
    )


def listening() -> ActionExecuted:
    """The end of a turn: nothing more happens until the visitor writes."""
    return ActionExecuted("action_listen")


def take_turn(
    store: DatabaseTrackerStore, message_id: str, *events: Event, talk: str = TALK
) -> DialogueStateTracker:
    """One turn as Rasa takes it: read, add, save."""

    async def turn() -> DialogueStateTracker:
        tracker = await store.get_or_create_tracker(talk, append_action_listen=False)
        for event in (heard(f"asked {message_id}", message_id), *events):
            tracker.update(event, DOMAIN)
        await store.save(tracker)
        return tracker

    return asyncio.run(turn())


def retrieve(store: DatabaseTrackerStore, talk: str = TALK) -> DialogueStateTracker:
    tracker = asyncio.run(store.retrieve(talk))
    assert tracker is not None
    return tracker


def replies(store: DatabaseTrackerStore, message_id: str, talk: str = TALK) -> list[str] | None:
    found = asyncio.run(store.replies(talk, message_id))
    return None if found is None else [event["text"] for event in found]


def rows(store: DatabaseTrackerStore) -> list[Any]:
    with store.database.read() as connection:
        query = select(tracker_events).order_by(tracker_events.c.position)
        return list(connection.execute(query))


def described(tracker: DialogueStateTracker) -> list[dict[str, Any]]:
    return [event.as_dict() for event in tracker.events]


# --- remembering


def test_a_conversation_comes_back_as_it_was_saved(store: DatabaseTrackerStore, make: Make) -> None:
    saved = take_turn(
        store,
        "m1",
        SlotSet("language", "en"),
        SlotSet("assessment_answers", {"aim": {"option": "b", "unsure": False, "text": "é🎉"}}),
        ActiveLoop("assessment_form"),
        SlotSet("requested_slot", "assessment_answer"),
        said("Première question…", offer="/stop"),
    )
    tracker = retrieve(make())
    assert described(tracker) == described(saved)
    assert tracker.active_loop_name == "assessment_form"
    assert tracker.current_slot_values() == saved.current_slot_values()
    assert tracker.get_slot("assessment_answers")["aim"]["text"] == "é🎉"
    assert tracker.latest_message.message_id == "m1"
    assert tracker.latest_message.parse_data["mobilis"] == {"label": "help"}
    assert tracker.events[-1].metadata == {"mobilis": {"offer": "/stop"}}


def test_an_unknown_conversation_is_none_and_begins_empty(store: DatabaseTrackerStore) -> None:
    assert asyncio.run(store.retrieve("nobody")) is None
    begun = asyncio.run(store.get_or_create_tracker("nobody", append_action_listen=False))
    assert begun.get_slot("language") == "fr"
    assert list(begun.events) == []
    assert rows(store) == []


def test_conversations_are_kept_apart(store: DatabaseTrackerStore) -> None:
    take_turn(store, "m1", SlotSet("language", "en"))
    take_turn(store, "m1", said("Bonjour"), talk="talk-2")
    assert retrieve(store).get_slot("language") == "en"
    assert retrieve(store, "talk-2").get_slot("language") == "fr"
    assert sorted(asyncio.run(store.keys())) == ["talk-1", "talk-2"]


def test_a_turn_adds_its_events_and_touches_no_other(store: DatabaseTrackerStore) -> None:
    take_turn(store, "m1", said("one"))
    before = rows(store)
    take_turn(store, "m2", said("two"))
    after = rows(store)
    assert after[: len(before)] == before
    assert [row.position for row in after] == [1, 2, 3, 4]
    assert [row.message_id for row in after] == ["m1", None, "m2", None]
    assert [row.snapshot for row in after] == [False] * 4


def test_one_tracker_may_be_saved_again_and_again(store: DatabaseTrackerStore) -> None:
    async def turn() -> None:
        tracker = await store.get_or_create_tracker(TALK, append_action_listen=False)
        await store.save(tracker)
        for number in range(3):
            tracker.update(said(f"{number}"), DOMAIN)
            await store.save(tracker)
            await store.save(tracker)

    asyncio.run(turn())
    assert [event.text for event in retrieve(store).events] == ["0", "1", "2"]


def test_nothing_to_save_writes_nothing(store: DatabaseTrackerStore) -> None:
    asyncio.run(store.save(store.init_tracker(TALK)))
    assert rows(store) == []


def test_a_tracker_that_rasa_made_itself_is_saved_from_its_beginning(
    store: DatabaseTrackerStore,
) -> None:
    tracker = DialogueStateTracker(TALK, DOMAIN.slots)
    tracker.update(said("one"), DOMAIN)
    asyncio.run(store.save(tracker))
    tracker.update(said("two"), DOMAIN)
    asyncio.run(store.save(tracker))
    assert [event.text for event in retrieve(store).events] == ["one", "two"]


def test_a_tracker_that_knows_nothing_of_what_is_stored_is_refused(
    store: DatabaseTrackerStore,
) -> None:
    take_turn(store, "m1", said("one"))
    forgetful = DialogueStateTracker(TALK, DOMAIN.slots)
    forgetful.update(said("two"), DOMAIN)
    with pytest.raises(TurnAborted, match="the database refused"):
        asyncio.run(store.save(forgetful))
    assert replies(store, "m1") == ["one"]


def test_two_turns_at_once_cannot_both_be_saved(store: DatabaseTrackerStore) -> None:
    async def both() -> None:
        first = await store.get_or_create_tracker(TALK)
        second = await store.get_or_create_tracker(TALK)
        first.update(said("one"), DOMAIN)
        second.update(said("two"), DOMAIN)
        await store.save(first)
        with pytest.raises(TurnAborted, match="the database refused"):
            await store.save(second)

    asyncio.run(both())
    assert [event.text for event in retrieve(store).events if isinstance(event, BotUttered)] == [
        "one"
    ]


# --- summing up


def test_a_turn_that_is_over_is_summed_up_in_one_row(store: DatabaseTrackerStore) -> None:
    take_turn(store, "m1", SlotSet("province", "QC"), said("one"), listening())
    assert [row.snapshot for row in rows(store)] == [False] * 4 + [True]
    assert [row.name for row in rows(store)] == ["user", "slot", "bot", "action", "summary"]
    assert [row.message_id for row in rows(store)] == ["m1", None, None, None, None]


def test_however_long_a_conversation_is_little_of_it_is_read(store: DatabaseTrackerStore) -> None:
    take_turn(store, "m0", SlotSet("province", "QC"), SlotSet("language", "en"), listening())
    for number in range(1, 20):
        take_turn(store, f"m{number}", SlotSet("topic", f"t{number}"), said("so"), listening())
        read = retrieve(store)
        assert len(read.events) == 7  # message, reply, session, three slots, listening
    assert len(rows(store)) > 90  # nothing was thrown away
    assert read.get_slot("province") == "QC"
    assert read.get_slot("language") == "en"
    assert read.get_slot("topic") == "t19"


def test_a_turn_that_is_not_over_is_read_whole(store: DatabaseTrackerStore) -> None:
    take_turn(store, "m1", said("one"), listening())
    saved = take_turn(store, "m2", SlotSet("province", "QC"), said("two"))
    assert described(retrieve(store)) == described(saved)


def test_a_summary_keeps_slots_and_form_and_waits_for_the_visitor(
    store: DatabaseTrackerStore,
) -> None:
    take_turn(
        store,
        "m1",
        SlotSet("assessment_answers", {"aim": {"option": "b"}}),
        SlotSet("province", "ON"),
        SlotSet("province", None),
        SlotSet("assessment_gate_confirmed", True),
        ActiveLoop("interest_form"),
        SlotSet("requested_slot", "lead_email"),
        said("…", offer="/stop"),
        listening(),
    )
    tracker = retrieve(store)
    assert tracker.active_loop_name == "interest_form"
    assert tracker.get_slot("requested_slot") == "lead_email"
    assert tracker.get_slot("assessment_answers") == {"aim": {"option": "b"}}
    assert tracker.get_slot("assessment_gate_confirmed") is True
    assert tracker.get_slot("province") is None
    assert tracker.latest_action_name == "action_listen"
    assert isinstance(tracker.applied_events()[-1], ActionExecuted)


def test_a_summary_keeps_what_the_last_exchange_was_but_not_its_words(
    store: DatabaseTrackerStore,
) -> None:
    asked = said("one", kind="clarify", candidates=["/help"], offer="/stop")
    shown = said("two", kind="coaches", coaches=[{"id": "ana"}])
    take_turn(store, "m1", asked, shown, listening())
    message, *answers, session, _ = retrieve(store).events
    assert isinstance(message, UserUttered)
    assert (message.text, message.parse_data["intent"]) == (None, {"name": "help"})
    assert message.message_id == "m1"
    assert [answer.metadata["mobilis"] for answer in answers if isinstance(answer, BotUttered)] == [
        {"kind": "clarify", "candidates": ["/help"], "offer": "/stop"},
        {"kind": "coaches"},
    ]
    assert isinstance(session, SessionStarted)  # policies look at what follows
    assert [word for word in ("asked", "one", "two", "ana") if word in rows(store)[-1].data] == []


def test_a_summary_keeps_the_buttons_whose_titles_may_be_typed(
    store: DatabaseTrackerStore,
) -> None:
    buttons = [{"title": "Autre chose", "payload": "/out_of_scope"}]
    take_turn(store, "m1", BotUttered("one", {"buttons": buttons}), listening())
    [answer] = [event for event in retrieve(store).events if isinstance(event, BotUttered)]
    assert (answer.text, answer.data["buttons"]) == (None, buttons)


def test_a_summary_of_a_turn_without_a_reply_offers_nothing(store: DatabaseTrackerStore) -> None:
    take_turn(store, "m1", said("one", offer="/stop"), listening())
    take_turn(store, "m2", listening())
    assert not [event for event in retrieve(store).events if isinstance(event, BotUttered)]


def test_a_summary_without_a_form_has_none(store: DatabaseTrackerStore) -> None:
    loop = (ActiveLoop("interest_form"), ActiveLoop(None))
    take_turn(store, "m1", *loop, said("Annulé."), listening())
    assert retrieve(store).active_loop_name is None


def test_turns_go_on_after_a_summary(store: DatabaseTrackerStore, make: Make) -> None:
    take_turn(store, "m1", SlotSet("province", "QC"), said("one"), said("two"), listening())
    take_turn(make(), "m2", said("three"))
    tracker = retrieve(store)
    assert [event.text for event in tracker.events if isinstance(event, BotUttered)] == [
        None,
        None,
        "three",
    ]
    assert tracker.get_slot("province") == "QC"
    positions = [row.position for row in rows(store)]
    assert positions == list(range(1, len(positions) + 1))


def test_summaries_in_rows_of_one_event_each_are_still_read(store: DatabaseTrackerStore) -> None:
    take_turn(store, "m1", said("one"))
    events = (SessionStarted(), SlotSet("province", "QC"), said("one"), listening())
    with store.database.write() as connection:
        for position, event in enumerate(events, 3):
            row = {
                "conversation_id": TALK,
                "position": position,
                "snapshot": position == 3,
                "at": now(),
                "name": event.type_name,
                "data": json.dumps(event.as_dict()),
            }
            connection.execute(insert(tracker_events).values(row))
    tracker = take_turn(store, "m2", said("two"))
    assert described(tracker)[:4] == [event.as_dict() for event in events]
    assert tracker.get_slot("province") == "QC"


@pytest.mark.parametrize("data", ['{"event": "unheard of"}', '{"event": "slot"}', "[5]", "5", "{"])
def test_a_stored_event_that_makes_no_sense_aborts_the_turn(
    store: DatabaseTrackerStore, data: str
) -> None:
    take_turn(store, "m1", said("one"))
    with store.database.write() as connection:
        connection.execute(update(tracker_events).values(data=data))
    with pytest.raises(TurnAborted, match=f"^tracker_events: conversation {TALK}: "):
        retrieve(store)


# --- beginning a turn


def test_a_turn_begins_with_the_conversation_so_far(store: DatabaseTrackerStore) -> None:
    replies_before, tracker = asyncio.run(store.begin(TALK, "m1"))
    assert replies_before == []
    assert tracker is not None and list(tracker.events) == []
    take_turn(store, "m1", SlotSet("province", "QC"), said("one"))
    _, tracker = asyncio.run(store.begin(TALK, "m2"))
    assert tracker is not None
    assert described(tracker) == described(retrieve(store))
    tracker.update(said("two"), DOMAIN)
    asyncio.run(store.save(tracker))
    assert [row.position for row in rows(store)] == [1, 2, 3, 4]


def test_a_turn_that_was_taken_already_begins_with_its_replies(store: DatabaseTrackerStore) -> None:
    taken = take_turn(store, "m1", said("one", kind="faq"), said("two"), listening())
    for _ in range(2):
        again, tracker = asyncio.run(store.begin(TALK, "m1"))
        assert tracker is None
        assert again == replies_in(taken)
        assert [event["text"] for event in again] == ["one", "two"]
        take_turn(store, "m2", said("three"), listening())


# --- answering the same message again


def test_the_replies_to_a_message_are_those_of_its_turn(store: DatabaseTrackerStore) -> None:
    take_turn(store, "m1", said("one"), SlotSet("topic", "faq/cost"), said("two"))
    take_turn(store, "m2", said("three"))
    assert replies(store, "m1") == ["one", "two"]
    assert replies(store, "m2") == ["three"]


def test_replies_come_with_their_buttons_and_what_actions_added(
    store: DatabaseTrackerStore,
) -> None:
    take_turn(store, "m1", said("one", kind="faq"))
    (event,) = asyncio.run(store.replies(TALK, "m1")) or []
    assert event["data"]["buttons"] == [{"title": "Oui", "payload": "/affirm"}]
    assert event["metadata"] == {"mobilis": {"kind": "faq"}}


def test_a_message_that_was_answered_with_silence_has_no_replies(
    store: DatabaseTrackerStore,
) -> None:
    take_turn(store, "m1")
    assert replies(store, "m1") == []


def test_a_message_that_never_came_is_unknown(store: DatabaseTrackerStore) -> None:
    take_turn(store, "m1", said("one"))
    assert replies(store, "m2") is None
    assert replies(store, "m1", talk="talk-2") is None


def test_replies_are_found_after_a_summary(store: DatabaseTrackerStore) -> None:
    take_turn(store, "m1", SlotSet("province", "QC"), said("one"), said("two"), listening())
    assert any(row.snapshot for row in rows(store))
    assert replies(store, "m1") == ["one", "two"]
    take_turn(store, "m2", said("three"))
    assert replies(store, "m1") == ["one", "two"]
    assert replies(store, "m2") == ["three"]


# --- erasing


def open_talk(database: Database, message_id: str) -> None:
    """What the front door has stored while the brain works on `message_id`."""
    moment = now()
    common: dict[str, Any] = {"language": "fr", "position": 1}
    with database.write() as connection:
        connection.execute(
            insert(conversations).values(
                id=TALK,
                token_hash="x",
                channel="web",
                created_at=moment,
                last_at=moment,
                **common,
            )
        )
        connection.execute(
            insert(inbox).values(
                conversation_id=TALK,
                id=message_id,
                at=moment,
                due_at=moment,
                kind="choice",
                text="Oui, tout effacer",
                state="pending",
                attempts=0,
                **common,
            )
        )


def test_what_is_erased_in_mid_turn_stays_erased(store: DatabaseTrackerStore) -> None:
    take_turn(store, "m1", SlotSet("lead_name", "Marie"), said("Bonjour Marie"))
    open_talk(store.database, "m2")

    async def turn() -> None:
        tracker = await store.get_or_create_tracker(TALK)
        tracker.update(heard("efface tout", "m2"), DOMAIN)
        with store.database.write() as connection:
            erase_content(connection, TALK, "m2")
        for event in (AllSlotsReset(), SlotSet("language", "fr"), said("C'est fait.")):
            tracker.update(event, DOMAIN)
        await store.save(tracker)

    asyncio.run(turn())
    assert "Marie" not in "".join(row.data for row in rows(store))
    tracker = retrieve(store)
    assert tracker.get_slot("lead_name") is None
    assert replies(store, "m2") == ["C'est fait."]
    assert replies(store, "m1") is None
    take_turn(store, "m3", said("Autre chose?"))
    assert replies(store, "m3") == ["Autre chose?"]


def test_a_summary_made_in_the_turn_of_an_erasure_holds_nothing_of_before(
    store: DatabaseTrackerStore,
) -> None:
    open_talk(store.database, "m2")

    async def turn() -> None:
        tracker = await store.get_or_create_tracker(TALK)
        for event in (SlotSet("lead_name", "Marie"), SlotSet("lead_email", "marie@exemple.ca")):
            tracker.update(event, DOMAIN)
        await store.save(tracker)
        with store.database.write() as connection:
            erase_content(connection, TALK, "m2")
        for event in (AllSlotsReset(), SlotSet("language", "fr"), said("C'est fait."), listening()):
            tracker.update(event, DOMAIN)
        await store.save(tracker)

    asyncio.run(turn())
    assert any(row.snapshot for row in rows(store))
    assert "arie" not in "".join(row.data for row in rows(store))


def test_an_erased_conversation_is_unknown(store: DatabaseTrackerStore) -> None:
    take_turn(store, "m1", said("one"))
    with store.database.write() as connection:
        counts = erase_conversation(connection, TALK, "web")
    assert counts["tracker_events"] == 2
    assert asyncio.run(store.retrieve(TALK)) is None
    assert replies(store, "m1") is None


# --- failing loudly


@pytest.fixture
def broken(tmp_path: Path) -> DatabaseTrackerStore:
    """A store whose database lost its tables."""
    return DatabaseTrackerStore(DOMAIN, url=f"sqlite:///{tmp_path / 'empty.db'}")


def new_tracker(store: DatabaseTrackerStore) -> DialogueStateTracker:
    tracker = store.init_tracker(TALK)
    tracker.update(said("one"), DOMAIN)
    return tracker


CALLS: list[Callable[[Any], Any]] = [
    lambda store: store.retrieve(TALK),
    lambda store: store.keys(),
    lambda store: store.get_or_create_tracker(TALK),
]


@pytest.mark.parametrize("call", CALLS, ids=["retrieve", "keys", "get_or_create"])
def test_a_store_that_cannot_read_aborts_the_turn(
    broken: DatabaseTrackerStore, call: Callable[[Any], Any]
) -> None:
    with pytest.raises(TurnAborted, match="the database refused"):
        asyncio.run(call(broken))
    with pytest.raises(TurnAborted, match="the database refused"):
        asyncio.run(call(FailSafeTrackerStore(broken)))


def test_a_store_that_cannot_tell_replies_aborts_the_turn(broken: DatabaseTrackerStore) -> None:
    with pytest.raises(TurnAborted, match="the database refused"):
        asyncio.run(broken.replies(TALK, "m1"))


def test_a_store_that_cannot_write_aborts_and_nothing_is_kept_in_memory(
    broken: DatabaseTrackerStore,
) -> None:
    wrapped = FailSafeTrackerStore(broken)
    with pytest.raises(TurnAborted, match="the database refused"):
        asyncio.run(wrapped.save(new_tracker(broken)))
    assert wrapped._fallback_tracker_store is None


def test_a_turn_that_failed_to_save_can_be_saved_once_the_database_is_back(
    broken: DatabaseTrackerStore,
) -> None:
    tracker = new_tracker(broken)
    with pytest.raises(TurnAborted):
        asyncio.run(broken.save(tracker))
    metadata.create_all(broken.database.engine)
    asyncio.run(broken.save(tracker))
    assert [event.text for event in retrieve(broken).events] == ["one"]


def test_what_failed_in_the_middle_is_not_half_saved(store: DatabaseTrackerStore) -> None:
    take_turn(store, "m1", said("one"))
    stale = retrieve(store)
    take_turn(store, "m2", said("two"))
    for text in ("three", "four"):
        stale.update(said(text), DOMAIN)
    with store.database.write() as connection:  # only the second of its rows is in the way
        own = tracker_events.c.position == 3
        connection.execute(delete(tracker_events).where(own))
    with pytest.raises(TurnAborted):
        asyncio.run(store.save(stale))
    assert [row.position for row in rows(store)] == [1, 2, 4]


def test_the_store_finds_its_database_in_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'set.db'}")
    assert DatabaseTrackerStore(DOMAIN).database.url == f"sqlite:///{tmp_path / 'set.db'}"
