"""The history of what admins edit: changes, what was in the way, undoing; on both databases."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from schemas import migrated

from mobilis import audit, coaches, edits, notices
from mobilis.coach_file import to_row
from mobilis.content import Content, fresh_content
from mobilis.edits import Edit
from mobilis.errors import EditError
from mobilis.leads import keep_lead
from mobilis.models import coaches as directory
from mobilis.models import edits as table
from mobilis.models import leads, overrides
from mobilis.settings import ROOT
from mobilis.store import Database, now

pytestmark = pytest.mark.door

ANA = {
    "id": "",
    "name": "Ana Érable-Fiction",
    "languages": "fr",
    "regions": "QC;ON",
    "topics": "*",
    "levels": "federal",
    "bio_fr": "Profil fictif.",
    "bio_en": "Fictional profile.",
    "url": "",
    "accepting": "yes",
}
REVIEW = {"fr": "Le programme est ouvert.", "en": "The program is open.", "shown": True}
KINDS = {"coach": coaches.COACH, **notices.KINDS}
ADMIN = "an-admin"


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("edits") / "mobilis.db"
    found = f"sqlite:///{path}"
    if request.param == "postgres":
        found = request.getfixturevalue("postgres").address("edits")
    migrated(found)
    return found


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """A database without coaches, notices or a history."""
    database = Database(url)
    with database.write() as connection:
        for each in (table, overrides, directory, leads):
            connection.execute(each.delete())
    yield database
    database.dispose()


def row(**changes: str) -> dict[str, Any]:
    return to_row({**ANA, **changes})


def add(database: Database, **changes: str) -> str:
    with database.write() as connection:
        return coaches.add(connection, ADMIN, row(**changes))


def change(database: Database, coach_id: str, **changes: str) -> None:
    with database.write() as connection:
        seen = str(edits.revision(connection, "coach", coach_id))
        coaches.save(connection, ADMIN, coach_id, seen, row(**changes))


def say(database: Database, state: dict[str, Any], key: str = "programme_review") -> None:
    with database.write() as connection:
        seen = str(edits.revision(connection, "notice", key))
        notices.save(connection, ADMIN, "notice", key, seen, state)


def undo(database: Database, number: int) -> Edit:
    with database.write() as connection:
        return edits.undo(connection, KINDS, ADMIN, number)


def history(database: Database, **asked: Any) -> list[Edit]:
    with database.read() as connection:
        return edits.find(connection, 50, **asked)


def coach(database: Database, coach_id: str) -> coaches.Coach | None:
    return coaches.get_coach(database, coach_id)


def said(database: Database) -> Content:
    with database.read() as connection:
        return notices.with_overrides(fresh_content(ROOT), notices.read_overrides(connection))


def refusal(database: Database, number: int) -> str:
    with pytest.raises(EditError) as raised:
        undo(database, number)
    return raised.value.reason


# The history


def test_a_change_is_kept_field_by_field(database: Database) -> None:
    moment = now()
    coach_id = add(database)
    change(database, coach_id, regions="QC", url="https://example.org")
    changed, added = history(database)
    assert (added.deed, added.before, changed.deed) == ("added", None, "changed")
    assert changed.differences == [
        ("regions", ["ON", "QC"], ["QC"]),
        ("url", None, "https://example.org"),
    ]
    assert (changed.actor, changed.kind, changed.key) == (ADMIN, "coach", coach_id)
    assert changed.at >= moment


def test_what_changes_nothing_is_no_change(database: Database) -> None:
    coach_id = add(database)
    change(database, coach_id)
    assert len(history(database)) == 1


def test_the_audit_log_says_that_and_not_what(database: Database) -> None:
    coach_id = add(database, name="Zoé Secrète-Fiction")
    undo(database, history(database)[0].id)
    with database.read() as connection:
        undone, added = audit.find(connection, audit.Search(subject=f"coach:{coach_id}"), 2)
    assert (added.action, added.actor) == ("coach.edited", ADMIN)
    assert '"undoes"' in undone.detail and '"undoes"' not in added.detail
    assert "Secr" not in added.detail + undone.detail


def test_the_history_is_read_from_the_newest_on_in_parts(database: Database) -> None:
    ids = [add(database, name=name) for name in ("Un", "Deux", "Trois")]
    assert [edit.key for edit in history(database)] == ids[::-1]
    newest = history(database)[0].id
    assert [edit.key for edit in history(database, before=newest)] == ids[1::-1]
    assert [edit.key for edit in history(database, key="deux")] == ["deux"]
    assert history(database, kind="notice") == []


def test_a_colleagues_change_is_not_written_over(database: Database) -> None:
    coach_id = add(database)
    with database.read() as connection:
        seen = str(edits.revision(connection, "coach", coach_id))
    change(database, coach_id, name="Bo")
    for deed in (
        lambda connection: coaches.save(connection, ADMIN, coach_id, seen, row(name="Cy")),
        lambda connection: coaches.remove(connection, ADMIN, coach_id, seen),
    ):
        with pytest.raises(EditError, match="stale"), database.write() as connection:
            deed(connection)
    found = coach(database, coach_id)
    assert found and found.name == "Bo"


def test_two_at_once_are_one_after_the_other(database: Database) -> None:
    coach_id = add(database)
    with database.read() as connection:
        seen = str(edits.revision(connection, "coach", coach_id))
    outcomes: list[str] = []

    def save(name: str) -> None:
        try:
            with database.write() as connection:
                coaches.save(connection, ADMIN, coach_id, seen, row(name=name))
            outcomes.append("saved")
        except EditError as error:
            outcomes.append(error.reason)

    threads = [threading.Thread(target=save, args=(f"Ana {n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["saved", "stale", "stale", "stale"]


# Coaches


def test_an_id_is_made_from_the_name_and_is_never_another_coachs(database: Database) -> None:
    assert add(database) == "ana-erable-fiction"
    assert add(database) == "ana-erable-fiction-2"
    with database.write() as connection:
        seen = str(edits.revision(connection, "coach", "ana-erable-fiction-2"))
        coaches.remove(connection, ADMIN, "ana-erable-fiction-2", seen)
    assert add(database) == "ana-erable-fiction-3"
    assert add(database, name="你好") == "coach"
    ask_for(database, "jo-de-fait")
    assert add(database, name="Jo de Fait") == "jo-de-fait-2"
    assert len(add(database, name="x" * 120)) == coaches.ID_LENGTH


def test_whoever_pauses_a_coach_overwrites_nothing(database: Database) -> None:
    coach_id = add(database)
    change(database, coach_id, name="Bo")
    with database.write() as connection:
        coaches.set_accepting(connection, ADMIN, coach_id, False)
    found = coach(database, coach_id)
    assert found and (found.name, found.accepting) == ("Bo", False)


def test_a_coach_who_is_not_there_cannot_be_changed(database: Database) -> None:
    with pytest.raises(EditError, match="gone"), database.write() as connection:
        coaches.set_accepting(connection, ADMIN, "nobody", False)
    with pytest.raises(EditError, match="gone"), database.write() as connection:
        coaches.save(connection, ADMIN, "nobody", "0", row())


def test_an_import_is_in_the_history_for_those_whom_it_changed(
    database: Database, tmp_path: Path
) -> None:
    sample = (ROOT / "coaches" / "sample.csv").read_text(encoding="utf-8").splitlines()
    file = tmp_path / "coaches.csv"
    file.write_text("\n".join(sample[:4]), encoding="utf-8")
    assert coaches.import_coaches(database, file) == 3
    assert coaches.import_coaches(database, file) == 3
    found = history(database)
    assert [edit.deed for edit in found] == ["added"] * 3
    assert {edit.actor for edit in found} == {audit.COMMAND}
    with database.read() as connection:
        [entry] = audit.find(connection, audit.Search(action="coaches.imported"), 1)
    assert (entry.actor, '"changed": 3' in entry.detail) == (audit.COMMAND, True)


# Undoing


def ask_for(database: Database, coach_id: str) -> None:
    """Somebody asks for a coach."""
    keep_lead(
        database,
        kind="coach",
        conversation_id="c",
        message_id="m",
        language="fr",
        coach_id=coach_id,
        consented=True,
    )


def test_a_change_is_undone_and_so_is_undoing_it(database: Database) -> None:
    coach_id = add(database)
    change(database, coach_id, name="Bo", accepting="no")
    undone = undo(database, history(database)[0].id)
    found = coach(database, coach_id)
    assert found and (found.name, found.accepting) == (ANA["name"], True)
    again = history(database)[0]
    assert again.undoes == undone.id
    undo(database, again.id)
    found = coach(database, coach_id)
    assert found and (found.name, found.accepting) == ("Bo", False)


def test_undoing_leaves_other_fields_as_they_are_now(database: Database) -> None:
    coach_id = add(database)
    change(database, coach_id, name="Bo")
    change(database, coach_id, name="Bo", bio_fr="Autre profil.")
    undo(database, history(database)[1].id)
    found = coach(database, coach_id)
    assert found and (found.name, found.bio["fr"]) == (ANA["name"], "Autre profil.")


def test_what_was_changed_since_is_not_undone(database: Database) -> None:
    coach_id = add(database)
    change(database, coach_id, name="Bo")
    change(database, coach_id, name="Cy")
    _, changed, added = history(database)
    assert refusal(database, changed.id) == "changed_since"
    assert refusal(database, added.id) == "changed_since"
    assert len(history(database)) == 3


def test_a_removal_is_undone_once(database: Database) -> None:
    coach_id = add(database)
    before = coach(database, coach_id)
    with database.write() as connection:
        coaches.remove(
            connection, ADMIN, coach_id, str(edits.revision(connection, "coach", coach_id))
        )
    assert coach(database, coach_id) is None
    removal = history(database)[0]
    assert removal.deed == "removed"
    undo(database, removal.id)
    assert coach(database, coach_id) == before
    assert refusal(database, removal.id) == "changed_since"


def test_a_change_of_somebody_removed_is_not_undone(database: Database) -> None:
    coach_id = add(database)
    change(database, coach_id, name="Bo")
    with database.write() as connection:
        coaches.remove(
            connection, ADMIN, coach_id, str(edits.revision(connection, "coach", coach_id))
        )
    assert refusal(database, history(database)[1].id) == "changed_since"


def test_an_addition_is_undone_until_somebody_asks_for_the_coach(database: Database) -> None:
    coach_id = add(database)
    ask_for(database, coach_id)
    added = history(database)[0].id
    assert refusal(database, added) == "in_use"
    with database.write() as connection:
        connection.execute(leads.delete())
    undo(database, added)
    assert coach(database, coach_id) is None


def test_a_value_that_there_is_no_more_does_not_come_back(database: Database) -> None:
    coach_id = add(database)
    with database.write() as connection:
        earlier = {**row(), "topics": ["of_before"]}
        coaches.import_rows(connection, ADMIN, [{**earlier, "id": coach_id}])
    change(database, coach_id)
    assert refusal(database, history(database)[0].id) == "rules"


def test_a_history_with_undone_changes_is_forgotten_whole(database: Database) -> None:
    coach_id = add(database)
    change(database, coach_id, name="Bo")
    undo(database, history(database)[0].id)
    other = add(database, name="Cy")
    with pytest.raises(EditError, match="gone"), database.write() as connection:
        coaches.forget(connection, ADMIN, coach_id)
    with database.write() as connection:
        seen = str(edits.revision(connection, "coach", coach_id))
        coaches.remove(connection, ADMIN, coach_id, seen)
        coaches.forget(connection, ADMIN, coach_id)
    assert [edit.key for edit in history(database)] == [other]


def test_a_change_that_never_was_cannot_be_undone(database: Database) -> None:
    assert refusal(database, 10**8) == "unknown"


# Notices


def test_an_edited_notice_is_said_and_what_is_not_edited_comes_from_the_file(
    database: Database,
) -> None:
    content = fresh_content(ROOT)
    assert said(database) is content
    say(database, REVIEW)
    assert said(database).said(["programme_review"], "fr") == [REVIEW["fr"]]
    assert said(database).said(["programme_review"], "en") == [REVIEW["en"]]
    assert said(database).notices["general_information"] == content.notices["general_information"]
    assert said(database).links == content.links


def test_a_notice_that_is_off_is_said_by_nobody(database: Database) -> None:
    say(database, {**REVIEW, "shown": False})
    content = said(database)
    keys = ["general_information", "programme_review"]
    assert content.said(keys, "fr") == [content.notices["general_information"]["fr"]]


def test_undoing_gives_the_text_of_before_back_even_the_files(database: Database) -> None:
    say(database, REVIEW)
    say(database, {**REVIEW, "en": "It is open."})
    undo(database, history(database)[0].id)
    assert said(database).said(["programme_review"], "en") == [REVIEW["en"]]
    undo(database, history(database)[-1].id)
    assert said(database) is fresh_content(ROOT)


def test_a_text_that_equals_the_files_stands_for_the_file(database: Database) -> None:
    file = fresh_content(ROOT).notices["programme_review"]
    say(database, REVIEW)
    say(database, {**file, "shown": True})
    with database.read() as connection:
        assert notices.read_overrides(connection) == {}


def test_an_address_that_becomes_known_is_offered(database: Database) -> None:
    known = {"fr": "https://example.org/fr", "en": None}
    with database.write() as connection:
        notices.save(connection, ADMIN, "link", "stream_page", "0", known)
    link = said(database).links["stream_page"]
    assert (link.url["fr"], link.url["en"]) == ("https://example.org/fr", None)


def test_what_the_files_no_longer_have_is_left_alone(database: Database) -> None:
    with database.write() as connection:
        for kind, key in (("notice", "of_before"), ("link", "of_before")):
            values = {"kind": kind, "key": key, "data": dict(REVIEW), "default": dict(REVIEW)}
            connection.execute(overrides.insert().values(**values))
            connection.execute(
                table.insert().values(
                    kind=kind, key=key, before={"fr": "a"}, after=REVIEW, at=now(), actor=ADMIN
                )
            )
    content = fresh_content(ROOT)
    assert said(database) == content
    for edit in history(database):
        assert refusal(database, edit.id) == "gone"
    with database.read() as connection:
        assert "of_before" not in [item.key for item in notices.items(connection, content)]
        assert notices.find_item(connection, content, "notice", "of_before") is None


def test_what_no_longer_meets_the_rules_does_not_come_back(database: Database) -> None:
    with database.write() as connection:
        values = {"kind": "notice", "key": "programme_review", "data": REVIEW, "default": REVIEW}
        connection.execute(overrides.insert().values(**values))
        before = {**REVIEW, "fr": "<b>Ouvert</b>"}
        connection.execute(
            table.insert().values(
                kind="notice",
                key="programme_review",
                before=before,
                after=REVIEW,
                at=now(),
                actor=ADMIN,
            )
        )
    assert refusal(database, history(database)[0].id) == "rules"


def test_a_file_that_changed_under_an_edit_is_told(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(database, REVIEW)
    content = fresh_content(ROOT)

    def item(content: Content) -> notices.Item:
        with database.read() as connection:
            found = notices.find_item(connection, content, "notice", "programme_review")
        assert found
        return found

    assert (item(content).edited, item(content).file_changed) == (True, False)
    text = {"fr": "Nouveau.", "en": "New."}
    newer = Content(
        content.faqs,
        content.choices,
        {**content.notices, "programme_review": text},
        content.wording,
        content.links,
    )
    assert (item(newer).file_changed, item(newer).state) == (True, REVIEW)
    monkeypatch.setattr(notices, "fresh_content", lambda root: newer)
    say(database, {**REVIEW, "en": "Open again."})
    assert not item(newer).file_changed


def test_saving_the_same_again_takes_note_of_what_the_file_says_now(database: Database) -> None:
    file = {**fresh_content(ROOT).notices["programme_review"], "shown": True}
    say(database, REVIEW)
    with database.write() as connection:
        connection.execute(overrides.update().values(default={**REVIEW, "fr": "De naguère."}))
    say(database, REVIEW)
    with database.read() as connection:
        item = notices.find_item(connection, fresh_content(ROOT), "notice", "programme_review")
    assert item and (item.edited, item.file_changed) == (True, False)
    with database.write() as connection:  # the file has come to say the same
        connection.execute(overrides.update().values(data=file))
    say(database, file)
    with database.read() as connection:
        assert notices.read_overrides(connection) == {}
    assert len(history(database)) == 1


# What the assistant reads


def test_an_edit_is_read_within_a_second(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = [0.0]
    monkeypatch.setattr(notices.time, "monotonic", lambda: 1000 + moment[0])
    assert notices.current_content(ROOT, database).said(["programme_review"], "en") != [
        REVIEW["en"]
    ]
    say(database, REVIEW)
    moment[0] = 1.1
    assert notices.current_content(ROOT, database).said(["programme_review"], "en") == [
        REVIEW["en"]
    ]


def test_without_a_database_what_was_known_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(f"sqlite:///{tmp_path}/empty.db")
    assert notices.current_content(ROOT, database) is fresh_content(ROOT)
    database.dispose()


# The rules of notices and addresses


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "empty"),
        ("x" * 301, "too_long"),
        ("Un *avis*", "stars"),
        ("Ouvert {date}", "placeholder"),
        ("<b>Ouvert</b>", "markup"),
        ("<!-- -->", "markup"),
        ("Voir [la page](http://example.org)", "link"),
        ("Voir [la page](javascript:alert(1))", "link"),
        ("Ouvert\x07", "control"),
        ("Moins de 3 < 4", None),
        ("Voir [la page](https://example.org)", None),
        ("x" * 300, None),
    ],
)
def test_what_a_notice_may_be(text: str, problem: str | None, language: str) -> None:
    given = {**REVIEW, language: text}
    wanted = {language: problem} if problem else {}
    assert notices.problems("notice", given, fresh_content(ROOT), "programme_review") == wanted


def test_not_every_notice_may_be_turned_off() -> None:
    off = {**REVIEW, "shown": False}
    content = fresh_content(ROOT)
    assert notices.problems("notice", off, content, "programme_review") == {}
    assert notices.problems("notice", off, content, "general_information") == {"shown": "always"}


@pytest.mark.parametrize(
    ("key", "url", "problem"),
    [
        ("stream_page", None, None),
        ("stream_page", "https://example.org/a?b=c#d", None),
        ("stream_page", "http://example.org", "address"),
        ("stream_page", "https://", "address"),
        ("stream_page", "https://example.org/a (b)", "address"),
        ("stream_page", "https://example.org/(b)", "address"),
        ("stream_page", "javascript:alert(1)", "address"),
        ("stream_page", "https://example.org/" + "x" * 300, "address_long"),
        ("site", None, "address_needed"),
        ("site", "https://example.org", None),
    ],
)
def test_what_an_address_may_be(key: str, url: str | None, problem: str | None) -> None:
    given = {"fr": url, "en": "https://example.org/en"}
    wanted = {"fr": problem} if problem else {}
    assert notices.problems("link", given, fresh_content(ROOT), key) == wanted
