"""Optimizers that remember earlier gradients: a direction, in one of two sizes."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from bpcli.nn.layer import Array, Views
from bpcli.nn.optimizers.optimizer import Beta, Elementwise


class SGD(Elementwise):
    """v ← μ v + g;  θ ← θ − lr v.  Gradient descent: full-batch, mini-batch or stochastic.

    nesterov steps by g + μ v instead.  Polyak 1964, doi:10.1016/0041-5553(64)90137-5;
    Sutskever et al. 2013, ICML.  PyTorch's convention: the rate is not part of v, in Keras it is.
    No ε. PyTorch's weight_decay is `regularization.l2`.
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


class Lion(Elementwise):
    """θ ← θ − lr sign(β1 m + (1 − β1) g), then m ← β2 m + (1 − β2) g.  arXiv:2302.06675

    Every step has the size of the rate, which is a third to a tenth of Adam's. No ε. λ is a
    decoupled decay, as in the paper: θ ← θ (1 − lr λ) before the step, of weights, not of biases
    and norms; `regularization.weight_decay`, where it is set, takes the place of λ.
    """

    name: ClassVar[str] = "lion"
    learning_rate: ClassVar[float] = 0.0001
    beta1: Annotated[Beta, Field(description="share of the mean gradient in the step")] = 0.9
    beta2: Annotated[Beta, Field(description="decay of the mean gradient")] = 0.99
    weight_decay: Annotated[float, Field(ge=0, description="λ, decay of the weights")] = 0.0

    def decay(self) -> float:
        return self.weight_decay

    def slots(self) -> tuple[str, ...]:
        return ("m",)

    def step(self, p: Array, g: Array, s: Views, lr: Array, t: int) -> None:
        s.m -= g  # both means of m and g are g + β (m − g)
        np.multiply(s.m, self.beta1, out=s.a)
        s.a += g
        np.sign(s.a, out=s.a)
        s.a *= lr
        p -= s.a
        s.m *= self.beta2
        s.m += g
