"""Activations: y = f(x) for each element, in place over planned arrays.

Each backward pass stands below its forward pass and uses whichever of x and y is cheaper.
"""

from __future__ import annotations

import math
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from bpcli.nn.layer import Array, Context, Layer, Plan, Shape, Views


class Activation(Layer):
    """y = f(x), element by element; `work` names the extra arrays that f keeps for backward."""

    work: ClassVar[tuple[str, ...]] = ()
    saturates: ClassVar[bool] = False  # to both sides: f′ is near 0 for large |x|

    def plan(self, in_shape: Shape) -> Plan:
        return Plan(in_shape, {}, dict.fromkeys(("y", "dx", *self.work), in_shape))


class Relu(Activation):
    """y = max(x, 0), dy/dx = 1 for x > 0, else 0.  Nair & Hinton 2010, ICML"""

    name: ClassVar[str] = "relu"

    def forward(self, x: Array, p: Views, s: Views, ctx: Context) -> Array:
        return np.maximum(x, 0, out=s.y)

    def backward(self, x: Array, dy: Array, p: Views, g: Views, s: Views) -> Array:
        np.greater(s.y, 0, out=s.dx)
        return np.multiply(s.dx, dy, out=s.dx)


class LeakyRelu(Activation):
    """y = x for x > 0, slope · x below, dy/dx = 1 or slope.  Maas et al. 2013, ICML workshop"""

    name: ClassVar[str] = "leaky_relu"
    slope: Annotated[float, Field(ge=0, lt=1, description="slope for negative x")] = 0.01

    def forward(self, x: Array, p: Views, s: Views, ctx: Context) -> Array:
        np.multiply(x, self.slope, out=s.y)
        return np.maximum(x, s.y, out=s.y)

    def backward(self, x: Array, dy: Array, p: Views, g: Views, s: Views) -> Array:
        np.greater(x, 0, out=s.dx)
        s.dx *= 1 - self.slope
        s.dx += self.slope
        return np.multiply(s.dx, dy, out=s.dx)


class Tanh(Activation):
    """y = tanh(x), dy/dx = 1 − y²."""

    name: ClassVar[str] = "tanh"
    saturates: ClassVar[bool] = True

    def forward(self, x: Array, p: Views, s: Views, ctx: Context) -> Array:
        return np.tanh(x, out=s.y)

    def backward(self, x: Array, dy: Array, p: Views, g: Views, s: Views) -> Array:
        np.multiply(s.y, s.y, out=s.dx)
        np.subtract(1, s.dx, out=s.dx)
        return np.multiply(s.dx, dy, out=s.dx)


class Sigmoid(Activation):
    """y = σ(x) = 1 / (1 + e^−x), dy/dx = y (1 − y)."""

    name: ClassVar[str] = "sigmoid"
    saturates: ClassVar[bool] = True

    def forward(self, x: Array, p: Views, s: Views, ctx: Context) -> Array:
        return sigmoid(x, out=s.y)

    def backward(self, x: Array, dy: Array, p: Views, g: Views, s: Views) -> Array:
        np.subtract(1, s.y, out=s.dx)
        s.dx *= s.y
        return np.multiply(s.dx, dy, out=s.dx)


class Softplus(Activation):
    """y = log(1 + e^x), dy/dx = σ(x) = 1 − e^−y."""

    name: ClassVar[str] = "softplus"
    work: ClassVar[tuple[str, ...]] = ("t",)

    def forward(self, x: Array, p: Views, s: Views, ctx: Context) -> Array:
        return softplus(x, out=s.y, work=s.t)

    def backward(self, x: Array, dy: Array, p: Views, g: Views, s: Views) -> Array:
        np.negative(s.y, out=s.dx)
        np.expm1(s.dx, out=s.dx)
        np.negative(s.dx, out=s.dx)
        return np.multiply(s.dx, dy, out=s.dx)


class Elu(Activation):
    """y = x for x > 0, α (e^x − 1) below.  Clevert et al. 2015, arXiv:1511.07289"""

    name: ClassVar[str] = "elu"
    work: ClassVar[tuple[str, ...]] = ("t",)
    alpha: Annotated[float, Field(gt=0, description="limit of −y for x → −∞")] = 1.0

    def forward(self, x: Array, p: Views, s: Views, ctx: Context) -> Array:
        return elu(x, self.alpha, out=s.y, work=s.t)

    def backward(self, x: Array, dy: Array, p: Views, g: Views, s: Views) -> Array:
        elu_slope(x, s.y, self.alpha, out=s.dx, work=s.t)
        return np.multiply(s.dx, dy, out=s.dx)


