"""The widget's one file: its two addresses, how long they are kept, and who may load it."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from mobilis.settings import ROOT
from mobilis.web.headers import ALWAYS
from mobilis.web.widget import NOT_BUILT

SCRIPT = 'console.log("clavardage, é");\n'.encode()
HASH = hashlib.sha256(SCRIPT).hexdigest()[:12]
PINNED = f"/widget-{HASH}.js"
Get = Callable[..., httpx.Response]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose widget was not built."""
    (tmp_path / "content").symlink_to(ROOT / "content")
    return tmp_path


@pytest.fixture
def built(project: Path) -> Path:
    """A project whose widget was built."""
    dist = project / "widget" / "dist"
    dist.mkdir(parents=True)
    (dist / "widget.js").write_bytes(SCRIPT)
    (dist / "manifest.json").write_text(json.dumps({"hash": HASH}), encoding="utf-8")
    return project


@pytest.fixture
def get(open_door, built: Path) -> Get:
    """Asks the front door of the built project; httpx would ask for gzip by itself."""
    door = open_door(project_dir=built)

    def ask(path: str, method: str = "GET", **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return door.http.request(method, path, headers={"Accept-Encoding": "", **named})

    return ask


@pytest.mark.parametrize(
    ("path", "caching"),
    [("/widget.js", "public, max-age=300"), (PINNED, "public, max-age=31536000, immutable")],
)
def test_both_addresses_give_the_script_to_any_website(get: Get, path: str, caching: str) -> None:
    response = get(path)
    assert response.status_code == 200
    assert response.content == SCRIPT
    headers = dict(response.headers)
    for name in {"Date", *ALWAYS} - {"X-Content-Type-Options", "Cross-Origin-Resource-Policy"}:
        headers.pop(name.lower())  # as with every answer
    assert headers == {
        "content-type": "text/javascript; charset=utf-8",
        "content-length": str(len(SCRIPT)),
        "cache-control": caching,
        "etag": f'W/"{HASH}"',
        "vary": "Accept-Encoding, Origin",
        "access-control-allow-origin": "*",
        "cross-origin-resource-policy": "cross-origin",
        "x-content-type-options": "nosniff",
    }


@pytest.mark.parametrize("accepted", ["gzip", "br, GZIP;q=0.5", "*", "deflate, gzip ; q=0.001"])
def test_it_is_compressed_for_those_who_accept_it(get: Get, accepted: str) -> None:
    response = get("/widget.js", Accept_Encoding=accepted)
    assert response.headers["content-encoding"] == "gzip"
    assert int(response.headers["content-length"]) == len(gzip.compress(SCRIPT))
    assert response.content == SCRIPT


@pytest.mark.parametrize("accepted", ["", "br", "gzip;q=0", "gzip; q=0.00, br", "identity, *;q=0"])
def test_it_is_plain_for_all_others(get: Get, accepted: str) -> None:
    response = get("/widget.js", Accept_Encoding=accepted)
    assert "content-encoding" not in response.headers
    assert response.content == SCRIPT


@pytest.mark.parametrize("path", ["/widget.js", PINNED])
@pytest.mark.parametrize("known", [f'W/"{HASH}"', f'"{HASH}"', f'"older", W/"{HASH}"', "*"])
def test_who_has_it_already_is_told_so(get: Get, path: str, known: str) -> None:
    response = get(path, If_None_Match=known, Accept_Encoding="gzip")
    assert response.status_code == 304
    assert response.content == b""
    assert response.headers["etag"] == f'W/"{HASH}"'
    assert response.headers["cache-control"].startswith("public")
    assert response.headers["access-control-allow-origin"] == "*"
    assert "content-encoding" not in response.headers


def test_who_has_an_older_one_gets_this_one(get: Get) -> None:
    assert get("/widget.js", If_None_Match='W/"older"').content == SCRIPT


def test_its_headers_alone_may_be_asked_for(get: Get) -> None:
    response = get("/widget.js", "HEAD")
    assert response.status_code == 200
    assert response.headers["content-length"] == str(len(SCRIPT))
    assert response.content == b""


def test_another_build_is_not_at_the_address_of_this_one(get: Get) -> None:
    response = get("/widget-0123456789ab.js", Origin="https://site.example")
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "not_found"
    assert "immutable" not in response.headers.get("cache-control", "")
    assert response.headers["access-control-allow-origin"] == "*"  # or the site cannot read why


def test_it_cannot_be_sent_anything(get: Get) -> None:
    assert get("/widget.js", "POST").status_code == 405


def test_websites_that_may_not_chat_may_still_load_it(open_door, built: Path) -> None:
    http = open_door(project_dir=built, cors_origins=("https://site.example",)).http
    stranger = http.get("/widget.js", headers={"Origin": "https://other.example"})
    assert stranger.headers["access-control-allow-origin"] == "*"
    listed = http.get("/widget.js", headers={"Origin": "https://site.example"})
    assert listed.headers["access-control-allow-origin"] == "https://site.example"
    assert listed.headers["vary"] == "Accept-Encoding, Origin"


@pytest.mark.parametrize("path", ["/widget.js", PINNED])
def test_before_it_is_built_the_front_door_says_so(open_door, project, caplog, path) -> None:
    response = open_door(project_dir=project).http.get(path)
    assert response.status_code == 404
    assert response.text == NOT_BUILT
    assert [record.getMessage() for record in caplog.records].count(NOT_BUILT) == 1


def test_a_build_that_was_broken_off_is_none(open_door, built: Path) -> None:
    (built / "widget" / "dist" / "widget.js").write_bytes(SCRIPT + b"// newer")
    assert open_door(project_dir=built).http.get("/widget.js").text == NOT_BUILT
