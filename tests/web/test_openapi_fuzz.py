"""Requests made from the description of the chat API, as it wants them and not, by Schemathesis, on
the real front door: no answer is another than it says, what it forbids is refused, nothing breaks.

`make test` asks a little, `make fuzz` a lot.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.parameters import ParameterLocation

from mobilis.web.chat import DESCRIPTION

load_all_checks()
CHECKED = CHECKS.get_by_names(
    [
        *("not_a_server_error", "status_code_conformance", "content_type_conformance"),
        *("response_headers_conformance", "response_schema_conformance"),
    ]
)
REFUSED = CHECKS.get_by_names(["negative_data_rejection"])
OPERATIONS = [
    found.ok() for found in schemathesis.openapi.from_path(DESCRIPTION).get_all_operations()
]
WANTING = [one for one in OPERATIONS if one.path not in ("/api/openapi.json", "/healthz")]
STREAM = "/events"  # ends only when it is refused
ROUNDS = 6  # at most, until something is taken: what is made at random may all be refused


def play(door: Any, operation: Any, mode: GenerationMode, examples: int) -> int:
    """Ask `examples` times, every other time with a conversation that is there; how many were
    taken."""
    taken = 0
    visitor = door.visitor()

    @settings(
        max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(case=operation.as_strategy(generation_mode=mode), own=st.booleans())
    def ask(case: Any, own: bool) -> None:
        nonlocal taken, visitor
        headers = {}
        if own and "{conversation}" in operation.path and not operation.path.endswith(STREAM):
            case.path_parameters = {**(case.path_parameters or {}), "conversation": visitor.id}
            headers = visitor.headers
        answer = case.call(base_url=door.base, headers=headers)
        if answer.status_code == 204 and operation.method == "delete":
            visitor = door.visitor()
        taken += answer.status_code < 300
        # Of a query and of headers, what is not known is no matter; of a body, what is not allowed.
        body = case.meta.components.get(ParameterLocation.BODY)
        wrong = body is not None and body.mode is GenerationMode.NEGATIVE
        case.validate_response(answer, checks=CHECKED + (REFUSED if wrong else []))

    ask()
    return taken


@pytest.fixture
def examples(pytestconfig: pytest.Config) -> int:
    return int(pytestconfig.getoption("examples"))


@pytest.mark.timeout(0)
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.label)
def test_what_the_description_allows_is_answered_as_it_says(door, operation, examples):
    never = operation.path.endswith((STREAM, "/rating"))
    rounds = 1 if never else ROUNDS
    taken = (play(door, operation, GenerationMode.POSITIVE, examples) for _ in range(rounds))
    assert any(taken) or never


@pytest.mark.timeout(0)
@pytest.mark.parametrize("operation", WANTING, ids=lambda one: one.label)
def test_what_the_description_forbids_is_refused(door, operation, examples):
    play(door, operation, GenerationMode.NEGATIVE, examples)


def test_an_answer_that_differs_from_the_description_is_seen(door, monkeypatch):
    """The checks can fail: here, the description promises what is not so."""
    raw = schemathesis.openapi.from_path(DESCRIPTION).raw_schema
    raw["paths"]["/healthz"]["get"]["responses"]["200"]["content"]["application/json"] = {
        "schema": {"type": "object", "required": ["never"]}
    }
    [health] = [
        one
        for found in schemathesis.openapi.from_dict(raw).get_all_operations()
        if (one := found.ok()).path == "/healthz"
    ]
    with pytest.raises(BaseException, match=re.compile("never")):
        play(door, health, GenerationMode.POSITIVE, 1)
