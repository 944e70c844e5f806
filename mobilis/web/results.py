"""The page of a finished self-assessment: to read, print, download and erase.

Whoever has its address may do all of it. Words are in content/result.yml; what a result means is
told as in the conversation, by mobilis/results.py.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any

from markupsafe import Markup
from sqlalchemy.engine import Connection
from starlette.requests import Request
from starlette.responses import Response

from mobilis.assessment import Assessment, Result, fresh_assessment
from mobilis.content import LANGUAGES, Content, fresh_content
from mobilis.errors import ChatError, StoreError
from mobilis.notices import read_overrides, with_overrides
from mobilis.openings import find_opening
from mobilis.privacy import erase_result as erase_kept_result
from mobilis.results import KeptResult, explain, list_answers, read_page
from mobilis.seeing.logs import tell_refusal
from mobilis.settings import ROOT
from mobilis.web import bars
from mobilis.web.door import Door, door_of
from mobilis.web.headers import NOT_KEPT, PAGE_WITH_FORM
from mobilis.web.limits import client_address
from mobilis.web.marked import marked
from mobilis.web.pages import STATIC, page_language, render
from mobilis.web.refusals import RETRY_AFTER_SECONDS, describe

HEADERS = {"Cache-Control": NOT_KEPT, "X-Robots-Tag": "noindex, nofollow"}

Handler = Callable[[Request], Awaitable[Response]]

logger = logging.getLogger(__name__)


def _refusing(handler: Handler) -> Handler:
    """`handler`, whose refusals are pages as well."""

    @wraps(handler)
    async def refusing(request: Request) -> Response:
        try:
            return await handler(request)
        except StoreError as error:
            tell_refusal(logger, "a result cannot be shown", error)
            return _refuse(request, ChatError("unavailable", 503, RETRY_AFTER_SECONDS))
        except ChatError as error:
            return _refuse(request, error)

    return refusing


@_refusing
async def read_result(request: Request) -> Response:
    """GET /r/{page}: the result, in its own language or in that of `?lang=`; with `?download=1` as
    a file that needs nothing else."""
    found = await _find(request)
    language = _language(request, found.kept.language)
    values = _told(door_of(request), found, language)
    if "download" not in request.query_params:
        page = {"up": "../", "page_id": found.kept.page_id, "style": None}
        return _show("result.html", language, {**values, **page})
    name = values["words"]["file_name"].format(date=found.kept.at.date().isoformat())
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    style = Markup((STATIC / "result.css").read_text(encoding="utf-8"))
    return _show("result.html", language, {**values, "style": style}, headers=headers)


@_refusing
async def erase_result(request: Request) -> Response:
    """GET /r/{page}/erase asks first, since it cannot be undone; POST erases the result."""
    door = door_of(request)
    kept = (await _find(request)).kept
    language = _language(request, kept.language)
    words = _words(door, language)
    if request.method == "POST" and _is_own_form(request):
        await door.erase(erase_kept_result, kept.page_id)
        said = {"heading": words["erased_title"], "text": words["erased_text"]}
        values = {"up": "../../", "gone": True, "words": words, **said}
        return _show("result_notice.html", language, values)
    status = 403 if request.method == "POST" else 200
    asked = {"up": "../../", "page_id": kept.page_id, "words": words}
    with_form = {"Content-Security-Policy": PAGE_WITH_FORM}
    return _show("result_erase.html", language, asked, status, with_form)


@dataclass(frozen=True)
class _Found:
    """A kept result with the content that tells it."""

    kept: KeptResult
    result: Result
    assessment: Assessment
    content: Content


async def _find(request: Request) -> _Found:
    """The result that is asked for; wrong ids count against whoever asks.

    Raises:
        ChatError: not_found, whatever the reason; too_many_requests.
    """
    door = door_of(request)
    address = client_address(request, door.settings.trusted_proxies)
    door.limits.result_misses.look(address)
    found = await door.read(_read, request.path_params["page"])
    if found is None:
        door.limits.result_misses.check(address)
        raise ChatError("not_found", 404)
    return found


def _read(connection: Connection, page_id: str) -> _Found | None:
    kept = read_page(connection, page_id)
    if kept is None:
        return None
    # Beside the code, where the actions read them: the page tells what the conversation told.
    assessment = fresh_assessment(ROOT)
    content = with_overrides(fresh_content(ROOT), read_overrides(connection))
    result = assessment.recall(kept.answers, kept.band, kept.variant, kept.total, kept.gaps)
    return _Found(kept, result, assessment, content) if result else None


def _is_own_form(request: Request) -> bool:
    """Whether a page of ours sent the form, as browsers tell it.

    Those that do not send `Sec-Fetch-Site` name our own pages "null", since these send no referrer.
    That tells nothing, but the address that is posted to is the secret.
    """
    site = request.headers.get("sec-fetch-site")
    if site:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin", "null")
    return origin == "null" or origin.partition("://")[2] == request.headers.get("host")


def _language(request: Request, own: str) -> str:
    asked = request.query_params.get("lang", "")
    return asked if asked in LANGUAGES else own


def _words(door: Door, language: str) -> dict[str, str]:
    return {key: sentence[language] for key, sentence in door.wording.result.items()}


def _told(door: Door, found: _Found, language: str) -> dict[str, Any]:
    """What the page shows of a result; every text in the words of the page or of the content."""
    words, result = _words(door, language), found.result
    told = explain(found.assessment, found.content, result, language)
    answers = _answers(found, language)
    scored = result.total is not None
    steps = found.assessment.bands[result.band].next_steps
    return {
        "words": words,
        "title": told.title,
        "texts": [marked(line) for text in told.texts for line in text.splitlines()],
        "dated": words["dated"].format(date=door.wording.date(found.kept.at, language)),
        "score": words["points"].format(points=result.total, of=result.of) if scored else None,
        "answers": answers,
        "picture": bars.draw(answers, words["points_short"], words["bar"]) if scored else None,
        "gaps": [(_capital(gap), marked(tip)) for gap, tip in told.gaps],
        "steps": [_step(found.content, label, language) for label in steps],
        "notices": [*map(marked, told.notices), words["unofficial"]],
        "until": _until(door, found.kept, words, language),
    }


def _answers(found: _Found, language: str) -> list[dict[str, Any]]:
    """The answers, titled as a line begins, with the question in full and its number."""
    rows = []
    for answer in list_answers(found.assessment, found.kept.answers, language):
        question = found.assessment.question(answer["question"])
        more = {"number": question.number, "asked": question.text[language]}
        rows.append({**answer, "title": _capital(answer["title"]), **more})
    return rows


def _step(content: Content, label: str, language: str) -> dict[str, str]:
    """A next step: its title, and what opens the chat on it; the assessment when nothing does."""
    name = f"faq/{label}" if label in content.faqs else label
    opens = name if find_opening(content, name) else "start_assessment"
    return {"title": content.title(opens, language), "opens": opens}


def _until(door: Door, kept: KeptResult, words: dict[str, str], language: str) -> str:
    if kept.until is None:
        return words["until_erased"]
    return words["until"].format(date=door.wording.date(kept.until, language))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _refuse(request: Request, error: ChatError) -> Response:
    """A refusal as a page; of a result that is not there, nothing is told."""
    door, language = door_of(request), page_language(request)
    words = _words(door, language)
    headers = {"Retry-After": str(error.retry_after)} if error.retry_after else {}
    if error.status == 404:
        said = {"heading": words["gone_title"], "text": words["gone_text"]}
    else:
        text = describe(door, error, language)["message"]
        said = {"heading": words["refused_title"], "text": text}
    up = "../../" if request.url.path.endswith("/erase") else "../"
    values = {"up": up, "gone": False, "words": words, **said}
    return _show("result_notice.html", language, values, error.status, headers)


def _show(
    template: str,
    language: str,
    values: Mapping[str, Any],
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    return render(template, language, status, {**HEADERS, **(headers or {})}, **values)
