"""What brain, front door and widget are made of, as CycloneDX 1.6: `make sbom`.

Reads the lock files alone: versions, hashes and which package is there for which other. Needs
nothing of mobilis; each file is checked against CycloneDX's schema before it is written.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import tomllib
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ("brain", "door")
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_VIA = re.compile(r"^ +# +(?:via +)?([A-Za-z0-9._-]+)$")


class NotListed(Exception):
    """A lock cannot be read, or what came of it is no bill of materials; says which, and why."""


@dataclass
class Locked:
    """One package of a lock; `wanted_by` are packages, or nothing when a requirement file is."""

    name: str
    version: str
    hashes: list[str] = field(default_factory=list)
    wanted_by: list[str] = field(default_factory=list)


def read_lock(path: Path) -> list[Locked]:
    """The packages of a lock that uv wrote. Raises NotListed."""
    found: list[Locked] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if pinned := _PINNED.match(line):
            found.append(Locked(pinned[1], pinned[2]))
        elif not line.strip() or line.startswith("#"):
            continue
        elif not found:
            raise NotListed(f"{path.name}: line {number}: a package with its version is expected")
        elif known := _HASH.search(line):
            found[-1].hashes.append(known[1])
        elif via := _VIA.match(line):
            found[-1].wanted_by.append(via[1])
    bare = [one.name for one in found if not one.hashes]
    if not found or bare:
        raise NotListed(f"{path.name}: without hashes: {', '.join(bare) or 'there is nothing'}")
    return found


def write_python(name: str, locked: Iterable[Locked]) -> str:
    """The bill of materials of a lock of Python packages."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    whole = Component(
        name=f"mobilis-{name}",
        version=project["version"],
        type=ComponentType.APPLICATION,
        bom_ref=f"mobilis-{name}",
        licenses=[LicenseExpression(project["license"]["text"])],
    )
    bom = Bom()
    bom.metadata.component = whole
    parts = {one.name: (one, _component(one)) for one in locked}
    for _, part in parts.values():
        bom.components.add(part)
    for one, part in parts.values():
        wanting = [parts[by][1] for by in one.wanted_by if by in parts] or [whole]
        for by in wanting:
            bom.register_dependency(by, [part])
    return JsonV1Dot6(bom).output_as_string(indent=1)


def _component(one: Locked) -> Component:
    url = PackageURL("pypi", None, one.name.lower().replace("_", "-"), one.version)
    return Component(
        name=one.name,
        version=one.version,
        type=ComponentType.LIBRARY,
        bom_ref=url.to_string(),
        purl=url,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=known) for known in one.hashes],
    )


def write_widget(folder: Path) -> str:
    """The bill of materials of the widget, by npm itself."""
    command = ["npm", "--prefix", str(folder), "sbom", "--sbom-format", "cyclonedx"]
    command += ["--package-lock-only", "--sbom-type", "application"]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, check=True)
        return json.dumps(json.loads(ended.stdout), indent=1, ensure_ascii=False)
    except (OSError, subprocess.CalledProcessError, ValueError) as error:
        raise NotListed(f"widget: npm sbom: {error}") from None


def check(name: str, text: str) -> None:
    """Raise NotListed unless a bill of materials is one."""
    try:
        version = SchemaVersion.from_version(json.loads(text)["specVersion"])
        wrong = JsonStrictValidator(version).validate_str(text)
    except (ValueError, KeyError, AttributeError) as error:
        raise NotListed(f"{name}: no bill of materials: {error!r}") from None
    if wrong:
        raise NotListed(f"{name}: {wrong}")


def bills(locks: Path, widget: Path) -> Iterator[tuple[str, str]]:
    """Each bill of materials by name, checked."""
    for name in LOCKS:
        text = write_python(name, read_lock(locks / f"{name}.lock"))
        check(name, text)
        yield name, text
    text = write_widget(widget)
    check("widget", text)
    yield "widget", text


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where to write brain, door and widget .cdx.json")
    parser.add_argument("--locks", type=Path, default=ROOT / "requirements", metavar="FOLDER")
    parser.add_argument("--widget", type=Path, default=ROOT / "widget", metavar="FOLDER")
    options = parser.parse_args(arguments)
    try:
        made = dict(bills(options.locks, options.widget))
        options.folder.mkdir(parents=True, exist_ok=True)
        for name, text in made.items():
            path = options.folder / f"{name}.cdx.json"
            path.write_text(text + "\n", encoding="utf-8")
            print(f"{path}: {len(json.loads(text)['components'])} components")
    except (NotListed, OSError) as error:
        print(f"sbom: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
