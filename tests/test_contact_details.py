"""Reading contact details: one field, a signature, corrections, an introduction on the way."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobilis.contact_details import (
    FIELDS,
    LIMITS,
    NOTHING,
    Details,
    afterthought,
    answered,
    corrections,
    first_part,
    introduced_details,
    split_details,
    swap_in,
    swapped,
    tidy,
)

pytestmark = pytest.mark.pure

# --- one field


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("Marie Tremblay", "Marie Tremblay"),
        ("je m'appelle Marie", "Marie"),
        ("Je m\u2019appelle Marie Tremblay.", "Marie Tremblay"),
        ("Bonjour, moi c'est Zoé", "Zoé"),
        ("mon nom est Jean-François O'Neil", "Jean-François O'Neil"),
        ("allô, mon nom c'est Zoé!", "Zoé"),
        ("je suis Marie", "Marie"),
        ("my name is John Smith", "John Smith"),
        ("Hi, I'm John", "John"),
        ("this is Mary-Ann MacDonald", "Mary-Ann MacDonald"),
        ("  Marie \t\n  Tremblay  ", "Marie Tremblay"),
        ("Ma\u200brie\x00 Trem\u202eblay\x1b", "Marie Tremblay"),
        ("Marie 🎉", "Marie 🎉"),
        ("ᐊᓇᓇ", "ᐊᓇᓇ"),
        ("Robert'); DROP TABLE leads;--", "Robert'); DROP TABLE leads;--"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("x" * 120, "x" * 120),
        ("x" * 121, None),
        ("", None),
        ("   ", None),
        ("\x00\u200b", None),
        ("12345", None),
        ("🎉🎉", None),
        ("...", None),
        ("marie@exemple.ca", None),
    ],
)
def test_a_name_is_read_without_its_lead_in(typed: str, name: str | None) -> None:
    assert tidy("name", typed) == name


@pytest.mark.parametrize(
    ("typed", "organization"),
    [
        ("La Maison d'Alice", "La Maison d'Alice"),
        ("notre organisme est la Maison d\u2019Alice", "la Maison d'Alice"),
        ("je travaille pour Centraide", "Centraide"),
        ("we are the Sudbury Food Bank.", "the Sudbury Food Bank"),
        ("I work at YWCA #3", "YWCA #3"),
        ("1% for the planet", "1% for the planet"),
        ("x" * 200, "x" * 200),
        ("x" * 201, None),
        ("911", None),
        ("info@maison.ca", None),
    ],
)
def test_an_organization_is_read_without_its_lead_in(typed: str, organization: str | None) -> None:
    assert tidy("organization", typed) == organization


@pytest.mark.parametrize(
    ("typed", "email"),
    [
        ("marie@exemple.ca", "marie@exemple.ca"),
        (
            "c'est marie.tremblay+info@mon-organisme.qc.ca.",
            "marie.tremblay+info@mon-organisme.qc.ca",
        ),
        ("you can write to me at john@example.org, thanks", "john@example.org"),
        ("<mailto:marie@exemple.ca|marie@exemple.ca>", "marie@exemple.ca"),
        ("[moi](mailto:marie@exemple.ca)", "marie@exemple.ca"),
        ("Marie\u200b@exem\u2060ple.ca", "Marie@exemple.ca"),
        ("o'brien@example.ie", "o'brien@example.ie"),
        ("marie@exemple.ca\nBcc: tous@exemple.ca", "marie@exemple.ca"),
        ("marie@exemple.ca'; DROP TABLE leads;--", "marie@exemple.ca"),
        ("marie@exemple.ca<img src=x onerror=alert(1)>", "marie@exemple.ca"),
        ("x" * 243 + "@exemple.ca", "x" * 243 + "@exemple.ca"),
        ("x" * 244 + "@exemple.ca", None),
        ("marie@exemple", None),
        ("marie@.ca", None),
        ("marie@-exemple.ca", None),
        ("@exemple.ca", None),
        ("marie arobas exemple.ca", None),
        ("marie @ exemple.ca", None),
        ("", None),
    ],
)
def test_an_address_is_found_in_a_sentence(typed: str, email: str | None) -> None:
    assert tidy("email", typed) == email


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        (" On veut\nagir!\t ", "On veut\nagir!"),
        ("écrivez à marie@exemple.ca", "écrivez à marie@exemple.ca"),
        ("je suis disponible lundi", "je suis disponible lundi"),
        ("👍", "👍"),
        ("<b>oui</b> \x07& non", "<b>oui</b> & non"),
        ("'; DELETE FROM leads; --", "'; DELETE FROM leads; --"),
        ("x" * 2000, "x" * 2000),
        ("x" * 2001, None),
        (" \n ", None),
    ],
)
def test_a_message_is_kept_as_written(typed: str, message: str | None) -> None:
    assert tidy("message", typed) == message


@given(st.sampled_from(FIELDS), st.text())
def test_whatever_is_typed_gives_a_short_clean_value_or_none(field: str, typed: str) -> None:
    value = tidy(field, typed)
    assert value is None or 0 < len(value) <= LIMITS[field]
    assert value is None or not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u200b\u202e\ufeff]", value)


def test_a_long_hostile_address_is_refused_quickly() -> None:
    assert tidy("email", "a" * 2000 + "@") is None
    assert tidy("email", "a@" + "a-" * 1000) is None
    assert tidy("email", "a@" + "a." * 1000) is None


# --- several fields at once


@pytest.mark.parametrize(
    ("text", "persons", "organizations", "details"),
    [
        (
            "Marie Tremblay, La Maison d'Alice, marie@exemple.ca",
            [],
            [],
            Details("Marie Tremblay", "La Maison d'Alice", "marie@exemple.ca"),
        ),
        (
            "Marie Tremblay\nLa Maison d'Alice\nmarie@exemple.ca\n",
            [],
            [],
            Details("Marie Tremblay", "La Maison d'Alice", "marie@exemple.ca"),
        ),
        (
            "Sudbury Food Bank - John Smith; john@example.org",
            ["John Smith"],
            ["Sudbury Food Bank"],
            Details("John Smith", "Sudbury Food Bank", "john@example.org"),
        ),
        (
            "je m'appelle Marie Tremblay, marie@exemple.ca",
            ["Marie Tremblay"],
            [],
            Details("Marie Tremblay", "", "marie@exemple.ca"),
        ),
        (
            "john@example.org",
            [],
            [],
            Details("", "", "john@example.org"),
        ),
        (
            "marie@exemple.ca",
            ["marie@exemple.ca"],  # what names a person may find
            [],
            Details("", "", "marie@exemple.ca"),
        ),
        (
            "my name is John, I work at YWCA, john@example.org",
            ["John"],
            [],
            Details("John", "YWCA", "john@example.org"),
        ),
    ],
)
def test_a_signature_is_split(
    text: str, persons: list[str], organizations: list[str], details: Details
) -> None:
    assert split_details(text, persons, organizations) == details


@pytest.mark.parametrize(
    "text", ["Marie Tremblay, La Maison d'Alice", "", "marie@exemple", "x" * 250 + "@exemple.ca"]
)
def test_without_a_usable_address_nothing_is_split(text: str) -> None:
    assert split_details(text, ["Marie Tremblay"], []) is None


@given(st.text(), st.text(), st.lists(st.text(), max_size=2), st.lists(st.text(), max_size=2))
def test_splitting_never_fails(
    before: str, after: str, persons: list[str], organizations: list[str]
) -> None:
    details = split_details(f"{before} a@exemple.ca {after}", persons, organizations)
    assert details is not None
    assert "@" in details.email
    assert len(details.name) <= LIMITS["name"]
    assert len(details.organization) <= LIMITS["organization"]


# --- what was asked for, said as people say it


@pytest.mark.parametrize(
    ("field", "typed", "details"),
    [
        ("name", "je vous l'ai donné, Jocelyn Gagnon", {"name": "Jocelyn Gagnon"}),
        ("name", "Nathalie Ouellet comme j'ai dit", {"name": "Nathalie Ouellet"}),
        ("name", "Like I said, Ann Roy", {"name": "Ann Roy"}),
        ("name", "Ginette Lavoie, non, Lavoye", {"name": "Lavoye"}),
        ("name", "St. John Smith", {"name": "St. John Smith"}),
        ("name", "Jean-François de la Durantaye", {"name": "Jean-François de la Durantaye"}),
        (
            "name",
            "Marie-Ève Tremblay, du centre de femmes La Passerelle",
            {"name": "Marie-Ève Tremblay", "organization": "centre de femmes La Passerelle"},
        ),
        (
            "name",
            "Ann Roy from the Sudbury Food Bank",
            {"name": "Ann Roy", "organization": "Sudbury Food Bank"},
        ),
        (
            "organization",
            "ben je viens de le dire, centre de femmes La Passerelle",
            {"organization": "centre de femmes La Passerelle"},
        ),
        (
            "organization",
            "la Moisson, euh attendez c'est quoi le nom officiel, Moisson Lanaudière",
            {"organization": "Moisson Lanaudière"},
        ),
        (
            "organization",
            "Centre femmes Rimouski. mais pourquoi vous avez besoin de tout ca",
            {"organization": "Centre femmes Rimouski"},
        ),
        (
            "organization",
            "Association du Québec, section Nord",
            {"organization": "Association du Québec, section Nord"},
        ),
        ("organization", "YWCA - Toronto", {"organization": "YWCA - Toronto"}),
        (
            "name",
            "Colin MacIsaac, I'm with the Halifax Foodshare Society",
            {"name": "Colin MacIsaac", "organization": "Halifax Foodshare Society"},
        ),
        (
            "name",
            "it's Bev Thrasher, Bancroft 60+ Club",
            {"name": "Bev Thrasher", "organization": "Bancroft 60+ Club"},
        ),
        (
            "name",
            "It's Priya, Priya Raman. But honestly my question is how long before someone answers",
            {"name": "Priya, Priya Raman"},
        ),
        ("message", "no that's it", {"message": NOTHING}),
        (
            "email",
            "ginette@moisson.org attends non c'est dg@moisson.org",
            {"email": "dg@moisson.org"},
        ),
        ("email", "ann@x.org, with bob@x.org in copy", {"email": "ann@x.org"}),
        (
            "email",
            "jocelyn point gagnon arobas escale point org",
            {"email": "jocelyn.gagnon@escale.org"},
        ),
        ("email", "ann dot roy at foodbank dot ca", {"email": "ann.roy@foodbank.ca"}),
        ("email", "je l'ai pas sous la main", {}),
        ("message", "rien", {"message": NOTHING}),
        ("message", "Nothing to add.", {"message": NOTHING}),
        ("message", "rien que la vérité", {"message": "rien que la vérité"}),
    ],
)
def test_an_answer_is_read_without_what_is_said_around_it(
    field: str, typed: str, details: Mapping[str, str]
) -> None:
    assert answered(field, typed) == details


def test_who_is_known_as_a_person_may_be_of_an_organization_whatever_the_capitals() -> None:
    told = answered("name", "sylvie du centre de femmes", ["sylvie"])
    assert told == {"name": "sylvie", "organization": "centre de femmes"}


# --- corrections


@pytest.mark.parametrize(
    ("typed", "given", "wrong"),
    [
        ("l'organisme: Le Relais, enlève le « pis »", {"organization": "Le Relais"}, set()),
        ("mets l\u2019organisme : La Passerelle", {"organization": "La Passerelle"}, set()),
        (
            "le nom c'est juste Nathalie Roy svp pis l'organisme Centre femmes",
            {"name": "Nathalie Roy", "organization": "Centre femmes"},
            set(),
        ),
        (
            "non le courriel c'est a@b.ca, pis mon nom c'est Marie Roy, pis j'ai pas de message",
            {"email": "a@b.ca", "name": "Marie Roy", "message": NOTHING},
            set(),
        ),
        ("remove the message please", {"message": NOTHING}, set()),
        (
            "the name should be Ann Roy and the email is ann@x.org",
            {"name": "Ann Roy", "email": "ann@x.org"},
            set(),
        ),
        (
            "change the organization to Sudbury Food Bank",
            {"organization": "Sudbury Food Bank"},
            set(),
        ),
        ("the email address is ann@y.ca not ann@x.ca", {"email": "ann@y.ca"}, set()),
        ("ann@y.ca", {"email": "ann@y.ca"}, set()),
        ("le nom est mal écrit pis l'organisme aussi", {}, {"name", "organization"}),
        ("enlève « Rosemont ou » dans l'organisme svp", {}, {"organization"}),
        ("can you fix the org name", {}, {"organization"}),
        ("there's a typo in my name", {}, {"name"}),
        ("my email is wrong", {}, {"email"}),
        (
            "the group is Regina Newcomers Circle, my name is Tesfaye Bekele",
            {"organization": "Regina Newcomers Circle", "name": "Tesfaye Bekele"},
            set(),
        ),
        (
            "the organization is Bay Street Co-op and my last name's Doucet",
            {"organization": "Bay Street Co-op"},
            {"name"},
        ),
        ("oui c'est bon", {}, set()),
        ("efface mes renseignements", {}, set()),
        ("how much is it?", {}, set()),
    ],
)
def test_what_was_read_back_is_corrected_by_name(
    typed: str, given: Mapping[str, str], wrong: set[str]
) -> None:
    told = corrections(typed)
    assert (told.given, told.wrong) == (given, wrong)
    assert bool(told) == bool(given or wrong)


@pytest.mark.parametrize(
    ("typed", "given", "rest"),
    [
        ("oh non attends, c'est pas le bon courriel, c'est a@b.ca", {"email": "a@b.ca"}, ""),
        (
            "dites que je suis libre mardi, ah pis l'organisme c'est L'Escale tout court",
            {"organization": "L'Escale"},
            "dites que je suis libre mardi",
        ),
        ("oh wait my email is ann@y.ca", {"email": "ann@y.ca"}, ""),
        ("mon courriel c'est marie-eve@example.org", {"email": "marie-eve@example.org"}, ""),
        (
            "Bay Street Seniors Co-op, sorry my name is Marlene Doucet",
            {"name": "Marlene Doucet"},
            "Bay Street Seniors Co-op",
        ),
        ("no that's it. oh and my name is just Bev Roy", {"name": "Bev Roy"}, "no that's it"),
        ("notre organisme est situé à Québec et on veut changer la loi", {}, ""),
        ("our organization is small and we need help", {}, ""),
        ("écrivez à marie@exemple.ca", {}, ""),
    ],
)
def test_where_any_text_may_stand_only_what_plainly_corrects_is_taken_out(
    typed: str, given: Mapping[str, str], rest: str
) -> None:
    told = corrections(typed, strictly=True)
    assert (told.given, told.rest) == (given, rest)


# --- on the way to something else


@pytest.mark.parametrize(
    ("typed", "name", "details"),
    [
        (
            "Je veux que quelqu'un me rappelle, mon nom c'est Jo Gagnon, maison L'Escale, jo@e.org",
            "Jo Gagnon",
            {"name": "Jo Gagnon", "organization": "maison L'Escale", "email": "jo@e.org"},
        ),
        (
            "ok mon nom c'est Nathalie Ouellet pis mon courriel n@cfr.org",
            "Nathalie Ouellet",
            {"name": "Nathalie Ouellet", "email": "n@cfr.org"},
        ),
        (
            "Hi I'm Tom Burke from the Truro Food Bank, can someone call me",
            "Tom Burke",
            {"name": "Tom Burke", "organization": "Truro Food Bank"},
        ),
        (
            "sign us up. I'm Tom from the Friendship Centre tom@tbfc.org",
            "Tom",
            {"name": "Tom", "organization": "Friendship Centre", "email": "tom@tbfc.org"},
        ),
        (
            "I agree. Priya Nair from the Food Bank",
            "Priya Nair from the Food Bank",
            {"name": "Priya Nair", "organization": "Food Bank"},
        ),
        ("I'm interested, please write to us at info@x.org", "", {"email": "info@x.org"}),
        (
            "the declaration, i want to do it. my group name is Regina Newcomers Circle",
            "",
            {"organization": "Regina Newcomers Circle"},
        ),
        ("je veux parler à quelqu'un", "", {}),
    ],
)
def test_whoever_introduces_themselves_is_not_asked_again(
    typed: str, name: str, details: Mapping[str, str]
) -> None:
    assert introduced_details(typed, [name] if name else []) == details


@pytest.mark.parametrize(
    ("text", "parts"),
    [("D'accord. Ana Roy", ("D'accord", "Ana Roy")), ("oui", ("oui", "")), ("", ("", ""))],
)
def test_a_short_beginning_is_told_from_the_rest(text: str, parts: tuple[str, str]) -> None:
    assert first_part(text) == parts


@given(st.text(), st.booleans())
def test_whatever_is_typed_corrects_with_values_that_can_be_kept(typed: str, strict: bool) -> None:
    told = corrections(typed, strict)
    for field, value in {**told.given, **introduced_details(typed, [typed])}.items():
        assert field in FIELDS
        assert 0 < len(value) <= LIMITS[field]


def test_a_long_hostile_message_is_read_quickly() -> None:
    for typed in ("nom " * 500, "c'est " * 400, "a@" * 900, "pas le " * 300, "je l'ai dit, " * 150):
        corrections(typed)
        for field in FIELDS:
            answered(field, typed)


# --- what leads to an address


@pytest.mark.parametrize(
    "said",
    [
        "Le Relais, and you can reach me at {}",
        "Le Relais and my email is {}",
        "Le Relais. Vous pouvez me joindre à {}",
        "Le Relais, écrivez-moi à {}",
        "Le Relais, mon courriel c'est {}",
        "Le Relais, {}",
        "Le Relais {}",
    ],
)
def test_what_leads_to_an_address_is_no_organization(said: str) -> None:
    found = split_details(said.format("a@relais.org"), [], [], named=True)
    assert found == Details("", "Le Relais", "a@relais.org")


@pytest.mark.parametrize("organization", ["Contact Nord", "Reach Centre", "Centre Adresse"])
def test_an_organization_may_have_such_a_word_in_its_name(organization: str) -> None:
    found = split_details(f"{organization}, a@relais.org", [], [], named=True)
    assert found == Details("", organization, "a@relais.org")


# --- one word in the place of another


@pytest.mark.parametrize(
    ("said", "swap"),
    [
        ("Oups c'est 0198 le numéro, pas 0199", ("0198", "0199")),
        ("it's Lavoye, not Lavoie", ("Lavoye", "Lavoie")),
        ("pas Ouellet, Ouellette", ("Ouellette", "Ouellet")),
        ("not Bob, it's Robert", None),  # they do not look alike
        ("c'est pas bon", None),
        ("oui, pas de problème", None),
        ("", None),
    ],
)
def test_a_word_that_is_denied_has_its_right_one_beside_it(
    said: str, swap: tuple[str, str] | None
) -> None:
    assert swap_in(said) == swap


def test_a_denied_word_is_changed_wherever_it_stands_as_a_word() -> None:
    details = {"name": "Luc Lavoie", "organization": "Les Lavoies", "message": "demander lavoie."}
    changed = swapped("it's Lavoye, not Lavoie", details)
    assert changed == {"name": "Luc Lavoye", "message": "demander Lavoye."}
    assert not swapped("merci", details)


# --- what goes on after an address


@pytest.mark.parametrize(
    ("said", "rest"),
    [
        ("a@b.ca, mais un appel m'irait mieux", "un appel m'irait mieux"),
        ("a@b.ca — oh and is it a call or just email?", "is it a call or just email?"),
        ("a@b.ca, and tell him our board agrees", "tell him our board agrees"),
        ("a@b.ca merci beaucoup", ""),
        ("a@b.ca non attends, c'est plutôt c@d.ca pour vrai", ""),
        ("mon courriel est a@b.ca", ""),
        ("pas de courriel pour nous, désolée", ""),
    ],
)
def test_what_goes_on_after_an_address_is_kept(said: str, rest: str) -> None:
    assert afterthought(said) == rest


def test_a_message_is_taken_out_again() -> None:
    assert corrections("No take the message out. I just wanted to know").given == {
        "message": NOTHING
    }
