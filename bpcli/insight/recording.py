"""What goes through each layer: a network whose layers tell what they are given and give."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from bpcli.nn.layer import Array, Context, Layer, Plan, Shape, Views
from bpcli.nn.network import Network


class Listener(Protocol):
    """Hears of every pass through every layer, which is known by its `s.index`.

    A layer that another one makes for itself, such as the projection of a residual, is not heard.
    The arrays are those of the pass, and change when it goes on.
    """

    def forward(self, index: int, x: Array, y: Array) -> None:
        """A layer has made y of x."""

    def backward(self, index: int, dy: Array) -> None:
        """A layer is about to go back from dy."""

    def answered(self, index: int, dx: Array | None) -> None:
        """It has gone back to dx."""


def heard(network: Network, listener: Listener) -> Network:
    """The same network, which tells a listener of every pass."""
    layers = [_Heard.around(layer, listener) for layer in network.layers]
    return Network(layers, network.in_shape)


class Passed(NamedTuple):
    """What went through one layer (R,B,…): forward x → y, backward dy → dx."""

    x: Array
    y: Array
    dy: Array | None = None
    dx: Array | None = None


class Recorder(dict[int, Passed]):
    """Keeps all of it."""

    def forward(self, index: int, x: Array, y: Array) -> None:
        self[index] = Passed(x.copy(), y.copy())

    def backward(self, index: int, dy: Array) -> None:
        self[index] = self[index]._replace(dy=dy.copy())  # a layer may change what it is given

    def answered(self, index: int, dx: Array | None) -> None:
        self[index] = self[index]._replace(dx=None if dx is None else dx.copy())


class _Heard(Layer):
    """A layer that tells; it has no name, so no config can ask for it."""

    layer: Any
    listener: Any

    @classmethod
    def around(cls, layer: Layer, listener: Listener) -> Layer:
        """The layer and all inside it, each telling."""
        inside = {name: _telling(value, listener) for name, value in layer if value is not None}
        return cls.model_construct(layer=layer.model_copy(update=inside), listener=listener)

    @property
    def inner(self) -> tuple[tuple[Layer, ...], ...]:
        return self.layer.inner  # type: ignore[no-any-return]

    def chains(self, in_shape: Shape) -> tuple[tuple[Layer, ...], ...]:
        return self.layer.chains(in_shape)  # type: ignore[no-any-return]

    def plan(self, in_shape: Shape) -> Plan:
        return self.layer.plan(in_shape)  # type: ignore[no-any-return]

    def forward(self, x: Array, p: Views, s: Views, ctx: Context) -> Array:
        y: Array = self.layer.forward(x, p, s, ctx)
        self.listener.forward(s.index, x, y)
        return y

    def backward(self, x: Array, dy: Array, p: Views, g: Views, s: Views) -> Array | None:
        self.listener.backward(s.index, dy)
        dx: Array | None = self.layer.backward(x, dy, p, g, s)
        self.listener.answered(s.index, dx)
        return dx


def _telling(value: Any, listener: Listener) -> Any:
    """A field of a layer: a layer, or a tuple that may hold some, or something else."""
    if isinstance(value, Layer):
        return _Heard.around(value, listener)
    return tuple(_telling(one, listener) for one in value) if isinstance(value, tuple) else value
