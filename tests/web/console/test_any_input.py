"""Any query and any form, on every page of the console, by an administrator: none breaks it."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mobilis import periods, queue
from mobilis.settings import ROOT
from mobilis.web.console import CONSOLE
from mobilis.web.console.audit_log import FILTERS

SOURCES = (ROOT / "mobilis" / "web" / "console").glob("*.py")
_FIELD = re.compile(
    r'(?:query_params\.get|\.field|form\.get|form\.getlist|_day|given)\(\s*"([a-z_]+)"'
)
# What pages ask for by name, read from their source, and by a list of names.
FIELDS = sorted(
    {name for path in SOURCES for name in _FIELD.findall(Path(path).read_text(encoding="utf-8"))}
    | set(queue.Filters.__dataclass_fields__)
    | {"since", "until", "period", *periods.KNOWN, *FILTERS, "note", "tag", "keys", "at"}
)
VALUES = st.sampled_from(
    [
        *(
            "",
            "0",
            "1",
            "-1",
            "1.5",
            "9" * 30,
            "9" * 5000,
            "٣",
            "²",
            "nan",
            "2026-11-26",
            "9999-12-31",
            "é",
        ),
        *("2026-02-30", "0001-01-01", "fr", "en", "csv", "json", "faq/cost", "admin", "waiting"),
        *("\0", "a\0b", "\u202e", "%", "_", "'", '"', "\\", "<b>", "a=b&c=d", "&&==", "x" * 5000),
        *("a@b.ca", "=1+1", "\r\nX: y", "//exemple.ca", "/console/queue", "https://[", "{}", "[1]"),
    ]
) | st.text(max_size=40)
GIVEN = st.lists(st.tuples(st.sampled_from(FIELDS), VALUES), max_size=8)
IDS = st.sampled_from(
    ["x", "0", "cost", "privacy", "a%00b", "%F0%9F%92%A5", "'", "é", "9" * 400, "9" * 5000]
)
# Whoever signs out, or says who they are by a code, is not signed in any more.
LEFT_OUT = {("POST", "/sign-out"), ("POST", "/me/factor"), ("POST", "/me/password")}
ASKED = [page for page in CONSOLE if (page.method, page.path) not in LEFT_OUT]


def encoded(given: list[tuple[str, str]]) -> str:
    return urlencode(given, errors="replace")


def test_fields_of_pages_are_found():
    assert {"status", "since", "next", "email", "code", "from", "seen", "csrf"} <= set(FIELDS)
    assert len(FIELDS) > 60


@pytest.mark.timeout(0)
def test_any_input_is_a_page_or_is_refused(sign_in, door, brain, pytestconfig):
    door.visitor(language="fr").hears("je veux parler à une personne")
    people = [sign_in("admin")]

    @settings(
        max_examples=20 * pytestconfig.getoption("examples"),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.sampled_from(ASKED), IDS, GIVEN, GIVEN, st.booleans())
    def ask(page, id, query, form, htmx):
        if people[-1].get("/queue").status_code != 200:
            people.append(sign_in("admin"))
        path = re.sub(r"\{[^}]*\}", id, page.path)
        headers = {"HX-Request": "true"} if htmx else {}
        body = None
        if page.method == "POST":
            body = encoded([("csrf", people[-1].token()), *form])
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        answer = people[-1].http.request(
            page.method, f"/console{path}?{encoded(query)}", content=body, headers=headers
        )
        assert answer.status_code < 500, (page.method, page.path)

    ask()


@pytest.mark.parametrize("page", [page for page in CONSOLE if page.upload], ids=lambda p: p.path)
def test_any_file_is_read_or_refused(sign_in, page, pytestconfig):
    colleague = sign_in("admin")
    token = colleague.token()

    @settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.binary(max_size=300), st.text(max_size=20).filter(str.isprintable), VALUES)
    def ask(data, name, value):
        fields = {"csrf": token, "apply": value.encode("utf-8", "replace").decode()}
        files = {"file": (name or "f", data)}
        answer = colleague.http.post(f"/console{page.path}", data=fields, files=files)
        assert answer.status_code < 500

    ask()


@pytest.mark.parametrize(
    "body",
    [
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n',
        b"--x--",
        b"\xff\xfe",
        b"--x\r\n" * 500,
        b"csrf=%ff%fe&" * 300,
    ],
)
@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=x", "multipart/form-data", "x"])
def test_a_form_that_is_none_is_refused(sign_in, body, kind):
    colleague = sign_in("admin")
    answer = colleague.http.post(
        "/console/coaches/import", content=body, headers={"Content-Type": kind}
    )
    assert 400 <= answer.status_code < 500


@given(st.text(max_size=80).map(lambda text: "".join(filter(str.isprintable, text))))
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_cookie_is_a_session_or_none(door, text):
    value = text.strip().encode("utf-8", "replace")
    for name in (b"mobilis-console", b"mobilis-console-form", b"mobilis-console-code", b"x"):
        answer = door.http.get("/console/queue", headers=[(b"Cookie", name + b"=" + value)])
        assert answer.status_code in (303, 400)
