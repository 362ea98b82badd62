"""Penalties, decay, clipping and averaging against their formulae, in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bpcli.nn.activations import Tanh
from bpcli.nn.batches import Rows
from bpcli.nn.composite import Parametric
from bpcli.nn.divergence import Diverged
from bpcli.nn.initializers import Zeros as InitialZeros
from bpcli.nn.layer import Array
from bpcli.nn.layers import Dense, Scale
from bpcli.nn.losses.numbers import MSE
from bpcli.nn.method import Method
from bpcli.nn.network import Network
from bpcli.nn.normalization import BatchNorm, LayerNorm
from bpcli.nn.numbers import Periodic
from bpcli.nn.optimizers.gradients import SGD
from bpcli.nn.schedules import Constant, Step
from bpcli.nn.state import State
from bpcli.nn.training import train
from bpcli.nn.update import Clip, Regularization

NETWORK = Network([Dense(units=4), LayerNorm(), Tanh(), Dense(units=1)], (3,))
RATE = 0.1


def rows(scale: float = 1.0) -> Rows:
    rng = np.random.default_rng(0)
    return Rows(rng.normal(size=(1, 20, 3)) * scale, rng.normal(size=(1, 20, 1)) * scale)


def method(**changes: Any) -> Method:
    settings = {"batch_size": 20, "iterations": 1, "replicas": (0, 1), "rates": (RATE, RATE / 2)}
    return Method(MSE(), SGD(), Constant(), **(settings | changes))


def after(how: Method, data: Rows | None = None) -> tuple[Array, Array, State]:
    """Parameters before and after training, and the state."""
    state = State.start(NETWORK, how, "float64")
    before = state.flat.copy()
    list(train(NETWORK, how, state, data or rows()))
    return before, state.flat, state


def gradient(data: Rows | None = None) -> Array:
    """The plain gradient at the start, from one step of gradient descent."""
    before, flat, _ = after(method(), data)
    return (before - flat) / np.array([[RATE], [RATE / 2]])


def weights() -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which parameters are weight matrices."""
    mask = np.zeros(NETWORK.size, bool)
    for slot in NETWORK.slots:
        mask[slot.start : slot.stop] = slot.name == "W"
    return mask


def test_penalties_act_on_weight_matrices_only() -> None:
    before, flat, _ = after(method(regularization=(Regularization(l1=0.3, l2=0.7),)))
    penalty = np.where(weights(), 0.7 * before + 0.3 * np.sign(before), 0)
    rates = np.array([[RATE], [RATE / 2]])
    assert flat == pytest.approx(before - rates * (gradient() + penalty), rel=1e-12, abs=1e-15)


def test_decoupled_decay_shrinks_weights_before_the_step() -> None:
    before, flat, _ = after(method(regularization=(Regularization(weight_decay=0.5),)))
    rates = np.array([[RATE], [RATE / 2]])
    shrunk = np.where(weights(), before * (1 - rates * 0.5), before)
    assert flat == pytest.approx(shrunk - rates * gradient(), rel=1e-12, abs=1e-15)


@pytest.mark.parametrize(
    "layer",
    [
        Scale(rate=6.0, decay=0.5),
        Parametric(activation=Tanh(), rate=3.0, decay=2.0),
        Periodic(frequencies=2, width=1, rate=0.5, decay=0.0),
    ],
    ids=lambda layer: layer.name,
)
def test_a_layer_has_a_decay_of_its_own(layer: Any) -> None:
    network, how = Network([layer, Dense(units=1)], (3,)), method(replicas=(0,), rates=(RATE,))
    states = []
    for decay in (0.0, 0.5):
        how = how._replace(regularization=(Regularization(weight_decay=decay),))
        state = State.start(network, how, "float64")
        before = state.flat.copy()
        list(train(network, how, state, rows()))
        states.append(state.flat)
    plain, decayed = states
    for slot in network.slots:
        own = slice(slot.start, slot.stop)
        factor = slot.parameter.rate * slot.parameter.decay * slot.parameter.decays
        if slot.parameter.decays and slot.name in ("v", "a", "w", "V"):
            assert factor == layer.rate * layer.decay
        lost = RATE * 0.5 * factor * before[:, own]
        assert decayed[:, own] == pytest.approx(plain[:, own] - lost, rel=1e-12, abs=1e-15)


