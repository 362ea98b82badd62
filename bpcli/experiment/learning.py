"""The numbers that a network learns from: of rows that are encoded already, or of a shard's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from bpcli.data.arrays import Floats, Ints
from bpcli.data.encoding import Encoding
from bpcli.data.marked import Marked
from bpcli.data.table import Table
from bpcli.data.table_part import TablePart
from bpcli.nn import room
from bpcli.nn.layer import Array
from bpcli.nn.losses.loss import Loss
from bpcli.nn.room import cut_rows
from bpcli.nn.shards import runs_of


class Learning(NamedTuple):
    """What kind of numbers they are: for which loss, and how many of a row before the loss."""

    loss: Loss
    dtype: str
    inputs: int
    targets: int

    def arrays(
        self, rows: Ints, encoded: Callable[[Ints], tuple[Array, Array]]
    ) -> tuple[Array, Array]:
        """x (1,N,I) and t (1,N,O) of the rows; `encoded` gives those of some of them."""
        nothing = np.empty((0, self.inputs)), np.empty((0, self.targets))
        outputs = self.loss.targets(*nothing).shape[1]
        x, t = (room.empty((len(rows), width), self.dtype) for width in (self.inputs, outputs))
        for own in cut_rows(len(rows), self.inputs + outputs):
            x[own], targets = encoded(rows[own])
            t[own] = self.loss.targets(x[own], targets)
        return x[None], t[None]


class OwnRuns:
    """Training rows of which a shard is encoded when it is asked for, and no other."""

    def __init__(
        self,
        table: Table,
        encoding: Encoding,
        learning: Learning,
        shards: Sequence[Marked],
        c: Array | None,
    ) -> None:
        self.table, self.encoding, self.learning, self.c = table, encoding, learning, c
        self.size = sum(shard.size for shard in shards)
        runs = runs_of(self.size, len(shards))
        self._shards = {run.start: shard for run, shard in zip(runs, shards, strict=True)}
        self._made: dict[int, tuple[Array, Array]] = {}

    @property
    def dtype(self) -> np.dtype[np.floating[Any]]:
        """The type of their numbers."""
        return np.dtype(self.learning.dtype)

    def run(self, own: slice) -> tuple[Array, Array]:
        """x and t of the rows of a shard, made once."""
        if own.start not in self._made:
            self._made[own.start] = self._make(self._shards[own.start])
        return self._made[own.start]

    def _make(self, shard: Marked) -> tuple[Array, Array]:
        near, first = self.table.around(slice(shard.first, shard.first + shard.span))

        def encoded(some: Ints) -> tuple[Floats, Floats]:
            own = slice(int(some[0]) - first, int(some[-1]) + 1 - first)
            return self.encoding.of(TablePart(near, own), some - some[0])

        return self.learning.arrays(shard.rows, encoded)
