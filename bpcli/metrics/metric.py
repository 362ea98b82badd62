"""What a metric is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from bpcli.config.component import Component

Floats = NDArray[np.float64]
Truth = NDArray[Any]  # class codes (N,) for classes, values (N,D) for numbers


class Metric(Component):
    """One number that says how close predictions are to the truth."""

    family: ClassVar[str] = "metric"
    measures: ClassVar[Literal["numbers", "classes"]]
    better: ClassVar[Literal["higher", "lower"]]

    def value(self, truth: Truth, prediction: Floats) -> float:
        """The metric over N ≥ 1 rows; a prediction is probabilities (N,K) or values (N,D)."""
        raise NotImplementedError


def metrics_for(predicts: Literal["numbers", "classes"]) -> list[Metric]:
    """Every metric that measures such predictions, in the order of registration."""
    return [member() for member in Metric.members().values() if member.measures == predicts]


def evaluate(metrics: Iterable[Metric], truth: Truth, prediction: Floats) -> dict[str, float]:
    """{name: value}; empty where there are no rows."""
    if not len(truth):
        return {}
    return {metric.name: metric.value(truth, prediction) for metric in metrics}