def test_clipping_by_norm_takes_each_network_by_itself() -> None:
    g = gradient()
    norms = np.linalg.norm(g, axis=1)
    limit = float(norms.mean())  # one of the two is clipped
    before, flat, _ = after(method(clip=Clip(norm=limit)))
    clipped = g * np.minimum(1, limit / (norms + 1e-6))[:, None]
    rates = np.array([[RATE], [RATE / 2]])
    assert flat == pytest.approx(before - rates * clipped, rel=1e-9, abs=1e-12)
    assert not np.allclose(clipped, g)


def test_clipping_by_value() -> None:
    before, flat, _ = after(method(clip=Clip(value=0.05)))
    rates = np.array([[RATE], [RATE / 2]])
    assert flat == pytest.approx(before - rates * np.clip(gradient(), -0.05, 0.05), abs=1e-12)


def test_the_running_mean_of_the_parameters() -> None:
    how = method(iterations=5, ema=0.8)
    state = State.start(NETWORK, how, "float64")
    seen: list[Any] = []
    for _ in train(NETWORK, how, state, rows()):
        seen.append(state.flat.copy())
        shares = 0.8 ** np.arange(len(seen))[::-1]
        expected = np.average(seen, axis=0, weights=shares)
        assert state.result == pytest.approx(expected, rel=1e-12)
    assert not np.allclose(state.result, state.flat)


@pytest.mark.parametrize("blocks", [1, 3, 7])
def test_blocks_change_no_bit(monkeypatch: pytest.MonkeyPatch, blocks: int) -> None:
    how = method(iterations=4)
    _, whole, _ = after(how)
    monkeypatch.setattr("bpcli.nn.update.Update.BLOCK", 2 * blocks)
    _, parts, _ = after(how)
    assert whole.tobytes() == parts.tobytes()


def test_a_gradient_beyond_the_numbers_is_named() -> None:
    network = Network([Dense(units=1, init=InitialZeros())], (1,))
    how = method(batch_size=4, iterations=2, rates=(RATE,), replicas=(0,))
    data = Rows(np.full((1, 4, 1), 1e22, "float32"), np.full((1, 4, 1), 1e18, "float32"))
    state = State.start(network, how, "float32")
    with np.errstate(all="ignore"), pytest.raises(Diverged) as error:
        list(train(network, how, state, data))
    assert (error.value.what, error.value.layer) == ("gradient", "the gradient of layer 1 (dense)")
    assert not state.flat.any()


@pytest.mark.parametrize("parts", [1, 2])
@pytest.mark.parametrize("ema", [None, 0.9])
def test_weights_beyond_the_numbers_are_taken_back(parts: int, ema: float | None) -> None:
    """One of four batches makes them so; what is kept is from before the epoch."""
    network = Network([Dense(units=64, init=InitialZeros()), Dense(units=1)], (1,))
    x, t = np.ones((1, 8, 1), "float32"), np.zeros((1, 8, 1), "float32")
    t[0, :2] = 1e10
    how = method(batch_size=2, iterations=12, rates=(1e35,), replicas=(0,), parts=parts, ema=ema)
    state = State.start(network, how, "float32")
    before = state.flat.copy()
    with pytest.raises(Diverged) as error:
        list(train(network, how, state, Rows(x, t)))
    assert error.value.what == "weights"
    assert error.value.layer in ("layer 1 (dense)", "layer 2 (dense)")
    assert np.array_equal(state.flat, before) and np.array_equal(state.result, before)


def test_weights_whose_squares_overflow_are_finite() -> None:
    network = Network([Dense(units=1, init=InitialZeros())], (1,))
    data = Rows(np.ones((1, 4, 1), "float32"), np.full((1, 4, 1), 1e15, "float32"))
    how = method(batch_size=4, iterations=1, rates=(1e9,), replicas=(0,))
    state = State.start(network, how, "float32")
    list(train(network, how, state, data))
    assert np.abs(state.flat).max() > 1e23


