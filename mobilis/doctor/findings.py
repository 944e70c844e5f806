"""What is found when one looks whether something works: each a sentence, and how bad it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mobilis.settings import Settings

OK, WARNING, FAULT = "ok", "warning", "fault"


@dataclass(frozen=True)
class Finding:
    """`about` is a word for programs, such as settings, database or ports; `state` is ok, warning
    (it works, for now or in part) or fault. The sentence says how to mend it."""

    about: str
    state: str
    sentence: str

    @property
    def ok(self) -> bool:
        """Whether it is no fault."""
        return self.state != FAULT

    def as_json(self) -> dict[str, str | bool]:
        """For programs."""
        return {
            "about": self.about,
            "state": self.state,
            "ok": self.ok,
            "sentence": self.sentence,
        }

    def as_line(self) -> str:
        """For people."""
        return f"{self.state:<8}{self.about:<12}{self.sentence}"


Check = Callable[[Settings], Iterator[Finding]]
