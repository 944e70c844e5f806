"""/console/notices: what the assistant adds to its answers, edited by admins."""

from __future__ import annotations

import html
import re
from dataclasses import replace

import pytest
from sqlalchemy import update

from mobilis import audit, edits, notices
from mobilis.answers import compose
from mobilis.content import fresh_content
from mobilis.models import overrides
from mobilis.settings import ROOT

REVIEW = "/notices/notice/programme_review"
GENERAL = "/notices/notice/general_information"
STREAM = "/notices/link/stream_page"
SITE = "/notices/link/site"
OPEN = {"fr": "Le parcours est ouvert.", "en": "The stream is open.", "shown": "yes"}
URLS = {"fr": "https://example.org/parcours", "en": "https://example.org/stream"}
FILE = fresh_content(ROOT)


@pytest.fixture
def admin(sign_in):
    return sign_in("admin")


def seen(page):
    return re.search(r'name="seen" value="([^"]*)"', page.text).group(1)


def save(admin, address, **fields):
    fields = {"seen": seen(admin.get(address)), **fields}
    return admin.post(address, address, **fields)


def known(database):
    with database.read() as connection:
        return notices.read_overrides(connection)


def content(database):
    return notices.with_overrides(fresh_content(ROOT), known(database))


def test_every_notice_and_address_is_listed_in_both_languages(admin):
    page = html.unescape(admin.get("/notices").text)
    for text in FILE.notices.values():
        assert text["fr"] in page and text["en"] in page
    for link in FILE.links.values():
        assert link.title["fr"] in page
    assert "État du programme" in page
    assert "changé ici" not in page


def test_the_list_is_in_the_persons_language(sign_in):
    page = sign_in("admin", language="en").get("/notices").text
    assert "Program status" in page and "the file's text" in html.unescape(page)


def test_an_edited_notice_is_what_the_assistant_says(admin, database):
    answer = save(admin, REVIEW, **OPEN)
    assert answer.headers["location"] == f"/console{REVIEW}?done=saved"
    assert "dit dès le prochain message" in admin.get(f"{REVIEW}?done=saved").text
    faq = next(faq for faq in FILE.faqs.values() if "programme_review" in faq.notices)
    for language in ("fr", "en"):
        answer = compose(content(database), faq, language)
        assert f"*{OPEN[language]}*" in answer.text
        assert FILE.notices["programme_review"][language] not in answer.text
    assert "changé ici" in admin.get("/notices").text


def test_an_edited_notice_is_on_the_programs_page(admin, door, monkeypatch):
    monkeypatch.setattr(notices, "LOOK_SECONDS", 0)
    save(admin, REVIEW, **{**OPEN, "fr": "Voir [la page](https://example.org/p)."})
    page = door.http.get("/?lang=fr").text
    assert 'class="caveat">Voir <a href="https://example.org/p"' in page
    save(admin, REVIEW, **{**OPEN, "shown": ""})
    assert "https://example.org/p" not in door.http.get("/?lang=fr").text


def test_a_notice_that_is_off_keeps_its_text(admin, database):
    assert save(admin, REVIEW, **{**OPEN, "shown": ""}).status_code == 303
    assert content(database).said(["programme_review"], "fr") == []
    page = admin.get(REVIEW).text
    assert OPEN["fr"] in page and "désactivé" in page
    assert not re.search(r'name="shown" value="yes" checked', page)
    assert "désactivé" in admin.get("/notices").text


def test_the_notice_about_legal_advice_stays_on(admin, database):
    assert "toujours dit" in admin.get(GENERAL).text
    answer = save(admin, GENERAL, **{**OPEN, "shown": ""})
    assert (answer.status_code, "ne peut pas être désactivé" in answer.text) == (422, True)
    assert known(database) == {}


