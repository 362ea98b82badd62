"""Metrics equal scikit-learn's on random cases, with weights and ties; corners follow the rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as reference

from bpcli.metrics.metric import Metric, evaluate, metrics_for

Reference = Callable[[Any, Any, Any], float]
WEIGHTS = ["none", "integers", "reals"]


def macro(score: Callable[..., float], **options: Any) -> Reference:
    return lambda y, p, c: score(
        y, p.argmax(axis=1), average="macro", zero_division=0, sample_weight=c, **options
    )


def one_vs_rest(score: Callable[..., float]) -> Reference:
    def mean(y: Any, p: Any, c: Any) -> float:
        chosen = [1] if p.shape[1] == 2 else np.unique(y)
        return float(np.mean([score(y == k, p[:, k], sample_weight=c) for k in chosen]))

    return mean


def by_label(score: Callable[..., float]) -> Reference:
    """The mean over the labels that some rows have and some have not."""
    return lambda y, p, c: np.mean(
        [
            score(y[:, k], p[:, k], sample_weight=c)
            for k in range(y.shape[1])
            if 0 < y[:, k].mean() < 1
        ]
    )


def brier(y: Any, p: Any, c: Any) -> float:
    if p.shape[1] == 2:
        return reference.brier_score_loss(y, p[:, 1], sample_weight=c, pos_label=1)
    return reference.brier_score_loss(y, p, sample_weight=c, labels=range(p.shape[1]))


def ece(y: Any, p: Any, c: Any) -> float:
    c = np.ones(len(y)) if c is None else c
    confidence, right, total = p.max(axis=1), p.argmax(axis=1) == y, 0.0
    for low, high in zip(np.linspace(0, 1, 16)[:-1], np.linspace(0, 1, 16)[1:], strict=True):
        inside = (confidence > low) & (confidence <= high)
        if inside.any():
            means = [np.average(x[inside], weights=c[inside]) for x in (right, confidence)]
            total += c[inside].sum() / c.sum() * abs(means[0] - means[1])
    return total


def mape(y: Any, p: Any, c: Any) -> float:
    kept = y[:, 0] != 0
    c = None if c is None else c[kept]
    return reference.mean_absolute_percentage_error(y[kept], p[kept], sample_weight=c)


CLASSES: dict[str, Reference] = {
    "accuracy": lambda y, p, c: reference.accuracy_score(y, p.argmax(axis=1), sample_weight=c),
    "balanced_accuracy": lambda y, p, c: reference.recall_score(
        y, p.argmax(axis=1), average="macro", labels=np.unique(y), sample_weight=c
    ),
    "precision": macro(reference.precision_score),
    "recall": macro(reference.recall_score),
    "f1": macro(reference.f1_score),
    "roc_auc": one_vs_rest(reference.roc_auc_score),
    "pr_auc": one_vs_rest(reference.average_precision_score),
    "log_loss": lambda y, p, c: reference.log_loss(y, p, labels=range(p.shape[1]), sample_weight=c),
    "brier": brier,
    "ece": ece,
}
NUMBERS: dict[str, Reference] = {
    "rmse": lambda y, p, c: reference.root_mean_squared_error(y, p, sample_weight=c),
    "mae": lambda y, p, c: reference.mean_absolute_error(y, p, sample_weight=c),
    "r2": lambda y, p, c: reference.r2_score(y, p, sample_weight=c),
    "median_ae": lambda y, p, c: reference.median_absolute_error(y, p, sample_weight=c),
    "mape": mape,
}
LABELS: dict[str, Reference] = {
    "f1_micro": lambda y, p, c: reference.f1_score(
        y, p > 0.5, average="micro", zero_division=0, sample_weight=c
    ),
    "f1_macro": lambda y, p, c: reference.f1_score(
        y, p > 0.5, average="macro", zero_division=0, sample_weight=c
    ),
    "subset_accuracy": lambda y, p, c: reference.accuracy_score(y, p > 0.5, sample_weight=c),
    "hamming_loss": lambda y, p, c: reference.hamming_loss(y, p > 0.5, sample_weight=c),
    "roc_auc_macro": by_label(reference.roc_auc_score),
    "pr_auc_macro": by_label(reference.average_precision_score),
    "brier_macro": lambda y, p, c: reference.mean_squared_error(y, p, sample_weight=c),
}
LEVELS = (0.1, 0.5, 0.9)
QUANTILES: dict[str, Reference] = {
    "pinball": lambda y, p, c: np.mean(
        [
            reference.mean_pinball_loss(y, p[..., k], alpha=level, sample_weight=c)
            for k, level in enumerate(LEVELS)
        ]
    ),
    "coverage": lambda y, p, c: np.average(
        ((p[..., 0] <= y) & (y <= p[..., -1])).mean(axis=1), weights=c
    ),
}
REFERENCES = CLASSES | NUMBERS | LABELS | QUANTILES


def weights_of(kind: str, rows: int, rng: np.random.Generator) -> Any:
    integers, reals = rng.integers(1, 4, rows) * 1.0, rng.gamma(1.0, size=rows)
    return {"none": None, "integers": integers, "reals": reals}[kind]


def class_case(seed: int, classes: int, rows: int = 60) -> tuple[Any, Any]:
    """Truth with a possibly absent class, and probabilities with many ties and certainties."""
    rng = np.random.default_rng([seed, classes])
    kinds = rng.dirichlet(np.ones(classes), rows if seed % 2 else 6)
    kinds[0], kinds[1], kinds[2] = 1 / classes, np.eye(classes)[0], np.eye(classes)[-1]
    truth = rng.integers(0, classes - (seed == 4 and classes > 2), rows)
    return truth, kinds[rng.integers(0, len(kinds), rows)]


def number_case(seed: int, rows: int = 33, targets: int = 1) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    truth = rng.normal(5, 100, (rows, targets))
    return truth, truth + rng.normal(0, 30, (rows, targets)).round(-1)  # tied errors


def label_case(seed: int, labels: int = 4, rows: int = 60) -> tuple[Any, Any]:
    """Labels of any share, in one case one that nobody has, with tied and certain probabilities."""
    rng = np.random.default_rng([seed, labels])
    truth = (rng.random((rows, labels)) < rng.random(labels)).astype(float)
    truth[0], truth[1] = 0, 1
    if seed == 4:
        truth[:, 0] = 0
    return truth, rng.random((rows, labels)).round(seed % 3)


def quantile_case(seed: int, targets: int = 2, rows: int = 40) -> tuple[Any, Any]:
    """Rising quantiles, some of them equal to the truth."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(5, 10, (rows, targets)).round()
    spread = rng.normal(0, 10, (rows, targets, len(LEVELS))).round()
    return truth, np.sort(truth[..., None] + spread, axis=-1)


