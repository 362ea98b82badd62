"""Predict and evaluate: a stored model on a file, one part of it after another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bpcli.config.errors import DataError, Notice, Problem, did_you_mean, listing
from bpcli.data.arrays import Flags
from bpcli.data.asking import COMMAND
from bpcli.data.novelty import Novelty
from bpcli.data.read import TableReader
from bpcli.data.table import Table
from bpcli.data.target import ClassTarget, RegressionTarget
from bpcli.experiment.problem import truth_of
from bpcli.metrics.metric import Floats, evaluate, metrics_for
from bpcli.runs.model import ModelRecord, read_model
from bpcli.runs.spreadsheet import Column, formulas, guarded
from bpcli.runs.tables import columns_csv, prediction_columns


class Predictions:
    """Predictions for a CSV; its target column is not needed and not read.

    Iterate once for the parts of the table with their predictions; a part is all that is held in
    memory. `dialect` is how the file differs from the training file. Raises ModelError, DataError.
    """

    def __init__(self, model: Path, data: Path, dialect: Mapping[str, str]) -> None:
        self.record, self.predictor = read_model(model)
        spec = self.record.features.reading(str(data), dialect)
        self.reader = TableReader(data, spec, COMMAND)
        self._novelty = Novelty(self.record.features, _known(self.record))
        self._formulas, self._formula = 0, ""  # cells that a spreadsheet would run, and the first

    def __iter__(self) -> Iterator[tuple[Table, Floats]]:
        for table in self.reader:
            prediction = self.predictor.predict(table)
            self._novelty.add(table)
            yield table, prediction

    def csv(self, *, spreadsheet_safe: bool = False) -> Iterator[bytes]:
        """The predictions as a CSV, part by part; safe where a spreadsheet is to open it."""
        ids, target = self.record.ids, self.predictor.target
        for table, prediction in self:
            rows = np.arange(table.n_rows)
            columns = prediction_columns(table, rows, ids, target, prediction)
            if spreadsheet_safe:
                columns = guarded(columns)
            self._count_formulas(columns)
            yield columns_csv(columns, header=table.start == 0).encode()

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What is noteworthy about the file, once it is read."""
        reader, name = self.reader, self.reader.path.name
        empty = [] if reader.rows else [Notice("BP-D113", name, "the file has no rows")]
        return (
            *reader.notices,
            *self._novelty.notices(reader.names, name),
            *empty,
            *self._formula_notices(),
        )

    def _count_formulas(self, columns: list[Column]) -> None:
        found = formulas(columns)
        self._formulas += len(found)
        self._formula = self._formula or next(iter(found), "")

    def _formula_notices(self) -> list[Notice]:
        if not self._formulas:
            return []
        what = f"a spreadsheet would run {self._formulas} of the cells, e.g. {self._formula[:80]!r}"
        fix = "add --spreadsheet-safe, which writes a ' in front of them"
        return [Notice("BP-D146", "the predictions", what, fix)]


class Evaluation(NamedTuple):
    """Metrics of the labelled rows of a table."""

    metrics: dict[str, float]
    rows: int
    notices: tuple[Notice, ...]


def evaluate_model(model: Path, data: Path, dialect: Mapping[str, str]) -> Evaluation:
    """Every metric of the model on a labelled CSV; rows without a label are left out, and said."""
    predictions = Predictions(model, data, dialect)
    reader, target = predictions.reader, predictions.predictor.target
    _require_target(target.name, reader)
    truths, values = [], []
    for table, prediction in predictions:
        labelled = _labelled(target, table)
        truths.append(truth_of(target, table)[labelled])
        values.append(prediction[labelled])
    truth, prediction = np.concatenate(truths), np.concatenate(values)
    if not len(truth):
        what = f"no row has a value in the target column {target.name!r}"
        raise DataError(Problem("BP-D061", data.name, what, "give a labelled file"))
    notes = [*_seen_in_training(predictions)]
    if left_out := reader.rows - len(truth):
        what = f"rows without a target left out: {left_out}"
        notes.append(Notice("BP-D112", data.name, what))
    metrics = evaluate(metrics_for(predictions.predictor.loss.predicts), truth, prediction)
    return Evaluation(metrics, len(truth), (*predictions.notices, *notes))


def _known(record: ModelRecord) -> tuple[str, ...]:
    """The columns of the training file."""
    return (*record.config["data"]["columns"], record.target.name, *record.ids)


def _require_target(name: str, reader: TableReader) -> None:
    if name not in reader.names:
        what = f"there is no target column {name!r}{did_you_mean(name, reader.names)}"
        fix = f"evaluate needs it; the columns are {listing(reader.names)}"
        raise DataError(Problem("BP-D060", reader.path.name, what, fix))


def _seen_in_training(predictions: Predictions) -> list[Notice]:
    if predictions.reader.sha256 != predictions.record.data_sha256:
        return []
    what = "this is the file the model was trained on; most of its rows are no test"
    fix = "use rows the model has not seen; metrics.json has the test rows' scores"
    return [Notice("BP-D114", predictions.reader.path.name, what, fix)]


def _labelled(target: RegressionTarget | ClassTarget, table: Table) -> Flags:
    truth = truth_of(target, table)
    return truth >= 0 if isinstance(target, ClassTarget) else ~np.isnan(truth[:, 0])
