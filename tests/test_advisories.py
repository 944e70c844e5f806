"""`make audit`: known vulnerabilities held against those reviewed. The advisory services are fakes
on loopback, since no test asks the real ones; pip-audit and npm are real."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from loopback import LoopbackServer

from deploy import audit
from mobilis.settings import ROOT

pytestmark = pytest.mark.pure

LOCKS = audit.LOCKS
TODAY = date(2026, 11, 26)
WHY = "it is never given anything that a visitor wrote"
LOCK = "{name}=={version} \\\n    --hash=sha256:" + "0" * 64 + "\n"
ENTRY = """
[[advisory]]
id = "{id}"
package = "{package}"
why = "{why}"
reviewed = {reviewed}
until = {until}
"""


class Services:
    """OSV, and npm's registry."""

    def __init__(self) -> None:
        self.osv: dict[str, list[dict[str, Any]]] = {}
        self.npm: dict[str, list[dict[str, Any]]] = {}
        self.asked: list[str] = []
        self.broken: Callable[[BaseHTTPRequestHandler], None] | None = None
        self._server = LoopbackServer(self._handler())
        self.url = self._server.url
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        services = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                asked = json.loads(body)
                if services.broken:
                    services.broken(self)
                elif self.path == "/osv":
                    package = asked["package"]["name"]
                    services.asked.append(f"{package}=={asked['version']}")
                    known = services.osv.get(package, [])
                    send(self, 200, {"vulns": known} if known else {})
                else:
                    services.asked += asked
                    send(
                        self,
                        200,
                        {name: services.npm[name] for name in asked if name in services.npm},
                    )

            def do_GET(self) -> None:
                name = self.path.strip("/")
                send(self, 200, {"name": name, "dist-tags": {"latest": "9.0.0"}, "versions": {}})

            def log_message(self, *args: Any) -> None:
                pass

        return Handler


def send(handler: BaseHTTPRequestHandler, status: int, content: Any) -> None:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    handler.send_response(status)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


@pytest.fixture
def services() -> Iterator[Services]:
    made = Services()
    yield made
    made.stop()


def advisory(id: str, package: str, *aliases: str, **more: Any) -> dict[str, Any]:
    """What OSV says of a vulnerability."""
    events = [{"introduced": "0"}, {"fixed": "9.0.0"}]
    return {
        "id": id,
        "aliases": list(aliases),
        "summary": "Something bad",
        "affected": [
            {
                "package": {"name": package, "ecosystem": "PyPI"},
                "ranges": [{"type": "ECOSYSTEM", "events": events}],
            }
        ],
        **more,
    }


def reviewed(id: str, package: str, **more: Any) -> str:
    usual = {"why": WHY, "reviewed": TODAY, "until": TODAY + timedelta(days=90)}
    return ENTRY.format(id=id, package=package, **{**usual, **more})


@pytest.fixture
def run(
    services: Services, tmp_path: Path, capfd: Any, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str]]:
    """Runs the command on a lock of one package; its exit code and what it said."""
    monkeypatch.setattr(audit, "LOCKS", ("brain",))
    for name, package in (("brain", "tensorflow"), ("door", "starlette"), ("uv", "uv")):
        (tmp_path / f"{name}.lock").write_text(LOCK.format(name=package, version="1.0.0"))
    widget = tmp_path / "widget"
    widget.mkdir()
    packages = {
        "": {"name": "w", "version": "1.0.0", "dependencies": {"leftpad": "1.0.0"}},
        "node_modules/leftpad": {"version": "1.0.0"},
    }
    (widget / "package.json").write_text(json.dumps(packages[""]))
    lock = {"name": "w", "version": "1.0.0", "lockfileVersion": 3, "packages": packages}
    (widget / "package-lock.json").write_text(json.dumps(lock))

    def go(reviews: str = "", **more: str) -> tuple[int, str]:
        (tmp_path / "advisories.toml").write_text(reviews)
        given = {
            "osv": f"{services.url}/osv",
            "registry": f"{services.url}/",
            "reviews": str(tmp_path / "advisories.toml"),
            "locks": str(tmp_path),
            "widget": str(widget),
            "today": TODAY.isoformat(),
            **more,
        }
        arguments = [part for name, value in given.items() for part in (f"--{name}", value)]
        code = audit.main(arguments)
        said = capfd.readouterr()
        return code, said.out + said.err

    return go


