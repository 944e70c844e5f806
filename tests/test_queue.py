"""The queue of cases and its search, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemas import migrated
from sqlalchemy import insert, select, text, update

from mobilis import cases, privacy, saved_views, search, staff
from mobilis.errors import StaffError
from mobilis.models import (
    assessments,
    audit,
    case_reads,
    case_tags,
    case_texts,
    conversations,
    inbox,
    leads,
    outbox,
    unhandled,
)
from mobilis.models import cases as cases_table
from mobilis.neighbours import Neighbours, neighbours
from mobilis.priority import WEIGHTS
from mobilis.queue import PAGE, Filters, known_tags, read_filters, read_queue
from mobilis.staff import Person
from mobilis.store import Database, now

pytestmark = pytest.mark.door

Case = Callable[..., str]


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A migrated database."""
    url = f"sqlite:///{tmp_path / 'queue.db'}"
    if request.param == "postgres":
        server = request.getfixturevalue("postgres")
        url = str(server.address("queue"))
    migrated(url)
    database = Database(url)
    yield database
    database.dispose()


@pytest.fixture
def person(database: Database) -> Person:
    return colleague(database, "triager")


def colleague(database: Database, role: str) -> Person:
    with database.write() as connection:
        return staff.add_person(
            connection, email=f"{role}@exemple.ca", name=f"Camille {role}", role=role
        )


@pytest.fixture
def case(database: Database) -> Case:
    """Makes a conversation and its case; gives its id. `lead` and `band` are asked for so long ago;
    what else is given are columns of the case that staff set."""
    made: list[str] = []

    def make(
        *said: str,
        language: str = "fr",
        channel: str = "web",
        at: datetime | None = None,
        lead: dict[str, Any] | None = None,
        band: str = "",
        lost: bool = False,
        tags: tuple[str, ...] = (),
        facets: tuple[tuple[str, str], ...] = (),
        staff_said: str = "",
        **own: Any,
    ) -> str:
        one, moment = f"case-{len(made):03}", at or now() - timedelta(hours=1)
        made.append(one)
        shared = {"conversation_id": one, "language": language}
        late = {"source_message_id": "m", "created_at": moment}
        with database.write() as connection:
            row = {"id": one, "token_hash": "", "channel": channel, "language": language}
            row |= {"position": len(said) or 1, "created_at": moment, "last_at": moment}
            connection.execute(insert(conversations).values(row))
            for number, words in enumerate(said, 1):
                message = {"id": f"m{number}", "position": number, "at": moment, "due_at": moment}
                message |= {"kind": "text", "text": words, "state": "done", **shared}
                connection.execute(insert(inbox).values(message))
            if staff_said:
                answer = {"id": f"o-{one}", "position": 99, "at": moment, **shared}
                told = {"role": "staff", "text": staff_said, "kind": "text"}
                connection.execute(insert(outbox).values({**answer, "content": told}))
            if lead is not None:
                given = {"kind": "interest", "reference": f"M-{len(made):06}", **lead}
                connection.execute(insert(leads).values(id=f"l-{one}", **late, **shared, **given))
            if band:
                result = {"version": "1", "answers": {}, "band": band, "gaps": []}
                row = {"id": f"a-{one}", **late, **shared, **result}
                connection.execute(insert(assessments).values(row))
            if lost:
                missed = {"text": "?", "outcome": "lost", "guesses": [], "key": "?"}
                row = {"id": f"u-{one}", **late, **shared, **missed}
                connection.execute(insert(unhandled).values(row))
            cases.project(connection, one, WEIGHTS)
            for tag in tags:
                connection.execute(insert(case_tags).values(conversation_id=one, tag=tag))
            cases._add_facets(connection, one, facets)
            if own:
                mine = cases_table.c.conversation_id == one
                connection.execute(update(cases_table).where(mine).values(**own))
        return one

    return make


def listed(database: Database, person: Person, /, **asked: Any) -> list[str]:
    with database.read() as connection:
        listing = read_queue(connection, Filters(**{"tab": "all", **asked}), person)
    return [entry.case.conversation_id for entry in listing.entries]


# --- what an address says


@pytest.mark.parametrize(
    "filters",
    [
        Filters(),
        Filters(tab="all", sort="waiting", page=7, search="à l'école & « & »"),
        Filters(since=date(2026, 1, 2), until=date(2026, 3, 4), person=True, due=True),
        Filters(owner="nobody", tag="à rappeler", topic="housing", band="ready", label="faq/cost"),
    ],
)
def test_an_address_brings_back_the_same_filters(filters: Filters) -> None:
    from urllib.parse import parse_qsl

    assert read_filters(dict(parse_qsl(filters.query(page=filters.page)))) == filters


