"""Which preset suits a small table: the usual one or plain linear, by cross-validation.

A table of few rows seldom tells more than a linear model can say, and whether this one does can be
asked of it. Each fold is scored by a training whose epoch was chosen on the next fold, as the
validation rows choose it in a training; the test rows stay out of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from statistics import fmean
from typing import NamedTuple

from bpcli.data.arrays import Sets
from bpcli.data.folds import Folds, make_folds
from bpcli.data.prepare import Prepared, refit
from bpcli.data.split import EXCLUDED, TEST, VALIDATION
from bpcli.experiment.config import Config
from bpcli.experiment.fit import train_together
from bpcli.experiment.problem import LearningProblem
from bpcli.experiment.replicas import Lesson, Replica, groups_of
from bpcli.experiment.scoring import score
from bpcli.metrics.metric import Metric, metrics_for
from bpcli.selection.statistics import Mean

TIES = "log_loss"  # decides where as many rows are right


class Candidate(NamedTuple):
    """A preset with its scores, one a fold."""

    name: str
    values: tuple[float, ...]
    ties: float  # the lower the better

    def order(self, metric: Metric) -> tuple[float, float]:
        """The lower the better."""
        mean = fmean(self.values)
        return (-mean if metric.better == "higher" else mean), self.ties


class PresetChoice(NamedTuple):
    """The presets that have a score in every fold, the best first, and how they were compared."""

    ranked: list[Candidate]
    metric: str
    method: str

    @property
    def reason(self) -> str:
        """`5 stratified folds prefer linear: accuracy 0.9722 ± 0.012, mlp 0.9583 ± 0.014`"""
        best, *others = self.ranked
        listed = (f"{one.name} {_figure(one)}" for one in others)
        said = ", ".join([f"{self.metric} {_figure(best)}", *listed])
        return f"{len(best.values)} {self.method} folds prefer {best.name}: {said}"


def preferred(settings: Mapping[str, tuple[Prepared, Config]]) -> PresetChoice:
    """The presets by name, each prepared and resolved, ranked.  Raises DataError without folds."""
    prepared, config = next(iter(settings.values()))
    once = config.split.model_copy(update={"repeats": 1})
    folds = make_folds(prepared, once, config.seed)
    enough = len(folds.folds) > 2  # a fold to score, one to choose the epoch, others to learn from
    compared = settings.items() if enough else ()
    candidates = [one for name, own in compared for one in _scored(name, *own, folds)]
    loss = config.loss
    assert loss
    metric = metrics_for(loss.predicts)[0]
    ranked = sorted(candidates, key=lambda one: one.order(metric))
    return PresetChoice(ranked, metric.name, folds.method)


def _scored(name: str, prepared: Prepared, config: Config, folds: Folds) -> Iterator[Candidate]:
    """The candidate, unless a fold of it fails."""
    problems = [
        LearningProblem.of(config, refit(prepared, config.preprocess, sets))
        for sets in _sets(folds)
    ]
    replicas = [Replica(Lesson.of(one), one.method().rates[0]) for one in problems]
    for group in groups_of(replicas):
        train_together([replicas[i] for i in group])
    if any(one.failure for one in replicas):
        return
    scores = [_score(*both) for both in zip(problems, replicas, strict=True)]
    metric = next(iter(scores[0]))
    ties = fmean(one.get(TIES, 0.0) for one in scores)
    yield Candidate(name, tuple(one[metric] for one in scores), ties)


def _sets(folds: Folds) -> Iterator[Sets]:
    """The sets of each fold: its own rows are tested, those of the next choose the epoch."""
    parts = [fold.sets == VALIDATION for fold in folds.folds]
    for own, following, fold in zip(parts, [*parts[1:], parts[0]], folds.folds, strict=True):
        sets = fold.sets.copy()
        sets[sets == TEST] = EXCLUDED
        sets[following], sets[own] = VALIDATION, TEST
        yield sets


def _score(problem: LearningProblem, replica: Replica) -> dict[str, float]:
    prepared = problem.prepared
    rows = prepared.rows(TEST)
    predicted = problem.predictor(replica.weights).predict_inputs(prepared.x[rows])
    return score(problem.loss, prepared.target.truth(prepared.table)[rows], predicted)


def _figure(one: Candidate) -> str:
    mean = Mean.of(one.values)
    error = "" if mean.error is None else f" ± {mean.error:.2g}"
    return f"{mean.value:.4g}{error}"
