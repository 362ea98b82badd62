"""Predict: a stored model on a file, one part of it after another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from bpcli.config.errors import ModelError, Notice, Problem
from bpcli.data.asking import COMMAND
from bpcli.data.novelty import Novelty
from bpcli.data.read import open_table
from bpcli.data.table import Table
from bpcli.experiment.predictor import spread_of
from bpcli.metrics.metric import Floats
from bpcli.runs.extras import NOTHING, Asked, Extras
from bpcli.runs.model import ModelRecord, read_model
from bpcli.runs.predicted import Predict, here
from bpcli.runs.source import foreign_files
from bpcli.runs.spreadsheet import Column, formulas, guarded
from bpcli.runs.tables import columns_csv, prediction_columns, spread_columns


class Predictions:
    """Predictions for a CSV; its target column is not needed and not read.

    Iterate once for the parts of the table with their predictions; a part is all that is held in
    memory. `dialect` is how the file differs from the training file, `asked` what there shall be
    beside the predictions, and `predict` who computes them. Raises ModelError, DataError.
    """

    def __init__(
        self,
        model: Path,
        data: Path,
        dialect: Mapping[str, str],
        asked: Asked = NOTHING,
        predict: Predict | None = None,
    ) -> None:
        self.model = model
        self.record, self.ensemble = read_model(model)
        self._predict = predict or here(self.ensemble)
        spec = self.record.features.reading(str(data), dialect)
        self.reader = open_table(data, spec, COMMAND)
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
        for table, each in self._predict(self.reader):
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


def _known(record: ModelRecord) -> tuple[str, ...]:
    """The columns of the training file."""
    return (*record.config["data"]["columns"], *record.target.columns, *record.ids)
