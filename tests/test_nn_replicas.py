"""Replicas that train together end with the same bits as each of them alone."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest
from components import on_rows, parametrize

from bpcli.nn.activations import Relu, Tanh
from bpcli.nn.batches import Rows
from bpcli.nn.divergence import Diverged
from bpcli.nn.initializers import Initializer
from bpcli.nn.layer import Array, Layer
from bpcli.nn.layers import Dense
from bpcli.nn.losses.classes import CrossEntropy
from bpcli.nn.losses.loss import Loss
from bpcli.nn.method import Method
from bpcli.nn.network import Network
from bpcli.nn.optimizers.gradients import SGD
from bpcli.nn.optimizers.moments import Adam
from bpcli.nn.optimizers.optimizer import Optimizer
from bpcli.nn.schedules import Constant, Cosine, Schedule
from bpcli.nn.state import State
from bpcli.nn.stepper import Epoch
from bpcli.nn.training import train

RATES = (0.03, 0.01, 0.002)


def table(n: int = 37, inputs: int = 5, outputs: int = 3, dtype: str = "float32") -> Rows:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1, n, inputs)).astype(dtype)
    t = np.eye(outputs, dtype=dtype)[rng.integers(0, outputs, n)][None]
    return Rows(x, t)


def method(loss: Loss | None = None, **changes: Any) -> Method:
    settings: dict[str, Any] = {
        "loss": loss or CrossEntropy(),
        "optimizer": Adam(),
        "schedule": Constant(),
        "rates": RATES,
        "batch_size": 8,
        "iterations": 23,
        "seed": 5,
        "replicas": (0, 1, 2),
    }
    return Method(**(settings | changes))


def run(network: Network, how: Method, rows: Rows) -> tuple[Array, list[Epoch]]:
    state = State.start(network, how, rows.x.dtype.name, rows)
    return state.flat, list(train(network, how, state, rows))


def alone(how: Method, replica: int) -> Method:
    return how._replace(rates=(how.rates[replica],), replicas=(how.replicas[replica],))


def assert_together_equals_alone(layers: list[Layer], how: Method, rows: Rows) -> None:
    network = Network(layers, rows.x.shape[2:])
    together, epochs = run(network, how, rows)
    assert len({row.tobytes() for row in together}) == len(together)
    for replica in range(len(together)):
        flat, solo = run(network, alone(how, replica), rows)
        assert flat[0].tobytes() == together[replica].tobytes()
        for ours, theirs in zip(epochs, solo, strict=True):
            assert ours.loss[replica] == theirs.loss[0]
            assert ours.gradient_norm[replica] == theirs.gradient_norm[0]


@parametrize("layer", Layer)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_layer(layer: Layer, dtype: str) -> None:
    units, layers = on_rows(layer, 7)
    layers = [Dense(units=units), *layers, Dense(units=3)]
    assert_together_equals_alone(layers, method(), table(dtype=dtype))


@parametrize("loss", Loss)
def test_loss(loss: Loss) -> None:
    rows = table(outputs=2)
    outputs = loss.outputs(2)
    rows = Rows(rows.x, np.stack([loss.targets(*one) for one in zip(rows.x, rows.t, strict=True)]))
    layers = [Dense(units=7), Tanh(), Dense(units=outputs)]
    assert_together_equals_alone(layers, method(loss), rows)


@parametrize("initializer", Initializer)
def test_initializer(initializer: Initializer) -> None:
    """A network of which one layer only starts like this: all zeros would learn nothing."""
    layers = [Dense(units=7), Tanh(), Dense(units=6, init=initializer), Tanh(), Dense(units=3)]
    assert_together_equals_alone(layers, method(), table())


@parametrize("optimizer", Optimizer)
def test_optimizer(optimizer: Optimizer) -> None:
    layers = [Dense(units=7), Tanh(), Dense(units=3)]
    assert_together_equals_alone(layers, method(optimizer=optimizer), table())


@parametrize("schedule", Schedule)
def test_schedule(schedule: Schedule) -> None:
    layers = [Dense(units=7), Tanh(), Dense(units=3)]
    assert_together_equals_alone(layers, method(schedule=schedule), table())


@pytest.mark.parametrize("width", [1, 64, 200])
def test_width(width: int) -> None:
    layers = [Dense(units=width), Relu(), Dense(units=3)]
    assert_together_equals_alone(layers, method(batch_size=32), table(n=150, inputs=40))


def test_rows_of_its_own_for_each_replica() -> None:
    shared = table()
    own = Rows(np.concatenate([shared.x, shared.x + 1, shared.x * 2]), np.repeat(shared.t, 3, 0))
    network, how = Network([Dense(units=7), Tanh(), Dense(units=3)], (5,)), method()
    together, _ = run(network, how, own)
    for replica in range(3):
        rows = Rows(own.x[replica : replica + 1], own.t[replica : replica + 1])
        assert run(network, alone(how, replica), rows)[0].tobytes() == together[replica].tobytes()


def test_a_row_of_weight_zero_equals_its_removal() -> None:
    rows = table(dtype="float64")
    n = rows.x.shape[1]
    c = np.ones((1, n, 1))
    c[0, n - 4 :] = 0
    network = Network([Dense(units=7), Tanh(), Dense(units=3)], (5,))
    how = method(batch_size=n, optimizer=SGD(), iterations=50)
    weighted, _ = run(network, how, rows._replace(c=c))
    fewer, _ = run(network, how, Rows(rows.x[:, : n - 4], rows.t[:, : n - 4]))
    assert weighted == pytest.approx(fewer, rel=1e-12, abs=1e-14)


def test_stopping_and_going_on_changes_nothing() -> None:
    rows, network = table(), Network([Dense(units=7), Tanh(), Dense(units=3)], (5,))
    how = method(schedule=Cosine())
    whole, _ = run(network, how, rows)
    state = State.start(network, how, "float32")
    for _ in train(network, how, state, rows):
        if state.iteration >= 10:
            break
    list(train(network, how, state, rows))
    assert state.flat.tobytes() == whole.tobytes()


def test_a_loss_that_is_not_finite_stops_before_the_update() -> None:
    rows, network = table(), Network([Dense(units=3)], (5,))
    rows.x[0, 3, 2] = np.inf
    how = method(batch_size=37)
    state = State.start(network, how, "float32")
    before = state.flat.copy()
    with np.errstate(invalid="ignore"), pytest.raises(Diverged) as error:
        list(train(network, how, state, rows))
    assert error.value.iteration == 1
    assert np.array_equal(state.flat, before)


def test_a_step_allocates_nothing_that_grows_with_the_batch() -> None:
    sizes = []
    for n in (256, 2048):
        rows, network = table(n=n), Network([Dense(units=32), Relu(), Dense(units=3)], (5,))
        how = method(batch_size=n, iterations=6)
        epochs = train(network, how, State.start(network, how, "float32"), rows)
        next(epochs), next(epochs)
        tracemalloc.start()
        next(epochs)
        sizes.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    one_activation = 3 * (2048 - 256) * 32 * 4
    assert sizes[1] - sizes[0] < one_activation / 4
