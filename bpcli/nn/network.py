"""A network: the layout of the flat parameter buffer, and the two passes over its layers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from bpcli.nn import chain, room
from bpcli.nn.layer import Array, Context, Layer, Parameter, Plan, Shape, Views
from bpcli.nn.random import Purpose, generator


class Slot(NamedTuple):
    """Where one parameter of one layer lives in a row of the flat buffer."""

    path: tuple[int, ...]  # (layer,), or (layer, chain, layer, …) inside a layer made of layers
    name: str
    start: int
    parameter: Parameter

    @property
    def stop(self) -> int:
        return self.start + math.prod(self.parameter.shape)

    @property
    def key(self) -> str:
        """`layers.2.W`: its name in files and messages."""
        return ".".join(["layers", *map(str, self.path), self.name])


class Network:
    """Layers in a row, planned for an input shape.  All parameters of R replicas are one (R,P).

    Holds no arrays: `views` and `scratch` make the named arrays of one run.
    """

    def __init__(self, layers: Sequence[Layer], in_shape: Shape) -> None:
        self.layers = tuple(layers)
        self.in_shape = in_shape
        self.plans = tuple(chain.plan_chain(self.layers, in_shape))
        self.out_shape = chain.out_shape(self.plans, in_shape)
        self.slots = tuple(_slots(self.plans))
        self.size = self.slots[-1].stop if self.slots else 0  # P
        # The first layer with parameters: the backward pass of training ends there.
        self.first_trained = self.slots[0].path[0] if self.slots else 0

    def init(self, seed: int, replicas: Sequence[int], dtype: DTypeLike) -> Array:
        """Start values (R,P); replica r's depend on (seed, r) alone."""
        flat = np.empty((len(replicas), self.size), dtype)
        for row, replica in zip(flat, replicas, strict=True):
            rng = generator(seed, Purpose.INIT, replica)
            for slot in self.slots:
                parameter = slot.parameter
                part = row[slot.start : slot.stop].reshape(parameter.shape)
                parameter.init.fill(rng, part, parameter.fan_in, parameter.fan_out)
        return flat

    def rate_factors(self) -> NDArray[np.float64] | None:
        """The factor on the learning rate of each parameter (P,); None where all are 1."""
        rates = [slot.parameter.rate for slot in self.slots]
        if all(rate == 1 for rate in rates):
            return None
        return np.repeat(rates, [slot.stop - slot.start for slot in self.slots])

    def views(self, flat: Array) -> list[Views]:
        """For each layer the named parts of (R,P), as views: `views(flat)[0].W` (R,I,O)."""
        named = _empty_views(self.plans)
        for slot in self.slots:
            part = flat[:, slot.start : slot.stop]
            shape = (len(flat), *slot.parameter.shape)
            setattr(at(named, slot.path), slot.name, part.reshape(shape, copy=False))
        return named

    def scratch(
        self, replicas: int, rows: int, dtype: DTypeLike, *, input_gradient: bool = False
    ) -> list[Views]:
        """For each layer its work arrays for batches of `rows` rows."""
        numbers = count()
        lent = np.empty(max([plan.most_lent for plan in self.plans], default=0), dtype)

        def arrays(plan: Plan) -> Views:
            named: dict[str, Any] = {
                name: room.empty((replicas, rows, *shape), dtype)
                for name, shape in plan.scratch.items()
            }
            start = 0
            for name, shape in plan.lent.items():
                start, first = start + math.prod(shape), start
                named[name] = lent[first:start].reshape(shape, copy=False)
            index = next(numbers)
            inner = [[arrays(one) for one in branch] for branch in plan.inner]
            return Views(index=index, inner=inner, **named)

        scratch = [arrays(plan) for plan in self.plans]
        if not input_gradient:
            for s in scratch[: self.first_trained + 1]:
                s.dx = None  # nobody reads the gradient of the data
        return scratch

    def forward(self, x: Array, params: list[Views], scratch: list[Views], ctx: Context) -> Array:
        """Scores z (R,B,O) of the rows x (1|R,B,I)."""
        return chain.forward(self.layers, x, params, scratch, ctx)

    def backward(
        self, dz: Array, params: list[Views], grads: list[Views], scratch: list[Views]
    ) -> Array | None:
        """Fill every gradient from dL/dz (R,B,O); returns dL/dx where the scratch asks for it."""
        wants_input = bool(scratch) and scratch[0].dx is not None
        first = 0 if wants_input else self.first_trained
        return chain.backward(self.layers, dz, params, grads, scratch, first)


def _slots(plans: Sequence[Plan]) -> Iterator[Slot]:
    start = 0
    for path, name, parameter in _parameters(plans, ()):
        slot = Slot(path, name, start, parameter)
        start = slot.stop
        yield slot


def _parameters(
    plans: Sequence[Plan], path: tuple[int, ...]
) -> Iterator[tuple[tuple[int, ...], str, Parameter]]:
    for index, plan in enumerate(plans):
        here = (*path, index)
        for name, parameter in plan.params.items():
            yield here, name, parameter
        for number, branch in enumerate(plan.inner):
            yield from _parameters(branch, (*here, number))


def _empty_views(plans: Sequence[Plan]) -> list[Views]:
    return [Views(inner=[_empty_views(branch) for branch in plan.inner]) for plan in plans]


def at(named: list[Views], path: tuple[int, ...]) -> Views:
    """The views of the layer at a slot's path, layers inside layers included."""
    index, *rest = path
    if not rest:
        return named[index]
    number, *deeper = rest
    return at(named[index].inner[number], tuple(deeper))
