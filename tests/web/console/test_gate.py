"""Every page of the console passes the gate: who is let in, and who is not."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest
from loopback import loopback_client
from sqlalchemy import select, update

from mobilis.models import staff_sessions
from mobilis.staff import RIGHTS
from mobilis.web.console import CONSOLE

GUARDED = [page for page in CONSOLE if page.needs != "anyone"]


def path_of(page) -> str:
    """A page's path with something in the place of its parameters."""
    return "/".join("x" if part.startswith("{") else part for part in page.path.split("/"))


@pytest.mark.parametrize("page", GUARDED, ids=lambda page: f"{page.method} {page.path}")
def test_a_page_is_for_those_with_the_right_and_nobody_else(sign_in, page, door):
    address = f"/console{path_of(page)}"
    nobody = loopback_client(base_url=str(door.http.base_url))
    answer = nobody.request(page.method, address)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/console/sign-in")
    for role, rights in RIGHTS.items():
        colleague = sign_in(role)
        answer = colleague.http.request(
            page.method, address, data={"csrf": "wrong"} if page.method == "POST" else None
        )
        if page.needs not in rights:
            assert answer.status_code == 403, role
            assert "rôle" in answer.text
        elif page.method == "POST":
            assert answer.status_code == 403, role  # its token is wrong
            assert "expiré" in answer.text
        else:
            assert answer.status_code in (200, 303, 404), role


def test_a_page_cannot_be_made_without_saying_whom_it_is_for():
    assert all(page.needs in ("anyone", "read", "act", "export", "admin") for page in CONSOLE)
    assert {page.path for page in CONSOLE if page.needs == "anyone"} <= {
        "/sign-in",
        "/sign-in/code",
        "/oidc",
        "/oidc/back",
        "/htmx.js",
    }


def test_answers_are_not_kept_nor_framed(sign_in):
    answer = sign_in("viewer").get("/queue")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-robots-tag"] == "noindex, nofollow"
    policy = answer.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


def test_signing_out_ends_the_session(sign_in):
    colleague = sign_in("viewer")
    kept = dict(colleague.http.cookies)
    assert colleague.post("/sign-out").headers["location"] == "/console/sign-in"
    assert colleague.http.get("/console/queue", cookies=kept).status_code == 303


@pytest.mark.parametrize("token", [None, "", "wrong", "é", "of another session"])
def test_a_form_without_the_sessions_token_does_nothing(sign_in, token):
    colleague = sign_in("viewer")
    if token == "of another session":
        token = sign_in("viewer").token()
    fields = {"name": "Changed", "language": "en"} | ({} if token is None else {"csrf": token})
    answer = colleague.http.post("/console/me", data=fields)
    assert answer.status_code == 403
    assert "expiré" in answer.text
    assert "Changed" not in colleague.get("/me").text


def test_a_form_in_another_shape_does_nothing(sign_in):
    colleague = sign_in("viewer")
    token = colleague.token()
    files = {"csrf": ("token.txt", token.encode())}
    assert colleague.http.post("/console/me", files=files).status_code == 400
    json = {"csrf": token, "name": "Changed"}
    assert colleague.http.post("/console/me", json=json).status_code == 403
    query = colleague.http.post(f"/console/me?csrf={token}&name=Changed")
    assert query.status_code == 403


def test_a_form_that_is_too_large_is_refused(sign_in, door):
    colleague = sign_in("viewer")
    large = {"csrf": colleague.token(), "name": "x" * 70_000}
    assert colleague.http.post("/console/me", data=large).status_code == 413
    assert door.http.post("/console/sign-in", data={"email": "x" * 70_000}).status_code == 413
    in_pieces = colleague.http.post("/console/me", content=iter([b"csrf=x"]))
    assert in_pieces.status_code == 413


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_other_methods_are_refused(sign_in, method):
    colleague = sign_in("admin")
    for page in CONSOLE:
        answer = colleague.http.request(method, f"/console{path_of(page)}")
        assert answer.status_code == 405, page.path


def test_a_page_that_only_does_cannot_be_asked_for_and_the_other_way_round(sign_in):
    colleague = sign_in("admin")
    gets = {page.path for page in CONSOLE if page.method == "GET"}
    for page in CONSOLE:
        if page.method == "POST" and page.path not in gets:
            assert colleague.get(path_of(page)).status_code in (404, 405), page.path
    assert colleague.http.post("/console/queue").status_code == 405


def test_head_tells_what_get_would_without_the_page(sign_in, door):
    colleague = sign_in("viewer")
    answer = colleague.http.head("/console/me")
    assert (answer.status_code, answer.content) == (200, b"")
    assert colleague.http.head("/console/people").status_code == 403
    assert httpx.head(f"{door.http.base_url}/console/me", trust_env=False).status_code == 303


def test_a_part_of_a_page_sends_the_whole_page_to_sign_in(door):
    answer = door.http.get("/console/queue", headers={"HX-Request": "true"})
    assert answer.status_code == 401
    assert answer.headers["hx-redirect"] == "/console/sign-in?next=/console/queue"


def test_a_session_in_use_is_noted_once_a_minute(sign_in, database):
    colleague = sign_in("viewer")

    def last_at():
        with database.read() as connection:
            return connection.execute(select(staff_sessions.c.last_at)).scalar_one()

    first = last_at()
    colleague.get("/me")
    assert last_at() == first
    with database.write() as connection:
        old = update(staff_sessions).values(last_at=first - timedelta(minutes=2))
        connection.execute(old)
    colleague.get("/me")
    assert last_at() > first
