"""Optimizers that remember squares: each parameter gets a rate of its own."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from bpcli.nn.layer import Array, Views
from bpcli.nn.optimizers.optimizer import Beta, Elementwise, Epsilon


class RMSprop(Elementwise):
    """v ← α v + (1 − α) g²;  θ ← θ − lr g / (√v + ε).  Tieleman & Hinton 2012, lecture 6e

    ε stands outside the root, as in PyTorch; Keras puts it inside. momentum steps by
    u ← μ u + g / (√v + ε) instead, with the rate outside of u, as in PyTorch. centered takes
    √(v − m²), the deviation from the mean gradient m.  Graves 2013, arXiv:1308.0850.  PyTorch's
    weight_decay is `regularization.l2`.
    """

    name: ClassVar[str] = "rmsprop"
    learning_rate: ClassVar[float] = 0.001
    alpha: Annotated[Beta, Field(description="decay of the mean square")] = 0.99
    epsilon: Annotated[Epsilon, Field(description="added to the root")] = 1e-8
    momentum: Annotated[Beta, Field(description="μ, the share of the last step kept")] = 0.0
    centered: Annotated[bool, Field(description="divide by the deviation from the mean")] = False

    def slots(self) -> tuple[str, ...]:
        return ("v", *["m"] * self.centered, *["u"] * bool(self.momentum))

    def step(self, p: Array, g: Array, s: Views, lr: Array, t: int) -> None:
        np.multiply(s.v, self.alpha, out=s.v)
        np.square(g, out=s.a)
        s.a *= 1 - self.alpha
        s.v += s.a
        np.sqrt(self._variance(g, s) if self.centered else s.v, out=s.a)
        s.a += self.epsilon
        np.divide(g, s.a, out=s.a)
        if self.momentum:
            s.u *= self.momentum
            s.u += s.a
            np.multiply(s.u, lr, out=s.a)
        else:
            s.a *= lr
        p -= s.a

    def _variance(self, g: Array, s: Views) -> Array:
        s.m -= g
        s.m *= self.alpha
        s.m += g
        np.square(s.m, out=s.a)
        np.subtract(s.v, s.a, out=s.a)
        return np.maximum(s.a, 0, out=s.a)  # rounding makes a variance of 0 negative


class Adagrad(Elementwise):
    """v ← v + g²;  θ ← θ − lr g / (√v + ε).  Duchi et al. 2011, JMLR 12:2121

    ε stands outside the root, as in PyTorch; v starts at 0, in Keras at 0.1. PyTorch's weight_decay
    is `regularization.l2`.
    """

    name: ClassVar[str] = "adagrad"
    learning_rate: ClassVar[float] = 0.01
    epsilon: Annotated[Epsilon, Field(description="added to the root")] = 1e-10

    def slots(self) -> tuple[str, ...]:
        return ("v",)

    def step(self, p: Array, g: Array, s: Views, lr: Array, t: int) -> None:
        np.square(g, out=s.a)
        s.v += s.a
        np.sqrt(s.v, out=s.a)
        s.a += self.epsilon
        np.divide(g, s.a, out=s.a)
        s.a *= lr
        p -= s.a


class Adadelta(Elementwise):
    """δ = g √(u + ε) / √(v + ε), v and u running means of g² and δ²;  θ ← θ − lr δ.

    ε stands inside both roots, as in the paper, PyTorch and Keras. δ has the units of θ, so the
    rate is 1 in the paper and PyTorch, 0.001 in Keras. PyTorch's weight_decay is
    `regularization.l2`.  Zeiler 2012, arXiv:1212.5701
    """

    name: ClassVar[str] = "adadelta"
    learning_rate: ClassVar[float] = 1.0
    work: ClassVar[tuple[str, ...]] = ("a", "b")
    rho: Annotated[Beta, Field(description="decay of both mean squares")] = 0.9
    epsilon: Annotated[Epsilon, Field(description="added inside the roots")] = 1e-6

    def slots(self) -> tuple[str, ...]:
        return ("v", "u")

    def step(self, p: Array, g: Array, s: Views, lr: Array, t: int) -> None:
        self._average(s.v, g, s.a)
        np.add(s.u, self.epsilon, out=s.a)
        np.add(s.v, self.epsilon, out=s.b)
        s.a /= s.b
        np.sqrt(s.a, out=s.a)
        s.a *= g
        self._average(s.u, s.a, s.b)
        s.a *= lr
        p -= s.a

    def _average(self, mean: Array, x: Array, work: Array) -> None:
        np.square(x, out=work)
        work *= 1 - self.rho
        mean *= self.rho
        mean += work
