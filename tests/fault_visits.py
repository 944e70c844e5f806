"""Visitors of an assistant that has faults: they behave as the widget does, and count what became
of all that they said. Used by tests/faulting.py.
"""

from __future__ import annotations

import re
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, fields
from typing import Any

import httpx
from doors import parse_events
from loopback import loopback_client

from mobilis.content import read_yaml
from mobilis.settings import ROOT

ERRORS = read_yaml(ROOT, "content/errors.yml")
# What a visitor says. The second leaves a lead; faults come with it.
SAID = {
    "fr": ("c'est combien?", "je veux parler à une vraie personne", "qui peut participer?"),
    "en": ("how much is it?", "can i just talk to a real person please", "who can take part?"),
}
PATIENCE_SECONDS = 180.0  # for one answer
RETRY_SECONDS = 0.2
WAIT_SECONDS = 5  # for an answer, before asking again
REFERENCE = re.compile(r"\*\*[A-Z0-9-]+\*\*")
Message = dict[str, Any]
Exchange = list[tuple[str, str]]  # what a visitor said, then what was answered: kind and text


@dataclass
class Count:
    """What became of what was said while a fault came, so many `times`."""

    times: int = 0
    messages: int = 0
    refused: int = 0  # requests, with a sentence in the visitor's language; taken when made again
    told: int = 0  # messages given up with such a sentence; answered when said again
    lost: int = 0
    doubled: int = 0
    wrong: int = 0  # answered otherwise than without a fault
    kept: int = 0  # leads, notices to staff and e-mails that were to be kept
    kept_wrong: int = 0  # of these, lost or there twice

    def plus(self, other: Count) -> Count:
        return Count(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(Count)))

    @property
    def is_harmless(self) -> bool:
        return (self.lost, self.doubled, self.wrong, self.kept_wrong) == (0, 0, 0, 0)


class Visit:
    """Somebody on the website, greeted. What is refused for now is asked again."""

    def __init__(
        self, base: str, language: str, cut_after: Callable[[], float] = lambda: 3600.0
    ) -> None:
        limits = httpx.Limits(max_keepalive_connections=0)  # none to a door that is gone
        self.http = loopback_client(base_url=base, timeout=15, limits=limits)
        self.language = language
        self.count = Count()
        self.sent: list[str] = []  # ids
        self.headers = {"Accept-Language": language}
        opened = self._insist("POST", "/api/conversations", 201, json={"language": language})
        self.id, self.token = opened["conversation"], opened["token"]
        self.greeting: list[Message] = opened["messages"]
        self.headers["Authorization"] = f"Bearer {self.token}"
        self.path = f"/api/conversations/{self.id}"
        self.stream = Stream(self, cut_after)

    def say(self, number: int) -> None:
        """Say the line of that number until it is answered; again when that came to nothing."""
        self.count.messages += 1
        if self._answer(SAID[self.language][number])[-1]["kind"] == "notice":
            self.count.told += 1
            self._answer(SAID[self.language][number])

    def history(self) -> list[Message]:
        return list(self._insist("GET", f"{self.path}/messages", 200)["messages"])

    def judge(self, expected: list[Exchange]) -> Count:
        """End the visit, in which all was said, and hold it against one without a fault."""
        history = self.history()
        heard = [message["id"] for message in history[len(self.greeting) :]]
        with suppress(AssertionError):
            wait_for(lambda: len(self.stream.heard) >= len(heard), 30)
        self.stream.stop()
        self.http.close()
        self._compare([message["id"] for message in history], exchanges(history), expected)
        self.count.lost += len(set(heard) - set(self.stream.heard))
        self.count.doubled += len(self.stream.heard) - len(set(self.stream.heard))
        return self.count

    def _compare(self, ids: list[str], found: list[Exchange], expected: list[Exchange]) -> None:
        self.count.doubled += len(ids) - len(set(ids))
        self.count.lost += len(set(self.sent) - set(ids))
        for exchange in expected:
            same = [one for one in found if one[0] == exchange[0] and not _gave_up(one)]
            self.count.lost += not any(one[1:] for one in same)
            self.count.doubled += max(0, len(same) - 1)
            # A message that was given up may have been understood: said again, it is a second one.
            given_up = any(one[0] == exchange[0] and _gave_up(one) for one in found)
            self.count.wrong += not given_up and any(one != exchange for one in same)

    def _answer(self, said: str) -> list[Message]:
        message = {"id": str(uuid.uuid4()), "text": said}
        self.sent.append(message["id"])
        address, wait = f"{self.path}/messages", {"wait": WAIT_SECONDS}
        self._insist("POST", address, 202, json=message)
        return list(self._insist("POST", address, 200, params=wait, json=message)["messages"])

    def _insist(self, method: str, path: str, status: int, **request: Any) -> dict[str, Any]:
        end, got = time.monotonic() + PATIENCE_SECONDS, ""
        while time.monotonic() < end:
            try:
                response = self.http.request(method, path, headers=self.headers, **request)
            except httpx.TransportError as error:
                got = type(error).__name__
            else:
                got = f"{response.status_code} {response.text[:200]}"
                if response.status_code == status:
                    return dict(response.json())
                if response.status_code != 202:
                    self._check_refusal(response)
            time.sleep(RETRY_SECONDS)
        raise AssertionError(f"{method} {path}: {status} was expected, last came {got}")

    def _check_refusal(self, response: httpx.Response) -> None:
        """It must say in the visitor's language that it is for now."""
        assert response.status_code in (429, 503), (response.status_code, response.text)
        assert int(response.headers["Retry-After"]) > 0
        error = response.json()["error"]
        assert error["message"] == ERRORS[error["code"]][self.language], error
        self.count.refused += 1


class Stream:
    """Listens to a visit as a browser does: goes on after the last message when it is cut, which it
    also does by itself, `cut_after` so many seconds."""

    def __init__(self, visit: Visit, cut_after: Callable[[], float]) -> None:
        self.heard: list[str] = []  # ids
        self.cuts = 0
        self._visit, self._cut_after = visit, cut_after
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join(60)

    def _run(self) -> None:
        while not self._ended.is_set():
            with suppress(httpx.HTTPError, AssertionError):
                self._listen()
            self._ended.wait(RETRY_SECONDS)

    def _listen(self) -> None:
        last = self.heard[-1] if self.heard else self._visit.greeting[-1]["id"]
        query = {"after": last, "token": self._visit.token}
        end = time.monotonic() + self._cut_after()
        timeout = httpx.Timeout(10, read=0.5)  # to look whether it has ended
        with self._visit.http.stream(
            "GET", f"{self._visit.path}/events", params=query, timeout=timeout
        ) as response:
            assert response.status_code == 200
            for kind, name, _ in parse_events(response):
                if kind == "message":
                    self.heard.append(str(name))
                if time.monotonic() > end or self._ended.is_set():
                    self.cuts += 1
                    return


def exchanges(history: Iterable[Message]) -> list[Exchange]:
    """What was said, by what the visitor said; references, which are new each time, blanked."""
    found: list[Exchange] = []
    for message in history:
        words = REFERENCE.sub("…", message["text"])
        if message["role"] == "visitor":
            found.append([("visitor", words)])
        elif found:
            found[-1].append((message["kind"], words))
    return found


def _gave_up(exchange: Exchange) -> bool:
    return [kind for kind, _ in exchange] == ["visitor", "notice"]


def wait_for(condition: Callable[[], Any], seconds: float = 120.0) -> None:
    """Return once it holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.05)
