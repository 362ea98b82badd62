"""Calibrated probabilities: the best temperature, nothing else moved, and each row by itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from running import ROOT, bpcli, table, train, write_csv
from sklearn.metrics import log_loss

from bpcli.experiment.calibration import (
    DOUBT,
    Calibrated,
    Temperature,
    best_temperature,
    honesty,
    logs,
    pairs,
)
from bpcli.metrics.classification import ECE, one_hot
from bpcli.nn.losses.binary import BinaryCrossEntropy
from bpcli.nn.losses.classes import softmax


def scores(rows: int, width: int, sharpness: float, seed: int = 0) -> tuple[Any, Any]:
    """Scores (N,K) that are too sharp by a factor, and classes drawn as they should be."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(rows, width)) * 2
    p = softmax(z)
    classes = (p.cumsum(axis=1) < rng.random((rows, 1))).sum(axis=1)
    return z * sharpness, classes


@pytest.mark.parametrize("right, rows, gap", [(3, 4, 1.0), (9, 10, 5.0), (60, 100, 0.3)])
def test_rows_of_one_gap_by_hand(right: int, rows: int, gap: float) -> None:
    """σ(gap / T) = right / rows."""
    z = np.tile([0.0, gap], (rows, 1))
    t = one_hot((np.arange(rows) < right).astype(int), 2)
    share = right / rows
    expected = gap / np.log(share / (1 - share))
    assert best_temperature(z, t, 0) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("width", [2, 3, 10])
@pytest.mark.parametrize("sharpness", [0.3, 1.0, 4.0])
def test_no_other_temperature_has_a_lower_cross_entropy(width: int, sharpness: float) -> None:
    z, classes = scores(500, width, sharpness)
    best = best_temperature(z, one_hot(classes, width), 0)

    def loss(temperature: float) -> float:
        return float(log_loss(classes, softmax(z / temperature), labels=range(width)))

    least = loss(best)
    assert all(loss(best * factor) > least for factor in (0.5, 0.9, 0.999, 1.001, 1.1, 2))
    assert best == pytest.approx(sharpness, rel=0.2)


@pytest.mark.parametrize("prior", [0.0, 1.0, 4.0])
def test_the_prior_is_part_of_what_is_least(prior: float) -> None:
    z, classes = scores(30, 3, 2.0)
    t = one_hot(classes, 3)
    best = best_temperature(z, t, prior)

    def cost(temperature: float) -> float:
        inverse = 1 / temperature
        return float(
            -np.sum(t * np.log(softmax(z * inverse))) + prior * (inverse - np.log(inverse))
        )

    assert all(cost(best * factor) > cost(best) for factor in (0.9, 0.999, 1.001, 1.1))


def test_a_temperature_is_finite_where_every_row_is_right() -> None:
    z, _ = scores(30, 3, 1.0)
    p = softmax(z)
    fitted = Temperature().fit(p, p.argmax(axis=1))
    calibrated = Temperature().apply(p, fitted)
    assert 0.1 < fitted["temperature"][0] < 1
    assert len(np.unique(calibrated[:, 0])) == len(p)


@pytest.mark.parametrize("width", [2, 3, 10])
def test_the_order_of_the_classes_stays_and_they_sum_to_one(width: int) -> None:
    z, classes = scores(300, width, 5.0)
    p = softmax(z)
    fitted = Temperature().fit(p, classes)
    calibrated = Temperature().apply(p, fitted)
    assert np.array_equal(calibrated.argmax(axis=1), p.argmax(axis=1))
    assert np.array_equal(calibrated.argmin(axis=1), p.argmin(axis=1))
    assert calibrated.sum(axis=1) == pytest.approx(np.ones(300), abs=1e-14)
    assert calibrated.min() >= DOUBT / 301 / width
    assert log_loss(classes, calibrated) < log_loss(classes, p)


def test_one_score_for_two_classes_is_two_scores_whose_difference_it_is() -> None:
    z = np.array([[-800.0], [-40.0], [-1.0], [0.0], [3.0], [40.0], [800.0]])
    p = BinaryCrossEntropy().link(z[None])[0]
    fitted = {"temperature": np.array([2.5]), "mix": np.array([0.01])}
    expected = 0.99 * softmax(np.concatenate([0 * z, z], axis=1) / 2.5) + 0.005
    inside = np.abs(z[:, 0]) < 700  # beyond, p itself is 0
    assert Temperature().apply(p, fitted)[inside] == pytest.approx(expected[inside], rel=1e-12)
    assert np.isfinite(Temperature().apply(p, fitted)).all()


