"""The pictures of the report: the same for the same figures, complete, readable, self-contained."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import matplotlib
import pytest
from matplotlib.colors import to_rgb

from mobilis.nlu import figures
from mobilis.nlu.figures import (
    INK,
    OTHERS,
    PAPER,
    SHARES,
    WIDTH,
    Bar,
    Bin,
    Confusion,
    Point,
    confusion,
    learning_curve,
    most_frequent,
    outcomes,
    reliability,
)

LONG = "faq/declaration_of_interest"
PAIRS = [
    Confusion("faq/cost", LONG, 3),
    Confusion(LONG, "faq/cost", 1),
    Confusion("help", LONG, 2),
]
BINS = [Bin(0.25, 0.5, 4), Bin(0.74, 0.75, 12), Bin(1.0, 0.99, 300)]
CURVES = {
    "French": [Point("1/8", 1119, [0.7, 0.72, 0.77]), Point("all", 8414, [0.946])],
    "English": [Point("1/8", 1119, [0.75, 0.76, 0.77]), Point("all", 8414, [0.968])],
}
BARS = [
    Bar("French, in scope", [("right", "right", 9), ("asked", "asked", 2), ("wrong", "wrong", 1)]),
    Bar("French, out of scope", [("right", "declined, as it should be", 3), ("wrong", "said", 0)]),
]


def drawn() -> dict[str, str]:
    return {
        "confusion": confusion("Confused", PAIRS, {"faq/cost": 10}),
        "reliability": reliability("Sure", {"French": (0.033, BINS), "English": (0.021, BINS)}),
        "learning curve": learning_curve("Taught", CURVES),
        "outcomes": outcomes("Got", BARS),
    }


@pytest.fixture(scope="module")
def pictures() -> dict[str, str]:
    return drawn()


NAMES = ("confusion", "reliability", "learning curve", "outcomes")


def texts(svg: str) -> list[ET.Element]:
    return [node for node in ET.fromstring(svg).iter() if node.tag.endswith("}text")]


def words(svg: str) -> list[str]:
    return [node.text or "" for node in texts(svg)]


# --- every picture


def test_the_same_figures_give_the_same_file(pictures: dict[str, str]) -> None:
    assert drawn() == pictures


def test_settings_of_this_machine_change_nothing_and_are_left_alone(
    pictures: dict[str, str],
) -> None:
    own = {"font.size": 31, "axes.facecolor": "black", "svg.hashsalt": "x", "svg.fonttype": "path"}
    with matplotlib.rc_context(own):
        assert drawn() == pictures
        assert matplotlib.rcParams["font.size"] == 31


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_has_its_title_and_no_date(pictures: dict[str, str], name: str) -> None:
    root = ET.fromstring(pictures[name])
    titles = [node.text for node in root if node.tag.endswith("}title")]
    assert titles == {
        "confusion": ["Confused"],
        "reliability": ["Sure"],
        "learning curve": ["Taught"],
        "outcomes": ["Got"],
    }.get(name)
    assert root.get("width") == f"{WIDTH:g}pt"
    assert "dc:date" not in pictures[name]
    assert "Matplotlib v" not in pictures[name]


@pytest.mark.parametrize("name", NAMES)
def test_text_is_text_in_fonts_that_people_have(pictures: dict[str, str], name: str) -> None:
    styles = [node.get("style", "") for node in texts(pictures[name])]
    assert len(styles) > 5
    assert all("Verdana, Helvetica, Arial, sans-serif" in style for style in styles)
    sizes = [float(size) for style in styles for size in re.findall(r"([\d.]+)px", style)]
    assert min(sizes) >= 8.5  # 11 pixels at a width of 800


@pytest.mark.parametrize("name", NAMES)
def test_no_text_leaves_the_picture(pictures: dict[str, str], name: str) -> None:
    for node in texts(pictures[name]):
        if "rotate(-90" in node.get("transform", "") or node.get("x") is None:
            continue  # names of axes, inside by their place
        size = float(re.findall(r"([\d.]+)px", node.get("style", ""))[0])
        length = 0.62 * size * len(node.text or "")
        share = {"start": 0.0, "middle": 0.5, "end": 1.0}
        anchor = re.findall(r"text-anchor: (\w+)", node.get("style", ""))[0]
        left = float(node.get("x", "")) - share[anchor] * length
        turned = "rotate(-62" in node.get("transform", "")
        assert left > -1, node.text
        assert left + length * (0.47 if turned else 1) < WIDTH + 1, node.text


def contrast(one: str, other: str) -> float:
    """Of two colours, as WCAG counts it."""
    lights = []
    for colour in (one, other):
        channels = [
            c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)
        ]
        lights.append(0.2126 * channels[0] + 0.7152 * channels[1] + 0.0722 * channels[2])
    return (max(lights) + 0.05) / (min(lights) + 0.05)


@pytest.mark.parametrize("colour", [*SHARES.values(), PAPER])
def test_ink_can_be_read_on_every_share(colour: str) -> None:
    assert contrast(INK, colour) >= 4.5


@pytest.mark.parametrize("colour", [*figures.LINES, figures.FAINT])
def test_lines_and_faint_text_can_be_read_on_paper(colour: str) -> None:
    assert contrast(colour, PAPER) >= 4.5


@pytest.mark.parametrize("most", range(1, 12))
def test_every_count_can_be_read_in_its_cell(most: int) -> None:
    pairs = [Confusion("help", f"faq/{times}", times) for times in range(1, most + 1)]
    svg = confusion("Confused", pairs, {})
    cells = re.findall(r"fill: (#[0-9a-f]{6}); stroke: #ffffff", svg)
    assert len(cells) == most
    assert min(contrast(cell, INK) for cell in cells) >= 4.5


# --- confusion


def test_a_matrix_has_every_count_and_how_many_of_a_label_are_wrong() -> None:
    said = words(confusion("Confused", PAIRS, {"faq/cost": 10, LONG: 12, "help": 8}))
    assert [word for word in said if word.isdigit()] == ["3", "1", "2"]
    assert {"3 of 10", "1 of 12"} <= set(said)
    assert said.count(LONG) == said.count("faq/cost") == 2
    assert said.count("help") == 1  # never understood: no column
    assert OTHERS not in said


def test_labels_beyond_the_limit_are_summed_up() -> None:
    pairs = [Confusion(f"faq/{number:02}", f"faq/{number + 1:02}", 1) for number in range(40)]
    said = words(confusion("Confused", [*pairs, Confusion("help", "stop", 5)], {}))
    counts = [int(word) for word in said if re.fullmatch(r"\d+", word)]
    wrong = figures.ROWS  # beside each row how many are wrong
    assert sum(counts) == 2 * 45
    assert (
        len([word for word in said if word.startswith("faq/")]) == wrong - 2 + figures.COLUMNS - 2
    )
    assert said.count(OTHERS) == 2
    assert said.count("help") == said.count("stop") == 1


def test_the_most_frequent_labels_come_first_and_equals_by_name() -> None:
    counted = [("b", 1), ("c", 2), ("a", 1), ("b", 1), ("d", 1)]
    assert most_frequent(counted, 4) == ["b", "c", "a", "d"]
    assert most_frequent(counted, 3) == ["b", "c", OTHERS]


# --- confidence


def test_each_language_has_its_error_and_the_count_of_each_bin() -> None:
    said = words(reliability("Sure", {"French": (0.033, BINS), "English": (0.021, BINS[1:])}))
    assert "French: calibration error 3.3 %" in said
    assert "English: calibration error 2.1 %" in said
    assert [said.count(count) for count in ("4", "12", "300")] == [1, 2, 2]


@pytest.mark.parametrize(
    ("share", "messages", "low", "high"),
    [(0.5, 10, 0.237, 0.763), (1.0, 5, 0.566, 1.0), (0.0, 1, 0.0, 0.793), (0.9, 400, 0.867, 0.926)],
)
def test_intervals_are_wider_for_fewer_messages(
    share: float, messages: int, low: float, high: float
) -> None:
    found = figures._interval(Bin(0.5, share, messages))
    assert found == pytest.approx((low, high), abs=1e-3)


# --- phrasings


def test_a_curve_has_the_means_the_parts_and_their_phrasings() -> None:
    said = words(learning_curve("Taught", CURVES))
    assert {"73.0", "76.0", "94.6", "96.8"} <= set(said)
    assert {"1/8", "1119", "all", "8414", "French", "English"} <= set(said)
    assert {"65 %", "100 %"} <= set(said)


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [([0.72, 0.96], 0.7, 1.0), ([0.93, 0.97], 0.9, 1.0), ([0.5, 0.6], 0.45, 0.65)],
)
def test_the_axis_has_room_around_the_values(values: list[float], low: float, high: float) -> None:
    assert figures._range(values) == pytest.approx((low, high))


# --- what visitors get


def test_bars_have_their_numbers_and_shares() -> None:
    said = words(outcomes("Got", BARS))
    assert {"French, in scope: 12 messages", "French, out of scope: 3 messages"} <= set(said)
    assert {"right 75.0 % (9)", "asked 16.7 % (2)", "wrong 8.3 % (1)"} <= set(said)
    assert {"declined, as it should be 100.0 % (3)", "said 0.0 % (0)"} <= set(said)


def test_the_parts_of_a_bar_are_as_long_as_their_shares() -> None:
    svg = outcomes("Got", BARS[:1])
    paths = re.findall(r'd="M ([\d.]+) ([\d.]+) \nL ([\d.]+) [^"]*"[^>]*stroke: #ffffff', svg)
    lengths = [float(right) - float(left) for left, _, right in paths]
    assert lengths == pytest.approx([(WIDTH - 32) * n / 12 for n in (9, 2, 1)], abs=0.01)
