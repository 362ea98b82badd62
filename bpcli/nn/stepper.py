"""One update after another: what each member of a team does with a batch."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli.nn.divergence import Diverged, layer_at, layer_of
from bpcli.nn.layer import Array
from bpcli.nn.mean_step import MeanStep
from bpcli.nn.method import Method
from bpcli.nn.network import Network
from bpcli.nn.optimizers.centres import Lloyd
from bpcli.nn.optimizers.history import LBFGS
from bpcli.nn.optimizers.optimizer import Elementwise, Optimizer
from bpcli.nn.quasi_newton import QuasiNewton
from bpcli.nn.sources import AllShards, OwnRows
from bpcli.nn.state import State
from bpcli.nn.team import COLUMNS, Member, shared
from bpcli.nn.update import Gradient, Update


class Epoch(NamedTuple):
    """What one pass over the training rows did; arrays have one entry a replica."""

    epoch: int  # from 1
    iteration: int  # updates so far
    rate: Array  # learning rate of the last update
    loss: Array  # mean over the epoch's rows, each taken before the update of its batch
    gradient_norm: Array  # ‖g‖₂ of the last batch, before clipping by norm


class Board(NamedTuple):
    """What the members of a team tell each other, S members: arrays that all of them see."""

    grads: Array  # (S,R,P), of each member's rows or each shard; the sum comes to stand first
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
            shared((method.gradients, replicas, size), dtype),
            shared((method.parts, replicas), dtype),
            shared((method.parts, replicas), dtype),
            shared((method.parts, replicas), dtype),
            shared((method.parts,), np.int64),
            shared((4,), np.int64),
        )


class Stepper:
    """One member's arrays for a training run, and its loop over the batches of an epoch."""

    def __init__(
        self,
        network: Network,
        method: Method,
        state: State,
        source: OwnRows | AllShards,
        board: Board,
        member: Member,
        pause: Callable[[], None] = lambda: None,
    ) -> None:
        self.network, self.method, self.state, self.pause = network, method, state, pause
        self.source, self.board, self.member = source, board, member
        self.rates = np.array(method.rates, np.float64)
        self.columns = member.part(network.size, COLUMNS)
        self.gradient = Gradient(
            network, state.flat, board.grads, method.regularization, method.clip, self.columns
        )
        self.update = self._update(method.optimizer)

    def _update(self, optimizer: Optimizer) -> Update | QuasiNewton | MeanStep:
        flat, slots = self.state.flat, self.state.slots
        if isinstance(optimizer, Lloyd):
            assert isinstance(self.source, OwnRows)
            return MeanStep(optimizer, flat, slots, self.network.layers, self.source.evaluation)
        if isinstance(optimizer, LBFGS):
            loss = self.board.losses[0]
            return QuasiNewton(optimizer, flat, slots, self.gradient, loss, self._again)
        assert isinstance(optimizer, Elementwise)
        return Update(optimizer, flat, slots, self.gradient, self.columns, self.method.iterations)

    @np.errstate(all="ignore")  # what is not finite is looked for, and named
    def epoch(self, epoch: int, first: int, last: int, iteration: int) -> Epoch:
        state = self.state
        state.iteration = iteration
        if first == 0:
            state.loss_sum[:], state.rows_seen = 0, 0
        rate = norm = np.full(len(self.rates), np.nan)
        for rows in self.source.of_epoch(epoch, first, last):
            self.pause()
            rate = self._rate()
            loss = self._loss()
            self._require_finite("loss", loss, rate)
            state.last_loss[:] = loss
            norm = self._norm()
            self._require_finite("gradient", norm, rate)
            rounded = rate.astype(state.flat.dtype)[:, None]
            self.gradient.shorten(norm)
            own = self.update.apply(rounded, state.iteration + 1)
            self._average()
            self._require_finite("weights", self._sizes(own), rate)
            state.iteration += 1
            state.rows_seen += rows
            state.loss_sum += loss * rows
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
        return self._sum(self.board.losses, self.source.evaluate(self.state.iteration))

    def _again(self) -> None:
        """Loss and gradient of the same batch at other parameters, on the board."""
        self._loss()
        self.gradient.gather()

    def _norm(self) -> Array:
        """‖g‖₂ (R,) of the whole gradient, before clipping by norm."""
        return np.sqrt(self._sum(self.board.squares, self.gradient.gather()))

    def _sizes(self, own: Array) -> Array:
        """Finite numbers (R,) where all parameters of a replica are, from Σ θ² over own columns."""
        sizes = self._sum(self.board.sizes, own)
        if _all_finite(sizes):
            return sizes
        return np.abs(self.state.flat).max(axis=1)  # a square may overflow before its root does

    def _sum(self, parts: Array, own: Array) -> Array:
        """The sum over all members of what each of them puts into its row of `parts` (S,R)."""
        parts[self.member.rank] = own
        self.member.meet()
        return parts[0].copy() if len(parts) == 1 else np.add.reduce(parts, axis=0)

    def _average(self) -> None:
        """average ← Σ d^(t−i) θ_i / Σ d^(t−i) over the updates i ≤ t; the start has no share."""
        average, decay = self.state.average, self.method.ema
        if average is None or decay is None:
            return
        share = (1 - decay) / (1 - decay ** (self.state.iteration + 1))
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
        self.board.suspects[self.member.rank] = self.source.passed(bad)
        self.member.meet()
        first = int(self.board.suspects.min())
        if first < len(self.network.layers):
            return layer_at(self.network, first)
        layer = layer_of(self.network, self.board.grads[:, bad])
        return f"the gradient of {layer}" if layer else "the output"


def _all_finite(values: Array) -> bool:
    return all(map(math.isfinite, values.tolist()))
