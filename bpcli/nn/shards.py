"""Shards: fixed parts of the training rows, whose gradients may be computed anywhere.

Each update takes its rows from every shard, in an order that is the shard's own, and adds the
gradients in the order of the shards. So the result depends on the number of shards, and on no
number of processes or machines, nor on which of them is faster.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from bpcli.nn.batches import Batch, Ints, Rows
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


class Part(NamedTuple):
    """What a shard adds to an update: its share of L (R,), and of the gradient (R,P)."""

    loss: Array
    grad: Array
    passed: list[int]  # layers, of each replica, until numbers are not finite


Gradients = Callable[[Array, Moment], Iterable[Part]]  # of θ (R,P), in the order of the shards


class Shards:
    """The shards of some training rows, evaluated in this process."""

    def __init__(self, network: Network, method: Method, rows: Rows) -> None:
        self.network, self.method, self.rows = network, method, rows
        self.parts = _parts(rows.x.shape[1], method.shards)
        most = -(-method.batch_size // method.shards)
        self.room = -(-most // ROWS) * ROWS  # rows between two shards: noise goes by the row
        self.flat = np.empty((len(method.replicas), network.size), rows.x.dtype)
        self.grad = np.empty_like(self.flat)
        self.evaluation = Evaluation(network, method, self.flat, self.grad)
        self.ordered, self.orders = -1, dict[int, Ints]()  # the epoch, and its order of each shard

    def in_turn(self, flat: Array, moment: Moment) -> Iterator[Part]:
        """All parts of an update, one after another."""
        for number in range(self.method.shards):
            yield self.part(number, flat, moment)

    @np.errstate(all="ignore")  # what is not finite is looked for
    def part(self, number: int, flat: Array, moment: Moment) -> Part:
        """One shard's part; the next call writes over its gradient."""
        np.copyto(self.flat, flat)
        loss = self.evaluation(self._batch(number, moment), moment.iteration)
        if np.isfinite(loss).all() and np.isfinite(self.grad).all():
            return Part(loss, self.grad, [len(self.network.layers)] * len(flat))
        last = self.evaluation.last_scratch
        return Part(loss, self.grad, [layers_passed(last, r) for r in range(len(flat))])

    def rows_of(self, batch: int) -> int:
        """The rows of a batch, over all shards."""
        size = self.method.batch_size
        return min(size, self.rows.x.shape[1] - batch * size)

    def _batch(self, number: int, moment: Moment) -> Batch:
        own = self._chosen(number, moment)
        x, t = self.rows.x.take(own, axis=1), self.rows.t.take(own, axis=1)
        c, rows = self._weights(own, moment), self.rows_of(moment.batch)
        return Batch(x, t, c, rows, number * self.room)

    def _weights(self, own: Ints, moment: Moment) -> Array:
        """c (1|R,B,1) of rows of a batch, whose weights sum to 1 over all shards."""
        if self.rows.c is None:
            return np.full((1, 1, 1), 1 / self.rows_of(moment.batch), self.rows.x.dtype)
        every = [self._chosen(number, moment) for number in range(self.method.shards)]
        total = self.rows.c.take(np.concatenate(every), axis=1).sum(axis=1, keepdims=True)
        c = self.rows.c.take(own, axis=1)
        return np.divide(c, total, out=np.zeros_like(c), where=total > 0)

    def _chosen(self, number: int, moment: Moment) -> Ints:
        """The training rows that a shard has in a batch."""
        within = self._within(number, moment.batch)
        return self._order(number, moment.epoch)[within.start : within.stop]

    def _order(self, number: int, epoch: int) -> Ints:
        """The rows of a shard in the order of an epoch, kept until another epoch is asked for."""
        if self.ordered != epoch:
            self.ordered, self.orders = epoch, {}
        if number not in self.orders:
            own = self.parts[number]
            order = np.arange(own.start, own.stop)
            if self.method.batch_size < self.rows.x.shape[1]:  # else that of the file
                generator(self.method.seed, Purpose.SHUFFLE, epoch, number).shuffle(order)
            self.orders[number] = order
        return self.orders[number]

    def _within(self, number: int, batch: int) -> range:
        """The places of a batch's rows in the order of a shard: row j of shard k is j S + k in the
        order of the epoch, so every batch has its rows from all shards in turn."""
        shards, first = self.method.shards, batch * self.method.batch_size
        last = first + self.rows_of(batch)
        return range(-((number - first) // shards), -((number - last) // shards))


def _parts(n: int, shards: int) -> list[slice]:
    """n rows in runs of as many, the first ones with one more where that does not come out."""
    small, more = divmod(n, shards)
    ends = [number * small + min(number, more) for number in range(shards + 1)]
    return [slice(*both) for both in pairwise(ends)]
