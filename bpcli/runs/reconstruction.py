"""What a trained autoencoder comes to: latent numbers of every row, errors, and the files."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bpcli.data.split import SET_NAMES
from bpcli.experiment.fit import Fit
from bpcli.experiment.predictor import Ensemble
from bpcli.experiment.problem import LearningProblem
from bpcli.experiment.reconstruction import MEAN, Column, Reconstruction, Scores, held_out
from bpcli.experiment.stopping import Record
from bpcli.metrics.metric import metrics_for
from bpcli.runs import folder as names
from bpcli.runs.files import write_file
from bpcli.runs.folder import write_json
from bpcli.runs.identity import Identity
from bpcli.runs.model import model_bytes
from bpcli.runs.model_record import ids_of, model_record
from bpcli.runs.tables import columns_csv, csv_text, history_csv, prediction_columns


class LatentOutcome(NamedTuple):
    """What a finished run came to."""

    folder: Path
    width: int  # latent numbers of a row
    metrics: Scores  # by set
    linear: Scores  # of as many principal components
    baselines: Scores  # of the mean
    held_out: str  # the set that the errors of columns are of
    columns: list[Column]
    stop_reason: str
    best_epoch: int | None
    epochs: int
    iterations: int
    records: list[Record]

    def ending(self) -> dict[str, Any]:
        """Why and when training ended."""
        return {"stop_reason": self.stop_reason, "best_epoch": self.best_epoch}

    def scores(self) -> dict[str, Any]:
        """Every score, with what stands beside it."""
        return {
            **self.metrics,
            "principal_components": self.linear,
            "baseline": {"predicts": MEAN, **self.baselines},
        }

    def facts(self) -> dict[str, Any]:
        """What `train --json` says."""
        return {
            "schema_version": 1,
            "run": str(self.folder),
            "metrics": self.metrics,
            "principal_components": self.linear,
            "baseline": self.baselines,
            "baseline_predicts": MEAN,
            "latent": self.width,
            "details": {"set": self.held_out, "columns": [one._asdict() for one in self.columns]},
            **self.ending(),
            "epochs": self.epochs,
            "iterations": self.iterations,
            "seconds": self.records[-1].seconds,
        }


class LatentResults(NamedTuple):
    """The latent numbers of a run, and its files."""

    problem: LearningProblem
    ensemble: Ensemble
    reconstruction: Reconstruction
    outcome: LatentOutcome

    @classmethod
    def of(cls, problem: LearningProblem, fit: Fit, folder: Path) -> LatentResults:
        """Encode and decode every row with the final weights, and score."""
        (replica,), prepared = fit.replicas, problem.prepared
        part, which = problem.predictor(replica.weights), held_out(prepared)
        found = Reconstruction.of(part, prepared)
        outcome = LatentOutcome(
            folder,
            found.latent.shape[1],
            *found.scores(prepared),
            SET_NAMES[which],
            found.columns(prepared, which),
            replica.stop_reason,
            replica.best_epoch,
            replica.epochs,
            fit.iterations,
            fit.records,
        )
        return cls(problem, Ensemble.of(part), found, outcome)

    def write(self, identity: Identity) -> None:
        """The files of a finished run, the model last."""
        folder, outcome = self.outcome.folder, self.outcome
        metric = metrics_for(self.problem.loss.predicts)[0].name
        write_file(folder / names.HISTORY, history_csv(outcome.records, metric))
        write_json(folder / names.METRICS, outcome.scores())
        write_file(folder / names.LATENT, self._rows())
        columns = csv_text(Column._fields, outcome.columns)
        write_file(folder / names.RECONSTRUCTION, columns)
        record = model_record(self.problem, self.ensemble, identity)
        write_file(folder / names.MODEL, model_bytes(record, self.ensemble))

    def _rows(self) -> str:
        """Every row with its set, its latent numbers, and its error."""
        prepared = self.problem.prepared
        every, ids = np.arange(prepared.table.n_rows), ids_of(prepared)
        rebuilt = self.reconstruction.rebuilt
        row, *others = prediction_columns(prepared.table, every, ids, self.ensemble, rebuilt)
        sets = "set", [SET_NAMES[int(which)] for which in prepared.sets]
        return columns_csv([row, sets, *others])
