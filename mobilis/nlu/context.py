"""What a message means where it was said: the last component of the pipeline.

`decide` is a pure function from what was read in a message (`Message read`) and where the
conversation stands (`Standing`) to a decision; `ContextResolver` feeds it from Rasa and turns the
decision into an intent, entities and the `mobilis` property that actions read.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from mobilis.answer_changes import change_in
from mobilis.assessment import GATE, REOPEN, UNSURE
from mobilis.contact_details import corrections, first_part, is_person, swap_in, tidy
from mobilis.likeness import comparable
from mobilis.nlu import cues
from mobilis.text import MAX_CHARACTERS, clauses, fold, is_command, words

Ranking = Sequence[tuple[str, float]]

OTHER = "other"  # a language that is neither French nor English
KEEP = "keep"  # too little is said to tell the language
LOST = "nlu_fallback"
AMBIGUOUS = "ambiguous"
ANSWER = "answer"
INFORM = "inform"
FAQ = "faq/"
DOUBTFUL = 0.5  # a part of a message whose words are less sure of a label asks nothing plainly

ASSESSMENT = "assessment_form"
INTEREST = "interest_form"
GO_BACK = "go_back"

# Said in the middle of a question or a form, these always mean what they say.
CONTROL = frozenset(
    "explain_question go_back start_over stop switch_language delete_my_data request_human".split()
)
# Beside a question, "before that" is no wish to go back.
_COMMANDS = CONTROL - {"request_human", "switch_language"}
# Pleasantries: beside a real question they need no answer of their own.
PLEASANT = frozenset({"greet", "thank", "goodbye", "affirm", "deny", "help", "bot_challenge"})
_POLITE = frozenset({"greet", "thank", "affirm", "deny"})

_BRIEF = 3  # words of a name and little else: "Claire then"
_STATED = 14  # words of where somebody is, after an answer that differs by province
_BRIEF_QUESTION = 5  # words of one that is about what it names
_YES_LENGTH = 3  # words of a yes and nothing else
GUIDED = "faq/cra_limits"  # the question whose sources begin with the CRA's guidance
_AWAITING = frozenset({"request_human", "declare_interest"})  # topics: somebody will answer
_OF_LANGUAGE = frozenset({"switch_language", "faq/languages"})
_OF_THE_DIRECTORY = _OF_LANGUAGE | {"faq/government_levels"}  # what it knows of each coach
_ERASING = "/delete_my_data"  # an offer to erase everything
_KEPT = '/delete_my_data{"confirmed": "no"}'


@dataclass(frozen=True)
class Thresholds:
    """Where sure, "did you mean" and lost begin; chosen from data, kept in config.yml."""

    sure: float = 0.5
    clarify: float = 0.2
    part: float = 0.95  # a part of a message is short: its meaning must be plain
    one_word: float = 0.8
    decline: float = 0.8
    answer: float = 0.35  # of an option, against no answer at all
    answer_pair: float = 0.7  # from this share of the likeliest option's, the second is asked too
    control: float = 0.55


@dataclass(frozen=True)
class Standing:
    """Where the conversation stands when the message arrives."""

    language: str = "fr"
    form: str | None = None
    requested: str | None = None
    question: str | None = None  # the open question of the assessment, or "gate"
    topic: str | None = None  # the last thing talked about: `faq/<id>` or an intent
    offer: str | None = None  # the payload that "yes" would accept
    candidates: tuple[str, ...] = ()  # payloads of the last "did you mean"
    answered: Mapping[str, str] = field(default_factory=dict)  # question → option, so far
    buttons: Mapping[str, str] = field(default_factory=dict)  # title → payload, offered last
    coaches: Mapping[str, str] = field(default_factory=dict)  # the same of coaches, last ones last


@dataclass(frozen=True)
class Heard:
    """What was read in the message itself."""

    text: str
    labels: Ranking
    answers: Ranking = ()
    facets: Mapping[str, Sequence[str]] = field(default_factory=dict)
    cleared: frozenset[str] = frozenset()
    refused: Mapping[str, Sequence[str]] = field(default_factory=dict)
    adds: bool = False
    local: bool = False
    other_language: bool = False
    language: str = "keep"
    declined: str | None = None  # "distress", "partisan" or "insult": see mobilis.declined
    rank: Callable[[str], Ranking] | None = None  # ranks a part of the message
    glance: Callable[[str], Ranking] | None = None  # the same by its words alone, at no cost


@dataclass(frozen=True)
class Decision:
    """What the message means here. `extra` is read by the actions."""

    intent: str
    confidence: float
    entities: Mapping[str, Any] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)
    payload: str | None = None  # the message stands for this payload


@dataclass(frozen=True)
class Knowledge:
    """What the content says: used to read answers by letter and follow-ups by topic."""

    questions: tuple[str, ...]  # ids of the assessment's, in their order
    parse_choice: Callable[[str, str], str | None]  # (question, text) → option
    taught: Mapping[str, Mapping[str, str]]  # question → comparable text → option or "unsure"
    unsure_option: Callable[[str], str]
    yes_no: Callable[[str, bool], Sequence[str]]  # (question, yes?) → options it may mean
    follow_ups: Mapping[str, Sequence[str]]  # FAQ id → labels
    regional: frozenset[str]  # FAQ ids that answer by province
    tells_of: Callable[[str, str, str], bool]  # (FAQ id, text, language): has a line about it
    of_the_law: frozenset[str] = frozenset()  # FAQ ids
    on_guidance: frozenset[str] = frozenset()  # labels whose sources have the CRA's guidance


def decide(heard: Heard, standing: Standing, known: Knowledge, at: Thresholds) -> Decision:
    """The meaning of `heard` in `standing`. Never raises; what is not understood is `LOST`."""
    if not heard.labels:
        return Decision(LOST, 0.0)
    if standing.form == ASSESSMENT:
        heard = replace(heard, labels=_leaned(heard.labels, _LIKELY_IN_ASSESSMENT))
    heard = replace(heard, labels=_likely(heard.text, heard.labels, heard, standing))
    heard = replace(heard, labels=_said_again(heard, standing))
    if heard.rank:
        heard = replace(heard, rank=partial(_rank_part, heard.rank, heard, standing))
    for reading in _READINGS:
        decision = reading(heard, standing, known, at)
        if decision:
            return decision
    return _alone(heard, standing, at)


# "Can you give me an example?" is about success stories, except beside an open question.
_LIKELY_IN_ASSESSMENT = {"explain_question": 100.0, "go_back": 3.0, "stop": 3.0}


_SAME, _SUGGESTED = 3.0, 2.0  # the same, of the last answer's question, and of those it suggests
_GUESSED = 4.0  # how much likelier a guess is, said once more in other words


def _likely(text: str, labels: Ranking, heard: Heard, here: Standing) -> Ranking:
    """`labels` of `text`, but for a first one that it only resembles: "does Claire speak French"
    asks for no other language, "one more thing" for no other coaches."""
    label = labels[0][0]
    resembles = False
    if label == "faq/languages" and cues.is_of_coaches(text) and set(heard.facets) - {"language"}:
        return _leaned(labels, {label: 0.02, "find_coach": 20.0})  # « une coach … en français »
    if label == "switch_language" and heard.language in (KEEP, here.language):
        resembles = not cues.asks_for_a_language(text)
    elif label == "more_results" and here.topic != "find_coach":
        resembles = not (here.coaches and cues.asks_for_more(text))
    return _leaned(labels, {label: 0.02}) if resembles else labels


def _said_again(heard: Heard, here: Standing) -> Ranking:
    """The labels of a message that follows a "did you mean": who says it in other words means one
    of the guesses, or begins with something else."""
    guesses = {_label_of(candidate) for candidate in here.candidates}
    if heard.labels[0][0] not in guesses:
        return heard.labels
    return _leaned(heard.labels, dict.fromkeys(guesses, _GUESSED))


def _rank_part(rank: Callable[[str], Ranking], heard: Heard, here: Standing, part: str) -> Ranking:
    return _likely(part, rank(part), heard, here)


def _leaned(labels: Ranking, weights: Mapping[str, float]) -> Ranking:
    """`labels`, some of which are likelier here by a factor."""
    leaned = [(label, p * weights.get(label, 1.0)) for label, p in labels]
    kept = sum(p for _, p in labels) / (sum(p for _, p in leaned) or 1.0)
    leaned = [(label, min(p * kept, 1.0)) for label, p in leaned]
    return sorted(leaned, key=lambda pair: -pair[1])


def _typed_button(
    heard: Heard, here: Standing, known: Knowledge, at: Thresholds
) -> Decision | None:
    """The title of a button, typed; or one of the coaches shown last, who is to be reached."""
    said = fold(heard.text).rstrip(".! ")
    earlier = {} if here.form else here.coaches
    for title, payload in {**earlier, **here.buttons}.items():
        if said == fold(title).rstrip(".! "):
            return Decision("", 1.0, payload=payload)
    meant = _coach_meant(heard, here)
    return Decision("", 1.0, payload=meant) if meant else None


def _coach_meant(heard: Heard, here: Standing) -> str | None:
    """The payload that reaches the coach whom a message means: by name, by place, or the one."""
    text, shown = heard.text, here.coaches
    if here.form or not shown or ("?" in text and not cues.reaches(text)):
        return None
    named = [payload for title, payload in shown.items() if cues.names_one_of(text, title)]
    if heard.facets and not (len(named) == 1 and cues.reaches(text)):
        return None
    brief = len(words(text)) <= _BRIEF and here.topic == "find_coach"
    if len(named) == 1 and (brief or cues.reaches(text)):
        return named[0]
    offered = [payload for title, payload in shown.items() if here.buttons.get(title) == payload]
    if len(offered) == 1 and not named and cues.points_to_one(text) and cues.reaches(text):
        return offered[0]
    place = None if named else cues.place_in(text)
    return offered[place - 1] if place and place <= len(offered) else None


def _about_coaches(
    heard: Heard, here: Standing, known: Knowledge, at: Thresholds
) -> Decision | None:
    """Something asked about coaches who were shown, by name or as "which of them"."""
    shown, text = here.coaches, heard.text
    label, confidence = heard.labels[0]
    controls = label in CONTROL - {"request_human", "switch_language"}
    if here.form or not shown or (confidence >= at.sure and controls):
        return None
    if here.topic == "find_coach" and cues.asks_who_is_real(text):
        return Decision("find_coach", 1.0, extra={"asks": "real_coaches"})
    on_topic = here.topic == "find_coach" or cues.is_of_coaches(text)
    of_one = [payload for title, payload in shown.items() if cues.names_one_of(text, title)]
    place = cues.place_in(text) if on_topic and not of_one else None
    offered = [payload for title, payload in shown.items() if here.buttons.get(title) == payload]
    of_one = offered[place - 1 : place] if place else of_one
    latest = offered or [*shown.values()]
    of_all = latest if on_topic and cues.asks_about_them(text) else []
    about = of_one or of_all
    answered = confidence >= at.sure and label.startswith(FAQ) and label not in _OF_THE_DIRECTORY
    if not about or (answered and not heard.facets):
        return None
    asks = on_topic or cues.asks(text)
    wishes = heard.facets and not of_one and label not in _OF_THE_DIRECTORY
    if not asks or wishes:  # "any of them in Laval?"
        return None
    return Decision("find_coach", 1.0, extra={"about": [_coach_of(payload) for payload in about]})


def _coach_of(payload: str) -> str:
    """The id in the payload that reaches a coach."""
    return str(json.loads(payload[payload.index("{") :])["coach_id"])


def _picked(heard: Heard, here: Standing, known: Knowledge, at: Thresholds) -> Decision | None:
    """« la première », "2", "yes" after a "did you mean"."""
    picks = here.candidates
    if not picks:
        return None
    # In the assessment, letters and digits are those of the options, not places in the list.
    place = cues.place_of(heard.text, shortest=4 if here.form == ASSESSMENT else 1)
    if place and place <= len(picks):
        return Decision("", 1.0, payload=picks[place - 1])
    label, confidence = heard.labels[0]
    if label != "affirm":
        return None
    if len(here.candidates) == 1:
        return Decision("", confidence, payload=here.candidates[0])
    if here.form or len(words(heard.text)) > _YES_LENGTH:
        return None
    guesses = [_label_of(candidate) for candidate in here.candidates]  # a yes to which of them?
    return Decision(AMBIGUOUS, confidence, extra={"guesses": guesses})


def _label_of(payload: str) -> str:
    """The label that a payload stands for: `/faq{"faq_id": "cost"}` → `faq/cost`."""
    intent, brace, entities = payload.removeprefix("/").partition("{")
    faq = json.loads(brace + entities).get("faq_id") if brace else None
    return f"{FAQ}{faq}" if faq else intent


def _unreadable(heard: Heard, here: Standing, known: Knowledge, at: Thresholds) -> Decision | None:
    """Nothing but signs or pictures, or a command: neither is guessed at."""
    if is_command(heard.text):
        return Decision(LOST, 0.0)
    if words(heard.text):
        return None
    shown = [cues.PICTURES[sign] for sign in heard.text if sign in cues.PICTURES]
    if shown:
        return Decision(shown[0], 1.0)
    return Decision(LOST, 0.0, extra={"readable": False})


def _distressed(heard: Heard, here: Standing, known: Knowledge, at: Thresholds) -> Decision | None:
    """Somebody who may be in danger hears of help first, whatever else they say."""
    return Decision("out_of_scope", 1.0) if heard.declined == "distress" else None


def _lone(heard: Heard, here: Standing, known: Knowledge, at: Thresholds) -> Decision | None:
    """A letter or a number that picks nothing here: it is no word that could be guessed at."""
    return Decision(LOST, heard.labels[0][1]) if _is_lone(heard) else None


def _is_lone(heard: Heard) -> bool:
    """Whether a message is a letter or a number, but for those that stand for yes or no."""
    said = words(heard.text)
    alone = len(said) == 1 and (len(said[0]) == 1 or said[0].isdigit())
    return alone and heard.labels[0][0] not in ("affirm", "deny")


def _foreign(heard: Heard, here: Standing, known: Knowledge, at: Thresholds) -> Decision | None:
    """Another language than ours: never guessed at, although the encoder would."""
    return Decision(LOST, 0.0) if heard.language == OTHER else None


def _in_interest_form(
    heard: Heard, here: Standing, known: Knowledge, at: Thresholds
) -> Decision | None:
    if here.form != INTEREST:
        return None
    label, confidence = heard.labels[0]
    if here.requested == "lead_confirmed":
        if corrections(heard.text) or swap_in(heard.text):
            return Decision(INFORM, 1.0)
        is_control = label in CONTROL and confidence >= at.control
        if cues.cancels(heard.text) and not is_control:
            return Decision("stop", 1.0)
        return Decision("affirm", 1.0) if cues.sends(heard.text) else None
    if here.requested == "lead_consent":
        return _consented(heard, at)
    short = len(words(heard.text)) <= 8
    if "@" in heard.text:
        return Decision(INFORM, 1.0)
    if label in CONTROL and confidence >= at.control and short:
        return None
    if cues.cancels(heard.text):
        return Decision("stop", 1.0)
    named = here.requested == "lead_name" and is_person(heard.text)
    if named and not cues.is_plain_yes(heard.text) and not cues.declines(heard.text):
        return Decision(INFORM, 1.0)
    if label in ("deny", "affirm") and confidence >= at.control and len(words(heard.text)) <= 4:
        return None
    asks = here.requested != "lead_message" and cues.asks_after_all(heard.text)
    if asks and confidence >= at.sure and label not in PLEASANT:
        return None
    return Decision(INFORM, 1.0)


def _consented(heard: Heard, at: Thresholds) -> Decision | None:
    """« D'accord. Sylvie Roy, du Centre de femmes »: a yes, and what was going to be asked."""
    if cues.declines(heard.text) and "?" not in heard.text:
        return Decision("deny", 1.0)
    first, rest = first_part(heard.text)
    if not heard.rank or not rest or "?" in rest:
        return None
    label, confidence = heard.rank(first)[0]
    return Decision(label, confidence) if label == "affirm" and confidence >= at.part else None


