"""Windows on images: where a kernel stands, and its pixels as rows of a matrix.

Images are (rows, height, width, channels), so the channels of a pixel, and the pixels of a line,
lie one behind the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from types import EllipsisType
from typing import Annotated, Literal, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided
from pydantic import Field

from bpcli.nn.layer import Array, Shape

Pair = tuple[int, int]
Index = tuple[EllipsisType | slice, ...]
Pixels = Annotated[int, Field(ge=1, le=10_000)]
Size = Pixels | Annotated[tuple[Pixels, Pixels], Field(strict=False)]  # or height and width
Padding = Literal["same", "valid"] | Annotated[int, Field(ge=0, le=10_000)]
SIZE = "one number, or [height, width]"
PADDING = (
    "same: so much that only the stride makes the image smaller; valid: none; a number: so many "
    "pixels on each side"
)


class Windows(NamedTuple):
    """Places of a kernel on a padded image; each entry is (height, width)."""

    image: Pair
    kernel: Pair
    stride: Pair
    before: Pair  # padding above and on the left
    padded: Pair  # size with all padding
    out: Pair  # number of places
    spread: Pair = (1, 1)  # distance at which the pixels of the image are put on the padded one

    @classmethod
    def of(cls, image: Pair, kernel: Size, stride: Size, padding: Padding) -> Windows:
        """Raises ValueError where the kernel does not fit into the image."""
        sizes = (image, _pair(kernel), _pair(stride))
        axes = [_axis(*one, padding) for one in zip(*sizes, strict=True)]
        before, padded, out = zip(*axes, strict=True)
        return cls(*sizes, before, padded, out)

    @property
    def are_pixels(self) -> bool:
        """Whether each window is one pixel, and each pixel a window."""
        return self.kernel == (1, 1) and self.image == self.padded == self.out

    def back(self) -> Windows:
        """Windows on the places, spread out again, by which each pixel collects its gradient."""
        (kh, kw), (top, left), (height, width) = self.kernel, self.before, self.image
        before, padded = (kh - 1 - top, kw - 1 - left), (height + kh - 1, width + kw - 1)
        return Windows(self.out, self.kernel, (1, 1), before, padded, self.image, self.stride)

    def offsets(self) -> Iterator[tuple[Index, Index]]:
        """For each place in the kernel: pixels of the image, and the windows that have them there.

        Both index (…,height,width,channels). Pixels of the padding are left out.
        """
        for offset in product(*map(range, self.kernel)):
            pixels, places = [], []
            axes = (offset, self.before, self.stride, self.image, self.out)
            for at, before, stride, size, out in zip(*axes, strict=True):
                first = max(0, -(-(before - at) // stride))
                last = min(out - 1, (size - 1 + before - at) // stride)
                start = first * stride + at - before
                pixels.append(slice(start, start + (last - first) * stride + 1, stride))
                places.append(slice(first, last + 1))
            yield (..., *pixels, slice(None)), (..., *places, slice(None))

    def columns(self, images: Array, groups: int, pad: Array, cols: Array) -> Array:
        """The windows of images (n,h,w,C) as rows (G,n·places,kernel·C/G), written into `cols`.

        `pad` (n,h,w,C) and `cols` (G,n,places,kernel,C/G) are work arrays for n images or more. A
        view of the images where each window is a pixel.
        """
        n, channels = len(images), images.shape[-1] // groups
        if self.are_pixels:
            return images.reshape(-1, groups, channels, copy=False).swapaxes(0, 1)
        pad, cols = pad[:n], cols[:, :n]
        pad.fill(0)
        (top, left), (down, right), (height, width) = self.before, self.spread, self.image
        pad[:, top::down, left::right][:, :height, :width] = images
        windows = self._over(pad, groups)
        np.copyto(cols.reshape(windows.shape, copy=False), windows)
        return cols.reshape(groups, n * self.out[0] * self.out[1], -1)

    def _over(self, pad: Array, groups: int) -> Array:
        """The windows of padded images as a view (G,n,h',w',kh,kw,C/G)."""
        n, *_, channels = pad.shape
        image, down, right, pixel = pad.strides
        shape = (groups, n, *self.out, *self.kernel, channels // groups)
        steps = (down * self.stride[0], right * self.stride[1], down, right)
        group = pixel * (channels // groups)
        return as_strided(pad, shape, (group, image, *steps, pixel), writeable=False)


def require_image(name: str, in_shape: Shape) -> tuple[Pair, int]:
    """(height, width) and channels of an image.  Raises ValueError for rows of another shape."""
    if len(in_shape) != 3:
        raise ValueError(
            f"{name} needs images, not flat rows of numbers; write it before flatten, "
            "global_avg_pool and dense, and say input: {image: {height: …, width: …}}"
        )
    height, width, channels = in_shape
    return (height, width), channels


def _axis(size: int, kernel: int, stride: int, padding: Padding) -> tuple[int, int, int]:
    """(before, padded, out) along an axis."""
    if padding == "same":
        total = max(0, (-(-size // stride) - 1) * stride + kernel - size)
        before = total // 2
    else:
        before = 0 if padding == "valid" else padding
        total = 2 * before
    if before >= kernel:
        raise ValueError(f"padding of {before} pixels needs a larger kernel than {kernel}")
    if size + total < kernel:
        raise ValueError(
            f"a kernel of {kernel} pixels does not fit into an image of {size}; make it smaller, "
            "or write padding: same"
        )
    return before, size + total, (size + total - kernel) // stride + 1


def _pair(size: Size) -> Pair:
    return (size, size) if isinstance(size, int) else size
