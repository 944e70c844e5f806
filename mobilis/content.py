"""The content files as checked Python objects: FAQ, buttons, notices, the programme's links.

Read at run time, so that a change of wording needs no training. The assessment has its own
loader (mobilis/assessment.py), since it also has its own rules. Everything raises `ContentError`
whose message names the file and the field.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from mobilis.errors import ContentError
from mobilis.freshness import load_fresh

LANGUAGES = ("fr", "en")
TOPICS = ("stream", "process", "charity_law", "other_law", "assistant")
CONFIDENCES = ("published", "partial", "not_published")
PROVINCES = ("AB", "BC", "MB", "NB", "NL", "NS", "NT", "NU", "ON", "PE", "QC", "SK", "YT")
ANSWER_LINES = 4
TITLE_LENGTH = 40
MIN_PHRASINGS = 20
NOTICE_LENGTH = 300

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the same, ten times faster
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")  # what has no place in one line
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_MARKDOWN_LINK = re.compile(r"\]\(([^)]*)")
_NOTICE_PROBLEMS = {
    "empty": "is missing",
    "too_long": f"is longer than {NOTICE_LENGTH} characters",
    "stars": "has a *, and is in italics already",
    "placeholder": "has {…}, which nothing fills in",
    "markup": "has raw HTML",
    "link": "has a link that is not https://",
    "control": "has a line break or an invisible character",
}

Text = Mapping[str, str]  # {"fr": …, "en": …}


@dataclass(frozen=True)
class Link:
    """A page of the programme. `url` may lack a language; `where` then says where to look."""

    title: Text
    url: Mapping[str, str | None]
    where: Text

    @property
    def may_be_unknown(self) -> bool:
        """Whether there are words for when the address is not known."""
        return self.where is not self.title


@dataclass(frozen=True)
class Source:
    """Where an answer comes from; `url` holds at least one language."""

    title: Text
    url: Mapping[str, str]


@dataclass(frozen=True)
class Faq:
    """One question with its answer in both languages. `id` is the name of its file."""

    id: str
    topic: str
    confidence: str
    reviewed: datetime.date
    notices: tuple[str, ...]
    follow_ups: tuple[str, ...]
    sources: tuple[Source, ...]
    links: tuple[str, ...]  # keys of content/programme.yml
    title: Text
    question: Text
    answer: Text
    not_published: Text
    phrasings: Mapping[str, tuple[str, ...]]
    regions: Mapping[str, Text] = field(default_factory=dict)


@dataclass(frozen=True)
class Content:
    """Everything the assistant can say from files, but for the assessment."""

    faqs: Mapping[str, Faq]
    choices: Mapping[str, Text]
    notices: Mapping[str, Text]
    wording: Mapping[str, Text]
    links: Mapping[str, Link]

    def title(self, label: str, language: str) -> str:
        """What a button for `label` says: an intent, or a FAQ as `faq/<id>` or `<id>`."""
        faq = self.faqs.get(label.removeprefix("faq/"))
        return faq.title[language] if faq else self.choices[label][language]

    def said(self, keys: Iterable[str], language: str) -> list[str]:
        """The notices of these names, but for those that staff have turned off."""
        return [self.notices[key][language] for key in keys if key in self.notices]


def load_content(root: Path) -> Content:
    """Read and check every content file below `root`.

    Raises:
        ContentError: a file is missing or wrong; the first problem, with its file and field.
    """
    choices = _texts(root, "content/choices.yml")
    notices = _notices(root)
    wording = _texts(root, "content/wording.yml")
    _check_placeholders("content/wording.yml", wording)
    links = _links(root)
    faqs = {path.stem: _faq(root, path) for path in sorted((root / "faq").glob("*.yml"))}
    if not faqs:
        raise ContentError("faq: no question was found")
    content = Content(faqs, choices, notices, wording, links)
    for faq in faqs.values():
        _check_references(faq, content)
    return content


def fresh_content(root: Path) -> Content:
    """The content as its files are now, or were a second ago at most.

    Raises:
        ContentError: as `load_content`.
    """
    return load_fresh(_content_of, root, "faq", "content")


@lru_cache(maxsize=1)
def _content_of(root: Path, stamp: float) -> Content:
    return load_content(root)


def problems(root: Path) -> list[str]:
    """Every problem of the FAQ files, not only the first; empty when all is well."""
    found = []
    for path in sorted((root / "faq").glob("*.yml")):
        try:
            _faq(root, path)
        except ContentError as error:
            found.append(str(error))
    if not found:
        try:
            load_content(root)
        except ContentError as error:
            found.append(str(error))
    return found


def missing(root: Path, language: str) -> list[str]:
    """Every text of the content files that `language` lacks, as `file: field`.

    Raises:
        ContentError: a file cannot be read.
    """
    names = [str(path.relative_to(root)) for path in sorted(root.glob("faq/*.yml"))]
    names += [str(path.relative_to(root)) for path in sorted(root.glob("content/*.yml"))]
    names += ["assessment/readiness.yml"]
    return [
        f"{name}: {path}"
        for name in names
        for path in _lacking(read_yaml(root, name), language, "")
    ]


def _lacking(data: Any, language: str, path: str) -> Iterator[str]:
    """The paths of the mappings that have French and English but not `language`."""
    if isinstance(data, list):
        for number, item in enumerate(data, 1):
            yield from _lacking(item, language, f"{path}[{number}]")
    elif isinstance(data, Mapping):
        if all(known in data for known in LANGUAGES) and language not in data:
            yield f"{path}.{language}".lstrip(".")
        else:
            for key, value in data.items():
                yield from _lacking(value, language, f"{path}.{key}".lstrip("."))


def read_yaml(root: Path, name: str) -> Any:
    """The data of one YAML file.

    Raises:
        ContentError: the file is missing, is not UTF-8 or is not YAML (names the line).
    """
    try:
        return yaml.load((root / name).read_text(encoding="utf-8"), Loader=_Loader)
    except FileNotFoundError:
        raise ContentError(f"{name}: the file is missing") from None
    except UnicodeDecodeError:
        raise ContentError(f"{name}: the file is not UTF-8") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" at line {mark.line + 1}" if mark else ""
        raise ContentError(f"{name}: not valid YAML{line}") from None


def both_languages(name: str, path: str, data: Any) -> Text:
    """`data` as a text in both languages.

    Raises:
        ContentError: a language is missing, empty or not text.
    """
    for language in LANGUAGES:
        value = data.get(language) if isinstance(data, Mapping) else None
        if not isinstance(value, str) or not value.strip():
            raise ContentError(f"{name}: {path}.{language} is missing")
    return {language: data[language].strip() for language in LANGUAGES}


def _texts(root: Path, name: str) -> dict[str, Text]:
    data = _mapping(name, "the file", read_yaml(root, name))
    return {key: both_languages(name, key, value) for key, value in data.items()}


def _check_placeholders(name: str, texts: Mapping[str, Text]) -> None:
    for key, text in texts.items():
        wanted = [set(_PLACEHOLDER.findall(text[language])) for language in LANGUAGES]
        if wanted[0] != wanted[1]:
            raise ContentError(f"{name}: {key} does not have the same {{…}} in both languages")


def _notices(root: Path) -> dict[str, Text]:
    name = "content/notices.yml"
    notices = _texts(root, name)
    for key, text in notices.items():
        for language in LANGUAGES:
            problem = notice_problem(text[language])
            if problem:
                raise ContentError(f"{name}: {key}.{language} {_NOTICE_PROBLEMS[problem]}")
    return notices


def notice_problem(text: str) -> str | None:
    """Why a text in one language cannot be a notice, as a word of `_NOTICE_PROBLEMS`, if so.

    A notice is one line which is said in italics and filled in by nothing. Of the Markdown of the
    chat it may have links.
    """
    if not text.strip():
        return "empty"
    if len(text) > NOTICE_LENGTH:
        return "too_long"
    if "*" in text:
        return "stars"
    if _PLACEHOLDER.search(text):
        return "placeholder"
    if re.search(r"<[A-Za-z/!?]", text):
        return "markup"
    if any(not is_https(url) for url in _MARKDOWN_LINK.findall(text)):
        return "link"
    return "control" if CONTROL.search(text) else None


def _links(root: Path) -> dict[str, Link]:
    name = "content/programme.yml"
    links = {}
    for key, data in _mapping(name, "the file", read_yaml(root, name)).items():
        data = _mapping(name, key, data)
        title = both_languages(name, f"{key}.title", data.get("title"))
        url = _mapping(name, f"{key}.url", data.get("url") or {})
        for language in LANGUAGES:
            _check_url(name, f"{key}.url.{language}", url.get(language))
            if url.get(language) and not is_linkable(url[language]):
                raise ContentError(f"{name}: {key}.url.{language} has a bracket")
        known = all(url.get(language) for language in LANGUAGES)
        where = title
        if not known or "where" in data:
            where = both_languages(name, f"{key}.where", data.get("where"))
        links[key] = Link(title, url, where)
    return links


def _check_url(name: str, path: str, url: Any) -> None:
    if url is not None and not is_https(str(url)):
        raise ContentError(f"{name}: {path} must start with https://")


def is_https(url: str) -> bool:
    """Whether an address may be offered: it is https and names a site."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "https" and bool(parts.hostname) and not re.search(r"\s", url)


