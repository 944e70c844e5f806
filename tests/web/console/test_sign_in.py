"""Signing in: the right way, and every other way telling nothing; the code of the second factor."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from typing import Any

import httpx
import pyotp
import pytest
from loopback import loopback_client
from sqlalchemy import update

from mobilis import audit, second_factor, staff
from mobilis.models import staff as staff_table
from mobilis.models import staff_sessions
from mobilis.store import now
from mobilis.web.console.sign_in import within_console

PASSWORD = "une phrase de passe assez longue"
_TOKEN = re.compile(r'name="csrf" value="([^"]+)"')


@pytest.fixture
def person(database):
    with database.write() as connection:
        return staff.add_person(
            connection,
            email="camille@exemple.ca",
            name="Camille",
            role="triager",
            password=PASSWORD,
        )


@pytest.fixture
def secret(database, person) -> str:
    """The key of Camille's second factor."""
    with database.write() as connection:
        secret = second_factor.prepare(connection, person)
        long_ago = pyotp.TOTP(secret).at(now() - timedelta(seconds=30))
        assert second_factor.switch_on(connection, person, long_ago)
        return secret


class Browser:
    """Somebody's browser before a front door."""

    def __init__(self, door: Any) -> None:
        self.http = loopback_client(base_url=str(door.http.base_url), timeout=20)

    def token(self, path: str) -> str:
        return html.unescape(_TOKEN.findall(self.http.get(path).text)[0])

    def sign_in(self, email: str, password: str, **more: Any) -> httpx.Response:
        path = "/console/sign-in"
        fields = {"csrf": self.token(path), "email": email, "password": password, **more}
        return self.http.post(path, data=fields)

    def give(self, code: str, **more: Any) -> httpx.Response:
        path = "/console/sign-in/code"
        return self.http.post(path, data={"csrf": self.token(path), "code": code, **more})

    def is_in(self) -> bool:
        return self.http.get("/console/queue").status_code == 200


@pytest.fixture
def browser(door):
    browser = Browser(door)
    yield browser
    browser.http.close()


def without_token(page: str) -> str:
    return _TOKEN.sub("", page)


def actions(database) -> list[tuple[str, str, str]]:
    with database.read() as connection:
        rows = audit.find(connection, audit.Search(), 10)
    return [(row.actor, row.action, row.subject) for row in rows]


def test_the_right_password_opens_a_session_and_leads_where_one_was_going(
    browser, person, database
):
    answer = browser.sign_in(" Camille@Exemple.ca ", PASSWORD, next="/console/people?done=role")
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/people?done=role")
    assert browser.is_in()
    assert actions(database)[0] == (person.id, "sign_in", f"staff:{person.id}")


def test_whatever_is_wrong_the_answer_is_the_same(door, person, database):
    refused = []
    for case in ("wrong", "unknown", "without password", "inactive", "locked", "expired", "empty"):
        browser = Browser(door)
        email = {"unknown": "personne@exemple.ca", "empty": ""}.get(case, person.email)
        changes = {
            "inactive": {"active": False},
            "locked": {"active": True, "locked_until": now() + timedelta(minutes=5)},
            "without password": {"password_hash": None},
            "expired": {"locked_until": None, "one_time_until": now() - timedelta(days=1)},
        }.get(case)
        before = None
        if changes:
            with database.write() as connection:
                hashed = staff.known_hash(connection, person.email)
                before = {"password_hash": hashed}
                connection.execute(update(staff_table).values(**changes))
        answer = browser.sign_in(email, "wrong" if case == "wrong" else PASSWORD)
        if before and case == "without password":
            with database.write() as connection:
                connection.execute(update(staff_table).values(**before))
        assert not browser.is_in(), case
        headers = {k: v for k, v in answer.headers.items() if k not in ("date", "set-cookie")}
        refused.append((answer.status_code, without_token(answer.text), headers))
    assert refused[0][0] == 403
    assert "ne convient pas" in refused[0][1]
    assert all(other == refused[0] for other in refused)
    subjects = {subject for _, _, subject in actions(database)[: len(refused)]}
    assert subjects == {f"staff:{person.id}", "staff:unknown"}
    assert "exemple.ca" not in str(actions(database))


