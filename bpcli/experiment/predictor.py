"""A trained model in memory: from a table to predictions in the target's own units."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np

from bpcli.data.arrays import Tensors
from bpcli.data.features import Features
from bpcli.data.table import Table
from bpcli.data.targets.make import AnyTarget
from bpcli.data.targets.numbers import point
from bpcli.experiment.calibration import Calibrated
from bpcli.experiment.conformal import Conformal
from bpcli.metrics.metric import Floats
from bpcli.nn import room
from bpcli.nn.layer import Array
from bpcli.nn.losses.loss import Loss
from bpcli.nn.network import Network
from bpcli.nn.scoring import Scorer


class Predictor(NamedTuple):
    """Fitted preprocessing, and networks of one kind with their parameters (R,P)."""

    features: Features
    target: AnyTarget
    target_fitted: Tensors
    network: Network
    loss: Loss
    flat: Array

    def each(self, table: Table) -> Floats:
        """What each network says of every row, in float64: numbers (R,N,D), quantiles
        (R,N,D,levels) or probabilities (R,N,K)."""
        return self.each_of_inputs(self.features.encode(table))

    def each_of_inputs(self, x: Floats) -> Floats:
        """The same from encoded inputs x (N,I)."""
        score = Scorer(self.network, self.flat.astype(np.float64))
        return room.by_rows(x, lambda rows: self.from_scores(score(rows)), axis=1)

    def predict_inputs(self, x: Floats) -> Floats:
        """The mean over the networks (N,…)."""
        return mean_of(self.each_of_inputs(x))

    def from_scores(self, z: Array) -> Floats:
        """The predictions (R,N,…) that scores (R,N,O) stand for."""
        return np.stack([self._decoded(one) for one in self.loss.link(z.astype(np.float64))])

    def point_from_scores(self, z: Array) -> Floats:
        """One network's prediction (N,…) from its scores (1,N,O), the median of quantiles."""
        return point(self.from_scores(z)[0], self.loss.quantiles())

    def _decoded(self, linked: Floats) -> Floats:
        if levels := len(self.loss.quantiles()):
            linked = linked.reshape(len(linked), self.target.width, levels)
        return self.target.decode(linked, self.target_fitted)


class Ensemble(NamedTuple):
    """Predictors of one target, each with preprocessing of its own; their mean, calibrated,
    predicts.  One network is an ensemble of one."""

    parts: tuple[Predictor, ...]
    features: Features  # fitted on all rows that any part has learned from
    target: AnyTarget  # with the threshold of the calibrated probabilities
    calibration: Calibrated = Calibrated()
    conformal: Conformal | None = None

    @classmethod
    def of(cls, part: Predictor) -> Self:
        """A single part, whose probabilities are left as they are."""
        return cls((part,), part.features, part.target)

    @property
    def loss(self) -> Loss:
        """What all parts have learned."""
        return self.parts[0].loss

    @property
    def size(self) -> int:
        """The networks, over all parts."""
        return sum(len(part.flat) for part in self.parts)

    def each(self, table: Table) -> Floats:
        """What each network says of every row (R,N,…), in float64."""
        return np.concatenate([part.each(table) for part in self.parts])

    def each_of_inputs(self, inputs: Sequence[Floats]) -> Floats:
        """The same from the encoded inputs x (N,I) of each part."""
        pairs = zip(self.parts, inputs, strict=True)
        found = [part.each_of_inputs(x) for part, x in pairs]
        return found[0] if len(found) == 1 else np.concatenate(found)

    def together(self, each: Sequence[Floats] | Floats) -> Floats:
        """The prediction (N,…): the mean of what each network says, calibrated."""
        return self.calibration(self.loss.predicts, mean_of(each))


def mean_of(each: Sequence[Floats] | Floats) -> Floats:
    """The mean over the first axis, summed in its order whatever the other axes are: the mean of a
    row has the same bits alone and among others."""
    total = room.empty(each[0].shape, each[0].dtype)
    total[...] = each[0]
    for one in each[1:]:
        total += one
    total /= len(each)
    return total


def spread_of(each: Floats) -> Floats:
    """The standard deviation over the first axis (n − 1), summed like the mean."""
    squares = (each - mean_of(each)) ** 2
    spread: Floats = np.sqrt(mean_of(squares) * (len(each) / (len(each) - 1)))
    return spread
