"""spaCy's French model at work: lemmas, people's and organizations' names.

Lemmas come from its tables, looked up at training. Names are found by its recognizer, which is kept
apart (see `mobilis.nlu.recognizer`) and loaded once, in the background; asked when a form asks for
a name, and beside the turns for what is masked (mobilis/brain/masker.py).
"""

import re
import threading
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from mobilis.masking import NAME, introduced, mask_details
from mobilis.nlu.component import LearningComponent
from mobilis.nlu.derived import the_lemmas, the_recognizer
from mobilis.nlu.encoder import CACHE
from mobilis.nlu.importer import language_of
from mobilis.nlu.language import LANGUAGE
from mobilis.text import MAX_CHARACTERS, beginning_and_end, words

LEMMAS = "lemmas"  # message property: a message in lemmas, as one string

OVERLAP = 80  # characters: no name is longer


class Names(NamedTuple):
    """What a text names: people and organizations, in the order of the text."""

    persons: list[str]
    organizations: list[str]


class French:
    """The French model, loaded in the background from the moment of its making."""

    def __init__(self) -> None:
        self._model: Any | None = None
        self._one_at_a_time = threading.Lock()
        self._loading = threading.Thread(target=self._load, daemon=True)
        self._loading.start()

    def _load(self) -> None:
        from mobilis.nlu import recognizer

        self._model = recognizer.load(the_recognizer(CACHE))

    def _loaded(self) -> Any:
        self._loading.join()
        if self._model is None:
            raise RuntimeError("spaCy could not load its French model")
        return self._model

    def names(self, text: str) -> Names:
        """The people and organizations named in `text`, or in the beginning and the end of a long
        one; English names are found too."""
        model = self._loaded()
        with self._one_at_a_time, model.memory_zone():  # words never seen are forgotten again
            entities = model(beginning_and_end(text)).ents
            return Names(
                [e.text for e in entities if e.label_ == "PER"],
                [e.text for e in entities if e.label_ == "ORG"],
            )

    def mask(self, text: str) -> str:
        """`text` without addresses, numbers and names, each replaced by what it was."""
        masked = mask_details(text)
        persons = [name for part in _overlapping(masked) for name in self.names(part).persons]
        return _without(masked, [*persons, *introduced(masked)])


def _without(text: str, names: Iterable[str]) -> str:
    for name in sorted(set(names), key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", NAME, text)
    return text


def _overlapping(text: str) -> Iterator[str]:
    """`text` in parts that are read whole; what a cut goes through stands whole in the next."""
    for start in range(0, max(len(text) - OVERLAP, 1), MAX_CHARACTERS - OVERLAP):
        yield text[start : start + MAX_CHARACTERS]


@lru_cache(maxsize=1)
def the_french() -> French:
    """The one French model of this process."""
    return French()


def lemma_table(texts: Iterable[str]) -> dict[str, str]:
    """What the French model knows of the words of `texts` and their other forms: folded form to
    folded lemma."""
    lemmas = the_lemmas(CACHE)
    said = {lemmas.get(word, word) for text in texts for word in words(text)}
    return {form: lemma for form, lemma in lemmas.items() if lemma in said and lemma != form}


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=True)
class FrenchLemmatizer(LearningComponent):
    """Gives messages that are not English the French lemmas of their words, under `lemmas`; it
    stands after the language reader."""

    def train(self, training_data: TrainingData) -> Resource:
        the_recognizer(CACHE)  # made now, and not when the first conversation waits for it
        french = [m.get(TEXT) for m in training_data.intent_examples if language_of(m) == "fr"]
        return self.keep(lemma_table(french))

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        for message in training_data.intent_examples:
            if language_of(message) == "fr":
                message.set(LEMMAS, self._lemmas(message.get(TEXT)))
        return training_data

    def process(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            reading = message.get(LANGUAGE)
            if reading and reading.language != "en":
                message.set(LEMMAS, self._lemmas(message.get(TEXT)))
        return messages

    def _lemmas(self, text: str) -> str:
        return " ".join(self.learned.get(word, word) for word in words(text))
