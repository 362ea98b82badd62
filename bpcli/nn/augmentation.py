"""Augmentation: each image changed at random in every update while training, as it is else.

What is drawn is a function of seed, replica, update and row.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from bpcli.nn.layer import Array, Context, Layer, Plan, Shape, Views
from bpcli.nn.layers import draw_uniform
from bpcli.nn.windows import Pixels, require_image


class RandomShift(Layer):
    """y = x moved by whole pixels, up, down, left or right; pixels that come in are 0.

    While training; y = x at prediction.
    """

    name: ClassVar[str] = "random_shift"
    share: Annotated[
        float, Field(gt=0, lt=1, description="largest shift, as a share of height and of width")
    ] = 0.125

    def plan(self, in_shape: Shape) -> Plan:
        require_image(self.name, in_shape)
        return Plan(in_shape, {}, {"y": in_shape, "dx": in_shape, "draw": (2,)})

    def forward(self, x: Array, p: Views, s: Views, ctx: Context) -> Array:
        if not ctx.training:
            s.draw.fill(0.5)  # the middle, where nothing moves, for the gradient too
            return x
        draw_uniform(s.draw, ctx, s.index)
        s.y.fill(0)
        for r, row, to, there in self._moves(s):
            s.y[r, row][to] = x[r % len(x), row][there]
        return s.y

    def backward(self, x: Array, dy: Array, p: Views, g: Views, s: Views) -> Array:
        s.dx.fill(0)
        for r, row, to, there in self._moves(s):
            s.dx[r, row][there] = dy[r, row][to]
        return s.dx

    def _moves(self, s: Views) -> Iterator[tuple[int, int, Any, Any]]:
        """For each image the pixels that are filled, and those that they come from."""
        size = np.array(s.y.shape[2:4])
        most = np.floor(self.share * size)
        steps = (np.floor(s.draw * (2 * most + 1)) - most).astype(int)
        for (r, row), step in zip(np.ndindex(*steps.shape[:2]), steps.reshape(-1, 2), strict=True):
            first, last = np.maximum(step, 0), np.minimum(size + step, size)
            yield r, row, _box(first, last), _box(first - step, last - step)


class RandomFlip(Layer):
    """y = x, or its mirror image with probability ½ while training; y = x at prediction."""

    name: ClassVar[str] = "random_flip"
    axis: Annotated[
        Literal["horizontal", "vertical"],
        Field(description="horizontal: left becomes right; vertical: up becomes down"),
    ] = "horizontal"

    def plan(self, in_shape: Shape) -> Plan:
        require_image(self.name, in_shape)
        return Plan(in_shape, {}, {"y": in_shape, "dx": in_shape, "draw": (1, 1, 1)})

    def forward(self, x: Array, p: Views, s: Views, ctx: Context) -> Array:
        if not ctx.training:
            s.draw.fill(1)  # no flip, for the gradient too
            return x
        draw_uniform(s.draw, ctx, s.index)
        return self._turned(x, s.draw, s.y)

    def backward(self, x: Array, dy: Array, p: Views, g: Views, s: Views) -> Array:
        return self._turned(dy, s.draw, s.dx)

    def _turned(self, x: Array, draw: Array, out: Array) -> Array:
        mirrored = x[:, :, :, ::-1] if self.axis == "horizontal" else x[:, :, ::-1]
        np.copyto(out, x)
        np.copyto(out, mirrored, where=draw < 0.5)
        return out


class RandomCrop(Layer):
    """y = a part of x, at a random place while training, from the middle at prediction.

    x (R,B,h,w,C) → y (R,B,height,width,C)
    """

    name: ClassVar[str] = "random_crop"
    example: ClassVar[dict[str, Any]] = {"height": 3, "width": 3}
    height: Annotated[Pixels, Field(description="lines that are kept")]
    width: Annotated[Pixels, Field(description="pixels of a line that are kept")]

    def plan(self, in_shape: Shape) -> Plan:
        (height, width), channels = require_image(self.name, in_shape)
        if self.height > height or self.width > width:
            what = f"random_crop keeps {self.height}×{self.width} pixels"
            raise ValueError(f"{what}, the image has {height}×{width}; make it smaller")
        out = (self.height, self.width, channels)
        return Plan(out, {}, {"y": out, "dx": in_shape, "draw": (2,)})

    def forward(self, x: Array, p: Views, s: Views, ctx: Context) -> Array:
        if ctx.training:
            draw_uniform(s.draw, ctx, s.index)
        else:
            s.draw.fill(0.5)
        for r, row, part in self._parts(x, s.draw):
            s.y[r, row] = x[r % len(x), row][part]
        return s.y

    def backward(self, x: Array, dy: Array, p: Views, g: Views, s: Views) -> Array:
        s.dx.fill(0)
        for r, row, part in self._parts(x, s.draw):
            s.dx[r, row][part] = dy[r, row]
        return s.dx

    def _parts(self, x: Array, draw: Array) -> Iterator[tuple[int, int, Any]]:
        size = np.array([self.height, self.width])
        first = np.floor(draw * (x.shape[2:4] - size + 1)).astype(int)
        for (r, row), start in zip(np.ndindex(*first.shape[:2]), first.reshape(-1, 2), strict=True):
            yield r, row, _box(start, start + size)


def _box(first: Any, last: Any) -> tuple[slice, slice]:
    """The pixels from one corner to the other."""
    return slice(first[0], last[0]), slice(first[1], last[1])
