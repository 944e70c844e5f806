"""/console/coaches: the directory, its form, and what happens to it, for admins."""

from __future__ import annotations

import csv
import html
import io
import re

import pytest
from sqlalchemy import insert, select

from mobilis import audit, coaches, edits
from mobilis.coach_file import parse
from mobilis.models import coaches as table
from mobilis.models import leads
from mobilis.settings import ROOT
from mobilis.store import now

SAMPLE = ROOT / "coaches" / "sample.csv"
ANA = {
    "name": "Ana Érable-Fiction",
    "languages": ["en", "fr"],
    "regions": ["QC"],
    "topics": ["*"],
    "levels": ["federal", "municipal"],
    "bio_fr": "Profil fictif\u00a0: Ana.",
    "bio_en": "Fictional profile: Ana.",
    "url": "https://example.org/ana",
    "accepting": "yes",
}
ADDRESS = "/coaches/ana-erable-fiction"


@pytest.fixture
def admin(sign_in):
    return sign_in("admin")


@pytest.fixture
def ana(admin):
    """The address of a coach."""
    add(admin)
    return ADDRESS


def add(admin, **changes):
    return admin.post("/coaches/new", "/coaches/new", **{**ANA, **changes})


def seen(page):
    return re.search(r'name="seen" value="([^"]*)"', page.text).group(1)


def save(admin, address, **changes):
    fields = {"seen": seen(admin.get(f"{address}/edit")), **ANA, **changes}
    return admin.post(f"{address}/edit", f"{address}/edit", **fields)


def directory(database):
    with database.read() as connection:
        return {row.id: row for row in connection.execute(select(table))}


def import_sample(database):
    coaches.import_coaches(database, SAMPLE)


# The list


@pytest.mark.parametrize(
    ("language", "words"),
    [("fr", ("Répertoire des coachs", "tout le Canada")), ("en", ("directory", "all of Canada"))],
)
def test_the_directory_is_listed_in_the_persons_language(sign_in, database, language, words):
    import_sample(database)
    page = sign_in("admin", language=language).get("/coaches").text
    assert all(word in page for word in words)
    assert all(f"/console/coaches/{coach_id}/edit" in page for coach_id in directory(database))


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        ({"search": "ERABLE"}, {"amina-erable"}),
        ({"search": "erable locataires"}, {"amina-erable"}),
        ({"search": "nobody of that name"}, set()),
        ({"region": "QC", "search": "amina"}, {"amina-erable"}),
        ({"region": "BC", "search": "amina"}, set()),
        ({"language": "fr", "level": "federal", "search": "amina"}, set()),
        ({"topic": "housing", "search": "amina"}, {"amina-erable"}),
        ({"accepting": "no", "search": "amina"}, set()),
        ({"accepting": "yes", "search": "amina"}, {"amina-erable"}),
        ({"region": "of no country"}, set()),
    ],
    ids=str,
)
def test_the_list_is_narrowed(admin, database, asked, wanted):
    import_sample(database)
    page = admin.get("/coaches", params=asked).text
    assert set(re.findall(r'href="/console/coaches/([^/"]+)/edit"', page)) == wanted


def test_an_empty_directory_says_how_to_fill_it(admin):
    assert "Le répertoire est vide" in admin.get("/coaches").text
    assert "Personne ne répond" not in admin.get("/coaches").text


# Adding and changing


def test_a_coach_who_is_added_is_kept_whole_and_found(admin, database):
    answer = add(admin)
    assert answer.headers["location"] == f"/console{ADDRESS}/edit?done=added"
    assert "C'est ajouté" in html.unescape(admin.get(f"{ADDRESS}/edit?done=added").text)
    [coach] = coaches.all_coaches(database)
    assert (coach.id, coach.name, coach.languages) == (
        "ana-erable-fiction",
        ANA["name"],
        ("en", "fr"),
    )
    assert coach.has_all("topic") and coach.regions == ("QC",)
    assert (coach.levels, coach.url, coach.accepting) == (
        ("federal", "municipal"),
        ANA["url"],
        True,
    )
    assert coach.bio == {"fr": ANA["bio_fr"], "en": ANA["bio_en"]}
    [match] = coaches.search([coach], {"region": ["QC"]}).matches
    assert match.coach.id == coach.id


def test_a_coach_who_does_not_accept_is_not_found(admin, database):
    assert add(admin, accepting="").status_code == 303
    assert coaches.search(coaches.all_coaches(database), {}).matches == ()


