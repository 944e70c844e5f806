"""Feeds training: `data/` as Rasa reads it, and the phrasings of the content files (FAQ, free-text
assessment answers)."""

from pathlib import Path
from typing import Any

from rasa.shared.importers.rasa import RasaFileImporter
from rasa.shared.nlu.constants import INTENT, METADATA, METADATA_INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from rasa.shared.utils.io import get_text_hash

from mobilis.assessment import load_assessment
from mobilis.content import LANGUAGES, load_content

ANSWER_INTENT = "answer"
FAQ_INTENT = "faq"
# Intents that nobody says: the front door, a form or doubt makes them.
MADE_INTENTS = ("conversation_opened", "inform", "ambiguous")


class Phrasing(Message):
    """A training example whose fingerprint is that of what was written. What components add to it
    follows from that, and Rasa would compute it again after each of them (minutes). Rasa copies
    all examples each time that it adds some to others; what they hold is never changed, only put
    in the place of something, so that their copies may share it."""

    def fingerprint(self) -> str:
        """Of what stands in the example, in a twentieth of the time that Rasa's own takes."""
        known: str | None = self._cached_fingerprint
        self._cached_fingerprint: str | None = known or get_text_hash(repr(self.data))
        return str(self._cached_fingerprint)

    def __deepcopy__(self, memo: dict[int, Any]) -> "Phrasing":
        copied = Phrasing.__new__(Phrasing)
        copied.__dict__.update(self.__dict__)  # in a tenth of the time of copy.copy
        copied.data, copied.features = {**self.data}, [*self.features]
        copied.output_properties = {*self.output_properties}
        return copied

    def set(self, prop: str, info: Any, add_to_output: bool = False) -> None:
        written = self.fingerprint()
        super().set(prop, info, add_to_output)
        self._cached_fingerprint = written


class ContentImporter(RasaFileImporter):
    """Reads, beside what Rasa's own importer reads, `faq/*.yml` and `assessment/readiness.yml` in
    the folder of the given `config.yml`.

    Raises `mobilis.errors.ContentError`, which names the file and the field.
    """

    def __init__(
        self,
        config_file: str | None = None,
        domain_path: str | None = None,
        training_data_paths: list[str] | str | None = None,
    ) -> None:
        super().__init__(config_file, domain_path, training_data_paths)
        self.root = Path(config_file).resolve().parent if config_file else Path.cwd()
        self._read: TrainingData | None = None

    def get_nlu_data(self, language: str | None = "en") -> TrainingData:
        """Read once: Rasa asks twice, and changes none of it."""
        self._read = self._read or self._phrasings(language)
        return self._read

    def _phrasings(self, language: str | None) -> TrainingData:
        content = load_content(self.root)
        assessment = load_assessment(self.root / "assessment" / "readiness.yml")
        examples = [
            _example(phrasing, FAQ_INTENT, {"language": lang, "label": f"{FAQ_INTENT}/{faq.id}"})
            for faq in content.faqs.values()
            for lang, phrasings in faq.phrasings.items()
            for phrasing in phrasings
        ]
        for question in assessment.questions:
            for option in question.options:
                for lang in LANGUAGES:
                    label = {"language": lang, "question": question.id, "option": option.id}
                    texts = [option.title[lang], *option.phrasings[lang]]
                    examples += [_example(text, ANSWER_INTENT, label) for text in texts]
        for lang in LANGUAGES:
            label = {"language": lang, "question": "", "option": "unsure"}
            examples += [_example(text, ANSWER_INTENT, label) for text in assessment.unsure[lang]]
        # Rasa wants two examples of every intent; nothing is learned from these payloads.
        payloads = [(f"/{intent}{end}", intent) for intent in MADE_INTENTS for end in ("", "{}")]
        examples += [_example(text, intent) for text, intent in payloads]
        read = super().get_nlu_data(language)
        return TrainingData([Phrasing(m.data) for m in read.training_examples] + examples)


def label_of(message: Message) -> str:
    """The label that an example teaches: an intent, or `faq/<id>`.

    It stands in the example's metadata: as a response key, Rasa would ask for its own selector.
    """
    metadata = (message.get(METADATA) or {}).get(METADATA_INTENT) or {}
    return str(metadata.get("label") or message.get(INTENT))


def language_of(message: Message) -> str | None:
    """The language that an example is written in: fr, en, or None for what nobody says."""
    metadata = (message.get(METADATA) or {}).get(METADATA_INTENT) or {}
    return metadata.get("language") if message.get(TEXT) else None


def _example(text: str, intent: str, label: dict[str, str] | None = None) -> Phrasing:
    return Phrasing(Message.build(text, intent=intent, intent_metadata=label).data)