def test_nothing_known_is_well_and_everything_was_asked_about(services, run, monkeypatch):
    monkeypatch.setattr(audit, "LOCKS", LOCKS)
    code, said = run()
    assert (code, said.splitlines()[-5:][0]) == (0, "0 known, 0 to look at")
    assert set(services.asked) == {"tensorflow==1.0.0", "starlette==1.0.0", "uv==1.0.0", "leftpad"}


def test_what_nobody_reviewed_fails(services, run):
    services.osv["tensorflow"] = [advisory("GHSA-1", "tensorflow", "CVE-2026-1")]
    code, said = run()
    assert code == 1
    expected = "new       brain: tensorflow 1.0.0: CVE-2026-1, GHSA-1; mended in 9.0.0"
    assert expected in said.splitlines()


@pytest.mark.parametrize("id", ["GHSA-1", "CVE-2026-1"])
def test_what_was_reviewed_under_any_of_its_names_passes(services, run, id):
    services.osv["tensorflow"] = [advisory("GHSA-1", "tensorflow", "CVE-2026-1")]
    assert run(reviewed(id, "TensorFlow"))[0] == 0


def test_a_review_is_of_one_package(services, run):
    services.osv["tensorflow"] = [advisory("GHSA-1", "tensorflow")]
    code, said = run(reviewed("GHSA-1", "starlette"))
    assert code == 1
    assert "new       brain: tensorflow" in said
    assert "obsolete  starlette: GHSA-1 is known of nothing that is locked: take it out" in said


def test_a_review_counts_until_its_day_and_no_longer(services, run):
    services.osv["tensorflow"] = [advisory("GHSA-1", "tensorflow")]
    dates = {"reviewed": TODAY - timedelta(days=9), "until": TODAY}
    assert run(reviewed("GHSA-1", "tensorflow", **dates))[0] == 0
    tomorrow = {"today": (TODAY + timedelta(days=1)).isoformat()}
    code, said = run(reviewed("GHSA-1", "tensorflow", **dates), **tomorrow)
    assert code == 1
    assert "expired   tensorflow: GHSA-1 was reviewed until 2026-11-26: look again" in said


def test_a_review_of_what_is_not_known_any_more_fails(run):
    code, said = run(reviewed("GHSA-1", "tensorflow"))
    assert code == 1
    assert "obsolete  tensorflow: GHSA-1" in said


def test_a_withdrawn_advisory_is_none(services, run):
    withdrawn = advisory("GHSA-1", "tensorflow", withdrawn="2026-01-01T00:00:00Z")
    services.osv["tensorflow"] = [withdrawn]
    assert run()[0] == 0


def test_the_widget_is_asked_about_too(services, run):
    services.npm["leftpad"] = [
        {
            "id": 7,
            "url": "https://github.com/advisories/GHSA-left-pad",
            "title": "Something bad",
            "severity": "high",
            "vulnerable_versions": "<2.0.0",
        }
    ]
    code, said = run()
    assert code == 1
    assert "new       widget: leftpad 1.0.0: GHSA-left-pad" in said
    assert run(reviewed("GHSA-left-pad", "leftpad"))[0] == 0


@pytest.mark.parametrize(
    "broken",
    [
        lambda handler: send(handler, 500, {}),
        lambda handler: send(handler, 429, {}),
        lambda handler: send(handler, 200, b"<html>sign in to this network</html>"),
        lambda handler: handler.connection.close(),
    ],
    ids=["500", "429", "no JSON", "hangs up"],
)
def test_a_service_that_does_not_answer_is_no_good_answer(services, run, broken):
    services.broken = broken
    code, said = run()
    assert code == 2
    assert "audit: brain: the advisories cannot be had: " in said


