"""Scores of many rows with fixed parameters, in blocks of one size."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

from bpcli.nn.layer import EVALUATION, Array
from bpcli.nn.network import Network

BLOCK = 256


class Scorer:
    """Forward passes in blocks of `BLOCK` rows, the last one padded with zeros.

    In float64 this makes the scores of a row the same bits whatever rows stand around it: every
    matrix product has the same shape. In float32 that does not hold.
    """

    def __init__(self, network: Network, flat: Array) -> None:
        self._network = network
        self._params = network.views(flat)
        self._scratch = network.scratch(len(flat), BLOCK, flat.dtype)
        self._block = np.zeros((1, BLOCK, *network.in_shape), flat.dtype)
        self._shape = (len(flat), *network.out_shape)
        self._dtype: DTypeLike = flat.dtype

    def __call__(self, x: Array) -> Array:
        """z (R,N,O) of the rows x (N,I)."""
        replicas, *out = self._shape
        z = np.empty((replicas, len(x), *out), self._dtype)
        for start in range(0, len(x), BLOCK):
            rows = x[start : start + BLOCK]
            self._block[0, : len(rows)] = rows
            self._block[0, len(rows) :] = 0
            scores = self._network.forward(self._block, self._params, self._scratch, EVALUATION)
            z[:, start : start + BLOCK] = scores[:, : len(rows)]
        return z
