"""Losses on scores: the value, its gradient by the scores, and the link that makes predictions.

A loss takes the scores z of the last layer and owns its link function, so a double softmax cannot
be written. The value is the weighted mean over the rows of a batch, as in PyTorch.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from bpcli.config.component import Component
from bpcli.nn.activations import sigmoid
from bpcli.nn.layer import Array, Shape, Views


class Loss(Component):
    """L = Σ c · ℓ(z, t) over the rows; leaves dL/dz in `s.dz`."""

    family: ClassVar[str] = "loss"
    predicts: ClassVar[Literal["numbers", "classes"]]

    def outputs(self, width: int) -> int:
        """How many scores a target needs: `width` is its number of columns or of classes."""
        return width

    def scratch(self, width: int) -> dict[str, Shape]:
        """Work arrays for one row of `width` scores, `dz` among them."""
        return {"dz": (width,)}

    def value(self, z: Array, t: Array, c: Array, s: Views) -> Array:
        """L (R,) for scores z (R,B,O), targets t (1|R,B,O) and row weights c (1|R,1|B,1)."""
        raise NotImplementedError

    def link(self, z: Array) -> Array:
        """The prediction (R,B,O) that scores stand for: a mean, or probabilities."""
        raise NotImplementedError


class MSE(Loss):
    """ℓ = mean over outputs of (z − t)², the mean squared error, without a factor ½."""

    name: ClassVar[str] = "mse"
    predicts: ClassVar[Literal["numbers", "classes"]] = "numbers"

    def scratch(self, width: int) -> dict[str, Shape]:
        return {"dz": (width,), "e": (width,)}

    def value(self, z: Array, t: Array, c: Array, s: Views) -> Array:
        np.subtract(z, t, out=s.e)
        np.multiply(s.e, c, out=s.dz)
        total = np.einsum("rbo,rbo->r", s.e, s.dz)
        s.dz *= 2 / z.shape[-1]
        return total / z.shape[-1]

    def link(self, z: Array) -> Array:
        return z


class CrossEntropy(Loss):
    """ℓ = −Σ t log softmax(z), for classes that exclude each other.  t sums to 1 in each row."""

    name: ClassVar[str] = "cross_entropy"
    predicts: ClassVar[Literal["numbers", "classes"]] = "classes"

    def scratch(self, width: int) -> dict[str, Shape]:
        return {"dz": (width,), "top": (1,), "sum": (1,)}

    def value(self, z: Array, t: Array, c: Array, s: Views) -> Array:
        np.maximum.reduce(z, axis=-1, keepdims=True, out=s.top)
        np.subtract(z, s.top, out=s.dz)
        picked = np.vecdot(t, s.dz)
        np.exp(s.dz, out=s.dz)
        np.add.reduce(s.dz, axis=-1, keepdims=True, out=s.sum)
        s.dz /= s.sum
        s.dz -= t
        s.dz *= c
        rows = np.log(s.sum, out=s.sum)[..., 0] - picked
        rows *= c[..., 0]
        return np.add.reduce(rows, axis=-1)

    def link(self, z: Array) -> Array:
        exp = np.exp(z - z.max(axis=-1, keepdims=True))
        return exp / exp.sum(axis=-1, keepdims=True)


class BinaryCrossEntropy(Loss):
    """ℓ = −t log σ(z) − (1 − t) log(1 − σ(z)), one score for two classes."""

    name: ClassVar[str] = "binary_cross_entropy"
    predicts: ClassVar[Literal["numbers", "classes"]] = "classes"

    def outputs(self, width: int) -> int:
        if width != 2:
            raise ValueError(
                f"binary_cross_entropy tells 2 classes apart, the target has {width}; "
                "use cross_entropy"
            )
        return 1

    def scratch(self, width: int) -> dict[str, Shape]:
        return {"dz": (width,), "e": (width,)}

    def value(self, z: Array, t: Array, c: Array, s: Views) -> Array:
        np.abs(z, out=s.e)  # ℓ = max(z, 0) − z t + log(1 + e^−|z|)
        np.negative(s.e, out=s.e)
        np.exp(s.e, out=s.e)
        np.log1p(s.e, out=s.e)
        s.e += np.maximum(z, 0, out=s.dz)
        s.e -= np.multiply(z, t, out=s.dz)
        s.e *= c
        sigmoid(z, out=s.dz)
        s.dz -= t
        s.dz *= c
        return np.add.reduce(s.e, axis=(-2, -1))

    def link(self, z: Array) -> Array:
        small = np.exp(-np.abs(z))  # exact also for a probability of 1e-300
        return np.where(z < 0, small, 1) / (1 + small)
