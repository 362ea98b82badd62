"""Streams of noise: a function of replica, iteration and layer, whatever was drawn before."""

from __future__ import annotations

import numpy as np
import pytest

from bpcli.nn.random import NoiseKey, Purpose, generator


@pytest.mark.parametrize("iteration, layer, skipped", [(0, 0, 0), (3, 1, 0), (2**33, 7, 96)])
def test_a_stream_is_that_of_a_new_generator(iteration: int, layer: int, skipped: int) -> None:
    key = NoiseKey(5, 2)
    words = generator(5, Purpose.NOISE, 2).integers(0, 2**63, 2, dtype=np.uint64)
    counter = [skipped // 32, 0, layer, iteration]
    new = np.random.Philox(key=[int(word) for word in words], counter=counter)
    expected = np.random.Generator(new).random(9, np.float32)
    key.stream(1, 1).random(5, np.float32)  # an odd number of halves of a word
    assert np.array_equal(key.stream(iteration, layer, skipped).random(9, np.float32), expected)


def test_streams_differ() -> None:
    places = [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 32)]
    keys = NoiseKey(5, 2), NoiseKey(5, 3), NoiseKey(6, 2)
    drawn = {float(key.stream(*place).random()) for key in keys for place in places}
    assert len(drawn) == len(keys) * len(places)
