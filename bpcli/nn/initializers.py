"""Start values of the parameters: what a weight is before the first update."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from bpcli.config.component import Component
from bpcli.nn.layer import Array


class Initializer(Component):
    """Fills one parameter of one replica with its start values."""

    family: ClassVar[str] = "initializer"
    adapts: ClassVar[bool] = False  # the start values depend on training rows, by `adapt`
    rows: ClassVar[int] = 1024  # training rows that it then looks at, at most

    def fill(self, rng: np.random.Generator, out: Array, fan_in: int, fan_out: int) -> None:
        """Write start values into `out`; `fan_in`, `fan_out` are the connections per unit."""
        raise NotImplementedError

    def adapt(self, out: Array, x: Array, y: Array, rng: np.random.Generator) -> None:
        """Change the values in `out`, given training rows x (B,…) and what their layer makes of
        them, y (B,…)."""

    def scale(self, fan_in: int) -> float:
        """The factor on the parameter wherever its layer uses it."""
        return 1.0


class Zeros(Initializer):
    """w = 0: biases, and output layers that start by predicting the mean."""

    name: ClassVar[str] = "zeros"

    def fill(self, rng: np.random.Generator, out: Array, fan_in: int, fan_out: int) -> None:
        out[...] = 0


class Ones(Initializer):
    """w = 1: the scales of a normalisation."""

    name: ClassVar[str] = "ones"

    def fill(self, rng: np.random.Generator, out: Array, fan_in: int, fan_out: int) -> None:
        out[...] = 1


class Normal(Initializer):
    """w ~ N(0, std²)."""

    name: ClassVar[str] = "normal"
    std: Annotated[float, Field(gt=0, description="standard deviation")] = 0.01

    def fill(self, rng: np.random.Generator, out: Array, fan_in: int, fan_out: int) -> None:
        out[...] = rng.normal(0.0, self.std, out.shape)


class Uniform(Initializer):
    """w ~ U(−bound, bound)."""

    name: ClassVar[str] = "uniform"
    bound: Annotated[float, Field(gt=0, description="the largest start value")] = 0.05

    def fill(self, rng: np.random.Generator, out: Array, fan_in: int, fan_out: int) -> None:
        out[...] = rng.uniform(-self.bound, self.bound, out.shape)


class Glorot(Initializer):
    """w ~ U(−a, a), a = √(6 / (fan_in + fan_out)).  Glorot & Bengio 2010, AISTATS 9:249

    Keeps the variance of activations and gradients through tanh and linear layers.
    """

    name: ClassVar[str] = "glorot"

    def fill(self, rng: np.random.Generator, out: Array, fan_in: int, fan_out: int) -> None:
        bound = math.sqrt(6.0 / (fan_in + fan_out))
        out[...] = rng.uniform(-bound, bound, out.shape)


class He(Initializer):
    """w ~ N(0, 2 / fan_in), for relu and its relatives.  He et al. 2015, arXiv:1502.01852"""

    name: ClassVar[str] = "he"

    def fill(self, rng: np.random.Generator, out: Array, fan_in: int, fan_out: int) -> None:
        out[...] = rng.normal(0.0, math.sqrt(2.0 / fan_in), out.shape)


class Lecun(Initializer):
    """w ~ N(0, 1 / fan_in), the start that selu asks for.  LeCun et al. 1998; arXiv:1706.02515"""

    name: ClassVar[str] = "lecun"

    def fill(self, rng: np.random.Generator, out: Array, fan_in: int, fan_out: int) -> None:
        out[...] = rng.normal(0.0, math.sqrt(1.0 / fan_in), out.shape)


class NTK(Initializer):
    """w ~ N(0, std²), and the layer uses w / √fan_in: the neural tangent parametrisation.

    With std = 1 the network starts like that of lecun; an optimizer that takes steps of one size,
    such as adam, then moves wide layers less.  Jacot et al. 2018, arXiv:1806.07572
    """

    name: ClassVar[str] = "ntk"
    std: Annotated[
        float, Field(ge=0, description="standard deviation; 0 starts an output layer at the mean")
    ] = 1.0

    def fill(self, rng: np.random.Generator, out: Array, fan_in: int, fan_out: int) -> None:
        out[...] = self.std * rng.normal(0.0, 1.0, out.shape)

    def scale(self, fan_in: int) -> float:
        return 1 / math.sqrt(fan_in)


class UnitNTK(Initializer):
    """w ~ N(0, 1 / s²), s the deviation of each output on training rows; w / √fan_in as in ntk.

    Layer after layer, on at most 1024 training rows at even steps, so every unit starts with
    variance 1, however the inputs are scaled and related.  Holzmüller et al. 2024, arXiv:2407.04491
    """

    name: ClassVar[str] = "unit_ntk"
    adapts: ClassVar[bool] = True

    def fill(self, rng: np.random.Generator, out: Array, fan_in: int, fan_out: int) -> None:
        out[...] = rng.normal(0.0, 1.0, out.shape)

    def adapt(self, out: Array, x: Array, y: Array, rng: np.random.Generator) -> None:
        deviation = np.std(y.reshape(-1, y.shape[-1]), axis=0, dtype=np.float64)
        out /= np.where(np.isfinite(deviation) & (deviation > 0), deviation, 1)

    def scale(self, fan_in: int) -> float:
        return 1 / math.sqrt(fan_in)


class Hyperplane(Initializer):
    """b = −Σ a_i y_i over 5 training rows, a_i ~ Exp(1) / Σ: where y = 0 lies among the rows.

    The rows are drawn for each unit of at most 1024 at even steps, so none starts on one side of
    them all.  Steinwart 2019, arXiv:1903.11482
    """

    name: ClassVar[str] = "hyperplane"
    adapts: ClassVar[bool] = True

    def fill(self, rng: np.random.Generator, out: Array, fan_in: int, fan_out: int) -> None:
        out[...] = 0

    def adapt(self, out: Array, x: Array, y: Array, rng: np.random.Generator) -> None:
        y = y.reshape(-1, y.shape[-1])
        units = np.arange(y.shape[-1])
        chosen = y[rng.integers(len(y), size=(5, len(units))), units]
        shares = rng.exponential(size=chosen.shape)
        out[...] = -(shares * chosen).sum(axis=0) / shares.sum(axis=0)


class Orthogonal(Initializer):
    """W = gain · Q, Q orthonormal: no direction grows or vanishes.

    The columns of Q are orthonormal, or its rows where they are fewer.  Saxe et al. 2013,
    arXiv:1312.6120
    """

    name: ClassVar[str] = "orthogonal"
    gain: Annotated[
        float, Field(gt=0, description="√2 suits relu, 5/3 tanh, 1 a layer without activation")
    ] = 1.0

    def fill(self, rng: np.random.Generator, out: Array, fan_in: int, fan_out: int) -> None:
        np.multiply(orthonormal(rng, out.shape), self.gain, out=out)


class LSUV(Initializer):
    """W = Q / s, Q orthonormal, s the deviation of the layer's outputs on training rows.

    Layer after layer, on at most 1024 training rows at even steps, so the outputs start with
    variance 1 whatever the activations before. One division does it, as the layer is linear in W.
    Mishkin & Matas 2015, arXiv:1511.06422
    """

    name: ClassVar[str] = "lsuv"
    adapts: ClassVar[bool] = True

    def fill(self, rng: np.random.Generator, out: Array, fan_in: int, fan_out: int) -> None:
        out[...] = orthonormal(rng, out.shape)

    def adapt(self, out: Array, x: Array, y: Array, rng: np.random.Generator) -> None:
        deviation = np.std(y, dtype=np.float64)
        if np.isfinite(deviation) and deviation > 0:
            out /= deviation


def orthonormal(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """A random matrix whose columns, or rows where they are fewer, are orthonormal.

    From the QR decomposition of a normal matrix, with the signs that make it uniform. More axes
    than two count as rows.
    """
    columns = shape[-1]
    rows = math.prod(shape[:-1])
    q, r = np.linalg.qr(rng.normal(size=(max(rows, columns), min(rows, columns))))
    q *= np.sign(np.diag(r))
    return np.reshape(q if rows >= columns else q.T, shape)
