"""Metrics of labels that may go together: truth is 0 or 1 (N,L), a prediction is probabilities.

A label is predicted where its probability is above ½. A mean over labels counts them alike.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from bpcli.metrics.counts import Counts
from bpcli.metrics.metric import (
    SHARE,
    Better,
    Floats,
    Kind,
    Limits,
    Metric,
    Truth,
    defined_mean,
    mean,
    ratio,
)
from bpcli.metrics.ranking import Ranking


class MicroF1(Metric):
    """2 hits / (labels there + labels predicted), over all rows and labels; 0 without a hit."""

    name: ClassVar[str] = "f1_micro"
    measures: ClassVar[Kind] = "labels"
    better: ClassVar[Better] = "higher"
    limits: ClassVar[Limits] = SHARE

    def values(self, truth: Truth, prediction: Floats, c: Floats) -> Floats:
        counts = Counts.of(truth, prediction > 0.5, c)
        hits, true, predicted = (per_label.sum(axis=1) for per_label in counts)
        return np.where(c.any(axis=1), ratio(2 * hits, true + predicted, otherwise=0), np.nan)


class MacroF1(Metric):
    """Mean over labels of 2 hits / (rows that have it + rows predicted so); 0 without a hit."""

    name: ClassVar[str] = "f1_macro"
    measures: ClassVar[Kind] = "labels"
    better: ClassVar[Better] = "higher"
    limits: ClassVar[Limits] = SHARE

    def values(self, truth: Truth, prediction: Floats, c: Floats) -> Floats:
        f1 = Counts.of(truth, prediction > 0.5, c).f1()
        return np.where(c.any(axis=1), f1.mean(axis=1), np.nan)


class SubsetAccuracy(Metric):
    """Share of rows in which every label is right."""

    name: ClassVar[str] = "subset_accuracy"
    measures: ClassVar[Kind] = "labels"
    better: ClassVar[Better] = "higher"
    limits: ClassVar[Limits] = SHARE

    def values(self, truth: Truth, prediction: Floats, c: Floats) -> Floats:
        return mean(((prediction > 0.5) == truth).all(axis=1) * 1.0, c)


class HammingLoss(Metric):
    """Share of labels that are wrong, over all rows."""

    name: ClassVar[str] = "hamming_loss"
    measures: ClassVar[Kind] = "labels"
    better: ClassVar[Better] = "lower"
    limits: ClassVar[Limits] = SHARE

    def values(self, truth: Truth, prediction: Floats, c: Floats) -> Floats:
        return mean(((prediction > 0.5) != truth).mean(axis=1), c)


class MacroROCAUC(Metric):
    """Mean over labels of P(a row that has it scores higher than one without) + ½ P(they tie).

    Over the labels that some rows have and some have not; left out where there is none.
    """

    name: ClassVar[str] = "roc_auc_macro"
    measures: ClassVar[Kind] = "labels"
    better: ClassVar[Better] = "higher"
    limits: ClassVar[Limits] = SHARE

    def values(self, truth: Truth, prediction: Floats, c: Floats) -> Floats:
        return defined_mean(np.stack([r.roc_auc() for r in _rankings(truth, prediction, c)], 1))


class MacroPRAUC(Metric):
    """Mean over labels of the average precision, Σ precision · (step in recall).

    Over the labels that some rows have and some have not; left out where there is none.
    """

    name: ClassVar[str] = "pr_auc_macro"
    measures: ClassVar[Kind] = "labels"
    better: ClassVar[Better] = "higher"
    limits: ClassVar[Limits] = SHARE

    def values(self, truth: Truth, prediction: Floats, c: Floats) -> Floats:
        rankings = _rankings(truth, prediction, c)
        return defined_mean(np.stack([r.average_precision() for r in rankings], 1))


class MacroBrier(Metric):
    """mean (p − truth)² over all rows and labels, in 0..1."""

    name: ClassVar[str] = "brier_macro"
    measures: ClassVar[Kind] = "labels"
    better: ClassVar[Better] = "lower"
    limits: ClassVar[Limits] = SHARE

    def values(self, truth: Truth, prediction: Floats, c: Floats) -> Floats:
        return mean(np.square(prediction - truth).mean(axis=1), c)


def _rankings(truth: Truth, prediction: Floats, c: Floats) -> list[Ranking]:
    pairs = zip(truth.T, prediction.T, strict=True)
    return [Ranking.of(scores, present == 1, c) for present, scores in pairs]
