"""Finds what a coach search wishes for: region, language, level of government, topic."""

from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message

from mobilis.facets import load_facets
from mobilis.settings import ROOT

FACETS = "facets"  # message property: mobilis.facets.Facets


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=False)
class FacetExtractor(GraphComponent):
    """Reads `content/facets.yml` at start and looks its terms up in every message."""

    def __init__(self) -> None:
        self.vocabulary = load_facets(ROOT)

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> "FacetExtractor":
        return cls()

    def process(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            text = message.get(TEXT)
            if text and not text.startswith("/"):
                message.set(FACETS, self.vocabulary.extract(text))
        return messages
