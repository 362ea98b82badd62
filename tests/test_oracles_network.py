"""Layers, clipping, gradients and whole trainings against PyTorch in float64 (`tests/oracles`)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from components import members
from outside import numbers

from bpcli.nn.activations import Activation, Relu, Selu, Tanh
from bpcli.nn.batches import Rows
from bpcli.nn.categories import Embedding
from bpcli.nn.composite import Parallel, Parametric, Residual
from bpcli.nn.convolution import Conv2D
from bpcli.nn.images import Flatten, Image
from bpcli.nn.layer import EVALUATION, Array, Context, Layer, Views
from bpcli.nn.layers import Dense, Scale
from bpcli.nn.losses.classes import CrossEntropy
from bpcli.nn.losses.loss import Loss
from bpcli.nn.losses.numbers import MSE
from bpcli.nn.method import Method
from bpcli.nn.network import Network
from bpcli.nn.normalization import BatchNorm, LayerNorm
from bpcli.nn.numbers import Periodic, Piecewise
from bpcli.nn.optimizers.gradients import SGD
from bpcli.nn.optimizers.history import LBFGS
from bpcli.nn.optimizers.moments import Adam
from bpcli.nn.pooling import AvgPool, GlobalAvgPool, MaxPool
from bpcli.nn.schedules import Constant
from bpcli.nn.state import State
from bpcli.nn.training import train
from bpcli.nn.update import Clip, Gradient, Regularization

EXACT = 1e-12  # relative: the same formula in another order
TRAJECTORY = 1e-9  # relative, after up to 100 steps


def branch(units: int) -> tuple[Layer, ...]:
    return (Dense(units=5), Tanh(), Dense(units=units))


LAYERS: dict[str, Layer] = {
    "dense": Dense(units=3),
    "scale": Scale(),
    "layer_norm": LayerNorm(),
    "batch_norm": BatchNorm(),
    "residual": Residual(layers=branch(4)),
    "residual_projection": Residual(layers=branch(3)),
    "parallel_concat": Parallel(branches=(branch(2), branch(3))),
    "parallel_add": Parallel(branches=(branch(3), branch(3)), join="add"),
    "embedding": Embedding(tables=((4, 3), (3, 2))),
    "parametric": Parametric(activation=Selu()),
    "periodic": Periodic(inputs=3, frequencies=5, width=2),
    "piecewise": Piecewise(bins=(4, 2, 1), width=2),
    "conv2d": Conv2D(filters=2, kernel=(3, 2), stride=(2, 1), padding=1),
    "conv2d_valid": Conv2D(filters=2, kernel=3, stride=2, padding="valid"),
    "conv2d_same": Conv2D(filters=2, kernel=(3, 4)),
    "conv2d_groups": Conv2D(filters=6, groups=2),
    "conv2d_depthwise": Conv2D(filters=8, groups="depthwise"),
    "conv2d_pixels": Conv2D(filters=3, kernel=1),
    "max_pool": MaxPool(),
    "max_pool_same": MaxPool(size=3, stride=1, padding="same"),
    "avg_pool": AvgPool(),
    "avg_pool_same": AvgPool(size=3, stride=2, padding=1),
    "global_avg_pool": GlobalAvgPool(),
    "flatten": Flatten(),
    "image": Image(height=3, width=2, channels=2),
    "batch_norm_images": BatchNorm(),
    "residual_images": Residual(layers=(Conv2D(filters=3, stride=2, padding=1),)),
    "parallel_images": Parallel(
        branches=(
            (Conv2D(filters=3, kernel=1),),
            (MaxPool(size=3, stride=1, padding="same"), Conv2D(filters=2, kernel=1)),
        )
    ),
}
# Their output is random while training, and the input itself in prediction.
RANDOM = {
    *("dropout", "noise", "category_dropout"),
    *("random_shift", "random_flip", "random_crop"),
}
ELSEWHERE = {
    "prototypes",  # scikit-learn's distances, test_nn_clusters.py
    *("batch_ensemble", "member_dense"),  # plain networks, test_nn_ensembling.py
}


def test_every_layer_has_an_oracle() -> None:
    layers = {one.name for one in members(Layer) if not isinstance(one, Activation)}
    assert {one.name for one in LAYERS.values()} | RANDOM | ELSEWHERE == layers


class Pass:
    """One layer with PyTorch's parameters, whose names come in the order of ours."""

    def __init__(self, name: str) -> None:
        self.entry = numbers("torch")["layers"][name]
        self.x, self.dy = (np.array([self.entry[key]]) for key in ("x", "dy"))
        self.network = Network([LAYERS[name]], self.x.shape[2:])
        self.flat = self.of("parameters")
        self.params = self.network.views(self.flat)
        self.scratch = self.network.scratch(1, self.x.shape[1], "float64", input_gradient=True)

    def of(self, key: str) -> Array:
        """Parameters or gradients (1,P); W is (I,O), the transpose of PyTorch's, others as here."""
        theirs = iter(self.entry[key].values())
        flat = self.network.init(0, [0], "float64")
        for slot in self.network.slots:
            if slot.parameter.trained:
                values = np.array(next(theirs))
                part = values if values.shape == slot.parameter.shape else values.T
                flat[0, slot.start : slot.stop] = part.ravel()
        assert next(theirs, None) is None
        return flat

    def forward(self, x: Array, *, training: bool) -> Array:
        context = Context(training=True) if training else EVALUATION
        return self.network.forward(x, self.params, self.scratch, context)[0].copy()


