"""Several brains: the least busy of those that answer is asked, and another one when it fails."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from doors import FakeBrain
from mail_servers import certificate
from processes import free_port

from mobilis.web import brains as module
from mobilis.web.brains import Brains


@pytest.fixture
def two_brains(brain: FakeBrain) -> Iterator[tuple[FakeBrain, FakeBrain]]:
    """The scripted brain and another one, which know of each other's answers, as real ones do."""
    other = FakeBrain()
    other._memory, other._locks, other.answered = brain._memory, brain._locks, brain.answered
    yield brain, other
    other.stop()


def urls(*brains: FakeBrain) -> tuple[str, ...]:
    return tuple(f"http://127.0.0.1:{brain.port}" for brain in brains)


def test_the_least_busy_brain_is_asked(open_door, two_brains):
    first, second = two_brains
    door = open_door(brain_url=urls(first, second))
    visitors = [door.visitor(language="fr") for _ in range(2)]
    before = len(first.asked), len(second.asked)
    together = threading.Barrier(2, timeout=10)
    for one in two_brains:
        one.script = lambda question, echo=one.script: (together.wait(), echo(question))[1]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda visitor: visitor.hears("un"), visitors))
    assert (len(first.asked), len(second.asked)) == (before[0] + 1, before[1] + 1)


def test_a_brain_that_is_gone_costs_nobody_anything(open_door, two_brains, database):
    first, second = two_brains
    visitor = open_door(brain_url=urls(first, second), turn_attempts=1).visitor(language="fr")
    first.stop()
    for number in range(4):
        assert visitor.hears(f"m{number}")[0]["text"] == f"echo m{number}"
    second.stop()
    first.start()
    for number in range(4, 8):
        assert visitor.hears(f"m{number}")[0]["text"] == f"echo m{number}"


@pytest.mark.parametrize("status", [502, 503])
def test_a_brain_that_is_not_able_is_passed_over_and_then_asked_last(open_door, two_brains, status):
    first, second = two_brains
    visitor = open_door(brain_url=urls(first, second), turn_attempts=1).visitor(language="fr")
    first.script = lambda question: (status, {})
    asked = len(first.asked)
    for number in range(4):
        assert visitor.hears(f"m{number}")[0]["text"] == f"echo m{number}"
    assert len(first.asked) - asked <= 1


def test_a_brain_that_stands_still_is_asked_last_from_then_on(open_door, two_brains):
    first, second = two_brains
    door = open_door(brain_url=urls(first, second), turn_timeout=0.5, turn_attempts=3)
    visitor = door.visitor(language="fr")
    release = threading.Event()
    first.script = lambda question, echo=first.script: (release.wait(20), echo(question))[1]
    try:
        first.answered.clear()
        # Whoever waits for the same message at the other one waits for the first, as in the
        # database; so they must not share it here.
        second._locks = {}
        for number in range(3):
            assert visitor.hears(f"m{number}")[0]["text"] == f"echo m{number}"
        assert len([one for one in first.asked if one.get("text")]) <= 1
    finally:
        release.set()


def test_health_is_that_of_a_brain_that_is_well(open_door, two_brains):
    first, second = two_brains
    door = open_door(brain_url=urls(first, second))
    first.health = (503, {"part": "actions"})
    assert door.http.get("/healthz").status_code == 200
    second.health = (503, {"part": "model"})
    assert door.http.get("/healthz").json()["part"] in ("brain", "actions")
    assert door.http.get("/healthz").status_code == 503


def test_no_brain_at_all_is_told_like_one_that_is_gone(open_door, brain):
    nowhere = f"http://127.0.0.1:{free_port()}"
    door = open_door(brain_url=(nowhere,), turn_attempts=1)
    assert door.http.post("/api/conversations", json={}).status_code == 503


def resolve(*urls: str) -> list[str]:
    return asyncio.run(Brains(lambda: urls).in_order())


def test_a_name_of_several_addresses_is_several_brains(monkeypatch):
    async def several(host, port):
        assert host == "brain"
        return [("10.0.0.2", port), ("10.0.0.1", port), ("fd00::1", port)]

    monkeypatch.setattr(module, "_look_up", several)
    assert resolve("http://brain:5005/") == [
        "http://10.0.0.1:5005",
        "http://10.0.0.2:5005",
        "http://[fd00::1]:5005",
    ]


def test_a_name_that_nobody_knows_now_is_asked_by_its_name(monkeypatch):
    async def unknown(host, port):
        raise socket.gaierror

    monkeypatch.setattr(module, "_look_up", unknown)
    assert resolve("http://brain:5005", "https://other:1") == [
        "http://brain:5005",
        "https://other:1",
    ]


def test_addresses_are_looked_up_again_after_a_while(monkeypatch):
    looks = []

    async def one(host, port):
        looks.append(host)
        return [(f"10.0.0.{len(looks)}", port)]

    async def twice() -> list[str]:
        brains = Brains(lambda: ["http://brain:5005"])
        return [*await brains.in_order(), *await brains.in_order()]

    monkeypatch.setattr(module, "_look_up", one)
    assert asyncio.run(twice()) == ["http://10.0.0.1:5005"] * 2
    monkeypatch.setattr(module, "RESOLVE_SECONDS", 0.0)
    assert asyncio.run(twice()) == ["http://10.0.0.2:5005", "http://10.0.0.3:5005"]


def test_a_name_of_this_machine_is_looked_up():
    assert "http://127.0.0.1:5005" in resolve("http://localhost:5005")


def test_a_brain_with_a_certificate_of_its_own_is_asked(open_door, tmp_path):
    brain = FakeBrain()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate(tmp_path))
    server = brain._server
    server.socket = context.wrap_socket(server.socket, server_side=True)
    try:
        door = open_door(brain_url=(f"https://127.0.0.1:{brain.port}",))
        assert door.visitor(language="fr").hears("bonjour")[0]["text"] == "echo bonjour"
    finally:
        brain.stop()
