"""Several workspaces: each installs the app itself, and may remove it again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from fakes.slack import CLIENT_ID, CLIENT_SECRET, Person, Team
from slack_sdk.oauth.installation_store import Installation
from sqlalchemy import select, update

from mobilis.errors import StoreError
from mobilis.models import deliveries, inbox, slack_installations, slack_states
from mobilis.slack import SCOPES
from mobilis.store import now
from mobilis.web.slack import stores

OAUTH = {
    "slack_client_id": CLIENT_ID,
    "slack_client_secret": CLIENT_SECRET,
    "slack_bot_token": "",
}


@pytest.fixture
def many(open_slack):
    """A front door that workspaces install the app of."""
    return open_slack(**OAUTH)


def begin(door) -> tuple[str, dict[str, str]]:
    """The state of an installation, and the cookie of the browser that began it."""
    answer = door.http.get("/slack/install")
    assert answer.status_code == 302
    query = parse_qs(urlsplit(answer.headers["location"]).query)
    cookie = answer.headers["set-cookie"].partition(";")[0]
    return query["state"][0], {"Cookie": cookie}


def finish(door, headers, **query: str):
    return door.http.get("/slack/oauth_redirect", params=query, headers=headers)


def install(door, slack, team: Team):
    slack.codes["code"] = team
    state, headers = begin(door)
    answer = finish(door, headers, code="code", state=state)
    assert answer.status_code == 200
    return answer


def installed(database):
    with database.read() as connection:
        return connection.execute(select(slack_installations)).all()


def failures(database):
    with database.read() as connection:
        query = select(deliveries.c.error).where(deliveries.c.state == "failed")
        return connection.execute(query).scalars().all()


def test_installing_asks_slack_for_what_the_app_needs(many):
    answer = many.http.get("/slack/install")
    asked = urlsplit(answer.headers["location"])
    query = parse_qs(asked.query)
    assert (asked.scheme, asked.netloc) == ("https", "slack.com")
    assert asked.path == "/oauth/v2/authorize"
    assert sorted(query["scope"][0].split(",")) == sorted(SCOPES)
    assert query["redirect_uri"] == ["https://chat.example.org/slack/oauth_redirect"]
    assert "Secure" in answer.headers["set-cookie"]
    assert "HttpOnly" in answer.headers["set-cookie"]


@pytest.mark.parametrize(
    ("language", "title"),
    [("fr-CA", "L'assistant est installé"), ("en", "The assistant is installed")],
)
def test_whoever_installs_it_is_told_so_in_their_language(many, slack, language, title):
    slack.codes["code"] = Team("T5", "xoxb-T5")
    state, headers = begin(many)
    headers["Accept-Language"] = language
    answer = finish(many, headers, code="code", state=state)
    assert title in answer.text.replace("&#39;", "'")
    assert "Team T5" in answer.text
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


def test_a_token_is_encrypted_in_the_database(many, slack, database):
    install(many, slack, Team("T5", "xoxb-T5"))
    [row] = installed(database)
    assert (row.workspace, row.name, row.bot_user_id) == ("T5", "Team T5", "UBOT")
    assert "xoxb" not in row.token


def test_two_workspaces_are_answered_each_with_its_own_token(many, slack, database, eventually):
    slack.teams.clear()
    install(many, slack, Team("T5", "xoxb-T5", locales={"U1": "fr-FR"}))
    install(many, slack, Team("T6", "xoxb-T6", locales={"U1": "en-US"}))
    Person(slack, many.http, team="T5").says("un")
    Person(slack, many.http, team="T6").says("one")
    eventually(lambda: len(slack.posts) == 4)
    assert {(post.team, post.text) for post in slack.posts} == {
        ("T5", "Bonjour !"),
        ("T5", "echo un"),
        ("T6", "Hello!"),
        ("T6", "echo one"),
    }


def test_a_state_is_good_once(many, slack, database):
    slack.codes["code"] = Team("T5", "xoxb-T5")
    state, headers = begin(many)
    assert finish(many, headers, code="code", state=state).status_code == 200
    slack.codes["again"] = Team("T6", "xoxb-T6")
    assert finish(many, headers, code="again", state=state).status_code == 401
    assert [row.workspace for row in installed(database)] == ["T5"]


def test_a_state_expires(many, slack, database):
    slack.codes["code"] = Team("T5", "xoxb-T5")
    state, headers = begin(many)
    with database.write() as connection:
        connection.execute(update(slack_states).values(expires_at=now() - timedelta(seconds=1)))
    assert finish(many, headers, code="code", state=state).status_code == 401
    assert installed(database) == []


def test_a_state_of_another_browser_is_refused(many, slack, database):
    slack.codes["code"] = Team("T5", "xoxb-T5")
    state, _ = begin(many)
    _, other = begin(many)
    for headers in ({}, other, {"Cookie": "slack-app-oauth-state=guess"}):
        assert finish(many, headers, code="code", state=state).status_code == 400
    assert installed(database) == []


def test_a_state_is_kept_as_a_hash_alone(many, database):
    state, _ = begin(many)
    with database.read() as connection:
        assert state not in str(connection.execute(select(slack_states)).all())


@pytest.mark.parametrize(
    "query", [{"error": "access_denied"}, {"code": "made-up"}, {}], ids=["no", "code", "none"]
)
def test_an_installation_that_does_not_complete_is_told_so(many, database, query):
    state, headers = begin(many)
    answer = finish(many, {**headers, "Accept-Language": "fr"}, state=state, **query)
    assert "pas été installé" in answer.text
    assert "<script" not in answer.text
    assert installed(database) == []


def test_why_an_installation_failed_is_never_shown_as_it_is(many, caplog):
    _, headers = begin(many)
    answer = finish(many, headers, error="<script>alert(1)</script>")
    assert "<script>" not in answer.text + caplog.text


def test_a_workspace_that_removes_the_app_keeps_its_record_without_its_token(many, slack, database):
    install(many, slack, Team("T5", "xoxb-T5"))
    someone = Person(slack, many.http, team="T5")
    assert someone.send(someone.event({"type": "app_uninstalled"})).status_code == 200
    [row] = installed(database)
    assert (row.gone_why, row.token) == ("app_uninstalled", None)
    assert row.gone_at is not None


def test_revoked_tokens_stop_the_sending_and_only_those_of_the_bot(many, slack, database):
    install(many, slack, Team("T5", "xoxb-T5"))
    someone = Person(slack, many.http, team="T5")
    tokens = {"oauth": ["U1"], "bot": []}
    someone.send(someone.event({"type": "tokens_revoked", "tokens": tokens}))
    assert installed(database)[0].gone_at is None
    tokens = {"oauth": [], "bot": ["UBOT"]}
    someone.send(someone.event({"type": "tokens_revoked", "tokens": tokens}))
    assert installed(database)[0].gone_why == "token_revoked"


def test_nothing_is_sent_to_a_workspace_that_is_gone_and_staff_see_why(
    many, slack, database, brain, eventually
):
    install(many, slack, Team("T5", "xoxb-T5"))
    someone = Person(slack, many.http, team="T5")
    someone.says("a")
    eventually(lambda: len(slack.posts) == 2)
    someone.send(someone.event({"type": "app_uninstalled"}))
    from mobilis.conversations import lock_conversation
    from mobilis.turns import Reply, say

    with database.write() as connection:
        [talk] = connection.execute(select(inbox.c.conversation_id).distinct()).scalars()
        conversation = lock_conversation(connection, talk)
        assert conversation
        say(connection, conversation, None, [Reply("Encore là?", "fr")])
    eventually(lambda: failures(database))
    assert failures(database) == ["the workspace T5 has no working app: app_uninstalled"]
    assert len(slack.posts) == 2


def test_nothing_is_taken_in_from_a_workspace_that_never_installed_the_app(many, slack, database):
    someone = Person(slack, many.http, team="T9")
    assert someone.says("a").status_code == 200
    told = someone.commands("/preparation")
    assert "n'est plus installé" in told.text
    assert "no longer installed" in told.text
    with database.read() as connection:
        assert connection.execute(select(inbox)).all() == []


def test_a_workspace_that_installs_the_app_again_is_answered_again(
    many, slack, database, eventually
):
    install(many, slack, Team("T5", "xoxb-T5"))
    someone = Person(slack, many.http, team="T5")
    someone.send(someone.event({"type": "app_uninstalled"}))
    install(many, slack, Team("T5", "xoxb-T5-new"))
    [row] = installed(database)
    assert (row.gone_at, row.gone_why) == (None, None)
    someone.says("me revoici")
    eventually(lambda: "echo me revoici" in slack.said(someone.direct))


def test_with_another_secret_the_workspaces_must_install_the_app_again(
    open_slack, slack, database, eventually
):
    door = open_slack(**OAUTH)
    install(door, slack, Team("T5", "xoxb-T5"))
    door.stop()
    door.settings = replace(door.settings, secret="another secret, long enough")
    door.start()
    Person(slack, door.http, team="T5").says("a")
    assert slack.posts == []


def test_an_organization_that_installs_the_app_as_a_whole_is_one_workspace():
    assert stores.workspace_id("E1", "T1", True) == "E1"
    assert stores.workspace_id("E1", "T1", False) == "T1"
    assert stores.workspace_id(None, "T1", None) == "T1"
    assert stores.workspace_id("E1", None, None) == "E1"


def test_the_installation_store_is_one_of_slack_sdk(many, slack, database):
    import asyncio
    from types import SimpleNamespace

    from mobilis.sealing import Seal
    from mobilis.slack import PURPOSE, read_app
    from mobilis.web.door import Door

    settings = many.settings
    app, seal = read_app(settings), Seal(settings.secret, PURPOSE)

    async def play() -> None:
        door = SimpleNamespace(settings=settings, database=database)
        for method in ("read", "write"):
            setattr(door, method, getattr(Door, method).__get__(door))
        known = SimpleNamespace(app=app, seal=seal)
        store = stores.Installations(door, known)
        whole = Installation(
            app_id="A1",
            enterprise_id="E1",
            enterprise_name="Org",
            team_id=None,
            bot_token="xoxb-E1",
            bot_id="B1",
            bot_user_id="UBOT",
            bot_scopes="chat:write",
            user_id="U1",
            is_enterprise_install=True,
        )
        await store.async_save(whole)
        asked = {"enterprise_id": "E1", "team_id": "T7"}
        bot = await store.async_find_bot(**asked, is_enterprise_install=True)
        assert bot
        assert (bot.bot_token, bot.bot_user_id) == ("xoxb-E1", "UBOT")
        assert await store.async_find_bot(**asked, is_enterprise_install=False) is None
        await store.async_delete_all(**asked)
        assert await store.async_find_bot(**asked, is_enterprise_install=True) is None
        assert store.logger.name == stores.States(door).logger.name

    asyncio.run(play())


def test_without_a_client_id_nobody_can_install_the_app(someone):
    assert someone.http.get("/slack/install").status_code == 404
    assert someone.http.get("/slack/oauth_redirect").status_code == 404


def test_a_database_that_refuses_is_an_error_that_slack_sees(many, slack, monkeypatch):
    def refuse(*_):
        raise StoreError("no")

    monkeypatch.setattr(stores, "issue_state", refuse)
    assert many.http.get("/slack/install").status_code == 503