def test_a_cookie_set_before_signing_in_is_worth_nothing_after(browser, person, door):
    browser.http.cookies.set("mobilis-console", "chosen-by-somebody-else", path="/console")
    assert browser.sign_in(person.email, PASSWORD).status_code == 303
    token = browser.http.cookies.get("mobilis-console", domain="127.0.0.1")
    assert token != "chosen-by-somebody-else"
    other = Browser(door)
    other.http.cookies.set("mobilis-console", "chosen-by-somebody-else")
    assert not other.is_in()


def test_signing_in_again_ends_the_session_that_the_browser_had(browser, person, door):
    browser.sign_in(person.email, PASSWORD)
    first = browser.http.cookies.get("mobilis-console")
    browser.sign_in(person.email, PASSWORD)
    assert browser.http.cookies.get("mobilis-console") != first
    assert browser.is_in()
    other = Browser(door)
    other.http.cookies.set("mobilis-console", first)
    assert not other.is_in()


@pytest.mark.parametrize("public", ["", "http://console.exemple.ca", "https://console.exemple.ca"])
def test_cookies_are_for_the_console_alone_and_no_script(open_door, person, public):
    door = open_door(public_url=public)
    browser = Browser(door)
    form = browser.http.get("/console/sign-in")
    token = html.unescape(_TOKEN.findall(form.text)[0])
    cookie = form.headers["set-cookie"]
    answer = browser.http.post(
        "/console/sign-in",
        data={"csrf": token, "email": person.email, "password": PASSWORD},
        headers={"Cookie": cookie.partition(";")[0]},
    )
    assert answer.status_code == 303
    session = next(
        c for c in answer.headers.get_list("set-cookie") if c.startswith("mobilis-console=")
    )
    for one in (cookie, session):
        flags = [flag.strip().lower() for flag in one.split(";")[1:]]
        assert {"httponly", "samesite=lax", "path=/console"} <= set(flags)
        assert ("secure" in flags) is public.startswith("https")
        assert not any(flag.startswith("domain") for flag in flags)
    assert "Max-Age=86400" in session


@pytest.mark.parametrize("how", ["no cookie", "no token", "other token"])
def test_another_sites_form_signs_nobody_in(browser, person, door, how):
    token = browser.token("/console/sign-in")
    if how == "no cookie":
        browser.http.cookies.clear()
    fields = {"email": person.email, "password": PASSWORD}
    if how != "no token":
        fields["csrf"] = token if how == "no cookie" else Browser(door).token("/console/sign-in")
    answer = browser.http.post("/console/sign-in", data=fields)
    assert answer.status_code == 403
    assert "expiré" in answer.text
    assert not browser.is_in()


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/console/queue",
        "//evil.example/console/queue",
        "/\\evil.example",
        "/console/\\evil",
        "\\\\evil.example",
        "/console//evil.example",
        "/console/../r/secret",
        "/console/%2e%2e/r/secret",
        "/console/./x",
        "/\t/evil.example",
        "/console\n/x",
        "/console/queue\r\nSet-Cookie: x=y",
        "/consoles",
        "/console.evil.example",
        "console/queue",
        "javascript:alert(1)",
        "//[",
        "/console/queue#x",
        "/",
        "",
        "/console/é",
    ],
)
def test_next_only_ever_leads_into_the_console(browser, person, address):
    assert within_console(address) == "/console"
    answer = browser.sign_in(person.email, PASSWORD, next=address)
    assert answer.headers["location"] == "/console"


@pytest.mark.parametrize(
    "address",
    [
        "/console",
        "/console/queue",
        "/console/queue?status=new&q=r%C3%A9sum%C3%A9&sort=-at",
        "/console/cases/1f0c-2a_b~c.d",
    ],
)
def test_next_leads_to_any_page_of_the_console(address):
    assert within_console(address) == address


def test_attempts_from_one_address_are_limited(open_door, person):
    browser = Browser(open_door(sign_ins_per_minute_address=2))
    for _ in range(2):
        assert browser.sign_in(person.email, "wrong").status_code == 403
    answer = browser.sign_in(person.email, PASSWORD)
    assert answer.status_code == 429
    assert "Attendez une minute" in answer.text
    assert not browser.is_in()


def test_the_form_is_in_the_browsers_language_or_the_one_asked_for(browser):
    english = browser.http.get("/console/sign-in", headers={"Accept-Language": "en-CA"})
    assert "Sign in" in english.text and '<html lang="en">' in english.text
    asked = browser.http.get("/console/sign-in?lang=fr&next=/console/people")
    assert "Ouvrir une session" in asked.text
    assert 'href="/console/sign-in?lang=en&amp;next=/console/people"' in asked.text
    token = browser.token("/console/sign-in?lang=en")
    fields = {"csrf": token, "email": "x@y.ca", "password": "x"}
    refused = browser.http.post("/console/sign-in?lang=en", data=fields)
    assert "is not right" in refused.text