def value(name: str, truth: Any, prediction: Any, weights: Any = None) -> float | None:
    return Metric.members()[name]().value(np.array(truth), np.array(prediction), weights)


def test_every_metric_has_a_reference() -> None:
    assert set(Metric.members()) == set(REFERENCES)


def test_the_first_metric_is_the_history_s() -> None:
    assert metrics_for("classes")[0].name == "accuracy"
    assert metrics_for("numbers")[0].name == "rmse"
    assert metrics_for("labels")[0].name == "f1_micro"


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("classes", [2, 3, 7])
@pytest.mark.parametrize("name", CLASSES)
def test_classes(name: str, classes: int, seed: int, weights: str) -> None:
    truth, prediction = class_case(seed, classes)
    c = weights_of(weights, len(truth), np.random.default_rng(seed))
    expected = CLASSES[name](truth, prediction, c)
    assert value(name, truth, prediction, c) == pytest.approx(expected, rel=1e-12)


def test_roc_auc_is_scikit_learn_s_one_versus_rest() -> None:
    truth, prediction = class_case(1, 3)
    expected = reference.roc_auc_score(truth, prediction, multi_class="ovr", average="macro")
    assert value("roc_auc", truth, prediction) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", NUMBERS)
def test_numbers(name: str, seed: int, weights: str) -> None:
    truth, prediction = number_case(seed, 33 + seed % 2)
    truth[:3] = 0
    c = weights_of(weights, len(truth), np.random.default_rng(seed))
    expected = NUMBERS[name](truth, prediction, c)
    assert value(name, truth, prediction, c) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", LABELS | QUANTILES)
