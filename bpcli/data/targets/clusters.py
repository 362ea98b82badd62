"""No target at all: groups are to be found among the rows."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bpcli.data.arrays import Flags, Floats, Ints, Tensors
from bpcli.data.table import Table
from bpcli.data.targets.target import Answer, Levels, Target


class ClusterTarget(Target):
    """The number of a row's cluster, from 1; the nearest of K centres.

    A column of known groups may be named, to compare with; it is never looked at before.
    """

    kind: Literal["clusters"] = "clusters"
    label: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        return ()

    @property
    def copied(self) -> tuple[str, ...]:
        return () if self.label is None else (self.label,)

    @property
    def width(self) -> int:
        return 0

    def truth(self, table: Table) -> Ints:
        """The known group of each row as a code (N,), −1 where there is none."""
        if self.label is None:
            return np.full(table.n_rows, -1)
        return table.cells(self.label).codes

    def groups(self, table: Table) -> list[str]:
        """The known group of each row as a word; an empty one where there is none."""
        if self.label is None or self.label not in table.names:
            return [""] * table.n_rows
        cells = table.cells(self.label)
        words: list[str] = np.array([*cells.words, ""], dtype=object)[cells.codes].tolist()
        return words

    def fit(self, table: Table, rows: Ints) -> Tensors:
        return {}

    def encode(self, table: Table, fitted: Tensors) -> Floats:
        return np.zeros((table.n_rows, 0))

    def words(self, prediction: Floats) -> list[Answer]:
        """`cluster`, the nearest centre."""
        return [("cluster", (1 + prediction.argmin(axis=1)).tolist())]

    def numbers(self, prediction: Floats, levels: Levels) -> list[Answer]:
        """`distance` to the nearest centre, and `distance_<k>` to each, in units of the inputs."""
        each = [(f"distance_{k}", one.tolist()) for k, one in enumerate(prediction.T, 1)]
        return [("distance", prediction.min(axis=1).tolist()), *each]

    def constant(self, truth: NDArray[Any], levels: Levels) -> tuple[str, Floats]:
        raise NotImplementedError  # what stands beside clusters is one cluster

    def usable(self, table: Table) -> Flags:
        return np.ones(table.n_rows, dtype=bool)
