"""`mobilis demo fill`: believable conversations of fictional people, for trying out the console.

What is said comes from the phrasings and answers of the content files, who says it from
content/demo.yml. The same seed makes the same people say the same; the newest of it is of today.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Table, func, insert, select
from sqlalchemy.engine import Connection

from mobilis import staff
from mobilis.answer_uses import MISSED, TOLD_BY
from mobilis.assessment import (
    Answer,
    Assessment,
    Option,
    Question,
    answers_to_dict,
    load_assessment,
)
from mobilis.case_days import Left, count_days, day_row
from mobilis.cases import CLOSE_REASONS, Weights, facts_of, person_key
from mobilis.coaches import all_coaches, import_coaches
from mobilis.content import LANGUAGES, Content, load_content, read_yaml
from mobilis.errors import MobilisError
from mobilis.facets import FACETS, Vocabulary, load_facets
from mobilis.likeness import key_of
from mobilis.models import (
    answer_uses,
    assessments,
    case_days,
    case_facets,
    case_reads,
    case_tags,
    case_texts,
    cases,
    conversations,
    inbox,
    leads,
    outbox,
    ratings,
    tracker_events,
    unhandled,
)
from mobilis.phrasings import shelves
from mobilis.priority import priority
from mobilis.search import join
from mobilis.store import Database, now

FILE = "content/demo.yml"
DAYS = 170  # how far back they go: less than is kept
AT_ONCE = 250  # conversations of one transaction
PAGE = "https://example.org/"  # where the fictional visitors were; no real conversation is from it
# What one comes for, and how often.
PURPOSES = {"ask": 60, "assess": 17, "coach": 11, "interest": 7, "person": 5}
CHANNELS = {"web": 90, "slack": 5, "teams": 5}
REGIONS = {"QC": 34, "ON": 30, "BC": 9, "AB": 7, "NB": 5, "MB": 4, "NS": 4, "SK": 3, "NL": 2}
LEAD_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
SPREAD = 387_420_481  # shares no factor with the count of references: each number has its own
# In this order: what another row belongs to comes first.
TABLES: tuple[Table, ...] = (
    *(conversations, inbox, outbox, tracker_events, assessments, leads, unhandled),
    *(ratings, answer_uses, case_texts, cases, case_facets, case_days, case_tags, case_reads),
)

Tell = Callable[[str], None]
Rows = dict[str, list[dict[str, Any]]]  # by table


class DemoRefused(MobilisError):
    """The database is no place for fictional conversations."""


@dataclass(frozen=True)
class Material:
    """What the fictional conversations are made of."""

    content: Content
    assessment: Assessment
    vocabulary: Vocabulary
    words: Mapping[str, Any]  # of content/demo.yml
    phrasings: Mapping[tuple[str, str], Sequence[str]]  # by label and language
    coaches: Sequence[str]
    colleagues: Sequence[str]
    weights: Weights
    moment: datetime  # the present


def fill(
    database: Database,
    root: Path,
    *,
    conversations_wanted: int,
    seed: int,
    weights: Weights,
    tell: Tell,
    anyway: bool = False,
) -> int:
    """Add so many fictional conversations and their cases; how many.

    Raises:
        DemoRefused: real conversations are there, and not `anyway`.
    """
    with database.read() as connection:
        if not anyway and _has_real_ones(connection):
            raise DemoRefused(
                "this database holds real conversations; --anyway adds fictional ones to them"
            )
    if not all_coaches(database):
        import_coaches(database, root / "coaches" / "sample.csv")  # whom people then ask for
    with database.write() as connection:
        colleagues = _colleagues(connection, read_yaml(root, FILE)["colleagues"])
    material = _material(database, root, colleagues, weights)
    for start in range(0, conversations_wanted, AT_ONCE):
        count = min(AT_ONCE, conversations_wanted - start)
        with database.write() as connection:
            _keep(connection, material, seed, count)
        tell(f"{start + count} of {conversations_wanted} conversations")
    return conversations_wanted


def _has_real_ones(connection: Connection) -> bool:
    real = conversations.c.page.is_(None) | (conversations.c.page != PAGE)
    said = conversations.c.position > 2  # more than the greeting
    return (
        connection.execute(select(conversations.c.id).where(real, said).limit(1)).first()
        is not None
    )


def _colleagues(connection: Connection, names: Sequence[str]) -> list[str]:
    """The fictional people of staff, who cannot sign in: they have no password."""
    found = []
    for number, name in enumerate(names, 1):
        email = f"colleague-{number}@example.org"
        known = staff.find_by_email(connection, email)
        person = known or staff.add_person(connection, email=email, name=name, role="triager")
        found.append(person.id)
    return found


def _material(
    database: Database, root: Path, colleagues: Sequence[str], weights: Weights
) -> Material:
    return Material(
        content=load_content(root),
        assessment=load_assessment(root / "assessment" / "readiness.yml"),
        vocabulary=load_facets(root),
        words=read_yaml(root, FILE),
        phrasings={
            (shelf.label, shelf.language): [message.text for message in shelf.phrasings]
            for shelf in shelves(root)
        },
        coaches=[coach.id for coach in all_coaches(database)],
        colleagues=colleagues,
        weights=weights,
        moment=now().replace(minute=0, second=0, microsecond=0),
    )


def _keep(connection: Connection, material: Material, seed: int, count: int) -> None:
    """Add so many, under the numbers after the last: in one transaction, since others add too."""
    rows: Rows = {table.name: [] for table in TABLES}
    last = connection.execute(select(func.max(case_texts.c.number))).scalar() or 0
    for number in range(last + 1, last + count + 1):
        _Talk(material, random.Random(f"{seed}/{number}"), number, rows).hold()
    for table in TABLES:
        if rows[table.name]:
            connection.execute(insert(table), rows[table.name])


class _Talk:
    """One conversation, and the rows of it."""

    def __init__(self, material: Material, chance: random.Random, number: int, rows: Rows) -> None:
        self.material = material
        self.chance = chance
        self.rows = rows
        self.id = self._id()
        self.language = chance.choices(LANGUAGES, (58, 42))[0]
        self.opened_at = self.at = self._begin()
        self.position = 0
        self.event = 0
        self.said: list[str] = []
        self.answer_use: dict[str, Any] = {}  # of the answer that was just given
        self.given: list[str | None] = []
        self.labels: set[str] = set()
        self.wishes: dict[str, list[str]] = {}
        self.noted: set[str] = set()  # questions of the self-assessment
        self.before = {name: len(those) for name, those in rows.items()}  # rows of others
        self.case: dict[str, Any] = self._empty_case(number)

    def hold(self) -> None:
        """Say everything, then keep the conversation and its case."""
        self._say("", "conversation_opened", kind="opened")
        self._answer(self._wording("greeting"))
        purpose = self._pick(PURPOSES)
        for _ in range(self.chance.choices((0, 1, 2, 3, 4), (22, 40, 20, 12, 6))[0]):
            self._ask()
        if purpose == "ask" and not self.said:
            self._ask()
        if self.chance.random() < 0.13:
            self._be_lost()
        getattr(self, f"_{purpose}")()
        self._handle()
        self._close()

    # What visitors do

    def _ask(self) -> None:
        faq = self.chance.choice(list(self.material.content.faqs.values()))
        self._say(self._phrasing(f"faq/{faq.id}"), "faq", label=f"faq/{faq.id}")
        sources = [
            {"title": s.title[self.language], "url": next(iter(s.url.values()))}
            for s in faq.sources
        ]
        self._answer(faq.answer[self.language], "faq", {"id": faq.id, "sources": sources})
        answer_id = self.rows["outbox"][-1]["id"]
        self._add(answer_uses, message_id=answer_id, faq=faq.id, at=self.at, followed_by=None)
        self.answer_use = self.rows["answer_uses"][-1]
        if self.chance.random() < 0.2:
            helpful = self.chance.random() < 0.8
            self._add(ratings, message_id=answer_id, helpful=helpful, at=self.at)

    def _be_lost(self) -> None:
        """Be asked "did you mean", or not be understood at all."""
        outcome = self.chance.choice(("lost", "lost", "clarified"))
        lost = self.chance.choice(self.material.words["lost"][self.language])
        text, meant = lost["text"], lost["label"]
        others = self.chance.sample(sorted(self.material.content.faqs), 2)
        guessed = [*[meant] * bool(meant), *(f"faq/{other}" for other in others)]
        said = text.replace("[nom]", self.chance.choice(self.material.words["first_names"]))
        message_id = self._say(said, "nlu_fallback", sure=(0.2, 0.55))
        self.case["not_understood" if outcome == "lost" else "clarified"] += 1
        self._answer(self._wording("lost" if outcome == "lost" else "did_you_mean"), "notice")
        self._add(
            unhandled,
            id=self._id(),
            source_message_id=message_id,
            text=text,
            outcome=outcome,
            key=key_of(self.language, None, text),
            guesses=[
                {"label": label, "confidence": round(self.chance.uniform(0.3, 0.5) / (n + 1), 3)}
                for n, label in enumerate(guessed)
            ],
            chosen=meant or None if outcome == "clarified" else None,
            followed_by=None,
            question=None,
            created_at=self.at,
        )

    def _assess(self) -> None:
        """Do the self-assessment, to its end or nearly."""
        message_id = self._say(self._phrasing("start_assessment"), "start_assessment")
        self._answer(self.material.assessment.intro[self.language])
        answers: dict[str, Answer] = {}
        leaves_after = self.chance.choice((2, 3, *[99] * 6))
        for question in self.material.assessment.questions[:leaves_after]:
            own = {
                "id": question.id,
                "number": question.number,
                "of": len(self.material.assessment.questions),
            }
            self._answer(question.text[self.language], "question", own)
            option = self._option(question)
            label = f"answer/{question.id}/{option.id}"
            typed = self.chance.random() < 0.3
            text = self._phrasing(label) if typed else option.title[self.language]
            message_id = self._say(text, "answer", label=label, kind="text" if typed else "choice")
            answers[question.id] = Answer(option.id, text=text if typed else None)
            self._note_answers(answers)
            if option.flag and question.gate:
                break
        else:
            if leaves_after < 99:
                return
        self._keep_result(message_id, answers)

    def _note_answers(self, answers: Mapping[str, Answer]) -> None:
        self.noted |= set(answers)
        self._note("slot", {"name": "assessment_answers", "value": answers_to_dict(answers)})

    def _option(self, question: Question) -> Option:
        """Mostly a good answer; seldom one that ends the questions."""
        likely = {3: 60, 2: 30, 1: 10, 0: 5}
        weights = [4 if option.flag else likely[option.points] for option in question.options]
        return self.chance.choices(question.options, weights)[0]

    def _keep_result(self, message_id: str, answers: Mapping[str, Answer]) -> None:
        result = self.material.assessment.score(answers)
        band = self.material.assessment.bands[result.band]
        self.case |= {"band": result.band, "assessed_at": self.at}
        self._add(
            assessments,
            id=self._id(),
            source_message_id=message_id,
            version=self.material.assessment.version,
            answers=answers_to_dict(answers),
            band=result.band,
            variant=result.variant,
            total=result.total,
            gaps=list(result.gaps),
            page_id=None,
            page_until=None,
            created_at=self.at,
        )
        own = {
            "band": result.band,
            "score": result.total,
            "of": result.of,
            "gaps": list(result.gaps),
        }
        self._answer(band.title[self.language], "result", {**own, "answers": []})

    def _coach(self) -> None:
        """Look for a coach, and often ask for one."""
        region = self._pick(REGIONS)
        topic = self.chance.choice(FACETS["topic"])
        self.wishes = {"topic": [topic], "region": [region]}
        vocabulary = self.material.vocabulary
        text = self.chance.choice(self.material.words["searches"][self.language]).format(
            topic=vocabulary.title("topic", topic, self.language),
            place=vocabulary.place(region, self.language),
        )
        self._say(text, "find_coach")
        self._note("slot", {"name": "coach_wishes", "value": self.wishes})
        self._answer(self._wording("coaches_fictional"), "text")
        if self.material.coaches and self.chance.random() < 0.45:
            self._lead("coach", self.chance.choice(self.material.coaches))

    def _interest(self) -> None:
        """Declare an interest, half of the time after the self-assessment."""
        if self.chance.random() < 0.5:
            self._assess()
        self._say(self._phrasing("declare_interest"), "declare_interest")
        self._lead("interest")

    def _person(self) -> None:
        """Ask for a person."""
        message_id = self._say(self._phrasing("request_human"), "request_human")
        reference = self._reference()
        self.case |= {"person_at": self.at, "reference": reference}
        self._keep_lead("person", message_id, reference, {})
        self._answer(self.material.content.title("request_human", self.language))

    def _lead(self, kind: str, coach_id: str | None = None) -> None:
        """Give one's name, organization and address, with consent."""
        given = self._identity()
        for field, ask in (
            ("name", "lead_ask_name"),
            ("organization", "lead_ask_organization"),
            ("email", "lead_ask_email"),
        ):
            self._answer(self._wording(ask), "form")
            self._say(given[field], "inform")
        if self.chance.random() < 0.6:
            self._answer(self._wording("lead_message"), "form")
            given["message"] = self.chance.choice(self.material.words["messages"][self.language])
            self._say(given["message"], "inform")
        message_id = self._say(self._phrasing("affirm"), "affirm")
        reference = self._reference()
        self.case |= {
            **{field: given[field] for field in ("name", "organization", "email")},
            "lead_at": self.at,
            "lead_kind": kind,
            "coach_id": coach_id,
            "consent_at": self.at,
            "reference": reference,
            "person": person_key(given["email"]),
        }
        self._keep_lead(
            kind, message_id, reference, {**given, "consent_at": self.at, "coach_id": coach_id}
        )
        own = {"reference": reference, "kind": kind}
        self._answer(reference, "text", own, field="lead")

    def _keep_lead(
        self, kind: str, message_id: str, reference: str, given: Mapping[str, Any]
    ) -> None:
        fields = ("name", "organization", "email", "message")
        self.given += [*(given.get(field) for field in fields), reference]
        row = dict.fromkeys((*fields, "coach_id", "consent_at"))
        self._add(
            leads,
            **{**row, **given},
            id=self._id(),
            reference=reference,
            kind=kind,
            status="new",
            source_message_id=message_id,
            created_at=self.at,
        )

    def _identity(self) -> dict[str, Any]:
        words, chance = self.material.words, self.chance
        first, last = chance.choice(words["first_names"]), chance.choice(words["last_names"])
        city = chance.choice(words["cities"][self.language])
        return {
            "name": f"{first} {last}",
            "organization": chance.choice(words["organizations"][self.language]).format(city=city),
            "email": self._address(first, last),
            "message": None,
        }

    def _address(self, first: str, last: str) -> str:
        """One that some people have again: they come back."""
        name = ".".join((join([first]), *join([last]).split()))
        return f"{name}{self.chance.randrange(1, 40)}@example.org"

    # What staff do with the case

    def _handle(self) -> None:
        """What was asked for long ago is mostly done; the newest has hardly been looked at."""
        asked = self.case["person_at"] or self.case["lead_at"]
        if asked is None:
            return
        age = self.material.moment - asked
        done = self.chance.random() < min(0.97, age / timedelta(days=14))
        touched = done or self.chance.random() < min(0.7, age / timedelta(days=4))
        if not touched:
            return
        own = {
            "status": self.chance.choice(("in_progress", "waiting")),
            "changed_at": self._later(asked),
        }
        if done:
            own |= {"status": "closed", "close_reason": self.chance.choice(CLOSE_REASONS[:4])}
        elif self.chance.random() < 0.4:
            own["follow_up_at"] = self.material.moment + timedelta(days=self.chance.randint(-3, 14))
        if done or self.chance.random() < 0.5:
            own["answered_at"] = own["last_answer_at"] = own["changed_at"]
        self.case |= {**own, "owner_id": self.chance.choice(self.material.colleagues)}
        self._tag_and_read()

    def _tag_and_read(self) -> None:
        if self.chance.random() < 0.25:
            self._add(case_tags, tag=self.chance.choice(self.material.words["tags"][self.language]))
        row = {"conversation_id": self.id, "staff_id": self.case["owner_id"]}
        self.rows["case_reads"].append(
            {**row, "position": self.position, "at": self.case["changed_at"]}
        )

    # How rows are made

    def _say(
        self,
        text: str,
        intent: str,
        label: str | None = None,
        kind: str = "text",
        sure: tuple[float, float] = (0.8, 1.0),
    ) -> str:
        """A message of the visitor, and what it was taken for; its id."""
        message_id = self._id()
        self.position += 1
        self.at += timedelta(seconds=self.chance.randint(4, 70) if text else 0)
        self._add(
            inbox,
            id=message_id,
            position=self.position,
            at=self.at,
            kind=kind,
            text=text,
            payload=None,
            choice_id=None,
            state="done",
            attempts=0,
            due_at=self.at,
            done_at=self.at,
            error=None,
        )
        heard = {"name": intent, "confidence": round(self.chance.uniform(*sure), 3)}
        parsed = {"intent": heard, "entities": [], "mobilis": {"label": label or intent}}
        self._note("user", {"text": text, "parse_data": parsed}, message_id)
        self.last_id = message_id
        if kind != "opened":
            self.answer_use["followed_by"] = {"nlu_fallback": MISSED, **TOLD_BY}.get(intent)
            self.answer_use = {}
            self.said.append(text)
            self.labels.add(label or intent)
        return message_id

    def _answer(
        self,
        text: str,
        kind: str = "text",
        own: Mapping[str, Any] | None = None,
        field: str | None = None,
    ) -> None:
        """A message of the assistant."""
        self.position += 1
        self.at += timedelta(seconds=1)
        content: dict[str, Any] = {"role": "assistant", "kind": kind, "text": text}
        if own:
            content[field or kind] = own
        self._add(
            outbox,
            id=self._id(),
            position=self.position,
            in_reply_to=self.last_id,
            at=self.at,
            content=content,
        )

    def _note(self, name: str, data: Mapping[str, Any], message_id: str | None = None) -> None:
        """An event of the tracker."""
        self.rows["tracker_events"].append(
            {
                "conversation_id": self.id,
                "position": self.event,
                "snapshot": False,
                "at": self.at,
                "name": name,
                "message_id": message_id,
                "data": json.dumps(
                    {"event": name, "timestamp": self.at.timestamp(), **data}, ensure_ascii=False
                ),
            }
        )
        self.event += 1

    def _add(self, table: Table, **values: Any) -> None:
        row = {"conversation_id": self.id, **values}
        if "language" in table.c:
            row["language"] = self.language
        self.rows[table.name].append(row)

    def _close(self) -> None:
        """The rows of the conversation and of its case."""
        shared = {"language": self.language, "position": self.position, "last_at": self.at}
        channel = self._pick(CHANNELS)
        self.rows["conversations"].append(
            {
                **shared,
                "id": self.id,
                "token_hash": "",  # which no token has
                "channel": channel,
                "page": PAGE,
                "created_at": self.opened_at,
            }
        )
        self.case |= {**shared, "channel": channel, "messages": len(self.said)}
        self.case["waiting_since"] = self._waiting_since()
        self.case["priority"] = priority(facts_of(self.case), self.material.weights, now())
        self.rows["cases"].append(self.case)
        self._keep_words()
        facets = {("label", label) for label in self.labels}
        facets |= {(facet, value) for facet, values in self.wishes.items() for value in values}
        for facet, value in sorted(facets):
            self._add(case_facets, facet=facet, value=value)
        self._count_days(channel)

    def _count_days(self, channel: str) -> None:
        left = Left(
            opened_at=self.opened_at,
            inbox=self._own(inbox),
            outbox=self._own(outbox),
            unhandled=self._own(unhandled),
            assessments=self._own(assessments),
            noted=self.noted,
        )
        self.rows["case_days"] += [
            day_row(self.id, self.language, channel, key, times)
            for key, times in count_days(left).items()
        ]

    def _own(self, table: Table) -> list[dict[str, Any]]:
        """The rows of this conversation so far."""
        return self.rows[table.name][self.before[table.name] :]

    def _waiting_since(self) -> datetime | None:
        """As mobilis.cases has it."""
        answered = self.case["answered_at"]
        if self.case["status"] == "closed":
            return None
        asked = [at for at in (self.case["person_at"], self.case["lead_at"]) if at]
        return min((at for at in asked if not answered or at > answered), default=None)

    def _keep_words(self) -> None:
        words = {"said": join(self.said), "contact": join(self.given)}
        self._add(case_texts, number=self.case["number"], **words)

    def _empty_case(self, number: int) -> dict[str, Any]:
        row: dict[str, Any] = dict.fromkeys(cases.c.keys())
        row |= {"conversation_id": self.id, "number": number, "opened_at": self.opened_at}
        return {**row, "not_understood": 0, "clarified": 0, "status": "new"}

    # Chance

    def _begin(self) -> datetime:
        """Some moment of a working day, more of late."""
        days = int(DAYS * self.chance.random() ** 1.4)
        minutes = min(1439, int(self.chance.gauss(15 * 60, 180)) % 1440)
        day = self.material.moment - timedelta(days=days)
        moment = day.replace(hour=minutes // 60, minute=minutes % 60)
        return min(moment, self.material.moment - timedelta(minutes=self.chance.randint(20, 600)))

    def _later(self, moment: datetime) -> datetime:
        later = moment + timedelta(hours=self.chance.expovariate(1 / 20))
        return min(later, self.material.moment)

    def _phrasing(self, label: str) -> str:
        return self.chance.choice(self.material.phrasings[label, self.language])

    def _wording(self, key: str) -> str:
        return self.material.content.wording[key][self.language]

    def _pick(self, shares: Mapping[str, int]) -> str:
        return self.chance.choices(list(shares), list(shares.values()))[0]

    def _id(self) -> str:
        return f"{self.chance.getrandbits(128):032x}"

    def _reference(self) -> str:
        """One that no other number has."""
        left, letters = self.case["number"] * SPREAD % len(LEAD_LETTERS) ** 6, ""
        for _ in range(6):
            left, place = divmod(left, len(LEAD_LETTERS))
            letters += LEAD_LETTERS[place]
        return f"M-{letters}"
