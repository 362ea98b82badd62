"""Convolution: one matrix product of all windows of some images with all filters."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from bpcli.nn.initializers import He, Initializer, Zeros
from bpcli.nn.layer import Array, Context, Layer, Parameter, Plan, Shape, Views
from bpcli.nn.layers import RateFactor
from bpcli.nn.windows import PADDING, SIZE, Padding, Size, Windows, require_image

BLOCK = 1 << 18  # numbers of the windows that are laid out at a time: stays in a core's cache


class Conv2D(Layer):
    """y = W * x + b: every filter at every place.  x (R,B,h,w,C) → y (R,B,h',w',filters)

    W (R,kh,kw,C/groups,filters), b (R,1,filters). Like everywhere in this field the kernel is not
    flipped. The windows are laid out as rows of a matrix, some images at a time, and multiplied by
    all filters at once.
    Backward: dW = Σ over the places of the window at each times dy there, db = Σ dy over the
    places, dx = dy * W turned round.
    """

    name: ClassVar[str] = "conv2d"
    example: ClassVar[dict[str, Any]] = {"filters": 3}
    filters: Annotated[int, Field(ge=1, le=100_000, description="number of output channels")]
    kernel: Annotated[Size, Field(description=f"pixels of a window: {SIZE}")] = 3
    stride: Annotated[Size, Field(description=f"pixels from window to window: {SIZE}")] = 1
    padding: Annotated[Padding, Field(description=PADDING)] = "same"
    groups: Annotated[
        Annotated[int, Field(ge=1)] | Literal["depthwise"],
        Field(
            description="so many parts of the channels, each with filters of its own; depthwise: "
            "a part for each channel"
        ),
    ] = 1
    init: Annotated[Initializer, Field(description="start values of W; b starts at zero")] = He()
    bias_rate: Annotated[RateFactor, Field(description="factor on the learning rate of b")] = 1.0

    def plan(self, in_shape: Shape) -> Plan:
        image, channels = require_image(self.name, in_shape)
        windows = Windows.of(image, self.kernel, self.stride, self.padding)
        groups, back = self._groups(channels), windows.back()
        kernel = (*windows.kernel, channels // groups)
        fan_in, fan_out = prod(kernel), prod(windows.kernel) * (self.filters // groups)
        out = (*windows.out, self.filters)
        params = {
            "W": Parameter((*kernel, self.filters), self.init, fan_in, fan_out, decays=True),
            "b": Parameter((1, self.filters), Zeros(), rate=self.bias_rate),
        }
        sizes = prod(windows.out) * fan_in, prod(image) * fan_out
        n = max(1, BLOCK // (groups * max(sizes)))
        lent = {
            "pad": (n, *windows.padded, channels),
            "cols": (groups, n, prod(windows.out), fan_in),
            "back_pad": (n, *back.padded, self.filters),
            "back_cols": (groups, n, prod(image), fan_out),
        }
        return Plan(out, params, {"y": out, "dx": in_shape}, lent=lent)

    def _groups(self, channels: int) -> int:
        groups = self.groups if isinstance(self.groups, int) else channels
        if channels % groups or self.filters % groups:
            raise ValueError(
                f"conv2d has {groups} groups for {channels} channels and {self.filters} filters; "
                "both must be multiples of groups"
            )
        return groups

    def forward(self, x: Array, p: Views, s: Views, ctx: Context) -> Array:
        windows, groups = self._windows(x), self._groups(x.shape[-1])
        for r, filters in enumerate(self._scaled(p.W)):
            for own in _blocks(s):
                cols = windows.columns(x[r % len(x), own], groups, s.pad, s.cols)
                y = s.y[r, own]
                # One product an image: what a row gives does not depend on its neighbours.
                images = cols.reshape(groups, len(y), -1, cols.shape[-1], copy=False)
                product = _by_group(y, groups).reshape(*images.shape[:3], -1, copy=False)
                np.matmul(images, _matrices(filters, groups)[:, None], out=product)
                y += p.b[r, 0]
        return s.y

    def backward(self, x: Array, dy: Array, p: Views, g: Views, s: Views) -> Array | None:
        windows, groups = self._windows(x), self._groups(x.shape[-1])
        back = windows.back()
        g.b[...], g.W[...] = 0, 0
        for r, filters in enumerate(self._scaled(p.W)):
            dW, turned = _matrices(g.W[r], groups), _turned(filters, groups)
            for own in _blocks(s):
                part = dy[r, own]
                cols = windows.columns(x[r % len(x), own], groups, s.pad, s.cols)
                dW += np.matmul(cols.mT, _by_group(part, groups))
                g.b[r, 0] += np.add.reduce(part, axis=(0, 1, 2))
                if s.dx is not None:
                    cols = back.columns(part, groups, s.back_pad, s.back_cols)
                    np.matmul(cols, turned, out=_by_group(s.dx[r, own], groups))
        if (scale := self._scale(p.W)) != 1:
            g.W *= scale
        return s.dx

    def _windows(self, x: Array) -> Windows:
        height, width = x.shape[2:4]
        return Windows.of((height, width), self.kernel, self.stride, self.padding)

    def _scale(self, W: Array) -> float:
        return self.init.scale(prod(W.shape[1:4]))

    def _scaled(self, W: Array) -> Array:
        """The filters as they act."""
        scale = self._scale(W)
        return W if scale == 1 else W * scale


def _blocks(s: Views) -> Iterator[slice]:
    """The rows of a batch, as many at a time as have work arrays."""
    rows, size = s.y.shape[1], len(s.pad)
    yield from (slice(start, min(start + size, rows)) for start in range(0, rows, size))


def _by_group(images: Array, groups: int) -> Array:
    """Pixels of images (n,h,w,C) as rows (G,n·h·w,C/G), as a view."""
    channels = images.shape[-1] // groups
    return images.reshape(-1, groups, channels, copy=False).swapaxes(0, 1)


def _matrices(filters: Array, groups: int) -> Array:
    """Filters (kh,kw,C/G,O) as matrices (G,kh·kw·C/G,O/G), as a view."""
    return filters.reshape(-1, groups, filters.shape[-1] // groups, copy=False).swapaxes(0, 1)


def _turned(filters: Array, groups: int) -> Array:
    """Filters by which the gradient of the output goes back: (G,kh·kw·O/G,C/G), turned round."""
    kh, kw, channels, outputs = filters.shape
    parts = filters[::-1, ::-1].reshape(kh, kw, channels, groups, outputs // groups)
    return parts.transpose(3, 0, 1, 4, 2).reshape(groups, -1, channels)
