"""The engine step by step against scikit-learn's multilayer perceptron, in float64.

What differs is matched: its squared error has a factor ½ and sums over outputs, its alpha is
divided by the rows, and its Adam has ε beside the uncorrected root of v.
"""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor

from bpcli.nn.activations import Relu, Sigmoid, Tanh
from bpcli.nn.batches import Rows
from bpcli.nn.layer import Array, Layer
from bpcli.nn.layers import Dense
from bpcli.nn.losses.binary import BinaryCrossEntropy
from bpcli.nn.losses.classes import CrossEntropy
from bpcli.nn.losses.loss import Loss
from bpcli.nn.losses.numbers import MSE
from bpcli.nn.method import Method
from bpcli.nn.network import Network
from bpcli.nn.optimizers.gradients import SGD
from bpcli.nn.optimizers.moments import Adam
from bpcli.nn.optimizers.optimizer import Optimizer
from bpcli.nn.random import Purpose, generator
from bpcli.nn.schedules import Constant
from bpcli.nn.state import State
from bpcli.nn.training import train
from bpcli.nn.update import Regularization

N, INPUTS, HIDDEN, STEPS = 60, 5, (7, 6), 30
ACTIVATIONS = {"tanh": Tanh, "relu": Relu, "logistic": Sigmoid}
RATE, ALPHA = 0.05, 0.3
CLOSE: Any = {"rel": 1e-9, "abs": 1e-10}


class Task(NamedTuple):
    """A loss with its targets, as we and as scikit-learn see them."""

    loss: Loss
    t: Array  # (N,O)
    y: Any  # (N,) or (N,O)
    model: Any
    factor: float  # our gradient by scikit-learn's


def tasks() -> dict[str, Task]:
    rng = np.random.default_rng(1)
    numbers, codes = rng.normal(size=(N, 2)), rng.integers(0, 3, N)
    yes = (codes > 0).astype(int)
    return {
        "one number": Task(MSE(), numbers[:, :1], numbers[:, 0], MLPRegressor, 2.0),
        "two numbers": Task(MSE(), numbers, numbers, MLPRegressor, 1.0),
        "classes": Task(CrossEntropy(), np.eye(3)[codes], codes, MLPClassifier, 1.0),
        "yes or no": Task(BinaryCrossEntropy(), yes[:, None] * 1.0, yes, MLPClassifier, 1.0),
    }


def inputs() -> Array:
    return np.random.default_rng(0).normal(size=(N, INPUTS))


def network(activation: str, outputs: int) -> Network:
    layers: list[Layer] = []
    for units in HIDDEN:
        layers += [Dense(units=units), ACTIVATIONS[activation]()]
    return Network([*layers, Dense(units=outputs)], (INPUTS,))


def weights(net: Network, flat: Array) -> tuple[list[Array], list[Array]]:
    """scikit-learn's coefs_ and intercepts_, copied."""
    dense = [views for views in net.views(flat) if hasattr(views, "W")]
    return [v.W[0].copy() for v in dense], [v.b[0, 0].copy() for v in dense]


def theirs(task: Task, start: tuple[list[Array], list[Array]], order: Any, **settings: Any) -> Any:
    """scikit-learn's model, trained from given weights without shuffling."""
    settings |= {"hidden_layer_sizes": HIDDEN, "shuffle": False, "warm_start": True}
    settings |= {"n_iter_no_change": 10_000, "tol": 0.0, "learning_rate_init": RATE}
    model = task.model(**{**settings, "max_iter": 1})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(inputs()[order], task.y[order])  # makes the arrays that the weights go into
        model.coefs_, model.intercepts_ = start
        model.set_params(max_iter=settings["max_iter"])
        model.fit(inputs()[order], task.y[order])
    return model


def assert_equal(net: Network, state: State, model: Any) -> None:
    for ours, reference in zip(
        weights(net, state.flat), (model.coefs_, model.intercepts_), strict=True
    ):
        for one, other in zip(ours, reference, strict=True):
            assert one == pytest.approx(other, **CLOSE)


METHODS: dict[str, tuple[Optimizer, dict[str, Any]]] = {
    "sgd": (SGD(), {"solver": "sgd", "momentum": 0.0, "nesterovs_momentum": False}),
    "momentum": (
        SGD(momentum=0.9),
        {"solver": "sgd", "momentum": 0.9, "nesterovs_momentum": False},
    ),
    "nesterov": (SGD(momentum=0.9, nesterov=True), {"solver": "sgd", "momentum": 0.9}),
    "adam": (Adam(epsilon=1e-30), {"solver": "adam", "epsilon": 1e-30}),
}


def ours(task: Task, net: Network, optimizer: Optimizer, batch: int, updates: int) -> Method:
    scales = isinstance(optimizer, Adam)  # its steps do not depend on the gradient's size
    return Method(
        task.loss,
        optimizer,
        Constant(),
        [RATE if scales else RATE / task.factor],
        batch,
        updates,
        regularization=(Regularization(l2=task.factor * ALPHA / batch),),
    )


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("which", tasks())
@pytest.mark.parametrize("name", METHODS)
def test_full_batches(name: str, which: str, activation: str) -> None:
    task, (optimizer, settings) = tasks()[which], METHODS[name]
    net = network(activation, task.t.shape[1])
    method = ours(task, net, optimizer, N, STEPS)
    state = State.start(net, method, "float64")
    start = weights(net, state.flat)
    for epoch in train(net, method, state, Rows(inputs()[None], task.t[None])):
        if epoch.iteration in (1, 2, STEPS):
            copies = tuple([one.copy() for one in part] for part in start)
            model = theirs(
                task, copies, slice(None), activation=activation, alpha=ALPHA,  # type: ignore[arg-type]
                batch_size=N, max_iter=epoch.iteration, **settings,
            )  # fmt: skip
            assert_equal(net, state, model)


@pytest.mark.parametrize("name", METHODS)
def test_mini_batches(name: str) -> None:
    """One epoch of four batches; scikit-learn gets the rows in our order."""
    task, (optimizer, settings) = tasks()["classes"], METHODS[name]
    net, order = network("tanh", 3), generator(0, Purpose.SHUFFLE, 0).permutation(N)
    method = ours(task, net, optimizer, N // 4, 4)
    state = State.start(net, method, "float64")
    start = weights(net, state.flat)
    list(train(net, method, state, Rows(inputs()[None], task.t[None])))
    model = theirs(
        task, start, order, activation="tanh", alpha=ALPHA, batch_size=N // 4, max_iter=1,
        **settings,
    )  # fmt: skip
    assert_equal(net, state, model)


def test_where_epsilon_stands() -> None:
    """Beside the uncorrected root: ours with ε / √(1 − β2^t) at step t."""
    task, net = tasks()["classes"], network("tanh", 3)
    method = ours(task, net, Adam(), N, STEPS)
    state = State.start(net, method, "float64")
    start = weights(net, state.flat)
    for t in range(1, STEPS + 1):
        adam = Adam(epsilon=1e-3 / np.sqrt(1 - 0.999**t))
        step = method._replace(optimizer=adam, iterations=t)
        list(train(net, step, state, Rows(inputs()[None], task.t[None])))
    model = theirs(
        task, start, slice(None), activation="tanh", alpha=ALPHA, batch_size=N, max_iter=STEPS,
        solver="adam", epsilon=1e-3,
    )  # fmt: skip
    assert_equal(net, state, model)