def test_what_an_address_says_of_nothing_known_is_ignored() -> None:
    said = {"tab": "x", "sort": "'", "page": "-1", "since": "hier", "status": "lost", "person": "0"}
    said |= {"region": "ZZ", "topic": "<b>", "language": "de", "channel": "fax", "nonsense": "1"}
    assert read_filters(said) == Filters()
    assert read_filters({"page": "0"}).page == 1
    assert read_filters({"page": "9" * 40}).page == 1_000_000
    assert read_filters({"since": "0001-01-01"}) == Filters()
    assert read_filters({"search": " \0 "}) == Filters()


def test_another_filter_begins_at_the_first_page() -> None:
    assert "page" not in Filters(page=4).query(region="QC")
    assert Filters().query() == ""


# --- what is listed


def test_the_most_urgent_comes_first_and_says_why(
    database: Database, case: Case, person: Person
) -> None:
    case("bonjour")
    asked = case("une personne svp", lead={"kind": "person"})
    ready = case("prêts", lead={"name": "Ana"}, band="ready")
    assert listed(database, person)[:2] == [ready, asked]
    with database.read() as connection:
        [first, *_] = read_queue(connection, Filters(), person).entries
    assert first.case.priority == WEIGHTS["interest"] + WEIGHTS["ready"]
    assert first.opening == "prêts"


def test_a_conversation_in_which_nobody_spoke_is_no_case(
    database: Database, case: Case, person: Person
) -> None:
    case()
    assert listed(database, person) == []


def test_what_is_new_and_unread_comes_before_what_was_read(
    database: Database, case: Case, person: Person
) -> None:
    urgent, other, read_before = case("a", lead={"kind": "person"}), case("b"), case("c")
    with database.write() as connection:
        for one, position in ((urgent, 1), (read_before, 0)):
            row = {"conversation_id": one, "staff_id": person.id, "position": position}
            connection.execute(insert(case_reads).values(**row, at=now()))
    assert listed(database, person, tab="new")[-1] == urgent
    assert set(listed(database, person, tab="new")[:2]) == {other, read_before}
    with database.read() as connection:
        entries = read_queue(connection, Filters(), person).entries
    assert [entry.unread for entry in entries] == [True, True, False]
    assert listed(database, colleague(database, "admin"), tab="new")[0] == urgent


def test_pages_hold_every_case_once_also_where_read_ones_begin(
    database: Database, case: Case, person: Person
) -> None:
    ids = {case("bonjour") for _ in range(PAGE + 10)}
    with database.write() as connection:
        for one in sorted(ids)[:25]:
            row = {"conversation_id": one, "staff_id": person.id, "position": 1, "at": now()}
            connection.execute(insert(case_reads).values(row))
    pages = [listed(database, person, tab="new", page=page) for page in (1, 2)]
    assert [len(page) for page in pages] == [PAGE, 10]
    assert {*pages[0], *pages[1]} == ids
    assert set(pages[1]) <= set(sorted(ids)[:25])
    assert listed(database, person, tab="new", page=99) == pages[1]


def test_tabs_count_under_the_same_filters(database: Database, case: Case, person: Person) -> None:
    case("a", language="en")
    case("b")
    case("c", status="closed")
    case("d", status="waiting", owner_id=person.id)
    with database.read() as connection:
        counts = read_queue(connection, Filters(), person).counts
        english = read_queue(connection, Filters(language="en"), person).counts
    assert counts == {"new": 2, "mine": 1, "all": 4, "closed": 1}
    assert english == {"new": 1, "mine": 0, "all": 1, "closed": 0}


@pytest.mark.parametrize(
    ("asked", "made"),
    [
        ({"language": "en"}, {"language": "en"}),
        ({"channel": "slack"}, {"channel": "slack"}),
        ({"status": "waiting"}, {"status": "waiting"}),
        ({"band": "ready"}, {"band": "ready"}),
        ({"tag": "presse"}, {"tags": ("presse",)}),
        ({"topic": "housing"}, {"facets": (("topic", "housing"),)}),
        ({"region": "QC"}, {"facets": (("region", "QC"),)}),
        ({"label": "faq/cost"}, {"facets": (("label", "faq/cost"),)}),
        ({"person": True}, {"lead": {"kind": "person"}}),
        ({"missed": True}, {"lost": True}),
        ({"due": True}, {"follow_up_at": datetime(2026, 1, 1, tzinfo=timezone.utc)}),
    ],
    ids=str,
)
def test_a_filter_leaves_the_others_out(
    database: Database, case: Case, person: Person, asked: Any, made: Any
) -> None:
    case("bonjour", facets=(("topic", "youth"), ("region", "ON")), tags=("autre",))
    wanted = case("bonjour", **made)
    assert listed(database, person, **asked) == [wanted]


