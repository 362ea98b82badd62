"""Optimizers: the parameter update, element by element and in place.

An optimizer is written for one flat array. It may be called on any block of columns of (R,P), so
it must not look at a neighbour; clipping by norm and the like are steps of their own. Where
PyTorch defines an update, ours is PyTorch's; `tests/oracles` holds the proof.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from bpcli.config.component import Component
from bpcli.nn.layer import Array, Views

Beta = Annotated[float, Field(ge=0, lt=1)]
Epsilon = Annotated[float, Field(gt=0)]


class Optimizer(Component):
    """θ ← θ − lr · step(g), with slots that remember earlier gradients."""

    family: ClassVar[str] = "optimizer"
    learning_rate: ClassVar[float]  # where the config names none
    work: ClassVar[tuple[str, ...]] = ("a",)  # work arrays like θ, free between two steps

    def decay(self) -> float:
        """λ of a decoupled decay θ ← θ (1 − lr λ), which the trainer does before the step."""
        return 0.0

    def slots(self) -> tuple[str, ...]:
        """Names of the arrays like θ that are kept from step to step; they start at zero."""
        return ()

    def step(self, p: Array, g: Array, s: Views, lr: Array, t: int) -> None:
        """Update p (R,n) in place by the gradient g (R,n), for the t-th time (from 1).

        `s` holds the slots and the work arrays, all (R,n); lr is (R,1).
        """
        raise NotImplementedError


class SGD(Optimizer):
    """v ← μ v + g;  θ ← θ − lr v.  Gradient descent: full-batch, mini-batch or stochastic.

    nesterov steps by g + μ v instead.  Polyak 1964, doi:10.1016/0041-5553(64)90137-5;
    Sutskever et al. 2013, ICML.  PyTorch's convention: the rate is not part of v.
    """

    name: ClassVar[str] = "sgd"
    learning_rate: ClassVar[float] = 0.01
    momentum: Annotated[Beta, Field(description="μ, the share of the last step kept")] = 0.0
    nesterov: Annotated[bool, Field(description="look ahead along the momentum")] = False

    def slots(self) -> tuple[str, ...]:
        return ("v",) if self.momentum else ()

    def step(self, p: Array, g: Array, s: Views, lr: Array, t: int) -> None:
        direction = self._accumulate(g, s) if self.momentum else g
        np.multiply(direction, lr, out=s.a)
        p -= s.a

    def _accumulate(self, g: Array, s: Views) -> Array:
        np.multiply(s.v, self.momentum, out=s.v)
        s.v += g
        if not self.nesterov:
            return s.v
        np.multiply(s.v, self.momentum, out=s.a)
        return np.add(s.a, g, out=s.a)


class RMSprop(Optimizer):
    """v ← α v + (1 − α) g²;  θ ← θ − lr g / (√v + ε).  Tieleman & Hinton 2012, lecture 6e

    ε stands outside the root, as in PyTorch; Keras puts it inside.
    """

    name: ClassVar[str] = "rmsprop"
    learning_rate: ClassVar[float] = 0.001
    alpha: Annotated[Beta, Field(description="decay of the mean square")] = 0.99
    epsilon: Annotated[Epsilon, Field(description="added to the root")] = 1e-8

    def slots(self) -> tuple[str, ...]:
        return ("v",)

    def step(self, p: Array, g: Array, s: Views, lr: Array, t: int) -> None:
        np.multiply(s.v, self.alpha, out=s.v)
        np.square(g, out=s.a)
        s.a *= 1 - self.alpha
        s.v += s.a
        np.sqrt(s.v, out=s.a)
        s.a += self.epsilon
        np.divide(g, s.a, out=s.a)
        s.a *= lr
        p -= s.a


class Adam(Optimizer):
    """θ ← θ − lr m̂ / (√v̂ + ε), m̂ and v̂ bias-corrected means of g and g².  arXiv:1412.6980

    ε stands outside the root and after the bias correction, as in PyTorch; Keras and scikit-learn
    put it before the correction. The slots hold m/(1 − β1) and v/(1 − β2): the constant factors
    and both corrections then cost one multiplication for the whole step.
    """

    name: ClassVar[str] = "adam"
    learning_rate: ClassVar[float] = 0.001
    beta1: Annotated[Beta, Field(description="decay of the mean gradient")] = 0.9
    beta2: Annotated[Beta, Field(description="decay of the mean squared gradient")] = 0.999
    epsilon: Annotated[Epsilon, Field(description="added to the root")] = 1e-8

    def slots(self) -> tuple[str, ...]:
        return ("m", "v")

    def step(self, p: Array, g: Array, s: Views, lr: Array, t: int) -> None:
        mean = (1 - self.beta1) / (1 - self.beta1**t)
        root = math.sqrt((1 - self.beta2) / (1 - self.beta2**t))
        np.multiply(s.m, self.beta1, out=s.m)
        s.m += g
        np.multiply(s.v, self.beta2, out=s.v)
        np.square(g, out=s.a)
        s.v += s.a
        np.sqrt(s.v, out=s.a)
        s.a += self.epsilon / root
        np.divide(s.m, s.a, out=s.a)
        s.a *= lr * (mean / root)
        p -= s.a
