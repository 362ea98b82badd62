"""Every optimizer: blocks change no bit, known functions are minimised, corners stay finite."""

from __future__ import annotations

import inspect
import math
import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
from components import members, parametrize

from bpcli.nn.layer import Array, Views
from bpcli.nn.optimizers.moments import NAdam
from bpcli.nn.optimizers.optimizer import Elementwise, Optimizer
from bpcli.nn.optimizers.signs import Rprop
from bpcli.nn.optimizers.squares import RMSprop

R, N = 3, 50  # replicas, parameters
RATES = np.array([[0.03], [0.01], [0.002]])


def arrays(optimizer: Elementwise, shape: tuple[int, ...], dtype: str = "float64") -> Views:
    """Slots at zero, and work arrays with rubbish in them."""
    slots = {name: np.zeros(shape, dtype) for name in optimizer.slots()}
    return Views(**slots, **{name: np.full(shape, np.nan, dtype) for name in optimizer.work})


@parametrize("optimizer", Elementwise)
@pytest.mark.parametrize("width", [1, 7])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_blocks_of_columns_change_no_bit(optimizer: Elementwise, width: int, dtype: str) -> None:
    rng = np.random.default_rng(0)
    whole = rng.normal(size=(R, N)).astype(dtype)
    blocks, s, parts = whole.copy(), arrays(optimizer, whole.shape, dtype), {}
    rates = RATES.astype(dtype)
    for t in range(1, 7):
        g = (rng.normal(size=whole.shape) * (rng.random(whole.shape) > 0.2)).astype(dtype)
        optimizer.step(whole, g, s, rates, t)
        for start in range(0, N, width):
            cut = np.s_[:, start : start + width]
            block = parts.setdefault(start, arrays(optimizer, blocks[cut].shape, dtype))
            optimizer.step(blocks[cut], g[cut], block, rates, t)
    assert whole.dtype == dtype
    assert blocks.tobytes() == whole.tobytes()


def parabola(x: Array) -> tuple[float, Array]:
    """½ (x² + 10 y² + 0.1 z²): the longest valley is a hundred times flatter than the steepest."""
    slopes = x * np.array([1.0, 10.0, 0.1])
    return float(np.vdot(x, slopes)) / 2, slopes


def rosenbrock(x: Array) -> tuple[float, Array]:
    """(1 − a)² + 100 (b − a²)², smallest at (1, 1), at the end of a curved valley."""
    ((a, b),) = x
    off = b - a * a
    return (1 - a) ** 2 + 100 * off**2, np.array([[2 * (a - 1) - 400 * a * off, 200 * off]])


Function = Callable[[Array], tuple[float, Array]]


def steps_to(
    goal: float, optimizer: Elementwise, function: Function, start: list[float], rate: float
) -> int:
    """How many steps bring the function below the goal; 20,000 if it takes longer."""
    x = np.array([start])
    s = arrays(optimizer, x.shape)
    for t in range(1, 20_000):
        value, gradient = function(x)
        if value < goal:
            return t - 1
        optimizer.step(x, gradient, s, np.array([[rate]]), t)
    return 20_000


# name: rate and steps for the parabola from (1, −2, 0.5) to 1e-4, from 20.5,
# and for Rosenbrock's function from (−1.2, 1) to 0.01, from 24.2
MINIMISED = {
    "sgd": (0.1, 300, 0.002, 2500),
    "rmsprop": (0.1, 20, 0.002, 3000),
    "adagrad": (0.5, 50, 0.5, 3000),
    "adadelta": (1.0, 800, 0.1, 4000),
    "adam": (0.1, 110, 0.1, 700),
    "adamw": (0.1, 110, 0.1, 700),
    "nadam": (0.1, 100, 0.05, 1400),
    "lion": (0.05, 120, 0.01, 350),
    "rprop": (0.1, 40, 0.05, 1000),
}


@parametrize("optimizer", Elementwise)
def test_minimises(optimizer: Elementwise) -> None:
    rate, steps, valley_rate, valley_steps = MINIMISED[optimizer.name]
    assert steps_to(1e-4, optimizer, parabola, [1.0, -2.0, 0.5], rate) <= steps
    assert steps_to(1e-2, optimizer, rosenbrock, [-1.2, 1.0], valley_rate) <= valley_steps


