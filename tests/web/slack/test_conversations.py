"""Talking on Slack: what is taken in, once, and where it is answered."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from doors import say
from fakes.slack import Person, broken
from sqlalchemy import select

from mobilis.errors import ChatError
from mobilis.models import conversations, inbox, places
from mobilis.web.slack import desk

QUESTION = {
    **say("Quel est le but?", kind="question"),
    "question": {"id": "aim", "number": 1, "of": 5},
    "choices": [{"title": "A. Oui", "payload": "/answer"}],
}


def rows(database, table, *where):
    with database.read() as connection:
        return connection.execute(select(table).where(*where)).all()


def texts(database):
    """What visitors said, in order."""
    found = rows(database, inbox, inbox.c.kind != "opened")
    return [row.text for row in sorted(found, key=lambda row: row.position)]


def asks(question: dict[str, str]) -> tuple[int, Any]:
    """A brain that asks a question of the assessment when that is mentioned."""
    if "évaluation" in question.get("text", ""):
        return 200, {"messages": [say("Voici cinq questions."), QUESTION]}
    if question.get("payload") == "/stop":
        return 200, {"messages": [say("C'est mis de côté.")]}
    return 200, {"messages": [say(f"echo {question.get('text') or question['payload']}")]}


def test_a_direct_message_is_answered_flat(someone, slack, eventually):
    assert someone.says("c'est combien?").status_code == 200
    eventually(lambda: len(slack.posts) == 2)
    assert slack.said(someone.direct) == ["Bonjour !", "echo c'est combien?"]


def test_a_post_in_a_thread_of_a_direct_message_is_answered_flat_too(someone, slack, eventually):
    someone.says("un", ts="1.1")
    someone.says("deux", thread_ts="1.1")
    eventually(lambda: len(slack.posts) == 3)
    assert slack.said(someone.direct) == ["Bonjour !", "echo un", "echo deux"]


def test_a_mention_in_a_channel_is_answered_in_its_thread(someone, slack, eventually):
    someone.mentions("c'est combien?", ts="7.1")
    eventually(lambda: slack.said("C1", "7.1") == ["echo c'est combien?"])  # and no greeting


def test_a_mention_in_a_thread_is_answered_there(someone, slack, eventually):
    someone.mentions("un", ts="7.2", thread_ts="7.1")
    eventually(lambda: slack.said("C1", "7.1") == ["echo un"])


def test_a_direct_message_a_thread_and_a_channel_never_share_a_conversation(
    someone, anglophone, database, slack, eventually
):
    someone.says("direct")
    someone.mentions("fil", ts="1.1")
    someone.mentions("autre fil", ts="2.1")
    someone.mentions("autre canal", channel="C2", ts="1.1")
    anglophone.mentions("same thread", ts="1.2", thread_ts="1.1")
    eventually(lambda: len(slack.posts) == 6)  # one greeting: that of the direct message
    assert len(rows(database, conversations)) == 5
    assert len({row.key for row in rows(database, places)}) == 5


def test_one_persons_direct_messages_are_one_conversation(someone, slack, database, eventually):
    someone.says("un")
    someone.says("deux")
    eventually(lambda: len(slack.posts) == 3)
    assert len(rows(database, conversations)) == 1


@pytest.mark.parametrize("why", ["", "http_timeout", "http_error", "connection_failed", "made_up"])
def test_a_redelivered_event_is_the_same_event_whatever_the_reason(
    someone, slack, brain, database, eventually, why
):
    event = someone.event(someone.said("une fois"))
    headers = {"X-Slack-Retry-Num": "1", "X-Slack-Retry-Reason": why} if why else {}
    assert [someone.send(event, **headers).status_code for _ in range(3)] == [200] * 3
    someone.says("et après")
    eventually(lambda: len(slack.posts) == 3)
    assert texts(database) == ["une fois", "et après"]


def test_a_redelivered_event_is_the_same_after_a_restart(
    open_slack, slack, database, brain, eventually
):
    door = open_slack()
    someone = Person(slack, door.http)
    event = someone.event(someone.said("une fois"))
    someone.send(event)
    eventually(lambda: len(slack.posts) == 2)
    door.stop()
    door.start()
    assert someone.send(event).status_code == 200
    someone.says("et après")
    eventually(lambda: len(slack.posts) == 3)
    assert texts(database) == ["une fois", "et après"]


def test_message_and_app_mention_of_one_post_count_once(someone, slack, database, eventually):
    said = someone.said("<@UBOT> combien?")
    someone.send(someone.event(said, "Ev1"))
    someone.send(someone.event({**said, "type": "app_mention"}, "Ev2"))
    someone.mentions("encore", channel=someone.direct)
    eventually(lambda: len(slack.posts) == 3)
    assert texts(database) == ["combien?", "encore"]


def test_a_message_of_a_channel_that_mentions_us_counts_by_its_mention_alone(
    someone, slack, database, eventually
):
    said = someone.said("<@UBOT> combien?", channel="C1", channel_type="channel", ts="3.1")
    someone.send(someone.event(said))
    someone.mentions("combien?", ts="3.1")
    eventually(lambda: len(slack.posts) == 1)
    assert texts(database) == ["combien?"]


@pytest.mark.parametrize(
    "event",
    [
        {"bot_id": "B9"},
        {"subtype": "bot_message", "bot_id": "B9"},
        {"subtype": "message_changed", "message": {"text": "autre"}},
        {"subtype": "message_deleted"},
        {"subtype": "channel_join"},
        {"subtype": "channel_topic"},
        {"subtype": "me_message"},
        {"user": "UBOT"},
        {"user": None},
        {"channel_type": "channel", "channel": "C1"},
        {"channel_type": "group", "channel": "G1"},
    ],
    ids=str,
)
def test_bots_edits_joins_topics_and_our_own_messages_are_ignored(
    someone, slack, database, eventually, event
):
    assert someone.says("rien", **event).status_code == 200
    someone.says("quelque chose")
    eventually(lambda: len(slack.posts) == 2)
    assert texts(database) == ["quelque chose"]


@pytest.mark.parametrize("subtype", ["file_share", "thread_broadcast"])
def test_what_a_person_typed_beside_a_file_or_for_the_channel_too_is_heard(
    someone, slack, database, eventually, subtype
):
    someone.says("voici", subtype=subtype)
    eventually(lambda: len(slack.posts) == 2)
    assert texts(database) == ["voici"]


@pytest.mark.parametrize("kind", ["reaction_added", "team_join", "something_new"])
def test_an_event_that_we_did_not_ask_for_is_acknowledged(someone, database, kind):
    assert someone.send(someone.event({"type": kind, "user": "U1"})).status_code == 200
    assert rows(database, conversations) == []


def test_links_mentions_and_entities_are_unwrapped(someone, slack, database, eventually):
    someone.says("<@UBOT> a &amp; b <mailto:a@b.ca|a@b.ca> <https://x.ca/?a=1&amp;b=2|x.ca>")
    eventually(lambda: len(slack.posts) == 2)
    assert texts(database) == ["a & b a@b.ca https://x.ca/?a=1&b=2"]


def test_who_only_mentions_us_is_told_what_we_can_do(someone, slack, eventually):
    someone.mentions("", ts="1.1")
    eventually(lambda: slack.said("C1", "1.1") == ["payload /help"])
    someone.mentions("", ts="1.2", thread_ts="1.1")
    eventually(lambda: slack.said("C1", "1.1") == ["payload /help"] * 2)


def test_who_only_says_our_name_in_private_is_greeted_then_told_what_we_can_do(
    someone, slack, eventually
):
    someone.says("<@UBOT>")
    eventually(lambda: slack.said(someone.direct) == ["Bonjour !"])
    someone.says("<@UBOT>")
    eventually(lambda: slack.said(someone.direct) == ["Bonjour !", "payload /help"])


# The language


def test_the_first_language_is_that_of_slack(someone, anglophone, slack, eventually):
    someone.says("a")
    anglophone.says("b")
    eventually(lambda: len(slack.posts) == 4)
    assert slack.said(someone.direct)[0] == "Bonjour !"
    assert slack.said(anglophone.direct)[0] == "Hello!"


def test_slack_is_asked_once_for_somebodys_language(open_slack, slack, eventually):
    anglophone = Person(slack, open_slack().http, user="U2")
    anglophone.mentions("a", ts="1.1")
    anglophone.mentions("b", ts="2.1")
    eventually(lambda: len(slack.posts) == 2)
    assert len(slack.called("users.info")) == 1
    assert slack.called("users.info")[0]["include_locale"] in (1, "1", "true", True)


@pytest.mark.parametrize("how", ["unknown", "broken", "slow", "no_locale"])
def test_without_an_answer_of_slack_the_first_language_is_french(
    slack, slack_door, eventually, how
):
    user = f"U{how}"
    slack.teams["T1"].locales[user] = "" if how == "no_locale" else "en-US"
    if how == "unknown":
        del slack.teams["T1"].locales[user]
    if how == "broken":
        slack.next["users.info"].append(broken(500))
    slack.slow["users.info"] = 4 if how == "slow" else 0
    began = time.monotonic()
    assert Person(slack, slack_door.http, user=user).says("a").status_code == 200
    assert time.monotonic() - began < 3  # as long as Slack waits
    eventually(lambda: len(slack.posts) == 2)
    assert slack.said(f"D{user}")[0] == "Bonjour !"


def test_later_the_language_is_what_the_person_writes(
    anglophone, slack, brain, database, eventually
):
    brain.script = lambda question: (200, {"messages": [say("D'accord.", language="fr")]})
    anglophone.says("en français, svp")
    eventually(lambda: rows(database, conversations)[0].language == "fr")


# Acknowledging


def test_slack_gets_its_answer_at_once_however_long_the_brain_takes(
    someone, slack, brain, eventually
):
    release, answered = threading.Event(), []

    def slowly(question):
        release.wait(20)
        answered.append(question)
        return 200, {"messages": [say("enfin")]}

    brain.script = slowly
    someone.says("a")
    assert not answered
    release.set()
    eventually(lambda: slack.said(someone.direct)[-1:] == ["enfin"])


def test_what_is_acknowledged_is_in_the_database(someone, database):
    someone.says("gardé")
    assert texts(database) == ["gardé"]


def test_a_post_that_cannot_be_kept_is_not_acknowledged_so_that_slack_asks_again(
    someone, slack, database, eventually, monkeypatch, caplog
):
    def fail(*_: Any) -> None:
        raise RuntimeError("secret words of a visitor")

    event = someone.event(someone.said("à la deuxième"))
    with monkeypatch.context() as patch:
        patch.setattr(desk, "_hear", fail)
        assert someone.send(event).status_code == 503
    assert "RuntimeError" in caplog.text
    assert "secret words" not in caplog.text
    assert someone.send(event).status_code == 200
    eventually(lambda: len(slack.posts) == 2)
    assert texts(database) == ["à la deuxième"]


# Limits


def test_a_message_that_is_too_long_is_told_so_to_its_author_alone(
    open_slack, slack, database, eventually
):
    someone = Person(slack, open_slack(text_limit=10).http)
    someone.says("onze lettres")
    [told] = eventually(lambda: slack.alone)
    assert (told["channel"], told["user"]) == (someone.direct, "U1")
    assert "10" in told["text"]
    assert rows(database, conversations) == []


def test_who_writes_too_fast_is_told_so_alone_in_their_thread(
    open_slack, slack, database, eventually
):
    someone = Person(slack, open_slack(messages_per_minute=1).http)
    someone.mentions("un", ts="1.1")
    someone.mentions("deux", ts="1.2", thread_ts="1.1")
    [told] = eventually(lambda: slack.alone)
    assert told["thread_ts"] == "1.1"
    assert texts(database) == ["un"]


def test_what_cannot_be_told_alone_is_only_logged(open_slack, slack, eventually, caplog):
    slack.next["chat.postEphemeral"].append(broken(500))
    someone = Person(slack, open_slack(text_limit=1).http)
    someone.says("trop")
    eventually(lambda: "Slack refuses: 500" in caplog.text)


# What is personal


def test_the_assessment_moves_from_a_channel_to_a_direct_message(
    someone, slack, brain, database, eventually
):
    brain.script = asks
    someone.mentions("faire l'auto-évaluation", ts="1.1")
    eventually(lambda: any("Quel est le but?" in text for text in slack.said(someone.direct)))
    eventually(lambda: "/stop" in brain.texts())
    said = slack.said("C1", "1.1")
    assert said[-1] == "Je vous ai écrit en message direct : on continue là-bas, entre nous."
    assert not any("Quel est le but?" in text for text in said)
    someone.mentions("et le coût?", ts="1.3", thread_ts="1.1")
    eventually(lambda: slack.said("C1", "1.1")[-1] == "echo et le coût?")
    assert "C'est mis de côté." not in slack.said("C1", "1.1")


def test_the_form_moves_from_a_channel_to_a_direct_message(
    someone, slack, brain, database, eventually
):
    def script(question):
        if "coordonnées" in question.get("text", ""):
            return 200, {"messages": [say("Êtes-vous d'accord?", kind="form")]}
        return 200, {"messages": [say("ok")]}

    brain.script = script
    someone.mentions("laisser mes coordonnées", ts="1.1")
    eventually(lambda: "Êtes-vous d'accord?" in slack.said(someone.direct))
    assert "Êtes-vous d'accord?" not in slack.said("C1", "1.1")


def test_what_moved_is_not_shown_again_when_it_changes(someone, slack, brain, database, eventually):
    from mobilis.deliveries import push_again
    from mobilis.models import deliveries, outbox

    brain.script = asks
    someone.mentions("faire l'auto-évaluation", ts="1.1")
    eventually(lambda: any("Quel est le but?" in text for text in slack.said(someone.direct)))
    [place] = rows(database, places, places.c.key.like("%C1%"))
    own = outbox.c.conversation_id == place.conversation_id
    moved = next(row for row in rows(database, outbox, own) if row.content["kind"] == "question")
    with database.write() as connection:
        push_again(connection, place.conversation_id, moved.id)
    again = deliveries.c.kind == "update"
    eventually(lambda: rows(database, deliveries, again)[0].state == "sent")
    assert slack.called("chat.update") == []


def test_what_can_no_longer_be_moved_says_where_to_go(
    someone, slack, brain, database, eventually, monkeypatch
):
    brain.script = asks
    with monkeypatch.context() as patch:
        patch.setattr("mobilis.moving.move", lambda *_: [])
        someone.mentions("faire l'auto-évaluation", ts="1.1")
        eventually(lambda: len(slack.posts) == 1)
    assert slack.said("C1", "1.1")[-1].startswith(
        "Les renseignements personnels ne s'échangent pas"
    )
    assert slack.said(someone.direct) == []


def test_what_is_erased_while_it_moves_says_where_to_go(
    someone, slack, brain, database, eventually, monkeypatch
):
    def gone(*_: Any) -> list[str]:
        raise ChatError("unauthorized", 401)

    brain.script = asks
    with monkeypatch.context() as patch:
        patch.setattr("mobilis.moving.move", gone)
        someone.mentions("faire l'auto-évaluation", ts="1.1")
        eventually(lambda: len(slack.posts) == 1)
    assert slack.said("C1", "1.1")[-1].startswith(
        "Les renseignements personnels ne s'échangent pas"
    )
