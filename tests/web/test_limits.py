"""How often, how much, and whose address counts."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from mobilis.errors import ChatError
from mobilis.web import hub
from mobilis.web.limits import AddressLimit, Limit, Room, client_address


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
        # Some proxies add the port, which is another one each time.
        (1, ["1.2.3.4:5678"], "1.2.3.4"),
        (1, ["[2001:db8:1:2:3:4:5:6]:443"], "2001:db8:1:2::/64"),
        (1, ["[2001:db8:1:2:3:4:5:6]"], "2001:db8:1:2::/64"),
        (1, ['"[2001:db8:1:2:3:4:5:6]"'], "2001:db8:1:2::/64"),
        (1, ["fe80::1%eth0"], "fe80::/64"),
        # One address of IPv4 has as many of IPv6 as it likes by 6to4 and NAT64.
        (1, ["2002:0102:0304:ffff::1"], "1.2.3.4"),
        (1, ["64:ff9b::1.2.3.4"], "1.2.3.4"),
        # What is no address counts as one, whatever it is.
        (1, ["6.6.6.6", "x" * 1000], "unknown"),
        (1, ["1.2.3.4.5"], "unknown"),
        (1, ["0x1.2.3.4"], "unknown"),
        (1, ["1.2.3.4; drop"], "unknown"),
        (1, ["é"], "unknown"),
        (1, [",".join(["9.9.9.9"] * 2000 + ["1.2.3.4"])], "1.2.3.4"),
    ],
)
def test_the_address_is_the_one_our_proxies_saw(proxies, forwarded, address):
    assert client_address(request("10.0.0.1", *forwarded), proxies) == address


def test_who_comes_by_a_socket_of_this_machine_has_no_address_but_that_of_the_proxy():
    unix = Request({"type": "http", "client": None, "headers": []})
    assert client_address(unix, 0) == "unknown"
    forwarded = [(b"x-forwarded-for", b"1.2.3.4")]
    proxied = Request({"type": "http", "client": None, "headers": forwarded})
    assert client_address(proxied, 1) == "1.2.3.4"
    assert client_address(proxied, 0) == "unknown"


@given(st.lists(st.text(max_size=80), max_size=5), st.integers(0, 3))
def test_whatever_is_forwarded_counts_for_an_address_or_for_one_unknown(forwarded, proxies):
    lines = [line.encode("latin-1", "replace").decode("latin-1") for line in forwarded]
    headers = [(b"x-forwarded-for", line.encode("latin-1")) for line in lines]
    asked = Request({"type": "http", "client": ("10.0.0.1", 1), "headers": headers})
    found = client_address(asked, proxies)
    assert found == "unknown" or ip_network(found)
    assert proxies or found == "10.0.0.1"


def test_a_forged_beginning_changes_nothing_however_it_is_written():
    forged = ["1.1.1.1", "1.1.1.1,", ",,,", "unknown", "127.0.0.1", "::1", '"', "\t", "x" * 5000]
    found = {client_address(request("10.0.0.1", f"{one}, 1.2.3.4"), 1) for one in forged}
    found |= {client_address(request("10.0.0.1", one, "1.2.3.4"), 1) for one in forged}
    assert found == {"1.2.3.4"}


def test_a_whole_network_of_ipv6_has_a_limit_too():
    limit = AddressLimit(2)
    for number in range(16):
        limit.check(f"2001:db8:1:{number:x}::/64")
    with pytest.raises(ChatError):
        limit.check("2001:db8:1:ffff::/64")
    with pytest.raises(ChatError):
        limit.look("2001:db8:1:fffe::/64")
    limit.check("2001:db8:2:1::/64")
    limit.look("1.2.3.4")


def test_an_address_of_ipv6_has_no_more_than_its_own_limit():
    limit = AddressLimit(1)
    limit.check("2001:db8:1:1::/64")
    with pytest.raises(ChatError):
        limit.check("2001:db8:1:1::/64")
    for number in range(100):
        AddressLimit(0).check(f"2001:db8:1:{number:x}::/64")


def test_what_was_refused_does_not_count_for_the_network():
    limit = AddressLimit(1)
    limit.check("2001:db8:1:1::/64")
    for _ in range(50):
        with pytest.raises(ChatError):
            limit.check("2001:db8:1:1::/64")
    limit.check("2001:db8:1:2::/64")


def test_memory_is_given_back_when_a_minute_was_quiet():
    clock = Clock()
    limit = AddressLimit(5, clock=clock)
    for number in range(5000):
        limit.check(f"2001:db8:{number:x}:1::/64")
    assert len(limit._passes) == 10_000
    clock.time += 61
    limit.check("1.2.3.4")
    assert list(limit._passes) == ["1.2.3.4"]


def test_many_addresses_do_not_fill_memory():
    limit = AddressLimit(1, keys=100)
    for number in range(20_000):
        limit.check(f"2001:db8:{number:x}:1::/64")
    assert len(limit._passes) <= 101


def test_many_addresses_do_not_free_one_that_goes_on_asking():
    limit = AddressLimit(1, keys=100)
    limit.check("6.6.6.6")
    for number in range(2_000):
        limit.check(f"1.2.{number // 256}.{number % 256}")
        with pytest.raises(ChatError):
            limit.check("6.6.6.6")


def test_room_is_given_back_and_forgotten():
    room = Room(2)
    with room.hold("a"), room.hold("a"), room.hold("b"):
        with pytest.raises(ChatError) as refusal, room.hold("a"):
            pass
        assert (refusal.value.status, refusal.value.retry_after) == (429, 10)
        room.check("b")
    room.check("a")
    assert not room._taken


def test_no_room_is_any_room():
    room = Room(0)
    with room.hold("a"), room.hold("a"):
        room.check("a")


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


def test_an_address_has_a_limit_of_open_streams(open_door, eventually):
    door = open_door(streams_per_address=2, trusted_proxies=1)
    here, there = {"X-Forwarded-For": "1.2.3.4"}, {"X-Forwarded-For": "1.2.3.5"}
    visitors = [door.visitor() for _ in range(3)]
    with visitors[0].events(**here) as one, visitors[1].events(**here) as two:
        next(one), next(two)
        events = f"{visitors[2].url}/events"
        refused = door.http.get(events, headers={**visitors[2].headers, **here})
        assert refused.status_code == 429
        assert refused.headers["retry-after"] == "10"
        with visitors[2].events(**there) as three:
            next(three)

    def opens() -> bool:
        with door.http.stream("GET", events, headers={**visitors[2].headers, **here}) as answer:
            return answer.status_code == 200

    eventually(opens)


def test_a_stream_for_which_there_is_no_room_any_more_says_so(door, visitor, monkeypatch):
    monkeypatch.setattr(Room, "check", lambda self, key: None)
    monkeypatch.setattr(hub, "MOST_LISTENERS", 0)
    monkeypatch.setattr(hub.Hub, "check_room", once_free(hub.Hub.check_room))
    with visitor.events() as events:
        kind, _, data = next(events)
    assert (kind, data["code"]) == ("error", "too_many_requests")


def once_free(check):
    """There is room when the stream is asked for, and none when it begins."""
    asked = []

    def checked(self, conversation_id):
        asked.append(conversation_id)
        if len(asked) > 1:
            check(self, conversation_id)

    return checked
