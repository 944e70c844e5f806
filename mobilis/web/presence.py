"""Who of staff has which case open right now, for a notice to the others.

In the memory of this process, since nothing hangs on it: it forgets when it is started again.
Other front doors are told (mobilis/web/peers.py). A page that is open says so every 20 seconds.
"""

from __future__ import annotations

import time
from collections import defaultdict, deque

MOST_NEWS = 200
LASTS_SECONDS = 50.0  # two polls of a page, and some


class Presence:
    """The open cases."""

    def __init__(self) -> None:
        self._seen: defaultdict[str, dict[str, tuple[str, float]]] = defaultdict(dict)
        self.news: deque[tuple[str, str, str]] = deque(maxlen=MOST_NEWS)  # for other front doors

    def meet(self, case_id: str, staff_id: str, name: str) -> list[str]:
        """Somebody has a case open now; the names of the others who have."""
        self.hear(case_id, staff_id, name)
        self.news.append((case_id, staff_id, name))
        here = self._seen[case_id]
        return sorted(name for one, (name, _) in here.items() if one != staff_id)

    def hear(self, case_id: str, staff_id: str, name: str) -> None:
        """Somebody has a case open, here or at another front door."""
        moment = time.monotonic()
        self._forget(moment)
        self._seen[case_id][staff_id] = (name, moment)

    def _forget(self, moment: float) -> None:
        for case_id, here in list(self._seen.items()):
            for staff_id, (_, at) in list(here.items()):
                if at < moment - LASTS_SECONDS:
                    del here[staff_id]
            if not here:
                del self._seen[case_id]
