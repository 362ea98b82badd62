"""The engine, in float64, against the onnx package's own test cases, which are float32."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from outside import numbers

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
from bpcli.nn.layer import EVALUATION, Array, Context, Layer, Views
from bpcli.nn.layers import Dense
from bpcli.nn.losses.classes import CrossEntropy
from bpcli.nn.network import Network
from bpcli.nn.normalization import BatchNorm, LayerNorm
from bpcli.nn.optimizers.gradients import SGD
from bpcli.nn.optimizers.moments import Adam
from bpcli.nn.optimizers.optimizer import Elementwise
from bpcli.nn.optimizers.squares import Adagrad

CLOSE: Any = {"rel": 2e-5, "abs": 2e-6}  # sums of a few hundred float32 numbers
ACTIVATIONS: dict[str, Activation] = {
    "relu": Relu(),
    "leakyrelu": LeakyRelu(slope=0.1),
    "leakyrelu_default": LeakyRelu(),
    "tanh": Tanh(),
    "sigmoid": Sigmoid(),
    "softplus": Softplus(),
    "elu": Elu(alpha=2.0),
    "elu_default": Elu(),
    "selu_default": Selu(),
    "swish": Silu(),
    "gelu_tanh_1": Gelu(),
    "gelu_tanh_2": Gelu(),
    "mish": Mish(),
}


def arrays(name: str) -> tuple[list[Array], list[Array]]:
    """The inputs and the outputs of a case."""
    case = numbers("onnx")[name]
    inputs, outputs = ([np.array(one, float) for one in case[k]] for k in ("inputs", "outputs"))
    return inputs, outputs


def output(layer: Layer, x: Array, flat: Array, context: Context = EVALUATION) -> Array:
    """y of rows x (N,I), by parameters (1,P)."""
    network = Network([layer], x.shape[1:])
    scratch = network.scratch(1, len(x), "float64")
    return network.forward(x[None], network.views(flat), scratch, context)[0].copy()


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation(name: str) -> None:
    (x,), (y,) = arrays(name)
    ours = output(ACTIVATIONS[name], x.reshape(1, -1), np.empty((1, 0)))
    assert ours == pytest.approx(y.reshape(1, -1), **CLOSE)


@pytest.mark.parametrize("name", ["gemm_default_vector_bias", "gemm_default_zero_bias"])
def test_dense(name: str) -> None:
    (x, w, b), (y,) = arrays(name)
    flat = np.concatenate([w.ravel(), b.ravel()])[None]
    assert output(Dense(units=w.shape[1]), x, flat) == pytest.approx(y, **CLOSE)


@pytest.mark.parametrize(
    "name", ["softmax_example", "softmax_large_number", "softmax_default_axis"]
)
def test_softmax(name: str) -> None:
    (x,), (y,) = arrays(name)
    assert CrossEntropy().link(x) == pytest.approx(y, **CLOSE)


def cross_entropy(z: Array, t: Array, c: Array) -> float:
    """L of scores z (N,O), targets t (N,O) and row weights c (N,) that sum to 1."""
    loss = CrossEntropy()
    shapes = loss.scratch(z.shape[1])
    s = Views(**{key: np.empty((1, len(z), *shape)) for key, shape in shapes.items()})
    return float(loss.value(z[None], t[None], c[None, :, None], s)[0])


@pytest.mark.parametrize(
    "name", ["logsoftmax_example_1", "logsoftmax_large_number", "logsoftmax_default_axis"]
)
def test_log_softmax(name: str) -> None:
    """The cross-entropy of one row with the class k is −log softmax(z) at k."""
    (x,), (y,) = arrays(name)
    for row, expected in zip(x.reshape(-1, x.shape[-1]), y.reshape(-1, x.shape[-1]), strict=True):
        ours = [-cross_entropy(row[None], one[None], np.ones(1)) for one in np.eye(len(row))]
        assert ours == pytest.approx(expected, **CLOSE)


def test_cross_entropy() -> None:
    (z, codes), (each,) = arrays("sce_none")
    t = np.eye(z.shape[1])[codes.astype(int)]
    ours = [cross_entropy(z[[k]], t[[k]], np.ones(1)) for k in range(len(z))]
    assert ours == pytest.approx(each, **CLOSE)
    equal = np.full(len(z), 1 / len(z))
    assert cross_entropy(z, t, equal) == pytest.approx(float(arrays("sce_mean")[1][0]), **CLOSE)
    total = float(arrays("sce_sum")[1][0])
    assert cross_entropy(z, t, equal) * len(z) == pytest.approx(total, **CLOSE)


def test_class_weights() -> None:
    """The mean is by the sum of the weights of the rows' classes."""
    (z, codes, weights), (mean,) = arrays("sce_mean_weight")
    c = weights[codes.astype(int)]
    ours = cross_entropy(z, np.eye(z.shape[1])[codes.astype(int)], c / c.sum())
    assert ours == pytest.approx(float(mean), **CLOSE)


