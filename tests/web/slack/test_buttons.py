"""Buttons and menus on Slack: pressed once, seen by all, pressed by whom they were meant for."""

from __future__ import annotations

import pytest
from doors import say
from sqlalchemy import delete, select, update

from mobilis.models import choices, conversations, deliveries, inbox, places

OFFER = {
    **say("Que voulez-vous faire?"),
    "choices": [
        {"title": "Trouver une ou un coach", "payload": "/find_coach"},
        {"title": "Faire l'auto-évaluation", "payload": "/start_assessment"},
        {"title": "Contacter Ann", "payload": '/declare_interest{"coach_id": "ann"}'},
        {"title": "Parler à une personne", "payload": "/request_human"},
    ],
}


def offers(question):
    if "payload" in question and not question["payload"].startswith("/conversation_opened"):
        return 200, {"messages": [say(f"payload {question['payload']}")]}
    return 200, {"messages": [OFFER]}


@pytest.fixture
def offer(someone, slack, brain, eventually):
    """A message with buttons, in somebody's direct message."""
    brain.script = offers
    someone.says("a")
    eventually(lambda: len(slack.posts) == 2)
    return slack.posts[-1]


@pytest.fixture
def public_offer(someone, slack, brain, eventually):
    """The same in a thread of a channel."""
    brain.script = offers
    someone.mentions("a", ts="1.1")
    eventually(lambda: len(slack.posts) == 1)
    return slack.posts[-1]


def said(database):
    with database.read() as connection:
        rows = connection.execute(select(inbox).where(inbox.c.kind == "choice")).all()
    return [(row.text, row.payload) for row in rows]


def test_a_button_that_is_pressed_is_answered(someone, slack, offer, database, eventually):
    assert someone.presses("Trouver une ou un coach", offer).status_code == 200
    eventually(lambda: "payload /find_coach" in slack.said(someone.direct))
    assert said(database) == [("Trouver une ou un coach", "/find_coach")]


def test_a_choice_is_an_opaque_id(offer):
    for button in offer.buttons().values():
        assert len(button["value"]) == 32
        assert "find_coach" not in str(button)


def test_after_a_click_the_message_shows_what_was_chosen_and_its_buttons_are_gone(
    someone, slack, offer, eventually
):
    someone.presses("Trouver une ou un coach", offer)
    eventually(lambda: offer.edits == 1)
    assert offer.buttons() == {}
    assert "Votre choix : *Trouver une ou un coach*" in offer.says()
    assert "Votre choix : *Trouver une ou un coach*" in offer.text
    assert "Que voulez-vous faire?" in offer.says()


def test_a_second_click_does_nothing_and_says_why_to_its_author_alone(
    someone, slack, offer, database, eventually
):
    someone.presses("Trouver une ou un coach", offer)
    assert someone.presses("Trouver une ou un coach", offer).status_code == 200
    [told] = eventually(lambda: slack.alone)
    assert told["text"].startswith("Vous avez déjà répondu")
    assert len(said(database)) == 1


def test_another_button_of_the_same_message_does_nothing_either(
    someone, slack, offer, database, eventually
):
    someone.presses("Trouver une ou un coach", offer)
    someone.presses("Faire l'auto-évaluation", offer)
    eventually(lambda: len(slack.alone) == 1)
    assert len(said(database)) == 1


def test_the_same_click_sent_again_is_the_same_click(someone, slack, offer, database, eventually):
    button = {**offer.buttons()["Trouver une ou un coach"], "action_ts": "5.5"}
    for _ in range(3):
        someone.presses("Trouver une ou un coach", offer, actions=[{"block_id": "b", **button}])
    eventually(lambda: offer.edits == 1)
    assert len(said(database)) == 1
    assert slack.alone == []


def test_a_button_of_something_erased_is_told_so_to_its_author_alone(
    someone, slack, offer, database, eventually
):
    with database.write() as connection:
        connection.execute(delete(choices))
    someone.presses("Trouver une ou un coach", offer)
    [told] = eventually(lambda: slack.alone)
    assert told["text"].startswith("Ce choix n'est plus offert")


def test_a_made_up_choice_is_unknown(someone, slack, offer, database, eventually):
    made_up = {"action_id": "choice-x", "value": "0" * 32, "action_ts": "1.1"}
    someone.presses("Trouver une ou un coach", offer, actions=[{"block_id": "b", **made_up}])
    eventually(lambda: slack.alone)
    assert said(database) == []


def test_a_choice_of_a_website_cannot_be_made_from_slack(
    someone, slack, offer, database, eventually
):
    with database.write() as connection:
        connection.execute(update(places).values(channel="teams"))
    someone.presses("Trouver une ou un coach", offer)
    eventually(lambda: slack.alone)
    assert said(database) == []


