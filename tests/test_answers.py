"""An answer put together from its file: the province, what is not published, links, sources."""

from __future__ import annotations

import datetime
from dataclasses import replace
from typing import Any

import pytest

from mobilis.answers import compose, known_link, lines_about, unknown_links
from mobilis.content import Content, Faq, Link, Source

pytestmark = pytest.mark.pure

NOWHERE = Link(
    {"fr": "Formulaire", "en": "Form"},
    {},
    {"fr": "Le formulaire est sur le site.", "en": "The form is on the site."},
)
IN_FRENCH = Link(
    {"fr": "Page", "en": "Page in French"},
    {"fr": "https://exemple.ca/fr", "en": None},
    {"fr": "Sur le site.", "en": "Look on the site."},
)
EVERYWHERE = Link(
    {"fr": "Accueil", "en": "Home"},
    {"fr": "https://exemple.ca/fr/", "en": "https://exemple.ca/"},
    {"fr": "Accueil", "en": "Home"},
)
GUIDE = Source(
    {"fr": "Guide", "en": "Guidance"},
    {"fr": "https://exemple.ca/guide", "en": "https://example.ca/guidance"},
)
ENGLISH_ONLY = Source(
    {"fr": "Étude (en anglais)", "en": "Study"}, {"en": "https://example.ca/study"}
)

FAQ = Faq(
    id="lobby",
    topic="other_law",
    confidence="published",
    reviewed=datetime.date(2026, 11, 23),
    notices=(),
    follow_ups=("cost", "find_coach"),
    sources=(GUIDE, ENGLISH_ONLY),
    links=(),
    title={"fr": "Registre", "en": "Registry"},
    question={"fr": "Faut-il s'inscrire?", "en": "Must we register?"},
    answer={"fr": "Oui, parfois.", "en": "Yes, sometimes."},
    not_published={"fr": "Le tarif n'est pas publié.", "en": "The fee is not published."},
    phrasings={"fr": (), "en": ()},
    regions={
        "QC": {"fr": "Au Québec, oui.", "en": "In Quebec, yes."},
        "ON": {"fr": "En Ontario, oui.", "en": "In Ontario, yes."},
    },
)


@pytest.fixture
def content() -> Content:
    return Content(
        faqs={"lobby": FAQ},
        choices={},
        notices={"law": {"fr": "Pas un avis juridique.", "en": "Not legal advice."}},
        wording={},
        links={"form": NOWHERE, "page": IN_FRENCH, "home": EVERYWHERE},
    )


def faq(**changes: Any) -> Faq:
    return replace(FAQ, **changes)


@pytest.mark.parametrize(("language", "text"), [("fr", "Oui, parfois."), ("en", "Yes, sometimes.")])
def test_a_published_answer_stands_alone(content: Content, language: str, text: str) -> None:
    answer = compose(content, FAQ, language)
    assert answer.text == text
    assert answer.follow_ups == ["cost", "find_coach"]


def test_each_province_that_was_named_adds_its_paragraph(content: Content) -> None:
    answer = compose(content, FAQ, "fr", ["ON", "QC"])
    assert answer.text == "Oui, parfois.\n\nEn Ontario, oui.\n\nAu Québec, oui."


def test_a_province_without_its_own_rule_and_no_province_add_nothing(content: Content) -> None:
    assert compose(content, FAQ, "en", [None, "YT"]).text == "Yes, sometimes."


@pytest.mark.parametrize("confidence", ["partial", "not_published"])
def test_what_is_not_published_is_said_and_a_person_is_offered(
    content: Content, confidence: str
) -> None:
    answer = compose(content, faq(confidence=confidence), "en")
    assert answer.text == "Yes, sometimes.\n\nThe fee is not published."
    assert answer.follow_ups == ["cost", "find_coach", "request_human"]


def test_a_person_is_offered_once_only(content: Content) -> None:
    partial = faq(confidence="partial", follow_ups=("request_human", "cost"))
    assert compose(content, partial, "fr").follow_ups == ["request_human", "cost"]


def test_composing_leaves_the_follow_ups_of_the_file_alone(content: Content) -> None:
    partial = faq(confidence="partial")
    compose(content, partial, "fr").follow_ups.append("stop")
    assert compose(content, partial, "fr").follow_ups == ["cost", "find_coach", "request_human"]


