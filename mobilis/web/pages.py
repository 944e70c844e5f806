"""Pages for people. Templates are in templates/, words in content/page.yml."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from mobilis.content import LANGUAGES
from mobilis.web.door import Door, door_of
from mobilis.wording import preferred_language

STATIC = Path(__file__).resolve().parent / "static"
TEMPLATES = Path(__file__).resolve().parent / "templates"
SECURITY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'"
)


async def demo(request: Request) -> Response:
    """GET /: the page in the language of `?lang=`, else of the browser."""
    language = page_language(request)
    return render("demo.html", language, **_words(door_of(request), language))


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
        "Content-Security-Policy": SECURITY,
        "Content-Language": language,
        "Vary": "Accept-Language",
        "Cache-Control": "no-cache",
    }
    return HTMLResponse(text, status, {**usual, **(headers or {})})


@lru_cache(maxsize=1)
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _words(door: Door, language: str) -> dict[str, Any]:
    days = door.settings.retention_days
    words = {key: sentence[language] for key, sentence in door.wording.page.items()}
    words["consent"] = words["consent"].format(days=days) if days else words["consent_unlimited"]
    return {**words, "limit": door.settings.text_limit}
