"""Randomness as a pure function of (seed, replica, purpose, position): no generator is kept.

A run that is resumed, or a replica that trains alone, asks for the same numbers again instead of
restoring a generator's state.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import IntEnum
from typing import Any

import numpy as np


class Purpose(IntEnum):
    """What the numbers are for; part of the key, so that uses never share a stream."""

    SPLIT = 1
    INIT = 2
    SHUFFLE = 3
    NOISE = 4
    BOOTSTRAP = 5
    CHECK = 6
    PERMUTATION = 8
    START = 20  # of start values that look at training rows


def generator(seed: int, purpose: Purpose, *position: int) -> np.random.Generator:
    """A generator for one (seed, purpose, position), e.g. position = (replica,) or (epoch,)."""
    return np.random.default_rng([seed, purpose, *position])


class NoiseKey:
    """Counter-based streams of one replica: one per (iteration, layer), cheap enough for a step.

    The key is derived once; `stream` only sets a counter, for a new generator asks the system for
    numbers that it then does not need.  Philox 4x64, doi:10.1145/2063384.2063405
    """

    BLOCK = 32  # bytes that one value of the counter gives

    def __init__(self, seed: int, replica: int) -> None:
        words = generator(seed, Purpose.NOISE, replica).integers(0, 2**63, 2, dtype=np.uint64)
        self._bits = np.random.Philox(key=[int(word) for word in words])
        self._begin = self._bits.state  # nothing is drawn yet
        self._generator = np.random.Generator(self._bits)

    def stream(self, iteration: int, layer: int, skipped: int = 0) -> np.random.Generator:
        """The generator of one layer in one iteration, behind `skipped` bytes of its stream.

        The next call sets the same generator anew.
        """
        self._begin["state"]["counter"][:] = skipped // self.BLOCK, 0, layer, iteration
        self._bits.state = self._begin
        return self._generator


def drawn(out: Any, keys: Sequence[NoiseKey]) -> Iterator[tuple[Any, NoiseKey]]:
    """Each replica's part of `out` (R,…) to draw into, with its key; the next one of the same
    replica name gets a copy of what was drawn."""
    for r, key in enumerate(keys):
        if r and key is keys[r - 1]:
            out[r] = out[r - 1]
        else:
            yield out[r], key
