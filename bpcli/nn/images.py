"""Between flat rows and images."""

from __future__ import annotations

from math import prod
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from bpcli.nn.layer import Array, Context, Layer, Plan, Shape, Views
from bpcli.nn.windows import Pixels


class Image(Layer):
    """y = x as an image, line by line.  x (R,B,h·w·C) → y (R,B,h,w,C)

    The channels of a pixel stand beside each other, then the pixels of a line, then the lines.
    """

    name: ClassVar[str] = "image"
    example: ClassVar[dict[str, Any]] = {"height": 2, "width": 3}
    height: Annotated[Pixels, Field(description="lines of the image")]
    width: Annotated[Pixels, Field(description="pixels of a line")]
    channels: Annotated[Pixels, Field(description="numbers of a pixel: 1 for grey, 3 for RGB")] = 1

    @property
    def shape(self) -> tuple[int, int, int]:
        """(h,w,C)"""
        return self.height, self.width, self.channels

    def plan(self, in_shape: Shape) -> Plan:
        if in_shape != (prod(self.shape),):
            wanted = f"{times(self.shape)} = {prod(self.shape)}"
            raise ValueError(f"image needs rows of {wanted} numbers, not {times(in_shape)}")
        return Plan(self.shape, {}, {"dx": in_shape})

    def forward(self, x: Array, p: Views, s: Views, ctx: Context) -> Array:
        return x.reshape(*x.shape[:2], *self.shape)

    def backward(self, x: Array, dy: Array, p: Views, g: Views, s: Views) -> Array:
        np.copyto(s.dx.reshape(dy.shape, copy=False), dy)
        return s.dx


class Flatten(Layer):
    """y = x as one row of numbers, line by line.  x (R,B,h,w,C) → y (R,B,h·w·C)"""

    name: ClassVar[str] = "flatten"

    def plan(self, in_shape: Shape) -> Plan:
        return Plan((prod(in_shape),), {}, {"dx": in_shape})

    def forward(self, x: Array, p: Views, s: Views, ctx: Context) -> Array:
        return x.reshape(*x.shape[:2], -1)

    def backward(self, x: Array, dy: Array, p: Views, g: Views, s: Views) -> Array:
        np.copyto(s.dx.reshape(dy.shape, copy=False), dy)
        return s.dx


def times(shape: Shape) -> str:
    """`28×28×1`"""
    return "×".join(map(str, shape))
