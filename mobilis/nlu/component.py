"""What graph components that learn have in common."""

from typing import Any

import joblib
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage

from mobilis.encoders import encoder_name
from mobilis.settings import load_settings

ENCODER_FILE = "encoder"  # beside what was learned: for which encoder (see mobilis.nlu.comparison)
_FILE = "learned.joblib"


class LearningComponent(GraphComponent):
    """Keeps what training learned in the model, under `learned`, and finds it again."""

    def __init__(
        self, config: dict[str, Any], model_storage: ModelStorage, resource: Resource
    ) -> None:
        self.config = config
        self._storage = model_storage
        self._resource = resource
        self.learned: Any = None

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> "LearningComponent":
        return cls(config, model_storage, resource)

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> "LearningComponent":
        component = cls(config, model_storage, resource)
        with model_storage.read_from(resource) as folder:
            component.learned = joblib.load(folder / _FILE)
        return component

    def keep(self, learned: Any) -> Resource:
        """Store `learned` in the model being trained."""
        self.learned = learned
        with self._storage.write_to(self._resource) as folder:
            joblib.dump(learned, folder / _FILE)
            name = encoder_name(load_settings().encoder)
            (folder / ENCODER_FILE).write_text(name, encoding="utf-8")
        return self._resource
