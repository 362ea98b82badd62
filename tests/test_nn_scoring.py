"""A row's scores do not depend on the rows around it, bit for bit, in float64."""

from __future__ import annotations

import numpy as np
import pytest

from bpcli.nn.activations import Relu
from bpcli.nn.layer import Layer
from bpcli.nn.layers import Dense
from bpcli.nn.network import Network
from bpcli.nn.scoring import BLOCK, Scorer

SHAPES = [(1, 1), (3, 2), (4, 16), (10, 16), (13, 1), (30, 64), (50, 200), (64, 100), (97, 33)]


@pytest.mark.parametrize(("inputs", "width"), SHAPES)
def test_row_alone_equals_row_in_a_file(inputs: int, width: int) -> None:
    layers: list[Layer] = [Dense(units=width), Relu(), Dense(units=width), Relu(), Dense(units=3)]
    network = Network(layers, (inputs,))
    scorer = Scorer(network, network.init(1, [0], "float64"))
    x = np.random.default_rng(0).normal(size=(2 * BLOCK + 17, inputs))
    x[5] = x[300] = x[-1]
    together = scorer(x)
    assert together[0, 5].tobytes() == together[0, 300].tobytes() == together[0, -1].tobytes()
    for row in (0, 1, 5, 7, 100, 255, 256, 400, len(x) - 1):
        assert scorer(x[row : row + 1])[0, 0].tobytes() == together[0, row].tobytes()
    order = np.random.default_rng(1).permutation(len(x))
    assert scorer(x[order])[0].tobytes() == np.ascontiguousarray(together[0, order]).tobytes()


def test_no_rows() -> None:
    network = Network([Dense(units=2)], (3,))
    scorer = Scorer(network, network.init(1, [0, 1], "float64"))
    assert scorer(np.empty((0, 3))).shape == (2, 0, 2)
