"""The websites that the other tests visit are what they are taken for, and so is the browser."""

from __future__ import annotations

import json
import re

import pytest
from browsers import Visits, axe
from playwright.sync_api import Page, expect
from processes import Stack
from websites import LISTED_PLAIN, STRANGER, Document, Websites

from mobilis.settings import ROOT
from mobilis.web.widget import DIST

ALL = ("blank", "french", "english", "strict", "hostile", "no-storage", "light-only")
ASK = "address => fetch(address).then(answer => answer.status, error => error.message)"


def knows_the_chat(page: Page) -> bool:
    return page.evaluate("customElements.get('mobilis-chat') !== undefined")


@pytest.mark.parametrize("name", ALL)
def test_the_one_line_defines_the_chat_on_every_page(visit: Visits, name: str) -> None:
    assert knows_the_chat(visit(name))


def test_the_pinned_line_defines_it_too(visit: Visits, sites: Websites, stack: Stack) -> None:
    built = json.loads((ROOT / DIST / "manifest.json").read_text(encoding="utf-8"))
    line = f'<script defer src="{stack.base}/{built["file"]}" integrity="{built["integrity"]}"'
    sites.put("pinned", Document(f"<!doctype html>{line} crossorigin></script>"))
    assert knows_the_chat(visit("pinned"))
    assert knows_the_chat(visit(sites.url("pinned", STRANGER)))


def test_without_scripts_the_page_is_there_all_the_same(visit: Visits) -> None:
    page = visit("french", javascript=False)
    expect(page.get_by_role("heading")).to_have_text("Maison des aînés")


def test_listed_websites_may_talk_to_the_front_door(
    visit: Visits, sites: Websites, stack: Stack
) -> None:
    assert visit("blank").evaluate(ASK, f"{stack.base}/healthz") == 200
    plain = visit(sites.url("blank", LISTED_PLAIN))
    assert plain.evaluate("[isSecureContext, location.hostname]") == [False, LISTED_PLAIN]
    assert plain.evaluate(ASK, f"{stack.base}/healthz") == 200


def test_other_websites_may_load_the_script_alone(
    visit: Visits, sites: Websites, stack: Stack
) -> None:
    page = visit(sites.url("blank", STRANGER))
    assert knows_the_chat(page)
    visit.expect("has been blocked by CORS policy")
    visit.expect("ERR_FAILED")
    assert page.evaluate(ASK, f"{stack.base}/healthz") == "Failed to fetch"


def test_the_strict_page_lets_nothing_through_but_the_script(visit: Visits) -> None:
    page = visit("strict")
    visit.expect("Content Security Policy")
    page.evaluate("document.head.append(document.createElement('style'))")
    page.evaluate("document.head.lastChild.textContent = 'h1 { color: red }'")
    assert page.evaluate("getComputedStyle(document.querySelector('h1')).color") == "rgb(0, 0, 0)"
    visit.expect("TrustedHTML")
    assert "TrustedHTML" in page.evaluate(
        "() => { try { document.body.innerHTML = 'x' } catch (error) { return error.message } }"
    )


def test_the_page_without_storage_throws(visit: Visits) -> None:
    attempt = "() => { try { return localStorage.length } catch (error) { return error.name } }"
    assert visit("no-storage").evaluate(attempt) == "SecurityError"
    assert visit("blank").evaluate(attempt) == 0


def test_the_hostile_page_spoils_what_it_reaches(visit: Visits) -> None:
    page = visit("hostile")
    assert page.evaluate("getComputedStyle(document.documentElement).fontSize") == "10px"
    expect(page.get_by_text("Contact")).to_be_hidden()


def test_a_visitor_is_who_the_test_says(visit: Visits) -> None:
    page = visit(
        "light-only",
        width=320,
        height=568,
        locale="en-CA",
        color_scheme="dark",
        forced_colors="active",
        reduced_motion="reduce",
        phone=True,
    )
    told = """[innerWidth, innerHeight, navigator.language, 'ontouchstart' in window,
      ...['(prefers-color-scheme: dark)', '(forced-colors: active)',
          '(prefers-reduced-motion: reduce)'].map(query => matchMedia(query).matches)]"""
    assert page.evaluate(told) == [320, 568, "en-CA", True, True, True, True]


def test_two_tabs_are_one_visitor_and_two_visits_are_two(visit: Visits) -> None:
    first = visit("french")
    first.evaluate("localStorage.setItem('seen', 'yes')")
    assert visit("english", beside=first).evaluate("localStorage.getItem('seen')") == "yes"
    assert visit("english").evaluate("localStorage.getItem('seen')") is None


WRONG = """<!doctype html><html lang="fr"><title>Page</title>
<main><h1>Page</h1><img src="data:,"><my-part></my-part></main>
<script>
document.querySelector("my-part").attachShadow({ mode: "open" })
  .append(document.createElement("button"));
</script></html>"""
TROUBLES = [
    ("console.error('broken')", "console: broken"),
    ("setTimeout(() => { throw new Error('thrown') })", "exception: thrown"),
    ("fetch('/nowhere').then(() => 1)", "console: Failed to load resource.*404"),
    ("fetch('http://127.0.0.1:9/').catch(() => 1)", "request: net::ERR_(UNSAFE_PORT|FAILED)"),
]


@pytest.mark.parametrize(("script", "trouble"), TROUBLES)
def test_a_page_in_trouble_is_told(visit: Visits, script: str, trouble: str) -> None:
    visit("blank").evaluate(f"async () => {{ await {script} }}")
    assert re.search(trouble, "\n".join(visit.end()))


def test_a_trouble_that_was_announced_is_none(visit: Visits) -> None:
    visit.expect("on purpose$|on purpose ")
    visit("blank").evaluate("console.error('on purpose'); console.warn('a warning')")
    assert visit.end() == []


def test_axe_finds_what_is_wrong_and_says_where(visit: Visits, sites: Websites) -> None:
    sites.put("wrong", Document(WRONG))
    page = visit("wrong")
    assert sorted(sentence.partition(":")[0] for sentence in axe(page)) == [
        "button-name (critical)",
        "image-alt (critical)",
    ]
    [sentence] = axe(page, "my-part")
    assert "button in my-part" in sentence


@pytest.mark.parametrize("name", ["french", "strict"])
def test_axe_is_content_with_a_page_of_ours(visit: Visits, name: str) -> None:
    assert axe(visit(name), "main") == []
