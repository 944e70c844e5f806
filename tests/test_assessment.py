"""The readiness self-assessment: its content, its order, its scoring, and how a choice is named."""

from __future__ import annotations

import copy
import itertools
import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from mobilis.assessment import (
    UNSURE,
    Answer,
    Assessment,
    GateConfirmation,
    Question,
    Result,
    answers_from_dict,
    answers_to_dict,
    load_assessment,
)
from mobilis.errors import ContentError
from mobilis.likeness import comparable

pytestmark = pytest.mark.pure

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "assessment" / "readiness.yml"
LANGUAGES = ("fr", "en")
QUESTIONS = ["aim", "impact", "change", "allies", "capacity"]
GATES = [("b", "AWARENESS"), ("c", "FUNDING"), ("d", "PARTISAN")]


@pytest.fixture(scope="module")
def assessment() -> Assessment:
    return load_assessment(FILE)


@pytest.fixture(scope="module")
def small_file() -> dict[str, Any]:
    """The data of the real file with few phrasings, quick to write and read again."""
    data: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    for question in data["questions"]:
        for option in question["options"]:
            option["phrasings"] = {lang: option["phrasings"][lang][:2] for lang in LANGUAGES}
    return data


@pytest.fixture
def load_changed(
    tmp_path: Path, small_file: dict[str, Any]
) -> Callable[[Callable[[dict[str, Any]], object]], Assessment]:
    """Load the file after a change to its data."""

    def load(change: Callable[[dict[str, Any]], object]) -> Assessment:
        data = copy.deepcopy(small_file)
        change(data)
        path = tmp_path / "assessment" / "readiness.yml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
        return load_assessment(path)

    return load


def answered(letters: str) -> dict[str, Answer]:
    """Answers from one letter per question, in order."""
    return {question: Answer(letter) for question, letter in zip(QUESTIONS, letters, strict=False)}


# --- Scoring -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("letters", "total", "band", "gaps", "coalition_hint"),
    [
        ("aaaaa", 15, "ready", (), False),
        ("aabbb", 12, "ready", ("change", "allies", "capacity"), False),
        ("abbbb", 11, "nearly", ("impact", "change", "allies", "capacity"), False),
        ("aaaad", 12, "nearly", ("capacity",), False),
        ("abbdd", 7, "foundations", ("allies", "capacity", "impact", "change"), False),
        ("adaaa", 12, "foundations", ("impact",), False),
        ("aaaca", 13, "coalition", ("allies",), False),
        ("adaca", 10, "foundations", ("impact", "allies"), True),
    ],
)
def test_finished_answers_lead_to_a_band_with_a_total_and_gaps_lowest_first(
    assessment: Assessment,
    letters: str,
    total: int,
    band: str,
    gaps: tuple[str, ...],
    coalition_hint: bool,
) -> None:
    result = assessment.score(answered(letters))
    assert result == Result(band, None, total, 15, gaps, coalition_hint)


@pytest.mark.parametrize(
    ("letter", "band", "variant"),
    [
        ("b", "not_fit_aim", "AWARENESS"),
        ("c", "not_fit_aim", "FUNDING"),
        ("d", "not_fit_partisan", None),
    ],
)
@pytest.mark.parametrize("rest", ["", "aaaa", "dcdd"])
def test_a_gate_answer_gives_its_band_whatever_was_answered_after_it(
    assessment: Assessment, letter: str, band: str, variant: str | None, rest: str
) -> None:
    result = assessment.score(answered(letter + rest))
    assert result == Result(band, variant, None, 15, (), False)


def test_the_256_answer_sets_without_a_gate_fall_as_published(assessment: Assessment) -> None:
    results = [
        assessment.score(answered("a" + "".join(letters)))
        for letters in itertools.product("abcd", repeat=4)
    ]
    assert Counter(result.band for result in results) == {
        "ready": 15,
        "nearly": 105,
        "coalition": 48,
        "foundations": 88,
    }
    assert sum(result.coalition_hint for result in results) == 16


def test_unfinished_answers_have_no_result(assessment: Assessment) -> None:
    with pytest.raises(ValueError, match="the question change has no answer yet"):
        assessment.score(answered("aa"))


