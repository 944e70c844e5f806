"""Secrets: as files, refused when anybody could guess or read them, and never shown."""

from __future__ import annotations

import re
import secrets
from dataclasses import fields
from pathlib import Path

import pytest

from mobilis import settings as module
from mobilis.errors import SettingError
from mobilis.secret_files import FEWEST_KINDS, SHORTEST, is_placeholder
from mobilis.settings import ROOT, SECRETS, Settings, load_settings, variable_of

pytestmark = pytest.mark.pure

PUBLIC = {"MOBILIS_PUBLIC_URL": "https://chat.example.org"}
STRONG = "kP3vXw9RzT5mQ8nB2cF7"
GUESSED = "Change-Me-Please-Now"
ADDRESSES = {"DATABASE_URL": "postgresql://u:{}@h/n", "MOBILIS_SMTP_URL": "smtps://u:{}@h"}


def given(variable: str, secret: str) -> dict[str, str]:
    return {variable: ADDRESSES.get(variable, "{}").format(secret)}


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text(f"{STRONG}\n")
    path.chmod(0o600)
    return path


def refusal(environ: dict[str, str]) -> str:
    with pytest.raises(SettingError) as error:
        load_settings(environ)
    return str(error.value)


def test_what_is_called_secret_password_or_token_is_one() -> None:
    names = {field.name for field in fields(Settings)}
    sounding = {name for name in names if re.search(r"secret|password|token|key", name)}
    assert {variable_of(name) for name in sounding} | set(ADDRESSES) == set(SECRETS)


@pytest.mark.parametrize("variable", SECRETS)
def test_every_secret_may_be_a_file(variable: str, secret_file: Path) -> None:
    loaded = load_settings({f"{variable}_FILE": str(secret_file)})
    assert loaded == load_settings({variable: STRONG})


def test_no_other_setting_may_be_a_file(secret_file: Path) -> None:
    assert "there is no such setting" in refusal({"MOBILIS_PORT_FILE": str(secret_file)})


def test_a_secret_is_given_once(secret_file: Path) -> None:
    both = {"MOBILIS_SECRET": STRONG, "MOBILIS_SECRET_FILE": str(secret_file)}
    assert refusal(both) == "MOBILIS_SECRET: it is given twice, also as MOBILIS_SECRET_FILE"


def test_an_empty_value_beside_a_file_is_none(secret_file: Path) -> None:
    loaded = load_settings({"MOBILIS_SECRET": "", "MOBILIS_SECRET_FILE": str(secret_file)})
    assert loaded.secret == STRONG
    assert load_settings({"MOBILIS_SECRET_FILE": ""}) == Settings()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"one secret\nand another", "holds more than one line with a secret"),
        (b"nul\0", "holds more than one line with a secret"),
        (b"x" * 70_000, "holds more than one line with a secret"),
        (b"\xff\xfe", "is not text in UTF-8"),
    ],
)
def test_a_file_that_holds_no_secret_is_refused_without_showing_it(
    secret_file: Path, content: bytes, why: str
) -> None:
    secret_file.write_bytes(content)
    expected = f"MOBILIS_SECRET_FILE: {secret_file} {why}"
    assert refusal({"MOBILIS_SECRET_FILE": str(secret_file)}) == expected


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    expected = f"DATABASE_URL_FILE: {missing} cannot be read: No such file or directory"
    assert refusal({"DATABASE_URL_FILE": str(missing)}) == expected
    assert "cannot be read: Is a directory" in refusal({"MOBILIS_SECRET_FILE": str(tmp_path)})


def test_a_file_is_named_from_the_root_since_processes_start_elsewhere() -> None:
    expected = "MOBILIS_SECRET_FILE: a path from the root (/…) is expected"
    assert refusal({"MOBILIS_SECRET_FILE": "secret"}) == expected


@pytest.mark.parametrize("variable", SECRETS)
@pytest.mark.parametrize(
    "outside", [PUBLIC, {"MOBILIS_HOST": "::"}, {"MOBILIS_TRUSTED_PROXIES": "1"}]
)
def test_outside_development_no_secret_is_that_of_an_example(
    variable: str, outside: dict[str, str]
) -> None:
    said = refusal({**outside, **given(variable, GUESSED)})
    assert re.fullmatch(rf"{variable}: (the password in it: )?it looks like an example; .*", said)
    assert GUESSED not in said


@pytest.mark.parametrize("variable", SECRETS)
def test_outside_development_no_secret_is_short(variable: str) -> None:
    said = refusal({**PUBLIC, **given(variable, STRONG[:7])})
    assert re.fullmatch(rf"{variable}: .*at least \d+ characters are expected", said)
    assert STRONG[:7] not in said


@pytest.mark.parametrize("variable", SECRETS)
def test_outside_development_a_secret_made_at_random_will_do(variable: str) -> None:
    load_settings({**PUBLIC, **given(variable, STRONG)})


