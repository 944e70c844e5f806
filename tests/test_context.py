"""What a message means where it was said: `decide`, branch by branch, with no model and no Rasa."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobilis.nlu.context import (
    AMBIGUOUS,
    ANSWER,
    ASSESSMENT,
    CONTROL,
    GATE,
    INFORM,
    INTEREST,
    LOST,
    PLEASANT,
    REOPEN,
    Decision,
    Heard,
    Knowledge,
    Ranking,
    Standing,
    Thresholds,
    _two_questions,
    decide,
    describe,
)

pytestmark = pytest.mark.pure

AT = Thresholds()
LETTERS = {"a": "a", "b": "b", "la deuxième": "b", "c": "c"}
YES_NO = {("aim", True): ("a",), ("aim", False): ("b", "c"), ("impact", True): ()}
KNOWN = Knowledge(
    questions=("aim", "impact"),
    parse_choice=lambda question, text: LETTERS.get(text.lower()),
    taught={"aim": {"aucune idee du tout": "unsure", "pas dequipe": "b"}, "impact": {}},
    unsure_option=lambda question: {"aim": "c"}.get(question, "d"),
    yes_no=lambda question, yes: YES_NO.get((question, yes), ()),
    follow_ups={"cost": ("funding_request", "find_coach")},
    regional=frozenset({"lobbying_registration"}),
    tells_of=lambda faq, text, language: "bénévoles" in text,
    of_the_law=frozenset({"lobbying_registration"}),
    on_guidance=frozenset({"faq/cra_limits", "faq/cra_definition"}),
)

NOWHERE = Standing()
ASSESSED = Standing(form=ASSESSMENT, requested="assessment_answer", question="aim")


def asked_for(field: str) -> Standing:
    return Standing(form=INTEREST, requested=f"lead_{field}")


def hear(text: str, *labels: tuple[str, float] | str, **more: Any) -> Heard:
    """`text` with its ranking; a label alone is one that is sure."""
    ranking = [(label, 0.9) if isinstance(label, str) else label for label in labels]
    return Heard(text, ranking or [("out_of_scope", 0.1)], **more)


def mean(heard: Heard, here: Standing = NOWHERE, at: Thresholds = AT) -> Decision:
    return decide(heard, here, KNOWN, at)


def ranker(**labels: Ranking) -> Callable[[str], Ranking]:
    """Ranks a part of a message by the first of the given words that it holds."""

    def rank(text: str) -> Ranking:
        return next((r for word, r in labels.items() if word in text), [("out_of_scope", 0.9)])

    return rank


# --- alone: sure, ambiguous, lost


def test_a_sure_label_is_what_was_meant() -> None:
    assert mean(hear("c'est combien?", ("faq/cost", 0.5))) == Decision("faq/cost", 0.5)


def test_a_label_that_is_likely_only_is_asked_about() -> None:
    decision = mean(hear("l'argent", ("faq/cost", 0.49), ("faq/funding_scope", 0.2)))
    assert decision.intent == AMBIGUOUS
    assert decision.confidence == 0.49
    assert decision.extra == {"guesses": ["faq/cost", "faq/funding_scope"]}


def test_at_most_three_likely_labels_are_asked_about() -> None:
    labels = [("faq/cost", 0.3), ("faq/examples", 0.1), ("stop", 0.09), ("faq/privacy", 0.2)]
    decision = mean(hear("hm", *labels, ("faq/timeline", 0.2)))
    assert decision.extra == {"guesses": ["faq/cost", "faq/examples", "faq/privacy"]}


def test_nothing_likely_is_lost() -> None:
    assert mean(hear("blorp", ("faq/cost", 0.19))) == Decision(LOST, 0.19)


@pytest.mark.parametrize("label", ["out_of_scope", "affirm", "deny", "greet", "thank", "goodbye"])
def test_what_cannot_be_asked_about_is_not_offered(label: str) -> None:
    decision = mean(hear("hm", (label, 0.4), ("faq/cost", 0.3)))
    assert decision.extra == {"guesses": ["faq/cost"]}
    assert mean(hear("hm", (label, 0.4))) == Decision(LOST, 0.4)


@pytest.mark.parametrize("reason", ["insult", "partisan"])
def test_words_that_are_declined_decide_where_the_label_is_doubtful(reason: str) -> None:
    heard = hear("hm", ("request_human", 0.4), ("faq/cost", 0.3), declined=reason)
    assert mean(heard) == Decision("out_of_scope", 0.4)


def test_a_sure_label_counts_before_an_insult_but_not_before_partisan_work() -> None:
    assert mean(hear("c'est con", ("stop", AT.sure), declined="insult")).intent == "stop"
    sure = hear("un candidat", ("faq/cra_nonpartisan", 1.0), declined="partisan")
    assert mean(sure).intent == "out_of_scope"


def test_one_word_must_be_surer_to_stand_for_a_question() -> None:
    assert mean(hear("funding", ("faq/cost", 0.7))).intent == AMBIGUOUS
    assert mean(hear("funding", ("faq/cost", AT.one_word))).intent == "faq/cost"
    assert mean(hear("merci", ("thank", AT.sure))).intent == "thank"


@pytest.mark.parametrize("text", ["/restart", '/inform{"score": 15}', "\u2060/stop"])
def test_a_typed_command_is_never_followed(text: str) -> None:
    assert mean(hear(text, ("start_over", 1.0))) == Decision(LOST, 0.0)


@pytest.mark.parametrize("text", ["", "🎉🎉", "???", "…", " \u200b"])
@pytest.mark.parametrize("here", [NOWHERE, ASSESSED, Standing(offer="/stop")])
def test_signs_and_pictures_alone_cannot_be_read(text: str, here: Standing) -> None:
    assert mean(hear(text, "affirm"), here) == Decision(LOST, 0.0, extra={"readable": False})


@pytest.mark.parametrize("here", [NOWHERE, Standing(offer="/stop"), Standing(topic="faq/cost")])
def test_another_language_is_never_guessed_at(here: Standing) -> None:
    assert mean(hear("¿Cuánto cuesta?", "affirm", language="other"), here) == Decision(LOST, 0.0)


def test_a_name_of_another_language_is_still_a_name() -> None:
    heard = hear("Organización Nuevos Horizontes", "faq/what_is", language="other")
    assert mean(heard, asked_for("organization")) == Decision(INFORM, 1.0)


def test_a_letter_answers_in_any_language() -> None:
    assert mean(hear("b", "stop", language="other"), ASSESSED) == answered("b", 1.0)


def test_a_message_that_nothing_was_read_in_is_lost() -> None:
    assert decide(Heard("", []), ASSESSED, KNOWN, AT) == Decision(LOST, 0.0)


# --- picked after a "did you mean"


PICKS = Standing(candidates=('/faq{"faq_id": "cost"}', "/stop", "/find_coach"))


@pytest.mark.parametrize(
    ("text", "payload"),
    [
        ("1", '/faq{"faq_id": "cost"}'),
        ("la première", '/faq{"faq_id": "cost"}'),
        ("a)", '/faq{"faq_id": "cost"}'),
        ("le 2 svp", "/stop"),
        ("the second one", "/stop"),
        ("the second, please", "/stop"),
        ("B", "/stop"),
        ("option c", "/find_coach"),
        ("c", "/find_coach"),
        ("c'est la c", "/find_coach"),
        ("c'est la 2", "/stop"),
        ("c'est", None),
        ("la troisième", "/find_coach"),
        ("le numéro deux", "/stop"),
    ],
)
def test_a_number_a_letter_or_an_ordinal_picks(text: str, payload: str | None) -> None:
    assert mean(hear(text, ("out_of_scope", 0.3)), PICKS).payload == payload


def test_a_number_beyond_the_candidates_picks_nothing() -> None:
    here = replace(PICKS, candidates=("/stop", "/find_coach"))
    assert mean(hear("3", ("out_of_scope", 0.1)), here) == Decision(LOST, 0.1)


def test_a_number_without_candidates_picks_nothing() -> None:
    assert mean(hear("2", ("out_of_scope", 0.1))).payload is None


def test_yes_picks_the_only_candidate() -> None:
    here = Standing(candidates=("/stop",))
    assert mean(hear("oui", "affirm"), here) == Decision("", 0.9, payload="/stop")


def test_yes_to_several_candidates_asks_which() -> None:
    guesses = {"guesses": ["faq/cost", "stop", "find_coach"]}
    assert mean(hear("oui", "affirm"), PICKS) == Decision(AMBIGUOUS, 0.9, extra=guesses)
    longer = hear("oui je veux bien vous parler", "affirm")
    assert mean(longer, PICKS) == Decision("affirm", 0.9)


def test_another_question_is_taken_for_itself() -> None:
    assert mean(hear("c'est combien?", "faq/cost"), PICKS).intent == "faq/cost"


# --- a button's title, typed


COACHES = {
    "Joindre Inès Horizon (fictif)": '/declare_interest{"coach_id": "ines"}',
    "Joindre Serge Boisé (fictif)": '/declare_interest{"coach_id": "serge"}',
}
SHOWN = Standing(
    topic="find_coach", coaches=COACHES, buttons={**COACHES, "Autre chose": "/out_of_scope"}
)
LATER = replace(SHOWN, topic="faq/cost", buttons={})


@pytest.mark.parametrize("text", ["Autre chose", "autre chose.", "AUTRE CHOSE!"])
def test_a_typed_title_is_that_button(text: str) -> None:
    assert mean(hear(text, "more_results"), SHOWN) == Decision("", 1.0, payload="/out_of_scope")


@pytest.mark.parametrize(
    "text", ["je veux contacter Inès", "can I talk to ines?", "je prends Inès"]
)
def test_a_coach_who_was_shown_is_reached_by_name(text: str) -> None:
    reached = mean(hear(text, "request_human"), SHOWN).payload
    assert reached == '/declare_interest{"coach_id": "ines"}'


def test_who_was_shown_earlier_is_reached_by_name_beside_those_shown_last() -> None:
    serge = dict([[*COACHES.items()][-1]])
    here = replace(SHOWN, buttons=serge)
    named = hear("I'd like to contact Inès then", "find_coach", facets={"topic": ["youth"]})
    assert mean(named, here).payload == COACHES["Joindre Inès Horizon (fictif)"]
    assert mean(hear("la première", "find_coach"), here).payload == next(iter(serge.values()))
    assert mean(hear("la deuxième", "find_coach"), here).payload is None


def test_a_coach_who_was_shown_earlier_is_reached_by_name_and_by_nothing_less() -> None:
    asked = hear("how do I get in touch with Inès", "request_human")
    assert mean(asked, LATER).payload == '/declare_interest{"coach_id": "ines"}'
    typed = hear("joindre serge boisé (fictif)", "find_coach")
    assert mean(typed, LATER).payload == '/declare_interest{"coach_id": "serge"}'
    for text in ("Inès svp", "la deuxième", "contact her"):
        assert mean(hear(text, "find_coach"), LATER).payload is None


@pytest.mark.parametrize(
    "text", ["je veux contacter quelqu'un", "inès parle anglais?", "appeler Inès ou Serge"]
)
def test_nobody_is_reached_who_is_not_plainly_meant(text: str) -> None:
    assert mean(hear(text, "find_coach"), SHOWN).payload is None


@pytest.mark.parametrize("form", [ASSESSMENT, INTEREST])
@pytest.mark.parametrize("text", ["I'd like Inès to call me", "Joindre Inès Horizon (fictif)"])
def test_nobody_is_reached_in_the_middle_of_a_form(text: str, form: str) -> None:
    here = replace(SHOWN, form=form, requested="lead_message", buttons={})
    assert mean(hear(text, ("find_coach", 0.4)), here).payload is None


@pytest.mark.parametrize("text", ["la deuxième", "the second one sounds good", "2"])
def test_a_coach_who_was_shown_is_reached_by_place(text: str) -> None:
    reached = mean(hear(text, "find_coach"), SHOWN).payload
    assert reached == '/declare_interest{"coach_id": "serge"}'
    assert mean(hear("oui", "affirm"), SHOWN).payload is None


def test_the_one_coach_who_was_shown_is_reached_by_a_pronoun() -> None:
    ines = {"Joindre Inès Horizon": '/declare_interest{"coach_id": "ines"}'}
    heard = hear("how do I get in touch with her", "request_human")
    assert (
        mean(heard, replace(SHOWN, coaches=ines, buttons=ines)).payload
        == ines["Joindre Inès Horizon"]
    )
    assert mean(heard, SHOWN).payload is None


@pytest.mark.parametrize(
    ("text", "about"),
    [
        ("does Inès speak English?", ["ines"]),
        ("Serge, est-ce qu'il connaît le municipal", ["serge"]),
        ("le deuxième fait-tu du municipal?", ["serge"]),
        ("which one is better for us", ["ines", "serge"]),
        ("do they work online?", ["ines", "serge"]),
        ("what's his email?", ["ines", "serge"]),
    ],
)
def test_something_asked_about_coaches_is_about_them(text: str, about: list[str]) -> None:
    decision = mean(hear(text, ("out_of_scope", 0.4)), SHOWN)
    assert (decision.intent, decision.extra) == ("find_coach", {"about": about})


def test_what_the_directory_knows_is_asked_of_them_and_not_of_the_programme() -> None:
    levels = hear(
        "do either of them do provincial?", ("faq/government_levels", 0.9), facets={"level": ["x"]}
    )
    assert mean(levels, SHOWN).extra == {"about": ["ines", "serge"]}
    corrected = hear("the two coaches, which level?", ("faq/government_levels", 0.9))
    assert mean(corrected, LATER).extra == {"about": ["ines", "serge"]}


@pytest.mark.parametrize(
    "heard",
    [
        hear("what does Inès cost", ("faq/cost", 0.9)),
        hear("lesquels parlent anglais?", "find_coach", facets={"language": ["en"]}),
        hear("annule la demande d'Inès", ("stop", 0.9)),
    ],
)
def test_what_is_no_question_about_a_coach_stays_what_it_is(heard: Heard) -> None:
    assert "about" not in mean(heard, SHOWN).extra


def test_the_coach_who_was_described_last_is_reached_by_a_pronoun() -> None:
    one = dict([next(iter(COACHES.items()))])
    described = replace(SHOWN, buttons=one)
    assert (
        mean(hear("bon ben je la prends", "find_coach"), described).payload
        == COACHES["Joindre Inès Horizon (fictif)"]
    )
    assert mean(hear("bon ben je la prends", "find_coach"), SHOWN).payload is None


def test_whether_they_are_real_coaches_is_no_new_search() -> None:
    heard = hear("c'est des faux coachs?", ("faq/coaching_help", 0.5))
    assert mean(heard, SHOWN).extra == {"asks": "real_coaches"}
    assert mean(heard, LATER).extra == {}


def test_a_coach_shown_earlier_is_asked_about_by_name_in_a_question_only() -> None:
    asked = hear("est-ce qu'Inès parle anglais?", ("out_of_scope", 0.4))
    assert mean(asked, LATER).extra == {"about": ["ines"]}
    told = hear("ma fille s'appelle Inès", ("out_of_scope", 0.4))
    assert "about" not in mean(told, LATER).extra


# --- what only resembles a request


@pytest.mark.parametrize(
    "text", ["does claire speak french", "ok but i dont want french, any conflict of interest"]
)
def test_a_language_that_is_only_named_is_no_switch(text: str) -> None:
    heard = replace(hear(text, ("switch_language", 0.9)), language="en")
    heard = replace(heard, labels=[("switch_language", 0.9), ("faq/languages", 0.1)])
    assert mean(heard, replace(NOWHERE, language="en")).intent != "switch_language"


@pytest.mark.parametrize(
    "text", ["en français svp", "french", "can we continue in french", "on parle français"]
)
def test_a_language_that_is_asked_for_is_one(text: str) -> None:
    heard = replace(hear(text, "switch_language"), language="en")
    assert mean(heard, replace(NOWHERE, language="en")).intent == "switch_language"


def test_one_more_thing_is_no_more_coaches() -> None:
    labels = [("more_results", 0.9), ("faq/cra_limits", 0.1)]
    heard = replace(hear("one more thing, can we sign a petition"), labels=labels)
    assert mean(heard, NOWHERE).intent != "more_results"
    assert mean(heard, SHOWN).intent == "more_results"
    assert (
        mean(hear("show me more coaches please", "more_results"), NOWHERE).intent == "more_results"
    )


# --- an answer of the assessment to change


FINISHED = Standing(answered={"aim": "a", "impact": "b"})


@pytest.mark.parametrize("here", [FINISHED, replace(ASSESSED, answered={"aim": "a"})])
def test_an_answer_named_by_its_number_is_asked_again(here: Standing) -> None:
    changed = mean(hear("la 1re, c'est plutôt oui", "affirm"), here)
    assert changed.entities == {"question": "aim", "option": REOPEN}
    lettered = mean(hear("question 1: B en fait", "affirm"), here)
    assert lettered.entities == {"question": "aim", "option": "b"}


def test_back_after_the_result_asks_the_last_question_again() -> None:
    changed = mean(hear("je veux changer ma réponse", "go_back"), FINISHED)
    assert changed.entities == {"question": "impact", "option": REOPEN}
    assert mean(hear("retour", "go_back"), NOWHERE).intent == "go_back"


def test_the_question_before_is_asked_again_if_there_is_one() -> None:
    heard = hear("non, la question d'avant, c'est B", "deny")
    changed = mean(heard, replace(ASSESSED, answered={"aim": "a"}))
    assert changed.entities == {"question": "aim", "option": "b"}
    assert mean(heard, Standing(answered={"gone": "a"})).intent == "deny"


def test_a_question_that_was_not_answered_yet_is_not_asked_again() -> None:
    here = replace(ASSESSED, answered={"aim": "a"})
    assert mean(hear("la question 2, c'est quoi", "explain_question"), here).intent != ANSWER


# --- the declaration of interest


FIELDS_ASKED = ("name", "organization", "email", "message")


@pytest.mark.parametrize("field", FIELDS_ASKED)
@pytest.mark.parametrize(
    "heard",
    [
        hear("Marie Tremblay", ("find_coach", 0.6)),
        hear("La Maison d'Alice", ("out_of_scope", 0.9)),
        hear("marie@exemple.ca", ("stop", 0.9)),
        hear("Victoire", ("affirm", 0.5)),
        hear("Stop the Violence Against Women and Children of Northern Ontario", "stop"),
        hear("Oui Canada Centre de la petite enfance", "affirm"),
    ],
)
def test_what_is_typed_into_the_form_is_its_value(field: str, heard: Heard) -> None:
    assert mean(heard, asked_for(field)) == Decision(INFORM, 1.0)


@pytest.mark.parametrize("field", FIELDS_ASKED)
@pytest.mark.parametrize("label", sorted(CONTROL))
def test_a_short_control_word_is_obeyed_in_the_form(field: str, label: str) -> None:
    assert mean(hear("on recule svp", label), asked_for(field)) == Decision(label, 0.9)
    unsure = hear("on recule svp", (label, AT.control - 0.01))
    assert mean(unsure, asked_for(field)) == Decision(INFORM, 1.0)


@pytest.mark.parametrize("label", ["affirm", "deny"])
def test_a_short_yes_or_no_is_no_value(label: str) -> None:
    assert mean(hear("non merci", label), asked_for("message")) == Decision(label, 0.9)


@pytest.mark.parametrize(
    "text", ["c'est lu par qui?", "qui va lire ça", "wait can i ask something first, who sees this"]
)
def test_a_question_is_answered_in_the_middle_of_the_form(text: str) -> None:
    heard = hear(text, "faq/privacy")
    assert mean(heard, asked_for("email")) == Decision("faq/privacy", 0.9)


@pytest.mark.parametrize(
    ("heard", "field"),
    [
        (hear("qui va lire ça?", "faq/privacy"), "message"),  # the message may ask anything
        (hear("quiva lire ça", "faq/privacy"), "name"),
        (hear("Qui Va?", ("faq/privacy", 0.4)), "name"),
        (hear("bonjour?", "greet"), "name"),
    ],
)
def test_what_only_looks_like_a_question_is_a_value(heard: Heard, field: str) -> None:
    assert mean(heard, asked_for(field)) == Decision(INFORM, 1.0)


def test_an_address_beside_a_question_is_still_a_value() -> None:
    heard = hear("marie@exemple.ca, ça va?", "faq/privacy")
    assert mean(heard, asked_for("email")) == Decision(INFORM, 1.0)


@pytest.mark.parametrize("step", ["consent", "confirmed"])
@pytest.mark.parametrize("label", ["affirm", "deny", "stop", "faq/privacy"])
def test_yes_no_and_anything_else_keep_their_meaning_at_a_yes_no_step(
    step: str, label: str
) -> None:
    assert mean(hear("bien sûr", label), asked_for(step)) == Decision(label, 0.9)


def test_an_address_typed_at_the_summary_corrects_it() -> None:
    heard = hear("non, c'est zoe@exemple.ca", "deny")
    assert mean(heard, asked_for("confirmed")) == Decision(INFORM, 1.0)
    assert mean(heard, asked_for("consent")) == Decision("deny", 0.9)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("l'organisme: Le Relais, enlève le « pis »", "delete_my_data"),
        ("remove the message", "delete_my_data"),
        ("le nom c'est juste Luc Roy", "faq/cost"),
    ],
)
def test_a_detail_named_at_the_summary_is_corrected(text: str, label: str) -> None:
    assert mean(hear(text, label), asked_for("confirmed")) == Decision(INFORM, 1.0)


@pytest.mark.parametrize("step", ["message", "confirmed", "name"])
@pytest.mark.parametrize(
    "text",
    [
        "actually laisse faire, cancel that, je vais en parler à mon boss",
        "non non, envoie pas ça, forget it",
        "annuler",
    ],
)
def test_to_cancel_is_no_value(text: str, step: str) -> None:
    assert mean(hear(text, ("affirm", 0.3)), asked_for(step)) == Decision("stop", 1.0)


def test_to_send_what_was_read_back_is_a_yes() -> None:
    sent = mean(hear("ok envoie ça d'même", ("stop", 0.3)), asked_for("confirmed"))
    assert sent == Decision("affirm", 1.0)
    kept = mean(hear("pas prête à transmettez-le", "deny"), asked_for("confirmed"))
    assert kept == Decision("deny", 0.9)


def test_a_yes_before_what_was_going_to_be_asked_is_a_yes() -> None:
    ranks = {"D'accord": "affirm", "Pas vraiment": "deny"}
    heard = hear("D'accord. Sylvie Roy, du Centre", ("greet", 0.6))
    heard = replace(heard, rank=lambda part: [(ranks.get(part, "greet"), 0.99)])
    assert mean(heard, asked_for("consent")) == Decision("affirm", 0.99)
    for text in ("D'accord. C'est gratuit?", "D'accord", "Pas vraiment, non"):
        assert mean(replace(heard, text=text), asked_for("consent")).intent == "greet"


def test_facets_and_topics_lead_nowhere_from_the_form() -> None:
    here = replace(asked_for("consent"), topic="find_coach", offer="/stop")
    heard = hear("au Québec", ("affirm", 0.9), facets={"region": ["QC"]})
    assert mean(heard, here) == Decision("affirm", 0.9)


# --- an open question of the assessment


def answered(option: str, confidence: float, **extra: Any) -> Decision:
    return Decision(ANSWER, confidence, {"option": option}, extra)


@pytest.mark.parametrize(("text", "option"), [("b", "b"), ("la deuxième", "b"), ("C", "c")])
def test_a_letter_or_an_ordinal_answers(text: str, option: str) -> None:
    heard = hear(text, "stop", answers=[("none", 0.9), ("a", 0.05)])
    assert mean(heard, ASSESSED) == answered(option, 1.0)


def test_own_words_answer_and_are_read_back() -> None:
    heard = hear("changer une loi", ("faq/what_is", 0.3), answers=[("a", 0.6), ("none", 0.4)])
    assert mean(heard, ASSESSED) == answered("a", 0.6, read=True)


def test_what_the_file_says_word_for_word_is_an_answer_whatever_else_it_may_mean() -> None:
    assert mean(hear("Aucune idée du tout!", "deny"), ASSESSED) == answered("c", 1.0, unsure=True)
    assert mean(hear("pas d’équipe", "deny"), ASSESSED) == answered("b", 1.0, read=True)
    assert mean(hear("pas d'équipe", "deny")).intent == "deny"  # where nothing is asked


def test_not_knowing_counts_as_the_lowest_option() -> None:
    heard = hear("aucune idée", ("help", 0.3), answers=[("unsure", 0.8), ("none", 0.2)])
    assert mean(heard, ASSESSED) == answered("c", 0.8, unsure=True)


def test_two_options_that_are_close_are_both_offered() -> None:
    heard = hear("un peu des deux", ("help", 0.1), answers=[("none", 0.6), ("a", 0.4), ("b", 0.3)])
    decision = mean(heard, ASSESSED)
    assert decision == Decision(AMBIGUOUS, 0.4, extra={"answer_options": ["a", "b"]})


@pytest.mark.parametrize(
    "answers",
    [
        [("a", 0.4), ("b", 0.2)],  # too little together
        [("none", 0.6), ("a", 0.4)],
        [("a", 0.45), ("unsure", 0.4)],
        [("unsure", 0.45), ("a", 0.4)],
        [("none", 0.9), ("a", 0.05)],
        [("none", 1.0)],
        [],
    ],
)
def test_what_answers_nothing_is_read_as_if_no_question_were_open(answers: Ranking) -> None:
    heard = hear("le montant", ("faq/cost", 0.7), answers=answers)
    assert mean(heard, ASSESSED) == Decision("faq/cost", 0.7)


@pytest.mark.parametrize("label", sorted(CONTROL))
def test_a_control_word_is_obeyed_in_the_assessment(label: str) -> None:
    heard = hear("arrête", label, answers=[("none", 0.6), ("a", 0.2)])
    assert mean(heard, ASSESSED) == Decision(label, 0.9)


def test_the_surer_of_control_word_and_answer_counts() -> None:
    answers = [("b", 0.7), ("none", 0.3)]
    assert mean(hear("voilà", ("stop", 0.6), answers=answers), ASSESSED).intent == ANSWER
    assert mean(hear("voilà", ("stop", 0.8), answers=answers), ASSESSED).intent == "stop"
    doubtful = hear("voilà", ("stop", AT.control - 0.01), answers=answers)
    assert mean(doubtful, ASSESSED).intent == ANSWER


@pytest.mark.parametrize(
    "text", ["c'est confidentiel?", "qui va lire mes réponses", "is this free"]
)
def test_a_question_is_answered_in_the_middle_of_the_assessment(text: str) -> None:
    heard = hear(text, ("faq/privacy", 0.8), answers=[("a", 0.6), ("none", 0.3)])
    assert mean(heard, ASSESSED) == Decision("faq/privacy", 0.8)


def test_the_surer_of_question_and_answer_counts() -> None:
    heard = hear(
        "on veut changer la loi?", ("faq/what_is", 0.6), answers=[("a", 0.8), ("none", 0.2)]
    )
    assert mean(heard, ASSESSED) == answered("a", 0.8, read=True)


def test_a_statement_is_an_answer_rather_than_a_question() -> None:
    heard = hear(
        "on veut changer la loi", ("faq/what_is", 0.9), answers=[("a", 0.6), ("none", 0.4)]
    )
    assert mean(heard, ASSESSED) == answered("a", 0.6, read=True)


def test_yes_answers_when_it_can_mean_one_option_only() -> None:
    assert mean(hear("oui", "affirm"), ASSESSED) == answered("a", 0.9, read=True)


def test_no_is_asked_about_when_it_can_mean_several_options() -> None:
    decision = mean(hear("non", "deny"), ASSESSED)
    assert decision == Decision(AMBIGUOUS, 0.9, extra={"answer_options": ["b", "c"]})


def test_yes_that_can_mean_no_option_stays_a_yes() -> None:
    here = replace(ASSESSED, question="impact")
    assert mean(hear("oui", "affirm"), here) == Decision("affirm", 0.9)


def test_a_long_yes_is_read_for_what_it_says() -> None:
    heard = hear("oui on veut changer une loi", "affirm", answers=[("b", 0.7), ("none", 0.3)])
    assert mean(heard, ASSESSED) == answered("b", 0.7, read=True)


def test_the_form_without_an_open_question_reads_no_answer() -> None:
    here = replace(ASSESSED, question=None)
    assert mean(hear("prix", ("faq/cost", 0.9)), here) == Decision("faq/cost", 0.9)
    outside = replace(ASSESSED, form=None)
    assert mean(hear("prix", ("faq/cost", 0.9)), outside) == Decision("faq/cost", 0.9)


@pytest.mark.parametrize("text", ["b", "B.", "3", "17)"])
def test_a_lone_letter_or_number_that_picks_nothing_is_not_guessed_at(text: str) -> None:
    assert mean(hear(text, ("start_over", 0.99))) == Decision(LOST, 0.99)
    assert mean(hear(text, ("affirm", 0.99))) == Decision("affirm", 0.99)


def test_a_letter_answers_even_a_question_that_has_left_the_content() -> None:
    assert mean(hear("b", ("explain_question", 0.99)), GONE).intent == INFORM


GONE = replace(ASSESSED, question="gone")


@pytest.mark.parametrize("text", ["b", "la deuxième", "notre but est clair", "oui"])
def test_an_answer_to_a_question_that_has_left_the_content_is_none(text: str) -> None:
    heard = hear(text, ("faq/cost", 0.4), answers=[("a", 0.9), ("unsure", 0.1)])
    assert mean(heard, GONE) == Decision(INFORM, 0.4)


@pytest.mark.parametrize("label", ["stop", "go_back", "faq/cost", "affirm"])
def test_beside_a_question_that_has_left_the_content_all_else_means_what_it_says(
    label: str,
) -> None:
    assert mean(hear("x y z", (label, 0.9)), GONE) == Decision(label, 0.9)


# --- at a gate: see the result, or correct the answer


AT_GATE = replace(ASSESSED, question=GATE)


def test_yes_at_a_gate_confirms() -> None:
    assert mean(hear("oui", "affirm"), AT_GATE) == answered("confirm", 0.9)


def test_no_at_a_gate_goes_back() -> None:
    assert mean(hear("non", "deny"), AT_GATE) == Decision("go_back", 0.9)


def test_another_answer_at_a_gate_corrects_the_one_before() -> None:
    here = replace(AT_GATE, answered={"aim": "c"})
    heard = hear("pas juste pour nous", ("faq/cost", 0.3), answers=[("a", 0.8), ("none", 0.1)])
    corrected = {"question": "aim", "option": "a"}
    assert mean(heard, here) == Decision(
        ANSWER, mean(heard, here).confidence, corrected, {"read": True}
    )
    same = replace(heard, answers=[("c", 0.8), ("none", 0.1)])
    assert mean(same, here).entities == {"option": "confirm"}
    doubtful = replace(heard, answers=[("a", 0.1), ("none", 0.8)])
    assert mean(doubtful, here).intent != ANSWER


@pytest.mark.parametrize(
    ("heard", "intent"),
    [
        (hear("retour", "go_back"), "go_back"),
        (hear("c'est combien?", "faq/cost"), "faq/cost"),
        (hear("mouais", ("affirm", 0.3)), LOST),
    ],
)
def test_anything_else_at_a_gate_keeps_its_meaning(heard: Heard, intent: str) -> None:
    assert mean(heard, AT_GATE).intent == intent


# --- yes to an offer


OFFERED = Standing(offer="/start_assessment")


def test_yes_accepts_what_was_offered() -> None:
    assert mean(hear("oui", "affirm"), OFFERED) == Decision("", 0.9, payload="/start_assessment")


@pytest.mark.parametrize(
    ("heard", "here"),
    [
        (hear("non", "deny"), OFFERED),
        (hear("c'est combien?", "faq/cost"), OFFERED),
        (hear("oui", ("affirm", 0.5)), OFFERED),
        (hear("oui", "affirm"), NOWHERE),
        (hear("oui", "affirm"), replace(OFFERED, form=ASSESSMENT)),
    ],
)
def test_nothing_else_accepts_an_offer(heard: Heard, here: Standing) -> None:
    assert mean(heard, here).payload is None


ERASING = Standing(offer='/delete_my_data{"confirmed": "yes"}')


@pytest.mark.parametrize(
    ("text", "label"),
    [("oui", "affirm"), ("oui, efface tout", "delete_my_data"), ("yes delete it", "affirm")],
)
def test_a_plain_yes_erases(text: str, label: str) -> None:
    assert mean(hear(text, label), ERASING).payload == ERASING.offer


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("ok envoie", "affirm"),
        ("efface mes données", "delete_my_data"),
    ],
)
def test_what_may_mean_something_else_does_not_erase(text: str, label: str) -> None:
    assert mean(hear(text, label), ERASING) == Decision("delete_my_data", 0.9)


@pytest.mark.parametrize("text", ["non", "no wait dont, keep it", "oui mais garde mon courriel"])
@pytest.mark.parametrize("label", ["affirm", "deny", ("faq/cost", 0.3)])
def test_whatever_keeps_something_erases_nothing(text: str, label: Any) -> None:
    kept = '/delete_my_data{"confirmed": "no"}'
    assert mean(hear(text, label), ERASING).payload == kept


@pytest.mark.parametrize("label", ["delete_my_data", ("faq/privacy", 0.4), "thank"])
def test_an_address_left_outside_of_the_form_is_to_be_written_to(label: Any) -> None:
    heard = hear("mon nom c'est Luc pis mon courriel luc@escale.org", label)
    assert mean(heard, NOWHERE).intent == "declare_interest"


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("efface luc@escale.org", "delete_my_data"),
        ("c'est combien? luc@escale.org", "faq/cost"),
        ("luc@escale", "delete_my_data"),
    ],
)
def test_an_address_beside_something_else_keeps_its_meaning(text: str, label: str) -> None:
    assert mean(hear(text, label), NOWHERE).intent == label


# --- leaning on what was just said


SEARCHING = Standing(topic="find_coach")
LOBBYING = Standing(topic="faq/lobbying_registration")
COSTS = Standing(topic="faq/cost")
QUEBEC: Mapping[str, Sequence[str]] = {"region": ["QC"]}
HOUSING_IN_QUEBEC: Mapping[str, Sequence[str]] = {**QUEBEC, "topic": ["housing"]}


@pytest.mark.parametrize(
    "heard",
    [
        hear("au Québec", ("out_of_scope", 0.7), facets=QUEBEC),
        hear("logement", ("out_of_scope", 0.3), facets={"topic": ["housing"]}),
        hear("peu importe la région", ("out_of_scope", 0.3), cleared=frozenset({"region"})),
        hear("en français", ("faq/languages", 0.3), facets={"language": ["fr"]}),
        hear("en français", ("find_coach", 0.8), facets={"language": ["fr"]}),
        hear("en français", ("switch_language", 0.9), facets={"language": ["fr"]}),
        hear("pas le logement", ("out_of_scope", 0.3), refused={"topic": ["housing"]}),
    ],
)
def test_a_facet_refines_the_search_for_a_coach(heard: Heard) -> None:
    decision = mean(heard, SEARCHING)
    assert decision.intent == "find_coach"
    assert decision.confidence >= AT.sure


@pytest.mark.parametrize(
    ("heard", "intent"),
    [
        (hear("stop au Québec", "stop", facets=QUEBEC), "stop"),
        (hear("delete it", ("delete_my_data", 0.6), facets=QUEBEC), "delete_my_data"),
        (hear("le lobbyisme au Québec", "faq/lobbying_registration", facets=QUEBEC), None),
        (hear("in French", ("help", 0.9), facets={"language": ["fr"]}), "help"),
        (
            hear(
                "on aimerait plutôt parler à une vraie personne au Québec",
                ("declare_interest", 0.9),
                facets=QUEBEC,
            ),
            "declare_interest",
        ),
    ],
)
def test_a_facet_in_a_message_that_means_something_else_refines_nothing(
    heard: Heard, intent: str | None
) -> None:
    assert mean(heard, SEARCHING).intent == (intent or "faq/lobbying_registration")


def test_the_other_language_named_in_a_search_is_a_change_of_language() -> None:
    heard = hear("in English", ("switch_language", 0.9), facets={"language": ["en"]})
    assert mean(heard, SEARCHING).intent == "switch_language"
    french = hear("en français", ("switch_language", 0.9), facets={"language": ["fr"]})
    assert mean(french, COSTS).intent == "switch_language"


def test_a_facet_without_a_search_is_no_search() -> None:
    assert mean(hear("au Québec", "out_of_scope", facets=QUEBEC)).intent == "out_of_scope"


def test_an_unsure_refusal_says_that_it_did_not_understand() -> None:
    assert mean(hear("la patente bleue", ("out_of_scope", AT.decline - 0.01))).intent == LOST
    insult = hear("maudit niaiseux", ("out_of_scope", AT.decline - 0.01), declined="insult")
    assert mean(insult).intent == "out_of_scope"


def test_beside_an_open_question_an_example_is_one_of_the_question() -> None:
    heard = hear("un exemple?", ("faq/examples", 0.8), ("explain_question", 0.1))
    assert mean(heard, ASSESSED).intent == "explain_question"
    assert mean(heard).intent == "faq/examples"


def test_a_region_asks_the_regional_question_again() -> None:
    heard = hear("et au Québec?", ("find_coach", 0.7), facets=QUEBEC)
    assert mean(heard, LOBBYING) == Decision("faq/lobbying_registration", 0.7)


@pytest.mark.parametrize(
    ("heard", "here"),
    [
        (hear("et au Québec?", ("greet", 0.1), facets=QUEBEC), COSTS),  # not regional
        (hear("au Québec", ("out_of_scope", 0.7), facets=QUEBEC), LOBBYING),  # sure of another
        (hear("a coach in Quebec", ("find_coach", 0.9), facets=QUEBEC), LOBBYING),
        (hear("housing in Quebec", ("find_coach", 0.9), facets=HOUSING_IN_QUEBEC), LOBBYING),
        (hear("housing", ("out_of_scope", 0.1), facets={"topic": ["housing"]}), LOBBYING),
        (
            hear(
                "moi je connais bien du monde qui habite au Québec",
                ("out_of_scope", 0.1),
                facets=QUEBEC,
            ),
            LOBBYING,
        ),
    ],
)
def test_a_region_does_not_always_ask_again(heard: Heard, here: Standing) -> None:
    assert not mean(heard, here).intent.startswith("faq/")


def test_a_follow_up_leans_towards_what_the_answer_suggested() -> None:
    heard = hear("et pour la demande?", ("faq/deadline", 0.45), ("faq/funding_request", 0.4))
    assert mean(heard, COSTS).intent == "faq/funding_request"
    assert mean(heard, NOWHERE).intent == AMBIGUOUS


def test_a_message_that_goes_on_leans_towards_the_question_just_answered() -> None:
    heard = hear(
        "nobody is paid here", ("faq/team_size", 0.35), ("faq/lobbying_registration", 0.34)
    )
    assert mean(heard, LOBBYING).intent == "faq/lobbying_registration"
    assert mean(heard, COSTS).intent == AMBIGUOUS


def test_nobody_is_asked_whether_they_mean_what_was_just_answered() -> None:
    heard = hear("hm, one of them says no", ("faq/lobbying_registration", 0.3), ("greet", 0.2))
    assert mean(heard, LOBBYING).intent == "faq/lobbying_registration"
    assert mean(heard, COSTS).extra == {"guesses": ["faq/lobbying_registration"]}


def test_a_follow_up_about_words_of_the_answer_stays_with_it() -> None:
    heard = hear("pis les bénévoles?", ("faq/team_size", 0.45), ("faq/cost", 0.1))
    assert mean(heard, LOBBYING).intent == "faq/lobbying_registration"
    assert mean(hear("pis les bénévoles?", ("faq/team_size", 0.9)), LOBBYING).intent == (
        "faq/team_size"
    )
    assert mean(hear("pis le reste?", ("faq/team_size", 0.45)), LOBBYING).intent == AMBIGUOUS


def test_what_was_just_answered_is_not_answered_again_beside_a_question() -> None:
    rank = ranker(facebook=[("faq/cost", 0.99)], maire=[("faq/timeline", 0.98)])
    said = "bon le facebook perso est correct. Pis le maire ça prend combien de temps?"
    heard = hear(said, ("faq/timeline", 0.6), rank=rank)
    assert mean(heard, COSTS) == Decision("faq/timeline", 0.98)
    assert mean(heard, NOWHERE).extra == {"also": ["faq/timeline"]}


def test_a_question_beside_a_wish_for_the_other_language_is_answered_in_it() -> None:
    rank = ranker(motion=[("faq/cost", 0.97)], english=[("switch_language", 0.9)])
    heard = hear("switch to english please, is a motion needed", "switch_language", rank=rank)
    assert mean(heard) == Decision("faq/cost", 0.97, extra={"switches": True})
    doubtful = replace(heard, rank=ranker(motion=[("faq/cost", 0.9)]))
    assert mean(doubtful).intent == "switch_language"


def test_a_comparison_is_one_question() -> None:
    heard = hear("la différence entre facebook et le maire", ("faq/cost", 0.6), rank=RANK)
    assert mean(heard) == Decision("faq/cost", 0.6)


def test_a_reaction_is_no_question() -> None:
    rank = ranker(confidential=[("faq/privacy", 0.99)], instagram=[("faq/cost", 0.98)])
    heard = hear("So confidential, good. And instagram posts?", ("faq/cost", 0.7), rank=rank)
    assert mean(heard) == Decision("faq/cost", 0.7)


@pytest.mark.parametrize("topic", ["request_human", "declare_interest"])
@pytest.mark.parametrize(
    "heard",
    [
        hear("ça prend combien de temps avoir une réponse?", ("faq/timeline", 0.9)),
        hear("how soon?", ("faq/deadline", 0.3)),
    ],
)
def test_after_a_request_it_is_asked_when_it_is_answered(topic: str, heard: Heard) -> None:
    decision = mean(heard, Standing(topic=topic))
    assert (decision.intent, decision.extra) == ("request_human", {"asks": "reply_time"})
    assert mean(heard, NOWHERE).extra.get("asks") is None


def test_how_long_the_coaching_takes_is_another_question() -> None:
    heard = hear("how long does the coaching take?", ("faq/timeline", 0.9))
    assert mean(heard, Standing(topic="request_human")).intent == "faq/timeline"


@pytest.mark.parametrize(
    "heard",
    [
        hear("do you have a link", ("out_of_scope", 0.4)),
        hear("c'est écrit où", ("faq/privacy", 0.3)),
        hear("where can I read the rules", ("faq/lobbying_registration", 0.9)),
    ],
)
def test_the_source_of_the_last_answer_is_asked_for(heard: Heard) -> None:
    decision = mean(heard, LOBBYING)
    assert decision.intent == "faq/lobbying_registration"
    assert decision.extra == {"asks": "source"}
    assert not mean(heard, NOWHERE).extra.get("asks")


def test_who_is_sure_to_ask_something_else_asks_for_no_source() -> None:
    heard = hear("where is the page about privacy", ("faq/privacy", 0.9))
    assert mean(heard, LOBBYING) == Decision("faq/privacy", 0.9)


@pytest.mark.parametrize(
    "text",
    ["if we change our minds can you delete it?", "on peut effacer mes infos plus tard, c'est ça"],
)
def test_erasing_in_case_of_need_erases_nothing(text: str) -> None:
    labels = ("delete_my_data", 0.9), ("faq/privacy", 0.05)
    assert mean(hear(text, *labels)).intent == "faq/privacy"
    assert mean(hear("can you delete it?", *labels)).intent == "delete_my_data"


def test_a_province_is_asked_about_in_any_part_of_a_message() -> None:
    heard = hear("were in quebec btw. what are the rules there", ("help", 0.2), facets=QUEBEC)
    assert mean(heard, LOBBYING).intent == "faq/lobbying_registration"


def test_more_coaches_are_shown_to_who_has_seen_some() -> None:
    heard = hear("one more", ("more_results", 0.9), ("faq/cost", 0.1))
    assert mean(heard, NOWHERE).intent != "more_results"
    assert mean(heard, LATER).intent == "more_results"


def test_the_guidance_is_a_source_of_its_own() -> None:
    heard = hear("where do we find the CRA guidance", ("faq/legal_advice", 0.4))
    for here in (LOBBYING, NOWHERE):
        assert mean(heard, here) == Decision("faq/cra_limits", 0.5, extra={"asks": "source"})
    there = Standing(topic="faq/cra_definition")
    assert mean(heard, there).intent == "faq/cra_definition"
    named = hear("what's CG-027?", ("faq/cra_non_charity", 0.9))
    assert mean(named).intent == "faq/cra_limits"
    beside = hear("does the guidance apply to a co-op like ours", ("faq/cra_non_charity", 0.9))
    assert mean(beside).intent == "faq/cra_non_charity"


def test_who_could_tell_is_somebody_of_the_team_but_for_the_law() -> None:
    heard = hear("OK, who could tell me for sure?", ("faq/legal_advice", 0.9))
    assert mean(heard, COSTS).intent == "request_human"
    assert mean(heard, LOBBYING).intent == "faq/legal_advice"
    assert mean(heard, NOWHERE).intent == "faq/legal_advice"
    sure = hear("who can apply", ("faq/who_is_it_for", 0.9))
    assert mean(sure, COSTS).intent == "faq/who_is_it_for"


def test_what_is_asked_first_is_answered_first() -> None:
    rank = ranker(lit=[("faq/privacy", 0.8)])
    heard = hear("oui, mais d'abord qui lit ça?", ("affirm", 0.9), rank=rank)
    assert mean(heard).intent == "faq/privacy"
    assert mean(replace(heard, rank=ranker())).intent == "affirm"


def test_a_question_after_what_was_just_answered_is_another() -> None:
    rank = ranker(two=[("faq/cost", 0.6)], long=[("faq/timeline", 0.99)])
    heard = hear("great, two of us. How long is it?", ("faq/cost", 0.9), rank=rank)
    assert mean(heard, COSTS) == Decision("faq/timeline", 0.99)
    assert mean(heard, LOBBYING).intent == "faq/cost"


def test_a_coach_for_a_place_and_a_language_is_searched_for() -> None:
    facets = {"region": ["YT"], "language": ["fr"]}
    labels = ("faq/languages", 0.9), ("find_coach", 0.1)
    heard = hear("les coachs aussi? un au Yukon qui parle français?", *labels, facets=facets)
    assert mean(heard).intent == "find_coach"
    assert mean(hear("do you offer it in French", *labels, facets={"language": ["fr"]})).intent == (
        "faq/languages"
    )


def test_consent_is_put_off_in_any_words() -> None:
    for text in ("Not today then, I'll check with my board", "No thanks, I just wanted to know"):
        assert mean(hear(text, "start_assessment"), asked_for("consent")).intent == "deny"
    asks = hear("not now, first: who reads it?", "faq/privacy")
    assert mean(asks, asked_for("consent")).intent == "faq/privacy"


def test_a_name_that_resembles_a_yes_is_a_name() -> None:
    assert mean(hear("Dana K", ("affirm", 0.8)), asked_for("name")).intent == INFORM
    assert mean(hear("Yes Yes", ("affirm", 0.8)), asked_for("name")).intent == "affirm"


def test_what_is_meant_is_asked_and_no_answer() -> None:
    heard = hear("c'est quoi vous voulez dire par impact?", "help", answers=[("unsure", 0.9)])
    assert mean(heard, ASSESSED).intent == "explain_question"


def test_who_wants_no_questions_is_asked_none() -> None:
    heard = hear("I don't want the questions", answers=[("b", 0.9)])
    assert mean(heard, ASSESSED).intent == "stop"


def test_the_word_that_goes_back_may_end_a_message() -> None:
    here = replace(NOWHERE, answered={"aim": "a"})
    asked = replace(ASSESSED, question="impact", answered={"aim": "a"})
    assert mean(hear("c'est pas ça. retour", "help"), asked).intent == "go_back"
    decision = mean(hear("on est deux, pas une. retour", "faq/team_size"), here)
    assert decision.entities == {"question": "aim", "option": "reopen"}


def test_a_guess_said_in_other_words_is_meant() -> None:
    asked = Standing(candidates=('/faq{"faq_id": "cost"}', '/faq{"faq_id": "privacy"}'))
    heard = hear("the money part", ("faq/cost", 0.4), ("faq/timeline", 0.35), ("help", 0.25))
    assert mean(heard, asked).intent == "faq/cost"
    other = hear("the time part", ("faq/timeline", 0.3), ("faq/cost", 0.2))
    assert mean(other, asked).intent == AMBIGUOUS


def test_a_follow_up_leans_towards_a_suggested_deed_too() -> None:
    heard = hear("what about people?", ("faq/team_size", 0.4), ("find_coach", 0.38))
    assert mean(heard, COSTS).intent == "find_coach"


@pytest.mark.parametrize(
    ("heard", "here"),
    [
        # sure by itself
        (hear("et le délai?", ("faq/deadline", 0.9), ("faq/funding_request", 0.1)), COSTS),
        # no follow-up word
        (hear("la demande", ("faq/deadline", 0.55), ("faq/funding_request", 0.4)), COSTS),
        # nothing suggested
        (hear("et la demande", ("faq/deadline", 0.6), ("faq/privacy", 0.4)), COSTS),
        # the topic is no question
        (hear("et ça?", ("faq/deadline", 0.55), ("faq/funding_request", 0.45)), SEARCHING),
    ],
)
def test_a_message_that_does_not_lean_is_taken_by_itself(heard: Heard, here: Standing) -> None:
    assert mean(heard, here) == Decision(*heard.labels[0])


def test_a_follow_up_of_no_weight_at_all_is_lost() -> None:
    assert mean(hear("et puis?", ("faq/cost", 0.0)), COSTS).intent == LOST


# --- two questions in one message


BOTH = "Combien ça coûte? C'est long comment?"
RANK = ranker(
    coûte=[("faq/cost", 0.98)], long=[("faq/timeline", 0.96)], coach=[("find_coach", 0.98)]
)


def test_two_questions_are_both_answered() -> None:
    decision = mean(hear(BOTH, ("faq/cost", 0.6), rank=RANK))
    assert decision == Decision("faq/cost", 0.98, extra={"also": ["faq/timeline"]})


def test_a_deed_comes_after_the_answer() -> None:
    heard = hear("Trouve-moi un coach. Combien ça coûte?", ("find_coach", 0.6), rank=RANK)
    decision = mean(heard)
    assert decision == Decision("faq/cost", 0.98, extra={"also": ["find_coach"]})


def test_three_questions_are_all_remembered() -> None:
    heard = hear(f"{BOTH} Un coach près d'ici?", ("faq/cost", 0.3), rank=RANK)
    assert mean(heard).extra == {"also": ["faq/timeline", "find_coach"]}


@pytest.mark.parametrize(
    "heard",
    [
        hear(BOTH, "faq/cost"),  # nothing to rank the parts with
        hear("Combien ça coûte au juste?", "faq/cost", rank=RANK),  # one part
        hear("Ça coûte cher? Ça coûte combien?", "faq/cost", rank=RANK),  # the same twice
        hear(
            "Bonjour à vous! Combien ça coûte?", "faq/cost", rank=ranker(coûte=[("faq/cost", 0.98)])
        ),
        hear(
            BOTH,
            "faq/cost",
            rank=ranker(coûte=[("faq/cost", 0.98)], long=[("faq/timeline", 0.9)]),
        ),  # not sure enough
        hear(BOTH, "faq/cost", rank=ranker(coûte=[("faq/cost", 0.98)], long=[("greet", 0.98)])),
    ],
)
def test_one_question_stays_one(heard: Heard) -> None:
    assert mean(heard) == Decision("faq/cost", 0.9)


def test_the_whole_message_counts_before_its_parts() -> None:
    heard = hear(BOTH, ("faq/funding_request", 0.8), rank=RANK)
    assert mean(heard) == Decision("faq/funding_request", 0.8)


PART_WORDS = ("alpha", "beta bien", "gamma ou bien", "delta ou alors bien")
PART_LABELS = ["faq/cost", "faq/timeline", "find_coach", "affirm", "out_of_scope"]
PART = st.tuples(st.sampled_from(PART_LABELS), st.sampled_from([0.5, AT.part, 0.99]))


def all_asked(parts: list[tuple[str, float]], whole: tuple[str, float]) -> list[str]:
    """What a message of several parts asks, by ranking each of them."""
    asked = []
    for label, confidence in parts:
        if label not in (*PLEASANT, "out_of_scope", *asked) and confidence >= AT.part:
            asked.append(label)
    if len(asked) < 2 or (whole[0] not in asked and whole[1] >= AT.sure):
        return []
    return sorted(asked, key=lambda label: not label.startswith("faq/"))


@given(st.lists(PART, min_size=2, max_size=4), PART, st.permutations(PART_WORDS))
def test_no_part_is_ranked_that_could_change_nothing(
    parts: list[tuple[str, float]], whole: tuple[str, float], written: list[str]
) -> None:
    read: list[str] = []
    said = [f"{word} mot?" for word in written[: len(parts)]]

    def rank(text: str) -> Ranking:
        read.append(text)
        return [parts[said.index(text)]]

    decision = _two_questions(hear(" ".join(said), whole, rank=rank), Standing(), AT)
    asked = all_asked(parts, whole)
    assert (decision and [decision.intent, *decision.extra["also"]]) == (asked[:3] or None)
    assert len(read) == len(set(read)) <= len(parts)
    if whole[1] >= AT.sure and whole[0] in ("affirm", "out_of_scope"):
        assert read == []  # nothing that the parts ask could be what the whole means


def test_of_two_parts_the_second_is_not_ranked_when_the_first_asks_nothing() -> None:
    read: list[str] = []

    def rank(text: str) -> Ranking:
        read.append(text)
        return [("greet", 0.99)]

    mean(hear("Combien ça coûte au juste? C'est long?", "faq/cost", rank=rank))
    assert read == ["C'est long?"]  # the shortest


@pytest.mark.parametrize(
    ("coute", "long", "both"),
    [
        (("faq/cost", 0.6), ("faq/timeline", 0.5), True),  # faintly, but two
        (("faq/cost", 0.6), ("faq/timeline", 0.49), False),
        (("faq/cost", 0.6), ("faq/cost", 0.9), False),
        (("faq/cost", 0.6), ("greet", 0.9), False),
        (("faq/cost", 0.6), ("out_of_scope", 0.9), False),
    ],
)
def test_parts_are_ranked_when_their_words_point_to_two_questions(
    coute: tuple[str, float], long: tuple[str, float], both: bool
) -> None:
    read: list[str] = []

    def rank(text: str) -> Ranking:
        read.append(text)
        return RANK(text)

    heard = hear(BOTH, "faq/cost", rank=rank, glance=ranker(coûte=[coute], long=[long]))
    extra = {"also": ["faq/timeline"]} if both else {}
    assert mean(heard) == Decision("faq/cost", 0.98 if both else 0.9, extra=extra)
    assert bool(read) == both


def test_two_deeds_are_not_two_questions() -> None:
    rank = ranker(coach=[("find_coach", 0.98)], recommence=[("start_over", 0.98)])
    heard = hear("Trouve-moi un coach. On recommence tout.", "find_coach", rank=rank)
    assert mean(heard) == Decision("find_coach", 0.9)


def test_a_story_of_five_sentences_is_one_message() -> None:
    story = f"{BOTH} Un coach, svp? On est cinq. On est à Laval."
    assert mean(hear(story, "faq/cost", rank=RANK)) == Decision("faq/cost", 0.9)


# --- one question among other sentences


STORY = "On est un petit organisme de Laval. Combien ça coûte?"


def test_the_part_that_asks_tells_what_a_story_is_about() -> None:
    heard = hear(STORY, ("faq/who_is_it_for", 0.3), rank=ranker(coûte=[("faq/cost", 0.97)]))
    assert mean(heard) == Decision("faq/cost", 0.97)


def test_the_clearest_of_the_parts_counts() -> None:
    rank = ranker(organisme=[("faq/who_is_it_for", 0.9)], coûte=[("faq/cost", 0.98)])
    assert mean(hear(STORY, ("help", 0.3), rank=rank)) == Decision("faq/cost", 0.98)


@pytest.mark.parametrize(
    "part",
    [("faq/cost", AT.part - 0.01), ("thank", 0.98), ("out_of_scope", 0.98)],
)
def test_a_part_that_is_doubtful_or_a_pleasantry_is_not_the_question(
    part: tuple[str, float],
) -> None:
    heard = hear(STORY, ("faq/who_is_it_for", 0.3), rank=ranker(coûte=[part]))
    assert mean(heard).extra == {"guesses": ["faq/who_is_it_for"]}


def test_a_sure_message_is_not_taken_apart() -> None:
    heard = hear(STORY, ("faq/who_is_it_for", 0.6), rank=ranker(coûte=[("faq/cost", 0.97)]))
    assert mean(heard) == Decision("faq/who_is_it_for", 0.6)


# --- always


LABELS = st.sampled_from(
    ["faq/cost", "faq/lobbying_registration", "affirm", "deny", "stop", "find_coach", "greet"]
)
RANKINGS = st.lists(st.tuples(LABELS, st.floats(0, 1)), max_size=4)
OPTIONS = st.lists(
    st.tuples(st.sampled_from(["a", "b", "unsure", "none"]), st.floats(0, 1)), max_size=3
)
STANDINGS = st.builds(
    Standing,
    form=st.sampled_from([None, ASSESSMENT, INTEREST]),
    requested=st.sampled_from([None, "lead_name", "lead_consent", "lead_confirmed"]),
    question=st.sampled_from([None, GATE, "aim", "impact"]),
    topic=st.sampled_from([None, "faq/cost", "faq/lobbying_registration", "find_coach", "faq/x"]),
    offer=st.sampled_from([None, "/stop"]),
    candidates=st.sampled_from([(), ("/stop",), ("/stop", "/help")]),
)
SAID = st.sampled_from(["2", "oui", "et au Québec?", "a@b.ca", BOTH, ""]) | st.text(max_size=60)


@given(SAID, RANKINGS, OPTIONS, STANDINGS, st.sampled_from([{}, QUEBEC]))
def test_whatever_is_said_wherever_there_is_a_decision(
    text: str, labels: Ranking, answers: Ranking, here: Standing, facets: Any
) -> None:
    decision = mean(Heard(text, labels, answers, facets, rank=RANK), here)
    assert decision.intent or decision.payload
    assert 0 <= decision.confidence <= 1
    if decision.intent == AMBIGUOUS:
        assert decision.extra.get("guesses") or len(decision.extra["answer_options"]) >= 2


def test_a_ranking_is_described_by_its_best_labels() -> None:
    ranking = [("faq/cost", 0.512345), ("stop", 0.2), ("help", 0.1), ("greet", 0.05)]
    assert describe(ranking) == [
        {"label": "faq/cost", "confidence": 0.5123},
        {"label": "stop", "confidence": 0.2},
        {"label": "help", "confidence": 0.1},
    ]
    assert describe(ranking, 1) == [{"label": "faq/cost", "confidence": 0.5123}]


@pytest.mark.parametrize(
    ("text", "number"), [("the first one", 0), ("the second one", 1), ("la deuxième svp", 1)]
)
def test_a_place_in_the_list_picks_what_was_asked_about(text: str, number: int) -> None:
    here = Standing(candidates=("/stop", "/resume"))
    assert mean(hear(text, ("help", 0.9)), here).payload == here.candidates[number]


def test_in_the_assessment_a_letter_is_an_option_and_a_place_is_in_the_list() -> None:
    here = replace(ASSESSED, candidates=("/answer_b", "/answer_c"))
    assert mean(hear("la première", ("help", 0.9)), here).payload == "/answer_b"
    assert mean(hear("b", ("help", 0.9)), here).payload is None
