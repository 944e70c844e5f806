"""E-mails from a case where no server is set: written here, sent by one's own program, and noted.

What both ways have in common is here too: who may, what is shown, what is refused.
"""

from __future__ import annotations

import html
import re
import secrets
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hostile import HARMLESS, MARK, PAYLOADS, Shape
from sqlalchemy import delete, insert, select, update
from talks import Talk, full_talk

from mobilis import casework
from mobilis.models import assessments, audit, case_reads, cases, coaches, leads, mails
from mobilis.priority import WEIGHTS
from mobilis.settings import ROOT
from mobilis.web.console import mail

COACH = "amina-erable"


@pytest.fixture
def talk(door, database):
    return full_talk(database)


@pytest.fixture
def address(talk):
    return f"/cases/{talk.id}"


@pytest.fixture
def coach(database):
    """A coach who reads both languages and has an address."""
    return add_coach(database, COACH, "Amina Érable", "amina@exemple.ca")


def add_coach(database, coach_id, name, email, accepting=True):
    lists = {key: [] for key in ("regions", "topics", "levels")}
    with database.write() as connection:
        values = {"id": coach_id, "name": name, "languages": ["fr", "en"], "email": email}
        bio = {"fr": "", "en": ""}
        connection.execute(insert(coaches).values(**values, **lists, bio=bio, accepting=accepting))
    return coach_id


def for_coach(database, agreed=True, **details):
    talk = Talk(database, "fr")
    usual = {"name": "Marie Roy", "organization": "Maison", "email": "marie@exemple.ca"}
    talk.lead("coach", coach=COACH, coach_agreed=agreed, **{**usual, **details})
    talk.assess("b", typed="jamais transmis")
    talk.project()
    return f"/cases/{talk.id}"


def field(page, name):
    """What a field of a page's last form holds."""
    found = re.findall(rf'name="{name}"[^>]* value="([^"]*)"', page.text)
    if name == "text":
        found = re.findall(r"<textarea[^>]*>\n?(.*?)</textarea>", page.text, re.DOTALL)
    return html.unescape(found[-1])


def send(colleague, address, query="", **changes):
    """Open the form of an answer, change some fields and send it."""
    page = colleague.get(f"{address}/reply{query}")
    assert page.status_code == 200, page.text
    names = ("csrf", "seen", "to", "key", "letter", "language", "subject", "text")
    fields = {name: field(page, name) for name in names}
    fields = {**fields, "do": "note", **changes}
    return colleague.http.post(f"/console{address}/reply", data=fields)


def pass_on(colleague, address, query="", **changes):
    """The same with what is passed on to a coach."""
    page = colleague.get(f"{address}/forward{query}")
    names = ("csrf", "seen", "key", "coach", "mark")
    fields = {**{name: field(page, name) for name in names}, **changes}
    return colleague.http.post(f"/console{address}/forward", data=fields)


def kept(database):
    with database.read() as connection:
        return connection.execute(select(mails).order_by(mails.c.created_at)).all()


def case(database, address):
    own = cases.c.conversation_id == address.removeprefix("/cases/")
    with database.read() as connection:
        return connection.execute(select(cases).where(own)).one()


def text_of(page):
    """What a page says, on one line."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.text)).split())


def link(page):
    """The link to one's own program, as it would be written there."""
    [found] = re.findall(r'href="(mailto:[^"]*)"', page.text)
    parts = urlsplit(html.unescape(found))
    return unquote(parts.path), {k: v[0] for k, v in parse_qs(parts.query).items()}


# --- The form


def test_a_case_leads_to_both(sign_in, address):
    triager = sign_in("triager")
    page = triager.get(address)
    for part in ("reply", "forward"):
        assert f'href="/console{address}/{part}"' in page.text
        assert triager.get(f"{address}/{part}").status_code == 200
    assert "Aucun courriel n'est parti de ce dossier." in text_of(page)