def test_owners_are_me_nobody_or_someone(database: Database, case: Case, person: Person) -> None:
    other = colleague(database, "admin")
    mine, theirs = case("a", owner_id=person.id), case("b", owner_id=other.id)
    nobodys = case("c")
    assert listed(database, person, owner="me") == [mine]
    assert listed(database, person, owner="nobody") == [nobodys]
    assert listed(database, person, owner=other.id) == [theirs]


def test_a_day_is_one_of_those_who_work_here(
    database: Database, case: Case, person: Person
) -> None:
    late = case("a", at=datetime(2026, 11, 24, 3, 30, tzinfo=timezone.utc))  # 22:30 the day before
    day = date(2026, 11, 23)
    assert listed(database, person, since=day, until=day) == [late]
    assert listed(database, person, since=day + timedelta(days=1)) == []


def test_other_orders_are_the_last_message_and_the_longest_wait(
    database: Database, case: Case, person: Person
) -> None:
    waits = case("a", lead={"kind": "person"}, at=now() - timedelta(days=9))
    short = case("b", lead={"kind": "person"}, at=now() - timedelta(days=1))
    newest = case("c")
    assert listed(database, person, sort="date") == [newest, short, waits]
    assert listed(database, person, sort="waiting") == [waits, short, newest]


def test_tags_are_offered_once_each(database: Database, case: Case) -> None:
    case("a", tags=("presse", "b"))
    case("c", tags=("presse",))
    with database.read() as connection:
        assert known_tags(connection) == ["b", "presse"]


# --- search


@pytest.mark.parametrize(
    "asked",
    ["évaluation", "EVALUATION", "evalu", "cout logement", "l'évaluation", "logement coût?"],
)
def test_words_are_found_whatever_their_accents_and_by_their_beginning(
    database: Database, case: Case, person: Person, asked: str
) -> None:
    case("rien à voir")
    wanted = case("C'est quoi l'évaluation?", "et le coût du logement")
    assert listed(database, person, search=asked) == [wanted]


def test_what_was_given_of_oneself_is_found_by_those_who_may_see_it(
    database: Database, case: Case, person: Person
) -> None:
    lead = {"name": "Zoé Hébert", "email": "zoe.hebert@exemple.org", "reference": "M-ABC234"}
    wanted = case("bonjour", lead=lead)
    for asked in ("hebert", "zoe.hebert@exemple.org", "m-abc234"):
        assert listed(database, person, search=asked) == [wanted]
    viewer = colleague(database, "viewer")
    assert listed(database, viewer, search="hebert") == []
    assert listed(database, viewer, search="bonjour") == [wanted]


def test_what_staff_said_is_found_and_what_the_assistant_says_to_all_is_not(
    database: Database, case: Case, person: Person
) -> None:
    wanted = case("bonjour", staff_said="Voici le formulaire")
    assert listed(database, person, search="formulaire") == [wanted]


def test_what_was_said_later_is_found_too(database: Database, case: Case, person: Person) -> None:
    one = case("bonjour")
    message = {"id": "m9", "position": 9, "at": now(), "due_at": now(), "kind": "text"}
    message |= {"text": "zeppelin", "state": "done", "language": "fr", "conversation_id": one}
    with database.write() as connection:
        connection.execute(insert(inbox).values(message))
        cases.project(connection, one, WEIGHTS)
    assert listed(database, person, search="zeppelin") == [one]


def test_many_matches_are_found_as_few_are(
    database: Database, case: Case, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = {case("bonjour") for _ in range(3)}
    monkeypatch.setattr(search, "FEW", 1)
    assert set(listed(database, person, search="bonjour")) == ids
    assert listed(database, person, search="bonjour", language="en") == []


@pytest.mark.parametrize(
    "asked",
    [
        '"',
        "* OR a",
        "said:",
        "NEAR(a b)",
        "a AND",
        "-",
        "(",
        "'; DROP TABLE cases; --",
        "!",
        "a & |",
    ],
)
def test_what_is_typed_is_never_the_searchs_syntax(
    database: Database, case: Case, person: Person, asked: str
) -> None:
    case("bonjour tout le monde")
    assert listed(database, person, search=asked) == []


@pytest.fixture(scope="module")
def anything(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Database, Person]]:
    url = f"sqlite:///{tmp_path_factory.mktemp('search') / 'search.db'}"
    migrated(url)
    database = Database(url)
    yield database, colleague(database, "triager")
    database.dispose()


@given(st.text(max_size=60))
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_nothing_that_is_typed_breaks_a_search(
    anything: tuple[Database, Person], typed: str
) -> None:
    database, person = anything
    assert listed(database, person, search=typed.replace("\0", "")) == []


