"""The page of the queue: what it shows to whom, its forms, and what it refuses."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import insert, select

from mobilis import cases
from mobilis.models import audit, conversations, leads, saved_views
from mobilis.priority import WEIGHTS
from mobilis.store import Database, now

XSS = "<img src=x onerror=alert(1)>"


@pytest.fixture
def lead(visitor, database: Database):
    """A visitor who asked for a coach."""
    visitor.hears(f"Bonjour {XSS} mon évaluation")
    given = {"name": f"Zoé {XSS}", "organization": "Maison Exemple", "email": "zoe@example.org"}
    row = {"id": "l", "reference": "M-ABC234", "kind": "coach", "language": "fr", **given}
    with database.write() as connection:
        connection.execute(
            insert(leads).values(
                conversation_id=visitor.id, source_message_id="m", created_at=now(), **row
            )
        )
        cases.project(connection, visitor.id, WEIGHTS)
    return visitor


def audited(database: Database, action: str) -> list[str]:
    with database.read() as connection:
        query = select(audit.c.detail).where(audit.c.action == action)
        return list(connection.execute(query.order_by(audit.c.number)).scalars())


def test_a_case_is_shown_with_its_reasons_and_leads_to_its_page(sign_in, lead):
    page = sign_in("triager").get("/queue").text
    assert f'href="/console/cases/{lead.id}"' in page
    assert re.search(r"A demandé une ou un coach <b>\+35</b>", page)
    assert "Maison Exemple" in page
    assert "M-ABC234" in page
    assert "Non lu" in page


def test_nothing_that_a_visitor_gave_becomes_markup(sign_in, lead):
    page = sign_in("triager").get("/queue", params={"search": XSS, "tab": "all"}).text
    assert "<img" not in page
    page = sign_in("triager").get("/queue").text
    assert "<img" not in page
    assert "&lt;img src=x" in page


def test_a_viewer_sees_neither_contact_nor_words(sign_in, lead):
    page = sign_in("viewer").get("/queue").text
    assert lead.id in page
    assert "Coordonnées masquées" in page
    for hidden in ("Zoé", "Maison Exemple", "Bonjour"):
        assert hidden not in page
    assert lead.id not in sign_in("viewer").get("/queue?search=zoe").text


def test_the_page_is_in_the_persons_language(sign_in, lead):
    page = sign_in("triager", language="en").get("/queue").text
    assert "Asked for a coach" in page
    assert 'lang="en"' in page


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("", "aucun nouveau dossier"),
        ("tab=mine", "ne vous est confié"),
        ("tab=all", "encore aucun dossier"),
        ("tab=closed", "Aucun dossier n&#39;est fermé"),
        ("region=QC", "ne répond à ces critères"),
        ("search=%3F%3F", "ne contient aucun mot"),
    ],
)
def test_an_empty_queue_says_so_in_words(sign_in, query, sentence):
    assert sentence in sign_in("viewer").get(f"/queue?{query}").text


def test_filters_stay_in_the_form_and_can_be_taken_away(sign_in, lead):
    page = sign_in("triager").get("/queue?tab=all&language=fr&person=1").text
    assert '<option value="fr" selected>' in page
    assert 'name="person" value="1" checked' in page
    assert 'href="/console/queue?tab=all&amp;person=1"' in page


@pytest.mark.parametrize("query", ["page=-3&tab=%00&since=x", "search=%22%2A", "page=99999"])
def test_an_odd_address_is_no_error(sign_in, lead, query):
    assert sign_in("triager").get(f"/queue?{query}").status_code == 200


def test_a_search_is_noted_but_not_what_was_looked_for(sign_in, lead, database):
    page = sign_in("triager").get("/queue?search=evaluation+zoe")
    assert lead.id in page.text
    assert audited(database, "queue.searched")[-1] == '{"found": 1, "words": 2}'


def test_a_view_is_saved_opened_and_deleted(sign_in, database):
    colleague = sign_in("triager")
    answer = colleague.post("/queue/views", name="Québec", query="tab=all&region=QC&bogus=1")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/console/queue?tab=all&region=QC"
    page = colleague.get("/queue").text
    assert 'href="/console/queue?tab=all&amp;region=QC">Québec</a>' in page
    view = re.search(r"/console/queue/views/([^/]+)/delete", page)[1]
    assert sign_in("admin").post(f"/queue/views/{view}/delete").status_code == 404
    assert colleague.post(f"/queue/views/{view}/delete", query="tab=mine").status_code == 303
    with database.read() as connection:
        assert connection.execute(select(saved_views)).all() == []


def test_a_view_without_a_name_is_refused_in_words(sign_in):
    answer = sign_in("triager").post("/queue/views", name="  ", query="tab=all")
    assert answer.status_code == 400
    assert "Donnez un nom" in answer.text


def test_a_form_from_elsewhere_saves_nothing(sign_in, database):
    colleague = sign_in("triager")
    answer = colleague.http.post("/console/queue/views", data={"name": "x", "csrf": "wrong"})
    assert answer.status_code == 403
    assert colleague.http.get("/console/queue/views").status_code == 405
    with database.read() as connection:
        assert connection.execute(select(saved_views)).all() == []


def test_pages_follow_each_other(sign_in, database, door):
    with database.write() as connection:
        moment = now()
        for number in range(51):
            row = {"id": f"c{number}", "token_hash": "", "channel": "web", "language": "fr"}
            row |= {"position": 3, "created_at": moment, "last_at": moment}
            connection.execute(insert(conversations).values(**row))
            cases.project(connection, f"c{number}", WEIGHTS)
        shown = cases.cases.update().values(messages=1, position=3)
        connection.execute(shown)
    colleague = sign_in("triager")
    first, second = (
        colleague.get("/queue?tab=all").text,
        colleague.get("/queue?tab=all&page=2").text,
    )
    assert 'rel="next" href="/console/queue?tab=all&amp;page=2"' in first
    assert "51 dossiers, de 1 à 50" in first
    assert 'rel="prev" href="/console/queue?tab=all"' in second
    assert second.count("data-walk") == 1
