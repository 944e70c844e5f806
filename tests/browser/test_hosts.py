"""Websites of every kind: strict, plain, hostile, without storage; none is slowed or disturbed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from browsers import Visits
from chats import WORDS, Chat
from playwright.sync_api import expect
from processes import Stack
from websites import LISTED_PLAIN, STRANGER, Websites

Paste = Callable[..., str]
SHIFTS = """() => new Promise(done => {
  const shifts = [];
  new PerformanceObserver(list => shifts.push(...list.getEntries()))
    .observe({ type: "layout-shift", buffered: true });
  requestAnimationFrame(() => setTimeout(() =>
    done(shifts.filter(shift => !shift.hadRecentInput).map(shift => shift.value))));
})"""
HEIGHT = "document.documentElement.scrollHeight"
STYLE = "(node, name) => getComputedStyle(node)[name]"


def goes_well(chat: Chat) -> None:
    """Open, be greeted, say something with a button and in words, be answered."""
    chat.open()
    chat.press("start_assessment")
    chat.asks(1)
    chat.say("a")
    chat.asks(2)


def test_a_strict_policy_with_trusted_types_lets_it_work(visit: Visits) -> None:
    chat = Chat(visit("strict"))
    goes_well(chat)
    assert chat.panel.evaluate(STYLE, "position") == "fixed"
    with chat.page.expect_download():
        chat.tool("downloadHelp").click()


def test_a_plain_http_page_has_it_with_one_conversation_for_all_its_pages(
    visit: Visits, sites: Websites
) -> None:
    chat = Chat(visit(sites.url("french", LISTED_PLAIN)))
    goes_well(chat)
    chat.page.goto(sites.url("blank", LISTED_PLAIN))
    chat.asks(2)


def test_without_storage_it_lasts_as_long_as_the_page(visit: Visits) -> None:
    chat = Chat(visit("no-storage"))
    goes_well(chat)
    chat.tool("close").click()
    chat.launcher.click()
    chat.asks(2)
    chat.page.reload()
    expect(chat.panel).to_be_hidden()
    chat.open()
    expect(chat.messages).to_have_count(1)


def test_a_frame_that_is_denied_storage_and_locks_has_it_too(visit: Visits, paste: Paste) -> None:
    paste("inner")
    frame = '<iframe sandbox="allow-scripts" src="/inner" width=900 height=700></iframe>'
    page = visit(paste("outer", body=frame, line=""))
    inner = page.frame_locator("iframe")
    inner.get_by_role("button", name=WORDS["fr"]["launch"]).click()
    expect(inner.get_by_role("article")).to_contain_text("Bonjour")


def test_a_website_that_is_not_listed_is_told_that_nobody_answers(
    visit: Visits, sites: Websites
) -> None:
    visit.expect("CORS|ERR_FAILED")
    chat = Chat(visit(sites.url("french", STRANGER)))
    chat.launcher.click()
    chat.tells("reconnecting")


def test_the_styles_of_a_hostile_page_stay_outside(visit: Visits) -> None:
    ours, theirs = Chat(visit("french")), Chat(visit("hostile"))
    for chat in (ours, theirs):
        goes_well(chat)
    for name in ("fontSize", "fontFamily", "fontStyle", "color", "textTransform", "letterSpacing"):
        for find in (lambda chat: chat.field, lambda chat: chat.newest):
            assert find(theirs).evaluate(STYLE, name) == find(ours).evaluate(STYLE, name), name
    assert theirs.newest.evaluate(STYLE, "fontSize") == "16px"
    assert theirs.panel.bounding_box() == ours.panel.bounding_box()
    assert theirs.launcher.bounding_box() == ours.launcher.bounding_box()


def test_before_it_is_opened_a_page_asks_for_its_file_and_nothing_else(
    visit: Visits, paste: Paste, stack: Stack, sites: Websites
) -> None:
    page = visit(paste("before", line=""))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(sites.url("french"))
    expect(Chat(page).launcher).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert [url for url in asked if url.startswith(stack.base)] == [f"{stack.base}/widget.js"]
    assert page.evaluate("[localStorage.length, sessionStorage.length]") == [0, 0]
    assert page.context.cookies() == []


def test_a_page_does_not_move_when_it_comes_or_opens(visit: Visits, paste: Paste) -> None:
    contact = '<a href="/contact" data-mobilis-fallback>Nous joindre</a>'
    page = visit(paste("still", body=f"<main>{contact}<h1>Maison des aînés</h1></main>"))
    chat = Chat(page)
    before = page.evaluate(HEIGHT)
    chat.open().assess_to(2)
    assert page.evaluate(SHIFTS) == []
    assert page.evaluate(HEIGHT) == before
    control = visit("still")
    control.evaluate("document.body.prepend(document.createElement('h2'), 'A line that moves it')")
    seen = (bool(control.evaluate(SHIFTS)) for _ in range(100))  # told late, when all is busy
    assert any(seen)  # else nothing was measured


def test_what_a_visitor_types_is_text_whatever_it_looks_like(visit: Visits) -> None:
    page = visit("french")
    page.on("dialog", lambda dialog: pytest.fail("a script of the visitor ran"))
    chat = Chat(page).open()
    typed = (
        '<img src=x onerror="alert(1)"><b>gras</b> [ici](javascript:alert(2)) **fort** '
        "/restart <script>alert(3)</script>"
    )
    chat.say(typed)
    expect(chat.messages).to_have_count(3)
    expect(chat.mine).to_contain_text(typed)
    for name in ("img", "b", "strong", "a", "script"):
        expect(chat.mine.locator(name)).to_have_count(0)
    page.reload()
    expect(chat.mine).to_contain_text(typed)
    expect(chat.mine.locator("img, b, strong, a, script")).to_have_count(0)
