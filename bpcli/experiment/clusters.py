"""What trained centres come to: the run that is kept, the cluster of every row, and how good."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np

from bpcli.data.arrays import Ints
from bpcli.data.features import Features
from bpcli.data.prepare import Prepared
from bpcli.data.split import SET_NAMES, TEST, TRAIN
from bpcli.experiment.members import Members
from bpcli.experiment.predictor import Ensemble
from bpcli.experiment.problem import LearningProblem
from bpcli.metrics.clusters import Clustered, cluster_scores
from bpcli.metrics.metric import Floats
from bpcli.nn.layer import Array

Scores = dict[str, dict[str, float]]  # by set
ONE = "one cluster, the mean of the training rows"


class Clusters(NamedTuple):
    """The clusters of the best of several trainings."""

    ensemble: Ensemble  # of one network
    kept: int  # the training that is the best, from 0
    losses: list[float]  # of each: the mean over the training rows, by their weights
    distances: Floats  # (N,K) of every row of the table to every centre
    centres: Floats  # (K,D), in the units of the inputs as the network sees them

    @classmethod
    def of(cls, members: Members, weights: Sequence[Array]) -> Self:
        """Of the parameters (1,P) that each training ended with; the lowest loss is kept."""
        problem = members.problem
        losses = [_loss(problem, one) for one in weights]
        kept = int(np.argmin(losses))
        predictor = problem.predictor(weights[kept])
        distances = predictor.predict_inputs(problem.prepared.x)
        centres = problem.network.views(weights[kept])[-1].W[0].T.astype(np.float64)
        return cls(Ensemble.of(predictor), kept, losses, distances, centres)

    @property
    def labels(self) -> Ints:
        """The cluster of every row of the table, from 0."""
        nearest: Ints = self.distances.argmin(axis=1)
        return nearest

    def sizes(self, prepared: Prepared) -> list[int]:
        """The training rows of each cluster."""
        labels = self.labels[prepared.rows(TRAIN)]
        sizes: list[int] = np.bincount(labels, minlength=len(self.centres)).tolist()
        return sizes

    def scores(self, prepared: Prepared) -> Scores:
        """Every metric of the training and test rows."""
        return {
            name: cluster_scores(Clustered(prepared.x[rows], self.distances[rows], groups))
            for name, rows, groups in _sets(prepared)
        }


def _loss(problem: LearningProblem, flat: Array) -> float:
    """The inertia of a training row, by the rows' weights."""
    prepared = problem.prepared
    rows = prepared.rows(TRAIN)
    nearest = problem.predictor(flat).predict_inputs(prepared.x[rows]).min(axis=1)
    c = None if prepared.weights is None else prepared.weights[rows]
    return float(np.average(nearest**2, weights=c))


def one_cluster(prepared: Prepared) -> Scores:
    """What is to be beaten: all rows in one cluster around the mean of the training rows."""
    centre = prepared.x[prepared.rows(TRAIN)].mean(axis=0)
    away = np.linalg.norm(prepared.x - centre, axis=1)[:, None]
    return {
        name: cluster_scores(Clustered(prepared.x[rows], away[rows], groups))
        for name, rows, groups in _sets(prepared)
    }


def _sets(prepared: Prepared) -> list[tuple[str, Ints, Ints]]:
    """Name, rows and their known groups of each set that has rows."""
    groups = prepared.target.truth(prepared.table).astype(np.int64)
    sets = ((SET_NAMES[which], prepared.rows(which)) for which in (TRAIN, TEST))
    return [(name, rows, groups[rows]) for name, rows in sets if len(rows)]


def in_raw_units(features: Features, centres: Floats) -> Floats:
    """Centres (K,I) with the numbers in the units of the table; other inputs as they are encoded:
    0 and 1 of a category, whose mean is a share, −1 and 1 of a flag."""
    raw, scaler = centres.copy(), features.layout.scaler
    fitted = {name: features.fitted[f"feature.{name}"] for name in scaler.tensors()}
    scaled = len(features.layout.scaled)
    raw[:, :scaled] = scaler.invert(raw[:, :scaled], fitted)
    return raw
