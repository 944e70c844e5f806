"""Messages as Adaptive Cards: each kind, its limits, and nothing that means more than it says."""

from __future__ import annotations

import json

import pytest
from fake_teams import buttons, elements, words

from mobilis.settings import ROOT
from mobilis.web.teams.cards import (
    LARGEST,
    LONGEST_TEXT,
    LONGEST_TITLE,
    TooLarge,
    activity_of,
    card_of,
    escape,
    size_of,
)
from mobilis.wording import load_wording

WORDS = load_wording(ROOT).teams
# What Teams draws of version 1.5.
DRAWN = {
    *("AdaptiveCard", "TextBlock", "Container", "ColumnSet", "Column", "FactSet", "ActionSet"),
    *("Action.Execute", "Action.Submit", "Action.OpenUrl"),
}
HOSTILE = (
    "<script>alert(1)</script>",
    "[clic](javascript:alert(1))",
    "![x](https://evil.example/x.png)",
    "**gras** _penché_ `code`",
    "# Titre",
    "> citation",
    "1. un",
    "- un",
    "<at>tous</at>",
    "a\\*b",
    "\u202egnp.exe",
)


def message(kind="text", text="Bonjour", **more):
    told = {"id": "m1", "at": "2026-11-23T16:00:00Z", "role": "assistant", "language": "fr"}
    return {**told, "kind": kind, "text": text, **more}


def choices(*titles):
    return [{"id": f"c{number}", "title": title} for number, title in enumerate(titles)]


def card(*given, **more):
    return card_of(message(*given, **more), WORDS, "https://chat.example.org")


def texts(node):
    return [e["text"] for e in elements(node) if e["type"] == "TextBlock"]


ANSWERS = [
    {"question": "a", "title": "la clarté", "answer": "Assez *claire*", "points": 2, "of": 3},
    {"question": "b", "title": "le but", "answer": "Sensibiliser", "points": None, "of": None},
]
RESULT = {"band": "nearly", "score": 11, "of": 15, "gaps": ["a"], "url": "/r/x", "answers": ANSWERS}
COACHES = [
    {
        "id": "one",
        "name": "Camille *T*",
        "languages": ["fr"],
        "bio": "Vingt ans de **logement**.",
        "facts": {"languages": "français", "regions": "Québec", "topics": "", "reasons": "Québec"},
        "url": "https://coach.example.ca",
    },
    {"id": "two", "name": "Alex", "bio": None, "facts": {}, "url": "http://plain.example.ca"},
]
KINDS = {
    "text": message(),
    "text with choices": message(choices=choices("Un", "Deux")),
    "faq": message(
        "faq", faq={"id": "cost", "sources": [{"title": "Page", "url": "https://a.ca"}]}
    ),
    "question": message(
        "question",
        question={"id": "impact", "number": 2, "of": 5},
        choices=choices("A. Oui", "B. Non"),
    ),
    "result": message("result", result=RESULT, choices=choices("Trouver une ou un coach")),
    "coaches": message("coaches", "Voici.\n\n- **Camille** – x", coaches=COACHES),
    "form": message("form", choices=choices("Oui, je suis d'accord", "Non merci")),
    "clarify": message("clarify", choices=choices("Un", "Deux")),
    "notice": message("notice"),
    "staff joined": message("notice", role="staff", staff={"name": "Alex", "state": "joined"}),
    "staff": message(role="staff", staff={"name": "Alex"}),
}


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("told", KINDS.values(), ids=KINDS.keys())
def test_every_kind_is_a_card_that_teams_draws(told, language):
    activity = activity_of({**told, "language": language}, WORDS)
    shown = activity["attachments"][0]["content"]
    assert (shown["type"], shown["version"], shown["lang"]) == ("AdaptiveCard", "1.5", language)
    assert shown["speak"] and shown["fallbackText"] == shown["speak"] == activity["summary"]
    assert {element["type"] for element in elements(shown)} <= DRAWN
    assert all(element["wrap"] for element in elements(shown) if element["type"] == "TextBlock")
    assert all(e["actions"] for e in elements(shown) if e["type"] == "ActionSet")
    assert all(e["items"] for e in elements(shown) if e["type"] in ("Container", "Column"))
    assert json.loads(json.dumps(activity)) == activity
    assert buttons(shown) == {c["title"]: c["id"] for c in told.get("choices", [])}


