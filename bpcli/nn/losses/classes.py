"""Losses of classes that exclude each other: one score a class, softmax as link."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from bpcli.nn.layer import Array, Shape, Views
from bpcli.nn.losses.loss import Kind, Loss


class CrossEntropy(Loss):
    """ℓ = −Σ t log softmax(z), for classes that exclude each other.  t sums to 1 in each row.

    label_smoothing ε replaces t by (1 − ε) t + ε / O, as in PyTorch, in every value of this loss,
    that of validation rows too.  Szegedy et al. 2015, arXiv:1512.00567
    Backward: dz = c (softmax(z) − t).
    """

    name: ClassVar[str] = "cross_entropy"
    predicts: ClassVar[Kind] = "classes"
    label_smoothing: Annotated[
        float, Field(ge=0, lt=1, description="ε, the share of t spread over all classes")
    ] = 0.0

    def scratch(self, width: int) -> dict[str, Shape]:
        return {"dz": (width,), "top": (1,), "sum": (1,), "picked": ()}

    def value(self, z: Array, t: Array, c: Array, s: Views) -> Array:
        spread = self.label_smoothing
        np.maximum.reduce(z, axis=-1, keepdims=True, out=s.top)
        np.subtract(z, s.top, out=s.dz)
        np.vecdot(t, s.dz, out=s.picked)
        if spread:
            np.add.reduce(s.dz, axis=-1, keepdims=True, out=s.sum)
            s.picked *= 1 - spread
            s.sum *= spread / t.shape[-1]
            s.picked += s.sum[..., 0]
        np.exp(s.dz, out=s.dz)
        np.add.reduce(s.dz, axis=-1, keepdims=True, out=s.sum)
        s.dz /= s.sum
        if spread:  # (1 − ε) ((p − ε/O) / (1 − ε) − t): no array for the smooth t
            s.dz -= spread / t.shape[-1]
            s.dz /= 1 - spread
        s.dz -= t
        if spread:
            s.dz *= 1 - spread
        s.dz *= c
        rows = np.log(s.sum, out=s.sum)[..., 0]
        rows -= s.picked
        rows *= c[..., 0]
        return np.add.reduce(rows, axis=-1)

    def link(self, z: Array) -> Array:
        return softmax(z)


class Focal(Loss):
    """ℓ = −Σ t (1 − p)^gamma log p, p = softmax(z): rows that are already right count less.

    gamma = 0 is the cross-entropy. The softmax form, without class weights.  Lin et al. 2017,
    arXiv:1708.02002
    """

    name: ClassVar[str] = "focal"
    predicts: ClassVar[Kind] = "classes"
    gamma: Annotated[float, Field(ge=0, le=20, description="how much less they count")] = 2.0

    def scratch(self, width: int) -> dict[str, Shape]:
        return {**dict.fromkeys(("dz", "log", "p", "far"), (width,)), "sum": (1,)}

    def value(self, z: Array, t: Array, c: Array, s: Views) -> Array:
        self._probabilities(z, s)
        # dℓ/dlog p = t (1 − p)^γ (γ p log p / (1 − p) − 1), where log p / (1 − p) → −1 for p → 1
        np.maximum(s.far, np.finfo(z.dtype).tiny, out=s.dz)
        np.divide(s.log, s.dz, out=s.dz)
        s.dz *= s.p
        s.dz *= self.gamma
        s.dz -= 1
        np.power(s.far, self.gamma, out=s.far)
        s.far *= t
        s.far *= c
        s.dz *= s.far
        np.add.reduce(s.dz, axis=-1, keepdims=True, out=s.sum)
        s.p *= s.sum
        s.dz -= s.p  # dlog p_i / dz_k = [i = k] − p_k
        s.log *= s.far
        return -np.add.reduce(s.log, axis=(-2, -1))

    def _probabilities(self, z: Array, s: Views) -> None:
        """log = log p, p = softmax(z), far = 1 − p, each exact where it is small."""
        np.maximum.reduce(z, axis=-1, keepdims=True, out=s.sum)
        np.subtract(z, s.sum, out=s.log)
        np.exp(s.log, out=s.p)
        np.add.reduce(s.p, axis=-1, keepdims=True, out=s.sum)
        np.log(s.sum, out=s.sum)
        s.log -= s.sum
        np.exp(s.log, out=s.p)
        np.expm1(s.log, out=s.far)
        np.negative(s.far, out=s.far)

    def link(self, z: Array) -> Array:
        return softmax(z)


def softmax(z: Array) -> Array:
    """e^z / Σ e^z over the last axis: no overflow for any z."""
    exp = np.exp(z - z.max(axis=-1, keepdims=True))
    return exp / exp.sum(axis=-1, keepdims=True)
