"""A soak in small: many people at once, events that come twice or late, a Slack that is busy."""

from __future__ import annotations

import random
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor

from fakes.slack import Person
from sqlalchemy import select

from mobilis.models import conversations, deliveries, inbox, places

EVENTS, PEOPLE = 200, 20


def mixed(chance: random.Random, slack) -> list[tuple[str, dict]]:
    """Who posts what, in the order in which Slack sends it: a tenth twice, a twentieth late."""
    users = [f"U{n}" for n in range(PEOPLE)]
    sent = []
    for number in range(EVENTS):
        person = Person(slack, None, user=chance.choice(users))
        said = person.said(f"message {number}")
        if chance.random() < 0.3:
            said |= {"type": "app_mention", "channel": "C1", "thread_ts": "1.1"}
        sent.append((person.user, said))
    late = chance.sample(range(EVENTS - 5), EVENTS // 20)
    for place in sorted(late, reverse=True):
        sent.insert(place + 4, sent.pop(place))
    twice = chance.sample(sent, EVENTS // 10)
    for one in twice:
        sent.insert(min(sent.index(one) + chance.randint(1, 30), len(sent)), one)
    return sent


def test_every_message_is_answered_exactly_once_and_in_order_within_its_conversation(
    slack_door, slack, database, eventually
):
    chance = random.Random(11)
    slack.teams["T1"].locales = {f"U{n}": "fr-FR" for n in range(PEOPLE)}
    slack.busy = 0.05
    events = mixed(chance, slack)
    assert len(events) == EVENTS + EVENTS // 10

    def send(one: tuple[str, dict]) -> int:
        user, said = one
        person = Person(slack, slack_door.http, user=user)
        return person.send(person.event(said)).status_code

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(send, events)) == {200}
    eventually(lambda: sum("echo" in post.text for post in slack.posts) >= EVENTS)
    eventually(lambda: all_sent(database))

    answered = defaultdict(list)
    for post in slack.posts:
        if post.text.startswith("echo"):
            answered[post.channel, post.thread].append(post.text)
    texts = [text for found in answered.values() for text in found]
    assert len(texts) == len(set(texts)) == EVENTS
    for talk, place, wanted in taken_in(database):
        here = answered[place["channel"], place.get("thread")]
        own = [text for text in here if text in wanted]
        assert own == wanted, talk


def all_sent(database) -> bool:
    with database.read() as connection:
        states = connection.execute(select(deliveries.c.state)).scalars().all()
    return set(states) == {"sent"}


def taken_in(database):
    """Each conversation, its place, and the answers to what was taken in, in order."""
    with database.read() as connection:
        for talk in connection.execute(select(conversations.c.id)).scalars().all():
            own = (inbox.c.conversation_id == talk, inbox.c.kind == "text")
            said = select(inbox.c.text).where(*own).order_by(inbox.c.position)
            place = select(places.c.reference).where(places.c.conversation_id == talk)
            wanted = [f"echo {text}" for text in connection.execute(said).scalars()]
            yield talk, connection.execute(place).scalar_one(), wanted
