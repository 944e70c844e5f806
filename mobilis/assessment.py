"""The readiness self-assessment: its content, the order of its questions and its scoring.

Pure: no database, no Rasa. Points, gates, thresholds and words all come from
assessment/readiness.yml; called by the actions and by the classifier of typed answers.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mobilis.content import LANGUAGES, Text, both_languages, read_yaml
from mobilis.errors import ContentError

READY, NEARLY, FOUNDATIONS = "ready", "nearly", "foundations"
CHOICE_LENGTH = 12  # words; a longer text describes a situation, it does not name a choice

Phrasings = Mapping[str, tuple[str, ...]]  # {"fr": (…), "en": (…)}


@dataclass(frozen=True)
class Option:
    """One answer to a question. `flag`, if any, sends the result to a band of its own."""

    id: str
    title: Text
    points: int
    flag: str | None
    noted: Text
    explanation: Text
    phrasings: Phrasings


@dataclass(frozen=True)
class Question:
    """One question. `gate` holds the offer to correct the answer, by flag of the option."""

    id: str
    number: int  # from 1
    text: Text
    explanation: Text
    tip: Text
    gap: Text
    examples: Text
    gate: Mapping[str, Text]
    options: tuple[Option, ...]

    @property
    def most(self) -> int:
        """The points of the best answer."""
        return max(option.points for option in self.options)

    def option(self, option_id: str) -> Option | None:
        """The option of that id, or None."""
        return next((option for option in self.options if option.id == option_id), None)


@dataclass(frozen=True)
class GateConfirmation:
    """The answer ends the questions early: offer to correct it first, with `text`."""

    question: Question
    option: Option
    flag: str
    text: Text


@dataclass(frozen=True)
class Band:
    """One kind of result. A band reached by several flags may have a text per flag."""

    id: str
    title: Text
    text: Text  # empty when there is a text per flag
    variants: Mapping[str, Text]
    coalition_hint: Text | None
    next_steps: tuple[str, ...]  # FAQ ids or intents
    notices: tuple[str, ...]  # keys of content/notices.yml

    def words(self, variant: str | None) -> Text:
        """The band's text: the variant's own, else the common one."""
        return self.variants[variant] if variant else self.text


@dataclass(frozen=True)
class Scoring:
    """The thresholds, and the band that each flag leads to."""

    required: tuple[str, ...]
    min_points_each: int
    ready_total: int
    nearly_total: int
    flags: Mapping[str, str]


@dataclass(frozen=True)
class Answer:
    """What a visitor answered; `text` is what they typed, when they typed."""

    option: str
    unsure: bool = False
    text: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """This answer as JSON-able data."""
        return {"option": self.option, "unsure": self.unsure, "text": self.text}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Answer:
        """The answer that `to_dict` wrote."""
        return cls(data["option"], bool(data.get("unsure")), data.get("text"))


Answers = Mapping[str, Answer]  # by question id


def answers_to_dict(answers: Answers) -> dict[str, dict[str, Any]]:
    """All answers as JSON-able data, for a slot."""
    return {question: answer.to_dict() for question, answer in answers.items()}


def answers_from_dict(data: Mapping[str, Any] | None) -> dict[str, Answer]:
    """The answers that `answers_to_dict` wrote; an empty slot holds none."""
    return {question: Answer.from_dict(answer) for question, answer in (data or {}).items()}


@dataclass(frozen=True)
class Result:
    """Where a team stands. After a gate there is no total and there are no gaps."""

    band: str
    variant: str | None
    total: int | None
    of: int
    gaps: tuple[str, ...]
    coalition_hint: bool


@dataclass(frozen=True)
class ChoiceWords:
    """The words with which people name a choice, all languages together."""

    pattern: re.Pattern[str]
    positions: Mapping[str, int]  # "deux", "second"… → 1; from the end: "last" → -1

    def position(self, words: str) -> int | str | None:
        """The index, or the letter or id, that a folded text names; None when it says more."""
        found = self.pattern.fullmatch(words) if len(words.split()) <= CHOICE_LENGTH else None
        if found is None:
            return None
        if found["digits"]:
            return int(found["digits"]) - 1
        return found["letter"] or self.positions[found["ordinal"] or found["number"]]


@dataclass(frozen=True)
class Assessment:
    """The questions, the bands, and the rules between them."""

    version: str
    intro: Text
    indicative: Text
    clarify: Text
    unsure: Phrasings
    questions: tuple[Question, ...]
    scoring: Scoring
    bands: Mapping[str, Band]
    choice_words: ChoiceWords = field(repr=False)

    @property
    def of(self) -> int:
        """The highest possible total."""
        return sum(question.most for question in self.questions)

    def question(self, question_id: str) -> Question:
        """The question of that id.

        Raises:
            KeyError: there is no such question.
        """
        for question in self.questions:
            if question.id == question_id:
                return question
        raise KeyError(question_id)

    def next_step(
        self, answers: Answers, gate_confirmed: bool = False
    ) -> Question | GateConfirmation | None:
        """The first question without an answer; None when there is a result to give.

        An answer whose option has left the file counts as none. A gate option ends the
        questions once `gate_confirmed`; until then the offer to correct it comes first.
        """
        for question in self.questions:
            option = _chosen(question, answers)
            if option is None:
                return question
            if option.flag in question.gate:
                return None if gate_confirmed else _confirmation(question, option)
        return None

    def previous(self, answers: Answers) -> str | None:
        """The question to go back to: the last answered before the one being asked."""
        last = None
        for question in self.questions:
            option = _chosen(question, answers)
            if option is None:
                break
            last = question.id
            if option.flag in question.gate:
                break
        return last

    def parse_choice(self, question: Question, text: str) -> str | None:
        """The id of the option that a typed text names, as in "b", "la deuxième" or a title.

        None as soon as the text says anything else ("2 ou 3 personnes").
        """
        words = _fold(text)
        for number, option in enumerate(question.options):
            for title in map(_fold, option.title.values()):
                if words in (title, f"{option.id} {title}", f"{number + 1} {title}"):
                    return option.id
        named = self.choice_words.position(words)
        if isinstance(named, str):
            return _lettered(question, named)
        if named is None or not -len(question.options) <= named < len(question.options):
            return None
        return question.options[named].id

    def unsure_option(self, question: Question) -> Option:
        """What "I don't know" counts as: the fewest points, never a flag."""
        unflagged = (option for option in question.options if option.flag is None)
        return min(unflagged, key=lambda option: option.points)

    def score(self, answers: Answers) -> Result:
        """The result of finished answers; a gate option needs no answer after it.

        Raises:
            ValueError: a question has no answer yet.
        """
        step = self.next_step(answers)
        if isinstance(step, Question):
            raise ValueError(f"the question {step.id} has no answer yet")
        if step is not None:
            band = self.scoring.flags[step.flag]
            variant = step.flag if step.flag in self.bands[band].variants else None
            return Result(band, variant, None, self.of, (), coalition_hint=False)
        chosen = {question: _chosen(question, answers) for question in self.questions}
        points = {q.id: option.points for q, option in chosen.items() if option}
        flagged = [o.flag for o in chosen.values() if o and o.flag]
        band = self._band(points, flagged)
        gaps = sorted((q.id for q in self.questions if points[q.id] < q.most), key=points.__getitem__)
        hint = band == FOUNDATIONS and bool(flagged)
        return Result(band, None, sum(points.values()), self.of, tuple(gaps), hint)
