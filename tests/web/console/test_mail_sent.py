"""E-mails from a case where a server is set: sent in the background, and told of on the case."""

from __future__ import annotations

import html
import re
import time

import pytest
from mail_servers import MailServer
from sqlalchemy import select, update
from talks import full_talk

from mobilis.errors import SettingError
from mobilis.models import audit, cases, mails
from mobilis.settings import Settings
from mobilis.store import now
from mobilis.web import postman
from mobilis.web.app import create_app


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """The same behaviour, in less time."""
    monkeypatch.setattr(postman, "POLL_SECONDS", 0.05)


@pytest.fixture
def server():
    with MailServer() as running:
        yield running


@pytest.fixture
def start(open_door):
    """Starts a front door that sends by a server."""

    def go(url, **more):
        usual = {"mail_from": "Équipe <equipe@exemple.ca>", "mail_timeout": 1.0}
        return open_door(smtp_url=url, **{**usual, "mail_backoff": 0.1, **more})

    return go


@pytest.fixture
def door(start, server):
    return start(server.url)


@pytest.fixture
def address(door, database):
    return f"/cases/{full_talk(database).id}"


def field(page, name):
    found = re.findall(rf'name="{name}"[^>]* value="([^"]*)"', page.text)
    return html.unescape(found[-1])


def send(colleague, address, **changes):
    """Open the form of an answer and send it."""
    page = colleague.get(f"{address}/reply")
    fields = {name: field(page, name) for name in ("csrf", "seen", "to", "key", "language")}
    fields |= {"subject": "Votre demande", "text": "Bonjour,\r\n\r\nÀ bientôt.", "do": "send"}
    answer = colleague.http.post(f"/console{address}/reply", data={**fields, **changes})
    assert answer.status_code == 303, answer.text
    return answer


def kept(database):
    with database.read() as connection:
        return connection.execute(select(mails).order_by(mails.c.created_at)).all()


def is_in(database, state):
    return lambda: [one.state for one in kept(database)] == [state]


