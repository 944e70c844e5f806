"""People of staff in front of a real front door, and the forms they send."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from loopback import loopback_client

from mobilis import staff
from mobilis.store import Database

PASSWORD = "une phrase de passe assez longue"
_TOKEN = re.compile(r'name="csrf" value="([^"]+)"')


@dataclass
class Colleague:
    """Someone of staff with a browser."""

    http: httpx.Client
    person: staff.Person

    def get(self, path: str, **more: Any) -> httpx.Response:
        """A page below /console."""
        return self.http.get(f"/console{path}", **more)

    def token(self, path: str = "/queue") -> str:
        """The token that the forms of a page hold."""
        found = _TOKEN.search(self.get(path).text)
        assert found, f"{path} has no form"
        return html.unescape(found.group(1))

    def post(self, path: str, page: str = "/queue", **fields: Any) -> httpx.Response:
        """Send a form of `page` with its token."""
        return self.http.post(f"/console{path}", data={"csrf": self.token(page), **fields})


@pytest.fixture
def sign_in(door: Any, database: Database) -> Iterator[Callable[..., Colleague]]:
    """Someone of a role, signed in: `sign_in("triager")`."""
    clients: list[httpx.Client] = []

    def go(role: str = "triager", **more: Any) -> Colleague:
        email = f"{role}.{len(clients)}@exemple.ca"
        with database.write() as connection:
            given = {"email": email, "name": f"Camille {role}", "role": role, "password": PASSWORD}
            person = staff.add_person(connection, **{**given, **more})
        http = loopback_client(base_url=str(door.http.base_url), timeout=20)
        clients.append(http)
        form = http.get("/console/sign-in").text
        token = html.unescape(_TOKEN.findall(form)[0])
        fields = {"csrf": token, "email": person.email, "password": PASSWORD}
        response = http.post("/console/sign-in", data=fields)
        assert response.status_code == 303, response.text
        return Colleague(http, person)

    yield go
    for client in clients:
        client.close()
