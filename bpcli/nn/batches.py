"""Mini-batches: which rows stand in each, and in what order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli.nn import room
from bpcli.nn.layer import Array
from bpcli.nn.random import Purpose, generator
from bpcli.nn.team import ROWS, Member

Ints = NDArray[np.int64]
Numbers = NDArray[np.integer[Any]]  # of rows


class Rows(NamedTuple):
    """Training rows: x (1|R,N,I), targets t (1|R,N,O), row weights c (1|R,N,1) or None for equal.

    The leading axis is R where replicas see different rows, and 1 where they share them.
    """

    x: Array
    t: Array
    c: Array | None = None

    @classmethod
    def stacked(cls, own: Sequence[Rows]) -> Rows:
        """The rows of replicas that each have theirs, or share them."""
        c = None if own[0].c is None else stacked([rows.c for rows in own if rows.c is not None])
        return cls(stacked([rows.x for rows in own]), stacked([rows.t for rows in own]), c)

    @property
    def size(self) -> int:
        """N, how many there are."""
        return self.x.shape[1]

    @property
    def dtype(self) -> np.dtype[np.floating[Any]]:
        """The type of their numbers."""
        return self.x.dtype

    def run(self, own: slice) -> tuple[Array, Array]:
        """x and t of some rows that stand one behind the other, as views."""
        return self.x[:, own], self.t[:, own]

    def pick(self, replicas: Sequence[int]) -> Rows:
        """The rows of some of the replicas, in arrays of their own where they are not shared."""
        x, t = (a if len(a) == 1 else a[list(replicas)] for a in (self.x, self.t))
        c = self.c if self.c is None or len(self.c) == 1 else self.c[list(replicas)]
        return Rows(x, t, c)


def stacked(own: Sequence[Array]) -> Array:
    """(1|R,N,…) from the rows (1,N,…) of each replica; those that all share are no copy."""
    return own[0] if all(one is own[0] for one in own) else np.concatenate(own)


class Batch(NamedTuple):
    """One member's part of a mini-batch; its weights c (1|R,B,1) sum to 1 over the whole batch."""

    x: Array
    t: Array
    c: Array
    rows: int  # of the whole batch
    first: int  # the part's first row in it


class Batches:
    """Mini-batches in an order that is a function of (seed, epoch), shared by all replicas.

    Rows are gathered for many batches at a time, so that a step only takes views.
    """

    GATHER = 1 << 18  # numbers gathered at once: stays in a core's cache

    def __init__(self, rows: Rows, size: int, seed: int, member: Member) -> None:
        self.rows, self.size, self.seed, self.member = rows, size, seed, member
        self.n = rows.x.shape[1]
        numbers = room.AT_ONCE if room.is_open() else self.GATHER
        self.at_once = max(1, numbers // max(1, rows.x[:, 0].size * size)) * size
        gathered = 0 if size >= self.n else min(self.at_once, self.n)
        self.buffers = [
            np.empty((len(a), gathered, *a.shape[2:]), a.dtype) for a in (rows.x, rows.t)
        ]

    def order(self, epoch: int) -> Numbers:
        """The rows in the order of an epoch; full-batch gradient descent takes that of the file."""
        kind = np.uint32 if self.n < 1 << 32 else np.int64
        order: Numbers = np.arange(self.n, dtype=kind)
        if self.size < self.n:
            generator(self.seed, Purpose.SHUFFLE, epoch).shuffle(order)
        return order

    def of_epoch(self, epoch: int, first: int, last: int) -> Iterator[Batch]:
        """The batches number `first` to `last` − 1."""
        if self.size >= self.n:  # full-batch gradient descent: every row, in the order of the file
            own = self.member.part(self.n, ROWS)
            x, t = self.rows.x[:, own], self.rows.t[:, own]
            yield Batch(x, t, self._weights(self.order(epoch), own), self.n, own.start)
            return
        order = self.order(epoch)
        end = min(last * self.size, self.n)
        done = first * self.size
        # From the middle of an epoch on, the rows gathered at once are those of a whole epoch.
        for start in range(done // self.at_once * self.at_once, end, self.at_once):
            batches = self._cut(order[start : min(start + self.at_once, end)])
            yield from islice(batches, max(0, done - start) // self.size, None)

    def _cut(self, chunk: Numbers) -> Iterator[Batch]:
        """The batches of rows that stand one behind the other."""
        wholes = [chunk[at : at + self.size] for at in range(0, len(chunk), self.size)]
        cuts = [self.member.part(len(whole), ROWS) for whole in wholes]
        x, t = self._gather(np.concatenate([w[own] for w, own in zip(wholes, cuts, strict=True)]))
        stop = 0
        for whole, own in zip(wholes, cuts, strict=True):
            start, stop = stop, stop + own.stop - own.start
            c = self._weights(whole, own)
            yield Batch(x[:, start:stop], t[:, start:stop], c, len(whole), own.start)

    def _gather(self, rows: Numbers) -> list[Array]:
        return [
            room.take(source, rows, buffer[:, : len(rows)], axis=1)
            for source, buffer in zip((self.rows.x, self.rows.t), self.buffers, strict=True)
        ]

    def _weights(self, whole: Numbers, own: slice) -> Array:
        if self.rows.c is None:
            return np.full((1, 1, 1), 1 / len(whole), self.rows.x.dtype)
        # Unlike c[:, whole], `take` lays the rows of a replica one behind the other, however many
        # replicas there are: the sum below then has one order.
        c = self.rows.c.take(whole, axis=1)
        total = c.sum(axis=1, keepdims=True)
        return np.divide(c, total, out=np.zeros_like(c), where=total > 0)[:, own]
