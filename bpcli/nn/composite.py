"""Layers made of layers: residual and parallel branches, and an activation mixed with its input."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from bpcli.nn import chain
from bpcli.nn.activations import Activation
from bpcli.nn.convolution import Conv2D
from bpcli.nn.initializers import Glorot, Ones
from bpcli.nn.layer import Array, Context, Layer, Parameter, Plan, Shape, Views
from bpcli.nn.layers import DecayFactor, Dense, RateFactor

Layers = Annotated[tuple[Layer, ...], Field(strict=False, min_length=1)]


class Residual(Layer):
    """y = x + F(x), or P(x) + F(x) where F changes the shape.  He et al. 2015, arXiv:1512.03385

    The gradient reaches x past F, so deep networks train. P is a projection: a dense layer; for
    images a conv2d of single pixels, at the stride that F comes to.
    Backward: dx = dy ∂P/∂x + dy ∂F/∂x, where nothing is projected dx = dy + dy ∂F/∂x.
    """

    name: ClassVar[str] = "residual"
    example: ClassVar[dict[str, Any]] = {"layers": [{"dense": 3}, "tanh"]}
    layers: Annotated[Layers, Field(description="F, the layers beside the shortcut")]

    @property
    def inner(self) -> tuple[tuple[Layer, ...], ...]:
        return (self.layers,)

    def chains(self, in_shape: Shape) -> tuple[tuple[Layer, ...], ...]:
        out = chain.out_shape(tuple(chain.plan_chain(self.layers, in_shape)), in_shape)
        return (_shortcut(in_shape, out), self.layers)

    def plan(self, in_shape: Shape) -> Plan:
        inner = tuple(chain.plan_chain(self.layers, in_shape))  # once: twice would double by level
        out = chain.out_shape(inner, in_shape)
        shortcut = tuple(chain.plan_chain(_shortcut(in_shape, out), in_shape))
        if chain.out_shape(shortcut, in_shape) != out:
            raise ValueError(f"residual cannot project rows of shape {in_shape} to {out}")
        return Plan(out, {}, {"y": out, "dx": in_shape}, (shortcut, inner))

    def mirrored(self, in_shape: Shape) -> Layer:
        return self.model_copy(update={"layers": chain.mirrored(self.layers, in_shape)})

    def forward(self, x: Array, p: Views, s: Views, ctx: Context) -> Array:
        branch = chain.forward(self.layers, x, p.inner[1], s.inner[1], ctx)
        way = _shortcut(x.shape[2:], branch.shape[2:])
        return np.add(chain.forward(way, x, p.inner[0], s.inner[0], ctx), branch, out=s.y)

    def backward(self, x: Array, dy: Array, p: Views, g: Views, s: Views) -> Array | None:
        way = _shortcut(x.shape[2:], dy.shape[2:])
        shortcut = chain.backward(way, dy, p.inner[0], g.inner[0], s.inner[0])
        branch = chain.backward(self.layers, dy, p.inner[1], g.inner[1], s.inner[1])
        if s.dx is None:
            return None
        assert shortcut is not None and branch is not None
        return np.add(shortcut, branch, out=s.dx)


class Parallel(Layer):
    """y = concat(F₁(x), F₂(x), …) or their sum: branches side by side.  arXiv:1409.4842

    Backward: dx = Σ over the branches of what each gives for its part of dy.
    """

    name: ClassVar[str] = "parallel"
    example: ClassVar[dict[str, Any]] = {"branches": [[{"dense": 2}, "tanh"], [{"dense": 2}]]}
    branches: Annotated[
        tuple[Layers, ...], Field(strict=False, min_length=1, description="lists of layers")
    ]
    join: Annotated[
        Literal["concat", "add"], Field(description="one after the other, or summed")
    ] = "concat"

    @property
    def inner(self) -> tuple[tuple[Layer, ...], ...]:
        return self.branches

    def plan(self, in_shape: Shape) -> Plan:
        inner = tuple(tuple(chain.plan_chain(branch, in_shape)) for branch in self.branches)
        shapes = [chain.out_shape(plans, in_shape) for plans in inner]
        out = self._joined(shapes)
        return Plan(out, {}, {"y": out, "dx": in_shape}, inner)

    def _joined(self, shapes: list[Shape]) -> Shape:
        if self.join == "concat" and all(shape[:-1] == shapes[0][:-1] for shape in shapes):
            return (*shapes[0][:-1], sum(shape[-1] for shape in shapes))
        if self.join == "add" and all(shape == shapes[0] for shape in shapes):
            return shapes[0]
        raise ValueError(f"parallel branches give shapes that cannot be joined: {shapes}")

    def forward(self, x: Array, p: Views, s: Views, ctx: Context) -> Array:
        outputs = [
            chain.forward(layers, x, params, scratch, ctx)
            for layers, params, scratch in zip(self.branches, p.inner, s.inner, strict=True)
        ]
        s.widths = [output.shape[-1] for output in outputs]
        if self.join == "concat":
            return np.concatenate(outputs, axis=-1, out=s.y)
        np.copyto(s.y, outputs[0])
        for output in outputs[1:]:
            s.y += output
        return s.y

    def backward(self, x: Array, dy: Array, p: Views, g: Views, s: Views) -> Array | None:
        if s.dx is not None:
            s.dx.fill(0)
        start = 0
        for number, layers in enumerate(self.branches):
            part = dy
            if self.join == "concat":
                stop = start + s.widths[number]
                part, start = dy[..., start:stop], stop
            inner = (p.inner[number], g.inner[number], s.inner[number])
            dx = chain.backward(layers, part, *inner)
            if s.dx is not None and dx is not None:
                s.dx += dx
        return s.dx


class Parametric(Layer):
    """y = x + a (f(x) − x) with one learned a for each input: how much of f.  arXiv:2407.04491

    x (R,B,I) → y (R,B,I);  a (R,1,I) starts at 1, where y = f(x).
    Backward: dx = dy (1 − a + a f′(x)), da = Σ dy (f(x) − x) over the rows.
    """

    name: ClassVar[str] = "parametric"
    example: ClassVar[dict[str, Any]] = {"activation": "selu"}
    activation: Annotated[Layer, Field(description="f, an activation")]
    rate: Annotated[RateFactor, Field(description="factor on the learning rate of a")] = 1.0
    decay: Annotated[DecayFactor, Field(description="factor on weight_decay of a")] = 1.0

    @property
    def inner(self) -> tuple[tuple[Layer, ...], ...]:
        return ((self.activation,),)

    @field_validator("activation", mode="after")
    @classmethod
    def _is_an_activation(cls, layer: Layer) -> Layer:
        if isinstance(layer, Activation):
            return layer
        what = "expected an activation such as selu, got '{name}'"
        raise PydanticCustomError("invalid_value", what, {"name": layer.name})

    def plan(self, in_shape: Shape) -> Plan:
        params = {
            "a": Parameter((1, *in_shape), Ones(), decays=True, rate=self.rate, decay=self.decay)
        }
        scratch = dict.fromkeys(("y", "dx", "d"), in_shape)
        return Plan(in_shape, params, scratch, ((self.activation.plan(in_shape),),))

    def forward(self, x: Array, p: Views, s: Views, ctx: Context) -> Array:
        f = chain.forward([self.activation], x, p.inner[0], s.inner[0], ctx)
        np.subtract(f, x, out=s.d)
        np.multiply(s.d, p.a, out=s.y)
        return np.add(s.y, x, out=s.y)

    def backward(self, x: Array, dy: Array, p: Views, g: Views, s: Views) -> Array | None:
        np.multiply(s.d, dy, out=s.d)
        np.add.reduce(s.d, axis=-2, keepdims=True, out=g.a)
        if s.dx is None:
            return None
        np.multiply(dy, p.a, out=s.d)
        dx = chain.backward([self.activation], s.d, p.inner[0], g.inner[0], s.inner[0])
        assert dx is not None
        np.subtract(dy, s.d, out=s.dx)
        return np.add(s.dx, dx, out=s.dx)


@cache
def _shortcut(in_shape: Shape, out: Shape) -> tuple[Layer, ...]:
    """The layers beside F: none where it keeps the shape, else a projection."""
    if in_shape == out or len(in_shape) != len(out):
        return ()
    if len(out) == 3:
        down, right = (max(1, round(a / b)) for a, b in zip(in_shape[:2], out[:2], strict=True))
        return (Conv2D(filters=out[-1], kernel=1, stride=(down, right), init=Glorot()),)
    return (Dense(units=out[-1]),)
