"""A trained model in memory: from a table to predictions in the target's own units."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bpcli.data.arrays import Tensors
from bpcli.data.features import Features
from bpcli.data.table import Table
from bpcli.data.targets.make import AnyTarget
from bpcli.data.targets.numbers import point
from bpcli.metrics.metric import Floats
from bpcli.nn.layer import Array
from bpcli.nn.losses.loss import Loss
from bpcli.nn.network import Network
from bpcli.nn.scoring import Scorer


class Predictor(NamedTuple):
    """Fitted preprocessing, a network and its parameters (R,P); R networks predict their mean."""

    features: Features
    target: AnyTarget
    target_fitted: Tensors
    network: Network
    loss: Loss
    flat: Array

    def predict(self, table: Table) -> Floats:
        """Numbers (N,D), quantiles (N,D,levels) or probabilities (N,K) of every row, in float64."""
        return self.predict_inputs(self.features.encode(table))

    def predict_inputs(self, x: Floats) -> Floats:
        """The same from encoded inputs x (N,I)."""
        return self.from_scores(Scorer(self.network, self.flat.astype(np.float64))(x))

    def from_scores(self, z: Array) -> Floats:
        """The prediction that scores (R,N,O) stand for."""
        linked: Floats = self.loss.link(z.astype(np.float64)).mean(axis=0)
        if levels := len(self.loss.quantiles()):
            linked = linked.reshape(len(linked), self.target.width, levels)
        return self.target.decode(linked, self.target_fitted)

    def point_from_scores(self, z: Array) -> Floats:
        """The same with the median in place of quantiles."""
        return point(self.from_scores(z), self.loss.quantiles())
