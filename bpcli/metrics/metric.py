"""What a metric is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import inf
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from bpcli.config.component import Component

Floats = NDArray[np.float64]
Truth = NDArray[Any]  # class codes (N,), numbers (N,D), or 0 and 1 of each label (N,L)
Kind = Literal["numbers", "classes", "labels", "quantiles", "clusters"]  # of these see clusters.py
Better = Literal["higher", "lower", "nominal"]  # nominal: as near as can be to a stated value
Limits = tuple[float, float]  # the lowest and the highest value there can be
ROWS = 1 << 20  # that are summed at once
SHARE: Limits = (0.0, 1.0)
AMOUNT: Limits = (0.0, inf)


class Metric(Component):
    """One number that says how close predictions are to the truth.

    A prediction is probabilities (N,K), numbers (N,D) or quantiles (N,D,Q). Row weights mean what
    scikit-learn's `sample_weight` means, and a row of weight 0 counts as absent.
    """

    family: ClassVar[str] = "metric"
    measures: ClassVar[Kind]
    better: ClassVar[Better]
    limits: ClassVar[Limits]

    def value(
        self, truth: Truth, prediction: Floats, weights: Floats | None = None
    ) -> float | None:
        """The metric over N ≥ 1 rows with weights (N,) or all alike; None where not defined."""
        (value,) = self.values(truth, prediction, row_weights(truth, weights)[None]).tolist()
        return None if np.isnan(value) else value

    def values(self, truth: Truth, prediction: Floats, c: Floats) -> Floats:
        """The metric under each of B sets of row weights, c (B,N) → (B,); NaN where not defined."""
        raise NotImplementedError


def metrics_for(predicts: Kind, **settings: Any) -> list[Metric]:
    """Every metric that measures such predictions, in the order of registration."""
    members = Metric.members().values()
    return [member(**settings) for member in members if member.measures == predicts]


def goal(predicts: Kind) -> Metric:
    """What settings are compared by unless another is asked for: the log loss of classes, as
    accuracy moves in steps of a row and is mostly luck among good settings; else the first."""
    metrics = metrics_for(predicts)
    return next((one for one in metrics if one.name == "log_loss"), metrics[0])


def evaluate(
    metrics: Iterable[Metric], truth: Truth, prediction: Floats, weights: Floats | None = None
) -> dict[str, float]:
    """{name: value} of the metrics that are defined on these rows; empty where there are none."""
    if not len(truth):
        return {}
    values = {metric.name: metric.value(truth, prediction, weights) for metric in metrics}
    return {name: value for name, value in values.items() if value is not None}


def row_weights(truth: Truth, weights: Floats | None) -> Floats:
    """The weights (N,), or ones."""
    return np.ones(len(truth)) if weights is None else weights


def ratio(a: Floats, b: Floats, otherwise: float = np.nan) -> Floats:
    """a / b, and `otherwise` where b is 0."""
    out = np.full(np.broadcast_shapes(a.shape, b.shape), otherwise, dtype=np.float64)
    np.divide(a, b, out=out, where=b != 0)
    return out


def defined_mean(per_class: Floats) -> Floats:
    """The mean of each row's numbers that are not NaN, (B,K) → (B,); NaN where all are."""
    defined = ~np.isnan(per_class)
    return ratio(np.where(defined, per_class, 0).sum(axis=1), defined.sum(axis=1) * 1.0)


def mean(x: Floats, c: Floats) -> Floats:
    """Σ c x / Σ c over the rows: x (N,) or (N,D), c (B,N) → (B,) or (B,D); NaN without weight."""
    return mean_of_rows(lambda own: x[own], c)


def mean_of_rows(x: Callable[[slice], Floats], c: Floats) -> Floats:
    """The same of x that is made for some of the rows at a time."""
    return ratio(total(x, c).T, c.sum(axis=1)).T


def total(x: Callable[[slice], Floats], c: Floats) -> Floats:
    """Σ c x over the rows, of many rows block by block."""
    first, *others = blocks(c.shape[1])
    found: Floats = c[:, first] @ x(first)
    for own in others:
        found += c[:, own] @ x(own)
    return found


def blocks(rows: int) -> list[slice]:
    """The rows, at least one, in runs that are summed at once."""
    return [slice(start, min(start + ROWS, rows)) for start in range(0, max(rows, 1), ROWS)]
