"""The demo site, its privacy page, security headers, other origins, the front door's own words."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from html.parser import HTMLParser
from itertools import pairwise
from urllib.parse import quote

import pytest

from mobilis import wording
from mobilis.content import LANGUAGES, load_content
from mobilis.errors import ContentError
from mobilis.openings import find_opening
from mobilis.settings import ROOT
from mobilis.web import pages
from mobilis.web.door import Door
from mobilis.wording import (
    CODES,
    DOWNLOAD_KEYS,
    RESULT_KEYS,
    SITE_KEYS,
    load_wording,
    preferred_language,
)

CONTENT = load_content(ROOT)


class Outline(HTMLParser):
    """The elements of a page, in order, with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def values(self, name: str) -> list[str]:
        """What an attribute says, wherever it stands."""
        return [attributes[name] for _, attributes in self.elements if name in attributes]

    def with_attribute(self, name: str) -> list[dict[str, str]]:
        return [attributes for _, attributes in self.elements if name in attributes]


def outline(door, path: str) -> Outline:
    response = door.http.get(path)
    assert response.status_code == 200
    return Outline(response.text)


PATHS = ("/", "/privacy")
EVERY_PAGE = [f"{path}?lang={language}" for path in PATHS for language in LANGUAGES]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("query", "accepted", "language"),
    [
        ("", "", "fr"),
        ("", "en-US,en;q=0.9", "en"),
        ("", "de, en;q=0.1, fr-CA;q=0.2", "fr"),
        ("?lang=en", "fr", "en"),
        ("?lang=fr", "en", "fr"),
        ("?lang=%22%3E", "en", "en"),
    ],
)
def test_a_page_speaks_the_readers_language(door, path, query, accepted, language):
    response = door.http.get(path + query, headers={"Accept-Language": accepted})
    assert response.status_code == 200
    assert f'<html lang="{language}">' in response.text
    assert f'data-language="{language}"' in response.text
    assert response.headers["content-language"] == language


@pytest.mark.parametrize("path", PATHS)
def test_a_page_has_a_strict_policy_and_nothing_inline(door, path):
    response = door.http.get(path)
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "require-trusted-types-for 'script'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<script>|<style|\son\w+=|\sstyle=|javascript:", response.text)
    assert "set-cookie" not in response.headers


@pytest.mark.parametrize("path", EVERY_PAGE)
def test_the_widget_is_the_one_script_of_a_page(door, path):
    page = outline(door, path)
    [script] = [attributes for tag, attributes in page.elements if tag == "script"]
    assert script == {"defer": "", "src": "/widget.js", "data-language": path[-2:]}


@pytest.mark.parametrize("path", EVERY_PAGE)
def test_what_a_page_refers_to_is_there(door, path):
    page = outline(door, path)
    addresses = {*page.values("href"), *page.values("src")} - {"/widget.js"}
    assert "/static/site.css" in addresses
    for address in addresses:
        if not address.startswith("https://"):
            address, _, fragment = address.partition("#")
            found = door.http.get(address or path)
            assert found.status_code == 200, address
            assert not fragment or f'id="{fragment}"' in found.text


@pytest.mark.parametrize("path", PATHS)
def test_both_languages_have_the_same_structure(door, path):
    spoken = ("lang", "hreflang", "href", "content", "aria-label", "data-language")
    shapes = [
        [
            (tag, {name: value for name, value in attributes.items() if name not in spoken})
            for tag, attributes in outline(door, f"{path}?lang={language}").elements
        ]
        for language in LANGUAGES
    ]
    assert shapes[0] == shapes[1]


@pytest.mark.parametrize("path", EVERY_PAGE)
def test_a_page_has_landmarks_headings_in_order_and_ids_once(door, path):
    page = outline(door, path)
    tags = [tag for tag, _ in page.elements]
    assert [tags.count(tag) for tag in ("header", "main", "footer", "h1")] == [1, 1, 1, 1]
    levels = [int(tag[1]) for tag in tags if re.fullmatch("h[1-6]", tag)]
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert len(page.values("id")) == len(set(page.values("id")))
    assert set(page.values("aria-labelledby")) <= set(page.values("id"))
    assert all("alt" in attributes for tag, attributes in page.elements if tag == "img")


@pytest.mark.parametrize("path", EVERY_PAGE)
def test_every_button_opens_something_and_leads_somewhere_without_the_widget(door, path):
    buttons = outline(door, path).with_attribute("data-mobilis-open")
    assert buttons
    for button in buttons:
        name = button["data-mobilis-open"]
        assert name == "" or find_opening(CONTENT, name), name
        assert button["href"].endswith("#contact")


