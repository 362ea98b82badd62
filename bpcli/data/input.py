"""What a row can be to a network beside its columns: an image, whose pixels they are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from math import isqrt, prod
from typing import Annotated, Any, ClassVar

from pydantic import Field

from bpcli.config.component import Component
from bpcli.config.errors import Notice, did_you_mean, listing
from bpcli.data.scalers import Divide, Scaler
from bpcli.data.spec import Words
from bpcli.nn.images import Image, times
from bpcli.nn.layer import Layer, Shape
from bpcli.nn.windows import Pixels


class Input(Component):
    """What a row is to the network, where it is not just its columns."""

    family: ClassVar[str] = "input"

    @property
    def shape(self) -> Shape:
        """The shape of a row, as the network takes it."""
        raise NotImplementedError

    @property
    def layer(self) -> Layer:
        """The first layer: it makes of flat rows what the next ones take."""
        raise NotImplementedError

    @property
    def scaler(self) -> Scaler:
        """What scales the numbers, unless the config says."""
        raise NotImplementedError

    def pick(self, names: Sequence[str]) -> tuple[str, ...]:
        """Among the columns, those of the input in its order.  Raises ValueError."""
        raise NotImplementedError

    def notices(self, picked: Sequence[str], names: Sequence[str], top: float) -> list[Notice]:
        """What is worth a word about picked columns whose largest number is `top`."""
        raise NotImplementedError


class ImageInput(Input):
    """Each row is an image: a column for each number of each pixel, line by line.

    The channels of a pixel stand beside each other. Columns that a pattern finds are put in the
    order of the numbers in their names, if the names differ in these only, else they stay in the
    order of the file; columns that are listed stay in the order of the list.
    """

    name: ClassVar[str] = "image"
    example: ClassVar[dict[str, Any]] = {"height": 28, "width": 28}
    height: Annotated[Pixels, Field(description="lines of the image")]
    width: Annotated[Pixels, Field(description="pixels of a line")]
    channels: Annotated[Pixels, Field(description="numbers of a pixel: 1 for grey, 3 for RGB")] = 1
    columns: Annotated[
        str | Words,
        Field(
            description="the columns of the pixels: a pattern such as pixel*, or their names in "
            "order; columns with another purpose are no pixels"
        ),
    ] = "*"
    scale: Annotated[
        float, Field(gt=0, description="what pixels are divided by: the number for full white")
    ] = 255.0

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.height, self.width, self.channels

    @property
    def layer(self) -> Layer:
        return Image(height=self.height, width=self.width, channels=self.channels)

    @property
    def scaler(self) -> Scaler:
        return Divide(by=self.scale)

    def pick(self, names: Sequence[str]) -> tuple[str, ...]:
        found, shape = self._found(names), self.shape
        if len(found) != prod(shape):
            square = f" = {times(fit)}" if (fit := _square(len(found))) else ""
            raise ValueError(
                f"{len(found)} columns{square}, you said {times(shape)} = {prod(shape)}"
            )
        return found

    def _found(self, names: Sequence[str]) -> tuple[str, ...]:
        if isinstance(self.columns, str):
            return _in_order([name for name in names if fnmatchcase(name, self.columns)])
        absent = [name for name in self.columns if name not in names]
        if absent:
            hint = did_you_mean(absent[0], names)
            raise ValueError(f"there is no column {absent[0]!r} with no other purpose{hint}")
        return self.columns

    def notices(self, picked: Sequence[str], names: Sequence[str], top: float) -> list[Notice]:
        notices = []
        if isinstance(self.columns, str) and list(picked) != [n for n in names if n in set(picked)]:
            what = f"columns are put in the order of their numbers: {listing(picked)}"
            fix = "to keep the order of the file, list them in input.image.columns"
            notices.append(Notice("BP-D121", "input.image.columns", what, fix))
        if not self.scale / 4 < top <= self.scale:
            what = f"pixels go up to {top:g} in training, and are divided by {self.scale:g}"
            fix = f"set input.image.scale: {top:g}" if top > 0 else "look at the pixels"
            notices.append(Notice("BP-D122", "input.image.scale", what, fix))
        return notices


def numbers_in(name: str) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The text of a name and the numbers in it: (("pixel_", "_", ""), (0, 12))."""
    parts = re.split(r"(\d+)", name)
    return tuple(parts[::2]), tuple(map(int, parts[1::2]))


def _in_order(names: Sequence[str]) -> tuple[str, ...]:
    """By the numbers in the names where they differ in nothing else."""
    parts = {name: numbers_in(name) for name in names}
    if len({text for text, _ in parts.values()}) > 1:
        return tuple(names)
    return tuple(sorted(names, key=lambda name: parts[name][1]))


def _square(count: int) -> tuple[int, int, int] | None:
    """The square image of so many numbers, grey or coloured; None where there is none."""
    for channels in (1, 3):
        side = isqrt(count // channels)
        if side > 1 and side * side * channels == count:
            return side, side, channels
    return None
