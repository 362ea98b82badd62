"""Predict and evaluate: a stored model on a table."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from bpcli.config.errors import DataError, Notice, Problem, did_you_mean, listing
from bpcli.data.arrays import Flags
from bpcli.data.read import read_table
from bpcli.data.table import Table
from bpcli.data.target import ClassTarget, RegressionTarget
from bpcli.experiment.predictor import Predictor
from bpcli.experiment.problem import truth_of
from bpcli.metrics.metric import Floats, evaluate, metrics_for
from bpcli.runs.model import ModelRecord, read_model
from bpcli.runs.tables import predictions_csv


class Predicted(NamedTuple):
    """Predictions of every row of a table, and what in the table was new to the model."""

    record: ModelRecord
    predictor: Predictor
    table: Table
    prediction: Floats
    notices: tuple[Notice, ...]

    def csv(self) -> str:
        """The predictions as a CSV."""
        rows = np.arange(self.table.n_rows)
        target = self.predictor.target
        return predictions_csv(self.table, rows, self.record.ids, target, self.prediction)


class Evaluation(NamedTuple):
    """Metrics of the labelled rows of a table."""

    metrics: dict[str, float]
    rows: int
    notices: tuple[Notice, ...]


def predict(model: Path, data: Path) -> Predicted:
    """Predictions for a CSV; its target column is not needed and not read.

    Raises ModelError and DataError.
    """
    record, predictor = read_model(model)
    table = read_table(data, record.features.reading(str(data)), allow_empty=True)
    prediction = predictor.predict(table)
    known = (*record.ids, predictor.target.name)
    notices = (*table.notices, *predictor.features.compare(table, known), *_empty(table))
    return Predicted(record, predictor, table, prediction, notices)


def evaluate_model(model: Path, data: Path) -> Evaluation:
    """Every metric of the model on a labelled CSV; rows without a label are left out, and said."""
    predicted = predict(model, data)
    target, table = predicted.predictor.target, predicted.table
    if target.name not in table.names:
        what = f"there is no target column {target.name!r}{did_you_mean(target.name, table.names)}"
        fix = f"evaluate needs it; the columns are {listing(table.names)}"
        raise DataError(Problem("BP-D060", table.path.name, what, fix))
    labelled = _labelled(target, table)
    if not labelled.any():
        what = f"no row has a value in the target column {target.name!r}"
        raise DataError(Problem("BP-D061", table.path.name, what, "give a labelled file"))
    truth = truth_of(target, table)[labelled]
    metrics = metrics_for(predicted.predictor.loss.predicts)
    notes = [*_seen_in_training(predicted)]
    left_out = int(np.count_nonzero(~labelled))
    if left_out:
        what = f"rows without a target left out: {left_out}"
        notes.append(Notice("BP-D112", table.path.name, what))
    return Evaluation(
        evaluate(metrics, truth, predicted.prediction[labelled]),
        len(truth),
        (*predicted.notices, *notes),
    )


def _seen_in_training(predicted: Predicted) -> list[Notice]:
    if predicted.table.sha256 != predicted.record.data_sha256:
        return []
    what = "this is the file the model was trained on; most of its rows are no test"
    fix = "use rows the model has not seen; metrics.json has the test rows' scores"
    return [Notice("BP-D114", predicted.table.path.name, what, fix)]


def _labelled(target: RegressionTarget | ClassTarget, table: Table) -> Flags:
    truth = truth_of(target, table)
    return truth >= 0 if isinstance(target, ClassTarget) else ~np.isnan(truth[:, 0])


def _empty(table: Table) -> list[Notice]:
    return [] if table.n_rows else [Notice("BP-D113", table.path.name, "the file has no rows")]