def test_the_loss_before_a_divergence_is_known_across_epochs() -> None:
    how = method(rates=(1e3, 1e3), iterations=500)
    losses = []
    with pytest.raises(Diverged) as error:
        for epoch in train(NETWORK, how, State.start(NETWORK, how, "float64"), rows()):
            losses.append(epoch.loss.tolist())
    assert error.value.iteration > 2
    assert error.value.loss_before in losses[-1]


@pytest.mark.parametrize(
    ("data", "what", "layer"),
    [
        (rows(1e200), "loss", "the output"),
        (Rows(np.where(np.arange(3) == 1, np.inf, rows().x), rows().t), "loss", "the data"),
    ],
)
def test_what_diverges_is_named_and_changes_nothing(data: Rows, what: str, layer: str) -> None:
    how = method(iterations=3)
    state = State.start(NETWORK, how, "float64")
    before = state.flat.copy()
    with np.errstate(all="ignore"), pytest.raises(Diverged) as error:
        list(train(NETWORK, how, state, data))
    assert (error.value.what, error.value.layer, error.value.iteration) == (what, layer, 1)
    assert np.array_equal(state.flat, before)


def test_batch_norm_keeps_the_statistics_that_prediction_uses() -> None:
    network = Network([BatchNorm(momentum=0.1)], (2,))
    flat = network.init(0, [0], "float64")
    params, scratch = network.views(flat), network.scratch(1, 50, "float64")
    x = np.random.default_rng(0).normal(3, 2, (1, 50, 2))
    from bpcli.nn.layer import EVALUATION, Context

    for _ in range(200):
        network.forward(x, params, scratch, Context(training=True))
    assert params[0].mean[0, 0] == pytest.approx(x[0].mean(axis=0), rel=1e-6)
    assert params[0].var[0, 0] == pytest.approx(x[0].var(axis=0, ddof=1), rel=1e-6)
    y = network.forward(x, params, scratch, EVALUATION)
    assert y.mean(axis=1) == pytest.approx(0, abs=1e-6)


def factors() -> Array:
    """Of a network whose scale learns six times as fast, and its bias at a tenth."""
    return np.repeat([6.0, 1.0, 0.1], [3, 3, 1])


def own_rates(**settings: Any) -> tuple[Array, Array]:
    """Parameters before and after one step of gradient descent with a factor for each rate."""
    network = Network([Scale(rate=6.0), Dense(units=1, bias_rate=0.1)], (3,))
    how = method(**settings)
    state = State.start(network, how, "float64")
    before = state.flat.copy()
    list(train(network, how, state, rows()))
    return before, state.flat


def test_each_parameter_has_a_rate_of_its_own() -> None:
    equal = Network([Scale(), Dense(units=1)], (3,))
    how = method()
    state = State.start(equal, how, "float64")
    start = state.flat.copy()
    list(train(equal, how, state, rows()))
    before, flat = own_rates()
    assert before == pytest.approx(start)
    assert flat - before == pytest.approx((state.flat - start) * factors(), rel=1e-12)


def test_decay_goes_by_each_rate_and_its_schedule() -> None:
    """One step more with a decay than without: θ shrinks by rate · factor · decay, if it decays."""
    before, plain = own_rates()
    _, decayed = own_rates(regularization=(Regularization(weight_decay=0.5),))
    shrinks = np.array([[RATE], [RATE / 2]]) * factors() * [1, 1, 1, 1, 1, 1, 0] * 0.5
    assert decayed == pytest.approx(plain - before * shrinks, rel=1e-9, abs=1e-12)
    ended = Regularization(weight_decay=0.5, schedule=Step(at=(0.5,), gamma=0.0))
    _, halfway = own_rates(regularization=(ended,), iterations=2)
    _, late = own_rates(regularization=(ended,), iterations=1)
    assert late == pytest.approx(decayed)
    _, always = own_rates(regularization=(Regularization(weight_decay=0.5),), iterations=2)
    _, never = own_rates(iterations=2)
    assert not np.allclose(halfway, always) and not np.allclose(halfway, never)
