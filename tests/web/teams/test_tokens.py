"""Who may speak in the name of Teams: a test for each way to cheat."""

from __future__ import annotations

import asyncio
import time

import pytest
from fake_teams import APP, TENANT

from mobilis.errors import TeamsUnavailable
from mobilis.web.teams import keys
from mobilis.web.teams.clouds import CLOUDS, App
from mobilis.web.teams.keys import SigningKeys, read_keys

NOW = int(time.time())
OTHER_TENANT = "11111111-2222-4333-8444-555555555555"

TOKENS = {
    "that is not signed": lambda t: t.token("none"),
    "signed with the public key as a secret": lambda t: t.token("HS256"),
    "signed in another way": lambda t: t.token("RS384"),
    "signed by a key that nobody published": lambda t: t.token(
        key=t.other_key, header={"kid": t.other_key.kid}
    ),
    "signed by another key than it names": lambda t: t.token(key=t.other_key),
    "that names no key": lambda t: t.token(header={"kid": None}),
    "that names its key by a number": lambda t: t.token(header={"kid": 7}),
    "that asks for what we do not know": lambda t: t.token(header={"crit": ["exp"]}),
    "of another issuer": lambda t: t.token(iss="https://sts.windows.net/x/"),
    "of no issuer": lambda t: t.token(without=("iss",)),
    "of the issuer of another cloud": lambda t: t.token(iss=CLOUDS["us_government"].issuer),
    "for another app": lambda t: t.token(aud=OTHER_TENANT),
    "for several apps": lambda t: t.token(aud=[OTHER_TENANT, APP]),
    "for nobody": lambda t: t.token(without=("aud",)),
    "that has expired": lambda t: t.token(exp=NOW - 400),
    "that never expires": lambda t: t.token(without=("exp",)),
    "that expires in words": lambda t: t.token(exp="tomorrow"),
    "of tomorrow": lambda t: t.token(nbf=NOW + 86400),
    "that names no service": lambda t: t.token(without=("serviceurl",)),
    "whose service is a number": lambda t: t.token(serviceurl=7),
    "that is garbage": lambda t: "a.b.c",
    "of one part": lambda t: "garbage",
    "of four parts": lambda t: t.token() + ".more",
    "cut short": lambda t: t.token()[:-20],
    "changed by a letter": lambda t: changed(t.token()),
    "of 20 000 characters": lambda t: t.token(more="x" * 20_000),
}


def changed(token: str) -> str:
    """The same with other claims."""
    head, claims, mark = token.split(".")
    return f"{head}.{claims[:-4]}{'AAAA' if claims[-4:] != 'AAAA' else 'BBBB'}.{mark}"


@pytest.mark.parametrize("cheat", TOKENS.values(), ids=TOKENS.keys())
def test_a_token_is_refused(cheat, chat, teams, brain):
    activity = teams.message(chat, "bonjour")
    answer = chat.send(activity, f"Bearer {cheat(teams)}")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["error"]["code"] == "not_from_teams"
    assert answer.json()["error"]["message"].startswith("La demande est refusée")
    assert brain.asked == []


@pytest.mark.parametrize("authorization", ["", "Basic dXNlcjpwYXNz", "Bearer", "Bearer a b.c.d"])
def test_without_a_token_nothing_is_read(authorization, chat, teams):
    assert chat.send(teams.message(chat, "bonjour"), authorization).status_code == 401


def test_clocks_may_differ_by_five_minutes(chat, teams):
    late = teams.token(exp=int(time.time()) - 200)
    early = teams.token(nbf=int(time.time()) + 200)
    for token in (late, early):
        assert chat.send(teams.message(chat, "bonjour"), f"Bearer {token}").status_code == 202


def test_a_refused_request_is_refused_in_english_to_whom_prefers_it(chat, teams):
    headers = {"Authorization": "Bearer x", "Accept-Language": "en"}
    answer = chat.post("/teams/messages", json=teams.message(chat, "x"), headers=headers)
    assert answer.json()["error"]["message"].startswith("The request is refused")


# What a good token does not vouch for

