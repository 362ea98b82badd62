"""How well one score puts the positive rows above the negative ones; ties count as ties.

Fawcett 2006, doi:10.1016/j.patrec.2005.10.010. G distinct scores, highest first.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli.metrics.metric import Floats, ratio

Flags = NDArray[np.bool_]


class Ranking(NamedTuple):
    """The weight of the positive and of the negative rows at each distinct score."""

    score: Floats  # (G,)
    positive: Floats  # (B,G)
    negative: Floats  # (B,G)

    @classmethod
    def of(cls, score: Floats, positive: Flags, c: Floats) -> Ranking:
        """Of a score (N,), who is positive (N,), and row weights c (B,N)."""
        order = np.argsort(-score, kind="stable")
        score, positive, c = score[order], positive[order], np.take(c, order, axis=1)
        first = np.flatnonzero(np.concatenate([[True], score[1:] != score[:-1]]))
        sides = c * positive.astype(np.float64), c * (~positive).astype(np.float64)
        return cls(score[first], *(_sums(side, first) for side in sides))

    def roc_auc(self) -> Floats:
        """P(a positive row scores higher than a negative one) + ½ P(they tie), (B,)."""
        ahead = _dot(self.negative, np.cumsum(self.positive, axis=1))
        pairs = self.positive.sum(axis=1) * self.negative.sum(axis=1)
        return ratio(ahead - _dot(self.negative, self.positive) / 2, pairs)

    def average_precision(self) -> Floats:
        """Σ precision · (step in recall), (B,); NaN unless there are rows of both kinds."""
        hits = np.cumsum(self.positive, axis=1)
        seen = np.cumsum(self.positive + self.negative, axis=1)
        precision = hits / np.maximum(seen, np.finfo(np.float64).tiny)
        value = ratio(_dot(self.positive, precision), hits[:, -1])
        return np.where(self.negative.any(axis=1), value, np.nan)


def _sums(x: Floats, first: NDArray[Any]) -> Floats:
    """Sums of the columns from each of `first` to the next: (B,N) → (B,G)."""
    return x if len(first) == x.shape[1] else np.add.reduceat(x, first, axis=1)


def _dot(a: Floats, b: Floats) -> Floats:
    sums: Floats = np.einsum("bg,bg->b", a, b)
    return sums
