"""Start values: their spread, their orthogonality, and those that look at training rows."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from components import parametrize
from running import train, write_csv

from bpcli.nn.activations import Relu, Tanh
from bpcli.nn.batches import Rows
from bpcli.nn.composite import Parallel, Residual
from bpcli.nn.ensembling import Signs
from bpcli.nn.initializers import (
    LSUV,
    NTK,
    Glorot,
    He,
    Hyperplane,
    Initializer,
    Lecun,
    Normal,
    Ones,
    Orthogonal,
    Uniform,
    UnitNTK,
    Zeros,
)
from bpcli.nn.layer import EVALUATION, Array, Layer
from bpcli.nn.layers import Dense
from bpcli.nn.losses.numbers import MSE
from bpcli.nn.method import Method
from bpcli.nn.network import Network, at
from bpcli.nn.optimizers.moments import Adam
from bpcli.nn.prototypes import KMeansPlusPlus
from bpcli.nn.schedules import Constant
from bpcli.nn.state import State

INPUTS, UNITS = 300, 200

# The variance of W and the factor with which it acts.
SPREAD: dict[Initializer, tuple[float, float]] = {
    Zeros(): (0, 1),
    Ones(): (0, 1),
    Normal(std=0.3): (0.09, 1),
    Uniform(bound=0.3): (0.03, 1),
    Glorot(): (2 / (INPUTS + UNITS), 1),
    He(): (2 / INPUTS, 1),
    Lecun(): (1 / INPUTS, 1),
    NTK(): (1, 1 / math.sqrt(INPUTS)),
    UnitNTK(): (1, 1 / math.sqrt(INPUTS)),
    Hyperplane(): (0, 1),
    Orthogonal(): (1 / INPUTS, 1),
    Orthogonal(gain=3.0): (9 / INPUTS, 1),
    LSUV(): (1 / INPUTS, 1),
    KMeansPlusPlus(): (1, 1),
    Signs(): (1, 1),
}


def filled(initializer: Initializer, *shape: int, seed: int = 0) -> Array:
    out = np.empty(shape)
    initializer.fill(np.random.default_rng(seed), out, math.prod(shape[:-1]), shape[-1])
    return out


@pytest.mark.parametrize("initializer", SPREAD, ids=str)
def test_spread(initializer: Initializer) -> None:
    variance, scale = SPREAD[initializer]
    assert filled(initializer, INPUTS, UNITS).var() == pytest.approx(variance, rel=0.03)
    assert initializer.scale(INPUTS) == scale


@parametrize("initializer", Initializer)
def test_the_spread_of_every_start_is_known(initializer: Initializer) -> None:
    assert initializer.name in {known.name for known in SPREAD}


@pytest.mark.parametrize("shape", [(7, 7), (9, 4), (4, 9), (1, 5), (5, 1), (3, 2, 4)], ids=str)
@pytest.mark.parametrize("gain", [1.0, 1.5])
def test_orthogonal(shape: tuple[int, ...], gain: float) -> None:
    w = filled(Orthogonal(gain=gain), *shape).reshape(-1, shape[-1])
    gram = w.T @ w if len(w) >= len(w.T) else w @ w.T
    assert gram == pytest.approx(gain**2 * np.eye(len(gram)), abs=1e-14)
    other = filled(Orthogonal(gain=gain), *shape, seed=1).reshape(w.shape)
    assert not np.allclose(w, other)


def test_orthogonal_prefers_no_sign() -> None:
    """The mean over many draws is zero: QR alone would fix the signs of the diagonal."""
    draws = np.array([filled(Orthogonal(), 3, 3, seed=seed) for seed in range(600)])
    assert draws.mean(axis=0) == pytest.approx(0, abs=0.1)


DEEP: tuple[Layer, ...] = (
    Dense(units=9, init=LSUV()),
    Relu(),
    Residual(layers=(Dense(units=9, init=LSUV()), Tanh())),
    Parallel(branches=((Dense(units=5, init=LSUV()),), (Tanh(), Dense(units=4, init=LSUV())))),
    Relu(),
    Dense(units=6, init=LSUV()),
)


def rows(n: int = 200) -> Rows:
    rng = np.random.default_rng(0)
    return Rows(rng.normal(3, 20, (1, n, 4)), np.zeros((1, n, 1)))


def start(network: Network, data: Rows | None, replicas: tuple[int, ...] = (0,)) -> State:
    rates = [0.1] * len(replicas)
    how = Method(MSE(), Adam(), Constant(), rates, 10, 1, replicas=replicas)
    return State.start(network, how, "float64", data)


def test_lsuv_gives_every_layer_the_variance_1() -> None:
    network, data = Network(DEEP, (4,)), rows()
    flat, n = start(network, data).flat, data.x.shape[1]
    scratch = network.scratch(1, n, "float64")
    network.forward(data.x, network.views(flat), scratch, EVALUATION)
    adapted = [slot for slot in network.slots if slot.name == "W"]
    assert len(adapted) == 5
    for slot in adapted:
        assert at(scratch, slot.path).y.var() == pytest.approx(1, rel=1e-9)


def test_unit_ntk_gives_every_unit_the_variance_1_and_hyperplane_a_zero_among_the_rows() -> None:
    dense = Dense(units=40, init=UnitNTK(), bias_init=Hyperplane())
    network, data = Network((dense, Tanh(), dense, Relu(), dense), (4,)), rows()
    flat, n = start(network, data).flat, data.x.shape[1]
    scratch = network.scratch(1, n, "float64")
    network.forward(data.x, network.views(flat), scratch, EVALUATION)
    for index in (0, 2, 4):
        y = scratch[index].y[0]
        assert y.var(axis=0) == pytest.approx(1, rel=1e-9)
        assert (y.min(axis=0) < 0).all()
        assert (y.max(axis=0) > 0).all()
    biases = [network.views(flat)[index].b for index in (0, 2, 4)]
    assert all(len(np.unique(b)) == 40 for b in biases)


def test_lsuv_of_one_replica_does_not_depend_on_the_others() -> None:
    network, data = Network(DEEP, (4,)), rows()
    own = data._replace(x=np.concatenate([data.x, data.x * 2, data.x + 5]))
    together = start(network, own, (0, 1, 2)).flat
    for replica in range(3):
        alone = start(network, Rows(own.x[replica : replica + 1], own.t), (replica,)).flat
        assert alone[0].tobytes() == together[replica].tobytes()


def test_lsuv_sees_no_row_without_a_weight() -> None:
    """In folds that train together, the rows of another fold have the weight 0."""
    network, data = Network(DEEP, (4,)), rows()
    c = np.ones((2, 200, 1))
    c[0, ::2] = 0
    folds = start(network, data._replace(c=c), (0, 0)).flat
    half = start(network, Rows(data.x[:, 1::2], data.t[:, 1::2])).flat
    assert folds[0].tobytes() == half[0].tobytes()
    assert folds[1].tobytes() == start(network, data).flat[0].tobytes()


@pytest.mark.parametrize("init", [LSUV(), UnitNTK()], ids=lambda init: init.name)
def test_a_constant_output_keeps_the_matrix(init: Initializer) -> None:
    network = Network([Dense(units=3, init=init)], (4,))
    flat = start(network, Rows(np.zeros((1, 9, 4)), np.zeros((1, 9, 1)))).flat
    assert np.array_equal(flat, network.init(0, [0], "float64"))


def test_lsuv_without_rows_is_refused() -> None:
    with pytest.raises(ValueError, match="lsuv needs training rows"):
        start(Network(DEEP, (4,)), None)


def test_ntk_is_the_plain_layer_with_other_weights() -> None:
    """z = x W / √I + b: the same output and dx for W / √I, and dW is the plain one by √I."""
    x = np.random.default_rng(0).normal(size=(1, 5, 4))
    w, seen = np.arange(12.0), {}
    for init, factor in ((NTK(), 1.0), (Glorot(), 0.5)):
        network = Network([Dense(units=3, init=init)], (4,))
        flat = np.concatenate([w * factor, [1.0, 2.0, 3.0]])[None]
        grad, scratch = np.empty_like(flat), network.scratch(1, 5, "float64", input_gradient=True)
        params, grads = network.views(flat), network.views(grad)
        z = network.forward(x, params, scratch, EVALUATION).copy()
        dx = network.backward(z, params, grads, scratch)
        assert dx is not None
        seen[init.name] = (z, dx, grads[0].b, grads[0].W * factor)
    for ours, plain in zip(seen["ntk"], seen["glorot"], strict=True):
        assert ours == pytest.approx(plain, rel=1e-13)


@pytest.mark.parametrize("init", ["orthogonal", "{orthogonal: 1.4}", "lsuv", "ntk", "unit_ntk"])
def test_a_config_names_the_start(init: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(120, 2))
    write_csv(tmp_path / "data.csv", [{"a": a, "b": b, "y": a - b} for a, b in x.tolist()])
    layers = f"[{{dense: {{units: 16, init: {init}}}}}, tanh]"
    (tmp_path / "c.yaml").write_text(
        f"data: {{path: data.csv, target: y}}\nnetwork: {layers}\nepochs: 60\nlearning_rate: 0.01\n"
    )
    metrics = [
        train(tmp_path / "c.yaml", "-o", f"run{k}", cwd=tmp_path)["metrics"]["test"] for k in (1, 2)
    ]
    assert metrics[0] == metrics[1]
    assert metrics[0]["r2"] > 0.9
    models = [(tmp_path / f"run{k}" / "model.safetensors").read_bytes() for k in (1, 2)]
    assert models[0] == models[1]
