"""/console/audit: the log for admins, what is asked of it, and whether it holds."""

from __future__ import annotations

import html
import re

import pytest

from mobilis import audit
from mobilis.audit import Break
from mobilis.web.console import audit_log

_ROW = re.compile(r'<td class="number">(\d+)</td>')


@pytest.fixture
def admin(sign_in, database):
    """An admin, and more entries than a page holds."""
    colleague = sign_in("admin")
    with database.write() as connection:
        for number in range(audit_log.PAGE_SIZE + 5):
            subject = f"case:{colleague.person.id}-{number}"
            audit.record(connection, colleague.person.id, "test.read", subject, {"n": number})
        audit.record(connection, audit.COMMAND, "test.command", f"staff:{colleague.person.id}")
        audit.record(connection, "somebody-erased", "test.gone", "<script>alert(1)</script>")
    return colleague


def numbers(page: str) -> list[int]:
    return [int(number) for number in _ROW.findall(page)]


def link(page: str, words: str) -> str:
    [address] = re.findall(rf'href="/console([^"]+)">{words}<', page)
    return html.unescape(address)


def test_entries_are_shown_newest_first_page_after_page(admin):
    first = admin.get("/audit").text
    shown = numbers(first)
    assert len(shown) == audit_log.PAGE_SIZE
    assert shown == list(range(shown[0], shown[0] - audit_log.PAGE_SIZE, -1))
    second = admin.get(link(first, "Plus anciennes")).text
    assert numbers(second)[0] == shown[-1] - 1
    assert numbers(admin.get(link(second, "Les plus récentes")).text) == shown


def test_people_are_named_and_others_said_to_be_what_they_are(admin):
    page = admin.get("/audit").text
    assert "Camille admin" in page
    assert ">une commande<" in page
    assert "une personne qui n&#39;y est plus" in page
    assert "<script>alert" not in page and "&lt;script&gt;alert" in page


def test_filters_are_in_the_address_and_kept_from_page_to_page(admin):
    person = admin.person.id
    found = admin.get(f"/audit?actor={person}&action=test.read&subject=case:{person}").text
    assert len(numbers(found)) == audit_log.PAGE_SIZE
    assert "<option selected>test.read</option>" in found
    older = link(found, "Plus anciennes")
    assert "action=test.read" in older
    assert len(numbers(admin.get(older).text)) == 5
    assert len(numbers(admin.get("/audit?actor=command&action=test.command").text)) >= 1
    assert "Aucune entrée" in admin.get("/audit?actor=nobody").text


def test_days_are_those_of_toronto_and_the_last_one_is_in(admin):
    page = admin.get("/audit?action=test.gone").text
    day = re.findall(r'<td class="when">(\d{4}-\d\d-\d\d) ', page)[0]
    assert numbers(admin.get(f"/audit?action=test.gone&since={day}&until={day}").text)
    assert not numbers(admin.get("/audit?action=test.gone&until=2020-01-01").text)
    assert not numbers(admin.get("/audit?action=test.gone&since=2199-01-01").text)


@pytest.mark.parametrize("day", ["yesterday", "2026-13-01", "0001-01-01", "9999-12-31", "\0"])
def test_a_day_that_is_none_is_set_aside_and_said(admin, day):
    page = admin.http.get("/console/audit", params={"since": day, "until": "2199-12-31"})
    assert page.status_code == 200
    assert ("n&#39;a pas été retenue" in page.text) is (day != "\0")
    assert numbers(page.text)


@pytest.mark.parametrize("before", ["x", "-1", "9" * 40, "１", ""])
def test_a_place_that_makes_no_sense_is_the_beginning_or_empty(admin, before):
    assert admin.http.get("/console/audit", params={"before": before}).status_code == 200


def test_the_chain_is_verified_on_the_page_and_that_is_noted(admin, database):
    page = admin.post("/audit/verify", page="/audit").text
    assert "La chaîne tient" in page
    with database.read() as connection:
        [newest] = audit.find(connection, audit.Search(), 1)
        noted = re.findall(r'class="secret">(\d+):([0-9a-f]{64})<', page)[0]
    assert (newest.action, newest.actor) == ("audit.verified", admin.person.id)
    assert noted == (str(newest.number - 1), newest.previous)


def test_a_chain_that_breaks_is_said_with_the_entry(admin, monkeypatch):
    monkeypatch.setattr(audit, "verify", lambda connection: Break(3, "entry 3 was changed"))
    page = admin.post("/audit/verify", page="/audit").text
    assert "La chaîne est rompue à l&#39;entrée 3" in page
    assert "tient" not in page


def test_an_entry_whose_time_was_changed_is_shown_as_it_is():
    assert audit_log._when("never") == "never"
    assert audit_log._when("2026-11-26T14:05:09.123+00:00") == "2026-11-26 09:05:09"