@pytest.mark.parametrize("told", [k for k in KINDS.values() if "choices" in k])
def test_after_a_press_a_card_shows_the_choice_and_has_no_buttons(told):
    used = [{**told["choices"][0], "used": True}, *told["choices"][1:]]
    shown = card_of({**told, "choices": used}, WORDS)
    assert buttons(shown) == {}
    assert f"✓ Votre choix : {used[0]['title']}" in texts(shown)
    assert "Action.Submit" not in str(shown)


def test_an_answer_has_its_sources():
    shown = card_of(KINDS["faq"], WORDS)
    assert texts(shown) == ["Bonjour", "Sources", "- [Page](https://a.ca)"]


def test_a_source_of_an_unsafe_address_is_no_link():
    faq = {"id": "x", "sources": [{"title": "Page", "url": "javascript:x"}]}
    assert texts(card("faq", faq=faq))[-1] == "- Page"


def test_a_question_shows_how_far_it_is():
    assert texts(card_of(KINDS["question"], WORDS))[:2] == ["Question 2 de 5", "●●○○○"]


def test_a_result_has_bars_figures_answers_and_its_page():
    shown = card_of(KINDS["result"], WORDS, "https://chat.example.org")
    assert "11 sur 15" in texts(shown)
    assert "●●○ 2 sur 3" in texts(shown)
    assert "Assez \\*claire\\*" in texts(shown)
    assert "Sensibiliser" in texts(shown)
    assert "La clarté" in texts(shown)
    [page] = [e for e in elements(shown) if e["type"] == "Action.OpenUrl"]
    assert page["url"] == "https://chat.example.org/r/x"


def test_a_result_without_points_or_address_shows_none():
    shown = card_of({**KINDS["result"], "result": {**RESULT, "score": None}}, WORDS)
    assert "11 sur 15" not in texts(shown)
    assert not [e for e in elements(shown) if e["type"] == "Action.OpenUrl"]


def test_coaches_stand_in_boxes_with_their_facts_and_their_button():
    offered = choices("Contacter Camille", "Contacter Alex", "Voir d'autres coachs")
    shown = card_of({**KINDS["coaches"], "choices": offered}, WORDS)
    first, second = [e for e in elements(shown) if e["type"] == "Container"]
    assert texts(first) == ["Camille \\*T\\*", "Vingt ans de **logement**."]
    facts = [e["facts"] for e in elements(first) if e["type"] == "FactSet"]
    assert facts == [
        [
            {"title": "Langues", "value": "français"},
            {"title": "Régions", "value": "Québec"},
            {"title": "Répond à vos critères", "value": "Québec"},
        ]
    ]
    assert list(buttons(first)) == ["Contacter Camille"]
    assert list(buttons(second)) == ["Contacter Alex"]
    assert [e["url"] for e in elements(shown) if e["type"] == "Action.OpenUrl"] == [
        "https://coach.example.ca"
    ]
    assert list(buttons(shown["body"][-1])) == ["Voir d'autres coachs"]
    assert "– x" not in words(shown)


def test_a_coach_that_was_chosen_is_said_below():
    offered = choices("Contacter Camille", "Contacter Alex")
    offered[1]["used"] = True
    shown = card_of({**KINDS["coaches"], "choices": offered}, WORDS)
    assert texts(shown)[-1] == "✓ Votre choix : Contacter Alex"


def test_a_person_of_the_team_is_named():
    assert texts(card_of(KINDS["staff"], WORDS)) == ["Alex, de l'équipe du programme", "Bonjour"]


