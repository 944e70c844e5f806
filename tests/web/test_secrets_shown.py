"""No secret is shown: not in logs at their most talkative, in errors, at /healthz or in how things
print. What is seen of processes is told in tests/brain/test_secrets_shown.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from typing import Any

import pytest
from fake_teams import APP, TENANT

from mobilis import slack, smtp
from mobilis.errors import MobilisError, StoreError
from mobilis.settings import SECRETS, Settings, load_settings, variable_of
from mobilis.store import Database
from mobilis.web.app import create_app
from mobilis.web.provider import make_provider
from mobilis.web.teams import clouds

MARK = "zzSecretZZ"  # what every planted secret holds
NOWHERE = "http://127.0.0.1:9"
PLANTED = {
    "secret": f"{MARK}-brain-and-door",
    "oidc_client_secret": f"{MARK}-oidc-client",
    "slack_signing_secret": f"{MARK}-slack-signing",
    "slack_bot_token": f"xoxb-{MARK}-bot",
    "teams_app_password": f"{MARK}-teams-password",
    "smtp_url": f"smtp://user:{MARK}-mail@127.0.0.1:9?tls=no",
}
PUBLIC = {
    "public_url": "https://chat.example.org",
    "oidc_issuer": NOWHERE,
    "oidc_client_id": "client",
    "slack_api_url": f"{NOWHERE}/",
    "teams_app_id": APP,
    "teams_tenant": TENANT,
    "teams_openid_url": f"{NOWHERE}/openid",
    "teams_login_url": f"{NOWHERE}/login",
    "mail_from": "a@exemple.ca",
}


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture, capfd: Any) -> Callable[[], str]:
    """All that was logged or printed, down to the last detail."""
    for name in (None, "uvicorn", "httpx", "slack_bolt"):
        caplog.set_level(1, name)
    return lambda: caplog.text + "".join(capfd.readouterr())


def visit(door: Any) -> str:
    """Ask for everything that could tell a secret; all the answers."""
    http, given = door.http, []
    for path in ("/", "/healthz", "/console/sign-in", "/console/oidc", "/api/openapi.json", "/x"):
        given.append(http.get(path))
    visitor = door.visitor()
    given.append(visitor.say("bonjour"))
    for path in ("/slack/events", "/teams/messages", "/api/conversations", "/console/sign-in"):
        for headers in ({}, {"Authorization": "Bearer a.b.c"}, {"X-Slack-Signature": "v0=0"}):
            given.append(http.post(path, content=b"{}x", headers=headers))
    return "".join(f"{answer.headers}{answer.text}" for answer in given)


def test_neither_answers_nor_logs_show_one(open_door, brain, said):
    door = open_door(**PUBLIC, **{**PLANTED, "secret": Settings().secret})
    shown = visit_while_the_brain_refuses(door)
    brain.stop()
    shown += door.http.get("/healthz").text
    door.stop()
    logged = said()
    assert len(logged) > 1000, "there was something to look at"
    assert MARK not in shown + logged


def visit_while_the_brain_refuses(door: Any) -> str:
    try:
        return visit(door)
    except AssertionError as refused:  # the brain knows another secret, so nobody is greeted
        return str(refused)


def test_a_conversation_as_a_whole_shows_none_either(open_door, settings, said):
    door = open_door(**PUBLIC, **{**PLANTED, "secret": settings.secret})
    shown = visit(door)
    door.stop()
    assert MARK not in shown + said()
    assert settings.secret not in shown


def things() -> list[Any]:
    settings = replace(Settings(database_url=f"postgresql://u:{MARK}@127.0.0.1:9/n"), **PUBLIC)
    settings = replace(settings, **PLANTED)
    app = create_app(replace(settings, database_url="sqlite://"))
    door = app.state.door
    made = [settings, door, door.brain, door.postman, door.worker, door.provider, door.database]
    made += [slack.read_app(settings), clouds.read_app(settings), smtp.read_server(settings)]
    made += [make_provider(settings), Database.from_settings(settings).engine, *app.state.channels]
    return [one for one in made if one is not None]


def test_nothing_that_holds_one_prints_it():
    for thing in things():
        assert MARK not in repr(thing), type(thing)
        assert MARK not in str(thing), type(thing)
        if is_dataclass(thing):
            holding = [f.name for f in fields(thing) if MARK in repr(getattr(thing, f.name))]
            assert all(not f.repr for f in fields(thing) if f.name in holding), type(thing)


@pytest.mark.parametrize(
    "values",
    [
        {"DATABASE_URL": f"mysql://u:{MARK}@h/n"},
        {"DATABASE_URL": f"postgresql://u:{MARK}@h:port/n"},
        {"DATABASE_URL": f"{MARK}"},
        {"DATABASE_URL": f"postgresql://u:{MARK}@[h/n"},
        {"MOBILIS_SMTP_URL": f"ftp://u:{MARK}@h"},
        {"MOBILIS_SMTP_URL": f"smtp://u:{MARK}é@h", "MOBILIS_MAIL_FROM": "a@exemple.ca"},
        {"MOBILIS_SMTP_URL": f"smtp://u:{MARK}@h:port", "MOBILIS_MAIL_FROM": "a@exemple.ca"},
        {"MOBILIS_SMTP_URL": f"smtp://u:{MARK}@h?x", "MOBILIS_MAIL_FROM": "a@exemple.ca"},
        {"MOBILIS_SMTP_URL": f"smtp://u:{MARK}@h?tls=no", "MOBILIS_MAIL_FROM": "a@exemple.ca"},
        {"MOBILIS_SLACK_BOT_TOKEN": MARK, "MOBILIS_SLACK_SIGNING_SECRET": MARK},
        {"MOBILIS_SLACK_APP_TOKEN": MARK},
        {"MOBILIS_SLACK_CLIENT_SECRET": MARK, "MOBILIS_SLACK_SIGNING_SECRET": MARK},
        {"MOBILIS_TEAMS_APP_PASSWORD": MARK, "MOBILIS_TEAMS_APP_ID": APP},
        {"MOBILIS_OIDC_CLIENT_SECRET": MARK, "MOBILIS_OIDC_ISSUER": "http://x"},
        {"MOBILIS_SECRETS": MARK},
        *({name: MARK[:3], "MOBILIS_PUBLIC_URL": "https://x.example"} for name in SECRETS),
        *({name: MARK, f"{name}_FILE": f"/{MARK[:2]}"} for name in SECRETS),
    ],
    ids=lambda values: "+".join(values),
)
def test_a_setting_that_is_refused_is_named_and_not_shown(values):
    try:
        create_app(load_settings(values))
    except MobilisError as error:
        told = str(error)
    else:
        told = "taken"  # a name where an address is expected, say
    assert MARK not in told and f"'{MARK[:3]}'" not in told, told


@pytest.mark.parametrize("scheme", ["postgresql", "sqlite"])
def test_a_database_that_cannot_be_reached_is_told_without_its_address(scheme, said):
    url = {"postgresql": f"postgresql://u:{MARK}@127.0.0.1:9/n", "sqlite": "sqlite:////proc/x/y.db"}
    with pytest.raises(MobilisError) as error:
        with Database(url[scheme]).read() as connection:
            connection.execute("SELECT 1")
    assert isinstance(error.value, MobilisError)
    assert MARK not in str(error.value) + said()


def test_what_a_statement_was_given_is_not_in_its_error():
    database = Database("sqlite://")
    with pytest.raises(StoreError) as error:
        with database.read() as connection:
            connection.exec_driver_sql("SELECT ? FROM nowhere", (MARK,))
    assert MARK not in str(error.value) + str(error.value.__cause__)
    database.dispose()


def test_every_secret_is_planted_or_another_way_of_the_same():
    planted = {variable_of(name) for name in PLANTED} | {"DATABASE_URL"}
    one_or_the_other = {"MOBILIS_SLACK_APP_TOKEN", "MOBILIS_SLACK_CLIENT_SECRET"}
    assert planted | one_or_the_other == set(SECRETS)
