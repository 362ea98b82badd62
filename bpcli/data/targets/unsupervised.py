"""No target at all: groups are to be found among the rows, or numbers that stand for them."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bpcli.data.arrays import Flags, Floats, Ints, Tensors
from bpcli.data.table import Table
from bpcli.data.targets.target import Answer, Levels, Target


class Unsupervised(Target):
    """What is learned are the inputs themselves, however many.

    A column of known groups may be named, to compare with; it is never looked at before.
    """

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

    def constant(self, truth: NDArray[Any], levels: Levels) -> tuple[str, Floats]:
        raise NotImplementedError  # what stands beside it is no prediction of a target

    def usable(self, table: Table) -> Flags:
        return np.ones(table.n_rows, dtype=bool)


class ClusterTarget(Unsupervised):
    """The number of a row's cluster, from 1; the nearest of K centres."""

    kind: Literal["clusters"] = "clusters"

    def words(self, prediction: Floats) -> list[Answer]:
        """`cluster`, the nearest centre."""
        return [("cluster", (1 + prediction.argmin(axis=1)).tolist())]

    def numbers(self, prediction: Floats, levels: Levels) -> list[Answer]:
        """`distance` to the nearest centre, and `distance_<k>` to each, in units of the inputs."""
        each = [(f"distance_{k}", one.tolist()) for k, one in enumerate(prediction.T, 1)]
        return [("distance", prediction.min(axis=1).tolist()), *each]


class LatentTarget(Unsupervised):
    """A few numbers that stand for a row; what a network predicts are its inputs, made of them."""

    kind: Literal["latent"] = "latent"

    @property
    def learned(self) -> str:
        return "numbers"

    def numbers(self, prediction: Floats, levels: Levels) -> list[Answer]:
        """`z1`, `z2`, …"""
        return [(f"z{k}", one.tolist()) for k, one in enumerate(prediction.T, 1)]
