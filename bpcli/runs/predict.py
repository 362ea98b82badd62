"""Predict and evaluate: a stored model on a file, one part of it after another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bpcli.config.errors import DataError, ModelError, Notice, Problem, did_you_mean, listing
from bpcli.data.asking import COMMAND
from bpcli.data.novelty import Novelty
from bpcli.data.read import TableReader
from bpcli.data.table import Table
from bpcli.data.targets.classes import ClassTarget
from bpcli.data.targets.make import AnyTarget
from bpcli.experiment.assessment import Assessment, assess
from bpcli.experiment.certainty import Coverage, coverage
from bpcli.experiment.predictor import Ensemble, spread_of
from bpcli.experiment.scoring import score
from bpcli.metrics.metric import Floats, Truth
from bpcli.runs.extras import NOTHING, Asked, Extras
from bpcli.runs.model import ModelRecord, read_model
from bpcli.runs.source import foreign_files
from bpcli.runs.spreadsheet import Column, formulas, guarded
from bpcli.runs.tables import columns_csv, prediction_columns, spread_columns


class Predictions:
    """Predictions for a CSV; its target column is not needed and not read.

    Iterate once for the parts of the table with their predictions; a part is all that is held in
    memory. `dialect` is how the file differs from the training file, and `asked` what there shall
    be beside the predictions. Raises ModelError, DataError.
    """

    def __init__(
        self, model: Path, data: Path, dialect: Mapping[str, str], asked: Asked = NOTHING
    ) -> None:
        self.model = model
        self.record, self.ensemble = read_model(model)
        spec = self.record.features.reading(str(data), dialect)
        self.reader = TableReader(data, spec, COMMAND)
        self._novelty = Novelty(self.record.features, _known(self.record))
        self._extras = Extras(self.ensemble, str(model), data.name, asked)
        self._formulas, self._formula = 0, ""  # cells that a spreadsheet would run, and the first

    def __iter__(self) -> Iterator[tuple[Table, Floats]]:
        for table, each in self._parts():
            yield table, self.ensemble.together(each)

    def csv(self, *, spreadsheet_safe: bool = False, spread: bool = False) -> Iterator[bytes]:
        """The predictions as a CSV, part by part; safe where a spreadsheet is to open it.

        With `spread` also how far the networks of an ensemble differ; raises ModelError for one.
        """
        if spread:
            self._require_several()
        ids, ensemble = self.record.ids, self.ensemble
        for table, each in self._parts():
            rows, prediction = np.arange(table.n_rows), ensemble.together(each)
            columns = prediction_columns(table, rows, ids, ensemble, prediction)
            columns += self._extras.columns(table, prediction)
            if spread:
                columns += spread_columns(ensemble, spread_of(each))
            if spreadsheet_safe:
                columns = guarded(columns)
            self._count_formulas(columns)
            yield columns_csv(columns, header=table.start == 0).encode()

    def require(self) -> None:
        """Raises NotMetError where the file, once it is read, goes beyond a limit."""
        self._extras.require()

    def _parts(self) -> Iterator[tuple[Table, Floats]]:
        """The parts of the table, with the prediction of each network (R,N,…)."""
        for table in self.reader:
            each = self.ensemble.each(table)
            self._novelty.add(table)
            yield table, each

    def _require_several(self) -> None:
        if self.ensemble.size == 1:
            what = "holds one network, so its predictions have no spread"
            fix = "train an ensemble (ensemble: 5), or leave out --spread"
            raise ModelError(Problem("BP-M030", str(self.model), what, fix))

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What is noteworthy about the file, once it is read."""
        reader, name = self.reader, self.reader.path.name
        empty = [] if reader.rows else [Notice("BP-D113", name, "the file has no rows")]
        return (
            *foreign_files(self.model),
            *reader.notices,
            *self._novelty.notices(reader.names, name),
            *empty,
            *self._extras.notices(),
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
    assessment: Assessment
    decision: tuple[str, float] | None  # the second class and its threshold, where there is one
    coverage: Coverage | None  # of intervals or sets, where they are asked for
    notices: tuple[Notice, ...]


def evaluate_model(
    model: Path, data: Path, dialect: Mapping[str, str], asked: Asked = NOTHING
) -> Evaluation:
    """Every metric of the model on a labelled CSV; rows without a label are left out, and said."""
    predictions = Predictions(model, data, dialect, asked)
    reader, target = predictions.reader, predictions.ensemble.target
    require_targets(target.columns, reader.names, data.name)
    truths, values = [], []
    for table, part in predictions:
        labelled = target.usable(table)
        truths.append(target.truth(table)[labelled])
        values.append(part[labelled])
    truth, prediction = np.concatenate(truths), np.concatenate(values)
    if not len(truth):
        raise without_labels(target.columns, data.name)
    known = reader.sha256 == predictions.record.data_sha256
    notes = [seen_in_training(data.name)] if known else []
    if left_out := reader.rows - len(truth):
        what = f"rows without a target left out: {left_out}"
        notes.append(Notice("BP-D112", data.name, what))
    loss, seed = predictions.ensemble.loss, predictions.record.config["seed"]
    return Evaluation(
        score(loss, truth, prediction, target.decided(prediction)),
        assess(target, loss, truth, prediction, seed),
        _decision(target),
        _coverage(predictions.ensemble, asked, prediction, truth),
        (*predictions.notices, *notes),
    )


def _decision(target: AnyTarget) -> tuple[str, float] | None:
    if not isinstance(target, ClassTarget) or target.threshold is None:
        return None
    return target.classes[1], target.threshold


def _coverage(
    ensemble: Ensemble, asked: Asked, prediction: Floats, truth: Truth
) -> Coverage | None:
    if asked.level is None or ensemble.conformal is None:
        return None
    return coverage(ensemble.conformal, ensemble.loss, asked.level, prediction, truth)


def _known(record: ModelRecord) -> tuple[str, ...]:
    """The columns of the training file."""
    return (*record.config["data"]["columns"], *record.target.columns, *record.ids)


def require_targets(targets: tuple[str, ...], names: tuple[str, ...], file: str) -> None:
    """Raises DataError where a target is none of the names of a file's columns."""
    problems = [_absent(target, names, file) for target in targets if target not in names]
    if problems:
        raise DataError(*problems)


def _absent(target: str, names: tuple[str, ...], file: str) -> Problem:
    what = f"there is no target column {target!r}{did_you_mean(target, names)}"
    fix = f"a score needs it; the columns are {listing(names)}"
    return Problem("BP-D060", file, what, fix)


def without_labels(targets: tuple[str, ...], file: str) -> DataError:
    """That no row of a file can be scored."""
    what = f"no row has a value in each of {listing([repr(name) for name in targets])}"
    return DataError(Problem("BP-D061", file, what, "give a labelled file"))


def seen_in_training(file: str) -> Notice:
    """That a file is the one that the model has learned from."""
    what = "this is the file the model was trained on; most of its rows are no test"
    fix = "use rows the model has not seen; metrics.json has the test rows' scores"
    return Notice("BP-D114", file, what, fix)
