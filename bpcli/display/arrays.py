"""Vectors and matrices as aligned text: one power of ten and one number of decimals for each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

_DIGITS = 4  # of the largest number that are shown
_MOST_ROWS, _HEAD = 6, 4  # of a matrix; where it has more, so many and the last one
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
GAP, SKIPPED = "…", "⋮"


class Shown(NamedTuple):
    """Rows of cells of one width, which stand for the numbers times `factor`."""

    rows: tuple[tuple[str, ...], ...]
    factor: str  # `×10⁻³`; empty for 1


def shown(values: NDArray[Any], most: int | None) -> Shown:
    """A vector as one row, a matrix as several; `most` numbers in a row, all of them for None.

    What is left out of a row is in front of its last number, and so it is with rows.
    """
    matrix = values.reshape(-1, values.shape[-1]) if values.ndim > 1 else values[None]
    exponent, decimals = _scale(matrix)
    scaled = matrix / 10.0**exponent
    lines = _some(range(len(matrix)), _MOST_ROWS if most else None, _HEAD)
    columns = _some(range(matrix.shape[1]), most, max(1, (most or 0) - 2))
    cells = [
        [SKIPPED if line is None else _cell(scaled, line, column, decimals) for column in columns]
        for line in lines
    ]
    width = max(len(cell) for row in cells for cell in row)
    factor = f"×10{str(exponent).translate(_SUPERSCRIPTS)}" if exponent else ""
    return Shown(tuple(tuple(cell.rjust(width) for cell in row) for row in cells), factor)


def cell_width(values: NDArray[Any]) -> int:
    """The characters that a number of it takes."""
    return max(len(cell) for row in shown(values, None).rows for cell in row)


def _some(numbers: Sequence[int], most: int | None, head: int) -> list[int | None]:
    """All, or the first ones, None for those left out, and the last one."""
    if most is None or len(numbers) <= most:
        return list(numbers)
    return [*numbers[:head], None, numbers[-1]]


def _cell(scaled: NDArray[Any], line: int, column: int | None, decimals: int) -> str:
    if column is None:
        return GAP
    value = scaled[line, column]
    return f"{value:.{decimals}f}" if value else "0"  # a zero is exact


def _scale(values: NDArray[Any]) -> tuple[int, int]:
    """(the power of ten, a multiple of 3, and the decimals) that suit the largest number."""
    finite = np.abs(values[np.isfinite(values)])
    largest = float(f"{finite.max(initial=0.0):.{_DIGITS - 1}e}")  # as it will be read
    if largest == 0:
        return 0, 0
    size = math.floor(math.log10(largest))
    exponent = 0 if -2 <= size <= 3 else 3 * (size // 3)
    return exponent, max(0, min(_DIGITS, _DIGITS - 1 - (size - exponent)))
