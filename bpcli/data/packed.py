"""A column's cells as joined text: a cell costs its characters and one more, and is no object."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from bpcli.data.arrays import Texts

_BETWEEN = "\0"  # which no cell holds: a file with one is refused


class Packed(NamedTuple):
    """The cells of a column in blocks, each of at least one cell."""

    blocks: tuple[str, ...] = ()

    @classmethod
    def of(cls, cells: Texts) -> Packed:
        """The cells as one block."""
        return cls((_BETWEEN.join(cells.tolist()),) if len(cells) else ())

    @classmethod
    def joined(cls, columns: Iterable[Packed]) -> Packed:
        """The cells of one column behind those of another."""
        return cls(tuple(block for column in columns for block in column.blocks))

    def cells(self) -> list[str]:
        """Every cell, made anew each time."""
        return [cell for block in self.blocks for cell in block.split(_BETWEEN)]


def texts_of(column: Texts | Packed) -> Texts:
    """The cells (N,) of a column."""
    return np.array(column.cells(), dtype=object) if isinstance(column, Packed) else column