@pytest.mark.parametrize("variable", SECRETS)
def test_in_development_any_secret_will_do(variable: str, tmp_path: Path) -> None:
    path = tmp_path / "open"
    path.write_text("secret")
    path.chmod(0o644)
    load_settings(given(variable, GUESSED))
    load_settings({f"{variable}_FILE": str(path)})


@pytest.mark.parametrize(
    "address", ["postgresql:///mobilis", "postgresql://mobilis@db/mobilis", "sqlite:////x/y.db"]
)
def test_an_address_without_a_password_has_no_secret(address: str) -> None:
    assert load_settings({**PUBLIC, "DATABASE_URL": address}).database == address


def test_an_address_that_makes_no_sense_is_left_to_whoever_uses_it() -> None:
    assert load_settings({**PUBLIC, "DATABASE_URL": "postgresql://[h"}).database_url


@pytest.mark.parametrize("mode", [0o604, 0o644, 0o777])
def test_outside_development_a_secret_that_everybody_can_read_is_refused(
    secret_file: Path, mode: int
) -> None:
    secret_file.chmod(mode)
    said = refusal({**PUBLIC, "MOBILIS_SECRET_FILE": str(secret_file)})
    assert said == (
        f"MOBILIS_SECRET: everybody on this machine can read {secret_file}; "
        f"chmod o-r {secret_file}, or mount it with mode 0440"
    )


@pytest.mark.parametrize("mode", [0o400, 0o440, 0o640])
def test_a_secret_that_its_owner_and_group_can_read_will_do(secret_file: Path, mode: int) -> None:
    secret_file.chmod(mode)
    assert load_settings({**PUBLIC, "MOBILIS_SECRET_FILE": str(secret_file)}).secret == STRONG


class TestDotenv:
    @pytest.fixture(autouse=True)
    def dotenv(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setattr(module, "ROOT", tmp_path)
        for variable in (*map(variable_of, (field.name for field in fields(Settings))),):
            monkeypatch.delenv(variable, raising=False)
            monkeypatch.delenv(f"{variable}_FILE", raising=False)
        return tmp_path / ".env"

    def test_a_file_of_the_environment_replaces_the_secret_of_the_dotenv_file(
        self, dotenv: Path, secret_file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        dotenv.write_text("MOBILIS_SECRET=of-the-dotenv-file\n")
        monkeypatch.setenv("MOBILIS_SECRET_FILE", str(secret_file))
        assert load_settings().secret == STRONG

    def test_a_secret_of_the_environment_replaces_the_file_of_the_dotenv_file(
        self, dotenv: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        dotenv.write_text("MOBILIS_SECRET_FILE=/nowhere\n")
        monkeypatch.setenv("MOBILIS_SECRET", STRONG)
        assert load_settings().secret == STRONG

    def test_outside_development_nobody_else_can_read_a_dotenv_file_with_a_secret(
        self, dotenv: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        dotenv.write_text(f"MOBILIS_SECRET={STRONG}\n")
        dotenv.chmod(0o644)
        load_settings()
        monkeypatch.setenv("MOBILIS_PUBLIC_URL", PUBLIC["MOBILIS_PUBLIC_URL"])
        with pytest.raises(SettingError, match=r"MOBILIS_SECRET: everybody .* can read .*\.env"):
            load_settings()
        dotenv.chmod(0o600)
        assert load_settings().secret == STRONG

    def test_a_dotenv_file_without_a_secret_may_be_read_by_everybody(
        self, dotenv: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        dotenv.write_text("MOBILIS_PORT=9001\nMOBILIS_SECRET=\n")
        dotenv.chmod(0o644)
        monkeypatch.setenv("MOBILIS_PUBLIC_URL", PUBLIC["MOBILIS_PUBLIC_URL"])
        assert load_settings().port == 9001


@pytest.mark.parametrize(
    "guessed",
    [
        *("secret", "Secret", "s-e-c-r-e-t", "mobilis", "password1", "mot_de_passe", "root"),
        *("your-secret-here", "<your token>", "xxxx-xxxx-xxxx", "aaaaaaaaaaaaaaaaaaaa", "abababab"),
        *("1234567890123456", "azertyuiop123456", "the default one", "insecure-secret"),
    ],
)
def test_what_stands_in_examples_is_known(guessed: str) -> None:
    assert is_placeholder(guessed)


def test_what_is_made_at_random_is_hardly_ever_taken_for_an_example() -> None:
    assert not any(is_placeholder(secrets.token_urlsafe(32)) for _ in range(2000))
    assert not any(is_placeholder(secrets.token_hex(SHORTEST)) for _ in range(2000))
    assert len(set(STRONG)) > FEWEST_KINDS


def test_settings_shown_show_no_secret() -> None:
    shown = repr(
        Settings(**{f.name: STRONG for f in fields(Settings) if variable_of(f.name) in SECRETS})
    )
    assert STRONG not in shown
    assert "secret" not in shown


def test_the_files_of_secrets_are_documented() -> None:
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    section = text.partition("## Secrets")[2]
    assert set(re.findall(r"`((?:MOBILIS_|DATABASE_)\w+)`", section)) >= set(SECRETS)
