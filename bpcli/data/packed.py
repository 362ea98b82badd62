"""A column's cells as joined text: a cell costs its characters and one more, and is no object."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Protocol

import numpy as np

from bpcli.data.arrays import Texts

BETWEEN = "\0"  # which no cell holds: a file with one is refused


class Joined(Protocol):
    """The cells of a column in blocks of joined text, wherever those are."""

    @property
    def blocks(self) -> Iterable[str]: ...
    def cells(self) -> list[str]: ...


class Packed(NamedTuple):
    """The cells of a column in blocks, each of at least one cell."""

    blocks: tuple[str, ...] = ()

    @classmethod
    def of(cls, cells: Texts) -> Packed:
        """The cells as one block."""
        return cls((BETWEEN.join(cells.tolist()),) if len(cells) else ())

    @classmethod
    def joined(cls, columns: Iterable[Packed]) -> Packed:
        """The cells of one column behind those of another."""
        return cls(tuple(block for column in columns for block in column.blocks))

    def cells(self) -> list[str]:
        """Every cell, made anew each time."""
        return [cell for block in self.blocks for cell in block.split(BETWEEN)]


def texts_of(column: Texts | Joined) -> Texts:
    """The cells (N,) of a column."""
    if isinstance(column, np.ndarray):
        return column
    return np.array(column.cells(), dtype=object)
