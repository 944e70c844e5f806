"""How accuracy grows with the number of phrasings: the classifier of labels, taught parts of them.

Phrasings and messages go once through what stands before the classifier, so that they are encoded
once; then it alone is trained again and again. Called by `mobilis.nlu.report`.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from rasa.core.channels.channel import UserMessage
from rasa.engine.constants import PLACEHOLDER_IMPORTER, PLACEHOLDER_MESSAGE
from rasa.engine.graph import ExecutionContext, GraphSchema, SchemaNode
from rasa.engine.runner.dask import DaskGraphRunner
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.resource import Resource
from rasa.shared.importers.importer import TrainingDataImporter
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from mobilis.nlu.classifier import LABELS, LabelClassifier
from mobilis.nlu.evaluation import Understanding, read_rows
from mobilis.nlu.figures import Point
from mobilis.nlu.importer import ANSWER_INTENT, label_of, language_of
from mobilis.text import guard

# Of the phrasings so much is taught, so many times by drawing others: the more, the longer it takes
# and the less it matters which.
DRAWS = {Fraction(1, 8): 3, Fraction(1, 4): 3, Fraction(1, 2): 2, Fraction(3, 4): 1}

Say = Callable[[str], None]


class Asked(NamedTuple):
    """A message whose label is known, as the classifier is given it."""

    label: str
    message: Message


def learning_curves(
    model: Understanding, root: Path, files: Mapping[str, Path], say: Say
) -> dict[str, list[Point]]:
    """For each of `files` (language → labelled messages) the accuracy of the label ranked first,
    against the phrasings taught. The last point is `model` itself."""
    asked = {language: _asked(model, path) for language, path in files.items()}
    alone = {language: _accuracy(messages) for language, messages in asked.items()}
    say("encoding all phrasings (a minute)")
    phrasings = _phrasings(model, root)
    curves: dict[str, list[Point]] = {language: [] for language in files}
    for part, times in DRAWS.items():
        say(f"learning from {part} of {len(phrasings)} phrasings, {times} times")
        drawn = [draw(phrasings, part, seed) for seed in range(times)]
        taught = [_taught(model, some, asked) for some in drawn]
        for language, points in curves.items():
            points.append(Point(str(part), len(drawn[0]), [one[language] for one in taught]))
    for language, points in curves.items():
        points.append(Point("all", len(phrasings), [alone[language]]))
    return curves


def draw(phrasings: Sequence[Message], part: Fraction, seed: int) -> list[Message]:
    """A part of the phrasings of each label and language; a larger part holds the smaller ones."""
    chance = random.Random(seed)
    groups: dict[tuple[str, str | None], list[Message]] = defaultdict(list)
    for message in phrasings:
        groups[label_of(message), language_of(message)].append(message)
    drawn = []
    for group in groups.values():
        chance.shuffle(group)
        drawn += group[: ceil(part * len(group))]
    return drawn


def _phrasings(model: Understanding, root: Path) -> list[Message]:
    """Everything that teaches a label, as the classifier is given it in training."""
    schema = model.agent.processor.model_metadata.train_schema
    target = _node(schema).needs["training_data"]
    importer = TrainingDataImporter.load_from_config(
        str(root / "config.yml"), str(root / "domain.yml"), [str(root / "data")]
    )
    with TemporaryDirectory() as folder:
        needed = schema.minimal_graph_schema([target])
        storage, context = LocalModelStorage(Path(folder)), ExecutionContext(schema)
        runner = DaskGraphRunner.create(needed, storage, context)
        found = runner.run({PLACEHOLDER_IMPORTER: importer}, targets=[target])[target]
    said = [m for m in found.intent_examples if not m.get(TEXT).startswith("/")]
    return [m for m in said if label_of(m) != ANSWER_INTENT]


def _asked(model: Understanding, path: Path) -> list[Asked]:
    """The messages of `path`, ranked by `model` and ready to be ranked again."""
    processor = model.agent.processor
    nodes = processor.model_metadata.predict_schema.nodes
    [target] = [name for name, node in nodes.items() if issubclass(node.uses, LabelClassifier)]
    asked = []
    for label, text in read_rows(path, 2):
        inputs = {PLACEHOLDER_MESSAGE: [UserMessage(guard(text))]}
        found = processor.graph_runner.run(inputs, targets=[target])[target]
        asked.append(Asked(model.label(label), found[0]))
    return asked


def _taught(
    model: Understanding, phrasings: Sequence[Message], asked: Mapping[str, Sequence[Asked]]
) -> dict[str, float]:
    """The accuracy by language when only `phrasings` are taught."""
    schema = model.agent.processor.model_metadata.train_schema
    config = {**LabelClassifier.get_default_config(), **_node(schema).config}
    with TemporaryDirectory() as folder:
        storage, resource = LocalModelStorage(Path(folder)), Resource("labels")
        classifier = LabelClassifier.create(config, storage, resource, ExecutionContext(schema))
        classifier.train(TrainingData(list(phrasings)))
    for messages in asked.values():
        classifier.process([one.message for one in messages])
    return {language: _accuracy(messages) for language, messages in asked.items()}


def _accuracy(asked: Sequence[Asked]) -> float:
    rankings: list[Any] = [one.message.get(LABELS) or [("", 0.0)] for one in asked]
    right = sum(ranking[0][0] == one.label for ranking, one in zip(rankings, asked))
    return right / len(asked)


def _node(schema: GraphSchema) -> SchemaNode:
    return next(node for node in schema.nodes.values() if issubclass(node.uses, LabelClassifier))
