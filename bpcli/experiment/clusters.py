"""What trained centres come to: the run that is kept, the cluster of every row, and how good."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np

from bpcli.data.arrays import Ints
from bpcli.data.features import Features
from bpcli.data.prepare import Prepared
from bpcli.data.split import SET_NAMES, TEST, TRAIN
from bpcli.experiment.embedding import decoded, embedded
from bpcli.experiment.kmeans import lowest, nearest
from bpcli.experiment.predictor import Ensemble, Predictor
from bpcli.experiment.problem import LearningProblem
from bpcli.metrics.clusters import Clustered, cluster_scores
from bpcli.metrics.metric import Floats
from bpcli.nn import latent
from bpcli.nn.layer import Array

Scores = dict[str, dict[str, float]]  # by set
ONE = "one cluster, the mean of the training rows"
PLAIN = (
    "plain, best of 20 starts: on the scaled columns, and on the latent numbers before clusters "
    "began; ari and nmi may be compared, the others are measured where the centres are"
)
ON_COLUMNS = "k-means, columns"
ON_EMBEDDING = "k-means, latent"


class Clusters(NamedTuple):
    """The clusters of the best of several trainings."""

    ensemble: Ensemble  # of one network
    kept: int  # the training that is the best, from 0
    losses: list[float]  # of each: the mean over the training rows, by their weights
    points: Floats  # (N,D), the rows of the table where the centres are: inputs, or latent numbers
    distances: Floats  # (N,K) of every row of the table to every centre
    centres: Floats  # (K,D)

    @classmethod
    def of(cls, problem: LearningProblem, weights: Sequence[Array]) -> Self:
        """Of the parameters (1,P) that each training ended with; the lowest loss is kept."""
        losses = [_loss(problem, one) for one in weights]
        kept = int(np.argmin(losses))
        predictor = problem.predictor(weights[kept])
        x = problem.prepared.x
        return cls(
            Ensemble.of(predictor),
            kept,
            losses,
            embedded(predictor, x),
            predictor.predict_inputs(x),
            latent.centres(problem.network, weights[kept])[0].astype(np.float64),
        )

    @property
    def labels(self) -> Ints:
        """The cluster of every row of the table, from 0."""
        found: Ints = self.distances.argmin(axis=1)
        return found

    @property
    def middles(self) -> Floats:
        """The inputs (K,I) that the centres stand for."""
        return decoded(self.ensemble.parts[0], self.centres)

    def sizes(self, prepared: Prepared) -> list[int]:
        """The training rows of each cluster."""
        labels = self.labels[prepared.rows(TRAIN)]
        sizes: list[int] = np.bincount(labels, minlength=len(self.centres)).tolist()
        return sizes

    def scores(self, prepared: Prepared) -> Scores:
        """Every metric of the training and test rows."""
        return scores_of(prepared, self.points, self.distances)


def _loss(problem: LearningProblem, flat: Array) -> float:
    """The inertia of a training row, by the rows' weights."""
    prepared = problem.prepared
    rows = prepared.rows(TRAIN)
    least = problem.predictor(flat).predict_inputs(prepared.x[rows]).min(axis=1)
    c = None if prepared.weights is None else prepared.weights[rows]
    return float(np.average(least**2, weights=c))


def one_cluster(prepared: Prepared) -> Scores:
    """What is to be beaten: all rows in one cluster around the mean of the training rows."""
    centre = prepared.x[prepared.rows(TRAIN)].mean(axis=0)
    away = np.linalg.norm(prepared.x - centre, axis=1)[:, None]
    return scores_of(prepared, prepared.x, away)


def plain_clusters(problem: LearningProblem, start: Predictor) -> dict[str, Scores]:
    """What stands beside deep clusters: K-means, best of 20, on the columns and on what the
    autoencoder had made of them when its clusters began."""
    prepared = problem.prepared
    rows, k = prepared.rows(TRAIN), len(latent.centres(start.network, start.flat)[0])
    centres = lowest(prepared.x[rows], k, problem.config.seed)
    columns = scores_of(prepared, prepared.x, nearest(prepared.x, centres))
    begun = scores_of(prepared, embedded(start, prepared.x), start.predict_inputs(prepared.x))
    return {ON_COLUMNS: columns, ON_EMBEDDING: begun}


def scores_of(prepared: Prepared, points: Floats, distances: Floats) -> Scores:
    """Every metric of each set that has rows, from points (N,D) and distances (N,K)."""
    groups = prepared.truth.astype(np.int64)
    sets = ((SET_NAMES[which], prepared.rows(which)) for which in (TRAIN, TEST))
    return {
        name: cluster_scores(Clustered(points[rows], distances[rows], groups[rows]))
        for name, rows in sets
        if len(rows)
    }


def in_raw_units(features: Features, inputs: Floats) -> Floats:
    """Inputs (K,I) with the numbers in the units of the table; others as they are encoded: 0 and 1
    of a category, whose mean is a share, −1 and 1 of a flag."""
    raw, scaler = inputs.copy(), features.layout.scaler
    fitted = {name: features.fitted[f"feature.{name}"] for name in scaler.tensors()}
    scaled = len(features.layout.scaled)
    raw[:, :scaled] = scaler.invert(raw[:, :scaled], fitted)
    return raw
