"""L-BFGS: its line search, what it remembers, how it ends, and what a config may not ask of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from running import bpcli, table, train, write_csv

from bpcli.nn.activations import Tanh
from bpcli.nn.batches import Rows
from bpcli.nn.divergence import Diverged
from bpcli.nn.layer import Array, Layer
from bpcli.nn.layers import Dense
from bpcli.nn.line_search import ENOUGH_FALL, ENOUGH_FLAT, MOST_TRIALS, strong_wolfe
from bpcli.nn.losses.numbers import MSE
from bpcli.nn.method import Method
from bpcli.nn.network import Network
from bpcli.nn.normalization import BatchNorm
from bpcli.nn.optimizers.history import LBFGS, newton_direction
from bpcli.nn.quasi_newton import QuasiNewton
from bpcli.nn.schedules import Constant
from bpcli.nn.state import State
from bpcli.nn.training import train as epochs_of
from bpcli.nn.update import Clip, Gradient, Regularization

Line = Callable[[float], tuple[float, float]]


def searched(line: Line, step: float) -> tuple[float, list[float]]:
    """The step that a search along `line` (step → value, slope) takes, and those that it tried."""
    search, tried = strong_wolfe(*line(0.0), step, 1.0, 1e-12), []
    step = next(search)
    while True:
        tried.append(step)
        try:
            step = search.send(line(step))
        except StopIteration as end:
            return float(end.value), tried


LINES: dict[str, Line] = {
    "parabola": lambda t: ((t - 1) ** 2, 2 * (t - 1)),
    "quartic": lambda t: (t**4 - 3 * t, 4 * t**3 - 3),
    "far valley": lambda t: (math.sqrt(1 + (t - 1e5) ** 2), (t - 1e5) / math.hypot(1, t - 1e5)),
    "wave": lambda t: (math.sin(5 * t) - t, 5 * math.cos(5 * t) - 7),
    "wall": lambda t: (
        (-math.log(1 - t) - 3 * t, 1 / (1 - t) - 3) if t < 1 else (math.inf, math.nan)
    ),
    "no numbers": lambda t: ((t - 1) ** 2, 2 * (t - 1)) if t < 1.5 else (math.nan, math.nan),
}


@pytest.mark.parametrize("name", ["parabola", "quartic", "wall", "no numbers"])
@pytest.mark.parametrize("first", [1e-3, 0.1, 1.0, 20.0])
def test_the_wolfe_conditions_hold(name: str, first: float) -> None:
    line = LINES[name]
    (value, slope), (step, tried) = line(0.0), searched(line, first)
    assert line(step)[0] <= value + ENOUGH_FALL * step * slope
    assert abs(line(step)[1]) <= -ENOUGH_FLAT * slope
    assert len(tried) <= MOST_TRIALS + 1


@pytest.mark.parametrize("name", LINES)
def test_a_search_takes_a_step_that_it_has_seen_and_that_is_no_worse(name: str) -> None:
    for first in (1e-6, 1.0, 1e3):
        step, tried = searched(LINES[name], first)
        assert step in [0.0, *tried]
        assert LINES[name](step)[0] <= LINES[name](0.0)[0]


def test_a_line_without_an_end_is_left_after_the_most_trials() -> None:
    step, tried = searched(lambda t: (-t, -1.0), 1.0)
    assert step == tried[-1] == pytest.approx(10.0**MOST_TRIALS)
    assert len(tried) == MOST_TRIALS + 1


def test_the_direction_of_a_quadratic_is_newtons() -> None:
    """With as many independent pairs as parameters, along the axes of the Hessian, H is exact."""
    hessian = np.diag([1.0, 10.0, 0.1])
    past = [(s, hessian @ s, s @ hessian @ s) for s in np.eye(3)]
    g = np.array([3.0, -1.0, 2.0])
    assert newton_direction(g, past, np.array(7.0)) == pytest.approx(-g / np.diag(hessian))
    assert newton_direction(g, [], np.array(2.0)) == pytest.approx(-2 * g)


Function = Callable[[Array], tuple[float, Array]]


def minimised(function: Function, start: list[float], updates: int) -> Array:
    """Where L-BFGS ends on a function of two numbers (value, gradient): a dense layer's W and b."""
    network = Network([Dense(units=1)], (1,))
    optimizer = LBFGS(tolerance_gradient=0.0, tolerance_change=1e-20)
    flat, grads, loss = np.array([start]), np.zeros((1, 1, 2)), np.zeros(1)
    slots = {name: np.zeros(shape) for name, shape in optimizer.memory(1, 2).items()}
    gradient = Gradient(network, flat, grads, [Regularization()], Clip(), slice(0, 2))

    def evaluate() -> None:
        loss[0], grads[0, 0] = function(flat[0])

    update = QuasiNewton(optimizer, flat, slots, gradient, loss, evaluate)
    for t in range(1, updates + 1):
        evaluate()
        update.apply(np.ones((1, 1)), t)
    return flat[0]


