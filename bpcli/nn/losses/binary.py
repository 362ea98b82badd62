"""Losses of what is or is not: one score for two classes, or one a label; the sigmoid as link."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from bpcli.nn.activations import sigmoid
from bpcli.nn.layer import Array, Views
from bpcli.nn.losses.loss import Kind, Loss


class BinaryCrossEntropy(Loss):
    """ℓ = −t log σ(z) − (1 − t) log(1 − σ(z)), one score for two classes.

    Backward: dz = c (σ(z) − t).
    """

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
        return logistic(z, t, c, s)

    def link(self, z: Array) -> Array:
        """σ(−z) and σ(z), the probabilities of both classes (R,B,2), each exact where small."""
        return np.concatenate([expit(-z), expit(z)], axis=-1)


class MultilabelCrossEntropy(Loss):
    """ℓ = mean over labels of −t log σ(z) − (1 − t) log(1 − σ(z)): labels that may go together.

    One score for each label, t 0 or 1.  PyTorch's multilabel_soft_margin_loss
    Backward: dz = c (σ(z) − t) / O.
    """

    name: ClassVar[str] = "multilabel_cross_entropy"
    predicts: ClassVar[Kind] = "labels"

    def value(self, z: Array, t: Array, c: Array, s: Views) -> Array:
        total = logistic(z, t, c, s)
        s.dz /= z.shape[-1]
        return total / z.shape[-1]

    def link(self, z: Array) -> Array:
        return expit(z)


def expit(z: Array) -> Array:
    """σ(z) = 1 / (1 + e^−z), exact also for a probability of 1e-300."""
    small = np.exp(-np.abs(z))
    return np.where(z < 0, small, 1) / (1 + small)


def logistic(z: Array, t: Array, c: Array, s: Views) -> Array:
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
