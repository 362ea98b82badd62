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


LEVEL = 0.95
Interval = tuple[float, float]


class Bootstrap(NamedTuple):
    """Each metric on each resample of the rows, NaN where it is not defined on one."""

    resamples: int
    drawn: dict[str, Floats]  # (resamples,) by metric

    def intervals(self, level: float = LEVEL) -> dict[str, Interval]:
        """The middle `level` of each metric."""
        return {name: _middle(x, level) for name, x in self.drawn.items() if not np.isnan(x).all()}

    def minus(self, other: Bootstrap) -> Bootstrap:
        """The differences from predictions of the same rows, resample by resample."""
        shared = self.drawn.keys() & other.drawn.keys()
        drawn = {name: x - other.drawn[name] for name, x in self.drawn.items() if name in shared}
        return Bootstrap(self.resamples, drawn)


def bootstrap(
    metrics: Iterable[Metric],
    truth: Truth,
    prediction: Floats,
    rng: np.random.Generator,
    *,
    weights: Floats | None = None,
    resamples: int | None = None,
) -> Bootstrap:
    """Metrics over resampled rows; a row keeps its weight.

    Without `resamples` 1000 are drawn, fewer above 20,000 predicted numbers and never under 200.
    Metrics that are not defined on these rows are left out.
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
    return Bootstrap(resamples, {metric.name: x for metric, x in zip(used, drawn.T, strict=True)})


def _middle(x: Floats, level: float) -> Interval:
    low, high = np.nanquantile(x, ((1 - level) / 2, (1 + level) / 2)).tolist()
    return low, high


def affordable(prediction: Floats) -> int:
    """How many resamples of these predictions are drawn when nobody says."""
    return min(RESAMPLES, max(FEWEST, CELLS // max(prediction.size, 1)))


def draw_counts(rows: int, resamples: int, rng: np.random.Generator) -> Floats:
    """How often each row is drawn when as many as there are are drawn with replacement: (B,N)."""
    drawn = rng.integers(0, rows, (resamples, rows))
    drawn += rows * np.arange(resamples)[:, None]
    counts = np.bincount(drawn.ravel(), minlength=resamples * rows)
    return counts.reshape(resamples, rows).astype(np.float64)