def test_a_choice_of_another_workspace_is_unknown(someone, slack, offer, database, eventually):
    with database.write() as connection:
        connection.execute(update(places).values(workspace="T9"))
    someone.presses("Trouver une ou un coach", offer)
    eventually(lambda: slack.alone)
    assert said(database) == []


def test_more_than_ten_options_are_a_menu(someone, slack, brain, database, eventually):
    many = [{"title": f"Choix {n}", "payload": f"/n{n}"} for n in range(11)]
    brain.script = lambda q: (200, {"messages": [{**say("Lequel?"), "choices": many}]})
    someone.says("a")
    eventually(lambda: len(slack.posts) == 2)
    brain.script = offers
    post = slack.posts[-1]
    assert [element["type"] for element in post.blocks[-1]["elements"]] == ["static_select"]
    someone.presses("Choix 7", post)
    eventually(lambda: post.edits == 1)
    assert said(database) == [("Choix 7", "/n7")]
    assert "Votre choix : *Choix 7*" in post.says()


def test_a_button_for_somebody_else_says_so_alone(
    someone, anglophone, slack, public_offer, database, eventually
):
    anglophone.presses("Trouver une ou un coach", public_offer)
    [told] = eventually(lambda: slack.alone)
    assert told["text"].startswith("These buttons answer somebody else.")
    assert (told["user"], told["thread_ts"]) == ("U2", "1.1")
    assert said(database) == []


def test_a_button_in_a_thread_is_answered_there(someone, slack, public_offer, eventually):
    someone.presses("Trouver une ou un coach", public_offer)
    eventually(lambda: "payload /find_coach" in slack.said("C1", "1.1"))


@pytest.mark.parametrize(
    ("title", "payload"),
    [
        ("Faire l'auto-évaluation", "/start_assessment"),
        ("Contacter Ann", '/declare_interest{"coach_id": "ann"}'),
        ("Parler à une personne", "/request_human"),
    ],
)
def test_what_is_personal_moves_from_a_thread_to_a_direct_message(
    someone, slack, public_offer, brain, database, eventually, title, payload
):
    someone.presses(title, public_offer)
    eventually(lambda: f"payload {payload}" in slack.said(someone.direct))
    eventually(lambda: public_offer.edits == 1)
    eventually(lambda: len(slack.said("C1", "1.1")) == 2)
    thread = slack.said("C1", "1.1")
    assert thread[-1] == "Je vous ai écrit en message direct : on continue là-bas, entre nous."
    assert f"payload {payload}" not in thread
    assert f"Votre choix : *{title}*" in public_offer.says()
    assert sum(q.get("payload") == payload for q in brain.answered) == 1


def test_a_second_click_on_what_moved_does_nothing(someone, slack, public_offer, brain, eventually):
    button = {**public_offer.buttons()["Parler à une personne"], "action_ts": "5.5"}
    for _ in range(2):
        someone.presses("Parler à une personne", public_offer, actions=[button])
    someone.presses("Parler à une personne", public_offer)
    eventually(lambda: slack.alone)
    eventually(lambda: "payload /request_human" in slack.said(someone.direct))
    assert sum(q.get("payload") == "/request_human" for q in brain.answered) == 1


def test_while_a_person_has_the_conversation_nothing_moves(
    someone, slack, public_offer, brain, database, eventually
):
    from mobilis.store import now

    with database.write() as connection:
        connection.execute(update(conversations).values(held_since=now(), held_by="someone"))
    someone.presses("Parler à une personne", public_offer)
    eventually(lambda: said(database) == [("Parler à une personne", "/request_human")])
    assert slack.said(someone.direct) == []


def test_a_choice_of_which_nothing_came_can_be_made_again(
    someone, slack, offer, brain, database, eventually
):
    brain.script = lambda question: (422, {})
    someone.presses("Trouver une ou un coach", offer)
    eventually(lambda: offer.edits == 2)
    brain.script = offers
    assert "Trouver une ou un coach" in offer.buttons()
    someone.presses("Trouver une ou un coach", offer)
    eventually(lambda: "payload /find_coach" in slack.said(someone.direct))


def test_a_button_that_we_did_not_make_is_acknowledged(someone, offer, database):
    other = {"action_id": "other", "type": "button", "action_ts": "1.1"}
    pressed = someone.presses("Trouver une ou un coach", offer, actions=[other])
    assert pressed.status_code == 200
    assert said(database) == []


def test_what_was_shown_is_changed_after_what_was_said_before(
    someone, slack, offer, database, eventually
):
    someone.presses("Trouver une ou un coach", offer)
    eventually(lambda: len(slack.posts) == 3)
    with database.read() as connection:
        query = select(deliveries.c.kind).order_by(deliveries.c.number)
        assert connection.execute(query).scalars().all() == ["send", "send", "update", "send"]
