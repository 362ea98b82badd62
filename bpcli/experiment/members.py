"""The members of an ensemble: what each of them learns, and what they predict together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from bpcli.config.errors import DataError, Notice
from bpcli.data.arrays import Ints
from bpcli.data.folds import Fold, Folds, make_folds
from bpcli.data.prepare import refit
from bpcli.data.split import CALIBRATION, TEST, TRAIN, VALIDATION
from bpcli.experiment.fit import Fit
from bpcli.experiment.parts import FoldsSpec
from bpcli.experiment.predictor import Ensemble, mean_of
from bpcli.experiment.problem import LearningProblem
from bpcli.experiment.replicas import Lesson, Replica, groups_of
from bpcli.metrics.metric import Floats
from bpcli.nn import room
from bpcli.nn.layer import Array

Seen = Mapping[int, tuple[Ints, Floats]]  # by set: its rows, and the prediction of each


class Members(NamedTuple):
    """K members that share the rows of the split, or leave out a fold of them each.

    A single network is the only member of its run. All members take their batches in the same
    order; they differ in start values and noise, and those of folds in the rows that they see.
    """

    problem: LearningProblem  # of the split: without folds that of every member
    lessons: tuple[Lesson, ...]  # one that all learn, or one each
    size: int
    folds: Folds | None

    @classmethod
    def of(cls, problem: LearningProblem) -> Members:
        """The members that a resolved config asks for.  Raises DataError for impossible folds."""
        config, prepared = problem.config, problem.prepared
        if not isinstance(config.ensemble, FoldsSpec):
            return cls(problem, (Lesson.of(problem),), config.networks, None)
        split = config.split.model_copy(update={"folds": config.networks, "repeats": 1})
        folds = make_folds(prepared, split, config.seed)
        lessons = tuple(_lesson(problem, config.ensemble, fold) for fold in folds.folds)
        return cls(problem, lessons, len(lessons), folds)

    @property
    def problems(self) -> list[LearningProblem]:
        """The one that all members share, or that of each."""
        return [lesson.problem for lesson in self.lessons]

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What should be known of the folds."""
        found = self.folds.notices if self.folds else ()
        return tuple(notice._replace(where="ensemble.folds") for notice in found)

    @property
    def parameters(self) -> int:
        """Trained numbers of all members."""
        return self._over_all(problem.network.size for problem in self.problems)

    @property
    def updates(self) -> int:
        """Of all members, where none of them ends earlier."""
        return self._over_all(problem.method().iterations for problem in self.problems)

    def _over_all(self, numbers: Iterable[int]) -> int:
        """The sum over the members of a number that each problem has."""
        return sum(numbers) * (self.size // len(self.lessons))

    def replicas(self) -> list[Replica]:
        """Their trainings; start values and noise follow the number of the member."""
        (rate,) = self.problem.method().rates
        lessons = self.lessons * (self.size // len(self.lessons))
        return [Replica(lesson, rate, name) for name, lesson in enumerate(lessons)]

    def fit(self, pause: Callable[[], None] = lambda: None) -> Fit:
        """Their training from the start values; iterate it to train.  `pause`: see `train`."""
        replicas = self.replicas()
        divergence = self.problem.config.on_divergence
        return Fit(replicas, groups_of(replicas), on_divergence=divergence, pause=pause)

    def ensemble(self, weights: Sequence[Array]) -> Ensemble:
        """The networks that the parameters (1,P) of each member make; nothing is calibrated."""
        if self.folds is None:
            return Ensemble.of(self.problem.predictor(np.concatenate(weights)))
        pairs = zip(self.problems, weights, strict=True)
        parts = tuple(problem.predictor(flat) for problem, flat in pairs)
        return Ensemble(parts, self.problem.prepared.features, self.problem.prepared.target)

    def by_set(self, each: Sequence[Floats] | Floats) -> Seen:
        """The predictions (K,N,…) of members, or the one of a model that all share, by set.

        The prediction is the mean over the members. Of folds, the validation rows are all rows
        held out, each predicted by the member that has not seen it.
        """
        mean, prepared = mean_of(each), self.problem.prepared
        sets = (TRAIN, VALIDATION, TEST, CALIBRATION)
        seen = {which: room.kept(prepared.rows(which)) for which in sets}
        predicted = {
            which: (rows, room.taken(mean, rows)) for which, rows in seen.items() if len(rows)
        }
        if self.folds is not None:
            held = [problem.prepared.rows(VALIDATION) for problem in self.problems]
            for rows, own in zip(held, each, strict=True):
                mean[rows] = own[rows]
            rows = np.sort(np.concatenate(held))
            predicted[VALIDATION] = rows, mean[rows]
        return {which: predicted[which] for which in seen if which in predicted}

    def fold_of_rows(self) -> list[int | None]:
        """The number of the fold that holds each row out, from 1; None for one that none does."""
        assert self.folds is not None
        numbers: list[int | None] = [None] * self.problem.prepared.table.n_rows
        for fold in self.folds.folds:
            for row in np.flatnonzero(fold.sets == VALIDATION):
                numbers[row] = fold.number
        return numbers


def _lesson(problem: LearningProblem, spec: FoldsSpec, fold: Fold) -> Lesson:
    """What the member learns that is trained without a fold."""
    assert problem.config.regularization is not None
    own = spec.penalties(problem.config.regularization, fold.number - 1)
    try:
        inside = refit(problem.prepared, problem.config.preprocess, fold.sets)
        config = problem.config.model_copy(update={"regularization": own})
        return Lesson.of(LearningProblem.of(config, inside))
    except DataError as error:
        where = f"member {fold.number}, "
        raise DataError(*(p._replace(where=where + p.where) for p in error.problems)) from None
