"""Losses on scores: the value, its gradient by the scores, and the link that makes predictions.

A loss takes the scores z of the last layer and owns its link function, so a double softmax cannot
be written. The value is the weighted mean over the rows of a batch, as in PyTorch; a loss of
several numbers is also their mean. Numbers are scaled before training (`preprocess.target`), and
with them the units of the loss, unless it asks for the target's own.
"""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from bpcli.config.component import Component
from bpcli.nn.activations import sigmoid
from bpcli.nn.layer import Array, Shape, Views

Kind = Literal["numbers", "classes"]
Level = Annotated[float, Field(gt=0, lt=1)]


class Loss(Component):
    """L = Σ c · ℓ(z, t) over the rows; leaves dL/dz in `s.dz`."""

    family: ClassVar[str] = "loss"
    predicts: ClassVar[Kind]
    own_units: ClassVar[bool] = False  # whether targets must be neither shifted nor scaled
    lowest: ClassVar[float] = -math.inf  # the smallest target that it can learn

    def outputs(self, width: int) -> int:
        """How many scores a target needs: `width` is its number of columns or of classes."""
        return width

    def scratch(self, width: int) -> dict[str, Shape]:
        """Work arrays for one row of `width` scores, `dz` among them."""
        return {"dz": (width,), "e": (width,)}

    def value(self, z: Array, t: Array, c: Array, s: Views) -> Array:
        """L (R,) for scores z (R,B,O), targets t (1|R,B,O) and row weights c (1|R,1|B,1)."""
        raise NotImplementedError

    def link(self, z: Array) -> Array:
        """The prediction (R,B,O) that scores stand for: a mean, or probabilities."""
        return z


class MSE(Loss):
    """ℓ = mean over outputs of (z − t)², the mean squared error, without a factor ½."""

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
    """

    name: ClassVar[str] = "mae"
    predicts: ClassVar[Kind] = "numbers"

    def value(self, z: Array, t: Array, c: Array, s: Views) -> Array:
        np.subtract(z, t, out=s.e)
        np.sign(s.e, out=s.dz)
        return _finish(s, c, 1 / z.shape[-1])


class Huber(Loss):
    """ℓ = mean of k (e − k/2), e = z − t, k = e cut to ±delta: ½ e² near, linear far out.

    PyTorch's huber_loss; its smooth_l1_loss is this divided by delta.  Huber 1964,
    doi:10.1214/aoms/1177703732
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
        return _finish(s, c, 1 / z.shape[-1]) / 2


class LogCosh(Loss):
    """ℓ = mean over outputs of log cosh(z − t): ½ e² near 0, |e| − log 2 far out.

    Its scale is 1 in units of the scaled target.
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

    def value(self, z: Array, t: Array, c: Array, s: Views) -> Array:
        e, slope = self._by_level(s.e), self._by_level(s.dz)
        np.subtract(self._by_level(z), t[..., None], out=e)
        np.greater_equal(e, 0, out=slope)
        slope -= np.array(self.levels, z.dtype)  # ℓ = e · slope
        return _finish(s, c, 1 / z.shape[-1])

    def link(self, z: Array) -> Array:
        return np.sort(self._by_level(z), axis=-1).reshape(z.shape)

    def _by_level(self, z: Array) -> Array:
        """A view (R,B,O,levels)."""
        return z.reshape(*z.shape[:-1], z.shape[-1] // len(self.levels), len(self.levels))


class Poisson(Loss):
    """ℓ = mean over outputs of e^z − t z, for counts and rates t ≥ 0; the prediction is e^z.

    PyTorch's poisson_nll_loss, without the terms that only depend on t. From z = 30 on, e^z goes
    on as its tangent: neither the loss nor its gradient overflows.
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


class CrossEntropy(Loss):
    """ℓ = −Σ t log softmax(z), for classes that exclude each other.  t sums to 1 in each row.

    label_smoothing ε replaces t by (1 − ε) t + ε / O, as in PyTorch, in every value of this loss,
    that of validation rows too.  Szegedy et al. 2015, arXiv:1512.00567
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


class BinaryCrossEntropy(Loss):
    """ℓ = −t log σ(z) − (1 − t) log(1 − σ(z)), one score for two classes."""

    name: ClassVar[str] = "binary_cross_entropy"
    predicts: ClassVar[Kind] = "classes"

    def outputs(self, width: int) -> int:
        if width != 2:
            raise ValueError(
                f"binary_cross_entropy tells 2 classes apart, the target has {width}; "
                "use cross_entropy"
            )
        return 1

    def value(self, z: Array, t: Array, c: Array, s: Views) -> Array:
        return _logistic(z, t, c, s)

    def link(self, z: Array) -> Array:
        return expit(z)


class MultilabelCrossEntropy(Loss):
    """ℓ = mean over labels of −t log σ(z) − (1 − t) log(1 − σ(z)): labels that may go together.

    One score for each label, t 0 or 1.  PyTorch's multilabel_soft_margin_loss
    """

    name: ClassVar[str] = "multilabel_cross_entropy"
    predicts: ClassVar[Literal["labels"]] = "labels"  # type: ignore[assignment]

    def value(self, z: Array, t: Array, c: Array, s: Views) -> Array:
        total = _logistic(z, t, c, s)
        s.dz /= z.shape[-1]
        return total / z.shape[-1]

    def link(self, z: Array) -> Array:
        return expit(z)


def softmax(z: Array) -> Array:
    """e^z / Σ e^z over the last axis: no overflow for any z."""
    exp = np.exp(z - z.max(axis=-1, keepdims=True))
    return exp / exp.sum(axis=-1, keepdims=True)


def expit(z: Array) -> Array:
    """σ(z) = 1 / (1 + e^−z), exact also for a probability of 1e-300."""
    small = np.exp(-np.abs(z))
    return np.where(z < 0, small, 1) / (1 + small)


def _finish(s: Views, c: Array, share: float) -> Array:
    """Σ c · e · dz · share (R,), and dz ← c · dz · share: for ℓ = e · dz."""
    s.dz *= c
    s.dz *= share
    return np.einsum("rbo,rbo->r", s.e, s.dz)


def _logistic(z: Array, t: Array, c: Array, s: Views) -> Array:
    """Σ c · (−t log σ(z) − (1 − t) log(1 − σ(z))) (R,), and its gradient in dz."""
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