def test_the_home_page_offers_the_assessment_a_coach_and_questions(door):
    opened = outline(door, "/").values("data-mobilis-open")
    assert opened[:2] == ["start_assessment", "find_coach"]
    assert [name for name in opened if "/" in name] == [f"faq/{id}" for id in pages.QUESTIONS]


@pytest.mark.parametrize(
    "name", ["start_assessment", "find_coach", "request_human", "faq/cost", "switch_language/en"]
)
def test_the_address_may_open_the_chat_on_something_of_the_list(door, name):
    page = outline(door, f"/?open={quote(name, safe='')}")
    assert page.values("data-open") == [name]


@pytest.mark.parametrize(
    "name",
    [
        *("", "true", "restart", "delete_my_data", "faq/", "faq/nothing", "faq/../privacy"),
        *("/start_assessment", "START_ASSESSMENT", "start_assessment ", "switch_language/de"),
        *('"><script>alert(1)</script>', "help' onload='x", "help\0", "\N{GRINNING FACE}" * 2000),
    ],
)
def test_the_address_opens_the_chat_on_nothing_else(door, name):
    response = door.http.get(f"/?lang=fr&open={quote(name, safe='')}")
    assert response.status_code == 200
    assert response.text == door.http.get("/?lang=fr").text


@pytest.mark.parametrize("language", LANGUAGES)
def test_without_the_widget_a_link_to_the_programmes_site_remains(door, language):
    page = outline(door, f"/?lang={language}")
    [fallback] = page.with_attribute("data-mobilis-fallback")
    assert fallback["href"] == CONTENT.links["site"].url[language]
    assert "noscript" in [tag for tag, _ in page.elements]


@pytest.mark.parametrize(
    ("language", "words"),
    [("fr", ("non officiel", "fictifs")), ("en", ("unofficial", "fictional"))],
)
def test_every_page_says_that_it_is_a_demo(door, language, words):
    for path in PATHS:
        text = door.http.get(f"{path}?lang={language}").text
        assert all(word in text for word in words)


@pytest.mark.parametrize(
    ("days", "language", "said"),
    [
        ((30, 60), "fr", ("effacés 30 jours après", "effacés 60 jours après")),
        ((30, 60), "en", ("erased 30 days after", "erased 60 days after")),
        ((0, 0), "fr", ("que vous les effaciez", "que vous les fassiez effacer")),
        ((0, 0), "en", ("until you erase them", "until you have them erased")),
    ],
)
def test_the_privacy_page_says_for_how_long(open_door, days, language, said):
    door = open_door(transcript_days=days[0], lead_days=days[1])
    text = door.http.get(f"/privacy?lang={language}").text
    assert all(sentence in text for sentence in said)
    assert "180" not in text and "730" not in text and "{" not in text


@pytest.mark.parametrize("path", ["/", "/privacy", "/healthz", "/nothing", "/static/site.css"])
def test_every_answer_has_security_headers(door, path):
    headers = door.http.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "server" not in headers


def test_conversations_are_not_cached(visitor):
    response = visitor.http.get(f"{visitor.url}/messages", headers=visitor.headers)
    assert response.headers["cache-control"] == "no-store"


def test_a_broken_handler_still_answers(visitor, monkeypatch, caplog):
    async def broken(self, *args, **kwargs):
        raise RuntimeError("un grand secret")

    monkeypatch.setattr(Door, "write_now", broken)
    response = visitor.say("bonjour")
    assert response.status_code == 500
    assert response.json()["error"]["code"] == "unavailable"
    assert "RuntimeError" in caplog.text
    assert "secret" not in caplog.text


ORIGIN = {"Origin": "https://site.example"}


def test_other_origins_are_allowed_by_a_setting(open_door):
    door = open_door(cors_origins=("https://site.example",), body_limit=2)
    preflight = door.http.options(
        "/api/conversations", headers={**ORIGIN, "Access-Control-Request-Method": "POST"}
    )
    assert preflight.status_code == 200
    for response in (
        preflight,
        door.http.get("/healthz", headers=ORIGIN),
        door.http.post("/api/conversations", content="{   }", headers=ORIGIN),
    ):
        assert response.headers["access-control-allow-origin"] == "https://site.example"
    stranger = door.http.get("/healthz", headers={"Origin": "https://other.example"})
    assert "access-control-allow-origin" not in stranger.headers


