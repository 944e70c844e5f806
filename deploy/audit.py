"""Known vulnerabilities of what is locked, against those that were reviewed: `make audit`.

Reads the lock files, asks the advisory services (OSV by pip-audit, npm's own by npm audit), and
holds what they know against requirements/advisories.toml. Needs nothing of mobilis.

Ends with 0 when every advisory was reviewed and every review still counts, 1 when not, and 2 when a
service cannot be asked or the file of reviews is wrong: no answer is not a good answer.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import tomllib

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ("brain", "door", "uv")
REVIEWS = ROOT / "requirements" / "advisories.toml"
FIELDS = {"id": str, "package": str, "why": str, "reviewed": date, "until": date}
LONGEST_REVIEW = timedelta(days=366)
SHORTEST_WHY = 20  # characters
PATIENCE = 900  # seconds for one service


class NotAudited(Exception):
    """A service was not asked, or the reviews cannot be read; says which, and why."""


@dataclass(frozen=True)
class Finding:
    """A vulnerability that a service knows of something locked."""

    where: str
    package: str
    version: str
    ids: frozenset[str]
    fixed: str

    def __str__(self) -> str:
        mend = f"mended in {self.fixed}" if self.fixed else "not mended yet"
        return f"{self.where}: {self.package} {self.version}: {', '.join(sorted(self.ids))}; {mend}"


@dataclass(frozen=True)
class Review:
    """Why an advisory cannot be used against mobilis, by whom it was decided until when."""

    id: str
    package: str
    why: str
    reviewed: date
    until: date

    def meets(self, finding: Finding) -> bool:
        return self.id in finding.ids and canonical(self.package) == canonical(finding.package)

    def __str__(self) -> str:
        return f"{self.package}: {self.id}"


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def read_reviews(path: Path, today: date) -> list[Review]:
    """The reviews of a file. Raises NotAudited, naming the entry and the field."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise NotAudited(f"{path.name}: cannot be read: {error}") from None
    entries = data.pop("advisory", [])
    if data or not isinstance(entries, list):
        raise NotAudited(f"{path.name}: nothing but [[advisory]] is expected")
    reviews = [_review(f"{path.name}: advisory {n}", e, today) for n, e in enumerate(entries, 1)]
    seen: set[tuple[str, str]] = set()
    for review in reviews:
        if (review.id, canonical(review.package)) in seen:
            raise NotAudited(f"{path.name}: {review} stands there twice")
        seen.add((review.id, canonical(review.package)))
    return reviews


def _review(where: str, entry: Any, today: date) -> Review:
    if not isinstance(entry, dict) or set(entry) != set(FIELDS):
        raise NotAudited(f"{where}: {', '.join(FIELDS)} are expected, all of them, nothing else")
    for name, kind in FIELDS.items():
        if type(entry[name]) is not kind or entry[name] == "":
            raise NotAudited(f"{where}: {name}: a {kind.__name__} is expected")
    review = Review(**entry)
    if len(review.why) < SHORTEST_WHY:
        raise NotAudited(f"{where}: why: say why it cannot be reached here")
    if not review.reviewed <= min(today, review.until):
        raise NotAudited(f"{where}: reviewed: it is in the future, or after until")
    if review.until - review.reviewed > LONGEST_REVIEW:
        raise NotAudited(f"{where}: until: a year after the review at most")
    return review