@pytest.mark.parametrize(
    "name", ["layer_normalization_2d_axis1", "layer_normalization_3d_axis2_epsilon"]
)
def test_layer_norm(name: str) -> None:
    (x, gamma, beta), (y, *_) = arrays(name)
    layer = LayerNorm(epsilon=numbers("onnx")[name]["settings"].get("epsilon", 1e-5))
    flat = np.concatenate([gamma, beta])[None]
    ours = output(layer, x.reshape(-1, x.shape[-1]), flat)
    assert ours == pytest.approx(y.reshape(ours.shape), **CLOSE)


@pytest.mark.parametrize("mode", ["", "_training_mode"])
@pytest.mark.parametrize("which", ["example", "epsilon"])
def test_batch_norm(which: str, mode: str) -> None:
    """Channels are our features. Its momentum weighs the old statistics, ours the new ones."""
    name = f"batchnorm_{which}{mode}"
    (x, *parameters), (y, *running) = arrays(name)
    layer = BatchNorm(epsilon=numbers("onnx")[name]["settings"].get("epsilon", 1e-5), momentum=0.1)
    rows, expected = (np.moveaxis(one, 1, -1).reshape(-1, x.shape[1]) for one in (x, y))
    flat = np.concatenate(parameters)[None]
    ours = output(layer, rows, flat, Context(training=bool(mode)))
    assert ours == pytest.approx(expected, **CLOSE)
    if mode:
        (views,) = Network([layer], rows.shape[1:]).views(flat)
        mean, var = running
        assert views.mean[0, 0] == pytest.approx(mean, **CLOSE)
        # Ours keeps the unbiased variance, n / (n − 1) times the batch's.
        n, old = len(rows), 0.9 * parameters[3]
        assert (views.var[0, 0] - old) * (n - 1) / n + old == pytest.approx(var, **CLOSE)


def stepped(optimizer: Elementwise, x: Array, g: Array, rate: float, **slots: Array) -> Array:
    """x (n,) after one step from the given slots, which change in place."""
    p, work = x[None].copy(), {name: np.empty((1, len(x))) for name in optimizer.work}
    views = Views(**{name: slot[None] for name, slot in slots.items()}, **work)
    optimizer.step(p, g[None], views, np.array([[rate]]), 1)
    return p[0]


def coupled(name: str, x: Array, g: Array) -> Array:
    """The gradient with the l2 penalty that these cases have."""
    return g + numbers("onnx")[name]["settings"]["norm_coefficient"] * x


def test_adam() -> None:
    """No bias correction at T = 0, and ε beside the uncorrected root: both are put back here."""
    settings = numbers("onnx")["adam"]["settings"]
    (rate, _, x, g, m, v), (after, m_after, v_after) = arrays("adam")
    beta1, beta2 = settings["alpha"], settings["beta"]
    root = np.sqrt(1 - beta2)
    adam = Adam(beta1=beta1, beta2=beta2, epsilon=settings["epsilon"] / root)
    ours_m, ours_v = m / (1 - beta1), v / (1 - beta2)
    g = coupled("adam", x, g)
    ours = stepped(adam, x, g, float(rate) * (1 - beta1) / root, m=ours_m, v=ours_v)
    assert ours == pytest.approx(after, **CLOSE)
    assert ours_m * (1 - beta1) == pytest.approx(m_after, **CLOSE)
    assert ours_v * (1 - beta2) == pytest.approx(v_after, **CLOSE)


def test_adagrad() -> None:
    (rate, _, x, g, v), (after, v_after) = arrays("adagrad")
    optimizer = Adagrad(epsilon=numbers("onnx")["adagrad"]["settings"]["epsilon"])
    ours = stepped(optimizer, x, coupled("adagrad", x, g), float(rate), v=v)
    assert ours == pytest.approx(after, **CLOSE)
    assert v == pytest.approx(v_after, **CLOSE)


@pytest.mark.parametrize("name", ["momentum", "nesterov_momentum"])
def test_momentum(name: str) -> None:
    (rate, _, x, g, v), (after, v_after) = arrays(name)
    nesterov = name == "nesterov_momentum"
    optimizer = SGD(momentum=numbers("onnx")[name]["settings"]["alpha"], nesterov=nesterov)
    ours = stepped(optimizer, x, coupled(name, x, g), float(rate), v=v)
    assert ours == pytest.approx(after, **CLOSE)
    assert v == pytest.approx(v_after, **CLOSE)
