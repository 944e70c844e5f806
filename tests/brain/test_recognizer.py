"""What finds names: a part of spaCy's French model that finds what the whole model finds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import spacy
from spacy.language import Language

from mobilis.nlu import recognizer
from mobilis.nlu.derived import MODEL, made_once, model_folder, the_recognizer
from mobilis.nlu.encoder import CACHE
from mobilis.settings import ROOT

MOST_MEGABYTES = 40  # the whole model: 250

SIGNATURES = [
    "Marie Tremblay, Centraide du Grand Montréal, marie@example.org",
    "Jean-François Côté-Gagné, La Maison-des-jeunes de Saint-Hyacinthe",
    "L'Association québécoise des aînés (AQA), à l'attention de Mme Ève Saint-Pierre",
    "John O'Brien, United Way of Greater Toronto",
    "aujourd'hui, Pierre-Luc D'Amours est-il là? M. Lévesque, peut-être",
    "Σωκράτης Παπαδόπουλος, Анна-Мария Иванова",
    "ÉLISE GAGNON / CENTRE D'ACTION BÉNÉVOLE",
]


@pytest.fixture(scope="module")
def whole() -> Language:
    return spacy.load(MODEL, exclude=["tok2vec", "morphologizer", "parser", "lemmatizer"])


@pytest.fixture(scope="module")
def kept() -> Language:
    return recognizer.load(the_recognizer(CACHE))


def messages() -> list[str]:
    """A few hundred of those that understanding is measured on."""
    files = sorted((ROOT / "tests" / "evaluation").glob("*.tsv"))
    lines = [line for path in files for line in path.read_text("utf-8").splitlines()]
    return [column for line in lines[::4] for column in line.split("\t") if " " in column]


def entities(model: Language, texts: list[str]) -> list[list[tuple[str, str, int]]]:
    return [
        [(found.text, found.label_, found.start_char) for found in doc.ents]
        for doc in model.pipe(texts)
    ]


def test_the_same_names_are_found_as_by_the_whole_model(whole: Language, kept: Language) -> None:
    texts = [*SIGNATURES, *messages()]
    found = entities(kept, texts)
    assert found == entities(whole, texts)
    assert sum(map(bool, found)) > 100


def test_the_same_words_are_read_as_by_the_whole_model(whole: Language, kept: Language) -> None:
    for text in [*SIGNATURES, *messages()]:
        assert [word.text for word in kept.make_doc(text)] == [w.text for w in whole.make_doc(text)]


def test_vectors_are_those_of_the_whole_model(whole: Language, kept: Language) -> None:
    words = ["maire", "Montréal", "qxqxqx", "'", "maire"]
    hashes = np.array([whole.vocab.strings.add(word) for word in words], np.uint64)
    expected = np.stack([whole.vocab.get_vector(word) for word in words])
    found = kept.vocab.vectors.get_batch(hashes)
    assert np.array_equal(found, expected)
    assert not found[2].any()
    assert kept.vocab.vectors.shape == whole.vocab.vectors.shape
    assert kept.vocab.vectors.n_keys == whole.vocab.vectors.n_keys


def test_it_takes_little_memory() -> None:
    code = f"""
import pathlib
from mobilis.nlu import recognizer

def resident():
    return int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6

before = resident()
model = recognizer.load(pathlib.Path({str(the_recognizer(CACHE))!r}))
for text in ("Marie Tremblay, de Centraide", "Combien ça coûte à Laval?"):
    model(text)
print(resident() - before)
"""
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert float(ran.stdout) < MOST_MEGABYTES


def test_it_is_kept_beside_the_encoder_under_the_name_of_the_model() -> None:
    assert the_recognizer(CACHE) == ROOT / ".rasa" / f"{model_folder().name}-names-1"


def test_a_folder_is_made_once(tmp_path: Path) -> None:
    made: list[Path] = []

    def make(folder: Path) -> None:
        made.append(folder)
        (folder / "word").write_text("one", encoding="utf-8")

    for _ in range(2):
        folder = made_once(tmp_path / "cache" / "thing", make)
        assert (folder / "word").read_text(encoding="utf-8") == "one"
    assert len(made) == 1
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["thing"]


def test_a_folder_that_could_not_be_made_leaves_nothing(tmp_path: Path) -> None:
    def make(folder: Path) -> None:
        (folder / "half").touch()
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        made_once(tmp_path / "thing", make)
    assert not list(tmp_path.iterdir())


def test_whoever_comes_second_takes_what_the_first_has_made(tmp_path: Path) -> None:
    def make(folder: Path) -> None:
        (tmp_path / "thing").mkdir()
        (tmp_path / "thing" / "word").write_text("first", encoding="utf-8")
        (folder / "word").write_text("second", encoding="utf-8")

    folder = made_once(tmp_path / "thing", make)
    assert (folder / "word").read_text(encoding="utf-8") == "first"


def test_a_folder_that_cannot_be_put_in_its_place_is_an_error(tmp_path: Path) -> None:
    def make(folder: Path) -> None:
        folder.rmdir()

    with pytest.raises(OSError, match="thing"):
        made_once(tmp_path / "thing", make)