REFUSALS = [
    ("", "il manque le texte", "the text is missing"),
    ("x" * 301, "300 caractères au plus", "300 characters at most"),
    ("Un *avis*", "pas d'astérisque", "no asterisk"),
    ("Ouvert {date}", "entre accolades", "between braces"),
    ("<b>Ouvert</b>", "pas de HTML", "no HTML"),
    ("[page](http://example.org)", "doit être en https", "must be https"),
    ("Ouvert\x07", "caractère invisible", "invisible character"),
]


@pytest.mark.parametrize("field", ["fr", "en"])
@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal[0][:20])
def test_a_text_that_will_not_do_is_told_beside_it(sign_in, database, refusal, language, field):
    text, french, english = refusal
    admin = sign_in("admin", language=language)
    answer = save(admin, REVIEW, **{**OPEN, field: text})
    page = html.unescape(answer.text)
    assert answer.status_code == 422
    assert page.count(french if language == "fr" else english) >= 2  # summed up, and beside it
    assert f'id="wrong-{field}"' in page and f'href="#{field}"' in page
    assert OPEN["en" if field == "fr" else "fr"] in page and text in page
    assert known(database) == {}


def test_a_preview_shows_the_notice_and_keeps_nothing(admin, database):
    text = "Voir [la page](https://example.org/p)."
    answer = save(admin, REVIEW, **{**OPEN, "fr": text}, preview="yes")
    assert answer.status_code == 200
    assert '<em>Voir <a href="https://example.org/p"' in answer.text
    assert "rien n&#39;est encore enregistré" in answer.text or "rien n'est encore" in answer.text
    assert text in html.unescape(answer.text)
    assert known(database) == {}
    off = save(admin, REVIEW, **{**OPEN, "shown": ""}, preview="yes")
    assert "l'avis est désactivé" in html.unescape(off.text)


def test_the_files_text_comes_back_with_one_button(admin, database):
    assert f"{REVIEW}/reset" not in admin.get(REVIEW).text
    save(admin, REVIEW, **OPEN)
    answer = admin.post(f"{REVIEW}/reset", REVIEW, seen=seen(admin.get(REVIEW)))
    assert answer.headers["location"] == f"/console{REVIEW}?done=reset"
    assert known(database) == {}
    assert FILE.notices["programme_review"]["fr"] in html.unescape(admin.get(REVIEW).text)


def test_a_file_that_changed_under_an_edit_is_told(admin, database):
    save(admin, REVIEW, **OPEN)
    assert "Le fichier a changé" not in admin.get(REVIEW).text
    with database.write() as connection:
        connection.execute(update(overrides).values(default={"fr": "a", "en": "b", "shown": True}))
    assert "Le fichier a changé" in admin.get(REVIEW).text
    assert "le fichier a changé" in admin.get("/notices").text


def test_a_colleagues_change_is_not_written_over(admin, sign_in, database):
    old = seen(admin.get(REVIEW))
    save(sign_in("admin"), REVIEW, **{**OPEN, "fr": "D'une collègue."})
    for path in (REVIEW, f"{REVIEW}/reset"):
        answer = admin.post(path, REVIEW, **{**OPEN, "seen": old, "fr": "De moi."})
        page = html.unescape(answer.text)
        assert (answer.status_code, "entre-temps" in page) == (409, True)
        assert "D'une collègue." in page
    assert content(database).said(["programme_review"], "fr") == ["D'une collègue."]


# Addresses


def test_an_address_that_becomes_known_is_offered(admin, database):
    assert save(admin, STREAM, **URLS).status_code == 303
    faq = next(faq for faq in FILE.faqs.values() if "stream_page" in faq.links)
    answer = compose(content(database), faq, "fr")
    assert URLS["fr"] in [source["url"] for source in answer.sources]
    assert FILE.links["stream_page"].where["fr"] not in answer.text
    assert save(admin, STREAM, fr="", en=URLS["en"]).status_code == 303
    assert FILE.links["stream_page"].where["fr"] in compose(content(database), faq, "fr").text


