"""Hits and misses of each class or label."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli.metrics.metric import Floats, defined_mean, ratio


class Counts(NamedTuple):
    """The weight of each class's rows, (B,K)."""

    hits: Floats
    true: Floats
    predicted: Floats

    @classmethod
    def of(cls, true: NDArray[Any], predicted: NDArray[Any], c: Floats) -> Counts:
        """Of who is and who is predicted to be of a class (N,K), and row weights c (B,N)."""
        true, predicted = true.astype(np.float64), predicted.astype(np.float64)
        return cls(c @ (true * predicted), c @ true, c @ predicted)

    def precision(self) -> Floats:
        """hits / predicted; 0 where nothing is predicted."""
        return ratio(self.hits, self.predicted, otherwise=0)

    def recall(self) -> Floats:
        """hits / true; 0 where nothing is true."""
        return ratio(self.hits, self.true, otherwise=0)

    def f1(self) -> Floats:
        """2 hits / (true + predicted), the harmonic mean of precision and recall; 0 at 0 / 0."""
        return ratio(2 * self.hits, self.true + self.predicted, otherwise=0)

    def macro(self, per_class: Floats) -> Floats:
        """The mean (B,) over the classes that are true or predicted somewhere."""
        return defined_mean(np.where(self.true + self.predicted > 0, per_class, np.nan))
