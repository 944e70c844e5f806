"""E-mails from cases, on SQLite and PostgreSQL: kept, taken once, sent once, told of, erased."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from mail_servers import FAULTS, MailServer
from processes import Postgres, free_port
from prometheus_client import REGISTRY
from schemas import migrated
from sqlalchemy import insert, select, update
from talks import Talk, full_talk

from mobilis import audit, casework, mails, models, privacy, sharing, staff
from mobilis.cases import project
from mobilis.errors import CaseError, ChatError
from mobilis.mails import Chosen, Office, Written
from mobilis.models import case_reads, cases
from mobilis.models import mails as table
from mobilis.priority import WEIGHTS
from mobilis.seeing.logs import describe
from mobilis.settings import Settings
from mobilis.staff import Person
from mobilis.store import Database, now
from mobilis.web.postman import Postman

pytestmark = pytest.mark.door

OFFICE = Office("exemple.ca", "", 48)
BY_HAND = Office("", "", 48)
COACH = "amina"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A migrated database of each kind."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('mails') / 'mobilis.db'}"
    else:
        postgres: Postgres = request.getfixturevalue("postgres")
        url = postgres.address("mails")
    migrated(url)
    return url


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    database = Database(url)
    with database.write() as connection:
        for one in reversed(models.metadata.sorted_tables):
            if one is not models.audit:  # it refuses
                connection.execute(one.delete())
        add_coach(connection, COACH, "Amina Érable", ["fr", "en"], "amina@exemple.ca")
    yield database
    database.dispose()


def add_coach(
    connection: Any, coach_id: str, name: str, languages: list[str], email: str | None
) -> None:
    facets: dict[str, list[str]] = {key: [] for key in ("regions", "topics", "levels")}
    known = {"id": coach_id, "name": name, "languages": languages, "email": email, **facets}
    connection.execute(insert(models.coaches).values(**known, bio={"fr": "", "en": ""}))


@pytest.fixture
def person(database: Database) -> Person:
    with database.write() as connection:
        return staff.add_person(
            connection, email="ariane@exemple.ca", name="Ariane Un", role="triager"
        )


@pytest.fixture
def talk(database: Database) -> Talk:
    return full_talk(database)


def written(**changes: str) -> Written:
    usual = {"key": secrets.token_urlsafe(16), "seen": "", "language": "fr"}
    usual["to"] = "marie.roy@exemple.ca"
    return Written(**{**usual, "subject": "Bonjour", "text": "Voici.", **changes})


def reply(
    database: Database, person: Person, talk: Talk, office: Office = OFFICE, **changes: str
) -> None:
    with database.write() as connection:
        form = written(**changes)
        mails.reply(connection, person, talk.id, form, office, WEIGHTS)


def case(database: Database, talk: Talk) -> Any:
    with database.read() as connection:
        return connection.execute(select(cases).where(cases.c.conversation_id == talk.id)).one()


def stamp(database: Database, talk: Talk) -> str:
    return casework.stamp(case(database, talk).changed_at)


def kept(database: Database) -> list[Any]:
    with database.read() as connection:
        return list(connection.execute(select(table).order_by(table.c.created_at)))


def audited(database: Database, talk: Talk) -> list[tuple[str, str, dict[str, Any]]]:
    own = select(models.audit).where(models.audit.c.subject == f"case:{talk.id}")
    with database.read() as connection:
        rows = connection.execute(own.order_by(models.audit.c.number)).all()
    return [(row.action, row.actor, json.loads(row.detail)) for row in rows]


def change(database: Database, **values: Any) -> None:
    with database.write() as connection:
        connection.execute(update(table).values(**values))


def postman(database: Database, port: int, **more: Any) -> Postman:
    usual = {"mail_from": "equipe@exemple.ca", "mail_timeout": 4.0, "mail_backoff": 100.0}
    settings = Settings(smtp_url=f"smtp://127.0.0.1:{port}?tls=no", **{**usual, **more})
    return Postman(settings, database)


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as running:
        yield running


# --- Answering


def test_an_answer_waits_in_the_outbox(database: Database, person: Person, talk: Talk) -> None:
    reply(database, person, talk, text="Voici.\r\nMerci.\r")
    [mail] = kept(database)
    assert (mail.kind, mail.state, mail.attempts, mail.sent_at) == ("reply", "queued", 0, None)
    assert (mail.recipient, mail.reply_to) == ("marie.roy@exemple.ca", "ariane@exemple.ca")
    assert (mail.subject, mail.text, mail.author_id) == ("Bonjour", "Voici.\nMerci.", person.id)
    assert mail.message_id == f"<{mail.id}@exemple.ca>"
    now_is = case(database, talk)
    assert (now_is.status, now_is.owner_id, now_is.changed_by) == ("waiting", person.id, person.id)
    assert now_is.answered_at is None
    assert now_is.waiting_since is not None  # until it is sent
    assert audited(database, talk) == [("case.mail", person.id, {"mail": mail.id, "by": "program"})]


def test_an_answer_by_hand_is_an_answer(database: Database, person: Person, talk: Talk) -> None:
    before = case(database, talk)
    reply(database, person, talk, BY_HAND)
    [mail] = kept(database)
    assert (mail.state, mail.sent_at) == ("noted", mail.created_at)
    now_is = case(database, talk)
    assert now_is.answered_at is not None
    assert now_is.waiting_since is None
    assert now_is.priority <= before.priority
    assert [entry[2]["by"] for entry in audited(database, talk)] == ["hand"]


def test_only_an_answer_to_what_was_asked_counts(
    database: Database, person: Person, talk: Talk
) -> None:
    reply(database, person, talk, BY_HAND)
    first = case(database, talk).answered_at
    reply(database, person, talk, BY_HAND, seen=stamp(database, talk))
    assert case(database, talk).answered_at == first
    talk.lead("person")
    talk.project()
    assert case(database, talk).waiting_since is not None
    reply(database, person, talk, BY_HAND, seen=stamp(database, talk))
    again = case(database, talk)
    assert again.answered_at == first < again.last_answer_at
    assert again.waiting_since is None


def test_an_answer_does_not_open_a_closed_case(
    database: Database, person: Person, talk: Talk
) -> None:
    with database.write() as connection:
        casework.set_status(connection, person, talk.id, "", "closed", "answered", WEIGHTS)
    reply(database, person, talk, seen=stamp(database, talk))
    closed = case(database, talk)
    assert (closed.status, closed.close_reason) == ("closed", "answered")


def test_a_case_stays_its_owners(database: Database, person: Person, talk: Talk) -> None:
    with database.write() as connection:
        other = staff.add_person(connection, email="b@exemple.ca", name="B", role="triager")
        casework.set_owner(connection, person, talk.id, "", other.id)
    reply(database, person, talk, seen=stamp(database, talk))
    assert case(database, talk).owner_id == other.id


def test_a_form_sent_twice_is_one_e_mail(database: Database, person: Person, talk: Talk) -> None:
    for _ in range(2):
        reply(database, person, talk, key="the same key, twice")
    assert len(kept(database)) == 1
    assert len(audited(database, talk)) == 1


def test_a_form_sent_twice_at_once_is_one_e_mail(
    database: Database, person: Person, talk: Talk
) -> None:
    start, failed = threading.Barrier(4), []

    def send() -> None:
        start.wait()
        try:
            reply(database, person, talk, key="the same key, at once")
        except CaseError as error:
            failed.append(error.reason)

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert len(kept(database)) == 1


def test_a_key_of_another_case_sends_nothing(
    database: Database, person: Person, talk: Talk
) -> None:
    reply(database, person, talk, key="the same key, twice")
    other = full_talk(database, "Léa Côté")
    assert why(lambda: reply(database, person, other, key="the same key, twice")) == "form"


def why(deed: Callable[[], None]) -> str:
    with pytest.raises(CaseError) as caught:
        deed()
    return caught.value.reason


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"seen": "2026-01-01T00:00:00+00:00"}, "stale"),
        ({"to": ""}, "to"),
        ({"to": "marie.roy@exemple.org"}, "to"),
        ({"subject": ""}, "subject"),
        ({"subject": "  "}, "subject"),
        ({"subject": "x" * 201}, "subject"),
        ({"subject": "a\x07b"}, "subject"),
        ({"subject": "a\u202eb"}, "subject"),
        ({"text": " \n "}, "text"),
        ({"text": "x" * 10_001}, "text"),
        ({"text": "a\x1b[0mb"}, "text"),
        ({"text": "Le [à compléter : jour et heure]?"}, "blank"),
        ({"text": "Le [À compléter\u00a0: jour et heure]?"}, "blank"),
        ({"subject": "On [to fill in: day]?"}, "blank"),
        ({"key": ""}, "form"),
        ({"key": "short"}, "form"),
        ({"key": "x" * 65}, "form"),
    ],
)
def test_what_will_not_do_is_refused(
    database: Database, person: Person, talk: Talk, changes: dict[str, str], reason: str
) -> None:
    assert why(lambda: reply(database, person, talk, **changes)) == reason
    assert kept(database) == []
    assert case(database, talk).status == "new"


def test_a_subject_is_one_line_whatever_was_typed(
    database: Database, person: Person, talk: Talk
) -> None:
    reply(database, person, talk, subject="Bonjour\r\nBcc: tous@exemple.ca\n\nMarie")
    assert kept(database)[0].subject == "Bonjour Bcc: tous@exemple.ca Marie"


@pytest.mark.parametrize(
    "address",
    [
        *(None, "", "marie", "marie@exemple", "marie@exemple.ca\r\nBcc: tous@exemple.ca"),
        *("marie@exemple.ca,tous@exemple.ca", "<marie@exemple.ca>", "Marie <m@exemple.ca>"),
    ],
)
def test_what_is_no_address_is_not_written_to(
    database: Database, person: Person, talk: Talk, address: str | None
) -> None:
    with database.write() as connection:
        connection.execute(update(cases).values(email=address))
    assert why(lambda: reply(database, person, talk)) == "address"


def test_a_duplicate_is_not_answered(database: Database, person: Person, talk: Talk) -> None:
    other = full_talk(database)
    with database.write() as connection:
        casework.merge(connection, person, talk.id, "", other.id, WEIGHTS)
    assert why(lambda: reply(database, person, talk, seen=stamp(database, talk))) == "merged"


def test_a_conversation_that_is_gone_is_not_answered(database: Database, person: Person) -> None:
    with pytest.raises(ChatError), database.write() as connection:
        mails.reply(connection, person, "gone", written(), OFFICE, WEIGHTS)


def test_answers_go_to_the_setting_when_there_is_one(
    database: Database, person: Person, talk: Talk
) -> None:
    reply(database, person, talk, replace(OFFICE, reply_to="equipe@exemple.ca"))
    assert kept(database)[0].reply_to == "equipe@exemple.ca"


# --- Passing on to a coach


def for_coach(database: Database, coach_agreed: bool = True, **details: str) -> Talk:
    talk = Talk(database, "en")
    usual = {"name": "Marie Roy", "email": "marie@exemple.ca", "organization": "Maison des aînés"}
    talk.lead("coach", coach=COACH, coach_agreed=coach_agreed, **{**usual, **details})
    talk.assess("b", typed="never passed on")
    talk.project()
    return talk


def chosen(
    database: Database, person: Person, talk: Talk, coach_id: str = COACH, **more: Any
) -> Chosen:
    """The form as it would be after its page was seen."""
    with database.read() as connection:
        agreement = sharing.settle_agreement(connection, talk.id, coach_id, in_writing=True)
    draft = sharing.pass_on(agreement, case(database, talk)._mapping, person)
    usual = {"key": secrets.token_urlsafe(16), "seen": "", "mark": draft.mark}
    return Chosen(**{**usual, "coach_id": coach_id, "in_writing": False, **more})


def forward(database: Database, person: Person, talk: Talk, form: Chosen) -> None:
    with database.write() as connection:
        mails.forward(connection, person, talk.id, form, OFFICE)


def test_a_coach_gets_what_was_left_for_them_and_nothing_else(
    database: Database, person: Person
) -> None:
    talk = for_coach(database, message="Appelez-moi {name}\nle matin")
    forward(database, person, talk, chosen(database, person, talk))
    [mail] = kept(database)
    assert (mail.kind, mail.recipient, mail.reply_to) == (
        *("forward", "amina@exemple.ca", "ariane@exemple.ca"),
    )
    assert (mail.basis, mail.shared) == ("chat", ["name", "organization", "email", "message"])
    assert (mail.coach_id, mail.coach_name, mail.language) == (COACH, "Amina Érable", "en")
    english, french = mail.text.split("— — —")  # the visitor's language first
    for part in (english, french):
        for fact in ("Marie Roy", "Maison des aînés", "marie@exemple.ca", "{name}\nle matin"):
            assert part.count(fact) == 1, fact
    assert "Hello Amina Érable" in english
    assert "Bonjour Amina Érable" in french
    assert "never passed on" not in mail.text
    assert "Marie" not in mail.subject
    [(action, actor, detail)] = audited(database, talk)
    assert (action, actor) == ("case.forward", person.id)
    assert detail == {
        "mail": mail.id,
        "coach": COACH,
        "shared": mail.shared,
        "basis": "chat",
        "by": "program",
    }


def test_a_message_like_the_line_between_languages_hides_nothing(
    database: Database, person: Person
) -> None:
    talk = for_coach(database, message="Un\n\n— — —\n\nDeux")
    with database.read() as connection:
        agreement = sharing.settle_agreement(connection, talk.id, COACH, in_writing=False)
    draft = sharing.pass_on(agreement, case(database, talk)._mapping, person)
    assert draft.parts == [("en", draft.text)]


def test_passing_on_is_no_answer(database: Database, person: Person) -> None:
    talk = for_coach(database)
    forward(database, person, talk, chosen(database, person, talk))
    now_is = case(database, talk)
    assert (now_is.status, now_is.owner_id) == ("in_progress", person.id)
    assert (now_is.answered_at, now_is.waiting_since is None) == (None, False)


def test_what_was_not_left_is_not_passed_on(database: Database, person: Person) -> None:
    talk = for_coach(database)
    forward(database, person, talk, chosen(database, person, talk))
    [mail] = kept(database)
    assert mail.shared == ["name", "organization", "email"]
    assert "Message" not in mail.text


@pytest.mark.parametrize("agreed", [True, False])
def test_another_coach_needs_an_agreement_in_writing(
    database: Database, person: Person, agreed: bool
) -> None:
    with database.write() as connection:
        add_coach(connection, "other", "Colette", ["fr"], "colette@exemple.ca")
    talk = for_coach(database, coach_agreed=agreed)
    coach = "other" if agreed else COACH
    form = chosen(database, person, talk, coach)
    assert why(lambda: forward(database, person, talk, form)) == "not_agreed"
    forward(database, person, talk, replace(form, in_writing=True))
    [mail] = kept(database)
    assert (mail.coach_id, mail.basis) == (coach, "written")
    assert audited(database, talk)[0][2]["basis"] == "written"


def test_a_coach_is_written_to_in_their_language(database: Database, person: Person) -> None:
    with database.write() as connection:
        add_coach(connection, "other", "Colette", ["fr"], "colette@exemple.ca")
    talk = for_coach(database)
    form = chosen(database, person, talk, "other", in_writing=True)
    forward(database, person, talk, form)
    [mail] = kept(database)
    assert mail.language == "fr"
    assert "Hello" not in mail.text


def test_without_consent_nothing_is_passed_on(database: Database, person: Person) -> None:
    talk = Talk(database, "fr")
    talk.lead("person")
    talk.project()
    form = Chosen(secrets.token_urlsafe(16), "", COACH, "", True)
    assert why(lambda: forward(database, person, talk, form)) == "no_consent"


@pytest.mark.parametrize("email", [None, "", "amina", "amina@exemple.ca\nBcc: x@exemple.ca"])
def test_a_coach_without_an_address_gets_nothing(
    database: Database, person: Person, email: str | None
) -> None:
    talk = for_coach(database)
    form = chosen(database, person, talk)
    with database.write() as connection:
        connection.execute(update(models.coaches).values(email=email))
    assert why(lambda: forward(database, person, talk, form)) == "coach_address"


def test_a_coach_who_has_left_gets_nothing(database: Database, person: Person) -> None:
    talk = for_coach(database)
    form = replace(chosen(database, person, talk), coach_id="gone")
    assert why(lambda: forward(database, person, talk, form)) == "coach"


def test_what_has_changed_since_it_was_shown_is_not_passed_on(
    database: Database, person: Person
) -> None:
    talk = for_coach(database)
    form = chosen(database, person, talk)
    talk.lead("coach", coach=COACH, coach_agreed=True, name="Marie Roy", message="En plus")
    assert why(lambda: forward(database, person, talk, form)) == "shown"
    assert kept(database) == []


def test_a_coach_whose_address_has_changed_is_shown_again(
    database: Database, person: Person
) -> None:
    talk = for_coach(database)
    form = chosen(database, person, talk)
    with database.write() as connection:
        connection.execute(update(models.coaches).values(email="other@exemple.ca"))
    assert why(lambda: forward(database, person, talk, form)) == "shown"


def test_passing_on_twice_by_one_form_is_one_e_mail(database: Database, person: Person) -> None:
    talk = for_coach(database)
    form = chosen(database, person, talk)
    for _ in range(2):
        forward(database, person, talk, form)
    assert len(kept(database)) == 1


def test_passing_on_from_a_state_that_has_changed_is_refused(
    database: Database, person: Person
) -> None:
    talk = for_coach(database)
    form = chosen(database, person, talk, seen="2026-01-01T00:00:00+00:00")
    assert why(lambda: forward(database, person, talk, form)) == "stale"


# --- Sending


def test_what_is_sent_is_an_answer(
    database: Database, person: Person, talk: Talk, server: MailServer
) -> None:
    reply(database, person, talk)
    assert postman(database, server.port).send_next()
    [mail], [arrived] = kept(database), server.taken
    assert (mail.state, mail.problem, mail.attempts) == ("sent", None, 1)
    assert mail.sent_at is not None
    assert arrived["Message-ID"] == mail.message_id
    now_is = case(database, talk)
    assert now_is.answered_at is not None
    assert now_is.waiting_since is None
    assert audited(database, talk)[-1] == ("case.mail_sent", audit.SYSTEM, {"mail": mail.id})
    assert postman(database, server.port).send_next() is False


def test_those_that_wait_go_one_after_the_other(
    database: Database, person: Person, server: MailServer
) -> None:
    for number in range(3):
        reply(database, person, full_talk(database), subject=f"Courriel {number}")
    sender = postman(database, server.port)
    assert [sender.send_next() for _ in range(4)] == [True, True, True, False]
    assert [mail["Subject"] for mail in server.taken] == [f"Courriel {n}" for n in range(3)]


LATER = ("sender_4", "recipient_4", "content_4", "hangs", "hangs_up", "drops_before_data")
NEVER = {"sender_5": "sender", "recipient_5": "recipient", "content_5": "content"}


@pytest.mark.parametrize("fault", LATER)
def test_what_cannot_go_now_goes_later(
    database: Database, person: Person, talk: Talk, server: MailServer, fault: str
) -> None:
    reply(database, person, talk)
    sender = postman(database, server.port, mail_timeout=1.0 if fault == "hangs" else 4.0)
    server.fault = fault
    assert sender.send_next()
    [mail] = kept(database)
    assert (mail.state, mail.attempts) == ("queued", 1)
    assert mail.problem == ("later" if fault.endswith("_4") else "connection")
    assert timedelta(seconds=45) < mail.due_at - now() <= timedelta(seconds=100)
    assert case(database, talk).answered_at is None
    assert sender.send_next() is False  # not before it is due
    server.fault = ""
    sender = postman(database, server.port)
    # Due later than anything is put off: the clock was put back since.
    change(database, due_at=now() if fault.endswith("_4") else now() + 2 * mails.LONGEST_WAIT)
    assert sender.send_next()
    assert [kept(database)[0].state, len(server.taken)] == ["sent", 1]


def test_a_server_that_is_not_there_is_waited_for(
    database: Database, person: Person, talk: Talk
) -> None:
    reply(database, person, talk)
    sender = postman(database, free_port(), mail_hours=1.0)
    waits = []
    for _ in range(9):
        sender.send_next()
        [mail] = kept(database)
        waits.append((mail.due_at - now()).total_seconds())
        change(database, due_at=now())
    assert mail.state == "queued"
    for wait, most in zip(waits, [100, 200, 400, 800, 1600, 3200, 3600, 3600, 3600], strict=True):
        assert most / 2 - 5 < wait <= most


def test_what_has_waited_too_long_is_given_up(
    database: Database, person: Person, talk: Talk
) -> None:
    reply(database, person, talk)
    change(database, give_up_at=now() + timedelta(seconds=10))
    postman(database, free_port()).send_next()
    [mail] = kept(database)
    assert (mail.state, mail.problem) == ("failed", "connection")


@pytest.mark.parametrize("fault", [*NEVER, "drops_after_data"])
def test_what_is_never_taken_comes_back_to_staff(
    database: Database, person: Person, talk: Talk, server: MailServer, fault: str
) -> None:
    reply(database, person, talk)
    with database.write() as connection:
        casework.read_case(connection, person, talk.id, 1)
    server.fault = fault
    assert postman(database, server.port).send_next()
    [mail] = kept(database)
    problem = NEVER.get(fault, "doubtful")
    assert (mail.state, mail.problem) == ("failed", problem)
    now_is = case(database, talk)
    assert (now_is.status, now_is.changed_by) == ("in_progress", audit.SYSTEM)
    assert (now_is.answered_at, now_is.waiting_since is None) == (None, False)
    with database.read() as connection:
        assert connection.execute(select(case_reads)).all() == []  # unread again
    assert audited(database, talk)[-1] == (
        *("case.mail_failed", audit.SYSTEM),
        {"mail": mail.id, "problem": problem},
    )
    assert postman(database, server.port).send_next() is False  # never by itself again


def test_every_fault_of_the_test_server_is_tried() -> None:
    assert {*LATER, *NEVER, "drops_after_data"} == set(FAULTS)


def test_what_failed_may_be_sent_again(
    database: Database, person: Person, talk: Talk, server: MailServer
) -> None:
    reply(database, person, talk)
    sender = postman(database, server.port)
    server.fault = "recipient_5"
    sender.send_next()
    server.fault = ""
    [failed] = kept(database)
    for _ in range(2):
        again(database, person, talk, failed.id)
    [queued] = kept(database)
    assert (queued.state, queued.problem, queued.answer) == ("queued", None, None)
    assert case(database, talk).status == "waiting"
    assert [entry[0] for entry in audited(database, talk)].count("case.mail_again") == 1
    assert sender.send_next()
    assert sender.send_next() is False
    [mail] = kept(database)
    assert (mail.state, mail.problem, mail.answer) == ("sent", None, None)
    assert server.taken[0]["Message-ID"] == failed.message_id


def again(
    database: Database, person: Person, talk: Talk, mail_id: str, office: Office = OFFICE
) -> None:
    with database.write() as connection:
        mails.send_again(connection, person, talk.id, mail_id, office)


def test_what_was_sent_is_not_sent_again(
    database: Database, person: Person, talk: Talk, server: MailServer
) -> None:
    reply(database, person, talk)
    sender = postman(database, server.port)
    sender.send_next()
    again(database, person, talk, kept(database)[0].id)
    assert sender.send_next() is False
    assert len(server.taken) == 1


def test_sending_again_is_refused_where_it_makes_no_sense(
    database: Database, person: Person, talk: Talk
) -> None:
    reply(database, person, talk)
    mail_id = kept(database)[0].id
    assert why(lambda: again(database, person, talk, mail_id, BY_HAND)) == "again"
    other = full_talk(database)
    with pytest.raises(ChatError):
        again(database, person, other, mail_id)
    with database.write() as connection:
        into = (other.id, WEIGHTS)
        casework.merge(connection, person, talk.id, stamp(database, talk), *into)
    assert why(lambda: again(database, person, talk, mail_id)) == "merged"


def test_a_crash_before_the_text_is_given_away_sends_it_later(
    database: Database, person: Person, talk: Talk, server: MailServer
) -> None:
    reply(database, person, talk)
    with database.write() as connection:
        assert mails.take(connection) is not None  # and the process is gone
    sender = postman(database, server.port)
    assert sender.send_next() is False  # somebody may still be at it
    change(database, due_at=now())
    assert sender.send_next()
    assert len(server.taken) == 1


def test_a_crash_while_the_text_is_given_away_leaves_it_in_doubt(
    database: Database, person: Person, talk: Talk, server: MailServer
) -> None:
    reply(database, person, talk)
    with database.write() as connection:
        found = mails.take(connection)
        assert found is not None
        assert mails.begin(connection, found[0])  # and the process is gone
    sender = postman(database, server.port)
    assert sender.send_next() is False
    change(database, due_at=now())
    assert sender.send_next()
    assert sender.send_next() is False
    [mail] = kept(database)
    assert (mail.state, mail.problem) == ("failed", "doubtful")
    assert server.taken == []


def test_whoever_is_slow_and_is_overtaken_sends_nothing(
    database: Database, person: Person, talk: Talk, server: MailServer
) -> None:
    reply(database, person, talk)
    with database.write() as connection:
        slow = mails.take(connection)
    assert slow is not None
    change(database, due_at=now())
    assert postman(database, server.port).send_next()
    with database.write() as connection:
        assert mails.begin(connection, slow[0]) is False
        mails.settle_later(connection, slow[0], "later", "", 1, WEIGHTS)
        mails.settle_failed(connection, slow[0], "content", "", WEIGHTS)
    assert (kept(database)[0].state, len(server.taken)) == ("sent", 1)


def test_what_arrives_after_it_was_doubted_is_sent(
    database: Database, person: Person, talk: Talk
) -> None:
    reply(database, person, talk)
    with database.write() as connection:
        found = mails.take(connection)
        assert found is not None
        mails.begin(connection, found[0])
    change(database, due_at=now())
    with database.write() as connection:
        mails.settle_doubtful(connection, WEIGHTS)
    with database.write() as connection:
        mails.settle_sent(connection, found[0], WEIGHTS)
    assert kept(database)[0].state == "sent"
    assert case(database, talk).answered_at is not None


def test_two_postmen_send_each_e_mail_once(
    database: Database, person: Person, server: MailServer
) -> None:
    for _ in range(6):
        reply(database, person, full_talk(database))

    def work() -> None:
        sender = postman(database, server.port)
        while sender.send_next():
            pass

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(mail["Message-ID"] for mail in server.taken) == sorted(
        mail.message_id for mail in kept(database)
    )
    assert {mail.state for mail in kept(database)} == {"sent"}


@pytest.mark.parametrize("state", ["queued", "sending"])
def test_an_erased_conversation_takes_its_e_mails_along(
    database: Database, person: Person, talk: Talk, server: MailServer, state: str
) -> None:
    reply(database, person, talk)
    sender = postman(database, server.port)

    def erase() -> None:
        with database.erase() as connection:
            privacy.erase_conversation(connection, talk.id, "web")

    if state == "queued":
        with database.write() as connection:
            found = mails.take(connection)
        assert found is not None
        erase()
        with database.write() as connection:
            assert mails.begin(connection, found[0]) is False
            mails.settle_later(connection, found[0], "later", "", 1, WEIGHTS)
            mails.settle_failed(connection, found[0], "content", "", WEIGHTS)
    else:
        server.on_data = erase
        assert sender.send_next()
    assert kept(database) == []
    assert sender.send_next() is False


def test_a_bad_e_mail_stops_no_other(
    database: Database, person: Person, talk: Talk, server: MailServer
) -> None:
    reply(database, person, talk)
    change(database, recipient="a@exemple.ca\r\nBcc: tous@exemple.ca")
    reply(database, person, full_talk(database))
    sender = postman(database, server.port)
    assert [sender.send_next() for _ in range(3)] == [True, True, False]
    assert [mail.state for mail in kept(database)] == ["failed", "sent"]
    assert [mail["To"] for mail in server.taken] == ["marie.roy@exemple.ca"]


def test_no_log_line_names_anybody(
    database: Database,
    person: Person,
    talk: Talk,
    server: MailServer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    reply(database, person, talk, subject="Objet secret", text="Texte secret")
    server.fault = "recipient_5"
    postman(database, server.port).send_next()
    [line] = [describe(record, "door") for record in caplog.records]
    assert (line["event"], line["error"]) == ("mail_failed", "MailRefused")
    assert line["why"] == "the e-mail was not sent: recipient"
    for secret in ("marie", "Marie", "secret", "exemple.ca"):
        assert secret not in f"{line}{caplog.text}"


@pytest.mark.parametrize(
    ("fault", "outcome"), [("", "sent"), ("recipient_4", "postponed"), ("recipient_5", "failed")]
)
def test_what_comes_of_an_e_mail_is_told_and_counted(
    database: Database,
    person: Person,
    talk: Talk,
    server: MailServer,
    caplog: pytest.LogCaptureFixture,
    fault: str,
    outcome: str,
) -> None:
    def count() -> float:
        return REGISTRY.get_sample_value("mobilis_mails_total", {"outcome": outcome}) or 0.0

    caplog.set_level("INFO")
    reply(database, person, talk)
    server.fault, before = fault, count()
    postman(database, server.port).send_next()
    assert count() == before + 1
    told = [describe(record, "door")["event"] for record in caplog.records]
    assert f"mail_{outcome}" in told


def test_an_e_mail_that_can_wait_no_longer_is_told_to_have_failed(
    database: Database,
    person: Person,
    talk: Talk,
    server: MailServer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    reply(database, person, talk)
    change(database, give_up_at=now())
    server.fault = "recipient_4"
    postman(database, server.port).send_next()
    assert [describe(record, "door")["event"] for record in caplog.records] == ["mail_failed"]


def test_who_left_the_team_takes_no_e_mail_along(
    database: Database, person: Person, talk: Talk
) -> None:
    reply(database, person, talk)
    with database.write() as connection:
        connection.execute(models.staff.delete())
    assert [(mail.author_id, mail.text) for mail in kept(database)] == [(None, "Voici.")]


def test_a_projection_leaves_the_answer_alone(
    database: Database, person: Person, talk: Talk
) -> None:
    reply(database, person, talk, BY_HAND)
    with database.write() as connection:
        project(connection, talk.id, WEIGHTS)
    assert case(database, talk).waiting_since is None
