"""The bench of the widget: what is said, what is reported and held against the targets, and what is
said when something is missing. A real run is in tests/browser."""

from __future__ import annotations

import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

import httpx
import pytest

from mobilis import widget_bench as module
from mobilis import widget_visits
from mobilis.bench import answered_at_once
from mobilis.measures import BenchRefused, Said, unseen
from mobilis.settings import ROOT
from mobilis.widget_bench import TURNS_A_VISIT, bench_widget, plan, targets, to_text
from mobilis.widget_visits import Site, Visit, find_chromium, site

FIGURES = {"p50": 100.0, "p95": 200.0, "p99": 210.0, "mean": 110.0}
NOTHING = dict.fromkeys(FIGURES)
REPORT: dict[str, Any] = {
    "machine": {
        **{"at": "2026-11-26T00:00:00+00:00", "cores": 2, "of": 2, "load": 0.1},
        **{"python": "3.10.13", "system": "Linux x86_64", "chromium": "156.0"},
    },
    "visits": 16,
    "measures": {
        name: {"browser": {**FIGURES}, "bare": {**FIGURES, "p50": 50.0}} for name in module.MEASURES
    },
    "page": {
        "requests": ["http://127.0.0.1:8000/widget.js"],
        "bytes": 17_500,
        "layout_shift": 0.0,
    },
}
REPORT["measures"]["own"]["bare"] = NOTHING


def silent(line: str) -> None:
    return


# --- what is said


def test_nothing_is_said_twice_by_one_or_the_other() -> None:
    visits = plan(unseen(ROOT), 64)
    assert len(visits) == 64 / TURNS_A_VISIT + 2  # and one in each language to warm up
    said = [text for _, browsed, called in visits for text in browsed + called]
    assert len(said) == len(set(said)) == 2 * TURNS_A_VISIT * len(visits)
    known = {message.text: message.language for message in answered_at_once(unseen(ROOT))}
    for language, browsed, called in visits:
        assert {known[text] for text in browsed + called} == {language}
    assert [language for language, _, _ in visits[:3]] == ["fr", "en", "fr"]


def test_too_few_messages_are_refused() -> None:
    messages = [Said(language, "greet", str(n)) for language in ("fr", "en") for n in range(20)]
    assert len(plan(messages, 8)) == 4
    with pytest.raises(BenchRefused, match=r"^--turns: fewer are possible"):
        plan(messages, 12)


# --- targets


def test_every_target_is_held_against_the_report() -> None:
    assert [(target.wanted, target.got, target.holds) for target in targets(REPORT)] == [
        ("click → greeting in at most 300 ms at the median", "100 ms", True),
        ("send → answer in at most 150 ms at the median", "100 ms", True),
        ("no layout shift of the page", "0", True),
        ("no request before the chat is opened but its file", "1", True),
        ("a file of at most 25000 bytes as sent", "17500", True),
    ]


@pytest.mark.parametrize(
    ("place", "value", "number"),
    [
        (("measures", "greeting", "browser", "p50"), 300.1, 0),
        (("measures", "greeting", "browser", "p50"), None, 0),
        (("measures", "answer", "browser", "p50"), 150.1, 1),
        (("page", "layout_shift"), 0.0001, 2),
        (("page", "requests"), [], 3),
        (("page", "requests"), ["http://door/widget.js", "http://door/font"], 3),
        (("page", "requests"), ["http://door/other.js"], 3),
        (("page", "bytes"), 25_001, 4),
        (("page", "bytes"), 0, 4),
    ],
)
def test_a_target_is_missed_when_its_figure_is(
    place: tuple[str, ...], value: Any, number: int
) -> None:
    report = deepcopy(REPORT)
    inner = report
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    assert [n for n, target in enumerate(targets(report)) if not target.holds] == [number]


def test_a_request_too_many_is_named() -> None:
    report = deepcopy(REPORT)
    report["page"]["requests"].append("http://door/font")
    assert targets(report)[3].got == "2, http://door/font among them"


