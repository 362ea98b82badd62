"""How a network is trained, as the engine sees it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from bpcli.nn.losses.loss import Loss
from bpcli.nn.optimizers.optimizer import Optimizer
from bpcli.nn.schedules import Schedule
from bpcli.nn.update import Clip, Regularization


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
    regularization: Sequence[Regularization] = (Regularization(),)  # of each replica, or of all
    clip: Clip = Clip()
    ema: float | None = None  # decay of the running mean of the parameters
    parts: int = 1  # processes that compute each update together
    shards: int = 1  # parts of the rows whose gradients are computed apart
    sync_every: int = 1  # updates that a shard takes by itself until the parameters are averaged

    @property
    def gradients(self) -> int:
        """How many are added up in each update."""
        return max(self.parts, self.shards) if self.sync_every == 1 else self.parts

    def pick(self, replicas: Sequence[int]) -> Method:
        """The same for some of the replicas."""
        common = len(self.regularization) == 1
        own = self.regularization
        return self._replace(
            rates=[self.rates[r] for r in replicas],
            replicas=[self.replicas[r] for r in replicas],
            regularization=own if common else [own[r] for r in replicas],
        )
