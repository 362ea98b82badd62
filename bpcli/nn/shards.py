"""Shards: fixed parts of the training rows, whose gradients may be computed anywhere.

Each update takes its rows from every shard, in an order that is the shard's own, and what the
shards make of it is added in their order. So the result depends on the number of shards, and on no
number of processes or machines, nor on which of them is faster.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple, Protocol, Self

import numpy as np

from bpcli.nn.batches import Batch, Ints
from bpcli.nn.divergence import layers_passed
from bpcli.nn.evaluation import Evaluation
from bpcli.nn.layer import Array
from bpcli.nn.method import Method
from bpcli.nn.network import Network
from bpcli.nn.random import Purpose, generator
from bpcli.nn.team import ROWS


class Moment(NamedTuple):
    """Which update it is: the epoch, the batch in it, and the updates before."""

    epoch: int
    batch: int
    iteration: int


class At(NamedTuple):
    """Where a gradient is asked for: the parameters (R,P), and the batch."""

    flat: Array
    moment: Moment


class Part(NamedTuple):
    """What a shard adds to an update: its share of L (R,), and of the gradient (R,P)."""

    loss: Array
    grad: Array
    passed: list[int]  # layers, of each replica, until numbers are not finite

    def kept(self) -> Self:
        """The same in arrays of its own."""
        return self._replace(grad=self.grad.copy())


class Runs(Protocol):
    """Training rows of which a shard may be had without the others; `Rows` are such."""

    @property
    def size(self) -> int:
        """N, how many there are."""
        ...

    @property
    def dtype(self) -> np.dtype[np.floating[Any]]:
        """The type of their numbers."""
        ...

    @property
    def c(self) -> Array | None:
        """The weights of all rows (1|R,N,1); None for equal ones."""
        ...

    def run(self, own: slice) -> tuple[Array, Array]:
        """x (1|R,B,I) and t (1|R,B,O) of the rows of a shard."""
        ...


class Work(Protocol):
    """What is done in each shard."""

    def part(self, number: int, task: Any) -> Any:
        """What a shard makes of a task; the next call may write over it."""
        ...


Parts = Callable[[Any], Iterable[Any]]  # what the shards make of a task, in their order


def in_turn(work: Work, shards: int) -> Parts:
    """The work done in this process, one shard after another."""
    return lambda task: (work.part(number, task) for number in range(shards))


class Shards:
    """The shards of some training rows, and the batches of each."""

    def __init__(self, method: Method, rows: Runs) -> None:
        self.method, self.rows = method, rows
        self.parts = runs_of(rows.size, method.shards)
        most = -(-method.batch_size // method.shards)
        self.room = -(-most // ROWS) * ROWS  # rows between two shards: noise goes by the row
        self.ordered, self.orders = -1, dict[int, Ints]()  # the epoch, and its order of each shard

    def rows_of(self, batch: int) -> int:
        """The rows of a batch, over all shards."""
        size = self.method.batch_size
        return min(size, self.rows.size - batch * size)

    def share(self, number: int, epoch: int, batch: int) -> Batch:
        """A shard's rows of a batch, whose weights sum to 1 over all shards."""
        own, rows = self._chosen(number, epoch, batch), self.rows_of(batch)
        every = [own]
        if self.rows.c is not None:
            every = [self._chosen(k, epoch, batch) for k in range(self.method.shards)]
        return self._batch(number, own, self._weights(own, np.concatenate(every), rows), rows)

    def alone(self, number: int, epoch: int, batch: int) -> Batch:
        """The same rows as a batch by themselves, with weights that sum to 1 over them."""
        own = self._chosen(number, epoch, batch)
        return self._batch(number, own, self._weights(own, own, len(own)), len(own))

    def weights(self, epoch: int, batches: range) -> Array:
        """What each shard's rows of some batches weigh together, as shares of 1 (S,1|R)."""
        sums = np.array([self._weight(k, epoch, batches) for k in range(self.method.shards)])
        total = sums.sum(axis=0)
        return np.divide(sums, total, out=np.zeros_like(sums), where=total > 0)

    def _weight(self, number: int, epoch: int, batches: range) -> Array:
        own = np.concatenate([self._chosen(number, epoch, batch) for batch in batches])
        if self.rows.c is None:
            return np.array([len(own)], np.float64)
        weight: Array = self.rows.c.take(own, axis=1).sum(axis=(1, 2), dtype=np.float64)
        return weight

    def _batch(self, number: int, own: Ints, c: Array, rows: int) -> Batch:
        run = self.parts[number]
        x, t = (array.take(own - run.start, axis=1) for array in self.rows.run(run))
        return Batch(x, t, c, rows, number * self.room)

    def _weights(self, own: Ints, every: Ints, rows: int) -> Array:
        """c (1|R,B,1) of own rows among `every` one that the weights sum to 1 over."""
        if self.rows.c is None:
            return np.full((1, 1, 1), 1 / max(rows, 1), self.rows.dtype)
        total = self.rows.c.take(every, axis=1).sum(axis=1, keepdims=True)
        c = self.rows.c.take(own, axis=1)
        return np.divide(c, total, out=np.zeros_like(c), where=total > 0)

    def _chosen(self, number: int, epoch: int, batch: int) -> Ints:
        """The training rows that a shard has in a batch."""
        within = self._within(number, batch)
        return self._order(number, epoch)[within.start : within.stop]

    def _order(self, number: int, epoch: int) -> Ints:
        """The rows of a shard in the order of an epoch, kept until another epoch is asked for."""
        if self.ordered != epoch:
            self.ordered, self.orders = epoch, {}
        if number not in self.orders:
            own = self.parts[number]
            order = np.arange(own.start, own.stop)
            if self.method.batch_size < self.rows.size:  # else that of the file
                generator(self.method.seed, Purpose.SHUFFLE, epoch, number).shuffle(order)
            self.orders[number] = order
        return self.orders[number]

    def _within(self, number: int, batch: int) -> range:
        """The places of a batch's rows in the order of a shard: row j of shard k is j S + k in the
        order of the epoch, so every batch has its rows from all shards in turn."""
        shards, first = self.method.shards, batch * self.method.batch_size
        last = first + self.rows_of(batch)
        return range(-((number - first) // shards), -((number - last) // shards))


class ShardGradients:
    """The gradient of each shard's rows, computed in this process."""

    def __init__(self, network: Network, method: Method, rows: Runs) -> None:
        self.network, self.shards = network, Shards(method, rows)
        self.flat = np.empty((len(method.replicas), network.size), rows.dtype)
        self.grad = np.empty_like(self.flat)
        self.evaluation = Evaluation(network, method, self.flat, self.grad)

    @np.errstate(all="ignore")  # what is not finite is looked for
    def part(self, number: int, task: At) -> Part:
        """One shard's part; the next call writes over its gradient."""
        flat, (epoch, batch, iteration) = task
        np.copyto(self.flat, flat)
        loss = self.evaluation(self.shards.share(number, epoch, batch), iteration)
        if np.isfinite(loss).all() and np.isfinite(self.grad).all():
            return Part(loss, self.grad, [len(self.network.layers)] * len(flat))
        last = self.evaluation.last_scratch
        return Part(loss, self.grad, [layers_passed(last, r) for r in range(len(flat))])


class ShardBatches:
    """The batches of one shard, which trains on them alone."""

    def __init__(self, shards: Shards) -> None:
        self.shards, self.number = shards, 0

    def of_epoch(self, epoch: int, first: int, last: int) -> Iterator[Batch]:
        """The batches number `first` to `last` − 1, without one that has no row of the shard."""
        for at in range(first, last):
            batch = self.shards.alone(self.number, epoch, at)
            if batch.rows:
                yield batch


def runs_of(n: int, shards: int) -> list[slice]:
    """n rows as a run for each shard; the first ones have one more where that does not come out."""
    small, more = divmod(n, shards)
    ends = [number * small + min(number, more) for number in range(shards + 1)]
    return [slice(*both) for both in pairwise(ends)]
