"""The staff console at /console: every page of it. Words are in content/console/, by module."""

from __future__ import annotations

from mobilis.web.console import export, home, privacy, queue, script, sign_in

CONSOLE = (*sign_in.PAGES, *script.PAGES, *home.PAGES, *queue.PAGES, *export.PAGES, *privacy.PAGES)
