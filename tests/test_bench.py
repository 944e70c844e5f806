"""The bench of turns: what is said, what is reported and held against the targets, and that all
that it starts is ended. Small assistants stand in for the real ones."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from assistants import Assistant, served

from mobilis import bench as module
from mobilis.bench import INGREDIENTS, bench_turns, levels_of, plan, targets, to_text
from mobilis.measures import BenchRefused, Said, unseen
from mobilis.settings import ROOT

needs_proc = pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="not Linux")

SIDE = {
    **{"turns": 256, "turns_per_second": 90.0, "p50": 10.0, "p95": 20.0, "p99": 30.0},
    **{"mean": 12.0, "errors": {}, "core_ms_per_turn": 15.0},
}
REPORT: dict[str, Any] = {
    "machine": {
        **{"at": "2026-11-26T00:00:00+00:00", "cores": 2, "of": 2, "load": 0.1},
        **{"python": "3.10.13", "system": "Linux x86_64"},
    },
    "levels": [
        {"at_once": 8, "ours": SIDE, "stock": {**SIDE, "turns_per_second": 30.0, "p95": 60.0}}
    ],
    "ready": {"ours": 12.0, "stock": 48.0},
    "memory": {
        "ours": {
            "brain": {"resident": 500.0, "proportional": 450.0},
            "all": {"resident": 700.0, "proportional": 600.0},
        },
        "stock": {
            "server": {"resident": 900.0, "proportional": 890.0},
            "all": {"resident": 900.0, "proportional": 890.0},
        },
    },
    "training": {"ours": 42.0, "stock": 420.0},
}


def silent(line: str) -> None:
    return


# --- what is said


def test_levels_are_numbers() -> None:
    assert levels_of("1, 8,32") == [1, 8, 32]


@pytest.mark.parametrize(("given", "part"), [("1,x", "x"), ("", ""), ("1,,2", ""), ("65", "65")])
def test_a_level_that_is_no_number_is_refused(given: str, part: str) -> None:
    with pytest.raises(BenchRefused) as error:
        levels_of(given)
    sentence = f"--concurrency: a number from 1 to 64 is expected, not {part!r}"
    assert str(error.value) == sentence


def test_nothing_is_said_twice_and_only_what_both_answer_at_once() -> None:
    messages = unseen(ROOT)
    blocks = plan(messages, [1, 8, 32], 256)
    assert len(blocks) == 1 + 3 * module.ROUNDS
    said = [text for block in blocks for texts in block.values() for text in texts]
    assert len(said) == len(set(said)) == module.WARM_UP + 3 * 256
    label = {message.text: message.label for message in messages}
    labels = {label[text] for text in said}
    assert "find_coach" not in labels and "start_assessment" not in labels
    assert {"greet", "faq/cost", "out_of_scope"} < labels


def test_languages_are_kept_apart() -> None:
    messages = [Said("fr", "greet", f"allô {n}") for n in range(20)]
    messages += [Said("en", "greet", f"hi {n}") for n in range(20)]
    for block in plan(messages, [1], 20):
        assert all("allô" in text for text in block["fr"])
        assert all("hi" in text for text in block["en"])


def test_too_few_messages_are_refused_with_how_many_there_may_be() -> None:
    messages = [Said("fr", "greet", str(number)) for number in range(100)]
    with pytest.raises(BenchRefused) as error:
        plan(messages, [1, 8], 60)
    sentence = "--turns: at most 42 at 2 levels, since no message is said twice"
    assert str(error.value) == sentence


# --- targets


def test_every_target_is_held_against_the_report() -> None:
    assert [(target.wanted, target.holds) for target in targets(REPORT)] == [
        ("ready in at most 20 s", True),
        ("trained from nothing in at most 60 s", True),
        ("3 times the stock's turns/s with a lower p95, 8 at once", True),
        ("all our processes in less memory than the stock server", True),
    ]


@pytest.mark.parametrize(
    ("place", "value", "number"),
    [
        (("ready", "ours"), 20.1, 0),
        (("training", "ours"), 60.1, 1),
        (("levels", 0, "ours", "turns_per_second"), 89.0, 2),
        (("levels", 0, "ours", "p95"), 60.0, 2),
        (("levels", 0, "ours", "p95"), None, 2),
        (("levels", 0, "stock", "turns_per_second"), 0.0, 2),
        (("levels", 0, "ours", "errors"), {"timeout": 1}, 2),
        (("memory", "ours", "all", "proportional"), 890.0, 3),
    ],
)
def test_a_target_is_missed_when_its_figure_is(
    place: tuple[Any, ...], value: Any, number: int
) -> None:
    report = deepcopy(REPORT)
    inner = report
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    assert [n for n, target in enumerate(targets(report)) if not target.holds] == [number]


def test_turns_that_were_not_answered_are_said() -> None:
    report = deepcopy(REPORT)
    report["levels"][0]["ours"]["errors"] = {"timeout": 2, "status 500": 1}
    assert "3 turns not answered" in targets(report)[2].got


def test_the_report_is_one_table_of_both_sides() -> None:
    text = to_text({**REPORT, "targets": [target._asdict() for target in targets(REPORT)]})
    assert "2 of 2 cores, load 0.1" in text
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]
    assert ["8 at once: turns/s", "90.0", "30.0", "3.00×"] in rows
    assert ["8 at once: turns not answered", "0", "0", ""] in rows
    assert ["training from nothing, s", "42.0", "420", "0.10×"] in rows
    assert ["memory of all, proportional, MB", "600", "890", "0.67×"] in rows
    assert ["memory of server, resident, MB", "–", "900", "–"] in rows
    assert text.splitlines()[-1].startswith("reached  all our processes")


def test_ours_alone_is_reported_without_the_other_side() -> None:
    report = deepcopy(REPORT)
    del report["levels"][0]["stock"], report["ready"]["stock"], report["memory"]["stock"]
    report["training"] = {}
    found = targets(report)
    assert [target.wanted for target in found] == ["ready in at most 20 s"]
    text = to_text({**report, "targets": [found[0]._asdict()]})
    assert "90.0" in text and "training" not in text and "×" not in text


# --- one run


class Small:
    """In the place of an assistant's processes: this process, and a small assistant."""

    seconds_to_ready = 1.5

    def __init__(self, name: str, base: str, ended: list[str]) -> None:
        self.base = base
        self.root_pid = os.getpid()
        self.stop = lambda: ended.append(name)

    def pids(self) -> dict[str, int]:
        return {"up": os.getpid()}


