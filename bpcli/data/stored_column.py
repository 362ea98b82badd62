"""A column in the files of a cache: its text in blocks, and its numbers where it has no others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bpcli.config.errors import Problem, ResourceError
from bpcli.data.arrays import Floats, Ints, Texts
from bpcli.data.packed import BETWEEN
from bpcli.nn import room

ENCODING, ERRORS = "utf-8", "surrogatepass"  # of every text that a file was decoded to


class Piece(NamedTuple):
    """What the cache of one file has of a column."""

    text: Path
    numbers: Path | None  # of a column of nothing but plain numbers and gaps
    starts: Ints  # (B+1,) the row of the file that each block begins with, and the last one ends
    ends: Ints  # (B+1,) where in the text each block begins, and the last one ends

    @property
    def rows(self) -> int:
        """The cells."""
        return int(self.starts[-1] - self.starts[0])

    def around(self, own: slice) -> Piece:
        """The blocks that some of its rows are in."""
        first = int(np.searchsorted(self.starts, self.starts[0] + own.start, side="right")) - 1
        last = int(np.searchsorted(self.starts, self.starts[0] + own.stop))
        some = slice(first, last + 1)
        return self._replace(starts=self.starts[some], ends=self.ends[some])

    def plain(self) -> Floats | None:
        """The numbers, where there are no other cells."""
        if self.numbers is None:
            return None
        first, last = self.starts[[0, -1]].tolist()
        return room.mapped(self.numbers, np.float64)[first:last]

    def blocks(self) -> Iterator[str]:
        """The text of each block."""
        with self.text.open("rb") as file:
            file.seek(int(self.ends[0]))
            for size in np.diff(self.ends).tolist():
                yield self._decoded(file.read(size), size)

    def block(self, number: int) -> list[str]:
        """The cells of a block."""
        first, last = self.ends[number : number + 2].tolist()
        with self.text.open("rb") as file:
            file.seek(first)
            return self._decoded(file.read(last - first), last - first).split(BETWEEN)

    def _decoded(self, content: bytes, size: int) -> str:
        try:
            if len(content) == size:
                return content.decode(ENCODING, ERRORS)
        except UnicodeDecodeError:
            pass
        raise changed(self.text)


def changed(file: Path) -> ResourceError:
    """A file of a cache is not what it was when it was checked."""
    what, fix = "was changed while it was read", "run again: what is damaged is made anew"
    return ResourceError(Problem("BP-R050", str(file.parent.parent), f"{file.name} {what}", fix))


class StoredColumn(NamedTuple):
    """The cells of a column in the caches of one file or of several, one below the other."""

    pieces: tuple[Piece, ...]

    @classmethod
    def joined(cls, columns: Iterable[StoredColumn]) -> StoredColumn:
        """The cells of one column behind those of another."""
        return cls(tuple(piece for column in columns for piece in column.pieces))

    @property
    def rows(self) -> int:
        """The cells."""
        return sum(piece.rows for piece in self.pieces)

    @property
    def blocks(self) -> Iterator[str]:
        """The text of each block."""
        return (block for piece in self.pieces for block in piece.blocks())

    def cells(self) -> list[str]:
        """Every cell, made anew each time."""
        return [cell for block in self.blocks for cell in block.split(BETWEEN)]

    def texts(self, rows: Ints) -> Texts:
        """Some of the cells, in the order of the rows."""
        found = np.empty(len(rows), dtype=object)
        for piece, start in zip(self.pieces, self._starts(), strict=True):
            own = np.flatnonzero((rows >= start) & (rows < start + piece.rows))
            within = rows[own] - start + piece.starts[0]
            homes = np.searchsorted(piece.starts, within, side="right") - 1
            for number in np.unique(homes).tolist():
                here = homes == number
                cells = np.array(piece.block(number), dtype=object)
                found[own[here]] = cells[within[here] - piece.starts[number]]
        return found

    def numbers(self) -> Floats | None:
        """The number in each row (N,), NaN for a gap; None where another cell is among them."""
        if any(piece.numbers is None for piece in self.pieces):
            return None
        return concatenated([one for piece in self.pieces if (one := piece.plain()) is not None])

    def around(self, own: slice) -> tuple[StoredColumn, int]:
        """The blocks that some of its rows are in, and the row that they begin with."""
        pieces, first = list[Piece](), own.start
        for piece, start in zip(self.pieces, self._starts(), strict=True):
            within = slice(max(own.start - start, 0), min(own.stop - start, piece.rows))
            if within.start < within.stop:
                some = piece.around(within)
                if not pieces:
                    first = start + int(some.starts[0] - piece.starts[0])
                pieces.append(some)
        return StoredColumn(tuple(pieces)), first

    def _starts(self) -> list[int]:
        """The row that each piece begins with."""
        sums: list[int] = np.cumsum([0, *(piece.rows for piece in self.pieces)]).tolist()
        return sums[:-1]


def concatenated(arrays: Sequence[Floats]) -> Floats:
    """Arrays (N,), one behind the other; a single one as it is."""
    if len(arrays) == 1:
        return arrays[0]
    whole = room.empty((sum(map(len, arrays)),), arrays[0].dtype)
    return np.concatenate(arrays, out=whole)