@pytest.mark.parametrize("question", QUESTIONS)
def test_an_unsure_answer_takes_the_fewest_points_and_never_a_flag(
    assessment: Assessment, question: str
) -> None:
    asked = assessment.question(question)
    option = asked.option(assessment.unsure_option(asked))
    assert option is not None
    assert option.flag is None
    assert option.id == ("a" if question == "aim" else "d")


def test_a_phrasing_stands_for_its_option_whatever_its_case_and_marks(
    assessment: Assessment,
) -> None:
    asked = assessment.question("change")
    phrasing = asked.options[2].phrasings["fr"][0]
    known = assessment.taught(asked)
    assert known[comparable(f"{phrasing.upper()} !!")] == asked.options[2].id
    assert known[comparable("Aucune idée.")] == UNSURE


def test_what_is_written_for_two_options_stands_for_neither(assessment: Assessment) -> None:
    asked = assessment.question("change")
    one, *others = asked.options
    other = replace(others[0], phrasings=one.phrasings)
    known = assessment.taught(replace(asked, options=(one, other)))
    assert set(known.values()) == {UNSURE}


def test_being_unsure_everywhere_leads_to_foundations_not_to_a_gate(
    assessment: Assessment,
) -> None:
    answers = {
        question.id: Answer(assessment.unsure_option(question), unsure=True)
        for question in assessment.questions
    }
    assert assessment.score(answers).band == "foundations"
    assert assessment.score(answers).total == 3


# --- Order ---------------------------------------------------------------------------------


def test_questions_come_one_after_the_other_and_then_there_is_a_result(
    assessment: Assessment,
) -> None:
    asked = []
    answers: dict[str, Answer] = {}
    while (step := assessment.next_step(answers, gate_confirmed=False)) is not None:
        assert isinstance(step, Question)
        asked.append((step.number, step.id))
        answers[step.id] = Answer("a")
    assert asked == list(enumerate(QUESTIONS, 1))


@pytest.mark.parametrize(("letter", "flag"), GATES)
def test_a_gate_answer_offers_a_correction_and_then_ends_the_questions(
    assessment: Assessment, letter: str, flag: str
) -> None:
    step = assessment.next_step(answered(letter), gate_confirmed=False)
    assert isinstance(step, GateConfirmation)
    assert (step.question.id, step.option.id, step.flag) == ("aim", letter, flag)
    assert step.text == assessment.question("aim").gate[flag]
    assert assessment.next_step(answered(letter), gate_confirmed=True) is None


def test_yes_keeps_a_gate_answer_so_its_text_ends_with_a_question_and_offers_a_correction(
    assessment: Assessment,
) -> None:
    for text in assessment.question("aim").gate.values():
        assert text["fr"].endswith("bien votre but principal?")
        assert text["en"].endswith("your main goal?")
        assert "corriger votre réponse" in text["fr"]
        assert "correct your answer" in text["en"]


@pytest.mark.parametrize(
    ("question", "yes", "no"),
    [
        ("aim", "", ""),
        ("impact", "ab", "cd"),
        ("change", "a", "d"),
        ("allies", "ab", "d"),
        ("capacity", "ab", "cd"),
    ],
)
def test_a_bare_yes_or_no_is_an_answer_only_where_it_can_be_one(
    assessment: Assessment, question: str, yes: str, no: str
) -> None:
    asked = assessment.question(question)
    assert (asked.yes, asked.no) == (tuple(yes), tuple(no))


def test_a_corrected_gate_answer_goes_on_with_the_next_question(assessment: Assessment) -> None:
    step = assessment.next_step(answered("a"), gate_confirmed=False)
    assert isinstance(step, Question)
    assert step.id == "impact"


def test_a_coalition_answer_does_not_end_the_questions(assessment: Assessment) -> None:
    step = assessment.next_step(answered("aaac"), gate_confirmed=False)
    assert isinstance(step, Question)
    assert step.id == "capacity"


def test_an_answer_whose_option_left_the_file_is_asked_again(assessment: Assessment) -> None:
    step = assessment.next_step({**answered("aaa"), "impact": Answer("z")}, False)
    assert isinstance(step, Question)
    assert step.id == "impact"


