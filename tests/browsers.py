"""Visits of pages in a real Chromium, driven by Playwright, and what goes wrong on them.

Playwright's plain API runs an event loop in the thread of the test: no asyncio beside it.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Error,
    Page,
    Request,
    expect,
    sync_playwright,
)
from websites import LISTED_PLAIN, Websites

from mobilis.settings import ROOT

AXE = ROOT / "widget" / "node_modules" / "axe-core" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PATIENCE = 15_000  # milliseconds that a page may take for anything, on a machine that is busy
FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    f"--host-resolver-rules=MAP {LISTED_PLAIN} 127.0.0.1",
)


@contextmanager
def running_chromium() -> Iterator[Browser]:
    """The Chromium that deploy/prepare finds."""
    found = subprocess.run(
        [str(ROOT / "deploy" / "prepare"), "chromium", "--find"], capture_output=True, text=True
    )
    if found.returncode:
        pytest.fail(found.stderr.strip())
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(
                executable_path=found.stdout.strip(),
                chromium_sandbox=os.getuid() != 0,  # which root cannot have
                args=FLAGS,
                timeout=60_000,
            )
        except Error as error:
            problem = error.message.partition("\n")[0]
            pytest.fail(f"Chromium did not start: install the package chromium again ({problem})")
        yield browser
        browser.close()


class Visits:
    """Opens pages as a visitor does; `end` tells what went wrong on them.

    Wrong is an error on the console (what a content policy refuses is one), an exception of a
    script, a request that failed.
    """

    def __init__(self, browser: Browser, websites: Websites) -> None:
        self._browser = browser
        self._websites = websites
        self._contexts: list[BrowserContext] = []
        self._expected: list[str] = []
        self._troubles: list[str] = []

    def __call__(
        self,
        page: str,
        *,
        width: int = 1280,
        height: int = 800,
        locale: str = "fr-CA",
        color_scheme: str = "light",
        forced_colors: str = "none",
        reduced_motion: str = "no-preference",
        javascript: bool = True,
        phone: bool = False,
        beside: Page | None = None,
        **more: Any,
    ) -> Page:
        """Open a page of the websites by its name, or any address, as a new visitor.

        With `beside`, as the visitor of that page, in another tab. `more` is for Playwright's
        `new_context`.
        """
        context = (
            beside.context
            if beside
            else self._browser.new_context(
                viewport={"width": width, "height": height},
                locale=locale,
                color_scheme=color_scheme,
                forced_colors=forced_colors,
                reduced_motion=reduced_motion,
                java_script_enabled=javascript,
                is_mobile=phone,
                has_touch=phone,
                **more,
            )
        )
        if context not in self._contexts:
            self._contexts.append(context)
            context.set_default_timeout(PATIENCE)
        tab = context.new_page()
        self._listen(tab)
        tab.goto(page if "://" in page else self._websites.url(page))
        return tab

    def expect(self, pattern: str) -> None:
        """Announce a trouble, by a regular expression that is found in it."""
        self._expected.append(pattern)

    def leave(self) -> None:
        """Close all pages, before something that they need is taken away."""
        for page in [page for context in self._contexts for page in context.pages]:
            with suppress(Error):  # it is on its way to another page
                page.evaluate("0")  # what it had to tell before has been told
        told = list(self._troubles)
        while self._contexts:
            self._contexts.pop().close()
        self._troubles = told  # not what closing brought about

    def end(self) -> list[str]:
        """Close all pages; the troubles that nobody expected."""
        self.leave()
        told, self._troubles = self._troubles, []
        return [trouble for trouble in told if not self._announced(trouble)]

    def _announced(self, trouble: str) -> bool:
        return any(re.search(pattern, trouble) for pattern in self._expected)

    def _listen(self, page: Page) -> None:
        def on_console(message: ConsoleMessage) -> None:
            if message.type == "error":
                self._troubles.append(f"console: {message.text} ({message.location['url']})")

        def on_exception(error: Error) -> None:
            self._troubles.append(f"exception: {error.message}")

        def on_failure(request: Request) -> None:
            if request.failure != "net::ERR_ABORTED":  # the page itself no longer wanted it
                self._troubles.append(f"request: {request.failure} ({request.url})")

        page.on("console", on_console)
        page.on("pageerror", on_exception)
        page.on("requestfailed", on_failure)


def axe(page: Page, within: str = "") -> list[str]:
    """What axe-core finds wrong on a page, or on a part of it, one sentence for each element."""
    if not AXE.exists():
        pytest.fail("axe-core was not found: run make widget")
    page.wait_for_load_state("load")  # a page is there before its styles are
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    options = {"runOnly": {"type": "tag", "values": TAGS}, "resultTypes": ["violations"]}
    script = "([within, options]) => axe.run(within || document, options)"
    found = page.evaluate(script, [within, options])["violations"]
    return [_sentence(violation, node) for violation in found for node in violation["nodes"]]


def _sentence(violation: dict[str, Any], node: dict[str, Any]) -> str:
    place = " in ".join(
        reversed([part for target in node["target"] for part in _shadow_path(target)])
    )
    why = node["failureSummary"].partition("\n")[2].strip().replace("\n", ";")
    return f"{violation['id']} ({violation['impact']}): {violation['help']}: {place}: {why}"


def _shadow_path(target: str | list[str]) -> list[str]:
    """A selector, or those that lead through shadow roots to the element."""
    return [target] if isinstance(target, str) else target
