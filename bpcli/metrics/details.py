"""What one number leaves out: scores of each class, confusions, and curves, for reports."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli.metrics.classification import PRAUC, ROCAUC, class_counts
from bpcli.metrics.metric import Floats, Truth, ratio, row_weights
from bpcli.metrics.ranking import Ranking


class ClassScores(NamedTuple):
    """One row of the table of classes; 0 where a score would divide by zero."""

    precision: float
    recall: float
    f1: float
    support: float  # the weight of the rows truly of this class: their count, without weights


class Curve(NamedTuple):
    """Points (M,) of a curve; a row counts as positive when its score reaches the threshold."""

    x: Floats
    y: Floats
    threshold: Floats


def class_table(
    truth: Truth, prediction: Floats, weights: Floats | None = None
) -> list[ClassScores]:
    """Precision, recall, F1 and support of each class, from codes (N,) and probabilities (N,K)."""
    counts = class_counts(truth, prediction, row_weights(truth, weights)[None])
    columns = counts.precision(), counts.recall(), counts.f1(), counts.true
    return [ClassScores(*row) for row in np.concatenate(columns).T.tolist()]


class LabelScores(NamedTuple):
    """One row of the table of labels: how the rows that have it are found; None if undefined."""

    precision: float
    recall: float
    f1: float
    support: float
    roc_auc: float | None
    pr_auc: float | None
    brier: float


def label_table(truth: Truth, prediction: Floats) -> list[LabelScores]:
    """The scores of each label, from 0 and 1 (N,L) and probabilities (N,L)."""
    return [_label_scores(*pair) for pair in zip(truth.T, prediction.T, strict=True)]


def _label_scores(truth: Truth, p: Floats) -> LabelScores:
    codes, both = truth.astype(np.int64), np.stack([1 - p, p], axis=1)
    roc_auc, pr_auc = ROCAUC().value(codes, both), PRAUC().value(codes, both)
    brier = float(np.mean((p - truth) ** 2))
    return LabelScores(*class_table(codes, both)[1], roc_auc=roc_auc, pr_auc=pr_auc, brier=brier)


def confusion(truth: Truth, prediction: Floats, weights: Floats | None = None) -> NDArray[Any]:
    """Rows (or their weight) by true class, downwards, and predicted class, across: (K,K)."""
    classes = prediction.shape[1]
    cell = truth * classes + prediction.argmax(axis=1)
    return np.bincount(cell, weights, classes * classes).reshape(classes, classes)


def roc_curve(
    truth: Truth, prediction: Floats, positive: int = 1, weights: Floats | None = None
) -> Curve | None:
    """x: share of the other rows above the threshold, y: of the positive; None with one kind only.

    From (0, 0), above every score, to (1, 1).
    """
    score, hits, alarms = _cumulated(truth, prediction, positive, weights)
    if not (hits[-1] and alarms[-1]):
        return None
    return Curve(alarms / alarms[-1], hits / hits[-1], score)


def pr_curve(
    truth: Truth, prediction: Floats, positive: int = 1, weights: Floats | None = None
) -> Curve | None:
    """x: recall, y: precision, by falling threshold; None with one kind of rows only.

    From (0, 1), above every score where precision counts as 1, to recall 1.
    """
    score, hits, alarms = _cumulated(truth, prediction, positive, weights)
    if not (hits[-1] and alarms[-1]):
        return None
    return Curve(hits / hits[-1], ratio(hits, hits + alarms, otherwise=1), score)


def _cumulated(
    truth: Truth, prediction: Floats, positive: int, weights: Floats | None
) -> tuple[Floats, Floats, Floats]:
    """(threshold, positive weight at or above it, negative weight likewise), from ∞ down."""
    c = row_weights(truth, weights)[None]
    ranking = Ranking.of(prediction[:, positive], truth == positive, c)
    hits, alarms = (np.cumsum([0, *side[0]]) for side in (ranking.positive, ranking.negative))
    return np.concatenate([[np.inf], ranking.score]), hits, alarms
