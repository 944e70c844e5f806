"""Everything that reads what others wrote: any input is understood or refused, none breaks it.

Here are those that are functions; pages of the console, Slack's requests and the chat API are asked
as a whole (tests/web). A module that takes something apart and stands in neither list fails.
"""

from __future__ import annotations

import argparse
import ast
import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.requests import Request

from mobilis import (
    cli,
    coach_file,
    contact_details,
    content,
    dates,
    facets,
    likeness,
    markup,
    masking,
    mentions,
    periods,
    priority,
    queue,
    review,
    search,
    smtp,
    store,
    text,
)
from mobilis.errors import (
    ChatError,
    FileRefused,
    ImportRefused,
    SettingError,
    TeamsRefused,
    TeamsUnavailable,
)
from mobilis.secret_files import SHORTEST
from mobilis.settings import ROOT, Settings, load_settings, variable_of
from mobilis.web import incoming, limits, marked, pages, results, slack, widget
from mobilis.web.console import audit_log, gate
from mobilis.web.provider import Provider, _is_usable
from mobilis.web.slack import inbound, views
from mobilis.web.slack.blocks import mrkdwn
from mobilis.web.teams import activities, connector, tokens
from mobilis.web.teams.clouds import App, is_private
from mobilis.wording import load_wording, preferred_language

pytestmark = pytest.mark.door

# Letters, marks, controls, halves of characters, and what has a meaning to somebody.
ODD = st.text(max_size=60) | st.text(
    alphabet=st.characters(categories=("Cc", "Cf", "Cs", "Nd", "Nl", "Sm", "Zs", "Co")), max_size=20
)
MEANT = st.sampled_from(
    [
        *(
            "",
            " ",
            "0",
            "-1",
            "00",
            "1e999",
            "nan",
            "٣",
            "²",
            "½",
            "9" * 5000,
            "\0",
            "\ud800",
            "💥",
        ),
        *("2026-02-30", "0000-00-00", "2026-11-26", "9999-12-31", "20261126", "2026-W48-4", "é"),
        *("null", "[]", "{}", "'", '"', "--", ";", "%", "%00", "%ff", "../..", "//", "a" * 3000),
        *("https://[", "https://exemple.ca:x/", "javascript:x", "mailto:a@b", "x@y.z", "<@U1|x>"),
        *(
            "<!--",
            "<at>x</at>",
            "<a@b",
            "@é @x",
            "*a*[b](c)",
            "9" * 5000 + ". x",
            "=1+1",
            "Bearer a.b.c",
            "/restart",
        ),
        *("fr", "en", "person", "asc", "year", "quebec", "1.2.3.4", "::1", "::ffff:1.2.3.4%x"),
    ]
)
ANY = ODD | MEANT | st.lists(MEANT, max_size=4).map("".join)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY, inner, max_size=3),
    max_leaves=8,
)


