"""Numbers as each language writes them. Called by the console's pages."""

from __future__ import annotations

SPACE = "\u00a0"  # which does not break


def whole(count: int, language: str) -> str:
    """« 12 000 », "12,000"."""
    return f"{count:,}".replace(",", SPACE if language == "fr" else ",")


def percent(share: float, language: str) -> str:
    """A share of 1 with one decimal: « 12,5 % », "12.5%"; a whole number has none."""
    text = f"{share * 100:.1f}".removesuffix(".0")
    return f"{text.replace('.', ',')}{SPACE}%" if language == "fr" else f"{text}%"