def _leaves_details(
    heard: Heard, here: Standing, known: Knowledge, at: Thresholds
) -> Decision | None:
    """An address left outside of the form: to be written to."""
    if here.form or not tidy("email", heard.text):
        return None
    label, confidence = heard.labels[0]
    if label == "delete_my_data" and cues.erases(heard.text):
        return None
    if confidence >= at.sure and ("?" in heard.text or cues.asks(heard.text)):
        return None
    return Decision("declare_interest", max(confidence, at.sure))


def _in_assessment(
    heard: Heard, here: Standing, known: Knowledge, at: Thresholds
) -> Decision | None:
    if here.form != ASSESSMENT or not here.question:
        return None
    if cues.wants_no_questions(heard.text):
        return Decision("stop", 1.0)
    if cues.wants_it_explained(heard.text):
        return Decision("explain_question", 1.0)
    if here.question == GATE:
        return _at_gate(heard, here, at)
    if here.question not in known.questions:
        return _to_no_question(heard, at)
    option = known.parse_choice(here.question, cues.letter_of(heard.text))
    if option:
        return _answer(option, 1.0)
    taught = known.taught[here.question].get(comparable(heard.text))
    if taught:
        return _read_answer((taught, 1.0), here, known)
    label, confidence = heard.labels[0]
    best, close = _likeliest(heard.answers, at)
    if label in ("affirm", "deny") and confidence >= at.control and len(words(heard.text)) <= 3:
        return _yes_or_no(known.yes_no(here.question, label == "affirm"), confidence)
    is_answer = best[1] >= at.answer
    if label in CONTROL and confidence >= at.control and (not is_answer or confidence > best[1]):
        return None
    asks = cues.asks(heard.text)
    doubtful = best[1] < 0.5  # likelier no answer at all
    if (asks or doubtful) and confidence >= at.sure and (not is_answer or confidence > best[1]):
        return None
    if is_answer and close:
        return Decision(AMBIGUOUS, best[1], extra={"answer_options": close})
    return _read_answer(best, here, known) if is_answer else None


