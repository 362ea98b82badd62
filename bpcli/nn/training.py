"""The trainer: gradient descent over mini-batches as a generator of epochs.

Display, history, the best weights, stopping and files live with the caller, who may read
`state.flat` between two epochs and simply stops iterating to stop training.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli.nn.layer import Array, Context, Views
from bpcli.nn.losses import Loss
from bpcli.nn.network import Network
from bpcli.nn.optimizers import Optimizer
from bpcli.nn.random import NoiseKey, Purpose, generator
from bpcli.nn.schedules import Schedule
from bpcli.nn.update import Clip, Regularization, Update


class Rows(NamedTuple):
    """Training rows: x (1|R,N,I), targets t (1|R,N,O), row weights c (1|R,N,1) or None for equal.

    The leading axis is R where replicas see different rows, and 1 where they share them.
    """

    x: Array
    t: Array
    c: Array | None = None


class Method(NamedTuple):
    """How to train: everything but the data and the network."""

    loss: Loss
    optimizer: Optimizer
    schedule: Schedule
    rates: Sequence[float]  # learning rate of each replica
    batch_size: int
    iterations: int  # parameter updates in all
    seed: int = 0
    replicas: Sequence[int] = (0,)  # names of the replicas: their randomness follows the name
    regularization: Regularization = Regularization()
    clip: Clip = Clip()
    ema: float | None = None  # decay of the running mean of the parameters


@dataclass(slots=True)
class State:
    """What training changes: parameters (R,P), optimizer slots (R,P), updates done so far."""

    flat: Array
    slots: dict[str, Array]
    average: Array | None = None  # running mean of the parameters, where asked for
    iteration: int = 0

    @classmethod
    def start(cls, network: Network, method: Method, dtype: str) -> State:
        """Start values of every replica, with the optimizer's slots at zero."""
        flat = network.init(method.seed, method.replicas, dtype)
        slots = {name: np.zeros_like(flat) for name in method.optimizer.slots()}
        return cls(flat, slots, None if method.ema is None else flat.copy())

    def copy(self) -> State:
        """The same state in arrays of its own."""
        slots = {name: slot.copy() for name, slot in self.slots.items()}
        average = None if self.average is None else self.average.copy()
        return State(self.flat.copy(), slots, average, self.iteration)

    def restore(self, kept: State) -> None:
        """Take the values of a copy into the arrays of this state."""
        np.copyto(self.flat, kept.flat)
        for name, slot in self.slots.items():
            np.copyto(slot, kept.slots[name])
        if self.average is not None and kept.average is not None:
            np.copyto(self.average, kept.average)
        self.iteration = kept.iteration

    @property
    def result(self) -> Array:
        """The parameters that predict: their running mean where there is one."""
        return self.flat if self.average is None else self.average


class Epoch(NamedTuple):
    """What one pass over the training rows did; arrays have one entry a replica."""

    epoch: int  # from 1
    iteration: int  # updates so far
    rate: Array  # learning rate of the last update
    loss: Array  # mean over the epoch's rows, each taken before the update of its batch
    gradient_norm: Array  # ‖g‖₂ of the last batch, before clipping by norm


class Diverged(ArithmeticError):
    """A loss or gradient is not finite; the parameters are those before the update."""

    def __init__(
        self, what: str, iteration: int, rate: float, loss_before: float, layer: str
    ) -> None:
        super().__init__(f"the {what} is not finite at iteration {iteration}")
        self.what, self.iteration, self.rate = what, iteration, rate
        self.loss_before = loss_before  # nan at the first update
        self.layer = layer  # the first one with numbers that are not finite


def train(network: Network, method: Method, state: State, rows: Rows) -> Iterator[Epoch]:
    """θ ← θ − rate · step(dL/dθ), batch by batch, until `method.iterations` updates are done.

    Raises Diverged when the loss of a batch is not finite.
    """
    stepper = _Stepper(network, method, state, rows)
    per_epoch = math.ceil(rows.x.shape[1] / method.batch_size)
    while state.iteration < method.iterations:
        epoch, first = divmod(state.iteration, per_epoch)
        last = min(per_epoch, first + method.iterations - state.iteration)
        yield stepper.epoch(epoch, first, last)