class Selu(Activation):
    """y = λ · elu(x; α), λ = 1.0507, α = 1.6733.  Klambauer et al. 2017, arXiv:1706.02515"""

    name: ClassVar[str] = "selu"
    work: ClassVar[tuple[str, ...]] = ("t",)
    alpha: ClassVar[float] = 1.6732632423543772
    scale: ClassVar[float] = 1.0507009873554805

    def forward(self, x: Array, p: Views, s: Views, ctx: Context) -> Array:
        elu(x, self.alpha, out=s.y, work=s.t)
        return np.multiply(s.y, self.scale, out=s.y)

    def backward(self, x: Array, dy: Array, p: Views, g: Views, s: Views) -> Array:
        np.multiply(s.y, 1 / self.scale, out=s.dx)
        elu_slope(x, s.dx, self.alpha, out=s.dx, work=s.t)
        s.dx *= self.scale
        return np.multiply(s.dx, dy, out=s.dx)


class Silu(Activation):
    """y = x σ(x), also called swish.  Elfwing et al. 2017, arXiv:1702.03118"""

    name: ClassVar[str] = "silu"
    work: ClassVar[tuple[str, ...]] = ("sigma",)

    def forward(self, x: Array, p: Views, s: Views, ctx: Context) -> Array:
        sigmoid(x, out=s.sigma)
        return np.multiply(x, s.sigma, out=s.y)

    def backward(self, x: Array, dy: Array, p: Views, g: Views, s: Views) -> Array:
        np.subtract(1, s.sigma, out=s.dx)  # dy/dx = σ + y (1 − σ)
        s.dx *= s.y
        s.dx += s.sigma
        return np.multiply(s.dx, dy, out=s.dx)


class Gelu(Activation):
    """y = ½ x (1 + tanh(√(2/π) (x + 0.044715 x³))).  Hendrycks & Gimpel 2016, arXiv:1606.08415

    The tanh form; PyTorch's default is the form with erf, at most 5e-4 away.
    """

    name: ClassVar[str] = "gelu"
    work: ClassVar[tuple[str, ...]] = ("t",)
    root: ClassVar[float] = math.sqrt(2 / math.pi)
    cubic: ClassVar[float] = 0.044715

    def forward(self, x: Array, p: Views, s: Views, ctx: Context) -> Array:
        np.multiply(x, x, out=s.t)
        s.t *= self.root * self.cubic
        s.t += self.root
        s.t *= x
        np.tanh(s.t, out=s.t)
        np.add(s.t, 1, out=s.y)
        s.y *= x
        return np.multiply(s.y, 0.5, out=s.y)

    def backward(self, x: Array, dy: Array, p: Views, g: Views, s: Views) -> Array:
        np.multiply(x, x, out=s.dx)  # y is free by now: it holds ½ x (1 − t²) below
        s.dx *= 3 * self.root * self.cubic
        s.dx += self.root
        np.multiply(s.t, s.t, out=s.y)
        np.subtract(1, s.y, out=s.y)
        s.y *= x
        s.dx *= s.y
        s.dx += s.t
        s.dx += 1
        s.dx *= 0.5
        return np.multiply(s.dx, dy, out=s.dx)


class Mish(Activation):
    """y = x tanh(softplus(x)).  Misra 2019, arXiv:1908.08681"""

    name: ClassVar[str] = "mish"
    work: ClassVar[tuple[str, ...]] = ("t", "sigma")

    def forward(self, x: Array, p: Views, s: Views, ctx: Context) -> Array:
        softplus(x, out=s.t, work=s.y)
        np.tanh(s.t, out=s.t)
        return np.multiply(x, s.t, out=s.y)

    def backward(self, x: Array, dy: Array, p: Views, g: Views, s: Views) -> Array:
        np.multiply(s.t, s.t, out=s.dx)  # dy/dx = t + x σ(x) (1 − t²)
        np.subtract(1, s.dx, out=s.dx)
        s.dx *= x
        s.dx *= sigmoid(x, out=s.sigma)
        s.dx += s.t
        return np.multiply(s.dx, dy, out=s.dx)


def sigmoid(x: Array, out: Array) -> Array:
    """σ(x) = ½ (1 + tanh(x / 2)): no overflow for any x."""
    np.multiply(x, 0.5, out=out)
    np.tanh(out, out=out)
    np.add(out, 1, out=out)
    return np.multiply(out, 0.5, out=out)


def softplus(x: Array, out: Array, work: Array) -> Array:
    """log(1 + e^x) = max(x, 0) + log(1 + e^−|x|): no overflow for any x."""
    np.abs(x, out=out)
    np.negative(out, out=out)
    np.exp(out, out=out)
    np.log1p(out, out=out)
    np.maximum(x, 0, out=work)
    return np.add(out, work, out=out)


def elu(x: Array, alpha: float, out: Array, work: Array) -> Array:
    """max(x, 0) + α (e^min(x, 0) − 1)."""
    np.minimum(x, 0, out=out)
    np.expm1(out, out=out)
    np.multiply(out, alpha, out=out)
    np.maximum(x, 0, out=work)
    return np.add(out, work, out=out)


def elu_slope(x: Array, y: Array, alpha: float, out: Array, work: Array) -> Array:
    """1 for x > 0, y + α below; `out` may be `y`."""
    np.greater(x, 0, out=work)
    np.minimum(y, 0, out=out)
    np.add(out, alpha, out=out)
    np.multiply(work, 1 - alpha, out=work)
    return np.add(out, work, out=out)
