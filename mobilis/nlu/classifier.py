"""What a message means: what its words and letters say, and what the sentence's vector says.

`LabelModel` is the mathematics and knows nothing of Rasa; `LabelClassifier` (the intent or the FAQ)
and `AnswerClassifier` (the option of an assessment question) are its two graph components.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any
from zlib import crc32

import numpy as np
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.nlu.constants import METADATA, METADATA_INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from mobilis.assessment import GATE
from mobilis.nlu.component import LearningComponent
from mobilis.nlu.context import DOUBTFUL
from mobilis.nlu.encoder import EMBEDDING, ENCODE, the_encoder, vector_of
from mobilis.nlu.french import LEMMAS
from mobilis.nlu.importer import ANSWER_INTENT, label_of
from mobilis.nlu.lexical import WordModel
from mobilis.nlu.spelling import SPELL
from mobilis.nlu.vectors import VectorModel
from mobilis.text import clean, fold, introduces, without_courtesies

LABELS = "labels"  # message property: [(label, probability)], best first
RANK = "rank"  # message property: ranks another text as this one was
GLANCE = "glance"  # message property: the same by words alone
NEVER = 2.0  # words are never so sure of a label that a vector is made
# How sure of a label words must be to decide alone, and in a whole message, where being wrong about
# it does less harm than about a part that is answered beside another one.
PLAIN_WORDS, PLAIN_WHOLE = 0.997, 0.99
ANSWERS = "answers"  # message property: [(option, probability)] of the open question
NONE = "none"
COURTESIES = frozenset({"greet", "thank", "goodbye"})
PLAIN = 0.6  # how sure the rest of a message must be, for its greeting to be only a greeting
PARTS = 16  # of a message whose ranking is remembered, while it is being read

Ranking = list[tuple[str, float]]
Encode = Callable[[], np.ndarray | None]


def no_vector() -> None:
    """Where there is no encoder."""


def _level(text: str) -> str:
    """A text as its words are read: people write « rendez vous » and « rendez-vous »."""
    return fold(text).replace("-", " ")


class LabelModel:
    """Texts and their vectors to a ranking of labels.

    Two regressions score the labels, one by words and one by vectors, and a softmax makes
    probabilities of the sum. Where the words are plain, the vector is not even made: encoding takes
    longer than all else.

    Args:
        scale: the steepness of the softmax; see `mobilis calibrate`.
        words: the share of the words in the sum, from 0 to 1; the vector has the rest.
    """

    def __init__(self, scale: float = 15.0, words: float = 0.35) -> None:
        self.scale = scale
        self.words = words

    def fit(
        self,
        texts: Sequence[str],
        vectors: np.ndarray,
        labels: Sequence[str],
        lemmas: Sequence[str | None] | None = None,
    ) -> "LabelModel":
        """Learn from `texts`, their `vectors` of shape (n, dimension), their `labels`, and their
        `lemmas` (None where a text has none: its words stand in)."""
        names, numbers = np.unique(labels, return_inverse=True)
        self.labels: list[str] = names.tolist()
        targets = np.eye(len(names), dtype=np.float32)[numbers]
        self._share = targets.mean(axis=0)
        targets -= self._share
        folded = [_level(text) for text in texts]
        self._words = WordModel().fit(folded, lemmas or [None] * len(folded), targets)
        self._vectors = VectorModel().fit(vectors, targets) if vectors.size else None
        return self

    def rank(
        self,
        text: str,
        encode: Encode = no_vector,
        lemmas: str | None = None,
        doubtful: float = 0.0,
        plain: float = PLAIN_WORDS,
    ) -> Ranking:
        """Every label with its probability, best first. `encode` gives the vector of the text when
        it is needed: where the words are surer of their first label than `doubtful`, and less sure
        than `plain`. A model that was trained with vectors can do without, less well."""
        words = self._words.scores(_level(text), lemmas)
        ranking = self._ranking(words)
        if self._vectors is None or not doubtful <= ranking[0][1] < plain:
            return ranking
        vector = encode()
        if vector is None or not self._vectors.fits(vector):
            return ranking
        return self._ranking(self.words * words + (1 - self.words) * self._vectors.scores(vector))

    def _ranking(self, scores: np.ndarray) -> Ranking:
        steep = self.scale * (scores + self._share)
        likely = np.exp(steep - steep.max())
        likely /= likely.sum()
        order = np.argsort(-likely)
        return [(self.labels[i], p) for i, p in zip(order.tolist(), likely[order].tolist())]


def _rank(model: LabelModel, message: Message, plain: float = PLAIN_WORDS) -> Ranking:
    encode = message.get(ENCODE) or no_vector
    return model.rank(message.get(TEXT), encode, message.get(LEMMAS), plain=plain)


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

    def _rank_other(self, spell: Callable[[str], str], text: str, doubtful: float = 0.0) -> Ranking:
        """The ranking of another text than the message's own."""

        def encode() -> np.ndarray | None:
            return vector_of(the_encoder(), spell(text))

        ranking: Ranking = self.learned.rank(text, encode, doubtful=doubtful)
        return ranking

    def process(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            text = message.get(TEXT)
            if text and not text.startswith("/"):
                other = partial(self._rank_other, message.get(SPELL) or clean)
                whole = _rank(self.learned, message, PLAIN_WHOLE)
                message.set(LABELS, _asked(text, whole, other))
                message.set(RANK, lru_cache(maxsize=PARTS)(partial(other, doubtful=DOUBTFUL)))
                message.set(GLANCE, partial(other, doubtful=NEVER))
        return messages


def _asked(text: str, whole: Ranking, rank: Callable[[str], Ranking]) -> Ranking:
    """The ranking of a message, or of what it says beside a greeting, who it is from and a
    thank-you, when that is plainer: « Bonjour, c'est quand la date limite » is no greeting, and who
    asks makes no difference."""
    rest = without_courtesies(text)
    if rest is None:
        return whole
    part = rank(rest)
    (label, confidence), (asked, plain) = whole[0], part[0]
    hides = introduces(text) or (label in COURTESIES and asked not in COURTESIES)
    hidden = hides and plain >= PLAIN
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
        # By what they say and not by their place: a new phrasing moves no other one in or out.
        share = self.config["none_share"]
        nones = [m for m in others if crc32(m.get(TEXT).encode()) % share == 0]
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
        asked = tracker.get_slot("assessment_question")
        if asked == GATE:  # the answer that was given last may be corrected
            asked = next(reversed(tracker.get_slot("assessment_answers") or {}), None)
        model = self.learned.get(asked)
        for message in messages:
            text = message.get(TEXT)
            if model and text and not text.startswith("/"):
                message.set(ANSWERS, _rank(model, message))
        return messages
