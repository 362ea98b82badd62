"""Probabilities that keep what they say: corrected on rows that the weights never saw.

A calibration maps probabilities to probabilities, each row by itself, and keeps the order of the
classes: the predicted class stays. It asks for probabilities only, wherever they come from.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import ClassVar, NamedTuple

import numpy as np

from bpcli.config.component import Component
from bpcli.data.arrays import Floats, Ints, Tensors
from bpcli.metrics.classification import ECE, LogLoss, one_hot
from bpcli.metrics.metric import Truth, evaluate
from bpcli.nn import room
from bpcli.nn.losses.classes import softmax
from bpcli.nn.losses.loss import Kind

WIDEST = 16.0  # of log(1/T): 1/T from 1e-7 to 9e6
STEPS = 50
PRIOR = 4.0  # 1/T is about 1 ± ½ before any row is seen
DOUBT = 0.1  # rows whose class nobody knows
SMALLEST = float(np.nextafter(0, 1))


class Calibration(Component):
    """p ← f(p; fitted), for probabilities p (N,K) of classes that exclude each other."""

    family: ClassVar[str] = "calibration"

    def tensors(self) -> tuple[str, ...]:
        """The names of the fitted tensors, each one number (1,)."""
        return ()

    def fit(self, p: Floats, classes: Ints) -> Tensors:
        """The tensors that bring p (N,K) nearest to the true classes (N,)."""
        return {}

    def apply(self, p: Floats, fitted: Mapping[str, Floats]) -> Floats:
        """The calibrated probabilities (N,K)."""
        return p


class Temperature(Calibration):
    """p ← (1 − c) softmax(log p / T) + c / K: one temperature T for all, and a share c for doubt.

    T has the least cross-entropy on the validation rows, plus 4 (1/T − log 1/T), a prior with its
    mode at T = 1: else no T were sharp enough where every row is right. c = 0.1 / (rows + 1) bounds
    what a sure but wrong answer costs. Several labels share T. Guo et al. 2017, arXiv:1706.04599
    """

    name: ClassVar[str] = "temperature"

    def tensors(self) -> tuple[str, ...]:
        return ("temperature", "mix")

    def fit(self, p: Floats, classes: Ints) -> Tensors:
        rows, width = p.shape
        temperature = best_temperature(logs(p), one_hot(classes, width), PRIOR)
        return {"temperature": np.array([temperature]), "mix": np.array([DOUBT / (rows + 1)])}

    def apply(self, p: Floats, fitted: Mapping[str, Floats]) -> Floats:
        (temperature,), (mix,) = fitted["temperature"], fitted["mix"]
        mixed: Floats = (1 - mix) * softmax(logs(p) / temperature) + mix / p.shape[1]
        return mixed


class Uncalibrated(Calibration):
    """p, as the network says it."""

    name: ClassVar[str] = "none"


class Calibrated(NamedTuple):
    """A calibration with its fitted tensors, for any kind of prediction."""

    method: Calibration = Uncalibrated()
    fitted: Mapping[str, Floats] = {}

    @classmethod
    def of(cls, method: Calibration, kind: Kind, prediction: Floats, truth: Truth) -> Calibrated:
        """Fitted to predictions of rows that the weights never saw."""
        return cls(method, method.fit(*as_classes(kind, prediction, truth)))

    def __call__(self, kind: Kind, prediction: Floats) -> Floats:
        """The calibrated prediction; numbers are left alone."""
        if not self.fitted:
            return prediction
        return room.by_rows(prediction, partial(self._of_rows, kind))

    def _of_rows(self, kind: Kind, prediction: Floats) -> Floats:
        if kind == "classes":
            return self.method.apply(prediction, self.fitted)
        return self.method.apply(pairs(prediction), self.fitted)[:, 1].reshape(prediction.shape)


def best_temperature(z: Floats, t: Floats, prior: float) -> float:
    """T > 0 of the least −Σ t log softmax(z / T) + prior · (1/T − log 1/T); z and t (N,K).

    The derivative by 1/T, Σ (softmax(z / T) − t) z + prior · (1 − T), rises with 1/T, so halving
    an interval of u = log(1/T) finds its one zero.
    """
    low, high, wanted = -WIDEST, WIDEST, np.sum(t * z)
    for _ in range(STEPS):
        u = (low + high) / 2
        slope = np.sum(softmax(np.exp(u) * z) * z) - wanted + prior * (1 - np.exp(-u))
        low, high = (u, high) if slope < 0 else (low, u)
    return float(np.exp(-(low + high) / 2))


def logs(p: Floats) -> Floats:
    """log p, at least −744.4: scores whose softmax is p."""
    return np.log(np.maximum(p, SMALLEST))


def pairs(p: Floats) -> Floats:
    """Each label of each row as two classes, no and yes: (N,L) → (N·L,2)."""
    flat = p.reshape(-1)
    return np.stack([1 - flat, flat], axis=1)


def as_classes(kind: Kind, prediction: Floats, truth: Truth) -> tuple[Floats, Ints]:
    """Probabilities (M,K) and classes (M,): those of the rows, or of each label of each row."""
    if kind == "classes":
        return prediction, truth
    return pairs(prediction), truth.reshape(-1).astype(np.int64)


def honesty(kind: Kind, prediction: Floats, truth: Truth) -> dict[str, float]:
    """`log_loss` and `ece`: how far the probabilities keep what they say, in nats and as a share.

    Of labels, over each label of each row as two classes.
    """
    p, classes = as_classes(kind, prediction, truth)
    return evaluate([LogLoss(), ECE()], classes, p)
