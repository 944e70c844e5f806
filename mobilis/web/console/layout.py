"""How a page of the console is made from its template and words. Called through the gate."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from starlette.responses import Response

from mobilis.dates import ZONE
from mobilis.dates import local as local
from mobilis.versions import content_problem
from mobilis.web.door import Door
from mobilis.web.headers import CONSOLE, NOT_KEPT
from mobilis.web.pages import render

HEADERS = {"Cache-Control": NOT_KEPT, "X-Robots-Tag": "noindex, nofollow"}
# What the navigation leads to, and the right each needs.
NAVIGATION = (
    ("queue", "read"),
    ("mentions", "act"),
    ("deliveries", "act"),
    ("learning", "act"),
    ("figures", "read"),
    ("export", "export"),
    ("coaches", "admin"),
    ("notices", "admin"),
    ("people", "admin"),
    ("privacy", "admin"),
    ("audit", "admin"),
)


def show(
    door: Door,
    template: str,
    language: str,
    status: int = 200,
    headers: dict[str, str] | None = None,
    **values: Any,
) -> Response:
    """A template of templates/console with the console's words as `words.<file>.<key>`.

    `person` (who is signed in) is none where nobody is; `here` is the name of the page in the
    navigation. Admins are told of a content file that is wrong, and therefore not in use.
    """
    words = {
        group: {key: sentence[language] for key, sentence in sentences.items()}
        for group, sentences in door.wording.console.items()
    }
    usual = {"person": None, "csrf": "", "here": "", "words": words, "navigation": NAVIGATION}
    person = values.get("person")
    told = person is not None and person.may("admin")
    usual["content_problem"] = content_problem(door.settings.project_dir) if told else None
    return render(
        f"console/{template}",
        language,
        status,
        {"Content-Security-Policy": CONSOLE, **HEADERS, **(headers or {})},
        **{**usual, **values},
    )


def stamp(moment: datetime | None) -> str:
    """A moment in Toronto to the second, written alike in both languages: "2026-11-26 09:05:12"."""
    return f"{moment.astimezone(ZONE):%Y-%m-%d %H:%M:%S}" if moment else ""
