"""How often, how much, and whose address counts."""

from __future__ import annotations

import pytest
from starlette.requests import Request

from mobilis.errors import ChatError
from mobilis.web.limits import Limit, client_address


class Clock:
    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


def test_a_window_slides():
    clock = Clock()
    limit = Limit(2, clock=clock)
    limit.check("a")
    clock.time += 40
    limit.check("a")
    with pytest.raises(ChatError) as refusal:
        limit.check("a")
    assert refusal.value.retry_after == 20
    clock.time += 20
    limit.check("a")
    with pytest.raises(ChatError):
        limit.check("a")


def test_keys_do_not_share_a_limit():
    limit = Limit(1)
    limit.check("a")
    limit.check("b")


def test_zero_is_no_limit():
    limit = Limit(0)
    for _ in range(100):
        limit.check("a")


def test_one_may_look_without_being_counted():
    clock = Clock()
    limit = Limit(1, clock=clock)
    for _ in range(3):
        limit.look("a")
    limit.check("a")
    limit.look("b")
    with pytest.raises(ChatError) as refusal:
        limit.look("a")
    assert refusal.value.retry_after == 60
    clock.time += 60
    limit.look("a")
    assert list(limit._passes) == ["a"]


def test_memory_is_bounded():
    limit = Limit(1, keys=10)
    for number in range(1000):
        limit.check(str(number))
    assert len(limit._passes) == 10


def request(peer, *forwarded):
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    return Request({"type": "http", "client": (peer, 1), "headers": headers})


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, ["1.2.3.4"], "10.0.0.1"),
        (1, ["1.2.3.4"], "1.2.3.4"),
        (1, ["6.6.6.6, 1.2.3.4"], "1.2.3.4"),
        (1, ["6.6.6.6", "1.2.3.4"], "1.2.3.4"),
        (2, ["6.6.6.6, 1.2.3.4, 10.0.0.2"], "1.2.3.4"),
        (2, ["1.2.3.4"], "1.2.3.4"),
        (1, [], "10.0.0.1"),
        (1, [" , "], "10.0.0.1"),
        (1, ["2001:db8:1:2:3:4:5:6"], "2001:db8:1:2::/64"),
        (1, ["::ffff:1.2.3.4"], "1.2.3.4"),
        (1, ["unknown"], "unknown"),
    ],
)
def test_the_address_is_the_one_our_proxies_saw(proxies, forwarded, address):
    assert client_address(request("10.0.0.1", *forwarded), proxies) == address


def assert_too_many(response):
    assert response.status_code == 429
    assert response.json()["error"]["code"] == "too_many_requests"
    seconds = response.headers["retry-after"]
    assert 1 <= int(seconds) <= 60
    assert seconds in response.json()["error"]["message"]


def test_a_conversation_has_a_limit(open_door):
    door = open_door(messages_per_minute=2)
    visitor, other = door.visitor(), door.visitor()
    assert [visitor.say("un").status_code for _ in range(2)] == [200, 200]
    assert_too_many(visitor.say("un"))
    assert other.say("un").status_code == 200


def test_an_address_has_a_limit_over_its_conversations(open_door):
    door = open_door(messages_per_minute_address=2)
    visitors = [door.visitor() for _ in range(3)]
    responses = [visitor.say("un") for visitor in visitors]
    assert [response.status_code for response in responses] == [200, 200, 429]
    assert_too_many(responses[-1])


def test_an_address_has_a_limit_of_new_conversations(open_door):
    door = open_door(conversations_per_minute_address=1, trusted_proxies=1)
    here, there = {"X-Forwarded-For": "1.2.3.4"}, {"X-Forwarded-For": "1.2.3.5"}
    assert door.http.post("/api/conversations", headers=here).status_code == 201
    assert_too_many(door.http.post("/api/conversations", headers=here))
    assert door.http.post("/api/conversations", headers=there).status_code == 201


def test_a_forged_address_does_not_help(open_door):
    door = open_door(conversations_per_minute_address=1)
    for number, status in ((1, 201), (2, 429)):
        headers = {"X-Forwarded-For": f"1.2.3.{number}"}
        assert door.http.post("/api/conversations", headers=headers).status_code == status
