"""Conversations written straight into the database, through the library, for tests of the console.

talk = Talk(database, "fr")
talk.say("c'est combien?", label="faq", faq="cost", answer=[Reply("C'est gratuit.", "fr")])
talk.lead("interest", name="Marie Roy", email="marie@exemple.ca")
talk.project()
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import insert, select, update

from mobilis import cases
from mobilis.assessment import Answer, fresh_assessment
from mobilis.contact_details import Details
from mobilis.conversations import open_conversation, receive_choice, receive_text
from mobilis.leads import keep_lead
from mobilis.masking import mask
from mobilis.models import choices, inbox, tracker_events
from mobilis.priority import WEIGHTS
from mobilis.results import keep_result, keep_unhandled
from mobilis.settings import ROOT
from mobilis.store import Database, now
from mobilis.turns import Reply, Turn, complete_turn


class Talk:
    """A conversation, and what turns write of it."""

    def __init__(
        self,
        database: Database,
        language: str = "fr",
        page: str | None = None,
        channel: str = "web",
    ) -> None:
        self.database = database
        self.language = language
        self._events = 0
        with database.write() as connection:
            opened = open_conversation(connection, language, channel, page)
            self.id = opened.conversation_id
            self._close(connection, opened.message_id)

    def say(
        self,
        text: str,
        label: str = "out_of_scope",
        answer: Sequence[Reply] = (),
        confidence: float = 0.9,
        faq: str = "",
    ) -> str:
        """The visitor types something, which is understood and answered; the message's id."""
        message_id = self._next_id()
        with self.database.write() as connection:
            receive_text(connection, self.id, message_id, text)
            own = (inbox.c.conversation_id == self.id, inbox.c.id == message_id)
            connection.execute(update(inbox).where(*own).values(masked=mask(text)))
            self._answer(connection, message_id, text, answer)
        self._heard(message_id, label, confidence, {"faq_id": faq} if faq else {})
        return message_id

    def press(self, title: str, label: str = "affirm", answer: Sequence[Reply] = ()) -> str:
        """The visitor presses the last button of that title; the message's id."""
        message_id = self._next_id()
        with self.database.write() as connection:
            own = (choices.c.conversation_id == self.id, choices.c.title == title)
            choice_id = connection.execute(select(choices.c.id).where(*own)).scalars().all()[-1]
            receive_choice(connection, self.id, message_id, choice_id)
            self._answer(connection, message_id, title, answer)
        self._heard(message_id, label, 1.0, {})
        return message_id

    def lead(
        self,
        kind: str,
        message_id: str = "",
        coach: str | None = None,
        coach_agreed: bool = False,
        **details: str,
    ) -> str:
        """What the visitor asks of staff; its reference. `coach_agreed`: the coach may have it."""
        return keep_lead(
            self.database,
            kind=kind,
            conversation_id=self.id,
            message_id=self._next_id(),
            language=self.language,
            details=Details(**details),
            coach_id=coach,
            consented=bool(details),
            coach_consented=coach_agreed,
        )

    def assess(self, option: str = "b", typed: str | None = None) -> None:
        """A finished assessment, the same option to each question."""
        assessment = fresh_assessment(ROOT)
        answers = {q.id: Answer(option, text=typed) for q in assessment.questions}
        keep_result(
            self.database,
            conversation_id=self.id,
            message_id=self._next_id(),
            language=self.language,
            version=assessment.version,
            answers=answers,
            result=assessment.score(answers),
            days=0,
        )

    def ask(self, *questions: str) -> None:
        """Questions of the self-assessment are asked, one after the other."""
        for question in questions:
            own = {"question": {"id": question, "number": 1, "of": 5}}
            self.say("…", "start_assessment", [Reply("…?", self.language, "question", (), own)])

    def note(self, *questions: str) -> None:
        """Questions of the self-assessment have an answer; those not given have none any more."""
        answers = {question: {"option": "b"} for question in questions}
        self._event("slot", None, {"name": "assessment_answers", "value": answers or None})

    def missed(self, message_id: str, outcome: str = "lost") -> None:
        """A message was not understood, or asked about."""
        keep_unhandled(
            self.database,
            conversation_id=self.id,
            message_id=message_id,
            language=self.language,
            outcome=outcome,
            guesses=[{"label": "faq/cost", "confidence": 0.4}],
        )

    def wish(self, wishes: Mapping[str, list[str]]) -> None:
        """What is wished of a coach."""
        self._event("slot", None, {"name": "coach_wishes", "value": dict(wishes)})

    def project(self) -> str:
        """Make the case; its id."""
        with self.database.write() as connection:
            assert cases.project(connection, self.id, WEIGHTS)
        return self.id

    def _next_id(self) -> str:
        self._events += 1
        return f"message-{self._events:04}"

    def _answer(
        self, connection: Any, message_id: str, text: str, replies: Sequence[Reply]
    ) -> None:
        turn = Turn(self.id, message_id, "web", text, None, 0)
        assert complete_turn(connection, turn, list(replies))

    def _close(self, connection: Any, message_id: str) -> None:
        own = (inbox.c.conversation_id == self.id, inbox.c.id == message_id)
        connection.execute(update(inbox).where(*own).values(state="done", done_at=now()))

    def _heard(
        self, message_id: str, label: str, confidence: float, entities: Mapping[str, str]
    ) -> None:
        parsed = {
            "intent": {"name": label, "confidence": confidence},
            "entities": [{"entity": name, "value": value} for name, value in entities.items()],
        }
        self._event("user", message_id, {"parse_data": parsed})

    def _event(self, name: str, message_id: str | None, data: Mapping[str, Any]) -> None:
        self._events += 1
        with self.database.write() as connection:
            connection.execute(
                insert(tracker_events).values(
                    conversation_id=self.id,
                    position=self._events,
                    at=now(),
                    name=name,
                    message_id=message_id,
                    data=json.dumps({"event": name, **data}),
                )
            )


def full_talk(database: Database, name: str = "Marie Roy") -> Talk:
    """A conversation with something for every part of a case's page."""
    talk = Talk(database, "fr", page="https://exemple.org/aide")
    cost = Reply(
        "C'est **gratuit** : voir [la page](https://exemple.org/cout).",
        "fr",
        "faq",
        (("Trouver une ou un coach", "/find_coach"), ("Laisser mes coordonnées", "/interest")),
        {"faq": {"id": "cost", "sources": []}},
    )
    talk.say("c tu gratuit?", "faq", [cost], 0.937, faq="cost")
    talk.missed(talk.say("qwerty", "nlu_fallback", [Reply("Pardon?", "fr", "clarify")], 0.2))
    name_asked = Reply("Quel est votre nom?", "fr", "form")
    talk.press("Laisser mes coordonnées", "declare_interest", [name_asked])
    email_asked = Reply("À quelle adresse courriel peut-on vous répondre?", "fr", "form")
    talk.say(f"je m'appelle {name}", "inform", [email_asked])
    read_back = Reply(f"Voici : {name}, marie.roy@exemple.ca. Est-ce exact?", "fr", "form")
    talk.say("marie.roy@exemple.ca", "inform", [read_back])
    details = {"name": name, "organization": "Maison des aînés", "email": "marie.roy@exemple.ca"}
    talk.lead("interest", **details, message="Rappelez-moi au 514 555-0199.")
    talk.say("merci, appelez Roy au 514-555-0199", "thank", [Reply(f"Merci, {name}!", "fr")])
    talk.assess("b", typed="on veut du logement")
    talk.wish({"topic": ["housing"], "region": ["QC"]})
    talk.project()
    return talk
