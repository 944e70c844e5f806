"""The content files: the real ones are sound, and a fault is told with its file and field."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from mobilis.content import (
    LANGUAGES,
    Content,
    both_languages,
    fresh_content,
    load_content,
    missing,
    problems,
    read_yaml,
)
from mobilis.errors import ContentError
from mobilis.settings import ROOT

pytestmark = pytest.mark.pure

# The stable vocabulary: an id may be added, never renamed. In the order of the labels' own page.
FAQ_IDS = """
    what_is why_engage examples government_levels coaching_help who_is_it_for team_size
    how_to_apply declaration_of_interest funding_request funding_scope cost info_session
    self_assessment timeline coalition collective_impact public_awareness program_status newsletter
    other_streams about_innoweave deadline cra_limits cra_nonpartisan cra_definition
    cra_stated_purpose cra_elections cra_social_media cra_reporting cra_non_charity foreign_funding
    lobbying_registration legal_advice privacy languages accessibility
""".split()
INTENTS = """
    greet goodbye thank affirm deny help bot_challenge start_assessment explain_question go_back
    start_over stop resume find_coach more_results declare_interest request_human switch_language
    delete_my_data out_of_scope
""".split()

Change = Callable[[Any], Any]  # changes the data of a file, or returns (other data,)


@pytest.fixture(scope="module")
def content() -> Content:
    return load_content(ROOT)


# --- the real content


def test_the_real_content_has_no_problem() -> None:
    assert problems(ROOT) == []


def test_there_is_one_file_for_each_faq_label(content: Content) -> None:
    assert len(FAQ_IDS) == 37
    assert sorted(content.faqs) == sorted(FAQ_IDS)


def test_every_intent_has_the_words_of_a_button(content: Content) -> None:
    assert set(INTENTS) <= set(content.choices)


@pytest.mark.parametrize("faq_id", FAQ_IDS)
def test_every_question_can_be_asked_and_answered_in_both_languages(
    content: Content, faq_id: str
) -> None:
    faq = content.faqs[faq_id]
    for language in LANGUAGES:
        assert faq.title[language] and faq.question[language].endswith("?")
        assert faq.answer[language]
        assert len(faq.phrasings[language]) >= 20
        assert faq.confidence == "published" or faq.not_published[language]
    assert faq.answer["fr"] != faq.answer["en"]


def test_no_phrasing_teaches_two_questions(content: Content) -> None:
    owners: dict[str, str] = {}
    for faq in content.faqs.values():
        for phrasing in (*faq.phrasings["fr"], *faq.phrasings["en"]):
            if len(phrasing.split()) > 2:  # « financement » may mean two: it is asked which
                assert owners.setdefault(phrasing.casefold(), faq.id) == faq.id, phrasing


def test_every_answer_names_where_it_comes_from(content: Content) -> None:
    for faq in content.faqs.values():
        assert faq.sources or faq.links, faq.id
        for source in faq.sources:
            assert source.title["fr"] != source.url.get("fr"), faq.id


def test_a_title_is_that_of_the_question_or_of_the_intent(content: Content) -> None:
    assert content.title("cost", "en") == content.title("faq/cost", "en") == "Cost and funding"
    assert content.title("find_coach", "fr") == "Trouver une ou un coach"
    with pytest.raises(KeyError):
        content.title("no_such_label", "fr")


def test_every_response_of_the_domain_stands_in_both_languages_and_nothing_else() -> None:
    responses = read_yaml(ROOT, "domain.yml")["responses"]
    assert responses
    for name, variants in responses.items():
        spoken = []
        for variant in variants:
            assert set(variant) <= {"text", "condition", "metadata", "buttons"}, name
            assert variant["text"].strip(), name
            (condition,) = variant["condition"]
            assert condition["type"] == "slot" and condition["name"] == "language", name
            spoken.append(condition["value"])
        assert sorted(spoken) == ["en", "fr"], name
        assert variants[0]["text"] != variants[1]["text"], name


# --- as the files are now


def test_files_that_did_not_change_are_read_once(root: Path) -> None:
    assert fresh_content(root) is fresh_content(root)


# --- French typography


def french_texts() -> Iterator[tuple[str, str]]:
    """(file and path, text) of everything French that is said, not of what visitors type."""
    folders = ("faq", "content", "assessment")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*.yml")]
    for path in sorted(files):
        name = str(path.relative_to(ROOT))
        yield from _french(name, read_yaml(ROOT, name), said=False)
    for response, variants in read_yaml(ROOT, "domain.yml")["responses"].items():
        for variant in variants:
            if variant["condition"][0]["value"] == "fr":
                yield f"domain.yml: {response}", variant["text"]


NEVER_SAID = ("phrasings", "terms", "url", "unsure", "searches")


def _french(path: str, data: Any, said: bool) -> Iterator[tuple[str, str]]:
    if isinstance(data, dict):
        for key, value in data.items():
            if key not in (*NEVER_SAID, "en"):
                yield from _french(f"{path}: {key}", value, said or key == "fr")
    elif isinstance(data, list):
        for number, value in enumerate(data, 1):
            yield from _french(f"{path}[{number}]", value, said)
    elif isinstance(data, str) and said:
        yield path, data


# Addresses, times and emphasis may hold any sign.
NOT_PROSE = re.compile(r"https?://\S+|\b\d{1,2}:\d{2}\b|\*+")
BAD_SIGNS = (
    (re.compile(r"\s[;!?]"), "no space before ; ! ?"),
    (re.compile(r"(?<!\u00a0):"), "a no-break space before :"),
    (re.compile(r"«(?!\u00a0)|(?<!\u00a0)»"), "a no-break space inside « »"),
)


def bad_signs(text: str) -> list[str]:
    prose = NOT_PROSE.sub("", text)
    return [rule for pattern, rule in BAD_SIGNS if pattern.search(prose)]


def test_french_is_typeset_as_in_canada() -> None:
    texts = dict(french_texts())
    assert len(texts) > 300
    assert {path: bad_signs(text) for path, text in texts.items() if bad_signs(text)} == {}


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("Vous\u00a0: oui, à 8:30, voir https://exemple.ca/a:b ; c'est **dit**\u00a0!", 1),
        ("Voici: non", 1),
        ("Voici : non", 1),
        ("le mot « oui »", 1),
        ("Quoi ? « Rien » : voilà", 3),
        ("Quoi? «\u00a0Rien\u00a0»\u00a0: voilà!", 0),
        ("**Nom**\u00a0: à 14:05, https://exemple.ca:443/?a", 0),
    ],
)
def test_bad_typography_is_seen(text: str, rules: int) -> None:
    assert len(bad_signs(text)) == rules


# --- faults


KEPT = {
    "choices": ("help", "find_coach"),
    "notices": ("general_information", "programme_review"),
    "wording": ("lost", "score"),
    "programme": ("site", "stream_page"),
}


def _dump(data: Any) -> str:
    return yaml.safe_dump(data, allow_unicode=True)


@pytest.fixture(scope="module")
def originals() -> dict[str, str]:
    """A small copy of the content: two questions that lean on each other, few phrasings."""
    texts = {}
    for name, kept in KEPT.items():
        data = read_yaml(ROOT, f"content/{name}.yml")
        texts[f"content/{name}.yml"] = _dump({key: data[key] for key in kept})
    for name, follows in (("cost", "cra_limits"), ("cra_limits", "cost")):
        data = read_yaml(ROOT, f"faq/{name}.yml")
        data["follow_ups"] = [follows, "find_coach"]
        for language in LANGUAGES:
            data[language]["phrasings"] = data[language]["phrasings"][:20]
        texts[f"faq/{name}.yml"] = _dump(data)
    return texts


@pytest.fixture
def root(tmp_path: Path, originals: dict[str, str]) -> Path:
    for name, text in originals.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def change(root: Path, name: str, how: Change) -> None:
    data = yaml.safe_load((root / name).read_text(encoding="utf-8"))
    changed = how(data)
    (root / name).write_text(_dump(data if changed is None else changed[0]), encoding="utf-8")


def put(*path: Any) -> Change:
    """Set the last of `path` at the place that the others name."""
    *keys, last, value = path

    def at(data: Any) -> None:
        for key in keys:
            data = data[key]
        data[last] = value

    return at


def drop(*path: Any) -> Change:
    *keys, last = path

    def at(data: Any) -> None:
        for key in keys:
            data = data[key]
        del data[last]

    return at


def whole(data: Any) -> Change:
    """Replace everything."""
    return lambda _: (data,)


def test_the_small_copy_is_sound(root: Path) -> None:
    assert problems(root) == []
    assert sorted(load_content(root).faqs) == ["cost", "cra_limits"]


COST = "faq/cost.yml"
NOTICES = "content/notices.yml"
INFORMATION = "general_information.en"
PROGRAMME = "content/programme.yml"
WORDING = "content/wording.yml"
MAPPING = "must be a mapping of names to values"
AGAIN = ["twice?", *(f"phrasing {number}" for number in range(20)), "Twice?"]

FAULTS: list[tuple[str, Change, str]] = [
    (COST, whole([]), f"the file {MAPPING}"),
    (COST, whole(None), f"the file {MAPPING}"),
    (COST, put("author", "me"), "author is not a field of a question"),
    (COST, put("en", "anwser", "x"), "en.anwser is not a field of a question"),
    (
        COST,
        put("topic", "weather"),
        "topic must be one of stream, process, charity_law, other_law, assistant",
    ),
    (
        COST,
        drop("topic"),
        "topic must be one of stream, process, charity_law, other_law, assistant",
    ),
    (
        COST,
        put("confidence", "sure"),
        "confidence must be one of published, partial, not_published",
    ),
    (COST, put("reviewed", "yesterday"), "reviewed must be a date such as 2026-11-23"),
    (COST, drop("reviewed"), "reviewed must be a date such as 2026-11-23"),
    (COST, drop("fr"), "fr.title is missing"),
    (COST, put("fr", "texte"), "fr.title is missing"),
    (COST, drop("en", "answer"), "en.answer is missing"),
    (COST, put("en", "question", 5), "en.question is missing"),
    (COST, put("fr", "title", "  "), "title.fr is missing"),
    (COST, drop("fr", "not_published"), "fr.not_published is missing"),
    (COST, put("en", "not_published", " "), "not_published.en is missing"),
    (COST, put("en", "title", "x" * 41), "en.title is longer than 40 characters"),
    (COST, put("fr", "answer", "a\nb\nc\nd\ne"), "fr.answer has more than 4 lines"),
    (COST, drop("fr", "phrasings"), "fr.phrasings needs at least 20 phrasings"),
    (COST, put("en", "phrasings", ["one"] * 19), "en.phrasings needs at least 20 phrasings"),
    (COST, put("en", "phrasings", 4, " "), "en.phrasings[5] is not a text"),
    (COST, put("en", "phrasings", 4, True), "en.phrasings[5] is not a text"),
    (COST, put("en", "phrasings", AGAIN), "en.phrasings[22] stands there twice: Twice?"),
    (COST, drop("sources"), "sources is missing"),
    (COST, put("sources", []), "sources is missing"),
    (COST, put("sources", ["https://exemple.ca"]), f"sources[1] {MAPPING}"),
    (COST, put("sources", [{"link": "site"}, {"url": {}}]), "sources[2].title.fr is missing"),
    (COST, put("sources", [{"title": {"fr": "t", "en": "t"}}]), "sources[1].url is missing"),
    (
        COST,
        put("sources", [{"title": {"fr": "t", "en": "t"}, "url": "https://exemple.ca"}]),
        f"sources[1].url {MAPPING}",
    ),
    (
        COST,
        put("sources", [{"title": {"fr": "t", "en": "t"}, "url": {"en": "http://exemple.ca"}}]),
        "sources[1].url.en must start with https://",
    ),
    (
        COST,
        put("sources", [{"link": "no_page"}]),
        "sources links no_page, not in content/programme.yml",
    ),
    (COST, put("follow_ups", "cra_limits"), "follow_ups must be a list of names"),
    (COST, put("follow_ups", [["cra_limits"]]), "follow_ups must be a list of names"),
    (COST, put("follow_ups", ["cost"]), "follow_ups names cost, which cannot follow"),
    (COST, put("follow_ups", ["no_label"]), "follow_ups names no_label, which cannot follow"),
    (COST, put("notices", "programme_review"), "notices must be a list of names"),
    (
        COST,
        put("notices", ["no_notice"]),
        "notices names no_notice, which is not in content/notices.yml",
    ),
    (COST, put("regions", ["QC"]), f"regions {MAPPING}"),
    (
        COST,
        put("regions", {"PQ": {"fr": "a", "en": "a"}}),
        "regions must be one of AB, BC, MB, NB, NL, NS, NT, NU, ON, PE, QC, SK, YT",
    ),
    (COST, put("regions", {"QC": {"fr": "a"}}), "regions.QC.en is missing"),
    ("content/choices.yml", whole(["help"]), f"the file {MAPPING}"),
    ("content/choices.yml", drop("help", "en"), "help.en is missing"),
    ("content/choices.yml", put("help", "Aide"), "help.fr is missing"),
    (
        NOTICES,
        put("general_information", "fr", ""),
        "general_information.fr is missing",
    ),
    (NOTICES, put("general_information", "en", "Not <b>advice</b>"), f"{INFORMATION} has raw HTML"),
    (
        NOTICES,
        put("general_information", "en", "{what}"),
        f"{INFORMATION} has {{…}}, which nothing fills in",
    ),
    (
        NOTICES,
        put("general_information", "en", "x" * 301),
        f"{INFORMATION} is longer than 300 characters",
    ),
    (WORDING, drop("lost", "fr"), "lost.fr is missing"),
    (
        WORDING,
        put("score", "en", "Score: {total}."),
        "score does not have the same {…} in both languages",
    ),
    (PROGRAMME, whole(None), f"the file {MAPPING}"),
    (PROGRAMME, put("site", "https://innoweave.ca"), f"site {MAPPING}"),
    (PROGRAMME, drop("site", "title", "fr"), "site.title.fr is missing"),
    (PROGRAMME, put("site", "url", "https://innoweave.ca"), f"site.url {MAPPING}"),
    (PROGRAMME, put("site", "url", "en", "innoweave.ca"), "site.url.en must start with https://"),
    (PROGRAMME, put("site", "url", "en", "https://a.ca/(b)"), "site.url.en has a bracket"),
    (PROGRAMME, put("site", "where", "?"), "site.where.fr is missing"),
    (PROGRAMME, put("site", "url", "fr", None), "site.where.fr is missing"),
    (PROGRAMME, drop("stream_page", "where", "en"), "stream_page.where.en is missing"),
]


@pytest.mark.parametrize(("name", "how", "problem"), FAULTS, ids=[fault[2] for fault in FAULTS])
def test_a_fault_is_told_with_its_file_and_field(
    root: Path, name: str, how: Change, problem: str
) -> None:
    change(root, name, how)
    with pytest.raises(ContentError) as error:
        load_content(root)
    assert str(error.value) == f"{name}: {problem}"
    assert problems(root) == [f"{name}: {problem}"]


def test_every_faulty_question_is_told_at_once(root: Path) -> None:
    change(root, COST, drop("en", "answer"))
    change(root, "faq/cra_limits.yml", put("topic", "law"))
    assert [problem.split(" ")[0] for problem in problems(root)] == [
        "faq/cost.yml:",
        "faq/cra_limits.yml:",
    ]


def test_an_empty_faq_folder_is_told(root: Path) -> None:
    for path in (root / "faq").iterdir():
        path.unlink()
    assert problems(root) == ["faq: no question was found"]


@pytest.mark.parametrize("name", ["choices", "notices", "wording", "programme"])
def test_a_missing_file_is_told(root: Path, name: str) -> None:
    (root / "content" / f"{name}.yml").unlink()
    assert problems(root) == [f"content/{name}.yml: the file is missing"]


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"topic: stream\nfr: [\n", "not valid YAML at line 3"),
        (b"topic: a: b\n", "not valid YAML at line 1"),
        (b"topic: \x01\n", "not valid YAML"),
        ("topic: caf\u00e9\n".encode("latin-1"), "the file is not UTF-8"),
    ],
)
def test_an_unreadable_file_is_told_with_its_line(root: Path, raw: bytes, problem: str) -> None:
    (root / COST).write_bytes(raw)
    with pytest.raises(ContentError) as error:
        read_yaml(root, COST)
    assert str(error.value) == f"{COST}: {problem}"


# --- another language


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_real_content_lacks_nothing_in_its_two_languages(language: str) -> None:
    assert missing(ROOT, language) == []


def test_what_another_language_lacks_is_listed_by_file_and_field(root: Path) -> None:
    (root / "assessment").mkdir()
    readiness = {"questions": [{"text": {"fr": "Q?", "en": "Q?"}, "id": "aim"}], "version": "1"}
    (root / "assessment" / "readiness.yml").write_text(_dump(readiness), encoding="utf-8")
    change(root, "content/choices.yml", put("help", "es", "Ayuda"))
    found = missing(root, "es")
    assert {"faq/cost.yml: es", "faq/cra_limits.yml: es"} <= set(found)
    assert "content/choices.yml: find_coach.es" in found
    assert "content/choices.yml: help.es" not in found
    assert "content/programme.yml: site.url.es" in found
    assert "assessment/readiness.yml: questions[1].text.es" in found
    assert len(found) == len(set(found))


def test_listing_gaps_names_a_file_that_cannot_be_read(root: Path) -> None:
    with pytest.raises(ContentError, match=r"^assessment/readiness\.yml: the file is missing$"):
        missing(root, "es")


def test_both_languages_are_stripped_and_nothing_else_is_kept() -> None:
    text = both_languages("f.yml", "key", {"fr": " Oui \n", "en": "Yes", "es": "Sí"})
    assert text == {"fr": "Oui", "en": "Yes"}


@pytest.mark.parametrize(
    "data", [None, "Oui", ["Oui", "Yes"], {"fr": "Oui"}, {"fr": "Oui", "en": 1}]
)
def test_a_text_in_one_language_is_refused(data: Any) -> None:
    with pytest.raises(ContentError, match=r"^f\.yml: key\.(fr|en) is missing$"):
        both_languages("f.yml", "key", data)


def test_a_new_question_needs_its_file_only(root: Path) -> None:
    text = (root / COST).read_text(encoding="utf-8")
    (root / "faq" / "travel.yml").write_text(text, encoding="utf-8")
    content = load_content(root)
    assert content.faqs["travel"].id == "travel"
    assert content.title("faq/travel", "en") == "Cost and funding"