@parametrize("optimizer", Elementwise)
def test_a_gradient_of_zero_leaves_start_values_alone(optimizer: Elementwise) -> None:
    x = np.arange(6.0).reshape(1, 6)
    s = arrays(optimizer, x.shape)
    for t in range(1, 4):
        optimizer.step(x, np.zeros_like(x), s, np.array([[0.1]]), t)
    assert np.array_equal(x, np.arange(6.0).reshape(1, 6))


@parametrize("optimizer", Elementwise)
def test_huge_and_tiny_gradients_stay_finite(optimizer: Elementwise) -> None:
    for size in (1e18, 1e-30):
        x = np.ones((1, 4), "float32")
        s = arrays(optimizer, x.shape, "float32")
        for t in range(1, 4):
            g = np.array([[size, -size, 0, size]], "float32")
            optimizer.step(x, g, s, np.array([[0.01]], "float32"), t)
        assert np.isfinite(x).all()


@parametrize("optimizer", Elementwise)
def test_a_step_makes_no_array_like_the_parameters(optimizer: Elementwise) -> None:
    sizes = []
    for n in (50_000, 200_000):
        x, g = np.zeros((1, n)), np.ones((1, n))
        s = arrays(optimizer, x.shape)
        optimizer.step(x, g, s, np.array([[0.1]]), 1)
        tracemalloc.start()
        optimizer.step(x, g, s, np.array([[0.1]]), 2)
        sizes.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert sizes[1] - sizes[0] < 150_000  # bytes, of 1,200,000 that an array grows by


@parametrize("optimizer", Optimizer)
def test_conventions_are_stated(optimizer: Optimizer) -> None:
    """Where ε stands and which decay is followed differs between tools, and with it the result."""
    text = inspect.getdoc(optimizer) or ""
    assert "ε" in text
    assert "weight_decay" in text


def test_decay_is_the_trainers_work() -> None:
    decays = {one.name: one.decay() for one in members(Elementwise)}
    assert {name for name, decay in decays.items() if decay} == {"adamw"}
    assert decays["adamw"] == 0.01


def test_rmsprop_has_only_the_slots_it_uses() -> None:
    assert RMSprop().slots() == ("v",)
    assert RMSprop(momentum=0.9).slots() == ("v", "u")
    assert RMSprop(centered=True).slots() == ("v", "m")
    assert RMSprop(centered=True, momentum=0.9).slots() == ("v", "m", "u")


def test_rmsprop_centered_survives_a_constant_gradient() -> None:
    """v − m² is 0 then, and its rounding error would have no root."""
    optimizer, x = RMSprop(centered=True, alpha=0.9), np.zeros((1, 1000), "float32")
    s, g = arrays(optimizer, x.shape, "float32"), np.linspace(0.1, 7, 1000, dtype="float32")[None]
    for t in range(1, 400):
        optimizer.step(x, g, s, np.array([[1e-9]], "float32"), t)
    assert np.isfinite(x).all()


@pytest.mark.parametrize("t", [1, 30, 400, 401, 402, 1000])
def test_nadam_takes_the_product_of_all_momenta(t: int) -> None:
    """With m = 0 before the step and g = 1, written out; 401 factors are the most it needs."""
    optimizer, x = NAdam(beta2=0.0, epsilon=1e-300), np.zeros((1, 1))
    mu = [0.9 * (1 - 0.5 * 0.96 ** (0.004 * i)) for i in range(1, t + 2)]
    step = mu[-1] * 0.1 / (1 - math.prod(mu)) + (1 - mu[-2]) / (1 - math.prod(mu[:-1]))
    optimizer.step(x, np.ones((1, 1)), arrays(optimizer, x.shape), np.ones((1, 1)), t)
    assert x[0, 0] == pytest.approx(-step, rel=1e-12)


def test_rprop_takes_the_rate_as_its_first_step_only() -> None:
    optimizer = Rprop()
    x = np.zeros((2, 1))
    s, g = arrays(optimizer, x.shape), np.ones((2, 1))
    for t, factor in enumerate((1.0, 0.1, 0.0), 1):
        optimizer.step(x, g, s, np.array([[0.01], [0.1]]) * factor, t)
    expected = np.array([[0.01], [0.1]]) * (1 + 1.2 + 1.2**2)
    assert x == pytest.approx(-expected, rel=1e-12)
