"""Signing in with the organization's provider: a real one on loopback that can misbehave."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pyotp
import pytest
from loopback import loopback_client
from providers import CLIENT, CLIENT_SECRET, Provider
from sqlalchemy import select, update

from mobilis import accounts, audit, second_factor, staff
from mobilis.errors import SettingError
from mobilis.identities import GOOGLE, identity_of
from mobilis.models import staff as staff_table
from mobilis.settings import Settings
from mobilis.web import provider as module
from mobilis.web.provider import make_provider

PUBLIC = "https://console.exemple.ca"
REFUSED = "Le fournisseur n&#39;a pas ouvert"
SILENT = "Le fournisseur ne répond pas"


@pytest.fixture(scope="module")
def the_provider() -> Iterator[Provider]:
    running = Provider()
    yield running
    running.stop()


@pytest.fixture
def provider(the_provider: Provider, monkeypatch: pytest.MonkeyPatch) -> Provider:
    """The provider, doing everything right."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    the_provider.behave()
    return the_provider


class Browser:
    """Somebody's browser, that goes where it is sent; the console's public address is the door."""

    def __init__(self, door: Any) -> None:
        self.door = door
        self.http = loopback_client(timeout=20)
        self.base = str(door.http.base_url).rstrip("/")
        self.cookies: dict[str, str] = {}

    def get(self, path: str) -> httpx.Response:
        # The cookies are for https alone, so they are carried by hand.
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = self.http.get(f"{self.base}{path}", headers={"Cookie": cookies})
        for line in answer.headers.get_list("set-cookie"):
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value.strip('"')
        return answer

    def go(self, after: str = "") -> httpx.Response:
        """To the provider and back; the answer to coming back."""
        there = self.get(f"/console/oidc{f'?next={after}' if after else ''}")
        assert there.status_code == 303, there.text
        return self.get(self.came_back(there.headers["location"]))

    def came_back(self, address: str) -> str:
        """The path that the provider sends to."""
        back = self.http.get(address).headers["location"]
        assert back.startswith(f"{PUBLIC}/console/oidc/back?")
        return back.removeprefix(PUBLIC)

    def is_in(self) -> bool:
        return self.get("/console/queue").status_code == 200


@pytest.fixture
def browse(open_door: Callable[..., Any], provider: Provider) -> Callable[..., Browser]:
    """A browser before a front door that knows the provider."""

    def start(**changes: Any) -> Browser:
        usual = {
            "public_url": PUBLIC,
            "oidc_issuer": provider.issuer,
            "oidc_client_id": CLIENT,
            "oidc_client_secret": CLIENT_SECRET,
            "oidc_name": "Microsoft",
        }
        return Browser(open_door(**{**usual, **changes}))

    return start


@pytest.fixture
def invited(database: Any) -> staff.Person:
    """Camille, whose account came before the first sign-in by the provider."""
    with database.write() as connection:
        return staff.add_person(
            connection, email="camille@exemple.ca", name="Camille", role="triager"
        )


def refusals(database: Any) -> list[str]:
    """Why sign-ins by the provider were refused, as the audit log has it."""
    with database.read() as connection:
        found = audit.find(connection, audit.Search(action="sign_in.refused"), 20)
    return [row.detail for row in found]


def test_an_invited_person_comes_in_and_is_known_by_subject_from_then_on(
    browse, invited, provider, database
):
    browser = browse()
    answer = browser.go("/console/people?x=1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/people?x=1")
    assert browser.is_in()
    provider.person |= {"email": "autre@exemple.ca", "email_verified": False}  # has moved
    again = browse()
    assert again.go().status_code == 303
    assert again.is_in()
    with database.read() as connection:
        [row] = connection.execute(select(staff_table)).all()
    assert (row.id, row.provider_subject, row.provider) == (
        invited.id,
        "subject-1",
        provider.issuer,
    )
    assert row.email == "camille@exemple.ca"


