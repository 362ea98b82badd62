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
from bpcli.data.table_part import TablePart
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

    def around(self, own: slice) -> tuple[Table, int]:
        """The blocks of the cache that the rows are in."""
        found = {name: self._stored(name).around(own) for name in self.names}
        first = found[self.names[0]][1]
        columns = {name: column for name, (column, _) in found.items()}
        lines = self.lines[first : first + columns[self.names[0]].rows]
        parts = tuple(part._replace(start=part.start - first) for part in self.parts)
        return StoredTable(self.path, columns, lines, spec=self.spec, parts=parts), first

    def _made(self, name: str, numbers: Floats | None) -> Cells:
        return StoredCells(self._stored(name), self.n_rows, self.spec)

    def _stored(self, name: str) -> StoredColumn:
        column = self._columns[name]
        assert isinstance(column, StoredColumn)
        return column

    def _stacked_column(self, name: str, stack: Sequence[Table]) -> StoredColumn:
        tables = [table for table in stack if isinstance(table, StoredTable)]
        return StoredColumn.joined(table._stored(name) for table in tables)
