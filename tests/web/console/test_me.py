"""/console/me: one's own profile, password and second factor."""

from __future__ import annotations

import re
from datetime import timedelta

import pyotp
import pytest

from mobilis import accounts, audit, second_factor, staff
from mobilis.store import now

PASSWORD = "une phrase de passe assez longue"
NEW = "une tout autre phrase de passe"


def last_actions(database, count: int) -> list[str]:
    with database.read() as connection:
        return [row.action for row in audit.find(connection, audit.Search(), count)]


def change(colleague, **fields: str):
    usual = {"old": PASSWORD, "new": NEW, "again": NEW}
    return colleague.post("/me/password", page="/me/password", **{**usual, **fields})


@pytest.mark.parametrize("role", staff.RIGHTS)
def test_everyone_has_a_page_of_their_own(sign_in, role):
    page = sign_in(role).get("/me")
    assert page.status_code == 200
    assert f"{role}.0@exemple.ca" in page.text


def test_name_and_language_can_be_changed(sign_in, database):
    colleague = sign_in("viewer")
    answer = colleague.post("/me", name=" Noor  Haddad ", language="en")
    assert answer.headers["location"] == "/console/me?done=profile"
    page = colleague.get("/me?done=profile").text
    assert "The profile is saved." in page and 'value="Noor Haddad"' in page
    assert last_actions(database, 1) == ["staff.profile"]


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"name": " "}, "Le nom est vide"),
        ({"name": "x" * 121}, "trop long"),
        ({"language": "es"}, "deux langues"),
        ({"language": ""}, "deux langues"),
    ],
    ids=str,
)
def test_a_profile_that_will_not_do_is_not_saved(sign_in, fields, sentence):
    colleague = sign_in("viewer")
    answer = colleague.post("/me", **{"name": "Noor", "language": "fr", **fields})
    assert (answer.status_code, sentence in answer.text) == (400, True)
    assert 'value="Camille viewer"' in answer.text


def test_a_name_never_becomes_markup(sign_in):
    colleague = sign_in("viewer")
    colleague.post("/me", name='"><script>alert(1)</script>', language="fr")
    assert "<script>alert" not in colleague.get("/me").text


def test_a_new_password_ends_the_other_sessions_and_keeps_this_one(sign_in, database):
    here = sign_in("viewer")
    with database.write() as connection:
        elsewhere = staff.open_session(connection, here.person)
    old_cookie = here.http.cookies.get("mobilis-console")
    answer = change(here)
    assert answer.headers["location"] == "/console/me?done=password"
    assert here.get("/me?done=password").status_code == 200
    assert here.http.cookies.get("mobilis-console") != old_cookie
    with database.read() as connection:
        assert staff.find_session(connection, elsewhere) is None
        assert staff.find_session(connection, old_cookie) is None
        known = staff.known_hash(connection, here.person.email)
    assert staff.is_password(known, NEW)
    assert last_actions(database, 1) == ["staff.password"]


@pytest.mark.parametrize(
    ("fields", "status", "sentence"),
    [
        ({"old": "wrong"}, 403, "Le mot de passe actuel ne convient pas"),
        ({"again": "other"}, 400, "pas pareils"),
        ({"new": "court", "again": "court"}, 400, "trop court"),
        ({"new": PASSWORD, "again": PASSWORD}, 400, "différent"),
        ({"new": "", "again": ""}, 400, "trop court"),
    ],
    ids=str,
)
def test_a_password_that_will_not_do_is_not_kept(sign_in, database, fields, status, sentence):
    colleague = sign_in("viewer")
    answer = change(colleague, **fields)
    assert (answer.status_code, sentence in answer.text) == (status, True)
    with database.read() as connection:
        known = staff.known_hash(connection, colleague.person.email)
    assert staff.is_password(known, PASSWORD)


def test_guessing_the_old_password_locks_the_account(sign_in):
    colleague = sign_in("viewer")
    for _ in range(staff.MOST_FAILURES):
        assert change(colleague, old="wrong").status_code == 403
    assert change(colleague).status_code == 403


def test_who_has_a_one_time_password_can_do_nothing_but_choose_one(sign_in, database):
    colleague = sign_in("triager")
    with database.write() as connection:
        one_time = accounts.reset_password(connection, None, colleague.person.id)
        colleague.http.cookies.clear()
        cookie = staff.open_session(connection, staff.find_person(connection, colleague.person.id))
    colleague.http.cookies.set("mobilis-console", cookie, "127.0.0.1", "/console")
    for path in ("", "/queue", "/me", "/me/second-factor", "/people"):
        answer = colleague.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, "/console/me/password")
    part = colleague.get("/queue", headers={"HX-Request": "true"})
    assert (part.status_code, part.headers["hx-redirect"]) == (401, "/console/me/password")
    assert "ne sert qu&#39;une fois" in colleague.get("/me/password").text
    token = colleague.token("/me/password")
    refused = colleague.http.post("/console/me", data={"csrf": token, "name": "X"})
    assert refused.headers["location"] == "/console/me/password"
    assert change(colleague, old=one_time).headers["location"] == "/console/me?done=password"
    assert colleague.get("/queue").status_code == 200