def test_the_request_has_pkce_state_nonce_and_our_address(browse, invited, provider):
    browser = browse()
    there = browser.get("/console/oidc")
    query = parse_qs(urlsplit(there.headers["location"]).query)
    assert query["response_type"] == ["code"]
    assert query["code_challenge_method"] == ["S256"]
    assert query["redirect_uri"] == [f"{PUBLIC}/console/oidc/back"]
    assert query["scope"] == ["openid email profile"]
    assert all(len(query[name][0]) >= 32 for name in ("state", "nonce", "code_challenge"))
    cookie = next(c for c in there.headers.get_list("set-cookie") if "oidc" in c)
    assert all(flag in cookie for flag in ("HttpOnly", "Secure", "SameSite=lax", "Path=/console"))
    assert "Max-Age=600" in cookie
    browser.get(browser.came_back(there.headers["location"]))
    assert len(provider.given[0]["code_verifier"]) >= 43


def test_the_button_is_on_the_page_only_where_there_is_a_provider(browse, door):
    assert "Microsoft" not in door.http.get("/console/sign-in").text
    assert door.http.get("/console/oidc").headers["location"] == "/console/sign-in"
    assert door.http.get("/console/oidc/back").headers["location"] == "/console/sign-in"
    page = browse().get("/console/sign-in?next=/console/people").text
    assert "Ouvrir une session avec Microsoft" in page
    assert "/console/oidc?next=/console/people" in page


def test_addresses_and_keys_are_asked_for_once(browse, invited, provider):
    browser = browse()
    for _ in range(2):
        assert browser.go().status_code == 303
    assert provider.asked.count("/keys") == 1
    assert provider.asked.count("/.well-known/openid-configuration") == 1


