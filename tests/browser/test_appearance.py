"""What tests/appearance.py finds wrong with a page is wrong, and is named."""

from __future__ import annotations

import appearance
from browsers import Visits
from websites import Document, Websites

WRONG = """<!doctype html><html lang="fr"><title>Page</title>
<style>:focus { outline: 3px solid #000 }</style><main><h1>Page</h1>
<p style="color: #999">trop pâle</p>
<button style="width: 20px; height: 20px; border: 1px solid #ddd; background: #fff">x</button>
<p><a href="#x" style="font-size: 10px; line-height: 1">seul</a></p>
<button style="width: 60px; height: 60px; overflow: hidden; border: 0; background: none"
>incompréhensible</button>
<div style="width: 2000px">large</div>
<div style="position: relative"><button>dessous</button>
<div style="position: absolute; inset: 0; background: #fff"></div></div>
<a href="#y" style="outline: none">sans contour</a></main></html>"""


def test_what_is_wrong_with_looks_is_found_and_named(visit: Visits, sites: Websites) -> None:
    sites.put("ugly", Document(WRONG))
    page = visit("ugly", width=400)
    told = {
        "faint": appearance.faint(page, "main"),
        "small": appearance.small(page, "main"),
        "cut": appearance.cut_off(page, "main"),
        "lost": appearance.out_of_reach(page, "main"),
        "focus": appearance.faint_focus(page, "main"),
        "borderless": appearance.borderless(page, "main"),
    }
    assert [s.partition(":")[0] for s in told["faint"]] == ['p "trop pâle"', 'button "x"']
    assert told["small"][:1] == ['button "x": 20 by 20']
    assert any(s.startswith('a "seul"') for s in told["small"])
    assert 'button "incompréhensible": its words are larger' in told["cut"]
    assert "the page scrolls sideways" in told["cut"]
    assert [s.partition(":")[0] for s in told["lost"]] == ['button "dessous"']
    assert [s.partition(":")[0] for s in told["focus"]] == ['a "sans contour"']
    assert 'button "x"' in told["borderless"]