def _likeliest(answers: Ranking, at: Thresholds) -> tuple[tuple[str, float], list[str]]:
    """The likeliest option with its chance against "no answer at all"; and the two options that are
    too close to tell apart, if so."""
    none = dict(answers).get("none", 1.0)
    options = [(option, p) for option, p in answers if option != "none"][:2]
    if not options:
        return ("", 0.0), []
    (first, p), (second, q) = options[0], options[-1]
    close = first != second and q >= at.answer_pair * p and UNSURE not in (first, second)
    return (first, p / max(p + none, 1e-9)), [first, second] if close else []


def _to_no_question(heard: Heard, at: Thresholds) -> Decision | None:
    """The question asked last has left the content since: what answers it counts as nothing, and
    the next one is asked."""
    asks = heard.labels[0][1] >= at.sure and not _is_lone(heard)
    return None if asks else Decision(INFORM, heard.labels[0][1])


def _at_gate(heard: Heard, here: Standing, at: Thresholds) -> Decision | None:
    """After an answer that ends the assessment early: see the result, or correct the answer, by
    the button or by saying what is meant instead."""
    label, confidence = heard.labels[0]
    if label in ("affirm", "deny") and confidence >= at.control:
        return (
            _answer("confirm", confidence) if label == "affirm" else Decision(GO_BACK, confidence)
        )
    if label in CONTROL and confidence >= at.control:
        return None
    (option, p), _ = _likeliest(heard.answers, at)
    question = next(iter([*here.answered][::-1]), None)
    if not question or p < DOUBTFUL or option == UNSURE:
        return None
    if option == here.answered[question]:
        return _answer("confirm", p)
    return Decision(ANSWER, p, {"question": question, "option": option}, {"read": True})


