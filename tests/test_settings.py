"""The settings: each type, what is refused, where they come from, and that all are documented."""

from __future__ import annotations

import re
from dataclasses import FrozenInstanceError, fields
from pathlib import Path
from typing import Any

import pytest

from mobilis import settings as module
from mobilis.errors import SettingError
from mobilis.live import brains
from mobilis.settings import ROOT, Settings, load_settings

pytestmark = pytest.mark.pure


def variable(name: str) -> str:
    return "DATABASE_URL" if name == "database_url" else f"MOBILIS_{name.upper()}"


VARIABLES = [variable(field.name) for field in fields(Settings)]


@pytest.fixture
def dotenv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `.env` file of its own, and an environment without settings."""
    monkeypatch.setattr(module, "ROOT", tmp_path)
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    return tmp_path / ".env"


def test_without_an_environment_the_defaults_hold() -> None:
    assert load_settings({}) == Settings()


@pytest.mark.parametrize(
    ("name", "value", "field", "expected"),
    [
        ("MOBILIS_PORT", "9000", "port", 9000),
        ("MOBILIS_TRUSTED_PROXIES", "0", "trusted_proxies", 0),
        ("MOBILIS_TURN_TIMEOUT", "2.5", "turn_timeout", 2.5),
        ("MOBILIS_TURN_BACKOFF", "3", "turn_backoff", 3.0),
        ("MOBILIS_HOST", "0.0.0.0", "host", "0.0.0.0"),
        ("MOBILIS_SECRET", " a = b ", "secret", " a = b "),
        ("MOBILIS_LOG_LEVEL", "DEBUG", "log_level", "DEBUG"),
        ("DATABASE_URL", "postgresql://u@h/n", "database_url", "postgresql://u@h/n"),
        ("MOBILIS_DATA_DIR", "/tmp/../srv/data", "data_dir", Path("/srv/data")),
        ("MOBILIS_DATA_DIR", "~/data", "data_dir", Path.home() / "data"),
        (
            "MOBILIS_CORS_ORIGINS",
            "https://a.ca, https://b.ca,",
            "cors_origins",
            ("https://a.ca", "https://b.ca"),
        ),
        ("MOBILIS_CORS_ORIGINS", " , ", "cors_origins", ()),
    ],
)
def test_a_value_is_read_as_what_its_field_holds(
    name: str, value: str, field: str, expected: Any
) -> None:
    found = getattr(load_settings({name: value}), field)
    assert found == expected
    assert type(found) is type(expected) or isinstance(found, Path)


@pytest.mark.parametrize("field", fields(Settings), ids=lambda field: field.name)
def test_every_field_can_be_set(field: Any) -> None:
    value = {"int": "7", "float": "7.5", "Path": "/seven"}.get(field.type, "seven")
    expected = {"int": 7, "float": 7.5, "Path": Path("/seven"), "str": "seven"}
    loaded = getattr(load_settings({variable(field.name): value}), field.name)
    assert loaded == expected.get(field.type, ("seven",))


@pytest.mark.parametrize("name", VARIABLES)
def test_an_empty_value_means_the_default(name: str) -> None:
    assert load_settings({name: ""}) == Settings()


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("MOBILIS_PORT", "http", "MOBILIS_PORT: a number is expected, not 'http'"),
        ("MOBILIS_PORT", "80.5", "MOBILIS_PORT: a number is expected, not '80.5'"),
        ("MOBILIS_TURN_TIMEOUT", "20s", "MOBILIS_TURN_TIMEOUT: a number is expected, not '20s'"),
        ("MOBILIS_WORKERS", "-1", "MOBILIS_WORKERS: a number of 0 or more is expected, not '-1'"),
        (
            "MOBILIS_TURN_BACKOFF",
            "-0.1",
            "MOBILIS_TURN_BACKOFF: a number of 0 or more is expected, not '-0.1'",
        ),
        (
            "MOBILIS_TURN_TIMEOUT",
            "nan",
            "MOBILIS_TURN_TIMEOUT: a number of 0 or more is expected, not 'nan'",
        ),
        (
            "MOBILIS_TURN_TIMEOUT",
            "inf",
            "MOBILIS_TURN_TIMEOUT: a number of 0 or more is expected, not 'inf'",
        ),
    ],
)
def test_a_value_of_another_type_is_told_with_its_setting(
    name: str, value: str, sentence: str
) -> None:
    with pytest.raises(SettingError) as error:
        load_settings({name: value})
    assert str(error.value) == sentence


@pytest.mark.parametrize("name", ["MOBILIS_PROT", "MOBILIS_", "MOBILIS_DATABASE_URL"])
def test_a_setting_that_does_not_exist_is_refused(name: str) -> None:
    with pytest.raises(SettingError) as error:
        load_settings({name: "1"})
    assert str(error.value) == f"{name}: there is no such setting (see docs/settings.md)"


def test_other_variables_are_none_of_our_business() -> None:
    assert load_settings({"PATH": "/bin", "MOBILISATION": "1", "mobilis_port": "1"}) == Settings()


def test_a_dotenv_file_is_read_and_the_environment_wins(
    dotenv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dotenv.write_text("MOBILIS_PORT=9001\nMOBILIS_HOST='::1'\n# MOBILIS_WORKERS=3\n")
    monkeypatch.setenv("MOBILIS_PORT", "9002")
    loaded = load_settings()
    assert (loaded.port, loaded.host, loaded.workers) == (9002, "::1", Settings().workers)


def test_a_setting_that_does_not_exist_is_refused_in_the_dotenv_file_too(dotenv: Path) -> None:
    dotenv.write_text("MOBILIS_PROT=9001\n")
    with pytest.raises(SettingError, match=r"^MOBILIS_PROT: "):
        load_settings()


def test_the_dotenv_file_is_not_read_when_an_environment_is_given(dotenv: Path) -> None:
    dotenv.write_text("MOBILIS_PORT=9001\n")
    assert load_settings({}).port == Settings().port
    assert load_settings().port == 9001


def test_without_a_dotenv_file_the_environment_is_enough(
    dotenv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOBILIS_PORT", "9003")
    assert not dotenv.exists()
    assert load_settings().port == 9003


def test_the_database_is_a_file_of_the_data_directory_unless_an_address_is_given() -> None:
    assert load_settings({"MOBILIS_DATA_DIR": "/srv"}).database == "sqlite:////srv/mobilis.db"
    assert load_settings({"DATABASE_URL": "postgresql:///x"}).database == "postgresql:///x"


def test_the_brain_and_the_actions_are_always_on_loopback() -> None:
    loaded = load_settings(
        {
            "MOBILIS_HOST": "0.0.0.0",
            "MOBILIS_BRAIN_PORT": "6005",
            "MOBILIS_ACTIONS_PORT": "6055",
        }
    )
    assert brains(loaded) == ("http://127.0.0.1:6005",)
    assert loaded.actions == "http://127.0.0.1:6055"


def test_settings_do_not_change_once_read() -> None:
    with pytest.raises(FrozenInstanceError):
        load_settings({}).port = 1  # type: ignore[misc]


@pytest.mark.parametrize("name", VARIABLES)
def test_every_setting_has_a_heading_or_a_row_in_the_documentation(name: str) -> None:
    lines = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8").splitlines()
    assert any(re.match(rf"(#+|\|)\s*`?{name}\b", line) for line in lines)


def test_the_documentation_names_no_setting_that_does_not_exist() -> None:
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    files = {f"{name}_FILE" for name in module.SECRETS}
    assert set(re.findall(r"\bMOBILIS_[A-Z_]*[A-Z]\b", text)) <= {*VARIABLES, *files}


def test_a_setting_of_an_earlier_version_is_told_what_it_is_now() -> None:
    with pytest.raises(SettingError, match="it is now MOBILIS_TRANSCRIPT_DAYS and MOBILIS_LEAD"):
        load_settings({"MOBILIS_RETENTION_DAYS": "365"})
