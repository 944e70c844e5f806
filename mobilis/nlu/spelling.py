"""What the sentence encoder reads: a message with its short forms written out and, in French, with
the accents and apostrophes that people leave out.

Both are learned from the phrasings: of each word, the way it is written most often.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from functools import partial
from itertools import product
from typing import Any

from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from mobilis.nlu.component import LearningComponent
from mobilis.nlu.importer import language_of
from mobilis.nlu.language import LANGUAGE
from mobilis.settings import ROOT
from mobilis.shorthand import load_shorthand
from mobilis.text import clean, unaccented

SPELLED = "spelled"  # message property: the text as the encoder reads it
SPELL = "spell"  # message property: spells another text as this one was

_WORD = re.compile(r"[^\W\d_]+")
_ELIDED = re.compile(r"\b(jusqu|lorsqu|puisqu|quelqu|qu|[cdjlmnst])'([^\W\d_]+)")
_APART = re.compile(r"\b(jusqu|lorsqu|puisqu|quelqu|qu|[cdjlmnst]) (?=[aeiouyhàâæéèêëîïôœûù])")
_HEADS = ("d", "l", "n", "qu")  # what words with a vowel in front may stand after…
_LEAST = 5  # … when they have so many letters and were never seen there: « jeux » is no « j'eux »
_PLAINLY = 3  # times as often as not a word must be elided: « tes » is not always « t'es »


def learn_spelling(texts: Iterable[str]) -> dict[str, str]:
    """Words as people type them, without accents or apostrophes, to the words as `texts` write them
    most often, where the two differ: "benevole" → « bénévole », "lorganisme" → « l'organisme », but
    nothing for "a" or "ou"."""
    written: dict[str, Counter[str]] = defaultdict(Counter)
    elided: Counter[tuple[str, str]] = Counter()
    for text in texts:
        text = clean(text).lower()
        elided.update(_ELIDED.findall(text))
        for word in _WORD.findall(text):
            written[unaccented(word)][word] += 1
    usual = {bare: max(sorted(forms), key=forms.__getitem__) for bare, forms in written.items()}
    for (head, word), times in elided.items():
        bare = unaccented(head + word)
        if times > _PLAINLY * written[bare].total():
            usual[bare] = f"{head}'{word}"
    elidable = [bare for bare in usual if bare[0] in "aeiouyh" and len(bare) >= _LEAST]
    for bare, head in product(elidable, _HEADS):
        usual.setdefault(head + bare, f"{head}'{usual[bare]}")
    return {bare: word for bare, word in usual.items() if word != bare}


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=True)
class Speller(LearningComponent):
    """Gives every message its text as the encoder reads it, under `spelled`; it stands between the
    language reader and the encoder."""

    def __init__(
        self, config: dict[str, Any], model_storage: ModelStorage, resource: Resource
    ) -> None:
        super().__init__(config, model_storage, resource)
        self._shorthand = load_shorthand(ROOT)

    def train(self, training_data: TrainingData) -> Resource:
        examples = training_data.training_examples
        return self.keep(learn_spelling(m.get(TEXT) for m in examples if language_of(m) == "fr"))

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        for message in training_data.training_examples:
            language = language_of(message)
            if language:
                message.set(SPELLED, self._spell(language, message.get(TEXT)))
        return training_data

    def process(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            reading = message.get(LANGUAGE)
            if reading:
                spell = partial(self._spell, "en" if reading.language == "en" else "fr")
                message.set(SPELL, spell)
                message.set(SPELLED, spell(message.get(TEXT)))
        return messages

    def _spell(self, language: str, text: str) -> str:
        text = self._shorthand[language].write_out(clean(text).lower())
        if language == "en":
            return text
        text = _APART.sub(r"\1'", text)
        return _WORD.sub(lambda found: self.learned.get(found[0], found[0]), text)
