"""A table of text cells, and what a column says when its cells are words or numbers."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from bpcli.config.errors import DataError, Notice, Problem
from bpcli.data.arrays import Flags, Floats, Ints, Texts
from bpcli.data.spec import DataSpec

_SHOWN = 5  # offending cells of one column
_NUMBER = {
    ".": re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII),
    ",": re.compile(r"[+-]?(\d+(,\d*)?|,\d+)([eE][+-]?\d+)?", re.ASCII),
}


class Cells:
    """A column as K distinct words and, per row, the index of its word; −1 is a missing cell."""

    def __init__(self, raw: Texts, missing: Iterable[str], decimal: str) -> None:
        codes, distinct = pd.factorize(raw)
        void = {word.strip() for word in missing}
        index: dict[str, int] = {}
        stripped = (str(word).strip() for word in distinct)
        found = [-1 if word in void else index.setdefault(word, len(index)) for word in stripped]
        self.words = tuple(index)
        self.codes: Ints = np.array(found, dtype=np.int64)[codes]
        self._decimal = decimal

    @cached_property
    def values(self) -> Floats:
        """The number that each word is (K,); NaN where it is none."""
        return np.array([to_number(word, self._decimal) for word in self.words], dtype=np.float64)

    @property
    def numbers(self) -> Floats:
        """The number in each row (N,); NaN where it is missing or none."""
        return np.append(self.values, np.nan)[self.codes]

    @property
    def not_numbers(self) -> Flags:
        """The rows whose cell is neither missing nor a number (N,)."""
        return np.append(np.isnan(self.values), False)[self.codes]

    def counts(self, rows: Ints | None = None) -> Ints:
        """How many of the rows hold each word (K,); of all rows where none are given."""
        codes = self.codes if rows is None else self.codes[rows]
        return np.bincount(codes[codes >= 0], minlength=len(self.words)).astype(np.int64)


def to_number(word: str, decimal: str) -> float:
    """The float nearest to a plain decimal number; NaN for any other text, infinity included."""
    if not _NUMBER[decimal].fullmatch(word):
        return math.nan
    value = float(word.replace(decimal, "."))
    return value if math.isfinite(value) else math.nan


class Table:
    """The rows of one file: raw cells by column name, each row with the line it starts on."""

    def __init__(
        self,
        path: Path,
        columns: dict[str, Texts],
        lines: Ints,
        *,
        spec: DataSpec,
        sha256: str,
        notices: tuple[Notice, ...] = (),
    ) -> None:
        self.path = path
        self.names = tuple(columns)
        self.n_rows = len(lines)
        self.spec = spec
        self.sha256 = sha256
        self.notices = notices
        self._columns = columns
        self._lines = lines
        self._cells: dict[str, Cells] = {}

    def text(self, name: str) -> Texts:
        """The cells of a column as they are in the file (N,)."""
        return self._columns[name]

    def cells(self, name: str) -> Cells:
        """The column as distinct words without spaces around them."""
        if name not in self._cells:
            self._cells[name] = Cells(self._columns[name], self.spec.missing, self.spec.decimal)
        return self._cells[name]

    def numbers(self, name: str) -> Floats:
        """The column as float64 (N,), NaN for missing; any other text is a `DataError`."""
        if self.cells(name).not_numbers.any():
            raise DataError(self.number_problem(name, "correct the cells"))
        return self.cells(name).numbers

    def number_problem(self, name: str, fix: str) -> Problem:
        """The first cells of a column that are no numbers, each with its line."""
        rows = np.flatnonzero(self.cells(name).not_numbers)
        detail = [f"line {self.line_of(row)}: {self.word(name, row)!r}" for row in rows[:_SHOWN]]
        if len(rows) > _SHOWN:
            detail.append(f"and {len(rows) - _SHOWN} more")
        what = f"column {name!r}: expected numbers, but {len(rows)} of {self.n_rows} cells are not"
        return Problem("BP-D016", self.where(int(rows[0])), what, fix, tuple(detail))

    def word(self, name: str, row: int) -> str:
        """One cell, cut for a message."""
        return str(self._columns[name][row]).strip()[:80]

    def line_of(self, row: int) -> int:
        """The line of the file, counted from 1, on which a row starts."""
        return int(self._lines[row])

    def where(self, row: int) -> str:
        """`data.csv, line 62`."""
        return f"{self.path.name}, line {self.line_of(row)}"
