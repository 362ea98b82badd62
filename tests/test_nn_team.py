"""Processes that share each update train to what one trains to, and leave nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from components import on_rows, parametrize

from bpcli.config.component import Component
from bpcli.config.threads import (
    FORKS,
    WHOLE_BATCH,
    WHOLE_BATCH_PRESETS,
    WHOLE_VECTOR,
    blas_threads_of,
    threads_of,
)
from bpcli.experiment.presets import Preset
from bpcli.nn.activations import Relu, Tanh
from bpcli.nn.batches import Rows
from bpcli.nn.divergence import Diverged
from bpcli.nn.layer import Array, Layer
from bpcli.nn.layers import Dense, Dropout
from bpcli.nn.losses.classes import CrossEntropy
from bpcli.nn.method import Method
from bpcli.nn.network import Network
from bpcli.nn.optimizers.gradients import SGD
from bpcli.nn.optimizers.moments import Adam
from bpcli.nn.optimizers.optimizer import Elementwise, Optimizer
from bpcli.nn.schedules import Constant, ReduceOnPlateau
from bpcli.nn.state import State
from bpcli.nn.stepper import Epoch
from bpcli.nn.team import cut
from bpcli.nn.training import train
from bpcli.nn.update import Clip, Regularization

pytestmark = pytest.mark.skipif(not FORKS, reason="processes cannot be doubled here")


def table(n: int = 211) -> Rows:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1, n, 5))
    return Rows(x, np.eye(3)[rng.integers(0, 3, n)][None], rng.uniform(0.1, 2, (1, n, 1)))


def method(parts: int, **changes: Any) -> Method:
    settings: dict[str, Any] = {
        "loss": CrossEntropy(),
        "optimizer": SGD(momentum=0.9),
        "schedule": Constant(),
        "rates": (0.1, 0.03),
        "batch_size": 80,  # 80 + 80 + 51 rows: uneven parts, and empty ones of 5
        "iterations": 8,
        "replicas": (0, 1),
        "parts": parts,
    }
    return Method(**(settings | changes))


def run(layers: list[Layer], how: Method, rows: Rows) -> tuple[State, list[Epoch]]:
    network = Network(layers, (5,))
    state = State.start(network, how, "float64", rows)
    return state, list(train(network, how, state, rows))


def close(ours: Array, theirs: Array) -> Any:
    return ours == pytest.approx(theirs, rel=1e-9, abs=1e-12)


@parametrize("layer", Layer)
def test_a_layer_whose_rows_are_shared_out(layer: Layer) -> None:
    if layer.needs_whole_batch:
        return
    units, layers = on_rows(layer, 7)
    layers = [Dense(units=units), *layers, Dense(units=3)]
    one, epochs = run(layers, method(1), table())
    for parts in (2, 5):
        several, records = run(layers, method(parts), table())
        assert close(several.flat, one.flat)
        for ours, theirs in zip(records, epochs, strict=True):
            assert close(ours.loss, theirs.loss) and close(ours.gradient_norm, theirs.gradient_norm)


@parametrize("optimizer", Elementwise)
def test_an_optimizer_whose_columns_are_shared_out(optimizer: Elementwise) -> None:
    layers = [Dense(units=9), Tanh(), Dense(units=3)]
    settings: dict[str, Any] = {
        "optimizer": optimizer,
        "rates": (1e-3, 3e-3),
        "regularization": (Regularization(l1=0.01, l2=0.02, weight_decay=0.03),),
        "clip": Clip(norm=0.2, value=0.1),
        "ema": 0.5,
        "batch_size": 211,
    }
    (one, _), (two, _) = (run(layers, method(n, **settings), table()) for n in (1, 2))
    assert two.average is not None and one.average is not None
    assert close(two.flat, one.flat) and close(two.average, one.average)


def test_every_member_sees_what_the_schedule_has_learned() -> None:
    """The caller tells it between two epochs; the second network's loss never gets better."""
    states = []
    for parts in (1, 2):
        how = method(parts, schedule=ReduceOnPlateau(by=0.5, patience=0), iterations=12)
        network = Network([Dense(units=7), Tanh(), Dense(units=3)], (5,))
        state = State.start(network, how, "float64")
        for epoch in train(network, how, state, table()):
            losses = np.array([epoch.loss[0], 1.0])
            how.schedule.observe(state.schedule, losses, state.iteration, how.iterations)
        assert state.schedule["factor"].tolist() == [1, 0.5**3]
        states.append(state)
    assert close(states[1].flat, states[0].flat)


def test_the_same_run_gives_the_same_bytes() -> None:
    layers = [Dense(units=64), Relu(), Dropout(rate=0.3), Dense(units=3)]
    states = [run(layers, method(3, optimizer=Adam()), table())[0] for _ in range(3)]
    assert len({state.flat.tobytes() for state in states}) == 1
    assert len({state.slots["v"].tobytes() for state in states}) == 1


