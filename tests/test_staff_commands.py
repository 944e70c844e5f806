"""`mobilis staff …` and `mobilis audit …`: what they print, and what they refuse in a sentence."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from mobilis import accounts, audit, second_factor, staff
from mobilis.cli import main
from mobilis.settings import Settings
from mobilis.staff_commands import welcome
from mobilis.store import Database

pytestmark = pytest.mark.door

ADD = ["staff", "add", "Camille@exemple.ca", "--name", "Camille", "--role", "triager"]


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    for variable in [name for name in os.environ if name.startswith("MOBILIS_")]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("DATABASE_URL", "")
    monkeypatch.setenv("MOBILIS_DATA_DIR", str(tmp_path / "var"))
    assert main(["migrate"]) == 0
    database = Database(f"sqlite:///{tmp_path / 'var' / 'mobilis.db'}")
    yield database
    database.dispose()


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    capsys.readouterr()
    assert main(list(arguments)) == 0
    return capsys.readouterr().out.splitlines()


def failed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    assert main(list(arguments)) == 1
    found = capsys.readouterr()
    assert found.out == ""
    return found.err.strip().removeprefix("mobilis: ")


def is_password(database: Database, email: str, password: str) -> bool:
    with database.read() as connection:
        return staff.is_password(staff.known_hash(connection, email), password)


def test_an_account_is_added_with_a_one_time_password(database, capsys) -> None:
    first, second = printed(capsys, *ADD, "--language", "en")
    assert first == "camille@exemple.ca can sign in within 7 days, and then chooses a password"
    assert is_password(database, "camille@exemple.ca", second.removeprefix("one-time password: "))
    with database.read() as connection:
        person = staff.find_by_email(connection, "camille@exemple.ca")
        [row] = audit.entries(connection)
    assert (person.role, person.language, person.must_choose_password) == ("triager", "en", True)
    assert (row.actor, row.action) == ("command", "staff.invited")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (ADD, "somebody of staff has the address Camille@exemple.ca already"),
        ([*ADD[:2], "camille", *ADD[3:]], "staff: this email will not do"),
        ([*ADD[:2], "b@exemple.ca", "--name", " ", *ADD[5:]], "staff: this name will not do"),
    ],
    ids=str,
)
def test_an_account_that_will_not_do_is_one_sentence(database, capsys, arguments, sentence) -> None:
    printed(capsys, *ADD)
    assert failed(capsys, *arguments) == sentence


def test_a_role_that_there_is_not_is_refused_with_the_usage(database, capsys) -> None:
    with pytest.raises(SystemExit):
        main([*ADD[:-1], "owner"])
    assert "invalid choice: 'owner'" in capsys.readouterr().err


def test_accounts_are_listed(database, capsys) -> None:
    assert printed(capsys, "staff", "list") == []
    printed(capsys, *ADD)
    assert printed(capsys, "staff", "list") == ["camille@exemple.ca\tCamille\ttriager\tfr\tactive"]


def test_a_reset_gives_another_password_and_takes_the_second_factor_away(database, capsys) -> None:
    _, first = printed(capsys, *ADD)
    with database.write() as connection:
        person = staff.find_by_email(connection, "camille@exemple.ca")
        secret = second_factor.prepare(connection, person)
        code = second_factor.pyotp.TOTP(secret).now()
        assert second_factor.switch_on(connection, person, code)
    _, second = printed(capsys, "staff", "reset", "CAMILLE@exemple.ca")
    assert second != first
    assert is_password(database, "camille@exemple.ca", second.removeprefix("one-time password: "))
    with database.read() as connection:
        assert not staff.find_by_email(connection, "camille@exemple.ca").has_second_factor


def test_resetting_nobody_is_one_sentence(database, capsys) -> None:
    sentence = "nobody of staff has the address x@exemple.ca"
    assert failed(capsys, "staff", "reset", "x@exemple.ca") == sentence


def test_a_log_that_holds_says_what_to_note(database, capsys) -> None:
    assert printed(capsys, "audit", "verify") == ["the audit log holds: 0 entries"]
    printed(capsys, *ADD)
    first, second = printed(capsys, "audit", "verify")
    assert first == "the audit log holds: 1 entries"
    noted = second.rpartition(" ")[2]
    assert printed(capsys, "audit", "verify", "--noted", noted) == [first, second]
    other = f"1:{'0' * 64}"
    assert failed(capsys, "audit", "verify", "--noted", other) == (
        "the audit log does not hold: entry 1 is not the one that was noted"
    )


def test_a_log_that_breaks_names_the_first_entry(database, capsys) -> None:
    for number in range(3):
        with database.write() as connection:
            audit.record(connection, "someone", "case.read", f"case:{number}")
    with database.write() as connection:
        connection.execute(text("DROP TRIGGER audit_no_update"))
        connection.execute(text("UPDATE audit SET actor = 'x' WHERE number > 1"))
    sentence = "the audit log does not hold: entry 2 was changed"
    assert failed(capsys, "audit", "verify") == sentence


@pytest.mark.parametrize("noted", ["x", "1", "1:abc", f"x:{'0' * 64}"])
def test_what_was_not_noted_that_way_is_one_sentence(database, capsys, noted) -> None:
    assert failed(capsys, "audit", "verify", "--noted", noted).startswith("--noted: ")


def test_a_new_installation_is_told_its_first_account_once(database, capsys, tmp_path) -> None:
    settings = replace(Settings(), data_dir=tmp_path / "var", log_format="text")
    capsys.readouterr()
    welcome(settings)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith(f"http://127.0.0.1:8000/console: sign in as {accounts.FIRST_ADMIN}")
    password = lines[1].split()[4]
    assert is_password(database, accounts.FIRST_ADMIN, password)
    welcome(settings)
    assert capsys.readouterr().out == ""


def test_a_log_is_told_how_to_get_a_password_and_none(database, capsys, tmp_path) -> None:
    settings = replace(Settings(), data_dir=tmp_path / "var", log_format="json")
    capsys.readouterr()
    welcome(settings)
    [line] = capsys.readouterr().out.splitlines()
    assert json.loads(line)["message"].endswith(f": mobilis staff reset {accounts.FIRST_ADMIN}")
    assert "password" not in line