class _Stepper:
    """The arrays of one training run and the loop over the batches of an epoch."""

    def __init__(self, network: Network, method: Method, state: State, rows: Rows) -> None:
        self.network, self.method, self.state = network, method, state
        self.grad = np.zeros_like(state.flat)
        self.params = network.views(state.flat)
        self.grads = network.views(self.grad)
        self.noise = tuple(NoiseKey(method.seed, replica) for replica in method.replicas)
        self.rates = np.array(method.rates, state.flat.dtype)[:, None]
        self.batches = _Batches(rows, method)
        self.update = Update(
            network,
            method.optimizer,
            state.flat,
            state.slots,
            self.grad,
            method.regularization,
            method.clip,
        )
        self._last_scratch: list[Views] = []
        self.work: dict[int, tuple[list[Views], Views]] = {}  # by batch size: full and remainder

    @np.errstate(all="ignore")  # what is not finite is looked for, and named
    def epoch(self, epoch: int, first: int, last: int) -> Epoch:
        total = np.zeros(len(self.rates))
        loss, rows_seen = np.full(len(self.rates), np.nan), 0
        norm, factor = loss, 1.0
        for x, t, c in self.batches.of_epoch(epoch, first, last):
            factor = self.method.schedule.factor(self.state.iteration, self.method.iterations)
            before, loss = loss, self._gradient(x, t, c)
            self._require_finite("loss", loss, factor, before)
            norm = self.update(self.rates * factor, self.state.iteration + 1)
            self._require_finite("gradient", norm, factor, loss)
            self.state.iteration += 1
            self._average()
            rows_seen += x.shape[1]
            total += loss * x.shape[1]
        rate = np.array(self.method.rates) * factor  # as asked for, not rounded to dtype
        return Epoch(epoch + 1, self.state.iteration, rate, total / rows_seen, norm)

    def _average(self) -> None:
        """average ← d · average + (1 − d) · θ; the first update copies θ."""
        average, decay = self.state.average, self.method.ema
        if average is None or decay is None:
            return
        share = 1.0 if self.state.iteration == 1 else 1 - decay
        average += share * (self.state.flat - average)

    def _require_finite(self, what: str, values: Array, factor: float, before: Array) -> None:
        if all(map(math.isfinite, values.tolist())):
            return
        bad = int(np.flatnonzero(~np.isfinite(values))[0])
        raise Diverged(
            what,
            self.state.iteration + 1,
            self.method.rates[bad] * factor,
            float(before[bad]),
            self._first_not_finite(),
        )

    def _first_not_finite(self) -> str:
        """`layer 2 (dense)`: where infinities or NaNs begin, on the way forward, then backward."""
        for s, layer in zip(self._last_scratch, self.network.layers, strict=True):
            if not np.isfinite(s.x).all():
                return "the data" if s.index == 0 else f"layer {s.index} ({layer.name})"
        for slot in reversed(self.network.slots):
            if not np.isfinite(self.grad[:, slot.start : slot.stop]).all():
                layer = self.network.layers[slot.path[0]]
                return f"the gradient of layer {slot.path[0] + 1} ({layer.name})"
        return "the output"

    def _gradient(self, x: Array, t: Array, c: Array) -> Array:
        """Forward pass, loss and backward pass: L (R,), and the gradient in `self.grad`."""
        layers, loss = self._scratch(x.shape[1])
        self._last_scratch = layers
        context = Context(True, self.state.iteration, self.noise)
        z = self.network.forward(x, self.params, layers, context)
        value = self.method.loss.value(z, t, c, loss)
        self.network.backward(loss.dz, self.params, self.grads, layers)
        return value

    def _scratch(self, rows: int) -> tuple[list[Views], Views]:
        if rows not in self.work:
            replicas, dtype = len(self.rates), self.grad.dtype
            (width,) = self.network.out_shape
            shapes = self.method.loss.scratch(width)
            loss = {n: np.empty((replicas, rows, *shape), dtype) for n, shape in shapes.items()}
            self.work[rows] = self.network.scratch(replicas, rows, dtype), Views(**loss)
        return self.work[rows]


class _Batches:
    """Mini-batches in an order that is a function of (seed, epoch), shared by all replicas.

    Rows are gathered for many batches at a time, so that a step only takes views.
    """

    GATHER = 1 << 18  # numbers gathered at once: stays in a core's cache

    def __init__(self, rows: Rows, method: Method) -> None:
        self.rows, self.size, self.seed = rows, method.batch_size, method.seed
        self.n = rows.x.shape[1]
        at_once = max(1, self.GATHER // max(1, rows.x[:, 0].size * self.size)) * self.size
        gathered = min(at_once, self.n)
        self.buffers = [
            None if a is None else np.empty((len(a), gathered, *a.shape[2:]), a.dtype) for a in rows
        ]
        self.at_once = at_once

    def of_epoch(self, epoch: int, first: int, last: int) -> Iterator[tuple[Array, Array, Array]]:
        """(x, t, c) of the batches number `first` to `last` − 1; c sums to 1 in each."""
        if self.size >= self.n:  # full-batch gradient descent: every row, in the order of the file
            yield self._batch(self.rows, 0, self.n)
            return
        order = generator(self.seed, Purpose.SHUFFLE, epoch).permutation(self.n)
        end = min(last * self.size, self.n)
        for start in range(first * self.size, end, self.at_once):
            chunk = order[start : min(start + self.at_once, end)]
            gathered = self._gather(chunk)
            for at in range(0, len(chunk), self.size):
                yield self._batch(gathered, at, min(at + self.size, len(chunk)))

    def _gather(self, chunk: NDArray[np.int64]) -> Rows:
        parts = (self._take(*pair, chunk) for pair in zip(self.rows, self.buffers, strict=True))
        return Rows(*parts)  # type: ignore[arg-type]

    @staticmethod
    def _take(source: Array | None, buffer: Array | None, chunk: NDArray[np.int64]) -> Array | None:
        if source is None or buffer is None:
            return None
        # mode="clip" writes straight into `out`; the default mode buffers.
        return np.take(source, chunk, axis=1, out=buffer[:, : len(chunk)], mode="clip")

    @staticmethod
    def _batch(rows: Rows, start: int, stop: int) -> tuple[Array, Array, Array]:
        x, t = rows.x[:, start:stop], rows.t[:, start:stop]
        if rows.c is None:
            return x, t, np.full((1, 1, 1), 1 / (stop - start), x.dtype)
        c = rows.c[:, start:stop]
        total = c.sum(axis=1, keepdims=True)
        return x, t, np.divide(c, total, out=np.zeros_like(c), where=total > 0)
