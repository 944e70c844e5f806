"""What staff are told and how a case is claimed, on SQLite and PostgreSQL: once for each cause."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import filled
import pytest
from sqlalchemy import select, update
from talks import Talk

from mobilis import cases as projection
from mobilis import dead_letters, privacy, staff
from mobilis.announcements import announce, announce_waits, set_targets
from mobilis.bulletins import Board, Style
from mobilis.claims import claim
from mobilis.conversations import lock_conversation
from mobilis.dead_letters import why
from mobilis.deliveries import LONGEST_WAIT, MOST_ATTEMPTS, give_up
from mobilis.errors import ChatError
from mobilis.mails import Taken, settle_failed
from mobilis.models import (
    announcement_targets,
    announcements,
    audit,
    cases,
    deliveries,
    mails,
)
from mobilis.places import Place, meet
from mobilis.priority import WEIGHTS
from mobilis.settings import ROOT
from mobilis.store import Database, now
from mobilis.turns import Reply, say
from mobilis.wording import load_wording
from mobilis.workspaces import Workspace, mark_gone, save_workspace

pytestmark = pytest.mark.door

HERE = ("slack", "T1/C9")
PLACE = Place(*HERE, "T1", {"channel": "C9"})
TEAMS = ("teams", "tenant/19:room")


@pytest.fixture(params=filled.KINDS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    with filled.database_of(request.param, request, tmp_path) as database:
        switch_on(database)
        yield database


def switch_on(database: Database, *keys: tuple[str, str]) -> None:
    with database.write() as connection:
        set_targets(connection, keys or (HERE,))


def board(wait_hours: float = 24.0, **more: Any) -> Board:
    wording = load_wording(ROOT)
    given = {
        "language": "en",
        "detail": "none",
        "words": {key: words["en"] for key, words in wording.announcements.items()},
        "reasons": {key: words["en"] for key, words in wording.console["queue"].items()},
        "whys": {key: words["en"] for key, words in wording.console["deliveries"].items()},
        "weights": WEIGHTS,
        "address": "https://chat.example.org",
    }
    return Board([PLACE], Style(**{**given, **more}), wait_hours)


def asked(database: Database, kind: str = "interest", **details: str) -> Talk:
    talk = Talk(database)
    talk.lead(kind, **details)
    talk.project()
    return talk


def rows(database: Database) -> list[Any]:
    with database.read() as connection:
        return list(connection.execute(select(announcements).order_by(announcements.c.number)))


def told(database: Database) -> list[tuple[str, str]]:
    return [(row.kind, row.state) for row in rows(database)]


def take(database: Database, of: Board, busy: tuple[str, ...] = ()) -> Any:
    with database.write() as connection:
        return of.take_due(connection, ["slack"], 10, busy)


def person_of(database: Database, email: str = "ann@exemple.ca", role: str = "triager") -> Any:
    with database.write() as connection:
        return staff.add_person(connection, email=email, name="Ann", role=role)


def dead(database: Database, error: str = "Slack refuses: is_archived") -> tuple[str, int]:
    """A message that could not be delivered: its conversation and number."""
    place = Place("slack", "T1/U1", "T1", {"channel": "D1", "user": "U1"})
    with database.write() as connection:
        one = meet(connection, place, "fr").conversation_id
        conversation = lock_conversation(connection, one)
        assert conversation
        say(connection, conversation, None, [Reply("Bonjour", "fr")])
        number = connection.scalars(select(deliveries.c.number)).all()[-1]
        give_up(connection, number, error)
    return one, number


def test_each_lead_and_request_is_told_once_however_often_the_case_is_made(
    database: Database,
) -> None:
    talk = asked(database)
    talk.lead("person")
    for _ in range(3):
        talk.project()
    list(projection.rebuild(database, WEIGHTS))
    assert sorted(told(database)) == [("lead", "pending"), ("person", "pending")]
    switch_on(database)  # a restart
    list(projection.rebuild(database, WEIGHTS))
    assert len(rows(database)) == 2


def test_what_is_older_than_the_switching_on_is_not_told(database: Database) -> None:
    with database.write() as connection:
        set_targets(connection, ())
    talk = asked(database)
    switch_on(database)
    list(projection.rebuild(database, WEIGHTS))
    talk.project()
    assert told(database) == []


def test_each_place_is_told_and_one_that_is_no_longer_set_is_not(database: Database) -> None:
    switch_on(database, HERE, TEAMS)
    asked(database)
    assert {(row.channel, row.target) for row in rows(database)} == {HERE, TEAMS}
    switch_on(database, HERE)
    assert [(row.channel, row.target) for row in rows(database)] == [HERE]
    asked(database)
    assert len(rows(database)) == 2


def test_a_wait_is_told_once_each_time_that_somebody_waits(database: Database) -> None:
    talk = asked(database, "person")

    def wait(since: datetime) -> None:
        with database.write() as connection:
            own = update(cases).where(cases.c.conversation_id == talk.id)
            connection.execute(own.values(waiting_since=since))
            connection.execute(update(announcement_targets).values(since=now() - timedelta(days=9)))
            announce_waits(connection, 24)
            announce_waits(connection, 24)
            announce_waits(connection, 0)

    def waits() -> int:
        return [kind for kind, _ in told(database)].count("waiting")

    wait(now() - timedelta(hours=23))
    assert waits() == 0
    wait(now() - timedelta(hours=25))
    assert waits() == 1
    wait(now() - timedelta(hours=26))
    assert waits() == 2
    wait(now() - timedelta(days=10))  # before the switching on
    assert waits() == 2
    with database.write() as connection:
        connection.execute(update(cases).values(follow_up_at=now() + timedelta(days=1)))
    wait(now() - timedelta(hours=30))  # somebody has put it off
    assert waits() == 2


def test_without_a_place_no_wait_is_told(database: Database) -> None:
    with database.write() as connection:
        set_targets(connection, ())
        announce_waits(connection, 24)
    assert told(database) == []


def test_the_board_tells_waits_by_itself_and_says_since_when(database: Database) -> None:
    talk = asked(database, "person")
    since = now() - timedelta(hours=30)
    with database.write() as connection:
        connection.execute(update(announcement_targets).values(since=now() - timedelta(days=9)))
        own = update(cases).where(cases.c.conversation_id == talk.id)
        connection.execute(own.values(waiting_since=since))
    under_test = board()
    [first] = take(database, under_test)
    finish(database, under_test, first)
    [second] = take(database, under_test)
    assert "Someone has been waiting too long" in second.message["text"]
    assert "Waiting since: " in second.message["text"]


def finish(database: Database, of: Board, delivery: Any, remote: str = "1.1") -> None:
    with database.write() as connection:
        of.note_sent(connection, delivery.number, remote)


def test_no_personal_data_is_told_unless_the_settings_say(database: Database) -> None:
    asked(database, name="Marie  Tremblay", email="marie@exemple.ca", message="secret")
    [delivery] = take(database, board())
    text = str(delivery.message)
    assert "New declaration of interest" in text and "Priority: 30 points" in text
    assert not any(word in text for word in ("Marie", "marie@", "secret"))
    with database.write() as connection:
        connection.execute(update(announcements).values(state="pending", due_at=now()))
    [delivery] = take(database, board(detail="name"))
    text = str(delivery.message)
    assert "Name: Marie Tremblay" in text
    assert "marie@" not in text and "secret" not in text


def test_a_place_is_told_one_thing_at_a_time_in_order(database: Database) -> None:
    asked(database)
    asked(database, "person")
    under_test = board()
    [first] = take(database, under_test)
    assert take(database, under_test) == []
    assert take(database, under_test, ("slack T1/C9",)) == []
    finish(database, under_test, first)
    [second] = take(database, under_test)
    assert second.number > first.number
    assert (second.kind, second.was_cut) == ("send", False)


def test_one_that_was_cut_is_due_again_and_known_to_be(database: Database) -> None:
    asked(database)
    under_test = board()
    take(database, under_test)
    with database.write() as connection:
        connection.execute(update(announcements).values(due_at=now() - timedelta(seconds=1)))
    [again] = take(database, under_test)
    assert again.was_cut


def test_what_is_put_off_too_often_is_given_up(database: Database) -> None:
    asked(database)
    under_test = board()
    for attempt in range(1, MOST_ATTEMPTS + 1):
        [delivery] = take(database, under_test)
        with database.write() as connection:
            goes_on = under_test.put_off(connection, delivery, "busy", now())
        assert goes_on == (attempt < MOST_ATTEMPTS)
    assert told(database) == [("lead", "failed")]
    with database.read() as connection:
        [unsent] = dead_letters.read_unsent(connection)
    assert (unsent.kind, unsent.channel, unsent.error) == ("lead", "slack", "busy")


def test_claiming_is_for_one_person_and_is_noted(database: Database) -> None:
    talk = asked(database)
    ann, bo = person_of(database), person_of(database, "bo@exemple.ca", "admin")
    [row] = rows(database)

    def attempt(*emails: str, key: tuple[str, str] = HERE, id: str = row.id) -> tuple[str, str]:
        with database.write() as connection:
            done = claim(connection, key, id, emails)
        return done.outcome, done.owner

    person_of(database, "vue@exemple.ca", "viewer")
    assert attempt("vue@exemple.ca") == ("stranger", "")
    assert attempt() == ("stranger", "")
    assert attempt(ann.email, key=TEAMS) == ("unknown", "")
    assert attempt(ann.email, id="0" * 32) == ("unknown", "")
    assert attempt("nobody@exemple.ca", "ANN@exemple.ca") == ("claimed", "Ann")
    assert attempt(ann.email) == ("yours", "Ann")
    assert attempt(bo.email) == ("taken", "Ann")
    with database.read() as connection:
        case = connection.execute(select(cases).where(cases.c.conversation_id == talk.id)).one()
        actions = list(connection.scalars(select(audit.c.action)))
    assert (case.owner_id, case.status, case.changed_by) == (ann.id, "in_progress", ann.id)
    assert actions.count("case.claim") == 1


@pytest.mark.parametrize(
    ("values", "outcome"),
    [({"status": "closed"}, "closed"), ({"merged_into": "another"}, "merged")],
)
def test_a_case_that_is_closed_or_merged_is_not_claimed(
    database: Database, values: dict[str, str], outcome: str
) -> None:
    asked(database)
    ann = person_of(database)
    with database.write() as connection:
        connection.execute(update(cases).values(**values))
        [row] = connection.execute(select(announcements)).all()
        assert claim(connection, HERE, row.id, [ann.email]).outcome == outcome


def test_a_case_that_is_gone_is_not_claimed(database: Database) -> None:
    talk = asked(database)
    ann = person_of(database)
    [row] = rows(database)
    with database.write() as connection:
        connection.execute(cases.delete().where(cases.c.conversation_id == talk.id))
        assert claim(connection, HERE, row.id, [ann.email]).outcome == "gone"


def test_a_place_that_is_no_longer_told_claims_nothing(database: Database) -> None:
    asked(database)
    ann = person_of(database)
    [delivery] = take(database, under_test := board())
    finish(database, under_test, delivery)
    switch_on(database, TEAMS)
    [row] = rows(database)
    with database.write() as connection:
        assert claim(connection, HERE, row.id, [ann.email]).outcome == "unknown"


def test_what_is_erased_is_not_told_any_more(database: Database) -> None:
    talk = asked(database)
    with database.erase() as connection:
        privacy.erase_conversation(connection, talk.id, "web")
    assert told(database) == []


def test_a_message_that_cannot_be_delivered_is_told_once_a_day_and_why(
    database: Database,
) -> None:
    one, _ = dead(database)
    dead(database)
    [row] = rows(database)
    assert (row.kind, row.conversation_id) == ("undelivered", one)
    [delivery] = take(database, board())
    assert "The place is gone or archived" in delivery.message["text"]


def test_an_app_that_is_gone_is_told_once(database: Database) -> None:
    with database.write() as connection:
        save_workspace(connection, Workspace("T7", "Friends", "A1", "B", "", None))
        assert mark_gone(connection, "T7", "token_revoked")
        assert not mark_gone(connection, "T7", "token_revoked")
    [delivery] = take(database, board())
    assert "Where: Slack, Friends." in delivery.message["text"]
    assert delivery.message["announcement"]["url"].endswith("/console/deliveries")
    assert delivery.message["announcement"]["claim"] == ""
    with database.read() as connection:
        assert [one.name for one in dead_letters.read_removed(connection)] == ["Friends"]


def test_the_same_cause_is_told_once(database: Database) -> None:
    with database.write() as connection:
        for _ in range(2):
            announce(connection, "mail", "m1:1", now())
    assert told(database) == [("mail", "pending")]


def test_an_e_mail_that_is_given_up_is_told(database: Database) -> None:
    with database.write() as connection:
        queued = {"state": "queued", "attempts": 3}
        talk = filled.fill(connection, "x", mails=queued, announcements={"state": "sent"})
        mail_id = connection.scalar(select(mails.c.id))
        taken = Taken(mail_id, talk, "reply", 3)
        settle_failed(connection, taken, "refused", "", WEIGHTS)
        settle_failed(connection, taken, "refused", "", WEIGHTS)
    assert ("mail", f"{mail_id}:3", talk) in [
        (row.kind, row.cause, row.conversation_id) for row in rows(database)
    ]
    assert [kind for kind, _ in told(database)].count("mail") == 1


def test_dead_letters_are_tried_again_or_set_aside_and_noted(database: Database) -> None:
    ann = person_of(database)
    _, first = dead(database)
    _, second = dead(database, "Teams answered 403")
    with database.write() as connection:
        listed = dead_letters.read_dead_letters(connection)
        assert {(d.number, d.why) for d in listed} == {(first, "place"), (second, "refused")}
        dead_letters.try_again(connection, ann, first)
        dead_letters.try_again(connection, ann, first)  # a second click
        dead_letters.set_aside(connection, ann, second)
        dead_letters.set_aside(connection, ann, first)  # which waits: it is not dead
        assert dead_letters.read_dead_letters(connection) == []
        states = dict(connection.execute(select(deliveries.c.number, deliveries.c.state)).all())
        actions = list(connection.scalars(select(audit.c.action)))
        with pytest.raises(ChatError):
            dead_letters.try_again(connection, ann, 999_999)
    assert (states[first], states[second]) == ("pending", "set_aside")
    assert actions[-2:] == ["delivery.again", "delivery.set_aside"]


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        ("the workspace T1 has no working app: app_uninstalled", "gone"),
        ("the app was removed from there", "gone"),
        ("Slack refuses: token_revoked", "gone"),
        ("Slack refuses: channel_not_found", "place"),
        ("Slack refuses: ratelimited", "busy"),
        ("Teams answered 429", "busy"),
        ("Slack does not answer: ClientError", "unreachable"),
        ("Teams answered 502", "unreachable"),
        ("Slack refuses: internal_error", "unreachable"),
        ("the message is larger than Teams takes: 90000 bytes", "too_large"),
        ("Slack refuses: restricted_action", "refused"),
        ("KeyError", "other"),
        ("", "other"),
    ],
)
def test_failures_are_said_in_words(error: str, meaning: str) -> None:
    assert why(error) == meaning


def test_a_clock_that_was_put_back_holds_up_no_notice(database: Database) -> None:
    asked(database)
    with database.write() as connection:
        connection.execute(update(announcements).values(due_at=now() + LONGEST_WAIT / 2))
    assert take(database, board()) == []
    with database.write() as connection:
        connection.execute(update(announcements).values(due_at=now() + 2 * LONGEST_WAIT))
    assert len(take(database, board())) == 1
