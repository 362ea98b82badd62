"""Layers for images: shapes, what does not fit, start values, work arrays, rows by themselves."""

from __future__ import annotations

import numpy as np
import pytest

from bpcli.nn.activations import Relu
from bpcli.nn.composite import Parallel, Residual
from bpcli.nn.convolution import BLOCK, Conv2D
from bpcli.nn.images import Flatten, Image
from bpcli.nn.initializers import Glorot, He, Orthogonal
from bpcli.nn.layer import EVALUATION, Layer
from bpcli.nn.layers import Dense
from bpcli.nn.network import Network
from bpcli.nn.normalization import BatchNorm, LayerNorm
from bpcli.nn.pooling import AvgPool, GlobalAvgPool, MaxPool
from bpcli.nn.scoring import Scorer

SHAPES: list[tuple[Layer, tuple[int, ...], tuple[int, ...]]] = [
    (Conv2D(filters=5), (7, 6, 3), (7, 6, 5)),
    (Conv2D(filters=5, stride=2), (7, 6, 3), (4, 3, 5)),
    (Conv2D(filters=5, kernel=(1, 4), padding="valid"), (7, 6, 3), (7, 3, 5)),
    (Conv2D(filters=5, kernel=5, padding=2, stride=(1, 3)), (7, 6, 3), (7, 2, 5)),
    (Conv2D(filters=6, groups="depthwise"), (7, 6, 3), (7, 6, 6)),
    (Conv2D(filters=5), (1, 1, 3), (1, 1, 5)),
    (MaxPool(), (7, 6, 3), (3, 3, 3)),
    (MaxPool(size=3, stride=2, padding="same"), (7, 6, 3), (4, 3, 3)),
    (AvgPool(size=(2, 3)), (7, 6, 3), (3, 2, 3)),
    (GlobalAvgPool(), (7, 6, 3), (3,)),
    (Flatten(), (7, 6, 3), (126,)),
    (Image(height=7, width=6, channels=3), (126,), (7, 6, 3)),
    (BatchNorm(), (7, 6, 3), (7, 6, 3)),
    (Residual(layers=(Conv2D(filters=5, stride=2),)), (7, 6, 3), (4, 3, 5)),
    (
        Parallel(branches=((Conv2D(filters=2, kernel=1),), (Conv2D(filters=4),))),
        (7, 6, 3),
        (7, 6, 6),
    ),
]


@pytest.mark.parametrize(("layer", "given", "out"), SHAPES, ids=lambda v: str(v)[:40])
def test_shape(layer: Layer, given: tuple[int, ...], out: tuple[int, ...]) -> None:
    assert layer.plan(given).out_shape == out
    flat = int(np.prod(given))
    image = [Image(height=given[0], width=given[1], channels=given[2])] if len(given) == 3 else []
    network = Network([*image, layer], (flat,))
    scratch = network.scratch(2, 3, "float32")
    params = network.views(network.init(0, [0, 1], "float32"))
    x = np.ones((1, 3, flat), "float32")
    assert network.forward(x, params, scratch, EVALUATION).shape[2:] == out


IMAGE = Image(height=5, width=4)
MISFITS: dict[str, tuple[list[Layer], str]] = {
    "flat": ([Relu(), Conv2D(filters=2)], r"layer 2: conv2d needs images.*input: \{image"),
    "flattened": ([IMAGE, Flatten(), MaxPool()], "layer 3: max_pool needs images.*before flatten"),
    "dense": ([IMAGE, Dense(units=3)], "layer 2: dense needs flat rows.*write flatten"),
    "layer_norm": ([IMAGE, LayerNorm()], "layer 2: layer_norm needs flat rows.*use batch_norm"),
    "kernel": ([IMAGE, Conv2D(filters=2, kernel=6, padding="valid")], "kernel of 6 pixels"),
    "padding": ([IMAGE, Conv2D(filters=2, padding=3)], "padding of 3 pixels"),
    "pool": ([IMAGE, MaxPool(size=(2, 5))], "kernel of 5 pixels"),
    "groups": ([IMAGE, Conv2D(filters=3, groups=2)], "2 groups for 1 channels and 3 filters"),
    "count": ([Image(height=3, width=3)], "image needs rows of 3×3×1 = 9 numbers, not 20"),
    "join": ([IMAGE, Parallel(branches=((Relu(),), (MaxPool(),)))], "cannot be joined"),
    "add": ([IMAGE, Residual(layers=(Flatten(),))], "layer 2: residual"),
    "inside": ([IMAGE, Residual(layers=(Relu(), Dense(units=2)))], "layer 2: layer 2: dense needs"),
}


