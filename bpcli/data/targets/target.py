"""What a target is: the seam between a table's columns and the numbers that a network learns."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bpcli.config.component import Spec
from bpcli.config.errors import Notice
from bpcli.data.arrays import Flags, Floats, Ints, Tensors
from bpcli.data.table import Table

Answer = tuple[str, list[Any]]  # a column of the predictions: its name and its cells
Levels = tuple[float, ...]  # of quantiles; empty where a prediction is one number


class Target(Spec):
    """The columns to predict.  A row counts only where none of them is missing.

    K is the number of numbers in a prediction of one row: D targets, C classes or L labels.
    """

    kind: Literal["numbers", "classes", "labels", "clusters", "latent"]

    @property
    def learned(self) -> str:
        """What a loss for it predicts."""
        return self.kind

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the table."""
        raise NotImplementedError

    @property
    def copied(self) -> tuple[str, ...]:
        """The columns that stand beside a prediction where a table has them."""
        return self.columns

    @property
    def width(self) -> int:
        """O, the number of columns of the encoded target."""
        raise NotImplementedError

    def truth(self, table: Table) -> NDArray[Any]:
        """What metrics compare with: class codes (N,) or numbers (N,K); −1 or NaN for missing."""
        raise NotImplementedError

    def tensor_shapes(self) -> dict[str, tuple[int, ...]]:
        """Names and shapes of the fitted tensors."""
        return {}

    def fit(self, table: Table, rows: Ints) -> Tensors:
        """The fitted tensors that the training rows `rows` give."""
        raise NotImplementedError

    def encode(self, table: Table, fitted: Tensors) -> Floats:
        """What the network is trained on (N,O), NaN in a row whose target is missing."""
        raise NotImplementedError

    def decode(self, linked: Floats, fitted: Tensors) -> Floats:
        """The prediction (N,K) that the output of a loss's link (N,O) stands for."""
        return linked

    def constant(self, truth: NDArray[Any], levels: Levels) -> tuple[str, Floats]:
        """The best prediction (1,K) that ignores the inputs, from training rows, and its name."""
        raise NotImplementedError

    def decided(self, prediction: Floats) -> Floats | None:
        """1 for the class that is answered, 0 for others (N,K); None where it is the likeliest."""
        return None

    def answers(self, prediction: Floats, levels: Levels) -> list[Answer]:
        """The columns that predictions add to a table."""
        return [*self.words(prediction), *self.numbers(prediction, levels)]

    def words(self, prediction: Floats) -> list[Answer]:
        """What the numbers of a prediction are taken for, where that is a word of the table."""
        return []

    def numbers(self, prediction: Floats, levels: Levels) -> list[Answer]:
        """A column for each number of a prediction."""
        raise NotImplementedError

    def strata(self, table: Table) -> Ints | None:
        """The stratum of each row (N,), −1 for none; None where any split will do."""
        return None

    def usable(self, table: Table) -> Flags:
        """The rows in which no target is missing (N,)."""
        gaps = np.stack([table.cells(name).missing for name in self.columns])
        return np.asarray(~gaps.any(axis=0))

    def notices(self, table: Table) -> list[Notice]:
        """What a reader of the scores should know."""
        gaps = {name: int(table.cells(name).missing.sum()) for name in self.columns}
        if len(gaps) < 2 or not any(gaps.values()):
            return []
        said = ", ".join(f"{name!r} in {count}" for name, count in gaps.items() if count)
        what = f"a row without one of its targets is left out; missing are {said} rows"
        return [Notice("BP-D130", table.path.name, what)]
