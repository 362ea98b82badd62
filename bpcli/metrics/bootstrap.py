"""How far a metric would move on other rows of the same kind: percentile bootstrap intervals.

Efron & Tibshirani 1993, An Introduction to the Bootstrap, chapter 13. A resample is how often each
row was drawn, so every metric takes it as row weights and many resamples are one matrix product.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from bpcli.metrics.metric import Floats, Metric, Truth, evaluate, row_weights

RESAMPLES = 1000
FEWEST = 200
CELLS = 20_000_000  # predicted numbers drawn in all, where that leaves enough resamples
BLOCK = 250_000  # rows drawn at once, so that memory stays small


class Bootstrap(NamedTuple):
    """Intervals (low, high) by metric, and what they stand on."""

    level: float
    resamples: int
    intervals: dict[str, tuple[float, float]]


def bootstrap(
    metrics: Iterable[Metric],
    truth: Truth,
    prediction: Floats,
    rng: np.random.Generator,
    *,
    weights: Floats | None = None,
    level: float = 0.95,
    resamples: int | None = None,
) -> Bootstrap:
    """The middle `level` of each metric over resampled rows; a row keeps its weight.

    Without `resamples` 1000 are drawn, fewer above 20,000 predicted numbers and never under 200.
    Metrics that are not defined on these rows are left out; so is, for a metric, a resample on
    which it is not defined.
    """
    resamples = resamples or affordable(prediction)
    defined = evaluate(metrics := list(metrics), truth, prediction, weights)
    used = [metric for metric in metrics if metric.name in defined]
    drawn = np.empty((resamples, len(used)))
    block = max(1, BLOCK // max(len(truth), 1))
    for part in np.split(drawn, range(block, resamples, block)) if used else []:
        c = draw_counts(len(truth), len(part), rng) * row_weights(truth, weights)
        for column, metric in zip(part.T, used, strict=True):
            column[:] = metric.values(truth, prediction, c)
    ends = (1 - level) / 2, (1 + level) / 2
    intervals = {
        metric.name: tuple(np.nanquantile(column, ends).tolist())
        for metric, column in zip(used, drawn.T, strict=True)
        if not np.isnan(column).all()
    }
    return Bootstrap(level, resamples, intervals)


def affordable(prediction: Floats) -> int:
    """How many resamples of these predictions are drawn when nobody says."""
    return min(RESAMPLES, max(FEWEST, CELLS // max(prediction.size, 1)))


def draw_counts(rows: int, resamples: int, rng: np.random.Generator) -> Floats:
    """How often each row is drawn when as many as there are are drawn with replacement: (B,N)."""
    drawn = rng.integers(0, rows, (resamples, rows))
    drawn += rows * np.arange(resamples)[:, None]
    counts = np.bincount(drawn.ravel(), minlength=resamples * rows)
    return counts.reshape(resamples, rows).astype(np.float64)
