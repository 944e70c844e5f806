"""Pages for people: the demo site and its privacy page.

Templates are in templates/, words in content/site.yml; what faq/ and content/ say already comes
from there.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from anyio import to_thread
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from mobilis.content import LANGUAGES, fresh_content
from mobilis.dates import day_of, local, local_day
from mobilis.notices import current_content
from mobilis.openings import find_opening
from mobilis.settings import ROOT
from mobilis.web.door import Door, door_of
from mobilis.web.headers import ASKED_AGAIN, PAGE
from mobilis.web.marked import marked
from mobilis.wording import preferred_language

STATIC = Path(__file__).resolve().parent / "static"
TEMPLATES = Path(__file__).resolve().parent / "templates"
# The questions of faq/ that the home page offers, in its order.
QUESTIONS = (
    *("cost", "timeline", "who_is_it_for", "coalition"),
    *("cra_limits", "cra_nonpartisan", "cra_elections", "lobbying_registration"),
)


async def home(request: Request) -> Response:
    """GET /: the demo site; `?open=` opens the chat on something of the closed list."""
    door, language = door_of(request), page_language(request)
    opening = request.query_params.get("open", "")
    if find_opening(fresh_content(ROOT), opening) is None:
        opening = ""
    return await _site("home.html", "/", door, language, questions=QUESTIONS, opening=opening)


async def privacy(request: Request) -> Response:
    """GET /privacy: what is kept of a visitor, for how long, and how to erase it."""
    door, language = door_of(request), page_language(request)
    talk_days, lead_days = door.settings.transcript_days, door.settings.lead_days
    talk = "long_talk_days" if talk_days else "long_talk_unlimited"
    lead = "long_lead_days" if lead_days else "long_lead_unlimited"
    how_long = {
        "long_talk": door.wording.site[talk][language].format(days=talk_days),
        "long_lead": door.wording.site[lead][language].format(days=lead_days),
    }
    return await _site("privacy.html", "/privacy", door, language, **how_long)


def page_language(request: Request) -> str:
    """The language of `?lang=`, else the one that the browser likes best."""
    language = request.query_params.get("lang", "")
    if language in LANGUAGES:
        return language
    return preferred_language(request.headers.get("accept-language", ""))


def render(
    template: str,
    language: str,
    status: int = 200,
    headers: dict[str, str] | None = None,
    **values: Any,
) -> Response:
    """A page of templates/; it gets `lang` and `other` (the other language's code) too."""
    other = next(code for code in LANGUAGES if code != language)
    text = _templates().get_template(template).render(lang=language, other=other, **values)
    usual = {
        "Content-Security-Policy": PAGE,
        "Content-Language": language,
        "Vary": "Accept-Language",
        "Cache-Control": ASKED_AGAIN,
    }
    return HTMLResponse(text, status, {**usual, **(headers or {})})


@lru_cache(maxsize=1)
def _templates() -> Environment:
    templates = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters["local"] = _local
    templates.filters["local_day"] = _local_day
    templates.filters["marked"] = marked
    templates.filters["local_date"] = lambda moment: day_of(moment).isoformat()
    return templates


@pass_context
def _local(context: Context, moment: datetime) -> str:
    """`{{ moment|local }}`: in the page's language."""
    return local(moment, context["lang"])


@pass_context
def _local_day(context: Context, moment: datetime) -> str:
    return local_day(moment, context["lang"])


async def _site(template: str, here: str, door: Door, language: str, **values: Any) -> Response:
    content = await to_thread.run_sync(current_content, ROOT, door.database)
    for key, sentence in door.wording.site.items():
        values[key] = sentence[language]
    return render(template, language, **values, content=content, here=here)
