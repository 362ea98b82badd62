"""Metrics equal scikit-learn's on random cases, ties and corners included."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as reference

from bpcli.metrics.metric import Metric, evaluate, metrics_for

CLASSES: dict[str, Callable[[Any, Any], float]] = {
    "accuracy": lambda y, p: reference.accuracy_score(y, p.argmax(axis=1)),
    "balanced_accuracy": lambda y, p: reference.recall_score(
        y, p.argmax(axis=1), average="macro", labels=np.unique(y), zero_division=0
    ),
    "log_loss": lambda y, p: reference.log_loss(y, p, labels=range(p.shape[1])),
}
NUMBERS: dict[str, Callable[[Any, Any], float]] = {
    "rmse": reference.root_mean_squared_error,
    "mae": reference.mean_absolute_error,
    "r2": reference.r2_score,
}


def test_every_metric_has_a_reference() -> None:
    assert set(Metric.members()) == set(CLASSES) | set(NUMBERS)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("classes", [2, 3, 7])
@pytest.mark.parametrize("name", CLASSES)
def test_classes(name: str, classes: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, 40)
    prediction = rng.dirichlet(np.ones(classes), 40)
    prediction[:3] = 0
    prediction[[0, 1, 2], rng.integers(0, classes, 3)] = 1  # certain, and sometimes wrong
    ours = Metric.members()[name]().value(truth, prediction)
    assert ours == pytest.approx(CLASSES[name](truth, prediction), rel=1e-12)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", NUMBERS)
def test_numbers(name: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.normal(5, 100, (33, 1))
    prediction = truth + rng.normal(0, 30, (33, 1))
    ours = Metric.members()[name]().value(truth, prediction)
    assert ours == pytest.approx(NUMBERS[name](truth, prediction), rel=1e-12)


@pytest.mark.parametrize(("shift", "expected"), [(0.0, 1.0), (1.0, 0.0)])
def test_r2_of_a_constant_truth(shift: float, expected: float) -> None:
    truth = np.full((5, 1), 3.0)
    assert Metric.members()["r2"]().value(truth, truth + shift) == expected


def test_no_rows_have_no_metrics() -> None:
    assert evaluate(metrics_for("numbers"), np.empty((0, 1)), np.empty((0, 1))) == {}
