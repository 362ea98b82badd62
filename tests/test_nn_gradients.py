"""The analytic gradient of every layer and loss equals the numerical one, in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from components import on_rows, parametrize

from bpcli.nn.initializers import Initializer
from bpcli.nn.layer import EVALUATION, Array, Context, Layer, Views
from bpcli.nn.layers import Dense
from bpcli.nn.losses.loss import Loss
from bpcli.nn.losses.members import MemberLoss
from bpcli.nn.network import Network
from bpcli.nn.random import NoiseKey

R, B, I = 2, 5, 4  # noqa: E741  the letters of the engine
STEP = 1e-6
TOLERANCE = 1e-6
NOISE = tuple(NoiseKey(3, replica) for replica in range(R))


class Pass:
    """One network between two dense layers, with a random projection of its output."""

    def __init__(self, layers: list[Layer], seed: int = 0, inputs: int = I) -> None:
        self.rng = np.random.default_rng(seed)
        self.network = Network(layers, (inputs,))
        self.flat = self.rng.normal(0, 0.7, (R, self.network.size))
        self.trained = np.zeros(self.network.size, bool)
        for slot in self.network.slots:
            self.trained[slot.start : slot.stop] = slot.parameter.trained
        self.flat[:, ~self.trained] = 1  # running statistics; a variance is not negative
        self.x = self.rng.normal(0, 1.0, (R, B, inputs))
        self.scratch = self.network.scratch(R, B, "float64", input_gradient=True)
        self.weights = self.rng.normal(0, 1.0, (R, B, *self.network.out_shape))
        self.context = Context(training=True, iteration=7, noise=NOISE)

    def projection(self, flat: Array, x: Array) -> float:
        z = self.network.forward(x, self.network.views(flat), self.scratch, self.context)
        return float(np.sum(z * self.weights))

    def gradients(self) -> tuple[Array, Array]:
        self.projection(self.flat, self.x)
        grad = np.where(self.trained, np.nan, np.zeros_like(self.flat))
        params, grads = self.network.views(self.flat), self.network.views(grad)
        dx = self.network.backward(self.weights, params, grads, self.scratch)
        assert dx is not None
        return grad, dx.copy()


def relative_error(one: Pass) -> float:
    """|numerical − analytic| / scale along a random direction of parameters and input."""
    grad, dx = one.gradients()
    along = one.rng.normal(size=one.flat.shape) * one.trained, one.rng.normal(size=one.x.shape)
    analytic = float(np.sum(grad * along[0]) + np.sum(dx * along[1]))

    def at(step: float) -> float:
        return one.projection(one.flat + step * along[0], one.x + step * along[1])

    numerical = (at(STEP) - at(-STEP)) / (2 * STEP)
    return abs(numerical - analytic) / max(abs(numerical), abs(analytic), 1e-3)


@parametrize("layer", Layer)
@pytest.mark.parametrize("seed", range(3))
def test_layer(layer: Layer, seed: int) -> None:
    units, layers = on_rows(layer, 6)
    assert relative_error(Pass([Dense(units=units), *layers, Dense(units=3)], seed)) < TOLERANCE


@parametrize("layer", Layer)
def test_layer_at_prediction(layer: Layer) -> None:
    units, layers = on_rows(layer, 6)
    one = Pass([Dense(units=units), *layers, Dense(units=3)])
    one.context = EVALUATION
    assert relative_error(one) < TOLERANCE


@parametrize("initializer", Initializer)
def test_dense_under_every_start(initializer: Initializer) -> None:
    layers: list[Layer] = [Dense(units=6, init=initializer), Dense(units=3, init=initializer)]
    assert relative_error(Pass(layers)) < TOLERANCE


@parametrize("layer", Layer)
def test_layer_on_the_data_itself(layer: Layer) -> None:
    inputs, layers = on_rows(layer, I)
    assert relative_error(Pass([*layers, Dense(units=3)], inputs=inputs)) < TOLERANCE


def test_a_broken_backward_pass_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Dense.backward

    def wrong(self: Dense, x: Array, dy: Array, p: Views, g: Views, s: Views) -> Any:
        dx = right(self, x, dy, p, g, s)
        g.W *= 1.001
        return dx

    monkeypatch.setattr(Dense, "backward", wrong)
    assert relative_error(Pass([Dense(units=6), Dense(units=3)])) > 100 * TOLERANCE


def targets(loss: Loss, rng: np.random.Generator) -> Array:
    """Targets of two columns or classes; one score for two classes learns the second's column."""
    if loss.predicts == "numbers":
        return np.maximum(rng.normal(size=(1, B, 2)), loss.lowest)
    own = loss.loss if isinstance(loss, MemberLoss) else loss
    shares = rng.random((1, B, own.outputs(2)))
    one_of_them = loss.predicts == "classes" and shares.shape[-1] > 1
    return shares / shares.sum(axis=-1, keepdims=True) if one_of_them else np.round(shares)


@parametrize("loss", Loss)
@pytest.mark.parametrize("shared", [True, False], ids=["weights shared", "weights per replica"])
def test_loss(loss: Loss, shared: bool) -> None:
    rng = np.random.default_rng(1)
    outputs = loss.outputs(2)
    z, t = rng.normal(0, 2, (R, B, outputs)), targets(loss, rng)
    c = rng.random((1 if shared else R, B, 1))
    c /= c.sum(axis=1, keepdims=True)
    shapes = loss.scratch(outputs)
    s = Views(**{name: np.empty((R, B, *shape)) for name, shape in shapes.items()})
    loss.value(z, t, c, s)
    dz, along = s.dz.copy(), rng.normal(size=z.shape)
    ahead, behind = (loss.value(z + h * along, t, c, s).copy() for h in (STEP, -STEP))
    numerical = (ahead - behind) / (2 * STEP)
    assert numerical == pytest.approx(np.sum(dz * along, axis=(1, 2)), rel=TOLERANCE, abs=1e-9)


@parametrize("loss", Loss)
def test_loss_is_finite_for_extreme_scores(loss: Loss) -> None:
    rng = np.random.default_rng(2)
    outputs = loss.outputs(2)
    for dtype, large in (("float32", 1e18), ("float64", 1e150)):
        z = (rng.choice([-large, 0.0, large], (R, B, outputs))).astype(dtype)
        t = targets(loss, rng).astype(dtype)
        c = np.full((1, 1, 1), 1 / B, dtype)
        shapes = loss.scratch(outputs)
        s = Views(**{name: np.empty((R, B, *shape), dtype) for name, shape in shapes.items()})
        assert np.isfinite(loss.value(z, t, c, s)).all()
        assert np.isfinite(s.dz).all()
        assert np.isfinite(loss.link(z)).all()


@parametrize("layer", Layer)
def test_evaluation_ignores_noise(layer: Layer) -> None:
    units, layers = on_rows(layer, 6)
    one = Pass([Dense(units=units), *layers])
    views = one.network.views(one.flat)
    first = one.network.forward(one.x, views, one.scratch, EVALUATION).copy()
    assert np.array_equal(first, one.network.forward(one.x, views, one.scratch, EVALUATION))