def test_labels_and_quantiles(name: str, seed: int, weights: str) -> None:
    truth, prediction = any_case(name, seed)
    c = weights_of(weights, len(truth), np.random.default_rng(seed))
    expected = REFERENCES[name](truth, prediction, c)
    assert value(name, truth, prediction, c) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("name", NUMBERS)
def test_several_targets(name: str, weights: str) -> None:
    truth, prediction = number_case(0, targets=3)
    c = weights_of(weights, len(truth), np.random.default_rng(0))
    expected = NUMBERS[name](truth, prediction, c)
    assert value(name, truth, prediction, c) == pytest.approx(expected, rel=1e-12)


def any_case(name: str, seed: int = 1) -> tuple[Any, Any]:
    if name in LABELS:
        return label_case(seed)
    if name in QUANTILES:
        return quantile_case(seed)
    return class_case(seed, 3) if name in CLASSES else number_case(seed)


@pytest.mark.parametrize("name", REFERENCES)
def test_values_are_within_the_limits(name: str) -> None:
    low, high = Metric.members()[name].limits
    for seed in range(5):
        truth, prediction = any_case(name, seed)
        for rows in (slice(None), slice(0, 7)):
            found = value(name, truth[rows], prediction[rows])
            assert found is None or low <= found <= high


@pytest.mark.parametrize("name", REFERENCES)
def test_a_weight_counts_rows(name: str) -> None:
    truth, prediction = any_case(name)
    counts = np.random.default_rng(0).integers(0, 3, len(truth))
    rows = np.repeat(np.arange(len(truth)), counts)
    repeated = value(name, truth[rows], prediction[rows])
    assert value(name, truth, prediction, counts * 1.0) == pytest.approx(repeated, rel=1e-12)


@pytest.mark.parametrize("name", REFERENCES)
def test_only_the_proportions_of_weights_count(name: str) -> None:
    truth, prediction = any_case(name)
    c = np.random.default_rng(0).gamma(1.0, size=len(truth))
    once = value(name, truth, prediction, c)
    assert value(name, truth, prediction, 1e-3 * c) == pytest.approx(once, rel=1e-12)


@pytest.mark.parametrize("name", REFERENCES)
def test_many_sets_of_weights_at_once(name: str) -> None:
    truth, prediction = any_case(name, seed=2)
    c = np.random.default_rng(0).gamma(1.0, size=(4, len(truth)))
    together = Metric.members()[name]().values(truth, prediction, c)
    alone = [value(name, truth, prediction, row) for row in c]
    np.testing.assert_allclose(together, alone, rtol=1e-12)


@pytest.mark.parametrize("name", REFERENCES)
def test_nothing_is_defined_without_weight(name: str) -> None:
    truth, prediction = any_case(name)
    assert value(name, truth, prediction, np.zeros(len(truth))) is None


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("only", [0, 1])
def test_one_class_has_no_ranking(only: int, classes: int) -> None:
    truth, prediction = np.full(60, only), class_case(1, classes)[1]
    defined = evaluate(metrics_for("classes"), truth, prediction)
    assert set(defined) == set(CLASSES) - {"roc_auc", "pr_auc"}
    for name, ours in defined.items():
        assert ours == pytest.approx(CLASSES[name](truth, prediction, None), rel=1e-12)


def test_equal_scores_rank_nothing() -> None:
    truth, prediction = np.array([0, 1, 1, 1]), np.full((4, 2), 0.5)
    assert value("roc_auc", truth, prediction) == 0.5
    assert value("pr_auc", truth, prediction) == 0.75


@pytest.mark.parametrize(("right", "expected"), [(True, 1.0), (False, 0.0)])
def test_one_row_of_two_classes(right: bool, expected: float) -> None:
    prediction = np.array([[0.1, 0.9] if right else [0.9, 0.1]])
    defined = evaluate(metrics_for("classes"), np.array([1]), prediction)
    shares = ["accuracy", "balanced_accuracy", "precision", "recall", "f1"]
    assert [defined[name] for name in shares] == [expected] * 5
    assert defined["brier"] == pytest.approx(0.01 if right else 0.81)
    assert defined["ece"] == pytest.approx(0.1 if right else 0.9)


