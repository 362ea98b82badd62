"""A learning-rate sweep from loaded configs to its folder."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple, Self

from bpcli.config.errors import Notice, NumericError, Problem
from bpcli.execution.workers import work_through
from bpcli.experiment.load import Loaded
from bpcli.runs import folder as names
from bpcli.runs.claim import Claim
from bpcli.runs.ending import telling
from bpcli.runs.files import write_file
from bpcli.runs.folder import Kind, environment, write_json
from bpcli.runs.journal import JOURNAL, Journal, identity_of
from bpcli.runs.resolved import prepare_and_resolve
from bpcli.runs.signals import requests
from bpcli.runs.tables import csv_text
from bpcli.selection.choice import Candidate, Choice
from bpcli.selection.search import RateSearch
from bpcli.selection.study import Finished, Key, Study, Trial

TABLE = "lr_sweep.csv"
SUMMARY = "lr_sweep.json"
PICTURES = {kind: f"lr_sweep.{kind}" for kind in ("svg", "png")}
SWEEP = Kind(
    "lr-sweep",
    JOURNAL,
    (names.RECORD, JOURNAL, TABLE, SUMMARY, *PICTURES.values()),
    (names.GIVEN,),
)
_ALL_FAILED = "lower lr_sweep.lowest, scale the columns, or clip the gradient (clip: {norm: 1})"


class Step(NamedTuple):
    """How far a sweep is."""

    done: int
    asked: int  # trainings known to be needed; more where the grid is extended
    seconds: float


class SweepRun:
    """Prepare at construction, train by iteration, choose and write by `finish`.

    As a context it frees the folder at its end.
    `settings` are configs that differ in the key `also`; the one of "" where there is no such key.
    """

    def __init__(
        self,
        settings: Mapping[str, Loaded],
        output: Path | None = None,
        *,
        also: str = "",
        jobs: int = 1,
        force: bool = False,
        resume: bool = False,
    ) -> None:
        self.settings, self.also, self.jobs = settings, also, jobs
        self.loaded = next(iter(settings.values()))
        claim = Claim(self.loaded.path, output, force, resume, SWEEP)
        claim.check()
        self.resolved = {value: prepare_and_resolve(one) for value, one in settings.items()}
        self.prepared, self.config = next(iter(self.resolved.values()))
        self.study = Study(self.resolved)
        self.search = RateSearch(self.study, self.config.lr_sweep)
        self.folder, self._lock = claim.take(self.loaded.inputs, space=0)
        try:
            self.journal = Journal(self.folder, self._identity(), resume=resume)
        except BaseException:
            self._lock.release()
            raise
        for finished in self.journal.finished:
            self.search.take(finished.trials)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *ending: object) -> None:
        self._lock.release()

    def __iter__(self) -> Iterator[Step]:
        """Train what is pending, group by group; the journal has each one that is finished."""
        start = time.monotonic()
        with self._telling(), requests.deferred():
            self._write_state("running")  # first, so that the folder is known for a sweep's
            write_file(self.folder / names.GIVEN, self.loaded.text)
            while pending := self.search.pending():
                for _ in self._work_through(pending):
                    known = len(self.search.trials)
                    left = len([key for key in pending if key not in self.search])
                    yield Step(known, known + left, time.monotonic() - start)

    def _work_through(self, pending: list[Key]) -> Iterator[Finished]:
        groups = self.study.groups(pending, self.jobs)

        def work(group: list[Key]) -> str:
            return self.study.train(group).to_json()

        for done in work_through(work, groups, self.jobs, requests.require_none):
            finished = self.journal.add(done.result)
            self.search.take(finished.trials)
            yield finished

    def finish(self) -> Choice:
        """Write the tables and choose.  Raises NumericError where every rate has a failed fold."""
        with self._telling():
            choice = self.search.choice
            write_file(self.folder / TABLE, self._table())
            write_json(self.folder / SUMMARY, self.facts())
            if choice is None:
                raise NumericError(*map(_failure, self.search.candidates))
            self._write_state("completed")
        return choice

    @property
    def on_disk(self) -> str:
        """What the folder holds of a sweep that has not ended well."""
        return f"{self.folder} keeps {len(self.search.trials)} trainings"

    @property
    def chosen(self) -> list[str]:
        """The choice as PATH=VALUE."""
        choice = self.search.choice
        assert choice is not None
        second = [f"{self.also}={choice.winner.setting}"] if self.also else []
        return [f"learning_rate={choice.winner.rate:g}", *second]

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What the user should know of the data, the folds and the grid."""
        return (*self.prepared.notices, *self.study.folds.notices, *self._extended())

    @property
    def failures(self) -> tuple[Notice, ...]:
        """Each fold that has failed, with its reason."""
        return tuple(
            Notice("BP-N011", _where(trial, self.also), trial.failure)
            for trial in self.search.trials
            if trial.failure
        )

    def seconds(self, candidate: Candidate) -> float:
        """What its trainings took: of each group's time the share of its epochs."""
        return sum(
            done.seconds
            * sum(t.epochs for t in done.trials if t in candidate.trials)
            / max(1, sum(t.epochs for t in done.trials))
            for done in self.journal.finished
        )

    def facts(self) -> dict[str, Any]:
        """The summary: every candidate and the choice, the same for any number of jobs."""
        choice, folds = self.search.choice, self.study.folds
        return {
            "schema_version": 1,
            "metric": self.study.metric.name,
            "better": self.study.metric.better,
            "rule": self.search.spec.rule,
            "folds": {
                "method": folds.method,
                "folds": max(fold.number for fold in folds.folds),
                "repeats": max(fold.repeat for fold in folds.folds),
                "held_out": self.study.share_held_out(),
            },
            "also": self.also or None,
            "grid": list(self.search.grid),
            "added": self.search.added,
            "candidates": [_candidate(one) for one in self.search.candidates],
            "choice": choice and _choice(choice),
        }

    def _table(self) -> str:
        also = [self.also] if self.also else []
        metric = f"validation_{self.study.metric.name}"
        header = (
            *also, "learning_rate", "repeat", "fold", "validation_loss", metric,
            *("epoch", "epochs", "stop_reason", "failure"),
        )  # fmt: skip
        return csv_text(header, (trial[0 if also else 1 :] for trial in self.search.trials))

    def _extended(self) -> list[Notice]:
        if not self.search.added:
            return []
        rates = ", ".join(f"{rate:g}" for rate in self.search.added)
        what = f"the best rate was at the end of the grid, so it goes on with {rates}"
        return [Notice("BP-S004", "lr_sweep", what)]

    def _identity(self) -> str:
        configs = {value: one.model_dump(mode="json") for value, (_, one) in self.resolved.items()}
        return identity_of([self.also, configs, self.prepared.table.sha256])

    def _telling(self) -> AbstractContextManager[None]:
        return telling(self._write_state, lambda: self.on_disk)

    def _write_state(self, state: str, **facts: Any) -> None:
        seconds = sum(done.seconds for done in self.journal.finished)
        record = {
            "state": state,
            "command": SWEEP.command,
            **facts,
            "trainings": len(self.search.trials),
            "seconds": round(seconds, 3),
            "seconds_by_rate": {
                f"{one.setting} {one.rate:g}".strip(): round(self.seconds(one), 3)
                for one in self.search.candidates
            },
            "jobs": self.jobs,
            "seed": self.config.seed,
            "data": {
                "files": self.config.data.files,
                "sha256": self.prepared.table.sha256,
                "rows": self.prepared.table.n_rows,
            },
            "notices": [notice._asdict() for notice in (*self.notices, *self.failures)],
            "environment": environment(),
        }
        write_json(self.folder / names.RECORD, record)


