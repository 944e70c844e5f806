"""/console/people: accounts, for admins."""

from __future__ import annotations

import re

import pytest

from mobilis import audit, second_factor, staff

PAYLOAD = '"><img src=x onerror=alert(1)>'


def person_of(database, email: str) -> staff.Person:
    with database.read() as connection:
        found = staff.find_by_email(connection, email)
    assert found
    return found


def invite(admin, **fields: str):
    usual = {"name": "Noor", "email": "noor@exemple.ca", "role": "triager", "language": "en"}
    return admin.post("/people/new", page="/people/new", **{**usual, **fields})


def given_password(page: str) -> str:
    return re.findall(r'class="secret">([^<]+)<', page)[0]


def test_everyone_is_listed_with_what_their_account_is_like(sign_in):
    sign_in("viewer")
    page = sign_in("admin").get("/people").text
    assert "Camille viewer" in page and "viewer.0@exemple.ca" in page
    assert "(vous)" in page


def test_an_invited_person_signs_in_with_the_one_time_password(sign_in, database):
    admin = sign_in("admin")
    answer = invite(admin)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    password = given_password(answer.text)
    person = person_of(database, "noor@exemple.ca")
    assert (person.role, person.language, person.must_choose_password) == ("triager", "en", True)
    with database.read() as connection:
        assert staff.is_password(staff.known_hash(connection, person.email), password)
        [row] = audit.find(connection, audit.Search(), 1)
    assert (row.actor, row.action) == (admin.person.id, "staff.invited")
    assert password not in row.detail
    assert password not in admin.get(f"/people/{person.id}").text


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"email": "noor"}, "Ce courriel ne convient pas"),
        ({"email": "admin.0@exemple.ca"}, "a déjà ce courriel"),
        ({"name": ""}, "Le nom est vide"),
        ({"role": "owner"}, "des rôles"),
        ({"role": ""}, "des rôles"),
        ({"language": "es"}, "deux langues"),
    ],
    ids=str,
)
def test_an_invitation_that_will_not_do_is_given_back_as_it_was(sign_in, fields, sentence):
    admin = sign_in("admin")
    answer = invite(admin, **fields)
    assert (answer.status_code, sentence in answer.text) == (400, True)
    assert f'value="{fields.get("name", "Noor")}"' in answer.text


def test_without_a_provider_nobody_is_left_without_a_password(sign_in):
    assert given_password(invite(sign_in("admin"), way="provider").text)


def test_a_role_is_changed_and_the_sessions_end(sign_in, database):
    admin, colleague = sign_in("admin"), sign_in("viewer")
    page = f"/people/{colleague.person.id}"
    answer = admin.post(f"{page}/role", page=page, role="exporter")
    assert answer.headers["location"] == f"/console{page}?done=role"
    assert "Le rôle est changé" in admin.get(f"{page}?done=role").text
    assert person_of(database, colleague.person.email).role == "exporter"
    assert colleague.get("/me").status_code == 303


def test_an_account_is_closed_and_opened_again(sign_in):
    admin, colleague = sign_in("admin"), sign_in("viewer")
    page = f"/people/{colleague.person.id}"
    assert admin.post(f"{page}/close", page=page).status_code == 303
    assert colleague.get("/me").status_code == 303
    assert "fermé" in admin.get(page).text
    assert admin.post(f"{page}/open", page=page).status_code == 303
    assert "Le compte est rouvert" in admin.get(f"{page}?done=opened").text


def test_a_password_is_reset_and_shown_once(sign_in, database):
    admin, colleague = sign_in("admin"), sign_in("viewer")
    page = f"/people/{colleague.person.id}"
    answer = admin.post(f"{page}/password", page=page)
    assert answer.status_code == 200
    with database.read() as connection:
        known = staff.known_hash(connection, colleague.person.email)
    assert staff.is_password(known, given_password(answer.text))
    assert colleague.get("/me").status_code == 303


def test_a_second_factor_is_reset(sign_in, database):
    admin, colleague = sign_in("admin"), sign_in("viewer")
    with database.write() as connection:
        secret = second_factor.prepare(connection, colleague.person)
        code = second_factor.pyotp.TOTP(secret).now()
        assert second_factor.switch_on(connection, colleague.person, code)
    page = f"/people/{colleague.person.id}"
    assert admin.post(f"{page}/second-factor", page=page).status_code == 303
    assert not person_of(database, colleague.person.email).has_second_factor


def test_sessions_are_ended_ones_own_too(sign_in):
    admin, colleague = sign_in("admin"), sign_in("viewer")
    page = f"/people/{colleague.person.id}"
    assert admin.post(f"{page}/sessions", page=page).status_code == 303
    assert colleague.get("/me").status_code == 303
    own = f"/people/{admin.person.id}"
    assert admin.post(f"{own}/sessions", page=own).headers["location"] == "/console/sign-in"
    assert admin.get("/people").status_code == 303


@pytest.mark.parametrize("deed", ["role", "close", "open", "password", "second-factor"])
def test_nobody_changes_their_own_rights(sign_in, deed):
    admin = sign_in("admin")
    own = f"/people/{admin.person.id}"
    assert f"{own}/role" not in admin.get(own).text
    answer = admin.post(f"{own}/{deed}", page=own, role="viewer")
    assert (answer.status_code, "ses propres droits" in answer.text) == (409, True)
    assert admin.get("/people").status_code == 200


def test_a_role_that_there_is_not_changes_nothing(sign_in):
    admin, colleague = sign_in("admin"), sign_in("viewer")
    page = f"/people/{colleague.person.id}"
    assert admin.post(f"{page}/role", page=page, role="owner").status_code == 409
    assert colleague.get("/me").status_code == 200


@pytest.mark.parametrize("path", ["", "/role", "/close", "/password"])
@pytest.mark.parametrize("staff_id", ["nobody", "%00", "..%2fx"])
def test_somebody_who_is_not_there_is_not_found(sign_in, path, staff_id):
    admin = sign_in("admin")
    address = f"/people/{staff_id}{path}"
    answer = admin.post(address, role="viewer") if path else admin.get(address)
    assert answer.status_code == 404


def test_a_name_never_becomes_markup(sign_in, database):
    admin = sign_in("admin")
    assert PAYLOAD not in invite(admin, name=PAYLOAD).text
    person = person_of(database, "noor@exemple.ca")
    assert person.name == PAYLOAD
    for path in ("/people", f"/people/{person.id}", "/audit"):
        page = admin.get(path).text
        assert "<img src=x" not in page and "&lt;img src=x" in page
    assert "<img src=x" not in invite(admin, name=PAYLOAD, email=PAYLOAD).text


def test_what_is_no_news_is_not_announced(sign_in):
    admin = sign_in("admin")
    assert 'class="done"' not in admin.get(f"/people/{admin.person.id}?done=x").text
