"""Responses of domain.yml, each marked with the language in which it was said."""

from typing import Any, Dict, Optional, Text

from rasa.core.nlg.response import TemplatedNaturalLanguageGenerator
from rasa.shared.core.domain import Domain
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.endpoints import EndpointConfig


class BilingualResponses(TemplatedNaturalLanguageGenerator):
    """Rasa's own generator, plus `mobilis: {language}` for the chat API."""

    def __init__(
        self, endpoint_config: Optional[EndpointConfig] = None, domain: Optional[Domain] = None
    ) -> None:
        super().__init__(domain.responses if domain else {})

    async def generate(
        self,
        utter_action: Text,
        tracker: DialogueStateTracker,
        output_channel: Text,
        **kwargs: Any,
    ) -> Optional[Dict[Text, Any]]:
        generated = await super().generate(utter_action, tracker, output_channel, **kwargs)
        if generated is not None:
            generated["mobilis"] = {"language": tracker.get_slot("language")}
        return generated