def _candidate(one: Candidate) -> dict[str, Any]:
    score, loss = one.score, one.loss
    return {
        **({"setting": one.setting} if one.setting else {}),
        "learning_rate": one.rate,
        "mean": score and score.value,
        "standard_error": score and score.error,
        "mean_loss": loss and loss.value,
        "failed_folds": one.failed,
        "folds": len(one.trials),
        "mean_epoch": one.epoch,
        "epochs": one.epochs,
    }


def _choice(choice: Choice) -> dict[str, Any]:
    runner_up = choice.runner_up
    return {
        **({"setting": choice.winner.setting} if choice.winner.setting else {}),
        "learning_rate": choice.winner.rate,
        "runner_up": runner_up and _candidate(runner_up),
        "p": choice.p,
        "alike": [_candidate(one) for one in choice.alike],
    }


def _where(trial: Trial, also: str) -> str:
    """`learning rate 0.3, fold 2 of repeat 1`"""
    setting = f"{also}={trial.setting}, " if also else ""
    return f"{setting}learning rate {trial.rate:g}, fold {trial.fold} of repeat {trial.repeat}"


def _failure(one: Candidate) -> Problem:
    first = next(trial.failure for trial in one.trials if trial.failure)
    what = f"{one.failed} of {len(one.trials)} folds failed; the first: {first}"
    setting = f"{one.setting}, " if one.setting else ""
    return Problem("BP-N010", f"{setting}learning rate {one.rate:g}", what, _ALL_FAILED)
