"""What a message means: kernel regression over words, letters and the sentence's vector.

`LabelModel` is the mathematics and knows nothing of Rasa; `LabelClassifier` (the intent or the FAQ)
and `AnswerClassifier` (the option of an assessment question) are its two graph components.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any

import numpy as np
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.nlu.constants import METADATA, METADATA_INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from scipy.linalg import cho_factor, cho_solve
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import TfidfVectorizer

from mobilis.nlu.component import LearningComponent
from mobilis.nlu.encoder import EMBEDDING, the_encoder
from mobilis.nlu.french import LEMMAS
from mobilis.nlu.importer import ANSWER_INTENT, label_of
from mobilis.nlu.products import Products
from mobilis.nlu.spelling import SPELL
from mobilis.text import clean, fold, without_courtesies

LABELS = "labels"  # message property: [(label, probability)], best first
RANK = "rank"  # message property: ranks another text as this one was
ANSWERS = "answers"  # message property: [(option, probability)] of the open question
NONE = "none"
COURTESIES = frozenset({"greet", "thank", "goodbye"})
PLAIN = 0.6  # how sure the rest of a message must be, for its greeting to be only a greeting
RECENT_WORDS = 8192  # whose letters are remembered
BLOCK = 2048  # training texts that are compared at once with those before them
PARTS = 16  # of a message whose ranking is remembered, while it is being read

Ranking = list[tuple[str, float]]


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


class LabelModel:
    """Texts and their vectors to a ranking of labels.

    How alike two texts are is a weighted sum of two Gaussian kernels: one on the distance of their
    TF-IDF rows (letters; words, which are lemmas in French), one on the distance of their vectors.
    The weights of the training texts are the closed form of ridge regression, so that training is
    deterministic. A softmax makes probabilities of the scores.

    Args:
        ridge: how much of each training text is taken for noise.
        lexical: the share of the words, from 0 to 1; the vectors have the rest.
        lexical_width, vector_width: how fast likeness falls with the squared distance.
        scale: the steepness of the softmax; see `mobilis calibrate`.
    """

    def __init__(
        self,
        ridge: float = 0.04,
        lexical: float = 0.25,
        lexical_width: float = 0.2,
        vector_width: float = 0.9,
        scale: float = 15.0,
    ) -> None:
        self.ridge = ridge
        self.lexical = lexical
        self.lexical_width = lexical_width
        self.vector_width = vector_width
        self.scale = scale
        self._letters = Letters()
        self._words = Terms(token_pattern=r"(?u)\b\w+\b", ngram_range=(1, 2))

    def fit(
        self,
        texts: Sequence[str],
        vectors: np.ndarray,
        labels: Sequence[str],
        lemmas: Sequence[str | None] | None = None,
    ) -> "LabelModel":
        """Learn from `texts`, their `vectors` of shape (n, dimension), their `labels`, and their
        `lemmas` (None where a text has none: its words stand in)."""
        folded = [fold(text) for text in texts]
        lemmas = lemmas or [None] * len(folded)
        words = [lemma or text for text, lemma in zip(folded, lemmas)]
        rows = hstack([self._letters.fit(folded), self._words.fit(words)], format="csr")
        self._columns = rows.T.tocsr()
        self._sizes = np.asarray(rows.multiply(rows).sum(axis=1)).ravel()
        self._centre = vectors.mean(axis=0) if vectors.size else np.zeros(0, dtype=np.float32)
        self._products = Products(self._centred(vectors))
        kernel = self._likeness(rows, self._products.rows())
        kernel[np.diag_indices_from(kernel)] += self.ridge
        names, numbers = np.unique(labels, return_inverse=True)
        self.labels: list[str] = names.tolist()
        targets = np.eye(len(names), dtype=np.float32)[numbers]
        self._share = targets.mean(axis=0)
        factor = cho_factor(kernel, lower=True, overwrite_a=True, check_finite=False)
        self._weights = cho_solve(factor, targets - self._share, check_finite=False)
        return self

    def _likeness(self, rows: csr_matrix, vectors: np.ndarray) -> np.ndarray:
        """How alike the training texts are, of shape (n, n): of two texts the later one's row has
        it, and what is above the diagonal means nothing."""
        count = rows.shape[0]
        kernel = np.zeros((count, count), dtype=np.float32, order="F")
        for start in range(0, count, BLOCK):
            end = min(start + BLOCK, count)
            common = (rows[start:end] @ self._columns[:, :end]).toarray()
            products = vectors[start:end] @ vectors[:end].T
            kernel[start:end, :end] = self._kernel(common, self._sizes[start:end, None], products)
        return kernel

    def rank(self, text: str, vector: np.ndarray | None, lemmas: str | None = None) -> Ranking:
        """Every label with its probability, best first."""
        products = None
        if vector is not None and vector.shape == self._centre.shape:
            products = self._products.of(self._centred(vector[None, :]))
        common, size = self._overlap(fold(text), lemmas)
        kernel = self._kernel(common[None, :], size, products)
        scores = self.scale * (kernel[0] @ self._weights + self._share)
        likely = np.exp(scores - scores.max())
        likely /= likely.sum()
        order = np.argsort(-likely)
        return [(self.labels[i], p) for i, p in zip(order.tolist(), likely[order].tolist())]

    def _overlap(self, folded: str, lemmas: str | None) -> tuple[np.ndarray, float]:
        """What the terms of one text have in common with those of every training text, of shape
        (n,), and the squared length of its row."""
        letters, words = self._letters.row(folded), self._words.row(lemmas or folded)
        terms = np.concatenate([letters[0], words[0] + len(self._letters)])
        weights = np.concatenate([letters[1], words[1]])
        common: np.ndarray = self._columns[terms].T @ weights
        return common, float(weights @ weights)

    def _centred(self, vectors: np.ndarray) -> np.ndarray:
        """Vectors around the mean of training, of length 1: the encoder's lie in a narrow cone."""
        if not self._centre.size:
            return np.zeros((len(vectors), 0), dtype=np.float32)
        centred = vectors - self._centre
        unit: np.ndarray = centred / np.maximum(np.linalg.norm(centred, axis=1), 1e-9)[:, None]
        return unit.astype(np.float32)

    def _kernel(
        self, common: np.ndarray, sizes: np.ndarray | float, products: np.ndarray | None
    ) -> np.ndarray:
        """How alike texts are to training texts, the first or all, from 0 to 1, of the shape of
        `common`: from the products of their rows, the squared lengths of the rows, and the products
        of their vectors. All products are overwritten."""
        texts = common.shape[1]
        common *= -2
        common += sizes + self._sizes[:texts]
        kernel: np.ndarray = np.exp(common * -self.lexical_width, out=common)
        if not self._centre.size:
            return kernel
        kernel *= self.lexical
        if products is not None:  # a model trained with vectors can do without, less well
            products -= 1
            products *= 2 * self.vector_width
            np.exp(products, out=products)
            products *= 1 - self.lexical
            kernel += products
        return kernel