def test_stopping_and_going_on_changes_nothing() -> None:
    network, how = Network([Dense(units=7), Tanh(), Dense(units=3)], (5,)), method(2)
    whole, _ = run(list(network.layers), how, table())
    state = State.start(network, how, "float64")
    for _ in train(network, how, state, table()):
        if state.iteration >= 5:
            break
    list(train(network, how, state, table()))
    assert state.flat.tobytes() == whole.flat.tobytes()


def test_a_bad_row_of_another_member_stops_before_the_update() -> None:
    network, rows = Network([Dense(units=7), Tanh(), Dense(units=3)], (5,)), table()
    rows.x[0, 200, 2] = np.inf
    how = method(2, batch_size=211)
    state = State.start(network, how, "float64")
    before = state.flat.copy()
    with pytest.raises(Diverged) as error:
        list(train(network, how, state, rows))
    assert (error.value.iteration, error.value.layer) == (1, "the data")
    assert np.array_equal(state.flat, before)


def children() -> set[int]:
    """The processes that this one has forked and not buried."""
    text = Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii")
    return set(map(int, text.split()))


def test_nobody_is_left_when_training_ends_or_is_left() -> None:
    before = children()
    network, how = Network([Dense(units=3)], (5,)), method(3)
    epochs = train(network, how, State.start(network, how, "float64"), table())
    next(epochs)
    assert len(children() - before) == 2
    epochs.close()
    assert children() == before
    run(list(network.layers), how, table())
    assert children() == before


def test_a_killed_worker_is_an_error() -> None:
    before = children()
    network, how = Network([Dense(units=3)], (5,)), method(2, iterations=10_000)
    epochs = train(network, how, State.start(network, how, "float64"), table())
    next(epochs)
    (worker,) = children() - before
    os.kill(worker, signal.SIGKILL)
    with pytest.raises(ChildProcessError, match="code -9"):
        for _ in epochs:
            pass
    assert children() == before


ORPHANS = """
import os, sys
sys.path.insert(0, {tests!r})
from test_nn_team import children, method, table
from bpcli.nn.layers import Dense
from bpcli.nn.network import Network
from bpcli.nn.state import State
from bpcli.nn.training import train
network, how = Network([Dense(units=3)], (5,)), method(2)
epochs = train(network, how, State.start(network, how, "float64"), table())
next(epochs)
print(*children(), flush=True)
os.kill(os.getpid(), 9)
"""


def test_workers_do_not_outlive_a_killed_parent() -> None:
    script = ORPHANS.format(tests=str(Path(__file__).parent))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    (worker,) = map(int, done.stdout.split())
    deadline = time.monotonic() + 20
    while Path(f"/proc/{worker}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{worker}").exists()


@pytest.mark.parametrize("length", [0, 1, 31, 32, 33, 200])
@pytest.mark.parametrize("parts", [1, 2, 3, 9])
def test_parts_follow_each_other_and_cover_all(length: int, parts: int) -> None:
    cuts = cut(length, parts, 32)
    assert len(cuts) == parts
    assert [i for one in cuts for i in range(length)[one]] == list(range(length))
    assert all(one.start % 32 == 0 for one in cuts if one.start < length)


def _needs_all(layer: Layer) -> bool:
    return layer.needs_whole_batch


def test_what_cannot_be_shared_out_is_known_before_numpy_is() -> None:
    members = Component.registry["layer"].values()
    assert {layer.name for layer in members if layer.whole_batch} == WHOLE_BATCH
    presets = Preset.members().items()
    whole = {
        n for n, one in presets if any(map(_needs_all, one().recipe(500, "multiclass").layers))
    }
    assert whole == WHOLE_BATCH_PRESETS
    apart = Optimizer.members().values()
    assert {one.name for one in apart if not issubclass(one, Elementwise)} == WHOLE_VECTOR


@pytest.mark.parametrize(
    ("network", "blas"),
    [
        ([{"dense": 64}, "tanh"], 1),
        ([{"dense": 64}, "batch_norm"], 3),
        ([{"residual": [{"dense": 64}, "batch_norm"]}], 3),
        ([{"noise": 0.1}], 3),
        ({"mlp": {"width": 300}}, 1),
        ([{"conv2d": 8}, "relu", "global_avg_pool"], 1),
        ({"resnet": {"width": 8}}, 3),
        ("inception", 3),
        (None, 1),
    ],
)
def test_the_blas_has_the_threads_where_rows_cannot_be_shared_out(network: Any, blas: int) -> None:
    config = {"threads": 3, "network": network}
    assert (threads_of(config), blas_threads_of(config)) == (3, blas)


@pytest.mark.parametrize("optimizer", ["lbfgs", {"lbfgs": {"history": 5}}])
def test_the_blas_has_the_threads_where_parameters_cannot_be_shared_out(optimizer: Any) -> None:
    assert blas_threads_of({"threads": 3, "optimizer": optimizer}) == 3
    assert blas_threads_of({"threads": 3, "optimizer": "adam"}) == 1
