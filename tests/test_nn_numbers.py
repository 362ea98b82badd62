"""Numeric embeddings: what a number becomes, and where the pieces meet."""

from __future__ import annotations

import numpy as np
import pytest
from components import parametrize

from bpcli.nn.layer import EVALUATION, Array, Layer
from bpcli.nn.layers import Dense
from bpcli.nn.network import Network
from bpcli.nn.numbers import NumericEmbedding, Periodic, Piecewise
from bpcli.nn.scoring import BLOCK, Scorer


def output(layer: Layer, x: Array, **values: Array) -> Array:
    """What rows x become, with the given parameters in place of random ones."""
    network = Network([layer], x.shape[1:])
    params = network.views(network.init(0, [0], "float64"))
    for name, value in values.items():
        getattr(params[0], name)[...] = value
    return network.forward(x[None], params, network.scratch(1, len(x), "float64"), EVALUATION)[0]


def test_pieces_are_those_of_the_paper() -> None:
    """Three bins and the identity for V: f_t = x − t, clipped but for the outer ends."""
    x = np.array([[-2.0], [0.25], [1.0], [2.5], [7.0]])
    y = output(Piecewise(bins=3, width=3), x, V=np.eye(3)[None], d=np.zeros((1, 3)))
    assert y.tolist() == [[-2, 0, 0], [0.25, 0, 0], [1, 0, 0], [1, 1, 0.5], [1, 1, 5]]


def test_numbers_with_fewer_bins_leave_the_others_at_zero_and_the_rest_passes() -> None:
    x = np.array([[0.5, 9.0, -3.0], [1.5, -9.0, 4.0]])
    V = np.stack([np.eye(2)] * 2)
    y = output(Piecewise(bins=(2, 1), width=2), x, V=V, d=np.zeros((2, 2)))
    assert y.tolist() == [[0.5, 0, 9, 0, -3], [1, 0.5, -9, 0, 4]]


def test_waves_stand_before_all_the_inputs() -> None:
    x = np.array([[0.25, 5.0]])
    values = {"w": [[1.0]], "b": [[0.0]], "V": [[[2.0]]], "d": [[0.5]]}
    layer = Periodic(inputs=1, frequencies=1, width=1)
    y = output(layer, x, **{name: np.array(value) for name, value in values.items()})
    assert y[0] == pytest.approx([0.5, 0.25, 5], abs=1e-15)  # cos(π/2) = 0


def test_start_values_of_waves() -> None:
    network = Network([Periodic(frequencies=400, sigma=0.1)], (5,))
    p = network.views(network.init(0, [0], "float64"))[0]
    assert np.std(p.w) == pytest.approx(0.1, rel=0.1)
    assert np.abs(p.b).max() == pytest.approx(np.pi, rel=0.02)
    assert np.abs(p.V).max() == pytest.approx(1 / 20, rel=0.02)


@parametrize("layer", NumericEmbedding)
def test_it_fits_the_first_inputs_only(layer: NumericEmbedding) -> None:
    fitted = layer.fitted([3, 1])
    network = Network([fitted, Dense(units=1)], (5,))
    (width,) = network.plans[0].out_shape
    assert network.slots[0].parameter.shape[0] == 2
    assert width > 5
    with pytest.raises(ValueError, match="needs flat rows of 2 inputs or more"):
        Network([fitted], (1,))


@parametrize("layer", NumericEmbedding)
def test_a_row_is_scored_alone_as_among_others(layer: NumericEmbedding) -> None:
    network = Network([layer.fitted([4, 9, 1]), Dense(units=3)], (5,))
    scorer = Scorer(network, network.init(1, [0], "float64"))
    x = np.random.default_rng(0).normal(size=(2 * BLOCK + 17, 5))
    together = scorer(x)
    for row in (0, 7, 255, 256, len(x) - 1):
        assert scorer(x[row : row + 1])[0, 0].tobytes() == together[0, row].tobytes()
    order = np.random.default_rng(1).permutation(len(x))
    assert scorer(x[order])[0].tobytes() == np.ascontiguousarray(together[0, order]).tobytes()