def _changes_answer(
    heard: Heard, here: Standing, known: Knowledge, at: Thresholds
) -> Decision | None:
    """« La 2e, c'est plutôt B », "go back" after the result: that question is asked again."""
    if here.form == INTEREST:
        return None
    label, confidence = heard.labels[0]
    done = [question for question in known.questions if question in here.answered]
    if not done:
        return None
    change = change_in(heard.text)
    if not change and cues.ends_with_back(heard.text):
        if here.form:
            return Decision(GO_BACK, 1.0)
        label, confidence = GO_BACK, 1.0
    if change and change.number <= len(known.questions):
        question = known.questions[change.number - 1] if change.number else done[-1]
        if question in done:
            option = change.option or REOPEN
            return Decision(ANSWER, 1.0, {"question": question, "option": option}, {"read": True})
    if here.form or label != GO_BACK or confidence < at.control:
        return None
    return Decision(ANSWER, confidence, {"question": done[-1], "option": REOPEN})


def _answer(option: str, confidence: float, **extra: Any) -> Decision:
    return Decision(ANSWER, confidence, {"option": option}, extra)


def _read_answer(best: tuple[str, float], here: Standing, known: Knowledge) -> Decision:
    option, confidence = best
    if option == UNSURE:
        return _answer(known.unsure_option(here.question or ""), confidence, unsure=True)
    return _answer(option, confidence, read=True)


