"""The small words that show what a message is about where its label would mislead."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mobilis.nlu import cues

pytestmark = pytest.mark.pure

SHOWN: list[tuple[Callable[[str], bool], list[str], list[str]]] = [
    (
        cues.asks,
        ["c'est combien", "Is it free", "gratuit?"],
        ["on est trois", "attends, c'est qui"],
    ),
    (
        cues.asks_after_all,
        ["attends, c'est quoi ça", "wait, before that: how much is it", "pourquoi"],
        ["attends un peu", "The Hungry Society"],
    ),
    (cues.follows, ["et au Québec?", "what about us"], ["au Québec?"]),
    (
        cues.cancels,
        ["laisse faire", "non, annule ça", "actually forget it", "Never mind"],
        ["on veut annuler la loi", "merci"],
    ),
    (cues.erases, ["efface tout", "forget what I said"], ["garde tout"]),
    (cues.sends, ["ok envoie ça", "send it"], ["envoie pas ça", "don't send it", "merci"]),
    (cues.keeps, ["garde ça", "no wait", "don't"], ["oui"]),
    (
        cues.is_plain_yes,
        ["oui", "oui, efface tout", "yes please delete it all", "d'accord"],
        ["ok envoie", "efface tout", "oui mais pas mon nom", ""],
    ),
    (cues.reaches, ["contact her", "je veux joindre Inès"], ["Inès parle anglais?"]),
    (
        cues.reaches,
        ["I'll go with Claire", "j'irais avec le deuxième", "je vais y aller avec Inès"],
        ["we go to meetings with Claire"],
    ),
    (
        cues.asks_about_them,
        [
            "does she work online",
            "which one is closer",
            "lequel parle cri",
            "parle-t-elle français",
        ],
        ["a coach in Laval", "do we need one", "on travaille ensemble"],
    ),
    (
        cues.asks_for_the_source,
        ["send me the link", "c'est écrit où, ça", "where does it say that", "d'où ça vient?"],
        ["do we register", "qui décide", "is that link between bingo and the bus good enough"],
    ),
    (
        cues.wants_it_explained,
        ["C'est quoi vous voulez dire par impact?", "what do you mean", "explique-moi ça"],
        ["on sait pas", "le CA comprend pas le lien", "we don't understand the policy yet"],
    ),
    (
        cues.asks_who_is_real,
        ["c'est des faux coachs?", "are these real coaches", "où sont les vrais coachs"],
        ["a real change in policy", "une coach en logement"],
    ),
    (
        cues.compares,
        ["c'est quoi la différence?", "this versus that", "how it differs"],
        ["un comparse", "the different steps and the cost"],
    ),
    (cues.asks_when, ["how soon?", "dans combien de temps", "when will it be"], ["who answers"]),
    (
        cues.names_the_guidance,
        ["what's CG-027?", "les lignes directrices", "the name of the CRA document"],
        ["les règles", "a document for our board"],
    ),
    (
        cues.declines,
        ["Not today then, I'll ask my board", "no thanks, just looking", "pas tout de suite"],
        ["no wait", "not a charity", "pas de problème"],
    ),
    (
        cues.wants_no_questions,
        ["no no, I don't want the questions", "je veux pas de questionnaire"],
        ["I don't know", "une autre question", "on ne veut pas d'argent"],
    ),
    (cues.ends_with_back, ["on est deux. retour", "wait, go back!"], ["de retour lundi", "retour"]),
    (cues.asks_who_confirms, ["who could tell me?", "qui peut me le dire"], ["who it is for"]),
    (cues.is_of_somebody, ["someone in Alberta", "une coach"], ["the rules in Alberta"]),
    (cues.is_of_an_answer, ["when will you call", "avoir une réponse"], ["the coaching"]),
    (cues.is_for_later, ["if we change our minds", "si on change d'idée"], ["delete it now"]),
    (
        cues.reacts,
        ["So confidential", "ok parfait", "I see", "bon c'est clair"],
        ["ok how much does it cost", "so confidential?", "we are a charity"],
    ),
    (cues.points_to_one, ["contacte-le", "talk to her"], ["contact Inès"]),
    (
        cues.asks_for_a_language,
        ["french", "can we go on in French", "parlez français"],
        ["does claire speak french", "nobody on staff knows any french"],
    ),
    (
        cues.asks_for_more,
        ["encore", "show me more of them", "d'autres coachs s'il vous plaît"],
        ["one more thing", "one more thing, can we sign", "and we also signed it last year"],
    ),
    (cues.is_of_coaches, ["une coach", "mentors"], ["un organisme"]),
]


@pytest.mark.parametrize(
    ("cue", "text"), [(cue, text) for cue, texts, _ in SHOWN for text in texts]
)
def test_a_cue_is_seen(cue: Callable[[str], bool], text: str) -> None:
    assert cue(text)


@pytest.mark.parametrize(
    ("cue", "text"), [(cue, text) for cue, _, texts in SHOWN for text in texts]
)
def test_what_only_resembles_it_is_not(cue: Callable[[str], bool], text: str) -> None:
    assert not cue(text)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("B. on sait pas quand", "B"),
        ("b) not yet", "b"),
        ("D on a personne", "D"),
        ("C défini", "C défini"),
        ("A mon avis oui", "A mon avis oui"),
        ("on a des photos pis une pétition. je dirais C", "C"),
        ("we know the problem, so probably b", "B"),
        ("c'est à Laval", "c'est à Laval"),
        ("B", "B"),
    ],
)
def test_a_letter_before_its_reason_is_that_letter(text: str, read: str) -> None:
    assert cues.letter_of(text) == read


def test_a_name_in_a_title_is_found_and_its_small_words_are_not() -> None:
    assert cues.names_one_of("je veux parler à Inès", "Joindre Inès de la Rive")
    assert not cues.names_one_of("je veux contacter la première", "Joindre Inès de la Rive")
    assert not cues.names_one_of("Contact Omar Sud-Fiction", "Contact Ann Rive-Fiction")


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("oui, mais d'abord qui lit ça?", "qui lit ca?"),
        ("before that, are her rates listed?", "are her rates listed?"),
        ("before that", ""),
        ("oui", ""),
    ],
)
def test_what_is_asked_first_is_found(text: str, asked: str) -> None:
    assert cues.asked_first(text) == asked