REFUSALS = [
    ({"name": ""}, "name", "Nom\u00a0: il manque une valeur", "Name: a value is missing"),
    ({"name": "x" * 121}, "name", "120 caractères au plus", "longer than 120 characters"),
    ({"name": "Ana\x07"}, "name", "caractère invisible", "control character"),
    ({"languages": []}, "languages", "il manque une valeur", "Languages: a value is missing"),
    ({"languages": ["es"]}, "languages", "&#39;es&#39; n&#39;est pas", "is not a language"),
    ({"regions": ["XX"]}, "regions", "n&#39;est pas une région", "is not a region"),
    ({"topics": ["x"]}, "topics", "n&#39;est pas un sujet", "is not a topic"),
    ({"levels": ["x"]}, "levels", "n&#39;est pas un palier", "is not a level"),
    ({"bio_fr": " "}, "bio_fr", "il manque une valeur", "Profile in French: a value is missing"),
    ({"bio_en": "x" * 601}, "bio_en", "600 caractères au plus", "600 characters"),
    ({"url": "http://example.org"}, "url", "doit être en https", "must start with https://"),
    ({"url": "https://" + "x" * 300}, "url", "300 caractères", "300 characters"),
    ({"accepting": "maybe"}, "accepting", "oui ou non", "answer is yes or no"),
]


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: str(refusal[0])[:40])
def test_a_field_that_will_not_do_is_told_beside_it(sign_in, database, language, refusal):
    changes, field, french, english = refusal
    admin = sign_in("admin", language=language)
    answer = add(admin, **changes)
    sentence = french if language == "fr" else english
    assert answer.status_code == 422
    assert sentence in answer.text
    assert f'id="wrong-{field}"' in answer.text
    assert f'href="#{field}"' in answer.text
    assert directory(database) == {}
    kept = {**ANA, **changes}
    assert html.escape(kept["bio_fr"].strip()) in answer.text
    assert re.search(r'name="regions" value="QC"( checked)?>', answer.text)


def test_every_field_that_will_not_do_is_told(admin):
    page = add(admin, name="", regions=[], url="x").text
    assert [f'id="wrong-{field}"' in page for field in ("name", "regions", "url")] == [True] * 3
    assert page.count('href="#') >= 3


def test_the_form_and_the_file_say_the_same(sign_in, database):
    admin = sign_in("admin", language="en")
    answer = add(admin, bio_en="x" * 601)
    header, row = SAMPLE.read_text(encoding="utf-8").splitlines()[:2]
    cells = dict(zip(header.split(","), next(csv.reader([row])), strict=True))
    text = io.StringIO()
    csv.writer(text).writerows([header.split(","), {**cells, "bio_en": "x" * 601}.values()])
    [problem] = parse(text.getvalue().encode()).problems
    names = {"bio_en": "Profile in English"}
    assert problem.say("en", names).partition(": ")[2] in answer.text


def test_a_coach_is_changed(admin, ana, database):
    answer = save(admin, ana, name="Ana Autre-Fiction", regions=["ON", "BC"], accepting="")
    assert answer.headers["location"] == f"/console{ana}/edit?done=saved"
    page = admin.get(f"{ana}/edit?done=saved").text
    assert "C'est enregistré" in html.unescape(page) and "Ana Autre-Fiction" in page
    row = directory(database)["ana-erable-fiction"]
    assert (row.name, row.regions, row.accepting) == ("Ana Autre-Fiction", ["BC", "ON"], False)


def test_a_change_that_will_not_do_changes_nothing(admin, ana, database):
    before = directory(database)
    answer = save(admin, ana, name="", url="https://example.org/new")
    assert answer.status_code == 422
    assert "https://example.org/new" in answer.text
    assert directory(database) == before


def test_a_colleagues_change_is_not_written_over(admin, ana, sign_in, database):
    old = seen(admin.get(f"{ana}/edit"))
    save(sign_in("admin"), ana, name="Ana d'une collègue")
    answer = save(admin, ana, seen=old, name="Ana à moi")
    page = html.unescape(answer.text)
    assert answer.status_code == 409
    assert "Quelqu'un a changé ceci entre-temps" in page
    assert 'value="Ana à moi"' in page and "Ana d'une collègue" in page
    assert directory(database)["ana-erable-fiction"].name == "Ana d'une collègue"
    again = admin.post(f"{ana}/edit", f"{ana}/edit", **{**ANA, "seen": seen(answer), "name": "Ana"})
    assert again.status_code == 303
    assert directory(database)["ana-erable-fiction"].name == "Ana"


