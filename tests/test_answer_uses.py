"""Each answer of the FAQ is counted with what was said after it, and made again without a trace."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import filled
import pytest
from sqlalchemy import select
from talks import Talk

from mobilis import cases
from mobilis.answer_uses import Period, Received, received, uses
from mobilis.errors import ChatError
from mobilis.models import answer_uses, outbox
from mobilis.priority import WEIGHTS
from mobilis.privacy import erase_conversation, erase_transcripts
from mobilis.ratings import rate
from mobilis.store import Database, now
from mobilis.turns import Reply

pytestmark = pytest.mark.door

ALWAYS = Period()


@pytest.fixture(params=filled.KINDS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    with filled.database_of(request.param, request, tmp_path) as database:
        yield database


def answer(faq: str, language: str = "fr") -> list[Reply]:
    return [Reply("Voici.", language, "faq", (), {"faq": {"id": faq, "sources": []}})]


def asked(database: Database, faq: str = "cost", language: str = "fr", then: str = "") -> Talk:
    """Somebody asked a question, and then said something."""
    talk = Talk(database, language)
    talk.say("…", "faq", answer(faq, language), faq=faq)
    if then == "missed":
        talk.missed(talk.say("quoi?", "nlu_fallback"))
    elif then:
        talk.say("…", then)
    talk.project()
    return talk


def answer_of(database: Database, talk: Talk) -> str:
    with database.read() as connection:
        query = select(outbox.c.id).where(outbox.c.conversation_id == talk.id)
        return str(connection.execute(query).scalars().first())


def report(database: Database, period: Period = ALWAYS) -> list[Received]:
    with database.read() as connection:
        return received(connection, period, ["cost", "timeline"])


def test_what_was_said_next_is_told(database: Database) -> None:
    for then in ("", "thank", "deny", "deny", "request_human", "missed"):
        asked(database, then=then)
    asked(database, "gone")
    assert report(database) == [
        Received("cost", 6, 0, 0, refused=2, person=1, missed=1),
        Received("gone", 1, 0, 0, 0, 0, 0),  # it has left the content files since
        Received("timeline", 0, 0, 0, 0, 0, 0),
    ]


def test_only_the_very_next_message_counts(database: Database) -> None:
    talk = Talk(database)
    talk.say("…", "faq", answer("cost"), faq="cost")
    talk.say("merci", "thank")
    talk.say("non", "deny")
    talk.say("…", "faq", answer("timeline"), faq="timeline")
    talk.say("non", "deny")
    talk.project()
    assert [(one.faq, one.refused) for one in report(database)] == [("cost", 0), ("timeline", 1)]


def test_making_it_again_makes_the_same(database: Database) -> None:
    asked(database, then="deny")
    before = report(database)
    assert list(cases.rebuild(database, WEIGHTS)) == [1]
    assert report(database) == before


def test_a_period_and_a_language_leave_others_out(database: Database) -> None:
    asked(database)
    asked(database, language="en")
    tomorrow = now() + timedelta(days=1)
    assert report(database, Period(language="en"))[0].visits == 1
    assert report(database, Period(until=tomorrow))[0].visits == 2
    assert report(database, Period(since=tomorrow))[0].visits == 0


def test_thumbs_are_counted_and_lead_to_their_conversations(database: Database) -> None:
    talks = [asked(database, then=then) for then in ("deny", "", "")]
    for talk, helpful in zip(talks, (False, True, None), strict=True):
        with database.write() as connection:
            rate(connection, talk.id, answer_of(database, talk), helpful)
    (cost, _) = report(database)
    assert (cost.visits, cost.helpful, cost.unhelpful) == (3, 1, 1)
    with database.read() as connection:
        for kind, expected in (
            ("", [talk.id for talk in reversed(talks)]),
            ("refused", [talks[0].id]),
            ("unhelpful", [talks[0].id]),
            ("helpful", [talks[1].id]),
        ):
            found = uses(connection, Period(), "cost", kind)
            assert [use.conversation_id for use in found] == expected


def test_an_answer_of_an_erased_conversation_is_not_rated(database: Database) -> None:
    talk = asked(database)
    message = answer_of(database, talk)
    with database.write() as connection:
        erase_conversation(connection, talk.id, "web")
    with database.write() as connection, pytest.raises(ChatError, match="unauthorized"):
        rate(connection, talk.id, message, True)


def test_it_goes_with_the_transcript(database: Database) -> None:
    talk = asked(database)
    with database.write() as connection:
        rate(connection, talk.id, answer_of(database, talk), True)
        counts = erase_transcripts(connection, [talk.id])
        assert (counts["answer_uses"], counts["ratings"]) == (1, 1)
        assert cases.project(connection, talk.id, WEIGHTS)
        assert connection.execute(select(answer_uses)).all() == []
