"""Prototypes: centres in the space of a layer's inputs, and how they start from training rows."""

from __future__ import annotations

import math
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from bpcli.nn.initializers import Initializer
from bpcli.nn.layer import Array, Context, Layer, Parameter, Plan, Shape, Views

_ROWS = 8192  # training rows that centres are chosen among


class KMeansPlusPlus(Initializer):
    """Each unit's weights are a training row, far from those of the others: greedy k-means++.

    A row is drawn with a probability that grows with its squared distance to the nearest centre so
    far; of 2 + ⌊log K⌋ such rows the one is taken that leaves the least distance to all.  Arthur &
    Vassilvitskii 2007, doi:10.5555/1283383.1283494

    Among at most 8192 training rows, at even steps. What is not flat rows starts as N(0, 1).
    """

    name: ClassVar[str] = "kmeans_plus_plus"
    adapts: ClassVar[bool] = True
    rows: ClassVar[int] = _ROWS

    def fill(self, rng: np.random.Generator, out: Array, fan_in: int, fan_out: int) -> None:
        out[...] = rng.standard_normal(out.shape)

    def adapt(self, out: Array, x: Array, y: Array, rng: np.random.Generator) -> None:
        if (x.ndim, out.ndim) == (2, 2):
            out[...] = spread_rows(x.astype(np.float64), out.shape[1], rng).T


class Prototypes(Layer):
    """y = ‖x − w‖²: the squared distance to each centre.  x (R,B,I) → y (R,B,units);  W (R,I,K)

    A centre is a column of W, in the units of x. They start on training rows by k-means++.
    """

    name: ClassVar[str] = "prototypes"
    example: ClassVar[dict[str, Any]] = {"units": 3}
    units: Annotated[int, Field(ge=1, le=100_000, description="number of centres")]

    def plan(self, in_shape: Shape) -> Plan:
        if len(in_shape) != 1:
            raise ValueError(f"prototypes needs flat rows, not rows of shape {in_shape}")
        weight = Parameter((*in_shape, self.units), KMeansPlusPlus())
        scratch: dict[str, Shape] = dict.fromkeys(("dx", "e"), in_shape)
        scratch |= {"y": (self.units,), "sum": (1,)}
        return Plan((self.units,), {"W": weight}, scratch)

    def forward(self, x: Array, p: Views, s: Views, ctx: Context) -> Array:
        np.matmul(x, p.W, out=s.y)
        s.y *= -2
        np.vecdot(x, x, out=s.sum[..., 0])
        s.y += s.sum
        s.y += np.vecdot(p.W.mT, p.W.mT)[..., None, :]
        return np.maximum(s.y, 0, out=s.y)  # what rounding leaves of a distance of 0

    def backward(self, x: Array, dy: Array, p: Views, g: Views, s: Views) -> Array | None:
        s.share = np.add.reduce(dy, axis=-2, keepdims=True)  # of K-means each centre's, of the rows
        np.matmul(x.mT, dy, out=g.W)
        np.subtract(s.share * p.W, g.W, out=g.W)
        g.W *= 2
        if s.dx is None:
            return None
        np.matmul(dy, p.W.mT, out=s.dx)
        np.add.reduce(dy, axis=-1, keepdims=True, out=s.sum)
        np.multiply(x, s.sum, out=s.e)
        np.subtract(s.e, s.dx, out=s.dx)
        s.dx *= 2
        return s.dx


def spread_rows(x: Array, k: int, rng: np.random.Generator) -> Array:
    """K of the rows x (N,I), far from each other; a row twice where there are too few."""
    chosen = [int(rng.integers(len(x)))]
    nearest = squares_to(x, x[chosen])[:, 0]
    trials = 2 + int(math.log(k))
    while len(chosen) < k:
        total = np.cumsum(nearest)
        at = np.searchsorted(total, rng.random(trials) * total[-1], side="right")
        at = np.minimum(at, len(x) - 1)
        left = np.minimum(nearest[:, None], squares_to(x, x[at]))
        best = int(left.sum(axis=0).argmin())
        nearest = left[:, best]
        chosen.append(int(at[best]))
    return x[chosen]


def squares_to(x: Array, centres: Array) -> Array:
    """‖x − w‖² (N,K) of the rows x (N,I) to centres (K,I), exactly 0 where they are equal."""
    squares: Array = np.stack([np.vecdot(x - w, x - w) for w in centres], axis=1)
    return squares