def test_a_case_without_an_address_says_so(sign_in, door, database):
    talk = Talk(database, "fr")
    talk.say("bonjour")
    talk.project()
    triager, address = sign_in("triager"), f"/cases/{talk.id}"
    assert f"{address}/reply" not in triager.get(address).text
    assert "n'a pas laissé de courriel" in text_of(triager.get(address))
    page = triager.get(f"{address}/reply")
    assert "n'a pas d'adresse de courriel" in text_of(page)
    assert "<textarea" not in page.text


def test_who_may_only_read_sees_nothing_of_e_mails(sign_in, address, database):
    send(sign_in("triager"), address, subject="Objet pour vous", text="Texte pour vous")
    viewer = sign_in("viewer")
    for page in ("", "/print"):
        said = viewer.get(f"{address}{page}").text
        assert "Texte pour vous" not in said
        assert "Objet pour vous" not in said
        assert f"{address}/reply" not in said


def test_the_form_begins_in_the_visitors_language(sign_in, talk, address):
    page = sign_in("triager", language="en").get(f"{address}/reply")
    assert field(page, "text").startswith("Bonjour Marie Roy,")
    assert "Camille triager" in field(page, "text")
    assert "Maison des aînés" in field(page, "text")
    assert re.search(r"\(M-\w{6}\)$", field(page, "subject"))
    assert 'lang="fr"' in page.text
    assert "Reply by e-mail" in page.text


@pytest.mark.parametrize(
    ("letter", "language", "said"),
    [
        ("acknowledge", "en", "Thank you for writing to us"),
        ("call", "fr", "[à compléter\u00a0: jour et heure]"),
        ("funding", "fr", "une équipe de 2 à 5 personnes"),
        ("funding", "en", "goes toward paying a coach"),
        ("result", "fr", "«\u00a0Ce parcours ne correspond pas à ce but\u00a0»"),
        ("result", "en", 'The result: "This stream is not aimed at that".'),
        ("ask_to_share", "fr", "[à compléter\u00a0: nom de la ou du coach]"),
        ("closing", "en", "we are closing it"),
    ],
)
def test_a_letter_is_chosen_in_either_language(sign_in, address, letter, language, said):
    page = sign_in("triager").get(f"{address}/reply?letter={letter}&language={language}")
    assert said in field(page, "text")
    assert f'<option value="{letter}" selected>' in page.text
    assert f'<option value="{language}" selected>' in page.text
    assert "**" not in field(page, "text")


def test_a_letter_names_the_coach_who_was_looked_at(sign_in, address, coach):
    page = sign_in("triager").get(f"{address}/reply?letter=ask_to_share&coach={coach}")
    assert "Amina Érable pourrait vous aider" in field(page, "text")
    assert f'name="coach" value="{coach}"' in page.text


@pytest.mark.parametrize("query", ["?letter=x&language=de", "?letter=&language=", "?coach=x"])
def test_an_address_that_says_nothing_known_is_the_first_letter(sign_in, address, query):
    page = sign_in("triager").get(f"{address}/reply{query}")
    assert field(page, "letter") == "acknowledge"
    assert field(page, "language") == "fr"


def test_a_result_that_has_left_the_file_is_a_blank(sign_in, talk, address, database):
    with database.write() as connection:
        connection.execute(update(assessments).values(band="gone"))
    page = sign_in("triager").get(f"{address}/reply?letter=result")
    assert "[à compléter\u00a0: résultat]" in field(page, "text")


# --- One's own program


def test_the_link_holds_all_of_the_e_mail(sign_in, address):
    page = sign_in("triager").get(f"{address}/reply?letter=closing")
    recipient, fields = link(page)
    assert recipient == "marie.roy@exemple.ca"
    assert fields["subject"] == field(page, "subject")
    assert fields["body"] == field(page, "text").rstrip().replace("\n", "\r\n")
    assert "%0D%0A" in page.text


def test_every_word_is_there(sign_in, coach, database):
    triager, address = sign_in("triager"), for_coach(database)
    for part in ("reply", "forward"):
        page = triager.get(f"{address}/{part}")
        assert "Copier le texte" in text_of(page)
        assert "built-in" not in page.text  # a word named as a method of dict