def _yes_or_no(options: Sequence[str], confidence: float) -> Decision | None:
    if not options:
        return None
    if len(options) == 1:
        return _answer(options[0], confidence, read=True)
    return Decision(AMBIGUOUS, confidence, extra={"answer_options": list(options)})


def _offered(heard: Heard, here: Standing, known: Knowledge, at: Thresholds) -> Decision | None:
    """ "Yes" to what the assistant just offered."""
    label, confidence = heard.labels[0]
    if not here.offer or here.form:
        return None
    erasing = here.offer.startswith(_ERASING)
    if erasing and cues.keeps(heard.text):
        return Decision("", 1.0, payload=_KEPT)
    if confidence < at.control:
        return None
    accepts = label == "affirm"
    if erasing and (accepts or label == "delete_my_data"):
        accepts = cues.is_plain_yes(heard.text)
        if not accepts:
            return Decision("delete_my_data", confidence)  # « ok envoie »: asked once more
    return Decision("", confidence, payload=here.offer) if accepts else None


def _about_the_reply(
    heard: Heard, here: Standing, known: Knowledge, at: Thresholds
) -> Decision | None:
    """When somebody will answer, right after a request for that."""
    if here.form or here.topic not in _AWAITING or not cues.asks_when(heard.text):
        return None
    label, confidence = heard.labels[0]
    if confidence >= at.sure and label.startswith(FAQ) and not cues.is_of_an_answer(heard.text):
        return None
    return Decision("request_human", confidence, extra={"asks": "reply_time"})


