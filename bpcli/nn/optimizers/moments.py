"""Optimizers that remember gradients and their squares: Adam and its relatives."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from bpcli.nn.layer import Array, Views
from bpcli.nn.optimizers.optimizer import Beta, Elementwise, Epsilon


class Adam(Elementwise):
    """θ ← θ − lr m̂ / (√v̂ + ε), m̂ and v̂ bias-corrected means of g and g².  arXiv:1412.6980

    ε stands outside the root and after the bias correction, as in PyTorch; Keras and scikit-learn
    put it before the correction. The slots hold m/(1 − β1) and v/(1 − β2): the constant factors
    and both corrections then cost one multiplication for the whole step. PyTorch's weight_decay of
    Adam is `regularization.l2`.
    """

    name: ClassVar[str] = "adam"
    learning_rate: ClassVar[float] = 0.001
    beta1: Annotated[Beta, Field(description="decay of the mean gradient")] = 0.9
    beta2: Annotated[Beta, Field(description="decay of the mean squared gradient")] = 0.999
    epsilon: Annotated[Epsilon, Field(description="added to the root")] = 1e-8

    def slots(self) -> tuple[str, ...]:
        return ("m", "v")

    def in_formula(self, slots: Mapping[str, Array], t: int) -> dict[str, Array]:
        return adam_means(self, slots, t)

    def step(self, p: Array, g: Array, s: Views, lr: Array, t: int) -> None:
        adam_step(self, p, g, s, lr, t)


class AdamW(Elementwise):
    """θ ← θ (1 − lr λ), then Adam: weight decay apart from the gradient.  arXiv:1711.05101

    λ is multiplied by the rate, as in PyTorch, whose default it has; Keras has 0.004. It acts on
    weights, not on biases and norms, where PyTorch decays all that it is given;
    `regularization.weight_decay`, where it is set, takes the place of λ. ε as in adam.
    """

    name: ClassVar[str] = "adamw"
    learning_rate: ClassVar[float] = 0.001
    weight_decay: Annotated[float, Field(ge=0, description="λ, decay of the weights")] = 0.01
    beta1: Annotated[Beta, Field(description="decay of the mean gradient")] = 0.9
    beta2: Annotated[Beta, Field(description="decay of the mean squared gradient")] = 0.999
    epsilon: Annotated[Epsilon, Field(description="added to the root")] = 1e-8

    def decay(self) -> float:
        return self.weight_decay

    def slots(self) -> tuple[str, ...]:
        return ("m", "v")

    def in_formula(self, slots: Mapping[str, Array], t: int) -> dict[str, Array]:
        return adam_means(self, slots, t)

    def step(self, p: Array, g: Array, s: Views, lr: Array, t: int) -> None:
        adam_step(self, p, g, s, lr, t)


def adam_step(adam: Adam | AdamW, p: Array, g: Array, s: Views, lr: Array, t: int) -> None:
    """θ ← θ − lr m̂ / (√v̂ + ε), the step that Adam and AdamW share."""
    mean = (1 - adam.beta1) / (1 - adam.beta1**t)
    root = math.sqrt((1 - adam.beta2) / (1 - adam.beta2**t))
    np.multiply(s.m, adam.beta1, out=s.m)
    s.m += g
    np.multiply(s.v, adam.beta2, out=s.v)
    np.square(g, out=s.a)
    s.v += s.a
    np.sqrt(s.v, out=s.a)
    s.a += adam.epsilon / root
    np.divide(s.m, s.a, out=s.a)
    s.a *= lr * (mean / root)
    p -= s.a


def adam_means(adam: Adam | AdamW, slots: Mapping[str, Array], t: int) -> dict[str, Array]:
    """m̂ and v̂ after the t-th step, from slots that hold them without their constant factors."""
    return {
        "m̂": slots["m"] * ((1 - adam.beta1) / (1 - adam.beta1**t)),
        "v̂": slots["v"] * ((1 - adam.beta2) / (1 - adam.beta2**t)),
    }


class NAdam(Elementwise):
    """θ ← θ − lr (μ' m / (1 − Π μ') + (1 − μ) g / (1 − Π μ)) / (√v̂ + ε): Adam looking ahead.

    m and v̂ are Adam's; μ = β1 (1 − ½ 0.96^(ψ t)) is step t's momentum, μ' the next one's, and the
    products go from the first step to μ or μ'. PyTorch's ψ and place of ε, outside the root and
    after the bias correction; Keras has ψ = 1. PyTorch's weight_decay is `regularization.l2`.
    Dozat 2016, ICLR workshop
    """

    name: ClassVar[str] = "nadam"
    learning_rate: ClassVar[float] = 0.002
    work: ClassVar[tuple[str, ...]] = ("a", "b")
    beta1: Annotated[Beta, Field(description="limit of the momentum μ")] = 0.9
    beta2: Annotated[Beta, Field(description="decay of the mean squared gradient")] = 0.999
    epsilon: Annotated[Epsilon, Field(description="added to the root")] = 1e-8
    psi: Annotated[float, Field(ge=0, description="how fast μ grows to its limit")] = 0.004

    def slots(self) -> tuple[str, ...]:
        return ("m", "v")

    def step(self, p: Array, g: Array, s: Views, lr: Array, t: int) -> None:
        s.m -= g
        s.m *= self.beta1
        s.m += g
        np.multiply(s.v, self.beta2, out=s.v)
        np.square(g, out=s.a)
        s.a *= 1 - self.beta2
        s.v += s.a
        np.multiply(s.v, 1 / (1 - self.beta2**t), out=s.a)
        np.sqrt(s.a, out=s.a)
        s.a += self.epsilon
        now, ahead = self._shares(t)
        for direction, share in ((g, now), (s.m, ahead)):
            np.divide(direction, s.a, out=s.b)
            s.b *= lr * share
            p -= s.b

    def _shares(self, t: int) -> tuple[float, float]:
        """The factors of g and of m.

        The product of more than 40 / (1 − β1) momenta is below e^−40, and 1 minus it is 1.
        """
        terms = int(min(t, 40 / (1 - self.beta1) + 1))
        product = float(np.prod(self._momentum(np.arange(1, terms + 1))))
        now, ahead = self._momentum(np.array([t, t + 1])).tolist()
        return (1 - now) / (1 - product), ahead / (1 - product * ahead)

    def _momentum(self, t: NDArray[np.int64]) -> Array:
        return self.beta1 * (1 - 0.5 * 0.96 ** (self.psi * t))
