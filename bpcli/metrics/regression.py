"""Metrics of predicted numbers: truth and prediction are values (N,D) in the target's own units.

Of several targets (D > 1) a metric is the mean of the targets' own, as in scikit-learn.
"""

from __future__ import annotations

from math import inf
from typing import ClassVar

import numpy as np

from bpcli.metrics.metric import (
    AMOUNT,
    Better,
    Floats,
    Kind,
    Limits,
    Metric,
    Truth,
    blocks,
    mean,
    mean_of_rows,
    ratio,
    total,
)

ROUNDING = 1e-12  # relative; sums of weights closer than this are equal
CONSTANT = 1e-14  # relative; a spread below it is the rounding of one value


class RMSE(Metric):
    """√ mean (prediction − truth)², in units of the target."""

    name: ClassVar[str] = "rmse"
    measures: ClassVar[Kind] = "numbers"
    better: ClassVar[Better] = "lower"
    limits: ClassVar[Limits] = AMOUNT

    def values(self, truth: Truth, prediction: Floats, c: Floats) -> Floats:
        return _overall(np.sqrt(_mean_square(truth, prediction, c)))


class MAE(Metric):
    """mean |prediction − truth|, in units of the target."""

    name: ClassVar[str] = "mae"
    measures: ClassVar[Kind] = "numbers"
    better: ClassVar[Better] = "lower"
    limits: ClassVar[Limits] = AMOUNT

    def values(self, truth: Truth, prediction: Floats, c: Floats) -> Floats:
        return _overall(mean_of_rows(lambda own: np.abs(prediction[own] - truth[own]), c))


class R2(Metric):
    """1 − Σ (prediction − truth)² / Σ (truth − mean)²; 1 is perfect, 0 the mean's own score.

    For a constant truth it is 1 when every prediction is exact, else 0, as in scikit-learn; left
    out for a single row.
    """

    name: ClassVar[str] = "r2"
    measures: ClassVar[Kind] = "numbers"
    better: ClassVar[Better] = "higher"
    limits: ClassVar[Limits] = (-inf, 1.0)

    def values(self, truth: Truth, prediction: Floats, c: Floats) -> Floats:
        if len(truth) < 2:
            return np.full(len(c), np.nan)
        center = mean(truth, c)
        residual = _mean_square(truth, prediction, c)
        spread = _spread(truth, center, c)
        constant = np.sqrt(spread) <= CONSTANT * np.abs(center)
        return _overall(np.where(constant, residual == 0, 1 - ratio(residual, spread)))


class MedianAE(Metric):
    """median |prediction − truth|, in units of the target.

    Half the weight lies on each side; between two rows it is their middle.
    """

    name: ClassVar[str] = "median_ae"
    measures: ClassVar[Kind] = "numbers"
    better: ClassVar[Better] = "lower"
    limits: ClassVar[Limits] = AMOUNT

    def values(self, truth: Truth, prediction: Floats, c: Floats) -> Floats:
        each = (_absolute(truth[:, d], prediction[:, d]) for d in range(truth.shape[1]))
        return _overall(np.stack([_median(errors, c) for errors in each], axis=1))


class MAPE(Metric):
    """mean |prediction − truth| / |truth|, a share and not percent; rows with truth 0 left out.

    scikit-learn divides by 2.2e-16 instead of leaving out. Left out where no row is left.
    """

    name: ClassVar[str] = "mape"
    measures: ClassVar[Kind] = "numbers"
    better: ClassVar[Better] = "lower"
    limits: ClassVar[Limits] = AMOUNT

    def values(self, truth: Truth, prediction: Floats, c: Floats) -> Floats:
        def shares(own: slice) -> Floats:
            return ratio(np.abs(prediction[own] - truth[own]), np.abs(truth[own]), otherwise=0)

        return _overall(ratio(total(shares, c), total(lambda own: truth[own] != 0, c)))


def _mean_square(truth: Truth, prediction: Floats, c: Floats) -> Floats:
    return mean_of_rows(lambda own: np.square(prediction[own] - truth[own]), c)


def _spread(truth: Truth, center: Floats, c: Floats) -> Floats:
    """The mean square of truth − center (B,D)."""
    parts = (
        (c[:, None, own] @ np.square(truth[own] - center[:, None]))[:, 0]
        for own in blocks(len(truth))
    )
    return ratio(np.sum(list(parts), axis=0).T, c.sum(axis=1)).T


def _overall(per_target: Floats) -> Floats:
    """The mean over the targets, (B,D) → (B,)."""
    overall: Floats = per_target.mean(axis=1)
    return overall


def _absolute(truth: Floats, prediction: Floats) -> Floats:
    errors = prediction - truth
    return np.abs(errors, out=errors)


def _median(x: Floats, c: Floats) -> Floats:
    """The middle of the lower and the upper median of x (N,) under weights c (B,N): (B,).

    Equal weights leave x in another order.
    """
    if len(c) == 1 and 0 < c.min() == c.max():
        pair = (len(x) - 1) // 2, len(x) // 2
        x.partition(pair)  # in place: there may be very many, and no order of them is needed
        return np.array([(x[pair[0]] + x[pair[1]]) / 2])
    order = np.argsort(x)
    below = c[:, order]
    np.cumsum(below, axis=1, out=below)  # in place: there may be very many
    half = below[:, -1:] / 2
    low = np.count_nonzero(below < half * (1 - ROUNDING), axis=1)
    high = np.count_nonzero(below <= half * (1 + ROUNDING), axis=1).clip(max=len(x) - 1)
    middle = (x[order[low]] + x[order[high]]) / 2
    return np.where(half[:, 0] > 0, middle, np.nan)
