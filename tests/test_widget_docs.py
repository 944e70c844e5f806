"""docs/widget.md says what a website may set, call and listen to: neither less nor more.

What there is, is read from widget/src. Each check is shown to fail as well.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import pytest

from mobilis.content import LANGUAGES, load_content
from mobilis.openings import INTENTS, find_opening
from mobilis.settings import ROOT

pytestmark = pytest.mark.pure

WIDGET = ROOT / "widget"
PAGE = (ROOT / "docs" / "widget.md").read_text(encoding="utf-8")
COMMENT = re.compile(r"/\*.*?\*/|(?:^|(?<=\s))//[^\n]*", re.DOTALL | re.MULTILINE)
CODE = {
    path.name: COMMENT.sub("", path.read_text(encoding="utf-8"))
    for path in sorted((WIDGET / "src").iterdir())
}
AREAS = {"local": "local storage", "tab": "session storage, of one tab"}

Code = Mapping[str, str]  # name of a file → its text
Found = dict[str, tuple[str, ...]]  # a name → what its row must say of it


def scripts(code: Code) -> str:
    return "\n".join(text for name, text in code.items() if name.endswith(".ts"))


def attributes(code: Code) -> Found:
    """The data attributes that the widget reads, but for those that it writes for itself."""
    script, everything = scripts(code), "\n".join(code.values())
    written = set(re.findall(r'"(data-[a-z-]+)":', script))
    read = {
        "data-" + re.sub("[A-Z]", lambda capital: f"-{capital[0].lower()}", name)
        for name in re.findall(r"\bdataset\.(\w+)", script)
    }
    read |= set(re.findall(r"\[(data-[a-z-]+)", everything))
    read |= set(re.findall(r'"(data-[a-z-]+)"(?!:)', script))
    return dict.fromkeys(read - written, ())


def intents(code: Code) -> Found:
    """The closed list of the front door; nothing of it is in the widget."""
    languages = [f"switch_language/{language}" for language in LANGUAGES]
    return dict.fromkeys([*INTENTS, *languages, "faq/<id>"], ())


def events(code: Code) -> Found:
    """What the element tells, with the keys of `detail` in their order."""
    told = re.findall(r'\.tell\("(\w+)"(?:,\s*\{([^}]*)\},?\s*)?\)', code["element.ts"])
    return {f"mobilis:{name}": tuple(_keys(detail, code)) for name, detail in told}


def _keys(detail: str, code: Code) -> Iterator[str]:
    for part in filter(None, (part.strip() for part in detail.split(","))):
        spread = re.fullmatch(r"\.\.\.message\.(\w+)", part)
        if spread:
            [shape] = re.findall(rf"\b{spread[1]}\?: \{{([^}}]*)\}}", code["message.ts"])
            yield from re.findall(r"(\w+)\??:", shape)
        else:
            yield part.partition(":")[0]


def methods(code: Code) -> Found:
    """What a page may call or read: not what the browser or the conversation calls."""
    body = code["element.ts"].partition("class MobilisChat ")[2].partition("\n}")[0]
    listener = code["conversation.ts"].partition("interface Listener {")[2].partition("\n}")[0]
    others = set(re.findall(r"^  (\w+)\(", listener, re.MULTILINE))
    public = re.findall(r"^  (?:async )?(get )?(\w+)\(([^)]*)\)[^;\n]*\{$", body, re.MULTILINE)
    return {
        name if getter else f"{name}({_names(parameters)})": ()
        for getter, name, parameters in public
        if name not in others and not name.endswith("Callback")
    }


def _names(parameters: str) -> str:
    return ", ".join(re.findall(r"(\w+)(?=:| =)", parameters))


def properties(code: Code) -> Found:
    """The custom properties, with their default in light and in dark."""
    defaults = _defaults(code["style.css"])
    return {name: (values[0], values[-1]) for name, values in defaults.items()}


def _defaults(css: str) -> dict[str, list[str]]:
    """Every default of every property, in the order of the style sheet: light, then dark."""
    found = defaultdict(list)
    for use in re.finditer(r"var\((--mobilis-[a-z-]+),?", css):
        depth, end = 1, use.end()
        while depth:
            depth += {"(": 1, ")": -1}.get(css[end], 0)
            end += 1
        default = " ".join(css[use.end() : end - 1].split())
        while nested := re.fullmatch(r"var\([^,]+, (.+)\)", default):
            default = nested[1]
        found[use[1]].append(default)
    return found


def parts(code: Code) -> Found:
    """The names that `::part` reaches."""
    found: set[str] = set()
    for value in re.findall(r'\bpart: ("[^"]*"|`[^`]*`|\w+)', scripts(code)):
        found |= set(_part_names(value, code))
    return dict.fromkeys(found, ())


def _part_names(value: str, code: Code) -> list[str]:
    if value == "name":  # the buttons of the panel: their class is their part
        return re.findall(r'\bbutton\("(\w+)"', code["panel.ts"])
    [roles] = re.findall(r"\brole: ((?:\"\w+\"(?: \| )?)+);", code["message.ts"])
    by_role = [value.replace("${message.role}", role) for role in re.findall(r"\w+", roles)]
    names = " ".join(by_role if "${message.role}" in value else [value])
    assert "$" not in names and value[0] in '"`', f"part: {value}: this test cannot read it"
    return names.replace('"', "").replace("`", "").split()


def storage(code: Code) -> Found:
    """What the browser keeps, and for how long: until it is told, or with the tab."""
    kept = re.findall(r'this\.(?:read<.+?>|write)\(this\.(\w+), "(\w+)"', code["store.ts"])
    return {name: (AREAS[area],) for area, name in kept}


@dataclass(frozen=True)
class Kind:
    """One kind of thing: how the first column of its tables is called, and what there is of it.

    `detail` takes from a row's other cells what the code must agree with.
    """

    title: str
    there: Callable[[Code], Found]
    detail: Callable[[list[str]], tuple[str, ...]] = lambda cells: ()


def _codes(cell: str) -> tuple[str, ...]:
    return tuple(re.findall(r"`([^`]+)`", cell))


def _light_and_dark(cells: list[str]) -> tuple[str, ...]:
    light, dark, _ = cells
    return _codes(light + (light if dark == "the same" else dark))


KINDS = [
    Kind("attribute", attributes),
    Kind("intent", intents),
    Kind("event", events, lambda cells: _codes(cells[-1])),
    Kind("of the element", methods),
    Kind("property", properties, _light_and_dark),
    Kind("part", parts),
    Kind("name", storage, lambda cells: (cells[0],)),
]
each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.there.__name__)


def rows(page: str, title: str) -> dict[str, list[str]]:
    """The rows of the tables whose first column is called that: the name → the other cells."""
    found = {}
    for table in re.findall(r"(?:^\|.*\n)+", page, re.MULTILINE):
        head, _, *body = [_cells(line) for line in table.splitlines()]
        if head[0] == title:
            found.update({name.strip("`"): cells for name, *cells in body})
    return found


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def differences(kind: Kind, page: str = PAGE, code: Code = CODE) -> list[str]:
    """Where the page and the code disagree, as sentences."""
    there = kind.there(code)
    said = {name: kind.detail(cells) for name, cells in rows(page, kind.title).items()}
    return sorted(
        f"{name}: the code has {there.get(name)}, docs/widget.md says {said.get(name)}"
        for name in {*there, *said}
        if there.get(name) != said.get(name)
    )


@each_kind
def test_the_page_says_what_there_is_and_nothing_else(kind):
    assert kind.there(CODE)
    assert differences(kind) == []


@pytest.mark.parametrize(
    ("kind", "name"),
    [pytest.param(kind, name, id=name) for kind in KINDS for name in sorted(kind.there(CODE))],
)
def test_a_row_that_is_taken_out_is_missed(kind, name):
    without = re.sub(rf"^\| `{re.escape(name)}` \|.*\n", "", PAGE, flags=re.MULTILINE)
    [missing] = differences(kind, without)
    assert missing.startswith(f"{name}: ") and missing.endswith("says None")


@each_kind
def test_a_row_about_nothing_is_noticed(kind):
    name, cells = next(iter(rows(PAGE, kind.title).items()))
    row = "| " + " | ".join([f"`{name}`", *cells]) + " |\n"
    assert row in PAGE
    [sentence] = differences(kind, PAGE.replace(row, row + row.replace(name, "nothing", 1)))
    assert sentence.startswith("nothing: the code has None")


@pytest.mark.parametrize(
    ("said", "instead", "name"),
    [
        ("`id`, `role`, `kind`, `language` |", "`id`, `role`, `kind`, `text` |", "mobilis:message"),
        ("`#0b5c6b` | `#7fd3e0` | links", "`#0b5c6c` | `#7fd3e0` | links", "--mobilis-accent-text"),
        ("`#161c24` |", "the same |", "--mobilis-background"),
        ("| `draft` | session storage, of one tab", "| `draft` | local storage", "draft"),
    ],
)
def test_a_row_that_says_something_wrong_is_noticed(said, instead, name):
    assert said in PAGE
    found = [
        sentence for kind in KINDS for sentence in differences(kind, PAGE.replace(said, instead))
    ]
    assert [sentence.partition(": the code")[0] for sentence in found] == [name]


@pytest.mark.parametrize(
    ("file", "before", "new", "name"),
    [
        ("index.ts", "", "read(chat.dataset.loudVoice);", "data-loud-voice"),
        ("style.css", "", ':host([data-size="big"]) .root { zoom: 2; }', "data-size"),
        ("element.ts", "", 'this.tell("sound", { volume, pitch: 3 });', "mobilis:sound"),
        ("element.ts", "  close(): void {", "  shout(text: string): void {\n  }\n", "shout(text)"),
        ("element.ts", "  close(): void {", "  get volume(): number {\n  }\n", "volume"),
        ("style.css", "", "p { color: var(--mobilis-shadow, rgb(0 0 0)); }", "--mobilis-shadow"),
        ("card.ts", "", 'h("p", { part: "clock" });', "clock"),
        ("panel.ts", "", 'button("help", pressed.help);', "help"),
        ("store.ts", "", 'this.write(this.tab, "mood", mood);', "mood"),
    ],
)
def test_something_new_in_the_code_is_noticed(file, before, new, name):
    text = CODE[file].replace(before, new + before, 1) if before else CODE[file] + new
    found = [
        sentence for kind in KINDS for sentence in differences(kind, code={**CODE, file: text})
    ]
    assert [sentence.partition(": the code")[0] for sentence in found] == [name]


def test_a_comment_is_not_code():
    assert COMMENT.sub("", "a(); // b\n/* c\n */d('https://e')") == "a(); \nd('https://e')"


def test_events_are_told_in_one_place_and_never_with_the_words():
    assert scripts(CODE).count("dispatchEvent(") == 1
    assert "new CustomEvent(`mobilis:${name}`" in scripts(CODE)
    assert not {key for keys in events(CODE).values() for key in keys} & {"text", "choices"}


def test_every_value_that_the_style_sheet_knows_is_documented():
    known = re.findall(r'\[(data-\w+)="(\w+)"\]', CODE["style.css"])
    assert {"left", "light", "dark"} <= {value for _, value in known}
    documented = rows(PAGE, "attribute")
    assert [pair for pair in known if pair[1] not in _codes(documented[pair[0]][0])] == []


def test_both_dark_themes_are_the_same():
    assert [n for n, values in _defaults(CODE["style.css"]).items() if len({*values[1:]}) > 1] == []


def examples(page: str) -> str:
    """The blocks of code of the page."""
    return "\n".join(re.findall(r"^```\w*\n(.*?)^```$", page, re.MULTILINE | re.DOTALL))


def unknown_names(page: str) -> set[str]:
    """What the examples, or the page's own words, use but the widget does not have."""
    used = {
        attributes: re.findall(r"\bdata-[a-z-]*[a-z]\b", examples(page)),
        events: re.findall(r"\bmobilis:[a-z]+", page),
        properties: re.findall(r"--mobilis-[a-z-]+", page),
        parts: re.findall(r"::part\(([^)]*)\)", page),
    }
    unknown = {name for there, names in used.items() for name in {*names} - {*there(CODE)}}
    calls = re.findall(r'querySelector\("mobilis-chat"\)\.(\w+)\(', page)
    return unknown | ({*calls} - {method.partition("(")[0] for method in methods(CODE)})


