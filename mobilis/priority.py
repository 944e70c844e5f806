"""How urgent a case is, from stated facts alone, each with its points: nothing personal or guessed.

The weights are a setting (`MOBILIS_PRIORITY`); the console shows each fact with its points.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from mobilis.errors import SettingError

# What each fact is worth unless the setting says otherwise.
WEIGHTS: Mapping[str, int] = {
    "person": 40,  # a person was asked for
    "coach": 35,  # a coach was asked for
    "interest": 30,  # an interest was declared
    "ready": 20,  # the assessment ended in this band
    "nearly": 15,
    "assessed": 5,  # it ended in another band
    "waiting_4h": 5,  # asked for so long ago and not answered by a person
    "waiting_24h": 15,
    "waiting_72h": 25,
}
WAITS = (
    ("waiting_72h", timedelta(hours=72)),
    ("waiting_24h", timedelta(hours=24)),
    ("waiting_4h", timedelta(hours=4)),
)


@dataclass(frozen=True)
class Facts:
    """What a priority is made of."""

    person_asked: bool
    lead_kind: str | None  # interest | coach
    band: str | None
    waiting_since: datetime | None


def read_weights(text: str) -> Mapping[str, int]:
    """The weights of a setting such as "person=50, ready=0"; those not named keep theirs.

    Raises:
        SettingError: a name is none of `WEIGHTS`, or a weight is no whole number from 0 to 1000.
    """
    weights = dict(WEIGHTS)
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, value = (piece.strip() for piece in part.partition("="))
        if name not in WEIGHTS:
            raise SettingError(f"MOBILIS_PRIORITY: {name} is none of {', '.join(WEIGHTS)}")
        if not value.isdecimal() or int(value) > 1000:
            raise SettingError(f"MOBILIS_PRIORITY: {name}: a whole number from 0 to 1000 is wanted")
        weights[name] = int(value)
    return weights


def reasons(facts: Facts, weights: Mapping[str, int], moment: datetime) -> list[tuple[str, int]]:
    """The facts that count, by name, with their points; those worth nothing are left out."""
    found = ["person"] if facts.person_asked else []
    if facts.lead_kind in ("interest", "coach"):
        found.append(facts.lead_kind)
    if facts.band:
        found.append(facts.band if facts.band in ("ready", "nearly") else "assessed")
    if facts.waiting_since:
        waited = moment - facts.waiting_since
        found += [name for name, least in WAITS if waited >= least][:1]
    return [(name, weights[name]) for name in found if weights[name]]


def priority(facts: Facts, weights: Mapping[str, int], moment: datetime) -> int:
    """The sum of the points."""
    return sum(points for _, points in reasons(facts, weights, moment))