ELSEWHERE = {
    "another service than the token's": {"serviceUrl": "http://127.0.0.1:9/service/"},
    "another platform": {"channelId": "webchat"},
    "no platform": {"channelId": None},
    "no service": {"serviceUrl": None},
    "another tenant": {
        "conversation": {"id": "a:1", "conversationType": "personal", "tenantId": OTHER_TENANT},
        "channelData": {"tenant": {"id": OTHER_TENANT}},
    },
    "two tenants": {"channelData": {"tenant": {"id": OTHER_TENANT}}},
    "no tenant": {"conversation": {"id": "a:1"}, "channelData": {}},
    "a tenant that is no text": {
        "conversation": {"id": "a:1", "tenantId": 7},
        "channelData": {"tenant": 7},
    },
}


@pytest.mark.parametrize("more", ELSEWHERE.values(), ids=ELSEWHERE.keys())
def test_an_activity_is_refused_that_comes_from(more, chat, teams, brain):
    activity = teams.message(chat, "bonjour", **more)
    answer = chat.send(activity, f"Bearer {teams.token()}")
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "not_for_us"
    assert brain.asked == []


SERVICES = {
    "of a look-alike": "https://smba.trafficmanager.net.evil.example/",
    "below a look-alike": "https://evil-botframework.com/",
    "of a part of the name": "https://botframework.com.evil.example/",
    "behind a user": "https://smba.trafficmanager.net@evil.example/",
    "behind a password": "https://smba.trafficmanager.net:x@evil.example/",
    "behind a backslash": "https://evil.example\\.botframework.com/",
    "before a fragment": "https://evil.example#.botframework.com/",
    "before a query": "https://evil.example?.botframework.com/",
    "in its path": "https://evil.example/smba.trafficmanager.net/",
    "without TLS": "http://smba.trafficmanager.net/",
    "at another port": "https://smba.trafficmanager.net:8443/",
    "of another kind": "ftp://smba.trafficmanager.net/",
    "of this computer": "http://127.0.0.1:5005/",
    "in other letters": "https://smba.trafficmanager.net\u3002evil.example/",
    "with a line": "https://smba.trafficmanager.net/\nevil",
    "of another cloud": "https://smba.infra.gov.teams.microsoft.us/",
    "of the domain itself": "https://.botframework.com/",
    "that is empty": "",
}


@pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES.keys())
def test_no_reply_goes_to_a_service(service, chat, teams, brain):
    activity = teams.message(chat, "bonjour", serviceUrl=service)
    assert chat.send(activity).status_code == 403
    assert brain.asked == []


def app(**more):
    usual = {"id": APP, "password": "p", "tenant": TENANT, "tenants": frozenset()}
    return App(**{**usual, "cloud": CLOUDS["public"], **more})


@pytest.mark.parametrize(
    ("cloud", "service"),
    [
        ("public", "https://smba.trafficmanager.net/ca/"),
        ("public", "https://smba.trafficmanager.net/amer/72f988bf-0000/"),
        ("public", "https://europe.api.botframework.com"),
        ("us_gcc", "https://smba.infra.gcc.teams.microsoft.com/teams"),
        ("us_government", "https://smba.infra.gov.teams.microsoft.us/teams/"),
        ("us_dod", "https://smba.infra.dod.teams.microsoft.us/teams/"),
    ],
)
def test_the_services_of_a_cloud_are_trusted(cloud, service):
    assert app(cloud=CLOUDS[cloud]).trusts(service)


def test_a_government_cloud_trusts_no_host_of_the_public_one():
    for cloud in ("us_government", "us_dod"):
        assert not app(cloud=CLOUDS[cloud]).trusts("https://smba.trafficmanager.net/ca/")


def test_a_key_that_does_not_stand_for_teams_is_refused(chat, teams):
    teams.rotate()
    teams.endorsements[teams.keys[0].kid] = ["webchat", "skype"]
    assert chat.say("bonjour").status_code == 403


# Keys


def test_keys_are_read_once_and_again_for_a_name_that_is_not_known(chat, teams, monkeypatch):
    monkeypatch.setattr(keys, "AGAIN_AFTER", 0.0)
    for _ in range(3):
        assert chat.say("bonjour").status_code == 202
    assert teams.asked.count(("GET", "/keys")) == 1
    teams.rotate()
    assert chat.say("bonjour").status_code == 202
    assert teams.asked.count(("GET", "/keys")) == 2