def test_an_old_form_stays_old_when_it_had_to_be_corrected(admin, ana, sign_in):
    old = seen(admin.get(f"{ana}/edit"))
    save(sign_in("admin"), ana, name="Ana d'une collègue")
    answer = save(admin, ana, seen=old, name="")
    assert (answer.status_code, seen(answer)) == (422, old)


def test_a_coach_is_paused_and_offered_again(admin, ana, database):
    answer = admin.post(f"{ana}/accepting", "/coaches", accepting="no")
    assert answer.headers["location"].endswith("/edit?done=not_accepting")
    assert not directory(database)["ana-erable-fiction"].accepting
    assert "ne propose plus" in admin.get(f"{ana}/edit?done=not_accepting").text
    answer = admin.post(f"{ana}/accepting", "/coaches", accepting="yes")
    assert answer.headers["location"].endswith("/edit?done=accepting")
    assert directory(database)["ana-erable-fiction"].accepting


# Removing, and the history


def test_a_coach_is_removed_and_brought_back(admin, ana, database):
    before = directory(database)
    question = admin.get(f"{ana}/remove")
    assert "Retirer Ana Érable-Fiction du répertoire?" in question.text
    answer = admin.post(f"{ana}/remove", f"{ana}/remove", seen=seen(question))
    assert answer.status_code == 303
    assert directory(database) == {}
    assert admin.get(f"{ana}/edit").status_code == 404
    page = admin.get(answer.headers["location"].removeprefix("/console")).text
    assert "Le retrait peut être annulé" in page and "Ana Érable-Fiction" in page
    [removal, _] = history(database)
    answer = admin.post(f"/edits/{removal.id}/undo", "/edits")
    page = admin.get(answer.headers["location"].removeprefix("/console")).text
    assert "annulé" in page
    assert directory(database) == before


def test_removing_says_whom_people_have_asked_for(admin, ana, database):
    with database.write() as connection:
        lead = {"id": "l", "reference": "MB-1", "kind": "coach", "conversation_id": "c"}
        more = {"source_message_id": "m", "language": "fr", "created_at": now()}
        connection.execute(insert(leads).values(**lead, **more, coach_id="ana-erable-fiction"))
    assert "Demandes où ce nom figure\u00a0: 1" in admin.get(f"{ana}/remove").text


def test_a_removal_from_an_older_state_is_refused(admin, ana, database):
    old = seen(admin.get(f"{ana}/remove"))
    save(admin, ana, name="Ana Autre")
    answer = admin.post(f"{ana}/remove", f"{ana}/remove", seen=old)
    assert (answer.status_code, "entre-temps" in answer.text) == (409, True)
    assert "Ana Autre" in answer.text
    assert len(directory(database)) == 1


def history(database):
    with database.read() as connection:
        return edits.find(connection, 50)


def test_the_history_says_who_changed_what(admin, ana, database):
    save(admin, ana, regions=["ON"])
    page = admin.get("/edits").text
    assert "Camille admin" in page
    assert "Québec" in page and "Ontario" in page
    assert page.count('class="card edit"') == 2
    coach = admin.get(f"{ana}/edit").text
    assert "Derniers changements" in coach and "Annuler ce changement" in coach


def test_the_history_has_pages_and_filters(admin, ana, database):
    import_sample(database)
    first = admin.get("/edits").text
    older = html.unescape(re.search(r'href="/console(/edits\?before=\d+)"', first).group(1))
    assert first.count('class="card edit"') == 20
    assert admin.get(older).text.count('class="card edit"') == 20
    assert "la ligne de commande" in first
    one = admin.get("/edits?kind=coach&key=ana-erable-fiction").text
    assert one.count('class="card edit"') == 1
    assert "aucun changement" in admin.get("/edits?kind=notice").text
    assert admin.get("/edits?kind=x&before=y&done=z").text.count('class="card edit"') == 20


def test_what_cannot_be_undone_says_why(admin, ana, database):
    added = history(database)[0]
    save(admin, ana, name="Ana Autre")
    page = admin.get("/edits").text
    assert "encore été depuis" in page
    assert f"/edits/{added.id}/undo" not in page
    answer = admin.post(f"/edits/{added.id}/undo", "/edits")
    assert answer.status_code == 409
    assert 'role="alert"' in answer.text and "encore été depuis" in answer.text