@pytest.mark.parametrize(
    ("letters", "previous"),
    [
        ("", None),
        ("a", "aim"),
        ("aab", "change"),
        ("aabcd", "capacity"),
        ("d", "aim"),
        ("daa", "aim"),
    ],
)
def test_going_back_returns_to_the_last_answered_question(
    assessment: Assessment, letters: str, previous: str | None
) -> None:
    assert assessment.previous(answered(letters)) == previous


def test_going_back_counts_from_the_question_being_asked(assessment: Assessment) -> None:
    answers = answered("aaaa")
    del answers["impact"]
    assert assessment.previous(answers) == "aim"


def test_answers_survive_a_slot() -> None:
    answers = {"aim": Answer("a"), "impact": Answer("d", unsure=True, text="aucune idée")}
    assert answers_from_dict(json.loads(json.dumps(answers_to_dict(answers)))) == answers
    assert answers_from_dict(None) == {}


# --- Naming a choice -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "option"),
    [
        ("b", "b"),
        ("B)", "b"),
        ("(b)", "b"),
        ("b.", "b"),
        ("2", "b"),
        ("2)", "b"),
        ("#2", "b"),
        ("n° 2", "b"),
        ("no 2", "b"),
        ("2️⃣", "b"),
        ("à", "a"),
        ("option c", "c"),
        ("Option C.", "c"),
        ("l'option b", "b"),
        ("réponse d", "d"),
        ("La réponse D svp", "d"),
        ("la b", "b"),
        ("c'est la c", "c"),
        ("je dirais plutôt la b", "b"),
        ("mettons c", "c"),
        ("non, b", "b"),
        ("c, je pense", "c"),
        ("numéro trois", "c"),
        ("le deux", "b"),
        ("la première", "a"),
        ("1re", "a"),
        ("1er choix", "a"),
        ("la deuxième", "b"),
        ("deuxieme", "b"),
        ("la 2ième option", "b"),
        ("la seconde", "b"),
        ("l'avant-dernière", "c"),
        ("la dernière", "d"),
        ("celle du bas", "d"),
        ("second", "b"),
        ("the first one", "a"),
        ("the 2nd one please", "b"),
        ("no, the third one", "c"),
        ("I'll go with c", "c"),
        ("number three", "c"),
        ("answer two", "b"),
        ("the second last", "c"),
        ("the last one", "d"),
        ("Pas d’équipe pour l’instant", "d"),
        ("no team yet", "d"),
        ("d) No team yet", "d"),
        ("4. No team yet", "d"),
    ],
)
def test_a_named_choice_is_understood(assessment: Assessment, text: str, option: str) -> None:
    assert assessment.parse_choice(assessment.question("capacity"), text) == option


@pytest.mark.parametrize(
    "text",
    [
        "",
        "?!",
        "2 ou 3 personnes",
        "2 personnes",
        "2-5",
        "2.5",
        "0",
        "5",
        "20",
        "e",
        "deux",
        "two",
        "one",
        "no one",
        "none",
        "les deux",
        "a lot of time",
        "we are a team of 4",
        "on a pas d'équipe",
        "d'accord",
        "c'est ça",
        "c bon",
        "n/a",
        "a ou b",
        "a et c",
        "b or c",
        "not b",
        "pas la b",
        "plan b",
        "question 2",
        "une seconde",
        "one second",
        "la première fois",
        "le premier ministre",
        "the first two",
        "oui",
        "la " * 500,
    ],
)
def test_a_text_that_says_more_or_something_else_names_no_choice(
    assessment: Assessment, text: str
) -> None:
    assert assessment.parse_choice(assessment.question("capacity"), text) is None


def test_every_title_names_its_option_in_both_languages(assessment: Assessment) -> None:
    for question in assessment.questions:
        for option in question.options:
            for title in option.title.values():
                assert assessment.parse_choice(question, title) == option.id
                assert assessment.parse_choice(question, title.upper()) == option.id


