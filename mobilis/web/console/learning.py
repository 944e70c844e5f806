"""/console/learning: what was not understood, and what staff decide about it; how answers are
received.

What is found and decided is mobilis/decisions.py's, what is counted mobilis/answer_uses.py's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode

from sqlalchemy.engine import Connection
from starlette.responses import Response

from mobilis import answer_uses, audit, decisions
from mobilis.answer_uses import Period
from mobilis.assessment import fresh_assessment
from mobilis.content import LANGUAGES, Content, fresh_content
from mobilis.dates import day_of, in_words, local, start_of
from mobilis.decisions import Group, Guess, Text
from mobilis.errors import ChatError, LearningError
from mobilis.learning import to_review
from mobilis.models import unhandled
from mobilis.phrasings import ANSWER, UNSURE
from mobilis.store import now
from mobilis.web.console.gate import Page, Visit, plain

LAST_PAGE = 1_000_000
TALKS = 20  # conversations of a text that are linked
OUTCOMES = ("lost", "clarified")
KINDS = ("", *answer_uses.SIGNS, "helpful", "unhelpful")
PROBLEMS = ("label", "text", "masked")
Option = tuple[str, str]  # a value, and what it is called


@dataclass(frozen=True)
class Filters:
    """What is asked of the lists, as an address can say."""

    state: str = "todo"
    language: str = ""
    outcome: str = ""
    label: str = ""
    since: date | None = None  # this day included
    until: date | None = None
    page: int = 1

    def query(self, **changes: Any) -> str:
        """This as the query of an address; the first page unless it is the page that changes."""
        changed = replace(self, **{"page": 1, **changes})
        given = {field.name: getattr(changed, field.name) for field in fields(self)}
        usual = {field.name: field.default for field in fields(self)}
        return urlencode({name: given[name] for name in given if given[name] != usual[name]})

    @property
    def narrows(self) -> bool:
        """Whether they leave anything out, beside the state."""
        return bool(self.query(state="todo"))

    def where(self) -> list[Any]:
        """The messages that they let through."""
        c = unhandled.c
        given = {"language": self.language, "outcome": self.outcome}
        found = [c[name] == value for name, value in given.items() if value]
        period = self.period()
        found += [c.created_at >= period.since] if period.since else []
        return found + ([c.created_at < period.until] if period.until else [])

    def period(self) -> Period:
        """The days, as moments, and the language."""
        return Period(
            start_of(self.since) if self.since else None,
            start_of(self.until + timedelta(days=1)) if self.until else None,
            self.language,
        )


def read_filters(query: Mapping[str, str]) -> Filters:
    """The filters that an address holds. What it says of nothing known is ignored."""
    given = {name: plain(value).strip() for name, value in query.items()}
    page = given.get("page", "")
    return Filters(
        state=_one_of(decisions.STATES, given.get("state")) or "todo",
        language=_one_of(LANGUAGES, given.get("language")),
        outcome=_one_of(OUTCOMES, given.get("outcome")),
        label=given.get("label", "")[:64],
        since=_day(given.get("since", "")),
        until=_day(given.get("until", "")),
        page=min(max(int(page[:10]), 1), LAST_PAGE) if page.isascii() and page.isdecimal() else 1,
    )


def _one_of(known: Sequence[str], value: str | None) -> str:
    return value if value and value in known else ""


def _day(given: str) -> date | None:
    try:
        day = date.fromisoformat(given)
    except ValueError:
        return None
    return day if 2000 <= day.year <= 2999 else None


async def messages(visit: Visit) -> Response:
    """GET /console/learning: the groups of what was not understood."""
    query = visit.request.query_params
    filters = read_filters(query)
    root = visit.door.settings.project_dir
    found = await visit.door.read(
        decisions.find, root, filters.where(), filters.state, filters.label, filters.page
    )
    batch = await visit.door.read(decisions.read_batch, plain(query.get("done", ""))[:64])
    return visit.show(
        "learning.html",
        here="learning",
        filters=filters,
        found=found,
        shown=_Shown(visit),
        batch=batch,
        left=_number(query.get("left", "")),
        land=_number(query.get("at", ""), -1),
        undone="undone" in query,
        empty="empty" in query,
        problem=_one_of(PROBLEMS, query.get("problem")),
        outcomes=OUTCOMES,
        languages=LANGUAGES,
        most=decisions.LOOKED_AT,
    )


def _number(given: str, otherwise: int = 0) -> int:
    fits = given.isascii() and given.isdecimal() and len(given) < 4
    return int(given) if fits else otherwise


async def text(visit: Visit) -> Response:
    """GET /console/learning/texts/{key}: one text, with all that is known of it."""
    return await _text(visit, visit.request.query_params)


async def _text(
    visit: Visit, query: Mapping[str, str], status: int = 200, **given: Any
) -> Response:
    key = plain(visit.request.path_params.get("key", "")) or _keys(visit)[0]
    root = visit.door.settings.project_dir
    found = await visit.door.read(decisions.find_text, root, key)
    talks = await visit.door.read(decisions.talks_of, key, TALKS)
    values = {"problem": "", "draft": None, "chosen": None, **given}
    return visit.show(
        "learning_text.html",
        status,
        here="learning",
        filters=read_filters(query),
        text=found,
        talks=talks,
        shown=_Shown(visit),
        **values,
    )


async def decide(visit: Visit) -> Response:
    """POST /console/learning/decide: what texts mean, that they teach nothing, or neither again."""
    query = dict(parse_qsl(visit.field("query")[:2000]))
    filters = read_filters(query)
    keys = _keys(visit)
    here = {"at": visit.field("at")} if visit.field("at") else {}
    if visit.field("undo"):
        await visit.door.write(_take_back, visit, keys)
        return _back(visit, filters, undone=1, **here)
    label = None if visit.field("ignore") else visit.field("label")[:64]
    root, reworded = visit.door.settings.project_dir, visit.field("text")
    try:
        batch = await visit.door.write(decisions.decide, visit.person, root, keys, label, reworded)
    except LearningError as error:
        if visit.field("alone"):
            draft = {"problem": error.reason, "draft": reworded, "chosen": label}
            return await _text(visit, query, 422, **draft)
        return _back(visit, filters, problem=error.reason, **here)
    left = {"left": batch.left} if batch.left else {}
    return _back(visit, filters, done=batch.id, **left, **here)


def _take_back(connection: Connection, visit: Visit, keys: Sequence[str]) -> int:
    batch = visit.field("batch")
    chosen = decisions.batch_keys(connection, batch) if batch else keys
    return decisions.take_back(connection, visit.person, chosen)


def _keys(visit: Visit) -> list[str]:
    """The texts that a form is about.

    Raises:
        ChatError: not_found.
    """
    keys = [plain(value) for value in visit.form.getlist("key")]
    if not keys and not visit.field("batch"):
        raise ChatError("not_found", 404)
    return keys[: decisions.MOST_KEYS]


def _back(visit: Visit, filters: Filters, **told: Any) -> Response:
    query = "&".join(filter(None, (filters.query(page=filters.page), urlencode(told))))
    return visit.back_to(f"/learning?{query}")


async def review(visit: Visit) -> Response:
    """GET /console/learning/review.yml: what `mobilis learn export` writes."""
    only_decided = bool(visit.request.query_params.get("decided"))
    content = await visit.door.write(_review, visit, only_decided)
    if content is None:
        return visit.back_to("/learning?" + urlencode({"state": "all", "empty": 1}))
    name = f"mobilis-review-{day_of(now()).isoformat()}.yml"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type="application/yaml", headers=headers)


def _review(connection: Connection, visit: Visit, only_decided: bool) -> str | None:
    root = visit.door.settings.project_dir
    found, verdicts, _ = decisions.for_review(connection, root, [], only_decided)
    if not found:
        return None
    detail = {"texts": len(found)}
    audit.record(connection, visit.person.id, "learning.exported", "learning", detail)
    return to_review(root, found, verdicts)


async def answers(visit: Visit) -> Response:
    """GET /console/learning/answers: how each answer of the FAQ is received."""
    filters = read_filters(visit.request.query_params)
    content = fresh_content(visit.door.settings.project_dir)
    found = await visit.door.read(answer_uses.received, filters.period(), content.faqs)
    return visit.show(
        "learning_answers.html",
        here="learning",
        filters=filters,
        given=[one for one in found if one.visits],
        never=[one for one in found if not one.visits],
        shown=_Shown(visit),
        languages=LANGUAGES,
    )


async def answer(visit: Visit) -> Response:
    """GET /console/learning/answers/{faq}: the times that an answer was given."""
    query = visit.request.query_params
    filters, kind = read_filters(query), _one_of(KINDS, query.get("kind"))
    faq = plain(visit.request.path_params["faq"])[:64]
    found = await visit.door.read(answer_uses.uses, filters.period(), faq, kind)
    shown = _Shown(visit)
    if not found and f"faq/{faq}" not in shown.labels:
        raise ChatError("not_found", 404)
    return visit.show(
        "learning_answer.html",
        here="learning",
        filters=filters,
        faq=faq,
        kind=kind,
        kinds=KINDS,
        uses=found,
        most=answer_uses.LISTED,
        shown=shown,
    )


class _Shown:
    """What the templates show, in the words of the person's language."""

    def __init__(self, visit: Visit) -> None:
        root = visit.door.settings.project_dir
        self._words = visit.door.wording.console["learning"]
        self._language = visit.language
        self._content: Content = fresh_content(root)
        self._assessment = fresh_assessment(root)
        self.labels = frozenset().union(*decisions.known(root).labels.values())

    def word(self, key: str, **values: Any) -> str:
        """A sentence of content/console/learning.yml."""
        return self._words[key][self._language].format(**values)

    def number(self, key: str, count: int, **more: Any) -> str:
        """A sentence that counts: `key_one` or `key_many`."""
        return self.word(f"{key}_one" if count == 1 else f"{key}_many", count=count, **more)

    def title(self, label: str) -> str:
        """What a label means, or the label itself once it has left the files."""
        if label == UNSURE:
            return self.word("unsure")
        if label == "out_of_scope":
            return self.word("out_of_scope")
        if label.startswith(ANSWER):
            return self._answer_title(label)
        faq = self._content.faqs.get(label.removeprefix("faq/"))
        title = faq.title if faq else self._content.choices.get(label, {})
        return title.get(self._language, label)

    def _answer_title(self, label: str) -> str:
        question_id, _, option_id = label.removeprefix(ANSWER).partition("/")
        question = self._assessment.find(question_id)
        option = question.option(option_id) if question else None
        return option.title[self._language] if option else label

    def question(self, question_id: str) -> str:
        """The question of the assessment that was open."""
        question = self._assessment.find(question_id)
        return question.text[self._language] if question else question_id

    def options(self, question_id: str | None) -> list[tuple[str, list[Option]]]:
        """All labels to choose from, in named parts; answers only where a question was open."""
        own = sorted(one for one in self.labels if one.startswith(f"{ANSWER}{question_id}/"))
        faqs = [one for one in self.labels if one.startswith("faq/")]
        rest = [one for one in self.labels if not one.startswith(("faq/", ANSWER))]
        parts = [
            ("part_answers", [*own, UNSURE] if question_id else []),
            ("part_faq", sorted(faqs, key=self.title)),
            ("part_intents", sorted(rest, key=self.title)),
        ]
        return [
            (self.word(name), [(label, self.title(label)) for label in labels])
            for name, labels in parts
            if labels
        ]

    def why(self, guess: Guess) -> str:
        """What speaks for a guess."""
        if guess.chosen:
            return self.number("chosen", guess.chosen)
        if guess.followed:
            return self.number("followed", guess.followed)
        return self.word("sure", percent=round(guess.confidence * 100))

    def facts(self, text: Text) -> list[str]:
        """How often a text was written, how it ended and when last."""
        missed = text.missed
        ended = [self.number(name, count) for name, count in sorted(missed.outcomes.items())]
        return [*ended, self.word("last", day=in_words(missed.last, self._language))]

    def about(self, group: Group) -> str:
        """How much a group holds."""
        return self.word(
            "about",
            messages=self.number("messages", group.count),
            texts=self.number("texts", len(group.texts)),
        )

    def decided(self, text: Text) -> str:
        """What was decided about a text, by whom and when."""
        decision = text.decision
        if decision is None:
            return ""
        by = {"who": decision.by or self.word("somebody"), "when": self.moment(decision.at)}
        if decision.label:
            return self.word("decided_label", title=self.title(decision.label), **by)
        return self.word("decided_ignored", **by)

    def moment(self, moment: datetime) -> str:
        """A moment in Toronto."""
        return local(moment, self._language)


PAGES = (
    Page("/learning", messages, "act"),
    Page("/learning/decide", decide, "act", "POST"),
    Page("/learning/review.yml", review, "act"),
    Page("/learning/texts/{key}", text, "act"),
    Page("/learning/answers", answers, "act"),
    Page("/learning/answers/{faq}", answer, "act"),
)
