"""Accounts of staff: roles, passwords, lock-out, sessions, the second factor, admins."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyotp
import pytest
from argon2 import Type, extract_parameters
from schemas import migrated
from sqlalchemy import select, update

from mobilis import accounts, audit, second_factor, staff
from mobilis.errors import StaffError
from mobilis.models import staff as staff_table
from mobilis.models import staff_recovery_codes, staff_sessions
from mobilis.staff import RIGHTS, Person
from mobilis.staff_commands import ROLES
from mobilis.store import Database, now

pytestmark = pytest.mark.door

PASSWORD = "une phrase de passe assez longue"


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    if request.param == "postgres":
        url = str(request.getfixturevalue("postgres").address("staff"))
    else:
        url = f"sqlite:///{tmp_path_factory.mktemp('staff') / 'staff.db'}"
    migrated(url)
    return url


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    database = Database(url)
    with database.write() as connection:
        connection.execute(staff_table.delete())
    yield database
    database.dispose()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """Time stands still, but for what passes by this."""
    began, passed = now(), timedelta()

    def moment() -> datetime:
        return began + passed

    for module in (staff, second_factor, accounts):
        monkeypatch.setattr(module, "now", moment)

    def wait(more: timedelta) -> None:
        nonlocal passed
        passed += more

    return wait


@pytest.fixture
def add(database: Database) -> Callable[..., Person]:
    def one(role: str = "triager", email: str = "", **more: Any) -> Person:
        given = {"email": email or f"{role}@exemple.ca", "name": "Camille", "role": role}
        with database.write() as connection:
            return staff.add_person(connection, **{**given, "password": PASSWORD, **more})

    return one


def attempt(database: Database, email: str, password: str = PASSWORD) -> Person | None:
    """Sign in as the console does."""
    with database.read() as connection:
        known = staff.known_hash(connection, email)
    right = staff.is_password(known, password)
    with database.write() as connection:
        person = staff.settle_password(connection, email, known if right else None)
        if person and not person.has_second_factor:
            staff.note_sign_in(connection, person.id)
        return person


def session(database: Database, person: Person) -> str:
    with database.write() as connection:
        return staff.open_session(connection, person)


def is_open(database: Database, token: str) -> bool:
    with database.read() as connection:
        return staff.find_session(connection, token) is not None


# --- roles


def test_each_role_holds_the_rights_of_those_before_it() -> None:
    assert tuple(RIGHTS) == ("viewer", "triager", "exporter", "admin") == ROLES
    rights = list(RIGHTS.values())
    assert all(rights[place] < rights[place + 1] for place in range(3))
    assert rights[0] == {"read"}


@pytest.mark.parametrize("right", ["read", "act", "export", "admin", "anyone", "", "fly"])
def test_what_is_not_allowed_is_refused(right: str) -> None:
    def person(role: str, active: bool = True) -> Person:
        return Person("1", "a@b.ca", "A", role, "fr", active)

    assert not person("owner").may(right)
    assert not person("").may(right)
    assert not person("admin", active=False).may(right)
    assert person("admin").may(right) is (right in RIGHTS["admin"])


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"email": "camille"}, "email"),
        ({"email": "camille@exemple"}, "email"),
        ({"email": "a b@exemple.ca"}, "email"),
        ({"email": f"{'x' * 65}@exemple.ca"}, "email"),
        ({"email": f"x@{'x' * 250}.ca"}, "email"),
        ({"role": "owner"}, "role"),
        ({"language": "es"}, "language"),
        ({"name": " "}, "name"),
        ({"name": "x" * 121}, "name"),
        ({"name": "Camille\u202e"}, "name"),
        ({"password": "elevenchars"}, "password"),
        ({"email": " TRIAGER@exemple.ca "}, "taken"),
    ],
    ids=str,
)
def test_an_account_that_will_not_do_is_refused(add, changes, field) -> None:
    add()
    with pytest.raises(StaffError) as refused:
        add(**{"email": "autre@exemple.ca", **changes})
    assert refused.value.field == field


def test_an_address_is_kept_in_lower_case_and_a_name_without_needless_blanks(add) -> None:
    person = add(email=" Camille@Exemple.CA ", name="  Camille   Tremblay ")
    assert (person.email, person.name) == ("camille@exemple.ca", "Camille Tremblay")


# --- passwords


@pytest.fixture
def dear_passwords(quick_passwords, monkeypatch) -> None:
    monkeypatch.setattr(staff, "_hasher", quick_passwords)


def test_passwords_are_argon2id_with_the_parameters_of_rfc_9106_and_their_own_salt(
    dear_passwords,
) -> None:
    first, second = staff.hash_password(PASSWORD), staff.hash_password(PASSWORD)
    assert first != second
    found = extract_parameters(first)
    assert found.type is Type.ID
    assert (found.memory_cost, found.time_cost, found.parallelism) == (65_536, 3, 4)
    assert (found.salt_len, found.hash_len) == (16, 32)


def test_the_right_password_is_right_and_others_are_not(database, add) -> None:
    person = add()
    assert attempt(database, " Triager@exemple.ca") == person
    for wrong in ("", PASSWORD.upper(), PASSWORD + " ", "\ud800", "x" * 50_000):
        assert attempt(database, person.email, wrong) is None


def test_an_unknown_address_takes_the_time_of_a_hash(
    dear_passwords, database, add, monkeypatch
) -> None:
    add(email="sans@exemple.ca", password=None)
    verified: list[str] = []
    hasher = staff._hasher()

    class Watched:
        def verify(self, known: str, password: str) -> bool:
            verified.append(known)
            return hasher.verify(known, password)

    monkeypatch.setattr(staff, "_hasher", Watched)
    staff._nobodys_hash.cache_clear()
    monkeypatch.setattr(staff, "_nobodys_hash", lambda: hasher.hash("nobody's"))
    for email in ("personne@exemple.ca", "sans@exemple.ca", ""):
        assert attempt(database, email) is None
    assert len(verified) == 3
    assert all(extract_parameters(known).memory_cost == 65_536 for known in verified)


def test_a_hash_that_is_none_matches_nothing() -> None:
    assert not staff.is_password("not a hash", PASSWORD)


def test_a_password_that_was_changed_while_it_was_checked_is_not_right(database, add) -> None:
    person = add()
    with database.read() as connection:
        known = staff.known_hash(connection, person.email)
    with database.write() as connection:
        accounts.choose_password(connection, person, staff.hash_password("une autre phrase"))
        assert staff.settle_password(connection, person.email, known) is None


def test_five_failures_lock_an_account_for_a_quarter_of_an_hour(database, add, clock) -> None:
    person = add()
    for _ in range(staff.MOST_FAILURES):
        assert attempt(database, person.email, "wrong") is None
    assert attempt(database, person.email) is None
    clock(staff.LOCKED_FOR - timedelta(seconds=1))
    assert attempt(database, person.email) is None
    clock(timedelta(seconds=2))
    assert attempt(database, person.email) == person


def test_failures_before_a_sign_in_count_no_more(database, add) -> None:
    person = add()
    for _ in range(3):
        for _ in range(staff.MOST_FAILURES - 1):
            assert attempt(database, person.email, "wrong") is None
        assert attempt(database, person.email) == person


def test_trying_while_it_is_locked_does_not_make_it_longer(database, add, clock) -> None:
    person = add()
    for _ in range(staff.MOST_FAILURES + 4):
        attempt(database, person.email, "wrong")
    clock(staff.LOCKED_FOR + timedelta(seconds=1))
    assert attempt(database, person.email) == person


def test_a_closed_account_does_not_open(database, add) -> None:
    admin, person = add("admin"), add()
    token = session(database, person)
    with database.write() as connection:
        accounts.set_active(connection, admin, person.id, False)
    assert attempt(database, person.email) is None
    assert not is_open(database, token)
    with database.write() as connection:
        accounts.set_active(connection, admin, person.id, True)
    assert attempt(database, person.email)
    assert not is_open(database, token)


# --- sessions


def test_only_the_hash_of_a_session_is_kept(database, add) -> None:
    token = session(database, add())
    with database.read() as connection:
        [row] = connection.execute(select(staff_sessions)).all()
    assert token not in str(row)
    assert row.id == staff.hash_token(token)
    assert not is_open(database, row.id)
    assert not is_open(database, "")


def test_a_session_ends_when_nobody_uses_it(database, add, clock) -> None:
    token = session(database, add())
    for _ in range(2):
        clock(staff.IDLE - timedelta(minutes=1))
        assert is_open(database, token)
        with database.write() as connection:
            staff.touch_session(connection, staff.find_session(connection, token))
    clock(staff.IDLE + timedelta(seconds=1))
    assert not is_open(database, token)


def test_a_session_ends_after_a_day_even_in_use(database, add, clock) -> None:
    token = session(database, add())
    for _ in range(4):
        clock(timedelta(hours=5, minutes=59))
        assert is_open(database, token)
        with database.write() as connection:
            staff.touch_session(connection, staff.find_session(connection, token))
    clock(timedelta(minutes=5))
    assert not is_open(database, token)


def test_sessions_that_have_ended_are_swept(database, add, clock) -> None:
    person = add()
    session(database, person)
    clock(staff.LONGEST + timedelta(seconds=1))
    session(database, person)
    with database.read() as connection:
        assert len(connection.execute(select(staff_sessions)).all()) == 1


@pytest.mark.parametrize("what", ["role", "password", "reset", "second factor", "everywhere"])
def test_sessions_end_with_what_they_were_opened_with(database, add, what) -> None:
    admin, person = add("admin"), add()
    tokens = [session(database, person) for _ in range(2)]
    with database.write() as connection:
        half_way = staff.begin_sign_in(connection, person)
        if what == "role":
            accounts.change_role(connection, admin, person.id, "viewer")
        elif what == "password":
            accounts.choose_password(connection, person, staff.hash_password("une autre phrase"))
        elif what == "reset":
            accounts.reset_password(connection, admin, person.id)
        elif what == "second factor":
            accounts.reset_second_factor(connection, admin, person.id)
        else:
            accounts.sign_out_everywhere(connection, admin, person.id)
    assert [is_open(database, token) for token in tokens] == [False, False]
    with database.read() as connection:
        assert staff.find_sign_in(connection, half_way) is None


def test_a_sign_in_half_way_lasts_ten_minutes_and_opens_no_session(database, add, clock) -> None:
    person = add()
    with database.write() as connection:
        token = staff.begin_sign_in(connection, person)
        assert staff.find_sign_in(connection, token) == person
        assert staff.find_session(connection, token) is None
    clock(staff.SIGN_IN_LASTS + timedelta(seconds=1))
    with database.write() as connection:
        assert staff.find_sign_in(connection, token) is None


# --- one-time passwords


def test_a_one_time_password_must_be_changed_and_is_good_for_a_week(database, clock) -> None:
    with database.write() as connection:
        person, password = accounts.invite(
            connection, audit.COMMAND, email="n@exemple.ca", name="N", role="viewer"
        )
    assert len(password) >= 20
    assert attempt(database, person.email, password).must_choose_password
    clock(accounts.ONE_TIME_LASTS + timedelta(seconds=1))
    assert attempt(database, person.email, password) is None
    with database.write() as connection:
        again = accounts.reset_password(connection, None, person.id)
    assert again != password
    found = attempt(database, person.email, again)
    with database.write() as connection:
        accounts.choose_password(connection, found, staff.hash_password(PASSWORD))
    assert not attempt(database, person.email).must_choose_password
    assert attempt(database, person.email, again) is None


def test_an_account_for_the_provider_alone_has_no_password(database) -> None:
    with database.write() as connection:
        person, password = accounts.invite(
            connection,
            audit.COMMAND,
            email="n@exemple.ca",
            name="N",
            role="viewer",
            with_password=False,
        )
    assert (password, person.has_password, person.must_choose_password) == ("", False, False)


def test_a_database_without_staff_gets_one_admin_once(database) -> None:
    with database.write() as connection:
        password = accounts.first_admin(connection)
        assert accounts.first_admin(connection) is None
    person = attempt(database, accounts.FIRST_ADMIN, password)
    assert (person.role, person.must_choose_password) == ("admin", True)


# --- what admins change


def test_nobody_changes_their_own_rights(database, add) -> None:
    admin, _ = add("admin"), add("admin", email="second@exemple.ca")
    deeds = (
        (accounts.change_role, ("viewer",)),
        (accounts.set_active, (False,)),
        (accounts.reset_password, ()),
        (accounts.reset_second_factor, ()),
    )
    for deed, more in deeds:
        with database.write() as connection, pytest.raises(StaffError) as refused:
            deed(connection, admin, admin.id, *more)
        assert refused.value.field == "own"


def test_somebody_who_is_not_there_cannot_be_changed(database, add) -> None:
    admin = add("admin")
    for deed, more in ((accounts.change_role, ("viewer",)), (accounts.sign_out_everywhere, ())):
        with database.write() as connection, pytest.raises(StaffError) as refused:
            deed(connection, admin, "nobody", *more)
        assert refused.value.field == "unknown"


@pytest.mark.parametrize("deed", ["role", "close"])
def test_the_last_admin_stays_even_when_two_take_each_others_rights_at_once(
    database, add, deed
) -> None:
    one, two = add("admin"), add("admin", email="second@exemple.ca")
    refused, barrier = [], threading.Barrier(2)

    def change(by: Person, whom: Person) -> None:
        barrier.wait()
        try:
            with database.write() as connection:
                if deed == "role":
                    accounts.change_role(connection, by, whom.id, "viewer")
                else:
                    accounts.set_active(connection, by, whom.id, False)
        except StaffError as error:
            refused.append(error.field)

    threads = [threading.Thread(target=change, args=pair) for pair in ((one, two), (two, one))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert refused == ["last_admin"]
    with database.read() as connection:
        left = [person for person in staff.everyone(connection) if person.may("admin")]
    assert len(left) == 1


def test_every_deed_is_in_the_audit_log(database, add) -> None:
    admin, person = add("admin"), add()
    with database.write() as connection:
        before = audit.last(connection)
        accounts.change_role(connection, admin, person.id, "viewer")
        accounts.set_active(connection, admin, person.id, False)
        accounts.set_active(connection, admin, person.id, True)
        accounts.reset_password(connection, admin, person.id)
        accounts.reset_second_factor(connection, admin, person.id)
        accounts.sign_out_everywhere(connection, admin, person.id)
        accounts.change_profile(connection, person, "Noor", "en")
        rows = audit.find(connection, audit.Search(), 7)
    assert [(row.action, row.actor) for row in reversed(rows)] == [
        ("staff.role", admin.id),
        ("staff.closed", admin.id),
        ("staff.opened", admin.id),
        ("staff.password_reset", admin.id),
        ("staff.second_factor_reset", admin.id),
        ("staff.sessions_ended", admin.id),
        ("staff.profile", person.id),
    ]
    assert before is None or rows[-1].number == before.number + 1
    assert {row.subject for row in rows} == {f"staff:{person.id}"}


# --- the second factor


@pytest.fixture
def secret(database, add) -> tuple[Person, str, list[str]]:
    """Someone with a second factor, its secret and the recovery codes."""
    person = add()
    with database.write() as connection:
        secret = second_factor.prepare(connection, person)
        codes = second_factor.switch_on(connection, person, pyotp.TOTP(secret).now())
        assert codes is not None
        found = staff.find_person(connection, person.id)
    assert found.has_second_factor
    return found, secret, codes


def code(secret: str, steps: int = 0) -> str:
    moment = int(second_factor.now().timestamp())
    return pyotp.TOTP(secret).at(moment + steps * second_factor.STEP_SECONDS)


def check(database: Database, person: Person, given: str) -> bool:
    with database.write() as connection:
        return second_factor.check(connection, person, given)


def test_a_code_is_good_once_and_so_are_earlier_ones_not(database, secret, clock) -> None:
    person, key, _ = secret
    clock(timedelta(minutes=2))
    assert check(database, person, code(key, 1))  # a clock that is ahead
    assert not check(database, person, code(key, 1))
    assert not check(database, person, code(key))
    clock(timedelta(minutes=1))
    assert check(database, person, f" {code(key)[:3]} {code(key)[3:]} ")


@pytest.mark.parametrize("given", ["", "000000 ", "abc", "１２３４５６", "\ud800"])
def test_what_is_no_code_is_refused(database, secret, given) -> None:
    assert not check(database, secret[0], given)


def test_codes_of_clocks_too_far_apart_are_refused(database, secret, clock) -> None:
    person, key, _ = secret
    clock(timedelta(minutes=5))
    assert not check(database, person, code(key, 2))
    assert not check(database, person, code(key, -2))
    assert check(database, person, code(key, -1))


def test_wrong_codes_lock_the_account_and_the_password_gives_no_more_tries(
    database, secret, clock
) -> None:
    person, key, codes = secret
    clock(timedelta(minutes=2))
    for _ in range(staff.MOST_FAILURES - 1):
        assert not check(database, person, "abc")
        assert attempt(database, person.email)  # the password is right each time
    assert not check(database, person, "abc")
    assert attempt(database, person.email) is None
    assert not check(database, person, code(key))
    assert not check(database, person, codes[0])
    clock(staff.LOCKED_FOR + timedelta(seconds=1))
    assert check(database, person, code(key))


def test_recovery_codes_are_hashed_and_good_once(database, secret) -> None:
    person, _, codes = secret
    assert len(set(codes)) == second_factor.RECOVERY_CODES
    with database.read() as connection:
        kept = str(connection.execute(select(staff_recovery_codes)).all())
        assert second_factor.codes_left(connection, person) == 10
    assert not any(one in kept or one.replace("-", "") in kept for one in codes)
    assert check(database, person, codes[0].upper().replace("-", " "))
    assert not check(database, person, codes[0])
    with database.write() as connection:
        assert second_factor.codes_left(connection, person) == 9
        again = second_factor.new_recovery_codes(connection, person)
    assert not check(database, person, codes[1])
    assert check(database, person, again[1])


def test_a_recovery_code_is_nobody_elses(database, secret, add) -> None:
    _, _, codes = secret
    other = add("viewer")
    with database.write() as connection:
        key = second_factor.prepare(connection, other)
        second_factor.switch_on(connection, other, pyotp.TOTP(key).now())
    assert not check(database, other, codes[0])


def test_it_is_in_force_only_once_a_code_has_proven_it(database, add) -> None:
    person = add()
    with database.write() as connection:
        assert second_factor.switch_on(connection, person, "123456") is None
        first = second_factor.prepare(connection, person)
        second = second_factor.prepare(connection, person)
        assert second_factor.prepared(connection, person) == second != first
        assert second_factor.switch_on(connection, person, pyotp.TOTP(first).now()) is None
        assert not staff.find_person(connection, person.id).has_second_factor
        assert second_factor.switch_on(connection, person, pyotp.TOTP(second).now())
        assert second_factor.switch_on(connection, person, pyotp.TOTP(second).now()) is None
        assert not second_factor.check(connection, person, pyotp.TOTP(second).now())


def test_switched_off_nothing_of_it_is_left(database, secret) -> None:
    person, _, codes = secret
    with database.write() as connection:
        second_factor.switch_off(connection, person.id)
        row = connection.execute(select(staff_table)).one()
        assert (row.totp_secret, row.totp_step, row.totp_pending) == (None, None, None)
        assert second_factor.codes_left(connection, person) == 0
    assert not check(database, person, codes[0])


def test_the_picture_says_whose_key_it_is(add) -> None:
    person = add()
    address = second_factor.address(person, pyotp.random_base32())
    assert address.startswith("otpauth://totp/mobilis:triager%40exemple.ca?")
    assert second_factor.picture(person, pyotp.random_base32()).startswith("data:image/svg+xml")


# --- the schema


def test_making_the_schema_newer_keeps_sessions(tmp_path: Path) -> None:
    from alembic import command
    from alembic.config import Config

    from mobilis.settings import ROOT

    url = f"sqlite:///{tmp_path / 'old.db'}"
    migrated(url)
    database = Database(url)
    with database.write() as connection:
        person = staff.add_person(
            connection, email="a@exemple.ca", name="A", role="admin", password=PASSWORD
        )
        token = staff.open_session(connection, person)
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    with database.write() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0004")
        command.upgrade(config, "head")
    assert is_open(database, token)
    with database.write() as connection:
        connection.execute(update(staff_table).values(provider="x", provider_subject="y"))
    database.dispose()
