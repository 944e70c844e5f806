"""A live conversation: staff and a visitor, each in front of a real front door."""

from __future__ import annotations

import html
import re
import uuid
from itertools import islice

import pytest
from doors import Visitor
from sqlalchemy import select, update

from mobilis import takeover
from mobilis.conversations import open_conversation
from mobilis.models import case_reads, conversations
from mobilis.priority import WEIGHTS
from mobilis.settings import ROOT
from mobilis.staff import add_person
from mobilis.store import now
from mobilis.takeover import SEEN_EVERY
from mobilis.web import relief
from mobilis.wording import load_wording

WORDS = load_wording(ROOT).takeover
PART = {"HX-Request": "true"}


@pytest.fixture
def talking(visitor: Visitor) -> Visitor:
    """A visitor who has said something."""
    visitor.hears("bonjour")
    return visitor


@pytest.fixture
def address(talking):
    return f"/cases/{talking.id}"


def text_of(page):
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.text)).split())


def join(colleague, address, holder=""):
    return colleague.post(f"{address}/join", f"{address}/live", holder=holder)


def say(colleague, address, text, **more):
    fields = {"message": uuid.uuid4().hex, "text": text, **more}
    return colleague.post(f"{address}/say", f"{address}/live", **fields)


def hand_back(colleague, address, **fields):
    return colleague.post(f"{address}/hand-back", f"{address}/live", **fields)


def news_address(page):
    """Where a page asks for what is new."""
    return re.search(r'hx-get="/console(/[^"]+/live/news\?after=\d+)"', page.text).group(1)


def test_a_conversation_is_taken_over_led_and_handed_back(sign_in, talking, address, brain):
    triager = sign_in("triager")
    assert "L'assistant répond" in text_of(triager.get(f"{address}/live"))
    answer = join(triager, address)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/console{address}/live")
    page = triager.get(f"{address}/live")
    assert "Vous répondez, l'assistant se tait" in text_of(page)
    assert talking.say("vous êtes là?").json() == {"messages": []}
    assert say(triager, address, "Oui, bonjour!").status_code == 303
    assert hand_back(triager, address, summary="On se parle mardi.").status_code == 303
    told = talking.texts()[-4:]
    assert told[:3] == [
        WORDS["joined"]["fr"].format(name="Camille triager"),
        "vous êtes là?",
        "Oui, bonjour!",
    ]
    assert "On se parle mardi." in told[3]
    assert talking.hears("et maintenant?")[0]["text"] == "echo et maintenant?"
    assert brain.texts()[-2:] == ["bonjour", "et maintenant?"]


def test_the_visitor_hears_at_once(sign_in, talking, address):
    triager = sign_in("triager")
    with talking.events() as events:
        join(triager, address)
        say(triager, address, "Bonjour!")
        heard = list(islice((data for name, _, data in events if name == "message"), 2))
    assert [message["role"] for message in heard] == ["assistant", "staff"]
    assert heard[1]["staff"] == {"name": "Camille triager"}


def test_the_page_asks_for_what_is_new_and_then_it_is_read(sign_in, talking, address, database):
    triager = sign_in("triager")
    page = triager.get(f"{address}/live")
    assert "echo bonjour" in text_of(page)
    asked = news_address(page)
    assert triager.get(asked).status_code == 204
    talking.hears("du nouveau")
    news = triager.get(asked)
    assert text_of(news).count("du nouveau") == 2
    assert "bonjour" not in text_of(news)
    assert triager.get(news_address(news)).status_code == 204
    with database.read() as connection:
        read = connection.execute(select(case_reads.c.position)).scalar_one()
        newest = connection.execute(select(conversations.c.position)).scalar_one()
    assert read == newest


@pytest.mark.parametrize("after", ["", "x", "-1", "9" * 12, "²"])
def test_a_place_that_makes_no_sense_is_the_beginning(sign_in, talking, address, after):
    news = sign_in("triager").get(f"{address}/live/news", params={"after": after})
    assert "echo bonjour" in text_of(news)


def test_an_open_page_is_noted_so_that_nobody_is_relieved(sign_in, talking, address, database):
    triager = sign_in("triager")
    join(triager, address)
    asked = news_address(triager.get(f"{address}/live"))
    earlier = now() - 2 * SEEN_EVERY
    with database.write() as connection:
        connection.execute(update(conversations).values(held_seen_at=earlier))
    assert triager.get(asked).status_code == 204
    with database.read() as connection:
        assert connection.execute(select(conversations.c.held_seen_at)).scalar_one() > earlier