def test_the_link_follows_what_was_typed(sign_in, address, database):
    text = "Été & hiver?\n100 % + « oui »\n#1"
    page = send(sign_in("triager"), address, do="prepare", subject="A&B = ?", text=text)
    _, fields = link(page)
    assert fields == {"subject": "A&B = ?", "body": text.replace("\n", "\r\n")}
    assert field(page, "text") == text
    assert kept(database) == []


def test_a_long_text_is_copied_instead(sign_in, address):
    page = send(sign_in("triager"), address, do="prepare", text="é" * 5000)
    assert set(link(page)[1]) == {"subject"}
    assert "trop long pour un lien" in page.text
    assert "Ouvrir un message sans le texte" in page.text


def test_an_address_with_signs_stays_one_address(sign_in, address, database):
    with database.write() as connection:
        connection.execute(update(leads).values(email="m?cc=x&y+%41@exemple.ca"))
        connection.execute(update(cases).values(email="m?cc=x&y+%41@exemple.ca"))
    recipient, fields = link(sign_in("triager").get(f"{address}/reply"))
    assert recipient == "m?cc=x&y+%41@exemple.ca"
    assert set(fields) == {"subject", "body"}


def test_having_answered_is_noted(sign_in, address, database):
    triager = sign_in("triager")
    assert case(database, address).waiting_since is not None
    answer = send(triager, address, subject="Voilà", text="Un.\r\nDeux.")
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/console{address}?done=mails#mails"
    [one] = kept(database)
    assert (one.state, one.subject, one.text) == ("noted", "Voilà", "Un.\nDeux.")
    now_is = case(database, address)
    assert (now_is.status, now_is.owner_id) == ("waiting", triager.person.id)
    assert (now_is.waiting_since, now_is.answered_at is None) == (None, False)
    said = text_of(triager.get(f"{address}?done=mails"))
    for part in (
        "C'est enregistré.",
        "Réponse de Camille triager",
        "Envoyé par un autre logiciel",
        "À\u00a0: marie.roy@exemple.ca".replace("\u00a0", " "),
        "Voilà",
        "Un. Deux.",
    ):
        assert part in said, part


def test_the_way_back_to_the_queue_is_kept(sign_in, address):
    triager = sign_in("triager")
    page = triager.get(f"{address}/reply?from=tab%3Dall")
    assert f'href="/console{address}?from=tab%3Dall"' in page.text
    answer = send(triager, address, "?from=tab%3Dall", **{"from": "tab=all"})
    assert "from=tab%3Dall" in answer.headers["location"]


def test_the_audit_log_tells_that_and_not_what(sign_in, talk, address, database):
    triager = sign_in("triager")
    send(triager, address, subject="Objet secret", text="Texte secret")
    own = select(audit).where(audit.c.subject == f"case:{talk.id}")
    with database.read() as connection:
        entries = connection.execute(own).all()
    assert [(one.action, one.actor) for one in entries] == [
        ("case.read", triager.person.id),
        ("case.mail", triager.person.id),
    ]
    for one in entries:
        assert "secret" not in one.detail
        assert "marie" not in one.detail


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"subject": ""}, "Un objet a de 1 à 200 caractères"),
        ({"subject": "x" * 201}, "Un objet a de 1 à 200 caractères"),
        ({"text": ""}, "Un texte a de 1 à 10 000 caractères"),
        ({"text": "x" * 10_001}, "Un texte a de 1 à 10 000 caractères"),
        ({"text": "Le [à compléter : jour]"}, "Il reste quelque chose à compléter"),
        ({"key": "x"}, "Ce formulaire n'est plus valide"),
        ({"key": ""}, "Ce formulaire n'est plus valide"),
    ],
)
def test_what_will_not_do_is_told_above_what_was_typed(
    sign_in, address, database, changes, sentence
):
    page = send(sign_in("triager"), address, **{"text": "Ce que j'ai écrit", **changes})
    assert page.status_code == 422
    assert sentence in text_of(page).replace("\u00a0", " ")
    assert field(page, "text") == changes.get("text", "Ce que j'ai écrit")
    assert kept(database) == []


def test_the_refusal_is_in_the_language_of_staff(sign_in, address):
    page = send(sign_in("triager", language="en"), address, text="x" * 10_001)
    assert "A text has 1 to 10,000 characters" in page.text