@pytest.mark.parametrize("name", LAYERS)
def test_layer(name: str) -> None:
    one = Pass(name)
    y = one.forward(one.x, training=True)
    assert y == pytest.approx(np.array(one.entry["y"]), rel=EXACT, abs=1e-14)
    grad, expected = np.zeros_like(one.flat), one.of("gradients")
    dx = one.network.backward(one.dy, one.params, one.network.views(grad), one.scratch)
    assert dx is not None
    assert dx[0] == pytest.approx(np.array(one.entry["dx"]), rel=1e-11, abs=1e-13)
    for slot in one.network.slots:
        if slot.parameter.trained:
            part = np.s_[0, slot.start : slot.stop]
            assert grad[part] == pytest.approx(expected[part], rel=1e-11, abs=1e-13)


def test_running_statistics() -> None:
    one = Pass("batch_norm")
    (views,) = one.params
    second = np.array([one.entry["second_x"]])
    for x, running in zip((one.x, second), one.entry["running"], strict=True):
        one.forward(x, training=True)
        assert views.mean[0, 0] == pytest.approx(running["mean"], rel=EXACT)
        assert views.var[0, 0] == pytest.approx(running["variance"], rel=EXACT)
    prediction = one.forward(one.x, training=False)
    assert prediction == pytest.approx(np.array(one.entry["prediction"]), rel=EXACT)


@pytest.mark.parametrize("case", range(3))
def test_clipping_by_norm(case: int) -> None:
    """Two tensors of PyTorch's are one gradient of ours."""
    entry = numbers("torch")["clipping"]
    expected = entry["cases"][case]
    flat = np.concatenate([np.ravel(one) for one in entry["gradients"]])
    network = Network([Dense(units=1)], (len(flat) - 1,))
    everything, grads = slice(0, network.size), flat[None, None].copy()
    clip = Clip(norm=expected["limit"])
    gradient = Gradient(network, flat[None], grads, [Regularization()], clip, everything)
    norm = np.sqrt(gradient.gather())
    assert norm[0] == pytest.approx(expected["norm"], rel=EXACT)
    gradient.shorten(norm)
    clipped = np.concatenate([np.ravel(one) for one in expected["clipped"]])
    assert grads[0, 0] == pytest.approx(clipped, rel=EXACT)


def network_and_weights() -> tuple[Network, Array]:
    """Linear, tanh, linear, relu, linear, with the given start; PyTorch keeps W as (O,I)."""
    start = numbers("torch")["network"]["start"]
    layers: list[Layer] = [Dense(units=len(b)) for b in start["b"]]
    layers[1:1], layers[3:3] = [Tanh()], [Relu()]
    network = Network(layers, (len(start["W"][0]),))
    return network, flat_of(network, start)


def layer_and_weights() -> tuple[Network, Array]:
    start = numbers("torch")["lbfgs"]["linear_start"]
    network = Network([Dense(units=len(start["b"][0]))], (len(start["W"][0]),))
    return network, flat_of(network, start)


