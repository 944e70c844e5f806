"""Running the graph of a trained model: one node after the other, in an order found once.

Rasa has dask plan the same graph anew for every message, which takes longer than some components.
"""

from graphlib import TopologicalSorter
from typing import Any

from rasa.engine.runner.dask import DaskGraphRunner


class StraightRunner:
    """Runs the nodes that a runner of Rasa's has loaded."""

    def __init__(self, loaded: DaskGraphRunner) -> None:
        self._schema = loaded._graph_schema
        self._nodes = loaded._instantiated_nodes
        self._orders: dict[tuple[str, ...], list[tuple[str, list[str]]]] = {}

    def run(self, inputs: dict[str, Any], targets: list[str]) -> dict[str, Any]:
        """What the nodes `targets` give, by their names, when the graph is given `inputs`."""
        done = {name: (name, value) for name, value in inputs.items()}
        for name, needs in self._order(tuple(targets)):
            done[name] = self._nodes[name](*(done[need] for need in needs))
        return dict(done[target] for target in targets)

    def _order(self, targets: tuple[str, ...]) -> list[tuple[str, list[str]]]:
        """The nodes that lead to `targets`, each after those it needs."""
        if targets not in self._orders:
            nodes = self._schema.minimal_graph_schema(list(targets)).nodes
            needs = {name: list(node.needs.values()) for name, node in nodes.items()}
            order = TopologicalSorter(needs).static_order()
            self._orders[targets] = [(name, needs[name]) for name in order if name in needs]
        return self._orders[targets]