def _about_the_source(
    heard: Heard, here: Standing, known: Knowledge, at: Thresholds
) -> Decision | None:
    """Where the last answer comes from, or the link to that."""
    label, confidence = heard.labels[0]
    topic = here.topic or ""
    guided = cues.names_the_guidance(heard.text)
    if guided and topic not in known.on_guidance:
        topic = GUIDED
    alone = guided and len(words(heard.text)) <= _BRIEF_QUESTION  # "what's CG-027?"
    elsewhere = confidence >= at.sure and label not in (topic, here.topic) and not alone
    asks = alone or cues.asks_for_the_source(heard.text)
    if here.form or not topic.startswith(FAQ) or elsewhere or not asks:
        return None
    return Decision(topic, max(confidence, at.sure), extra={"asks": "source"})


def _asks_whom(heard: Heard, here: Standing, known: Knowledge, at: Thresholds) -> Decision | None:
    """Who could tell, where the last answer could not: the law's own lines for what is of the law,
    somebody of the team for the rest."""
    topic = here.topic or ""
    if here.form or not topic.startswith(FAQ) or not cues.asks_who_confirms(heard.text):
        return None
    label, confidence = heard.labels[0]
    if label != "faq/legal_advice" and confidence >= at.sure:
        return None
    of_the_law = topic.removeprefix(FAQ) in known.of_the_law
    return Decision("faq/legal_advice" if of_the_law else "request_human", max(confidence, at.sure))


def _erasing_in_case(
    heard: Heard, here: Standing, known: Knowledge, at: Thresholds
) -> Decision | None:
    """Whether one could have everything erased some day: told, and nothing is erased."""
    if here.form or not (cues.erases(heard.text) and cues.is_for_later(heard.text)):
        return None
    return Decision("faq/privacy", max(heard.labels[0][1], at.sure))


def _asked_before(
    heard: Heard, here: Standing, known: Knowledge, at: Thresholds
) -> Decision | None:
    """« Oui, mais d'abord, qui lit ça? »: the question that comes first."""
    asked = cues.asked_first(heard.text)
    if not heard.rank or not asked or here.form == ASSESSMENT:
        return None
    label, confidence = heard.rank(asked)[0]
    sure = confidence >= at.sure and label.startswith(FAQ)
    return Decision(label, confidence) if sure else None


