"""A trained model in memory: from a table to predictions in the target's own units."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bpcli.data.arrays import Tensors
from bpcli.data.features import Features
from bpcli.data.table import Table
from bpcli.data.target import ClassTarget, RegressionTarget
from bpcli.metrics.metric import Floats
from bpcli.nn.layer import Array
from bpcli.nn.losses.loss import Loss
from bpcli.nn.network import Network
from bpcli.nn.scoring import Scorer


class Predictor(NamedTuple):
    """Fitted preprocessing, a network and its parameters (R,P); R networks predict their mean."""

    features: Features
    target: RegressionTarget | ClassTarget
    target_fitted: Tensors
    network: Network
    loss: Loss
    flat: Array

    def predict(self, table: Table) -> Floats:
        """Values (N,1) or class probabilities (N,K) of every row, computed in float64."""
        return self.predict_inputs(self.features.encode(table))

    def predict_inputs(self, x: Floats) -> Floats:
        """The same from encoded inputs x (N,I)."""
        return self.from_scores(Scorer(self.network, self.flat.astype(np.float64))(x))

    def from_scores(self, z: Array) -> Floats:
        """The prediction that scores (R,N,O) stand for."""
        linked: Floats = self.loss.link(z.astype(np.float64)).mean(axis=0)
        if isinstance(self.target, RegressionTarget):
            return self.target.decode(linked, self.target_fitted)
        if linked.shape[1] == 1:  # one score tells two classes apart: it is that of the second
            return np.concatenate([1 - linked, linked], axis=1)
        return linked