def test_what_is_typed_never_becomes_markup(browser):
    answer = browser.sign_in("<script>alert(1)</script>", "x", next='"><script>x</script>')
    assert "<script>alert" not in answer.text and "<script>x" not in answer.text


@pytest.mark.parametrize("email", ["\0", "camille\0@exemple.ca", "x" * 5000, "' OR 1=1 --"])
def test_odd_addresses_are_nobodys(browser, person, email):
    assert browser.sign_in(email, "\0").status_code == 403


# --- the code


def test_with_a_second_factor_the_password_alone_opens_nothing(browser, person, secret, database):
    answer = browser.sign_in(person.email, PASSWORD, next="/console/me?done=profile")
    assert answer.headers["location"].startswith("/console/sign-in/code?next=%2Fconsole%2Fme")
    assert not browser.is_in()
    with database.read() as connection:
        assert connection.execute(staff_sessions.select()).all() == []
    page = browser.http.get(answer.headers["location"])
    assert 'value="/console/me?done=profile"' in page.text
    answer = browser.give(pyotp.TOTP(secret).now(), next="/console/me?done=profile")
    assert answer.headers["location"] == "/console/me?done=profile"
    assert browser.is_in()
    kept = browser.http.cookies
    assert "mobilis-console-code" not in kept and "mobilis-console-form" not in kept


def test_a_code_that_was_used_opens_nothing_a_second_time(door, person, secret):
    code = pyotp.TOTP(secret).now()
    first, second = Browser(door), Browser(door)
    for browser in (first, second):
        browser.sign_in(person.email, PASSWORD)
    assert first.give(code).status_code == 303
    answer = second.give(code)
    assert (answer.status_code, "déjà servi" in answer.text) == (403, True)
    assert not second.is_in()


def test_a_recovery_code_opens_once(door, person, secret, database):
    with database.write() as connection:
        code = second_factor.new_recovery_codes(connection, person)[0]
    for expected in (303, 403):
        browser = Browser(door)
        browser.sign_in(person.email, PASSWORD)
        assert browser.give(code).status_code == expected


def test_wrong_codes_lock_the_account_without_saying_so(browser, person, secret, database):
    browser.sign_in(person.email, PASSWORD)
    answers = [browser.give("12345x") for _ in range(staff.MOST_FAILURES + 1)]
    answers.append(browser.give(pyotp.TOTP(secret).now()))
    assert {answer.status_code for answer in answers} == {403}
    assert len({without_token(answer.text) for answer in answers}) == 1
    assert actions(database)[0] == ("system", "sign_in.refused", f"staff:{person.id}")


def test_without_a_password_before_it_there_is_no_code_to_give(browser, person, secret):
    for answer in (
        browser.http.get("/console/sign-in/code"),
        browser.http.post("/console/sign-in/code", data={"code": pyotp.TOTP(secret).now()}),
    ):
        assert (answer.status_code, answer.headers["location"]) == (303, "/console/sign-in")
    browser.http.cookies.set("mobilis-console-code", "guessed", path="/console")
    assert browser.http.get("/console/sign-in/code").status_code == 303


def test_another_sites_form_gives_no_code(browser, person, secret):
    browser.sign_in(person.email, PASSWORD)
    fields = {"code": pyotp.TOTP(secret).now(), "csrf": "wrong"}
    answer = browser.http.post("/console/sign-in/code", data=fields)
    assert (answer.status_code, "expiré" in answer.text) == (403, True)
    assert not browser.is_in()


def test_codes_from_one_address_are_limited(open_door, person, secret):
    browser = Browser(open_door(sign_ins_per_minute_address=1))
    browser.sign_in(person.email, PASSWORD)
    answer = browser.give(pyotp.TOTP(secret).now())
    assert answer.status_code == 429
    assert not browser.is_in()


def test_what_waits_for_a_code_is_worth_nothing_once_it_was_given(browser, person, secret):
    browser.sign_in(person.email, PASSWORD)
    waiting = browser.http.cookies.get("mobilis-console-code")
    browser.give(pyotp.TOTP(secret).now())
    browser.http.cookies.set("mobilis-console-code", waiting, path="/console")
    assert browser.http.get("/console/sign-in/code").headers["location"] == "/console/sign-in"
