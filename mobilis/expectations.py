"""What a step of a journey may expect of a message, and how its choices are named.

Names are ids of the content wherever there is one: wordings may change, journeys need not.
Called by mobilis/journeys.py; the format is documented there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from mobilis.assessment import Assessment, load_assessment
from mobilis.content import LANGUAGES, Content, load_content, read_yaml
from mobilis.settings import ROOT

Message = Mapping[str, Any]  # a message of the chat API
Label = Mapping[str, Any]  # how a journey names a choice: {option: b}, {faq: cost}, …
Expectation = Mapping[str, Any]  # the checks on one message

KINDS = ("text", "faq", "question", "result", "coaches", "form", "clarify", "notice")
FACETS = ("region", "topic", "level", "language")
REFERENCE = re.compile(r"\bM-[0-9A-Z]{6}\b")
CONFIRM = "confirm"  # the option that sees the result of a gate

# The buttons that stand for an intent, besides its own: keys of content/choices.yml.
_ALSO_TITLED = {
    "affirm": ("i_agree", "send"),
    "deny": ("i_decline", "nothing_to_add", "keep_all"),
    "go_back": ("correct_answer",),
    "stop": ("cancel",),
    "find_coach": ("all_coaches",),
    "delete_my_data": ("erase_all",),
}


@dataclass(frozen=True)
class Words:
    """The content that journeys name by id."""

    content: Content
    assessment: Assessment
    said: Mapping[str, tuple[tuple[str, str], ...]]  # wording or response → (language, text)…
    facets: Mapping[str, Mapping[str, Mapping[str, str]]]  # facet → value → title by language


@lru_cache(maxsize=4)
def load_words(root: Path = ROOT) -> Words:
    """Read what journeys name by id from the files below `root`.

    Raises:
        ContentError: a content file is missing or wrong.
    """
    content = load_content(root)
    assessment = load_assessment(root / "assessment" / "readiness.yml")
    said = {key: tuple(text.items()) for key, text in content.wording.items()}
    for name, variants in (read_yaml(root, "domain.yml").get("responses") or {}).items():
        said[name] = tuple((_language_of(variant), variant["text"]) for variant in variants)
    data = read_yaml(root, "content/facets.yml")
    facets = {
        facet: {value: entry["title"] for value, entry in data[facet].items()} for facet in FACETS
    }
    return Words(content, assessment, said, facets)


def _language_of(variant: Mapping[str, Any]) -> str:
    conditions = variant.get("condition") or []
    named = [c["value"] for c in conditions if c.get("name") == "language"]
    return str(named[0]) if named else ""


# --- choices


def titles(words: Words, label: Label, message: Message, language: str) -> list[str]:
    """What the button that `label` names may say on `message`, in `language`."""
    kind, name = next(iter(label.items()))
    choices = words.content.choices
    if kind == "title":
        return [str(name)]
    if kind == "option":
        return _option_titles(words, str(name), message, language)
    if kind == "faq":
        return [words.content.title(f"faq/{name}", language)]
    if kind == "region":
        return [words.facets["region"][name][language]]
    if kind == "coach":
        cards = message.get("coaches") or []
        shown = [card["name"] for card in cards[int(name) - 1 : int(name)]]
        return [choices["contact_coach"][language].format(name=coach) for coach in shown]
    if kind == "choice":
        return [choices[str(name)][language]]
    if "field" in label:
        return [choices[f"correct_{label['field'].removeprefix('lead_')}"][language]]
    return [choices[key][language] for key in (str(name), *_ALSO_TITLED.get(str(name), ()))]


def _option_titles(words: Words, name: str, message: Message, language: str) -> list[str]:
    if name == CONFIRM:
        return [words.content.choices["see_result"][language]]
    asked = (message.get("question") or {}).get("id")
    for question in words.assessment.questions:
        option = question.option(name)
        if question.id == asked and option is not None:
            return [f"{name.upper()}. {option.title[language]}", option.title[language]]
    return []


def find_choice(
    words: Words, label: Label, message: Message, language: str
) -> Mapping[str, Any] | None:
    """The choice of `message` that `label` names, or None."""
    wanted = titles(words, label, message, language)
    offered = message.get("choices") or []
    return next((choice for choice in offered if choice["title"] in wanted), None)


def label_problem(words: Words, label: Any) -> str | None:
    """What is wrong with the name of a choice, or None."""
    if not isinstance(label, Mapping) or not label:
        return "must name a choice, such as {option: b} or {faq: cost}"
    kind, name = next(iter(label.items()))
    if kind not in _LABELS:
        return f"must name one of {', '.join(_LABELS)}, not {kind}"
    if set(label) - {kind, "field"} or ("field" in label and kind != "intent"):
        return f"says more than {kind}"
    if not _LABELS[kind](words, name):
        return f"names {kind} {name}, which does not exist"
    field = label.get("field")
    if field and f"correct_{str(field).removeprefix('lead_')}" not in words.content.choices:
        return f"names field {field}, which does not exist"
    return None


def _is_option(words: Words, name: Any) -> bool:
    known = {option.id for question in words.assessment.questions for option in question.options}
    return name in known | {CONFIRM}


_LABELS: Mapping[str, Callable[[Words, Any], bool]] = {
    "option": _is_option,
    "faq": lambda words, name: name in words.content.faqs,
    "intent": lambda words, name: name in words.content.choices,
    "choice": lambda words, name: name in words.content.choices,
    "region": lambda words, name: name in words.facets["region"],
    "coach": lambda words, name: isinstance(name, int) and name > 0,
    "title": lambda words, name: isinstance(name, str),
}


# --- checks


@dataclass
class Situation:
    """What a message is judged in: the language to expect and the last reference given."""

    words: Words
    language: str
    reference: str | None = None


def mismatches(message: Message, expected: Expectation, now: Situation) -> list[str]:
    """How `message` differs from what was expected: one sentence per check that fails."""
    checks = {"language": now.language, **expected}
    problems = []
    for name, wanted in checks.items():
        problem = _CHECKS[name].problem(message, wanted, now)
        if problem:
            problems.append(f"{name}: expected {_shown(wanted)}, {problem}")
    return problems


def _shown(value: Any) -> str:
    return "none" if value is None else str(value)


def expectation_problem(words: Words, expected: Any) -> str | None:
    """What is wrong with the checks on one message, or None."""
    if not isinstance(expected, Mapping) or not expected:
        return "must be a mapping of checks, or any"
    for name, wanted in expected.items():
        if name not in _CHECKS:
            return f"{name} is no check; the checks are {', '.join(_CHECKS)}"
        wrong = _CHECKS[name].wrong(words, wanted)
        if wrong:
            return f"{name} {wrong}"
    return None


@dataclass(frozen=True)
class Check:
    """One kind of check: `problem` says what was got instead, `wrong` refuses a bad journey."""

    problem: Callable[[Message, Any, Situation], str | None]
    wrong: Callable[[Words, Any], str | None]


def _got(value: Any) -> str:
    return f"got {_shown(value)}"


def _equal(*path: str) -> Callable[[Message, Any, Situation], str | None]:
    """A check that a field of the message equals what is wanted, or one of a list."""

    def problem(message: Message, wanted: Any, now: Situation) -> str | None:
        value: Any = message
        for key in path:
            value = value.get(key) if isinstance(value, Mapping) else None
        if path[-1] == "gaps":
            return None if list(value or []) == list(wanted) else _got(value)
        allowed = wanted if isinstance(wanted, list) else [wanted]
        return None if value in allowed else _got(value)

    return problem


def _contains(message: Message, wanted: Any, now: Situation) -> str | None:
    missing = [text for text in wanted if text not in message["text"]]
    return f"missing {missing} in: {message['text']}" if missing else None


def _lacks(message: Message, wanted: Any, now: Situation) -> str | None:
    found = [text for text in wanted if text in message["text"]]
    return f"found {found} in: {message['text']}" if found else None


def _says(message: Message, wanted: Any, now: Situation) -> str | None:
    for language, template in now.words.said[wanted]:
        if language in ("", message.get("language")):
            parts = re.split(r"\{\w+\}", template.strip())
            if re.fullmatch(".*?".join(map(re.escape, parts)), message["text"].strip(), re.DOTALL):
                return None
    return _got(message["text"])


def _noted(message: Message, wanted: Any, now: Situation) -> str | None:
    option = now.words.assessment.question(wanted["question"]).option(wanted["option"])
    noted = option.noted[message["language"]] if option else ""
    return None if noted in message["text"] else _got(message["text"])


def _reference(message: Message, wanted: Any, now: Situation) -> str | None:
    found = REFERENCE.findall(message["text"])
    if len(found) != 1 or (wanted == "same" and found[0] != now.reference):
        return _got(message["text"])
    now.reference = found[0]
    return None


def _choices(message: Message, wanted: Any, now: Situation) -> str | None:
    missing = [
        dict(label)
        for label in wanted
        if find_choice(now.words, label, message, message["language"]) is None
    ]
    offered = [choice["title"] for choice in message.get("choices") or []]
    return f"missing {missing} among {offered}" if missing else None


def _relaxed(message: Message, wanted: Any, now: Situation) -> str | None:
    facets = FACETS if wanted is True else wanted
    wording = now.words.content.wording
    for facet in facets:
        beginning = wording[f"coaches_relaxed_{facet}"][message["language"]].split("{")[0]
        if beginning in message["text"]:
            return None
    return _got(message["text"])


def _number_of_cards(most: bool) -> Callable[[Message, Any, Situation], str | None]:
    def problem(message: Message, wanted: Any, now: Situation) -> str | None:
        count = len(message.get("coaches") or [])
        return None if (count <= wanted if most else count >= wanted) else f"got {count}"

    return problem


def _each_card(key: str) -> Callable[[Message, Any, Situation], str | None]:
    """A check that each card has what is wanted, or all of a list of it."""

    def problem(message: Message, wanted: Any, now: Situation) -> str | None:
        needed = set(wanted) if isinstance(wanted, list) else {wanted}
        others = [
            f"{card['name']} {card.get(key)}"
            for card in message.get("coaches") or []
            if not needed <= set(card.get(key) or [])
        ]
        return f"got {', '.join(others)}" if others else None

    return problem


# --- what a check may be given


def _one_of(known: Callable[[Words], Any]) -> Callable[[Words, Any], str | None]:
    def wrong(words: Words, wanted: Any) -> str | None:
        for value in wanted if isinstance(wanted, list) else [wanted]:
            if value not in known(words):
                return f"names {value}, which does not exist"
        return None

    return wrong


def _questions(words: Words) -> set[str]:
    return {question.id for question in words.assessment.questions}


def _whole(words: Words, wanted: Any) -> str | None:
    is_whole = isinstance(wanted, int) and not isinstance(wanted, bool)
    return None if is_whole else "must be a whole number"


def _score(words: Words, wanted: Any) -> str | None:
    return None if wanted is None else _whole(words, wanted)


def _texts(words: Words, wanted: Any) -> str | None:
    fits = isinstance(wanted, list) and all(isinstance(text, str) and text for text in wanted)
    return None if fits else "must be a list of texts"


def _list_of(known: Callable[[Words], Any]) -> Callable[[Words, Any], str | None]:
    def wrong(words: Words, wanted: Any) -> str | None:
        return _one_of(known)(words, wanted) if isinstance(wanted, list) else "must be a list"

    return wrong


def _labels(words: Words, wanted: Any) -> str | None:
    if not isinstance(wanted, list):
        return "must be a list"
    return next((found for found in (label_problem(words, one) for one in wanted) if found), None)


def _option_of(words: Words, wanted: Any) -> str | None:
    if not isinstance(wanted, Mapping) or set(wanted) != {"question", "option"}:
        return "must name a question and an option"
    if wanted["question"] not in _questions(words):
        return f"names {wanted['question']}, which does not exist"
    if words.assessment.question(wanted["question"]).option(wanted["option"]) is None:
        return f"names option {wanted['option']}, which does not exist"
    return None


def _relaxable(words: Words, wanted: Any) -> str | None:
    return None if wanted is True else _list_of(lambda _: FACETS)(words, wanted)


_CHECKS: Mapping[str, Check] = {
    "kind": Check(_equal("kind"), _one_of(lambda _: KINDS)),
    "language": Check(_equal("language"), _one_of(lambda _: LANGUAGES)),
    "says": Check(_says, _one_of(lambda words: words.said)),
    "contains": Check(_contains, _texts),
    "lacks": Check(_lacks, _texts),
    "choices": Check(_choices, _labels),
    "faq": Check(_equal("faq", "id"), _one_of(lambda words: words.content.faqs)),
    "question": Check(_equal("question", "id"), _one_of(_questions)),
    "number": Check(_equal("question", "number"), _whole),
    "noted": Check(_noted, _option_of),
    "band": Check(_equal("result", "band"), _one_of(lambda words: words.assessment.bands)),
    "score": Check(_equal("result", "score"), _score),
    "gaps": Check(_equal("result", "gaps"), _list_of(_questions)),
    "coaches_min": Check(_number_of_cards(most=False), _whole),
    "coaches_max": Check(_number_of_cards(most=True), _whole),
    "region": Check(_each_card("regions"), _one_of(lambda words: words.facets["region"])),
    "topic": Check(_each_card("topics"), _one_of(lambda words: words.facets["topic"])),
    "level": Check(_each_card("levels"), _one_of(lambda words: words.facets["level"])),
    "languages": Check(_each_card("languages"), _list_of(lambda words: words.facets["language"])),
    "relaxed": Check(_relaxed, _relaxable),
    "reference": Check(_reference, _one_of(lambda _: (True, "same"))),
}
