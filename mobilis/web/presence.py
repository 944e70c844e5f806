"""Who of staff has which case open right now, for a notice to the others.

In the memory of this process, since nothing hangs on it: it knows one front door only, and
forgets when it is started again. A page that is open says so every 20 seconds.
"""

from __future__ import annotations

import time
from collections import defaultdict

LASTS_SECONDS = 50.0  # two polls of a page, and some


class Presence:
    """The open cases."""

    def __init__(self) -> None:
        self._seen: defaultdict[str, dict[str, tuple[str, float]]] = defaultdict(dict)

    def meet(self, case_id: str, staff_id: str, name: str) -> list[str]:
        """Somebody has a case open now; the names of the others who have."""
        moment = time.monotonic()
        self._forget(moment)
        here = self._seen[case_id]
        here[staff_id] = (name, moment)
        return sorted(name for one, (name, _) in here.items() if one != staff_id)

    def _forget(self, moment: float) -> None:
        for case_id, here in list(self._seen.items()):
            for staff_id, (_, at) in list(here.items()):
                if at < moment - LASTS_SECONDS:
                    del here[staff_id]
            if not here:
                del self._seen[case_id]
