"""The picture of the answers: what it shows, and that nothing in it runs into anything."""

from __future__ import annotations

import pytest

from mobilis.assessment import load_assessment
from mobilis.settings import ROOT
from mobilis.web import bars

ASSESSMENT = load_assessment(ROOT / "assessment" / "readiness.yml")


def drawn(language, points=2):
    answers = [
        {"number": q.number, "title": q.gap[language], "points": points, "of": q.most}
        for q in ASSESSMENT.questions
    ]
    return bars.draw(answers, "{points}/{of}", "{title}: {points} out of {of}.")


@pytest.mark.parametrize("points", [0, 1, 3])
def test_a_bar_has_a_part_for_each_point(points):
    for bar in drawn("en", points).bars:
        assert [part.scored for part in bar.parts] == [number < points for number in range(3)]
        assert bar.points == f"{points}/3"
        assert bar.sentence.endswith(f": {points} out of 3.")


def test_parts_stand_side_by_side_and_fill_the_bar():
    one, two, three = drawn("fr").bars[0].parts
    assert one.x == 0
    for left, right in ((one, two), (two, three)):
        assert right.x - (left.x + left.width) == pytest.approx(bars.GAP, abs=0.02)
    assert three.x + three.width == pytest.approx(bars.BARS_WIDTH, abs=0.02)


@pytest.mark.parametrize("language", ["fr", "en"])
def test_words_and_bars_follow_each_other_down_to_the_end_of_the_picture(language):
    picture = drawn(language)
    below = 0
    for question, bar in zip(ASSESSMENT.questions, picture.bars, strict=True):
        heights = [y for _, y in bar.lines]
        assert below < heights[0] < bar.y
        assert heights == sorted(set(heights))
        words = " ".join(line for line, _ in bar.lines)
        assert words == f"{question.number}. {question.gap[language]}"
        assert all(len(line) <= bars.LINE_LENGTH for line, _ in bar.lines)
        below = bar.y + bars.BAR_HEIGHT
    assert picture.height == below