def test_an_erased_conversation_is_found_no_more(
    database: Database, case: Case, person: Person
) -> None:
    one = case("zeppelin")
    with database.erase() as connection:
        counts = privacy.erase_conversation(connection, one, "web")
    assert counts["case_texts"] == 1
    assert listed(database, person, search="zeppelin") == []
    with database.read() as connection:
        assert connection.execute(select(case_texts)).all() == []
        if database.engine.dialect.name == "sqlite":
            match = text("SELECT rowid FROM case_search WHERE case_search MATCH 'zeppelin'")
            assert connection.execute(match).all() == []


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_erased_words_leave_the_file_of_sqlite(
    database: Database, case: Case, tmp_path: Path
) -> None:
    def written() -> bytes:
        return b"".join(path.read_bytes() for path in tmp_path.glob("queue.db*"))

    case("bonjour")
    one = case("mot zeppelin")
    assert b"zeppelin" in written()
    with database.erase() as connection:
        privacy.erase_conversation(connection, one, "web")
    assert b"zeppelin" not in written()


def test_making_all_cases_again_makes_the_same(
    database: Database, case: Case, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = case("zeppelin", lead={"kind": "person"})
    case("bonjour", status="waiting")
    monkeypatch.setattr(cases, "AT_ONCE", 1)

    def everything() -> list[Any]:
        with database.read() as connection:
            tables = (cases_table, case_texts)
            return [sorted(map(tuple, connection.execute(select(table)))) for table in tables]

    before = everything()
    assert list(cases.rebuild(database, WEIGHTS)) == [1, 2]
    assert str(everything()) == str(before)
    with database.write() as connection:
        connection.execute(case_texts.delete())
    assert listed(database, person, search="zeppelin") == []
    list(cases.rebuild(database, WEIGHTS))
    assert listed(database, person, search="zeppelin") == [one]


# --- saved views


def test_a_view_is_its_persons_own_and_a_name_holds_one(database: Database, person: Person) -> None:
    other = colleague(database, "admin")
    with database.write() as connection:
        saved_views.save_view(connection, person, "  Mes   urgences ", "tab=mine")
        saved_views.save_view(connection, person, "Mes urgences", "tab=all")
        [view] = saved_views.views_of(connection, person)
        assert (view.name, view.query) == ("Mes urgences", "tab=all")
        assert saved_views.views_of(connection, other) == []
        assert not saved_views.delete_view(connection, other, view.id)
        assert saved_views.delete_view(connection, person, view.id)
        assert saved_views.views_of(connection, person) == []
        actions = list(connection.execute(select(audit.c.action)).scalars())
    assert actions == ["view.saved", "view.saved", "view.deleted"]


@pytest.mark.parametrize("name", ["", "   ", "x" * 81])
def test_a_view_without_a_fit_name_is_refused(
    database: Database, person: Person, name: str
) -> None:
    with database.write() as connection, pytest.raises(StaffError, match="view_unnamed"):
        saved_views.save_view(connection, person, name, "")


def test_nobody_keeps_views_without_end(database: Database, person: Person) -> None:
    with database.write() as connection:
        for number in range(saved_views.MOST):
            saved_views.save_view(connection, person, str(number), "")
        with pytest.raises(StaffError, match="view_too_many"):
            saved_views.save_view(connection, person, "one more", "")
        saved_views.save_view(connection, person, "0", "tab=all")


# --- the cases beside one


def beside(database: Database, person: Person, one: str, **asked: Any) -> Neighbours:
    with database.read() as connection:
        return neighbours(connection, Filters(**{"tab": "all", **asked}), person, one)


@pytest.mark.parametrize("sort", ["priority", "date", "waiting"])
def test_from_case_to_case_one_walks_the_queue_both_ways(
    database: Database, person: Person, case: Case, sort: str
) -> None:
    earlier = now() - timedelta(days=2)
    for at in (now() - timedelta(hours=1), earlier):
        case("un", at=at, lead={})
        case("deux", at=at)
        case("trois", at=at, band="ready")
        case("quatre", at=at, lead={})
    ids = listed(database, person, sort=sort)
    assert len(ids) == 8
    for before, one, after in zip(["", *ids], ids, [*ids[1:], ""], strict=False):
        assert beside(database, person, one, sort=sort) == Neighbours(before, after)


def test_the_cases_beside_one_are_those_that_the_filters_find(
    database: Database, person: Person, case: Case
) -> None:
    first, other, last = (case("logement"), case("transport", language="en"), case("logement"))
    assert beside(database, person, other, search="logement") == Neighbours(last, first)
    assert beside(database, person, first, language="fr") == Neighbours(last, "")


def test_a_case_that_has_left_the_tab_still_has_its_place(
    database: Database, person: Person, case: Case
) -> None:
    last, taken, first = case("a"), case("b", status="in_progress", owner_id=person.id), case("c")
    assert beside(database, person, taken, tab="new") == Neighbours(first, last)
    assert beside(database, person, "unknown") == Neighbours()