def shaped(**shape: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with these fields, each as it should be, or anything, or not there."""
    fields = {name: value | JSON for name, value in shape.items()}
    return st.fixed_dictionaries({}, optional=fields)


def header(**names: Any) -> st.SearchStrategy[Request]:
    """Requests with these headers, as bytes that a server passes on."""
    octets = ANY.map(lambda value: value.encode("utf-8", "replace")) | st.binary(max_size=40)
    return st.fixed_dictionaries({}, optional=dict.fromkeys(names, octets)).map(
        lambda found: Request(
            {
                "type": "http",
                "method": "GET",
                "path": "/",
                "query_string": b"",
                "client": ("10.0.0.1", 1),
                "headers": [(name.replace("_", "-").encode(), v) for name, v in found.items()],
            }
        )
    )


def asking(**query: str) -> Request:
    """A request with this query, as it comes out of an address."""
    encoded = urlencode(query, errors="replace").encode()
    return Request({"type": "http", "query_string": encoded, "headers": []})


def queried(*names: str) -> st.SearchStrategy[dict[str, str]]:
    return st.dictionaries(st.sampled_from(names), ANY, max_size=len(names))


@dataclass(frozen=True)
class Parser:
    """A function, what it is given, and how it may refuse."""

    read: Callable[[Any], Any]
    given: st.SearchStrategy[Any]
    refuses: tuple[type[Exception], ...] = ()


def in_file(read: Callable[[Path], Any]) -> Callable[[bytes], Any]:
    """`read` on a file that holds what is given."""

    def go(data: bytes) -> Any:
        path = FOLDER / "given"
        path.write_bytes(data)
        return read(path)

    return go


FOLDER = Path()  # of the tests that run


@pytest.fixture(autouse=True, scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> None:
    global FOLDER
    FOLDER = tmp_path_factory.mktemp("parsers")


class NoKeys:
    """Signing keys of nobody."""

    async def find(self, name: str) -> None:
        return None


APP = App.__new__(App)
WORDS = load_wording(ROOT)
PROVIDER = Provider(Settings(secret="s" * SHORTEST, oidc_issuer="https://x.example"))
NAMED = shaped(id=ANY, name=ANY, tenantId=ANY, conversationType=ANY, isGroup=st.booleans())
ACTIVITY = shaped(
    type=st.sampled_from(["message", "invoke", "conversationUpdate", "installationUpdate"]),
    **{"id": ANY, "text": ANY, "locale": ANY, "timestamp": ANY, "serviceUrl": ANY, "name": ANY},
    **{"from": NAMED, "recipient": NAMED, "conversation": NAMED, "action": ANY},
    value=shaped(choice=ANY, claim=ANY, action=shaped(verb=ANY, data=shaped(choice=ANY))),
    entities=st.lists(shaped(type=st.just("mention"), mentioned=NAMED, text=ANY, locale=ANY)),
    membersAdded=st.lists(NAMED),
    channelData=shaped(team=NAMED, tenant=NAMED),
)
EVENT = st.fixed_dictionaries(
    {"type": st.sampled_from(["message", "app_mention"])},
    optional=dict.fromkeys(
        ("channel", "user", "ts", "text", "thread_ts", "subtype", "channel_type", "bot_id"), ANY
    ),
)
VIEW = shaped(
    private_metadata=ANY,
    state=shaped(values=st.dictionaries(ANY, st.dictionaries(ANY, shaped(value=ANY)))),
)
LINES = st.lists(ANY, max_size=6).map(lambda parts: ",".join(parts).encode("utf-8", "replace"))
REVIEW = st.lists(
    st.sampled_from(
        [
            *(
                "messages:\n",
                "- text: a\n",
                "  label: faq/cost\n",
                "  accept: true\n",
                "x: &a *a\n",
            ),
            *("  language: fr\n", "- !!python/object:os.system x\n", "- {\n", "? ", "\t", "---\n"),
        ]
    )
    | ANY,
    max_size=8,
).map(lambda parts: "".join(parts).encode("utf-8", "replace"))

PARSERS: dict[str, Parser] = {
    # The chat API
    "incoming.clean_text": Parser(incoming.clean_text, ANY),
    "incoming.content": Parser(
        lambda data: incoming.content(data, 2000),
        st.dictionaries(st.sampled_from(["text", "choice", "intent", "id"]), JSON),
        (ChatError,),
    ),
    "incoming.message_id": Parser(incoming.message_id, shaped(id=ANY), (ChatError,)),
    "incoming.helpful": Parser(incoming.helpful, shaped(helpful=JSON), (ChatError,)),
    "incoming.page": Parser(incoming.page, shaped(page=ANY), (ChatError,)),
    "incoming.language_or": Parser(
        lambda data: incoming.language_or(data, "fr"), shaped(language=ANY), (ChatError,)
    ),
    "incoming.wait_seconds": Parser(
        lambda value: incoming.wait_seconds(asking(wait=value)), ANY, (ChatError,)
    ),
    "limits.client_address": Parser(
        lambda request: limits.client_address(request, 1), header(x_forwarded_for=ANY)
    ),
    "widget._accepts_gzip": Parser(widget._accepts_gzip, header(accept_encoding=ANY)),
    "widget._knows": Parser(
        lambda request: widget._knows(request, 'W/"a"'), header(if_none_match=ANY)
    ),
    "wording.preferred_language": Parser(preferred_language, ANY),
    "pages.page_language": Parser(pages.page_language, header(accept_language=ANY)),
    "results._is_own_form": Parser(
        results._is_own_form, header(origin=ANY, host=ANY, sec_fetch_site=ANY)
    ),
    "incoming.announced_size": Parser(incoming.announced_size, header(content_length=ANY)),
    # What is said, and what content says
    "markup.parse": Parser(markup.parse, ANY),
    "markup.plain": Parser(markup.plain, ANY),
    "markup.is_safe": Parser(markup.is_safe, ANY),
    "marked.marked": Parser(marked.marked, ANY),
    "content.is_https": Parser(content.is_https, ANY),
    "masking.mask": Parser(lambda value: masking.mask(value, ["Camille Tremblay", value]), ANY),
    "masking.introduced": Parser(masking.introduced, ANY),
    "text.clean": Parser(text.clean, ANY),
    "text.words": Parser(text.words, ANY),
    "text.guard": Parser(text.guard, ANY),
    "likeness.compared": Parser(likeness.compared, ANY),
    "facets.Vocabulary.extract": Parser(lambda value: facets.load_facets(ROOT).extract(value), ANY),
    **{
        f"contact_details.tidy {field}": Parser(
            lambda value, field=field: contact_details.tidy(field, value), ANY
        )
        for field in ("name", "organization", "email", "message")
    },
    **{
        f"contact_details.answered {field}": Parser(
            lambda value, field=field: contact_details.answered(field, value, [value]), ANY
        )
        for field in ("name", "organization", "email", "message")
    },
    "contact_details.corrections": Parser(contact_details.corrections, ANY),
    "contact_details.introduced_details": Parser(
        lambda value: contact_details.introduced_details(value, [value]), ANY
    ),
    # Slack
    "slack.inbound.plain": Parser(lambda value: inbound.plain(value, "U1"), ANY),
    "slack.inbound.read_post": Parser(lambda event: inbound.read_post(event, "T1", "UBOT"), EVENT),
    "slack.inbound.message_id": Parser(lambda value: inbound.message_id(value, value), ANY),
    "slack.views.check": Parser(
        lambda view: views.check(view, WORDS.slack, content.fresh_content(ROOT)),
        st.fixed_dictionaries(
            {},
            optional={
                "private_metadata": ANY,
                "state": st.fixed_dictionaries(
                    {},
                    optional={
                        "values": st.dictionaries(
                            st.sampled_from(["name", "email", "organization", "message"]),
                            st.dictionaries(
                                st.sampled_from(["name", "email", "organization", "message"]),
                                shaped(value=ANY).filter(lambda one: isinstance(one, dict)),
                            ),
                        )
                    },
                ),
            },
        ),
    ),
    "slack.is_signed": Parser(
        lambda request: slack.is_signed("secret", b"\xff{}", request),
        header(x_slack_request_timestamp=ANY, x_slack_signature=ANY),
    ),
    "slack.blocks.mrkdwn": Parser(lambda value: list(mrkdwn(markup.parse(value))), ANY),
    # Teams
    "teams.activities.read_activity": Parser(activities.read_activity, ACTIVITY, (ChatError,)),
    "teams.tokens.verify": Parser(
        lambda value: asyncio.run(tokens.verify(APP, NoKeys(), value)),  # type: ignore[arg-type]
        ANY | ANY.map("Bearer {}".format) | st.just("Bearer e30.e30.e30"),
        (TeamsRefused, TeamsUnavailable),
    ),
    "teams.tokens._key_name": Parser(tokens._key_name, ANY, (TeamsRefused,)),
    "teams.connector._retry_after": Parser(
        lambda value: connector._retry_after(httpx.Response(429, headers={"Retry-After": value})),
        ANY.map(lambda value: value.encode("utf-8", "replace")),
    ),
    "teams.clouds.is_private": Parser(is_private, ANY),
    # The console
    "dates.read_day": Parser(dates.read_day, ANY),
    "queue.read_filters": Parser(
        lambda asked: queue.read_filters(asked).query(),
        queried(*queue.Filters.__dataclass_fields__),
    ),
    "periods.read_filters": Parser(
        lambda asked: periods.read_filters(asked, date(2026, 11, 26)),
        queried("period", "since", "until", *periods.KNOWN),
    ),
    "search.words": Parser(search.words, ANY),
    "search.wanted": Parser(search.wanted, ANY),
    "audit_log._day": Parser(audit_log._day, ANY),
    "audit_log._when": Parser(audit_log._when, ANY),
    "gate.plain": Parser(gate.plain, JSON),
    "mentions.split": Parser(lambda value: mentions.split(value, []), ANY),
    "provider.unseal": Parser(PROVIDER.unseal, ANY),
    "provider._is_usable": Parser(_is_usable, JSON | ANY),
    # Files and settings
    "coach_file.parse": Parser(
        coach_file.parse, st.binary(max_size=200) | LINES, (ImportRefused, FileRefused)
    ),
    "review.read_review": Parser(
        in_file(review.read_review), REVIEW | st.binary(max_size=80), (FileRefused, ImportRefused)
    ),
    "cli._day": Parser(cli._day, ANY, (argparse.ArgumentTypeError,)),
    "priority.read_weights": Parser(priority.read_weights, ANY, (SettingError,)),
    "smtp.read_server": Parser(
        lambda value: smtp.read_server(
            Settings(smtp_url=value, mail_from="a@exemple.ca", mail_reply_to=value)
        ),
        ANY | ANY.map("smtp://{}@h".format),
        (SettingError,),
    ),
    "smtp._read_sender": Parser(smtp._read_sender, ANY, (SettingError,)),
    "store.Database": Parser(
        lambda value: store._engine(f"postgresql://{value}", "mobilis", 5).dispose(),
        ANY,
        (SettingError,),
    ),
    **{
        f"settings {field}": Parser(
            lambda value, field=field: load_settings({variable_of(field): value}),
            ANY,
            (SettingError,),
        )
        for field in ("port", "turn_timeout", "secret", "cors_origins", "database_url", "smtp_url")
    },
    "settings of a file": Parser(
        in_file(lambda path: load_settings({"MOBILIS_SECRET_FILE": str(path)})),
        st.binary(max_size=60),
        (SettingError,),
    ),
}

PAGES = "tests/web/console/test_any_input.py"
SLACK = "tests/web/slack/test_any_input.py"
TEAMS = "tests/web/teams/test_any_input.py"
CHAT = "tests/web/test_messages.py"
OURS = "reads only what mobilis wrote"
OPERATOR = "reads files and answers of whoever runs it, who can do anything anyway"

# Whoever calls one of these, or looks at one of these parts of a request, takes something apart.
CALLS = {
    *("loads", "fromisoformat", "strptime", "urlsplit", "urlparse", "parse_qs", "parse_qsl"),
    *("DictReader", "safe_load", "b64decode", "urlsafe_b64decode", "unescape", "unquote"),
    *("getaddresses", "parseaddr", "ip_address", "fromhex", "read_object", "read_body"),
    *("compose", "dotenv_values"),
}
PARTS = {"query_params", "path_params", "cookies", "form", "reader"}
# Each module that does, and where it is tried: parsers above, tests, or why not.
MODULES: dict[str, tuple[str, ...]] = {
    "mobilis.audit": ("audit_log._when",),
    "mobilis.backups.restoring": (OPERATOR,),
    "mobilis.backups.sealed": (OPERATOR,),
    "mobilis.bench": (OPERATOR,),
    "mobilis.brain.tracker_store": (OURS,),
    "mobilis.case_days": (OURS,),
    "mobilis.casefile": (OURS,),
    "mobilis.cases": (OURS,),
    "mobilis.casework": (OURS,),
    "mobilis.cli": ("cli._day",),
    "mobilis.coach_file": ("coach_file.parse", PAGES),
    "mobilis.console_bench": (OPERATOR,),
    "mobilis.content": ("content.is_https",),
    "mobilis.dates": ("dates.read_day",),
    "mobilis.doctor.address": (OPERATOR,),
    "mobilis.doctor_commands": (OURS,),
    "mobilis.live": (OURS,),
    "mobilis.markup": ("markup.parse", "markup.is_safe"),
    "mobilis.masking": (OURS,),
    "mobilis.nlu.context": (OURS,),
    "mobilis.nlu.evaluation": (OPERATOR,),
    "mobilis.nlu.derived": (OURS,),
    "mobilis.nlu.french": (OURS,),
    "mobilis.nlu.language": ("tests/brain/test_robustness.py",),
    "mobilis.nlu.resolver": ("tests/brain/test_robustness.py",),
    "mobilis.persons": (OURS,),
    "mobilis.phrasings": ("review.read_review",),
    "mobilis.privacy": (OURS,),
    "mobilis.review": ("review.read_review",),
    "mobilis.scale_bench": (OPERATOR,),
    "mobilis.secret_files": ("store.Database", "settings database_url", "settings of a file"),
    "mobilis.seeing.spans": (OPERATOR,),
    "mobilis.settings": ("settings port", "settings of a file"),
    "mobilis.shorthand": (OURS,),
    "mobilis.smtp": ("smtp.read_server", "smtp._read_sender"),
    "mobilis.stack": (OURS,),
    "mobilis.stock": (OPERATOR,),
    "mobilis.teams_app": (OPERATOR,),
    "mobilis.terms": (OURS,),
    "mobilis.web.brain": (OURS,),
    "mobilis.web.brains": (OPERATOR,),
    "mobilis.web.chat": (CHAT,),
    "mobilis.web.console.audit_log": ("audit_log._day", "audit_log._when", PAGES),
    **{
        f"mobilis.web.console.{name}": (PAGES,)
        for name in (
            *("cases", "coaches", "deliveries", "edits", "export", "figures", "gate", "learning"),
            *("live", "mail", "me", "notices", "oidc", "people", "privacy", "queue", "sign_in"),
        )
    },
    "mobilis.web.events": (CHAT,),
    "mobilis.web.incoming": ("incoming.content", "incoming.page", "incoming.wait_seconds", CHAT),
    "mobilis.web.limits": ("limits.client_address",),
    "mobilis.web.pages": ("pages.page_language",),
    "mobilis.web.peers": (OURS,),
    "mobilis.web.provider": ("provider.unseal", "provider._is_usable"),
    "mobilis.web.results": ("results._is_own_form", CHAT),
    "mobilis.web.slack": ("slack.is_signed", SLACK),
    "mobilis.web.slack.bolt": (SLACK,),
    "mobilis.web.slack.desk": ("slack.views.check", SLACK),
    "mobilis.web.slack.inbound": ("slack.inbound.plain", "slack.inbound.read_post"),
    "mobilis.web.slack.outlet": (OURS,),
    "mobilis.web.slack.stage": (OPERATOR,),
    "mobilis.web.stages": (OPERATOR,),
    "mobilis.web.teams.activities": ("teams.activities.read_activity",),
    "mobilis.web.teams.channel": ("teams.tokens.verify", TEAMS),
    "mobilis.web.teams.clouds": ("teams.clouds.is_private",),
    "mobilis.web.teams.composing": (OURS,),
    "mobilis.web.teams.connector": ("teams.connector._retry_after",),
    "mobilis.web.teams.stage": (OPERATOR,),
    "mobilis.web.widget": ("widget._accepts_gzip", "widget._knows"),
    "mobilis.widget_visits": (OPERATOR,),
    "mobilis.wishes": ("facets.Vocabulary.extract",),
}


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def takes_apart(tree: ast.Module) -> bool:
    named = (
        getattr(node, "attr", getattr(node, "id", ""))
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute | ast.Name)
    )
    return not (CALLS | PARTS).isdisjoint(named)


def test_every_module_that_takes_something_apart_is_tried():
    sources = (ROOT / "mobilis").rglob("*.py")
    found = {name_of(p) for p in sources if takes_apart(ast.parse(p.read_text(encoding="utf-8")))}
    assert found - set(MODULES) == set(), "say in MODULES which parser of theirs is tried, and how"
    assert set(MODULES) - found == set()


def test_what_is_said_to_be_tried_is():
    said = {where for places in MODULES.values() for where in places}
    for where in said - {OURS, OPERATOR}:
        assert where in PARSERS or (ROOT / where).exists(), where
    for name in PARSERS:
        if name.partition(" ")[0] not in (
            "settings",
            "contact_details.tidy",
            "contact_details.answered",
        ):
            top = name.partition(".")[0]
            assert top in globals() or top in ("wording", "teams", "provider"), name


@pytest.mark.timeout(0)
@pytest.mark.parametrize("name", PARSERS)
def test_any_input_is_understood_or_refused(name: str, pytestconfig: pytest.Config) -> None:
    parser = PARSERS[name]

    @settings(
        max_examples=2 * pytestconfig.getoption("examples"),
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(parser.given)
    def ask(value: Any) -> None:
        with suppress(*parser.refuses):
            parser.read(value)

    ask()


def test_a_parser_that_breaks_is_seen(monkeypatch: pytest.MonkeyPatch, pytestconfig: Any) -> None:
    monkeypatch.setitem(PARSERS, "broken", Parser(int, ANY))
    with pytest.raises(ValueError, match="invalid literal"):
        test_any_input_is_understood_or_refused("broken", pytestconfig)
