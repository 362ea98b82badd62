"""A cross-validation from a loaded config to its folder."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bpcli.config.errors import Notice
from bpcli.execution.workers import work_through
from bpcli.experiment.load import Loaded
from bpcli.runs import folder as names
from bpcli.runs.claim import study_folder
from bpcli.runs.files import write_file
from bpcli.runs.folder import environment, write_json
from bpcli.runs.resolved import prepare_and_resolve
from bpcli.runs.signals import Interrupted
from bpcli.runs.sweep import Step
from bpcli.runs.tables import csv_text, predictions_csv
from bpcli.selection.estimate import CrossValidation

TABLE = "cv.csv"
SUMMARY = "cv.json"
FOLDS = "folds.csv"
PREDICTIONS = "predictions_cv.csv"


class CrossValidationRun:
    """Prepare at construction, train by iteration, score and write by `finish`."""

    def __init__(
        self, loaded: Loaded, output: Path | None = None, *, jobs: int = 1, force: bool = False
    ) -> None:
        self.loaded, self.jobs = loaded, jobs
        self.prepared, self.config = prepare_and_resolve(loaded)
        self.validation = CrossValidation(self.prepared, self.config)
        self.folder = study_folder(loaded.path, "cv", output, force=force, resume=False)
        self.seconds = 0.0

    def __iter__(self) -> Iterator[Step]:
        """Train every fold, twice where the first pass decides for how many epochs."""
        start, folds = time.monotonic(), len(self.validation.study.folds.folds)
        asked = folds * (1 + self.validation.watches)
        write_file(self.folder / names.GIVEN, self.loaded.text)
        self._write_state("running")
        try:
            for done in self._train():
                self.seconds = time.monotonic() - start
                yield Step(done, asked, self.seconds)
        except BaseException as error:
            interrupted = isinstance(error, Interrupted | GeneratorExit)
            self._write_state("interrupted" if interrupted else "failed")
            raise

    def _train(self) -> Iterator[int]:
        done = 0
        for last in (False, True) if self.validation.watches else (True,):
            groups, lines = self.validation.groups(self.jobs), []
            for one in work_through(self.validation.work, groups, self.jobs):
                lines.append(one.result)
                done += len(groups[one.number])
                yield done
            self.validation.take(lines)
            if not last:
                self.validation.settle()

    def finish(self) -> dict[str, Any]:
        """Score, write, and return the facts."""
        facts = self.facts()
        write_file(self.folder / TABLE, self._table())
        prediction, places = self.validation.predictions()
        write_file(self.folder / FOLDS, csv_text(("row", "repeat", "fold"), sorted(places)))
        held = np.flatnonzero(~np.isnan(prediction[:, 0]))
        ids = [column.name for column in self.prepared.columns if column.role == "id"]
        predictor = self.validation.predictor
        text = predictions_csv(self.prepared.table, held, ids, predictor, prediction[held])
        write_file(self.folder / PREDICTIONS, text)
        write_json(self.folder / SUMMARY, facts)
        self._write_state("completed")
        return facts

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What the user should know of the data and the folds."""
        several = self.config.networks > 1
        alone = [Notice("BP-S006", "ensemble", *_ONE_NETWORK)] if several else []
        return (*self.prepared.notices, *self.validation.study.folds.notices, *alone)

    def facts(self) -> dict[str, Any]:
        """The summary: the same for any number of jobs."""
        folds = self.validation.study.folds
        return {
            "schema_version": 1,
            "folds": {
                "method": folds.method,
                "folds": max(fold.number for fold in folds.folds),
                "repeats": max(fold.repeat for fold in folds.folds),
                "held_out": self.validation.study.share_held_out(),
            },
            "epochs": self.validation.epochs,
            "metrics": {
                name: {
                    "mean": one.mean.value,
                    "standard_error": one.mean.error,
                    "interval": one.interval and list(one.interval),
                    "baseline": one.baseline,
                }
                for name, one in self.validation.metrics().items()
            },
            "refit": self.validation.refit(),
        }

    def _table(self) -> str:
        """One row a fold, one column a metric."""
        metrics = self.validation.metrics()
        header = ("repeat", "fold", "rows", "epochs", *metrics)
        rows = [
            (one.trial.repeat, one.trial.fold, len(one.prediction), one.trial.epochs)
            for one in self.validation.held
        ]
        values = zip(*(one.values for one in metrics.values()), strict=True)
        return csv_text(header, ((*row, *own) for row, own in zip(rows, values, strict=True)))

    def _write_state(self, state: str) -> None:
        record = {
            "state": state,
            "command": "cv",
            "seconds": round(self.seconds, 3),
            "jobs": self.jobs,
            "seed": self.config.seed,
            "data": {
                "files": self.config.data.files,
                "sha256": self.prepared.table.sha256,
                "rows": self.prepared.table.n_rows,
            },
            "notices": [notice._asdict() for notice in self.notices],
            "environment": environment(),
        }
        write_json(self.folder / names.RECORD, record)


_ONE_NETWORK = (
    "cv scores single networks, not the ensemble of them",
    "train with ensemble: {folds: n}: its validation scores are those of rows out of fold",
)
