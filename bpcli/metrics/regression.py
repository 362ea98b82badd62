"""Metrics of predicted numbers: truth and prediction are values (N,D) in the target's own units."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from bpcli.metrics.metric import Floats, Metric, Truth


class RMSE(Metric):
    """√ mean (prediction − truth)², in units of the target."""

    name: ClassVar[str] = "rmse"
    measures: ClassVar[Literal["numbers", "classes"]] = "numbers"
    better: ClassVar[Literal["higher", "lower"]] = "lower"

    def value(self, truth: Truth, prediction: Floats) -> float:
        return float(np.sqrt(np.mean(np.square(prediction - truth))))


class MAE(Metric):
    """mean |prediction − truth|, in units of the target."""

    name: ClassVar[str] = "mae"
    measures: ClassVar[Literal["numbers", "classes"]] = "numbers"
    better: ClassVar[Literal["higher", "lower"]] = "lower"

    def value(self, truth: Truth, prediction: Floats) -> float:
        return float(np.mean(np.abs(prediction - truth)))


class R2(Metric):
    """1 − Σ (prediction − truth)² / Σ (truth − mean)²; 1 is perfect, 0 the mean's own score.

    For a constant truth it is 1 when every prediction is exact, else 0, as in scikit-learn.
    """

    name: ClassVar[str] = "r2"
    measures: ClassVar[Literal["numbers", "classes"]] = "numbers"
    better: ClassVar[Literal["higher", "lower"]] = "higher"

    def value(self, truth: Truth, prediction: Floats) -> float:
        residual = float(np.sum(np.square(prediction - truth)))
        spread = float(np.sum(np.square(truth - truth.mean(axis=0))))
        if spread == 0:
            return 1.0 if residual == 0 else 0.0
        return 1 - residual / spread
