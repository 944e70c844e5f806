"""The page of a result: reading, downloading and erasing it, and who may not."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from html.parser import HTMLParser

import pytest
from sqlalchemy import delete, func, select, update

from mobilis import results
from mobilis.assessment import Answer, load_assessment
from mobilis.content import load_content
from mobilis.errors import StoreError
from mobilis.models import assessments, conversations, erasures
from mobilis.privacy import erase_content
from mobilis.seeing.logs import describe, to_json
from mobilis.settings import ROOT
from mobilis.store import now
from mobilis.web import results as module
from mobilis.wording import load_wording

ASSESSMENT = load_assessment(ROOT / "assessment" / "readiness.yml")
CONTENT = load_content(ROOT)
WORDS = load_wording(ROOT).result
TYPED = "mes propres mots"
OWN = {"Sec-Fetch-Site": "same-origin"}


@dataclass(frozen=True)
class Kept:
    """A result of a conversation, and its page."""

    page_id: str
    path: str
    language: str


@pytest.fixture
def keep(database):
    """Keeps the result of some answers, one letter a question."""
    count = iter(range(100))

    def keep(letters="abbac", language="fr", days=30, conversation="talk-1"):
        ids = (question.id for question in ASSESSMENT.questions)
        answers = {id: Answer(letter, text=TYPED) for id, letter in zip(ids, letters)}
        page_id = results.keep_result(
            database,
            conversation_id=conversation,
            message_id=f"message-{next(count)}",
            language=language,
            version=ASSESSMENT.version,
            answers=answers,
            result=ASSESSMENT.score(answers),
            days=days,
        )
        return Kept(page_id, results.page_path(page_id), language)

    return keep


@pytest.fixture
def kept(keep):
    return keep()


class Page(HTMLParser):
    """What a reader gets of a page: its words, its elements and where its links lead."""

    def __init__(self, html):
        super().__init__()
        self.html = html
        self.elements = []
        self._words = []
        self._unseen = 0
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._unseen += tag in ("style", "script")

    def handle_endtag(self, tag):
        self._unseen -= tag in ("style", "script")

    def handle_data(self, data):
        if not self._unseen:
            self._words.append(data)

    @property
    def words(self):
        return " ".join("".join(self._words).split(" ")).replace("\n", " ")

    def all(self, tag):
        return [attrs for name, attrs in self.elements if name == tag]

    @property
    def links(self):
        return [attrs["href"] for attrs in self.all("a")]


def read(door, path, status=200, **headers):
    response = door.http.get(path, headers=headers)
    assert response.status_code == status
    return Page(response.text)


def count(database, table):
    with database.read() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def change(database, **values):
    with database.write() as connection:
        connection.execute(update(assessments).values(**values))


# --- reading


@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_page_tells_the_whole_result(door, keep, language):
    page = read(door, keep("abbac", language).path)
    assert f'<html lang="{language}">' in page.html
    band = ASSESSMENT.bands["nearly"]
    assert f"<h1>{band.title[language]}</h1>" in page.html
    told = [*band.text[language].splitlines(), ASSESSMENT.indicative[language]]
    told += [WORDS["points"][language].format(points=11, of=15), WORDS["unofficial"][language]]
    told += [CONTENT.notices["programme_review"][language], WORDS["demo"][language]]
    for question, letter in zip(ASSESSMENT.questions, "abbac"):
        told += [question.text[language], question.option(letter).title[language]]
    for id in ("capacity", "impact", "change"):
        told.append(ASSESSMENT.question(id).tip[language])
    assert [text for text in told if text not in page.words] == []
    assert ASSESSMENT.question("allies").tip[language] not in page.words
    assert "*" not in page.words and "{" not in page.words


@pytest.mark.parametrize(
    ("language", "day", "until"),
    [("fr", "26 novembre 2026", "1er décembre 2026"), ("en", "November 26", "December 1, 2026")],
)
def test_a_page_says_of_which_day_it_is_and_until_when(
    door, keep, database, monkeypatch, language, day, until
):
    monkeypatch.setattr(results, "now", lambda: datetime(2026, 11, 27, 12, tzinfo=timezone.utc))
    kept = keep(language=language)
    at = datetime(2026, 11, 26, 23, 59, tzinfo=timezone.utc)
    change(database, created_at=at, page_until=datetime(2026, 12, 1, tzinfo=timezone.utc))
    page = read(door, kept.path)
    assert day in page.words
    assert until in page.words


def test_a_page_that_stays_with_its_conversation_says_so(door, keep):
    assert WORDS["until_erased"]["fr"] in read(door, keep(days=0).path).words


@pytest.mark.parametrize(("own", "other"), [("fr", "en"), ("en", "fr")])
def test_a_page_is_in_the_language_of_the_assessment_and_can_be_read_in_the_other(
    door, keep, own, other
):
    kept = keep(language=own)
    title = ASSESSMENT.bands["nearly"].title
    page = read(door, kept.path, **{"Accept-Language": other})
    assert title[own] in page.words
    [switch] = [attrs for attrs in page.all("a") if "hreflang" in attrs]
    assert switch == {"class": "other", "href": f"?lang={other}", "lang": other, "hreflang": other}
    assert title[other] in read(door, f"{kept.path}{switch['href']}").words
    assert title[own] in read(door, f"{kept.path}?lang=de").words


def test_what_was_typed_is_not_shown(door, kept):
    assert TYPED not in read(door, kept.path).html
    assert TYPED not in read(door, f"{kept.path}?download=1").html


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_picture_has_a_table_that_says_the_same(door, keep, language):
    page = read(door, keep("abcdb", language).path)
    [picture] = page.all("svg")
    assert picture["role"] == "img"
    assert picture["aria-labelledby"] == "bars-title bars-words"
    points = (3, 2, 1, 0, 2)
    assert sum(attrs["class"] == "scored" for attrs in page.all("rect")) == sum(points)
    assert sum(attrs["class"] == "open" for attrs in page.all("rect")) == 15 - sum(points)
    described = re.search(r"<desc[^>]*>(.*?)</desc>", page.html).group(1)
    cells = re.findall(r'<td class="points">\s*(.*?)</td>', page.html)
    for question, of_it, cell in zip(ASSESSMENT.questions, points, cells, strict=True):
        said = WORDS["bar"][language].format(
            title=question.gap[language][0].upper() + question.gap[language][1:],
            points=of_it,
            of=3,
        )
        assert said.replace("'", "&#39;") in described
        assert cell == WORDS["points"][language].format(points=of_it, of=3)
    assert [attrs.get("scope") for attrs in page.all("th")] == ["col"] * 3 + ["row"] * 5
    assert len(page.all("caption")) == 1


def test_a_hint_at_a_coalition_is_told_on_the_page_too(door, keep):
    hint = ASSESSMENT.bands["foundations"].coalition_hint["fr"].replace("**", "")
    page = read(door, keep("adaca").path)
    assert hint in page.words
    assert "<strong>Impact collectif</strong>" in page.html


@pytest.mark.parametrize(("letter", "band"), [("c", "not_fit_aim"), ("d", "not_fit_partisan")])
def test_a_result_that_ended_early_has_no_score_and_no_picture(door, keep, letter, band):
    page = read(door, keep(letter).path)
    assert ASSESSMENT.bands[band].title["fr"] in page.words
    assert page.all("svg") == []
    for key in ("score", "gaps", "points_head"):
        assert WORDS[key]["fr"] not in page.words
    question = ASSESSMENT.questions[0]
    assert question.option(letter).title["fr"] in page.words
    assert ASSESSMENT.questions[1].text["fr"] not in page.words


@pytest.mark.parametrize(
    ("letters", "opens"),
    [
        ("aaaaa", ["faq/info_session", "find_coach", "declare_interest", "faq/funding_request"]),
        ("b", ["start_assessment", "faq/what_is", "faq/examples"]),
        ("d", ["faq/cra_nonpartisan", "faq/cra_non_charity", "request_human"]),
    ],
)
def test_each_next_step_opens_the_chat_on_it(door, keep, letters, opens):
    page = read(door, keep(letters, "en").path)
    assert [link for link in page.links if "open=" in link] == [
        f"../?lang=en&open={step}" for step in opens
    ]
    for step in opens:
        assert CONTENT.title(step, "en") in page.words
    assert door.http.get(f"/r/{page.links[0]}").status_code == 200


def test_a_page_is_for_its_reader_alone(door, kept):
    for path in (kept.path, f"{kept.path}?download=1", f"{kept.path}/erase", "/r/nothing"):
        headers = door.http.get(path).headers
        assert headers["cache-control"] == "no-store"
        assert "noindex" in headers["x-robots-tag"]
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-content-type-options"] == "nosniff"


def test_a_page_has_a_strict_policy_and_nothing_inline(door, kept):
    for path, action in ((kept.path, "'none'"), (f"{kept.path}/erase", "'self'")):
        response = door.http.get(path)
        policy = response.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert f"form-action {action}" in policy
        assert "unsafe" not in policy
        assert not re.search(r"<script>|<style|\son\w+=|\sstyle=", response.text)


def test_what_a_page_refers_to_is_there(door, kept):
    page = read(door, kept.path)
    for name in re.findall(r'(?:src|href)="\.\./(static/[^"]+)"', page.html):
        assert door.http.get(f"/{name}").status_code == 200
    assert "result.js" in page.html and "result.css" in page.html
    erase = read(door, f"{kept.path}/erase")
    assert "../../static/result.css" in erase.html


def test_the_button_that_prints_is_hidden_until_a_script_shows_it(door, kept):
    [button] = read(door, kept.path).all("button")
    assert button == {"type": "button", "id": "print", "hidden": None}


# --- downloading


@pytest.mark.parametrize(
    ("language", "name"),
    [("fr", "mobilis-resultat-2026-11-26.html"), ("en", "mobilis-result-2026-11-26.html")],
)
def test_a_result_is_downloaded_as_a_file_that_needs_nothing_else(
    door, keep, database, language, name
):
    kept = keep(language=language)
    change(database, created_at=datetime(2026, 11, 26, 1, tzinfo=timezone.utc))
    response = door.http.get(f"{kept.path}?download=1")
    assert response.headers["content-disposition"] == f'attachment; filename="{name}"'
    page = Page(response.text)
    assert page.links == page.all("link") == page.all("script") == page.all("button") == []
    assert not re.search(r"\s(?:src|href|action)=|url\(|@import", page.html)
    assert "<style>" in page.html and "@media print" in page.html
    assert ASSESSMENT.bands["nearly"].title[language] in page.words
    assert CONTENT.title("find_coach", language) in page.words
    assert len(page.all("rect")) == 15
    assert kept.page_id not in page.html


def test_the_other_language_can_be_downloaded_too(door, kept):
    page = read(door, f"{kept.path}?lang=en")
    [link] = [link for link in page.links if "download" in link]
    response = door.http.get(f"{kept.path}{link}")
    assert "mobilis-result-" in response.headers["content-disposition"]
    assert ASSESSMENT.bands["nearly"].title["en"] in response.text


# --- erasing


@pytest.mark.parametrize("language", ["fr", "en"])
def test_erasing_is_confirmed_first(door, kept, database, language):
    page = read(door, f"{kept.path}?lang={language}")
    [link] = [link for link in page.links if "erase" in link]
    asked = read(door, f"/r/{link}")
    assert WORDS["erase_title"][language] in asked.words
    assert WORDS["erase_text"][language] in asked.words
    assert asked.all("form") == [{"method": "post", "class": "actions"}]
    assert f"../{kept.page_id}?lang={language}" in asked.links
    assert count(database, assessments) == 1
    erased = door.http.post(f"/r/{link}", headers=OWN)
    assert erased.status_code == 200
    assert WORDS["erased_text"][language] in Page(erased.text).words
    assert count(database, assessments) == 0
    read(door, kept.path, 404)


def test_erasing_a_result_leaves_the_conversation_and_other_results(visitor, door, keep, database):
    kept = keep(conversation=visitor.id)
    other = keep(conversation=visitor.id)
    door.http.post(f"{kept.path}/erase", headers=OWN)
    read(door, other.path)
    assert len(visitor.history()) == 1
    with database.read() as connection:
        assert connection.execute(select(erasures.c.channel)).scalars().all() == ["web"]


def test_erasing_what_no_conversation_holds_any_more_is_noted_too(door, kept, database):
    assert door.http.post(f"{kept.path}/erase", headers=OWN).status_code == 200
    with database.read() as connection:
        assert connection.execute(select(erasures.c.channel)).scalars().all() == ["unknown"]


def test_a_result_is_erased_once(door, kept, database):
    statuses = [door.http.post(f"{kept.path}/erase", headers=OWN).status_code for _ in range(2)]
    assert statuses == [200, 404]
    assert count(database, erasures) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "null"},
        {"Origin": "https://other.example"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "nonsense"},
    ],
)
def test_another_site_cannot_erase_a_result(door, kept, database, headers):
    response = door.http.post(f"{kept.path}/erase", headers=headers)
    assert response.status_code == 403
    assert WORDS["erase_title"]["fr"] in Page(response.text).words
    assert count(database, assessments) == 1


@pytest.mark.parametrize("origin", [None, "null", "own"])
def test_a_browser_that_does_not_say_where_a_form_is_from_can_erase(door, kept, database, origin):
    own = f"http://127.0.0.1:{door.port}"
    headers = {"Origin": own if origin == "own" else origin} if origin else {}
    assert door.http.post(f"{kept.path}/erase", headers=headers).status_code == 200
    assert count(database, assessments) == 0


def test_no_other_method_does_anything(door, kept, database):
    for method, path in (("POST", ""), ("DELETE", ""), ("PUT", "/erase"), ("DELETE", "/erase")):
        assert door.http.request(method, f"{kept.path}{path}", headers=OWN).status_code == 405
    for path in ("", "/erase"):
        assert door.http.head(f"{kept.path}{path}").status_code == 200
    assert count(database, assessments) == 1


# --- what is not there


@pytest.fixture(params=["unknown", "shape", "expired", "erased", "conversation", "words"])
def gone(request, door, kept, visitor, keep, database):
    """The path of a page that cannot be read, for each reason there is."""
    if request.param == "unknown":
        return f"/r/{'x' * 24}"
    if request.param == "shape":
        return "/r/%00%F0%9F%99%82%22%3Cscript%3E"
    if request.param == "expired":
        change(database, page_until=now())
    elif request.param == "erased":
        with database.write() as connection:
            connection.execute(delete(assessments))
    elif request.param == "conversation":
        kept = keep(conversation=visitor.id)
        with database.write() as connection:
            erase_content(connection, visitor.id, "none")
    else:
        change(database, band="former")
    return kept.path


@pytest.mark.parametrize("language", ["fr", "en"])
def test_what_is_not_there_is_one_and_the_same_page_in_the_readers_language(door, gone, language):
    unknown = door.http.get("/r/unknown", headers={"Accept-Language": language})
    for path in (gone, f"{gone}?download=1"):
        response = door.http.get(path, headers={"Accept-Language": language})
        assert response.status_code == 404
        assert response.content == unknown.content
    page = Page(unknown.text)
    assert WORDS["gone_title"][language] in page.words
    assert f"../?lang={language}" in page.links
    assert read(door, f"{gone}?lang=en", 404).words == read(door, "/r/unknown?lang=en", 404).words


def test_what_is_not_there_cannot_be_erased(door, gone, database):
    before = count(database, erasures)
    for response in (door.http.get(f"{gone}/erase"), door.http.post(f"{gone}/erase", headers=OWN)):
        assert response.status_code == 404
        assert WORDS["gone_title"]["fr"] in Page(response.text).words
        assert "../../?lang=fr" in Page(response.text).links
    assert count(database, erasures) == before


def test_a_page_goes_with_the_retention_of_its_conversation(open_door, database, keep, eventually):
    door = open_door()
    visitor = door.visitor()
    kept = keep(conversation=visitor.id, days=0)
    read(door, kept.path)
    old = now() - timedelta(days=366)
    with database.write() as connection:
        connection.execute(update(conversations).values(last_at=old))
    door.stop()
    door.start()
    eventually(lambda: count(database, assessments) == 0)
    read(door, kept.path, 404)


def test_wrong_addresses_are_limited_by_who_asks(open_door, keep):
    kept = keep()
    door = open_door(result_misses_per_minute_address=2, trusted_proxies=1)
    here, there = {"X-Forwarded-For": "1.2.3.4"}, {"X-Forwarded-For": "1.2.3.5"}
    for _ in range(5):
        read(door, kept.path, 200, **here)
    read(door, "/r/wrong", 404, **here)
    assert door.http.post("/r/wrong/erase", headers=here).status_code == 404
    refused = door.http.get(kept.path, headers={**here, "Accept-Language": "en"})
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    page = Page(refused.text)
    assert WORDS["refused_title"]["en"] in page.words
    assert "You are going too fast" in page.words
    read(door, kept.path, 200, **there)


# --- what goes wrong, and what is logged


def test_a_database_that_refuses_is_told_on_a_page(door, kept, monkeypatch, caplog):
    def refuse(*args):
        raise StoreError("the database refused: OperationalError")

    monkeypatch.setattr(module, "read_page", refuse)
    response = door.http.get(f"{kept.path}?lang=en")
    assert response.status_code == 503
    assert response.headers["retry-after"]
    assert "not available right now" in Page(response.text).words
    assert "the database refused" in caplog.text
    assert kept.page_id not in caplog.text


def test_no_log_holds_the_address_of_a_result(open_door, keep, caplog):
    kept = keep()
    door = open_door()
    caplog.set_level(logging.DEBUG)
    for path in (kept.path, f"{kept.path}?lang=en", f"{kept.path}/", f"{kept.path}/erase"):
        door.http.get(path)
    door.http.post(f"{kept.path}/erase", headers=OWN)
    door.http.delete(kept.path)
    lines = [describe(record, "door") for record in caplog.records]
    asked = [(line["method"], line["route"]) for line in lines if line["event"] == "request"]
    assert ("GET", "/r/{page}") in asked
    assert ("POST", "/r/{page}/erase") in asked
    assert not any(kept.page_id in to_json(line) for line in lines)