def test_no_phrasing_is_mistaken_for_a_named_choice(assessment: Assessment) -> None:
    for question in assessment.questions:
        for option in question.options:
            for phrasing in itertools.chain.from_iterable(option.phrasings.values()):
                assert assessment.parse_choice(question, phrasing) in (None, option.id), phrasing
        for phrasing in itertools.chain.from_iterable(assessment.unsure.values()):
            assert assessment.parse_choice(question, phrasing) is None, phrasing


# --- Content -------------------------------------------------------------------------------


def test_there_are_enough_phrasings_and_none_stands_for_two_options(
    assessment: Assessment,
) -> None:
    for question in assessment.questions:
        for language in LANGUAGES:
            phrasings = [
                re.sub(r"\W+", " ", phrasing.casefold()).strip()
                for option in question.options
                for phrasing in (*option.phrasings[language],)
            ]
            phrasings += [text.casefold() for text in assessment.unsure[language]]
            repeated = [text for text, count in Counter(phrasings).items() if count > 1]
            assert not repeated, (question.id, language)
            for option in question.options:
                count = len(option.phrasings[language])
                assert count >= 25, (question.id, option.id, language)
    assert all(len(assessment.unsure[language]) >= 25 for language in LANGUAGES)


def sentences(assessment: Assessment, language: str) -> list[str]:
    """Everything the assistant itself says in one language; not how visitors talk."""
    texts = [assessment.intro, assessment.indicative, assessment.clarify]
    for question in assessment.questions:
        texts += [question.text, question.explanation, question.tip, question.gap]
        texts += [question.examples, *question.gate.values()]
        for option in question.options:
            texts += [option.title, option.noted, option.explanation]
    for band in assessment.bands.values():
        texts += [band.title, *band.variants.values()]
        texts += [text for text in (band.text, band.coalition_hint) if text]
    return [text[language] for text in texts]


def test_both_languages_say_the_same_number_of_different_things(assessment: Assessment) -> None:
    french, english = sentences(assessment, "fr"), sentences(assessment, "en")
    assert len(french) == len(english)
    assert not set(french) & set(english)


def test_french_typography_is_that_of_the_house(assessment: Assessment) -> None:
    for sentence in sentences(assessment, "fr"):
        assert not re.search(r"(?<!\u00a0)[:»%]|«(?!\u00a0)|\s[;!?]|[·•’]", sentence), sentence


def test_explanations_are_at_most_three_sentences(assessment: Assessment) -> None:
    for question in assessment.questions:
        for text in question.explanation.values():
            assert len(re.findall(r"[.?!]+[\"» \u00a0]*(?:\s|$)", text)) <= 3, text


def test_what_is_read_back_or_listed_has_no_capital_and_no_full_stop(
    assessment: Assessment,
) -> None:
    for question in assessment.questions:
        for option in question.options:
            for text in (*question.gap.values(), *option.noted.values()):
                assert text[0].islower() or text[0].isdigit(), text
                assert text[-1] not in ".;:", text


def test_next_steps_and_notices_exist(assessment: Assessment) -> None:
    choices = yaml.safe_load((ROOT / "content/choices.yml").read_text(encoding="utf-8"))
    notices = yaml.safe_load((ROOT / "content/notices.yml").read_text(encoding="utf-8"))
    for band in assessment.bands.values():
        assert band.next_steps, band.id
        for step in band.next_steps:
            assert step in choices or (ROOT / "faq" / f"{step}.yml").exists(), (band.id, step)
        assert set(band.notices) <= set(notices), band.id


def test_every_result_has_words(assessment: Assessment) -> None:
    results = [assessment.score(answered(letter)) for letter, _ in GATES]
    results += [assessment.score(answered(text)) for text in ("aaaaa", "abbbb", "aaaca", "adaca")]
    for result in results:
        words = assessment.bands[result.band].words(result.variant)
        assert words["fr"] and words["en"]


def test_a_misfit_can_be_retaken(assessment: Assessment) -> None:
    assert "start_over" in assessment.bands["not_fit_aim"].next_steps


def ids(assessment: Assessment, answers: dict[str, Answer]) -> list[tuple[str, str]]:
    return [(question.id, option.id) for question, option in assessment.answered(answers)]


