"""What was not understood, written out for a reviewer: counted, grouped, and never unmasked."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import yaml
from schemas import migrated
from sqlalchemy import select, update

from mobilis import results
from mobilis.cli import main
from mobilis.conversations import open_conversation
from mobilis.errors import ContentError, FileRefused
from mobilis.learning import Missed, missed, to_review, write_new
from mobilis.masking import tell_missed
from mobilis.models import conversations, unhandled
from mobilis.privacy import erase_content, erase_conversation
from mobilis.results import NONE_OF_THESE, keep_unhandled, note_choice, note_next
from mobilis.retention import Periods, erase_some
from mobilis.review import read_review
from mobilis.settings import ROOT
from mobilis.store import Database

pytestmark = pytest.mark.door

MOMENT = datetime(2026, 11, 23, 16, tzinfo=timezone.utc)
GUESSES = (("faq/cost", 0.4123), ("faq/timeline", 0.2))
Lose = Callable[..., str]


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    url = f"sqlite:///{tmp_path / 'learning.db'}"
    if request.param == "postgres":
        server = request.getfixturevalue("postgres")
        url = str(server.address("learning"))
    migrated(url)
    database = Database(url)
    yield database
    database.dispose()


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Database]:
    migrated(f"sqlite:///{tmp_path / 'learning.db'}")
    database = Database(f"sqlite:///{tmp_path / 'learning.db'}")
    yield database
    database.dispose()


@pytest.fixture
def lose(sqlite: Database, monkeypatch: pytest.MonkeyPatch) -> Lose:
    """Keeps a message that was not understood; its id."""
    return losing(sqlite, monkeypatch)


def losing(database: Database, monkeypatch: pytest.MonkeyPatch) -> Lose:
    count = 0

    def lose(
        text: str,
        *,
        language: str = "fr",
        outcome: str = "clarified",
        guesses: tuple[tuple[str, float], ...] = GUESSES,
        question: str | None = None,
        chosen: str | None = None,
        followed_by: str | None = None,
        at: datetime = MOMENT,
        talk: str = "talk-1",
    ) -> str:
        nonlocal count
        count += 1
        monkeypatch.setattr(results, "now", lambda: at + timedelta(seconds=count))
        message = (talk, f"message-{count}")
        keep_unhandled(
            database,
            conversation_id=talk,
            message_id=message[1],
            language=language,
            outcome=outcome,
            guesses=[{"label": label, "confidence": p} for label, p in guesses],
            question=question,
        )
        with database.write() as connection:
            tell_missed(connection, *message, text)
        if chosen:
            note_choice(database, *message, chosen)
        if followed_by:
            note_next(database, *message, followed_by)
        return message[1]

    return lose


def found(database: Database, since: date | None = None) -> list[Missed]:
    with database.read() as connection:
        return missed(connection, since)


def review(database: Database) -> str:
    return to_review(ROOT, found(database))


def entries(text: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load(text)["messages"])


# --- what is gathered


def test_what_was_picked_and_what_came_next_are_told_on_both_databases(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose = losing(database, monkeypatch)
    lose("combien de sous", chosen="faq/cost")
    lose("les sous", outcome="lost", followed_by="faq/funding_request")
    one, other = found(database)
    assert (one.chosen, one.followed_by, one.proposed) == ({"faq/cost": 1}, {}, "faq/cost")
    assert other.followed_by == {"faq/funding_request": 1}
    assert (other.picked, other.proposed) == ("", "faq/funding_request")


def test_the_same_text_written_many_times_is_one_entry_with_a_count(
    sqlite: Database, lose: Lose
) -> None:
    lose("Combien de sous?", chosen="faq/cost", outcome="clarified")
    lose("combien de sous", outcome="lost", at=MOMENT + timedelta(days=2))
    lose("COMBIEN DE SOUS!", chosen="faq/cost", at=MOMENT + timedelta(days=1))
    lose("combien de sous", language="en")
    lose("combien de sous", question="aim")
    one, *others = sorted(found(sqlite), key=lambda one: -one.count)
    assert (one.count, one.outcomes, one.chosen) == (
        3,
        {"clarified": 2, "lost": 1},
        {"faq/cost": 2},
    )
    assert (one.text, one.last) == ("combien de sous", date(2026, 11, 25))
    assert sorted((o.language, o.question or "") for o in others) == [("en", ""), ("fr", "aim")]


def test_what_most_visitors_picked_is_proposed(sqlite: Database, lose: Lose) -> None:
    for label in ("faq/cost", "faq/timeline", "faq/timeline", NONE_OF_THESE, NONE_OF_THESE):
        lose("ça prend quoi", chosen=label, followed_by="faq/what_is")
    [one] = found(sqlite)
    assert (one.picked, one.proposed) == ("faq/timeline", "faq/timeline")
    assert one.chosen == {"faq/cost": 1, "faq/timeline": 2, "none": 2}


@pytest.mark.parametrize(
    ("given", "proposed"),
    [
        ({}, "faq/cost"),
        ({"guesses": ()}, ""),
        ({"chosen": NONE_OF_THESE}, ""),
        ({"chosen": NONE_OF_THESE, "followed_by": "find_coach"}, "find_coach"),
        ({"question": "aim"}, "answer/aim"),
        ({"question": "aim", "chosen": "answer/aim/b"}, "answer/aim/b"),
        ({"question": "aim", "followed_by": "faq/privacy"}, "faq/privacy"),
    ],
)
def test_without_a_pick_weaker_evidence_proposes_where_it_stands(
    sqlite: Database, lose: Lose, given: dict[str, Any], proposed: str
) -> None:
    lose("ça prend quoi", **given)
    assert [one.proposed for one in found(sqlite)] == [proposed]


@pytest.mark.parametrize("label", ["thank", "request_human", "stop", "out_of_scope"])
def test_thanks_or_giving_up_tell_nothing_of_what_was_meant(
    sqlite: Database, lose: Lose, label: str
) -> None:
    lose("ça prend quoi", followed_by=label)
    assert [one.followed_by for one in found(sqlite)] == [{}]


@pytest.mark.parametrize(
    "text", ["", "   ", "[nom]", "[courriel] [lien]", "👍", "???", "/restart", "\u2060/restart"]
)
def test_what_has_no_words_of_its_own_teaches_nothing(
    sqlite: Database, lose: Lose, text: str
) -> None:
    lose(text, outcome="lost")
    assert found(sqlite) == []


def test_only_what_was_said_since_a_day_is_told(sqlite: Database, lose: Lose) -> None:
    lose("la veille", at=datetime(2026, 11, 22, 23, 59, tzinfo=timezone.utc))
    lose("le jour même", at=datetime(2026, 11, 23, tzinfo=timezone.utc))
    assert [one.text for one in found(sqlite, date(2026, 11, 23))] == ["le jour même"]
    assert len(found(sqlite)) == 2


# --- erasing


def test_what_is_erased_or_has_expired_is_not_told(sqlite: Database, lose: Lose) -> None:
    with sqlite.write() as connection:
        talks = [open_conversation(connection, "fr").conversation_id for _ in range(4)]
    for talk in talks:
        lose(f"le message de {talk}", talk=talk, chosen="faq/cost", followed_by="faq/cost")
    with sqlite.write() as connection:
        erase_conversation(connection, talks[0], "web")
        erase_content(connection, talks[1], "message-9")
        old = update(conversations).where(conversations.c.id == talks[2])
        connection.execute(old.values(last_at=MOMENT - timedelta(days=400)))
        erase_some(connection, Periods(180, 730), MOMENT)
        kept = connection.execute(select(unhandled.c.conversation_id)).scalars().all()
    assert kept == [talks[3]]
    assert [one.text for one in found(sqlite)] == [f"le message de {talks[3]}"]


# --- the file


def test_an_entry_says_all_that_a_reviewer_needs(sqlite: Database, lose: Lose) -> None:
    lose("combien de sous", chosen="faq/cost", followed_by="faq/timeline")
    lose("combien de sous", outcome="lost", question=None)
    assert entries(review(sqlite)) == [
        {
            "text": "combien de sous",
            "language": "fr",
            "label": "faq/cost",
            "accept": False,
            "date": date(2026, 11, 23),
            "count": 2,
            "outcome": {"clarified": 1, "lost": 1},
            "chosen": {"faq/cost": 1},
            "followed_by": {"faq/timeline": 1},
            "guesses": {"faq/cost": 0.41, "faq/timeline": 0.2},
        }
    ]


def test_only_a_pick_fills_in_the_label(sqlite: Database, lose: Lose) -> None:
    lose("une chose", followed_by="faq/timeline")
    lose("une autre", chosen=NONE_OF_THESE)
    lose("un sujet disparu", chosen="faq/gone")
    lose("changer la loi", chosen="answer/aim/a", question="aim")
    labels = {entry["text"]: entry["label"] for entry in entries(review(sqlite))}
    assert labels == {
        "une chose": None,
        "une autre": None,
        "un sujet disparu": None,
        "changer la loi": "answer/aim/a",
    }


def test_entries_are_grouped_by_what_they_likely_mean_the_most_written_first(
    sqlite: Database, lose: Lose
) -> None:
    lose("un", guesses=())
    lose("deux", question="aim")
    for text in ("trois", "quatre", "quatre", "cinq"):
        lose(text)
    text = review(sqlite)
    headings = [line for line in text.splitlines() if line.startswith("# === ")]
    assert headings == [
        "# === faq/cost: Le coût et le financement / Cost and funding (4)",
        "# === rien ne permet de deviner / nothing to guess by (1)",
        "# === answer/aim: Quel est le but principal de votre projet? / What is your project's"
        " main goal? (1)",
    ]
    said = [entry["text"] for entry in entries(text)]
    assert said == ["quatre", "cinq", "trois", "un", "deux"]


def test_a_masked_detail_is_marked_as_to_be_rewritten(sqlite: Database, lose: Lose) -> None:
    lose("c'est combien pour [nom]")
    lines = review(sqlite).splitlines()
    place = lines.index("- text: c'est combien pour [nom]")
    assert lines[place - 1].startswith("# à récrire avant d'accepter")
    assert lines[place - 1].endswith("a personal detail was masked")


def test_the_guide_is_in_both_languages_and_the_labels_are_listed(
    sqlite: Database, lose: Lose
) -> None:
    lose("un")
    lose("deux", at=MOMENT + timedelta(days=1))
    text = review(sqlite)
    assert "# 2 messages, dont 2 différents, du 2026-11-23 au 2026-11-24." in text
    assert "# 2 messages, 2 of them different, from 2026-11-23 to 2026-11-24." in text
    for line in (
        "faq/cost: Le coût et le financement / Cost and funding",
        "find_coach: Trouver une ou un coach / Find a coach",
        "answer/unsure: Je ne sais pas (réponse à l'auto-évaluation)"
        " / I don't know (an answer to the self-assessment)",
        "out_of_scope: Ce qui n'est pas du ressort de l'assistant / What this assistant is not for",
    ):
        assert f"#   {line}\n" in text
    assert "answer/aim:" not in text


def test_whatever_was_typed_is_read_back_as_one_line(
    sqlite: Database, lose: Lose, tmp_path: Path
) -> None:
    typed = {
        "deux\nlignes \t et\u2028plus\x00": "deux lignes et plus",
        "oui: non # peut-être": "oui: non # peut-être",
        "- 'quoi' \"donc\"": "- 'quoi' \"donc\"",
        "1. non\u2060 !": "1. non !",
        "{a}: *b &c": "{a}: *b &c",
        "famille 👩\u200d👧": "famille 👩 👧",
        "no": "no",
    }
    for text in typed:
        lose(text)
    path = tmp_path / "review.yml"
    write_new(path, review(sqlite))
    assert {entry.text for entry in read_review(path)} == set(typed.values())


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("- a list\n", "content/learning.yml: a mapping of names to fr and en is expected"),
        ("guide: {fr: Un guide}\n", "content/learning.yml: guide.en is missing"),
    ],
)
def test_wording_that_is_wrong_is_named(
    sqlite: Database, lose: Lose, tmp_path: Path, content: str, problem: str
) -> None:
    for name in ("faq", "content", "assessment", "data"):
        shutil.copytree(ROOT / name, tmp_path / name)
    (tmp_path / "content" / "learning.yml").write_text(content, encoding="utf-8")
    lose("un")
    with pytest.raises(ContentError) as error:
        to_review(tmp_path, found(sqlite))
    assert str(error.value) == problem


def test_a_file_that_is_there_is_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "review.yml"
    write_new(path, "un\n")
    with pytest.raises(FileRefused) as error:
        write_new(path, "deux\n")
    assert str(error.value) == f"{path}: there is a file of this name already"
    assert path.read_text(encoding="utf-8") == "un\n"
    with pytest.raises(FileRefused) as error:
        write_new(tmp_path / "nowhere" / "review.yml", "trois\n")
    assert str(error.value) == f"{tmp_path / 'nowhere' / 'review.yml'}: No such file or directory"


# --- the command


@pytest.fixture
def command(sqlite: Database, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    monkeypatch.setenv("DATABASE_URL", sqlite.url)
    return lambda *arguments: main(["learn", "export", *arguments])


def test_the_command_prints_the_file_or_writes_it(
    command: Callable[..., int], lose: Lose, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lose("combien de sous")
    capsys.readouterr()
    assert command() == 0
    printed = capsys.readouterr()
    assert [entry["text"] for entry in entries(printed.out)] == ["combien de sous"]
    path = tmp_path / "review.yml"
    assert command("--since", "2026-11-23", "--output", str(path)) == 0
    assert capsys.readouterr().out == f"wrote 1 messages to review to {path}\n"
    assert path.read_text(encoding="utf-8") == printed.out
    assert command("--output", str(path)) == 1
    problem = f"mobilis: {path}: there is a file of this name already\n"
    assert capsys.readouterr().err == problem


def test_when_all_was_understood_the_command_writes_nothing(
    command: Callable[..., int], lose: Lose, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lose("combien de sous")
    path = tmp_path / "review.yml"
    assert command("--since", "2026-11-24", "--output", str(path)) == 0
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "there is nothing to review: all was understood\n")
    assert not path.exists()


@pytest.mark.parametrize("day", ["yesterday", "2026-13-01", "23/11/2026"])
def test_a_day_that_is_none_is_refused(
    command: Callable[..., int], day: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        command("--since", day)
    assert ended.value.code == 2
    assert f"a day such as 2026-11-23 is expected, not '{day}'" in capsys.readouterr().err


def test_a_database_that_is_not_there_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    assert main(["learn", "export"]) == 1
    assert capsys.readouterr().err == "mobilis: the database refused: OperationalError\n"
