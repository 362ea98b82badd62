"""What is fitted to training rows, which makes numbers of the rows of any such table."""

from __future__ import annotations

from typing import NamedTuple

from bpcli.data.arrays import Floats, Ints, Tensors
from bpcli.data.features import Features
from bpcli.data.table import Table
from bpcli.data.targets.make import AnyTarget


class Encoding(NamedTuple):
    """Of inputs and target; small, and without anything of the table."""

    features: Features
    target: AnyTarget
    target_fitted: Tensors

    @property
    def shape(self) -> tuple[int, int]:
        """(I, O), the numbers of a row."""
        inputs = len(self.features.layout.names)
        return inputs, self.target.width if self.target.columns else inputs

    def of(self, table: Table, rows: Ints) -> tuple[Floats, Floats]:
        """x (N,I) and t (N,O) of some rows; without a target the inputs again."""
        x = self.features.encode(table, rows)
        if not self.target.columns:
            return x, x
        return x, self.target.encode(table, self.target_fitted)[rows]
