"""Losses of numbers: errors on a straight scale, quantiles, and counts.

Their gradient is often simpler than they are; where ℓ = e · dz, `weighted` finishes both.
"""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Self

import numpy as np
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from bpcli.nn.layer import Array, Shape, Views
from bpcli.nn.losses.loss import Kind, Loss, weighted

Level = Annotated[float, Field(gt=0, lt=1)]


class MSE(Loss):
    """ℓ = mean over outputs of (z − t)², the mean squared error, without a factor ½.

    Backward: dz = c 2 (z − t) / O.
    """

    name: ClassVar[str] = "mse"
    predicts: ClassVar[Kind] = "numbers"

    def value(self, z: Array, t: Array, c: Array, s: Views) -> Array:
        np.subtract(z, t, out=s.e)
        np.multiply(s.e, c, out=s.dz)
        total = np.einsum("rbo,rbo->r", s.e, s.dz)
        s.dz *= 2 / z.shape[-1]
        return total / z.shape[-1]


class MAE(Loss):
    """ℓ = mean over outputs of |z − t|, the mean absolute error: it finds the median.

    The gradient at z = t is 0, as in PyTorch.
    Backward: dz = c sign(z − t) / O.
    """

    name: ClassVar[str] = "mae"
    predicts: ClassVar[Kind] = "numbers"

    def value(self, z: Array, t: Array, c: Array, s: Views) -> Array:
        np.subtract(z, t, out=s.e)
        np.sign(s.e, out=s.dz)
        return weighted(s, c, 1 / z.shape[-1])


class Huber(Loss):
    """ℓ = mean of k (e − k/2), e = z − t, k = e cut to ±delta: ½ e² near, linear far out.

    PyTorch's huber_loss; its smooth_l1_loss is this divided by delta.  Huber 1964,
    doi:10.1214/aoms/1177703732
    Backward: dz = c k / O.
    """

    name: ClassVar[str] = "huber"
    predicts: ClassVar[Kind] = "numbers"
    delta: Annotated[
        float,
        Field(
            gt=0,
            description="error where ℓ turns linear, in units of the scaled target: "
            "standard deviations, unless preprocess.target says otherwise",
        ),
    ] = 1.0

    def value(self, z: Array, t: Array, c: Array, s: Views) -> Array:
        np.subtract(z, t, out=s.e)
        np.clip(s.e, -self.delta, self.delta, out=s.dz)
        s.e *= 2
        s.e -= s.dz
        return weighted(s, c, 1 / z.shape[-1]) / 2


class LogCosh(Loss):
    """ℓ = mean over outputs of log cosh(z − t): ½ e² near 0, |e| − log 2 far out.

    Its scale is 1 in units of the scaled target.
    Backward: dz = c tanh(z − t) / O.
    """

    name: ClassVar[str] = "log_cosh"
    predicts: ClassVar[Kind] = "numbers"

    def scratch(self, width: int) -> dict[str, Shape]:
        return {"dz": (width,), "e": (width,), "q": (width,)}

    def value(self, z: Array, t: Array, c: Array, s: Views) -> Array:
        np.subtract(z, t, out=s.e)
        np.tanh(s.e, out=s.dz)
        np.abs(s.e, out=s.e)  # log cosh e = |e| + log(1 + e^−2|e|) − log 2
        np.multiply(s.e, -2, out=s.q)
        np.exp(s.q, out=s.q)
        np.log1p(s.q, out=s.q)
        s.e += s.q
        s.e -= math.log(2)
        s.dz *= c
        s.e *= c
        s.dz /= z.shape[-1]
        return np.add.reduce(s.e, axis=(-2, -1)) / z.shape[-1]


class Quantile(Loss):
    """ℓ = mean over levels q of max(q (t − z), (1 − q) (z − t)), the pinball loss.

    One output for each level, next to each other for each target: z (R,B,O·levels), t (1|R,B,O).
    The link sorts them, so quantiles never cross.  Koenker & Bassett 1978, doi:10.2307/1913643
    Backward: dz = c (1 − q) where z > t, −c q where z < t, each over the number of outputs.
    """

    name: ClassVar[str] = "quantile"
    predicts: ClassVar[Kind] = "numbers"
    levels: Annotated[
        tuple[Level, ...],
        Field(
            strict=False,
            min_length=1,
            max_length=99,
            description="shares of rows that lie below each prediction, in rising order",
        ),
    ] = (0.1, 0.5, 0.9)

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if any(low >= high for low, high in zip(self.levels, self.levels[1:], strict=False)):
            raise PydanticCustomError("invalid_value", "expected levels in rising order", {})
        return self

    def outputs(self, width: int) -> int:
        return width * len(self.levels)

    def quantiles(self) -> tuple[float, ...]:
        return self.levels

    def value(self, z: Array, t: Array, c: Array, s: Views) -> Array:
        e, slope = self._by_level(s.e), self._by_level(s.dz)
        np.subtract(self._by_level(z), t[..., None], out=e)
        np.greater_equal(e, 0, out=slope)
        slope -= np.array(self.levels, z.dtype)  # ℓ = e · slope
        return weighted(s, c, 1 / z.shape[-1])

    def link(self, z: Array) -> Array:
        return np.sort(self._by_level(z), axis=-1).reshape(z.shape)

    def _by_level(self, z: Array) -> Array:
        """A view (R,B,O,levels)."""
        return z.reshape(*z.shape[:-1], z.shape[-1] // len(self.levels), len(self.levels))


class Poisson(Loss):
    """ℓ = mean over outputs of e^z − t z, for counts and rates t ≥ 0; the prediction is e^z.

    PyTorch's poisson_nll_loss, without the terms that only depend on t. From z = 30 on, e^z goes
    on as its tangent: neither the loss nor its gradient overflows.
    Backward: dz = c (e^z − t) / O.
    """

    name: ClassVar[str] = "poisson"
    predicts: ClassVar[Kind] = "numbers"
    own_units: ClassVar[bool] = True
    lowest: ClassVar[float] = 0.0
    highest_score: ClassVar[float] = 30.0

    def value(self, z: Array, t: Array, c: Array, s: Views) -> Array:
        np.minimum(z, self.highest_score, out=s.dz)
        np.subtract(z, s.dz, out=s.e)
        s.e += 1
        np.exp(s.dz, out=s.dz)
        s.e *= s.dz  # the tangent e^m (1 + z − m), m = min(z, 30)
        s.dz -= t
        s.dz *= c
        s.e *= c
        total = np.add.reduce(s.e, axis=(-2, -1))
        np.multiply(z, c, out=s.e)
        s.e *= t
        total -= np.add.reduce(s.e, axis=(-2, -1))
        s.dz /= z.shape[-1]
        return total / z.shape[-1]

    def link(self, z: Array) -> Array:
        return np.exp(np.minimum(z, self.highest_score))
