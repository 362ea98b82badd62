"""Attributions: closed forms on linear networks, sums, what is exact and what is sampled."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations

import numpy as np
import pytest
from components import members
from subjects import classes_target, numbers_target, predictor, subject

from bpcli.experiment.calibration import Calibrated, Temperature
from bpcli.experiment.predictor import Ensemble
from bpcli.insight.attribution import Attributions
from bpcli.insight.integrated import integrated_gradients
from bpcli.insight.shapley import shapley_values
from bpcli.insight.subject import Subject
from bpcli.nn.activations import Tanh
from bpcli.nn.layers import Dense
from bpcli.nn.losses.classes import CrossEntropy
from bpcli.nn.losses.loss import Loss
from bpcli.nn.losses.numbers import MSE

RNG = np.random.default_rng(4)
X = RNG.normal(0, 1, (300, 4))  # two blocks of rows
MEDIANS = [0.5, -0.2, 0.0, 0.3]
EVERY = np.arange(12)


def linear() -> Subject:
    return subject(predictor([Dense(units=2)], MSE(), numbers_target("u", "v"), medians=MEDIANS), X)


def deep(loss: Loss | None = None) -> Subject:
    layers = [Dense(units=5), Tanh(), Dense(units=3)]
    target = classes_target(3)
    return subject(predictor(layers, loss or CrossEntropy(), target, medians=MEDIANS), X)


def background(one: Subject) -> Subject:
    """Other rows before the same model."""
    return one._replace(inputs=[X[50:60]])


METHODS: dict[str, Callable[[Subject], tuple[Attributions, object]]] = {
    "integrated gradients": lambda one: (integrated_gradients(one), np.array(MEDIANS)),
    "Shapley values": lambda one: (
        shapley_values(one, background(one), 0),
        X[50:60].mean(axis=0),
    ),
    "Shapley values, sampled": lambda one: (
        shapley_values(one, background(one), 0, exact=2),
        X[50:60].mean(axis=0),
    ),
}


@pytest.mark.parametrize("method", METHODS)
def test_on_a_linear_network_a_column_adds_its_weighted_distance(method: str) -> None:
    one = linear().take(EVERY)
    (part,) = one.ensemble.parts
    weights = part.network.views(part.flat)[0].W[0]
    found, start = METHODS[method](one)
    expected = weights.T * (X[EVERY] - start)[:, None]
    assert found.values == pytest.approx(expected, abs=1e-8)
    assert found.gap == pytest.approx(0, abs=1e-8)


@pytest.mark.parametrize("method", METHODS)
def test_the_sum_is_the_prediction_less_the_baseline(method: str) -> None:
    one = deep().take(EVERY)
    found, _ = METHODS[method](one)
    assert found.prediction == pytest.approx(one.answer(one.inputs), abs=1e-15)
    total = found.values.sum(axis=-1) + found.baseline
    assert total == pytest.approx(found.prediction, abs=1e-8)
    assert np.abs(found.values).max() > 0.1


WITH_TARGET = [one for one in members(Loss) if one.predicts != "clusters"]


@pytest.mark.parametrize("loss", WITH_TARGET, ids=lambda loss: loss.name)
def test_every_loss_has_gradients_of_what_it_answers(loss: Loss) -> None:
    two = loss.outputs(2)
    target = numbers_target("u", "v") if loss.predicts == "numbers" else classes_target(2)
    layers = [Dense(units=5), Tanh(), Dense(units=two)]
    one = subject(predictor(layers, loss, target, medians=MEDIANS), X[:20])
    found = integrated_gradients(one, steps=50)
    size = np.abs(found.prediction - found.baseline).max()
    crossing = bool(loss.quantiles())  # where sorted quantiles cross, they have a kink
    assert np.abs(found.gap).max() < (0.05 if crossing else 1e-6) * size
    assert found.values.shape == (20, found.prediction.shape[1], 4)


def test_an_ensemble_that_is_calibrated_is_explained_as_it_answers() -> None:
    parts = [deep().ensemble.parts[0]._replace(flat=RNG.normal(0, 1, (2, 43))) for _ in range(2)]
    tensors = {"temperature": np.array([0.7]), "mix": np.array([0.05])}
    ensemble = Ensemble.of(parts[0])._replace(
        parts=tuple(parts), calibration=Calibrated(Temperature(), tensors)
    )
    one = Subject.encoded(ensemble, [X[:30], X[:30]])
    found = integrated_gradients(one)
    assert found.prediction == pytest.approx(one.answer(one.inputs), abs=0)
    assert found.gap == pytest.approx(0, abs=1e-7)


def test_exact_shapley_values_are_the_mean_over_all_orders() -> None:
    one, behind = deep().take(np.arange(2)), background(deep())
    found = shapley_values(one, behind, 0)
    for row in range(2):
        gains = np.zeros((3, 4))
        orders = list(permutations(range(4)))
        for order in orders:
            taken = np.zeros(4, dtype=bool)
            before = behind.answer(behind.inputs).mean(axis=0)
            for column in order:
                taken[column] = True
                now = behind.answer(behind.mixed([X[[row]]], taken)).mean(axis=0)
                gains[:, column] += (now - before) / len(orders)
                before = now
        assert found.values[row] == pytest.approx(gains, abs=1e-12)


def test_sampled_shapley_values_are_as_near_as_they_say() -> None:
    one, behind = deep().take(np.arange(20)), background(deep())
    exact, sampled = (shapley_values(one, behind, 7, exact=most) for most in (12, 0))
    assert exact.standard_error is None and sampled.standard_error is not None
    z = (sampled.values - exact.values) / sampled.standard_error
    assert 0.4 < np.sqrt(np.mean(z**2)) < 1.6


def test_a_row_has_the_same_bits_alone() -> None:
    one = deep()
    together = integrated_gradients(one)
    for row in (0, 255, 256, 299):
        alone = integrated_gradients(one.take(np.array([row])))
        assert alone.values.tobytes() == together.values[[row]].tobytes()