def test_a_form_that_is_far_too_large_is_refused(sign_in, address, database):
    assert send(sign_in("triager"), address, text="x" * 70_000).status_code == 413
    assert kept(database) == []


def test_a_form_sent_twice_is_noted_once(sign_in, address, database):
    triager = sign_in("triager")
    page = triager.get(f"{address}/reply")
    key, token = field(page, "key"), field(page, "csrf")
    fields = {"csrf": token, "seen": field(page, "seen"), "key": key, "language": "fr"}
    fields |= {"to": field(page, "to")}
    fields |= {"subject": "Bonjour", "text": "Voici."}
    for _ in range(2):
        answer = triager.http.post(f"/console{address}/reply", data=fields)
        assert answer.status_code == 303
    assert len(kept(database)) == 1


def test_every_form_has_a_key_of_its_own(sign_in, address):
    triager = sign_in("triager")
    assert len({field(triager.get(f"{address}/reply"), "key") for _ in range(3)}) == 3


def test_who_saw_an_older_state_keeps_what_was_typed(sign_in, talk, address, database):
    triager, other = sign_in("triager"), sign_in("triager")
    stale = field(triager.get(f"{address}/reply"), "seen")
    with database.write() as connection:
        given = (talk.id, "", "closed", "spam", WEIGHTS)
        casework.set_status(connection, other.person, *given)
    page = send(triager, address, seen=stale, text="Ce que j'ai écrit")
    assert page.status_code == 409
    assert "a changé ce dossier" in text_of(page)
    assert field(page, "text") == "Ce que j'ai écrit"
    assert kept(database) == []
    assert field(page, "seen") != stale


def test_an_address_that_changed_meanwhile_is_shown_first(sign_in, talk, address, database):
    triager = sign_in("triager")
    talk.lead("interest", name="Léa", organization="Ici", email="lea@exemple.ca")
    talk.project()
    page = send(triager, address, to="marie.roy@exemple.ca", text="Pour Marie")
    assert page.status_code == 409
    assert "a laissé une autre adresse" in text_of(page)
    assert field(page, "to") == "lea@exemple.ca"
    assert field(page, "text") == "Pour Marie"
    assert kept(database) == []


def test_a_form_without_the_token_does_nothing(sign_in, address, database):
    for part in ("reply", "forward", "mails/x"):
        data = {"csrf": "wrong", "subject": "x", "text": "x", "key": "x" * 20}
        answer = sign_in("triager").http.post(f"/console{address}/{part}", data=data)
        assert answer.status_code == 403
    assert kept(database) == []


@pytest.mark.parametrize("part", ["reply", "forward", "mails"])
def test_nothing_of_a_case_that_is_not_there(sign_in, door, part):
    assert sign_in("triager").get(f"/cases/unknown/{part}").status_code == 404


def test_a_case_that_was_erased_is_not_answered(sign_in, talk, address, database):
    triager = sign_in("triager")
    page = triager.get(f"{address}/reply")
    with database.write() as connection:
        connection.execute(delete(cases))
        connection.execute(delete(leads))
    fields = {name: field(page, name) for name in ("csrf", "seen", "key", "subject", "text")}
    answer = triager.http.post(f"/console{address}/reply", data=fields)
    assert answer.status_code == 404


def test_a_duplicate_has_no_forms(sign_in, talk, address, database):
    other = full_talk(database)
    triager = sign_in("triager")
    with database.write() as connection:
        casework.merge(connection, triager.person, talk.id, "", other.id, WEIGHTS)
    assert f"{address}/reply" not in triager.get(address).text
    for part in ("reply", "forward"):
        page = triager.get(f"{address}/{part}")
        assert "annulez d'abord la fusion" in text_of(page)
        assert "key" not in page.text


def test_the_e_mails_of_a_duplicate_are_on_the_case_it_was_merged_into(
    sign_in, talk, address, database
):
    other = full_talk(database)
    triager = sign_in("triager")
    send(triager, address, text="Du doublon")
    with database.write() as connection:
        seen = casework.stamp(case(database, address).changed_at)
        casework.merge(connection, triager.person, talk.id, seen, other.id, WEIGHTS)
    page = triager.get(f"/cases/{other.id}")
    assert "Du doublon" in page.text
    assert "Vient d'un dossier fusionné" in text_of(page)


