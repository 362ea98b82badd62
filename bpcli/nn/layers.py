"""Layers that are more than an activation."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from bpcli.nn.initializers import Glorot, Initializer, Ones, Zeros
from bpcli.nn.layer import Array, Context, Layer, Parameter, Plan, Shape, Views
from bpcli.nn.random import drawn
from bpcli.nn.schedules import Constant, Schedule

RateFactor = Annotated[float, Field(gt=0)]
DecayFactor = Annotated[float, Field(ge=0)]


class Dense(Layer):
    """y = x W + b.   x (R,B,I) → y (R,B,units);  W (R,I,units), b (R,1,units)

    Where `init` is ntk, y = x W / √I + b.
    Backward: dx = dy Wᵀ, dW = xᵀ dy, db = Σ dy over the rows; with ntk dx and dW are divided by √I.
    """

    name: ClassVar[str] = "dense"
    example: ClassVar[dict[str, Any]] = {"units": 3}
    units: Annotated[int, Field(ge=1, le=1_000_000, description="number of outputs")]
    init: Annotated[Initializer, Field(description="start values of W")] = Glorot()
    bias_init: Annotated[Initializer, Field(description="start values of b")] = Zeros()
    bias_rate: Annotated[RateFactor, Field(description="factor on the learning rate of b")] = 1.0

    def plan(self, in_shape: Shape) -> Plan:
        if len(in_shape) != 1:
            what = f"dense needs flat rows, not images {'×'.join(map(str, in_shape))}"
            raise ValueError(f"{what}; write flatten or global_avg_pool before it")
        weight = (in_shape[0], self.units)
        return Plan(
            (self.units,),
            {
                "W": Parameter(weight, self.init, *weight, decays=True),
                "b": Parameter((1, self.units), self.bias_init, rate=self.bias_rate),
            },
            {"y": (self.units,), "dx": in_shape},
        )

    def mirrored(self, in_shape: Shape) -> Layer:
        return self.model_copy(update={"units": in_shape[0]})

    def forward(self, x: Array, p: Views, s: Views, ctx: Context) -> Array:
        np.matmul(x, p.W, out=s.y)
        if (scale := self.init.scale(x.shape[-1])) != 1:
            s.y *= scale
        return np.add(s.y, p.b, out=s.y)

    def backward(self, x: Array, dy: Array, p: Views, g: Views, s: Views) -> Array | None:
        np.add.reduce(dy, axis=-2, keepdims=True, out=g.b)
        if (scale := self.init.scale(x.shape[-1])) != 1:
            dy = np.multiply(dy, scale, out=s.y)  # y is free by now
        np.matmul(x.mT, dy, out=g.W)
        return None if s.dx is None else np.matmul(dy, p.W.mT, out=s.dx)


class Dropout(Layer):
    """y = x · m / (1 − rate), m ~ Bernoulli(1 − rate); y = x at prediction.

    `rate` is the share that is dropped.  Srivastava et al. 2014, JMLR 15:1929
    Backward: dx = dy · m / (1 − rate).
    """

    name: ClassVar[str] = "dropout"
    rate: Annotated[float, Field(ge=0, lt=1, description="share of inputs set to zero")] = 0.5
    schedule: Annotated[
        Schedule, Field(description="factor on the share in the course of training")
    ] = Constant()

    def plan(self, in_shape: Shape) -> Plan:
        return Plan(in_shape, {}, dict.fromkeys(("y", "dx", "mask"), in_shape))

    def forward(self, x: Array, p: Views, s: Views, ctx: Context) -> Array:
        s.drops = ctx.training
        if not s.drops:
            return x
        rate = self.rate * self.schedule.factor(ctx.iteration, ctx.total)
        draw_kept(s.mask, rate, ctx, s.index)
        s.mask *= 1 / (1 - rate)
        return np.multiply(x, s.mask, out=s.y)

    def backward(self, x: Array, dy: Array, p: Views, g: Views, s: Views) -> Array:
        return np.multiply(dy, s.mask, out=s.dx) if s.drops else dy


def draw_kept(kept: Array, rate: float, ctx: Context, layer: int) -> None:
    """Fill `kept` (R,B,…) with 1, and 0 with probability `rate`."""
    draw_uniform(kept, ctx, layer)
    np.greater_equal(kept, rate, out=kept)


def draw_uniform(out: Array, ctx: Context, layer: int) -> None:
    """Fill `out` (R,B,…) with numbers from 0 up to 1; the same for any parts of B."""
    skipped = ctx.first_row * out[0, 0].nbytes
    for one, key in drawn(out, ctx.noise):
        key.stream(ctx.iteration, layer, skipped).random(out=one, dtype=one.dtype)


class Scale(Layer):
    """y = x · v: one learned factor for each input.  v (R,1,I) starts at 1.  arXiv:2407.04491

    Backward: dx = dy · v, dv = Σ x · dy over the rows.
    """

    name: ClassVar[str] = "scale"
    rate: Annotated[RateFactor, Field(description="factor on the learning rate of v")] = 1.0
    decay: Annotated[DecayFactor, Field(description="factor on weight_decay of v")] = 1.0

    def plan(self, in_shape: Shape) -> Plan:
        params = {
            "v": Parameter((1, *in_shape), Ones(), decays=True, rate=self.rate, decay=self.decay)
        }
        return Plan(in_shape, params, {"y": in_shape, "dx": in_shape})

    def forward(self, x: Array, p: Views, s: Views, ctx: Context) -> Array:
        return np.multiply(x, p.v, out=s.y)

    def backward(self, x: Array, dy: Array, p: Views, g: Views, s: Views) -> Array | None:
        np.multiply(x, dy, out=s.y)  # y is free by now
        np.add.reduce(s.y, axis=1, keepdims=True, out=g.v)
        return None if s.dx is None else np.multiply(dy, p.v, out=s.dx)


class Noise(Layer):
    """y = x + std · ε, ε ~ N(0, 1) while training; y = x at prediction.

    Bishop 1995, doi:10.1162/neco.1995.7.1.108
    Backward: dx = dy.
    """

    name: ClassVar[str] = "noise"
    whole_batch: ClassVar[bool] = True  # normal numbers take a varying share of the stream
    std: Annotated[float, Field(gt=0, description="standard deviation, in units of the input")] = (
        0.1
    )

    def plan(self, in_shape: Shape) -> Plan:
        return Plan(in_shape, {}, {"y": in_shape, "dx": in_shape})

    def forward(self, x: Array, p: Views, s: Views, ctx: Context) -> Array:
        if not ctx.training:
            return x
        for y, key in drawn(s.y, ctx.noise):
            key.stream(ctx.iteration, s.index).standard_normal(out=y, dtype=y.dtype)
        s.y *= self.std
        return np.add(s.y, x, out=s.y)

    def backward(self, x: Array, dy: Array, p: Views, g: Views, s: Views) -> Array:
        return dy
