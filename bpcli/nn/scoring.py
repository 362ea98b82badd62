"""Scores of many rows with fixed parameters, in blocks of one size."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

from bpcli.nn import room
from bpcli.nn.layer import EVALUATION, Array
from bpcli.nn.network import Network

BLOCK = 256


class Scorer:
    """Forward passes in blocks of equally many rows, the last one padded with zeros.

    With float64 and the default block the scores of a row are the same bits whatever rows stand
    around it: every matrix product has the same shape. In float32 that does not hold.
    """

    def __init__(self, network: Network, flat: Array, block: int = BLOCK) -> None:
        self._network = network
        self._params = network.views(flat)
        self._scratch = network.scratch(len(flat), block, flat.dtype)
        self._size = block
        self._shape = (len(flat), *network.out_shape)
        self._dtype: DTypeLike = flat.dtype

    @np.errstate(all="ignore")  # weights on the way to divergence may overflow
    def __call__(self, x: Array) -> Array:
        """z (R,N,O) of the rows x (N,I), or (1|R,N,I) where replicas see different ones."""
        replicas, *out = self._shape
        x = x if x.ndim > 1 + len(self._network.in_shape) else x[None]
        n, size = x.shape[1], self._size
        block = np.zeros((len(x), size, *x.shape[2:]), self._dtype)
        z = room.empty((replicas, n, *out), self._dtype)
        for start in range(0, n, size):
            rows = x[:, start : start + size]
            block[:, : rows.shape[1]] = rows
            block[:, rows.shape[1] :] = 0
            scores = self._network.forward(block, self._params, self._scratch, EVALUATION)
            z[:, start : start + size] = scores[:, : rows.shape[1]]
        return z
