"""The chat API as described for programs agrees with the routes, the words and the answers."""

from __future__ import annotations

import json
import re
from typing import Any

import jsonschema
import pytest
from starlette.routing import Route

from mobilis.settings import ROOT, Settings
from mobilis.turns import FIELDS, KINDS
from mobilis.web.app import create_app
from mobilis.wording import load_wording

DESCRIPTION: dict[str, Any] = json.loads((ROOT / "mobilis" / "web" / "openapi.json").read_text())
SCHEMAS = DESCRIPTION["components"]["schemas"]
WORDS = (ROOT / "docs" / "chat-api.md").read_text(encoding="utf-8")
METHODS = ("get", "put", "post", "delete")
EVERYTHING = ("faq", "question", "result", "coaches", "lead", "staff")


def operations() -> dict[tuple[str, str], Any]:
    return {
        (method.upper(), path): item[method]
        for path, item in DESCRIPTION["paths"].items()
        for method in METHODS
        if method in item
    }


def check(name: str, content: Any) -> None:
    """`content` is as the schema `name` says."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": DESCRIPTION["components"]}
    jsonschema.Draft202012Validator(schema).validate(content)


def test_it_describes_the_routes_and_nothing_else():
    routes = create_app(Settings(database_url="sqlite://")).routes
    served = {
        (method, route.path)
        for route in routes
        if isinstance(route, Route) and route.path.startswith(("/api/", "/healthz"))
        for method in route.methods - {"HEAD"}
    }
    assert set(operations()) == served


def test_it_and_the_words_list_the_same_requests():
    rows = re.findall(r"^\| `([A-Z]+) (/(?:api|healthz)[^`]*)` \| (\d+)", WORDS, re.MULTILINE)
    written = {
        (method, path.replace("{c}", "{conversation}").replace("{id}", "{message}")): status
        for method, path, status in rows
    }
    assert set(written) == set(operations())
    for one, status in written.items():
        assert status in operations()[one]["responses"], one


def test_it_and_the_words_list_the_same_errors():
    table = WORDS.partition("## Errors")[2].partition("\n## ")[0]
    written: dict[str, set[str]] = {}
    for status, codes in re.findall(r"^\| (\d+) \| (`.+?`) \|", table, re.MULTILINE):
        written.setdefault(status, set()).update(re.findall(r"`(\w+)`", codes))
    described: dict[str, set[str]] = {}
    for operation in operations().values():
        for status, answer in operation["responses"].items():
            if "$ref" in answer:
                told = DESCRIPTION["components"]["responses"][answer["$ref"].rpartition("/")[2]]
                codes = told["description"].partition(":")[0]
                described.setdefault(status, set()).update(re.findall(r"\w+", codes))
    no_address = written.pop("405")
    assert described == written
    assert no_address | set().union(*written.values()) <= set(load_wording(ROOT).errors)


def test_it_knows_every_kind_of_message_and_its_field():
    message = SCHEMAS["Message"]["properties"]
    assert message["kind"]["enum"] == list(KINDS)
    assert set(FIELDS.values()) <= set(message)
    assert set(EVERYTHING) <= set(message)


def test_its_schemas_are_schemas_and_each_is_used():
    text = json.dumps(DESCRIPTION)
    for name, schema in SCHEMAS.items():
        jsonschema.Draft202012Validator.check_schema(schema)
        assert f"#/components/schemas/{name}" in text, name
    for reference in re.findall(r'"#/([^"]+)"', text):
        found = DESCRIPTION
        for part in reference.split("/"):
            found = found[part]
    names = [operation["operationId"] for operation in operations().values()]
    assert len(set(names)) == len(names)


def test_it_is_served(door):
    answer = door.http.get("/api/openapi.json")
    assert answer.json() == DESCRIPTION
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-cache"


def test_what_is_answered_is_as_it_says(door, visitor, brain):
    check("Opened", door.http.post("/api/conversations").json())
    choices = [{"title": "Oui", "payload": "/affirm"}]
    own = {
        "faq": {"id": "cost", "sources": [{"title": "t", "url": "https://exemple.ca"}]},
        "question": {"id": "impact", "number": 2, "of": 5},
        "result": {"band": "nearly", "score": None, "of": 15, "gaps": ["impact"], "answers": []},
        "coaches": [{"id": "1", "name": "N", "languages": ["fr"], "url": None}],
    }
    for kind in KINDS:
        said = {"text": "Oui ?", "language": "fr", "kind": kind, "choices": choices}
        said |= {kind: own[kind]} if kind in own else {}
        brain.script = lambda question, said=said: (200, {"messages": [said]})
        check("Messages", visitor.say("un").json())
    check("Accepted", visitor.say("deux", wait=None).json())
    check("Messages", {"messages": visitor.history()})
    check("Error", visitor.choose("never offered").json())
    check("Health", door.http.get("/healthz").json())
    brain.stop()
    check("Health", door.http.get("/healthz").json())


@pytest.mark.parametrize(
    "wrong",
    [
        {"text": "no id"},
        {"id": "12345678"},
        {"id": "12345678", "text": "a", "choice": "b"},
        {"id": "short", "text": "a"},
        {"id": "12345678", "text": 1},
    ],
)
def test_what_it_forbids_is_refused(visitor, wrong):
    with pytest.raises(jsonschema.ValidationError):
        check("Sent", wrong)
    assert visitor.post(wrong).status_code == 400
