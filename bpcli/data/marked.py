"""Rows of a table by a bit each, so that they can be sent."""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from bpcli.data.arrays import Ints


class Marked(NamedTuple):
    """Some rows, of which the numbers rise."""

    first: int
    span: int  # of the rows from the first to the last one, with those between that are none
    bits: npt.NDArray[np.uint8]

    @classmethod
    def of(cls, rows: Ints) -> Self:
        """The rows of these numbers."""
        if not len(rows):
            return cls(0, 0, np.empty(0, np.uint8))
        first, last = int(rows[0]), int(rows[-1])
        marks = np.zeros(last + 1 - first, dtype=bool)
        marks[rows - first] = True
        return cls(first, len(marks), np.packbits(marks))

    @property
    def size(self) -> int:
        """How many they are."""
        return int(np.bitwise_count(self.bits).sum())

    @property
    def rows(self) -> Ints:
        """Their numbers."""
        return self.first + np.flatnonzero(np.unpackbits(self.bits, count=self.span))