@pytest.mark.parametrize("number", ["x", "0", "123456", "9" * 30])
def test_a_change_that_never_was_is_not_found(admin, ana, number):
    assert admin.post(f"/edits/{number}/undo", "/edits").status_code == 404


def test_deeds_are_in_the_audit_log_without_what_was_written(admin, ana, database):
    with database.read() as connection:
        [entry] = audit.find(connection, audit.Search(action="coach.edited"), 1)
    assert (entry.actor, entry.subject) == (admin.person.id, "coach:ana-erable-fiction")
    assert "Profil" not in entry.detail


def remove(admin, address):
    form = seen(admin.get(f"{address}/remove"))
    return admin.post(f"{address}/remove", f"{address}/remove", seen=form)


def test_a_coach_who_was_removed_is_forgotten(admin, ana, database):
    add(admin, name="Bo Fiction")
    remove(admin, ana)
    page = admin.get("/edits?kind=coach&key=ana-erable-fiction").text
    assert f"/console{ana}/forget" in page
    question = admin.get(f"{ana}/forget")
    assert "pour de bon" in question.text
    unsure = admin.post(f"{ana}/forget", f"{ana}/forget")
    assert (unsure.status_code, "cochez la case" in unsure.text) == (422, True)
    answer = admin.post(f"{ana}/forget", f"{ana}/forget", confirmed="yes")
    page = admin.get(answer.headers["location"].removeprefix("/console")).text
    assert "est effacé" in page and "Bo Fiction" in page and "Ana Érable" not in page
    assert [edit.key for edit in history(database)] == ["bo-fiction"]
    with database.read() as connection:
        [entry] = audit.find(connection, audit.Search(action="coach.forgotten"), 1)
    assert (entry.actor, '"edits": 2' in entry.detail) == (admin.person.id, True)


def test_who_is_in_the_directory_or_never_was_is_not_forgotten(admin, ana, database):
    assert f"{ana}/forget" not in admin.get("/edits?kind=coach&key=ana-erable-fiction").text
    for address in (ana, "/coaches/nobody"):
        assert admin.get(f"{address}/forget").status_code == 404
        assert admin.post(f"{address}/forget", confirmed="yes").status_code == 404
    assert len(history(database)) == 1


# The file


def test_the_directory_is_exported_and_imports_back_as_it_was(admin, database):
    import_sample(database)
    add(admin, name="=1+1", bio_fr="'=x", bio_en='-2, "deux"', url="")
    before = directory(database)
    answer = admin.get("/coaches/export")
    assert answer.headers["content-type"].startswith("text/csv")
    assert "attachment" in answer.headers["content-disposition"]
    assert "\n'=1+1" not in answer.text and "'=1+1" in answer.text
    parsed = parse(answer.content)
    assert parsed.problems == []
    with database.write() as connection:
        assert coaches.import_rows(connection, audit.COMMAND, parsed.rows) == 0
        connection.execute(table.delete())
        coaches.import_rows(connection, audit.COMMAND, parsed.rows)
        [entry] = audit.find(connection, audit.Search(action="coaches.exported"), 1)
    assert directory(database) == before
    assert entry.actor == admin.person.id


def upload(admin, text, **more):
    """Send a file of the import's page."""
    data = {"csv": "", "csrf": admin.token("/coaches/import"), **more}
    files = {"file": ("coaches.csv", text.encode(), "text/csv")}
    return admin.http.post("/console/coaches/import", data=data, files=files)


def apply(admin, preview, **more):
    """Press the preview's button."""
    kept = html.unescape(re.search(r'name="csv" hidden>(.*?)</textarea>', preview, re.S).group(1))
    found = re.search(r'name="seen" value="(\d+)"', preview).group(1)
    data = {"csrf": admin.token("/coaches/import"), "csv": kept, "seen": found, "apply": "yes"}
    files = {"nothing": (None, "")}  # the form is multipart
    return admin.http.post("/console/coaches/import", data={**data, **more}, files=files)


