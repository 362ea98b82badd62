"""A look at a network in training: one pass over some training rows, and what each layer shows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from bpcli.experiment.memory import row_numbers
from bpcli.insight.places import Place, places
from bpcli.insight.recording import heard
from bpcli.nn.activations import Activation
from bpcli.nn.batches import Batches, Rows
from bpcli.nn.layer import Array, Context, Views
from bpcli.nn.method import Method
from bpcli.nn.network import Network
from bpcli.nn.optimizers.optimizer import Elementwise
from bpcli.nn.random import NoiseKey
from bpcli.nn.state import State
from bpcli.nn.team import ALONE
from bpcli.nn.update import Gradient, Update

FLAT = 0.02  # a slope below it is saturated; that of tanh is 1 in the middle, of sigmoid 1/4
MOST_ROWS = 256  # of a look
NUMBERS = 1 << 24  # in its work arrays
MOST_DATA = 1 << 21  # inputs or targets that are looked at
SAME = 1e-6  # how far apart, relative, the outputs of a dead unit may be
INPUTS, TARGET, LOSS = "inputs", "target", "loss"  # what is looked at beside the layers


class Reading(NamedTuple):
    """What one layer of one network shows: a line of diagnostics.csv.

    `inputs` and `target` have the column with the largest rms as `name`; `loss` has as mean the
    loss of the rows looked at, and as rms the loss of scores that are all 0.
    """

    epoch: int
    iteration: int
    layer: str  # its number, or what else it is
    name: str
    gradient_norm: float | None = None  # ‖∂L/∂θ‖ of its parameters
    weight_norm: float | None = None  # ‖θ‖
    update_ratio: float | None = None  # ‖Δθ‖ / ‖θ‖ of the update that would follow
    output_gradient: float | None = None  # ‖∂L/∂y‖, over rows and units
    mean: float | None = None  # of y
    std: float | None = None
    rms: float | None = None  # the largest root mean square of a unit over the rows
    saturated: float | None = None  # share of y where the slope of the activation is near 0
    dead: float | None = None  # share of units that are the same for every row
    member: int = 1


class Look:
    """The arrays for looks at R networks that train together, on `count` of their rows."""

    def __init__(self, network: Network, method: Method, rows: Rows, count: int) -> None:
        self.network, self.method, self.places = network, method, places(network)
        n = rows.x.shape[1]
        some = np.linspace(0, n - 1, min(count, n)).round().astype(int)
        picked = Rows(*(None if a is None else a[:, some] for a in rows))  # type: ignore[arg-type]
        (self.batch,) = Batches(picked, len(some), method.seed, ALONE).of_epoch(0, 0, 1)
        self.gauge = _Gauge(self.places)
        self.heard = heard(network, self.gauge)
        replicas, dtype = len(method.rates), rows.x.dtype
        self.scratch = self.heard.scratch(replicas, len(some), dtype)
        shapes = method.loss.scratch(*network.out_shape)
        work = {n: np.empty((replicas, len(some), *s), dtype) for n, s in shapes.items()}
        self.work = Views(**work)

    @np.errstate(all="ignore")  # a sick network is looked at too
    def readings(self, state: State, epoch: int, *, moves: bool = True) -> list[list[Reading]]:
        """Of each replica: its layers, with the update that would follow where it `moves`."""
        flat, method = state.flat.copy(), self.method  # batch_norm changes its statistics
        grads = np.zeros((1, *flat.shape), flat.dtype)
        loss = self._pass(flat, grads[0], state.iteration)
        whole = slice(0, self.network.size)
        gradient = Gradient(self.network, flat, grads, method.regularization, method.clip, whole)
        norm = np.sqrt(gradient.gather())
        sizes = self._norms(grads[0]), self._norms(flat)
        change = None
        if moves and isinstance(method.optimizer, Elementwise):
            gradient.shorten(norm)
            change = self._norms(self._moved(flat, gradient, state) - state.flat)
        when = epoch, state.iteration
        return [
            [
                *self._layers(r, when, *sizes, change),
                self._loss(r, when, loss),
            ]
            for r in range(len(flat))
        ]

    def _loss(self, r: int, when: tuple[int, int], loss: Array) -> Reading:
        name = self.method.loss.name
        return Reading(*when, LOSS, name, mean=float(loss[r]), rms=float(self.zero[r]))

    def _pass(self, flat: Array, grad: Array, iteration: int) -> Array:
        """Forward, loss and backward of the rows, as in training; L (R,)."""
        x, t, c, *_ = self.batch
        params, grads = self.network.views(flat), self.network.views(grad)
        keys = {name: NoiseKey(self.method.seed, name) for name in set(self.method.replicas)}
        noise = tuple(keys[name] for name in self.method.replicas)
        context = Context(True, iteration, self.method.iterations, noise)
        z = self.heard.forward(x, params, self.scratch, context)
        self.zero = self.method.loss.value(np.zeros_like(z), t, c, self.work).copy()
        loss = self.method.loss.value(z, t, c, self.work).copy()
        self.heard.backward(self.work.dz, params, grads, self.scratch)
        return loss

    def _moved(self, flat: Array, gradient: Gradient, state: State) -> Array:
        """The parameters after the update that would follow."""
        method, t = self.method, min(state.iteration, self.method.iterations - 1)
        assert isinstance(method.optimizer, Elementwise)
        slots = {name: slot.copy() for name, slot in state.slots.items()}
        whole = slice(0, self.network.size)
        update = Update(method.optimizer, flat, slots, gradient, whole, method.iterations)
        rate = np.array(method.rates) * method.schedule.factor(t, method.iterations)
        learned = state.schedule.get("factor")
        rate = rate if learned is None else rate * learned
        update.apply(rate.astype(flat.dtype)[:, None], t + 1)
        return flat

    def _norms(self, flat: Array) -> dict[tuple[int, ...], Array]:
        """‖·‖₂ (R,) over the trained parameters of each layer, by its path."""
        squares: dict[tuple[int, ...], Array] = {}
        for slot in self.network.slots:
            if slot.parameter.trained:
                part = flat[:, slot.start : slot.stop].astype(np.float64)
                squares[slot.path] = squares.get(slot.path, 0) + np.vecdot(part, part)
        return {path: np.sqrt(square) for path, square in squares.items()}

    def _layers(
        self,
        r: int,
        when: tuple[int, int],
        gradients: dict[tuple[int, ...], Array],
        weights: dict[tuple[int, ...], Array],
        change: dict[tuple[int, ...], Array] | None,
    ) -> Iterator[Reading]:
        for index, place in enumerate(self.places):
            if index not in self.gauge.outputs:
                continue  # a projection beside another layer
            size = weights.get(place.path)
            ratio = None
            if change is not None and size is not None and size[r] > 0:
                ratio = float(change[place.path][r] / size[r])
            yield Reading(
                *when,
                place.number,
                place.layer.name,
                None if size is None else float(gradients[place.path][r]),
                None if size is None else float(size[r]),
                ratio,
                **self.gauge.of(index, r),
            )


class _Gauge:
    """Measures what goes through the layers instead of keeping it."""

    def __init__(self, known: Sequence[Place]) -> None:
        self.places = known
        self.outputs: dict[int, tuple[Array | None, ...]] = {}
        self.gradients: dict[int, Array] = {}
        self.spare: dict[int, Views] = {}

    def forward(self, index: int, x: Array, y: Array) -> None:
        units = y.reshape(len(y), -1, y.shape[-1])  # pixels of an image count as rows
        mean = units.mean(axis=(1, 2), dtype=np.float64)
        squares = np.einsum("rbo,rbo->ro", units, units, dtype=np.float64) / units.shape[1]
        low, high = units.min(axis=1), units.max(axis=1)
        dead = high - low <= SAME * np.maximum(np.abs(low), np.abs(high))
        self.outputs[index] = (
            mean,
            np.sqrt(np.maximum(squares.mean(axis=1) - mean**2, 0)),
            np.sqrt(squares.max(axis=1)),
            self._saturated(index, x),
            dead.mean(axis=1),
        )

    def backward(self, index: int, dy: Array) -> None:
        flat = dy.reshape(len(dy), -1)
        self.gradients[index] = np.sqrt(np.einsum("ri,ri->r", flat, flat, dtype=np.float64))

    def answered(self, index: int, dx: Array | None) -> None:
        pass

    def of(self, index: int, r: int) -> dict[str, Any]:
        """What of one replica goes into a reading, by name."""
        names = "output_gradient", "mean", "std", "rms", "saturated", "dead"
        found = zip(names, (self.gradients.get(index), *self.outputs[index]), strict=True)
        return {name: float(one[r % len(one)]) for name, one in found if one is not None}

    def _saturated(self, index: int, x: Array) -> Array | None:
        """The share of rows and units (R,) with a slope near 0, of an activation that saturates."""
        layer = self.places[index].layer
        if not (isinstance(layer, Activation) and layer.saturates):
            return None
        if index not in self.spare:
            plan = self.places[index].plan
            self.spare[index] = Views(**{n: np.empty_like(x) for n in plan.scratch})
        spare, nothing = self.spare[index], Views()
        layer.forward(x, nothing, spare, Context())
        slope = layer.backward(x, np.ones_like(x), nothing, nothing, spare)
        assert slope is not None
        share: Array = (np.abs(slope) < FLAT).reshape(len(x), -1).mean(axis=1)
        return share


def data_readings(
    x: Array, t: Array, inputs: Sequence[str], targets: Sequence[str], coded: int
) -> Iterator[Reading]:
    """What the network is given: of x (N,I) all but the codes, its last columns, and of t (N,O).

    Of very many numbers it looks at rows that are evenly apart.
    """
    numbers = x[:, : x.shape[1] - coded]
    for layer, values, names in ((INPUTS, numbers, inputs), (TARGET, t, targets)):
        if values.size:
            wide = values[:: -(-values.size // MOST_DATA)].astype(np.float64)
            rms = np.sqrt(np.mean(wide**2, axis=0))
            most = int(rms.argmax())
            name = names[most] if most < len(names) else ""
            spread = float(wide.std()), float(rms[most])
            dead = float(np.mean(np.ptp(wide, axis=0) == 0))
            mean = float(wide.mean())
            yield Reading(0, 0, layer, name, None, None, None, None, mean, *spread, None, dead)


def rows_for(network: Network, batch: int) -> int:
    """How many rows a look takes: it costs few updates of so many rows, and little memory."""
    affordable = NUMBERS // max(1, sum(map(row_numbers, network.plans)))
    return max(min(batch, 32), min(max(32, 2 * batch), MOST_ROWS, affordable))


def own(reading: Reading, member: int) -> Reading:
    """That of a member, with the digits that are worth keeping."""
    cells = (float(f"{one:.6g}") if isinstance(one, float) else one for one in reading)
    return Reading(*cells)._replace(member=member)  # type: ignore[arg-type]


def finite(value: float | None) -> float:
    """The number, or infinity for one that is not finite; 0 where there is none."""
    if value is None:
        return 0.0
    return value if math.isfinite(value) else math.inf
