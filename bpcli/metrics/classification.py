"""Metrics of predicted classes: truth is codes (N,), a prediction is probabilities (N,K).

The predicted class is the most probable one; a tie goes to the first class.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli.metrics.metric import Floats, Metric, Truth, mean, ratio
from bpcli.metrics.ranking import Ranking

ECE_BINS = 15


class Accuracy(Metric):
    """Share of rows whose most probable class is the true one; a tie goes to the first class."""

    name: ClassVar[str] = "accuracy"
    measures: ClassVar[Literal["numbers", "classes"]] = "classes"
    better: ClassVar[Literal["higher", "lower"]] = "higher"

    def values(self, truth: Truth, prediction: Floats, c: Floats) -> Floats:
        return mean((prediction.argmax(axis=1) == truth).astype(np.float64), c)


class BalancedAccuracy(Metric):
    """Mean over the classes present of the share of their rows that is recognised."""

    name: ClassVar[str] = "balanced_accuracy"
    measures: ClassVar[Literal["numbers", "classes"]] = "classes"
    better: ClassVar[Literal["higher", "lower"]] = "higher"

    def values(self, truth: Truth, prediction: Floats, c: Floats) -> Floats:
        hits, true, _ = Counts.of(truth, prediction, c)
        return defined_mean(ratio(hits, true))


class Precision(Metric):
    """Mean over classes of hits / rows predicted so; 0 for a class that is never predicted.

    Macro average: the classes that are true or predicted somewhere count alike.
    """

    name: ClassVar[str] = "precision"
    measures: ClassVar[Literal["numbers", "classes"]] = "classes"
    better: ClassVar[Literal["higher", "lower"]] = "higher"

    def values(self, truth: Truth, prediction: Floats, c: Floats) -> Floats:
        counts = Counts.of(truth, prediction, c)
        return counts.macro(counts.precision())


class Recall(Metric):
    """Mean over classes of hits / rows truly so; 0 for a class that is predicted but never true.

    Macro average: the classes that are true or predicted somewhere count alike.
    """

    name: ClassVar[str] = "recall"
    measures: ClassVar[Literal["numbers", "classes"]] = "classes"
    better: ClassVar[Literal["higher", "lower"]] = "higher"

    def values(self, truth: Truth, prediction: Floats, c: Floats) -> Floats:
        counts = Counts.of(truth, prediction, c)
        return counts.macro(counts.recall())


class F1(Metric):
    """Mean over classes of 2 hits / (rows truly so + rows predicted so); 0 without a hit.

    Macro average: the classes that are true or predicted somewhere count alike.
    """

    name: ClassVar[str] = "f1"
    measures: ClassVar[Literal["numbers", "classes"]] = "classes"
    better: ClassVar[Literal["higher", "lower"]] = "higher"

    def values(self, truth: Truth, prediction: Floats, c: Floats) -> Floats:
        counts = Counts.of(truth, prediction, c)
        return counts.macro(counts.f1())


class ROCAUC(Metric):
    """P(a row of the class scores higher than another row) + ½ P(they tie).

    Two classes: of the second one. More: each against the rest, the mean over the classes present.
    Left out where only one class is present.
    """

    name: ClassVar[str] = "roc_auc"
    measures: ClassVar[Literal["numbers", "classes"]] = "classes"
    better: ClassVar[Literal["higher", "lower"]] = "higher"

    def values(self, truth: Truth, prediction: Floats, c: Floats) -> Floats:
        return defined_mean(_per_ranking(Ranking.roc_auc, truth, prediction, c))


class PRAUC(Metric):
    """Average precision: Σ precision · (step in recall), down the distinct scores.

    Two classes: of the second one. More: each against the rest, the mean over the classes present.
    Left out where only one class is present.
    """

    name: ClassVar[str] = "pr_auc"
    measures: ClassVar[Literal["numbers", "classes"]] = "classes"
    better: ClassVar[Literal["higher", "lower"]] = "higher"

    def values(self, truth: Truth, prediction: Floats, c: Floats) -> Floats:
        return defined_mean(_per_ranking(Ranking.average_precision, truth, prediction, c))


class LogLoss(Metric):
    """−mean log p(true class), in nats; p is kept above the smallest float64 step, 2.2e-16."""

    name: ClassVar[str] = "log_loss"
    measures: ClassVar[Literal["numbers", "classes"]] = "classes"
    better: ClassVar[Literal["higher", "lower"]] = "lower"

    def values(self, truth: Truth, prediction: Floats, c: Floats) -> Floats:
        picked = prediction[np.arange(len(truth)), truth]
        return mean(-np.log(np.maximum(picked, np.finfo(np.float64).eps)), c)


class Brier(Metric):
    """mean Σ (p − one-hot truth)² over the classes; for two classes half of it, in 0..1.

    As in scikit-learn: for two classes it is (p − truth)² of the second one, for more it is in
    0..2. Brier 1950, doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2.
    """

    name: ClassVar[str] = "brier"
    measures: ClassVar[Literal["numbers", "classes"]] = "classes"
    better: ClassVar[Literal["higher", "lower"]] = "lower"

    def values(self, truth: Truth, prediction: Floats, c: Floats) -> Floats:
        classes = prediction.shape[1]
        distance = np.square(prediction - one_hot(truth, classes)).sum(axis=1)
        return mean(distance / 2 if classes < 3 else distance, c)


class ECE(Metric):
    """Σ over bins of share · |accuracy − mean confidence|: expected calibration error.

    The confidence is the highest probability; 15 bins of equal width, open below and closed above.
    Guo et al. 2017, arXiv:1706.04599.
    """

    name: ClassVar[str] = "ece"
    measures: ClassVar[Literal["numbers", "classes"]] = "classes"
    better: ClassVar[Literal["higher", "lower"]] = "lower"

    def values(self, truth: Truth, prediction: Floats, c: Floats) -> Floats:
        confidence = prediction.max(axis=1)
        excess = (prediction.argmax(axis=1) == truth) - confidence
        bins = np.searchsorted(np.linspace(0, 1, ECE_BINS + 1)[1:-1], confidence)
        gaps = np.abs(mean(one_hot(bins, ECE_BINS) * excess[:, None], c))
        return gaps @ np.ones(ECE_BINS)


class Counts(NamedTuple):
    """The weight of each class's rows, (B,K)."""

    hits: Floats
    true: Floats
    predicted: Floats

    @classmethod
    def of(cls, truth: Truth, prediction: Floats, c: Floats) -> Counts:
        """Of class codes (N,), probabilities (N,K) and row weights c (B,N)."""
        classes = prediction.shape[1]
        true, predicted = one_hot(truth, classes), one_hot(prediction.argmax(axis=1), classes)
        return cls(c @ (true * predicted), c @ true, c @ predicted)

    def precision(self) -> Floats:
        """hits / predicted; 0 where nothing is predicted."""
        return ratio(self.hits, self.predicted, otherwise=0)

    def recall(self) -> Floats:
        """hits / true; 0 where nothing is true."""
        return ratio(self.hits, self.true, otherwise=0)

    def f1(self) -> Floats:
        """2 hits / (true + predicted), the harmonic mean of precision and recall; 0 at 0 / 0."""
        return ratio(2 * self.hits, self.true + self.predicted, otherwise=0)

    def macro(self, per_class: Floats) -> Floats:
        """The mean (B,) over the classes that are true or predicted somewhere."""
        return defined_mean(np.where(self.true + self.predicted > 0, per_class, np.nan))


def one_hot(codes: NDArray[Any], classes: int) -> Floats:
    """1 in the column of the code, else 0: (N,) → (N,classes)."""
    hot: Floats = (codes[:, None] == np.arange(classes)).astype(np.float64)
    return hot


def defined_mean(per_class: Floats) -> Floats:
    """The mean of each row's numbers that are not NaN, (B,K) → (B,); NaN where all are."""
    defined = ~np.isnan(per_class)
    return ratio(np.where(defined, per_class, 0).sum(axis=1), defined.sum(axis=1) * 1.0)


def _per_ranking(measure: Any, truth: Truth, prediction: Floats, c: Floats) -> Floats:
    """A ranking's measure of each class against the rest (B,K); of two only the second (B,1)."""
    classes = prediction.shape[1]
    chosen = [1] if classes == 2 else range(classes)
    return np.stack([measure(Ranking.of(prediction[:, k], truth == k, c)) for k in chosen], axis=1)
