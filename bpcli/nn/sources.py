"""Where an update's loss and gradient come from: a member's own rows, or shards of all rows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bpcli.nn.batches import Batch, Batches, Rows
from bpcli.nn.divergence import layers_passed
from bpcli.nn.evaluation import Evaluation
from bpcli.nn.layer import Array
from bpcli.nn.method import Method
from bpcli.nn.network import Network
from bpcli.nn.shards import Gradients, Moment, Shards
from bpcli.nn.team import Member


class OwnRows:
    """The rows that a member of a team has of each batch; it evaluates them itself."""

    def __init__(
        self, network: Network, method: Method, flat: Array, grad: Array, rows: Rows, member: Member
    ) -> None:
        self.evaluation = Evaluation(network, method, flat, grad)
        self.batches = Batches(rows, method.batch_size, method.seed, member)
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

    def __init__(
        self, shards: Shards, flat: Array, grads: Array, elsewhere: Gradients | None
    ) -> None:
        self.shards, self.flat, self.grads = shards, flat, grads
        self.gradients = elsewhere or shards.in_turn
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
        moment = Moment(self.epoch, self.batch, iteration)
        for place, part in zip(self.grads, self.gradients(self.flat, moment), strict=True):
            np.copyto(place, part.grad)
            loss += part.loss
            self.layers.append(part.passed)
        return loss

    def passed(self, replica: int) -> int:
        """As of own rows."""
        return min(layers[replica] for layers in self.layers)
