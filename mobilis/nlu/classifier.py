"""What a message means: one linear model over words, letters and the sentence's vector.

`LabelModel` is the mathematics and knows nothing of Rasa; `LabelClassifier` (the intent or the FAQ)
and `AnswerClassifier` (the option of an assessment question) are its two graph components.
"""

from collections.abc import Sequence
from typing import Any

import joblib
import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.nlu.constants import METADATA, METADATA_INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from mobilis.nlu.encoder import EMBEDDING, the_encoder
from mobilis.nlu.french import LEMMAS
from mobilis.nlu.importer import ANSWER_INTENT, label_of
from mobilis.text import fold

LABELS = "labels"  # message property: [(label, probability)], best first
RANK = "rank"  # message property: ranks another text as this one was
ANSWERS = "answers"  # message property: [(option, probability)] of the open question
NONE = "none"

Ranking = list[tuple[str, float]]


def _word_vectorizer() -> TfidfVectorizer:
    return TfidfVectorizer(
        token_pattern=r"(?u)\b\w+\b", ngram_range=(1, 2), sublinear_tf=True, dtype=np.float32
    )


class LabelModel:
    """Texts and their vectors to a ranking of labels."""

    def __init__(self, strength: float = 10.0, lexical: float = 1.0, vector: float = 1.5) -> None:
        self.strength = strength
        self.lexical = lexical
        self.vector = vector
        self.letters = TfidfVectorizer(
            analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True, min_df=3, dtype=np.float32
        )
        self.words = _word_vectorizer()
        self.lemmas = _word_vectorizer()

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
        self.letters.fit(folded)
        self.words.fit(folded)
        self.lemmas.fit(_lemmatized(folded, lemmas))
        self.centre = vectors.mean(axis=0) if vectors.size else np.zeros(0, dtype=np.float32)
        features = self._features(folded, vectors, lemmas)
        self.model = LogisticRegression(
            C=self.strength, max_iter=60, class_weight="balanced", random_state=0
        )
        self.model.fit(features, labels)
        return self

    def rank(self, text: str, vector: np.ndarray | None, lemmas: str | None = None) -> Ranking:
        """Every label with its probability, best first."""
        vectors = np.zeros((1, 0), dtype=np.float32) if vector is None else vector[None, :]
        if vectors.shape[1] != self.centre.shape[0]:  # trained with an encoder, running without
            vectors = np.broadcast_to(self.centre, (1, self.centre.shape[0]))
        features = self._features([fold(text)], vectors, [lemmas])
        probabilities = self.model.predict_proba(features)[0]
        order = np.argsort(-probabilities)
        return [(str(self.model.classes_[i]), float(probabilities[i])) for i in order]

    def _features(
        self, folded: Sequence[str], vectors: np.ndarray, lemmas: Sequence[str | None]
    ) -> csr_matrix:
        parts = [
            self.letters.transform(folded) * self.lexical,
            self.words.transform(folded) * self.lexical,
            self.lemmas.transform(_lemmatized(folded, lemmas)) * self.lexical,
        ]
        if self.centre.size:
            centred = vectors - self.centre
            norms = np.linalg.norm(centred, axis=1, keepdims=True)
            parts.append(csr_matrix(self.vector * centred / np.maximum(norms, 1e-9)))
        return hstack(parts, format="csr")


def _lemmatized(folded: Sequence[str], lemmas: Sequence[str | None]) -> list[str]:
    return [fold(lemma) if lemma else text for text, lemma in zip(folded, lemmas)]


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


class _Trainable(GraphComponent):
    """Keeping and finding again what a classifier learned."""

    def __init__(
        self, config: dict[str, Any], model_storage: ModelStorage, resource: Resource
    ) -> None:
        self.config = config
        self._storage = model_storage
        self._resource = resource
        self.learned: Any = None

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> "_Trainable":
        return cls(config, model_storage, resource)

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> "_Trainable":
        component = cls(config, model_storage, resource)
        with model_storage.read_from(resource) as folder:
            component.learned = joblib.load(folder / "learned.joblib")
        return component

    def _keep(self, learned: Any) -> Resource:
        self.learned = learned
        with self._storage.write_to(self._resource) as folder:
            joblib.dump(learned, folder / "learned.joblib", compress=1)
        return self._resource


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class LabelClassifier(_Trainable):
    """Ranks the labels of a message: intents, and FAQ as `faq/<id>`."""

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        return {"strength": 10.0, "lexical": 1.0, "vector": 1.5}

    def train(self, training_data: TrainingData) -> Resource:
        messages = [m for m in _said(training_data) if label_of(m) != ANSWER_INTENT]
        model = LabelModel(self.config["strength"], self.config["lexical"], self.config["vector"])
        model.fit(
            [m.get(TEXT) for m in messages],
            _vectors(messages),
            [label_of(m) for m in messages],
            _lemmas(messages),
        )
        return self._keep(model)

    def _rank_part(self, text: str) -> Ranking:
        vectors = the_encoder().encode([text])
        return self.learned.rank(text, vectors[0] if vectors.shape[1] else None)

    def process(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            text = message.get(TEXT)
            if text and not text.startswith("/"):
                message.set(
                    LABELS, self.learned.rank(text, message.get(EMBEDDING), message.get(LEMMAS))
                )
                message.set(RANK, self._rank_part)
        return messages


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class AnswerClassifier(_Trainable):
    """While a question of the assessment is open, ranks its options, `unsure` and `none` (no answer
    at all)."""

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """`none_share`: every how manieth other message is an example of `none`."""
        return {"strength": 10.0, "lexical": 1.0, "vector": 1.5, "none_share": 6}

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
            model = LabelModel(
                self.config["strength"], self.config["lexical"], self.config["vector"]
            )
            learned[question] = model.fit(texts, _vectors(examples), options, _lemmas(examples))
        return self._keep(learned)

    def process(self, messages: list[Message], tracker: DialogueStateTracker) -> list[Message]:
        model = self.learned.get(tracker.get_slot("assessment_question"))
        for message in messages:
            text = message.get(TEXT)
            if model and text and not text.startswith("/"):
                message.set(ANSWERS, model.rank(text, message.get(EMBEDDING), message.get(LEMMAS)))
        return messages
