"""The readiness self-assessment: its content, the order of its questions and its scoring.

Pure: no database, no Rasa. Points, gates, thresholds and words all come from
assessment/readiness.yml; called by the actions and by the classifier of typed answers.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

from mobilis.content import LANGUAGES, Text, both_languages, read_yaml
from mobilis.errors import ContentError
from mobilis.freshness import load_fresh
from mobilis.likeness import comparable

READY, NEARLY, FOUNDATIONS = "ready", "nearly", "foundations"
GATE = "gate"  # in the place of a question: an answer that ends the assessment early is confirmed
REOPEN = "reopen"  # in the place of an option: the question is asked again
UNSURE = "unsure"  # in the place of an option's id
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
    yes: tuple[str, ...]  # ids of the options that a bare "yes" may mean
    no: tuple[str, ...]
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
    """How one language names a choice: "option b", "la deuxième", "the last one, please"."""

    pattern: re.Pattern[str]
    positions: Mapping[str, int]  # "deuxième" → 1; from the end: "last" → -1

    def option_id(self, words: str, question: Question) -> str | None:
        """The option that a folded text names; None when it names none or says more."""
        found = self.pattern.fullmatch(words)
        if found is None:
            return None
        if found["letter"]:
            position = ord(found["letter"]) - ord("a")
        elif found["digits"]:
            position = int(found["digits"]) - 1
        else:
            position = self.positions[found["ordinal"] or found["number"]]
        if not -len(question.options) <= position < len(question.options):
            return None
        return question.options[position].id


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
    choice_words: tuple[ChoiceWords, ...] = field(repr=False)  # one per language

    @property
    def of(self) -> int:
        """The highest possible total."""
        return sum(question.most for question in self.questions)

    def question(self, question_id: str) -> Question:
        """The question of that id.

        Raises:
            KeyError: there is no such question.
        """
        question = self.find(question_id)
        if question is None:
            raise KeyError(question_id)
        return question

    def find(self, question_id: str | None) -> Question | None:
        """The question of that id, or None: it may be gone since it was asked."""
        return next((q for q in self.questions if q.id == question_id), None)

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

    def answered(self, answers: Answers) -> tuple[tuple[Question, Option], ...]:
        """The questions that were answered, each with the chosen option, in their order.

        A gate option is the last: what may have been answered after it no longer counts.
        """
        found: list[tuple[Question, Option]] = []
        for question in self.questions:
            option = _chosen(question, answers)
            if option is not None:
                found.append((question, option))
                if option.flag in question.gate:
                    break
        return tuple(found)

    def parse_choice(self, question: Question, text: str) -> str | None:
        """The id of the option that a typed text names, as in "b", "la deuxième" or a title.

        None as soon as the text says anything else ("2 ou 3 personnes").
        """
        words = _fold(text)
        if len(words.split()) <= CHOICE_LENGTH:
            for language in self.choice_words:
                if named := language.option_id(words, question):
                    return named
        for number, option in enumerate(question.options, 1):
            for title in map(_fold, option.title.values()):
                if words in (title, f"{option.id} {title}", f"{number} {title}"):
                    return option.id
        return None

    def taught(self, question: Question) -> dict[str, str]:
        """The id of the option that each phrasing of the file stands for, or `UNSURE`, by the
        phrasing made comparable. What stands for several options is left out.
        """
        meant: dict[str, set[str]] = {}
        for option in question.options:
            for phrasing in chain(*option.phrasings.values()):
                meant.setdefault(comparable(phrasing), set()).add(option.id)
        for phrasing in chain(*self.unsure.values()):
            meant.setdefault(comparable(phrasing), {UNSURE})
        return {phrasing: ids.pop() for phrasing, ids in meant.items() if len(ids) == 1}

    def unsure_option(self, question: Question) -> str:
        """The id of what "I don't know" counts as: the fewest points, never a flag."""
        unflagged = (option for option in question.options if option.flag is None)
        return min(unflagged, key=lambda option: option.points).id

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
        points = {question.id: option.points for question, option in self.answered(answers)}
        band = self._band_of(points, self._flags(answers))
        gaps = [question.id for question in self.questions if points[question.id] < question.most]
        return Result(
            band=band,
            variant=None,
            total=sum(points.values()),
            of=self.of,
            gaps=tuple(sorted(gaps, key=points.__getitem__)),
            coalition_hint=self._hints_at_coalition(band, answers),
        )

    def recall(
        self,
        answers: Answers,
        band: str,
        variant: str | None,
        total: int | None,
        gaps: Iterable[str],
    ) -> Result | None:
        """The result that `score` once gave for these answers, whatever it would give now.

        Gaps that have left the file are left out; None when the band or its variant has.
        """
        known = self.bands.get(band)
        if known is None or variant not in (known.variants or (None,)):
            return None
        questions = {question.id for question in self.questions}
        return Result(
            band=band,
            variant=variant,
            total=total,
            of=self.of,
            gaps=tuple(gap for gap in gaps if gap in questions),
            coalition_hint=self._hints_at_coalition(band, answers),
        )

    def _flags(self, answers: Answers) -> list[str]:
        return [option.flag for _, option in self.answered(answers) if option.flag]

    def _hints_at_coalition(self, band: str, answers: Answers) -> bool:
        return band == FOUNDATIONS and bool(self._flags(answers))

    def _band_of(self, points: Mapping[str, int], flags: list[str]) -> str:
        """The band of finished answers without a gate; the first rule that fits wins."""
        scoring, total = self.scoring, sum(points.values())
        if any(points[question] == 0 for question in scoring.required):
            return FOUNDATIONS
        if flags:
            return scoring.flags[flags[0]]
        if min(points.values()) >= scoring.min_points_each and total >= scoring.ready_total:
            return READY
        return NEARLY if total >= scoring.nearly_total else FOUNDATIONS


def fresh_assessment(root: Path) -> Assessment:
    """The assessment of the project at `root` as its file is now, or was a second ago at most.

    Raises:
        ContentError: as `load_assessment`.
    """
    return load_fresh(_assessment_of, root, "assessment")


@lru_cache(maxsize=1)
def _assessment_of(root: Path, stamp: float) -> Assessment:
    return load_assessment(root / "assessment" / "readiness.yml")


def load_assessment(path: Path) -> Assessment:
    """Read and check the file of the assessment.

    Raises:
        ContentError: the file is missing or wrong; names the file and the field.
    """
    path = Path(path)
    name = f"{path.parent.name}/{path.name}"
    file = _Node(name, "", read_yaml(path.parent.parent, name))
    file.only(*_FILE_KEYS)
    questions = tuple(
        _question(node, number) for number, node in enumerate(file.nodes("questions"), 1)
    )
    bands = {node.key: _band(node) for node in file.node("bands").named_nodes()}
    assessment = Assessment(
        version=file.word("version"),
        intro=file.text("intro"),
        indicative=file.text("indicative"),
        clarify=file.text("clarify"),
        unsure=file.phrasings("unsure"),
        questions=questions,
        scoring=_scoring(file.node("scoring")),
        bands=bands,
        choice_words=tuple(
            _choice_words(file.node("choice_words").node(language)) for language in LANGUAGES
        ),
    )
    _check_references(file, assessment)
    return assessment


_FILE_KEYS = (
    *("version", "intro", "indicative", "clarify", "unsure", "choice_words"),
    *("questions", "scoring", "bands"),
)
_QUESTION_KEYS = (
    "id",
    "text",
    "explanation",
    "tip",
    "gap",
    "examples",
    "gate",
    "yes",
    "no",
    "options",
)
_OPTION_KEYS = ("id", "title", "points", "flag", "noted", "explanation", "phrasings")
_BAND_KEYS = ("title", "text", "coalition_hint", "next_steps", "notices")
_SCORING_KEYS = ("required", "min_points_each", "ready_total", "nearly_total", "flags")
_WORD_KEYS = (
    *("before", "nouns", "after", "numbers", "ordinals", "suffixes", "last", "second_last"),
)


class _Node:
    """A mapping of the file that knows where it stands, so that its errors can say so."""

    def __init__(self, file: str, path: str, data: Any) -> None:
        self.file = file
        self.path = path
        self.key = path.rpartition(".")[2]
        if not isinstance(data, Mapping):
            raise ContentError(f"{file}: {path or 'the file'} must be a mapping")
        self.data = data

    def error(self, key: str, words: str) -> ContentError:
        """The error to raise about one field."""
        return ContentError(f"{self.file}: {self._at(key)} {words}")

    def only(self, *keys: str) -> None:
        """Refuse any other key: a misspelt one would be lost in silence."""
        for key in self.data:
            if key not in keys:
                raise self.error(str(key), "is not a known field")

    def word(self, key: str) -> str:
        value = self._value(key)
        if not isinstance(value, str) or not value.strip():
            raise self.error(key, "must be a text")
        return value.strip()

    def whole(self, key: str) -> int:
        value = self._value(key)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise self.error(key, "must be a whole number")
        return value

    def text(self, key: str) -> Text:
        return both_languages(self.file, self._at(key), self.data.get(key))

    def texts(self, key: str) -> dict[str, Text]:
        """A text per name; none when the field is absent."""
        node = self.node(key) if key in self.data else None
        return {name: node.text(name) for name in node.data} if node else {}

    def words(self, key: str) -> tuple[str, ...]:
        """A list of texts; empty when the field is absent."""
        items = self.data.get(key) or []
        if not isinstance(items, list):
            raise self.error(key, "must be a list")
        for number, item in enumerate(items, 1):
            if not isinstance(item, str) or not item.strip():
                raise self.error(f"{key}[{number}]", "is not a text")
        return tuple(items)

    def phrasings(self, key: str) -> Phrasings:
        """A list of different texts per language, none of them empty."""
        node = self.node(key)
        node.only(*LANGUAGES)
        found = {language: node.words(language) for language in LANGUAGES}
        for language, items in found.items():
            if not items:
                raise node.error(language, "is missing")
            folded = [_fold(item) for item in items]
            for number, item in enumerate(folded, 1):
                if item in folded[: number - 1]:
                    raise node.error(f"{language}[{number}]", f"stands there twice: {item}")
        return found

    def node(self, key: str) -> _Node:
        return _Node(self.file, self._at(key), self._value(key))

    def nodes(self, key: str) -> list[_Node]:
        """A list of mappings, counted from 1; at least one."""
        items = self._value(key)
        if not isinstance(items, list) or not items:
            raise self.error(key, "must be a list")
        return [
            _Node(self.file, f"{self._at(key)}[{number}]", item)
            for number, item in enumerate(items, 1)
        ]

    def named_nodes(self) -> list[_Node]:
        return [self.node(key) for key in self.data]

    def _value(self, key: str) -> Any:
        if self.data.get(key) is None:
            raise self.error(key, "is missing")
        return self.data[key]

    def _at(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key


def _question(node: _Node, number: int) -> Question:
    node.only(*_QUESTION_KEYS)
    return Question(
        id=node.word("id"),
        number=number,
        text=node.text("text"),
        explanation=node.text("explanation"),
        tip=node.text("tip"),
        gap=node.text("gap"),
        examples=node.text("examples"),
        gate=node.texts("gate"),
        yes=node.words("yes"),
        no=node.words("no"),
        options=tuple(_option(option) for option in node.nodes("options")),
    )


def _option(node: _Node) -> Option:
    node.only(*_OPTION_KEYS)
    return Option(
        id=node.word("id"),
        title=node.text("title"),
        points=node.whole("points"),
        flag=node.word("flag") if "flag" in node.data else None,
        noted=node.text("noted"),
        explanation=node.text("explanation"),
        phrasings=node.phrasings("phrasings"),
    )


def _band(node: _Node) -> Band:
    node.only(*_BAND_KEYS)
    per_flag = not node.node("text").data.keys() & set(LANGUAGES)
    return Band(
        id=node.key,
        title=node.text("title"),
        text={} if per_flag else node.text("text"),
        variants=node.texts("text") if per_flag else {},
        coalition_hint=node.text("coalition_hint") if "coalition_hint" in node.data else None,
        next_steps=node.words("next_steps"),
        notices=node.words("notices"),
    )


def _scoring(node: _Node) -> Scoring:
    node.only(*_SCORING_KEYS)
    flags = node.node("flags")
    return Scoring(
        required=node.words("required"),
        min_points_each=node.whole("min_points_each"),
        ready_total=node.whole("ready_total"),
        nearly_total=node.whole("nearly_total"),
        flags={flag: flags.word(flag) for flag in flags.data},
    )


def _choice_words(node: _Node) -> ChoiceWords:
    node.only(*_WORD_KEYS)
    before, nouns, after = (node.words(key) for key in ("before", "nouns", "after"))
    numbers = _positions(node.words("numbers"))
    ordinals = _positions(node.words("ordinals"))
    ordinals |= {_fold(word): -1 for word in node.words("last")}
    ordinals |= {_fold(word): -2 for word in node.words("second_last")}
    pattern = (
        rf"(?:(?:{_any(before + nouns)}) )*"
        rf"(?:(?P<letter>[a-z])|(?P<digits>[1-9]\d?)(?:{_any(node.words('suffixes'))})?"
        rf"|(?P<ordinal>{_any(ordinals)})|(?:{_any(nouns)}) (?P<number>{_any(numbers)}))"
        rf"(?: (?:{_any(nouns + after)}))*"
    )
    return ChoiceWords(re.compile(pattern), numbers | ordinals)


def _positions(words: tuple[str, ...]) -> dict[str, int]:
    """The position of each word; "premier|première" are two words for the same one."""
    return {
        _fold(word): position
        for position, synonyms in enumerate(words)
        for word in synonyms.split("|")
    }


def _any(words: Iterable[str]) -> str:
    return "|".join(re.escape(_fold(word)) for word in words) or r"(?!)"


def _check_references(file: _Node, assessment: Assessment) -> None:
    """Refuse names that lead nowhere: ids used twice, unknown bands, flags and questions."""
    _check_unique(file, "questions", [question.id for question in assessment.questions])
    for question in assessment.questions:
        path = f"questions[{question.number}]"
        _check_unique(file, f"{path}.options", [option.id for option in question.options])
        _check_question(file, path, question, assessment)
    for band in (READY, NEARLY, FOUNDATIONS, *assessment.scoring.flags.values()):
        if band not in assessment.bands:
            raise file.error(f"bands.{band}", "is missing")
    if assessment.bands[FOUNDATIONS].coalition_hint is None:
        raise file.error(f"bands.{FOUNDATIONS}.coalition_hint", "is missing")
    for flag, band in assessment.scoring.flags.items():
        if not assessment.bands[band].text and flag not in assessment.bands[band].variants:
            raise file.error(f"bands.{band}.text.{flag}", "is missing")
    for question_id in assessment.scoring.required:
        if question_id not in {question.id for question in assessment.questions}:
            raise file.error("scoring.required", f"names {question_id}, which is no question")


def _check_question(file: _Node, path: str, question: Question, assessment: Assessment) -> None:
    flags = {option.flag for option in question.options}
    if None not in flags:
        raise file.error(f"{path}.options", "needs an option without a flag")
    for number, option in enumerate(question.options, 1):
        if option.flag and option.flag not in assessment.scoring.flags:
            raise file.error(
                f"{path}.options[{number}].flag", f"is {option.flag}, not in scoring.flags"
            )
    for key, option_ids in (("yes", question.yes), ("no", question.no)):
        for option_id in option_ids:
            if question.option(option_id) is None:
                raise file.error(f"{path}.{key}", f"names {option_id}, which is no option")
    for flag in question.gate:
        if flag not in flags:
            raise file.error(f"{path}.gate.{flag}", "is the flag of no option")


def _check_unique(file: _Node, path: str, ids: list[str]) -> None:
    for number, name in enumerate(ids, 1):
        if name in ids[: number - 1]:
            raise file.error(f"{path}[{number}].id", f"stands there twice: {name}")


def _chosen(question: Question, answers: Answers) -> Option | None:
    answer = answers.get(question.id)
    return question.option(answer.option) if answer else None


def _confirmation(question: Question, option: Option) -> GateConfirmation:
    flag = option.flag or ""
    return GateConfirmation(question, option, flag, question.gate[flag])


def _fold(text: str) -> str:
    """`text` in lower case without accents or punctuation, its words one space apart."""
    plain = unicodedata.normalize("NFKD", text.replace("°", "o").casefold())
    plain = "".join(char for char in plain if not unicodedata.category(char).startswith("M"))
    return " ".join(re.findall(r"[^\W_]+", plain))
