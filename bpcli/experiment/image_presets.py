"""Presets for images: residual and Inception networks of the size that a CSV of images asks for."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from bpcli.experiment.presets import Preset, Recipe, batch_size, epochs
from bpcli.nn.activations import Relu
from bpcli.nn.augmentation import RandomShift
from bpcli.nn.composite import Parallel, Residual
from bpcli.nn.convolution import Conv2D
from bpcli.nn.layer import Layer
from bpcli.nn.normalization import BatchNorm
from bpcli.nn.optimizers.moments import Adam
from bpcli.nn.pooling import GlobalAvgPool, MaxPool
from bpcli.nn.schedules import OneCycle
from bpcli.nn.update import Regularization

Width = Annotated[int, Field(ge=1, le=4096, description="channels of the first stage")]
Shift = Annotated[
    float, Field(ge=0, lt=1, description="random shift while training, share of the size; 0: none")
]


class ImagePreset(Preset):
    """Presets whose layers take images."""

    images: ClassVar[bool] = True


class ResNet(ImagePreset):
    """Stages of residual blocks, each half as large and twice as wide.  arXiv:1603.05027

    A block is batch_norm, relu, conv2d, twice, beside the identity; a stage but the first one
    begins with a stride of 2. For images.
    """

    name: ClassVar[str] = "resnet"
    blocks: Annotated[
        tuple[Annotated[int, Field(ge=1, le=100)], ...],
        Field(strict=False, min_length=1, max_length=8, description="blocks of each stage"),
    ] = (1, 1, 1)
    width: Width = 16
    shift: Shift = 0.125

    def recipe(self, rows: int, task: str) -> Recipe:
        layers: list[Layer] = [*_augmented(self.shift), Conv2D(filters=self.width)]
        for stage, blocks in enumerate(self.blocks):
            for block in range(blocks):
                stride = 2 if stage and not block else 1
                layers.append(_block(self.width << stage, stride))
        return _recipe((*layers, BatchNorm(), Relu(), GlobalAvgPool()), rows)


class Inception(ImagePreset):
    """Modules of four branches: 1×1; 1×1 then 3×3; 1×1 then 5×5; pool then 1×1.  arXiv:1409.4842

    The branches' channels stand one behind the other. Each convolution is followed by batch_norm
    and relu; between stages the image becomes half as large, and modules wider. For images.
    """

    name: ClassVar[str] = "inception"
    modules: Annotated[
        tuple[Annotated[int, Field(ge=1, le=100)], ...],
        Field(strict=False, min_length=1, max_length=8, description="modules of each stage"),
    ] = (1, 1, 1)
    width: Width = 32
    shift: Shift = 0.125

    def recipe(self, rows: int, task: str) -> Recipe:
        layers: list[Layer] = [*_augmented(self.shift), *_conv(self.width, 3)]
        for stage, modules in enumerate(self.modules):
            if stage:
                layers.append(MaxPool(size=3, stride=2, padding="same"))
            layers += [_module(self.width << stage)] * modules
        return _recipe((*layers, GlobalAvgPool()), rows)


def _recipe(layers: tuple[Layer, ...], rows: int) -> Recipe:
    batch = batch_size(rows)
    return Recipe(
        layers,
        Adam(),
        0.01,
        OneCycle(),
        batch,
        epochs(rows, batch, updates=600),
        regularization=Regularization(weight_decay=0.05),
    )


def _augmented(shift: float) -> tuple[Layer, ...]:
    return (RandomShift(share=shift),) if shift else ()


def _block(filters: int, stride: int) -> Layer:
    return Residual(
        layers=(
            BatchNorm(),
            Relu(),
            Conv2D(filters=filters, stride=stride),
            BatchNorm(),
            Relu(),
            Conv2D(filters=filters),
        )
    )


def _conv(filters: int, kernel: int) -> tuple[Layer, ...]:
    return Conv2D(filters=max(1, filters), kernel=kernel), BatchNorm(), Relu()


def _module(width: int) -> Layer:
    """The shares of the channels are those of the paper's first module: 1/4, 1/2, 1/8, 1/8."""
    return Parallel(
        branches=(
            _conv(width // 4, 1),
            (*_conv(3 * width // 8, 1), *_conv(width // 2, 3)),
            (*_conv(width // 16, 1), *_conv(width // 8, 5)),
            (MaxPool(size=3, stride=1, padding="same"), *_conv(width // 8, 1)),
        )
    )
