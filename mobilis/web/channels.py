"""What a channel that messages are pushed to brings to the front door: its routes, its outlet, and
what runs beside. Each is a folder in mobilis/web; mobilis/web/app.py puts them together.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from starlette.routing import Route

from mobilis.web.door import Door
from mobilis.web.sender import Outlet


class Channel(Protocol):
    """A platform, as the settings have it."""

    name: str
    outlet: Outlet

    def routes(self) -> Sequence[Route]:
        """Where the platform sends what happens on it."""

    def running(self, door: Door) -> AbstractAsyncContextManager[None]:
        """What runs beside while the front door does, such as a connection of its own."""
