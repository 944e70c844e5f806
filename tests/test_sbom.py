"""`make sbom`: what is written is CycloneDX, and says of each lock no more and no less."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from deploy import sbom
from mobilis.settings import ROOT

pytestmark = pytest.mark.pure

LOCKS = ROOT / "requirements"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Each bill of materials as it was written; all were checked against their schema."""
    folder = tmp_path_factory.mktemp("sbom") / "new"
    assert sbom.main([str(folder)]) == 0
    return {path.name: json.loads(path.read_text("utf-8")) for path in folder.iterdir()}


def pinned(name: str) -> set[str]:
    text = (LOCKS / f"{name}.lock").read_text(encoding="utf-8")
    return set(re.findall(r"^([\w.-]+==[^ ]+) \\$", text, re.MULTILINE))


@pytest.mark.parametrize("name", sbom.LOCKS)
def test_it_lists_what_is_locked(written, name):
    listed = written[f"{name}.cdx.json"]["components"]
    assert {f"{one['name']}=={one['version']}" for one in listed} == pinned(name)
    assert {one["purl"] for one in listed} == {one["bom-ref"] for one in listed}


@pytest.mark.parametrize("name", sbom.LOCKS)
def test_it_has_every_hash_of_the_lock(written, name):
    text = (LOCKS / f"{name}.lock").read_text(encoding="utf-8")
    listed = written[f"{name}.cdx.json"]["components"]
    hashes = [known["content"] for one in listed for known in one["hashes"]]
    assert sorted(hashes) == sorted(re.findall(r"sha256:([0-9a-f]{64})", text))


def test_it_says_which_package_is_there_for_which(written):
    wants = {
        one["ref"]: one.get("dependsOn", []) for one in written["door.cdx.json"]["dependencies"]
    }
    [starlette] = [ref for ref in wants if ref.startswith("pkg:pypi/starlette@")]
    [anyio] = [ref for ref in wants if ref.startswith("pkg:pypi/anyio@")]
    assert anyio in wants[starlette]
    assert starlette in wants["mobilis-door"]
    assert anyio not in wants["mobilis-door"]
    reached, ahead = set(), ["mobilis-door"]
    while ahead:
        one = ahead.pop()
        reached.add(one)
        ahead += [ref for ref in wants.get(one, []) if ref not in reached]
    assert reached == set(wants), "everything is there for something"


def test_it_lists_what_the_widget_is_built_with(written):
    lock = json.loads((ROOT / "widget" / "package-lock.json").read_text(encoding="utf-8"))
    locked = {
        f"{path.rpartition('node_modules/')[2]}@{one['version']}"
        for path, one in lock["packages"].items()
        if path
    }
    listed = {f"{one['name']}@{one['version']}" for one in written["widget.cdx.json"]["components"]}
    assert {name for name in locked if "esbuild@" in name} <= listed
    assert listed <= locked


def test_what_is_no_bill_of_materials_is_seen():
    good = sbom.write_python("door", sbom.read_lock(LOCKS / "door.lock"))
    sbom.check("door", good)
    for wrong in (
        good.replace('"bomFormat": "CycloneDX"', '"bomFormat": "other"'),
        good.replace('"type": "library"', '"type": "book"', 1),
        good.replace('"specVersion": "1.6"', '"specVersion": "9.9"'),
        "{}",
        "no JSON",
    ):
        assert wrong != good
        with pytest.raises(sbom.NotListed, match=r"^door: "):
            sbom.check("door", wrong)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "without hashes: there is nothing"),
        ("starlette==1.0\n", "without hashes: starlette"),
        ("starlette>=1.0\n", "line 1: a package with its version is expected"),
    ],
)
def test_a_lock_that_is_none_is_refused(tmp_path: Path, capsys: Any, text: str, why: str) -> None:
    for name in sbom.LOCKS:
        (tmp_path / f"{name}.lock").write_text(text)
    assert sbom.main([str(tmp_path / "out"), "--locks", str(tmp_path)]) == 1
    assert capsys.readouterr().err == f"sbom: brain.lock: {why}\n"
    assert not (tmp_path / "out").exists()


def test_without_npm_nothing_is_written(tmp_path: Path, capsys: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert sbom.main([str(tmp_path / "out")]) == 1
    assert capsys.readouterr().err.startswith("sbom: widget: npm sbom: ")
    assert not (tmp_path / "out").exists()


def test_a_widget_without_a_lock_is_refused(tmp_path: Path, capsys: Any) -> None:
    shutil.copy(ROOT / "widget" / "package.json", tmp_path)
    assert sbom.main([str(tmp_path / "out"), "--widget", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith("sbom: widget: npm sbom: ")
