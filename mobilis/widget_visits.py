"""Visits of one website, timed: by a browser that has the widget, and by a bare HTTP client that
makes the same requests. `mobilis bench widget` compares the two.

Playwright is a package for tests: it is imported when a browser is wanted, not before.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import threading
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from mobilis.measures import BenchRefused

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page, Request

WAIT_SECONDS = 30.0  # for one answer
QUIET_MS = 1000  # after which nothing more is expected of a page that has loaded
FLAGS = ("--disable-gpu", "--disable-background-networking", "--disable-sync", "--no-first-run")
LAUNCHER = "mobilis-chat button"  # the first one
FIELD = "mobilis-chat textarea"
CONVERSATIONS = "/api/conversations"
MISSING = "Playwright was not found: install what the tests need with: make install"
NOT_STARTED = "Chromium did not start: install the package chromium again"
PAGE = """<!doctype html><html lang="{language}"><meta charset="utf-8"><title>Bench</title>
<link rel="icon" href="data:,"><main><h1>Bench</h1><p>A page as plain as can be.</p>
<p><a href="#contact" data-mobilis-fallback>Contact</a></p><p id="contact">Bench</p></main>
<script defer src="{door}/widget.js" data-language="auto"></script></html>"""

# In the page: when the visitor acted, when each kind of message was painted, what has moved.
CLOCK = """(() => {
  const clock = { shift: 0, began: 0 };
  let seen = {}, waiting = {};
  const see = (kind) => requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      seen[kind] ??= performance.now();
      waiting[kind]?.();
    };
    port2.postMessage(0);  // after the frame
  });
  const begin = (event) => { clock.began = event.timeStamp; };
  addEventListener("click", begin, true);
  addEventListener("keydown", begin, true);
  new PerformanceObserver((list) => {
    for (const { sources, value } of list.getEntries())
      if (sources.some(({ node }) => node)) clock.shift += value;  // a node of the page, not ours
  }).observe({ type: "layout-shift", buffered: true });
  customElements.whenDefined("mobilis-chat").then(() => {
    const root = document.querySelector("mobilis-chat").shadowRoot;
    new MutationObserver((records) => {
      for (const { addedNodes } of records) for (const { classList } of addedNodes)
        see(classList.contains("visitor") ? "visitor" : "assistant");
    }).observe(root.querySelector(".list"), { childList: true });
  });
  clock.reset = () => { seen = {}; waiting = {}; };
  clock.until = (kind) => new Promise((done) => {
    waiting[kind] = () => done(seen[kind]);
    if (seen[kind]) waiting[kind]();
  });
  window.clock = clock;
})()"""


@dataclass
class Visit:
    """What was timed, in seconds: from the click to the greeting, from sending to one's own message
    and to the answer, from the reload to what was said. And how far the page moved (0: it stood).
    """

    greeting: list[float] = field(default_factory=list)
    own: list[float] = field(default_factory=list)
    answer: list[float] = field(default_factory=list)
    history: list[float] = field(default_factory=list)
    shift: list[float] = field(default_factory=list)

    def add(self, other: Visit) -> None:
        for name, values in vars(other).items():
            getattr(self, name).extend(values)


@dataclass(frozen=True)
class Weight:
    """What a page costs before anybody opens the chat."""

    requests: Sequence[str]
    sent: int  # bytes of the file, as they are sent


class Site:
    """A website with the one line, of another origin than the front door's."""

    def __init__(self) -> None:
        self._door = ""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()
        self.origin = f"http://localhost:{self._server.server_address[1]}"

    def point_to(self, door: str) -> None:
        """Name the front door, once it is there."""
        self._door = door

    def url(self, language: str) -> str:
        return f"{self.origin}/{language}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                page = PAGE.format(language=self.path.strip("/"), door=site._door).encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(page)))
                self.end_headers()
                self.wfile.write(page)

            def log_message(self, *arguments: object) -> None:
                return

        return Handler


@contextmanager
def site() -> Iterator[Site]:
    serving = Site()
    try:
        yield serving
    finally:
        serving.stop()


def find_chromium(root: Path) -> str:
    """The browser that the tests use.

    Raises:
        BenchRefused: it, or Playwright, is not there.
    """
    try:
        import playwright.async_api  # noqa: F401
    except ImportError:
        raise BenchRefused(MISSING) from None
    command = [str(root / "deploy" / "prepare"), "chromium", "--find"]
    found = subprocess.run(command, capture_output=True, text=True)
    if found.returncode:
        raise BenchRefused(found.stderr.strip())
    return found.stdout.strip()


