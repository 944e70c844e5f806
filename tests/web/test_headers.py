"""The security headers of every answer: each route with every method, as anybody, a visitor and an
administrator; what is not there, what breaks, and what other websites ask beforehand."""

from __future__ import annotations

import asyncio
import html
import re
from dataclasses import replace
from itertools import product
from typing import Any

import httpx
import pytest
from fake_teams import APP, TENANT
from starlette.routing import Mount, Route

from mobilis import staff
from mobilis.errors import StoreError
from mobilis.settings import Settings
from mobilis.web.app import create_app
from mobilis.web.headers import (
    ALWAYS,
    ASKED_AGAIN,
    CONSOLE,
    HSTS,
    NOT_KEPT,
    NOTHING,
    PAGE,
    PAGE_WITH_FORM,
)

NOWHERE = "http://127.0.0.1:9"  # discard: nobody answers
EVERYTHING = {
    "public_url": "https://chat.example.org",
    "cors_origins": ("https://site.example",),
    "slack_signing_secret": "signing",
    "slack_client_id": "client",
    "slack_client_secret": "client secret",
    "slack_api_url": f"{NOWHERE}/",
    "teams_app_id": APP,
    "teams_app_password": "password",
    "teams_tenant": TENANT,
    "teams_openid_url": f"{NOWHERE}/openid",
    "teams_login_url": f"{NOWHERE}/login",
    "oidc_issuer": NOWHERE,
    "oidc_client_id": "client",
    "oidc_client_secret": "secret",
}
PASSWORD = "une phrase de passe assez longue"
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")
# By path, first match: the content policies and the caching that an answer may have.
EXPECTED = (
    (r"/(privacy)?", {PAGE, NOTHING}, {ASKED_AGAIN, NOT_KEPT}),
    (r"/widget(-.*)?\.js", {NOTHING}, {"public, max-age=300", NOT_KEPT}),
    (r"/console/htmx\.js", {NOTHING}, {"public, max-age=3600", NOT_KEPT}),
    (r"/console.*", {CONSOLE, NOTHING}, {NOT_KEPT}),
    (r"/r/.*", {PAGE, PAGE_WITH_FORM, NOTHING}, {NOT_KEPT}),
    (r"/slack/(install|oauth_redirect)", {PAGE, NOTHING}, {NOT_KEPT}),
    (r"/static/.*", {NOTHING}, {ASKED_AGAIN, NOT_KEPT}),
    (r"/api/openapi\.json", {NOTHING}, {ASKED_AGAIN, NOT_KEPT}),
    (r".*", {NOTHING}, {NOT_KEPT}),
)
LOADED_ANYWHERE = re.compile(r"/widget(-.*)?\.js")


def routes(settings: Settings) -> list[str]:
    return [route.path for route in create_app(settings).routes]


ROUTES = routes(replace(Settings(database_url="sqlite://", secret="s"), **EVERYTHING))


@pytest.fixture
def everything(open_door) -> Any:
    """A front door with every channel, behind https."""
    return open_door(**EVERYTHING)


def check(answer: httpx.Response, https: bool = True) -> None:
    path, headers = answer.request.url.path, answer.headers
    told = f"{answer.request.method} {path} {answer.status_code}"
    [policies, caching] = next(
        [policies, caching]
        for pattern, policies, caching in EXPECTED
        if re.fullmatch(pattern, path)
    )
    for name, value in ALWAYS.items():
        assert len(headers.get_list(name)) == 1, f"{told}: {name}"
        if name == "Content-Security-Policy":
            assert headers[name] in policies, f"{told}: {headers[name]}"
        elif name == "Cross-Origin-Resource-Policy" and LOADED_ANYWHERE.fullmatch(path):
            assert headers[name] in ("cross-origin", "same-origin"), told
        else:
            assert headers[name] == value, f"{told}: {name}"
    assert headers["cache-control"] in caching, f"{told}: {headers['cache-control']}"
    assert headers.get("strict-transport-security") == (HSTS if https else None), told
    assert "server" not in headers, told
    if answer.is_stream_consumed and answer.content:
        assert headers["content-type"].partition(";")[0], told
    for cookie in headers.get_list("set-cookie"):
        lowered = cookie.lower()
        if "max-age=0" not in lowered:  # which takes one back
            assert "httponly" in lowered and "samesite=" in lowered, f"{told}: {cookie}"
            assert "secure" in lowered or not https, f"{told}: {cookie}"


def paths(route: str, conversation: str) -> list[str]:
    if route == "/static":
        return ["/static/site.css", "/static/missing.css", "/static/%2e%2e/app.py"]
    filled = route.replace("{conversation}", conversation)
    return [re.sub(r"\{[^}]*\}", "x", filled)]


