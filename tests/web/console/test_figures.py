"""The page of figures: its pictures, their tables, their files, in both languages."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from xml.etree import ElementTree

import pytest
from clocks import Clock
from sqlalchemy import insert, update
from talks import Talk

from mobilis.dates import day_of, in_words
from mobilis.models import case_days, cases
from mobilis.store import now
from mobilis.turns import Reply
from mobilis.web.console.figure_sections import SECTIONS

SVG = "{http://www.w3.org/2000/svg}"
PLACES = ("roomy", "tight")
HOSTILE = "<script>zzhostile()</script>"


@pytest.fixture
def clock(monkeypatch):
    """Nine in the morning of yesterday."""
    clock = Clock(monkeypatch)
    clock.set(f"{day_of(now()) - timedelta(days=1)} 09:00")
    return clock


@pytest.fixture
def talks(database, clock):
    """Something of everything, counted by hand."""
    faq = [Reply("…", None, "faq", (), {"faq": {"id": "cost", "sources": []}})]
    first = Talk(database, "fr")
    first.say("combien?", "faq", faq)
    first.missed(first.say("qwerty"))
    first.ask("aim", "impact")
    first.note("aim")
    first.lead("person")
    second = Talk(database, "en", channel="slack")
    second.say("how much?", "faq", faq)
    second.ask("aim")
    second.assess("a")
    second.lead("interest", name="Marie Roy", email="marie@exemple.ca")
    for talk in (first, second):
        talk.project()
    with database.write() as connection:
        later = clock.moment + timedelta(hours=3)
        own = cases.c.conversation_id == first.id
        connection.execute(update(cases).where(own).values(answered_at=later))
    return first, second


def pictures(page: str) -> dict[str, ElementTree.Element]:
    """The pictures of a page by the id of their title; each must be XML of its own."""
    found = {}
    for text in re.findall(
        r'<svg class="(?:columns|lying roomy|lying tight)".*?</svg>', page, re.DOTALL
    ):
        picture = ElementTree.fromstring(text)
        title = picture.find(f"{SVG}title")
        assert title is not None
        found[title.attrib["id"].removesuffix("-title")] = picture
    return found


def tables(page: str) -> dict[str, list[list[str]]]:
    """The rows of each table, by the section's name."""
    found = {}
    for name, text in re.findall(
        r'<caption id="(\w+)-caption">.*?</caption>(.*?)</table>', page, re.S
    ):
        rows = re.findall(r"<tr>(.*?)</tr>", text, re.DOTALL)
        cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in rows]
        found[name] = [[cell.strip() for cell in row] for row in cells]
    return found


def rows_of(answer) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize("role", ["viewer", "triager", "exporter", "admin"])
def test_everyone_who_may_read_finds_the_way_there_and_nothing_personal(sign_in, talks, role):
    colleague = sign_in(role)
    assert 'href="/console/figures"' in colleague.get("/queue").text
    page = colleague.get("/figures")
    assert page.status_code == 200
    for text in (page.text, *(colleague.get(f"/figures/{name}.csv").text for name in SECTIONS)):
        for personal in ("Marie", "exemple.ca", "qwerty", *(talk.id for talk in talks)):
            assert personal not in text


def test_each_figure_has_a_definition_a_picture_a_table_and_a_file(sign_in, talks):
    page = sign_in("viewer", language="en").get("/figures").text
    drawn, listed = pictures(page), tables(page)
    for name in SECTIONS:
        assert f'id="{name}"' in page
        assert any(one.startswith(name) for one in drawn), name
        assert len(listed[name]) > 1, name
        assert f'href="/console/figures/{name}.csv"' in page
    for picture in drawn.values():
        title, words = picture.find(f"{SVG}title"), picture.find(f"{SVG}desc")
        assert picture.attrib["role"] == "img"
        assert picture.attrib["aria-labelledby"] == f"{title.attrib['id']} {words.attrib['id']}"
        assert title.text and words.text


def test_columns_say_what_their_table_says(sign_in, talks, clock):
    page = sign_in("viewer", language="en").get("/figures?period=7").text
    drawn, listed = pictures(page), tables(page)
    day = in_words(clock.moment.date(), "en")
    head, *rows = listed["conversations"]
    assert head == ["Days", "Total", "French", "English", "website", "Slack"]
    assert [row for row in rows if row[0] == day] == [[day, "2", "1", "1", "1", "1"]]
    assert len(rows) == 7
    for what, names in (("language", ("French", "English")), ("channel", ("website", "Slack"))):
        columns = drawn[f"conversations-by_{what}"].findall(f"{SVG}g")
        said = [column.find(f"{SVG}title").text for column in columns]
        assert said == [
            f"{row[0]}: " + ", ".join(f"{name}: {row[head.index(name)]}" for name in names)
            for row in rows
        ]
        blocks = [len(column.findall(f"{SVG}rect")) - 1 for column in columns]
        assert blocks == [2 if row[0] == day else 0 for row in rows]


