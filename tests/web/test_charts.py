"""Where columns and bars stand, and that none of it depends on there being something to draw."""

from __future__ import annotations

import pytest

from mobilis.web.charts import LABELS, LEVELS, PLOT, TOP, draw_bars, draw_columns, levels


@pytest.mark.parametrize(
    ("most", "expected"),
    [
        (0, [0, 1]),
        (0.3, [0, 1]),
        (1, [0, 1]),
        (4, [0, 1, 2, 3, 4]),
        (5, [0, 2, 4, 6]),
        (79, [0, 20, 40, 60, 80]),
        (81, [0, 50, 100]),
        (1201, [0, 500, 1000, 1500]),
    ],
)
def test_lines_are_drawn_at_round_values(most: float, expected: list[int]) -> None:
    assert levels(most) == expected


@pytest.mark.parametrize("most", [3, 7, 11, 12.5, 99, 1234, 999_999_999])
def test_the_highest_column_is_below_the_highest_line_and_lines_are_few(most: float) -> None:
    found = levels(most)
    assert found[-1] >= most > found[-2]
    assert len(found) <= LEVELS + 1


def written(value: float) -> str:
    return f"{value:g}"


def test_what_a_column_is_made_of_stands_on_each_other_to_scale() -> None:
    picture = draw_columns([[10, 0, 5], [30, 0, 0]], ["a", "b", "c"], ["1", "2", "3"], written)
    first, second, third = picture.columns
    assert [level.text for level in picture.levels] == ["0", "10", "20", "30", "40"]
    lower, upper = first.blocks
    assert (lower.series, upper.series) == (0, 1)
    assert lower.height == pytest.approx(PLOT / 4)
    assert upper.height == pytest.approx(PLOT * 3 / 4)
    assert upper.y == pytest.approx(TOP)
    assert upper.y + upper.height == pytest.approx(lower.y)
    assert lower.y + lower.height == pytest.approx(picture.base)
    assert second.blocks == ()
    assert second.title == "b"
    assert [block.series for block in third.blocks] == [0]


@pytest.mark.parametrize("count", [1, 7, 8, 30, 90, 365])
def test_columns_lie_side_by_side_within_the_picture(count: int) -> None:
    names = [str(number) for number in range(count)]
    picture = draw_columns([[1] * count], names, names, written)
    assert picture.columns[0].x >= 0
    for left, right in zip(picture.columns, picture.columns[1:], strict=False):
        assert left.x + left.width < right.x
    assert picture.columns[-1].x + picture.columns[-1].width <= 100
    assert len(picture.labels) <= LABELS + 1


def test_bars_are_as_long_as_the_longest_allows_and_none_of_nothing() -> None:
    picture = draw_bars([50, 200, 0], ["one", "two", "three " * 12], ["50", "200", "0"], 34)
    assert [bar.width for bar in picture.bars] == [25, 100, 0]
    assert len(picture.bars[2].lines) > 1
    tops = [bar.lines[0][1] for bar in picture.bars]
    assert all(bar.y < top for bar, top in zip(picture.bars, tops[1:], strict=False))
    assert picture.height == picture.bars[-1].y + picture.thickness
    assert [bar.width for bar in draw_bars([0, 0], ["a", "b"], ["0", "0"], 34).bars] == [0, 0]
    assert draw_bars([], [], [], 34).height == 0
