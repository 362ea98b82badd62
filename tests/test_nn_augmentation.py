"""Augmentation: what may come of an image, and of what the chance is a function."""

from __future__ import annotations

import numpy as np
import pytest

from bpcli.nn.augmentation import RandomCrop, RandomFlip, RandomShift
from bpcli.nn.images import Image
from bpcli.nn.layer import EVALUATION, Array, Context, Layer
from bpcli.nn.network import Network
from bpcli.nn.random import NoiseKey

H, W, C, B = 5, 6, 2, 64
IMAGES = np.arange(1.0, 1 + B * H * W * C).reshape(1, B, H, W, C)


def augmented(layer: Layer, replicas: tuple[int, ...] = (0,), **context: int) -> Array:
    network = Network([Image(height=H, width=W, channels=C), layer], (H * W * C,))
    rows = IMAGES[:, context.get("first_row", 0) :]
    scratch = network.scratch(len(replicas), rows.shape[1], "float64")
    noise = tuple(NoiseKey(3, replica) for replica in replicas)
    params = network.views(np.empty((len(replicas), 0)))
    moment = Context(training=True, noise=noise, **context)
    return network.forward(rows.reshape(1, -1, H * W * C), params, scratch, moment).copy()


def shifts(image: Array) -> list[Array]:
    """What a shift by a fifth can make of an image."""
    padded = np.pad(image, ((1, 1), (1, 1), (0, 0)))
    return [padded[i : i + H, j : j + W] for i in range(3) for j in range(3)]


def crops(image: Array) -> list[Array]:
    return [image[i : i + 3, j : j + 4] for i in range(3) for j in range(3)]


POSSIBLE = {
    "shift": (RandomShift(share=0.2), shifts),
    "flip": (RandomFlip(), lambda image: [image, image[:, ::-1]]),
    "vertical flip": (RandomFlip(axis="vertical"), lambda image: [image, image[::-1]]),
    "crop": (RandomCrop(height=3, width=4), crops),
}


@pytest.mark.parametrize("name", POSSIBLE)
def test_every_image_is_one_of_the_possible_ones_and_all_occur(name: str) -> None:
    layer, possible = POSSIBLE[name]
    seen = set()
    for iteration in range(3):
        for image, y in zip(IMAGES[0], augmented(layer, iteration=iteration)[0], strict=True):
            (which,) = [i for i, one in enumerate(possible(image)) if np.array_equal(one, y)]
            seen.add(which)
    assert seen == set(range(len(possible(IMAGES[0, 0]))))


@pytest.mark.parametrize("name", POSSIBLE)
def test_chance_is_a_function_of_replica_update_and_row(name: str) -> None:
    layer, _ = POSSIBLE[name]
    first = augmented(layer)
    assert np.array_equal(first, augmented(layer))
    assert not np.array_equal(first, augmented(layer, iteration=1))
    both = augmented(layer, replicas=(4, 0))
    assert np.array_equal(both[1:], first)
    assert not np.array_equal(both[:1], first)
    part = augmented(layer, first_row=32)  # as in a process that has the second half of a batch
    assert np.array_equal(part[0], first[0, 32:])


@pytest.mark.parametrize("name", POSSIBLE)
def test_nothing_is_changed_in_prediction(name: str) -> None:
    layer, _ = POSSIBLE[name]
    network = Network([Image(height=H, width=W, channels=C), layer], (H * W * C,))
    scratch, params = network.scratch(1, B, "float64"), network.views(np.empty((1, 0)))
    y = network.forward(IMAGES.reshape(1, B, -1), params, scratch, EVALUATION)
    middle = IMAGES[:, :, 1:4, 1:5] if isinstance(layer, RandomCrop) else IMAGES
    assert np.array_equal(y, middle)


def test_a_crop_larger_than_the_image_is_refused() -> None:
    with pytest.raises(ValueError, match="random_crop keeps 6×3 pixels, the image has 5×6"):
        RandomCrop(height=6, width=3).plan((5, 6, 1))