@pytest.fixture
def assistants(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """Both assistants, and the names of those that were ended."""
    ended: list[str] = []
    ours, theirs = Assistant(), Assistant()
    with ExitStack() as stack:
        addresses = [stack.enter_context(served(one)) for one in (ours, theirs)]
        monkeypatch.setattr(
            module, "Stack", lambda folder, root: Small("ours", addresses[0], ended)
        )
        monkeypatch.setattr(
            module, "StockServer", lambda folder, log: Small("stock", addresses[1], ended)
        )
        yield {"ours": ours, "stock": theirs, "ended": ended}


@pytest.fixture
def stock(tmp_path: Path) -> Path:
    """A stock assistant that is trained already."""
    (tmp_path / "trained.json").write_text(json.dumps({"seconds": 400.0, "at": "…"}))
    return tmp_path


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with messages and a model."""
    root = tmp_path / "project"
    (root / "models").mkdir(parents=True)
    (root / "models" / "mobilis.tar.gz").touch()
    (root / "tests").mkdir()
    (root / "tests" / "evaluation").symlink_to(ROOT / "tests" / "evaluation")
    return root


@needs_proc
def test_both_hear_the_same_and_are_measured(
    assistants: dict[str, Any], project: Path, stock: Path
) -> None:
    said: list[str] = []
    report = bench_turns(project, said.append, "1,4", "16", lambda: stock)
    heard = {name: sorted(text for _, text in assistants[name].heard) for name in ("ours", "stock")}
    assert heard["ours"] == heard["stock"]
    assert len(heard["ours"]) == module.WARM_UP + 2 * 16
    assert [level["at_once"] for level in report["levels"]] == [1, 4]
    for level in report["levels"]:
        for name in ("ours", "stock"):
            assert level[name]["turns"] == 16
            assert level[name]["errors"] == {}
            assert level[name]["p50"] >= 20
            assert level[name]["core_ms_per_turn"] >= 0
    assert report["ready"] == {"ours": 1.5, "stock": 1.5}
    assert report["memory"]["ours"]["all"]["resident"] > 1
    assert report["training"] == {"stock": 400.0}
    assert assistants["ended"] == ["stock", "ours"]
    assert said == ["starting ours", "starting the stock assistant", "1 at once", "4 at once"]
    assert json.loads(json.dumps(report)) == report
    assert "4 at once: p95, ms" in to_text(report)


@needs_proc
def test_ours_alone_starts_nothing_else(assistants: dict[str, Any], project: Path) -> None:
    report = bench_turns(project, silent, "2", "4")
    assert set(report["ready"]) == set(report["memory"]) == {"ours"}
    assert assistants["stock"].heard == []
    assert assistants["ended"] == ["ours"]


@needs_proc
def test_an_interrupted_run_ends_what_it_started(
    assistants: dict[str, Any], project: Path, stock: Path
) -> None:
    def tell(line: str) -> None:
        if line == "1 at once":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bench_turns(project, tell, "1", "4", lambda: stock)
    assert assistants["ended"] == ["stock", "ours"]


def test_options_are_looked_at_before_the_stock_assistant_is_trained(project: Path) -> None:
    def never() -> Path:
        raise AssertionError("it was trained")

    for concurrency, turns in (("x", "4"), ("1", "x"), ("1", "1"), ("1", "9999")):
        with pytest.raises(BenchRefused, match=r"^--"):
            bench_turns(project, silent, concurrency, turns, never)
    (project / "models" / "mobilis.tar.gz").unlink()
    with pytest.raises(BenchRefused, match="there is no model"):
        bench_turns(project, silent, "1", "4", never)


# --- training


@pytest.fixture
def trainable(project: Path) -> Path:
    """A project whose training is a program of a few lines."""
    for name in INGREDIENTS:
        if "." in name:
            (project / name).write_text("{}\n", encoding="utf-8")
        else:
            (project / name).mkdir()
    (project / "mobilis" / "__init__.py").touch()
    return project


def command(project: Path, code: str) -> None:
    (project / "mobilis" / "cli.py").write_text(code, encoding="utf-8")


@needs_proc
def test_training_is_measured_in_a_copy_that_was_never_trained(
    trainable: Path, assistants: dict[str, Any], tmp_path: Path
) -> None:
    noted = tmp_path / "noted"
    code = "import os, sys, mobilis\n"
    code += "with open({!r}, 'w') as file: print(sys.argv[1:], os.listdir(), mobilis.__file__, "
    command(trainable, code.format(str(noted)) + "os.environ['MOBILIS_PROJECT_DIR'], file=file)\n")
    report = bench_turns(trainable, silent, "1", "2", train=True)
    assert 0 <= report["training"]["ours"] < 60
    text = noted.read_text()
    assert text.startswith("['train', '--quiet']")
    assert "models" not in text and ".rasa" not in text
    assert str(trainable) not in text
    assert report["targets"][1]["wanted"] == "trained from nothing in at most 60 s"


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("import sys; sys.exit(1)", "training failed; what it said is above"),
        ("import time; time.sleep(60)", "training did not end within 1 s"),
    ],
)
def test_a_training_that_fails_or_hangs_is_one_sentence(
    trainable: Path, code: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TRAINING_SECONDS", 1.0)
    command(trainable, code)
    with pytest.raises(BenchRefused) as error:
        bench_turns(trainable, silent, "1", "2", train=True)
    assert str(error.value) == sentence


def test_a_training_that_hangs_leaves_nothing_behind(
    trainable: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(module, "TRAINING_SECONDS", 2.0)
    noted = tmp_path / "pid"
    code = "import subprocess, sys\n"
    code += "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
    code += f"open({str(noted)!r}, 'w').write(str(child.pid))\nchild.wait()\n"
    command(trainable, code)
    with pytest.raises(BenchRefused):
        bench_turns(trainable, silent, "1", "2", train=True)
    status = Path("/proc") / noted.read_text() / "status"
    assert not status.exists() or "Z (zombie)" in status.read_text()
