"""Which addresses of Microsoft are trusted, by cloud, and what the settings say of the app."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from mobilis.errors import SettingError
from mobilis.settings import Settings

MULTI_TENANT = "botframework.com"
ANY_TENANT = "*"

# Nothing but a scheme, a host and a plain path: no user, no port, no query, no backslash.
_SERVICE = re.compile(r"https://([a-z0-9-]+(?:\.[a-z0-9-]+)+)(?:/[\w.~-]*)*", re.ASCII)
_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)
_TENANT = re.compile(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*", re.ASCII)


@dataclass(frozen=True)
class Cloud:
    """Addresses of one cloud. A host that begins with a dot stands for all below it."""

    openid: str
    issuer: str
    login: str
    scope: str
    hosts: tuple[str, ...]


_PUBLIC = Cloud(
    openid="https://login.botframework.com/v1/.well-known/openidconfiguration",
    issuer="https://api.botframework.com",
    login="https://login.microsoftonline.com",
    scope="https://api.botframework.com/.default",
    hosts=(".botframework.com", "smba.trafficmanager.net"),
)
_US_GOVERNMENT = Cloud(
    openid="https://login.botframework.azure.us/v1/.well-known/openidconfiguration",
    issuer="https://api.botframework.us",
    login="https://login.microsoftonline.us",
    scope="https://api.botframework.us/.default",
    hosts=(".botframework.azure.us", ".botframework.us", "smba.infra.gov.teams.microsoft.us"),
)
CLOUDS: Mapping[str, Cloud] = {
    "public": _PUBLIC,
    "us_gcc": replace(_PUBLIC, hosts=(*_PUBLIC.hosts, "smba.infra.gcc.teams.microsoft.com")),
    "us_government": _US_GOVERNMENT,
    "us_dod": replace(
        _US_GOVERNMENT,
        hosts=(*_US_GOVERNMENT.hosts[:2], "smba.infra.dod.teams.microsoft.us"),
    ),
}


@dataclass(frozen=True)
class App:
    """Our app, as the settings have it. No `tenants` means any."""

    id: str
    password: str = field(repr=False)
    tenant: str
    tenants: frozenset[str]
    cloud: Cloud
    service_url: str = ""  # of this computer, trusted besides
    public_url: str = ""

    @property
    def token_url(self) -> str:
        """Where our own token comes from."""
        return f"{self.cloud.login}/{self.tenant}/oauth2/v2.0/token"

    def trusts(self, service_url: str) -> bool:
        """Whether an address is one of Microsoft's, to which our token may be sent."""
        if self.service_url and service_url.startswith(self.service_url):
            return True
        found = _SERVICE.fullmatch(service_url)
        host = found.group(1) if found else ""
        return any(
            host.endswith(known) if known.startswith(".") else host == known
            for known in self.cloud.hosts
            if host
        )

    def admits(self, tenant: str) -> bool:
        """Whether people of an organization may write."""
        return not self.tenants or tenant.lower() in self.tenants


def read_app(settings: Settings) -> App | None:
    """The app of the settings; None when the channel is off.

    Raises:
        SettingError: something that it needs is missing, or makes no sense.
    """
    if not settings.teams_app_id:
        for name in ("app_password", "tenant", "allowed_tenants"):
            if getattr(settings, f"teams_{name}"):
                why = f"needed, as MOBILIS_TEAMS_{name.upper()} is set"
                raise SettingError(f"MOBILIS_TEAMS_APP_ID: {why}")
        return None
    for name in ("app_password", "tenant"):
        if not getattr(settings, f"teams_{name}"):
            raise SettingError(f"MOBILIS_TEAMS_{name.upper()}: needed, as MOBILIS_TEAMS_APP_ID is")
    if not _GUID.fullmatch(settings.teams_app_id):
        raise SettingError("MOBILIS_TEAMS_APP_ID: an id of 32 hexadecimal digits is expected")
    if not _TENANT.fullmatch(settings.teams_tenant):
        raise SettingError("MOBILIS_TEAMS_TENANT: a directory id or a domain is expected")
    return App(
        id=settings.teams_app_id,
        password=settings.teams_app_password,
        tenant=settings.teams_tenant,
        tenants=_tenants(settings),
        cloud=_cloud(settings),
        service_url=_of_this_computer(settings.teams_service_url),
        public_url=settings.public_url.rstrip("/"),
    )


def _tenants(settings: Settings) -> frozenset[str]:
    named = settings.teams_allowed_tenants
    if not named:
        if settings.teams_tenant.lower() == MULTI_TENANT:
            raise SettingError(
                "MOBILIS_TEAMS_ALLOWED_TENANTS: needed for an app of several tenants (* for any)"
            )
        named = (settings.teams_tenant,)
    if ANY_TENANT in named:
        return frozenset()
    for tenant in named:
        if not _GUID.fullmatch(tenant):
            raise SettingError("MOBILIS_TEAMS_ALLOWED_TENANTS: directory ids are expected, or *")
    return frozenset(tenant.lower() for tenant in named)


def _cloud(settings: Settings) -> Cloud:
    cloud = CLOUDS.get(settings.teams_cloud)
    if cloud is None:
        raise SettingError(f"MOBILIS_TEAMS_CLOUD: one of {', '.join(CLOUDS)} is expected")
    openid, login = settings.teams_openid_url, settings.teams_login_url.rstrip("/")
    for name, address in (("OPENID", openid), ("LOGIN", login)):
        if address and not is_private(address):
            raise SettingError(f"MOBILIS_TEAMS_{name}_URL: an https:// address is expected")
    return replace(cloud, openid=openid or cloud.openid, login=login or cloud.login)


def _of_this_computer(address: str) -> str:
    if address and not _is_loopback(address):
        raise SettingError("MOBILIS_TEAMS_SERVICE_URL: only an address of this computer will do")
    return f"{address.rstrip('/')}/" if address else ""


def is_private(address: str) -> bool:
    """Whether nobody between us and that address can listen or answer in its place."""
    try:
        return urlsplit(address).scheme == "https" or _is_loopback(address)
    except ValueError:  # no address at all
        return False


def _is_loopback(address: str) -> bool:
    return re.match(r"https?://(127\.0\.0\.1|localhost)(:\d+)?(/|$)", address) is not None
