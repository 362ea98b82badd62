"""What a loss is for: its minimum, its link, its corners, and the memory it takes."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from components import learned, parametrize
from pydantic import ValidationError
from running import bpcli, write_csv
from sklearn.metrics import mean_pinball_loss

from bpcli.nn.layer import Array, Views
from bpcli.nn.losses.binary import MultilabelCrossEntropy
from bpcli.nn.losses.classes import CrossEntropy, Focal
from bpcli.nn.losses.loss import Loss
from bpcli.nn.losses.numbers import MAE, MSE, Huber, LogCosh, Poisson, Quantile


def value_and_gradient(loss: Loss, z: Any, t: Any, c: Any = None) -> tuple[float, Array]:
    """L and dL/dz for z (B,O) and t (B,O) of one network; the rows weigh the same without c."""
    z, t = (np.array(one, "float64")[None] for one in (z, t))
    c = np.full((1, 1, 1), 1 / z.shape[1]) if c is None else np.array(c)[None, :, None]
    s = scratch(loss, z.shape)
    return float(loss.value(z, t, c, s)[0]), s.dz[0]


def scratch(loss: Loss, shape: tuple[int, ...], dtype: str = "float64") -> Views:
    """The loss's work arrays for scores (R,B,O), full of rubbish."""
    rows, shapes = shape[:2], loss.scratch(shape[-1])
    return Views(**{name: np.full((*rows, *one), np.nan, dtype) for name, one in shapes.items()})


def column(*values: float) -> Array:
    return np.array(values)[:, None]


# optax/losses/_regression_test.py: scores, targets and the loss of each row
HUBER = (
    (-2.0, 0.5, 0.0, 0.5, 2.0, 4.0, 132.0),
    (0.0, -0.5, 0.0, 1.0, 1.0, 2.0, 0.3),
    (1.5, 0.5, 0.0, 0.125, 0.5, 1.5, 131.2),
)
LOG_COSH = (
    (500.0, -2.0, -1.0, 0.5, 1.0),
    (-200.0, -1.5, 0.0, -1.0, 1.0),
    (699.3068, 0.12011445, 0.4337809, 0.85544014, 0.0),
)


@pytest.mark.parametrize(("loss", "vectors"), [(Huber(), HUBER), (LogCosh(), LOG_COSH)], ids=str)
def test_the_numbers_of_optax(loss: Loss, vectors: tuple[tuple[float, ...], ...]) -> None:
    for z, t, expected in zip(*vectors, strict=True):
        assert value_and_gradient(loss, [[z]], [[t]])[0] == pytest.approx(expected, rel=1e-6)


def test_pinball_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    levels, c = (0.05, 0.3, 0.5, 0.95), rng.random(40)
    t, z = rng.normal(size=(40, 1)), rng.normal(size=(40, 4))
    parts = [mean_pinball_loss(t, z[:, k], alpha=q, sample_weight=c) for k, q in enumerate(levels)]
    value, _ = value_and_gradient(Quantile(levels=levels), z, t, c / c.sum())
    assert value == pytest.approx(np.mean(parts), rel=1e-13)


@pytest.mark.parametrize(
    ("loss", "best"),
    [
        (MSE(), 3.5),  # the mean
        (MAE(), 2.0),  # the median
        (Quantile(levels=(0.75,)), 3.0),  # the seventh of nine
        (Huber(delta=0.01), 2.0),  # nearly the median
        (Huber(delta=100.0), 3.5),  # the mean
        (Poisson(), np.log(3.5)),
    ],
    ids=str,
)
def test_where_a_constant_prediction_is_best(loss: Loss, best: float) -> None:
    t = column(0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 17.0)
    scores = np.linspace(best - 1, best + 1, 201)
    values = [value_and_gradient(loss, np.full_like(t, z), t)[0] for z in scores]
    assert scores[int(np.argmin(values))] == pytest.approx(best, abs=0.011)


def test_quantiles_of_several_targets_do_not_mix() -> None:
    loss = Quantile(levels=(0.2, 0.5, 0.8))
    assert loss.outputs(2) == 6
    rng = np.random.default_rng(0)
    z, t = rng.normal(size=(7, 6)), rng.normal(size=(7, 2))
    both, slopes = value_and_gradient(loss, z, t)
    first, slopes_first = value_and_gradient(loss, z[:, :3], t[:, :1])
    second, slopes_second = value_and_gradient(loss, z[:, 3:], t[:, 1:])
    assert both == pytest.approx((first + second) / 2, rel=1e-14)
    assert slopes == pytest.approx(np.hstack([slopes_first, slopes_second]) / 2, rel=1e-14)


def test_quantiles_are_sorted_within_each_target() -> None:
    loss, z = Quantile(levels=(0.2, 0.5, 0.8)), np.array([[[3.0, 1.0, 2.0, -1.0, -3.0, -2.0]]])
    assert loss.link(z).tolist() == [[[1.0, 2.0, 3.0, -3.0, -2.0, -1.0]]]


@pytest.mark.parametrize("levels", [(), (0.0,), (1.0,), (0.5, 0.5), (0.9, 0.1)])
def test_levels_that_are_none(levels: tuple[float, ...]) -> None:
    with pytest.raises(ValidationError):
        Quantile(levels=levels)