@pytest.mark.parametrize("case", MISFITS)
def test_a_layer_that_does_not_fit(case: str) -> None:
    layers, complaint = MISFITS[case]
    with pytest.raises(ValueError, match=complaint):
        Network(layers, (20,))


def test_filters_start_by_the_connections_of_a_pixel() -> None:
    """He has the variance 2 / fan-in, and fan-in is the window of the channels of a group."""
    for groups, fan_in in ((1, 9 * 64), (4, 9 * 16)):
        layer = Conv2D(filters=256, groups=groups, init=He())
        network = Network([Image(height=3, width=3, channels=64), layer], (9 * 64,))
        (weights,) = network.views(network.init(0, [0], "float64"))[1:]
        assert weights.W.var() == pytest.approx(2 / fan_in, rel=0.03)


def test_orthogonal_filters() -> None:
    network = Network([Image(height=3, width=3), Conv2D(filters=5, init=Orthogonal())], (9,))
    W = network.views(network.init(0, [0], "float64"))[1].W.reshape(9, 5)
    assert pytest.approx(np.eye(5), abs=1e-12) == W.T @ W


def test_the_first_of_equal_pixels_gets_the_gradient() -> None:
    network = Network([Image(height=2, width=2), MaxPool()], (4,))
    scratch = network.scratch(1, 1, "float64", input_gradient=True)
    x = np.array([[[1.0, 3.0, 3.0, 3.0]]])
    network.forward(x, network.views(np.empty((1, 0))), scratch, EVALUATION)
    nothing = network.views(np.empty((1, 0)))
    dx = network.backward(np.ones((1, 1, 1, 1, 1)), nothing, nothing, scratch)
    assert dx is not None
    assert dx.ravel().tolist() == [0, 1, 0, 0]


NET: list[Layer] = [
    Image(height=9, width=7, channels=2),
    Conv2D(filters=16, init=Glorot()),
    BatchNorm(),
    Relu(),
    Residual(layers=(Conv2D(filters=24, stride=2), Relu(), Conv2D(filters=24, groups=4))),
    Parallel(
        branches=(
            (Conv2D(filters=3, kernel=1),),
            (AvgPool(size=3, stride=1, padding="same"), Conv2D(filters=5, kernel=(1, 3))),
        )
    ),
    MaxPool(),
    Flatten(),
    Dense(units=4),
]


def test_a_row_is_scored_with_the_same_bits_anywhere() -> None:
    network = Network(NET, (126,))
    flat = network.init(0, [0, 1], "float64")
    rows = np.random.default_rng(0).normal(size=(300, 126))
    together = Scorer(network, flat)(rows)
    for row in (0, 1, 100, 255, 256, 299):
        alone = Scorer(network, flat)(rows[row : row + 1])
        assert alone.tobytes() == together[:, row : row + 1].tobytes()


def test_large_images_borrow_work_arrays_that_do_not_grow_with_the_batch() -> None:
    network = Network([Image(height=64, width=64), Conv2D(filters=8), Conv2D(filters=8)], (4096,))
    lent = max(plan.most_lent for plan in network.plans)
    pixels = 64 * 64
    assert pixels * 9 * 8 <= lent < 3 * max(BLOCK, pixels * 9 * 8)
    first, second = network.scratch(1, 2, "float32")[1:]
    assert np.shares_memory(first.cols, second.cols)
    assert not np.shares_memory(first.y, second.y)