def unknown_intents(page: str) -> list[str]:
    asked = re.findall(r'data-(?:mobilis-)?open="([^"]*)"', page)
    assert len(asked) > 3
    content = load_content(ROOT)
    return [name for name in asked if name and not find_opening(content, name)]


def test_the_examples_use_what_there_is():
    assert unknown_names(PAGE) == set()
    assert unknown_intents(PAGE) == []


@pytest.mark.parametrize(
    ("example", "name"),
    [
        ("```html\n<mobilis-chat data-colour>\n```\n", "data-colour"),
        ("`mobilis:closed`", "mobilis:closed"),
        ("`--mobilis-color`", "--mobilis-color"),
        ("`::part(button)`", "button"),
        ('document.querySelector("mobilis-chat").hide()', "hide"),
    ],
)
def test_an_example_of_what_there_is_not_is_noticed(example, name):
    assert unknown_names(f"{PAGE}\n{example}") == {name}


def test_an_example_of_an_unknown_intent_is_noticed():
    assert unknown_intents(f'{PAGE}<a data-mobilis-open="faq/nothing">') == ["faq/nothing"]


def test_the_pinned_line_is_the_one_that_the_build_prints():
    build = (WIDGET / "build.mjs").read_text(encoding="utf-8")
    [printed] = re.findall(r"`(<script .*</script>)`", build)
    [shown] = re.findall(r"<script [^>]*integrity=[^>]*></script>", PAGE)
    names = re.compile(r"\s([a-z-]+)(?==|\s)")
    assert names.findall(shown) == names.findall(printed)
    assert re.search(r'src="https://chat\.example\.org/widget-[0-9a-f]{12}\.js"', shown)


def test_no_browser_is_promised_that_the_build_leaves_out():
    build = (WIDGET / "build.mjs").read_text(encoding="utf-8")
    targets = dict(re.findall(r'"(chrome|edge|firefox|safari)([\d.]+)"', build))
    documented = rows(PAGE, "")
    assert len(targets) == 4
    for browser, oldest in targets.items():
        versions = [float(cell) for cell in documented[browser.capitalize()]]
        assert float(oldest) <= versions[0] <= versions[1]


def test_what_the_page_quotes_is_what_the_widget_says():
    en, fr = (
        json.loads((WIDGET / "locales" / f"{language}.json").read_text(encoding="utf-8"))
        for language in ("en", "fr")
    )
    assert f'"{en["offline"]}"' in PAGE
    assert f'"{en["reconnecting"]}"' in PAGE
    assert f"«\u00a0{fr['launch']}\u00a0»" in PAGE
    for tool in ("restart", "forget", "download"):
        assert f"*{en[tool]}*" in PAGE