def test_the_report_is_one_table_of_the_browser_and_the_bare_client() -> None:
    text = to_text({**REPORT, "targets": [target._asdict() for target in targets(REPORT)]})
    assert text.splitlines()[0].endswith("Linux x86_64, Chromium 156.0")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]
    assert ["16 visits", "in a browser", "bare client", "browser ÷ bare"] in rows
    assert ["send → answer, p50, ms", "100", "50.0", "2.00×"] in rows
    assert ["send → own message, p95, ms", "200", "–", "–"] in rows
    assert ["its file as sent, bytes", "17 500", "", ""] in rows
    assert text.splitlines()[-1].startswith("reached  a file of at most")


# --- visits


def test_visits_add_up() -> None:
    found = Visit(greeting=[1.0])
    found.add(Visit(greeting=[2.0], answer=[3.0], shift=[0.0]))
    assert (found.greeting, found.answer, found.shift) == ([1.0, 2.0], [3.0], [0.0])


def test_the_website_has_the_one_line_and_is_of_another_origin() -> None:
    with site() as website:
        website.point_to("http://127.0.0.1:1")
        answer = httpx.get(website.url("fr"), trust_env=False)
    assert website.origin.startswith("http://localhost:")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert '<html lang="fr">' in answer.text
    assert '<script defer src="http://127.0.0.1:1/widget.js"' in answer.text
    with pytest.raises(httpx.ConnectError):
        httpx.get(website.origin, trust_env=False)


# --- what is missing


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project that has a model, and the widget built."""
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "mobilis.tar.gz").touch()
    (tmp_path / "widget" / "dist").mkdir(parents=True)
    (tmp_path / "widget" / "dist" / "manifest.json").touch()
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "evaluation").symlink_to(ROOT / "tests" / "evaluation")
    (tmp_path / "deploy").mkdir()
    return tmp_path


def prepare(project: Path, script: str) -> None:
    path = project / "deploy" / "prepare"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def with_playwright(monkeypatch: pytest.MonkeyPatch, there: bool) -> None:
    for name in ("playwright", "playwright.async_api"):
        monkeypatch.setitem(sys.modules, name, module if there else None)


def test_without_playwright_one_sentence_says_so(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_playwright(monkeypatch, False)
    with pytest.raises(BenchRefused) as error:
        bench_widget(project, silent, "4")
    assert str(error.value) == widget_visits.MISSING


def test_without_chromium_the_sentence_of_deploy_prepare_is_said(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_playwright(monkeypatch, True)
    prepare(project, "echo 'Chromium was not found: install it' >&2; exit 1")
    with pytest.raises(BenchRefused) as error:
        bench_widget(project, silent, "4")
    assert str(error.value) == "Chromium was not found: install it"


def test_chromium_is_the_one_that_the_tests_use(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_playwright(monkeypatch, True)
    prepare(project, 'test "$*" = "chromium --find" && echo /usr/bin/its-place')
    assert find_chromium(project) == "/usr/bin/its-place"


def test_without_the_widgets_file_the_command_that_builds_it_is_named(project: Path) -> None:
    (project / "widget" / "dist" / "manifest.json").unlink()
    with pytest.raises(BenchRefused, match="not built; run make widget"):
        bench_widget(project, silent, "4")


def test_a_front_door_that_is_gone_is_one_sentence_and_nothing_is_left(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[str] = []

    class Small:
        base = "http://127.0.0.1:9"
        root_pid = 0

        def stop(self) -> None:
            ended.append("stack")

    async def measured(*given: object) -> dict[str, Any]:
        assert isinstance(given[3], Site)
        raise httpx.ConnectError("refused")

    monkeypatch.setattr(module, "Stack", lambda *given, **options: Small())
    monkeypatch.setattr(module, "find_chromium", lambda root: "chromium")
    monkeypatch.setattr(module, "settle", lambda used: None)
    monkeypatch.setattr(module, "_measured", measured)
    with pytest.raises(BenchRefused, match=r"^the front door was not reached: ConnectError$"):
        bench_widget(project, silent, "4")
    assert ended == ["stack"]
