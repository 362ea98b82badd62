"""How well a config does on rows it has not seen: k-fold cross-validation, once or repeated.

Where training looks at validation rows to choose its end, the folds only say how many epochs that
takes; then every fold trains for the mean of them and is scored. Rows that choose an epoch would
flatter the score of the epoch that they chose.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from statistics import fmean
from typing import NamedTuple

import numpy as np

from bpcli.config.errors import NumericError, Problem
from bpcli.data.arrays import Ints
from bpcli.data.prepare import Prepared
from bpcli.data.split import VALIDATION
from bpcli.experiment.baseline import constant_baseline
from bpcli.experiment.config import Config, StopSpec
from bpcli.experiment.predictor import Ensemble
from bpcli.experiment.replicas import Replica
from bpcli.experiment.scoring import score
from bpcli.metrics.metric import Floats
from bpcli.selection.choice import mean_epoch
from bpcli.selection.statistics import Mean, interval
from bpcli.selection.study import Key, Study, Trial


class Held(NamedTuple):
    """A fold's training, and its predictions of the rows held out."""

    trial: Trial
    prediction: list[list[float]]  # (rows held out, N columns)


class MetricEstimate(NamedTuple):
    """One metric over the folds, with the interval and what the baseline reaches."""

    values: tuple[float, ...]
    mean: Mean
    interval: tuple[float, float] | None  # 95 %; None for a single fold
    baseline: float | None


class CrossValidation:
    """The folds of one config, in one pass, or in two where the first chooses the epochs."""

    def __init__(self, prepared: Prepared, config: Config) -> None:
        self.prepared, self.config = prepared, config
        self.epochs: int | None = None  # that each training gets; None where its rules decide
        self.study = Study({"": (prepared, config)})
        self.held: list[Held] = []

    @property
    def watches(self) -> bool:
        """Whether the validation rows have a say in when training ends."""
        return self.config.stop.watches_validation

    def groups(self, jobs: int) -> list[list[Key]]:
        """The trainings of one pass."""
        return self.study.groups(self.study.keys([self._rate()]), jobs)

    def work(self, group: Sequence[Key]) -> str:
        """Train a group and predict the rows that each training holds out; one line."""
        return json.dumps([(t, self._predict(t, one)) for t, one in self.study.replicas(group)])

    def take(self, lines: Iterable[str]) -> None:
        """Take in a whole pass.  Raises NumericError where a fold has no score."""
        done = [
            (Trial(*trial), prediction) for line in lines for trial, prediction in json.loads(line)
        ]
        self.held = sorted((Held(*one) for one in done), key=lambda one: one.trial.key)
        failed = [one.trial for one in self.held if one.trial.failure]
        if failed:
            raise NumericError(*map(_failure, failed))

    def settle(self) -> None:
        """From the first pass the number of epochs, for a second one that is scored."""
        self.epochs = mean_epoch(one.trial for one in self.held)
        stop = StopSpec(epoch=self.epochs, monitor="train_loss", restore_best=False)
        settled = self.config.model_copy(update={"stop": stop})
        self.study = Study({"": (self.prepared, settled)})

    def refit(self) -> list[str]:
        """The model to be had, as PATH=VALUE: this config on all rows but the test rows."""
        stop = [] if self.epochs is None else [f"stop={{epoch: {self.epochs}}}"]
        return ["split.train_on_validation=true", *stop]

    @property
    def naming(self) -> Ensemble:
        """How predictions are named; the parameters are those of no fold."""
        problem = next(iter(self.study.lessons.values())).problem
        return Ensemble.of(problem.predictor(np.empty(0)))

    def metrics(self) -> dict[str, MetricEstimate]:
        """Every metric that is defined in each fold."""
        by_fold, baselines = zip(*self._scores(), strict=True)
        names = [name for name in by_fold[0] if all(name in one for one in by_fold)]
        return {name: self._estimate(name, by_fold, baselines) for name in names}

    def predictions(self) -> tuple[Floats, list[tuple[int, int, int]]]:
        """Of each row the mean over the repeats (N,D), NaN where none; (row, repeat, fold)."""
        width = len(self.held[0].prediction[0])
        total, count = (
            np.zeros((self.prepared.table.n_rows, width)),
            np.zeros((len(self.prepared.sets), 1)),
        )
        places = []
        for one, rows in self._with_rows():
            total[rows] += np.array(one.prediction)
            count[rows] += 1
            places += [(int(row) + 1, one.trial.repeat, one.trial.fold) for row in rows]
        return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0), places

    def _estimate(
        self, name: str, by_fold: Sequence[dict[str, float]], baselines: Sequence[dict[str, float]]
    ) -> MetricEstimate:
        values = tuple(one[name] for one in by_fold)
        base = [one[name] for one in baselines if name in one]
        around = interval(values, self.study.share_held_out()) if len(values) > 1 else None
        return MetricEstimate(values, Mean.of(values), around, fmean(base) if base else None)

    def _scores(self) -> Iterator[tuple[dict[str, float], dict[str, float]]]:
        """The metrics of each fold, and the baseline's."""
        for one, rows in self._with_rows():
            problem = self.study.lesson(one.trial.key).problem
            prediction = np.full((len(self.prepared.sets), len(one.prediction[0])), np.nan)
            prediction[rows] = one.prediction
            constant = constant_baseline(problem).prediction
            truth = problem.prepared.target.truth(problem.prepared.table)[rows]
            scored = (score(problem.loss, truth, each[rows]) for each in (prediction, constant))
            yield next(scored), next(scored)

    def _with_rows(self) -> Iterator[tuple[Held, Ints]]:
        for one in self.held:
            yield one, self.study.lesson(one.trial.key).problem.prepared.rows(VALIDATION)

    def _predict(self, trial: Trial, replica: Replica) -> list[list[float]]:
        if trial.failure:
            return []
        problem = self.study.lesson(trial.key).problem
        rows = problem.prepared.rows(VALIDATION)
        prediction: list[list[float]] = (
            problem.predictor(replica.weights).predict_inputs(problem.prepared.x[rows]).tolist()
        )
        return prediction

    def _rate(self) -> float:
        (rate,) = next(iter(self.study.lessons.values())).problem.method().rates
        return rate


def _failure(trial: Trial) -> Problem:
    fix = "lower learning_rate, or let bpcli lr-sweep choose it"
    return Problem("BP-N012", f"fold {trial.fold} of repeat {trial.repeat}", trial.failure, fix)
