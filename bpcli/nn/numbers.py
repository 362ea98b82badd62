"""Numeric embeddings: each number by itself becomes a learned vector of functions of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, ClassVar, Self

import numpy as np
from pydantic import Field

from bpcli.nn.initializers import Normal, Uniform
from bpcli.nn.layer import Array, Context, Layer, Parameter, Plan, Shape, Views
from bpcli.nn.layers import DecayFactor, RateFactor

Count = Annotated[int, Field(ge=1, le=1000)]


class NumericEmbedding(Layer):
    """Layers that embed the first n inputs, the numbers, each by F functions f and a linear map.

    e_i = f(x_i) V_i + d_i;  f (R,B,n,F), V (R,n,F,width), d (R,n,width), e (R,B,n,width)
    """

    family: ClassVar[str] = "numeric_embedding"

    def fitted(self, bins: Sequence[int]) -> Self:
        """The layer for the first len(bins) inputs, whose values lie in so many bins each."""
        raise NotImplementedError


class Periodic(NumericEmbedding):
    """y = concat(cos(2π w x + b) V + d, x) for each number x.  PBLD, arXiv:2407.04491

    w, b (R,n,F), w ~ N(0, sigma²), b ~ U(−π, π); V and d ~ U(−1/√F, 1/√F). `sigma` decides how
    fast the waves are: it is the setting to try other values of.
    Backward: dV = fᵀ de, dd = Σ de, df = de Vᵀ for each number; then through the cosine.
    """

    name: ClassVar[str] = "periodic"
    frequencies: Annotated[Count, Field(description="the number F of waves of each number")] = 16
    width: Annotated[Count, Field(description="learned numbers beside each number itself")] = 3
    sigma: Annotated[float, Field(gt=0, description="deviation of the frequencies at start")] = 0.1
    inputs: Annotated[
        int | None, Field(ge=1, description="embed the first so many inputs; default: all")
    ] = None
    rate: Annotated[RateFactor, Field(description="factor on the learning rate of them all")] = 1.0
    decay: Annotated[DecayFactor, Field(description="factor on weight_decay of w and V")] = 1.0

    def fitted(self, bins: Sequence[int]) -> Self:
        return self.model_copy(update={"inputs": len(bins)})

    def plan(self, in_shape: Shape) -> Plan:
        n, waves = _numbers(self.name, in_shape, self.inputs), self.frequencies
        params = {
            "w": Parameter((n, waves), Normal(std=self.sigma), decays=True),
            "b": Parameter((n, waves), Uniform(bound=math.pi)),
            **_linear(n, waves, self.width),
        }
        params = {
            name: one._replace(rate=self.rate, decay=self.decay) for name, one in params.items()
        }
        width = n * self.width + in_shape[0]
        scratch = {"y": (width,), "dx": in_shape, "angle": (n, waves), "f": (n, waves)}
        return Plan((width,), params, scratch)

    def forward(self, x: Array, p: Views, s: Views, ctx: Context) -> Array:
        n = p.w.shape[-2]
        np.multiply(x[..., :n, None], 2 * np.pi * p.w[:, None], out=s.angle)
        s.angle += p.b[:, None]
        rest = _embed(np.cos(s.angle, out=s.f), p, s.y)
        rest[...] = x
        return s.y

    def backward(self, x: Array, dy: Array, p: Views, g: Views, s: Views) -> Array | None:
        n = p.w.shape[-2]
        de, rest = _parts(dy, n, self.width)
        _linear_gradients(s.f, de, g)
        np.sin(s.angle, out=s.f)
        wave = np.multiply(_back(de, p, s.angle), s.f, out=s.angle)  # −dL/dangle
        np.add.reduce(wave, axis=1, out=g.b)
        np.negative(g.b, out=g.b)
        np.add.reduce(np.multiply(wave, x[..., :n, None], out=s.f), axis=1, out=g.w)
        g.w *= -2 * np.pi
        if s.dx is None:
            return None
        np.copyto(s.dx, rest)
        np.multiply(wave, -2 * np.pi * p.w[:, None], out=s.f)
        s.dx[..., :n] += np.add.reduce(s.f, axis=-1)
        return s.dx


class Piecewise(NumericEmbedding):
    """y = concat(f(x) V + d for each number x, the other inputs): linear in each bin.  PLE

    x counts bins: 2.5 is the middle of the third. f_t(x) = x − t, not below 0 but for the first t
    and not above 1 but for the last, t = 0 … F − 1, F bins.  Gorishniy et al. 2022,
    arXiv:2203.05556
    Backward: dV = fᵀ de, dd = Σ de for each number.
    """

    name: ClassVar[str] = "piecewise"
    bins: Annotated[
        Count | Annotated[tuple[Count, ...], Field(strict=False, min_length=1)],
        Field(description="most bins of a number; or those of each of the first inputs"),
    ] = 48
    width: Annotated[Count, Field(description="learned numbers in place of each number")] = 8

    @property
    def most(self) -> int:
        """F, the most bins of a number."""
        return self.bins if isinstance(self.bins, int) else max(self.bins)

    def fitted(self, bins: Sequence[int]) -> Self:
        return self.model_copy(update={"bins": tuple(bins)})

    def plan(self, in_shape: Shape) -> Plan:
        n = _numbers(self.name, in_shape, None if isinstance(self.bins, int) else len(self.bins))
        width = n * self.width + in_shape[0] - n
        functions = dict.fromkeys(("f", "df", "inside"), (n, self.most))
        scratch = {"y": (width,), "dx": in_shape, **functions}
        return Plan((width,), _linear(n, self.most, self.width), scratch)

    def forward(self, x: Array, p: Views, s: Views, ctx: Context) -> Array:
        n, most = s.f.shape[-2:]
        np.subtract(x[..., :n, None], np.arange(most, dtype=x.dtype), out=s.f)
        rest = _embed(np.clip(s.f, *self._bounds(s.f), out=s.f), p, s.y)
        rest[...] = x[..., n:]
        return s.y

    def backward(self, x: Array, dy: Array, p: Views, g: Views, s: Views) -> Array | None:
        n = s.f.shape[-2]
        de, rest = _parts(dy, n, self.width)
        _linear_gradients(s.f, de, g)
        if s.dx is None:
            return None
        low, high = self._bounds(s.f)
        slope = _back(de, p, s.df)
        slope *= np.greater(s.f, low, out=s.inside)
        slope *= np.less(s.f, high, out=s.inside)
        s.dx[..., :n] = np.add.reduce(slope, axis=-1)
        s.dx[..., n:] = rest
        return s.dx

    def _bounds(self, f: Array) -> tuple[Array, Array]:
        """The least and the greatest value of each f (n,F); both are 0 beyond an input's bins."""
        n, most = f.shape[-2:]
        bins = np.broadcast_to(self.bins, n)[:, None]
        t = np.arange(most)
        low = np.where(t == 0, -np.inf, 0.0) + np.zeros((n, 1))
        high = np.select([t < bins - 1, t == bins - 1], [1.0, np.inf], 0.0)
        return low.astype(f.dtype), high.astype(f.dtype)