@pytest.mark.parametrize("https", [True, False])
def test_every_answer_of_every_route_has_the_headers(open_door, database, https):
    public = {} if https else {"public_url": "http://chat.example.org"}
    door = open_door(**{**EVERYTHING, **public})
    opened = door.visitor()
    bearer = {"Authorization": f"Bearer {opened.token}"}
    with database.write() as connection:
        staff.add_person(
            connection, email="a@exemple.ca", name="A", role="admin", password=PASSWORD
        )
    cookies = signed_in(door)
    asking = ({}, bearer, {"Cookie": cookies, "Origin": "https://site.example"})
    for path in (path for route in ROUTES for path in paths(route, opened.id)):
        for method, headers in product(METHODS, asking):
            if (method, headers) == ("DELETE", bearer):
                continue  # last
            with door.http.stream(method, path, headers=headers) as answer:
                if not path.endswith("/events"):
                    answer.read()
                check(answer, https)
    check(door.http.delete(opened.url, headers=bearer), https)


def signed_in(door: Any) -> str:
    """The cookie of an administrator, which a browser would send back by https alone."""
    form = door.http.get("/console/sign-in")
    check(form, door.settings.is_https)
    [token] = re.findall(r'name="csrf" value="([^"]+)"', form.text)
    fields = {"csrf": html.unescape(token), "email": "a@exemple.ca", "password": PASSWORD}
    sent = "; ".join(one.partition(";")[0] for one in form.headers.get_list("set-cookie"))
    answer = door.http.post("/console/sign-in", data=fields, headers={"Cookie": sent})
    check(answer, door.settings.is_https)
    assert answer.status_code == 303
    door.http.cookies.clear()
    return "; ".join(one.partition(";")[0] for one in answer.headers.get_list("set-cookie"))


def test_every_route_is_walked_and_none_is_without_a_path():
    app = create_app(replace(Settings(database_url="sqlite://", secret="s"), **EVERYTHING))
    assert all(isinstance(route, Route | Mount) for route in app.routes)
    assert {"/slack/events", "/slack/install", "/teams/messages", "/console/oidc"} <= set(ROUTES)
    assert {"/r/{page}", "/healthz", "/static", "/widget.js"} <= set(ROUTES)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/api/nowhere", 404),
        ("GET", "/console/nowhere", 404),
        ("DELETE", "/", 405),
        ("GET", "/R/x", 404),
        ("GET", "/%00", 404),
    ],
)
def test_so_has_what_is_not_there(everything, method, path, status):
    answer = everything.http.request(method, path)
    assert answer.status_code == status
    check(answer)


def test_so_has_what_is_refused(everything):
    http = everything.http
    too_large = http.post("/api/conversations", content=b"x" * 20_000)
    no_json = http.post("/api/conversations", content=b"{")
    redirected = http.get("/console/queue")
    for answer, status in ((too_large, 413), (no_json, 400), (redirected, 303)):
        assert answer.status_code == status
        check(answer)


def test_so_has_what_comes_too_often(open_door):
    door = open_door(**EVERYTHING, conversations_per_minute_address=1)
    answers = [door.http.post("/api/conversations") for _ in range(2)]
    assert answers[-1].status_code == 429
    for answer in answers:
        check(answer)


def test_so_has_what_other_websites_ask_beforehand(everything):
    asked = {"Origin": "https://site.example", "Access-Control-Request-Method": "POST"}
    answer = everything.http.options("/api/conversations", headers=asked)
    assert answer.headers["access-control-allow-origin"] == "https://site.example"
    check(answer)
    refused = everything.http.options(
        "/api/conversations", headers={**asked, "Origin": "https://other.example"}
    )
    assert refused.status_code == 400
    check(refused)


@pytest.mark.parametrize(
    ("error", "status"), [(RuntimeError("what somebody wrote"), 500), (StoreError("gone"), 503)]
)
def test_so_has_what_breaks(settings, database, error, status):
    async def breaks(request: Any) -> None:
        raise error

    app = create_app(replace(settings, **EVERYTHING))
    app.router.routes.insert(0, Route("/breaks", breaks))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=transport, base_url="https://x.example") as client:
            return await client.get("/breaks", headers={"Origin": "https://site.example"})

    answer = asyncio.run(ask())
    assert answer.status_code == status
    assert "somebody" not in answer.text
    assert answer.headers["access-control-allow-origin"] == "https://site.example"
    check(answer)


def test_a_page_of_ours_may_do_what_it_does_and_nothing_else():
    for policy in (PAGE, PAGE_WITH_FORM, CONSOLE, NOTHING):
        assert policy.startswith("default-src 'none'")
        assert "unsafe" not in policy and "*" not in policy
        for directive in ("base-uri 'none'", "frame-ancestors 'none'", "form-action"):
            assert directive in policy


def test_the_widget_is_a_script_for_any_website(everything, tmp_path):
    answer = everything.http.get("/widget.js")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
