"""Showing messages on Slack: in order, once, again after a failure, never after an uninstall."""

from __future__ import annotations

import logging
import time

import pytest
from doors import say
from fakes.slack import Person, broken, refused
from sqlalchemy import select, update

from mobilis.errors import DeliveryPostponed
from mobilis.models import deliveries, places, slack_installations
from mobilis.places import Place
from mobilis.store import now
from mobilis.web import sender
from mobilis.web.slack.outlet import SlackOutlet

POST = "chat.postMessage"


def states(database):
    query = select(deliveries.c.state, deliveries.c.attempts, deliveries.c.error)
    with database.read() as connection:
        return [tuple(row) for row in connection.execute(query.order_by(deliveries.c.number))]


def settled(database):
    found = states(database)
    return found if found and all(s in ("sent", "failed") for s, _, _ in found) else None


def test_a_message_carries_its_id_by_which_it_is_found_again(someone, slack, eventually):
    someone.says("a")
    eventually(lambda: len(slack.posts) == 2)
    assert slack.posts[0].metadata["event_type"] == "mobilis"
    assert len({post.message_id for post in slack.posts}) == 2


def test_a_message_shows_no_preview_of_the_pages_that_it_links(someone, slack, eventually):
    someone.says("a")
    [given, *_] = eventually(lambda: slack.called(POST))
    assert (given["unfurl_links"], given["unfurl_media"]) == (False, False)


def test_when_slack_wants_us_to_wait_we_wait_as_long_as_it_says(
    someone, slack, database, eventually, monkeypatch
):
    waited = []
    real = sender.deliveries.put_off

    def put_off(connection, delivery, why, due_at):
        waited.append((why, (due_at - now()).total_seconds()))
        return real(connection, delivery, why, due_at)

    monkeypatch.setattr(sender.deliveries, "put_off", put_off)
    slack.next[POST].append(refused("ratelimited", 429, Retry_After="1"))
    someone.says("a")
    eventually(lambda: len(slack.posts) == 2)
    [(why, seconds)] = waited
    assert why == "Slack refuses: ratelimited"
    assert 0.9 < seconds <= 1.25


@pytest.mark.parametrize(
    "answer",
    [
        refused("ratelimited", 429),
        refused("ratelimited"),
        refused("internal_error"),
        refused("fatal_error"),
        refused("service_unavailable"),
        refused("request_timeout"),
        broken(500),
        broken(502),
        broken(503, ""),
        broken(429),
        broken(404, "<html>a proxy</html>"),
    ],
)
def test_what_may_work_later_is_tried_again(someone, slack, database, eventually, answer):
    slack.next[POST].append(answer)
    someone.says("a")
    eventually(lambda: settled(database) and len(slack.posts) == 2)
    assert slack.said(someone.direct) == ["Bonjour !", "echo a"]
    assert [state for state, _, _ in states(database)] == ["sent", "sent"]


@pytest.mark.parametrize(
    "code",
    ["channel_not_found", "is_archived", "msg_too_long", "not_in_channel", "invalid_blocks"],
)
def test_what_never_will_work_is_a_dead_letter_and_the_next_message_follows(
    someone, slack, database, eventually, code
):
    slack.next[POST].append(refused(code))
    someone.says("a")
    eventually(lambda: settled(database) and len(slack.posts) == 1)
    assert states(database)[0] == ("failed", 0, f"Slack refuses: {code}")
    assert slack.said(someone.direct) == ["echo a"]


def test_what_slack_answers_never_reaches_the_log_as_it_is(
    someone, slack, database, eventually, caplog
):
    slack.next[POST].append(refused("<script>very secret</script> text"))
    someone.says("un secret de visiteuse")
    eventually(lambda: settled(database))
    assert "<script>" not in caplog.text
    assert "un secret" not in caplog.text


def test_when_nobody_answers_it_is_tried_again(open_slack, slack, database, eventually):
    someone = Person(slack, open_slack(slack_api_url="http://127.0.0.1:9/api/").http)
    assert someone.says("a").status_code == 200
    found = eventually(lambda: [s for s in states(database) if s[1]])
    assert found[0][2].startswith("Slack does not answer: Client")


@pytest.mark.parametrize("method", ["says", "mentions"])
def test_a_post_whose_answer_was_lost_is_not_posted_twice(
    someone, slack, database, eventually, method
):
    slack.lose[POST] = 1
    getattr(someone, method)("a", ts="1.1")
    said = ["Bonjour !", "echo a"] if method == "says" else ["echo a"]
    eventually(lambda: settled(database) and len(slack.posts) == len(said))
    assert [post.text for post in slack.posts] == said
    assert [state for state, _, _ in states(database)] == ["sent", "sent"]


def test_a_slack_that_takes_too_long_is_asked_again_and_nothing_is_posted_twice(
    open_slack, slack, database, eventually, monkeypatch
):
    monkeypatch.setattr("mobilis.web.slack.TIMEOUT_SECONDS", 0.5)
    monkeypatch.setattr("mobilis.web.slack.api.UNSURE_SECONDS", 1.5)
    someone = Person(slack, open_slack().http)
    slack.slow[POST] = 0.8
    someone.says("a")
    eventually(lambda: any("TimeoutError" in (error or "") for _, _, error in states(database)))
    slack.slow[POST] = 0
    eventually(lambda: settled(database) and len(slack.posts) == 2)
    time.sleep(1)
    assert [post.text for post in slack.posts] == ["Bonjour !", "echo a"]