@pytest.mark.parametrize("origin", ["null", "http://localhost:5500", "http://127.0.0.1"])
def test_pages_of_this_computer_are_allowed_while_nobody_else_can_come(open_door, origin):
    given = {"Origin": origin}
    allowed = open_door().http.get("/healthz", headers=given).headers
    assert allowed["access-control-allow-origin"] == origin
    for changes in ({"trusted_proxies": 1}, {"cors_origins": ("https://site.example",)}):
        headers = open_door(**changes).http.get("/healthz", headers=given).headers
        assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize("origin", ["http://localhost.example", "https://127.0.0.1.example:1"])
def test_a_name_that_looks_like_this_computer_is_not(door, origin):
    headers = door.http.get("/healthz", headers={"Origin": origin}).headers
    assert "access-control-allow-origin" not in headers


def test_other_origins_are_not_allowed_by_default(door):
    response = door.http.get("/healthz", headers=ORIGIN)
    assert "access-control-allow-origin" not in response.headers


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "fr"),
        ("en", "en"),
        ("EN-ca", "en"),
        ("es, *", "fr"),
        ("fr;q=0.1, en;q=0.2", "en"),
        ("en;q=0", "fr"),
        ("en;q=x, fr;q=0.1", "fr"),
        (",;=;,", "fr"),
    ],
)
def test_the_browsers_favourite_language(header, language):
    assert preferred_language(header) == language


def test_the_wording_is_complete():
    assert load_wording(ROOT).error("text_too_long", "en", limit=5).startswith("The message is")


@pytest.fixture
def words(tmp_path):
    """A copy of the wording that a test may spoil."""
    (tmp_path / "content").mkdir()
    for name in (wording.ERRORS, wording.SITE, wording.RESULT, wording.DOWNLOAD):
        (tmp_path / name).write_text((ROOT / name).read_text(encoding="utf-8"), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("spoilt", "problem"),
    [
        ("[]", "content/errors.yml: a mapping"),
        ("bad_json: {fr: a, en: b}", "content/errors.yml: bad_request.fr is missing"),
        ("bad_json: {fr: '{x}', en: b}", "content/errors.yml: bad_json has different placeholders"),
        ("bad_json: {fr: 'a{', en: b}", "content/errors.yml: bad_json.fr has an unpaired brace"),
    ],
)
def test_wrong_wording_names_file_and_field(words, spoilt, problem):
    rest = (
        ""
        if "mapping" in problem or "missing" in problem
        else "\n".join(f"{code}: {{fr: a, en: b}}" for code in CODES if code != "bad_json")
    )
    (words / wording.ERRORS).write_text(f"{spoilt}\n{rest}", encoding="utf-8")
    with pytest.raises(ContentError, match=re.escape(problem)):
        load_wording(words)


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        (wording.ERRORS, CODES),
        (wording.SITE, SITE_KEYS),
        (wording.RESULT, RESULT_KEYS),
        (wording.DOWNLOAD, DOWNLOAD_KEYS),
    ],
)
def test_each_file_has_its_sentences_and_no_others(words, name, keys):
    source = (words / name).read_text(encoding="utf-8")
    assert set(re.findall(r"^(\w+):", source, re.MULTILINE)) == set(keys)
    (words / name).write_text(f"{source}\nmore: {{fr: a, en: b}}\n", encoding="utf-8")
    with pytest.raises(
        ContentError, match=f"{name}: more is not a sentence that the front door says"
    ):
        load_wording(words)


@pytest.mark.parametrize(
    ("moment", "french", "english"),
    [
        (datetime(2026, 11, 26, 23, 59), "26 novembre 2026", "November 26, 2026"),
        (datetime(2026, 2, 1), "1er février 2026", "February 1, 2026"),
        (datetime(2027, 8, 11), "11 août 2027", "August 11, 2027"),
    ],
)
def test_a_date_is_written_as_in_canada(moment, french, english):
    said = load_wording(ROOT)
    moment = moment.replace(tzinfo=timezone.utc)
    assert (said.date(moment, "fr"), said.date(moment, "en")) == (french, english)


def test_every_sentence_of_the_site_is_on_a_page():
    source = (pages.TEMPLATES.parent / "pages.py").read_text(encoding="utf-8")
    for template in pages.TEMPLATES.glob("*.*"):
        source += template.read_text(encoding="utf-8")
    assert [key for key in SITE_KEYS if not re.search(rf"\b{key}\b", source)] == []