def test_the_printed_case_has_its_e_mails(sign_in, address):
    triager = sign_in("triager")
    send(triager, address, subject="Objet imprimé", text="Texte imprimé")
    page = triager.get(f"{address}/print")
    assert "Objet imprimé" in page.text
    assert "Texte imprimé" in page.text
    for element in ("<form", "<details", "<button"):
        assert element not in page.text


def test_the_list_alone_is_there_for_a_page_that_asks(sign_in, address):
    triager = sign_in("triager")
    send(triager, address, subject="Objet seul")
    page = triager.get(f"{address}/mails")
    assert "Objet seul" in page.text
    assert "<html" not in page.text
    assert "hx-trigger" not in page.text  # nothing is on its way


def test_the_list_alone_marks_nothing_read(sign_in, address, database):
    triager = sign_in("triager")
    assert triager.get(f"{address}/mails").status_code == 200
    with database.read() as connection:
        assert connection.execute(select(case_reads)).all() == []


def test_without_a_server_nothing_is_sent_again(sign_in, address, database):
    triager = sign_in("triager")
    send(triager, address)
    mail_id = kept(database)[0].id
    answer = triager.post(f"{address}/mails/{mail_id}", address)
    assert answer.status_code == 422
    assert "n'est plus réglé" in text_of(answer)


def test_what_waits_since_a_server_was_set_says_so(sign_in, address, database):
    triager = sign_in("triager")
    send(triager, address)
    with database.write() as connection:
        connection.execute(update(mails).values(state="queued"))
    assert "ce courriel attend" in text_of(triager.get(address))


# --- Passing on to a coach


def test_exactly_what_is_passed_on_is_shown_first(sign_in, coach, database):
    address = for_coach(database, message="Appelez le matin")
    triager = sign_in("triager")
    page = triager.get(f"{address}/forward")
    said = text_of(page)
    assert f'<option value="{coach}" selected>Amina Érable (demandé par la personne)' in page.text
    assert "a accepté qu'on transmette à Amina Érable ce qu'elle a laissé" in said
    preview = re.search(r'id="preview"[^>]*>(.*?)</p>', page.text, re.DOTALL)
    assert re.findall(r'<span lang="(..)">', preview.group(1)) == ["fr", "en"]
    shown = html.unescape(re.sub(r"<[^>]+>", "", preview.group(1)))
    for fact in ("Marie Roy", "Maison", "marie@exemple.ca", "Appelez le matin"):
        assert fact in shown
    assert "jamais transmis" not in page.text
    assert 'name="agreed"' not in page.text
    answer = pass_on(triager, address)
    assert answer.status_code == 303
    [one] = kept(database)
    assert one.text == shown
    assert (one.state, one.kind, one.coach_id) == ("noted", "forward", coach)
    said = text_of(triager.get(address))
    assert "Transmis par Camille triager" in said
    assert "À : Amina Érable (amina@exemple.ca)." in said.replace("\u00a0", " ")
    assert "La personne l'a accepté dans le clavardage." in said


def test_who_agreed_to_the_team_alone_is_asked_first(sign_in, talk, address, coach, database):
    triager = sign_in("triager")
    page = triager.get(f"{address}/forward")
    assert "Choisissez une ou un coach" in text_of(page)
    page = triager.get(f"{address}/forward?coach={coach}")
    assert "mais pas qu'on transmette à Amina Érable" in text_of(page)
    assert re.search(r'name="agreed" value="1" required', page.text)
    ask = html.unescape(re.search(r'href="([^"]*letter=ask_to_share[^"]*)"', page.text).group(1))
    assert "Amina Érable" in field(triager.get(ask.removeprefix("/console")), "text")
    refused = pass_on(triager, address, f"?coach={coach}")
    assert refused.status_code == 422
    assert "n'a pas accepté" in text_of(refused)
    assert kept(database) == []
    assert pass_on(triager, address, f"?coach={coach}", agreed="1").status_code == 303
    assert kept(database)[0].basis == "written"
    assert "La personne l'a accepté par écrit" in text_of(triager.get(address))


