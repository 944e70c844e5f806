"""What staff decide about texts that were not understood, and what becomes of it in the file."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import filled
import pytest
import yaml
from sqlalchemy import func, select

from mobilis import audit, decisions, staff
from mobilis.cli import main
from mobilis.decisions import Batch, Listing, decide, find, find_text, for_review, take_back
from mobilis.errors import ChatError, LearningError
from mobilis.learning import to_review
from mobilis.masking import tell_missed
from mobilis.models import missed_decisions, unhandled
from mobilis.privacy import erase_orphans
from mobilis.results import NONE_OF_THESE, keep_unhandled, note_choice, note_next
from mobilis.retention import Periods, erase_some
from mobilis.review import plan, write
from mobilis.settings import ROOT
from mobilis.staff import Person
from mobilis.store import Database, now

pytestmark = pytest.mark.door

GUESSES = (("faq/cost", 0.4), ("faq/timeline", 0.2), ("request_human", 0.1), ("faq/privacy", 0.05))
Lose = Callable[..., str]


@pytest.fixture(params=filled.KINDS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    with filled.database_of(request.param, request, tmp_path) as database:
        yield database


@pytest.fixture
def person(database: Database) -> Person:
    with database.write() as connection:
        return staff.add_person(connection, email="a@exemple.ca", name="Ariane", role="triager")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the content and of the messages that are set aside."""
    folder = tmp_path / "project"
    for name in ("faq", "content", "assessment", "data", "tests/evaluation"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copy(ROOT / "domain.yml", folder)
    return folder


@pytest.fixture
def lose(database: Database) -> Lose:
    """Keeps a message that was not understood; the key of its text."""
    count = 0

    def lose(
        text: str,
        language: str = "fr",
        question: str | None = None,
        chosen: str = "",
        followed_by: str = "",
        guesses: tuple[tuple[str, float], ...] = GUESSES,
    ) -> str:
        nonlocal count
        count += 1
        message = ("talk-1", f"message-{count}")
        keep_unhandled(
            database,
            conversation_id=message[0],
            message_id=message[1],
            language=language,
            outcome="lost",
            guesses=[{"label": label, "confidence": p} for label, p in guesses],
            question=question,
        )
        with database.write() as connection:
            tell_missed(connection, *message, text)
        if chosen:
            note_choice(database, *message, chosen)
        if followed_by:
            note_next(database, *message, followed_by)
        with database.read() as connection:
            query = select(unhandled.c.key).where(unhandled.c.source_message_id == message[1])
            return str(connection.execute(query).scalar_one())

    return lose


def found(database: Database, root: Path = ROOT, **asked: str) -> Listing:
    with database.read() as connection:
        return find(connection, root, [], **asked)


def texts(listing: Listing) -> list[list[str]]:
    return [[text.missed.text for text in group.texts] for group in listing.groups]


def say(
    database: Database, person: Person, keys: list[str], label: str | None, text: str = ""
) -> Batch:
    with database.write() as connection:
        return decide(connection, person, ROOT, keys, label, text)


# --- what is found


def test_groups_never_mix_languages_or_questions(database: Database, lose: Lose) -> None:
    for language, question in (("fr", None), ("en", None), ("fr", "aim")):
        lose("zigouigoui zigouigoui", language, question)
    assert len(found(database).groups) == 3


def test_what_was_written_most_comes_first_and_leads(database: Database, lose: Lose) -> None:
    lose("castors du nord")
    for text in ("zigouigoui des champs", "zigouigoui des champs!", "zigouigoui des champs là"):
        lose(text)
    listing = found(database)
    assert texts(listing) == [
        ["zigouigoui des champs!", "zigouigoui des champs là"],
        ["castors du nord"],
    ]
    assert [group.count for group in listing.groups] == [3, 1]


def test_what_speaks_most_for_a_meaning_comes_first(database: Database, lose: Lose) -> None:
    lose("zigouigoui", chosen="faq/privacy")
    lose("zigouigoui", chosen=NONE_OF_THESE, followed_by="faq/timeline")
    lose("castors")
    guesses = {g.texts[0].missed.text: g.guesses for g in found(database).groups}
    assert [one.label for one in guesses["zigouigoui"]] == [
        "faq/privacy",
        "faq/timeline",
        "faq/cost",
    ]
    assert (guesses["zigouigoui"][0].chosen, guesses["zigouigoui"][1].followed) == (1, 1)
    assert [one.label for one in guesses["castors"]] == [
        "faq/cost",
        "faq/timeline",
        "request_human",
    ]
    assert guesses["castors"][0].confidence == pytest.approx(0.4)


def test_what_is_a_phrasing_already_is_no_more_to_do(database: Database, lose: Lose) -> None:
    said = next(s for s in decisions.known(ROOT).shelves if s.label == "faq/cost").phrasings[0].text
    lose(said.upper())
    lose("zigouigoui")
    assert texts(found(database)) == [["zigouigoui"]]
    assert found(database).counts == {"learned": 1, "todo": 1, "all": 2}
    assert len(found(database, state="all").groups) == 2


def test_what_is_looked_for_may_be_a_guess_or_a_decision(
    database: Database, lose: Lose, person: Person
) -> None:
    one = lose("castors", guesses=())
    lose("zigouigoui")
    say(database, person, [one], "faq/cost")
    assert len(found(database, state="all", label="faq/cost").groups) == 2
    assert texts(found(database, state="all", label="faq/timeline")) == [["zigouigoui"]]


def test_a_list_that_is_cut_says_so(
    database: Database, lose: Lose, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decisions, "LOOKED_AT", 2)
    lose("castors")
    lose("bobcats")
    assert not found(database).cut
    lose("zigouigoui")
    assert found(database).cut
    assert texts(found(database)) != [["castors"]]
    assert found(database).counts["all"] == 2


# --- what is decided


def test_a_decision_says_who_and_when_and_is_noted(
    database: Database, lose: Lose, person: Person
) -> None:
    key = lose("zigouigoui")
    batch = say(database, person, [key], "faq/cost")
    assert (batch.label, batch.texts, batch.left) == ("faq/cost", 1, 0)
    with database.read() as connection:
        decision = find_text(connection, ROOT, key).decision
        assert decision is not None
        assert (decision.label, decision.text, decision.by) == ("faq/cost", "", "Ariane")
        assert now() - decision.at < timedelta(minutes=1)
        assert decisions.read_batch(connection, batch.id) == batch
        entry = list(audit.entries(connection))[-1]
    assert (entry.actor, entry.action) == (person.id, "learning.decided")
    assert "zigouigoui" not in entry.detail


def test_the_last_decision_counts(database: Database, lose: Lose, person: Person) -> None:
    key = lose("zigouigoui")
    first = say(database, person, [key], "faq/cost")
    say(database, person, [key], None)
    with database.read() as connection:
        assert decisions.read_batch(connection, first.id) is None
        decision = find_text(connection, ROOT, key).decision
        assert decision is not None and decision.label == ""


def test_an_answer_can_be_meant_in_the_language_of_the_text(
    database: Database, lose: Lose, person: Person
) -> None:
    key = lose("zigouigoui", question="aim")
    assert say(database, person, [key], "answer/aim/a").texts == 1


def test_a_decision_is_taken_back_once(database: Database, lose: Lose, person: Person) -> None:
    key = lose("zigouigoui")
    say(database, person, [key], None)
    with database.write() as connection:
        assert take_back(connection, person, [key]) == 1
        assert take_back(connection, person, [key]) == 0
    assert found(database).counts == {"todo": 1, "all": 1}


@pytest.mark.parametrize("text", ["[nom]", "a [b] c", "/restart", "...", "x" * 401, "a\u202eb"])
def test_a_text_that_cannot_be_learned_is_refused(
    database: Database, lose: Lose, person: Person, text: str
) -> None:
    key = lose("je suis [nom]")
    with pytest.raises(LearningError, match="text"):
        say(database, person, [key], "faq/cost", text)


def test_one_text_is_reworded_and_not_several(
    database: Database, lose: Lose, person: Person
) -> None:
    keys = [lose("zigouigoui"), lose("castors")]
    with pytest.raises(LearningError, match="text"):
        say(database, person, keys, "faq/cost", "autrement")
    with pytest.raises(LearningError, match="label"):
        say(database, person, keys, "faq/none")
    with pytest.raises(ChatError, match="not_found"):
        say(database, person, ["unknown"], None)


def test_a_text_as_it_stands_is_not_kept_twice(
    database: Database, lose: Lose, person: Person
) -> None:
    say(database, person, [lose("zigouigoui")], "faq/cost", "zigouigoui")
    with database.read() as connection:
        assert connection.execute(select(missed_decisions.c.text)).scalar_one() is None


def test_a_decision_is_erased_with_what_it_is_about(
    database: Database, lose: Lose, person: Person
) -> None:
    say(database, person, [lose("zigouigoui")], "faq/cost", "autrement dit")
    with database.write() as connection:  # messages of no conversation
        erase_orphans(connection, now() + timedelta(days=1))
        left = connection.execute(select(func.count()).select_from(missed_decisions)).scalar_one()
    assert left == 0


# --- what becomes of it


def reviewed(database: Database, root: Path, decided: bool = False) -> list[dict[str, object]]:
    with database.read() as connection:
        kept, verdicts, _ = for_review(connection, root, [], decided)
    return list(yaml.safe_load(to_review(root, kept, verdicts))["messages"]) if kept else []


def test_what_was_decided_is_accepted_in_the_file(
    database: Database, lose: Lose, person: Person
) -> None:
    say(database, person, [lose("zigouigoui tout neuf")], "faq/timeline")
    say(database, person, [lose("je suis [nom]")], "out_of_scope", "je suis une loutre")
    say(database, person, [lose("castors")], None)
    lose("bobcats", chosen="faq/cost")
    rows = {str(one["text"]): (one["label"], one["accept"]) for one in reviewed(database, ROOT)}
    assert rows == {
        "zigouigoui tout neuf": ("faq/timeline", True),
        "je suis une loutre": ("out_of_scope", True),
        "bobcats": ("faq/cost", False),
    }
    only = {str(one["text"]) for one in reviewed(database, ROOT, decided=True)}
    assert only == {"zigouigoui tout neuf", "je suis une loutre"}


def test_what_apply_would_refuse_is_not_accepted_and_says_why(
    database: Database, lose: Lose, person: Person, project: Path
) -> None:
    near = "le zigouigoui des champs se promène encore au bord de la rivière"
    said = next(s for s in decisions.known(ROOT).shelves if s.label == "faq/cost").phrasings
    phrasing = next(one.text for one in said if len(one.text.split()) > 7)
    keys = [lose(near), lose(f"{near}!!"), lose(f"{near} là"), lose(f"{phrasing} s")]
    aside = (project / "tests/evaluation/intents.fr.tsv").read_text(encoding="utf-8")
    measured = next(line.split("\t")[1] for line in aside.splitlines() if len(line) > 70)
    keys.append(lose(measured))
    say(database, person, keys, "faq/cost")
    with database.read() as connection:
        kept, verdicts, held = for_review(connection, project, [])
    why = {one.text: verdicts[one.key].why for one in kept}
    assert sorted(why.values()) == ["", "alike", "known", "set_aside"]
    assert held == 3
    text = to_review(project, kept, verdicts)
    assert text.count("\n  accept: true") == 1
    assert text.count("decided in the console") == 3


def test_what_is_decided_goes_all_the_way_into_the_content(
    database: Database, lose: Lose, person: Person, project: Path, tmp_path: Path
) -> None:
    say(database, person, [lose("zigouigoui tout neuf"), lose("zigouigoui tout neuf!")], "faq/cost")
    with database.read() as connection:
        kept, verdicts, _ = for_review(connection, project, [], decided=True)
    file = tmp_path / "review.yml"
    file.write_text(to_review(project, kept, verdicts), encoding="utf-8")
    write(project, plan(project, file).changes)
    decisions._known.cache_clear()
    listing = found(database, project, state="decided")
    assert [text.learned for group in listing.groups for text in group.texts] == [True]
    with database.read() as connection:
        assert for_review(connection, project, [], decided=True)[0] == []


def test_the_command_says_when_nothing_is_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'empty.db'}")
    assert main(["learn", "export", "--decided"]) == 0
    assert "nothing was decided" in capsys.readouterr().err


def test_retention_takes_decisions_along(database: Database, person: Person) -> None:
    with database.write() as connection:
        talk = filled.fill(
            connection, "castors", now() - timedelta(days=400), leads={"consent_at": None}
        )
        key = connection.execute(
            select(unhandled.c.key).where(unhandled.c.conversation_id == talk)
        ).scalar_one()
        decide(connection, person, ROOT, [key], None)
        erase_some(connection, Periods(180, 180), now())
        assert connection.execute(select(missed_decisions)).all() == []