def test_a_flood_of_unknown_key_names_reads_the_keys_once_a_minute(teams):
    clock = [1000.0]
    known = SigningKeys(f"{teams.base}/openid", lambda: clock[0])

    async def flood():
        await asyncio.gather(*(known.find(f"unknown-{n}") for n in range(50)))

    asyncio.run(flood())
    assert teams.asked.count(("GET", "/keys")) == 1
    known._lock = asyncio.Lock()  # of the next event loop
    clock[0] += keys.AGAIN_AFTER
    asyncio.run(flood())
    assert teams.asked.count(("GET", "/keys")) == 2


def test_a_key_that_is_withdrawn_is_forgotten_within_a_day(teams):
    clock = [0.0]
    known, kid = SigningKeys(f"{teams.base}/openid", lambda: clock[0]), teams.keys[0].kid

    async def ask():
        assert await known.find(kid)
        teams.rotate()
        clock[0] = keys.KNOWN_FOR - 1
        assert await known.find(kid)
        clock[0] = keys.KNOWN_FOR + 1
        assert await known.find(kid) is None

    asyncio.run(ask())


BROKEN = {
    "metadata that are not JSON": ("openid", b"<html>"),
    "metadata that are a list": ("openid", b"[]"),
    "metadata without keys": ("openid", b"{}"),
    "keys at an address that anybody may answer": (
        "openid",
        b'{"jwks_uri": "http://login.botframework.com/keys"}',
    ),
    "keys that are none": ("keys", b'{"keys": "none"}'),
    "no key": ("keys", b'{"keys": []}'),
    "keys of no use": (
        "keys",
        b'{"keys": [7, {"kty": "RSA"}, {"kty": "oct", "k": "AAAA", "n": "A", "e": "A"}]}',
    ),
}


@pytest.mark.parametrize(("name", "content"), BROKEN.values(), ids=BROKEN.keys())
def test_what_is_published_will_not_do(name, content, teams):
    setattr(teams.faults, name, content)
    with pytest.raises(TeamsUnavailable):
        asyncio.run(read_keys(f"{teams.base}/openid"))


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/openid", "http://[", "nothing"])
def test_keys_that_cannot_be_reached_are_unavailable(address):
    with pytest.raises(TeamsUnavailable):
        asyncio.run(read_keys(address))


def test_a_key_with_a_name_that_is_none_is_left_out(teams):
    teams.keys[0].ensure_kid()
    published = teams._published(teams.keys[0])
    odd = [{**published, "kid": 7}, {**published, "endorsements": "msteams"}]
    for item in odd:
        assert keys._signing_key(item) is None
    assert keys._signing_key(published) is not None


def test_without_keys_the_platform_is_asked_to_come_back(chat, teams, caplog):
    teams.faults.openid = b"<html>"
    answer = chat.say("bonjour")
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert "an answer about keys that is not JSON" in caplog.text


def test_keys_that_are_known_stay_while_new_ones_cannot_be_read(teams):
    clock = [0.0]
    known, kid = SigningKeys(f"{teams.base}/openid", lambda: clock[0]), teams.keys[0].kid

    async def ask():
        assert await known.find(kid)
        teams.faults.openid = b"<html>"
        clock[0] = keys.KNOWN_FOR + 1
        assert await known.find(kid)

    asyncio.run(ask())


# What is in the request


def test_a_body_that_is_not_json_is_refused_in_a_sentence(chat, teams):
    headers = {"Authorization": f"Bearer {teams.token()}"}
    answer = chat.post("/teams/messages", content=b"{", headers=headers)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "bad_json"


def test_a_body_that_is_no_object_is_refused(chat, teams):
    headers = {"Authorization": f"Bearer {teams.token()}"}
    answer = chat.post("/teams/messages", content=b"[]", headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request")


def test_a_body_that_is_too_large_is_refused(chat, teams):
    answer = chat.send(teams.message(chat, "x" * 300_000))
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "body_too_large")


@pytest.mark.parametrize(
    "more",
    [
        {"type": None},
        {"id": None},
        {"id": "x" * 500},
        {"from": None},
        {"from": {"id": 7}},
        {"recipient": {}},
        {"conversation": {"tenantId": TENANT}},
    ],
    ids=str,
)
def test_an_activity_without_what_it_needs_is_refused(more, chat, teams):
    answer = chat.send(teams.message(chat, "bonjour", **more))
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request")


def test_another_method_is_refused(chat, teams_door):
    assert teams_door.http.get("/teams/messages").status_code == 405


def test_without_settings_there_is_no_such_address(open_door):
    assert open_door().http.post("/teams/messages", json={}).status_code == 404
