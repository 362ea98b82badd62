"""Some rows of a table that stand one behind the other, to be encoded by themselves."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from bpcli.data.arrays import Floats, Ints
from bpcli.data.spec import DataSpec
from bpcli.data.table import Cells, Table


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


class TablePart(Table):
    """Some rows of a table, to be encoded: what is wrong in it was found before."""

    def __init__(self, whole: Table, own: slice) -> None:
        parts = tuple(part._replace(start=part.start - own.start) for part in whole.parts)
        lines, columns = whole.lines[own], whole._columns
        super().__init__(whole.path, columns, lines, spec=whole.spec, parts=parts)
        self._whole, self._own = whole, own
        self._days = whole._days  # of the words, which are the same

    def _made(self, name: str, numbers: Floats | None) -> Cells:
        return PartCells(self._whole.cells(name), self._own, self.spec)
