"""The engine against numbers written by PyTorch in float64 (`tests/oracles`)."""

from __future__ import annotations

import numpy as np
import pytest
from components import members
from outside import numbers

from bpcli.config.component import Component
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
from bpcli.nn.layer import EVALUATION, Views
from bpcli.nn.losses.binary import BinaryCrossEntropy, MultilabelCrossEntropy
from bpcli.nn.losses.classes import CrossEntropy, Focal
from bpcli.nn.losses.loss import Loss
from bpcli.nn.losses.numbers import MAE, MSE, Huber, LogCosh, Poisson, Quantile
from bpcli.nn.network import Network
from bpcli.nn.optimizers.gradients import SGD, Lion
from bpcli.nn.optimizers.moments import Adam, AdamW, NAdam
from bpcli.nn.optimizers.optimizer import Elementwise, Optimizer
from bpcli.nn.optimizers.signs import Rprop
from bpcli.nn.optimizers.squares import Adadelta, Adagrad, RMSprop
from bpcli.nn.schedules import (
    Cosine,
    CosineRestarts,
    Exponential,
    OneCycle,
    Polynomial,
    ReduceOnPlateau,
    Schedule,
    Step,
    WarmUp,
)

EXACT = 1e-12  # relative: the same formula in another order
TRAJECTORY = 1e-9  # relative, after up to 100 steps


OPTIMIZERS: dict[str, Elementwise] = {
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
    "rmsprop_momentum": RMSprop(momentum=0.9),
    "rmsprop_momentum_rates": RMSprop(momentum=0.9),
    "rmsprop_centered": RMSprop(centered=True),
    "rmsprop_centered_momentum": RMSprop(alpha=0.9, centered=True, momentum=0.5),
    "adamw": AdamW(),
    "adamw_decay": AdamW(weight_decay=0.1, beta2=0.95),
    "adamw_rates": AdamW(weight_decay=0.1),
    "nadam": NAdam(),
    "nadam_decay": NAdam(beta1=0.8, beta2=0.95, psi=0.1),
    "adagrad": Adagrad(),
    "adadelta": Adadelta(),
    "adadelta_rho": Adadelta(rho=0.95, epsilon=1e-8),
    "lion": Lion(),
    "lion_rates": Lion(beta1=0.95, beta2=0.98, weight_decay=0.1),
    "rprop": Rprop(),
    "rprop_bounds": Rprop(shrink=0.3, grow=1.5, smallest=1e-3, largest=0.1),
}
KERAS_LION = (0.999, 0.998, 0.997, 0.996, 0.995)  # keras/src/optimizers/lion_test.py
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
# The schedule, and the T whose rates for t = 0 … T − 1 are PyTorch's.
SCHEDULES: dict[str, tuple[Schedule, int]] = {
    "step": (Step(at=(0.3, 0.6, 0.9)), 100),
    "multi_step": (Step(at=(0.2, 0.5, 0.8), gamma=0.5), 100),
    "exponential": (Exponential(end=0.95**100), 100),
    "polynomial": (Polynomial(), 100),
    "polynomial_square": (Polynomial(power=2.0), 80),
    "cosine": (Cosine(), 100),
    "cosine_floor": (Cosine(floor=0.01), 100),
    "restarts": (CosineRestarts(), 100),
    "restarts_longer": (CosineRestarts(cycles=3, growth=2, floor=0.05), 70),
    "one_cycle": (OneCycle(), 100),
    "warm_up_cosine": (WarmUp(share=0.1, then=Cosine(), start=0.1), 100),
}
# The schedule that answers to one loss an epoch, in PyTorch's words.
PLATEAUS: dict[str, Schedule] = {
    "plateau": ReduceOnPlateau(by=0.5, patience=3),
    "plateau_cooldown": ReduceOnPlateau(
        by=0.1, patience=2, cooldown=4, threshold=0.01, floor=0.001
    ),
}
LOSSES: dict[str, tuple[Loss, tuple[str, ...], str]] = {
    "mse": (MSE(), ("numbers",), "mse"),
    "cross_entropy": (CrossEntropy(), ("classes", "hard"), "plain"),
    "cross_entropy, soft targets": (CrossEntropy(), ("classes", "soft"), "plain"),
    "binary_cross_entropy": (BinaryCrossEntropy(), ("binary",), "plain"),
    "mae": (MAE(), ("numbers",), "l1"),
    "huber": (Huber(), ("numbers",), "huber"),
    "huber, delta": (Huber(delta=0.3), ("numbers",), "huber_delta"),
    "log_cosh": (LogCosh(), ("numbers",), "log_cosh"),
    "quantile": (Quantile(levels=(0.1, 0.5, 0.9)), ("levels",), "pinball"),
    "poisson": (Poisson(), ("counts",), "poisson"),
    "smoothing": (CrossEntropy(label_smoothing=0.1), ("classes", "hard"), "smoothing"),
    "smoothing, soft": (CrossEntropy(label_smoothing=0.1), ("classes", "soft"), "smoothing"),
    "focal": (Focal(), ("classes", "hard"), "focal"),
    "focal, gamma": (Focal(gamma=1.5), ("classes", "hard"), "focal_gamma"),
    "focal, gamma 0": (Focal(gamma=0.0), ("classes", "soft"), "plain"),
    "multilabel_cross_entropy": (MultilabelCrossEntropy(), ("labels",), "plain"),
}


