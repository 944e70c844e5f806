"""The dashboard and the alerts of deploy/: every number they name exists, each alert is told."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY

from mobilis.seeing import metrics
from mobilis.settings import ROOT, Settings
from mobilis.store import Database, migrate
from mobilis.web.gauges import Gauges

DASHBOARD = ROOT / "deploy" / "grafana" / "mobilis.json"
ALERTS = ROOT / "deploy" / "prometheus" / "alerts.yml"
ALERT_TESTS = ALERTS.with_name("alerts.test.yml")
SCRAPES = ALERTS.with_name("prometheus.yml")
OBSERVING = (ROOT / "docs" / "observing.md").read_text(encoding="utf-8")
PROMTOOL = shutil.which("promtool")  # of Debian's package prometheus

# Prometheus' own, and those of its client for Python (on Linux).
GIVEN = {"up", "process_resident_memory_bytes", "process_cpu_seconds_total", "process_open_fds"}
TARGET = {"job", "process", "instance"}  # labels that Prometheus gives
SUFFIXES = {"counter": ("_total",), "gauge": ("",), "info": ("_info",)}
SUFFIXES["histogram"] = ("_bucket", "_count", "_sum")

_NAME = re.compile(r"\b(?:mobilis_\w+|process_\w+|up)\b(?=[{\[\s)]|$)")
_MATCHED = re.compile(r'(\w+)\s*(?:=~|!~|!=|=)\s*"')
_GROUPED = re.compile(r"\bby \(([^)]*)\)")


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """The labels of every sample that a process shows, by its name."""
    families = [f for f in REGISTRY.collect() if f.name.startswith("mobilis_")]
    labels = {
        f"{metric._name}": set(metric._labelnames)
        for metric in vars(metrics).values()
        if hasattr(metric, "_labelnames")
    }
    url = f"sqlite:///{tmp_path_factory.mktemp('gauges') / 'mobilis.db'}"
    migrate(url)
    door: Any = SimpleNamespace(settings=Settings(), database=Database(url))
    gauges: Any = Gauges(door, None)  # type: ignore[arg-type]
    gauges._health = lambda: {"brain": "ok", "actions": "ok"}
    families += list(gauges.collect())
    door.database.dispose()
    found: dict[str, set[str]] = {name: set() for name in GIVEN}
    for family in families:
        own = labels.get(family.name, set()) | {
            label for sample in family.samples for label in sample.labels
        }
        for suffix in SUFFIXES[family.type]:
            found[f"{family.name}{suffix}"] = own | ({"le"} if suffix == "_bucket" else set())
    return found


def panels() -> list[dict[str, Any]]:
    return list(json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"])


def alerts() -> list[dict[str, Any]]:
    [group] = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]
    return list(group["rules"])


def expressions() -> Iterator[tuple[str, str]]:
    for panel in panels():
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"]
    for rule in alerts():
        yield rule["alert"], rule["expr"]


@pytest.mark.parametrize(("title", "expression"), expressions())
def test_every_number_and_label_that_is_asked_for_exists(known, title, expression) -> None:
    names = set(_NAME.findall(expression))
    assert names
    assert names <= known.keys()
    labels = set(_MATCHED.findall(expression))
    labels |= {one.strip() for group in _GROUPED.findall(expression) for one in group.split(",")}
    allowed = TARGET | set().union(*(known[name] for name in names))
    assert labels <= allowed


def test_every_number_that_is_shown_is_on_the_dashboard(known) -> None:
    asked = " ".join(expression for _, expression in expressions())
    families = {re.sub(r"_(bucket|count|sum|total|info)$", "", n) for n in known.keys() - GIVEN}
    assert {name for name in families if name not in asked} == set()


def test_the_dashboard_can_be_imported() -> None:
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    assert dashboard["uid"] == "mobilis"
    assert "id" not in dashboard  # Grafana gives its own
    assert [one["name"] for one in dashboard["templating"]["list"]] == ["datasource"]
    shown = [panel for panel in panels() if panel["type"] != "row"]
    assert len({panel["id"] for panel in panels()}) == len(panels())
    for panel in shown:
        assert panel["description"].endswith(".")
        assert panel["datasource"]["uid"] == "${datasource}"
    spots = [(p["gridPos"]["x"], p["gridPos"]["y"]) for p in panels()]
    assert len(set(spots)) == len(spots)
    assert all(p["gridPos"]["x"] + p["gridPos"]["w"] <= 24 for p in panels())


def test_the_text_beside_a_curve_names_labels_that_there_are(known) -> None:
    for panel in panels():
        for target in panel.get("targets", ()):
            named = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            names = _NAME.findall(target["expr"])
            assert named <= TARGET | set().union(*(known[name] for name in names))


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule["alert"])
def test_every_alert_is_told_with_what_to_do(rule) -> None:
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert rule["annotations"]["summary"].endswith(".")
    assert re.search(rf"^\| `{rule['alert']}` \| [^|]{{20,}} \| [^|]{{20,}} \|$", OBSERVING, re.M)
    assert rule["expr"].count("(") == rule["expr"].count(")")


def test_no_alert_is_told_that_there_is_not() -> None:
    told = set(re.findall(r"^\| `(Mobilis\w+)` \|", OBSERVING, re.M))
    assert told == {rule["alert"] for rule in alerts()}


def test_prometheus_asks_every_process_at_its_port() -> None:
    [job] = yaml.safe_load(SCRAPES.read_text(encoding="utf-8"))["scrape_configs"]
    asked = [
        (one["labels"]["process"], int(target.rpartition(":")[2]))
        for one in job["static_configs"]
        for target in one["targets"]
    ]
    assert asked == [(name, 9464 + offset) for offset, name in enumerate(metrics.PROCESSES)]


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed")
@pytest.mark.parametrize(
    "arguments",
    [("check", "rules", ALERTS), ("test", "rules", ALERT_TESTS), ("check", "config", SCRAPES)],
    ids=lambda arguments: " ".join(map(str, arguments[:2])),
)
def test_prometheus_own_tool_finds_nothing_wrong(arguments) -> None:
    ended = subprocess.run([PROMTOOL, *map(str, arguments)], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr
