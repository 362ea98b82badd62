"""Optimizers: the parameter update, element by element and in place.

An optimizer is written for one flat array. It may be called on any block of columns of (R,P), so
it must not look at a neighbour; clipping by norm and the like are steps of their own. Where
PyTorch defines an update, ours is PyTorch's; `tests/oracles` holds the proof.
"""

from __future__ import annotations

import math
from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray
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

    ε stands outside the root, as in PyTorch; Keras puts it inside. momentum steps by
    u ← μ u + g / (√v + ε) instead, with the rate outside of u, as in PyTorch. centered takes
    √(v − m²), the deviation from the mean gradient m.  Graves 2013, arXiv:1308.0850
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


class Adagrad(Optimizer):
    """v ← v + g²;  θ ← θ − lr g / (√v + ε).  Duchi et al. 2011, JMLR 12:2121

    ε stands outside the root, as in PyTorch; v starts at 0, in Keras at 0.1.
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


class Adadelta(Optimizer):
    """δ = g √(u + ε) / √(v + ε), v and u running means of g² and δ²;  θ ← θ − lr δ.

    ε stands inside both roots, as in the paper, PyTorch and Keras. δ has the units of θ, so the
    rate is 1 in the paper and PyTorch, 0.001 in Keras.  Zeiler 2012, arXiv:1212.5701
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
        adam_step(self, p, g, s, lr, t)


class AdamW(Optimizer):
    """θ ← θ (1 − lr λ), then Adam: weight decay apart from the gradient.  arXiv:1711.05101

    λ is multiplied by the rate, as in PyTorch, whose default it has; Keras has 0.004. It acts on
    weights, not on biases and norms, where PyTorch decays all that it is given. ε as in adam.
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


class NAdam(Optimizer):
    """θ ← θ − lr (μ' m / (1 − Π μ') + (1 − μ) g / (1 − Π μ)) / (√v̂ + ε): Adam looking ahead.

    m and v̂ are Adam's; μ = β1 (1 − ½ 0.96^(ψ t)) is step t's momentum, μ' the next one's, and the
    products go from the first step to μ or μ'. PyTorch's ψ and place of ε, outside the root and
    after the bias correction; Keras has ψ = 1.  Dozat 2016, ICLR workshop
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


class Lion(Optimizer):
    """θ ← θ − lr sign(β1 m + (1 − β1) g), then m ← β2 m + (1 − β2) g.  arXiv:2302.06675

    Every step has the size of the rate, which is a third to a tenth of Adam's. No ε. λ is a
    decoupled decay, as in the paper: θ ← θ (1 − lr λ) before the step.
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


class Rprop(Optimizer):
    """θ ← θ − d sign(g); d grows while sign(g) stays and shrinks when it turns.

    For full-batch gradient descent only: a mini-batch turns signs by chance. The rate is the first
    d; later rates, and so a schedule, change nothing. Where the sign turns, the step is left out
    and the sign counts as 0, as in PyTorch.  Riedmiller & Braun 1993, doi:10.1109/ICNN.1993.298623
    """

    name: ClassVar[str] = "rprop"
    learning_rate: ClassVar[float] = 0.01
    work: ClassVar[tuple[str, ...]] = ("a", "b")
    shrink: Annotated[float, Field(gt=0, lt=1, description="η−, where the sign turns")] = 0.5
    grow: Annotated[float, Field(gt=1, description="η+, where the sign stays")] = 1.2
    smallest: Annotated[float, Field(gt=0, description="lower bound of d")] = 1e-6
    largest: Annotated[float, Field(gt=0, description="upper bound of d")] = 50.0

    def slots(self) -> tuple[str, ...]:
        return ("d", "sign")

    def step(self, p: Array, g: Array, s: Views, lr: Array, t: int) -> None:
        if t == 1:
            s.d[...] = lr
        np.sign(g, out=s.a)
        s.sign *= s.a  # 1 where it stays, −1 where it turns, 0 without a sign before or now
        for turn, factor in ((np.maximum, self.grow), (np.minimum, self.shrink)):
            turn(s.sign, 0, out=s.b)
            s.b *= abs(factor - 1)
            s.b += 1
            s.d *= s.b
        np.clip(s.d, self.smallest, self.largest, out=s.d)
        np.greater_equal(s.sign, 0, out=s.b)
        np.multiply(s.a, s.b, out=s.sign)
        np.multiply(s.sign, s.d, out=s.a)
        p -= s.a
