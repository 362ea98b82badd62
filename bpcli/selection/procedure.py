"""Scores of a config on folds, by trainings such as `bpcli train` makes.

Each fold is scored by a training whose epoch was chosen on the next fold, as validation rows choose
it: so the rows that a score is of had no say in it. The test rows stay out of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean
from typing import NamedTuple

from bpcli.data.arrays import Sets
from bpcli.data.folds import Folds
from bpcli.data.prepare import Prepared, refit
from bpcli.data.split import EXCLUDED, TEST, VALIDATION
from bpcli.experiment.config import Config
from bpcli.experiment.fit import train_together
from bpcli.experiment.problem import LearningProblem
from bpcli.experiment.replicas import Lesson, Replica, groups_of
from bpcli.experiment.scoring import score
from bpcli.metrics.metric import Metric
from bpcli.selection.statistics import Mean

ENOUGH = 3  # folds: one to score, one to choose the epoch, one to learn from
WHOLE = -1  # in place of the number of a fold: all rows that train and validate
TIES = "log_loss"  # decides where as many rows are right


class FoldScore(NamedTuple):
    """What came of the training for one fold."""

    fold: int  # from 0, or WHOLE
    value: float  # of the first metric; 0 where it failed
    tie: float  # the lower the better
    epochs: int
    failure: str  # why there is no score; empty where there is one


class Candidate(NamedTuple):
    """A config by name, with its scores."""

    name: str
    scores: tuple[FoldScore, ...]

    @property
    def failure(self) -> str:
        """Why one of the folds has no score; empty where all have one."""
        return next((one.failure for one in self.scores if one.failure), "")

    @property
    def mean(self) -> Mean:
        """Of the folds that are scored."""
        return Mean.of([one.value for one in self.scores])

    def of(self, metric: Metric) -> float:
        """The mean of the first metric, or of the one that decides where that is alike."""
        return self.tie if metric.name == TIES else self.mean.value

    @property
    def tie(self) -> float:
        """What tells candidates of equal means apart."""
        return fmean(one.tie for one in self.scores)

    def order(self, metric: Metric) -> tuple[float, float]:
        """The lower the better."""
        value = self.mean.value
        return (-value if metric.better == "higher" else value), self.tie


def ranked(candidates: Iterable[Candidate], metric: Metric) -> list[Candidate]:
    """Those without a failure, the best first."""
    whole = [one for one in candidates if one.scores and not one.failure]
    return sorted(whole, key=lambda one: one.order(metric))


def fold_scores(
    prepared: Prepared, config: Config, folds: Folds, numbers: Sequence[int]
) -> list[FoldScore]:
    """Train for some of the folds, those of one shape together, and score them."""
    sets = {number: _sets(folds, number) for number in numbers}
    parts = {number: refit(prepared, config.preprocess, own) for number, own in sets.items()}
    return _scores(config, parts)


def whole_score(prepared: Prepared, config: Config) -> FoldScore:
    """Train with the rows as they are divided, and score the test rows."""
    return _scores(config, {WHOLE: prepared})[0]


def _scores(config: Config, parts: Mapping[int, Prepared]) -> list[FoldScore]:
    problems = [LearningProblem.of(config, one) for one in parts.values()]
    replicas = [Replica(Lesson.of(one), one.method().rates[0]) for one in problems]
    for group in groups_of(replicas):
        train_together([replicas[i] for i in group])
    trained = zip(parts, problems, replicas, strict=True)
    return [_scored(number, problem, replica) for number, problem, replica in trained]


def _sets(folds: Folds, number: int) -> Sets:
    """The rows of the fold are tested, those of the next one choose the epoch."""
    parts = [fold.sets == VALIDATION for fold in folds.folds]
    sets = folds.folds[number].sets.copy()
    sets[sets == TEST] = EXCLUDED
    sets[parts[(number + 1) % len(parts)]], sets[parts[number]] = VALIDATION, TEST
    return sets


def _scored(number: int, problem: LearningProblem, replica: Replica) -> FoldScore:
    if replica.failure is not None:
        told = replica.failure
        return FoldScore(number, 0.0, 0.0, replica.epochs, f"{told.where}: {told.what}")
    prepared = problem.prepared
    rows = prepared.rows(TEST)
    predicted = problem.predictor(replica.weights).predict_inputs(prepared.x[rows])
    scores = score(problem.loss, prepared.target.truth(prepared.table)[rows], predicted)
    value = next(iter(scores.values()))
    return FoldScore(number, value, scores.get(TIES, 0.0), replica.epochs, "")
