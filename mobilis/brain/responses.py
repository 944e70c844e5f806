"""Responses of domain.yml, each marked with the language and the kind in which it was said."""

from typing import Any

from rasa.core.nlg.response import TemplatedNaturalLanguageGenerator
from rasa.shared.core.domain import Domain
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.endpoints import EndpointConfig


class BilingualResponses(TemplatedNaturalLanguageGenerator):
    """Rasa's own generator, plus `mobilis` for the chat API: the language, and what the response's
    `metadata` says (its `kind`, what it offers)."""

    def __init__(
        self, endpoint_config: EndpointConfig | None = None, domain: Domain | None = None
    ) -> None:
        super().__init__(domain.responses if domain else {})

    async def generate(
        self,
        utter_action: str,
        tracker: DialogueStateTracker,
        output_channel: str,
        **kwargs: Any,
    ) -> dict[str, Any] | None:
        generated = await super().generate(utter_action, tracker, output_channel, **kwargs)
        if generated is not None:
            said = generated.pop("metadata", None) or {}
            generated["mobilis"] = {**said, "language": tracker.get_slot("language")}
        return generated
