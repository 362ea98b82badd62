"""Where an update's loss and gradient come from: own rows, or shards of all rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np

from bpcli.nn.batches import Batch, Batches, Rows
from bpcli.nn.divergence import layers_passed
from bpcli.nn.evaluation import Evaluation
from bpcli.nn.layer import Array
from bpcli.nn.method import Method
from bpcli.nn.network import Network
from bpcli.nn.shards import At, Moment, Part, Parts, ShardGradients, Shards, in_turn
from bpcli.nn.team import Member


class OfEpoch(Protocol):
    """Batches of rows."""

    def of_epoch(self, epoch: int, first: int, last: int) -> Iterator[Batch]:
        """The batches number `first` to `last` − 1 of an epoch."""
        ...


class OwnRows:
    """Rows of one's own, which are evaluated here: a part of each batch, or of one shard."""

    def __init__(
        self, network: Network, method: Method, flat: Array, grad: Array, batches: OfEpoch
    ) -> None:
        self.evaluation = Evaluation(network, method, flat, grad)
        self.batches = batches
        self.batch: Batch

    def of_epoch(self, epoch: int, first: int, last: int) -> Iterator[int]:
        """The sizes of the batches `first` to `last` − 1, each taken when it is its turn."""
        for batch in self.batches.of_epoch(epoch, first, last):
            self.batch = batch
            yield batch.rows

    def evaluate(self, iteration: int) -> Array:
        """The share of L (R,) of the rows taken; their gradient is written where it belongs."""
        return self.evaluation(self.batch, iteration)

    def passed(self, replica: int) -> int:
        """Layers until the numbers of the last rows are not finite."""
        return layers_passed(self.evaluation.last_scratch, replica)


class AllShards:
    """All shards of the rows, whose gradients (S,R,P) are computed in turn, or elsewhere."""

    def __init__(self, shards: Shards, parts: Parts, flat: Array, grads: Array) -> None:
        self.shards, self.parts, self.flat, self.grads = shards, parts, flat, grads
        self.epoch = self.batch = 0
        self.layers: list[list[int]] = []

    def of_epoch(self, epoch: int, first: int, last: int) -> Iterator[int]:
        """As of own rows."""
        for self.batch in range(first, last):
            self.epoch = epoch
            yield self.shards.rows_of(self.batch)

    def evaluate(self, iteration: int) -> Array:
        """L (R,) of the batch; each shard's gradient is written into its place."""
        loss, self.layers = np.zeros(len(self.flat)), []
        at = At(self.flat, Moment(self.epoch, self.batch, iteration))
        part: Part
        for place, part in zip(self.grads, self.parts(at), strict=True):
            np.copyto(place, part.grad)
            loss += part.loss
            self.layers.append(part.passed)
        return loss

    def passed(self, replica: int) -> int:
        """As of own rows."""
        return min(layers[replica] for layers in self.layers)


def source_of(
    network: Network,
    method: Method,
    rows: Rows,
    flat: Array,
    grads: Array,
    member: Member,
    elsewhere: Parts | None = None,
) -> OwnRows | AllShards:
    """What a member of a team evaluates at `flat`, into its places of `grads` (S,R,P)."""
    if method.shards > 1:
        parts = elsewhere or in_turn(ShardGradients(network, method, rows), method.shards)
        return AllShards(Shards(method, rows), parts, flat, grads)
    batches = Batches(rows, method.batch_size, method.seed, member)
    return OwnRows(network, method, flat, grads[member.rank], batches)