def test_without_consent_the_page_says_why(sign_in, coach, database, door):
    talk = Talk(database, "fr")
    talk.lead("person")
    talk.project()
    page = sign_in("triager").get(f"/cases/{talk.id}/forward?coach={coach}")
    assert "Rien ne peut être transmis" in text_of(page)
    assert "mark" not in page.text


def test_a_coach_without_an_address_gets_a_sentence(sign_in, database, door):
    add_coach(database, COACH, "Amina Érable", None)
    page = sign_in("triager").get(f"{for_coach(database)}/forward")
    assert "Il manque l'adresse de courriel" in text_of(page)
    assert "mailto" not in page.text
    assert 'name="mark"' not in page.text


def test_a_coach_who_takes_nobody_is_told_of(sign_in, database, door):
    add_coach(database, COACH, "Amina Érable", "amina@exemple.ca", accepting=False)
    page = sign_in("triager").get(f"{for_coach(database)}/forward")
    assert "ne prend pas de nouvelles demandes" in text_of(page)


def test_a_coach_who_is_not_there_is_not_chosen(sign_in, database, door):
    page = sign_in("triager").get(f"{for_coach(database)}/forward")
    assert "Choisissez une ou un coach" in text_of(page)


def test_what_was_not_shown_is_not_passed_on(sign_in, coach, database):
    address = for_coach(database)
    triager = sign_in("triager")
    answer = pass_on(triager, address, mark="0" * 64)
    assert answer.status_code == 409
    assert "a changé depuis que vous l'avez vu" in text_of(answer)
    assert kept(database) == []


def test_a_coachs_address_is_for_who_may_act(sign_in, coach, database):
    address = for_coach(database)
    pass_on(sign_in("triager"), address)
    for page in ("", "/print"):
        assert "amina@exemple.ca" not in sign_in("viewer").get(f"{address}{page}").text


def test_the_link_to_a_coach_holds_what_is_shown(sign_in, coach, database):
    page = sign_in("triager").get(f"{for_coach(database)}/forward")
    recipient, fields = link(page)
    assert recipient == "amina@exemple.ca"
    assert fields["subject"].startswith("Une personne souhaite")


# --- What is written is only ever words


def test_what_visitors_and_staff_write_is_only_ever_words(sign_in, coach, database, monkeypatch):
    monkeypatch.setattr(mail, "MAILTO_LENGTH", 10**6)  # longer ones have a sentence more
    triager = sign_in("triager")

    def shapes(text):
        text = text.replace("\0", "")
        # Another address for each, lest each have the others beside it.
        own = {"email": f"marie.{secrets.token_hex(4)}@exemple.ca"}
        address = for_coach(database, name=text, organization=text, message=text, **own)
        letter = triager.get(f"{address}/reply")
        typed = send(triager, address, do="prepare", subject=text, text=text)
        send(triager, address, text=f"{text} de l'équipe")
        passed = triager.get(f"{address}/forward")
        pages = [letter, typed, passed, triager.get(address), triager.get(f"{address}/print")]
        return [Shape(page.text) for page in pages]

    usual = [shape.elements for shape in shapes(HARMLESS)]
    for payload in PAYLOADS:
        found = shapes(payload)
        assert [shape.elements for shape in found] == usual, payload
        for shape in found:
            for one in shape.addresses:
                assert MARK not in one or one.startswith("mailto:"), (payload, one)
                assert not one.lower().startswith(("javascript:", "//")), (payload, one)


def test_no_page_has_a_script_or_a_style_of_its_own(sign_in, coach, database):
    address = for_coach(database)
    for part in ("reply", "forward"):
        page = sign_in("triager").get(f"{address}/{part}").text
        assert " style=" not in page
        assert "<script>" not in page


def test_the_style_sheet_is_there(door):
    assert (ROOT / "mobilis/web/static/console-mail.css").exists()
    assert door.http.get("/static/console-mail.css").status_code == 200
