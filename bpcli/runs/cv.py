"""A cross-validation from a loaded config to its folder."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Self

import numpy as np

from bpcli.config.errors import Notice
from bpcli.execution.workers import work_through
from bpcli.experiment.load import Loaded
from bpcli.runs import folder as names
from bpcli.runs.claim import Claim
from bpcli.runs.ending import telling
from bpcli.runs.files import write_file
from bpcli.runs.folder import Kind, environment, write_json
from bpcli.runs.resolved import prepare_and_resolve
from bpcli.runs.signals import requests
from bpcli.runs.sweep import Step
from bpcli.runs.tables import csv_text, predictions_csv
from bpcli.selection.estimate import CrossValidation

TABLE = "cv.csv"
SUMMARY = "cv.json"
FOLDS = "folds.csv"
PREDICTIONS = "predictions_cv.csv"
VALIDATION = Kind("cv", "", (names.RECORD, TABLE, SUMMARY, FOLDS, PREDICTIONS), (names.GIVEN,))


class CrossValidationRun:
    """Prepare at construction, train by iteration, score and write by `finish`.

    As a context it frees the folder at its end.
    """

    def __init__(
        self, loaded: Loaded, output: Path | None = None, *, jobs: int = 1, force: bool = False
    ) -> None:
        self.loaded, self.jobs = loaded, jobs
        claim = Claim(loaded.path, output, force, kind=VALIDATION)
        claim.check()
        self.prepared, self.config = prepare_and_resolve(loaded)
        self.validation = CrossValidation(self.prepared, self.config)
        self.folder, self._lock = claim.take(loaded.inputs, space=0)
        self.seconds = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *ending: object) -> None:
        self._lock.release()

    def __iter__(self) -> Iterator[Step]:
        """Train every fold, twice where the first pass decides for how many epochs."""
        start, folds = time.monotonic(), len(self.validation.study.folds.folds)
        asked = folds * (1 + self.validation.watches)
        with self._telling(), requests.deferred():
            self._write_state("running")  # first, so that the folder is known for a run's
            write_file(self.folder / names.GIVEN, self.loaded.text)
            for done in self._train():
                self.seconds = time.monotonic() - start
                yield Step(done, asked, self.seconds)

    def _train(self) -> Iterator[int]:
        done = 0
        for last in (False, True) if self.validation.watches else (True,):
            groups, lines = self.validation.groups(self.jobs), []
            work = self.validation.work
            for one in work_through(work, groups, self.jobs, requests.require_none):
                lines.append(one.result)
                done += len(groups[one.number])
                yield done
            self.validation.take(lines)
            if not last:
                self.validation.settle()

    def finish(self) -> dict[str, Any]:
        """Score, write, and return the facts."""
        with self._telling():
            facts = self.facts()
            self._write(facts)
            self._write_state("completed")
        return facts

    def _write(self, facts: dict[str, Any]) -> None:
        write_file(self.folder / TABLE, self._table())
        prediction, places = self.validation.predictions()
        write_file(self.folder / FOLDS, csv_text(("row", "repeat", "fold"), sorted(places)))
        held = np.flatnonzero(~np.isnan(prediction[:, 0]))
        ids = [column.name for column in self.prepared.columns if column.role == "id"]
        naming = self.validation.naming
        text = predictions_csv(self.prepared.table, held, ids, naming, prediction[held])
        write_file(self.folder / PREDICTIONS, text)
        write_json(self.folder / SUMMARY, facts)

    @property
    def on_disk(self) -> str:
        """What the folder holds of a cross-validation that has not ended well."""
        return f"{self.folder} keeps nothing of it"

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

    def _telling(self) -> AbstractContextManager[None]:
        return telling(self._write_state, lambda: self.on_disk)

    def _write_state(self, state: str, **facts: Any) -> None:
        record = {
            "state": state,
            "command": VALIDATION.command,
            **facts,
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
