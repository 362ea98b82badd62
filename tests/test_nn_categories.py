"""Vectors by code, and the unseen category: what a category costs, moves and trains."""

from __future__ import annotations

import numpy as np
import pytest
from test_nn_gradients import TOLERANCE, Pass, relative_error

from bpcli.nn.batches import Rows
from bpcli.nn.categories import CategoryDropout, Embedding
from bpcli.nn.layer import EVALUATION, Array, Context, Layer
from bpcli.nn.layers import Dense
from bpcli.nn.losses.numbers import MSE
from bpcli.nn.method import Method
from bpcli.nn.network import Network
from bpcli.nn.optimizers.moments import Adam
from bpcli.nn.random import NoiseKey
from bpcli.nn.schedules import Constant
from bpcli.nn.state import State
from bpcli.nn.training import train


def outputs(layer: Layer, x: Array, *, training: bool, dtype: str = "float64") -> Array:
    network = Network([layer], x.shape[1:])
    flat = network.init(0, [0], dtype)
    scratch = network.scratch(1, len(x), dtype)
    noise = Context(training=True, iteration=3, noise=(NoiseKey(1, 0),))
    y = network.forward(x[None], network.views(flat), scratch, noise if training else EVALUATION)
    return y[0]


def test_a_dropped_category_is_the_unseen_one_whatever_it_was() -> None:
    layer = CategoryDropout(widths=(2, 4, 1), rate=0.5)
    row = [0.5, -1, 0, 0, 1, 0, 0, 7]  # a number, one of two, one of three, a code
    x = np.tile(np.array(row), (400, 1))
    y = outputs(layer, x, training=True)
    assert (y[:, 0] == 0.5).all()
    cases = ((slice(1, 3), [0, 1]), (slice(3, 7), [0, 0, 0, 1]), (slice(7, 8), [0]))
    dropped = []
    for block, unseen in cases:
        gone = (y[:, block] == unseen).all(axis=1)
        assert (gone | (y[:, block] == x[:, block]).all(axis=1)).all()
        assert 0.4 < gone.mean() < 0.6
        dropped.append(gone)
    assert (dropped[0] != dropped[1]).any() and (dropped[1] != dropped[2]).any()
    assert np.array_equal(outputs(layer, x, training=False), x)


def test_a_missing_category_is_dropped_as_any_other() -> None:
    x = np.tile([0.0, 0, 1, 0], (200, 1))  # neither of two levels: missing
    y = outputs(CategoryDropout(widths=(4,), rate=0.5), x, training=True)
    assert {tuple(row) for row in y.tolist()} == {(0, 0, 1, 0), (0, 0, 0, 1)}


def test_nothing_flows_back_through_a_dropped_category() -> None:
    dropout = CategoryDropout(widths=(3, 1), rate=0.5)
    one = Pass([dropout, Dense(units=3)])
    assert relative_error(one) < TOLERANCE
    one = Pass([dropout])
    _, dx = one.gradients()
    kept = dx == one.weights
    assert (kept[..., 0] == kept[..., 2]).all() and (kept[..., 0] != kept[..., 3]).any()
    assert (dx[~kept] == 0).all() and kept.any() and not kept.all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_codes_are_exact_up_to_the_last(dtype: str) -> None:
    last = 70_000
    layer = Embedding(tables=((last + 1, 1),))
    codes = np.array([0, 1, last - 1, last], dtype)
    network = Network([layer], (1,))
    flat = np.arange(last + 1, dtype=dtype)[None]
    y = network.forward(
        codes[None, :, None], network.views(flat), network.scratch(1, 4, dtype), EVALUATION
    )
    assert y[0, :, 0].tolist() == codes.tolist()


def test_only_the_vectors_of_a_batch_have_a_gradient_and_equal_rows_add_up() -> None:
    layer = Embedding(tables=((5, 2), (3, 1)))
    x = np.array([[[9.0, 1, 2], [9, 3, 0], [9, 1, 0]]])
    dy = np.arange(12.0).reshape(1, 3, 4)
    network = Network([layer], (3,))
    grad = np.full((1, network.size), np.nan)
    scratch = network.scratch(1, 3, "float64")
    params = network.views(network.init(0, [0], "float64"))
    network.forward(x, params, scratch, EVALUATION)
    assert network.backward(dy, params, network.views(grad), scratch) is None
    first, second = grad[0, :10].reshape(5, 2), grad[0, 10:]
    assert first.tolist() == [[0, 0], [1 + 9, 2 + 10], [0, 0], [5, 6], [0, 0]]
    assert second.tolist() == [7 + 11, 0, 3]


@pytest.mark.parametrize("layer", [Embedding, CategoryDropout])
def test_too_few_inputs_are_refused(layer: type[Layer]) -> None:
    one = layer.model_validate(layer.example)
    with pytest.raises(ValueError, match="needs flat rows of"):
        Network([one], (1,))


@pytest.mark.parametrize("embedded", [True, False], ids=["embedded", "one-hot"])
def test_the_unseen_category_is_trained_to_the_mean_over_the_others(embedded: bool) -> None:
    """Targets 0 … 9 by category: what is said of an unseen one must be near their mean."""
    rng = np.random.default_rng(0)
    levels = 10
    category = rng.integers(0, levels, 2000)
    t = (category - 4.5)[None, :, None]
    if embedded:
        x = (category + 1.0)[:, None]
        layers: list[Layer] = [
            CategoryDropout(widths=(1,)),
            Embedding(tables=((levels + 1, 4),)),
            Dense(units=1),
        ]
        unseen = np.zeros((1, 1, 1))
    else:
        x = np.eye(levels + 1)[category]
        layers = [CategoryDropout(widths=(levels + 1,)), Dense(units=1)]
        unseen = np.eye(levels + 1)[None, levels:]
    network = Network(layers, x.shape[1:])
    method = Method(MSE(), Adam(), Constant(), [0.01], 100, 1500)
    state = State.start(network, method, "float64")
    for _ in train(network, method, state, Rows(x[None], t)):
        pass
    params, scratch = network.views(state.flat), network.scratch(1, 1, "float64")
    assert abs(float(network.forward(unseen, params, scratch, EVALUATION)[0, 0, 0])) < 1
    known = network.forward(x[None, :1], params, scratch, EVALUATION)
    assert float(known[0, 0, 0]) == pytest.approx(t[0, 0, 0], abs=0.2)