def test_a_registry_that_does_not_answer_is_none_either(run):
    code, said = run(registry="http://127.0.0.1:9/")
    assert code == 2
    assert "audit: widget: npm audit: " in said


def test_what_cannot_be_looked_up_is_not_passed_over(run, tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "brain.lock").write_text("tensorflow>=1\n")
    code, said = run(locks=str(tmp_path / "other"))
    assert code == 2
    assert "audit: brain: " in said


def test_without_npm_nothing_is_said_to_be_well(run, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    code, said = run()
    assert (code, said.splitlines()[-1]) == (2, "audit: widget: npm is not installed")


def test_a_service_that_takes_for_ever_is_given_up(run, services, monkeypatch):
    ready = threading.Event()
    services.broken = lambda handler: ready.wait(20) and None
    monkeypatch.setattr(audit, "PATIENCE", 1)
    code, said = run()
    ready.set()
    assert (code, said.splitlines()[-1]) == (2, "audit: brain: no answer after 1 s")


@pytest.mark.parametrize(
    ("reviews", "why"),
    [
        ("x = 1", "nothing but [[advisory]] is expected"),
        ("[advisory]\nid = 'x'", "nothing but [[advisory]] is expected"),
        ("[[advisory", "cannot be read"),
        ("[[advisory]]\nid = 'x'", "advisory 1: id, package, why, reviewed, until are expected"),
        (reviewed("A", "b") + "more = 1", "advisory 1: id, package, why"),
        (reviewed("", "b"), "advisory 1: id: a str is expected"),
        (reviewed("A", "b", until='"2027"'), "advisory 1: until: a date is expected"),
        (reviewed("A", "b", why="no"), "advisory 1: why: say why it cannot be reached here"),
        (reviewed("A", "b", reviewed="2026-11-27"), "advisory 1: reviewed: it is in the future"),
        (reviewed("A", "b", until="2026-11-25"), "advisory 1: reviewed: it is in the future"),
        (reviewed("A", "b", until="2027-12-26"), "advisory 1: until: a year after the review"),
        (reviewed("A", "b") + reviewed("A", "B"), "B: A stands there twice"),
    ],
)
def test_reviews_that_say_too_little_are_refused(run, reviews, why):
    code, said = run(reviews)
    assert code == 2
    assert f"audit: advisories.toml: {why}" in said


def test_a_program_gets_json(services, run, tmp_path):
    services.osv["starlette"] = [advisory("GHSA-1", "starlette")]
    run()
    command = [sys.executable, str(ROOT / "deploy" / "audit.py"), "--json"]
    command += ["--osv", f"{services.url}/osv", "--registry", f"{services.url}/"]
    command += ["--locks", str(tmp_path), "--widget", str(tmp_path / "widget")]
    (tmp_path / "none.toml").write_text("")
    ended = subprocess.run(
        [*command, "--reviews", str(tmp_path / "none.toml")], capture_output=True, text=True
    )
    assert ended.returncode == 1, ended.stderr
    told = json.loads(ended.stdout)
    assert (told["known"], told["reviewed"], len(told["problems"])) == (1, 0, 1)


# The file of reviews


def test_our_reviews_can_be_read_and_are_of_what_is_locked():
    reviews = audit.read_reviews(audit.REVIEWS, date.today())
    locks = "".join((ROOT / "requirements" / f"{name}.lock").read_text() for name in LOCKS)
    widget = (ROOT / "widget" / "package-lock.json").read_text()
    assert reviews
    for review in reviews:
        assert f"\n{audit.canonical(review.package)}==" in locks or review.package in widget, review


def test_the_documentation_counts_our_reviews():
    reviews = audit.read_reviews(audit.REVIEWS, date.today())
    packages = {review.package for review in reviews}
    words = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    assert f"{len(reviews)} advisories of {len(packages)} packages" in words