def is_linkable(url: str) -> bool:
    """Whether an address may stand in a link of the assistant's Markdown, which a bracket ends."""
    return is_https(url) and not re.search(r"[()<>\x00-\x20\x7f]", url)


def _faq(root: Path, path: Path) -> Faq:
    name = f"faq/{path.name}"
    data = _mapping(name, "the file", read_yaml(root, name))
    allowed = {
        *("topic", "confidence", "reviewed", "notices", "follow_ups"),
        *("sources", "regions", *LANGUAGES),
    }
    for key in data:
        if key not in allowed:
            raise ContentError(f"{name}: {key} is not a field of a question")
    _one_of(name, "topic", data.get("topic"), TOPICS)
    confidence = _one_of(name, "confidence", data.get("confidence"), CONFIDENCES)
    if not isinstance(data.get("reviewed"), datetime.date):
        raise ContentError(f"{name}: reviewed must be a date such as 2026-11-23")
    for language in LANGUAGES:
        _check_language(name, language, data.get(language), confidence)
    sources, links = _sources(name, data.get("sources"))
    words = {key: {lang: data[lang].get(key, "") for lang in LANGUAGES} for key in _WORDS}
    return Faq(
        id=path.stem,
        topic=data["topic"],
        confidence=confidence,
        reviewed=data["reviewed"],
        notices=_names(name, "notices", data.get("notices") or []),
        follow_ups=_names(name, "follow_ups", data.get("follow_ups") or []),
        sources=sources,
        links=links,
        title=both_languages(name, "title", words["title"]),
        question=both_languages(name, "question", words["question"]),
        answer=both_languages(name, "answer", words["answer"]),
        not_published=words["not_published"]
        if confidence == "published"
        else both_languages(name, "not_published", words["not_published"]),
        phrasings={lang: tuple(data[lang]["phrasings"]) for lang in LANGUAGES},
        regions=_regions(name, data.get("regions") or {}),
    )