def _leaning(heard: Heard, here: Standing, known: Knowledge, at: Thresholds) -> Decision | None:
    """A message that leans on what was just said: « et au Québec? », "in French", "what about…"."""
    if not here.topic or here.form == INTEREST:
        return None
    label, confidence = heard.labels[0]
    follows = cues.follows(heard.text)
    short = len(words(heard.text)) <= 7
    sure = confidence >= at.sure and not (follows and short and confidence < 0.85)
    topic = here.topic.removeprefix(FAQ)
    if heard.facets or heard.cleared or heard.refused:
        if here.topic == "find_coach" and label in _OF_LANGUAGE and heard.facets.get("language"):
            # « en anglais », said in French where the conversation is: the coach's
            ours = set(heard.facets["language"]) == {here.language}
            if ours or heard.language == here.language:
                return Decision("find_coach", max(confidence, at.sure))
        if here.topic == "find_coach" and (short or not sure) and label not in CONTROL:
            named = set(heard.facets) != {"language"} or not sure or label == "find_coach"
            if named and not (sure and label.startswith(FAQ)):
                return Decision("find_coach", max(confidence, at.sure))
        if here.topic == "find_coach" and short and (heard.cleared or heard.refused):
            return Decision("find_coach", max(confidence, at.sure))  # « enlève le logement »
        of_a_coach = not set(heard.facets) <= {"region", "level"} or cues.is_of_somebody(heard.text)
        elsewhere = sure and label != here.topic and (label != "find_coach" or of_a_coach)
        asked = any(map(cues.asks, clauses(heard.text))) and len(words(heard.text)) <= _STATED
        brief = short or asked or label == "find_coach"
        if "region" in heard.facets and topic in known.regional and brief and not elsewhere:
            return Decision(FAQ + topic, max(confidence, at.sure))
    if not sure and here.topic.startswith(FAQ):
        told = follows and known.tells_of(topic, heard.text, here.language)
        if told and confidence < at.sure and label not in CONTROL:
            return Decision(here.topic, at.sure)
        suggested = known.follow_ups.get(topic, ()) if follows else ()
        return _boosted(heard, here, suggested, at)
    return None


def _boosted(
    heard: Heard, here: Standing, suggested: Sequence[str], at: Thresholds
) -> Decision | None:
    """A message that may go on from the last answer, decided with a lean towards its question and,
    where it follows plainly, towards those that it suggested."""
    weights = dict.fromkeys([*suggested, *(FAQ + label for label in suggested)], _SUGGESTED)
    leaned = _leaned(heard.labels, {here.topic or "": _SAME, **weights})
    decision = _alone(replace(heard, labels=leaned), here, at)
    if decision.extra.get("guesses") == [here.topic]:  # nobody is asked whether they mean that
        return Decision(here.topic or "", decision.confidence)
    return decision


def _alone(heard: Heard, here: Standing, at: Thresholds) -> Decision:
    """The message by itself: two questions, one, one of its parts, a "did you mean", or lost."""
    two = _two_questions(heard, here, at)
    if two:
        return two
    label, confidence = heard.labels[0]
    # One word seldom says which question is meant.
    alone = label.startswith(FAQ) and len(words(heard.text)) == 1
    unsure = confidence < (at.one_word if alone else at.sure)
    if heard.declined == "partisan" or (heard.declined == "insult" and unsure):
        return Decision("out_of_scope", confidence)
    if label == "out_of_scope" and at.sure <= confidence < at.decline and not heard.declined:
        return Decision(LOST, confidence)  # rather "I did not understand" than a refusal
    beside = not unsure and _is_beside(label, heard)
    if not unsure and not beside:
        return Decision(label, confidence)
    part = _clearest_part(heard, at)
    if beside:
        if not part or not part.intent.startswith(FAQ):
            return Decision(label, confidence)
        return replace(part, extra={"switches": True}) if label == "switch_language" else part
    if part:
        return part
    if confidence >= at.clarify:
        least = at.clarify if label in _UNASKABLE else at.clarify / 2
        guesses = [name for name, p in heard.labels[:4] if p >= least and name not in _UNASKABLE][
            :3
        ]
        if guesses:
            return Decision(AMBIGUOUS, confidence, extra={"guesses": guesses})
    return Decision(LOST, confidence)


def _is_beside(label: str, heard: Heard) -> bool:
    """Whether a message that is plainly a pleasantry goes on: « Merci! Ça se déclare où? »; or one
    that asks for a language: "In English please. How much is it?"."""
    return label in _POLITE | {"switch_language"} and len(_likely_parts(heard.text)) > 1


def _clearest_part(heard: Heard, at: Thresholds) -> Decision | None:
    """The one part that asks something, in a message that also tells something."""
    if not heard.rank:
        return None
    ranked = [heard.rank(part)[0] for part in _likely_parts(heard.text)]
    asked = [pair for pair in ranked if _asks_something(pair[0])]
    best = max(asked, key=lambda pair: pair[1], default=("", 0.0))
    agrees = best[0] == heard.labels[0][0]  # the whole message points there too
    return Decision(*best) if best[1] >= (at.sure if agrees else at.part) else None