def _numbers(name: str, in_shape: Shape, inputs: int | None) -> int:
    """How many inputs are embedded."""
    n = in_shape[0] if inputs is None else inputs
    if len(in_shape) != 1 or not 0 < n <= in_shape[0]:
        raise ValueError(f"{name} needs flat rows of {n} inputs or more, not {in_shape}")
    return n


def _linear(n: int, functions: int, width: int) -> dict[str, Parameter]:
    """A linear map of its own for each number, with PyTorch's start values."""
    start = Uniform(bound=1 / math.sqrt(functions))
    return {
        "V": Parameter((n, functions, width), start, functions, width, decays=True),
        "d": Parameter((n, width), start),
    }


def _parts(y: Array, n: int, width: int) -> tuple[Array, Array]:
    """The embedded numbers (R,B,n,width) among the outputs, and the others, as views."""
    replicas, rows, _ = y.shape
    return y[..., : n * width].reshape(replicas, rows, n, width, copy=False), y[..., n * width :]


def _embed(f: Array, p: Views, y: Array) -> Array:
    """Write f V + d into y; returns the part of y behind it."""
    e, rest = _parts(y, *p.d.shape[1:])
    np.matmul(f.swapaxes(1, 2), p.V, out=e.swapaxes(1, 2))
    e += p.d[:, None]
    return rest


def _linear_gradients(f: Array, de: Array, g: Views) -> None:
    np.matmul(f.swapaxes(1, 2).mT, de.swapaxes(1, 2), out=g.V)
    np.add.reduce(de, axis=1, out=g.d)


def _back(de: Array, p: Views, out: Array) -> Array:
    """dL/df (R,B,n,F)."""
    np.matmul(de.swapaxes(1, 2), p.V.mT, out=out.swapaxes(1, 2))
    return out
