"""The page of a case: what it shows to whom, what is done there, and what is refused."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import delete, select, update
from talks import Talk, full_talk

from mobilis import casework, privacy
from mobilis.cases import project
from mobilis.dates import day_of
from mobilis.models import (
    assessments,
    audit,
    case_notes,
    case_reads,
    cases,
    choices,
    inbox,
    outbox,
    staff_sessions,
)
from mobilis.priority import WEIGHTS
from mobilis.store import now


@pytest.fixture
def talk(door, database):
    return full_talk(database)


@pytest.fixture
def address(talk):
    return f"/cases/{talk.id}"


def seen(page):
    """The state that the forms of a page carry."""
    return html.unescape(re.search(r'name="seen" value="([^"]*)"', page.text).group(1))


def send(colleague, address, deed, **fields):
    """Send a form of a case as it is on the page now."""
    fields = {"seen": seen(colleague.get(address)), **fields}
    return colleague.post(f"{address}/{deed}", address, **fields)


def row(database, talk):
    with database.read() as connection:
        return connection.execute(select(cases).where(cases.c.conversation_id == talk.id)).one()


def audited(database, talk):
    query = select(audit.c.action, audit.c.actor).where(audit.c.subject == f"case:{talk.id}")
    with database.read() as connection:
        return [tuple(entry) for entry in connection.execute(query.order_by(audit.c.number))]


def text_of(page):
    """What a page says, on one line."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.text)).split())


def test_a_case_says_what_answered(sign_in, address, database, talk):
    assert "code 0.1" not in text_of(sign_in("viewer").get(address))
    with database.write() as connection:
        mine = update(outbox).where(outbox.c.conversation_id == talk.id)
        connection.execute(mine.values(by_model="ab12", by_content=None, by_code="0.1+c0de"))
    page = text_of(sign_in("viewer").get(address))
    assert "Modèle ab12, contenu –, code 0.1+c0de" in page
    english = text_of(sign_in("viewer", language="en").get(address))
    assert "Model ab12, content –, code 0.1+c0de" in english


def test_a_case_shows_all_there_is(sign_in, address):
    page = sign_in("triager").get(address)
    said = text_of(page)
    assert page.status_code == 200
    for part in (
        "Dossier : Marie Roy",
        "marie.roy@exemple.ca",
        "Maison des aînés",
        "Donné le",
        "https://exemple.org/aide",
        "Rappelez-moi au 514 555-0199.",
        "A déclaré son intérêt 30",
        "c tu gratuit?",
        "C'est gratuit : voir la page (https://exemple.org/cout).",
        "(faq/cost), confiance 94 %",
        "Compris comme : rien de connu (nlu_fallback), confiance 20 % Pas compris",
        "Laisser mes coordonnées (choisi)",
        "Dans ses mots : « on veut du logement »",
        "logement",
        "Québec",
        "a choisi un bouton",
    ):
        assert part in said, part
    assert "Trouver une ou un coach (choisi)" not in said


def test_a_case_is_in_the_language_of_staff(sign_in, address):
    said = text_of(sign_in("triager", language="en").get(address))
    assert "Case: Marie Roy" in said
    assert "Declared an interest 30" in said
    assert "housing" in said
    assert "c tu gratuit?" in said
    assert 'lang="fr">c tu gratuit?' in sign_in("triager", language="en").get(address).text


@pytest.mark.parametrize("page", ["", "/print"])
def test_who_may_only_read_sees_no_personal_data(sign_in, address, page):
    said = text_of(sign_in("viewer").get(f"{address}{page}"))
    assert "M. R." in said
    assert "m…@e….ca" in said
    for secret in ("Marie", "Roy", "marie.roy", "514", "0199"):
        assert secret not in said, secret
    assert "masqués" in said
    assert "Quel est votre nom?" in said
    assert "Merci, [nom]!" in said
    assert "c tu gratuit?" in said


def test_who_may_only_read_has_no_forms(sign_in, address):
    page = sign_in("viewer").get(address).text
    assert f'action="/console{address}' not in page


