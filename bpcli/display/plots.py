"""Curves made of characters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isfinite, log10

from rich.text import Text

from bpcli.display.figures import number

STYLES = TRAIN_STYLE, VALIDATION_STYLE = "cyan", "yellow"
_WIDE = 10  # ratio of the highest to the lowest loss from which the scale is logarithmic
_BLOCKS, _ASCII_BLOCKS = "▁▂▃▄▅▆▇█", "_.-=+*#@"
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # braille, by row and column


def sparkline(values: Iterable[float | None], width: int, ascii_only: bool = False) -> str:
    """The course of the finite values in one line of at most `width` characters."""
    points = _finite(values)
    points = _resampled(points, min(width, len(points)))
    blocks = _ASCII_BLOCKS if ascii_only else _BLOCKS
    return "".join(blocks[level] for level in _levels(points, _range(points), len(blocks)))


def loss_curve(
    train: Iterable[float | None],
    validation: Iterable[float | None],
    width: int,
    height: int,
    ascii_only: bool = False,
) -> Text:
    """Both losses over the epochs, `height` lines of `width` characters, the range at the left.

    Logarithmic where `log_scaled` says so: a loss falls fast at first, and the rest matters too.
    """
    series = [_finite(train), _finite(validation)]
    everything = [point for points in series for point in points]
    labels = [number(bound) for bound in reversed(_range(everything))]
    if log_scaled(everything):
        series = [[log10(point) for point in points] for points in series]
    bounds = _range([point for points in series for point in points])
    margin = max(map(len, labels))
    columns = max(width - margin - 1, 1)
    rows, across = (height, columns) if ascii_only else (4 * height, 2 * columns)
    first, second = (_marked(points, bounds, rows, across) for points in series)

    curve = Text()
    for row in range(height):
        label = {0: labels[0], height - 1: labels[1]}.get(row, "")
        curve.append(f"{label:>{margin}} ", "dim")
        for column in range(columns):
            curve.append(*_cell(first, second, row, column, ascii_only))
        curve.append("\n" if row < height - 1 else "")
    return curve


def log_scaled(values: Iterable[float | None]) -> bool:
    """Whether the values span so much that a plot of them is logarithmic."""
    low, high = _range(_finite(values))
    return low > 0 and high > _WIDE * low


def _finite(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None and isfinite(value)]


def _range(points: Sequence[float]) -> tuple[float, float]:
    return min(points, default=0.0), max(points, default=0.0)


def _resampled(points: Sequence[float], width: int) -> list[float]:
    """`width` points of the line through all points, the first and the last among them."""
    step = (len(points) - 1) / max(width - 1, 1)
    return [_between(points, column * step) for column in range(width)]


def _between(points: Sequence[float], position: float) -> float:
    index = min(int(position), len(points) - 1)
    following = points[min(index + 1, len(points) - 1)]
    return points[index] + (position - index) * (following - points[index])


def _levels(points: Sequence[float], bounds: tuple[float, float], count: int) -> list[int]:
    """Each point as one of `count` levels from the lowest (0) to the highest."""
    low, high = bounds
    span = high - low or 1.0
    return [min(int((point - low) / span * count), count - 1) for point in points]


Marks = set[tuple[int, int]]


def _marked(points: Sequence[float], bounds: tuple[float, float], rows: int, across: int) -> Marks:
    """The (row, column) dots of a curve, joined vertically where it is steep."""
    if not points:
        return set()
    levels = [rows - 1 - level for level in _levels(_resampled(points, across), bounds, rows)]
    return {
        (row, column)
        for column, (before, level) in enumerate(zip([levels[0], *levels], levels, strict=False))
        for row in range(min(before, level), max(before, level) + 1)
    }


def _cell(first: Marks, second: Marks, row: int, column: int, ascii_only: bool) -> tuple[str, str]:
    """One character and its style; where both curves meet, the validation loss is on top."""
    if ascii_only:
        if (row, column) in second:
            return "o", VALIDATION_STYLE
        return ("*", TRAIN_STYLE) if (row, column) in first else (" ", "")
    places = {
        (4 * row + y, 2 * column + x): bit
        for y, bits in enumerate(_DOTS)
        for x, bit in enumerate(bits)
    }
    dots = sum(bit for place, bit in places.items() if place in first or place in second)
    style = VALIDATION_STYLE if any(place in second for place in places) else TRAIN_STYLE
    return (chr(0x2800 + dots), style) if dots else (" ", "")
