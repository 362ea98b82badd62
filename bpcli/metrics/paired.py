"""Whether two models differ on the same rows by more than chance.

Dietterich 1998, doi:10.1162/089976698300017197; Efron & Tibshirani 1993, chapter 16.
"""

from __future__ import annotations

from math import comb, erfc, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli.metrics.metric import Floats

RESAMPLES = 10_000
_CELLS = 2_000_000  # drawn at once
_EXACT = 1000  # discordant rows up to which the binomial is summed


class Paired(NamedTuple):
    """A test of no difference: the mean of a − b over the rows, its 95 % interval where there is
    one, and the two-sided p."""

    method: str
    difference: float
    interval: tuple[float, float] | None
    p: float


def mcnemar(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> Paired:
    """p = P(|X − n/2| ≥ |k − n/2|), X binomial(n, ½): k of the n rows that one alone has right.

    a, b (N,): whether each model has the row right.  McNemar 1947, doi:10.1007/BF02295996
    """
    k, n = int(np.sum(a & ~b)), int(np.sum(a != b))
    return Paired("exact McNemar test", float(a.mean() - b.mean()), None, _binomial(k, n))


def paired_bootstrap(a: Floats, b: Floats) -> Paired:
    """The mean of a − b over resampled rows; p is twice the share beyond 0.  a, b (N,)"""
    gap = a - b
    rng = np.random.default_rng(0)
    step = max(1, _CELLS // len(gap))
    means = np.concatenate(
        [
            gap[rng.integers(len(gap), size=(min(step, RESAMPLES - i), len(gap)))].mean(axis=1)
            for i in range(0, RESAMPLES, step)
        ]
    )
    beyond = min(np.count_nonzero(means <= 0), np.count_nonzero(means >= 0))
    low, high = np.quantile(means, [0.025, 0.975]).tolist()
    p = min(1.0, 2 * (int(beyond) + 1) / (RESAMPLES + 1))
    method = f"paired bootstrap, {RESAMPLES:,} resamples"
    return Paired(method, float(gap.mean()), (low, high), p)


def holm(ps: list[float]) -> list[float]:
    """p adjusted for the number of tests.  Holm 1979, Scandinavian Journal of Statistics 6, 65"""
    adjusted, least = [1.0] * len(ps), 0.0
    for rank, i in enumerate(sorted(range(len(ps)), key=ps.__getitem__)):
        least = max(least, min(1.0, (len(ps) - rank) * ps[i]))
        adjusted[i] = least
    return adjusted


def _binomial(k: int, n: int) -> float:
    """Two-sided; of very many rows by the normal approximation with continuity correction."""
    if n == 0:
        return 1.0
    if n > _EXACT:
        return erfc(max(0.0, abs(2 * k - n) - 1) / sqrt(2 * n))
    tail = sum(comb(n, i) for i in range(min(k, n - k) + 1))
    return min(1.0, 2 * tail / int(2**n))
