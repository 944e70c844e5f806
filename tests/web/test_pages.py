"""The demo page, security headers, other origins, and the front door's own words."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from pathlib import Path

import pytest

from mobilis import wording
from mobilis.errors import ContentError
from mobilis.settings import ROOT
from mobilis.web import pages
from mobilis.web.door import Door
from mobilis.wording import CODES, PAGE_KEYS, RESULT_KEYS, load_wording, preferred_language


@pytest.mark.parametrize(
    ("path", "accepted", "language"),
    [
        ("/", "", "fr"),
        ("/", "en-US,en;q=0.9", "en"),
        ("/", "de, en;q=0.1, fr-CA;q=0.2", "fr"),
        ("/?lang=en", "fr", "en"),
        ("/?lang=fr", "en", "fr"),
        ("/?lang=%22%3E", "en", "en"),
    ],
)
def test_the_page_speaks_the_readers_language(door, path, accepted, language):
    response = door.http.get(path, headers={"Accept-Language": accepted})
    assert response.status_code == 200
    assert f'<html lang="{language}">' in response.text
    assert response.headers["content-language"] == language


def test_the_page_has_a_strict_policy_and_nothing_inline(door):
    response = door.http.get("/")
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<script>|<style|\son\w+=|\sstyle=", response.text)
    assert "$" not in response.text


def test_what_the_page_refers_to_is_there(door):
    for name in re.findall(r'(?:src|href)="(static/[^"]+)"', door.http.get("/").text):
        assert door.http.get(f"/{name}").status_code == 200


def test_the_pages_script_writes_no_markup():
    script = (Path(pages.__file__).parent / "static" / "demo.js").read_text(encoding="utf-8")
    for dangerous in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert dangerous not in script


def test_the_consent_line_says_for_how_long(open_door):
    assert "30 days" in open_door(retention_days=30).http.get("/?lang=en").text
    assert "until you erase it" in open_door(retention_days=0).http.get("/?lang=en").text


@pytest.mark.parametrize("path", ["/", "/healthz", "/nothing", "/static/demo.js"])
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

    monkeypatch.setattr(Door, "write", broken)
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
    for name in (wording.ERRORS, wording.PAGE, wording.RESULT):
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
    [(wording.ERRORS, CODES), (wording.PAGE, PAGE_KEYS), (wording.RESULT, RESULT_KEYS)],
)
def test_each_file_has_its_sentences_and_no_others(words, name, keys):
    source = (words / name).read_text(encoding="utf-8")
    assert set(re.findall(r"^(\w+):", source, re.MULTILINE)) == set(keys)
    (words / name).write_text(f"{source}\nmore: {{fr: a, en: b}}\n", encoding="utf-8")
    with pytest.raises(ContentError, match=f"{name}: more is not one of its sentences"):
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
