"""The part of a spaCy model that finds names, in a tenth of its memory; loaded by
`mobilis.nlu.french`.

It is the model's own recognizer with all of its weights and vectors: it finds the same names. Left
out are 700 000 strings that nothing asks for (what the recognizer reads are hashes), the other
components, and the letters of other scripts in the tokenizer's patterns; the vectors stay on disk.
"""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import spacy
from spacy.language import Language
from spacy.util import load_config, registry
from spacy.vectors import BaseVectors
from spacy.vocab import Vocab

NER = "ner"  # the recognizer's name in spaCy's models

_FLAGS = "(?iu)"  # that the pattern of French words with hyphens begins with
_LATIN = "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f"


class VectorsOnDisk(BaseVectors):
    """The vectors of words, read row by row: what is not asked for takes no memory.

    `keys` are the hashes of words, ascending, and `rows` say which row of `table` each has.
    """

    mode = "default"
    name = ""

    def __init__(self) -> None:
        self.keys: np.ndarray = np.zeros(0, np.uint64)
        self.rows: np.ndarray = np.zeros(0, np.int32)
        self.table: Any = np.zeros((0, 0), np.float32)

    def get_batch(self, keys: np.ndarray) -> np.ndarray:
        """The vectors of words by their hashes, shape (len(keys), width); nought when unknown."""
        places = np.searchsorted(self.keys, keys)
        places[places == len(self.keys)] = 0
        vectors = np.zeros((len(keys), self.vectors_length), np.float32)
        size = vectors[:1].nbytes
        with open(self.table.filename, "rb") as file:  # the pages of a map would stay with us
            for number in np.flatnonzero(self.keys[places] == keys):
                at = self.table.offset + int(self.rows[places[number]]) * size
                vectors[number] = np.frombuffer(os.pread(file.fileno(), size, at), np.float32)
        return vectors

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.table), self.vectors_length

    @property
    def vectors_length(self) -> int:
        return int(self.table.shape[1])

    @property
    def n_keys(self) -> int:
        return len(self.keys)

    def __len__(self) -> int:
        return len(self.table)

    def from_disk(self, path: Path, **_: Any) -> "VectorsOnDisk":
        """What `keep_vectors` wrote into the folder `path`."""
        self.keys, self.rows, self.table = (
            np.load(path / f"{name}.npy", mmap_mode="r") for name in ("keys", "rows", "table")
        )
        return self


@registry.vectors("mobilis.vectors_on_disk")
def _vectors_on_disk() -> Callable[[Vocab], VectorsOnDisk]:
    return lambda vocab: VectorsOnDisk()


def keep_vectors(vocabulary: Path, path: Path) -> None:
    """Write the vectors in the folder `vocabulary` of a model into the folder `path`."""
    rows = _rows(vocabulary / "key2row")
    np.save(path / "keys.npy", rows[:, 0])
    np.save(path / "rows.npy", rows[:, 1].astype(np.int32))
    np.save(path / "table.npy", np.load(vocabulary / "vectors").astype(np.float32))


def _rows(path: Path) -> np.ndarray:
    """Hashes of words and their rows, ascending by hash: without a dictionary of half a million."""
    from srsly.msgpack import Unpacker

    with path.open("rb") as file:
        unpacker = Unpacker(file, strict_map_key=False)
        count = 2 * unpacker.read_map_header()
        flat = np.fromiter((unpacker.unpack() for _ in range(count)), np.uint64, count)
    pairs = flat.reshape(-1, 2)
    return pairs[np.argsort(pairs[:, 0])]


def make(model: Path, folder: Path) -> None:
    """Write the recognizer of the spaCy model in the folder `model` into `folder`; seconds."""
    unused = [name for name in load_config(model / "config.cfg")["nlp"]["pipeline"] if name != NER]
    whole: Any = spacy.load(model, exclude=[*unused, "vocab"])
    settings = dict(whole.config["components"][NER])
    del settings["factory"]
    # Only the tokenizer, which is copied, depends on the language; French takes seconds to import.
    vectors = {"vectors": {"@vectors": "mobilis.vectors_on_disk"}}
    part: Any = spacy.blank("xx", config={"nlp": vectors})
    part.add_pipe(NER, config=settings).from_bytes(whole.get_pipe(NER).to_bytes())
    part.tokenizer.from_bytes(whole.tokenizer.to_bytes())
    part.tokenizer.token_match = _in_latin(whole.tokenizer.token_match)
    part.to_disk(folder)
    keep_vectors(model / "vocab", folder / "vocab")


def _in_latin(match: Any) -> Any:
    """The pattern whose method is `match`, for Latin letters only: a hundredth of its size. All of
    its 270 alternatives want a hyphen or an apostrophe, so that is looked for first."""
    from spacy.lang.char_classes import ALPHA, ALPHA_LOWER
    from spacy.lang.fr.punctuation import ELISION, HYPHENS

    pattern = match.__self__.pattern.removeprefix(_FLAGS)
    pattern = pattern.replace(ALPHA, _LATIN).replace(ALPHA_LOWER, _LATIN)
    return re.compile(f"{_FLAGS}(?=.*[{HYPHENS}{ELISION}])(?:{pattern})").match


def load(folder: Path) -> Language:
    """The recognizer that `make` wrote into `folder`."""
    return spacy.load(folder)
