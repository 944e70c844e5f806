"""Numbers as each language writes them."""

from __future__ import annotations

import pytest

from mobilis.numbers import percent, whole

pytestmark = pytest.mark.pure


@pytest.mark.parametrize(
    ("count", "french", "english"),
    [(0, "0", "0"), (999, "999", "999"), (1234567, "1\u00a0234\u00a0567", "1,234,567")],
)
def test_thousands_stand_apart(count: int, french: str, english: str) -> None:
    assert (whole(count, "fr"), whole(count, "en")) == (french, english)


@pytest.mark.parametrize(
    ("share", "french", "english"),
    [(0, "0\u00a0%", "0%"), (1, "100\u00a0%", "100%"), (0.1254, "12,5\u00a0%", "12.5%")],
)
def test_a_share_has_one_decimal_at_most(share: float, french: str, english: str) -> None:
    assert (percent(share, "fr"), percent(share, "en")) == (french, english)
