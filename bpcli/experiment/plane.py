"""Rows and centres on a plane: their first two principal components."""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np

from bpcli.data.arrays import Ints
from bpcli.metrics.metric import Floats

MOST = 2000  # rows that a picture shows


class Plane(NamedTuple):
    """Where rows and centres lie, seen from where they differ most."""

    points: Floats  # (M,2), some of the rows
    labels: Ints  # (M,), the cluster of each, from 0
    centres: Floats  # (K,2)
    shares: Floats  # (2,), of the rows' variance along each axis

    @classmethod
    def of(cls, x: Floats, labels: Ints, centres: Floats) -> Self:
        """Of rows x (N,I); at most 2,000 of them are shown, at even steps."""
        mean = x.mean(axis=0)
        variances, axes = np.linalg.eigh(np.cov(x.T, bias=True).reshape(x.shape[1], -1))
        top = axes[:, ::-1][:, :2]
        top = np.pad(top, ((0, 0), (0, 2 - top.shape[1])))  # one input has one axis
        top *= np.where(top.sum(axis=0) < 0, -1, 1)  # an axis has no direction of its own
        largest = np.pad(variances[::-1][:2], (0, max(0, 2 - len(variances))))
        step = -(-len(x) // MOST)
        total = variances.sum() or 1.0
        return cls(
            (x[::step] - mean) @ top, labels[::step], (centres - mean) @ top, largest / total
        )
