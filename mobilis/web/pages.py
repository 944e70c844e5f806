"""The demo page at `/`, in the reader's language. Its words are in content/page.yml."""

from __future__ import annotations

import html
from pathlib import Path
from string import Template

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from mobilis.content import LANGUAGES
from mobilis.web.door import Door, door_of
from mobilis.wording import preferred_language

STATIC = Path(__file__).resolve().parent / "static"
TEMPLATE = Path(__file__).resolve().parent / "demo.html"
SECURITY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'"
)


async def demo(request: Request) -> Response:
    """GET /: the page in the language of `?lang=`, else of the browser."""
    language = request.query_params.get("lang", "")
    if language not in LANGUAGES:
        language = preferred_language(request.headers.get("accept-language", ""))
    headers = {
        "Content-Security-Policy": SECURITY,
        "Content-Language": language,
        "Vary": "Accept-Language",
        "Cache-Control": "no-cache",
    }
    return HTMLResponse(_render(door_of(request), language), headers=headers)


def _render(door: Door, language: str) -> str:
    days = door.settings.retention_days
    words = {key: sentence[language] for key, sentence in door.wording.page.items()}
    words["consent"] = words["consent"].format(days=days) if days else words["consent_unlimited"]
    other = next(code for code in LANGUAGES if code != language)
    escaped = {key: html.escape(word) for key, word in words.items()}
    template = Template(TEMPLATE.read_text(encoding="utf-8"))
    limit = door.settings.text_limit
    return template.substitute(escaped, lang=language, other=other, limit=limit)
