"""Layers in a row: the two passes that a network and every layer made of layers share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bpcli.nn.layer import Array, Context, Layer, Plan, Shape, Views


def plan_chain(layers: Sequence[Layer], shape: Shape) -> Iterator[Plan]:
    """The plan of each layer, which takes what the one before gives.

    Raises ValueError for one that does not fit, with its number from 1.
    """
    for number, layer in enumerate(layers, 1):
        try:
            plan = layer.plan(shape)
        except ValueError as error:
            raise ValueError(f"layer {number}: {error}") from None
        shape = plan.out_shape
        yield plan


def out_shape(plans: Sequence[Plan], in_shape: Shape) -> Shape:
    """What the last layer gives; the input itself where there is none."""
    return plans[-1].out_shape if plans else in_shape


def mirrored(layers: Sequence[Layer], shape: Shape) -> tuple[Layer, ...]:
    """The layers that lead back to rows of `shape`.  Raises ValueError where one has no mirror."""
    shapes = [shape, *(plan.out_shape for plan in plan_chain(layers, shape))]
    pairs = zip(reversed(layers), reversed(shapes[:-1]), strict=True)
    return tuple(layer.mirrored(before) for layer, before in pairs)


def forward(
    layers: Sequence[Layer], x: Array, params: list[Views], scratch: list[Views], ctx: Context
) -> Array:
    """The output of the last layer; each layer's input stays in its scratch as `s.x`."""
    for layer, p, s in zip(layers, params, scratch, strict=True):
        s.x = x
        x = layer.forward(x, p, s, ctx)
    return x


def backward(
    layers: Sequence[Layer],
    dy: Array,
    params: list[Views],
    grads: list[Views],
    scratch: list[Views],
    first: int = 0,
) -> Array | None:
    """Gradients of the layers from the last one down to number `first`, and that one's dx."""
    dx: Array | None = dy
    for index in range(len(layers) - 1, first - 1, -1):
        assert dx is not None
        p, g, s = params[index], grads[index], scratch[index]
        dx = layers[index].backward(s.x, dx, p, g, s)
    return dx