def _lemmas(messages: Sequence[Message]) -> list[str | None]:
    return [m.get(LEMMAS) for m in messages]


def _said(training_data: TrainingData) -> list[Message]:
    """The examples of what people say, without payloads."""
    return [m for m in training_data.intent_examples if not m.get(TEXT).startswith("/")]


def _vectors(messages: Sequence[Message]) -> np.ndarray:
    vectors = [m.get(EMBEDDING) for m in messages]
    if any(vector is None for vector in vectors):
        return np.zeros((len(messages), 0), dtype=np.float32)
    return np.stack(vectors)


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class LabelClassifier(LearningComponent):
    """Ranks the labels of a message: intents, and FAQ as `faq/<id>`."""

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """`scale` of `LabelModel`."""
        return {"scale": 15.0}

    def train(self, training_data: TrainingData) -> Resource:
        messages = [m for m in _said(training_data) if label_of(m) != ANSWER_INTENT]
        model = LabelModel(scale=self.config["scale"]).fit(
            [m.get(TEXT) for m in messages],
            _vectors(messages),
            [label_of(m) for m in messages],
            _lemmas(messages),
        )
        return self.keep(model)

    def _rank_part(self, spell: Callable[[str], str], text: str) -> Ranking:
        encoder = the_encoder()
        vector = encoder.encode([spell(text)])[0] if encoder else None
        ranking: Ranking = self.learned.rank(text, vector)
        return ranking

    def process(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            text = message.get(TEXT)
            if text and not text.startswith("/"):
                alone = partial(self._rank_part, message.get(SPELL) or clean)
                rank = lru_cache(maxsize=PARTS)(alone)
                whole = self.learned.rank(text, message.get(EMBEDDING), message.get(LEMMAS))
                message.set(LABELS, _asked(text, whole, rank))
                message.set(RANK, rank)
        return messages


def _asked(text: str, whole: Ranking, rank: Callable[[str], Ranking]) -> Ranking:
    """The ranking of a message, or of what it says beside a greeting and a thank-you, when that is
    plainer: « Bonjour, c'est quand la date limite » is no greeting."""
    rest = without_courtesies(text)
    if rest is None:
        return whole
    part = rank(rest)
    (label, confidence), (asked, plain) = whole[0], part[0]
    hidden = label in COURTESIES and asked not in COURTESIES and plain >= PLAIN
    return part if hidden or plain >= confidence else whole


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class AnswerClassifier(LearningComponent):
    """While a question of the assessment is open, ranks its options, `unsure` and `none` (no answer
    at all)."""

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """`scale` of `LabelModel`; `none_share`: every how manieth other message is an example of
        `none`."""
        return {"scale": 15.0, "none_share": 20}

    def train(self, training_data: TrainingData) -> Resource:
        answers = [m for m in _said(training_data) if label_of(m) == ANSWER_INTENT]
        others = [m for m in _said(training_data) if label_of(m) != ANSWER_INTENT]
        others = [m for m in others if label_of(m) not in ("affirm", "deny")]
        nones = others[:: self.config["none_share"]]
        label = {id(m): m.get(METADATA)[METADATA_INTENT] for m in answers}
        questions = sorted({label[id(m)]["question"] for m in answers} - {""})
        learned = {}
        for question in questions:
            chosen = [m for m in answers if label[id(m)]["question"] in (question, "")]
            options = [label[id(m)]["option"] for m in chosen] + [NONE] * len(nones)
            examples = chosen + nones
            texts = [m.get(TEXT) for m in examples]
            model = LabelModel(scale=self.config["scale"])
            learned[question] = model.fit(texts, _vectors(examples), options, _lemmas(examples))
        return self.keep(learned)

    def process(self, messages: list[Message], tracker: DialogueStateTracker) -> list[Message]:
        model = self.learned.get(tracker.get_slot("assessment_question"))
        for message in messages:
            text = message.get(TEXT)
            if model and text and not text.startswith("/"):
                message.set(ANSWERS, model.rank(text, message.get(EMBEDDING), message.get(LEMMAS)))
        return messages