def rosenbrock(x: Array) -> tuple[float, Array]:
    """(1 − a)² + 100 (b − a²)², smallest at (1, 1), at the end of a curved valley."""
    a, b = x
    off = b - a * a
    return (1 - a) ** 2 + 100 * off**2, np.array([2 * (a - 1) - 400 * a * off, 200 * off])


# Misra1a of the Statistical Reference Datasets of NIST: y = b1 (1 − exp(−b2 x)), with its
# certified parameters and residual sum of squares; and a start that it names.
DATA = """
77.6 10.07  114.9 14.73  141.1 17.94  190.8 23.93  239.9 29.61  289.0 35.18  332.8 40.02
378.4 44.82  434.8 50.76  477.3 55.05  536.8 61.01  593.1 66.40  689.1 75.47  760.0 81.78
"""
CERTIFIED, RESIDUAL, BEGIN = (238.94212918, 5.5015643181e-4), 0.12455138894, (250.0, 5e-4)


def misra(scaled: Array) -> tuple[float, Array]:
    """The sum of squares, by parameters in units of the start."""
    b1, b2 = scaled * BEGIN
    x, y = np.array(DATA.split(), float).reshape(-1, 2).T
    fall = np.exp(-b2 * x)
    error = b1 * (1 - fall) - y
    slopes = np.array([2 * np.sum(error * (1 - fall)), 2 * np.sum(error * b1 * x * fall)])
    return float(np.sum(error**2)), slopes * BEGIN


def test_known_minima() -> None:
    assert minimised(rosenbrock, [-1.2, 1.0], 60) == pytest.approx(1, abs=1e-8)
    found = minimised(misra, [1.0, 1.0], 60)
    assert found * BEGIN == pytest.approx(CERTIFIED, rel=1e-7)
    assert misra(found)[0] == pytest.approx(RESIDUAL, rel=1e-9)


NETWORK = Network([Dense(units=6), Tanh(), Dense(units=1)], (3,))


def rows(dtype: str = "float64") -> Rows:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1, 40, 3)).astype(dtype)
    return Rows(x, np.sin(2 * x[..., :1]) + x[..., 1:2])


def method(**changes: Any) -> Method:
    settings: dict[str, Any] = {
        "optimizer": LBFGS(history=4),
        "rates": (1.0, 0.3),
        "replicas": (0, 1),
        "iterations": 30,
        "regularization": (Regularization(l2=1e-3),),
    }
    settings |= changes
    return Method(MSE(), schedule=Constant(), batch_size=40, **settings)


def test_going_on_from_named_arrays_changes_nothing() -> None:
    how = method()
    whole, part, later = (State.start(NETWORK, how, "float64") for _ in range(3))
    list(epochs_of(NETWORK, how, whole, rows()))
    for epoch in epochs_of(NETWORK, how, part, rows()):
        if epoch.iteration == 11:
            break
    for name, array in part.arrays().items():
        np.copyto(later.arrays()[name], array)
    later.iteration = part.iteration
    list(epochs_of(NETWORK, how, later, rows()))
    for name, array in whole.arrays().items():
        assert array.tobytes() == later.arrays()[name].tobytes(), name


