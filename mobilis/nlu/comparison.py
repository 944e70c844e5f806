"""What would change, label by label, if another model took the place of the present one.

Both are asked the same messages, as `mobilis.nlu.evaluation` does, with the code and the content of
today. Called by the command line.
"""

from __future__ import annotations

import tarfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mobilis.encoders import encoder_name
from mobilis.live import MODEL
from mobilis.nlu.component import ENCODER_FILE
from mobilis.nlu.evaluation import (
    UNFIT,
    EvaluationRefused,
    Judged,
    Understanding,
    examples,
    judge,
    report_on,
)
from mobilis.settings import load_settings

KINDS = ("fixed", "broken", "otherwise")
Pair = tuple[Judged, Judged]  # one message, by the present model and by the other


def compare(what: str, path: Path, root: Path, other: Path) -> dict[str, Any]:
    """What `other` understands of `path` beside the present model: `n`; `before` and `after`, the
    figures of `evaluate`; `labels`, {label: {n, right_before, right_after}}; and the messages that
    change: `fixed`, `broken`, and `otherwise` (as right as before, but another label or outcome).

    Raises:
        EvaluationRefused: a file or a model cannot be used, or a line is wrong.
    """
    rows = examples(what, path)
    for model in (root / MODEL, other):
        _check_encoder(model)
    before = judge(what, path, rows, Understanding(root))
    after = judge(what, path, rows, Understanding(root, other))
    pairs = list(zip(before, after, strict=True))
    changed = [pair for pair in pairs if _seen(pair[0]) != _seen(pair[1])]
    return {
        "n": len(rows),
        "before": _figures(what, before),
        "after": _figures(what, after),
        "labels": _by_label(pairs),
        **{kind: [_change(pair) for pair in changed if _kind(pair) == kind] for kind in KINDS},
    }


def trained_for(model: Path) -> str | None:
    """The name of the encoder that a model's file was trained for, or None when it tells none."""
    try:
        with tarfile.open(model) as archive:
            for member in archive:
                if Path(member.name).name == ENCODER_FILE and member.isfile():
                    file = archive.extractfile(member)
                    return file.read().decode("utf-8") if file else None
    except (OSError, tarfile.TarError, EOFError):
        return None
    return None


def _check_encoder(model: Path) -> None:
    """A model without vectors of its own encoder would still answer, but worse."""
    if not model.is_file():
        return  # which is told when it is loaded
    here, there = encoder_name(load_settings().encoder), trained_for(model)
    if there is None:
        raise EvaluationRefused(f"{model}: {UNFIT}")
    if here != there:
        raise EvaluationRefused(
            f"{model}: it was trained for the encoder {there}, and the present one is {here}"
        )


def _seen(one: Judged) -> tuple[str, str]:
    return one.got, one.outcome


def _kind(pair: Pair) -> str:
    right = [one.got == one.expected for one in pair]
    if right[0] == right[1]:
        return "otherwise"
    return "fixed" if right[1] else "broken"


def _figures(what: str, judged: list[Judged]) -> dict[str, Any]:
    return {k: v for k, v in report_on(what, judged).items() if k not in ("n", "errors")}


def _by_label(pairs: Sequence[Pair]) -> dict[str, dict[str, int]]:
    n = Counter(one.expected for one, _ in pairs)
    right = [Counter(p[i].expected for p in pairs if p[i].got == p[i].expected) for i in (0, 1)]
    return {
        label: {"n": n[label], "right_before": right[0][label], "right_after": right[1][label]}
        for label in sorted(n)
    }


def _change(pair: Pair) -> dict[str, Any]:
    before, after = ({"label": one.got, **_judgement(one)} for one in pair)
    return {"text": pair[0].text, "expected": pair[0].expected, "before": before, "after": after}


def _judgement(one: Judged) -> dict[str, Any]:
    outcome = {"outcome": one.outcome} if one.outcome else {}
    return {"confidence": round(one.confidence, 4), **outcome}


def to_text(report: dict[str, Any]) -> str:
    """The comparison for a reader: the figures, the labels that change, every message."""
    lines = [f"n: {report['n']}"]
    for name, old in report["before"].items():
        new = report["after"][name]
        lines.append(f"{name.replace('_', ' ')}: {old} → {new} ({new - old:+g})")
    lines.append("right by label, of how many:")
    width = max(len(label) for label in report["labels"])
    for label, row in report["labels"].items():
        difference = row["right_after"] - row["right_before"]
        changed = f"  {difference:+d}" if difference else ""
        counts = f"{row['right_before']:4} → {row['right_after']:3} of {row['n']:3}"
        lines.append(f"  {label:{width}} {counts}{changed}")
    for kind in KINDS:
        lines.append(f"{kind}: {len(report[kind])}")
        lines += [_as_line(change) for change in report[kind]]
    return "\n".join(lines)


def _as_line(change: dict[str, Any]) -> str:
    before, after = (_told(change[when]) for when in ("before", "after"))
    return f"  {change['expected']}: {before} → {after}  {change['text']}"


def _told(judgement: dict[str, Any]) -> str:
    outcome = f", {judgement['outcome']}" if "outcome" in judgement else ""
    return f"{judgement['label']} ({judgement['confidence']:.2f}{outcome})"