def test_who_has_a_one_time_password_can_sign_out(sign_in, database):
    colleague = sign_in("triager")
    with database.write() as connection:
        accounts.reset_password(connection, None, colleague.person.id)
        person = staff.find_person(connection, colleague.person.id)
        cookie = staff.open_session(connection, person)
    colleague.http.cookies.clear()
    colleague.http.cookies.set("mobilis-console", cookie, "127.0.0.1", "/console")
    answer = colleague.post("/sign-out", page="/me/password")
    assert answer.headers["location"] == "/console/sign-in"


# --- the second factor


def code(secret: str, steps: int = 0) -> str:
    return pyotp.TOTP(secret).at(int(now().timestamp()) + 30 * steps)


@pytest.fixture
def protected(sign_in, database):
    """Someone with a second factor on, its secret, and the recovery codes."""
    colleague = sign_in("viewer")
    assert colleague.post("/me/second-factor").headers["location"] == "/console/me/second-factor"
    page = colleague.get("/me/second-factor").text
    secret = re.findall(r'class="secret">([A-Z2-7]+)<', page)[0]
    assert 'src="data:image/svg+xml' in page
    answer = colleague.post("/me/second-factor/on", page="/me/second-factor", code=code(secret, -1))
    assert answer.status_code == 200
    codes = re.findall(r"<code>([a-z2-7-]{19})</code>", answer.text)
    assert len(codes) == 10
    return colleague, secret, codes


def test_turned_on_by_a_code_it_shows_the_recovery_codes_once(protected, database):
    colleague, _, codes = protected
    assert last_actions(database, 1) == ["staff.second_factor_on"]
    page = colleague.get("/me").text
    assert "Codes de secours encore valables\u00a0: 10" in page
    assert not any(one in page for one in codes)


def test_a_wrong_first_code_turns_nothing_on(sign_in):
    colleague = sign_in("viewer")
    colleague.post("/me/second-factor")
    answer = colleague.post("/me/second-factor/on", page="/me/second-factor", code="12345x")
    assert (answer.status_code, "pas valide" in answer.text) == (403, True)
    assert "Désactivée" in colleague.get("/me").text


def test_nothing_is_shown_before_it_was_asked_for_nor_once_it_is_on(sign_in, protected):
    colleague, _, _ = protected
    assert colleague.get("/me/second-factor").headers["location"] == "/console/me"
    colleague.post("/me/second-factor", page="/me")
    assert colleague.get("/me/second-factor").headers["location"] == "/console/me"
    assert sign_in("triager").get("/me/second-factor").headers["location"] == "/console/me"


def test_it_is_turned_off_with_a_code_and_not_without(protected, database):
    colleague, secret, _ = protected
    answer = colleague.post("/me/second-factor/off", page="/me", code="wrong")
    assert (answer.status_code, "pas valide" in answer.text) == (403, True)
    assert last_actions(database, 1) == ["staff.refused"]
    answer = colleague.post("/me/second-factor/off", page="/me", code=code(secret))
    assert answer.headers["location"] == "/console/me?done=off"
    assert "est désactivée" in colleague.get("/me?done=off").text
    with database.read() as connection:
        assert not staff.find_person(connection, colleague.person.id).has_second_factor


def test_new_recovery_codes_want_a_code_and_replace_the_earlier_ones(protected, database):
    colleague, _, codes = protected
    assert colleague.post("/me/recovery-codes", page="/me", code="wrong").status_code == 403
    answer = colleague.post("/me/recovery-codes", page="/me", code=codes[0])
    assert answer.status_code == 200
    assert "ne valent plus rien" in answer.text
    again = re.findall(r"<code>([a-z2-7-]{19})</code>", answer.text)
    assert len(again) == 10 and not set(again) & set(codes)
    with database.write() as connection:
        assert not second_factor.check(connection, colleague.person, codes[1])
        assert second_factor.check(connection, colleague.person, again[0])


def test_who_signs_in_by_the_provider_alone_has_no_password_to_change(sign_in, database):
    colleague = sign_in("viewer")
    with database.write() as connection:
        accounts._set(connection, colleague.person.id, password_hash=None)
    assert "fournisseur de votre organisme" in colleague.get("/me").text
    assert change(colleague).status_code == 403


def test_what_is_no_news_is_not_announced(sign_in):
    page = sign_in("viewer").get("/me?done=<script>").text
    assert 'class="done"' not in page and "<script>" not in page.replace("<script defer", "")


def test_a_session_from_before_is_gone_when_the_clock_says_so(sign_in, database, monkeypatch):
    colleague = sign_in("viewer")
    monkeypatch.setattr(staff, "now", lambda: now() + staff.LONGEST + timedelta(seconds=1))
    assert colleague.get("/me").status_code == 303