def test_a_file_is_shown_before_it_changes_anything(admin, database):
    import_sample(database)
    admin.post("/coaches/amina-erable/accepting", "/coaches", accepting="no")
    before = directory(database)
    rows = SAMPLE.read_text(encoding="utf-8").splitlines()[:4]
    rows.append(rows[1].replace("amina-erable", "zoe-neuve").replace("Amina Érable", "Zoé Neuve"))
    page = upload(admin, "\n".join(rows)).text
    assert "Ajouts\u00a0: 1" in page and "Zoé Neuve-Fiction" in page
    assert "Changements\u00a0: 1" in page and "Amina Érable-Fiction" in page
    assert "Déjà pareils\u00a0: 2" in page
    assert directory(database) == before
    answer = apply(admin, page)
    assert answer.headers["location"] == "/console/coaches?imported=2"
    assert "ajoutés ou changés\u00a0: 2" in admin.get("/coaches?imported=2").text
    after = directory(database)
    assert after["amina-erable"].accepting and "zoe-neuve" in after
    assert len(after) == len(before) + 1
    assert {edit.actor for edit in history(database)[:2]} == {admin.person.id}
    with database.read() as connection:
        [entry] = audit.find(connection, audit.Search(action="coaches.imported"), 1)
    assert entry.actor == admin.person.id


def test_a_file_is_not_imported_over_what_changed_since(admin, database):
    import_sample(database)
    rows = SAMPLE.read_text(encoding="utf-8").splitlines()[:2]
    page = upload(admin, "\n".join(rows).replace("Amina Érable", "Amina Autre")).text
    admin.post("/coaches/amina-erable/accepting", "/coaches", accepting="no")
    answer = apply(admin, page)
    assert (answer.status_code, "entre-temps" in answer.text) == (409, True)
    assert directory(database)["amina-erable"].name == "Amina Érable-Fiction"
    assert apply(admin, answer.text).status_code == 303
    assert directory(database)["amina-erable"].name == "Amina Autre-Fiction"


def test_a_file_that_changes_nothing_has_nothing_to_press(admin, database):
    import_sample(database)
    page = upload(admin, admin.get("/coaches/export").text).text
    assert 'name="apply"' not in page and "Déjà pareils" in page


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("fr", "ligne 2\u00a0: regions\u00a0: 'XX' n'est pas"),
        ("en", "line 2: regions: 'XX' is not"),
    ],
)
def test_a_file_that_will_not_do_is_told_line_by_line(sign_in, database, language, sentence):
    rows = SAMPLE.read_text(encoding="utf-8").splitlines()[:2]
    answer = upload(sign_in("admin", language=language), "\n".join(rows).replace(",QC,", ",XX,"))
    assert answer.status_code == 422
    assert sentence in html.unescape(answer.text)
    assert directory(database) == {}


@pytest.mark.parametrize("text", ["", "id,name\n", "PK\x03\x04"])
def test_what_is_no_directory_is_refused(admin, text):
    answer = upload(admin, text)
    assert (answer.status_code, "Rien n'est importé" in html.unescape(answer.text)) == (422, True)


def test_a_file_that_is_too_large_is_refused(admin, database):
    assert upload(admin, "x" * 1_000_001).status_code == 413
    assert directory(database) == {}


def test_a_form_without_a_file_holds_no_coach(admin):
    assert admin.post("/coaches/import", "/coaches/import").status_code == 422


# Who, and what is typed


@pytest.mark.parametrize("role", ["viewer", "triager", "exporter"])
def test_the_directory_is_edited_by_admins_alone(sign_in, admin, ana, role, database):
    colleague = sign_in(role)
    assert "/console/coaches" not in colleague.get("/queue").text
    before = directory(database)
    for deed in ("edit", "accepting", "remove", "forget"):
        assert colleague.post(f"{ana}/{deed}", **ANA, seen="1").status_code == 403
    assert directory(database) == before


def test_without_the_token_nothing_is_done(admin, ana, database):
    before = directory(database)
    for path in (
        "/coaches/new",
        "/coaches/import",
        f"{ana}/edit",
        f"{ana}/accepting",
        f"{ana}/remove",
    ):
        for token in ({}, {"csrf": "wrong"}):
            answer = admin.http.post(f"/console{path}", data={**ANA, **token, "accepting": "no"})
            assert answer.status_code == 403, path
    assert directory(database) == before


@pytest.mark.parametrize("coach_id", ["nobody", "%00", "..%2fx"])
def test_somebody_who_is_not_there_is_not_found(admin, coach_id):
    address = f"/coaches/{coach_id}"
    for path in ("edit", "remove"):
        assert admin.get(f"{address}/{path}").status_code == 404
    for path in ("edit", "accepting", "remove"):
        answer = admin.post(f"{address}/{path}", **ANA, seen="0")
        assert answer.status_code == 404, path