def test_bars_say_what_their_table_says(sign_in, talks):
    page = sign_in("viewer", language="fr").get("/figures").text
    drawn, listed = pictures(page), tables(page)
    names = [f"{name}-{place}" for name in ("funnel", "bands", "questions") for place in PLACES]
    for name in names:
        words = drawn[name].find(f"{SVG}desc").text
        values = [text.text for text in drawn[name].iter(f"{SVG}text") if text.get("class")]
        rows = listed[name.partition("-")[0]][1:]
        assert values == [f"{row[1]} ({row[2]})" for row in rows]
        for title, count, share in rows:
            said = f"{title}\u00a0: {count} ({share})."
            assert said.replace("&#39;", "'") in words.replace("&#39;", "'"), name
    assert listed["questions"][1][1:] == ["2", "100\u00a0%"]
    assert [row[1] for row in listed["funnel"][1:]] == ["2", "2", "1", "1", "1", "1", "1"]


def test_the_head_of_the_page_tells_each_figure_in_one_number(sign_in, talks):
    page = sign_in("viewer", language="en").get("/figures").text
    brief = re.findall(r"<strong>(.*?)</strong>", page)
    # Four messages of the first and two of the second, all typed; one was not understood.
    assert brief == ["2", "6", "50%", "1", "2", "16.7%", "n/a", "2"]


@pytest.mark.parametrize(
    ("query", "total"),
    [
        ("", 2),
        ("?language=fr", 1),
        ("?channel=slack", 1),
        ("?channel=teams", 0),
        ("?language=fr&channel=slack", 0),
        ("?region=QC", 0),
        ("?period=year", 2),
        ("?since=2020-01-01&until=2020-12-31", 0),
        ("?nonsense=1&language=de", 2),
    ],
)
def test_filters_of_the_address_hold_for_the_page_and_the_files(sign_in, talks, query, total):
    colleague = sign_in("viewer")
    page = colleague.get(f"/figures{query}")
    assert page.status_code == 200
    assert re.findall(r"<strong>(.*?)</strong>", page.text)[0] == str(total)
    rows = rows_of(colleague.get(f"/figures/conversations.csv{query}"))
    assert sum(int(row["Total / Total"]) for row in rows) == total


def test_the_form_keeps_what_was_chosen_and_links_carry_it(sign_in):
    page = sign_in("viewer").get("/figures?since=2026-01-01&until=2026-01-31&language=fr").text
    assert '<option value="fr" selected>' in page
    assert 'type="date" value="2026-01-01"' in page
    query = "since=2026-01-01&amp;until=2026-01-31&amp;language=fr"
    assert f'href="/console/figures/bands.csv?{query}"' in page
    assert 'href="/console/figures?period=7&amp;language=fr"' in page


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("since=2026-02-01&until=2026-01-01", "premier jour vient après"),
        ("since=2999-01-01", "pas encore venu"),
        ("since=2001-01-01&until=2026-01-01", "au plus trois ans"),
    ],
)
def test_days_that_cannot_be_are_refused_with_a_sentence(sign_in, query, sentence):
    colleague = sign_in("viewer")
    page = colleague.get(f"/figures?{query}")
    assert page.status_code == 422
    assert sentence in page.text
    answer = colleague.get(f"/figures/bands.csv?{query}")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/console/figures?{query}")


def test_where_there_is_nothing_a_sentence_stands_in_place_of_a_picture(sign_in):
    page = sign_in("viewer").get("/figures").text
    assert pictures(page) == {}
    assert page.count('<p class="empty">') == len(SECTIONS)
    assert "Personne n&#39;a écrit" in page


def test_few_answers_are_told_without_a_median(sign_in, talks):
    page = sign_in("viewer", language="en").get("/figures").text
    assert "too few answers (1)" in page
    assert "still waiting for a first answer: 1" in page


