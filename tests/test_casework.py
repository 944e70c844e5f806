"""What staff do with a case, on SQLite and PostgreSQL: kept, audited, carried over, erased."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from processes import Postgres
from schemas import migrated
from sqlalchemy import func, select, update
from talks import Talk, full_talk

from mobilis import audit, casework, mentions, models, privacy, staff
from mobilis.casefile import read_file
from mobilis.dates import day_of, start_of
from mobilis.errors import CaseError, ChatError, StoreError
from mobilis.models import case_reads, case_tags, cases
from mobilis.priority import WEIGHTS
from mobilis.staff import Person
from mobilis.store import Database, now
from mobilis.web.projector import _age

pytestmark = pytest.mark.door

OF_STAFF = (
    *(models.cases, models.case_facets, models.case_tags, models.case_notes),
    *(models.case_mentions, models.case_reads),
)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A migrated database of each kind."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('casework') / 'mobilis.db'}"
    else:
        postgres: Postgres = request.getfixturevalue("postgres")
        url = postgres.address("casework")
    migrated(url)
    return url


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    database = Database(url)
    with database.write() as connection:
        for table in reversed(models.metadata.sorted_tables):
            if table is not models.audit:  # it refuses
                connection.execute(table.delete())
    yield database
    database.dispose()


def someone(database: Database, name: str = "Ariane Un", role: str = "triager") -> Person:
    with database.write() as connection:
        email = f"{name.lower().replace(' ', '.')}@exemple.ca"
        return staff.add_person(connection, email=email, name=name, role=role)


@pytest.fixture
def person(database: Database) -> Person:
    return someone(database)


@pytest.fixture
def talk(database: Database) -> Talk:
    return full_talk(database)


def case_of(database: Database, talk: Talk):
    with database.read() as connection:
        query = select(cases).where(cases.c.conversation_id == talk.id)
        return connection.execute(query).one()


def count(database: Database, table) -> int:
    with database.read() as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def last_entry(database: Database):
    with database.read() as connection:
        *_, last = audit.entries(connection)
        assert audit.verify(connection) is None
    return last.actor, last.action, last.detail


def do(database: Database, deed, person: Person, talk: Talk, *given):
    """A deed by somebody who sees the present state."""
    seen = casework.stamp(case_of(database, talk).changed_at)
    with database.write() as connection:
        return deed(connection, person, talk.id, seen, *given)


def test_a_state_is_carried_to_the_microsecond(database, person, talk):
    do(database, casework.set_status, person, talk, "waiting", "", WEIGHTS)
    stale = casework.stamp(case_of(database, talk).changed_at - timedelta(microseconds=1))
    with pytest.raises(CaseError, match="stale"):
        with database.write() as connection:
            casework.set_owner(connection, person, talk.id, stale, person.id)


def test_every_deed_is_audited_without_a_word_of_anybody(database, person, talk):
    do(database, casework.set_status, person, talk, "closed", "answered", WEIGHTS)
    assert last_entry(database) == (
        person.id,
        "case.status",
        '{"from": "new", "reason": "answered", "to": "closed"}',
    )
    do(database, casework.set_owner, person, talk, person.id)
    assert last_entry(database)[1] == "case.owner"
    do(database, casework.set_follow_up, person, talk, day_of(now()) + timedelta(days=1))
    assert last_entry(database)[1] == "case.follow_up"
    with database.write() as connection:
        casework.add_note(connection, person, talk.id, "Marie Roy a rappelé")
    assert last_entry(database)[1] == "case.note"
    assert "Marie" not in last_entry(database)[2]


def test_reading_again_within_the_hour_is_no_new_entry_and_later_is(database, person, talk):
    def read(position):
        with database.write() as connection:
            casework.read_case(connection, person, talk.id, position)
            return audit.last(connection).number

    first = read(3)
    assert read(2) == first
    with database.write() as connection:
        assert connection.execute(select(case_reads.c.position)).scalar_one() == 3
        connection.execute(update(case_reads).values(at=now() - casework.READ_AGAIN))
    assert read(5) == first + 1
    assert read(6) == first + 1


def test_a_case_that_is_gone_cannot_be_worked_on(database, person, talk):
    with database.erase() as connection:
        privacy.erase_conversation(connection, talk.id, "web")
    with database.write() as connection:
        for deed, given in (
            (casework.read_case, (1,)),
            (casework.set_status, ("", "new", "", WEIGHTS)),
            (casework.add_tag, ("x",)),
            (casework.remove_tag, ("x",)),
            (casework.add_note, ("x",)),
            (casework.unmerge, ("", WEIGHTS)),
        ):
            with pytest.raises(ChatError, match="not_found"):
                deed(connection, person, talk.id, *given)


def test_erasing_a_conversation_erases_what_staff_wrote_of_it(database, person, talk):
    someone(database, "Bao Deux")
    with database.write() as connection:
        casework.read_case(connection, person, talk.id, 1)
        casework.add_tag(connection, person, talk.id, "x")
        casework.add_note(connection, person, talk.id, "@bao regarde")
    assert all(count(database, table) for table in OF_STAFF)
    with database.erase() as connection:
        privacy.erase_conversation(connection, talk.id, "web")
    assert [table.name for table in OF_STAFF if count(database, table)] == []


def test_what_is_due_comes_back_unread_and_says_so(database, person, talk):
    day = day_of(now()) + timedelta(days=2)
    do(database, casework.set_owner, person, talk, person.id)
    do(database, casework.set_follow_up, person, talk, day)
    do(database, casework.set_status, person, talk, "closed", "answered", WEIGHTS)
    with database.write() as connection:
        casework.read_case(connection, person, talk.id, 9)
        assert casework.resurface(connection, WEIGHTS, 10) == 0
        own = cases.c.conversation_id == talk.id
        connection.execute(update(cases).where(own).values(follow_up_at=now()))
    _age(database, WEIGHTS)  # as the projector does
    case = case_of(database, talk)
    assert (case.status, case.close_reason, case.follow_up_at) == ("in_progress", None, None)
    assert case.resurfaced_at is not None
    assert case.waiting_since is not None
    assert count(database, case_reads) == 0
    assert last_entry(database)[:2] == (audit.SYSTEM, "case.resurface")
    do(database, casework.set_status, person, talk, "waiting", "", WEIGHTS)
    assert case_of(database, talk).resurfaced_at is None


def test_what_is_due_and_nobodys_is_new_and_what_is_open_keeps_its_status(database, person):
    waiting, working = Talk(database), Talk(database)
    for talk, status in ((waiting, "waiting"), (working, "in_progress")):
        talk.say("bonjour", "greet")
        talk.project()
        do(database, casework.set_status, person, talk, status, "", WEIGHTS)
    with database.write() as connection:
        connection.execute(update(cases).values(follow_up_at=now()))
        assert casework.resurface(connection, WEIGHTS, 10) == 2
        assert casework.resurface(connection, WEIGHTS, 10) == 0
    assert case_of(database, waiting).status == "new"
    assert case_of(database, working).status == "in_progress"


def test_a_follow_up_that_was_put_off_meanwhile_does_not_come_back(database, person, talk):
    with database.write() as connection:
        assert not casework._resurface(connection, talk.id, WEIGHTS)
        assert not casework._resurface(connection, "unknown", WEIGHTS)


def test_a_follow_up_is_after_today_and_within_ten_years(database, person, talk):
    today = day_of(now())
    for day in (today, today - timedelta(days=1), today + timedelta(days=4000)):
        with pytest.raises(CaseError, match="day"):
            do(database, casework.set_follow_up, person, talk, day)
    do(database, casework.set_follow_up, person, talk, today + timedelta(days=1))
    assert case_of(database, talk).follow_up_at == start_of(today + timedelta(days=1))
    do(database, casework.set_follow_up, person, talk, None)
    assert case_of(database, talk).follow_up_at is None


def test_a_merge_carries_notes_tags_and_the_sooner_follow_up(database, person, talk):
    target, older = full_talk(database), full_talk(database)
    soon, later = (day_of(now()) + timedelta(days=days) for days in (2, 9))
    do(database, casework.set_follow_up, person, talk, soon)
    do(database, casework.set_follow_up, person, target, later)
    with database.write() as connection:
        casework.add_note(connection, person, older.id, "la plus ancienne")
        casework.add_tag(connection, person, talk.id, "un")
        casework.add_tag(connection, person, talk.id, "deux")
        casework.add_tag(connection, person, target.id, "deux")
    do(database, casework.merge, person, older, talk.id, WEIGHTS)
    do(database, casework.merge, person, talk, target.id, WEIGHTS)
    assert case_of(database, target).follow_up_at == start_of(soon)
    with database.read() as connection:
        file = read_file(connection, person, target.id, WEIGHTS)
        assert [note.pieces[0][0] for note in file.notes] == ["la plus ancienne"]
        assert file.notes[0].case == older.id
        assert file.tags == ("deux", "un")
        assert [other.id for other in file.duplicates] == [talk.id]
        assert read_file(connection, person, talk.id, WEIGHTS).merged_into.id == target.id
    do(database, casework.unmerge, person, talk, WEIGHTS)
    assert case_of(database, talk).follow_up_at == start_of(soon)
    with database.read() as connection:
        own = case_tags.c.conversation_id == target.id
        assert connection.execute(select(case_tags.c.tag).where(own)).scalars().all() == ["deux"]


def test_a_merged_case_does_not_come_back(database, person, talk):
    target = full_talk(database)
    do(database, casework.merge, person, talk, target.id, WEIGHTS)
    with database.write() as connection:
        connection.execute(update(cases).values(follow_up_at=now()))
        assert casework.resurface(connection, WEIGHTS, 10) == 1
    assert case_of(database, talk).status == "closed"


def test_two_people_change_a_case_at_once_and_one_is_refused(database, person, talk):
    other, done = someone(database, "Bao Deux"), []
    start = threading.Barrier(2)

    def take(who):
        start.wait()
        try:
            with database.write() as connection:
                casework.set_owner(connection, who, talk.id, "", who.id)
            done.append(who.id)
        except CaseError as error:
            done.append(error.reason)

    threads = [threading.Thread(target=take, args=(who,)) for who in (person, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert done.count("stale") == 1
    assert case_of(database, talk).owner_id in done


def test_a_note_that_cannot_be_kept_leaves_no_entry(database, person, talk, monkeypatch):
    with database.read() as connection:
        before = audit.last(connection)
    nobody = Person("gone", "x@exemple.ca", "X", "triager", "fr")
    with pytest.raises(StoreError):
        with database.write() as connection:
            casework.add_note(connection, nobody, talk.id, "x")
    with database.read() as connection:
        assert audit.last(connection) == before


def test_who_left_neither_owns_nor_is_mentioned(database, person, talk):
    gone = someone(database, "Bao Deux")
    with database.write() as connection:
        connection.execute(
            update(models.staff).where(models.staff.c.id == gone.id).values(active=False)
        )
        casework.add_note(connection, person, talk.id, "@Bao Deux")
        assert mentions.count_unseen(connection, gone.id) == 0
    with pytest.raises(CaseError, match="owner"):
        do(database, casework.set_owner, person, talk, gone.id)


def test_the_file_is_not_made_for_what_has_nothing(database, person):
    with database.read() as connection:
        assert read_file(connection, person, Talk(database).id, WEIGHTS) is None
