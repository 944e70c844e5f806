"""What admins see of retention, and a person found, shown, exported and erased from a page."""

from __future__ import annotations

import json
from datetime import timedelta

import filled
import pytest

from mobilis import audit
from mobilis.store import now

EMAIL = "marie.tremblay@exemple.ca"


def talk(database, days=0, **more):
    with database.write() as connection:
        return filled.fill(connection, "said", now() - timedelta(days=days), **more)


@pytest.fixture
def marie(door, database):
    return talk(database, leads={"name": "Marie <b>Tremblay</b>", "email": EMAIL})


def there(database, conversation):
    with database.read() as connection:
        return bool(filled.holding(connection, conversation) - {"audit.subject"})


def noted(database):
    with database.read() as connection:
        assert audit.verify(connection) is None
        return list(audit.entries(connection))


def test_the_page_says_how_long_things_are_kept_and_what_is_due(sign_in, database, eventually):
    admin = sign_in("admin", language="en")
    eventually(lambda: "Next run</dt><dd>none" not in admin.get("/privacy").text)
    talk(database, 181, leads={"consent_at": None})
    talk(database, 200)
    text = " ".join(admin.get("/privacy").text.split())
    assert "180 days after the last message" in text
    assert "730 days after the last contact" in text
    assert "Conversations erased whole</dt><dd>1</dd>" in text
    assert "Transcripts erased, whose lead stays</dt><dd>1</dd>" in text
    assert '<code>inbox</code></th><td class="number">2</td>' in text


def test_a_person_is_found_by_a_form_alone(sign_in, database, marie):
    admin = sign_in("admin")
    before = len(noted(database))
    answer = admin.post("/privacy/find", "/privacy", wanted=EMAIL.upper())
    assert answer.status_code == 200
    assert f'value="{marie}"' in answer.text
    assert "le même courriel y a été donné" in answer.text
    assert "Marie &lt;b&gt;Tremblay" in answer.text and "<b>Tremblay" not in answer.text
    (entry,) = noted(database)[before:]
    assert (entry.actor, entry.action, entry.subject) == (
        admin.person.id,
        "person.found",
        "person",
    )
    assert EMAIL not in entry.detail.lower()


@pytest.mark.parametrize("wanted", ["", "ab", "nobody@exemple.ca", '"><script>alert(1)</script>'])
def test_nobody_found_is_said(sign_in, marie, wanted):
    answer = sign_in("admin").post("/privacy/find", "/privacy", wanted=wanted)
    assert "Rien n&#39;est conservé sous ce courriel" in answer.text
    assert "<script>alert" not in answer.text


def test_all_that_is_kept_of_a_person_is_shown_as_text(sign_in, database, marie):
    admin = sign_in("admin")
    answer = admin.post("/privacy/kept", "/privacy", conversation=marie)
    assert EMAIL in answer.text
    assert "<b>Tremblay" not in answer.text
    for table in filled.tables():
        assert f"<summary>{table.name}\u00a0: 1</summary>" in answer.text
    assert noted(database)[-1].action == "person.read"
    nothing = admin.post("/privacy/kept", "/privacy", conversation="unknown")
    assert "Rien n&#39;est conservé de ces conversations" in nothing.text


def test_a_person_is_exported_as_one_file(sign_in, database, marie):
    answer = sign_in("admin").post("/privacy/export", "/privacy", conversation=marie)
    assert answer.headers["content-disposition"].startswith('attachment; filename="mobilis-person')
    kept = json.loads(answer.text)
    assert kept["tables"]["leads"][0]["email"] == EMAIL
    assert noted(database)[-1].action == "person.exported"


def test_a_person_is_erased_after_confirming(sign_in, database, marie):
    admin, other = sign_in("admin"), talk(database)
    asked = admin.post("/privacy/erase", "/privacy", conversation=marie)
    assert asked.status_code == 200
    assert "Effacer pour de bon?" in asked.text
    assert there(database, marie)
    unsure = admin.post("/privacy/erase", "/privacy", conversation=marie, asked="yes")
    assert unsure.status_code == 422
    assert "cochez la case" in unsure.text
    assert there(database, marie)
    done = admin.post("/privacy/erase", "/privacy", conversation=marie, confirmed="yes")
    assert done.headers["location"] == "/console/privacy?erased=1"
    assert "C&#39;est effacé" in admin.get("/privacy?erased=1").text
    assert not there(database, marie) and there(database, other)
    entry = noted(database)[-1]
    assert (entry.actor, entry.action) == (admin.person.id, "person.erased")
    assert entry.subject == f"conversation:{marie}"


@pytest.mark.parametrize("action", ["kept", "export", "erase"])
def test_without_a_conversation_nothing_is_done(sign_in, database, marie, action):
    admin = sign_in("admin")
    before = len(noted(database))
    answer = admin.post(f"/privacy/{action}", "/privacy", confirmed="yes")
    assert answer.status_code == 422
    assert "Choisissez d&#39;abord une conversation" in answer.text
    assert there(database, marie)
    assert len(noted(database)) == before


def test_an_erased_visitor_learns_of_it(sign_in, visitor):
    admin = sign_in("admin")
    admin.post("/privacy/erase", "/privacy", conversation=visitor.id, confirmed="yes")
    assert visitor.say("encore?").status_code == 401


@pytest.mark.parametrize("erased", ["x", "-1", "<b>", "9" * 400])
def test_an_odd_address_is_no_error(sign_in, erased):
    assert sign_in("admin").get("/privacy", params={"erased": erased}).status_code == 200
