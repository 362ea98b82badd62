"""What the cells of one column say on some rows: the evidence for its role and for the task."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np

from bpcli.data.arrays import Floats, Ints
from bpcli.data.numbers import truth_of
from bpcli.data.table import Cells
from bpcli.nn import room

SUSPECTS = (  # words that often mean a missing cell; they do so only where the config says it
    *("NA", "N/A", "n/a", "#N/A", "?", "-", "null", "NULL", "Null"),
    *("nan", "NaN", "None", "none", "unknown", "Unknown", "UNKNOWN"),
)
_KIND = {  # words of one kind go together: yes with no, not with false
    **dict.fromkeys(("true", "false"), "true"),
    **dict.fromkeys(("yes", "no"), "yes"),
    **dict.fromkeys(("y", "n"), "y"),
    **dict.fromkeys(("t", "f"), "t"),
}
_WAYS = 16  # to write yes and no in one column
_MAYBE_CODES = re.compile(r"(?:^|\0) *[+-]?0\d+ *(?:\0|$)", re.ASCII)
_LEADING_ZERO = re.compile(r"(?:^|\0)[+-]?0\d+(?:\0|$)", re.ASCII)


_WITH_COMMA = re.compile(r"[+-]?\d+(,\d+)?", re.ASCII)
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})*", re.ASCII)


class Facts(NamedTuple):
    """Counts over the rows, and the distinct words with their numbers."""

    words: tuple[str, ...]  # none of a column of many plain numbers: they say no more than those
    counts: Ints  # (K,) cells of each word; without words (1,) of all
    values: Floats  # (K,) its number, NaN where it is none
    missing: int  # cells

    @property
    def present(self) -> int:
        """Cells that are not missing."""
        return int(self.counts.sum())

    @property
    def bad(self) -> int:
        """Cells that are neither missing nor a number."""
        return int(self.counts[np.isnan(self.values)].sum()) if self.words else 0

    @property
    def distinct(self) -> int:
        """Different values: of numbers where all are numbers (1 and 1.0 are one), else of words."""
        if self.bad or not self.words:
            return len(self.words) or len(self.values)
        return len(np.unique(self.values))

    @property
    def integers(self) -> bool:
        """Every cell is a whole number."""
        return bool(np.all(self.values == np.floor(self.values)))

    @property
    def decimal_commas(self) -> bool:
        """Nearly every cell is a number if its comma is the decimal sign; one cannot be 1,000."""
        if not self.bad:
            return False
        fits = np.array([bool(_WITH_COMMA.fullmatch(word)) for word in self.words])
        fractions = any(
            fit and not _THOUSANDS.fullmatch(word)
            for fit, word in zip(fits, self.words, strict=True)
            if "," in word
        )
        return fractions and self.nearly(int(self.counts[fits].sum()))

    @property
    def codes(self) -> bool:
        """Some cell is a number with leading zeros, 007, which a number would not keep."""
        return bool(_LEADING_ZERO.search("\0".join(self.words)))  # no cell has a NUL

    @property
    def nearly_numbers(self) -> bool:
        """Numbers but for a few cells, or for words such as NA: more likely mistakes than text."""
        return self.nearly(self.present - self.bad)

    def nearly(self, good: int) -> bool:
        """So many of the present cells are good that the others, or words such as NA, are slips."""
        asked = sum(self.suspects.values())
        bad = self.present - good - asked
        few = bad <= max(1, (self.present - asked) // 10)
        return few and good >= 2 and good > bad

    @property
    def boolean(self) -> bool:
        """Every word means yes or no, and both are there, written in one way."""
        if not 2 <= len(self.words) <= _WAYS:
            return False
        kinds = {_KIND.get(word.lower(), "number") for word in self.words}
        both = set(truth_of(self.words, self.values).tolist()) == {1.0, -1.0}
        return both and len(kinds) == 1 and not self.codes

    @property
    def suspects(self) -> dict[str, int]:
        """The cells of each word that often means a missing cell."""
        words = zip(self.words, self.counts.tolist(), strict=False)  # none of plain numbers
        return {word: count for word, count in words if word in SUSPECTS}

    @property
    def unique(self) -> bool:
        """No value occurs twice."""
        return self.distinct == self.present


def facts_of(cells: Cells, rows: Ints | None = None) -> Facts:
    """The facts of a column on the given rows, or on all."""
    counts = cells.counts(rows)
    used = np.flatnonzero(counts)
    words = tuple(cells.words[i] for i in used)
    missing = len(cells.codes if rows is None else rows) - int(counts.sum())
    return Facts(words, counts[used], cells.values[used], missing)


def outline_of(cells: Cells, rows: Ints | None = None) -> Facts:
    """The same without words, where numbers say all: many plain ones, of which none is a code."""
    if not cells.plain or cells.has_text(_MAYBE_CODES):
        return facts_of(cells, rows)
    numbers = cells.numbers if rows is None else room.taken(cells.numbers, rows)
    present = numbers[~np.isnan(numbers)]
    missing = len(numbers) - len(present)
    del numbers
    present.sort()  # in place: there may be very many
    first = np.concatenate([present[:1] == present[:1], present[1:] != present[:-1]])
    values = present[first]
    if len(values) <= _WAYS:
        return facts_of(cells, rows)
    return Facts((), np.array([len(present)]), values, missing)