def test_poisson_goes_on_as_a_tangent() -> None:
    """Value and slope are continuous at z = 30; beyond, the slope is e^30 − t."""
    for z in (29.999999, 30.0, 30.000001):
        value, slope = value_and_gradient(Poisson(), [[z]], [[2.0]])
        assert value == pytest.approx(np.exp(z) - 2 * z, rel=1e-9)
        assert slope == pytest.approx(np.exp(z) - 2, rel=2e-6)
    for dtype, z in (("float32", 1e15), ("float64", 1e200)):
        far, s = np.full((1, 1, 1), z, dtype), scratch(Poisson(), (1, 1, 1), dtype)
        one = np.ones((1, 1, 1), dtype)
        assert np.isfinite(Poisson().value(far, one, one, s)).all()
        assert s.dz == pytest.approx(np.exp(30), rel=1e-6)


def test_poisson_predicts_a_mean() -> None:
    z = np.array([[[-800.0, 0.0, 2.0, 29.0]]])
    assert Poisson().link(z)[0, 0] == pytest.approx(np.exp(z[0, 0]), rel=1e-15)


def test_smoothing_equals_smooth_targets() -> None:
    rng = np.random.default_rng(0)
    z, t = rng.normal(size=(9, 4)), np.eye(4)[rng.integers(0, 4, 9)]
    smooth = value_and_gradient(CrossEntropy(), z, 0.7 * t + 0.3 / 4)
    value, slope = value_and_gradient(CrossEntropy(label_smoothing=0.3), z, t)
    assert value == pytest.approx(smooth[0], rel=1e-14)
    assert slope == pytest.approx(smooth[1], rel=1e-13, abs=1e-16)


def test_focal_by_hand() -> None:
    """p = ¼ for the right one of four classes: −(¾)² log ¼."""
    value, _ = value_and_gradient(Focal(), np.zeros((1, 4)), [[0.0, 1.0, 0.0, 0.0]])
    assert value == pytest.approx(0.75**2 * np.log(4), rel=1e-15)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0, 20.0])
def test_focal_at_certainty(gamma: float) -> None:
    """Right and certain costs nothing, wrong and certain as much as the cross-entropy."""
    z = [[2000.0, 0.0], [2000.0, 0.0]]
    right, slope = value_and_gradient(Focal(gamma=gamma), z[:1], [[1.0, 0.0]])
    assert right == 0
    assert not slope.any()
    wrong, slope = value_and_gradient(Focal(gamma=gamma), z[:1], [[0.0, 1.0]])
    assert wrong == 2000
    assert slope.tolist() == [[1.0, -1.0]]


def test_labels_are_told_apart_one_by_one() -> None:
    """Two labels cost the mean of each alone, and their probabilities need not sum to 1."""
    loss = MultilabelCrossEntropy()
    z, t = np.array([[2.0, 3.0], [-1.0, 0.5]]), np.array([[1.0, 1.0], [0.0, 1.0]])
    alone = [value_and_gradient(loss, z[:, [k]], t[:, [k]])[0] for k in (0, 1)]
    assert value_and_gradient(loss, z, t)[0] == pytest.approx(np.mean(alone), rel=1e-15)
    assert loss.link(z[None])[0, 0].sum() > 1.5


@parametrize("loss", Loss)
def test_a_row_of_weight_zero_counts_for_nothing(loss: Loss) -> None:
    rng = np.random.default_rng(0)
    z = rng.normal(size=(3, loss.outputs(2)))
    t = np.abs(rng.normal(size=(3, learned(loss))))
    value, slope = value_and_gradient(loss, z, t, [0.25, 0.0, 0.75])
    fewer, fewer_slope = value_and_gradient(loss, z[[0, 2]], t[[0, 2]], [0.25, 0.75])
    assert value == pytest.approx(fewer, rel=1e-14)
    assert np.array_equal(slope[[0, 2]], fewer_slope)
    assert not slope[1].any()


@parametrize("loss", Loss)
def test_a_loss_takes_no_memory_that_grows_with_the_batch(loss: Loss) -> None:
    sizes = []
    for rows in (20_000, 80_000):
        z = np.zeros((2, rows, loss.outputs(2)), "float32")
        t = np.ones((1, rows, learned(loss)), "float32")
        c = np.full((1, rows, 1), 1 / rows, "float32")
        s = scratch(loss, z.shape, "float32")
        loss.value(z, t, c, s)
        tracemalloc.start()
        loss.value(z, t, c, s)
        sizes.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert sizes[1] - sizes[0] < 10_000  # bytes; one number a row would be 240,000


@pytest.mark.parametrize(
    ("assignments", "message"),
    [
        (("loss=poisson", "preprocess.target=minmax"), "poisson needs the target in its own units"),
        (("loss=poisson",), "from 0 on, 'y' has -1"),
        (("loss=multilabel_cross_entropy",), "multilabel_cross_entropy is for labels"),
    ],
)
def test_targets_that_a_loss_cannot_learn(
    assignments: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    rows = [{"x": k, "y": k % 50 - 1} for k in range(200)]
    write_csv(tmp_path / "data.csv", rows)
    (tmp_path / "c.yaml").write_text("data: {path: data.csv}\nnetwork: linear\nepochs: 1\n")
    options = [f"--set={assignment}" for assignment in assignments]
    done = bpcli("train", "c.yaml", *options, cwd=tmp_path, code=3)
    assert message in " ".join(done.stderr.split())
