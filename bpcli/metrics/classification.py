"""Metrics of predicted classes: truth is codes (N,), a prediction is probabilities (N,K)."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from bpcli.metrics.metric import Floats, Metric, Truth


class Accuracy(Metric):
    """Share of rows whose most probable class is the true one; a tie goes to the first class."""

    name: ClassVar[str] = "accuracy"
    measures: ClassVar[Literal["numbers", "classes"]] = "classes"
    better: ClassVar[Literal["higher", "lower"]] = "higher"

    def value(self, truth: Truth, prediction: Floats) -> float:
        return float(np.mean(prediction.argmax(axis=1) == truth))


class BalancedAccuracy(Metric):
    """Mean over the classes present of the share of their rows that is recognised."""

    name: ClassVar[str] = "balanced_accuracy"
    measures: ClassVar[Literal["numbers", "classes"]] = "classes"
    better: ClassVar[Literal["higher", "lower"]] = "higher"

    def value(self, truth: Truth, prediction: Floats) -> float:
        right = prediction.argmax(axis=1) == truth
        rows = np.bincount(truth, minlength=prediction.shape[1])
        hits = np.bincount(truth[right], minlength=prediction.shape[1])
        present = rows > 0
        return float(np.mean(hits[present] / rows[present]))


class LogLoss(Metric):
    """−mean log p(true class), in nats; p is kept above the smallest float64 step, 2.2e-16."""

    name: ClassVar[str] = "log_loss"
    measures: ClassVar[Literal["numbers", "classes"]] = "classes"
    better: ClassVar[Literal["higher", "lower"]] = "lower"

    def value(self, truth: Truth, prediction: Floats) -> float:
        picked = prediction[np.arange(len(truth)), truth]
        return float(-np.mean(np.log(np.maximum(picked, np.finfo(np.float64).eps))))