def test_labels_share_a_temperature() -> None:
    rng = np.random.default_rng(1)
    z = rng.normal(size=(400, 3)) * (1, 2, 3)
    truth = (rng.random(z.shape) < 1 / (1 + np.exp(-z))) * 1.0
    p = 1 / (1 + np.exp(-3 * z))
    done = Calibrated.of(Temperature(), "labels", p, truth)
    after = done("labels", p)
    assert after.shape == p.shape
    assert np.array_equal(after > 0.5, p > 0.5)
    assert done.fitted["temperature"][0] == pytest.approx(3, rel=0.15)
    flat, classes = pairs(after), truth.reshape(-1).astype(int)
    assert honesty("labels", after, truth) == pytest.approx(
        {"log_loss": log_loss(classes, flat), "ece": ECE().value(classes, flat)}, rel=1e-12
    )


def test_a_row_alone_has_the_same_bits() -> None:
    z, classes = scores(1000, 7, 3.0)
    p = softmax(z)
    fitted = Temperature().fit(p, classes)
    together = Temperature().apply(p, fitted)
    for i in (0, 1, 17, 255, 256, 999):
        assert np.array_equal(Temperature().apply(p[i : i + 1], fitted)[0], together[i])
    assert np.array_equal(Temperature().apply(p[::-1], fitted)[::-1], together)


def test_probabilities_of_zero_have_a_logarithm() -> None:
    assert logs(np.array([0.0, 1.0])).tolist() == [np.log(5e-324), 0.0]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("calibration")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(150, 3))
    y = x[:, 0] + rng.logistic(size=150) > 0
    rows = [
        {"a": a, "b": b, "c": c, "y": "yes" if t else "no"}
        for (a, b, c), t in zip(x.round(4).tolist(), y, strict=True)
    ]
    write_csv(folder / "t.csv", rows)
    text = "data: {path: t.csv, target: y}\nnetwork: [{dense: 32}, relu]\nlearning_rate: 0.05\n"
    (folder / "c.yaml").write_text(text + "epochs: 60\n")
    train(folder / "c.yaml", "-o", "run", cwd=folder)
    train(folder / "c.yaml", "-o", "raw", "--set", "calibration=none", cwd=folder)
    return folder


def metrics(folder: Path, run: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / run / "metrics.json").read_text())
    return found


def test_before_and_after_are_those_of_runs_without_and_with(folder: Path) -> None:
    with_it, without = metrics(folder, "run"), metrics(folder, "raw")
    found = with_it["calibration"]
    for which in ("train", "validation", "test"):
        for name in ("log_loss", "ece"):
            assert found["before"][which][name] == without[which][name]
            assert found["after"][which][name] == with_it[which][name]
        assert with_it[which]["accuracy"] == without[which]["accuracy"]
    assert found["after"]["validation"]["log_loss"] < found["before"]["validation"]["log_loss"]
    assert found["fitted"]["temperature"] > 1
    assert (found["rows"], without["calibration"]["rows"]) == (30, 0)


def test_predict_and_evaluate_apply_what_the_model_holds(folder: Path) -> None:
    predicted = table(bpcli("predict", "run", "t.csv", cwd=folder).stdout)
    for row in table((folder / "run" / "predictions_test.csv").read_text()):
        assert predicted[int(row["row"]) - 1] == row
    raw = table(bpcli("predict", "raw", "t.csv", cwd=folder).stdout)
    assert [row["prediction"] for row in raw] == [row["prediction"] for row in predicted]
    assert [row["p_yes"] for row in raw] != [row["p_yes"] for row in predicted]


def test_without_validation_rows_it_is_not_done_and_said(folder: Path) -> None:
    done = bpcli("train", "c.yaml", "-o", "all", "--set", "split.validation=0", cwd=folder)
    assert "there are no validation rows" in done.stdout
    assert metrics(folder, "all")["calibration"]["method"] == "none"
    assert "calibration: none" in (folder / "all" / "config.resolved.yaml").read_text()


def test_numbers_have_no_probabilities(tmp_path: Path) -> None:
    config = ROOT / "configs" / "linear_regression.yaml"
    assert "calibration" not in train(config, "-o", "run", cwd=tmp_path)
