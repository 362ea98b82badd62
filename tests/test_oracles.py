"""The engine against numbers written by PyTorch in float64 (`tests/oracles`)."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import numpy as np
import pytest
from components import members
from running import ROOT

from bpcli.nn.activations import (
    Activation,
    Elu,
    Gelu,
    LeakyRelu,
    Mish,
    Relu,
    Selu,
    Sigmoid,
    Silu,
    Softplus,
    Tanh,
)
from bpcli.nn.layer import EVALUATION, Array, Layer, Views
from bpcli.nn.layers import Dense
from bpcli.nn.losses import MSE, BinaryCrossEntropy, CrossEntropy, Loss
from bpcli.nn.network import Network
from bpcli.nn.optimizers import SGD, Adam, Optimizer, RMSprop
from bpcli.nn.schedules import Constant, Cosine, Schedule
from bpcli.nn.training import Method, Rows, State, train

EXACT = 1e-12  # relative: the same formula in another order
TRAJECTORY = 1e-9  # relative, after up to 100 steps


@cache
def table() -> dict[str, Any]:
    text = (ROOT / "tests" / "oracles" / "torch.json").read_text()
    return json.loads(text)  # type: ignore[no-any-return]


OPTIMIZERS: dict[str, Optimizer] = {
    "sgd": SGD(),
    "sgd_momentum": SGD(momentum=0.9),
    "sgd_momentum_rates": SGD(momentum=0.9),
    "sgd_nesterov": SGD(momentum=0.9, nesterov=True),
    "sgd_nesterov_rates": SGD(momentum=0.9, nesterov=True),
    "rmsprop": RMSprop(),
    "rmsprop_alpha": RMSprop(alpha=0.9, epsilon=1e-4),
    "adam": Adam(),
    "adam_rates": Adam(),
    "adam_betas": Adam(beta1=0.8, beta2=0.95, epsilon=1e-3),
    "adam_no_momentum": Adam(beta1=0.0, beta2=0.99),
}
ACTIVATIONS: dict[str, Activation] = {
    "relu": Relu(),
    "leaky_relu": LeakyRelu(),
    "leaky_relu_slope": LeakyRelu(slope=0.2),
    "tanh": Tanh(),
    "sigmoid": Sigmoid(),
    "softplus": Softplus(),
    "elu": Elu(),
    "elu_alpha": Elu(alpha=0.5),
    "selu": Selu(),
    "silu": Silu(),
    "gelu_tanh": Gelu(),
    "mish": Mish(),
}
SCHEDULES: dict[str, Schedule] = {"cosine": Cosine()}
LOSSES: dict[str, tuple[Loss, tuple[str, ...], str]] = {
    "mse": (MSE(), ("numbers",), "mse"),
    "cross_entropy": (CrossEntropy(), ("classes", "hard"), "plain"),
    "cross_entropy, soft targets": (CrossEntropy(), ("classes", "soft"), "plain"),
    "binary_cross_entropy": (BinaryCrossEntropy(), ("binary",), "plain"),
}


def test_every_component_has_an_oracle() -> None:
    def names(used: Any) -> set[str]:
        return {component.name for component in used}

    assert names(OPTIMIZERS.values()) == names(members(Optimizer))
    activations = [layer for layer in members(Layer) if isinstance(layer, Activation)]
    assert names(ACTIVATIONS.values()) == names(activations)
    assert names(loss for loss, *_ in LOSSES.values()) == names(members(Loss))
    assert names(SCHEDULES.values()) | {Constant.name} == names(members(Schedule))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizer(name: str) -> None:
    optimizer, run = OPTIMIZERS[name], table()["optimizers"]["runs"][name]
    p = np.array([table()["optimizers"]["start"]])
    state = {slot: np.zeros_like(p) for slot in optimizer.slots()}
    s = Views(a=np.empty_like(p), **state)
    rates = np.broadcast_to(run["settings"]["lr"], 100)
    for t, g in enumerate(table()["optimizers"]["gradients"], 1):
        optimizer.step(p, np.array([g]), s, np.array([[rates[t - 1]]]), t)
        assert p[0] == pytest.approx(run["path"][t - 1], rel=TRAJECTORY, abs=1e-15)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation(name: str) -> None:
    entry, x = table()["activations"][name], np.array(table()["activations"]["x"])
    network = Network([ACTIVATIONS[name]], (len(x),))
    scratch = network.scratch(1, 1, "float64", input_gradient=True)
    views = network.views(np.empty((1, 0)))
    y = network.forward(x[None, None], views, scratch, EVALUATION)
    assert y[0, 0] == pytest.approx(entry["y"], rel=EXACT, abs=1e-15)
    dx = network.backward(np.ones((1, 1, len(x))), views, views, scratch)
    assert dx is not None
    assert dx[0, 0] == pytest.approx(entry["dy_dx"], rel=1e-10, abs=1e-14)


@pytest.mark.parametrize("name", LOSSES)
def test_loss(name: str) -> None:
    loss, path, case = LOSSES[name]
    entry = table()["losses"]
    for key in path:
        entry = entry[key]
    z = np.array([entry["z"]])
    t = np.array(entry["t"])
    t = np.eye(z.shape[-1])[t][None] if t.ndim == 1 else t[None]
    c = np.full((1, 1, 1), 1 / z.shape[1])
    shapes = loss.scratch(z.shape[-1])
    s = Views(**{key: np.empty((1, z.shape[1], *shape)) for key, shape in shapes.items()})
    assert loss.value(z, t, c, s)[0] == pytest.approx(entry[case]["value"], rel=EXACT)
    assert s.dz[0] == pytest.approx(np.array(entry[case]["dz"]), rel=EXACT, abs=1e-16)
    for link in {"softmax", "sigmoid"} & entry.keys():
        assert loss.link(z)[0] == pytest.approx(np.array(entry[link]), rel=1e-11, abs=1e-300)


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedule(name: str) -> None:
    rates = table()["schedules"][name]["rates"]
    ours = [SCHEDULES[name].factor(t, 100) * rates[0] for t in range(100)]
    assert ours == pytest.approx(rates, rel=1e-12, abs=1e-15)


def network_and_weights() -> tuple[Network, Array]:
    """Linear, tanh, linear, relu, linear, with the given start; PyTorch keeps W as (O,I)."""
    entry = table()["network"]
    layers: list[Layer] = [Dense(units=len(b)) for b in entry["start"]["b"]]
    layers[1:1], layers[3:3] = [Tanh()], [Relu()]
    network = Network(layers, (len(entry["x"][0]),))
    return network, flat_of(network, entry["start"])


def flat_of(network: Network, parameters: dict[str, Any]) -> Array:
    flat = np.empty((1, network.size))
    for slot in network.slots:
        values = np.array(parameters[slot.name][slot.path[0] // 2])
        part = values if values.shape == slot.parameter.shape else values.T
        flat[0, slot.start : slot.stop] = np.reshape(part, -1)
    return flat


def rows_and_loss(which: str) -> tuple[Rows, Loss]:
    entry = table()["network"]
    loss: Loss = CrossEntropy() if which == "cross_entropy" else MSE()
    t = np.array(entry["targets"][which])
    t = np.eye(3)[t] if t.ndim == 1 else t
    return Rows(np.array([entry["x"]]), t[None]), loss


@pytest.mark.parametrize("which", ["cross_entropy", "mse"])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_training_a_network(which: str, optimizer: str) -> None:
    run = table()["network"]["runs"][f"{which}_{optimizer}"]
    network, flat = network_and_weights()
    rows, loss = rows_and_loss(which)
    steps = {"sgd": SGD(), "adam": Adam()}
    n = rows.x.shape[1]
    method = Method(loss, steps[optimizer], Constant(), [run["lr"]], n, 20)
    state = State.start(network, method, "float64")
    state.flat[...] = flat
    losses = []
    for epoch in train(network, method, state, rows):
        losses.append(float(epoch.loss[0]))
        if epoch.iteration in (1, 20):
            expected = flat_of(network, run[f"after_{epoch.iteration}"])
            assert state.flat == pytest.approx(expected, rel=TRAJECTORY, abs=1e-14)
    assert losses == pytest.approx(run["values"], rel=TRAJECTORY)
