"""A message as Slack shows it: every kind, in both languages, and every limit of Slack."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fakes.slack import Post, wrong_blocks

from mobilis.assessment import load_assessment
from mobilis.content import LANGUAGES, load_content
from mobilis.settings import ROOT
from mobilis.web.slack.blocks import (
    BUTTON,
    FALLBACK,
    MOST_BLOCKS,
    SECTION,
    Look,
    bar,
    escape,
    notice,
    render,
    shorten,
)
from mobilis.wording import load_wording

LOOK = Look(load_wording(ROOT).slack, "https://chat.example.org")
CONTENT = load_content(ROOT)


def message(text: str = "Bonjour", **more: Any) -> dict[str, Any]:
    own = {"id": "m", "role": "assistant", "at": "2026-11-23T16:00:00Z", "language": "fr"}
    return {**own, "kind": "text", "text": text, **more}


def choices(*titles: str) -> list[dict[str, Any]]:
    return [{"id": f"{n:032}", "title": title} for n, title in enumerate(titles)]


def shown(*args: Any, **more: Any) -> Post:
    """A message as it is posted, which Slack would take."""
    rendered = render(message(*args, **more), LOOK)
    assert wrong_blocks(rendered["blocks"]) == []
    assert 0 < len(rendered["text"]) <= FALLBACK
    return Post("T1", "D1", "1.1", rendered["text"], rendered["blocks"])


@pytest.mark.parametrize(
    ("markdown", "mrkdwn"),
    [
        ("**gras**", "*gras*"),
        ("*italique*", "_italique_"),
        ("_italique_", "_italique_"),
        ("**_les deux_**", "*_les deux_*"),
        ("**a *b* c**", "*a* *_b_* *c*"),
        ("a** gras **b", "a *gras* b"),
        ("[la page](https://a.ca/?x=1&y=2)", "<https://a.ca/?x=1&amp;y=2|la page>"),
        ("[écrire](mailto:a@b.ca)", "<mailto:a@b.ca|écrire>"),
        ("[mal](javascript:alert(1))", "[mal](javascript:alert(1))"),
        ("[mal](http://a.ca)", "[mal](http://a.ca)"),
        ("a < b & c > d", "a &lt; b &amp; c &gt; d"),
        ("<!channel> <@U1>", "&lt;!channel&gt; &lt;@U1&gt;"),
        ("&amp;", "&amp;amp;"),
        ("- un\n- deux", "• un\n• deux"),
        ("3. trois\n4. quatre", "3. trois\n4. quatre"),
        ("un\ndeux\n\ntrois", "un\ndeux\n\ntrois"),
        ("- **Nom** : Ann", "• *Nom* : Ann"),
        ("snake_case_name", "snake_case_name"),
        ("[a|b](https://a.ca/x|y)", "<https://a.ca/x%7Cy|a¦b>"),
    ],
)
def test_markdown_becomes_mrkdwn(markdown, mrkdwn):
    post = shown(markdown)
    assert post.says() == mrkdwn
    assert post.text == mrkdwn


def test_what_looks_like_slack_is_never_slacks():
    post = shown("<!here> <@U1|x> <https://evil.example|clic>", choices=choices("<!here>"))
    assert "<" not in post.text
    assert "<" not in post.says()


def test_an_answer_shows_its_sources_as_links():
    sources = [
        {"title": "La loi & la règle", "url": "https://a.ca/1"},
        {"title": "Le guide", "url": "https://a.ca/2"},
    ]
    post = shown("Oui.", kind="faq", faq={"id": "cost", "sources": sources})
    line = "Sources : <https://a.ca/1|La loi &amp; la règle> · <https://a.ca/2|Le guide>"
    assert post.blocks[-1] == {"type": "context", "elements": [{"type": "mrkdwn", "text": line}]}
    assert line in post.text
    one = shown("Oui.", kind="faq", faq={"id": "cost", "sources": sources[:1]}, language="en")
    assert one.text.endswith("Source: <https://a.ca/1|La loi &amp; la règle>")


def test_an_answer_without_sources_shows_none():
    assert len(shown("Oui.", kind="faq", faq={"id": "cost", "sources": []}).blocks) == 1


def test_a_question_shows_how_far_it_is_and_its_options():
    options = choices("A. Oui", "B. Non")
    question = {"id": "aim", "number": 2, "of": 5}
    post = shown("Quel but?", kind="question", question=question, choices=options)
    assert post.blocks[0]["elements"][0]["text"] == "▰▰▱▱▱ Question 2 de 5"
    assert list(post.buttons()) == ["A. Oui", "B. Non"]
    assert post.text == "Question 2 de 5\nQuel but?\n• A. Oui\n• B. Non"


def test_a_result_shows_a_bar_of_text_and_its_page():
    answers = [
        {"question": "q", "title": "le but", "answer": "Oui & non", "points": 2, "of": 3},
    ]
    result = {"band": "nearly", "score": 11, "of": 15, "gaps": [], "url": "/r/x"}
    post = shown("**Presque**", kind="result", result={**result, "answers": answers})
    assert "▰▰▰▰▰▰▰▰▰▰▰▱▱▱▱ 11 sur 15" in post.says()
    assert "▰▰▱ *le but*\nOui &amp; non" in post.says()
    assert "<https://chat.example.org/r/x|Voir la page du résultat>" in post.says()
    assert "▰" not in post.text  # a screen reader would spell it


def test_a_result_that_ended_early_shows_no_score():
    result = {"band": "other", "score": None, "of": 15, "gaps": [], "url": "/r/x", "answers": []}
    assert "15" not in shown("Non", kind="result", result=result).says()


def test_without_a_public_address_a_result_shows_no_link():
    result = {"band": "b", "score": 1, "of": 2, "gaps": [], "url": "/r/x", "answers": []}
    rendered = render(message(kind="result", result=result), Look(LOOK.sentences))
    assert "/r/x" not in json.dumps(rendered)


def test_coaches_are_cards_and_their_list_is_not_said_twice():
    coach = {
        **{"id": "a", "name": "Ann <Roy>", "bio": "Logement & villes", "url": "https://a.ca"},
        "facts": {"languages": "français", "regions": "Québec", "topics": "", "levels": ""},
    }
    plain = {**coach, "url": "", "name": "Bob"}
    text = "J'ai trouvé 2 coachs.\n\n- **Ann <Roy>** – Logement\n- **Bob** – x\n\nFictif."
    post = shown(text, kind="coaches", coaches=[coach, plain], choices=choices("Contacter Ann"))
    assert post.blocks[2] == {"type": "divider"}
    texts = [block["text"]["text"] for block in post.blocks if block["type"] == "section"]
    card = "*<https://a.ca|Ann &lt;Roy&gt;>*\nLogement &amp; villes"
    assert texts == ["J'ai trouvé 2 coachs.", card, "*Bob*\nLogement &amp; villes", "Fictif."]
    facts = [field["text"] for field in post.blocks[1]["fields"]]
    assert facts == ["*Langues*\nfrançais", "*Régions*\nQuébec"]
    assert "• *Ann &lt;Roy&gt;*" in post.text


def test_a_person_of_the_team_is_named():
    post = shown("Bonjour", role="staff", staff={"name": "Ann <Roy>"})
    assert post.blocks[0]["elements"][0]["text"] == "*Ann &lt;Roy&gt;, de l'équipe du programme*"
    english = shown("Hello", role="staff", staff={"name": "Ann Roy"}, language="en")
    assert english.text == "Ann Roy, from the program team\nHello"


@pytest.mark.parametrize("kind", ["text", "form", "clarify", "notice"])
def test_a_kind_without_a_field_of_its_own_is_its_text_and_its_choices(kind):
    post = shown("D'accord?", kind=kind, choices=choices("Oui", "Non"))
    assert [block["type"] for block in post.blocks] == ["section", "actions"]


def test_a_message_whose_button_was_pressed_shows_which_and_no_button():
    offered = choices("Oui & non", "Non")
    offered[0]["used"] = True
    post = shown("D'accord?", choices=offered)
    assert post.buttons() == {}
    assert post.blocks[-1]["elements"][0]["text"] == "Votre choix : *Oui &amp; non*"
    assert post.text == "D'accord?\nVotre choix : *Oui &amp; non*"


# Limits


@pytest.mark.parametrize("count", [1, 2, 9, 10])
def test_up_to_ten_options_are_buttons(count):
    post = shown(choices=choices(*(f"Choix {n}" for n in range(count))))
    assert [e["type"] for e in post.blocks[-1]["elements"]] == ["button"] * count


@pytest.mark.parametrize("count", [11, 25, 26, 100])
def test_more_than_ten_options_become_a_menu(count):
    post = shown(choices=choices(*(f"Choix {n}" for n in range(count))))
    [menu] = post.blocks[-1]["elements"]
    assert (menu["type"], len(menu["options"])) == ("static_select", count)
    assert menu["placeholder"]["text"] == "Choisissez une réponse"
    assert [option["value"] for option in menu["options"]][:1] == ["0" * 32]


def test_more_than_a_hundred_options_are_several_menus():
    post = shown(choices=choices(*(f"Choix {n}" for n in range(250))))
    assert [len(menu["options"]) for menu in post.blocks[-1]["elements"]] == [100, 100, 50]


def test_a_title_that_is_too_long_for_a_button_stands_in_full_above():
    title = "A. " + "très " * 20 + "long"
    post = shown(choices=choices(title, "Court"))
    [short, _] = post.buttons()
    assert len(short) <= BUTTON
    assert short.endswith("…")
    assert f"• {title}" in post.says()
    assert "• Court" in post.says()
    assert f"• {title}" in post.text


@pytest.mark.parametrize("length", [2999, 3000, 3001, 6000, 20_000])
@pytest.mark.parametrize("letter", ["a", "a ", "&", "é\n", "é\n\n", "<b> "])
def test_a_text_of_any_length_is_sections_that_slack_takes(length, letter):
    post = shown(letter * (length // len(letter)))
    assert len(post.blocks) <= MOST_BLOCKS
    assert all(len(block["text"]["text"]) <= SECTION for block in post.blocks[:-1])


def test_nothing_of_a_long_text_is_lost():
    words = " ".join(f"mot{n}" for n in range(2000))
    post = shown(words)
    assert "".join(post.says().split()) == "".join(words.split())


def test_a_text_beyond_fifty_blocks_is_cut_and_says_so():
    post = shown("x" * 200_000, choices=choices("Oui"))
    assert len(post.blocks) == MOST_BLOCKS
    assert "La suite est trop longue pour Slack." in post.says()
    assert list(post.buttons()) == ["Oui"]


def test_a_link_that_is_too_long_keeps_its_words():
    assert shown(f"[la page](https://a.ca/{'x' * 3000})").says() == "la page"
    assert shown(f"[{'long ' * 100}](https://a.ca)").says().startswith("<https://a.ca|long long")


@pytest.mark.parametrize("cut", range(3880, 3900))
def test_the_fallback_is_never_cut_within_a_link_or_an_entity(cut):
    text = shown("a" * cut + " & [la page](https://a.ca/page) & fin " + "z" * 300).text
    assert text.count("<") == text.count(">")
    assert text.rpartition("&")[2].startswith("amp;") or "&" not in text


def test_an_empty_text_still_has_a_fallback():
    assert render(message(""), LOOK)["text"] == "…"


def test_a_notice_of_our_own_has_nothing_to_press():
    told = notice("Un **mot** & un autre")
    assert told["text"] == "Un *mot* &amp; un autre"
    assert [block["type"] for block in told["blocks"]] == ["section"]


@pytest.mark.parametrize(
    ("score", "of", "signs"),
    [(0, 5, "▱▱▱▱▱"), (5, 5, "▰▰▰▰▰"), (2, 3, "▰▰▱"), (50, 100, "▰" * 10 + "▱" * 10), (0, 0, "")],
)
def test_a_bar(score, of, signs):
    assert bar(score, of) == signs


def test_a_text_is_shortened_between_two_words():
    assert shorten("un deux trois quatre", 14) == "un deux…"
    assert shorten("x" * 20, 10) == "x" * 9 + "…"
    assert shorten("court", 10) == "court"


def test_escaping_is_slacks():
    assert escape("<&>") == "&lt;&amp;&gt;"


# What we really say


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_answer_is_one_that_slack_takes(language):
    for faq in CONTENT.faqs.values():
        sources = [
            {"title": s.title[language], "url": next(iter(s.url.values()))} for s in faq.sources
        ]
        titles = [CONTENT.choices[c][language] for c in faq.follow_ups if c in CONTENT.choices]
        post = shown(
            "\n\n".join([faq.answer[language], *(r[language] for r in faq.regions.values())]),
            kind="faq",
            language=language,
            faq={"id": faq.id, "sources": sources},
            **({"choices": choices(*titles)} if titles else {}),
        )
        assert "**" not in post.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_question_is_one_that_slack_takes(language):
    assessment = load_assessment(ROOT / "assessment" / "readiness.yml")
    for number, question in enumerate(assessment.questions, 1):
        titles = [option.title[language] for option in question.options]
        progress = {"id": question.id, "number": number, "of": len(assessment.questions)}
        post = shown(
            question.text[language],
            kind="question",
            language=language,
            question=progress,
            choices=choices(*titles),
        )
        for title in titles:
            assert escape(title) in post.text


def test_coaches_without_a_list_in_the_text_come_last():
    coach = {"id": "a", "name": "Ann", "bio": "", "url": "", "facts": {}}
    post = shown("J'ai trouvé une personne.", kind="coaches", coaches=[coach])
    assert [block["text"]["text"] for block in post.blocks] == [
        "J'ai trouvé une personne.",
        "*Ann*",
    ]
    assert "fields" not in post.blocks[1]
