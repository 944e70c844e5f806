"""The command line: every command explains itself, and an error is one sentence and exit code 1."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from mobilis import __version__, training
from mobilis.cli import _parser, main
from mobilis.coaches import all_coaches
from mobilis.conversations import open_conversation, receive_text
from mobilis.models import conversations, erasures
from mobilis.settings import ROOT
from mobilis.store import Database

SAMPLE = ROOT / "coaches" / "sample.csv"
needs_rasa = pytest.mark.skipif(
    importlib.util.find_spec("rasa") is None, reason="the brain's packages are not installed"
)


def commands(parser: argparse.ArgumentParser, *words: str) -> Iterator[tuple[str, ...]]:
    """Every command, those that only hold others included."""
    yield words
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for word, below in action.choices.items():
                yield from commands(below, *words, word)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data directory of the test's own, and no setting from outside."""
    for variable in [name for name in os.environ if name.startswith("MOBILIS_")]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("DATABASE_URL", "")
    monkeypatch.setenv("MOBILIS_DATA_DIR", str(tmp_path / "var"))
    return tmp_path


@pytest.fixture
def database(here: Path) -> Iterator[Database]:
    assert main(["migrate"]) == 0
    database = Database(f"sqlite:///{here / 'var' / 'mobilis.db'}")
    yield database
    database.dispose()


@pytest.fixture
def project(here: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the content, to be spoiled."""
    folder = here / "project"
    for name in ("faq", "content", "assessment"):
        shutil.copytree(ROOT / name, folder / name)
    for name in ("domain.yml", "config.yml"):
        shutil.copy(ROOT / name, folder / name)
    monkeypatch.setenv("MOBILIS_PROJECT_DIR", str(folder))
    return folder


def fails(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one sentence that a command fails with."""
    capsys.readouterr()
    assert main(arguments) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    [line] = printed.err.splitlines()
    assert line.startswith("mobilis: ")
    return line.removeprefix("mobilis: ")


# --- help


@pytest.mark.parametrize("words", list(commands(_parser())), ids=lambda words: " ".join(words))
def test_every_command_explains_itself(words: tuple[str, ...], capsys) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*words, "--help"])
    assert ended.value.code == 0
    printed = capsys.readouterr()
    assert printed.out.startswith(" ".join(["usage: mobilis", *words]))
    assert printed.err == ""


def test_it_runs_as_a_program() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "mobilis.cli", "--version"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert (ended.stdout, ended.stderr) == (f"mobilis {__version__}\n", "")


@pytest.mark.parametrize(
    "arguments",
    [[], ["fly"], ["content"], ["coaches", "import"], ["chat", "--language", "es"], ["erase"]],
)
def test_what_is_no_command_is_refused_with_its_usage(arguments: list[str], capsys) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: mobilis" in capsys.readouterr().err


# --- settings and the database


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("MOBILIS_PORT", "eighty", "MOBILIS_PORT: a number is expected, not 'eighty'"),
        ("MOBILIS_PROT", "80", "MOBILIS_PROT: there is no such setting (see docs/settings.md)"),
        ("DATABASE_URL", "nonsense", "DATABASE_URL: not a database address"),
        (
            "DATABASE_URL",
            "mysql://x/y",
            "DATABASE_URL: only sqlite:// and postgresql:// are supported",
        ),
    ],
)
def test_a_bad_setting_is_named(variable, value, sentence, capsys, monkeypatch) -> None:
    monkeypatch.setenv(variable, value)
    assert fails(capsys, "migrate") == sentence


