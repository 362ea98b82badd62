"""Networks without hidden layers end at the coefficients of the closed form, or scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_iris
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge

from bpcli.nn.batches import Rows
from bpcli.nn.initializers import Zeros
from bpcli.nn.layer import Array, Views
from bpcli.nn.layers import Dense
from bpcli.nn.losses.binary import BinaryCrossEntropy
from bpcli.nn.losses.classes import CrossEntropy
from bpcli.nn.losses.loss import Loss
from bpcli.nn.losses.numbers import MSE
from bpcli.nn.method import Method
from bpcli.nn.network import Network
from bpcli.nn.optimizers.gradients import SGD
from bpcli.nn.optimizers.history import LBFGS
from bpcli.nn.schedules import Constant
from bpcli.nn.state import State
from bpcli.nn.training import train
from bpcli.nn.update import Regularization

CLOSE = 1e-6  # relative to the largest coefficient


def standardised(x: Array) -> tuple[Array, Array, Array]:
    mean, scale = x.mean(axis=0), x.std(axis=0)
    return (x - mean) / scale, mean, scale


DESCENT = SGD(momentum=0.95)
NEWTON = LBFGS(tolerance_gradient=1e-11, tolerance_change=0.0)
OPTIMIZERS = {"descent": (DESCENT, 0.1), "newton": (NEWTON, 1.0)}
each_optimizer = pytest.mark.parametrize("how", OPTIMIZERS)


def fit(x: Array, t: Array, loss: Loss, how: str, l2: float = 0.0) -> Views:
    """W (I,O) and b (O,) after full-batch training to a zero gradient."""
    network = Network([Dense(units=t.shape[1], init=Zeros())], x.shape[1:])
    optimizer, rate = OPTIMIZERS[how]
    method = Method(
        loss,
        optimizer,
        Constant(),
        [rate],
        len(x),
        200_000,
        regularization=(Regularization(l2=l2),),
    )
    state = State.start(network, method, "float64")
    for epoch in train(network, method, state, Rows(x[None], t[None])):
        if epoch.gradient_norm[0] < 1e-11:
            break
    (views,) = network.views(state.flat)
    return Views(W=views.W[0], b=views.b[0, 0])


def raw_units(found: Views, mean: Array, scale: Array) -> tuple[Array, Array]:
    """Slopes (O,I) and intercepts (O,) on inputs that are not standardised."""
    slopes = found.W.T / scale
    return slopes, found.b - slopes @ mean


def assert_close(found: Array, expected: Array) -> None:
    expected = np.asarray(expected)
    assert found == pytest.approx(expected, abs=CLOSE * float(np.abs(expected).max()))


@each_optimizer
def test_linear_regression(how: str) -> None:
    data = load_diabetes(scaled=False)
    x, mean, scale = standardised(data.data)
    slopes, intercept = raw_units(fit(x, data.target[:, None], MSE(), how), mean, scale)
    reference = LinearRegression().fit(data.data, data.target)
    assert_close(slopes[0], reference.coef_)
    assert_close(intercept[0], reference.intercept_)


@each_optimizer
def test_ridge_regression(how: str) -> None:
    data = load_diabetes(scaled=False)
    x, mean, scale = standardised(data.data)
    l2 = 0.3  # mean e² + l2/2 · w²: as scikit-learn's alpha, times n/2
    slopes, intercept = raw_units(fit(x, data.target[:, None], MSE(), how, l2), mean, scale)
    reference = Ridge(alpha=len(x) * l2 / 2, tol=1e-12).fit(x, data.target)
    assert_close(slopes[0], reference.coef_ / scale)
    assert_close(intercept[0], reference.intercept_ - slopes[0] @ mean)


@each_optimizer
def test_logistic_regression(how: str) -> None:
    data = load_iris()
    keep = data.target > 0
    x, mean, scale = standardised(data.data[keep])
    y = (data.target[keep] == 2).astype(float)
    l2 = 0.01  # mean loss + l2/2 · w²: as scikit-learn's C = 1 / (n l2)
    found = fit(x, y[:, None], BinaryCrossEntropy(), how, l2)
    reference = LogisticRegression(C=1 / (len(x) * l2), tol=1e-12, max_iter=10_000).fit(x, y)
    slopes, intercept = raw_units(found, mean, scale)
    assert_close(slopes, reference.coef_ / scale)
    assert_close(intercept, reference.intercept_ - slopes @ mean)


@each_optimizer
def test_softmax_regression(how: str) -> None:
    data = load_iris()
    x, _, _ = standardised(data.data)
    l2 = 0.01
    found = fit(x, np.eye(3)[data.target], CrossEntropy(), how, l2)
    reference = LogisticRegression(C=1 / (len(x) * l2), tol=1e-12, max_iter=10_000)
    reference.fit(x, data.target)
    assert_close(found.W.T, reference.coef_)
    # Softmax does not see a constant added to every intercept.
    intercept = reference.intercept_
    assert_close(found.b - found.b.mean(), intercept - intercept.mean())
