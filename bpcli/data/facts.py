"""What the cells of one column say on some rows: the evidence for its role and for the task."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np

from bpcli.data.arrays import Floats, Ints
from bpcli.data.table import Cells

_LEADING_ZERO = re.compile(r"[+-]?0\d+", re.ASCII)


class Facts(NamedTuple):
    """Counts over the rows, and the distinct words with their numbers."""

    words: tuple[str, ...]
    counts: Ints  # (K,) cells of each word
    values: Floats  # (K,) its number, NaN where it is none
    missing: int  # cells

    @property
    def present(self) -> int:
        """Cells that are not missing."""
        return int(self.counts.sum())

    @property
    def bad(self) -> int:
        """Cells that are neither missing nor a number."""
        return int(self.counts[np.isnan(self.values)].sum())

    @property
    def distinct(self) -> int:
        """Different values: of numbers where all are numbers (1 and 1.0 are one), else of words."""
        return len(self.words) if self.bad else len(np.unique(self.values))

    @property
    def integers(self) -> bool:
        """Every cell is a whole number."""
        return bool(np.all(self.values == np.floor(self.values)))

    @property
    def codes(self) -> bool:
        """Some cell is a number with leading zeros, 007, which a number would not keep."""
        return any(_LEADING_ZERO.fullmatch(word) for word in self.words)

    @property
    def nearly_numbers(self) -> bool:
        """Numbers but for a few cells: more likely mistakes than categories."""
        numbers = self.present - self.bad
        few = self.bad <= max(1, self.present // 10)
        return few and numbers >= 2 and numbers > self.bad

    @property
    def unique(self) -> bool:
        """No value occurs twice."""
        return self.distinct == self.present


def facts_of(cells: Cells, rows: Ints) -> Facts:
    """The facts of a column on the given rows."""
    counts = cells.counts(rows)
    used = np.flatnonzero(counts)
    words = tuple(cells.words[i] for i in used)
    return Facts(words, counts[used], cells.values[used], len(rows) - int(counts.sum()))
