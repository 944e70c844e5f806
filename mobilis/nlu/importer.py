"""Feeds the phrasings of the content files to training: FAQ and free-text assessment answers."""

from pathlib import Path

from rasa.shared.core.domain import Domain
from rasa.shared.core.training_data.structures import StoryGraph
from rasa.shared.importers.importer import TrainingDataImporter
from rasa.shared.nlu.constants import INTENT, METADATA, METADATA_INTENT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from mobilis.assessment import load_assessment
from mobilis.content import LANGUAGES, load_content

ANSWER_INTENT = "answer"
FAQ_INTENT = "faq"
# Intents that nobody says: the front door, a form or doubt makes them.
MADE_INTENTS = ("conversation_opened", "inform", "ambiguous")


class ContentImporter(TrainingDataImporter):
    """Reads `faq/*.yml` and `assessment/readiness.yml` beside the given `config.yml`.

    Raises `mobilis.errors.ContentError`, which names the file and the field.
    """

    def __init__(
        self,
        config_file: str | None = None,
        domain_path: str | None = None,
        training_data_paths: list[str] | str | None = None,
    ) -> None:
        self.root = Path(config_file).resolve().parent if config_file else Path.cwd()

    def get_domain(self) -> Domain:
        return Domain.empty()

    def get_nlu_data(self, language: str | None = "en") -> TrainingData:
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
        examples += [Message.build(text, intent=intent) for text, intent in payloads]
        return TrainingData(examples)

    def get_stories(self, exclusion_percentage: int | None = None) -> StoryGraph:
        return StoryGraph([])

    def get_conversation_tests(self) -> StoryGraph:
        return StoryGraph([])

    def get_config(self) -> dict:
        return {}

    def get_config_file_for_auto_config(self) -> str | None:
        return None


def label_of(message: Message) -> str:
    """The label that an example teaches: an intent, or `faq/<id>`.

    It stands in the example's metadata: as a response key, Rasa would ask for its own selector.
    """
    metadata = (message.get(METADATA) or {}).get(METADATA_INTENT) or {}
    return str(metadata.get("label") or message.get(INTENT))


def _example(text: str, intent: str, label: dict[str, str]) -> Message:
    return Message.build(text, intent=intent, intent_metadata=label)
