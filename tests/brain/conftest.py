"""Visitors of the whole assistant, and its database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from loopback import loopback_client
from processes import Stack
from visitors import WAIT, Visitor

from mobilis.settings import ROOT
from mobilis.store import Database

if TYPE_CHECKING:
    from mobilis.nlu.evaluation import Understanding


@pytest.fixture(scope="session")
def trained() -> Understanding:
    """The trained model, loaded once for all tests."""
    from mobilis.nlu.evaluation import Understanding  # takes seconds, which others need not wait

    return Understanding(ROOT)


@pytest.fixture(scope="session")
def kept(stack: Stack) -> Iterator[Database]:
    """The database of the whole assistant."""
    database = Database(stack.settings.database)
    yield database
    database.dispose()


@pytest.fixture
def visitor_in(stack: Stack, kept: Database) -> Iterator[Callable[..., Visitor]]:
    """Opens conversations in a language."""
    with loopback_client(base_url=stack.base, timeout=WAIT + 60) as http:

        def open_one(language: str) -> Visitor:
            response = http.post("/api/conversations", json={"language": language})
            assert response.status_code == 201, response.text
            data = response.json()
            return Visitor(
                http, kept, language, data["conversation"], data["token"], data["messages"]
            )

        yield open_one


@pytest.fixture(params=["fr", "en"])
def visitor(request: pytest.FixtureRequest, visitor_in: Callable[..., Visitor]) -> Visitor:
    """A visitor in each language."""
    return visitor_in(request.param)