@pytest.mark.parametrize("layers", [[], [BatchNorm()]], ids=["plain", "batch_norm"])
@pytest.mark.parametrize("line_search", [True, False])
def test_each_replica_searches_for_itself(layers: list[Layer], line_search: bool) -> None:
    network = Network([Dense(units=6), *layers, Tanh(), Dense(units=1)], (3,))
    how = method(optimizer=LBFGS(history=4, line_search=line_search), rates=(0.1, 0.02))
    together = State.start(network, how, "float64")
    list(epochs_of(network, how, together, rows()))
    for replica, rate in enumerate(how.rates):
        own = how._replace(rates=(rate,), replicas=(replica,))
        alone = State.start(network, own, "float64")
        list(epochs_of(network, own, alone, rows()))
        assert alone.flat.tobytes() == together.flat[replica].tobytes()


def test_running_statistics_move_once_an_update() -> None:
    """However often the line search passes the rows through the layer."""
    network = Network([BatchNorm(momentum=0.5), Dense(units=1)], (3,))
    how = method(rates=(50.0,), replicas=(0,), iterations=3)
    state = State.start(network, how, "float64")
    list(epochs_of(network, how, state, rows()))
    mean = rows().x[0].mean(axis=0)
    assert network.views(state.flat)[0].mean[0, 0] == pytest.approx(mean * (1 - 0.5**3))


def test_a_rate_far_too_high_is_mended_by_the_line_search() -> None:
    for rate in (1e-3, 1e4):
        how = method(rates=(rate,), replicas=(0,))
        losses = [
            e.loss[0] for e in epochs_of(NETWORK, how, State.start(NETWORK, how, "float64"), rows())
        ]
        assert losses[-1] < 0.1 * losses[0]
    how = method(rates=(1e200,), replicas=(0,), optimizer=LBFGS(line_search=False))
    state = State.start(NETWORK, how, "float64")
    with pytest.raises(Diverged):
        list(epochs_of(NETWORK, how, state, rows()))
    assert np.isfinite(state.flat).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_training_ends_where_nothing_moves(dtype: str) -> None:
    how = method(iterations=5000, optimizer=LBFGS(history=4))
    state = State.start(NETWORK, how, dtype)
    count = len(list(epochs_of(NETWORK, how, state, rows(dtype))))
    assert count == state.iteration < 5000
    assert state.slots["rests"].all()
    before = state.flat.copy()
    assert list(epochs_of(NETWORK, how, state, rows(dtype))) == []
    assert np.array_equal(before, state.flat)


CONFIG = """
data: {path: data.csv, target: y}
network: [{dense: 8}, tanh]
optimizer: lbfgs
regularization: {l2: 0.001}
iterations: 500
dtype: float64
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    x = rng.normal(size=150)
    write_csv(tmp_path / "data.csv", [{"x": a, "y": math.sin(2 * a)} for a in x.tolist()])
    (tmp_path / "c.yaml").write_text(CONFIG)
    return tmp_path


def test_a_config_trains_to_convergence(folder: Path) -> None:
    facts = train(folder / "c.yaml", "-o", "run", cwd=folder)
    assert facts["stop_reason"] == "lbfgs has converged"
    assert facts["metrics"]["test"]["r2"] > 0.98
    history = table((folder / "run" / "history.csv").read_text())
    assert len(history) < 500
    assert float(history[-1]["gradient_norm"]) < 1e-3
    resolved = (folder / "run" / "config.resolved.yaml").read_text()
    assert "batch_size: full" in resolved and "constant" in resolved


@pytest.mark.parametrize(
    ("assignment", "code", "message"),
    [
        ("batch_size=32", "BP-C060", "write batch_size: full"),
        ("regularization.weight_decay=0.1", "BP-C061", "weight_decay is not a part of it"),
        ("clip.norm=1", "BP-C062", "chooses its step by the gradient as it is"),
    ],
)
def test_what_does_not_go_with_it(folder: Path, assignment: str, code: str, message: str) -> None:
    done = bpcli("train", "c.yaml", "--set", assignment, cwd=folder, code=3)
    assert code in done.stderr
    assert message in " ".join(done.stderr.split())
