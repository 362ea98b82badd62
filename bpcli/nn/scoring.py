"""Scores of many rows with fixed parameters, in blocks of one size."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

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
        self._block = np.zeros((1, block, *network.in_shape), flat.dtype)
        self._shape = (len(flat), *network.out_shape)
        self._dtype: DTypeLike = flat.dtype

    @np.errstate(all="ignore")  # weights on the way to divergence may overflow
    def __call__(self, x: Array) -> Array:
        """z (R,N,O) of the rows x (N,I)."""
        replicas, *out = self._shape
        block = self._block.shape[1]
        z = np.empty((replicas, len(x), *out), self._dtype)
        for start in range(0, len(x), block):
            rows = x[start : start + block]
            self._block[0, : len(rows)] = rows
            self._block[0, len(rows) :] = 0
            scores = self._network.forward(self._block, self._params, self._scratch, EVALUATION)
            z[:, start : start + block] = scores[:, : len(rows)]
        return z
