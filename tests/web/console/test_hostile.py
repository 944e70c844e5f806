"""What visitors write never becomes markup on a page of staff, whatever they write and wherever.

A corpus of payloads stands in every field that a visitor controls, kept through the real tables.
Each page that shows any of them is parsed: it must have the same elements and attributes as with
harmless words. A page joins by its address in ADDRESSES, with the right of who asks for it.
"""

from __future__ import annotations

import pytest
from hostile import HARMLESS, MARK, PAYLOADS, Shape
from sqlalchemy import select
from talks import Talk

from mobilis import casework, coaches, privacy
from mobilis.models import coaches as directory
from mobilis.models import edits, unhandled
from mobilis.turns import Reply

# {case} is the case that holds the payload.
ADDRESSES = (
    ("triager", "/queue"),
    ("triager", "/mentions"),
    ("triager", "/cases/{case}"),
    ("viewer", "/figures"),
    ("viewer", "/cases/{case}"),
    ("triager", "/cases/{case}/live"),
    ("triager", "/cases/{case}/live/news"),
    ("triager", "/cases/{case}/print"),
    ("triager", "/cases/{case}/reply"),
    ("triager", "/cases/{case}/forward"),
    ("viewer", "/cases/{case}/print"),
    ("triager", "/learning?state=all"),
    ("triager", "/learning/texts/{missed}"),
)


def hostile_talk(database, text):
    """A case with `text` in every field that a visitor controls; its id."""
    text = text.replace("\0", "")  # which the front door takes out before anything is kept
    talk = Talk(database, "fr", page=f"https://exemple.org/{text}")
    echo = Reply(f"Vous avez dit {text}", "fr", "text", (("Oui", "/affirm"),))
    talk.say(text, "out_of_scope", [echo])
    talk.press("Oui", "affirm", [Reply("Quel est votre nom?", "fr", "form")])
    talk.say(text, "inform", [Reply(f"Voici : {text}. Est-ce exact?", "fr", "form")])
    talk.missed(talk.say(f"[nom] et {text}", "nlu_fallback"))
    talk.lead("interest", coach=text[:60], name=text, organization=text, email=text, message=text)
    talk.assess("b", typed=text)
    talk.wish({"topic": [text[:60]], "region": [text[:60]]})
    talk.project()
    return talk.id


def note(database, colleague, case_id, text):
    """A note of staff that quotes the visitor and mentions a colleague, and a tag that does."""
    with database.write() as connection:
        quoted = text.replace("\0", "")
        mentioned = f"{quoted} @{colleague.person.email.partition('@')[0]}"
        casework.add_note(connection, colleague.person, case_id, mentioned)
        tag = quoted[:40].replace("\u202e", "").replace("\u202c", "").strip()
        casework.add_tag(connection, colleague.person, case_id, tag)


@pytest.fixture
def colleagues(sign_in):
    return {role: sign_in(role) for role in dict(ADDRESSES)}


@pytest.fixture
def pages(database, colleagues):
    """Every page of ADDRESSES while only the case of `text` is there."""

    def ask(text):
        case_id = hostile_talk(database, text)
        note(database, colleagues["triager"], case_id, text)
        found = {}
        with database.read() as connection:
            own = select(unhandled.c.key).where(unhandled.c.conversation_id == case_id)
            missed = connection.execute(own).scalar_one()
        for role, address in ADDRESSES:
            path = address.replace("{case}", case_id).replace("{missed}", missed)
            page = colleagues[role].get(path)
            assert page.status_code == 200, address
            found[role, address] = page.text
        with database.erase() as connection:
            privacy.erase_conversation(connection, case_id, "web")
        return found

    return ask


def test_what_visitors_write_is_only_ever_words(pages):
    usual = {where: Shape(page).elements for where, page in pages(HARMLESS).items()}
    for payload in PAYLOADS:
        for where, page in pages(payload).items():
            shape = Shape(page)
            assert shape.elements == usual[where], (payload, where)
            assert [one for one in shape.elements if MARK in str(one)] == [], (payload, where)
            assert [one for one in shape.addresses if leads_away(one)] == [], (payload, where)
            if where == ("triager", "/cases/{case}"):
                assert payload.replace("\0", "") in "".join(shape.words), payload


def leads_away(address):
    """Whether an address comes from a payload, or runs something."""
    return MARK in address or address.strip().lower().startswith(("javascript:", "//"))


def test_the_test_would_see_markup():
    usual = Shape(f"<p>{HARMLESS}</p>").elements
    changed = [Shape(f"<p>{payload}</p>").elements != usual for payload in PAYLOADS]
    assert changed.count(True) >= 20
    assert Shape('<p title="">').elements != Shape(f'<p title="{PAYLOADS[7]}">').elements


def test_a_hostile_way_back_leads_nowhere_but_to_the_queue(sign_in, database, door):
    triager = sign_in("triager")
    case_id = hostile_talk(database, HARMLESS)
    usual = Shape(triager.get(f"/cases/{case_id}", params={"from": "q=x"}).text)
    for payload in PAYLOADS:
        page = triager.get(f"/cases/{case_id}", params={"from": payload})
        shape = Shape(page.text)
        backs = [one for one in shape.addresses if MARK in one]
        assert all(one.startswith("/console/") for one in backs), payload
        if backs:
            assert shape.elements == usual.elements, payload


# What staff write, and what a file brings, is shown to other people of staff

EDITED = (
    "/coaches",
    "/coaches/hostile/edit",
    "/coaches/hostile/remove",
    "/edits",
    "/edits?kind=coach&key=hostile",
)


def hostile_coach(database, text):
    """A coach with `text` in every field, as no check would let through; and its history."""
    text = text.replace("\0", "")
    texts = {"name": text, "url": text, "bio": {"fr": text, "en": text}}
    lists = {"languages": ["fr"], "regions": ["QC"], "topics": ["health"], "levels": ["federal"]}
    row = {"id": "hostile", **texts, **lists, "accepting": True}
    with database.write() as connection:
        for table in (edits, directory):
            connection.execute(table.delete())
        coaches.import_rows(connection, "command", [{**row, "name": "x"}, row])


def test_what_a_coach_is_called_is_only_ever_words(sign_in, database):
    admin = sign_in("admin")

    def ask(text):
        hostile_coach(database, text)
        return {path: Shape(admin.get(path).text) for path in EDITED}

    usual = {path: shape.elements for path, shape in ask(HARMLESS).items()}
    for payload in PAYLOADS:
        for path, shape in ask(payload).items():
            assert shape.elements == usual[path], (payload, path)
            assert [one for one in shape.addresses if leads_away(one)] == [], (payload, path)


@pytest.mark.parametrize(
    ("address", "fields"),
    [
        ("/coaches/new", ("name", "languages", "regions", "bio_fr", "bio_en", "url")),
        ("/notices/notice/programme_review", ("fr", "en")),
        ("/notices/link/stream_page", ("fr", "en")),
    ],
)
def test_what_is_typed_into_a_form_comes_back_as_words(sign_in, address, fields):
    admin = sign_in("admin")
    for payload in PAYLOADS:
        given = {
            **dict.fromkeys(fields, payload),
            "preview": "yes",
            "shown": "yes",
            "seen": payload,
        }
        page = admin.post(address, address, **given)
        assert page.status_code in (200, 422), payload
        shape = Shape(page.text)
        assert [one for one in shape.elements if MARK in str(one)] == [], payload
        assert [one for one in shape.addresses if leads_away(one)] == [], payload
