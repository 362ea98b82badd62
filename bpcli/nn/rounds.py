"""Local SGD: each shard takes steps of its own, then the parameters are averaged.

θ_k ← θ_k − rate · step(dL_k/dθ) on the rows of shard k alone, n times from the common θ; then
θ ← Σ_k w_k θ_k, by the weight w_k of the rows that they were from.  Stich 2018, arXiv:1805.09767

What the optimizer remembers is averaged as θ is, so that between two rounds there is one state,
which is all that a checkpoint needs. A round ends with its epoch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from bpcli.nn.divergence import Diverged, layer_of
from bpcli.nn.layer import Array
from bpcli.nn.method import Method
from bpcli.nn.network import Network
from bpcli.nn.shards import Parts, Runs, ShardBatches, ShardGradients, Shards, Work, in_turn
from bpcli.nn.sources import OwnRows
from bpcli.nn.state import Saved, State
from bpcli.nn.stepper import Board, Epoch, Stepper
from bpcli.nn.team import ALONE


class Start(NamedTuple):
    """Where all shards begin a round."""

    saved: Saved
    rates: NDArray[np.float64]  # (R,), without the factor of time
    epoch: int
    batches: range


class Reached(NamedTuple):
    """Where a shard's own steps have led: parameters and slots (R,P) by their names."""

    arrays: Mapping[str, Array]
    loss: Array  # (R,), the mean over its rows, each taken before its step
    norm: Array  # (R,), ‖g‖₂ of its last step, before clipping by norm
    diverged: Diverged | None

    def kept(self) -> Self:
        """The same in arrays of its own."""
        return self._replace(arrays={name: one.copy() for name, one in self.arrays.items()})


class LocalSteps:
    """The steps of each shard, taken in this process."""

    def __init__(self, network: Network, method: Method, rows: Runs) -> None:
        alone = method._replace(shards=1, sync_every=1, parts=1)
        flat: Array = np.zeros((len(method.replicas), network.size), rows.dtype)
        memory = method.optimizer.memory(*flat.shape)
        slots = {name: np.zeros(shape, flat.dtype) for name, shape in memory.items()}
        self.state = State(flat, slots, np.zeros(len(flat)), np.zeros(len(flat)))
        self.batches = ShardBatches(Shards(method, rows))
        board = Board.of(network, alone, self.state)
        source = OwnRows(network, alone, flat, board.grads[0], self.batches)
        self.stepper = Stepper(network, alone, self.state, source, board, ALONE)

    def part(self, number: int, task: Start) -> Reached:
        """One shard's steps of a round; the next call writes over its arrays."""
        state, batches = self.state, task.batches
        state.restore(task.saved)
        self.batches.number, self.stepper.rates = number, task.rates
        loss: Array = np.zeros(len(state.flat))
        norm, diverged = loss, None  # of a shard without rows
        try:
            done = self.stepper.epoch(task.epoch, batches.start, batches.stop, state.iteration)
        except Diverged as error:
            diverged = error
        else:
            if state.rows_seen:
                loss, norm = done.loss, done.gradient_norm
        return Reached(_changed(state), loss, norm, diverged)


class Rounds:
    """The epochs of a training whose shards take `sync_every` steps each between two means."""

    def __init__(
        self,
        network: Network,
        method: Method,
        state: State,
        rows: Runs,
        pause: Callable[[], None] = lambda: None,
        elsewhere: Parts | None = None,
    ) -> None:
        self.network, self.method, self.state, self.pause = network, method, state, pause
        self.shards = Shards(method, rows)
        self.parts = elsewhere or in_turn(LocalSteps(network, method, rows), method.shards)
        self.moves = {name: np.empty_like(one) for name, one in _changed(state).items()}

    @np.errstate(all="ignore")  # what is not finite is looked for, and named
    def epoch(self, epoch: int, first: int, last: int, iteration: int) -> Epoch:
        state, norm = self.state, np.full(len(self.state.flat), np.nan)
        state.iteration = iteration
        if first == 0:
            state.loss_sum[:], state.rows_seen = 0, 0
        for batches in self._rounds(first, last):
            self.pause()
            norm = self._round(epoch, batches)
        factor = self.method.schedule.factor(state.iteration - 1, self.method.iterations)
        rate, loss = self._rates() * factor, state.loss_sum / state.rows_seen
        return Epoch(epoch + 1, state.iteration, rate, loss, norm)

    def _rounds(self, first: int, last: int) -> Iterator[range]:
        """The batches of each round; the last one of an epoch may have fewer."""
        while first < last:
            every = self.method.sync_every
            stop = min(last, (first // every + 1) * every)
            yield range(first, stop)
            first = stop

    def _round(self, epoch: int, batches: range) -> Array:
        """Average where the shards' own steps lead; returns the mean of ‖g‖₂ (R,)."""
        common, start = _changed(self.state), self._start(epoch, batches)
        for move in self.moves.values():
            move.fill(0)
        loss, norm = np.zeros((2, len(self.state.flat)))
        diverged: list[Diverged] = []
        reached: Reached
        weights = self.shards.weights(epoch, batches)
        for weight, reached in zip(weights, self.parts(start), strict=True):
            if reached.diverged is not None:
                diverged.append(reached.diverged)
            for name, move in self.moves.items():
                move += weight.astype(move.dtype)[:, None] * (reached.arrays[name] - common[name])
            loss, norm = loss + weight * reached.loss, norm + weight * reached.norm
        if diverged:
            raise min(diverged, key=lambda one: one.iteration)
        for name, array in common.items():
            array += self.moves[name]
        self._follow(batches, loss)
        return norm

    def _start(self, epoch: int, batches: range) -> Start:
        state = self.state
        sums = {"loss_sum": np.zeros_like(state.loss_sum), "last_loss": state.last_loss}
        counts = {"iteration": state.iteration, "rows_seen": 0}
        return Start(Saved(_changed(state) | sums, counts), self._rates(), epoch, batches)

    def _follow(self, batches: range, loss: Array) -> None:
        """Count what a round of mean `loss` (R,) was, and let the running mean follow."""
        state, rows = self.state, sum(self.shards.rows_of(batch) for batch in batches)
        if state.average is not None and self.method.ema is not None:
            kept, seen = self.method.ema ** len(batches), state.iteration + len(batches)
            share = (1 - kept) / (1 - self.method.ema**seen)
            state.average += share * (state.flat - state.average)
        state.iteration += len(batches)
        state.rows_seen += rows
        state.loss_sum += loss * rows
        state.last_loss[:] = loss
        lost = np.flatnonzero(~np.isfinite(state.flat).all(axis=1))
        if len(lost):
            r, place = int(lost[0]), layer_of(self.network, state.flat[lost[0]])
            rate = float(self._rates()[r])
            raise Diverged("weights", r, state.iteration, rate, float(loss[r]), place)

    def _rates(self) -> NDArray[np.float64]:
        """The learning rates (R,) of the round, without the factor of time."""
        learned = self.state.schedule.get("factor", np.ones(1))
        return np.array(self.method.rates, np.float64) * learned


def shard_work(network: Network, method: Method, rows: Runs) -> Work:
    """What is done in each shard, for any number of them."""
    kind = LocalSteps if method.sync_every > 1 else ShardGradients
    return kind(network, method, rows)


def _changed(state: State) -> dict[str, Array]:
    """What a step changes: parameters and slots."""
    return {"flat": state.flat, **{f"slots.{name}": slot for name, slot in state.slots.items()}}
