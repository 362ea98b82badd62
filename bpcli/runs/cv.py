"""A cross-validation from a loaded config to its folder."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from bpcli.config.errors import Notice
from bpcli.experiment.load import Loaded
from bpcli.runs import folder as names
from bpcli.runs.files import write_file, write_parts
from bpcli.runs.folder import Kind, write_json
from bpcli.runs.journal import JOURNAL
from bpcli.runs.resolved import default_network, prepare_with_target
from bpcli.runs.sitting import Place, Sitting
from bpcli.runs.subject import Subject
from bpcli.runs.tables import csv_text, predictions_csv
from bpcli.selection.estimate import CrossValidation, MetricEstimate

TABLE = "cv.csv"
SUMMARY = "cv.json"
FOLDS = "folds.csv"
PREDICTIONS = "predictions_cv.csv"
VALIDATION = Kind(
    "cv", JOURNAL, (names.RECORD, JOURNAL, TABLE, SUMMARY, FOLDS, PREDICTIONS), (names.GIVEN,)
)


class CrossValidationRun:
    """Prepare at construction, train by iterating `sitting`, score and write by `finish`."""

    def __init__(self, loaded: Loaded, place: Place, notices: tuple[Notice, ...] = ()) -> None:
        place.claim(loaded, VALIDATION).check()
        subject, self.validation = cross_validation(loaded, notices)
        plan = partial(cross_validation, loaded.anywhere(), notices)
        self.loaded, self.prepared = loaded, subject.prepared
        self.sitting = Sitting(subject, self.validation, plan, place)
        self.folder = self.sitting.folder

    def refit(self) -> list[str]:
        """The model to be had, as PATH=VALUE: the network judged, on all rows but the test rows."""
        return [*default_network(self.loaded, self.prepared), *self.validation.refit()]

    def finish(self) -> dict[str, Any]:
        """Score, write, and return the facts."""
        with self.sitting.telling():
            metrics = self.validation.metrics()
            facts = self._facts(metrics)
            self._write(facts, metrics)
            self.sitting.write_state("completed")
        return facts

    def _write(self, facts: dict[str, Any], metrics: dict[str, MetricEstimate]) -> None:
        write_file(self.folder / TABLE, self._table(metrics))
        prediction, places = self.validation.predictions()
        write_file(self.folder / FOLDS, csv_text(("row", "repeat", "fold"), sorted(places)))
        held = np.flatnonzero(~np.isnan(prediction[:, 0]))
        ids = [column.name for column in self.prepared.columns if column.role == "id"]
        naming = self.validation.naming
        parts = predictions_csv(self.prepared.table, held, ids, naming, prediction[held])
        write_parts(self.folder / PREDICTIONS, parts)
        write_json(self.folder / SUMMARY, facts)

    def _facts(self, metrics: dict[str, MetricEstimate]) -> dict[str, Any]:
        """The summary: the same for any number of jobs."""
        return {
            "schema_version": 1,
            "folds": self.validation.study.facts(),
            "epochs": self.validation.epochs,
            "metrics": {
                name: {
                    "mean": one.mean.value,
                    "standard_error": one.mean.error,
                    "interval": one.interval and list(one.interval),
                    "baseline": one.baseline,
                }
                for name, one in metrics.items()
            },
            "refit": self.refit(),
        }

    def _table(self, metrics: dict[str, MetricEstimate]) -> str:
        """One row a fold, one column a metric."""
        header = ("repeat", "fold", "rows", "epochs", *metrics)
        rows = [
            (one.trial.repeat, one.trial.fold, len(one.prediction), one.trial.epochs)
            for one in self.validation.held
        ]
        values = zip(*(one.values for one in metrics.values()), strict=True)
        return csv_text(header, ((*row, *own) for row, own in zip(rows, values, strict=True)))


def cross_validation(
    loaded: Loaded, notices: tuple[Notice, ...]
) -> tuple[Subject, CrossValidation]:
    """The folds of a config; nothing is trained yet."""
    prepared, config = prepare_with_target(loaded)
    alone = [Notice("BP-S008", "ensemble", *_ONE_NETWORK)] if config.networks > 1 else []
    subject = Subject(VALIDATION, loaded, prepared, config, {"": config})
    return subject, CrossValidation(prepared, config, (*notices, *alone))


_ONE_NETWORK = (
    "cv scores single networks, not the ensemble of them",
    "train with ensemble: {folds: n}: its validation scores are those of rows out of fold",
)
