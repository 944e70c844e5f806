"""Exporting from the console: the file, who may, what is noted, and whoever leaves."""

from __future__ import annotations

import csv
import io
import json

import filled
import httpx
import pytest

from mobilis import audit, exports

ALL = {"what": "leads", "format": "csv"}


@pytest.fixture
def marie(door, database):
    with database.write() as connection:
        lead = {"name": "=Marie", "email": "marie@exemple.ca", "kind": "interest"}
        return filled.fill(connection, "said", leads=lead, cases={"status": "new"})


def noted(database):
    with database.read() as connection:
        found = [entry for entry in audit.entries(connection) if "export" in entry.action]
    return [(entry.actor, entry.action, json.loads(entry.detail)) for entry in found]


def test_leads_are_downloaded_as_csv(sign_in, database, marie, eventually):
    colleague = sign_in("exporter")
    before = len(noted(database))
    answer = colleague.post("/export", "/export", **ALL, language="fr", since="2020-01-01")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    disposition = answer.headers["content-disposition"]
    assert disposition.startswith('attachment; filename="mobilis-leads-20')
    assert answer.headers["cache-control"] == "no-store"
    (row,) = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline=""))
    assert (row["name"], row["email"]) == ("'=Marie", "marie@exemple.ca")
    assert row["url"].endswith(f"/console/cases/{marie}")
    asked = {"what": "leads", "language": "fr", "since": "2020-01-01", "format": "csv"}
    eventually(lambda: len(noted(database)) == before + 2)  # a moment after the last byte
    assert noted(database)[before:] == [
        (colleague.person.id, "export.begun", asked),
        (colleague.person.id, "export.ended", {**asked, "rows": 1, "complete": True}),
    ]


def test_conversations_are_downloaded_as_json(sign_in, marie):
    answer = sign_in("admin").post("/export", "/export", what="conversations", format="json")
    (row,) = answer.json()
    assert row["conversation"] == marie
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize("format", ["csv", "json"])
def test_nothing_to_export_is_an_empty_file(sign_in, format):
    answer = sign_in("exporter").post("/export", "/export", what="leads", format=format)
    text = answer.content.decode("utf-8-sig")
    assert json.loads(text) == [] if format == "json" else text.count("\r\n") == 1


def begun(database):
    """How many exports have begun; the end of one may be noted after its last line was read."""
    return sum(action == "export.begun" for _, action, _ in noted(database))


@pytest.mark.parametrize(
    "wrong",
    [
        {"since": "yesterday"},
        {"until": "2026-13-01"},
        {"since": "2026-02-01", "until": "2026-01-01"},
        {"status": "open"},
        {"language": "es"},
        {"kind": "<script>alert(1)</script>"},
        {"what": "<script>alert(1)</script>"},
        {"format": "xml"},
        {"what": ""},
    ],
)
def test_a_filter_that_will_not_do_exports_nothing(sign_in, database, wrong):
    before = begun(database)
    answer = sign_in("exporter").post("/export", "/export", **{**ALL, **wrong})
    assert answer.status_code == 422
    assert "Rien n&#39;a été exporté" in answer.text
    assert "<script>alert" not in answer.text
    assert begun(database) == before


def test_the_form_speaks_the_persons_language(sign_in):
    assert "Export</h1>" in sign_in("exporter", language="en").get("/export").text
    assert "Exporter</h1>" in sign_in("exporter", language="fr").get("/export").text


def test_the_way_there_is_for_those_who_may(sign_in):
    assert 'href="/console/export"' in sign_in("exporter").get("/queue").text
    assert 'href="/console/export"' not in sign_in("triager").get("/queue").text


def test_when_whoever_asked_leaves_the_export_stops(
    sign_in, database, marie, monkeypatch, eventually
):
    chunks = []

    def endless(self, connection, after):
        chunks.append(after)
        row = dict.fromkeys(self.columns, "x" * 200)
        return [row] * 200, (len(chunks),)

    monkeypatch.setattr(exports.Export, "records", endless)
    colleague = sign_in("exporter")
    before = len(noted(database))
    fields = {"csrf": colleague.token("/export"), **ALL}
    with colleague.http.stream("POST", "/console/export", data=fields) as answer:
        assert next(answer.iter_bytes())
    ended = eventually(lambda: noted(database)[before + 1 :])
    _, action, detail = ended[0]
    assert action == "export.ended"
    assert detail["complete"] is False
    stopped = len(chunks)
    assert detail["rows"] <= 200 * stopped
    httpx.get(str(colleague.http.base_url))  # time passes
    assert len(chunks) == stopped