def test_five_answers_have_a_median(sign_in, database, clock):
    for hours in (1, 2, 3, 30, 100):
        talk = Talk(database)
        talk.lead("person")
        talk.project()
        with database.write() as connection:
            own = cases.c.conversation_id == talk.id
            moment = clock.moment + timedelta(hours=hours, minutes=5)
            connection.execute(update(cases).where(own).values(answered_at=moment))
    colleague = sign_in("viewer", language="en")
    page = colleague.get("/figures").text
    facts = re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", page)
    assert facts[:2] == [
        ("Median", "3\u00a0h\u00a005\u00a0min"),
        ("Nine in ten, within", "4\u00a0d\u00a04\u00a0h"),
    ]
    rows = {
        row["Identifiant / Identifier"]: row
        for row in rows_of(colleague.get("/figures/answers.csv"))
    }
    assert rows["median"]["Nombre / Number"] == "185"
    assert rows["1d"]["Nombre / Number"] == "0"
    assert rows["4h"]["Part / Share"] == "0.6"


def test_what_was_erased_by_age_is_said_of_a_long_period(sign_in, talks):
    colleague = sign_in("viewer")
    assert (
        "effacée après 180 jours"
        in colleague.get("/figures?since=2020-01-01&until=2020-01-02").text
    )
    assert "effacée après" not in colleague.get("/figures?period=90").text


@pytest.mark.parametrize("name", SECTIONS)
def test_a_file_opens_in_a_spreadsheet_in_both_languages(sign_in, talks, name):
    answer = sign_in("viewer").get(f"/figures/{name}.csv?period=7")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert re.fullmatch(
        rf'attachment; filename="mobilis-{name}-\d{{4}}-\d\d-\d\d-\d{{4}}-\d\d-\d\d\.csv"',
        answer.headers["content-disposition"],
    )
    assert answer.content.startswith(b"\xef\xbb\xbf")
    head, *rows = csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline=""))
    assert all(" / " in cell for cell in head)
    assert rows and all(len(row) == len(head) for row in rows)
    other = sign_in("viewer", language="en").get(f"/figures/{name}.csv?period=7")
    assert other.content == answer.content


def test_days_of_a_file_are_iso_and_names_are_in_both_languages(sign_in, talks, clock):
    colleague = sign_in("viewer")
    days = rows_of(colleague.get("/figures/messages.csv?period=7"))
    assert days[-2]["Premier jour / First day"] == clock.moment.date().isoformat()
    assert days[-2]["Total / Total"] == "6"
    (row,) = rows_of(colleague.get("/figures/questions.csv"))
    assert row["Identifiant / Identifier"] == "cost"
    assert row["Nom en français / Name in French"] != row["Nom en anglais / Name in English"]


def test_a_long_period_is_shown_by_week_and_day_by_day_in_its_file(sign_in, talks, clock):
    colleague = sign_in("viewer", language="en")
    since = clock.moment.date() - timedelta(days=100)
    page = colleague.get(f"/figures?since={since}").text
    _, *shown = tables(page)["messages"]
    assert 14 < len(shown) < 18
    assert sum(int(row[1]) for row in shown) == 6
    for name in ("conversations", "messages", "missed", "hand_offs"):
        rows = rows_of(colleague.get(f"/figures/{name}.csv?since={since}"))
        assert len(rows) == 102, name
        assert all(
            row["Premier jour / First day"] == row["Dernier jour / Last day"] for row in rows
        )


@pytest.mark.parametrize("file", ["x", "x.csv", "bands.xml", "bands", ".csv", "bands.csv.csv"])
def test_there_is_no_other_file(sign_in, file):
    assert sign_in("viewer").get(f"/figures/{file}").status_code == 404


def test_what_is_not_known_is_shown_as_it_is_and_never_as_markup_or_formula(
    sign_in, talks, database
):
    day = day_of(now()).isoformat()
    own = {"conversation_id": talks[0].id, "day": day, "language": "fr", "times": 7}
    with database.write() as connection:
        for what, value in (
            ("answered", HOSTILE),
            ("answered", "=1+1"),
            ("band", HOSTILE),
        ):
            row = {**own, "what": what, "value": value, "channel": HOSTILE[:16]}
            connection.execute(insert(case_days).values(row))
        more = {**own, "what": "opened", "value": "", "channel": "<b>zzhostile"}
        connection.execute(insert(case_days).values(more))
    colleague = sign_in("viewer")
    page = colleague.get("/figures").text
    assert "&lt;script&gt;zzhostile()" in page
    assert "<script>zz" not in page
    assert "<b>zz" not in page
    assert set(pictures(page))
    text = colleague.get("/figures/questions.csv").content.decode("utf-8-sig")
    assert "\r\n'=1+1," in text


def test_the_page_speaks_the_persons_language(sign_in, talks):
    french = sign_in("viewer", language="fr").get("/figures").text
    english = sign_in("viewer", language="en").get("/figures").text
    assert "Chiffres</h1>" in french
    assert "Questions les plus posées" in french
    assert "Figures</h1>" in english
    assert "Top questions" in english