def test_whether_the_visitor_is_there_is_said(sign_in, talking, address):
    triager = sign_in("triager")
    assert "Le clavardage est fermé" in text_of(triager.get(f"{address}/live/state"))
    assert "n'a pas le clavardage ouvert" in text_of(triager.get(address))
    with talking.events() as events:
        talking.say("coucou", wait=None)
        next(events)
        assert "Le clavardage est ouvert" in text_of(triager.get(f"{address}/live/state"))
        assert "a le clavardage ouvert" in text_of(triager.get(address))
        assert "Clavardage ouvert" in text_of(triager.get("/queue"))


def test_a_colleague_sees_who_has_it_and_may_take_over(sign_in, talking, address):
    ann, bo = sign_in("triager", name="Ann Roy"), sign_in("triager", name="Bo Li")
    join(ann, address)
    assert "Ann Roy parle avec la personne" in text_of(bo.get(address))
    page = bo.get(f"{address}/live")
    assert "Ann Roy est dans la conversation" in text_of(page)
    refused = join(bo, address)  # from a page that was read before
    assert refused.status_code == 409
    assert "a changé de mains" in text_of(refused)
    assert join(bo, address, holder=ann.person.id).status_code == 303
    assert "Ann Roy" not in text_of(bo.get(f"{address}/live/state"))
    late = say(ann, address, "ce que j'avais écrit")
    assert late.status_code == 409
    assert "vous n'avez plus la conversation" in text_of(late)
    assert "ce que j'avais écrit" in text_of(late)
    assert hand_back(ann, address).status_code == 409
    assert "ce que j'avais écrit" not in talking.texts()


def test_with_a_script_only_the_form_comes_back(sign_in, talking, address):
    triager = sign_in("triager")
    join(triager, address)
    token = triager.token(f"{address}/live")
    fields = {"csrf": token, "message": uuid.uuid4().hex, "text": "Bonjour!"}
    sent = triager.http.post(f"/console{address}/say", data=fields, headers=PART)
    assert (sent.status_code, sent.headers["hx-trigger"]) == (200, "said")
    assert sent.text.lstrip().startswith('<form id="say"')
    assert "Bonjour!" not in sent.text
    assert fields["message"] not in sent.text
    refused = triager.http.post(
        f"/console{address}/say", data={**fields, "text": " ", "message": "x"}, headers=PART
    )
    assert refused.status_code == 422
    again = {**fields, "text": "x" * 2001, "message": uuid.uuid4().hex}
    refused = triager.http.post(f"/console{address}/say", data=again, headers=PART)
    assert refused.status_code == 422
    assert "la limite est de 2000 caractères" in text_of(refused)
    assert "x" * 2001 in refused.text


@pytest.mark.parametrize(
    ("deed", "fields", "problem"),
    [
        ("say", {"message": "0" * 32, "text": " "}, "Écrivez un message"),
        ("say", {"message": "x", "text": "bonjour"}, "rechargez la page"),
        ("hand-back", {"summary": "x" * 2001}, "la limite est de 2000 caractères"),
    ],
)
def test_what_cannot_be_said_is_refused_above_what_was_typed(
    sign_in, talking, address, deed, fields, problem
):
    triager = sign_in("triager")
    join(triager, address)
    answer = triager.post(f"{address}/{deed}", f"{address}/live", **fields)
    assert answer.status_code == 422
    assert problem in text_of(answer)
    assert list(fields.values())[-1] in answer.text
    assert len(talking.history()) == 4


def test_an_erased_conversation_ends_the_page(sign_in, talking, address):
    triager = sign_in("triager")
    asked = news_address(triager.get(f"{address}/live"))
    talking.http.delete(talking.url, headers=talking.headers)
    gone = triager.get(asked, headers=PART)
    assert gone.status_code == 286  # what htmx takes for the end
    assert "a été effacée" in text_of(gone)
    for path in ("live", "live/state", "live/news"):
        assert triager.get(f"{address}/{path}").status_code == 404
    for deed in ("join", "say", "hand-back"):
        answer = triager.post(f"{address}/{deed}", message="0" * 32, text="bonjour")
        assert answer.status_code == 404, deed


def test_a_conversation_in_which_the_visitor_said_nothing_can_be_joined(sign_in, visitor):
    triager = sign_in("triager", language="en")
    address = f"/cases/{visitor.id}"
    assert join(triager, address).status_code == 303
    assert say(triager, address, "Hello!").status_code == 303
    assert visitor.texts()[-1] == "Hello!"


def test_who_stays_away_is_relieved_by_the_front_door(open_door, database, eventually, monkeypatch):
    monkeypatch.setattr(relief, "POLL_SECONDS", 0.05)
    open_door(takeover_minutes=0.002)
    with database.write() as connection:
        opened = open_conversation(connection, "fr").conversation_id
        person = add_person(connection, email="a@exemple.ca", name="Ann", role="triager")
        takeover.join(connection, person, opened, "", WORDS, WEIGHTS)

    def released():
        with database.read() as connection:
            return takeover.held(connection, opened) is None

    eventually(released)
