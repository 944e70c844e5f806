"""A soak in small: two hundred activities, some sent again, some out of order, some limits reached;
every message is answered exactly once, in the order in which its conversation's messages came."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

TALKS, MESSAGES = 20, 10
AGAIN, SWAPPED, LIMITED = 0.10, 0.05, 0.05


def test_every_message_is_answered_exactly_once_and_in_order(meet, teams, brain, eventually):
    chance = random.Random(11)
    teams.faults.share = LIMITED
    chats = [meet("groupChat" if number % 4 == 0 else "personal") for number in range(TALKS)]
    told = {chat.id: stream(teams, chat, chance) for chat in chats}

    def talk(chat):
        return [chat.send(activity).status_code for activity in told[chat.id]]

    with ThreadPoolExecutor(8) as people:
        statuses = [status for talked in people.map(talk, chats) for status in talked]
    assert set(statuses) == {202}
    assert len(statuses) > TALKS * MESSAGES
    expected = {chat.id: answers(chat, told[chat.id]) for chat in chats}
    eventually(lambda: all(chat.texts == expected[chat.id] for chat in chats))
    assert len([text for text in brain.texts() if text.startswith("message ")]) == TALKS * MESSAGES


def stream(teams, chat, chance):
    """What somebody says, as the platform brings it."""
    said = [teams.message(chat, f"message {number}") for number in range(MESSAGES)]
    for at in range(len(said) - 1):
        if chance.random() < SWAPPED:
            said[at], said[at + 1] = said[at + 1], said[at]
    brought = []
    for activity in said:
        brought.append(activity)
        if chance.random() < AGAIN:
            brought.append(chance.choice(brought))
    return brought


def answers(chat, brought):
    """What must be shown, in the order in which the messages came, each once."""
    greeting = ["Bonjour !"] if chat.kind == "personal" else []
    came = dict.fromkeys(activity["text"].rpartition("message ")[2] for activity in brought)
    return [*greeting, *(f"echo message {number}" for number in came)]