# What PyTorch does not define, or not on numbers alone, and what stands in its place.
ELSEWHERE = {
    "lbfgs": "PyTorch's steps on a network, test_oracles_network.py",
    "kmeans": "scikit-learn's inertia, test_nn_clusters.py",
    "members": "the losses of plain networks, test_nn_ensembling.py",
    "lloyd": "scikit-learn's steps from the same start, test_nn_clusters.py",
    "constant": "1, test_nn_schedules.py",
    "inverse_time": "the formula by hand, test_nn_schedules.py",
    "flat_cosine": "the formula of its paper by hand, test_nn_schedules.py",
    "coslog4": "the formula of its paper by hand, test_nn_schedules.py",
}


@pytest.mark.parametrize(
    ("family", "known"),
    [
        (Optimizer, OPTIMIZERS.values()),
        (Activation, ACTIVATIONS.values()),
        (Loss, [loss for loss, *_ in LOSSES.values()]),
        (Schedule, [*PLATEAUS.values(), *(schedule for schedule, _ in SCHEDULES.values())]),
    ],
)
def test_every_component_has_an_oracle(family: type[Component], known: list[Component]) -> None:
    registered = {one.name for one in members(family)}
    from_torch = {one.name for one in known}
    assert registered - from_torch == registered & ELSEWHERE.keys()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizer(name: str) -> None:
    optimizer, run = OPTIMIZERS[name], numbers("torch")["optimizers"]["runs"][name]
    p = np.array([numbers("torch")["optimizers"]["start"]])
    state = {slot: np.zeros_like(p) for slot in optimizer.slots()}
    s = Views(**state, **{name: np.empty_like(p) for name in optimizer.work})
    rates = np.broadcast_to(run["settings"]["lr"], 100)
    for t, g in enumerate(numbers("torch")["optimizers"]["gradients"], 1):
        p *= 1 - rates[t - 1] * optimizer.decay()
        optimizer.step(p, np.array([g]), s, np.array([[rates[t - 1]]]), t)
        assert p[0] == pytest.approx(run["path"][t - 1], rel=TRAJECTORY, abs=1e-15)


def test_lion() -> None:
    """Five steps from Keras' own test, and where m and the step have other shares of g."""
    p, s = np.ones((1, 10)), Views(a=np.empty((1, 10)), m=np.zeros((1, 10)))
    gradients = [np.full((1, 10), 0.01), *[np.arange(1, 11)[None] / 10] * 4]
    for t, (g, expected) in enumerate(zip(gradients, KERAS_LION, strict=True), 1):
        Lion().step(p, g, s, np.array([[0.001]]), t)
        assert p == pytest.approx(expected, rel=EXACT)
    Lion().step(p, -0.4 * s.m, s, np.array([[0.001]]), 6)  # 0.9 m outweighs 0.1 · 0.4 m
    assert p == pytest.approx(0.994, rel=EXACT)
    Lion().step(p, -10 * s.m, s, np.array([[0.001]]), 7)
    assert p == pytest.approx(0.995, rel=EXACT)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation(name: str) -> None:
    entry, x = numbers("torch")["activations"][name], np.array(numbers("torch")["activations"]["x"])
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
    entry = numbers("torch")["losses"]
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
        linked = loss.link(z)[0, :, -z.shape[-1] :]  # of two classes by one score, the second
        assert linked == pytest.approx(np.array(entry[link]), rel=1e-11, abs=1e-300)


def test_class_weights_are_row_weights() -> None:
    """PyTorch divides by the sum of the weights of the rows' classes."""
    entry = numbers("torch")["losses"]["classes"]["hard"]
    z, classes = np.array([entry["z"]]), np.array(entry["t"])
    c = np.array(entry["weight"]["settings"]["weight"])[classes]
    t, c = np.eye(z.shape[-1])[classes][None], (c / c.sum())[None, :, None]
    shapes = CrossEntropy().scratch(z.shape[-1])
    s = Views(**{key: np.empty((1, z.shape[1], *shape)) for key, shape in shapes.items()})
    value = CrossEntropy().value(z, t, c, s)
    assert value[0] == pytest.approx(entry["weight"]["value"], rel=EXACT)
    assert s.dz[0] == pytest.approx(np.array(entry["weight"]["dz"]), rel=EXACT, abs=1e-16)


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedule(name: str) -> None:
    schedule, total = SCHEDULES[name]
    rates = numbers("torch")["schedules"][name]["rates"][:total]
    ours = [schedule.factor(t, total) for t in range(total)]
    assert ours == pytest.approx(rates, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("name", PLATEAUS)
def test_schedule_that_answers_to_the_loss(name: str) -> None:
    schedule, entry = PLATEAUS[name], numbers("torch")["schedules"]
    memory = {key: np.array([value]) for key, value in schedule.memory().items()}
    rates = []
    for t, loss in enumerate(entry["plateau_losses"], 1):
        rates.append(float(memory["factor"][0]))
        schedule.observe(memory, np.array([loss]), t, 100)
    assert rates == pytest.approx(entry[name]["rates"], rel=EXACT)
    assert len(set(rates)) > 3