def test_opening_a_case_marks_it_read_and_is_audited_once_an_hour(sign_in, talk, address, database):
    triager, viewer = sign_in("triager"), sign_in("viewer")
    for _ in range(2):
        triager.get(address)
        viewer.get(address)
    assert audited(database, talk) == [("case.read", triager.person.id)]
    with database.read() as connection:
        marks = connection.execute(select(case_reads)).all()
    assert [(mark.staff_id, mark.position) for mark in marks] == [
        (triager.person.id, row(database, talk).position)
    ]


@pytest.mark.parametrize("page", ["", "/print"])
def test_a_case_that_is_not_there_is_not_found(sign_in, page):
    answer = sign_in("triager").get(f"/cases/unknown{page}")
    assert answer.status_code == 404
    assert "effacé" in answer.text


def test_a_case_that_was_erased_is_not_found_nor_changed(sign_in, talk, address, database):
    triager = sign_in("triager")
    fields = {"seen": seen(triager.get(address)), "status": "waiting"}
    with database.erase() as connection:
        privacy.erase_conversation(connection, talk.id, "web")
    assert triager.get(address).status_code == 404
    for deed in ("status", "owner", "follow-up", "tags", "notes", "merge", "unmerge"):
        answer = triager.post(f"{address}/{deed}", **fields, text="x", add="x", into="x")
        assert answer.status_code in (404, 422), deed


def test_a_conversation_younger_than_the_projector_has_a_case_already(sign_in, door, database):
    talk = Talk(database)
    talk.say("bonjour", "greet")
    assert sign_in("triager").get(f"/cases/{talk.id}").status_code == 200


def test_a_conversation_in_which_nothing_was_said_has_none(sign_in, door, database):
    assert sign_in("triager").get(f"/cases/{Talk(database).id}").status_code == 404


def test_a_case_of_which_only_the_lead_is_kept_is_still_there(sign_in, talk, address, database):
    with database.write() as connection:
        for table in (choices, outbox, inbox):
            connection.execute(delete(table))
        assert project(connection, talk.id, WEIGHTS)
    for role in ("triager", "viewer"):
        said = text_of(sign_in(role).get(address))
        assert "La transcription n'est plus conservée." in said
        assert "Intérêt déclaré" in said


def test_the_status_is_changed(sign_in, talk, address, database):
    triager = sign_in("triager")
    answer = send(triager, address, "status", status="in_progress", **{"from": "status=new&q=a b"})
    where = urlsplit(answer.headers["location"])
    assert (answer.status_code, where.fragment) == (303, "status")
    assert parse_qs(where.query) == {"done": ["status"], "from": ["status=new&q=a b"]}
    assert row(database, talk).status == "in_progress"
    assert ("case.status", triager.person.id) in audited(database, talk)
    page = triager.http.get(answer.headers["location"])
    assert "L'état est enregistré." in text_of(page)
    assert 'href="/console/queue?status=new&amp;q=a b"' in page.text


def test_closing_wants_a_reason(sign_in, talk, address, database):
    triager = sign_in("triager")
    answer = send(triager, address, "status", status="closed")
    assert answer.status_code == 422
    assert "choisissez une raison" in answer.text
    assert send(triager, address, "status", status="closed", reason="spam").status_code == 303
    case = row(database, talk)
    assert (case.status, case.close_reason, case.waiting_since) == ("closed", "spam", None)
    assert "Fermé : indésirable" in text_of(triager.get(address))


@pytest.mark.parametrize(
    ("deed", "fields", "sentence"),
    [
        ("status", {"status": "lost"}, "Cet état n'existe pas."),
        ("owner", {"owner": "nobody"}, "Cette personne ne peut pas"),
        ("follow-up", {"day": "soon"}, "Choisissez un jour"),
        ("follow-up", {"day": "2020-01-01"}, "Choisissez un jour"),
        ("tags", {"add": "  "}, "Une étiquette a de 1"),
        ("tags", {"add": "x" * 41}, "Une étiquette a de 1"),
        ("notes", {"text": " "}, "Une note a de 1"),
        ("notes", {"text": "x" * 4001}, "Une note a de 1"),
        ("merge", {"into": "M-NOTHNG"}, "Aucun dossier ne porte"),
        ("unmerge", {}, "n'est pas un doublon"),
    ],
)
def test_what_will_not_do_is_refused_in_a_sentence(
    sign_in, talk, address, database, deed, fields, sentence
):
    before = row(database, talk)
    answer = send(sign_in("triager"), address, deed, **fields)
    assert answer.status_code == 422
    assert sentence in text_of(answer)
    assert row(database, talk) == before


