"""A network: the layout of the flat parameter buffer, and the two passes over its layers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from bpcli.nn.layer import Array, Context, Layer, Parameter, Plan, Shape, Views
from bpcli.nn.random import Purpose, generator


class Slot(NamedTuple):
    """Where one parameter of one layer lives in a row of the flat buffer."""

    layer: int
    name: str
    start: int
    parameter: Parameter

    @property
    def stop(self) -> int:
        return self.start + math.prod(self.parameter.shape)


class Network:
    """Layers in a row, planned for an input shape.  All parameters of R replicas are one (R,P).

    Holds no arrays: `views` and `scratch` make the named arrays of one run.
    """

    def __init__(self, layers: Sequence[Layer], in_shape: Shape) -> None:
        self.layers = tuple(layers)
        self.in_shape = in_shape
        self.plans = tuple(_plans(self.layers, in_shape))
        self.slots = tuple(_slots(self.plans))
        self.size = self.slots[-1].stop if self.slots else 0  # P

    @property
    def out_shape(self) -> Shape:
        return self.plans[-1].out_shape if self.plans else self.in_shape

    @property
    def first_trained(self) -> int:
        """The first layer with parameters: the backward pass ends there."""
        return self.slots[0].layer if self.slots else 0

    def init(self, seed: int, replicas: Sequence[int], dtype: DTypeLike) -> Array:
        """Start values (R,P); replica r's depend on (seed, r) alone."""
        flat = np.empty((len(replicas), self.size), dtype)
        for row, replica in zip(flat, replicas, strict=True):
            rng = generator(seed, Purpose.INIT, replica)
            for slot in self.slots:
                shape, init, *fans = slot.parameter
                init.fill(rng, row[slot.start : slot.stop].reshape(shape), *fans)
        return flat

    def views(self, flat: Array) -> list[Views]:
        """For each layer the named parts of (R,P), as views: `views(flat)[0].W` (R,I,O)."""
        named = [Views() for _ in self.layers]
        for slot in self.slots:
            part = flat[:, slot.start : slot.stop]
            shape = (len(flat), *slot.parameter.shape)
            setattr(named[slot.layer], slot.name, part.reshape(shape, copy=False))
        return named

    def scratch(
        self, replicas: int, rows: int, dtype: DTypeLike, *, input_gradient: bool = False
    ) -> list[Views]:
        """For each layer its work arrays for batches of `rows` rows."""
        named = []
        for index, plan in enumerate(self.plans):
            arrays: dict[str, Any] = {
                name: np.empty((replicas, rows, *shape), dtype)
                for name, shape in plan.scratch.items()
            }
            if index <= self.first_trained and not input_gradient:
                arrays["dx"] = None
            named.append(Views(index=index, **arrays))
        return named

    def forward(self, x: Array, params: list[Views], scratch: list[Views], ctx: Context) -> Array:
        """Scores z (R,B,O) of the rows x (1|R,B,I)."""
        for layer, p, s in zip(self.layers, params, scratch, strict=True):
            s.x = x
            x = layer.forward(x, p, s, ctx)
        return x

    def backward(
        self, dz: Array, params: list[Views], grads: list[Views], scratch: list[Views]
    ) -> Array | None:
        """Fill every gradient from dL/dz (R,B,O); returns dL/dx where the scratch asks for it."""
        wants_input = bool(scratch) and scratch[0].dx is not None
        dy: Array | None = dz
        for index in range(len(self.layers) - 1, -1 if wants_input else self.first_trained - 1, -1):
            p, g, s = params[index], grads[index], scratch[index]
            assert dy is not None
            dy = self.layers[index].backward(s.x, dy, p, g, s)
        return dy


def _plans(layers: Sequence[Layer], shape: Shape) -> Iterator[Plan]:
    for layer in layers:
        plan = layer.plan(shape)
        shape = plan.out_shape
        yield plan


def _slots(plans: Sequence[Plan]) -> Iterator[Slot]:
    start = 0
    for layer, plan in enumerate(plans):
        for name, parameter in plan.params.items():
            slot = Slot(layer, name, start, parameter)
            start = slot.stop
            yield slot
