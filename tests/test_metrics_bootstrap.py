"""Bootstrap intervals: what they are made of, and how often they hold the true value."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from bpcli.metrics.bootstrap import bootstrap, draw_counts
from bpcli.metrics.metric import metrics_for

SIMULATIONS = 300


def classes_of(rng: np.random.Generator, rows: int, width: int = 2) -> tuple[Any, Any]:
    return rng.integers(0, width, rows), rng.dirichlet(np.ones(width), rows)


def test_counts_draw_as_many_rows_as_there_are() -> None:
    counts = draw_counts(50, 2000, np.random.default_rng(0))
    assert counts.shape == (2000, 50) and (counts.sum(axis=1) == 50).all()
    assert counts.mean(axis=0) == pytest.approx(1, abs=0.1)
    assert counts.var() == pytest.approx(1 - 1 / 50, abs=0.02)


@pytest.mark.parametrize("weighted", [False, True])
def test_a_resample_is_a_table_of_its_own(weighted: bool, monkeypatch: Any) -> None:
    monkeypatch.setattr("bpcli.metrics.bootstrap.BLOCK", 90)  # three resamples at once
    rng = np.random.default_rng(0)
    truth, prediction = classes_of(rng, 30, 3)
    weights = rng.gamma(1.0, size=30) if weighted else None
    metrics = metrics_for("classes")
    said = bootstrap(
        metrics, truth, prediction, np.random.default_rng(7), weights=weights, resamples=21
    )
    same = np.random.default_rng(7)
    drawn = np.concatenate([draw_counts(30, 3, same) for _ in range(7)]).astype(int)
    for metric in metrics:
        values = [
            metric.value(truth[rows], prediction[rows], None if weights is None else weights[rows])
            for rows in (np.repeat(np.arange(30), counts) for counts in drawn)
        ]
        expected = np.quantile(np.array(values, dtype=float), [0.025, 0.975])
        assert said.intervals()[metric.name] == pytest.approx(expected, rel=1e-12)


def test_a_seed_repeats() -> None:
    truth, prediction = classes_of(np.random.default_rng(0), 40)
    one, two = (
        bootstrap(metrics_for("classes"), truth, prediction, np.random.default_rng(3))
        for _ in range(2)
    )
    assert one.intervals() == two.intervals()
    assert one.resamples == 1000


def test_a_lower_level_is_narrower() -> None:
    truth, prediction = classes_of(np.random.default_rng(0), 200)
    wide, narrow = (
        bootstrap(metrics_for("classes"), truth, prediction, np.random.default_rng(3)).intervals(
            level
        )
        for level in (0.95, 0.5)
    )
    for name, (low, high) in narrow.items():
        assert wide[name][0] < low < high < wide[name][1], name


def test_differences_are_paired() -> None:
    """Two models that err on the same rows differ by less than each of them moves."""
    truth, prediction = classes_of(np.random.default_rng(0), 200)
    better = np.where(np.arange(200)[:, None] < 10, np.eye(prediction.shape[1])[truth], prediction)
    one, other = (
        bootstrap(metrics_for("classes"), truth, p, np.random.default_rng(3))
        for p in (better, prediction)
    )
    low, high = one.minus(other).intervals()["accuracy"]
    gain = np.mean((better.argmax(axis=1) == truth)[:10]) - np.mean(
        (prediction.argmax(axis=1) == truth)[:10]
    )
    assert 0 <= low < 10 / 200 * gain < high
    alone = one.intervals()["accuracy"]
    assert high - low < 0.5 * (alone[1] - alone[0])
    assert one.minus(one).intervals()["log_loss"] == (0, 0)


def test_large_tables_take_fewer_resamples() -> None:
    truth, prediction = classes_of(np.random.default_rng(0), 20_000)
    said = bootstrap(metrics_for("classes")[:1], truth, prediction, np.random.default_rng(0))
    assert said.resamples == 500


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_tiny_tables(rows: int) -> None:
    truth, prediction = np.arange(rows) * 1.0, np.ones(rows)
    said = bootstrap(
        metrics_for("numbers"), truth[:, None], prediction[:, None], np.random.default_rng(0)
    )
    assert all(np.isfinite(ends).all() for ends in said.intervals().values())
    assert len(said.intervals()) == [0, 3, 5][rows]


def test_a_resample_without_a_class_is_left_out() -> None:
    truth, prediction = np.array([0, 0, 0, 1]), np.eye(2)[[0, 0, 0, 1]]
    said = bootstrap(metrics_for("classes"), truth, prediction, np.random.default_rng(0))
    assert said.intervals()["roc_auc"] == (1.0, 1.0)
    one_class = bootstrap(metrics_for("classes"), 0 * truth, prediction, np.random.default_rng(0))
    assert not {"roc_auc", "pr_auc"} & set(one_class.intervals())


def test_coverage() -> None:
    """Of 300 simulated tables about 95 % have an interval that holds the true value."""
    rng = np.random.default_rng(0)
    true = {
        "accuracy": normal_below(0.75),
        "roc_auc": normal_below(1.5 / math.sqrt(2)),
        "rmse": 2.0,
        "mae": 2 * math.sqrt(2 / math.pi),
        "median_ae": 2 * 0.6744897501960817,
        "r2": 1 - 4 / 13,
    }
    held = dict.fromkeys(true, 0)
    for _ in range(SIMULATIONS):
        truth = rng.integers(0, 2, 200)
        score = 1 / (1 + np.exp(-1.5 * (rng.normal(size=200) + 1.5 * truth - 0.75)))
        center = rng.normal(0, 3, (200, 1))
        cases = {
            "classes": (truth, np.stack([1 - score, score], axis=1)),
            "numbers": (center + rng.normal(0, 2, (200, 1)), center),
        }
        for kind, (t, p) in cases.items():
            metrics = [metric for metric in metrics_for(kind) if metric.name in true]
            drawn = bootstrap(metrics, t, p, rng, resamples=300)
            for name, (low, high) in drawn.intervals().items():
                held[name] += low <= true[name] <= high
    shares = {name: count / SIMULATIONS for name, count in held.items()}
    assert all(0.91 <= share <= 0.98 for share in shares.values()), shares


def normal_below(x: float) -> float:
    return (1 + math.erf(x / math.sqrt(2))) / 2
