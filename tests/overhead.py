"""What being seen costs a turn: whole assistants side by side, taking the same turns by turns.

`make overhead`. Processor time of all processes is what is compared: other work on the machine
changes it little.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
import uuid
from contextlib import ExitStack
from pathlib import Path

from collectors import Collector
from loopback import loopback_client

from mobilis.stack import Stack, free_ports

ROUNDS = 25
TEXTS = (
    "Qui peut soumettre une demande ?",
    "Combien ça coûte ?",
    "je cherche un coach en logement",
    "What is the CRA limit?",
    "zzqx blorp",
    "Bonjour",
    "how long does it take",
    "est-ce confidentiel ?",
)
TICKS = os.sysconf("SC_CLK_TCK")


class Side:
    """One assistant with settings of its own, and a visitor."""

    def __init__(self, folder: Path, **environment: str) -> None:
        folder.mkdir()
        self.stack = Stack(folder, environment=environment)
        self.http = loopback_client(base_url=self.stack.base, timeout=90)
        opened = self.http.post("/api/conversations", json={"language": "fr"}).json()
        self.address = f"/api/conversations/{opened['conversation']}/messages"
        self.http.headers["Authorization"] = f"Bearer {opened['token']}"
        self.seconds: list[float] = []
        self.busy = 0.0
        self.take_turns()  # what is loaded at first use is not counted
        self.seconds, self.busy = [], 0.0

    def take_turns(self) -> None:
        """Say everything once."""
        before = self._processor_seconds()
        for text in TEXTS:
            began = time.perf_counter()
            body = {"id": str(uuid.uuid4()), "text": text}
            answer = self.http.post(self.address, json=body, params={"wait": 30})
            assert answer.status_code == 200, answer.text
            self.seconds.append(time.perf_counter() - began)
        self.busy += self._processor_seconds() - before

    def _processor_seconds(self) -> float:
        stats = [Path(f"/proc/{pid}/stat").read_text() for pid in self.stack.pids().values()]
        fields = [stat.rpartition(")")[2].split() for stat in stats]
        return sum(int(one[11]) + int(one[12]) for one in fields) / TICKS

    @property
    def figures(self) -> tuple[float, float]:
        """Median and processor time of a turn, in milliseconds."""
        return 1000 * statistics.median(self.seconds), 1000 * self.busy / len(self.seconds)


def main() -> None:
    """Write a line for each side."""
    collector = Collector()
    metrics = {"MOBILIS_METRICS_PORT": str(free_ports(4))}
    traces = {"MOBILIS_METRICS_PORT": str(free_ports(4)), "MOBILIS_TRACES_URL": collector.url}
    with tempfile.TemporaryDirectory() as folder, ExitStack() as running:
        running.callback(collector.stop)
        sides: dict[str, Side] = {}
        for name, environment in (
            ("nothing", {"MOBILIS_LOG_LEVEL": "CRITICAL"}),
            ("log", {}),
            ("log and metrics", metrics),
            ("log, metrics and traces", traces),
        ):
            sides[name] = Side(Path(folder, name.replace(" ", "-")), **environment)
            running.callback(sides[name].stack.stop)
        for _ in range(ROUNDS):
            for side in sides.values():
                side.take_turns()
        median, busy = sides["nothing"].figures
        for name, side in sides.items():
            mine, used = side.figures
            figures = f"p50 {mine:.1f} ms ({mine / median:.2f}), processor {used:.1f} ms"
            sys.stdout.write(f"{name:<24} {figures} ({used / busy:.2f})\n")


if __name__ == "__main__":
    main()