def test_a_database_that_is_not_there_is_one_sentence(capsys, monkeypatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    assert fails(capsys, "migrate") == "the database refused: OperationalError"


def test_migrating_twice_changes_nothing(database: Database, capsys) -> None:
    for _ in range(2):
        assert main(["migrate"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "the database is at the newest schema"
    with database.read() as connection:
        assert connection.execute(select(func.count()).select_from(conversations)).scalar() == 0


def test_erasing_a_conversation_says_what_was_erased(database: Database, capsys) -> None:
    with database.write() as connection:
        opening = open_conversation(connection, "fr")
        receive_text(connection, opening.conversation_id, "message-1", "mon secret")
    capsys.readouterr()
    for expected in ((1, 2), (0, 0)):
        assert main(["erase", opening.conversation_id]) == 0
        counts = json.loads(capsys.readouterr().out)
        assert (counts["conversations"], counts["inbox"]) == expected
    with database.read() as connection:
        assert connection.execute(select(erasures.c.channel)).scalars().all() == ["command"]


def test_erasing_without_a_database_is_one_sentence(capsys) -> None:
    assert fails(capsys, "erase", "talk") == "the database refused: OperationalError"


# --- coaches


def test_coaches_are_imported(capsys, here: Path) -> None:
    assert main(["coaches", "import", str(SAMPLE)]) == 0
    database = Database(f"sqlite:///{here / 'var' / 'mobilis.db'}")
    count = len(all_coaches(database))
    database.dispose()
    assert capsys.readouterr().out == f"imported {count} coaches\n"
    assert count >= 60


def test_bad_rows_are_all_named_and_nothing_is_imported(
    database: Database, capsys, here: Path
) -> None:
    lines = SAMPLE.read_text(encoding="utf-8").splitlines()
    lines[2] = lines[2].replace("https://", "javascript:")
    lines[4] = "'; DROP TABLE coaches; --" + lines[4][lines[4].index(",") :]
    path = here / "coaches.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    capsys.readouterr()
    assert main(["coaches", "import", str(path)]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    *problems, last = printed.err.splitlines()
    assert [problem.split(":")[0] for problem in problems] == ["line 3", "line 5"]
    assert "url" in problems[0] and "id" in problems[1]
    assert last == "mobilis: nothing was imported"
    assert all_coaches(database) == []


@pytest.mark.parametrize("name", ["missing.csv", "."])
def test_a_file_that_cannot_be_read_is_named(name: str, here: Path, capsys) -> None:
    assert main(["coaches", "import", str(here / name)]) == 1
    problem, last = capsys.readouterr().err.splitlines()
    assert str(here / name) in problem
    assert last == "mobilis: nothing was imported"


# --- content


def test_the_content_is_well_formed(capsys) -> None:
    assert main(["content", "check"]) == 0
    assert capsys.readouterr().out == "every content file is well formed\n"
    assert main(["content", "check", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"problems": []}


@pytest.mark.parametrize(
    ("name", "old", "new", "named"),
    [
        ("faq/cost.yml", "confidence:", "confidense:", "confidense"),
        ("content/wording.yml", '  en: "Hello!', '  es: "Hello!', "greeting"),
        ("content/wording.yml", "lost_again:", "lost_agian:", "lost_agian is asked for by nothing"),
        ("content/wording.yml", "lost_again:", "lost_agian:", "lost_again is missing"),
        ("content/choices.yml", "keep_all:", "kep_all:", "kep_all is asked for by nothing"),
        ("content/choices.yml", "stop: ", "stopp: ", "stop is missing"),
        ("content/choices.yml", "# Buttons", "faq: {fr: x, en: x}\n# Buttons", "faq is asked for"),
        ("content/notices.yml", "# Sent", "x: {fr: x, en: x}\n# Sent", "x is asked for by nothing"),
        ("content/errors.yml", "text_empty:", "text_emtpy:", "text_empty"),
        ("assessment/readiness.yml", "intro:", "introo:", "intro"),
        ("assessment/readiness.yml", "notices: [pro", "notices: [x, pro", "notices names x, which"),
        ("assessment/readiness.yml", "steps: [info_", "steps: [x, info_", "names x, which cannot"),
        ("content/facets.yml", "region:", "regoin:", "regoin"),
        ("content/declined.yml", "partisan:", "partisam:", "partisan"),
        ("content/shorthand.yml", "  svp: ", "  SVP: ", "SVP"),
        ("content/letters.yml", "Hello {name},", "Hello {nom},", "{nom}"),
        ("content/letters.yml", '      en: "Let', '      es: "Let', "letters.call.subject.en"),
        ("faq/cost.yml", "topic:", "\ttopic: [", ""),
    ],
)
@pytest.mark.parametrize("how", [[], ["--json"]])
def test_a_spoiled_file_is_named_with_its_field(
    project: Path, name: str, old: str, new: str, named: str, how: list[str], capsys
) -> None:
    path = project / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    assert main(["content", "check", *how]) == 1
    printed = capsys.readouterr()
    problems = json.loads(printed.out)["problems"] if how else printed.out.splitlines()
    assert any(name in problem and named in problem for problem in problems), problems
    assert printed.err == ""


@pytest.mark.parametrize("name", ["assessment/readiness.yml", "content/wording.yml"])
def test_a_missing_file_is_named(project: Path, name: str, capsys) -> None:
    (project / name).unlink()
    assert main(["content", "check"]) == 1
    assert name in capsys.readouterr().out


def test_what_a_language_lacks_is_listed(capsys) -> None:
    assert main(["content", "missing", "fr"]) == 0
    assert capsys.readouterr().out == "nothing is missing in fr\n"
    assert main(["content", "missing", "es"]) == 1
    assert len(capsys.readouterr().out.splitlines()) > 37


# --- model, measures, journeys


def trained(project: Path) -> None:
    """As after a training with the encoder that is chosen."""
    model = project / training.MODEL
    model.parent.mkdir()
    model.touch()
    os.utime(model, (4e9, 4e9))
    name = training.encoder_name(training.load_settings().encoder)
    (project / training.ENCODER).write_text(name, encoding="utf-8")


def test_training_is_due_for_another_encoder(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained(project)
    assert not training.is_due(project)
    monkeypatch.setenv("MOBILIS_ENCODER", str(project))
    assert training.is_due(project)


@pytest.mark.parametrize("name", ["another-encoder", "", None])
def test_training_is_due_for_a_model_of_another_encoder(project: Path, name: str | None) -> None:
    trained(project)
    if name is None:
        (project / training.ENCODER).unlink()
    else:
        (project / training.ENCODER).write_text(name, encoding="utf-8")
    assert training.is_due(project)


def test_training_is_due_when_the_content_is_newer(project: Path, capsys, monkeypatch) -> None:
    started: list[Path] = []
    monkeypatch.setattr(
        training, "train", lambda root, **how: started.append(root) or root / "model"
    )
    assert training.is_due(project)
    trained(project)
    assert main(["train", "--if-due"]) == 0
    assert capsys.readouterr().out == "the model is up to date\n"
    assert started == []
    os.utime(project / "faq" / "cost.yml", (5e9, 5e9))
    assert main(["train", "--if-due"]) == 0
    assert started == [project]


def test_a_model_beside_the_present_one_leaves_it_alone(project: Path, capsys, monkeypatch) -> None:
    commands: list[list[str]] = []

    def run(command: list[str], **options: object) -> subprocess.CompletedProcess:
        commands.append(command)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(training.subprocess, "run", run)
    other = project / "models" / "other.tar.gz"
    assert main(["train", "--output", str(other)]) == 0
    assert capsys.readouterr().out == f"trained {other}\n"
    [command] = commands
    assert command[command.index("--out") + 1] == str(project / "models")
    assert command[command.index("--fixed-model-name") + 1] == "other"
    assert not (project / training.ENCODER).exists() and not (project / training.MODEL).exists()


def test_a_model_is_written_to_a_file_of_its_kind(project: Path, capsys) -> None:
    sentence = "the name of a model's file ends with .tar.gz"
    for name in ("models", "other.zip"):
        assert fails(capsys, "train", "--output", name) == f"{name}: {sentence}"
    (project / "folder.tar.gz").mkdir()
    folder = str(project / "folder.tar.gz")
    assert fails(capsys, "train", "--output", folder) == f"{folder}: {sentence}"


def test_training_that_fails_is_one_sentence(project: Path, capsys, monkeypatch) -> None:
    refuse = subprocess.CompletedProcess([], 1)
    monkeypatch.setattr(training.subprocess, "run", lambda *command, **options: refuse)
    sentence = "the model could not be trained; what Rasa said is above"
    assert fails(capsys, "train") == sentence


@needs_rasa
def test_measuring_without_a_model_says_how_to_get_one(project: Path, capsys) -> None:
    file = str(ROOT / "tests" / "evaluation" / "intents.fr.tsv")
    sentence = "models/mobilis.tar.gz: there is no model; train one with: mobilis train"
    assert fails(capsys, "evaluate", "intents", file) == sentence


@needs_rasa
@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, ": there is no such file"),
        (b"", ": the file is empty"),
        (b"\xff", ":1: the line is not UTF-8"),
        (b"faq/cost\tcombien\nfaq/cost\n", ":2: 2 columns are expected"),
    ],
)
def test_a_file_that_cannot_be_measured_is_named(
    here: Path, content: bytes | None, problem: str, capsys
) -> None:
    path = here / "examples.tsv"
    if content is not None:
        path.write_bytes(content)
    assert fails(capsys, "evaluate", "intents", str(path)) == f"{path}{problem}"


@pytest.mark.parametrize("what", ["nlu", "turns", "widget"])
def test_a_bench_without_a_model_says_how_to_get_one(project: Path, what: str, capsys) -> None:
    shutil.copytree(ROOT / "tests" / "evaluation", project / "tests" / "evaluation")
    sentence = "models/mobilis.tar.gz: there is no model; train one with: mobilis train"
    assert fails(capsys, "bench", what) == sentence


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["nlu", "--messages", "many"],
            "--messages: a number from 1 to 600 is expected, not 'many'",
        ),
        (["nlu", "--phrasings", "x"], "--phrasings: a number from 0 to 1000 is expected, not 'x'"),
        (["turns", "--turns", "0"], "--turns: a number from 2 to 10000 is expected, not '0'"),
        (
            ["turns", "--concurrency", "1,eight"],
            "--concurrency: a number from 1 to 64 is expected, not 'eight'",
        ),
        (["widget", "--turns", "0"], "--turns: a number from 1 to 10000 is expected, not '0'"),
        (
            ["turns", "--phrasings", "-1"],
            "--phrasings: a number from 0 to 1000 is expected, not '-1'",
        ),
    ],
)
def test_a_bad_option_of_a_bench_is_named(
    project: Path, arguments: list[str], sentence: str, capsys
) -> None:
    shutil.copytree(ROOT / "tests" / "evaluation", project / "tests" / "evaluation")
    trained(project)
    assert fails(capsys, "bench", *arguments) == sentence


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_bench_that_is_told_to_end_goes_the_way_of_ctrl_c(number: signal.Signals) -> None:
    code = "import os, signal; from mobilis.cli import _end_as_on_ctrl_c\n"
    code += "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"  # as behind a shell's &
    code += "_end_as_on_ctrl_c()\n"
    code += f"try: os.kill(os.getpid(), {int(number)}); signal.pause()\n"
    code += "except KeyboardInterrupt: print('told')\n"
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ended.stdout == "told\n"


def test_a_journey_that_is_not_there_is_named(here: Path, capsys) -> None:
    path = here / "missing.yml"
    capsys.readouterr()
    assert main(["journeys", str(path)]) == 1
    printed = capsys.readouterr()
    [line] = printed.err.splitlines()
    assert line.startswith("mobilis: ") and "missing.yml" in line


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    """As with `mobilis evaluate … | head`."""
    command = [sys.executable, "-c", "from mobilis.cli import main; raise SystemExit(main())"]
    with subprocess.Popen(
        [*command, "content", "check"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