def test_what_was_typed_into_a_refused_note_is_not_lost(sign_in, address):
    answer = send(sign_in("triager"), address, "notes", text="long " * 801)
    assert "long long" in answer.text


@pytest.mark.parametrize("deed", ["status", "owner", "follow-up", "merge", "unmerge"])
def test_who_saw_an_older_state_is_told_the_present_one(sign_in, talk, address, database, deed):
    other = full_talk(database)
    first, second = sign_in("triager", name="Ariane Un"), sign_in("triager", name="Bao Deux")
    old = seen(second.get(address))
    assert send(first, address, "status", status="waiting").status_code == 303
    fields = {"status": "new", "owner": "", "day": "2030-01-02", "into": other.id}
    answer = second.post(f"{address}/{deed}", address, seen=old, **fields)
    assert answer.status_code == 409
    assert "Ariane Un a changé ce dossier" in text_of(answer)
    assert "état « En attente »" in text_of(answer).replace("\xa0", " ")
    case = row(database, talk)
    assert (case.status, case.owner_id, case.follow_up_at) == ("waiting", None, None)


def test_a_case_is_taken_and_given_away(sign_in, talk, address, database):
    triager, colleague = sign_in("triager"), sign_in("admin", name="Bao Deux")
    viewer = sign_in("viewer")
    assert send(triager, address, "owner", owner=triager.person.id).status_code == 303
    assert row(database, talk).owner_id == triager.person.id
    assert send(triager, address, "owner", owner=colleague.person.id).status_code == 303
    assert "Bao Deux" in text_of(triager.get(address))
    assert send(triager, address, "owner", owner=viewer.person.id).status_code == 422
    assert send(triager, address, "owner", owner="").status_code == 303
    assert row(database, talk).owner_id is None


def test_a_follow_up_is_set_and_removed(sign_in, talk, address, database):
    triager = sign_in("triager")
    day = day_of(now()) + timedelta(days=3)
    assert send(triager, address, "follow-up", day=day.isoformat()).status_code == 303
    assert day_of(row(database, talk).follow_up_at) == day
    assert f'value="{day.isoformat()}"' in triager.get(address).text
    assert send(triager, address, "follow-up", day=day.isoformat(), clear="1").status_code == 303
    assert row(database, talk).follow_up_at is None


def test_tags_are_added_suggested_and_removed(sign_in, address, database):
    triager = sign_in("triager")
    other = full_talk(database)
    assert send(triager, address, "tags", add=" À  Rappeler ").status_code == 303
    assert send(triager, address, "tags", add="à rappeler").status_code == 303
    assert text_of(triager.get(address)).count("à rappeler") == 1
    assert '<option value="à rappeler">' in triager.get(f"/cases/{other.id}").text
    assert send(triager, address, "tags", remove="à rappeler").status_code == 303
    assert "Aucune étiquette" in text_of(triager.get(address))


def test_a_note_mentions_a_colleague_who_finds_it(sign_in, talk, address, database):
    triager = sign_in("triager", name="Ariane Un")
    colleague = sign_in("triager", name="Éloïse Bélanger")
    assert "Aucune note ne vous mentionne" in text_of(colleague.get("/mentions"))
    note = "Peux-tu rappeler, @eloise belanger? <b>Merci</b>"
    assert send(triager, address, "notes", text=note).status_code == 303
    page = triager.get(address)
    assert '<b class="mention">@eloise belanger</b>? &lt;b&gt;Merci&lt;/b&gt;' in page.text
    listed = colleague.get("/mentions")
    assert "Dossier : Marie Roy Nouvelle Ariane Un" in text_of(listed)
    colleague.get(address)
    assert "Nouvelle" not in text_of(colleague.get("/mentions"))
    assert "Aucune note ne vous mentionne" in text_of(triager.get("/mentions"))