@asynccontextmanager
async def chromium(executable: str) -> AsyncIterator[Browser]:
    """A Chromium that runs.

    Raises:
        BenchRefused: it does not start.
    """
    from playwright.async_api import Error, async_playwright

    async with async_playwright() as playwright:
        try:
            browser = await playwright.chromium.launch(
                executable_path=executable,
                args=FLAGS,
                chromium_sandbox=os.getuid() != 0,  # which root cannot have
            )
        except Error as error:
            raise BenchRefused(f"{NOT_STARTED} ({error.message.splitlines()[0]})") from None
        try:
            yield browser
        finally:
            await browser.close()


async def weigh(browser: Browser, url: str) -> Weight:
    """Load a page and leave it alone."""
    page = await _new_page(browser)
    requests: list[Request] = []
    page.on("request", lambda request: requests.append(request))
    await page.goto(url)
    await page.wait_for_timeout(QUIET_MS)
    before = [request for request in requests[1:] if not request.url.startswith("data:")]
    scripts = [request for request in before if request.url.endswith("/widget.js")]
    sent = sum([(await script.sizes())["responseBodySize"] for script in scripts])
    await page.context.close()
    return Weight([request.url for request in before], sent)


async def browse(browser: Browser, url: str, texts: Sequence[str]) -> Visit:
    """Open the chat, say the texts one after the other, then load the page again."""
    visit = Visit()
    page = await _new_page(browser)
    await page.goto(url)
    await page.click(LAUNCHER)
    greeted = await _until(page, "assistant")
    visit.greeting.append(greeted - await _began(page))
    for text in texts:
        await page.fill(FIELD, text)
        await page.evaluate("clock.reset()")
        await page.keyboard.press("Enter")
        own, answered = await _until(page, "visitor"), await _until(page, "assistant")
        began = await _began(page)
        visit.own.append(own - began)
        visit.answer.append(answered - began)
    shift: float = await page.evaluate("clock.shift")
    await page.reload()
    visit.history.append(await _until(page, "assistant"))  # a page's time begins with its loading
    visit.shift.append(shift + await page.evaluate("clock.shift"))
    await page.context.close()
    return visit


async def _new_page(browser: Browser) -> Page:
    context = await browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(WAIT_SECONDS * 1000)
    page = await context.new_page()
    await page.add_init_script(CLOCK)
    return page


async def _until(page: Page, kind: str) -> float:
    """When the first message of a kind was painted, in seconds since the page began to load."""
    return float(await _in_time(page.evaluate("kind => clock.until(kind)", kind))) / 1000


async def _began(page: Page) -> float:
    return float(await page.evaluate("clock.began")) / 1000


async def call(base: str, url: str, language: str, texts: Sequence[str]) -> Visit:
    """The same visit as requests alone: what the front door takes, without a browser."""
    visit = Visit()
    async with httpx.AsyncClient(base_url=base, timeout=WAIT_SECONDS, trust_env=False) as client:
        began = time.perf_counter()
        opened = await _post(client, CONVERSATIONS, {"language": language, "page": url})
        visit.greeting.append(time.perf_counter() - began)
        path = f"{CONVERSATIONS}/{opened['conversation']}"
        client.headers["Authorization"] = f"Bearer {opened['token']}"
        async with _listening(client, path, opened["messages"][-1]["id"]) as answers:
            for text in texts:
                while not answers.empty():  # an answer may be two messages
                    answers.get_nowait()
                began = time.perf_counter()
                await _post(client, f"{path}/messages", {"id": str(uuid.uuid4()), "text": text})
                visit.answer.append(await _in_time(answers.get()) - began)
        began = time.perf_counter()
        (await client.get(url)).raise_for_status()
        (await client.get(f"{path}/messages")).raise_for_status()
        visit.history.append(time.perf_counter() - began)
    return visit


async def _post(client: httpx.AsyncClient, path: str, content: dict[str, Any]) -> Any:
    answer = await client.post(path, json=content)
    if not answer.is_success:
        raise BenchRefused(f"the front door answered {answer.status_code} to POST {path}")
    return answer.json()


@asynccontextmanager
async def _listening(
    client: httpx.AsyncClient, path: str, after: str
) -> AsyncIterator[asyncio.Queue[float]]:
    """When each message of the assistant came by the stream."""
    answers: asyncio.Queue[float] = asyncio.Queue()
    begun = asyncio.Event()

    async def listen() -> None:
        async with client.stream("GET", f"{path}/events", params={"after": after}) as stream:
            async for line in stream.aiter_lines():
                begun.set()
                if line.startswith("data:") and _is_answer(json.loads(line[5:])):
                    answers.put_nowait(time.perf_counter())

    listening = asyncio.create_task(listen())
    try:
        await _in_time(begun.wait())
        yield answers
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


async def _in_time(awaited: Awaitable[Any]) -> Any:
    try:
        return await asyncio.wait_for(awaited, WAIT_SECONDS)
    except asyncio.TimeoutError:
        raise BenchRefused(f"a message was not answered within {WAIT_SECONDS:.0f} s") from None


def _is_answer(told: dict[str, Any]) -> bool:
    return told.get("role") == "assistant"
