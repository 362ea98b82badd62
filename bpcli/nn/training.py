"""The trainer: gradient descent over mini-batches as a generator of epochs.

Display, history, the best weights, stopping and files live with the caller, who may read
`state.flat` between two epochs and simply stops iterating to stop training.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli.nn.batches import Batch, Batches, Rows
from bpcli.nn.calibration import calibrate
from bpcli.nn.divergence import Diverged, layer_at, layer_of, layers_passed
from bpcli.nn.layer import Array, Context, Views
from bpcli.nn.losses.loss import Loss
from bpcli.nn.network import Network
from bpcli.nn.optimizers.history import LBFGS
from bpcli.nn.optimizers.optimizer import Elementwise, Optimizer
from bpcli.nn.quasi_newton import QuasiNewton
from bpcli.nn.random import NoiseKey
from bpcli.nn.schedules import Schedule
from bpcli.nn.team import COLUMNS, Member, Team, shared
from bpcli.nn.update import Clip, Gradient, Regularization, Update


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

    def pick(self, replicas: Sequence[int]) -> Method:
        """The same for some of the replicas."""
        rates = [self.rates[r] for r in replicas]
        return self._replace(rates=rates, replicas=[self.replicas[r] for r in replicas])


class Saved(NamedTuple):
    """The values of a state: every array by its name, and the counts."""

    arrays: Mapping[str, Array]
    counts: Mapping[str, int]


@dataclass(slots=True)
class State:
    """What training changes: named arrays, and the number of updates done so far.

    Between two updates it is all that training needs to go on, also in the middle of an epoch.
    Parameters (R,P), the optimizer's slots (R,…), the running mean of the parameters (R,P) where
    asked for, what the schedule remembers (R,), and the losses of the epoch so far (R,).
    """

    flat: Array
    slots: dict[str, Array]
    loss_sum: Array  # over the rows of the epoch so far, each before the update of its batch
    last_loss: Array  # of the last batch; nothing yet at iteration 0
    average: Array | None = None
    schedule: dict[str, Array] = field(default_factory=dict)
    iteration: int = 0
    rows_seen: int = 0  # in the epoch so far

    @classmethod
    def start(cls, network: Network, method: Method, dtype: str, rows: Rows | None = None) -> State:
        """Start values of every replica, with the optimizer's slots at zero.

        Raises ValueError where start values depend on training rows and there are none.
        """
        flat = shared((len(method.replicas), network.size), dtype)
        flat[...] = network.init(method.seed, method.replicas, dtype)
        calibrate(network, flat, rows)
        memory = method.optimizer.memory(*flat.shape)
        slots = {name: shared(shape, dtype) for name, shape in memory.items()}
        state = cls(flat, slots, np.zeros(len(flat)), np.zeros(len(flat)))
        if method.ema is not None:
            state.average = shared(flat.shape, dtype)
            state.average[...] = flat
        for name, value in method.schedule.memory().items():
            state.schedule[name] = shared(flat.shape[:1], np.float64)
            state.schedule[name][...] = value
        return state

    def arrays(self) -> dict[str, Array]:
        """Every array by its name: `flat`, `slots.<name>`, `average`, `schedule.<name>` …"""
        named = {"flat": self.flat, "loss_sum": self.loss_sum, "last_loss": self.last_loss}
        named |= {f"slots.{name}": slot for name, slot in self.slots.items()}
        if self.average is not None:
            named["average"] = self.average
        return named | {f"schedule.{name}": array for name, array in self.schedule.items()}

    def counts(self) -> dict[str, int]:
        """Every number that is not in an array."""
        return {"iteration": self.iteration, "rows_seen": self.rows_seen}

    def saved(self) -> Saved:
        """The values of this moment, in arrays of their own."""
        return Saved({name: a.copy() for name, a in self.arrays().items()}, self.counts())

    def pick(self, replicas: Sequence[int]) -> State:
        """The state of some of the replicas, in arrays of its own."""
        rows = list(replicas)
        return State(
            self.flat[rows],
            {name: slot[rows] for name, slot in self.slots.items()},
            self.loss_sum[rows],
            self.last_loss[rows],
            None if self.average is None else self.average[rows],
            {name: own[rows] for name, own in self.schedule.items()},
            self.iteration,
            self.rows_seen,
        )

    def restore(self, saved: Saved) -> None:
        """Take saved values into the arrays of this state."""
        for name, array in self.arrays().items():
            np.copyto(array, saved.arrays[name])
        self.iteration, self.rows_seen = saved.counts["iteration"], saved.counts["rows_seen"]

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


def train(
    network: Network,
    method: Method,
    state: State,
    rows: Rows,
    pause: Callable[[], None] = lambda: None,
) -> Iterator[Epoch]:
    """θ ← θ − rate · step(dL/dθ), batch by batch, until `method.iterations` updates are done.

    `pause` is called before each update: the moment to save the state, or to raise and stop.
    Ends earlier where the optimizer is done. Raises Diverged when a loss, a gradient or a weight is
    not finite; the parameters are then those before the update, or, where it was the update that
    made them so, those before its epoch.
    """
    board = Board.of(network, method, state)

    def work(member: Member) -> None:
        stepper = _Stepper(network, method, state, rows, board, member)
        while True:
            member.meet()
            stepper.epoch(*board.task.tolist())

    team = Team(method.parts, work)
    try:
        stepper = _Stepper(network, method, state, rows, board, team.first, pause)
        per_epoch = math.ceil(rows.x.shape[1] / method.batch_size)
        weights = [state.flat] if state.average is None else [state.flat, state.average]
        kept = [array.copy() for array in weights]
        while state.iteration < method.iterations and not method.optimizer.is_done(state.slots):
            epoch, first = divmod(state.iteration, per_epoch)
            last = min(per_epoch, first + method.iterations - state.iteration)
            board.task[:] = epoch, first, last, state.iteration
            _copy(weights, kept)
            team.first.meet()
            yield stepper.epoch(epoch, first, last, state.iteration)
    except Diverged as diverged:
        if diverged.what == "weights":
            _copy(kept, weights)
        raise
    finally:
        team.close()


def _copy(sources: list[Array], targets: list[Array]) -> None:
    for source, target in zip(sources, targets, strict=True):
        np.copyto(target, source)


class Board(NamedTuple):
    """What the members of a team tell each other, S members: arrays that all of them see."""

    grads: Array  # (S,R,P), of each member's rows; the sum comes to stand in the first
    losses: Array  # (S,R), of each member's rows
    squares: Array  # (S,R), Σ g² over each member's columns
    sizes: Array  # (S,R), Σ θ² over each member's columns
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
        pause: Callable[[], None] = lambda: None,
    ) -> None:
        self.network, self.method, self.state, self.pause = network, method, state, pause
        self.board, self.member = board, member
        self.params = network.views(state.flat)
        self.grad = board.grads[member.rank]
        self.grads = network.views(self.grad)
        keys = {name: NoiseKey(method.seed, name) for name in set(method.replicas)}
        self.noise = tuple(keys[name] for name in method.replicas)
        self.rates = np.array(method.rates, np.float64)
        self.batches = Batches(rows, method.batch_size, method.seed, member)
        self.columns = member.part(network.size, COLUMNS)
        self.gradient = Gradient(
            network, state.flat, board.grads, method.regularization, method.clip, self.columns
        )
        self.own = state.flat[:, self.columns]
        self.update = self._update(method.optimizer)
        self.batch: Batch
        self._last_scratch: list[Views] = []
        self.work: dict[int, tuple[list[Views], Views]] = {}  # by batch size: full and remainder

    def _update(self, optimizer: Optimizer) -> Update | QuasiNewton:
        flat, slots = self.state.flat, self.state.slots
        if isinstance(optimizer, LBFGS):
            loss = self.board.losses[0]
            return QuasiNewton(optimizer, flat, slots, self.gradient, loss, self._again)
        assert isinstance(optimizer, Elementwise)
        return Update(optimizer, flat, slots, self.gradient, self.columns)

    @np.errstate(all="ignore")  # what is not finite is looked for, and named
    def epoch(self, epoch: int, first: int, last: int, iteration: int) -> Epoch:
        state = self.state
        state.iteration = iteration
        if first == 0:
            state.loss_sum[:], state.rows_seen = 0, 0
        rate = norm = np.full(len(self.rates), np.nan)
        for batch in self.batches.of_epoch(epoch, first, last):
            self.pause()
            rate = self._rate()
            self.batch = batch
            loss = self._loss()
            self._require_finite("loss", loss, rate)
            state.last_loss[:] = loss
            norm = self._norm()
            self._require_finite("gradient", norm, rate)
            rounded = rate.astype(self.grad.dtype)[:, None]
            self.gradient.shorten(norm)
            self.update.apply(rounded, state.iteration + 1)
            self._average()
            self._require_finite("weights", self._sizes(), rate)
            state.iteration += 1
            state.rows_seen += batch.rows
            state.loss_sum += loss * batch.rows
        return Epoch(epoch + 1, state.iteration, rate, state.loss_sum / state.rows_seen, norm)

    def _rate(self) -> Array:
        """The learning rate (R,) of the next update."""
        rate = self.rates * self.method.schedule.factor(
            self.state.iteration, self.method.iterations
        )
        learned = self.state.schedule.get("factor")
        return rate if learned is None else rate * learned

    def _loss(self) -> Array:
        """L (R,) of the whole batch; every member's gradient is on the board."""
        return self._sum(self.board.losses, self._gradient(self.batch))

    def _again(self) -> None:
        """Loss and gradient of the same batch at other parameters, on the board."""
        self._loss()
        self.gradient.gather()

    def _norm(self) -> Array:
        """‖g‖₂ (R,) of the whole gradient, before clipping by norm."""
        return np.sqrt(self._sum(self.board.squares, self.gradient.gather()))

    def _sizes(self) -> Array:
        """Finite numbers (R,) where all parameters of a replica are."""
        sizes = self._sum(self.board.sizes, np.vecdot(self.own, self.own))
        if _all_finite(sizes):
            return sizes
        return np.abs(self.state.flat).max(axis=1)  # a square may overflow before its root does

    def _sum(self, parts: Array, own: Array) -> Array:
        """The sum over all members of what each of them puts into its row of `parts` (S,R)."""
        parts[self.member.rank] = own
        self.member.meet()
        return parts[0].copy() if len(parts) == 1 else np.add.reduce(parts, axis=0)

    def _average(self) -> None:
        """average ← d · average + (1 − d) · θ; the first update copies θ."""
        average, decay = self.state.average, self.method.ema
        if average is None or decay is None:
            return
        share = 1 - decay if self.state.iteration else 1.0
        own = average[:, self.columns]
        own += share * (self.state.flat[:, self.columns] - own)

    def _require_finite(self, what: str, values: Array, rate: Array) -> None:
        if _all_finite(values):
            return
        bad = int(np.flatnonzero(~np.isfinite(values))[0])
        weights = self.state.flat[bad]
        place = layer_of(self.network, weights) if what == "weights" else self._suspect(bad)
        state, first = self.state, what == "loss" and self.state.iteration == 0
        before = math.nan if first else float(state.last_loss[bad])
        raise Diverged(what, bad, state.iteration + 1, float(rate[bad]), before, place)

    def _suspect(self, bad: int) -> str:
        """`layer 2 (dense)`: where infinities or NaNs begin, on the way forward, then backward."""
        self.board.suspects[self.member.rank] = layers_passed(self._last_scratch, bad)
        self.member.meet()
        first = int(self.board.suspects.min())
        if first < len(self.network.layers):
            return layer_at(self.network, first)
        layer = layer_of(self.network, self.board.grads[:, bad])
        return f"the gradient of {layer}" if layer else "the output"

    def _gradient(self, batch: Batch) -> Array:
        """Forward pass, loss and backward pass of this member's rows: its share of L (R,)."""
        if not batch.x.shape[1]:
            self.grad.fill(0)
            return np.zeros(len(self.rates))
        layers, loss = self._scratch(batch.x.shape[1])
        self._last_scratch = layers
        # L-BFGS compares the gradients of one function, so its noise is the same in all steps.
        moment = 0 if isinstance(self.method.optimizer, LBFGS) else self.state.iteration
        context = Context(True, moment, self.noise, batch.first)
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


def _all_finite(values: Array) -> bool:
    return all(map(math.isfinite, values.tolist()))
