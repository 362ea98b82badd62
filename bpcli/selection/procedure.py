"""Scores of a config on folds, by trainings such as `bpcli train` makes.

Each fold is scored by a training whose epoch was chosen on the next fold, as validation rows choose
it: so the rows that a score is of had no say in it. The test rows stay out of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean
from typing import NamedTuple, Self

from bpcli.data.arrays import Sets
from bpcli.data.folds import Folds
from bpcli.data.prepare import Prepared, refit
from bpcli.data.split import EXCLUDED, TEST, VALIDATION
from bpcli.experiment.config import Config
from bpcli.experiment.finish import finish, truth_of
from bpcli.experiment.fit import train_together
from bpcli.experiment.problem import LearningProblem
from bpcli.experiment.replicas import Lesson, Replica, groups_of
from bpcli.experiment.scoring import score
from bpcli.metrics.metric import Metric
from bpcli.selection.statistics import Mean

# Standard errors of a difference that a lead is more than: of five folds chance alone has it once
# in ten times, by Student's t.
LEAD = 1.5
ENOUGH = 3  # folds: one to score, one to choose the epoch, one to learn from
WHOLE = -1  # in place of the number of a fold: all rows that train and validate


class FoldScore(NamedTuple):
    """What came of the training for one fold."""

    fold: int  # from 0, or WHOLE
    scores: Mapping[str, float]  # by metric; empty where it failed
    epochs: int
    failure: str  # why there is no score; empty where there is one

    def requiring(self, metric: Metric) -> Self:
        """The same, or a failure where the metric is not defined on the rows of the fold."""
        if self.failure or metric.name in self.scores:
            return self
        return self._replace(failure=f"{metric.name} is not defined on the rows held out")


class Candidate(NamedTuple):
    """A config by name, with its scores."""

    name: str
    scores: tuple[FoldScore, ...]

    @property
    def failure(self) -> str:
        """Why one of the folds has no score; empty where all have one."""
        return next((one.failure for one in self.scores if one.failure), "")

    def mean(self, metric: Metric) -> Mean:
        """Of the folds, which all have a score."""
        return Mean.of([one.scores[metric.name] for one in self.scores])

    def means(self) -> dict[str, float]:
        """Of each metric that every fold has."""
        first, *others = (one.scores for one in self.scores)
        common = [name for name in first if all(name in other for other in others)]
        return {name: fmean(one.scores[name] for one in self.scores) for name in common}

    def leads(self, other: Candidate, metric: Metric) -> bool:
        """Whether it is better by more than `LEAD` standard errors of the folds' differences."""
        pairs = zip(self.scores, other.scores, strict=True)
        gap = Mean.of([b.scores[metric.name] - a.scores[metric.name] for a, b in pairs])
        lead = -gap.value if metric.better == "higher" else gap.value
        return lead > LEAD * (gap.error or 0)

    def order(self, metric: Metric) -> float:
        """The lower the better."""
        value = self.mean(metric).value
        return -value if metric.better == "higher" else value


def ranked(candidates: Iterable[Candidate], metric: Metric) -> list[Candidate]:
    """Those without a failure, the best first."""
    whole = [one for one in candidates if one.scores and not one.failure]
    return sorted(whole, key=lambda one: one.order(metric))


def fold_scores(
    prepared: Prepared, configs: Sequence[Config], folds: Folds, numbers: Sequence[int]
) -> list[list[FoldScore]]:
    """Of each config the scores on some of the folds; trainings of one shape train together.

    The configs have in common what replicas have to: see `in_common`.
    """
    sets = {number: _sets(folds, number) for number in numbers}
    preprocess = configs[0].preprocess
    return _scores(configs, {n: refit(prepared, preprocess, own) for n, own in sets.items()})


def whole_score(prepared: Prepared, config: Config) -> FoldScore:
    """Train with the rows as they are divided, and score the test rows."""
    ((score,),) = _scores([config], {WHOLE: prepared})
    return score


def _scores(configs: Sequence[Config], parts: Mapping[int, Prepared]) -> list[list[FoldScore]]:
    lessons = [Lesson.of(LearningProblem.of(configs[0], one)) for one in parts.values()]
    # Those of one fold stand together: where a group has no others, they share their rows.
    replicas = [_replica(lesson, config) for lesson in lessons for config in configs]
    for group in groups_of(replicas):
        train_together([replicas[i] for i in group])
    of_config = (replicas[i :: len(configs)] for i in range(len(configs)))
    return [[_scored(*both) for both in zip(parts, own, strict=True)] for own in of_config]


def _replica(lesson: Lesson, config: Config) -> Replica:
    problem = lesson.problem._replace(config=config)
    return Replica(lesson._replace(problem=problem), problem.method().rates[0])


def _sets(folds: Folds, number: int) -> Sets:
    """The rows of the fold are tested, those of the next one choose the epoch."""
    parts = [fold.sets == VALIDATION for fold in folds.folds]
    sets = folds.folds[number].sets.copy()
    sets[sets == TEST] = EXCLUDED
    sets[parts[(number + 1) % len(parts)]], sets[parts[number]] = VALIDATION, TEST
    return sets


def _scored(number: int, replica: Replica) -> FoldScore:
    if replica.failure is not None:
        told = replica.failure
        return FoldScore(number, {}, replica.epochs, f"{told.where}: {told.what}")
    problem = replica.lesson.problem
    prepared, predictor = problem.prepared, problem.predictor(replica.weights)
    sets = {which: prepared.rows(which) for which in (VALIDATION, TEST)}
    raw = {s: (rows, predictor.predict_inputs(prepared.x[rows])) for s, rows in sets.items()}
    done = finish(problem, {which: one for which, one in raw.items() if len(one[0])})
    rows, predicted = done.seen[TEST]
    scores = score(problem.loss, truth_of(problem)[rows], predicted, done.decided(TEST))
    return FoldScore(number, scores, replica.epochs, "")
