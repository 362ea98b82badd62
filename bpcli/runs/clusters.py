"""What a clustering run comes to: clusters of every row, their scores, and the files."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bpcli.data.split import SET_NAMES, TRAIN
from bpcli.experiment.clusters import (
    ONE,
    Clusters,
    Scores,
    in_raw_units,
    one_cluster,
    plain_clusters,
)
from bpcli.experiment.fit import Fit
from bpcli.experiment.plane import Plane
from bpcli.experiment.problem import LearningProblem
from bpcli.experiment.stopping import Record
from bpcli.runs import folder as names
from bpcli.runs.files import write_file
from bpcli.runs.folder import write_json
from bpcli.runs.identity import Identity
from bpcli.runs.model import model_bytes
from bpcli.runs.model_record import ids_of, model_record
from bpcli.runs.tables import columns_csv, csv_text, history_csv, prediction_columns


class Centre(NamedTuple):
    """A cluster: its number, its training rows, and its centre in the units of the table."""

    cluster: int  # from 1
    rows: int  # of the training rows
    centre: dict[str, float]  # by input


class ClusterOutcome(NamedTuple):
    """What a finished run came to."""

    folder: Path
    metrics: Scores  # by set
    baselines: Scores  # of one cluster
    plain: dict[str, Scores]  # of plain K-means, by what it is on; empty for K-means itself
    clusters: list[Centre]
    kept: int  # the training that is kept, from 0
    losses: list[float]  # of each training: the inertia of a training row
    stop_reasons: list[str]
    epochs: list[int]
    iterations: int  # of all trainings
    records: list[Record]
    plane: Plane  # the training rows

    def ending(self) -> dict[str, Any]:
        """Why and when the training that is kept ended, and what the others came to."""
        return {
            "stop_reason": self.stop_reasons[self.kept],
            "kept_run": self.kept + 1,
            "losses": self.losses,
        }

    def facts(self) -> dict[str, Any]:
        """What `train --json` says."""
        return {
            "schema_version": 1,
            "run": str(self.folder),
            "metrics": self.metrics,
            "baseline": self.baselines,
            "baseline_predicts": ONE,
            "plain": self.plain,
            "clusters": [one._asdict() for one in self.clusters],
            **self.ending(),
            "epochs": max(self.epochs),
            "iterations": self.iterations,
            "seconds": self.records[-1].seconds,
        }


class ClusterResults(NamedTuple):
    """The clusters of a run, and its files."""

    problem: LearningProblem
    clusters: Clusters
    outcome: ClusterOutcome

    @classmethod
    def of(cls, problem: LearningProblem, fit: Fit, folder: Path) -> ClusterResults:
        """Find the cluster of every row with the final centres, and score."""
        replicas = fit.replicas
        clusters = Clusters.of(problem, [one.weights for one in replicas])
        start = fit.group.state.loss.get("start")
        outcome = ClusterOutcome(
            folder,
            clusters.scores(problem.prepared),
            one_cluster(problem.prepared),
            {} if start is None else plain_clusters(problem, problem.predictor(start)),
            _centres(problem, clusters),
            clusters.kept,
            clusters.losses,
            [one.stop_reason for one in replicas],
            [one.epochs for one in replicas],
            fit.iterations,
            fit.records,
            _plane(problem, clusters),
        )
        return cls(problem, clusters, outcome)

    def write(self, identity: Identity) -> None:
        """The files of a finished run, the model last."""
        folder, outcome = self.outcome.folder, self.outcome
        write_file(folder / names.HISTORY, history_csv(outcome.records, "metric"))
        write_json(folder / names.METRICS, self._metrics())
        write_file(folder / names.CLUSTERS, self._rows())
        write_file(folder / names.CENTRES, centres_csv(outcome.clusters))
        record = model_record(self.problem, self.clusters.ensemble, identity)
        write_file(folder / names.MODEL, model_bytes(record, self.clusters.ensemble))

    def _metrics(self) -> dict[str, Any]:
        outcome = self.outcome
        return {
            **outcome.metrics,
            "baseline": {"predicts": ONE, **outcome.baselines},
            **({"plain": outcome.plain} if outcome.plain else {}),
            "clusters": [one._asdict() for one in outcome.clusters],
            "kept_run": outcome.kept + 1,
            "losses": outcome.losses,
        }

    def _rows(self) -> str:
        """Every row with its set, its cluster and the distances."""
        prepared, ensemble = self.problem.prepared, self.clusters.ensemble
        every, ids = np.arange(prepared.table.n_rows), ids_of(prepared)
        distances = self.clusters.distances
        row, *others = prediction_columns(prepared.table, every, ids, ensemble, distances)
        sets = "set", [SET_NAMES[int(which)] for which in prepared.sets]
        return columns_csv([row, sets, *others])


def centres_csv(clusters: list[Centre]) -> str:
    """A row a cluster: its training rows, and its centre in the units of the table."""
    inputs = list(clusters[0].centre)
    body = ((one.cluster, one.rows, *one.centre.values()) for one in clusters)
    return csv_text(("cluster", "rows", *inputs), body)


def _plane(problem: LearningProblem, clusters: Clusters) -> Plane:
    rows = problem.prepared.rows(TRAIN)
    return Plane.of(clusters.points[rows], clusters.labels[rows], clusters.centres)


def _centres(problem: LearningProblem, clusters: Clusters) -> list[Centre]:
    features, sizes = problem.prepared.features, clusters.sizes(problem.prepared)
    raw = in_raw_units(features, clusters.middles).tolist()
    inputs = features.layout.names
    return [
        Centre(number, size, dict(zip(inputs, values, strict=True)))
        for number, (size, values) in enumerate(zip(sizes, raw, strict=True), 1)
    ]