def flat_of(network: Network, parameters: dict[str, Any]) -> Array:
    flat = np.empty((1, network.size))
    for slot in network.slots:
        values = np.array(parameters[slot.name][slot.path[0] // 2])
        part = values if values.shape == slot.parameter.shape else values.T
        flat[0, slot.start : slot.stop] = np.reshape(part, -1)
    return flat


@pytest.mark.parametrize("which", ["cross_entropy", "mse"])
def test_gradients_of_a_network(which: str) -> None:
    entry = numbers("torch")["network"]
    network, flat = network_and_weights()
    rows, loss = rows_and_loss(which)
    n, grad = rows.x.shape[1], np.empty_like(flat)
    scratch = network.scratch(1, n, "float64", input_gradient=True)
    params, expected = network.views(flat), entry["gradients"][which]
    z = network.forward(rows.x, params, scratch, EVALUATION)
    assert z[0] == pytest.approx(np.array(entry["scores"]), rel=EXACT)
    shapes = loss.scratch(z.shape[-1])
    s = Views(**{key: np.empty((1, n, *shape)) for key, shape in shapes.items()})
    value = loss.value(z, rows.t, np.full((1, 1, 1), 1 / n), s)
    assert value[0] == pytest.approx(expected["value"], rel=EXACT)
    dx = network.backward(s.dz, params, network.views(grad), scratch)
    assert dx is not None
    assert dx[0] == pytest.approx(np.array(expected["x"]), rel=1e-11, abs=1e-14)
    assert grad == pytest.approx(flat_of(network, expected), rel=1e-11, abs=1e-14)


def rows_and_loss(which: str) -> tuple[Rows, Loss]:
    entry = numbers("torch")["network"]
    loss: Loss = CrossEntropy() if which == "cross_entropy" else MSE()
    t = np.array(entry["targets"][which])
    t = np.eye(3)[t] if t.ndim == 1 else t
    return Rows(np.array([entry["x"]]), t[None]), loss


@pytest.mark.parametrize("which", ["cross_entropy", "mse"])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_training_a_network(which: str, optimizer: str) -> None:
    run = numbers("torch")["network"]["runs"][f"{which}_{optimizer}"]
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


LBFGS_NETS = {"network": network_and_weights, "linear": layer_and_weights}
LBFGS_RUNS = [
    (net, loss, run)
    for net in LBFGS_NETS
    for loss in ("cross_entropy", "mse")
    for run in ("fixed", "fixed_short_history", "wolfe", "wolfe_short_history")
]


def lbfgs_run(
    net: str, which: str, optimizer: LBFGS, rate: float, iterations: int
) -> tuple[Network, State, Any]:
    network, flat = LBFGS_NETS[net]()
    rows, loss = rows_and_loss(which)
    penalty = Regularization(l2=numbers("torch")["lbfgs"]["l2"])
    n = rows.x.shape[1]
    method = Method(loss, optimizer, Constant(), [rate], n, iterations, regularization=(penalty,))
    state = State.start(network, method, "float64")
    state.flat[...] = flat
    return network, state, train(network, method, state, rows)


def penalty_of(network: Network, state: State) -> float:
    """l2 / 2 of the squares of the weights, which PyTorch's loss of this run contains."""
    weights = [views.W for views in network.views(state.flat) if hasattr(views, "W")]
    return float(numbers("torch")["lbfgs"]["l2"] / 2 * sum((w * w).sum() for w in weights))


@pytest.mark.parametrize(("net", "which", "name"), LBFGS_RUNS)
def test_lbfgs_step_by_step(net: str, which: str, name: str) -> None:
    """Loss and parameters of 100 steps, to 1e-9 of the largest; of the deep net those of 20.

    Its loss is not convex, and the steps of a short history amplify a difference of one bit. At a
    minimum a line search compares losses that differ by rounding only, so that small weights agree
    to digits of the largest.
    """
    run = numbers("torch")["lbfgs"]["runs"][f"{net}_{which}_{name}"]
    settings = run["settings"]
    optimizer = LBFGS(
        history=settings.get("history_size", 100),
        line_search="line_search_fn" in settings,
        tolerance_gradient=0.0,
        tolerance_change=1e-30,
    )
    network, state, epochs = lbfgs_run(net, which, optimizer, settings.get("lr", 1.0), 100)
    values, penalty = [], penalty_of(network, state)
    for epoch in epochs:
        values.append(float(epoch.loss[0]) + penalty)
        penalty = penalty_of(network, state)
        if epoch.iteration in ((1, 2, 5, 20) if net == "network" else (1, 2, 5, 20, 100)):
            expected = flat_of(network, run["after"][str(epoch.iteration)])
            largest = TRAJECTORY * np.abs(expected).max()
            assert state.flat == pytest.approx(expected, rel=TRAJECTORY, abs=largest)
    assert values == pytest.approx(run["values"][: len(values)], rel=TRAJECTORY)
    assert values[-1] == pytest.approx(run["values"][-1], rel=TRAJECTORY)


@pytest.mark.parametrize("which", ["cross_entropy", "mse"])
def test_lbfgs_ends_where_pytorch_does(which: str) -> None:
    expected = numbers("torch")["lbfgs"][f"{which}_to_the_end"]
    network, state, epochs = lbfgs_run("network", which, LBFGS(history=100), 1.0, 1000)
    updates = len(list(epochs))
    assert updates - expected["iterations"] in (0, 1)  # one that finds that nothing changed
    assert state.flat == pytest.approx(flat_of(network, expected["after"]), abs=1e-6)
