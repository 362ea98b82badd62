"""What a layer is: a frozen description with a plan, a forward pass and a backward pass."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from types import MappingProxyType, SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli.config.component import Component
from bpcli.nn.random import NoiseKey

if TYPE_CHECKING:
    from bpcli.nn.initializers import Initializer

Array = NDArray[np.floating[Any]]
Shape = tuple[int, ...]


class Views(SimpleNamespace):
    """Named arrays that live during one run (p.W, g.W, s.y): the engine's one dynamic place."""

    if TYPE_CHECKING:
        index: int  # number of the layer in its network, in its scratch
        inner: list[list[Views]]

        def __getattribute__(self, name: str) -> Array: ...


class Parameter(NamedTuple):
    """One array of a layer that outlives a batch, without the replica axis."""

    shape: Shape
    init: Initializer
    fan_in: int = 1
    fan_out: int = 1
    decays: bool = False  # weight decay, l1 and l2 act on it: weights, not biases or norms
    decay: float = 1.0  # factor on weight decay
    rate: float = 1.0  # factor on the learning rate
    trained: bool = True  # False for what a layer keeps by itself: its gradient stays zero


class Plan(NamedTuple):
    """What a layer needs for an input shape: its output, its parameters, its work arrays.

    Shapes are those of one row and one replica; the network adds R and B in front, but not to the
    arrays that are `lent`: those are work arrays of some rows at a time, and another layer's once
    the call is over. A layer made of layers has their plans as `inner`, and finds their views in
    `p.inner`, `g.inner`, `s.inner`, one list a chain.
    """

    out_shape: Shape
    params: dict[str, Parameter]
    scratch: dict[str, Shape]
    inner: tuple[tuple[Plan, ...], ...] = ()
    lent: Mapping[str, Shape] = MappingProxyType({})

    @property
    def most_lent(self) -> int:
        """The most numbers that this layer or one within it borrows at a time."""
        within = (one.most_lent for branch in self.inner for one in branch)
        return max(sum(map(prod, self.lent.values())), *within, 0)


class Context(NamedTuple):
    """What a forward pass knows beside its arrays."""

    training: bool = False
    iteration: int = 0
    total: int = 1  # iterations of the whole training
    noise: tuple[NoiseKey, ...] = ()  # one per replica, while training
    first_row: int = 0  # where the rows begin in their batch, if they are a part of it


EVALUATION = Context()


class Layer(Component):
    """y = f(x; p), with dx and the parameter gradients by the chain rule."""

    family: ClassVar[str] = "layer"
    whole_batch: ClassVar[bool] = False  # a row's y depends on the other rows of its batch

    @property
    def inner(self) -> tuple[tuple[Layer, ...], ...]:
        """The chains of layers that it is made of."""
        return ()

    def chains(self, in_shape: Shape) -> tuple[tuple[Layer, ...], ...]:
        """These and others that follow from the shape, in the order of its plan's `inner`."""
        return self.inner

    @property
    def needs_whole_batch(self) -> bool:
        """Whether the rows of a batch must not be shared out, here or in an inner layer."""
        within = (layer.needs_whole_batch for one in self.inner for layer in one)
        return self.whole_batch or any(within)

    def plan(self, in_shape: Shape) -> Plan:
        """The output shape, parameters and work arrays for rows of `in_shape`.

        `y` and `dx` are work arrays like any other. Raises ValueError for an unfit shape.
        """
        raise NotImplementedError

    def mirrored(self, in_shape: Shape) -> Layer:
        """The layer that leads back, from what this one makes of rows of `in_shape` to such rows.

        Raises ValueError where there is none.
        """
        if self.plan(in_shape).out_shape != in_shape:
            raise ValueError(f"{self.name} has no mirror image")
        return self

    def forward(self, x: Array, p: Views, s: Views, ctx: Context) -> Array:
        """Return y (R,B,O), usually written into `s.y`; what backward needs stays in `s`."""
        raise NotImplementedError

    def backward(self, x: Array, dy: Array, p: Views, g: Views, s: Views) -> Array | None:
        """Fill `g` and return dx (R,B,I), written into `s.dx`: of the forward pass before it, be
        that of training or of prediction.

        `s.dx` is None in the first layer with parameters of a network that trains: nobody reads
        the gradient of the data, and it would cost as much as the forward pass.
        """
        raise NotImplementedError
