"""The trainer: gradient descent over mini-batches as a generator of epochs.

Display, history, the best weights, stopping and files live with the caller, who may read
`state.flat` between two epochs and simply stops iterating to stop training.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli.nn.batches import Batch, Batches, Rows
from bpcli.nn.layer import Array, Context, Views
from bpcli.nn.losses.loss import Loss
from bpcli.nn.network import Network
from bpcli.nn.optimizers.optimizer import Optimizer
from bpcli.nn.random import NoiseKey
from bpcli.nn.schedules import Schedule
from bpcli.nn.team import COLUMNS, Member, Team, shared
from bpcli.nn.update import Clip, Regularization, Update


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
    parts: int = 1  # processes that compute each update together


@dataclass(slots=True)
class State:
    """What training changes: named arrays, and the number of updates done so far.

    Parameters (R,P), optimizer slots (R,P), the running mean of the parameters (R,P) where asked
    for, and what the schedule remembers (R,).
    """

    flat: Array
    slots: dict[str, Array]
    average: Array | None = None
    schedule: dict[str, Array] = field(default_factory=dict)
    iteration: int = 0

    @classmethod
    def start(cls, network: Network, method: Method, dtype: str) -> State:
        """Start values of every replica, with the optimizer's slots at zero."""
        flat = shared((len(method.replicas), network.size), dtype)
        flat[...] = network.init(method.seed, method.replicas, dtype)
        state = cls(flat, {name: shared(flat.shape, dtype) for name in method.optimizer.slots()})
        if method.ema is not None:
            state.average = shared(flat.shape, dtype)
            state.average[...] = flat
        for name, value in method.schedule.memory().items():
            state.schedule[name] = shared(flat.shape[:1], np.float64)
            state.schedule[name][...] = value
        return state

    def arrays(self) -> dict[str, Array]:
        """Every array by its name: `flat`, `slots.<name>`, `average`, `schedule.<name>`."""
        named = {"flat": self.flat}
        named |= {f"slots.{name}": slot for name, slot in self.slots.items()}
        if self.average is not None:
            named["average"] = self.average
        return named | {f"schedule.{name}": array for name, array in self.schedule.items()}

    def copy(self) -> State:
        """The same state in arrays of its own."""
        return deepcopy(self)

    def restore(self, kept: State) -> None:
        """Take the values of a copy into the arrays of this state."""
        theirs = kept.arrays()
        for name, array in self.arrays().items():
            np.copyto(array, theirs[name])
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

    Raises Diverged when a loss or gradient is not finite.
    """
    board = Board.of(network, method, state)

    def work(member: Member) -> None:
        stepper = _Stepper(network, method, state, rows, board, member)
        while True:
            member.meet()
            stepper.epoch(*board.task.tolist())

    team = Team(method.parts, work)
    try:
        stepper = _Stepper(network, method, state, rows, board, team.first)
        per_epoch = math.ceil(rows.x.shape[1] / method.batch_size)
        while state.iteration < method.iterations:
            epoch, first = divmod(state.iteration, per_epoch)
            last = min(per_epoch, first + method.iterations - state.iteration)
            board.task[:] = epoch, first, last, state.iteration
            team.first.meet()
            yield stepper.epoch(epoch, first, last, state.iteration)
    finally:
        team.close()


class Board(NamedTuple):
    """What the members of a team tell each other, S members: arrays that all of them see."""

    grads: Array  # (S,R,P), of each member's rows; the sum comes to stand in the first
    losses: Array  # (S,R), of each member's rows
    squares: Array  # (S,R), Σ g² over each member's columns
    suspects: NDArray[np.int64]  # (S,), the layer where a member's numbers stop being finite
    task: NDArray[np.int64]  # epoch, first batch, last batch, iteration

    @classmethod
    def of(cls, network: Network, method: Method, state: State) -> Board:
        """An empty board for `method.parts` members."""
        (replicas, size), dtype = state.flat.shape, state.flat.dtype
        return cls(
            shared((method.parts, replicas, size), dtype),
            shared((method.parts, replicas), dtype),
            shared((method.parts, replicas), dtype),
            shared((method.parts,), np.int64),
            shared((4,), np.int64),
        )


class _Stepper:
    """One member's arrays for a training run, and its loop over the batches of an epoch."""

    def __init__(
        self,
        network: Network,
        method: Method,
        state: State,
        rows: Rows,
        board: Board,
        member: Member,
    ) -> None:
        self.network, self.method, self.state = network, method, state
        self.board, self.member = board, member
        self.params = network.views(state.flat)
        self.grad = board.grads[member.rank]
        self.grads = network.views(self.grad)
        self.noise = tuple(NoiseKey(method.seed, replica) for replica in method.replicas)
        self.rates = np.array(method.rates, np.float64)
        self.batches = Batches(rows, method.batch_size, method.seed, member)
        self.columns = member.part(network.size, COLUMNS)
        self.update = Update(
            network,
            method.optimizer,
            state.flat,
            state.slots,
            board.grads,
            method.regularization,
            method.clip,
            self.columns,
        )
        self._last_scratch: list[Views] = []
        self.work: dict[int, tuple[list[Views], Views]] = {}  # by batch size: full and remainder

    @np.errstate(all="ignore")  # what is not finite is looked for, and named
    def epoch(self, epoch: int, first: int, last: int, iteration: int) -> Epoch:
        self.state.iteration = iteration
        total, rows_seen = np.zeros(len(self.rates)), 0
        rate = norm = loss = np.full(len(self.rates), np.nan)
        for batch in self.batches.of_epoch(epoch, first, last):
            rate = self._rate()
            before, loss = loss, self._loss(batch)
            self._require_finite("loss", loss, rate, before)
            norm = self._norm()
            self._require_finite("gradient", norm, rate, loss)
            rounded = rate.astype(self.grad.dtype)[:, None]
            self.update.apply(rounded, self.state.iteration + 1, norm)
            self.state.iteration += 1
            self._average()
            self.member.meet()
            rows_seen += batch.rows
            total += loss * batch.rows
        return Epoch(epoch + 1, self.state.iteration, rate, total / rows_seen, norm)

    def _rate(self) -> Array:
        """The learning rate (R,) of the next update."""
        rate = self.rates * self.method.schedule.factor(
            self.state.iteration, self.method.iterations
        )
        learned = self.state.schedule.get("factor")
        return rate if learned is None else rate * learned

    def _loss(self, batch: Batch) -> Array:
        """L (R,) of the whole batch; every member's gradient is on the board."""
        self.board.losses[self.member.rank] = self._gradient(batch)
        self.member.meet()
        return np.add.reduce(self.board.losses, axis=0)

    def _norm(self) -> Array:
        """‖g‖₂ (R,) of the whole gradient, before clipping by norm."""
        self.board.squares[self.member.rank] = self.update.gather()
        self.member.meet()
        return np.sqrt(np.add.reduce(self.board.squares, axis=0))

    def _average(self) -> None:
        """average ← d · average + (1 − d) · θ; the first update copies θ."""
        average, decay = self.state.average, self.method.ema
        if average is None or decay is None:
            return
        share = 1.0 if self.state.iteration == 1 else 1 - decay
        own = average[:, self.columns]
        own += share * (self.state.flat[:, self.columns] - own)

    def _require_finite(self, what: str, values: Array, rate: Array, before: Array) -> None:
        if all(map(math.isfinite, values.tolist())):
            return
        bad = int(np.flatnonzero(~np.isfinite(values))[0])
        raise Diverged(
            what,
            self.state.iteration + 1,
            float(rate[bad]),
            float(before[bad]),
            self._first_not_finite(),
        )

    def _first_not_finite(self) -> str:
        """`layer 2 (dense)`: where infinities or NaNs begin, on the way forward, then backward."""
        self.board.suspects[self.member.rank] = self._suspect()
        self.member.meet()
        first = int(self.board.suspects.min())
        if first < len(self.network.layers):
            layer = self.network.layers[first - 1]
            return f"layer {first} ({layer.name})" if first else "the data"
        for slot in reversed(self.network.slots):
            if not np.isfinite(self.board.grads[..., slot.start : slot.stop]).all():
                layer = self.network.layers[slot.path[0]]
                return f"the gradient of layer {slot.path[0] + 1} ({layer.name})"
        return "the output"

    def _suspect(self) -> int:
        """The number of layers that this member's rows pass before they are not finite."""
        for passed, s in enumerate(self._last_scratch):
            if not np.isfinite(s.x).all():
                return passed
        return len(self.network.layers)

    def _gradient(self, batch: Batch) -> Array:
        """Forward pass, loss and backward pass of this member's rows: its share of L (R,)."""
        if not batch.x.shape[1]:
            self.grad.fill(0)
            return np.zeros(len(self.rates))
        layers, loss = self._scratch(batch.x.shape[1])
        self._last_scratch = layers
        context = Context(True, self.state.iteration, self.noise, batch.first)
        z = self.network.forward(batch.x, self.params, layers, context)
        value = self.method.loss.value(z, batch.t, batch.c, loss)
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
