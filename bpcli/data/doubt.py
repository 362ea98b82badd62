"""How far each row is from what training saw: reasons to doubt its prediction."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bpcli.data.arrays import Flags, Floats, Ints
from bpcli.data.blocks import unseen_words
from bpcli.data.features import Features, numbers_of
from bpcli.data.layout import Flag, Levels
from bpcli.data.table import Table


class Doubt(NamedTuple):
    """One number a row (N,) for each kind of doubt."""

    unseen: Ints  # cells that are no trained category, or neither yes nor no
    missing: Ints  # input cells without a value
    out_of_range: Ints  # numbers and dates beyond those of the training rows
    distance: Floats  # how far beyond, the most of them, in the column's standard deviations

    @classmethod
    def of(cls, features: Features, table: Table) -> Doubt:
        """The doubts of the rows of a table that `features` can encode."""
        layout, n = features.layout, table.n_rows
        beyond = _beyond(features, table)
        unseen = [_unseen(table, one) for one in (*layout.flags, *layout.categorical)]
        return cls(
            _count(n, unseen),
            _count(n, [table.cells(name).missing for name in layout.columns]),
            np.count_nonzero(beyond, axis=1),
            beyond.max(axis=1, initial=0.0),
        )


KINDS = Doubt._fields


def _beyond(features: Features, table: Table) -> Floats:
    """How far each number lies beyond the training rows' lowest or highest (N,K), in deviations."""
    layout, fitted = features.layout, features.fitted
    x = numbers_of(table, layout.numeric, layout.dates, np.arange(table.n_rows))
    with np.errstate(over="ignore"):
        below, above = fitted["feature.lowest"] - x, x - fitted["feature.highest"]
        beyond: Floats = np.maximum(np.maximum(below, above), 0) / fitted["feature.deviation"]
    return np.nan_to_num(beyond)  # a gap is another doubt


def _unseen(table: Table, one: Flag | Levels) -> Flags:
    """The rows whose word in a column of categories or flags is new (N,)."""
    cells = table.cells(one.name)
    new = unseen_words(one, cells)
    return np.array([*(word in new for word in cells.words), False])[cells.codes]


def _count(rows: int, flags: list[Flags]) -> Ints:
    """How many of the flags each row has."""
    return np.sum(flags, axis=0, dtype=np.int64) if flags else np.zeros(rows, dtype=np.int64)