@pytest.mark.parametrize("method", ["says", "mentions"])
def test_a_post_that_a_process_could_not_note_is_not_posted_twice(
    open_slack, slack, database, eventually, method
):
    door = open_slack()
    someone = Person(slack, door.http)
    getattr(someone, method)("a", ts="1.1")
    posted = 2 if method == "says" else 1
    eventually(lambda: settled(database) and len(slack.posts) == posted)
    door.stop()
    with database.write() as connection:  # as a process leaves it that is killed after the post
        cut = update(deliveries).values(state="sending", due_at=now(), remote_id=None)
        connection.execute(cut)
    door.start()
    eventually(lambda: settled(database))
    assert len(slack.posts) == posted
    with database.read() as connection:
        query = select(deliveries.c.remote_id).order_by(deliveries.c.number)
        noted = connection.execute(query).scalars().all()
    assert [ts for ts in noted if ts] == [post.ts for post in slack.posts]


def test_where_slack_may_not_say_what_was_posted_it_is_posted(
    someone, slack, database, eventually, caplog
):
    slack.next[POST].append(broken(500))
    slack.next["conversations.replies"].append(refused("missing_scope"))
    someone.mentions("a", ts="1.1")
    eventually(lambda: settled(database) and len(slack.posts) == 1)
    assert "cannot say whether" in caplog.text


def test_another_apps_message_with_metadata_is_not_taken_for_ours(
    someone, slack, database, eventually, monkeypatch
):
    slack.next[POST].append(broken(500))
    real = slack._conversations_history

    def history(team, given):
        own = real(team, given)["messages"]
        other = {"event_type": "other", "event_payload": {"id": "x"}}
        return {"messages": [{"ts": "1.1", "metadata": other}, {"ts": "1.2"}, *own]}

    monkeypatch.setattr(slack, "_conversations_history", history)
    someone.says("a")
    eventually(lambda: settled(database) and len(slack.posts) == 2)


@pytest.mark.parametrize(
    "code", ["token_revoked", "account_inactive", "invalid_auth", "not_authed", "token_expired"]
)
def test_a_token_that_is_worth_nothing_ends_the_sending_and_is_noted(
    open_slack, slack, database, eventually, code
):
    someone = Person(slack, open_slack().http)
    eventually(lambda: installed(database))
    slack.teams["T1"].revoked = code
    someone.says("a")
    eventually(lambda: settled(database))
    assert {error for _, _, error in states(database)} <= {
        f"Slack refuses: {code}",
        f"the workspace T1 has no working app: {code}",
    }
    [row] = installed(database)
    assert (row.gone_why, row.gone_at is not None) == (code, True)
    posts = len(slack.called(POST))
    someone.says("b")  # it is not taken in any more
    assert len(slack.called(POST)) == posts


def installed(database):
    with database.read() as connection:
        return connection.execute(select(slack_installations)).all()


def test_the_token_of_the_settings_is_recognized_again_after_a_restart(
    open_slack, slack, database, eventually
):
    door = open_slack()
    eventually(lambda: installed(database))
    with database.write() as connection:
        connection.execute(update(slack_installations).values(gone_at=now(), gone_why="x"))
    door.stop()
    door.start()
    eventually(lambda: installed(database)[0].gone_at is None)
    assert installed(database)[0].bot_user_id == "UBOT"


def test_a_token_of_the_settings_that_does_not_work_is_said_in_the_log(
    open_slack, slack, eventually, caplog
):
    slack.teams["T1"].revoked = "invalid_auth"
    open_slack()
    eventually(lambda: "MOBILIS_SLACK_BOT_TOKEN does not work" in caplog.text)


def test_when_slack_is_down_at_the_start_it_is_asked_again(
    open_slack, slack, database, eventually, monkeypatch
):
    monkeypatch.setattr("mobilis.web.slack.RETRY_SECONDS", 0.02)
    slack.next["auth.test"].extend([broken(500), broken(503)])
    open_slack()
    eventually(lambda: installed(database))


def test_before_the_front_door_runs_a_delivery_waits():
    import asyncio

    place = Place("slack", "T1/U1", "T1", {"user": "U1", "channel": "D1"})
    message = {"id": "1", "kind": "text", "text": "a", "role": "assistant", "language": "fr"}
    with pytest.raises(DeliveryPostponed):
        asyncio.run(SlackOutlet().send(place, message))


def test_a_message_of_a_person_says_whose_it_is(someone, slack, database, brain, eventually):
    from mobilis.conversations import lock_conversation
    from mobilis.turns import Reply
    from mobilis.turns import say as tell

    someone.says("a")
    eventually(lambda: len(slack.posts) == 2)
    with database.write() as connection:
        [talk] = connection.execute(select(places.c.conversation_id)).scalars()
        said = Reply("Je suis là.", "fr", own={"staff": {"name": "Ann Roy"}}, role="staff")
        conversation = lock_conversation(connection, talk)
        assert conversation
        tell(connection, conversation, None, [said])
    eventually(lambda: len(slack.posts) == 3)
    assert slack.posts[-1].text == "Ann Roy, de l'équipe du programme\nJe suis là."
    assert slack.posts[-1].says() == "Je suis là.\n*Ann Roy, de l'équipe du programme*"


def test_nothing_that_was_said_is_logged(someone, slack, brain, eventually, caplog):
    caplog.set_level(logging.DEBUG)
    brain.script = lambda question: (200, {"messages": [say("réponse confidentielle")]})
    someone.says("question confidentielle")
    eventually(lambda: len(slack.posts) == 2)
    ours = [r.getMessage() for r in caplog.records if not r.name.startswith("asyncio")]
    assert not any("confidentielle" in line for line in ours)
