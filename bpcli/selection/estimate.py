"""How well a config does on rows it has not seen: k-fold cross-validation, once or repeated.

Where training looks at validation rows, each fold is scored by a training for as many epochs as the
other folds take (see `trainings`); the model to be had is trained for as many as all of them take.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import fmean
from typing import Any, NamedTuple

import numpy as np

from bpcli.config.errors import Notice, NumericError, Problem
from bpcli.data.arrays import Ints
from bpcli.data.prepare import Prepared
from bpcli.data.split import VALIDATION
from bpcli.experiment.baseline import constant_baseline
from bpcli.experiment.config import Config
from bpcli.experiment.predictor import Ensemble
from bpcli.experiment.replicas import Replica
from bpcli.experiment.scoring import score
from bpcli.metrics.metric import Floats, Metric
from bpcli.selection.statistics import Mean, interval
from bpcli.selection.study import Finished, Key, Prediction, Study, Trial
from bpcli.selection.trainings import Trainings, mean_epoch


class Held(NamedTuple):
    """A fold's training that is scored, and its predictions of the rows held out."""

    trial: Trial
    prediction: Prediction


class MetricEstimate(NamedTuple):
    """One metric over the folds, with the interval and what the baseline reaches."""

    values: tuple[float, ...]
    mean: Mean
    interval: tuple[float, float] | None  # 95 %; None for one fold, or where all say the same
    baseline: float | None


class CrossValidation:
    """The folds of one config, trained once, or twice where the first time tells the epochs."""

    failures: tuple[Notice, ...] = ()  # they end it

    def __init__(
        self, prepared: Prepared, config: Config, notices: tuple[Notice, ...] = ()
    ) -> None:
        self.prepared, self.config = prepared, config
        self.study = Study({"": (prepared, config)})
        self.notices = (*self.study.folds.notices, *notices)
        self.trainings = Trainings(self.study)
        self._predictions: dict[Key, Prediction] = {}

    def work(self, group: Sequence[Key]) -> str:
        """Train a group and predict the rows that each training holds out; one line."""
        return self.study.train(group, self._predict).to_json()

    def take(self, line: str) -> None:
        """Take in a group, of this sitting or an earlier one."""
        finished = Finished.from_json(line)
        self.trainings.take(finished)
        keys = (trial.key for trial in finished.trials)
        self._predictions.update(zip(keys, finished.predictions, strict=True))

    def pending(self, jobs: int = 1) -> list[list[Key]]:
        """The groups to do next; empty at the end.  NumericError where a fold has no score."""
        failed = [trial for trial in self.trainings.results(self._keys) if trial.failure]
        if failed and not self.trainings.missing(self._keys):
            raise NumericError(*map(_failure, failed))
        return self.study.groups(self.trainings.pending(self._keys), jobs)

    @property
    def done(self) -> int:
        """Trainings done."""
        return len(self.trainings)

    @property
    def spent(self) -> float:
        """Seconds that they took, over all processes."""
        return self.trainings.spent

    @property
    def left(self) -> int:
        """Trainings known to be needed still."""
        return self.trainings.left(self._keys)

    def record(self) -> dict[str, Any]:
        """What else is known of the trainings, for the record of the run."""
        return {}

    @property
    def epochs(self) -> int | None:
        """That the model to be had is trained for; None where the config's own rules end it."""
        if not self.study.watches(""):
            return None
        return mean_epoch(one.epoch for one in self.trainings.first(self._keys))

    @property
    def held(self) -> list[Held]:
        """The trainings that are scored, in the order of the folds."""
        trials = self.trainings.results(self._keys)
        return [Held(trial, self._predictions[trial.key]) for trial in trials]

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
        limits = Metric.members()[name].limits
        around = interval(values, self.study.share_held_out(), limits) if len(values) > 1 else None
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

    def _predict(self, trial: Trial, replica: Replica) -> Prediction:
        """Of the rows held out; nothing where the training is not the one that is scored."""
        if trial.failure or (self.study.watches("") and trial.length is None):
            return []
        problem = self.study.lesson(trial.key).problem
        rows = problem.prepared.rows(VALIDATION)
        prediction: Prediction = (
            problem.predictor(replica.weights).predict_inputs(problem.prepared.x[rows]).tolist()
        )
        return prediction

    @property
    def _keys(self) -> list[Key]:
        return self.study.keys(next(iter(self.study.lessons.values())).problem.method().rates)


def _failure(trial: Trial) -> Problem:
    fix = "lower learning_rate, or let bpcli lr-sweep choose it"
    return Problem("BP-N012", f"fold {trial.fold} of repeat {trial.repeat}", trial.failure, fix)
