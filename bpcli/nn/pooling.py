"""Pooling: one number for each window of an image and channel."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from bpcli.nn.layer import Array, Context, Layer, Plan, Shape, Views
from bpcli.nn.windows import PADDING, SIZE, Padding, Size, Windows, require_image

PoolSize = Annotated[Size, Field(description=f"pixels of a window: {SIZE}")]
PoolStride = Annotated[
    Size | None, Field(description=f"pixels from window to window: {SIZE}; default: the size")
]
PoolPadding = Annotated[Padding, Field(description=PADDING)]


class MaxPool(Layer):
    """y = the largest pixel of each window, in each channel.  x (R,B,h,w,C) → y (R,B,h',w',C)

    Padding is never the largest. Of equal pixels the first one gets the gradient.
    Backward: dx = dy at the largest pixel of each window, else 0.
    """

    name: ClassVar[str] = "max_pool"
    size: PoolSize = 2
    stride: PoolStride = None
    padding: PoolPadding = "valid"

    def plan(self, in_shape: Shape) -> Plan:
        out = _out_shape(self, in_shape)
        return Plan(out, {}, {"y": out, "dx": in_shape, "hit": out, "open": out})

    def forward(self, x: Array, p: Views, s: Views, ctx: Context) -> Array:
        s.y.fill(-np.inf)
        for pixels, places in _windows(self, x.shape[2:]).offsets():
            np.maximum(s.y[places], x[pixels], out=s.y[places])
        return s.y

    def backward(self, x: Array, dy: Array, p: Views, g: Views, s: Views) -> Array:
        s.dx.fill(0)
        s.open.fill(1)  # windows whose largest pixel is still to be met
        for pixels, places in _windows(self, x.shape[2:]).offsets():
            hit, still = s.hit[places], s.open[places]
            np.equal(x[pixels], s.y[places], out=hit)
            hit *= still
            still -= hit
            hit *= dy[places]
            s.dx[pixels] += hit
        return s.dx


class AvgPool(Layer):
    """y = the mean of each window, in each channel.  x (R,B,h,w,C) → y (R,B,h',w',C)

    Padding is left out of the mean: PyTorch's `count_include_pad=False`.
    Backward: dx = dy / (pixels of the window) at each of them.
    """

    name: ClassVar[str] = "avg_pool"
    size: PoolSize = 2
    stride: PoolStride = None
    padding: PoolPadding = "valid"

    def plan(self, in_shape: Shape) -> Plan:
        out = _out_shape(self, in_shape)
        return Plan(out, {}, {"y": out, "dx": in_shape, "part": out})

    def forward(self, x: Array, p: Views, s: Views, ctx: Context) -> Array:
        windows = _windows(self, x.shape[2:])
        s.y.fill(0)
        for pixels, places in windows.offsets():
            s.y[places] += x[pixels]
        return np.divide(s.y, _counts(windows, s.y), out=s.y)

    def backward(self, x: Array, dy: Array, p: Views, g: Views, s: Views) -> Array:
        windows = _windows(self, x.shape[2:])
        np.divide(dy, _counts(windows, dy), out=s.part)
        s.dx.fill(0)
        for pixels, places in windows.offsets():
            s.dx[pixels] += s.part[places]
        return s.dx


class GlobalAvgPool(Layer):
    """y = the mean of each channel over the whole image.  x (R,B,h,w,C) → y (R,B,C)

    Lin et al. 2013, arXiv:1312.4400
    Backward: dx = dy / (h w) at each pixel.
    """

    name: ClassVar[str] = "global_avg_pool"

    def plan(self, in_shape: Shape) -> Plan:
        _, channels = require_image(self.name, in_shape)
        return Plan((channels,), {}, {"y": (channels,), "dx": in_shape})

    def forward(self, x: Array, p: Views, s: Views, ctx: Context) -> Array:
        s.y[...] = np.mean(x, axis=(2, 3))  # x may be of all replicas
        return s.y

    def backward(self, x: Array, dy: Array, p: Views, g: Views, s: Views) -> Array:
        s.dx[...] = (dy / (x.shape[2] * x.shape[3]))[:, :, None, None]
        return s.dx


def _windows(layer: MaxPool | AvgPool, in_shape: Shape) -> Windows:
    image, _ = require_image(layer.name, in_shape)
    return Windows.of(image, layer.size, layer.stride or layer.size, layer.padding)


def _out_shape(layer: MaxPool | AvgPool, in_shape: Shape) -> Shape:
    return (*_windows(layer, in_shape).out, in_shape[-1])


def _counts(windows: Windows, y: Array) -> Array:
    """The pixels of the image in each window (h',w',1)."""
    counts = np.zeros((*windows.out, 1), y.dtype)
    for _, places in windows.offsets():
        counts[places] += 1
    return counts