# Text


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("**a** et *b*", ["**a** et _b_"]),
        ("un\ndeux\n\ntrois", ["un\n\ndeux", "trois"]),
        ("- a\n- b", ["- a\r- b"]),
        ("3. a\n4. b", ["3. a\r4. b"]),
        ("[a](https://a.ca)", ["[a](https://a.ca)"]),
        ("**a b **c", ["**a b** c"]),
        ("un!\n\n![x](https://a.ca)", ["un!", "\\![x](https://a.ca)"]),
        ("a_b_c * d", ["a\\_b\\_c \\* d"]),
        ("[a](javascript:x)", ["\\[a\\](javascript:x)"]),
        ("# a", ["\\# a"]),
        ("> a", ["\\> a"]),
        ("+ a", ["\\+ a"]),
        ("2.a", ["2\\.a"]),
    ],
)
def test_markdown_is_that_of_teams(text, written):
    assert texts(card(text=text)) == written


@pytest.mark.parametrize("text", HOSTILE)
def test_what_people_wrote_means_nothing_but_itself(text):
    """Names and answers stand where no Markdown is meant."""
    coach = {**COACHES[0], "name": text}
    shown = card("coaches", "x", coaches=[coach], choices=choices(text))
    assert escape(text) in texts(shown)
    answers = [{**ANSWERS[0], "answer": text, "title": f"Le {text}"}]
    shown = card("result", result={**RESULT, "answers": answers})
    assert {escape(text), f"Le {escape(text)}"} <= set(texts(shown))
    shown = card(choices=[{"id": "c", "title": text, "used": True}])
    assert texts(shown)[-1] == f"✓ Votre choix : {escape(text)}"


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_becomes_an_element_or_an_unsafe_link(text):
    shown = card(text=text)
    assert {e["type"] for e in elements(shown)} == {"AdaptiveCard", "TextBlock"}
    assert "](javascript" not in "".join(texts(shown)).replace("\\](javascript", "")
    assert "![" not in "".join(texts(shown)).replace("\\![", "")


# Limits


def test_long_texts_stand_in_several_blocks_cut_between_words():
    shown = texts(card(text="mot " * 3000))
    assert len(shown) == 3
    assert all(len(text) <= LONGEST_TEXT for text in shown)
    assert " ".join(shown).split() == ["mot"] * 3000


def test_a_word_without_end_is_cut_all_the_same():
    shown = texts(card(text="x" * 9000))
    assert [len(text) for text in shown] == [4000, 4000, 1000]


def test_a_list_without_end_is_several_lists():
    shown = texts(card(text="\n".join(f"- {'mot ' * 200}" for _ in range(20))))
    assert len(shown) > 3
    assert all(text.startswith("- ") and len(text) <= LONGEST_TEXT for text in shown)


def test_what_is_read_out_is_not_endless():
    shown = card(text="mot " * 3000)
    assert len(shown["speak"]) <= 500
    assert shown["speak"].endswith("…")


def test_a_message_that_teams_would_refuse_is_refused_here():
    fits = activity_of(message(text="é" * 35_000), WORDS)
    assert size_of(fits) <= LARGEST
    with pytest.raises(TooLarge):
        activity_of(message(text="é" * 45_000), WORDS)


def test_a_no_break_space_stays_where_french_has_it():
    shown = card("text", "Réponse\u00a0: oui", choices=choices("A.  Oui\u00a0: bien\nsûr"))
    assert list(buttons(shown)) == ["A. Oui\u00a0: bien sûr"]
    assert shown["speak"] == "Réponse\u00a0: oui"


def test_a_buttons_title_is_cut_where_it_is_too_long():
    shown = card(choices=choices("mot " * 100))
    [title] = buttons(shown)
    assert len(title) <= LONGEST_TITLE and title.endswith("…")


def test_long_buttons_stand_below_each_other_and_short_ones_beside():
    shown = card(choices=choices("Oui", "Non", "Peut-être", "Plus tard", "x" * 40, "Autre"))
    rows = [e["actions"] for e in elements(shown) if e["type"] == "ActionSet"]
    assert [len(row) for row in rows] == [3, 1, 1, 1]


def test_half_characters_do_not_break_the_size():
    assert size_of({"text": "\ud83d"}) > 0
