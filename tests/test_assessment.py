"""The details of scores: intervals, the lead over a linear model, and whose the scores are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn import metrics as reference

from bpcli.data.scalers import Standard
from bpcli.data.targets.classes import ClassTarget
from bpcli.data.targets.labels import Label, LabelTarget
from bpcli.data.targets.numbers import RegressionTarget
from bpcli.experiment.assessment import Assessment, assess
from bpcli.experiment.scoring import score
from bpcli.nn.losses.binary import MultilabelCrossEntropy
from bpcli.nn.losses.classes import CrossEntropy
from bpcli.nn.losses.loss import Loss
from bpcli.nn.losses.numbers import MSE, Quantile

LEVELS = (0.1, 0.5, 0.9)
CLASSES = ClassTarget(name="y", classes=("a", "b", "c"))
NUMBERS = RegressionTarget(names=("u", "v"), scaler=Standard())
LABELS = LabelTarget(labels=tuple(Label(name=n, no="0", yes="1") for n in "pq"))


def case(kind: str, rows: int = 80) -> tuple[Any, Loss, Any, Any]:
    """(target, loss, truth, prediction)"""
    rng = np.random.default_rng(0)
    if kind == "classes":
        truth = rng.integers(0, 3, rows)
        z = np.eye(3)[truth] + rng.normal(size=(rows, 3))
        return CLASSES, CrossEntropy(), truth, np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    if kind == "labels":
        truth = rng.integers(0, 2, (rows, 2)) * 1.0
        z = 2 * truth - 1 + rng.normal(size=(rows, 2))
        return LABELS, MultilabelCrossEntropy(), truth, 1 / (1 + np.exp(-z))
    truth = rng.normal(size=(rows, 2)) * (1, 100)
    prediction = truth + rng.normal(size=(rows, 2)) * (0.3, 30)
    if kind == "numbers":
        return NUMBERS, MSE(), truth, prediction
    spread = np.multiply.outer((1, 100), (-1, 0, 1))
    return NUMBERS, Quantile(levels=LEVELS), truth, prediction[..., None] + 0.4 * spread


KINDS = ["classes", "labels", "numbers", "quantiles"]


def assessed(kind: str, **changes: Any) -> Assessment:
    target, loss, truth, prediction = case(kind)
    return assess(target, loss, truth, prediction, 0, **changes)


@pytest.mark.parametrize("kind", KINDS)
def test_every_metric_lies_in_its_interval(kind: str) -> None:
    _, loss, truth, prediction = case(kind)
    scores, found = score(loss, truth, prediction), assessed(kind)
    assert found.intervals.keys() == scores.keys()
    for name, (low, high) in found.intervals.items():
        # A calibration error of drawn rows lies above that of all of them.
        assert name == "ece" or low <= scores[name] <= high, name
    assert (found.rows, found.resamples) == (80, 1000)


@pytest.mark.parametrize("kind", KINDS)
def test_the_seed_alone_decides(kind: str) -> None:
    assert assessed(kind) == assessed(kind)
    target, loss, truth, prediction = case(kind)
    assert assess(target, loss, truth, prediction, 1).intervals != assessed(kind).intervals


@pytest.mark.parametrize("kind", KINDS)
def test_the_lead_over_a_linear_model_is_paired(kind: str) -> None:
    same = case(kind)[3]
    leads = assessed(kind, linear=same).over_linear
    assert leads and all(interval == (0, 0) for interval in leads.values())
    assert assessed(kind).over_linear == {}
    assert "minus_linear" not in assessed(kind).record()


def test_classes() -> None:
    _, _, truth, prediction = case("classes")
    found, predicted = assessed("classes").record(), prediction.argmax(axis=1)
    assert found["confusion"] == reference.confusion_matrix(truth, predicted).tolist()
    report = reference.classification_report(truth, predicted, output_dict=True)
    for k, name in enumerate("abc"):
        expected = report[str(k)]
        ours = found["by_class"][name]
        assert ours["support"] == expected["support"] and isinstance(ours["support"], int)
        assert ours["f1"] == pytest.approx(expected["f1-score"], rel=1e-12)
        assert ours["precision"] == pytest.approx(expected["precision"], rel=1e-12)


def test_labels() -> None:
    _, _, truth, prediction = case("labels")
    for k, name in enumerate("pq"):
        y, p = truth[:, k], prediction[:, k]
        assert assessed("labels").parts["by_label"][name] == pytest.approx(
            {
                "precision": reference.precision_score(y, p > 0.5),
                "recall": reference.recall_score(y, p > 0.5),
                "f1": reference.f1_score(y, p > 0.5),
                "support": y.sum(),
                "roc_auc": reference.roc_auc_score(y, p),
                "pr_auc": reference.average_precision_score(y, p),
                "brier": reference.brier_score_loss(y, p),
            },
            rel=1e-12,
        )


def test_targets_and_levels() -> None:
    _, loss, truth, prediction = case("quantiles")
    found = assessed("quantiles").parts
    assert found["by_target"]["v"] == score(loss, truth[:, [1]], prediction[:, [1]])
    overall = score(loss, truth, prediction)
    for name in ("rmse", "pinball", "coverage"):
        mean = np.mean([scores[name] for scores in found["by_target"].values()])
        assert overall[name] == pytest.approx(mean, rel=1e-12)
    for k, level in enumerate(LEVELS):
        expected = reference.mean_pinball_loss(truth, prediction[..., k], alpha=level)
        ours = found["by_level"][f"q{level}"]
        assert ours["pinball"] == pytest.approx(expected, rel=1e-12)
        assert ours["below"] == np.mean(truth <= prediction[..., k])


def test_one_target_has_no_parts_and_one_row_no_intervals() -> None:
    target = RegressionTarget(names=("u",), scaler=Standard())
    found = assess(target, MSE(), np.array([[1.0]]), np.array([[2.0]]), 0, np.array([[2.0]]))
    assert found == Assessment(1, 0, {}, {}, {}, None)