def test_a_note_that_is_sent_twice_is_there_once(sign_in, talk, address, database):
    first, second = sign_in("triager"), sign_in("triager")
    key = re.search(r'name="key" value="([0-9a-f-]{36})"', first.get(address).text)[1]
    for _ in range(2):
        assert send(first, address, "notes", text="rappelée", key=key).status_code == 303
    for other in (key, "", "x" * 36, "'; DROP TABLE case_notes; --"):  # others' keys, and no keys
        assert send(second, address, "notes", text="moi aussi", key=other).status_code == 303
    with database.read() as connection:
        texts = connection.execute(select(case_notes.c.text)).scalars().all()
    assert sorted(texts) == ["moi aussi"] * 4 + ["rappelée"]


def test_a_note_is_kept_though_a_colleague_changed_the_case_meanwhile(sign_in, address, database):
    first, second = sign_in("triager"), sign_in("triager")
    old = seen(second.get(address))
    send(first, address, "status", status="waiting")
    assert second.post(f"{address}/notes", address, seen=old, text="ok").status_code == 303
    with database.read() as connection:
        assert connection.execute(select(case_notes.c.text)).scalars().all() == ["ok"]


def test_a_duplicate_is_merged_and_comes_back(sign_in, talk, address, database):
    triager = sign_in("triager")
    other = full_talk(database)
    reference = row(database, other).reference
    send(triager, address, "notes", text="note du doublon")
    send(triager, address, "tags", add="logement social")
    send(triager, address, "status", status="waiting")
    assert send(triager, address, "merge", into=reference.lower()).status_code == 303
    case = row(database, talk)
    assert (case.status, case.close_reason, case.merged_into) == ("closed", "duplicate", other.id)
    there = text_of(triager.get(f"/cases/{other.id}"))
    assert "note du doublon" in there
    assert "Vient d'un dossier fusionné" in there
    assert "logement social" in there
    assert f'href="/console{address}"' in triager.get(f"/cases/{other.id}").text
    here = triager.get(address)
    assert f'href="/console/cases/{other.id}"' in here.text
    assert send(triager, address, "status", status="new").status_code == 422
    assert send(triager, address, "unmerge").status_code == 303
    case = row(database, talk)
    assert (case.status, case.close_reason, case.merged_into) == ("waiting", None, None)
    there = text_of(triager.get(f"/cases/{other.id}"))
    assert "note du doublon" not in there
    assert "logement social" not in there


def test_a_case_is_merged_neither_into_itself_nor_into_a_duplicate(sign_in, address, database):
    triager = sign_in("triager")
    other = full_talk(database)
    itself = send(triager, address, "merge", into=address.rpartition("/")[2])
    assert "doublon de lui-même" in text_of(itself)
    assert send(triager, f"/cases/{other.id}", "merge", into=address[7:]).status_code == 303
    answer = send(triager, address, "merge", into=other.id)
    assert "déjà un doublon" in text_of(answer)


def test_a_duplicate_of_an_erased_case_says_so_and_can_be_undone(sign_in, talk, address, database):
    triager = sign_in("triager")
    other = full_talk(database)
    send(triager, address, "merge", into=other.id)
    with database.erase() as connection:
        privacy.erase_conversation(connection, other.id, "web")
    assert "qui a été effacé" in text_of(triager.get(address))
    assert send(triager, address, "unmerge").status_code == 303
    assert row(database, talk).status == "new"


def test_the_persons_other_conversations_are_listed(sign_in, address, database):
    other = full_talk(database)
    stranger = Talk(database)
    stranger.say("bonjour", "greet")
    stranger.project()
    page = sign_in("triager").get(address)
    assert f'href="/console/cases/{other.id}"' in page.text.partition('id="history"')[2]
    assert stranger.id not in page.text.partition('id="history"')[2]
    alone = text_of(sign_in("triager").get(f"/cases/{stranger.id}"))
    assert "Sans courriel" in alone


def test_a_colleague_on_the_same_case_is_seen_until_they_leave(sign_in, address, monkeypatch):
    first, second = sign_in("triager", name="Ariane Un"), sign_in("viewer", name="Bao Deux")
    assert "ce dossier ouvert" not in text_of(first.get(address))
    assert "Ariane Un a aussi ce dossier ouvert" in text_of(second.get(address))
    part = first.get(f"{address}/presence")
    assert "Bao Deux a aussi" in text_of(part)
    assert "<html" not in part.text
    third = sign_in("admin", name="Chloé Trois")
    third.get(address)
    assert "Bao Deux, Chloé Trois ont aussi" in text_of(first.get(f"{address}/presence"))
    monkeypatch.setattr("mobilis.web.presence.LASTS_SECONDS", -1)
    assert "ce dossier ouvert" not in text_of(first.get(f"{address}/presence"))


