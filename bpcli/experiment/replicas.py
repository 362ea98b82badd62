"""One training among several: what it learns, and what has come of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from bpcli.config.errors import Problem
from bpcli.experiment.memory import SHARED_CACHE, most_at_once
from bpcli.experiment.problem import LearningProblem
from bpcli.experiment.progress import Standing, text_of
from bpcli.experiment.stopping import Record, StopRule, until
from bpcli.experiment.validation import Validation, Validator
from bpcli.nn.batches import Rows
from bpcli.nn.layer import Array
from bpcli.nn.update import Regularization


class Lesson(NamedTuple):
    """A problem with its rows as training numbers; replicas that share it share these arrays."""

    problem: LearningProblem
    rows: Rows
    validation: Validation | None

    @classmethod
    def of(cls, problem: LearningProblem) -> Lesson:
        """The rows of a problem."""
        return cls(problem, problem.training_rows(), problem.validation())

    @property
    def shape(self) -> tuple[Any, ...]:
        """What must be equal in lessons that are learnt together."""
        watched, network = self.validation and self.validation.x.shape, self.problem.network
        layers = tuple(layer.model_dump_json() for layer in network.layers)  # may hold levels
        return network.in_shape, layers, self.rows.x.shape, watched


class Replica:
    """One of the trainings.  Start values and noise follow its name, the rows its lesson."""

    def __init__(
        self,
        lesson: Lesson,
        rate: float,
        name: int = 0,
        *,
        length: int | None = None,
        watches: bool = True,
    ) -> None:
        """Training as long as its config says, or for `length` epochs.

        Where it does not watch the validation rows, they have no say, and are scored at the end.
        """
        self.lesson, self.rate, self.name = lesson, rate, name
        self.watched = lesson.validation if watches else None
        stop = lesson.problem.config.stop if length is None else until(length)
        if self.watched is None:  # nothing depends on the monitored loss, and this one is free
            stop = stop.model_copy(update={"monitor": "train_loss"})
        self.rule = StopRule(stop, self.watched and self.watched.metric)
        self.last: Record | None = None  # of its epochs
        self.kept: Array | None = None  # (1,P) of its best epoch, or of the last once it has ended
        self.halvings: list[int] = []  # the iterations at which the rate was halved
        self.stop_reason = ""
        self.failure: Problem | None = None

    @property
    def penalties(self) -> Regularization:
        """What keeps its weights small."""
        found = self.lesson.problem.config.regularization
        assert found is not None
        return found

    @property
    def has_ended(self) -> bool:
        """Whether it trains no more."""
        return bool(self.stop_reason or self.failure)

    @property
    def weights(self) -> Array:
        """Parameters (1,P) that it has ended with."""
        assert self.kept is not None
        return self.kept

    @property
    def best_epoch(self) -> int | None:
        """The epoch whose weights are kept; None where the last ones are."""
        return self.rule.best_epoch if self.rule.restores else None

    @property
    def epochs(self) -> int:
        """Epochs trained."""
        return self.last.epoch if self.last else 0

    def score(self) -> tuple[float, float | None]:
        """Loss and metric of the rows held out with the weights that it has ended with."""
        problem, watched = self.lesson.problem, self.lesson.validation
        assert watched is not None
        validator = Validator(problem.network, problem.loss, [watched], self.weights)
        return validator.losses()[0], validator.metric(0)

    def follow(self, record: Record, weights: Array) -> None:
        """Take in an epoch and the weights (1,P) that it ended with."""
        self.last = record
        better, reason = self.rule.judge(record)
        if better and self.rule.restores:
            self.kept = weights.copy()
        if reason:
            self.end(reason, weights)

    def end(self, reason: str, weights: Array) -> None:
        """Training ends with these weights (1,P), unless an earlier epoch's are kept."""
        self.stop_reason = reason
        if not self.rule.restores:
            self.kept = weights.copy()

    def standing(self) -> Standing:
        """What it must remember to go on."""
        return Standing(
            best=text_of(self.rule.best),
            best_epoch=self.rule.best_epoch,
            halvings=tuple(self.halvings),
            stop_reason=self.stop_reason,
        )

    def resume(self, standing: Standing, kept: Array | None, last: Record | None) -> None:
        """Go on from there.  Raises ValueError where its weights are not those of this network."""
        self.rule.best, self.rule.best_epoch = float(standing.best), standing.best_epoch
        self.halvings, self.stop_reason = list(standing.halvings), standing.stop_reason
        self.last, self.kept = last, None if kept is None else kept.copy()
        problem = self.lesson.problem
        wanted = (1, problem.network.size), problem.config.dtype
        if self.kept is not None and (self.kept.shape, self.kept.dtype.name) != wanted:
            raise ValueError("its best weights do not fit its network")
        has_some = self.has_ended or (self.rule.restores and self.rule.best_epoch > 0)
        if has_some != (self.kept is not None) or (has_some and last is None):
            raise ValueError("its best weights do not fit its position")


def groups_of(replicas: Sequence[Replica]) -> list[list[int]]:
    """The replicas, by number, that train at once: of one shape, and small enough for the cache.

    From wide layers on a group is a single one, since nothing is gained; and so it is where a
    rate may be halved on the way, since one goes back alone.
    """
    alike: dict[Any, list[int]] = {}
    for number, replica in enumerate(replicas):
        alike.setdefault(replica.lesson.shape, []).append(number)
    groups: list[list[int]] = []
    for numbers in alike.values():
        problem = replicas[numbers[0]].lesson.problem
        alone = problem.config.on_divergence == "backoff"
        size = 1 if alone else most_at_once(problem, SHARED_CACHE)
        groups += [numbers[i : i + size] for i in range(0, len(numbers), size)]
    return groups