def _likely_parts(text: str) -> list[str]:
    """The parts of `text` that may ask what the whole does not tell: questions first; of a very
    long text the last of them alone, since each part costs as much as a short message."""
    parts = sorted(clauses(text), key=lambda part: not part.endswith("?"))
    if len(text) <= MAX_CHARACTERS:
        return parts[:4]
    return [part for part in parts if part.endswith("?")][-1:]


_UNASKABLE = frozenset({"out_of_scope", "affirm", "deny", "greet", "thank", "goodbye"})


def _two_questions(heard: Heard, here: Standing, at: Thresholds) -> Decision | None:
    label, confidence = heard.labels[0]
    sure = confidence >= at.sure
    if not heard.rank or (sure and (label in CONTROL or not _asks_something(label))):
        return None
    if cues.compares(heard.text):  # one thing with another
        return None
    if label == here.topic:
        *_, last = [heard.text, *clauses(heard.text)]
        other, p = heard.rank(last)[0] if last.endswith("?") and last != heard.text else ("", 0.0)
        if p >= at.part and other.startswith(FAQ) and other != label:
            return Decision(other, p)
    parts = [part for part in clauses(heard.text) if not cues.reacts(part)]
    if not 2 <= len(parts) <= 4 or not _may_ask_two(parts, heard.glance):
        return None
    asked = _questions_in(parts, heard.rank, at, label if sure else None)
    if here.topic in asked and not any(part.endswith("?") for part in parts[:-1]):
        asked.pop(here.topic)  # what was just answered is taken up, and the last part asks
        if asked:
            label = next(iter(asked))
            return Decision(label, asked[label])
    if not any(name.startswith(FAQ) for name in asked):
        return None
    first, *others = sorted(asked, key=lambda name: not name.startswith(FAQ))  # deeds come after
    return Decision(first, asked[first], extra={"also": others[:2]})


def _may_ask_two(parts: Sequence[str], glance: Callable[[str], Ranking] | None) -> bool:
    """Whether the words of `parts` point to two labels, however faintly."""
    if glance is None:
        return True
    ranked = [glance(part)[0] for part in parts]
    return len({label for label, p in ranked if p >= DOUBTFUL and _asks_something(label)}) > 1


def _questions_in(
    parts: Sequence[str], rank: Callable[[str], Ranking], at: Thresholds, whole: str | None
) -> dict[str, float]:
    """What `parts` ask plainly, in their order, with its confidence: two labels or more, `whole`
    among them, or nothing. The shortest, which seldom ask, are ranked first, and the others only
    while it may still come to that: each of them costs as much as a short message."""
    asked: dict[str, tuple[int, float]] = {}  # label → number of the part, confidence
    order = sorted(enumerate(parts), key=lambda pair: len(pair[1]))
    for done, (number, part) in enumerate(order):
        if _missing(set(asked), whole) > len(order) - done:
            return {}
        label, confidence = rank(part)[0]
        if confidence >= at.part and _asks_something(label) and label not in _COMMANDS:
            asked[label] = min(asked.get(label, (number, confidence)), (number, confidence))
    if _missing(set(asked), whole):
        return {}
    in_order = sorted(asked, key=lambda label: asked[label][0])
    return {label: asked[label][1] for label in in_order}


def _missing(asked: set[str], whole: str | None) -> int:
    """How many labels `asked` lacks to be two, one of them `whole` if there is one."""
    if whole is None:
        return max(2 - len(asked), 0)
    return (whole not in asked) + (not asked - {whole})


def _asks_something(label: str) -> bool:
    return label not in PLEASANT and label != "out_of_scope"


_READINGS = (
    _typed_button,
    _picked,
    _distressed,
    _in_interest_form,
    _unreadable,
    _changes_answer,
    _in_assessment,
    _lone,
    _foreign,
    _leaves_details,
    _offered,
    _erasing_in_case,
    _asked_before,
    _about_coaches,
    _about_the_reply,
    _about_the_source,
    _asks_whom,
    _leaning,
)


def describe(ranking: Ranking, count: int = 3) -> list[dict[str, Any]]:
    """The best of a ranking, as data that staff can read later."""
    return [{"label": label, "confidence": round(p, 4)} for label, p in ranking[:count]]