def test_what_was_answered_stands_in_the_order_of_the_questions(assessment: Assessment) -> None:
    shuffled = dict(reversed(answered("abcda").items()))
    assert ids(assessment, shuffled) == list(zip(QUESTIONS, "abcda", strict=True))
    assert ids(assessment, {"change": Answer("b")}) == [("change", "b")]
    assert ids(assessment, {}) == []


def test_what_was_answered_ends_with_a_gate_and_without_options_that_are_gone(
    assessment: Assessment,
) -> None:
    assert ids(assessment, answered("cabcd")) == [("aim", "c")]
    assert ids(assessment, {**answered("azb"), "former": Answer("a")}) == [
        ("aim", "a"),
        ("change", "b"),
    ]


@pytest.mark.parametrize("letters", ["aaaaa", "abbbb", "aaaca", "adaca", "b", "c", "d"])
def test_a_result_is_recalled_as_it_was_given(assessment: Assessment, letters: str) -> None:
    answers = answered(letters)
    given = assessment.score(answers)
    recalled = assessment.recall(answers, given.band, given.variant, given.total, given.gaps)
    assert recalled == given


def test_a_result_that_was_given_stays_when_the_rules_change(
    assessment: Assessment,
    load_changed: Callable[[Callable[[dict[str, Any]], object]], Assessment],
) -> None:
    def change(data: dict[str, Any]) -> None:
        data["scoring"].update(ready_total=15, nearly_total=14)
        data["questions"].pop()

    answers = answered("aabbb")
    given = assessment.score(answers)
    recalled = load_changed(change).recall(answers, *(given.band, None, given.total, given.gaps))
    assert recalled is not None
    assert (recalled.band, recalled.total) == ("ready", 12)
    assert recalled.gaps == ("change", "allies")


def test_a_result_whose_words_are_gone_cannot_be_recalled(assessment: Assessment) -> None:
    answers = answered("aaaaa")
    assert assessment.recall(answers, "former", None, 12, ()) is None
    assert assessment.recall(answers, "ready", "FORMER", 12, ()) is None
    assert assessment.recall(answers, "not_fit_aim", None, None, ()) is None


# --- The file as a schema ------------------------------------------------------------------


def test_a_new_question_and_a_new_option_need_no_python(
    load_changed: Callable[[Callable[[dict[str, Any]], object]], Assessment],
) -> None:
    def change(data: dict[str, Any]) -> None:
        question = copy.deepcopy(data["questions"][4])
        question["id"] = "evidence"
        question["options"].append({**copy.deepcopy(question["options"][0]), "id": "e"})
        data["questions"].append(question)

    assessment = load_changed(change)
    step = assessment.next_step(answered("aaaaa"), gate_confirmed=False)
    assert isinstance(step, Question)
    assert (step.id, step.number) == ("evidence", 6)
    assert assessment.parse_choice(step, "la cinquième") == "e"
    assert assessment.parse_choice(step, "the last one") == "e"
    result = assessment.score({**answered("aaaaa"), "evidence": Answer("d")})
    assert (result.band, result.total, result.of) == ("nearly", 15, 18)
    assert result.gaps == ("evidence",)


def test_thresholds_come_from_the_file(
    load_changed: Callable[[Callable[[dict[str, Any]], object]], Assessment],
) -> None:
    assessment = load_changed(lambda data: data["scoring"].update(ready_total=13))
    assert assessment.score(answered("aabbb")).band == "nearly"