_WORDS = ("title", "question", "answer", "not_published")


def _mapping(name: str, path: str, data: Any) -> Mapping[str, Any]:
    if not isinstance(data, Mapping):
        raise ContentError(f"{name}: {path} must be a mapping of names to values")
    return data


def _names(name: str, path: str, data: Any) -> tuple[str, ...]:
    if not isinstance(data, list) or not all(isinstance(item, str) for item in data):
        raise ContentError(f"{name}: {path} must be a list of names")
    return tuple(data)


def _one_of(name: str, path: str, value: Any, allowed: Iterable[str]) -> str:
    if value not in allowed:
        raise ContentError(f"{name}: {path} must be one of {', '.join(allowed)}")
    return str(value)


def _check_language(name: str, language: str, data: Any, confidence: str) -> None:
    required = ["title", "question", "answer"]
    required += ["not_published"] if confidence != "published" else []
    for key in required:
        if not isinstance(data, Mapping) or not isinstance(data.get(key), str):
            raise ContentError(f"{name}: {language}.{key} is missing")
    for key in data:
        if key not in (*_WORDS, "phrasings"):
            raise ContentError(f"{name}: {language}.{key} is not a field of a question")
    if len(data["title"]) > TITLE_LENGTH:
        raise ContentError(f"{name}: {language}.title is longer than {TITLE_LENGTH} characters")
    if len(data["answer"].strip().splitlines()) > ANSWER_LINES:
        raise ContentError(f"{name}: {language}.answer has more than {ANSWER_LINES} lines")
    _check_phrasings(name, f"{language}.phrasings", data.get("phrasings"))


def _check_phrasings(name: str, path: str, phrasings: Any) -> None:
    if not isinstance(phrasings, list) or len(phrasings) < MIN_PHRASINGS:
        raise ContentError(f"{name}: {path} needs at least {MIN_PHRASINGS} phrasings")
    seen = set()
    for number, phrasing in enumerate(phrasings, 1):
        if not isinstance(phrasing, str) or not phrasing.strip():
            raise ContentError(f"{name}: {path}[{number}] is not a text")
        if phrasing.casefold() in seen:
            raise ContentError(f"{name}: {path}[{number}] stands there twice: {phrasing}")
        seen.add(phrasing.casefold())


def _sources(name: str, data: Any) -> tuple[tuple[Source, ...], tuple[str, ...]]:
    if not isinstance(data, list) or not data:
        raise ContentError(f"{name}: sources is missing")
    sources, links = [], []
    for number, item in enumerate(data, 1):
        item = _mapping(name, f"sources[{number}]", item)
        if "link" in item:
            links.append(item["link"])
            continue
        title = both_languages(name, f"sources[{number}].title", item.get("title"))
        url = _mapping(name, f"sources[{number}].url", item.get("url") or {})
        url = {lang: address for lang, address in url.items() if address}
        if not url:
            raise ContentError(f"{name}: sources[{number}].url is missing")
        for language, address in url.items():
            _check_url(name, f"sources[{number}].url.{language}", address)
        sources.append(Source(title, url))
    return tuple(sources), tuple(links)


def _regions(name: str, data: Any) -> dict[str, Text]:
    for region in _mapping(name, "regions", data):
        _one_of(name, "regions", region, PROVINCES)
    return {key: both_languages(name, f"regions.{key}", value) for key, value in data.items()}


def _check_references(faq: Faq, content: Content) -> None:
    name = f"faq/{faq.id}.yml"
    for label in faq.follow_ups:
        if label == faq.id or (label not in content.faqs and label not in content.choices):
            raise ContentError(f"{name}: follow_ups names {label}, which cannot follow")
    for key in faq.notices:
        if key not in content.notices:
            raise ContentError(f"{name}: notices names {key}, which is not in content/notices.yml")
    for key in faq.links:
        if key not in content.links:
            raise ContentError(f"{name}: sources links {key}, not in content/programme.yml")
