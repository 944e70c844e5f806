"""The readable report on understanding: measures the trained model, draws, writes the page.

Called by `mobilis report`. What is measured is `mobilis.nlu.evaluation`'s and
`mobilis.nlu.learning_curve`'s, the pictures are `mobilis.nlu.figures`'s, the page is
`mobilis.nlu.report_page`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryFile

from mobilis import __version__
from mobilis.errors import MobilisError
from mobilis.live import ENCODER, MODEL
from mobilis.nlu import figures
from mobilis.nlu.evaluation import Understanding, examples, judge
from mobilis.nlu.figures import Bar, Confusion
from mobilis.nlu.learning_curve import learning_curves
from mobilis.nlu.measured import IN_SCOPE, OUTSIDE, WORDS, Language, measured
from mobilis.nlu.report_page import page
from mobilis.training import INGREDIENTS, is_due

FOLDER = Path("docs") / "understanding"
NAMES = {"fr": "French", "en": "English"}
FILES = "tests/evaluation/intents.{}.tsv"
_HASH = 12  # digits of it that are shown

Say = Callable[[str], None]


class ReportRefused(MobilisError):
    """The report cannot be written; the message names the folder."""


def report(root: Path, folder: Path, say: Say) -> list[Path]:
    """Measure, and write the page and its pictures into `folder`; what was written. `say` is told
    how far it is: it takes minutes.

    Raises:
        EvaluationRefused: no model, or an evaluation file is wrong.
        ReportRefused: `folder` cannot be written.
    """
    _make(folder)
    paths = {language: root / FILES.format(language) for language in NAMES}
    # A wrong file is told before the model is loaded.
    rows = {language: examples("intents", path) for language, path in paths.items()}
    model = Understanding(root)
    judged = {}
    for language, path in paths.items():
        say(f"asking what the {NAMES[language]} messages mean")
        judged[language] = judge("intents", path, rows[language], model)
    curves = learning_curves(model, root, paths, say)
    languages = [measured(NAMES[code], judged[code], curves[code]) for code in NAMES]
    return write(folder, facts(root, model), languages)


def write(folder: Path, told: dict[str, str], languages: Sequence[Language]) -> list[Path]:
    """The page and the pictures, written into `folder`."""
    files = {f"{name}.svg": svg for name, svg in pictures(languages).items()}
    files["README.md"] = page(told, languages)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in files]


def pictures(languages: Sequence[Language]) -> dict[str, str]:
    """Every picture of the page: name → SVG."""
    drawn = {
        "outcomes": figures.outcomes("What visitors get", _bars(languages)),
        "reliability": figures.reliability(
            "Is it right as often as it is sure?",
            {one.name: (one.report["expected_calibration_error"], one.bins) for one in languages},
        ),
        "learning_curve": figures.learning_curve(
            "Accuracy by number of phrasings", {one.name: one.curve for one in languages}
        ),
    }
    for language in languages:
        pairs = [Confusion(*pair[:3]) for pair in language.confused]
        wrong, total = sum(pair.times for pair in pairs), language.report["n"]
        title = f"{language.name}: {wrong} of {total} messages taken for another label"
        if pairs:
            name = f"confusion_{language.name.lower()}"
            drawn[name] = figures.confusion(title, pairs, language.totals)
    return drawn


def _bars(languages: Sequence[Language]) -> list[Bar]:
    bars = []
    for place, kinds in (("in scope", IN_SCOPE), ("out of scope", OUTSIDE)):
        for language in languages:
            parts = [
                (share, WORDS.get(kind, kind), language.outcomes.get(kind, 0))
                for kind, share in kinds.items()
            ]
            bars.append(Bar(f"{language.name}, {place}", parts))
    return [bar for bar in bars if any(count for _, _, count in bar.parts)]


def facts(root: Path, model: Understanding) -> dict[str, str]:
    """Of what and when the report is: dates, versions, hashes."""
    trained = model.agent.processor.model_metadata.trained_at
    due = "; older than what it is made from" if is_due(root) else ""
    return {
        "made": f"{datetime.now(timezone.utc):%Y-%m-%d}, mobilis {__version__}",
        "model": f"`{_hash([root / MODEL])}`, trained {trained:%Y-%m-%d %H:%M} UTC{due}",
        "content": f"`{content_hash(root)}` (what is taught, and Rasa's files)",
        "encoder": f"`{(root / ENCODER).read_text(encoding='utf-8')}`",
        "messages": ", ".join(f"`{FILES.format(language)}`" for language in NAMES),
    }


def content_hash(root: Path) -> str:
    """What tells the content that a model is made from; the same on every machine."""
    patterns = [pattern for pattern in INGREDIENTS if pattern.endswith(".yml")]
    return _hash(sorted(path for pattern in patterns for path in root.glob(pattern)))


def _hash(paths: Sequence[Path]) -> str:
    digest = sha256()
    for path in paths:
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:_HASH]


def _make(folder: Path) -> None:
    """Make `folder`, and see that it can be written before minutes are spent."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            return
    except OSError as error:
        raise ReportRefused(f"{folder}: {error.strerror}") from None