def test_an_open_page_that_asks_by_itself_does_not_keep_a_session(sign_in, address, database):
    colleague = sign_in("triager")
    colleague.get(address)

    def last():
        own = staff_sessions.c.staff_id == colleague.person.id
        with database.read() as connection:
            return connection.execute(select(staff_sessions.c.last_at).where(own)).scalar_one()

    before = now() - timedelta(hours=2)
    with database.write() as connection:
        connection.execute(update(staff_sessions).values(last_at=before))
    colleague.get(f"{address}/presence")
    assert last() == before
    colleague.get(address)
    assert last() > before


def test_the_printed_case_has_no_forms_and_no_navigation(sign_in, address):
    triager = sign_in("triager", name="Ariane Un")
    send(triager, address, "notes", text="à imprimer aussi")
    page = triager.get(f"{address}/print")
    assert page.status_code == 200
    assert "<form" not in page.text
    assert "<nav" not in page.text
    said = text_of(page)
    for part in ("Imprimé par Ariane Un", "c tu gratuit?", "à imprimer aussi", "Marie Roy"):
        assert part in said


def test_an_answer_whose_question_has_left_the_file_is_still_shown(
    sign_in, talk, address, database
):
    kept = {"gone": {"option": "z", "text": None}, "aim": {"option": "zz", "text": "mes mots"}}
    with database.write() as connection:
        connection.execute(update(assessments).values(answers=kept, band="of_old", total=None))
    said = text_of(sign_in("triager").get(address))
    assert "of_old : terminée avant la fin" in said
    assert "gone z La question a changé depuis" in said
    assert "mes mots" in said


def test_an_overlong_way_back_is_left_out(sign_in, address):
    page = sign_in("triager").get(address, params={"from": "q=" + "x" * 3000})
    assert 'href="/console/queue"' in page.text


def test_the_queue_leads_to_a_case_and_back_to_where_it_was(sign_in, talk, database):
    triager = sign_in("triager")
    listed = triager.get("/queue", params={"status": "new", "search": "gratuit & <b>"})
    assert listed.status_code == 200
    listed = triager.get("/queue", params={"status": "new"}).text
    found = re.search(rf'href="(/console/cases/{talk.id}[^"]*)"', listed).group(1)
    page = triager.http.get(html.unescape(found)).text
    back = html.unescape(re.search(r'href="(/console/queue\?[^"]*)"', page).group(1))
    assert parse_qs(urlsplit(back).query)["status"] == ["new"]
    assert talk.id in triager.http.get(back).text


def test_a_follow_up_that_came_due_is_found_in_the_queue(sign_in, talk, address, database):
    triager = sign_in("triager")
    assert talk.id not in triager.get("/queue", params={"due": "1"}).text
    with database.write() as connection:
        connection.execute(update(cases).values(status="waiting", follow_up_at=now()))
        assert casework.resurface(connection, WEIGHTS, 10) == 1
    assert talk.id in triager.get("/queue", params={"due": "1"}).text
    assert "le dossier est revenu dans la file d'attente" in text_of(triager.get(address))
    send(triager, address, "status", status="in_progress")
    assert talk.id not in triager.get("/queue", params={"due": "1"}).text


def test_one_goes_from_case_to_case_as_the_queue_had_them(sign_in, talk, address, database):
    triager = sign_in("triager", language="en")
    other = Talk(database, "en")
    other.say("hello", "greet")
    other.project()
    page = triager.get(f"{address}?from=tab%3Dall%26sort%3Ddate")
    [link] = re.findall(r'<a rel="prev"[^>]* href="([^"]+)"', page.text)
    assert html.unescape(link) == f"/console/cases/{other.id}?from=tab%3Dall%26sort%3Ddate"
    assert 'rel="next"' not in page.text
    assert "Next case" in text_of(triager.get(f"/cases/{other.id}?from=tab%3Dall%26sort%3Ddate"))
    assert 'rel="prev"' not in triager.get(f"{address}?from=tab%3Dclosed").text