WRONG: list[tuple[Callable[[dict[str, Any]], object], str]] = [
    (lambda d: d.pop("intro"), "intro.fr is missing"),
    (lambda d: d["clarify"].pop("en"), "clarify.en is missing"),
    (lambda d: d.pop("version"), "version is missing"),
    (lambda d: d.update(version=2), "version must be a text"),
    (lambda d: d.update(questions=[]), "questions must be a list"),
    (lambda d: d.update(questions=["aim"]), "questions[1] must be a mapping"),
    (lambda d: d.update(extra=1), "extra is not a known field"),
    (
        lambda d: d["questions"][1]["options"][0]["title"].pop("fr"),
        "questions[2].options[1].title.fr is missing",
    ),
    (
        lambda d: d["questions"][1]["options"][0]["title"].update(en=" "),
        "questions[2].options[1].title.en is missing",
    ),
    (lambda d: d["questions"][2].pop("tip"), "questions[3].tip.fr is missing"),
    (lambda d: d["questions"][2].update(tips={}), "questions[3].tips is not a known field"),
    (lambda d: d["questions"][0]["gate"]["FUNDING"].pop("en"), "questions[1].gate.FUNDING.en"),
    (
        lambda d: d["questions"][0]["gate"].update(OTHER={"fr": "x", "en": "y"}),
        "questions[1].gate.OTHER is the flag of no option",
    ),
    (
        lambda d: d["questions"][0]["options"][1].update(points="two"),
        "questions[1].options[2].points must be a whole number",
    ),
    (
        lambda d: d["questions"][0]["options"][1].update(points=True),
        "questions[1].options[2].points must be a whole number",
    ),
    (
        lambda d: d["questions"][3]["options"][2].update(flag="COALITON"),
        "questions[4].options[3].flag is COALITON, not in scoring.flags",
    ),
    (
        lambda d: d["questions"][2].update(yes=["z"]),
        "questions[3].yes names z, which is no option",
    ),
    (
        lambda d: d["questions"][0]["options"].pop(0),
        "questions[1].options needs an option without a flag",
    ),
    (
        lambda d: d["questions"][1]["options"][3].update(id="a"),
        "questions[2].options[4].id stands there twice: a",
    ),
    (
        lambda d: d["questions"][4].update(id="aim"),
        "questions[5].id stands there twice: aim",
    ),
    (
        lambda d: d["questions"][1]["options"][3]["phrasings"].pop("en"),
        "questions[2].options[4].phrasings.en is missing",
    ),
    (
        lambda d: d["questions"][1]["options"][3]["phrasings"]["en"].append(False),
        "questions[2].options[4].phrasings.en[3] is not a text",
    ),
    (
        lambda d: d["questions"][1]["options"][3]["phrasings"].update(en=["No!", "no"]),
        "questions[2].options[4].phrasings.en[2] stands there twice: no",
    ),
    (lambda d: d["unsure"].update(fr="non"), "unsure.fr must be a list"),
    (lambda d: d["bands"].pop("nearly"), "bands.nearly is missing"),
    (lambda d: d["bands"].pop("coalition"), "bands.coalition is missing"),
    (lambda d: d["bands"]["ready"]["text"].pop("en"), "bands.ready.text.en is missing"),
    (lambda d: d["bands"]["ready"].update(text="Oui"), "bands.ready.text must be a mapping"),
    (
        lambda d: d["bands"]["not_fit_aim"]["text"].pop("FUNDING"),
        "bands.not_fit_aim.text.FUNDING is missing",
    ),
    (
        lambda d: d["bands"]["foundations"].pop("coalition_hint"),
        "bands.foundations.coalition_hint is missing",
    ),
    (lambda d: d["scoring"].pop("ready_total"), "scoring.ready_total is missing"),
    (
        lambda d: d["scoring"].update(required=["impacts"]),
        "scoring.required names impacts, which is no question",
    ),
    (lambda d: d["choice_words"].pop("en"), "choice_words.en is missing"),
]


@pytest.mark.parametrize(("change", "message"), WRONG, ids=[message for _, message in WRONG])
def test_an_error_in_the_file_names_the_file_and_the_field(
    load_changed: Callable[[Callable[[dict[str, Any]], object]], Assessment],
    change: Callable[[dict[str, Any]], object],
    message: str,
) -> None:
    with pytest.raises(ContentError) as caught:
        load_changed(change)
    assert str(caught.value).startswith(f"assessment/readiness.yml: {message}")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match=r"assessment/readiness\.yml: the file is missing"):
        load_assessment(tmp_path / "assessment" / "readiness.yml")


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "assessment" / "readiness.yml"
    path.parent.mkdir()
    path.write_text("", encoding="utf-8")
    with pytest.raises(ContentError, match="the file must be a mapping"):
        load_assessment(path)