def _changed(**changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda claims: claims.update(changes)


def _without(name: str) -> Callable[[dict[str, Any]], None]:
    return lambda claims: claims.pop(name) and None


FAULTS: dict[str, dict[str, Any]] = {
    "another nonce": {"claims": _changed(nonce="another")},
    "no nonce": {"claims": _without("nonce")},
    "another audience": {"claims": _changed(aud="another-client")},
    "another party": {"claims": _changed(aud=[CLIENT, "another"], azp="another")},
    "another issuer": {"claims": _changed(iss="http://127.0.0.1:9")},
    "expired": {"claims": _changed(exp=int(time.time()) - 3600)},
    "never expires": {"claims": _without("exp")},
    "expires in words": {"claims": _changed(exp="tomorrow")},
    "of the future": {"claims": _changed(iat=int(time.time()) + 3600)},
    "no subject": {"claims": _without("sub")},
    "empty subject": {"claims": _changed(sub="")},
    "long subject": {"claims": _changed(sub="x" * 256)},
    "subject is a list": {"claims": _changed(sub=["subject-1"])},
    "other access token": {"claims": _changed(at_hash="wrong")},
    "unsigned": {"algorithm": "none"},
    "signed with the public key": {"algorithm": "HS256"},
    "unknown key": {"unknown_key": True},
    "refuses": {"refuses": "access_denied"},
    "refuses the code": {"status": {"/token": 400}, "body": {"/token": b'{"error": "invalid"}'}},
    "refuses without a reason": {"status": {"/token": 400}, "body": {"/token": b"{}"}},
    "no token": {"body": {"/token": b'{"access_token": "x"}'}},
    "no real token": {"body": {"/token": b'{"id_token": "x.y.z"}'}},
    "token is a number": {"body": {"/token": b'{"id_token": 7}'}},
    "broken keys": {"body": {"/keys": b'{"keys": [{"kty": "RSA"}]}'}},
    "no keys": {"body": {"/keys": b"{}"}},
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_what_does_not_hold_signs_nobody_in(browse, invited, provider, database, fault):
    for name, value in fault.items():
        setattr(provider.faults, name, value)
    browser = browse()
    answer = browser.go()
    assert answer.status_code == 403
    assert REFUSED in answer.text
    assert not browser.is_in()
    assert "provider" in refusals(database)[0]


@pytest.mark.parametrize(
    "fault",
    [
        {"status": {"/token": 500}},
        {"body": {"/token": b"<html>"}},
        {"body": {"/token": b"[]"}},
        {"body": {"/token": b"\xff"}},
        {"status": {"/keys": 503}},
        {"delay": {"/token": 1.5}},
    ],
    ids=str,
)
def test_a_provider_that_breaks_half_way_is_said_not_to_answer(
    browse, invited, provider, fault, monkeypatch
):
    monkeypatch.setattr(module, "TIMEOUT", 0.5)
    for name, value in fault.items():
        setattr(provider.faults, name, value)
    browser = browse()
    answer = browser.go()
    assert answer.status_code == 503
    assert SILENT in answer.text
    assert not browser.is_in()


@pytest.mark.parametrize(
    "fault",
    [
        {"status": {"/.well-known/openid-configuration": 500}},
        {"body": {"/.well-known/openid-configuration": b"not json"}},
        {"delay": {"/.well-known/openid-configuration": 1.5}},
        {"metadata": {"issuer": "https://another.example"}},
        {"metadata": {"authorization_endpoint": "http://plain.example/authorize"}},
        {"metadata": {"authorization_endpoint": None}},
    ],
    ids=str,
)
def test_a_provider_that_cannot_say_where_is_said_not_to_answer(
    browse, invited, provider, fault, monkeypatch
):
    monkeypatch.setattr(module, "TIMEOUT", 0.5)
    for name, value in fault.items():
        setattr(provider.faults, name, value)
    browser = browse()
    answer = browser.get("/console/oidc")
    assert (answer.status_code, SILENT in answer.text) == (503, True)
    provider.behave()
    assert browser.go().status_code == 303  # it is asked again, and all is well


def test_a_provider_that_is_not_there_is_said_not_to_answer(browse):
    browser = browse(oidc_issuer="http://127.0.0.1:9")
    assert browser.get("/console/oidc").status_code == 503


def test_a_new_key_is_found(browse, invited, provider):
    browser = browse()
    assert browser.go().status_code == 303
    provider.rotate()
    assert browser.go().status_code == 303
    assert provider.asked.count("/keys") == 2


@pytest.mark.parametrize(
    ("changes", "comes_in"),
    [
        ({"email_verified": False}, False),
        ({"email_verified": None}, False),
        ({"email_verified": "true"}, True),
        ({"email_verified": None, "xms_edov": True}, True),  # Entra
        ({"email_verified": None, "xms_edov": "1"}, True),
        ({"email_verified": None, "xms_edov": 0}, False),
        ({"email": ""}, False),
        ({"email": None}, False),
        ({"email": "inconnue@exemple.ca"}, False),
    ],
    ids=str,
)
def test_an_address_counts_only_when_it_is_vouched_for(
    browse, invited, provider, changes, comes_in
):
    provider.person |= changes
    browser = browse()
    answer = browser.go()
    assert (answer.status_code == 303) is comes_in
    assert browser.is_in() is comes_in


def test_a_newcomer_of_an_allowed_domain_gets_the_role_of_newcomers(browse, provider, database):
    browser = browse(oidc_domains=("Exemple.ca",), oidc_role="triager")
    assert browser.go().status_code == 303
    assert browser.is_in()
    with database.read() as connection:
        person = staff.find_by_email(connection, "camille@exemple.ca")
        actions = [row.action for row in audit.find(connection, audit.Search(), 3)]
    assert (person.role, person.language, person.name) == ("triager", "en", "Camille Tremblay")
    assert not person.has_password
    assert actions == ["sign_in", "staff.tied", "staff.welcomed"]


@pytest.mark.parametrize("email", ["x@autre.ca", "x@exemple.ca.autre.ca", "x@sous.exemple.ca"])
def test_a_newcomer_of_another_domain_does_not_come_in(browse, provider, email):
    provider.person["email"] = email
    browser = browse(oidc_domains=("exemple.ca",))
    assert browser.go().status_code == 403
    assert not browser.is_in()


def test_someone_whose_account_is_closed_does_not_come_in(browse, invited, provider, database):
    browser = browse()
    assert browser.go().status_code == 303
    for subject in ("subject-1", "subject-2"):
        with database.write() as connection:
            closed = update(staff_table).values(active=False)
            connection.execute(closed)
        provider.person["sub"] = subject
        assert browse().go().status_code == 403


def test_an_account_of_one_subject_is_not_given_to_another(browse, invited, provider):
    assert browse().go().status_code == 303
    provider.person["sub"] = "subject-2"
    assert browse().go().status_code == 403


def test_a_one_time_password_is_taken_back_when_its_owner_comes_in_by_the_provider(
    browse, provider, database
):
    with database.write() as connection:
        person, _ = accounts.invite(
            connection, "command", email="camille@exemple.ca", name="C", role="viewer"
        )
    browser = browse()
    assert browser.go().status_code == 303
    assert browser.is_in()
    with database.read() as connection:
        found = staff.find_person(connection, person.id)
    assert not found.has_password and not found.must_choose_password


def test_the_second_factor_is_asked_for_after_the_provider_too(browse, invited, provider, database):
    with database.write() as connection:
        secret = second_factor.prepare(connection, invited)
        second_factor.switch_on(connection, invited, pyotp.TOTP(secret).now())
    browser = browse()
    answer = browser.go("/console/audit?actor=x")
    assert answer.headers["location"] == "/console/sign-in/code?next=%2Fconsole%2Faudit%3Factor%3Dx"
    assert not browser.is_in()


@pytest.mark.parametrize("how", ["no cookie", "other cookie", "no state", "other state"])
def test_coming_back_to_another_browser_than_one_left_from_signs_nobody_in(
    browse, invited, provider, how
):
    browser = browse()
    path = browser.came_back(browser.get("/console/oidc").headers["location"])
    if how == "no cookie":
        browser.cookies.clear()
    elif how == "other cookie":
        browser.cookies["mobilis-console-oidc"] += "x"
    elif how == "no state":
        path = path.replace("state=", "other=")
    else:
        path = path.replace("state=", "state=x")
    answer = browser.get(path)
    assert answer.status_code == 403
    assert "expiré" in answer.text
    assert not browser.is_in()
    assert provider.given == []


def test_coming_back_twice_signs_in_once(browse, invited, provider):
    browser = browse()
    path = browser.came_back(browser.get("/console/oidc").headers["location"])
    kept = dict(browser.cookies)
    assert browser.get(path).status_code == 303
    assert browser.get(path).status_code == 403  # the cookie is gone
    browser.cookies = kept
    assert browser.get(path).status_code == 403  # and so is the code


def test_what_the_cookie_holds_lasts_ten_minutes(provider, monkeypatch):
    settings = Settings(
        public_url=PUBLIC,
        oidc_issuer=provider.issuer,
        oidc_client_id=CLIENT,
        oidc_client_secret=CLIENT_SECRET,
        secret="the secret of the tests",
    )
    mine = make_provider(settings)
    pending = module.Pending("state", "nonce", "verifier", "/console")
    sealed = mine.seal(pending)
    assert mine.unseal(sealed) == pending
    assert make_provider(replace(settings, secret="another secret")).unseal(sealed) is None
    moment = time.time()
    monkeypatch.setattr(time, "time", lambda: moment + 601)
    assert mine.unseal(sealed) is None


def test_going_to_the_provider_is_limited_as_signing_in_is(browse, provider):
    browser = browse(sign_ins_per_minute_address=1)
    assert browser.get("/console/oidc").status_code == 303
    answer = browser.get("/console/oidc")
    assert (answer.status_code, "Trop d&#39;essais" in answer.text) == (429, True)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"public_url": ""}, "MOBILIS_PUBLIC_URL: needed"),
        ({"oidc_client_id": ""}, "MOBILIS_OIDC_CLIENT_ID: needed"),
        ({"oidc_client_secret": ""}, "MOBILIS_OIDC_CLIENT_SECRET: needed"),
        ({"oidc_role": "owner"}, "MOBILIS_OIDC_ROLE: one of viewer"),
        ({"oidc_issuer": "http://login.example"}, "MOBILIS_OIDC_ISSUER: an https"),
    ],
    ids=str,
)
def test_settings_that_make_no_sense_stop_the_start(changes, sentence):
    usual = {
        "public_url": PUBLIC,
        "oidc_issuer": "https://login.example",
        "oidc_client_id": "x",
        "oidc_client_secret": "x",
    }
    with pytest.raises(SettingError, match=sentence):
        make_provider(Settings(**{**usual, **changes}))
    assert make_provider(Settings()) is None


def test_google_vouches_for_newcomers_of_its_own_domains_alone():
    claims = {"iss": GOOGLE, "sub": "1", "email": "x@exemple.ca", "email_verified": True}
    assert identity_of(claims).domain == ""
    assert identity_of({**claims, "hd": "exemple.ca"}).domain == "exemple.ca"
    assert identity_of({**claims, "hd": "autre.ca"}).domain == ""
    assert identity_of({**claims, "iss": "https://login.example"}).domain == "exemple.ca"
