"""Draws color.png and outline.png beside it: a speech bubble with three rising bars.

`python deploy/teams/draw_icons.py`; needs Python alone. Teams wants 192 and 32 pixels, the outline
in white on nothing.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
ACCENT = (0x0B, 0x5C, 0x6B)  # as the widget's
WHITE = (0xFF, 0xFF, 0xFF)
FINE = 4  # samples a pixel, each way
BARS = ((0.345, 0.10), (0.46, 0.17), (0.575, 0.24))  # left and height, of a square of 1
BAR_WIDTH, BAR_BOTTOM = 0.08, 0.60

Shade = Callable[[float, float], "tuple[int, int, int, int]"]


def in_box(x: float, y: float, box: tuple[float, float, float, float], radius: float) -> bool:
    """Whether a point lies in a box with round corners: left, top, right, bottom."""
    left, top, right, bottom = box
    dx = max(left + radius - x, 0, x - right + radius)
    dy = max(top + radius - y, 0, y - bottom + radius)
    return left <= x <= right and top <= y <= bottom and dx * dx + dy * dy <= radius * radius


def in_bubble(x: float, y: float, inset: float = 0.0) -> bool:
    """Whether a point lies in the bubble or its tail, `inset` within its edge."""
    box = (0.2 + inset, 0.22 + inset, 0.8 - inset, 0.68 - inset)
    tail = 0.30 + inset <= x <= 0.46 - inset and 0.6 <= y <= 0.82 - inset * 2.2 - (x - 0.30) * 0.9
    return in_box(x, y, box, 0.1 - inset / 2) or tail


def in_bars(x: float, y: float) -> bool:
    """Whether a point lies in one of the bars."""
    return any(
        in_box(x, y, (left, BAR_BOTTOM - height, left + BAR_WIDTH, BAR_BOTTOM), 0.02)
        for left, height in BARS
    )


def in_colour(x: float, y: float) -> tuple[int, int, int, int]:
    """The accent all over, a white bubble, bars in the accent."""
    lit = in_bubble(x, y) and not in_bars(x, y)
    return (*(WHITE if lit else ACCENT), 255)


def in_outline(x: float, y: float) -> tuple[int, int, int, int]:
    """Lines in white on nothing; larger, since there is no ground around it."""
    x, y = 0.5 + (x - 0.5) * 0.68, 0.5 + (y - 0.48) * 0.68
    edge = in_bubble(x, y) and not in_bubble(x, y, 0.045)
    return (*WHITE, 255 if edge or in_bars(x, y) else 0)


def pixel(shade: Shade, column: int, row: int, size: int) -> bytes:
    """The mean of the samples of one pixel."""
    samples = [
        shade((column + (i + 0.5) / FINE) / size, (row + (j + 0.5) / FINE) / size)
        for i in range(FINE)
        for j in range(FINE)
    ]
    return bytes(round(sum(values) / len(samples)) for values in zip(*samples))


def png(shade: Shade, size: int) -> bytes:
    """A square picture as PNG."""
    rows = b"".join(
        b"\0" + b"".join(pixel(shade, column, row, size) for column in range(size))
        for row in range(size)
    )
    header = struct.pack(">IIBBBBB", size, size, 8, 6, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )


if __name__ == "__main__":
    (FOLDER / "color.png").write_bytes(png(in_colour, 192))
    (FOLDER / "outline.png").write_bytes(png(in_outline, 32))