def python_findings(name: str, lock: Path, osv: str) -> Iterator[Finding]:
    """What OSV knows of a lock of Python packages."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(lock), "--disable-pip"]
    command += ["--require-hashes", "--vulnerability-service", "osv", "--format", "json"]
    command += ["--progress-spinner", "off", *(["--osv-url", osv] if osv else [])]
    answer = _json(name, command)
    if "dependencies" not in answer:
        raise NotAudited(f"{name}: the service did not answer as one does")
    for one in answer["dependencies"]:
        if "skip_reason" in one:
            raise NotAudited(f"{name}: {one['name']} was not looked up: {one['skip_reason']}")
        for known in one["vulns"]:
            ids = frozenset([known["id"], *known["aliases"]])
            fixed = ", ".join(known["fix_versions"])
            yield Finding(name, one["name"], one["version"], ids, fixed)


def npm_findings(folder: Path, registry: str) -> Iterator[Finding]:
    """What npm's registry knows of the widget's lock."""
    command = ["npm", "--prefix", str(folder), "audit", "--package-lock-only", "--json"]
    answer = _json("widget", [*command, *(["--registry", registry] if registry else [])])
    if "vulnerabilities" not in answer:
        why = answer.get("message") or answer.get("error") or "it did not answer as one does"
        raise NotAudited(f"widget: npm audit: {why}")
    locked = json.loads((folder / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    for name, known in answer["vulnerabilities"].items():
        for cause in known["via"]:
            if isinstance(cause, dict):  # else the name of another package that is listed too
                id = cause["url"].rpartition("/")[2]
                version = locked.get(f"node_modules/{name}", {}).get("version", "")
                fix = known.get("fixAvailable")
                fixed = fix["version"] if isinstance(fix, dict) else "a newer one" if fix else ""
                yield Finding("widget", name, version, frozenset([id]), fixed)


def _json(name: str, command: list[str]) -> dict[str, Any]:
    """What a program prints, whatever it ends with: 1 means that something was found."""
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
        answer = json.loads(ended.stdout)
    except FileNotFoundError:
        raise NotAudited(f"{name}: {command[0]} is not installed") from None
    except subprocess.TimeoutExpired:
        raise NotAudited(f"{name}: no answer after {PATIENCE} s") from None
    except ValueError:
        said = ended.stderr.strip().splitlines() or ["it said nothing"]
        raise NotAudited(f"{name}: the advisories cannot be had: {said[-1][:300]}") from None
    return answer if isinstance(answer, dict) else {}


def problems(findings: Iterable[Finding], reviews: list[Review], today: date) -> Iterator[str]:
    """What must be looked at; nothing when all is reviewed."""
    met: set[Review] = set()
    for finding in findings:
        counting = [review for review in reviews if review.meets(finding)]
        met.update(counting)
        if not counting:
            yield f"new       {finding}"
    for review in reviews:
        if review not in met:
            yield f"obsolete  {review} is known of nothing that is locked: take it out"
        elif review.until < today:
            yield f"expired   {review} was reviewed until {review.until}: look again"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--osv", default="", metavar="URL", help="another OSV service")
    parser.add_argument("--registry", default="", metavar="URL", help="another npm registry")
    parser.add_argument("--reviews", type=Path, default=REVIEWS, metavar="FILE")
    parser.add_argument("--locks", type=Path, default=ROOT / "requirements", metavar="FOLDER")
    parser.add_argument("--widget", type=Path, default=ROOT / "widget", metavar="FOLDER")
    parser.add_argument("--today", type=date.fromisoformat, default=date.today(), metavar="DATE")
    parser.add_argument("--json", action="store_true", help="for a program")
    options = parser.parse_args(arguments)
    try:
        reviews = read_reviews(options.reviews, options.today)
        findings: list[Finding] = []
        for name in LOCKS:
            print(f"== asking about {name}.lock", file=sys.stderr)
            findings += python_findings(name, options.locks / f"{name}.lock", options.osv)
        print("== asking about the widget's package-lock.json", file=sys.stderr)
        findings += npm_findings(options.widget, options.registry)
    except NotAudited as error:
        print(f"audit: {error}", file=sys.stderr)
        return 2
    found = list(problems(findings, reviews, options.today))
    if options.json:
        known = len({(f.package, f.ids) for f in findings})
        print(json.dumps({"known": known, "reviewed": len(reviews), "problems": found}))
    else:
        print("\n".join([*found, f"{len(findings)} known, {len(found)} to look at"]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
