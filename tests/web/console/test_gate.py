"""Every page of the console passes the gate: who is let in, and who is not."""

from __future__ import annotations

import httpx
import pytest

from mobilis.staff import RIGHTS
from mobilis.web.console import CONSOLE

GUARDED = [page for page in CONSOLE if page.needs != "anyone"]


def path_of(page) -> str:
    """A page's path with something in the place of its parameters."""
    return "/".join("x" if part.startswith("{") else part for part in page.path.split("/"))


@pytest.mark.parametrize("page", GUARDED, ids=lambda page: f"{page.method} {page.path}")
def test_a_page_is_for_those_with_the_right_and_nobody_else(sign_in, page, door):
    address = f"/console{path_of(page)}"
    nobody = httpx.Client(base_url=str(door.http.base_url), trust_env=False)
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
