"""Rows that the weights never see, scored after each epoch with the weights of the moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from bpcli.experiment.stopping import Record
from bpcli.metrics.metric import Floats, Metric, Truth
from bpcli.nn import room
from bpcli.nn.batches import Rows, stacked
from bpcli.nn.layer import Array, Views
from bpcli.nn.losses.loss import Loss
from bpcli.nn.network import Network
from bpcli.nn.scoring import BLOCK, Scorer
from bpcli.nn.stepper import Epoch


class Validation(NamedTuple):
    """The rows x (1,N,I) and loss targets t (1,N,O) of a replica, and the truth for a metric."""

    x: Array
    t: Array
    truth: Truth
    metric: Metric
    predict: Callable[[Array], Floats]  # from scores (1,N,O) to what the metric reads

    @property
    def rows(self) -> Rows:
        """Inputs and targets, as training rows have them."""
        return Rows(self.x, self.t)


class Validator:
    """Loss and metric of each replica, on rows of its own or on those that all share."""

    def __init__(
        self, network: Network, loss: Loss, validations: Sequence[Validation], flat: Array
    ) -> None:
        self.loss, self.validations = loss, validations
        self.x = stacked([one.x for one in validations])
        self.t = stacked([one.t for one in validations])
        n, dtype = self.x.shape[1], flat.dtype
        self.scorer = Scorer(network, flat, min(BLOCK, n))
        (width,) = network.out_shape
        shapes = loss.scratch(width)
        work = {k: room.empty((len(flat), n, *s), dtype) for k, s in shapes.items()}
        self.scratch = Views(**work)
        self.c = np.full((1, 1, 1), 1 / n, dtype)
        self.z: Array = np.empty(0)

    @np.errstate(all="ignore")  # scores on the way to divergence may be infinite
    def losses(self) -> list[float]:
        """The loss of each replica with the weights of the moment."""
        self.z = self.scorer(self.x)
        losses: list[float] = self.loss.value(self.z, self.t, self.c, self.scratch).tolist()
        return losses

    @np.errstate(all="ignore")
    def metric(self, replica: int) -> float | None:
        """The metric of a replica with the weights that the losses were last asked for."""
        own = self.validations[replica]
        return own.metric.value(own.truth, own.predict(self.z[replica : replica + 1]))


def record_of(
    epoch: Epoch,
    replica: int,
    loss: float | None,
    metric: float | None,
    seconds: float,
    member: int,
) -> Record:
    """The line of the history that an epoch adds for one of its replicas."""
    return Record(
        epoch.epoch,
        epoch.iteration,
        float(epoch.rate[replica]),
        float(epoch.loss[replica]),
        loss,
        metric,
        float(epoch.gradient_norm[replica]),
        seconds,
        member,
    )
