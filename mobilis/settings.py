"""The settings, read once from the environment and an optional `.env` file.

Every field is documented in docs/settings.md; a test keeps the two in step. A secret may also be a
file, which `<NAME>_FILE` names: mobilis/secret_files.py reads it, and says what will not do.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, fields
from math import inf
from pathlib import Path
from typing import Any, get_type_hints

from dotenv import dotenv_values

from mobilis import secret_files
from mobilis.errors import SettingError

PREFIX = "MOBILIS_"
# Settings of earlier versions, and what to say of them.
GONE = {"MOBILIS_RETENTION_DAYS": "it is now MOBILIS_TRANSCRIPT_DAYS and MOBILIS_LEAD_DAYS"}
ROOT = Path(__file__).resolve().parent.parent
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def _secret() -> Any:
    """A setting that nobody may get to see, and that may stand in a file of its own."""
    return field(default="", repr=False, metadata={"secret": True})


@dataclass(frozen=True)
class Settings:
    """What a deployment may change. Durations are in seconds, sizes in characters or bytes."""

    project_dir: Path = ROOT
    data_dir: Path = ROOT / "var"
    database_url: str = _secret()
    database_connections: int = 15
    host: str = "127.0.0.1"
    public_url: str = ""
    port: int = 8000
    brain_host: str = "127.0.0.1"
    brain_port: int = 5005
    brain_url: tuple[str, ...] = ()
    actions_host: str = "127.0.0.1"
    actions_port: int = 5055
    actions_url: str = ""
    secret: str = _secret()
    cors_origins: tuple[str, ...] = ()
    trusted_proxies: int = 0
    text_limit: int = 2000
    body_limit: int = 16_384
    messages_per_minute: int = 30
    messages_per_minute_address: int = 120
    conversations_per_minute_address: int = 10
    result_misses_per_minute_address: int = 20
    sign_ins_per_minute_address: int = 10
    streams_per_address: int = 200
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_client_secret: str = _secret()
    oidc_name: str = "OpenID Connect"
    oidc_domains: tuple[str, ...] = ()
    oidc_role: str = "viewer"
    slack_signing_secret: str = _secret()
    slack_client_id: str = ""
    slack_client_secret: str = _secret()
    slack_bot_token: str = _secret()
    slack_app_token: str = _secret()
    slack_api_url: str = ""
    teams_app_id: str = ""
    teams_app_password: str = _secret()
    teams_tenant: str = ""
    teams_allowed_tenants: tuple[str, ...] = ()
    teams_cloud: str = "public"
    teams_openid_url: str = ""
    teams_login_url: str = ""
    teams_service_url: str = ""
    notices_slack: str = ""
    notices_teams: tuple[str, ...] = ()
    notices_language: str = "fr"
    notices_detail: str = "none"
    notices_wait_hours: float = 24.0
    turn_timeout: float = 20.0
    encoder: str = ""
    turn_attempts: int = 8
    turn_backoff: float = 1.0
    workers: int = 8
    queue: int = 100
    streams: int = 5000
    priority: str = ""
    takeover_minutes: float = 10.0
    smtp_url: str = _secret()
    mail_from: str = ""
    mail_reply_to: str = ""
    mail_timeout: float = 20.0
    mail_backoff: float = 30.0
    mail_hours: float = 48.0
    transcript_days: int = 180
    lead_days: int = 730
    result_days: int = 30
    log_level: str = "INFO"
    log_format: str = ""
    metrics_port: int = 0
    metrics_host: str = "127.0.0.1"
    traces_url: str = ""

    @property
    def database(self) -> str:
        """The database's URL: `DATABASE_URL`, else a SQLite file in the data directory."""
        return self.database_url or f"sqlite:///{self.data_dir / 'mobilis.db'}"

    @property
    def is_https(self) -> bool:
        """Whether people reach the front door by https, so that cookies may insist on it."""
        return self.public_url.startswith("https://")

    @property
    def is_local(self) -> bool:
        """Whether nobody but this computer reaches the front door directly."""
        return self.host in LOOPBACK and not self.trusted_proxies

    @property
    def is_development(self) -> bool:
        """Whether nobody but this computer's people can be harmed: it has no public address."""
        return self.is_local and not self.public_url

    @property
    def actions(self) -> str:
        """Where the brain reaches the action server: by default, on this machine's loopback."""
        return self.actions_url.rstrip("/") or f"http://127.0.0.1:{self.actions_port}"


def load_settings(environ: dict[str, str] | None = None) -> Settings:
    """Read the settings from `.env` and the environment (which wins).

    Raises:
        SettingError: a value is not of its type, `MOBILIS_…` names no setting, a secret cannot be
            read, or, outside development, will not do.
    """
    known = {variable_of(field.name): field.name for field in fields(Settings)}
    values, files = secret_files.read(_given(environ), SECRETS)
    for variable in values:
        if variable.startswith(PREFIX) and variable not in known:
            why = GONE.get(variable, "there is no such setting")
            raise SettingError(f"{variable}: {why} (see docs/settings.md)")
    types = get_type_hints(Settings)
    chosen = {
        name: _convert(variable, value, types[name])
        for variable, name in known.items()
        if (value := values.get(variable)) not in (None, "")
    }
    settings = Settings(**chosen)
    if not settings.is_development:
        for variable in SECRETS:
            secret_files.check(variable, getattr(settings, known[variable]))
        secret_files.check_readers(files)
    return settings


def variable_of(name: str) -> str:
    """The environment variable of a field."""
    return "DATABASE_URL" if name == "database_url" else PREFIX + name.upper()


SECRETS = tuple(variable_of(one.name) for one in fields(Settings) if one.metadata.get("secret"))


def _given(environ: dict[str, str] | None) -> dict[str, tuple[str, Path | None]]:
    """Each variable with the file that it stands in; what the environment says of a secret, as
    itself or as a file, replaces both of `.env`."""
    if environ is not None:
        return {name: (value, None) for name, value in environ.items()}
    path = ROOT / ".env"
    given = {
        name: (value, path) for name, value in dotenv_values(path).items() if value is not None
    }
    for variable in SECRETS:
        if variable in os.environ or secret_files.named(variable) in os.environ:
            given.pop(variable, None)
            given.pop(secret_files.named(variable), None)
    return given | {name: (value, None) for name, value in os.environ.items()}


def _convert(variable: str, value: str, kind: Any) -> Any:
    if kind is Path:
        return Path(value).expanduser().resolve()
    if kind in (int, float):
        try:
            number = kind(value)
        except ValueError:
            raise SettingError(f"{variable}: a number is expected, not {value!r}") from None
        if not 0 <= number < inf:
            raise SettingError(f"{variable}: a number of 0 or more is expected, not {value!r}")
        return number
    if kind is str:
        return value
    return tuple(part.strip() for part in value.split(",") if part.strip())