def test_recall_counts_a_class_that_is_only_predicted() -> None:
    truth, prediction = np.array([0, 0, 0, 1]), np.eye(3)[[0, 0, 2, 1]]
    assert value("balanced_accuracy", truth, prediction) == pytest.approx((2 / 3 + 1) / 2)
    assert value("recall", truth, prediction) == pytest.approx((2 / 3 + 1 + 0) / 3)


def test_ece_bins_are_closed_above() -> None:
    edge = 12 / 15  # with its bin-mates just below, not above
    prediction = np.array(
        [[edge, 1 - edge], [edge - 0.01, 1.01 - edge], [edge + 0.01, 0.99 - edge]]
    )
    hits = [1 - edge, -(edge - 0.01), 1 - (edge + 0.01)]
    expected = (abs(hits[0] + hits[1]) + abs(hits[2])) / 3
    assert value("ece", [0, 1, 0], prediction) == pytest.approx(expected)


def test_certain_and_wrong_is_finite() -> None:
    assert value("log_loss", [0], [[0.0, 1.0]]) == pytest.approx(-np.log(np.finfo(float).eps))


@pytest.mark.parametrize(("shift", "expected"), [(0.0, 1.0), (1.0, 0.0)])
@pytest.mark.parametrize("constant", [3.0, 0.1, 0.0, 1e9 / 3])
def test_r2_of_a_constant_truth(constant: float, shift: float, expected: float) -> None:
    truth = np.full((7, 1), constant)
    assert value("r2", truth, truth + shift) == expected


def test_one_row_of_numbers() -> None:
    defined = evaluate(metrics_for("numbers"), np.array([[2.0]]), np.array([[5.0]]))
    assert defined == {"rmse": 3.0, "mae": 3.0, "median_ae": 3.0, "mape": 1.5}


@pytest.mark.parametrize("constant", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("name", ["f1_micro", "f1_macro", "subset_accuracy", "hamming_loss"])
def test_constant_predictions_of_labels(name: str, constant: float) -> None:
    truth, _ = label_case(4)
    prediction = np.full(truth.shape, constant)
    expected = LABELS[name](truth, prediction, None)
    assert value(name, truth, prediction) == pytest.approx(expected)


def test_one_row_of_labels_has_no_ranking() -> None:
    defined = evaluate(metrics_for("labels"), np.array([[1.0, 0]]), np.array([[0.9, 0.6]]))
    assert set(defined) == set(LABELS) - {"roc_auc_macro", "pr_auc_macro"}
    assert (defined["hamming_loss"], defined["subset_accuracy"]) == (0.5, 0)
    assert defined["f1_micro"] == pytest.approx(2 / 3)


def test_one_level_covers_nothing() -> None:
    truth, prediction = np.zeros((3, 1)), np.ones((3, 1, 1))
    found = evaluate(metrics_for("quantiles", levels=(0.9,)), truth, prediction)
    assert found == pytest.approx({"pinball": 0.1})


def test_mape_leaves_out_truth_zero() -> None:
    truth, prediction = np.array([[0.0], [4.0], [-2.0]]), np.array([[9.0], [5.0], [-3.0]])
    assert value("mape", truth, prediction) == 0.375
    assert value("mape", 0 * truth, prediction) is None
    assert value("mape", truth, prediction, np.array([1.0, 0, 0])) is None


def test_no_rows_have_no_metrics() -> None:
    assert evaluate(metrics_for("numbers"), np.empty((0, 1)), np.empty((0, 1))) == {}


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("weights", ["none", "reals"])
def test_many_rows_are_summed_in_blocks(
    name: str, weights: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth, prediction = number_case(5, rows=101, targets=2)
    c = weights_of(weights, 101, np.random.default_rng(5))
    (one,) = (one for one in metrics_for("numbers") if one.name == name)
    whole = one.value(truth, prediction, c)
    monkeypatch.setattr("bpcli.metrics.metric.ROWS", 10)
    assert one.value(truth, prediction, c) == pytest.approx(whole, rel=1e-12)
