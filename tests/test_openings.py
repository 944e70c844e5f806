"""What a website's own button may ask for, and that it is nothing else."""

from __future__ import annotations

import json

import pytest

from mobilis.content import LANGUAGES, load_content
from mobilis.openings import INTENTS, find_opening
from mobilis.settings import ROOT

CONTENT = load_content(ROOT)


@pytest.mark.parametrize("name", [*INTENTS, *(f"faq/{faq}" for faq in CONTENT.faqs)])
def test_an_opening_says_what_its_button_says(name):
    opening = find_opening(CONTENT, name)
    assert opening.payload.startswith(f"/{name.partition('/')[0]}")
    assert {language: CONTENT.title(name, language) for language in LANGUAGES} == opening.title


def test_a_question_is_named_in_the_payload():
    payload = find_opening(CONTENT, "faq/cost").payload
    assert json.loads(payload.removeprefix("/faq")) == {"faq_id": "cost"}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("switch_language/fr", "Continuer en français"),
        ("switch_language/en", "Continue in English"),
    ],
)
def test_a_change_of_language_is_said_in_the_language_it_leads_to(name, said):
    opening = find_opening(CONTENT, name)
    assert opening.language == name[-2:]
    assert opening.title == {"fr": said, "en": said}


@pytest.mark.parametrize(
    "name",
    [
        *("", "/", "faq", "faq/", "faq/nothing", "faq/cost/more", "switch_language"),
        *("switch_language/es", "restart", "/restart", "delete_my_data", "help{}", "Help", "help/"),
    ],
)
def test_nothing_else_is_an_opening(name):
    assert find_opening(CONTENT, name) is None
