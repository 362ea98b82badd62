"""Metrics of predicted classes: truth is codes (N,), a prediction is probabilities (N,K).

The predicted class is the most probable one; a tie goes to the first class.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bpcli.metrics.counts import Counts
from bpcli.metrics.metric import (
    AMOUNT,
    SHARE,
    Better,
    Floats,
    Kind,
    Limits,
    Metric,
    Truth,
    defined_mean,
    mean_of_rows,
    ratio,
    total,
)
from bpcli.metrics.ranking import Ranking

ECE_BINS = 15


class DecisionMetric(Metric):
    """A score of hits and misses: which class is predicted counts, and not how probable it is."""

    measures: ClassVar[Kind] = "classes"
    better: ClassVar[Better] = "higher"
    limits: ClassVar[Limits] = SHARE

    def of_counts(self, counts: Counts) -> Floats:
        """The metric (B,) of hits and misses (B,K)."""
        raise NotImplementedError

    def values(self, truth: Truth, prediction: Floats, c: Floats) -> Floats:
        return self.of_counts(class_counts(truth, prediction, c))


class Accuracy(DecisionMetric):
    """Share of rows whose most probable class is the true one; a tie goes to the first class."""

    name: ClassVar[str] = "accuracy"

    def of_counts(self, counts: Counts) -> Floats:
        return ratio(counts.hits.sum(axis=1), counts.true.sum(axis=1))


class BalancedAccuracy(DecisionMetric):
    """Mean over the classes present of the share of their rows that is recognised."""

    name: ClassVar[str] = "balanced_accuracy"

    def of_counts(self, counts: Counts) -> Floats:
        return defined_mean(ratio(counts.hits, counts.true))


class Macro(DecisionMetric):
    """The mean of a score over the classes that are true or predicted somewhere, all alike."""

    def of_classes(self, counts: Counts) -> Floats:
        """The score of each class (B,K)."""
        raise NotImplementedError

    def of_counts(self, counts: Counts) -> Floats:
        return counts.macro(self.of_classes(counts))


class Precision(Macro):
    """Mean over classes of hits / rows predicted so; 0 for a class that is never predicted.

    Macro average: the classes that are true or predicted somewhere count alike.
    """

    name: ClassVar[str] = "precision"

    def of_classes(self, counts: Counts) -> Floats:
        return counts.precision()


class Recall(Macro):
    """Mean over classes of hits / rows truly so; 0 for a class that is predicted but never true.

    Macro average: the classes that are true or predicted somewhere count alike.
    """

    name: ClassVar[str] = "recall"

    def of_classes(self, counts: Counts) -> Floats:
        return counts.recall()


class F1(Macro):
    """Mean over classes of 2 hits / (rows truly so + rows predicted so); 0 without a hit.

    Macro average: the classes that are true or predicted somewhere count alike.
    """

    name: ClassVar[str] = "f1"

    def of_classes(self, counts: Counts) -> Floats:
        return counts.f1()


class ROCAUC(Metric):
    """P(a row of the class scores higher than another row) + ½ P(they tie).

    Two classes: of the second one. More: each against the rest, the mean over the classes present.
    Left out where only one class is present.
    """

    name: ClassVar[str] = "roc_auc"
    measures: ClassVar[Kind] = "classes"
    better: ClassVar[Better] = "higher"
    limits: ClassVar[Limits] = SHARE

    def values(self, truth: Truth, prediction: Floats, c: Floats) -> Floats:
        return defined_mean(_per_ranking(Ranking.roc_auc, truth, prediction, c))


class PRAUC(Metric):
    """Average precision: Σ precision · (step in recall), down the distinct scores.

    Two classes: of the second one. More: each against the rest, the mean over the classes present.
    Left out where only one class is present.
    """

    name: ClassVar[str] = "pr_auc"
    measures: ClassVar[Kind] = "classes"
    better: ClassVar[Better] = "higher"
    limits: ClassVar[Limits] = SHARE

    def values(self, truth: Truth, prediction: Floats, c: Floats) -> Floats:
        return defined_mean(_per_ranking(Ranking.average_precision, truth, prediction, c))


class LogLoss(Metric):
    """−mean log p(true class), in nats; p is kept above the smallest float64 step, 2.2e-16."""

    name: ClassVar[str] = "log_loss"
    measures: ClassVar[Kind] = "classes"
    better: ClassVar[Better] = "lower"
    limits: ClassVar[Limits] = AMOUNT

    def values(self, truth: Truth, prediction: Floats, c: Floats) -> Floats:
        def losses(own: slice) -> Floats:
            picked = prediction[own][np.arange(len(truth[own])), truth[own]]
            found: Floats = -np.log(np.maximum(picked, np.finfo(np.float64).eps))
            return found

        return mean_of_rows(losses, c)


class Brier(Metric):
    """mean Σ (p − one-hot truth)² over the classes; for two classes half of it, in 0..1.

    As in scikit-learn: for two classes it is (p − truth)² of the second one, for more it is in
    0..2. Brier 1950, doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2.
    """

    name: ClassVar[str] = "brier"
    measures: ClassVar[Kind] = "classes"
    better: ClassVar[Better] = "lower"
    limits: ClassVar[Limits] = (0.0, 2.0)

    def values(self, truth: Truth, prediction: Floats, c: Floats) -> Floats:
        classes = prediction.shape[1]

        def distances(own: slice) -> Floats:
            found = np.square(prediction[own] - one_hot(truth[own], classes)).sum(axis=1)
            return np.asarray(found / 2 if classes < 3 else found)

        return mean_of_rows(distances, c)


class ECE(Metric):
    """Σ over bins of share · |accuracy − mean confidence|: expected calibration error.

    The confidence is the highest probability; 15 bins of equal width, open below and closed above.
    Guo et al. 2017, arXiv:1706.04599.
    """

    name: ClassVar[str] = "ece"
    measures: ClassVar[Kind] = "classes"
    better: ClassVar[Better] = "lower"
    limits: ClassVar[Limits] = SHARE

    def values(self, truth: Truth, prediction: Floats, c: Floats) -> Floats:
        edges = np.linspace(0, 1, ECE_BINS + 1)[1:-1]

        def excesses(own: slice) -> Floats:
            confidence = prediction[own].max(axis=1)
            excess = (prediction[own].argmax(axis=1) == truth[own]) - confidence
            bins = np.searchsorted(edges, confidence)
            found: Floats = one_hot(bins, ECE_BINS) * excess[:, None]
            return found

        return np.abs(mean_of_rows(excesses, c)) @ np.ones(ECE_BINS)


def class_counts(truth: Truth, prediction: Floats, c: Floats) -> Counts:
    """Of class codes (N,), probabilities (N,K) and row weights c (B,N)."""
    classes = prediction.shape[1]

    def counts(own: slice) -> Floats:
        true = one_hot(truth[own], classes)
        predicted = one_hot(prediction[own].argmax(axis=1), classes)
        return np.concatenate([true * predicted, true, predicted], axis=1)

    return Counts(*np.split(total(counts, c), 3, axis=1))


def one_hot(codes: NDArray[Any], classes: int) -> Floats:
    """1 in the column of the code, else 0: (N,) → (N,classes)."""
    hot: Floats = (codes[:, None] == np.arange(classes)).astype(np.float64)
    return hot


def _per_ranking(measure: Any, truth: Truth, prediction: Floats, c: Floats) -> Floats:
    """A ranking's measure of each class against the rest (B,K); of two only the second (B,1)."""
    classes = prediction.shape[1]
    chosen = [1] if classes == 2 else range(classes)
    return np.stack([measure(Ranking.of(prediction[:, k], truth == k, c)) for k in chosen], axis=1)
