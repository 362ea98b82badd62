"""Tables of classes, confusions and curves equal scikit-learn's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn import metrics as reference

from bpcli.metrics.details import class_table, confusion, pr_curve, roc_curve

TRUTH = np.array([0, 0, 1, 1, 1, 2, 2, 0, 1, 2])  # of four classes: 3 is never true
PREDICTION = np.eye(4)[[0, 1, 1, 1, 0, 0, 1, 0, 3, 0]]  # 2 is never predicted
REALS = np.random.default_rng(0).gamma(1.0, size=len(TRUTH))
WEIGHTS = pytest.mark.parametrize("weights", [None, REALS], ids=["none", "reals"])


@WEIGHTS
def test_class_table(weights: Any) -> None:
    expected = reference.precision_recall_fscore_support(
        TRUTH,
        PREDICTION.argmax(axis=1),
        labels=range(4),
        zero_division=0,
        sample_weight=weights,
    )
    table = class_table(TRUTH, PREDICTION, weights)
    np.testing.assert_allclose(np.array(table).T, expected, rtol=1e-12)


@WEIGHTS
def test_confusion(weights: Any) -> None:
    ours = confusion(TRUTH, PREDICTION, weights)
    expected = reference.confusion_matrix(
        TRUTH, PREDICTION.argmax(axis=1), labels=range(4), sample_weight=weights
    )
    np.testing.assert_allclose(ours, expected, rtol=1e-12)
    assert weights is not None or ours.dtype.kind == "i", "counts are whole numbers"


def ranking(seed: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    score = rng.random(50).round(1 if seed % 2 else 9)
    return rng.integers(0, 2, 50), np.stack([1 - score, score], axis=1)


@pytest.mark.parametrize("positive", [0, 1])
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("weighted", [False, True])
def test_curves(seed: int, positive: int, weighted: bool) -> None:
    truth, prediction = ranking(seed)
    score = prediction[:, positive]
    c = np.random.default_rng(seed).gamma(1.0, size=50) if weighted else None
    roc, pr = (curve(truth, prediction, positive, c) for curve in (roc_curve, pr_curve))
    assert roc is not None and pr is not None
    expected = reference.roc_curve(
        truth, score, pos_label=positive, sample_weight=c, drop_intermediate=False
    )
    for ours, theirs in zip(roc, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)
    precision, recall, threshold = reference.precision_recall_curve(
        truth, score, pos_label=positive, sample_weight=c
    )
    np.testing.assert_allclose(pr.x, recall[::-1], rtol=1e-12)
    np.testing.assert_allclose(pr.y, precision[::-1], rtol=1e-12)
    np.testing.assert_array_equal(pr.threshold[1:], threshold[::-1])


@pytest.mark.parametrize("curve", [roc_curve, pr_curve])
@pytest.mark.parametrize("only", [0, 1])
def test_one_class_has_no_curve(curve: Any, only: int) -> None:
    assert curve(np.full(50, only), ranking(0)[1]) is None
