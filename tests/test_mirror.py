"""The mirror of a network: the layers of an autoencoder's way back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from components import members
from pydantic import TypeAdapter

from bpcli.experiment.autoencoder import mirror, usual_encoder
from bpcli.nn.layer import Layer
from bpcli.nn.layers import Dense
from bpcli.nn.network import Network

LAYERS = TypeAdapter(list[Layer])


def layers(written: list[Any]) -> tuple[Layer, ...]:
    return tuple(LAYERS.validate_python(written))


@pytest.mark.parametrize(
    ("there", "back"),
    [
        ([{"dense": 8}], []),
        ([{"dense": 64}, "relu", {"dense": 8}], [{"dense": 64}, "relu"]),
        ([{"dense": 9}, "tanh", {"dense": 4}, "tanh"], [{"dense": 9}, "tanh"]),
        (
            [{"noise": 0.1}, {"dense": 9}, "relu", {"dense": 5}, "tanh", {"dense": 2}],
            [{"dense": 5}, "tanh", {"dense": 9}, "relu"],
        ),
        (
            [{"dense": 9}, "batch_norm", "relu", {"dropout": 0.2}, {"dense": 3}],
            [{"dense": 9}, {"dropout": 0.2}, "relu", "batch_norm"],
        ),
        (
            [{"dense": 9}, {"residual": [{"dense": 6}, "relu", {"dense": 9}]}, {"dense": 3}],
            [{"dense": 9}, {"residual": [{"dense": 6}, "relu", {"dense": 9}]}],
        ),
        (
            [{"dense": 9}, {"residual": [{"dense": 7}, "relu", {"dense": 5}]}, {"dense": 3}],
            [{"dense": 5}, {"residual": [{"dense": 7}, "relu", {"dense": 9}]}],
        ),
        (
            [{"dense": {"units": 9, "init": "he"}}, "relu", {"dense": {"units": 3, "init": "ntk"}}],
            [{"dense": {"units": 9, "init": "ntk"}}, "relu"],
        ),
    ],
)
def test_mirror(there: list[Any], back: list[Any]) -> None:
    assert mirror(layers(there), 20) == layers(back)


@pytest.mark.parametrize("layer", members(Layer), ids=lambda one: one.name)
def test_every_layer_has_a_mirror_or_says_that_it_has_none(layer: Layer) -> None:
    there = (Dense(units=6), layer, Dense(units=3))
    try:
        Network(there, (10,))
    except ValueError:
        return  # it takes no flat rows of six numbers
    try:
        back = mirror(there, 10)
    except ValueError as error:
        assert layer.name in str(error)
    else:
        assert Network((*there, *back, Dense(units=10)), (10,)).out_shape == (10,)


def test_nothing_to_mirror() -> None:
    with pytest.raises(ValueError, match="no dense layer"):
        mirror(layers(["relu"]), 10)


@pytest.mark.parametrize("inputs", [1, 2, 4, 61, 500])
def test_the_usual_encoder_has_fewer_latent_numbers_than_inputs(inputs: int) -> None:
    network = Network(usual_encoder(inputs), (inputs,))
    assert network.out_shape[0] <= max(1, inputs // 2)
    assert np.prod(network.out_shape) <= 10