def test_a_page_without_an_address_is_told_where_to_find(content: Content) -> None:
    answer = compose(content, faq(links=("form",)), "fr")
    assert answer.text == "Oui, parfois.\n\nLe formulaire est sur le site."
    assert [source["title"] for source in answer.sources] == ["Guide", "Étude (en anglais)"]


def test_a_page_known_in_one_language_is_a_source_there_only(content: Content) -> None:
    french = compose(content, faq(links=("page",)), "fr")
    assert {"title": "Page", "url": "https://exemple.ca/fr"} in french.sources
    assert french.text == "Oui, parfois."
    english = compose(content, faq(links=("page",)), "en")
    assert english.text == "Yes, sometimes.\n\nLook on the site."
    assert "Page in French" not in [source["title"] for source in english.sources]


@pytest.mark.parametrize(
    ("language", "sources"),
    [
        (
            "fr",
            [
                {"title": "Guide", "url": "https://exemple.ca/guide"},
                {"title": "Étude (en anglais)", "url": "https://example.ca/study"},
                {"title": "Accueil", "url": "https://exemple.ca/fr/"},
            ],
        ),
        (
            "en",
            [
                {"title": "Guidance", "url": "https://example.ca/guidance"},
                {"title": "Study", "url": "https://example.ca/study"},
                {"title": "Home", "url": "https://exemple.ca/"},
            ],
        ),
    ],
)
def test_sources_are_in_the_language_of_the_answer_where_there_is_one(
    content: Content, language: str, sources: list[dict[str, str]]
) -> None:
    assert compose(content, faq(links=("home",)), language).sources == sources


def test_notices_come_last_and_in_italics(content: Content) -> None:
    everything = faq(confidence="partial", links=("form",), notices=("law",))
    assert compose(content, everything, "en", ["QC"]).text.split("\n\n") == [
        "Yes, sometimes.",
        "In Quebec, yes.",
        "The fee is not published.",
        "The form is on the site.",
        "*Not legal advice.*",
    ]


def test_unknown_links_names_only_what_has_no_address(content: Content) -> None:
    keys = ["form", "page", "home"]
    assert unknown_links(content, keys, "fr") == ["Le formulaire est sur le site."]
    assert unknown_links(content, keys, "en") == ["The form is on the site.", "Look on the site."]


def test_a_known_link_is_markdown_and_an_unknown_one_is_none(content: Content) -> None:
    assert known_link(content, "home", "fr") == "[Accueil](https://exemple.ca/fr/)"
    assert known_link(content, "form", "fr") is None
    assert known_link(content, "page", "en") is None


LONG = """**Oui, parfois.** Le seuil dépend de la province.
Le temps des bénévoles ne compte pas.
La RPVP s'en charge.
Les déplacements ne comptent pas."""


@pytest.mark.parametrize(
    ("said", "lines"),
    [
        ("pis les bénévoles?", ["Le temps des bénévoles ne compte pas."]),
        ("ça change-tu selon les provinces", ["**Oui, parfois.** Le seuil dépend de la province."]),
        ("c'est quoi la RPVP?", ["La RPVP s'en charge."]),
        ("et le reste?", []),
        ("faut-il s'inscrire au registre", []),  # words of the question as a whole
        ("un avis de quelqu'un", []),  # a notice is no part of the answer
        ("bénévoles, province, déplacements", []),  # most of it is about that
    ],
)
def test_the_lines_about_what_is_said_are_found(
    content: Content, said: str, lines: list[str]
) -> None:
    asked = faq(answer={"fr": LONG, "en": "Yes."}, notices=("law",))
    # Of a dozen answers, so that a word of one is rare.
    others = {f"other{number}": faq(id=f"other{number}") for number in range(12)}
    full = replace(content, faqs={"lobby": asked, **others})
    assert lines_about(full, "lobby", compose(full, asked, "fr"), said, "fr") == lines


def test_what_stands_in_many_answers_tells_no_line(content: Content) -> None:
    asked = faq(answer={"fr": LONG, "en": "Yes."})
    others = {f"other{number}": replace(asked, id=f"other{number}") for number in range(12)}
    full = replace(content, faqs={"lobby": asked, **others})
    assert lines_about(full, "lobby", compose(full, asked, "fr"), "les bénévoles?", "fr") == []
