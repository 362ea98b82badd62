"""Where the second of two classes begins: the probability above which it is answered."""

from __future__ import annotations

from typing import Annotated, ClassVar, Self

import numpy as np
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from bpcli.config.component import Component
from bpcli.data.arrays import Floats, Ints
from bpcli.metrics.classification import DecisionMetric
from bpcli.metrics.counts import Counts
from bpcli.metrics.metric import Metric, metrics_for


class Decision(Component):
    """How the threshold of two classes is found."""

    family: ClassVar[str] = "decision"
    needs_rows: ClassVar[bool] = False  # that the weights never saw

    def threshold(self, p: Floats, classes: Ints) -> float:
        """The threshold, from probabilities of the second class (N,) and the true classes (N,)."""
        raise NotImplementedError


class Threshold(Decision):
    """The second class is answered where its probability is above a given number."""

    name: ClassVar[str] = "threshold"
    example: ClassVar[dict[str, float]] = {"value": 0.3}
    value: Annotated[float, Field(gt=0, lt=1, description="the number")]

    def threshold(self, p: Floats, classes: Ints) -> float:
        return self.value


class Maximize(Decision):
    """The threshold of the best metric on the validation rows; of equally good ones nearest ½.

    It lies in the middle between two probabilities, or at ½ where that is between them.
    """

    name: ClassVar[str] = "maximize"
    needs_rows: ClassVar[bool] = True
    example: ClassVar[dict[str, str]] = {"metric": "f1"}
    metric: Annotated[
        Metric, Field(description="a metric of the predicted class, such as f1, balanced_accuracy")
    ]

    @model_validator(mode="after")
    def _looks_at_decisions(self) -> Self:
        if not isinstance(self.metric, DecisionMetric):
            known = [one.name for one in metrics_for("classes") if isinstance(one, DecisionMetric)]
            raise PydanticCustomError(
                "invalid_value",
                "expected a metric of the predicted class ({known}), got '{name}'",
                {"known": ", ".join(known), "name": self.metric.name},
            )
        return self

    def threshold(self, p: Floats, classes: Ints) -> float:
        assert isinstance(self.metric, DecisionMetric)
        thresholds, counts = cuts(p, classes)
        values = self.metric.of_counts(counts)
        best = thresholds[values == np.nanmax(values)]
        return float(best[np.argmin(np.abs(best - 0.5))])


def cuts(p: Floats, classes: Ints) -> tuple[Floats, Counts]:
    """A threshold (M,) for each way to tell the rows apart, with hits and misses (M,2)."""
    levels, place = np.unique(p, return_inverse=True)
    sizes = np.stack([np.bincount(place[classes == k], minlength=len(levels)) for k in (0, 1)])
    below = np.concatenate([np.zeros((2, 1)), np.cumsum(sizes, axis=1)], axis=1)  # (2,M)
    true = np.broadcast_to(sizes.sum(axis=1, dtype=np.float64), below.T.shape)
    hits = np.stack([below[0], true[:, 1] - below[1]], axis=1)
    first = below.sum(axis=0)
    predicted = np.stack([first, len(p) - first], axis=1)
    low, high = np.append(0, levels), np.append(levels, 1)
    some = np.flatnonzero(low < high)  # a probability may be 0 or 1
    counts = Counts(hits[some], true[some], predicted[some])
    return _between(low[some], high[some]), counts


def _between(low: Floats, high: Floats) -> Floats:
    """A number in each interval [low, high): its middle, or ½ where that is in it."""
    middle = (low + high) / 2
    middle = np.where(middle < high, middle, low)  # neighbours may have nothing between them
    return np.where((low <= 0.5) & (high > 0.5), 0.5, middle)