def text_of(page):
    """What a page says, on one line, without no-break spaces."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.text)).split())


def test_an_answer_arrives(sign_in, address, database, server, eventually):
    triager = sign_in("triager")
    send(triager, address)
    eventually(is_in(database, "sent"))
    [arrived] = server.taken
    assert arrived["From"] == "Équipe <equipe@exemple.ca>"
    assert (arrived["To"], arrived["Reply-To"]) == ("marie.roy@exemple.ca", triager.person.email)
    assert (arrived["Subject"], arrived["Content-Language"]) == ("Votre demande", "fr-CA")
    assert arrived.get_content().replace("\r\n", "\n") == "Bonjour,\n\nÀ bientôt.\n"
    said = text_of(triager.get(address))
    assert "Envoyé Envoyé" not in said
    assert "Réponse de Camille triager" in said
    with database.read() as connection:
        case = connection.execute(select(cases)).one()
    assert (case.status, case.waiting_since, case.answered_at is None) == ("waiting", None, False)


def test_the_form_says_where_answers_go_and_offers_no_other_program(sign_in, address):
    triager = sign_in("triager")
    page = triager.get(f"{address}/reply")
    assert triager.person.email in text_of(page).split("Réponses à")[1]
    assert "mailto:" not in page.text
    assert ">Envoyer</button>" in page.text


def test_a_double_click_sends_one_e_mail(sign_in, address, database, server, eventually):
    triager = sign_in("triager")
    page = triager.get(f"{address}/reply")
    fields = {name: field(page, name) for name in ("csrf", "seen", "to", "key", "language")}
    fields |= {"subject": "Une fois", "text": "Une fois."}
    for _ in range(2):
        answer = triager.http.post(f"/console{address}/reply", data=fields)
        assert answer.status_code == 303
    eventually(is_in(database, "sent"))
    time.sleep(0.3)
    assert len(server.taken) == 1


def test_what_waits_for_the_server_says_why_and_goes_by_itself(
    sign_in, address, database, server, eventually
):
    triager = sign_in("triager")
    server.fault = "recipient_4"
    send(triager, address)
    eventually(lambda: kept(database)[0].problem == "later")
    page = triager.get(address)
    assert "Le serveur de courriel demande d'attendre. Prochain essai le" in text_of(page)
    assert "450 4.2.1 mailbox busy" in text_of(page)
    assert f'hx-get="/console{address}/mails"' in page.text
    assert "hx-trigger" in triager.get(f"{address}/mails").text
    server.fault = ""
    eventually(is_in(database, "sent"))
    assert f'hx-get="/console{address}/mails"' not in triager.get(address).text
    assert "hx-trigger" not in triager.get(f"{address}/mails").text


def test_what_the_server_refuses_is_told_and_can_be_sent_again(
    sign_in, address, database, server, eventually
):
    triager = sign_in("triager")
    server.fault = "recipient_5"
    send(triager, address)
    eventually(is_in(database, "failed"))
    page = triager.get(address)
    said = text_of(page)
    assert "Non envoyé" in said
    assert "Le serveur de courriel refuse cette adresse." in said
    assert "550 5.1.1 no such mailbox <marie@exemple.ca>" in said
    assert "&lt;marie@exemple.ca&gt;" in page.text
    server.fault = "recipient_4"  # for a moment, so that it is seen waiting
    mail_id = kept(database)[0].id
    answer = triager.post(f"{address}/mails/{mail_id}", address)
    assert answer.headers["location"] == f"/console{address}?done=mails#mails"
    assert "En attente d'envoi" in text_of(triager.get(address))
    server.fault = ""
    eventually(is_in(database, "sent"))
    assert "Non envoyé" not in text_of(triager.get(address))
    with database.read() as connection:
        done = select(audit.c.action).where(audit.c.subject == f"case:{address[7:]}")
        actions = [row.action for row in connection.execute(done.order_by(audit.c.number))]
    assert [one for one in actions if "mail" in one] == [
        *("case.mail", "case.mail_failed", "case.mail_again", "case.mail_sent"),
    ]


def test_what_is_in_doubt_is_told_in_the_language_of_staff(
    sign_in, address, database, server, eventually
):
    triager = sign_in("triager", language="en")
    server.fault = "drops_after_data"
    send(triager, address)
    eventually(is_in(database, "failed"))
    assert "it is not known whether this e-mail arrived" in text_of(triager.get(address))


PROBLEMS = ("connection", "tls", "login", "later")


@pytest.mark.parametrize(
    ("state", "problem"),
    [*(("queued", one) for one in PROBLEMS), *(("failed", one) for one in (*PROBLEMS, "doubtful"))],
)
def test_every_problem_has_its_sentence(sign_in, address, database, server, state, problem):
    triager = sign_in("triager")
    server.fault = "recipient_4"
    send(triager, address)
    with database.write() as connection:
        values = {"state": state, "problem": problem, "due_at": now().replace(year=2099)}
        connection.execute(update(mails).values(**values))
    for part in ("", "/mails", "/print"):
        assert triager.get(f"{address}{part}").status_code == 200
    page = triager.get(f"{address}/mails")
    assert ("Réessayer l'envoi" in text_of(page)) == (state == "failed")


@pytest.mark.parametrize("problem", ["recipient", "sender", "content"])
def test_every_refusal_has_its_sentence(sign_in, address, database, server, problem):
    triager = sign_in("triager")
    send(triager, address)
    with database.write() as connection:
        connection.execute(update(mails).values(state="failed", problem=problem))
    assert "Le serveur de courriel refuse" in text_of(triager.get(address))


def test_sending_again_what_is_not_there_is_not_found(sign_in, address):
    assert sign_in("triager").post(f"{address}/mails/unknown", address).status_code == 404


def test_a_viewer_sends_nothing_again(sign_in, address, database, server, eventually):
    server.fault = "recipient_5"
    send(sign_in("triager"), address)
    eventually(is_in(database, "failed"))
    mail_id = kept(database)[0].id
    viewer = sign_in("viewer")
    answer = viewer.post(f"{address}/mails/{mail_id}", "/queue")
    assert answer.status_code == 403


def test_what_waits_when_the_front_door_stops_goes_when_it_starts(
    sign_in, door, address, database, server, eventually
):
    server.fault = "recipient_4"
    send(sign_in("triager"), address)
    eventually(lambda: kept(database)[0].attempts > 0)
    door.stop()
    server.fault = ""
    door.start()
    eventually(is_in(database, "sent"))
    assert len(server.taken) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"smtp_url": "http://x"},
        {"smtp_url": "smtp://x"},
        {"mail_reply_to": "personne"},
    ],
)
def test_settings_that_make_no_sense_stop_the_start(settings, changes, database_url):
    with pytest.raises(SettingError):
        create_app(Settings(database_url=database_url, secret=settings.secret, **changes))
