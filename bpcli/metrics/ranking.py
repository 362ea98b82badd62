"""How well one score puts the positive rows above the negative ones; ties count as ties.

Fawcett 2006, doi:10.1016/j.patrec.2005.10.010. G distinct scores, highest first.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli.metrics.metric import ROWS, Floats, ratio

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
        del order  # there may be very many rows
        first = np.concatenate([[True], score[1:] != score[:-1]])
        ahead = c * positive
        behind = np.subtract(c, ahead, out=c)
        return cls(score[first], _sums(ahead, first), _sums(behind, first))

    def roc_auc(self) -> Floats:
        """P(a positive row scores higher than a negative one) + ½ P(they tie), (B,)."""
        ahead = sum(_dot(self.negative[:, own], hits) for own, hits in _running(self.positive))
        pairs = self.positive.sum(axis=1) * self.negative.sum(axis=1)
        return ratio(ahead - _dot(self.negative, self.positive) / 2, pairs)

    def average_precision(self) -> Floats:
        """Σ precision · (step in recall), (B,); NaN unless there are rows of both kinds."""
        found, last = np.zeros(len(self.positive)), np.zeros(len(self.positive))
        every = _running(self.positive, self.negative)
        for (own, hits), (_, seen) in zip(_running(self.positive), every, strict=True):
            precision = hits / np.maximum(seen, np.finfo(np.float64).tiny)
            found, last = found + _dot(self.positive[:, own], precision), hits[:, -1]
        return np.where(self.negative.any(axis=1), ratio(found, last), np.nan)


def _running(x: Floats, *others: Floats) -> Iterator[tuple[slice, Floats]]:
    """The sums of the columns up to each (B,G), of all arrays, a block of columns at a time."""
    before: Floats = np.zeros((len(x), 1))
    for start in range(0, x.shape[1], ROWS):
        own = slice(start, min(start + ROWS, x.shape[1]))
        sums = np.cumsum(sum((one[:, own] for one in others), x[:, own]), axis=1)
        if start:
            sums += before
        before = sums[:, -1:].copy()
        yield own, sums


def _sums(x: Floats, first: Flags) -> Floats:
    """Sums of the columns from each first one to the next: (B,N) → (B,G)."""
    return x if first.all() else np.add.reduceat(x, np.flatnonzero(first), axis=1)


def _dot(a: Floats, b: Floats) -> Floats:
    sums: Floats = np.einsum("bg,bg->b", a, b)
    return sums