@pytest.mark.parametrize(
    ("address", "url", "sentence"),
    [
        (STREAM, "http://example.org", "doit être en https"),
        (STREAM, "https://example.org/(a)", "doit être en https"),
        (STREAM, "javascript:alert(1)", "doit être en https"),
        (STREAM, "https://example.org/" + "x" * 300, "300 caractères au plus"),
        (SITE, "", "ne peut pas rester vide"),
    ],
)
def test_an_address_that_will_not_do_is_told(admin, database, address, url, sentence):
    answer = save(admin, address, **{**URLS, "fr": url})
    assert (answer.status_code, sentence in answer.text) == (422, True)
    assert known(database) == {}


def test_the_address_of_the_site_is_everywhere_on_its_page(admin, door, monkeypatch):
    monkeypatch.setattr(notices, "LOOK_SECONDS", 0)
    save(admin, SITE, **URLS)
    assert URLS["fr"] in door.http.get("/?lang=fr").text
    assert URLS["en"] in door.http.get("/privacy?lang=en").text


# The history


def test_a_notice_is_undone_to_what_was_said_before(admin, database):
    save(admin, REVIEW, **OPEN)
    save(admin, REVIEW, **{**OPEN, "fr": "Fermé."})
    with database.read() as connection:
        newer, first = edits.find(connection, 9, "notice", "programme_review")
    page = html.unescape(admin.get(REVIEW).text)
    assert "Fermé." in page and "Camille admin" in page
    assert admin.post(f"/edits/{newer.id}/undo", "/edits").status_code == 303
    assert content(database).said(["programme_review"], "fr") == [OPEN["fr"]]
    assert admin.post(f"/edits/{first.id}/undo", "/edits").status_code == 303
    assert known(database) == {}
    page = html.unescape(admin.get("/edits?kind=notice").text)
    assert f"annule le nº {first.id}" in page and "Avis\u00a0: État du programme" in page
    with database.read() as connection:
        entries = audit.find(connection, audit.Search(subject="notice:programme_review"), 4)
    assert {(entry.actor, entry.action) for entry in entries} == {
        (admin.person.id, "notice.edited")
    }
    assert OPEN["fr"] not in "".join(entry.detail for entry in entries)


def test_what_files_no_longer_have_cannot_be_undone(admin, database, monkeypatch):
    save(admin, STREAM, **URLS)
    links = {key: link for key, link in FILE.links.items() if key != "stream_page"}
    for module in (notices, __import__("mobilis.web.console.edits", fromlist=["x"])):
        monkeypatch.setattr(module, "fresh_content", lambda root: replace(FILE, links=links))
    page = html.unescape(admin.get("/edits").text)
    assert "plus dans les fichiers" in page and "Adresse\u00a0: stream_page" in page


# Who, and what is not there


@pytest.mark.parametrize("role", ["viewer", "triager", "exporter"])
def test_notices_are_edited_by_admins_alone(sign_in, role, database):
    colleague = sign_in(role)
    assert "/console/notices" not in colleague.get("/queue").text
    for path in (REVIEW, f"{REVIEW}/reset"):
        assert colleague.post(path, **OPEN, seen="0").status_code == 403
    assert known(database) == {}


def test_without_the_token_nothing_is_done(admin, database):
    for token in ({}, {"csrf": "wrong"}):
        answer = admin.http.post(f"/console{REVIEW}", data={**OPEN, "seen": "0", **token})
        assert answer.status_code == 403
    assert known(database) == {}


@pytest.mark.parametrize(
    "path", ["notice/nothing", "link/nothing", "coach/site", "notice/site", "%00/%00"]
)
def test_what_is_not_in_the_files_is_not_found(admin, path):
    assert admin.get(f"/notices/{path}").status_code == 404
    assert admin.post(f"/notices/{path}", **OPEN, seen="0").status_code == 404
    assert admin.post(f"/notices/{path}/reset", seen="0").status_code == 404
