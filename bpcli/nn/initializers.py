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

    def fill(self, rng: np.random.Generator, out: Array, fan_in: int, fan_out: int) -> None:
        """Write start values into `out`; `fan_in`, `fan_out` are the connections per unit."""
        raise NotImplementedError


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
