"""What the words of a message say: linear ridge regression over letters and words.

Called by `mobilis.nlu.classifier`; knows nothing of Rasa.
"""

import os
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import TfidfVectorizer

from mobilis.nlu.gradients import conjugate_gradients

RECENT_WORDS = 8192  # whose letters are remembered
STEPS = 20  # of conjugate gradients: more of them learn the training texts by heart


class Terms:
    """The terms of texts weighted as TF-IDF, by scikit-learn; a text alone goes without its checks,
    which take longer than the text."""

    def __init__(self, **options: Any) -> None:
        self._vectorizer = TfidfVectorizer(sublinear_tf=True, dtype=np.float32, **options)

    def __len__(self) -> int:
        return len(self._vocabulary)

    def fit(self, texts: Sequence[str]) -> csr_matrix:
        """Learn the terms of `texts`; their rows, of shape (texts, terms), each of length 1."""
        rows = self._vectorizer.fit_transform(texts)
        self._vocabulary: dict[str, int] = self._vectorizer.vocabulary_
        self._rarity: np.ndarray = self._vectorizer.idf_
        self._split = self._vectorizer.build_analyzer()
        return rows

    def row(self, text: str) -> tuple[np.ndarray, np.ndarray]:
        """The row of one text: the numbers of its terms, and their weights."""
        known = Counter(self.numbers(text))
        terms = np.fromiter(known, dtype=np.intp, count=len(known))
        weights = 1 + np.log(np.fromiter(known.values(), dtype=np.float64, count=len(known)))
        weights *= self._rarity[terms]
        length = float(np.sqrt(weights @ weights))
        return terms, (weights / max(length, 1e-9)).astype(np.float32)

    def numbers(self, text: str) -> list[int]:
        """The numbers of the known terms of `text`, as often as they stand in it."""
        known = self._vocabulary
        return [known[term] for term in self._split(text) if term in known]


class Letters(Terms):
    """The groups of three and four letters in each word, whose edges count as letters."""

    def __init__(self) -> None:
        super().__init__(analyzer="char_wb", ngram_range=(3, 4), min_df=3)

    def numbers(self, text: str) -> list[int]:
        return [number for word in text.split() for number in _numbers_in_word(self, word)]


@lru_cache(RECENT_WORDS)
def _numbers_in_word(letters: Letters, word: str) -> list[int]:
    return Terms.numbers(letters, word)


class WordModel:
    """Texts to scores of labels, by the letters and the words in them (lemmas in French).

    Args:
        ridge: how much of each training text is taken for noise.
    """

    def __init__(self, ridge: float = 0.1) -> None:
        self.ridge = ridge
        self._letters = Letters()
        self._words = Terms(token_pattern=r"(?u)\b\w+\b", ngram_range=(1, 2))

    def fit(
        self, texts: Sequence[str], lemmas: Sequence[str | None], targets: np.ndarray
    ) -> "WordModel":
        """Learn from folded `texts`, their `lemmas` (None where a text has none: its words stand
        in), and the scores that each should have, of shape (texts, labels)."""
        words = [lemma or text for text, lemma in zip(texts, lemmas)]
        rows = hstack([self._letters.fit(texts), self._words.fit(words)], format="csr")
        # Half as many bits: each weight is one of dozens that are added up.
        self._weights = ridge(rows, targets, self.ridge).astype(np.float16)
        return self

    def scores(self, text: str, lemmas: str | None) -> np.ndarray:
        """The scores of a folded text, of shape (labels,)."""
        letters, words = self._letters.row(text), self._words.row(lemmas or text)
        terms = np.concatenate([letters[0], words[0] + len(self._letters)])
        weights = np.concatenate([letters[1], words[1]])
        scores: np.ndarray = weights @ self._weights[terms].astype(np.float32)
        return scores


def ridge(rows: csr_matrix, targets: np.ndarray, noise: float) -> np.ndarray:
    """The weights w that make |rows w − targets|² + noise |w|² small, of shape (terms, labels);
    each core takes some of the labels."""
    count = max(1, min(os.cpu_count() or 1, targets.shape[1]))
    parts = [np.ascontiguousarray(part) for part in np.array_split(targets, count, axis=1)]
    with ThreadPoolExecutor(count) as pool:
        return np.concatenate(list(pool.map(partial(_solve, rows, noise), parts)), axis=1)


def _solve(rows: csr_matrix, noise: float, targets: np.ndarray) -> np.ndarray:
    """The same on one core, on all labels at once."""
    columns = rows.T.tocsr()

    def matrix(weights: np.ndarray) -> np.ndarray:
        pushed: np.ndarray = columns @ (rows @ weights) + noise * weights
        return pushed

    return conjugate_gradients(matrix, columns @ targets, STEPS)
