"""`mobilis bench widget`: how long a person waits for the chat, in a browser on another website.

Beside each figure stands what a bare client waits for the same requests in the same run.

The two take turns, visit by visit, so that a busy moment of the machine hits both.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from mobilis.bench import Tell, answered_at_once
from mobilis.content import LANGUAGES
from mobilis.measures import (
    BenchRefused,
    Said,
    Target,
    compared,
    described,
    latency,
    machine,
    settle,
    shown,
    table,
    trained_model,
    unseen,
    verdict,
    whole_number,
)
from mobilis.stack import Stack
from mobilis.usage import core_seconds, family
from mobilis.widget_visits import (
    Site,
    Visit,
    Weight,
    browse,
    call,
    chromium,
    find_chromium,
    site,
    weigh,
)

TURNS_A_VISIT = 4
BUILT = Path("widget", "dist", "manifest.json")

GREETING, ANSWER, SENT = 300.0, 150.0, 25_000  # the targets: milliseconds, milliseconds, bytes

# What is timed, as it is shown, and the shares that are.
MEASURES = {
    "greeting": "click → greeting",
    "own": "send → own message",
    "answer": "send → answer",
    "history": "reload → history",
}
SHARES = ("p50", "p95")


def plan(messages: Sequence[Said], turns: int) -> list[tuple[str, list[str], list[str]]]:
    """The visits: a language, what is said in the browser, and what the bare client says. No text
    twice, so that an assistant's memory of recent ones is of no use; one visit of each language
    more, before the clock runs.

    Raises:
        BenchRefused: there are not enough messages.
    """
    visits = -(-turns // TURNS_A_VISIT) + len(LANGUAGES)
    left = {
        language: iter([m.text for m in answered_at_once(messages) if m.language == language])
        for language in LANGUAGES
    }
    found = []
    for number in range(visits):
        language = LANGUAGES[number % len(LANGUAGES)]
        said = [text for _, text in zip(range(2 * TURNS_A_VISIT), left[language])]
        if len(said) < 2 * TURNS_A_VISIT:
            raise BenchRefused("--turns: fewer are possible, since no message is said twice")
        found.append((language, said[:TURNS_A_VISIT], said[TURNS_A_VISIT:]))
    return found


def bench_widget(root: Path, tell: Tell, turns: str) -> dict[str, Any]:
    """The report: `machine`, `visits`, `measures` (each for the `browser` and for the `bare`
    client), `page` and `targets`.

    Raises:
        BenchRefused: an option is wrong, or what is needed is not there or does not answer.
        NotStarted: the assistant did not become ready.
    """
    visits = plan(unseen(root), whole_number("--turns", turns, 1, 10_000))
    trained_model(root)
    if not (root / BUILT).is_file():
        raise BenchRefused("widget/dist/widget.js: not built; run make widget")
    executable = find_chromium(root)
    where = machine()
    with site() as website, tempfile.TemporaryDirectory(prefix="mobilis-bench-") as name:
        tell("starting the assistant")
        allowed = {"MOBILIS_CORS_ORIGINS": website.origin}
        stack = Stack(Path(name), root=root, environment=allowed)
        try:
            website.point_to(stack.base)
            settle(lambda: sum(core_seconds(pid) for pid in family(stack.root_pid)))
            return asyncio.run(_measured(where, executable, stack.base, website, visits, tell))
        except httpx.HTTPError as error:
            raise BenchRefused(f"the front door was not reached: {type(error).__name__}") from None
        finally:
            stack.stop()


async def _measured(
    where: Mapping[str, Any],
    executable: str,
    base: str,
    website: Site,
    visits: Sequence[tuple[str, list[str], list[str]]],
    tell: Tell,
) -> dict[str, Any]:
    found = {"browser": Visit(), "bare": Visit()}
    async with chromium(executable) as browser:
        weight = await weigh(browser, website.url(LANGUAGES[0]))
        for number, (language, in_browser, alone) in enumerate(visits):
            url = website.url(language)
            browsed = await browse(browser, url, in_browser)
            called = await call(base, url, language, alone)
            if number >= len(LANGUAGES):  # those before warm up
                found["browser"].add(browsed)
                found["bare"].add(called)
                tell(f"visit {number - len(LANGUAGES) + 1} of {len(visits) - len(LANGUAGES)}")
        where = {**where, "chromium": browser.version}
    return _report(where, len(visits) - len(LANGUAGES), found, weight)


def _report(
    where: Mapping[str, Any], visits: int, found: Mapping[str, Visit], weight: Weight
) -> dict[str, Any]:
    report = {
        "machine": dict(where),
        "visits": visits,
        "measures": {
            name: {side: latency(getattr(visit, name)) for side, visit in found.items()}
            for name in MEASURES
        },
        "page": {
            "requests": list(weight.requests),
            "bytes": weight.sent,
            "layout_shift": round(max(found["browser"].shift), 4),
        },
    }
    return {**report, "targets": [target._asdict() for target in targets(report)]}


def targets(report: Mapping[str, Any]) -> list[Target]:
    """What is wanted of the widget, held against a report."""
    page = report["page"]
    others = [name for name in page["requests"] if not name.endswith("/widget.js")]
    count, shift, sent = len(page["requests"]), page["layout_shift"], page["bytes"]
    return [
        _fast(report, "greeting", GREETING),
        _fast(report, "answer", ANSWER),
        Target("no layout shift of the page", f"{shift:g}", shift == 0),
        Target(
            "no request before the chat is opened but its file",
            f"{count}" if not others else f"{count}, {others[0]} among them",
            count == 1 and not others,
        ),
        Target(f"a file of at most {SENT} bytes as sent", f"{sent}", 0 < sent <= SENT),
    ]


def _fast(report: Mapping[str, Any], name: str, most: float) -> Target:
    p50 = report["measures"][name]["browser"]["p50"]
    wanted = f"{MEASURES[name]} in at most {most:.0f} ms at the median"
    if p50 is None:
        return Target(wanted, "not measured", False)
    return Target(wanted, f"{p50:.0f} ms", p50 <= most)


def to_text(report: Mapping[str, Any]) -> str:
    """The report for a reader: where, one table, and which targets were reached."""
    where, page = report["machine"], report["page"]
    rows = []
    for name, text in MEASURES.items():
        sides = report["measures"][name]
        for share in SHARES:
            ours, bare = sides["browser"][share], sides["bare"][share]
            rows.append(compared(f"{text}, {share}, ms", ours, bare))
    rows.append(("requests before it is opened", str(len(page["requests"])), "", ""))
    rows.append(("its file as sent, bytes", shown(page["bytes"]), "", ""))
    rows.append(("layout shift of the page", f"{page['layout_shift']:g}", "", ""))
    heading = (f"{report['visits']} visits", "in a browser", "bare client", "browser ÷ bare")
    place = f"{described(where)}, Chromium {where['chromium']}"
    return "\n\n".join([place, table(heading, rows), verdict(report)])
