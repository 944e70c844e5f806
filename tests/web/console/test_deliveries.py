"""/console/deliveries: what could not be delivered, why, and what staff do about it."""

from __future__ import annotations

import filled
import pytest
from hostile import HARMLESS, PAYLOADS, Shape
from sqlalchemy import select

from mobilis import audit
from mobilis.models import deliveries
from mobilis.workspaces import Workspace, mark_gone, save_workspace

SECRET = "zzsaid"


@pytest.fixture
def dead(door, database):
    """A message that could not be delivered: its conversation and number."""

    def add(error="Slack refuses: is_archived", **more):
        with database.write() as connection:
            given = {"state": "failed", "error": error, "attempts": 0, "kind": "send", **more}
            aside = {"state": "sent"}
            talk = filled.fill(
                connection,
                SECRET,
                deliveries=given,
                announcements=aside,
                places={"channel": "slack"},
                conversations={"held_since": None},
            )
            own = deliveries.c.conversation_id == talk
            return talk, connection.scalar(select(deliveries.c.number).where(own))

    return add


def state(database, number):
    with database.read() as connection:
        own = deliveries.c.number == number
        return connection.scalar(select(deliveries.c.state).where(own))


def last_entry(database):
    with database.read() as connection:
        entry = list(audit.entries(connection))[-1]
    return entry.actor, entry.action, entry.subject


@pytest.mark.parametrize(
    ("language", "title", "reason", "again"),
    [
        ("fr", "Non livrés", "L&#39;endroit n&#39;existe plus", "Réessayer"),
        ("en", "Undelivered", "The place is gone or archived", "Try again"),
    ],
)
def test_the_page_says_what_where_and_why_and_nothing_that_was_said(
    sign_in, dead, language, title, reason, again
):
    talk, _ = dead()
    page = sign_in("triager", language=language).get("/deliveries").text
    assert f"<h1>{title}</h1>" in page and reason in page and f">{again}<" in page
    assert f'href="/console/cases/{talk}"' in page and ">Slack, " in page
    assert "Slack refuses: is_archived" in page
    assert SECRET not in page.replace(talk, "")
    assert f'<a href="/console/deliveries" aria-current="page">{title}</a>' in page


def test_without_any_the_page_says_so(sign_in):
    assert "Tout a été livré." in sign_in("triager").get("/deliveries").text
    assert "Everything was delivered." in sign_in("admin", language="en").get("/deliveries").text


def test_one_is_tried_again_and_it_is_noted(sign_in, dead, database):
    talk, number = dead(kind="update", attempts=9)
    triager = sign_in("triager")
    page = triager.get("/deliveries").text
    assert "mais pas son dernier changement" in page and "Essayé 10 fois." in page
    answer = triager.post(f"/deliveries/{number}/again", "/deliveries")
    assert answer.headers["location"] == "/console/deliveries?done=again"
    assert state(database, number) == "pending"
    assert last_entry(database) == (triager.person.id, "delivery.again", f"case:{talk}")
    assert "On réessaie maintenant" in triager.get("/deliveries?done=again").text


def test_one_is_set_aside_and_it_is_noted(sign_in, dead, database):
    talk, number = dead()
    triager = sign_in("triager", language="en")
    answer = triager.post(f"/deliveries/{number}/aside", "/deliveries")
    assert answer.headers["location"] == "/console/deliveries?done=aside"
    assert state(database, number) == "set_aside"
    assert last_entry(database) == (triager.person.id, "delivery.set_aside", f"case:{talk}")
    page = triager.get("/deliveries?done=aside").text
    assert "is set aside" in page and talk not in page


@pytest.mark.parametrize("number", ["0", "x", "-1", "99999999999999999999", "１"])
@pytest.mark.parametrize("deed", ["again", "aside"])
def test_one_that_is_not_there_is_not_found(sign_in, number, deed):
    assert sign_in("triager").post(f"/deliveries/{number}/{deed}").status_code == 404


@pytest.mark.parametrize("deed", ["again", "aside"])
def test_a_form_of_elsewhere_and_a_viewer_do_nothing(sign_in, dead, database, deed):
    _, number = dead()
    path = f"/deliveries/{number}/{deed}"
    answer = sign_in("triager").http.post(f"/console{path}", data={"csrf": "x"})
    assert answer.status_code == 403
    assert sign_in("viewer").post(path).status_code == 403
    assert sign_in("triager").get(path).status_code == 405
    assert state(database, number) == "failed"
    assert "Non livrés" not in sign_in("viewer").get("/queue").text


def test_an_unknown_deed_in_the_address_says_nothing(sign_in):
    assert 'role="status"' not in sign_in("triager").get("/deliveries?done=<b>").text


def test_workspaces_that_are_gone_and_notices_that_failed_are_there(sign_in, dead, database):
    with database.write() as connection:
        save_workspace(connection, Workspace("T7", "Amies <b>", "A1", "B", "", None))
        mark_gone(connection, "T7", "token_revoked")
        more = {"state": "failed", "kind": "lead", "channel": "teams", "error": "Teams answered 4"}
        filled.fill(connection, "x", announcements=more)
    page = sign_in("triager").get("/deliveries").text
    assert "Amies &lt;b&gt; (depuis le" in page
    assert "Nouvelle demande</strong> (Teams, " in page and "Teams answered 4" in page


def test_hostile_names_and_errors_are_only_text(sign_in, dead, database):
    def shape(text):
        with database.write() as connection:
            save_workspace(connection, Workspace("T7", text, "A1", "B", "", None))
            mark_gone(connection, "T7", "token_revoked")
            connection.execute(deliveries.update().values(error=text))
        return Shape(triager.get("/deliveries").text)

    dead()
    triager = sign_in("triager")
    harmless = shape(HARMLESS)
    for payload in PAYLOADS:
        assert shape(payload).elements == harmless.elements, payload
