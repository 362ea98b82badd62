"""A table whose columns are in a cache: the same words and numbers, one column at a time."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np
import pandas as pd

from bpcli.data.arrays import Floats, Ints, Texts
from bpcli.data.packed import BETWEEN
from bpcli.data.spec import DataSpec
from bpcli.data.stored_column import StoredColumn
from bpcli.data.table import Cells, Table
from bpcli.nn import room


class StoredCells(Cells):
    """A column of a cache.  Its words are found block by block, as those of all rows would be."""

    def __init__(self, column: StoredColumn, rows: int, spec: DataSpec) -> None:
        super().__init__(column, spec.missing, spec.decimal, spec.thousands)
        self._column, self._rows = column, rows
        self._found: dict[re.Pattern[str], bool] = {}

    @cached_property
    def _plain(self) -> Floats | None:
        return self._column.numbers()

    @cached_property
    def _coded(self) -> tuple[tuple[str, ...], Ints]:
        codes = room.empty((self._rows,), np.int64)
        index: dict[str, int] = {}
        start = 0
        for block in self._column.blocks:
            within, distinct = pd.factorize(np.array(block.split(BETWEEN), dtype=object))
            found = [self._code(word.strip(), index) for word in map(str, distinct)]
            stop = start + len(within)
            codes[start:stop] = np.array(found, dtype=np.int64)[within]
            start = stop
        return tuple(index), codes

    def _code(self, word: str, index: dict[str, int]) -> int:
        return -1 if word in self._missing else index.setdefault(word, len(index))

    def has_text(self, pattern: re.Pattern[str]) -> bool:
        """As of any column; each pattern is looked for once."""
        if pattern not in self._found:
            self._found[pattern] = super().has_text(pattern)
        return self._found[pattern]


class PartCells(Cells):
    """Some rows of a column, with the words of the whole."""

    def __init__(self, whole: Cells, own: slice, spec: DataSpec) -> None:
        super().__init__(np.empty(0, object), spec.missing, spec.decimal, spec.thousands)
        self._whole, self._own = whole, own

    @cached_property
    def _plain(self) -> Floats | None:
        return self._whole.numbers[self._own] if self._whole.plain else None

    @cached_property
    def _coded(self) -> tuple[tuple[str, ...], Ints]:
        return self._whole.words, self._whole.codes[self._own]

    @cached_property
    def values(self) -> Floats:
        """As of the whole."""
        return self._whole.values

    @cached_property
    def truth(self) -> Floats:
        """As of the whole."""
        return self._whole.truth


class StoredTable(Table):
    """The rows of a file, or of several, in a cache."""

    def texts(self, name: str, rows: Ints) -> Texts:
        """Some cells of a column as they are in the file."""
        return self._stored(name).texts(rows)

    def of_each(self, width: int, make: Callable[[Table], Floats]) -> Floats:
        """What `make` gives for the rows (N,width), made block by block."""
        whole = room.empty((self.n_rows, width))
        for own in room.cut_rows(self.n_rows, width):
            whole[own] = make(TablePart(self, own))
        return whole

    def _made(self, name: str, numbers: Floats | None) -> Cells:
        return StoredCells(self._stored(name), self.n_rows, self.spec)

    def _stored(self, name: str) -> StoredColumn:
        column = self._columns[name]
        assert isinstance(column, StoredColumn)
        return column

    def _stacked_column(self, name: str, stack: Sequence[Table]) -> StoredColumn:
        tables = [table for table in stack if isinstance(table, StoredTable)]
        return StoredColumn.joined(table._stored(name) for table in tables)


class TablePart(Table):
    """Some rows of a table in a cache, to be encoded: what is wrong in it was found before."""

    def __init__(self, whole: StoredTable, own: slice) -> None:
        parts = tuple(part._replace(start=part.start - own.start) for part in whole.parts)
        lines, columns = whole.lines[own], whole._columns
        super().__init__(whole.path, columns, lines, spec=whole.spec, parts=parts)
        self._whole, self._own = whole, own
        self._days = whole._days  # of the words, which are the same

    def _made(self, name: str, numbers: Floats | None) -> Cells:
        return PartCells(self._whole.cells(name), self._own, self.spec)
