"""What goes through each layer: a network whose layers write down what they are given and give."""

from __future__ import annotations

from typing import Any, NamedTuple

from bpcli.nn.layer import Array, Context, Layer, Plan, Shape, Views
from bpcli.nn.network import Network


class Passed(NamedTuple):
    """What went through one layer (R,B,…): forward x → y, backward dy → dx."""

    x: Array
    y: Array
    dy: Array | None = None
    dx: Array | None = None


class Recorder(dict[int, Passed]):
    """Of each layer, by its `s.index`, which counts them in the order of `places`.

    A layer that another one makes for itself, such as the projection of a residual, is not there.
    """

    def network(self, network: Network) -> Network:
        """The same network, which records every pass."""
        layers = [_Recorded.around(layer, self) for layer in network.layers]
        return Network(layers, network.in_shape)


class _Recorded(Layer):
    """A layer with an ear; it has no name, so no config can ask for it."""

    layer: Any
    log: Any

    @classmethod
    def around(cls, layer: Layer, log: Recorder) -> Layer:
        """The layer and all inside it, each with an ear."""
        inside = {
            name: _with_ears(value, log)
            for name in type(layer).model_fields
            if (value := getattr(layer, name)) is not None
        }
        return cls.model_construct(layer=layer.model_copy(update=inside), log=log)

    @property
    def inner(self) -> tuple[tuple[Layer, ...], ...]:
        return self.layer.inner  # type: ignore[no-any-return]

    def chains(self, in_shape: Shape) -> tuple[tuple[Layer, ...], ...]:
        return self.layer.chains(in_shape)  # type: ignore[no-any-return]

    def plan(self, in_shape: Shape) -> Plan:
        return self.layer.plan(in_shape)  # type: ignore[no-any-return]

    def forward(self, x: Array, p: Views, s: Views, ctx: Context) -> Array:
        y: Array = self.layer.forward(x, p, s, ctx)
        self.log[s.index] = Passed(x.copy(), y.copy())
        return y

    def backward(self, x: Array, dy: Array, p: Views, g: Views, s: Views) -> Array | None:
        given = dy.copy()  # a layer may pass it on and change it
        dx: Array | None = self.layer.backward(x, dy, p, g, s)
        taken = None if dx is None else dx.copy()
        self.log[s.index] = self.log[s.index]._replace(dy=given, dx=taken)
        return dx


def _with_ears(value: Any, log: Recorder) -> Any:
    """A field of a layer: a layer, or a tuple that may hold some, or something else."""
    if isinstance(value, Layer):
        return _Recorded.around(value, log)
    return tuple(_with_ears(one, log) for one in value) if isinstance(value, tuple) else value
